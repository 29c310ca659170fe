"""Scoring choices exactly: the log-probability of each, token after token."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

from simlab.errors import ModelError
from simlab.models.model import ChoiceLogprobs, Usage, spent_on

Tokens = tuple[int, ...]
"""Token ids that follow a prompt."""

Score = Callable[[Sequence[int], Sequence[int]], Awaitable[tuple[Mapping[int, float], Usage]]]
"""Given the ids read so far and some next tokens, the log-probability of each of them."""


def check_choices(choices: Sequence[str]) -> None:
    """See that there is something to score.

    Raises:
        ModelError: There are no choices, or one is empty or given twice.
    """
    if not choices or not all(choices) or len(set(choices)) < len(choices):
        raise ModelError(f"choices must be one text or more, none empty or twice, got {choices!r}")


async def score_choices(
    prompt_ids: Sequence[int], tokens: Mapping[str, Tokens], score: Score
) -> ChoiceLogprobs:
    """The log-probability of each choice, each next token asked for once and all at the same time.

    Args:
        prompt_ids: What the choices follow.
        tokens: Of each choice, cut by itself.
        score: Asks the engine.

    Raises:
        ModelError: One was not scored; it bears what all of them took together.
    """
    wanted = branches(list(tokens.values()))
    answers = await asyncio.gather(
        *(score([*prompt_ids, *drawn], nexts) for drawn, nexts in wanted.items()),
        return_exceptions=True,
    )
    scored = [answer for answer in answers if not isinstance(answer, BaseException)]
    if len(scored) < len(answers):
        raise _failure(len(prompt_ids), answers, [usage for _, usage in scored])
    logprobs = {drawn: found for drawn, (found, _) in zip(wanted, scored, strict=True)}
    scores = {choice: add_up(sequence, logprobs) for choice, sequence in tokens.items()}
    usage = shared_usage(len(prompt_ids), [usage for _, usage in scored])
    return ChoiceLogprobs(apart(scores, tokens), usage)


def apart(scores: Mapping[str, float], tokens: Mapping[str, Sequence[int]]) -> dict[str, float]:
    """Log-probabilities of choices that exclude each other.

    Where a tokenizer cuts ``"10"`` into ``"1"`` and ``"0"``, whatever begins with ``"1"`` may go on
    to be a ``"10"``: then what the longer one has is taken from the shorter.

    Args:
        scores: Log-probability of each choice as a sequence.
        tokens: Of each choice; no two are the same.
    """
    taken: dict[str, float] = {}
    for longer, sequence in tokens.items():
        begun = [choice for choice, part in tokens.items() if _begins(part, sequence)]
        if begun:
            nearest = max(begun, key=lambda choice: len(tokens[choice]))
            taken[nearest] = taken.get(nearest, 0.0) + math.exp(scores[longer])
    left = {choice: math.exp(scores[choice]) - part for choice, part in taken.items()}
    return {**scores, **{c: math.log(part) if part > 0 else -math.inf for c, part in left.items()}}


def shared_usage(n_prompt: int, usages: Sequence[Usage]) -> Usage:
    """What requests took together that were made at once for one prompt, which counts once."""
    return Usage(
        n_prompt,
        sum(usage.completion_tokens for usage in usages),
        cached_tokens=min(usage.cached_tokens for usage in usages),
        model_s=max(usage.model_s for usage in usages),
        attempts=1 + sum(usage.attempts - 1 for usage in usages),
        dollars=math.fsum(usage.dollars for usage in usages),
    )


def spent_in_vain(n_prompt: int, usages: Sequence[Usage], errors: Sequence[ModelError]) -> Usage:
    """What requests took together of which some failed; the prompt counts if one has read it."""
    spent = [*usages, *map(spent_on, errors)]
    return shared_usage(n_prompt if any(usage.prompt_tokens for usage in spent) else 0, spent)


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


def _failure(n_prompt: int, answers: Iterable[Any], usages: Sequence[Usage]) -> BaseException:
    """The first error of several requests, a model's only where there is no other."""
    errors = [answer for answer in answers if isinstance(answer, BaseException)]
    failed = [error for error in errors if isinstance(error, ModelError)]
    if len(failed) < len(errors):
        return next(error for error in errors if not isinstance(error, ModelError))
    failed[0].usage = spent_in_vain(n_prompt, usages, failed)
    return failed[0]


def _begins(part: Sequence[int], whole: Sequence[int]) -> bool:
    return len(part) < len(whole) and tuple(whole[: len(part)]) == tuple(part)
