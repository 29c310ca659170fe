"""Trajectories: what a seat saw, did and got."""

import pytest

from simlab.trace.events import Acted, Fault, Outcome, SteppedCore
from simlab.trace.journal import Journal
from simlab.trace.log import Log
from simlab.trace.trajectory import Fold, Said, read_fold, words
from tests.trace.society import open_writer

RESET = {
    "requests": {"buyer": {"prompt": "your offer"}},
    "observations": {"buyer": ["a car"], "seller": ["a buyer"]},
}
STEPS = [
    SteppedCore(
        0,
        1.0,
        [Acted("buyer", {"_type": "Offer", "price": 3, "say": "Three."})],
        {
            "requests": {"seller": {}},
            "observations": {"seller": [{"speaker": "buyer", "text": "Three."}]},
            "rewards": {"buyer": -0.5},
        },
    ),
    SteppedCore(
        1,
        2.0,
        [Acted("seller", "Done.", 3, "too long", "Doooone.")],
        {
            "observations": {"buyer": ["sold"]},
            "rewards": {"buyer": 2.0, "seller": 1.0},
            "ended": {"buyer": "terminated", "seller": "terminated"},
            "info": {"buyer": {"price": 3}},
        },
    ),
]


@pytest.fixture
def fold():
    fold = Fold(0)
    fold.begin(RESET)
    for step in STEPS:
        fold.add(step)
    fold.finish()
    return fold


def test_a_turn_is_a_step_as_a_seat_lived_it(fold):
    first, second, last = fold.trajectory("buyer").turns

    assert (first.step, first.observations, first.request) == (
        0,
        ("a car",),
        RESET["requests"]["buyer"],
    )
    assert (first.acted, first.reward, first.now) == (STEPS[0].acted[0], -0.5, 1.0)
    assert (second.acted, second.request, second.reward) == (None, None, 2.0)
    assert (last.step, last.observations) == (2, ("sold",))  # fmt: skip


def test_rewards_add_up_and_ends_are_kept(fold):
    trajectories = fold.trajectories()

    assert {seat: one.total_reward for seat, one in trajectories.items()} == fold.returns
    assert fold.returns == {"buyer": 1.5, "seller": 1.0}
    assert {one.ended for one in trajectories.values()} == {"terminated"}
    assert (fold.n_steps, fold.info) == (2, {"buyer": {"price": 3}})


def test_a_transcript_has_what_was_perceived_and_done(fold):
    assert fold.trajectory("seller").transcript() == "a buyer\nbuyer: Three.\nseller: Done."


def test_of_no_seat_the_trajectory_is_what_all_did(fold):
    assert fold.trajectory("").transcript() == "buyer: Three. [price 3]\nseller: Done."


def test_who_is_asked_is_known_of_each_step(fold):
    assert [fold.asked(step) for step in range(3)] == [{"buyer"}, {"seller"}, set()]


async def test_a_fold_read_from_the_log_is_the_one_folded_while_playing(directory, fold):
    writer = open_writer(directory)
    journal = Journal(0, seed=5, writer=writer)
    await journal.begin(RESET)
    for step in STEPS:
        await journal.step(step)
    outcome = Outcome(2, fold.returns, fold.ended, {}, Fault("ModelError", "overloaded"))
    await journal.end(outcome)
    writer.close()

    log = Log(directory)
    assert read_fold(log, 0) == fold
    assert read_fold(log, 7) == Fold(7)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("hello", "hello"),
        (3.5, "3.5"),
        (None, "None"),
        ({"_type": "Offer", "say": "Three.", "price": 3, "deal": None}, "Three. [price 3]"),
        ({"speaker": "buyer", "text": "Three."}, "buyer: Three."),
        ({"_type": "Pass"}, "Pass"),
        ({"bid": {"amount": 2}}, "[bid [amount 2]]"),
    ],
)
def test_plain_data_in_words(value, said):
    assert words(value) == said


def test_what_is_perceived_at_the_end_is_perceived_at_its_time():
    fold = Fold(0)
    fold.begin({"requests": {"ann": {}}})
    fold.add(SteppedCore(0, 7.5, [Acted("ann", "hello")], {"observations": {"ann": ["The end."]}}))
    fold.finish()

    assert [turn.now for turn in fold.trajectory("ann").turns] == [7.5, 7.5]


def test_what_assessors_answer_and_briefings_are_no_part_of_a_transcript():
    fold = Fold(0)
    told = [
        {"_type": "Briefing", "text": "Be kind."},
        {"_type": "Utterance", "speaker": "ann", "text": "Hi."},
    ]
    fold.begin({"requests": {"rater": {}}, "observations": {"rater": told}})
    fold.add(SteppedCore(0, 0.0, [Acted("rater", {"_type": "Score", "value": 3.0})], {}))

    assert fold.trajectory("rater").said() == (Said("ann", "Hi."),)
    assert fold.trajectory("").transcript() == ""


def test_a_score_is_told_by_its_value_and_how_likely_each_label_was():
    score = {
        "_type": "Score",
        "value": 2.51489,
        "distribution": {"1": 0.41972, "5": 0.58028},
        "mass": 0.36,
        "reason": "",
        "by_criterion": {},
    }

    assert words(score) == "2.51 [1 42%, 5 58%]"
    missing = {"_type": "Score", "value": None, "distribution": {}, "reason": "it is silent"}
    assert words(missing) == "missing it is silent"
