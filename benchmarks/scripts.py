"""Scripts of scripted models: what is said in benchmarks, at next to no cost."""

import random

from benchmarks.workload import REPLY
from simlab.models.model import Prompt, Sampling

N_WORDS = 20
"""Words of each thing said, where all that is said is new; 6 characters each with the space."""

_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def hold(_prompt: Prompt, _sampling: Sampling) -> str:
    """The rest of an offer that was begun for the model: neither a price nor an acceptance."""
    return REPLY


def cooperate(_prompt: Prompt, _sampling: Sampling) -> str:
    """The same move each time."""
    return "cooperate"


def hold_in_new_words(_prompt: Prompt, sampling: Sampling) -> str:
    """As `hold`, in words that were never said before, always as many."""
    rng = random.Random(sampling.seed)
    words = ["".join(rng.choices(_LETTERS, k=5)) for _ in range(N_WORDS)]
    return " ".join(words) + REPLY[REPLY.index('"') :]
