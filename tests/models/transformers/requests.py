"""Requests that tests of the engine make."""

from simlab.models.model import ChatMessage, Sampling

HELLO = [ChatMessage("system", "Be brief."), ChatMessage("user", "Hello")]
SEEDED = Sampling(max_tokens=20, seed=7, logprobs=True)
LONG = Sampling(max_tokens=900, seed=1)


def prompt_of(length, first=1):
    return [(first + 5 * place) % 250 for place in range(length)]


def drawn(completion):
    return completion.token_ids, completion.logprobs
