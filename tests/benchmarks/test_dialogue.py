import pytest

from benchmarks.dialogue import Asked, Size, batches, compare
from simlab.models.calls import Generate
from simlab.models.model import Usage


def asked(episode, *turn):
    return Asked(episode, turn, Generate("x"), Usage())


def test_in_lock_step_those_that_are_live_take_each_turn_together():
    turns = [(0, "assistant", 0), (1, "character", 0), (1, "preference", 0), (2, "assistant", 0)]

    together = batches([asked(episode, *turn) for episode in range(4) for turn in turns], 2)

    assert [(one[0].turn, [each.episode for each in one]) for one in together] == [
        (turn, live) for live in ([0, 1], [2, 3]) for turn in turns
    ]


def test_a_dialogue_that_asks_again_is_waited_for():
    again = asked(0, 0, "assistant", 1)

    together = batches([asked(0, 0, "assistant", 0), again, asked(1, 0, "assistant", 0)], 2)

    assert [len(batch) for batch in together] == [2, 1]
    assert together[1] == [again]


@pytest.mark.ray
@pytest.mark.model
def test_both_ways_make_the_same_requests():
    figures = compare(Size(dialogues=4, turns=2, slots=2, mean_tokens=6), hosts=1)

    own, lock_step = figures["own_pace"], figures["lock_step"]
    assert own["n_requests"] == lock_step["n_requests"] == 4 * 5
    assert own["n_tokens"] == lock_step["n_tokens"] >= 4 * 3
    assert 0 < lock_step["busy_share"] <= 1
    assert 0 < own["busy_share"] <= 1
