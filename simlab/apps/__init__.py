"""The apps: what people look at and steer runs with, in a browser.

Start with `simlab.apps.watching.watch`, which serves the app until it is ended. The app and a run
are two processes that share nothing but the run's directory: committed events are read from its log
(`simlab.view`), and commands go to the socket in it (`simlab.sim.control`).

One ASGI application (`server`) holds all of it behind one guard (`guard`): our own JSON and scripts
below ``/api`` and ``/page`` (`api`, `files`), the Gradio pages (`pages`), and the pages of people
who have the link of a seat (`links`, `seats`). Reading happens in threads, one at a time for each
run (`reading`); what is sent to runs goes over one connection each (`steering`).

The only place that imports Gradio, FastAPI, Starlette and uvicorn; nothing imports it but by name.
"""
