import pytest

from simlab.env.environment import Utterance
from simlab.env.iterated_dilemma import IteratedDilemma, Payoffs
from simlab.errors import IllegalAction


def moves(first, second):
    return {"first": first, "second": second}


@pytest.mark.parametrize(
    ("first", "second", "points"),
    [
        ("cooperate", "cooperate", (3, 3)),
        ("cooperate", "defect", (0, 5)),
        ("defect", "cooperate", (5, 0)),
        ("defect", "defect", (1, 1)),
    ],
)
def test_the_payoffs_are_those_of_axelrods_tournaments(first, second, points):
    world = IteratedDilemma(rounds=1)
    world.reset(0)

    end = world.step(moves(first, second))

    assert (end.rewards["first"], end.rewards["second"]) == points


def test_n_rounds_are_n_rounds_and_their_end_is_the_games_own():
    world = IteratedDilemma(rounds=4)
    timestep, rounds = world.reset(0), 0

    while not timestep.over:
        timestep = world.step(moves("cooperate", "defect"))
        rounds += 1

    assert rounds == 4
    assert timestep.ended == {"first": "terminated", "second": "terminated"}
    assert timestep.info == {"first": {"points": 0.0}, "second": {"points": 20.0}}


def test_every_round_is_told_from_each_side():
    world = IteratedDilemma(rounds=3)
    world.reset(0)
    world.step(moves("cooperate", "cooperate"))

    told = world.step(moves("defect", "cooperate"))

    assert told.observations["first"] == [
        "Round 2: you defected, the other player cooperated. You get 5, the other 0. "
        "In all you have 8, the other 3."
    ]
    assert told.observations["second"][0].startswith("Round 2: you cooperated, the other player d")


def test_env_9_a_move_needs_both_and_shows_neither_before():
    world = IteratedDilemma()
    timestep = world.reset(0)

    assert list(timestep.requests) == ["first", "second"]
    with pytest.raises(IllegalAction, match="expected an action of 'second', got none"):
        world.step({"first": "defect"})
    follows = world.step({"second": "cooperate", "first": "defect"})

    assert follows.rewards == {"first": 5.0, "second": 0.0}


def test_env_9_words_are_said_at_once_and_heard_together():
    world = IteratedDilemma(rounds=2, talk=True)
    asked = world.reset(0)

    heard = world.step({"first": "Peace?", "second": " Never. "})
    told = world.step(moves("cooperate", "defect"))

    assert {request.space for request in asked.requests.values()} == {str}
    both = [Utterance("first", "Peace?"), Utterance("second", "Never.")]
    assert heard.observations == {"first": both, "second": both}
    assert heard.rewards == {}
    assert told.rewards == {"first": 0.0, "second": 5.0}
    assert told.requests["first"].space is str


def test_silence_is_not_heard():
    world = IteratedDilemma(talk=True)
    world.reset(0)

    assert world.step({"first": " ", "second": ""}).observations == {}


def test_a_request_says_the_round_and_all_payoffs():
    prompt = IteratedDilemma(rounds=7).reset(0).requests["first"].prompt

    assert prompt == (
        "Round 1 of 7. If both cooperate, each gets 3 points. If both defect, each gets 1. "
        "If only one defects, that one gets 5 and the other 0. Do you cooperate or defect?"
    )


@pytest.mark.parametrize(
    ("payoffs", "safest"),
    [
        (Payoffs(), "defect"),
        (Payoffs(temptation=4, reward=3, sucker=1, punishment=0), "cooperate"),
        (Payoffs(temptation=3, reward=5, punishment=2, sucker=0), "defect"),
    ],
    ids=["prisoner's dilemma", "chicken", "stag hunt"],
)
def test_the_default_is_the_move_whose_worst_outcome_is_best(payoffs, safest):
    timestep = IteratedDilemma(payoffs=payoffs).reset(0)

    assert timestep.requests["first"].default == safest


def test_payoffs_may_be_given_by_name():
    world = IteratedDilemma(payoffs={"temptation": 4, "reward": 2.5}, rounds=1)
    world.reset(0)

    assert world.step(moves("cooperate", "cooperate")).rewards["first"] == 2.5


@pytest.mark.parametrize(
    "payoffs",
    [
        {"reward": 1, "punishment": 2},
        {"temptation": 9},
        {"reward": 6, "temptation": 5, "punishment": -1},
        {"sucker": float("-inf")},
        {"sucker": "none"},
    ],
    ids=str,
)
def test_payoffs_without_a_dilemma_are_refused(payoffs):
    with pytest.raises(ValueError, match=r"payoffs must (have reward >|be finite numbers).*, got"):
        IteratedDilemma(payoffs=payoffs)


def test_an_unknown_payoff_is_refused_by_name():
    with pytest.raises(ValueError, match=r"payoffs must be named among .*, got \{'bribe': 3\}"):
        IteratedDilemma(payoffs={"bribe": 3})


@pytest.mark.parametrize("options", [{"rounds": 0}, {"talk": "no"}], ids=str)
def test_wrong_settings_are_refused(options):
    with pytest.raises(ValueError, match="must be"):
        IteratedDilemma(**options)
