"""Scoring choices exactly: the log-probability of each, token after token."""

from collections.abc import Mapping, Sequence

from simlab.errors import ModelError

Tokens = tuple[int, ...]
"""Token ids that follow a prompt."""


def check_choices(choices: Sequence[str]) -> None:
    """See that there is something to score.

    Raises:
        ModelError: There are no choices, or one is empty or given twice.
    """
    if not choices or not all(choices) or len(set(choices)) < len(choices):
        raise ModelError(f"choices must be one text or more, none empty or twice, got {choices!r}")


def branches(sequences: Sequence[Tokens]) -> dict[Tokens, list[int]]:
    """What must be known to score sequences that follow one prompt.

    Args:
        sequences: The tokens of each choice, at least one.

    Returns:
        By what has been drawn so far, the next tokens whose log-probability is wanted, ascending.
        Choices that begin alike share what they have in common.
    """
    wanted: dict[Tokens, set[int]] = {}
    for tokens in sequences:
        for place, token in enumerate(tokens):
            wanted.setdefault(tokens[:place], set()).add(token)
    return {drawn: sorted(tokens) for drawn, tokens in wanted.items()}


def add_up(sequence: Tokens, logprobs: Mapping[Tokens, Mapping[int, float]]) -> float:
    """The log-probability of a whole sequence, by the chain rule.

    Args:
        sequence: The tokens of a choice.
        logprobs: Of each next token, by what has been drawn so far.
    """
    return sum(logprobs[sequence[:place]][token] for place, token in enumerate(sequence))
