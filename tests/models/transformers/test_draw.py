from collections import Counter

import pytest

from simlab.models.model import Sampling

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def torch():
    import torch

    return torch


def drawer(**sampling):
    from simlab.models.transformers.draw import Drawer

    return Drawer(Sampling(**sampling))


def shares(drawer, logits, n=4000):
    counts = Counter(drawer.draw(logits) for _ in range(n))
    return [counts[token] / n for token in range(len(logits))]


def test_a_temperature_of_0_draws_the_likeliest_token(torch):
    logits = torch.tensor([0.1, 2.0, 1.9])

    assert shares(drawer(temperature=0), logits, n=20) == [0, 1, 0]


def test_tokens_are_drawn_as_often_as_they_are_probable(torch):
    probabilities = torch.tensor([0.5, 0.1, 0.3, 0.1])

    drawn = shares(drawer(seed=1), probabilities.log())

    assert drawn == pytest.approx(probabilities.tolist(), abs=0.03)


def test_a_temperature_above_1_makes_tokens_more_alike(torch):
    logits = torch.tensor([2.0, 0.0])

    drawn = shares(drawer(seed=1, temperature=2.0), logits)

    assert drawn == pytest.approx((logits / 2).softmax(0).tolist(), abs=0.03)


def test_a_nucleus_leaves_out_the_least_probable_tokens(torch):
    probabilities = torch.tensor([0.05, 0.5, 0.05, 0.3, 0.1])

    drawn = shares(drawer(seed=1, top_p=0.75), probabilities.log())

    assert drawn == pytest.approx([0, 0.625, 0, 0.375, 0], abs=0.03)


def test_a_nucleus_wider_than_what_is_looked_at_first_is_still_exact(torch):
    flat = torch.zeros(2000)

    seen = {drawer(seed=seed, top_p=0.9).draw(flat) for seed in range(3000)}

    assert 1200 < len(seen) <= 1800


def test_a_nucleus_holds_one_token_at_least(torch):
    logits = torch.tensor([0.0, 3.0, 0.0])

    assert shares(drawer(seed=1, top_p=1e-9), logits, n=20) == [0, 1, 0]


def test_one_seed_draws_alike_and_another_differently(torch):
    logits = torch.zeros(1000)

    def drawn(seed):
        same = drawer(seed=seed)
        return [same.draw(logits) for _ in range(10)]

    assert drawn(1) == drawn(1) != drawn(2)


def test_without_a_seed_no_two_draws_need_agree(torch):
    logits = torch.zeros(100_000)

    assert len({drawer().draw(logits) for _ in range(10)}) > 1


def test_interlab_30_drawing_leaves_the_global_generator_alone(torch):
    before = torch.get_rng_state()

    for seed in (None, 3):
        drawer(seed=seed).draw(torch.zeros(10))

    assert torch.equal(before, torch.get_rng_state())


def test_logprobs_are_those_of_the_untempered_distribution(torch):
    from simlab.models.transformers.draw import logprobs_of

    logits = torch.tensor([[0.0, 1.0], [2.0, 0.0]])

    found = logprobs_of(logits, [1, 0])

    assert found == pytest.approx([-0.3132617, -0.1269280])
