"""What transformers itself computes."""


def plain_logprobs(model, prompt, tokens):
    """The log-probability of each token after the prompt, from one forward of transformers."""
    import torch

    with torch.no_grad():
        logits = model(torch.tensor([[*prompt, *tokens]])).logits[0]
    rows = logits[len(prompt) - 1 : -1].log_softmax(1)
    return [float(row[token]) for row, token in zip(rows, tokens, strict=True)]
