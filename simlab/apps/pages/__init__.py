"""The Gradio pages: the shell around the transcript, forms and charts."""
