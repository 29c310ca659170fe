"""What the sampling filters leave of labels is told exactly, or not at all."""

import numpy as np
import pytest

from simlab.agents.warping import warped
from simlab.errors import JudgeError


def reference(probabilities):
    """Temperature, top-k and nucleus over all tokens, in the order of transformers' warpers."""
    weights = probabilities ** (1 / 0.6)
    order = np.argsort(-weights)
    weights[order[10:]] = 0
    weights = weights / weights.sum()
    above = np.concatenate([[0], np.cumsum(weights[order])[:-1]])
    weights[order[above >= 0.9]] = 0
    return weights


@pytest.mark.parametrize("seed", range(30))
def test_influence_3_what_is_told_is_what_the_whole_vocabulary_gives(seed):
    rng = np.random.default_rng(seed)
    tokens = rng.dirichlet(np.full(40, 0.05 + 0.2 * rng.random()))
    labels = [f"{n}" for n in np.argsort(-tokens)[: rng.integers(2, 12)]]
    known = {label: float(tokens[int(label)]) for label in labels}

    try:
        told = warped(known, judge="j")
    except JudgeError:
        return
    expected = reference(tokens)[[int(label) for label in labels]]
    assert np.array(list(told.values())) / sum(told.values()) == pytest.approx(
        expected / expected.sum()
    )


def test_most_of_such_cases_are_told():
    told = 0
    for seed in range(100):
        tokens = np.random.default_rng(seed).dirichlet(np.full(5, 0.5)) * 0.98
        try:
            warped(dict(zip("abcde", tokens.tolist(), strict=True)), judge="j")
        except JudgeError:
            continue
        told += 1

    assert told >= 80


def test_of_more_than_ten_choices_the_ten_likeliest_are_weighed():
    choices = {f"{n}": part for n, part in enumerate([0.0834] * 10 + [0.083, 0.083])}

    told = warped(choices, judge="j")

    assert [told["10"], told["11"]] == [0, 0]
    assert told["0"] > 0
