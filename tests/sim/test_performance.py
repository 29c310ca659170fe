"""Episodes as a whole: what they come to, how they fail, and how they are judged."""

import pytest

from simlab.sim.blocking import run_async
from simlab.sim.replay import replay
from simlab.trace.events import Noted, Outcome, Stepped, SteppedCore
from tests.sim.worlds import STRAYS

WORLDS = "tests.sim.worlds"
SCRIPTED = {"engine": "scripted"}


def agent(name, **options):
    return {"agent": f"{WORLDS}:{name}", **options}


def judge(name, **options):
    return {"agent": f"tests.sim.judges:{name}", **options}


def outcome(run, episode=0):
    return run.log.core(run.log.end(episode), Outcome)


def acted(run, episode=0):
    """All that was done in an episode, as the log keeps it."""
    steps = run.log.events(episode, (Stepped,))
    return [act for step in steps for act in run.log.core(step, SteppedCore).acted]


def test_an_episode_comes_to_steps_returns_and_ends(relay):
    run = relay(options={"turns": 3}, cast={"ann": agent("one_line"), "bob": agent("one_line")})

    result = outcome(run)
    assert (result.n_steps, result.failed, result.scores) == (3, None, {})
    assert result.returns == {"ann": 30.0, "bob": 15.0}
    assert result.ended == {"ann": "terminated", "bob": "terminated"}


def test_a_reset_gets_the_options_of_the_run_file(relay):
    run = relay(reset={"greeting": "Ahoy."}, cast={"*": agent("Chatter")})

    assert run.episode(0).turns()[0].acted.action.startswith("well (Ahoy. It is day ")


def test_usage_counts_the_calls_and_tokens_of_the_episodes_models(relay):
    run = relay(options={"turns": 3}, cast={"ann": {"agent": "llm"}, "bob": agent("one_line")})

    usage = run.episode(0).summary.usage
    assert usage["calls"] == 2
    assert usage["completion_tokens"] > 0
    assert usage["prompt_tokens"] > usage["completion_tokens"]


@pytest.mark.parametrize(
    ("keys", "boundary", "type_", "message"),
    [
        (
            {"cast": {"*": agent("Poisoned")}},
            "agent",
            "AgentFailedError",
            "the agent in seat 'ann' raised KeyError: 'poison'",
        ),
        (
            {"cast": {"*": agent("DeafPoisoned")}},
            "agent",
            "AgentFailedError",
            "the agent in seat 'bob' raised RuntimeError: too loud",
        ),
        (
            {"options": {"crash_at": 1}},
            "environment",
            "WorldFailedError",
            "the world raised ZeroDivisionError: the world is broken",
        ),
        (
            {"options": {"default": None}, "cast": {"*": agent("Stubborn")}},
            "agent answer",
            "UnfitAnswerError",
            "seat 'ann' gave no answer that fits in 3 tries and its request has no default: words "
            "were expected, got 'grunt 2'",
        ),
        (
            {
                "options": {"closes": 1.0, "default": None},
                "clock": {"latency": "fixed", "seconds": 2},
            },
            "time-out",
            "DeadlineMissedError",
            "seat 'ann' gave no answer by its deadline at 1.0 s of world time and its request has "
            "no default",
        ),
        (
            {"models": {"small": {**SCRIPTED, "fail_rate": 1.0}}},
            "model",
            "ModelError",
            "scripted model 'small' failed, as its fail_rate asks of it",
        ),
        (
            {"judges": {"bad": judge("BrokenJudge")}},
            "judge",
            "JudgeError",
            "judge 'bad' raised KeyError: 0",
        ),
    ],
)
def test_what_fails_an_episode_is_data_with_its_boundary(relay, keys, boundary, type_, message):
    run = relay(**keys)

    failed = outcome(run).failed
    assert (failed.type, failed.boundary, failed.message) == (type_, boundary, message)
    assert run.episode(0).summary.state == "failed"
    assert run.episode(0).summary.boundary == boundary


@pytest.mark.parametrize("raises", STRAYS)
@pytest.mark.parametrize(
    ("boundary", "message", "keys"),
    [
        (
            "agent",
            "the agent in seat 'ann' raised {}: astray",
            lambda raises: {"cast": {"*": agent("Straying", raises=raises)}},
        ),
        (
            "environment",
            "the world raised {}: the world is broken",
            lambda raises: {"options": {"crash_at": 1, "raises": raises}},
        ),
        (
            "judge",
            "judge 'stray' raised {}: astray",
            lambda raises: {"judges": {"stray": judge("StrayingJudge", raises=raises)}},
        ),
    ],
)
def test_sim_17_whatever_users_code_raises_fails_its_episode_alone(
    relay, raises, boundary, message, keys
):
    run = relay(episodes=2, **keys(raises))

    assert [outcome(run, e).failed.boundary for e in range(2)] == [boundary] * 2
    assert outcome(run).failed.message == message.format(raises)
    assert run_async(replay(run)) == 2, "it raises that again"


class MuteError(Exception):
    """Cannot say its message."""

    def __str__(self):
        raise LookupError


@pytest.mark.parametrize(
    ("raised_by", "keys"),
    [
        ("the agent in seat 'ann'", {"cast": {"*": agent("Straying", raises="MuteError")}}),
        ("the world", {"options": {"crash_at": 1, "raises": "MuteError"}}),
        ("judge 'stray'", {"judges": {"stray": judge("StrayingJudge", raises="MuteError")}}),
    ],
)
def test_an_error_that_cannot_say_its_message_fails_its_episode_alone(
    relay, monkeypatch, raised_by, keys
):
    monkeypatch.setitem(STRAYS, "MuteError", MuteError)

    run = relay(episodes=2, **keys)

    told = f"{raised_by} raised MuteError: its message cannot be had: str() raised LookupError"
    assert [outcome(run, e).failed.message for e in range(2)] == [told] * 2
    assert run_async(replay(run)) == 2


@pytest.mark.parametrize(
    ("within", "boundary", "message"),
    [
        ("", "agent", "the agent in seat 'ann' raised CancelledError"),
        ("tool", "effect", "CancelledError"),
    ],
)
def test_a_cancellation_that_nobody_asked_for_fails_the_episode(relay, within, boundary, message):
    run = relay(cast={"*": agent("Canceller", within=within)})

    failed = outcome(run).failed
    assert (failed.boundary, failed.message) == (boundary, message)
    assert run_async(replay(run)) == 1, "it waits for nobody"


def test_a_failure_keeps_its_causes_and_its_call_stack_in_a_note(relay):
    run = relay(cast={"*": agent("Poisoned")})

    failed = outcome(run).failed
    assert (failed.cause, failed.frames) == (None, []), "no digest depends on who called"
    (note,) = [n for n in run.log.events(0, (Noted,)) if n.kind == "failure"]
    cause = run.log.whole(note.data)["cause"]
    assert [cause["type"], cause["cause"]["type"]] == ["KeyError", "ValueError"]
    assert cause["frames"][-1][0].endswith("tests/sim/worlds.py")
    assert "raise KeyError" in cause["frames"][-1][3]


def test_a_failed_episode_keeps_the_steps_before(relay):
    run = relay(cast={"*": agent("Poisoned")})

    assert outcome(run).n_steps == 2
    assert [act.seat for act in acted(run)] == ["ann", "bob"]


def test_env_13_a_third_unfit_answer_plays_the_default_marked_with_the_raw_reply(relay):
    run = relay(options={"turns": 1}, cast={"*": agent("Stubborn")})

    (act,) = acted(run)
    assert (act.action, act.attempts) == ("...", 3)
    assert (act.invalid, act.raw) == ("words were expected", "grunt 2")


@pytest.mark.parametrize(
    ("n_refusals", "action", "attempts"),
    [
        (1, "sorry for 1: must not be said", 2),
        (2, "sorry for 2: must not be said", 3),
        (3, "...", 3),
    ],
)
def test_env_13_an_illegal_action_is_asked_again_with_the_reason_at_most_twice(
    relay, n_refusals, action, attempts
):
    run = relay(options={"turns": 1, "taboo": "bad word"}, cast={"*": agent("Taboo", n=n_refusals)})

    (act,) = acted(run)
    assert (act.action, act.attempts) == (action, attempts)
    assert (act.raw, act.invalid) == (
        ("a bad word", "'bad word' must not be said") if n_refusals == 3 else (None, None)
    )


def test_env_10_a_missed_deadline_plays_the_default_marked_late(relay):
    run = relay(options={"closes": 5.0}, clock={"latency": "fixed", "seconds": 2.0})

    assert [act.late for act in acted(run)] == [False, False, True, True]
    assert [act.action for act in acted(run)][2:] == ["...", "..."]


@pytest.mark.parametrize("seconds", [0.25, 1.0])
def test_time_that_models_take_is_simulated_by_their_tokens(relay, seconds):
    run = relay(clock={"latency": "per_token", "seconds": seconds})

    *_, last = run.log.events(0, (Stepped,))
    n_tokens = run.episode(0).summary.usage["completion_tokens"]
    assert run.log.core(last, SteppedCore).now == n_tokens * seconds


@pytest.mark.slow  # a second of a real clock, in which a busy machine gets round to it too
def test_sim_12_an_agent_is_told_or_asked_one_thing_at_a_time(relay):
    cast = {f"bell_{n}": agent("Jealous", period=2.0 + n) for n in range(3)}
    run = relay(
        world=f"{WORLDS}:Bells",
        cast=cast,
        clock={"kind": "real", "speed": 30.0},
        options={"closes": 30.0},
    )

    assert run.summary.n_ended == 1
    assert acted(run), "they had something to do"


def test_judges_score_after_the_end(relay):
    judges = {"length": judge("LengthJudge", per=2.0), "turns": judge("NumberJudge", of="bob")}
    run = relay(judges=judges)

    scores = run.episode(0).summary.scores
    assert scores["length"] == len(run.episode(0).transcript()) / 2
    assert scores["turns"] == len(run.episode(0).trajectories()["bob"].turns)
    assert outcome(run).scores["length"]["reason"] == "it is long"


@pytest.mark.parametrize(
    ("says", "got"),
    [
        ("high", "'high'"),
        ({"value": 3}, "{'value': 3}"),
        (None, "None"),
        ("nan", "nan"),
        ("score of nan", "Score(value=nan, "),
    ],
)
def test_what_is_no_score_fails_the_episode_at_the_judge(relay, says, got):
    run = relay(judges={"odd": judge("OddJudge", says=says)})

    failed = outcome(run).failed
    assert (failed.type, failed.boundary) == ("JudgeError", "judge")
    assert f"judge 'odd' must give a Score or a finite number, got {got}" in failed.message


def test_a_score_is_missing_where_the_judge_says_so(relay):
    run = relay(judges={"silent": judge("SilentJudge")})

    assert run.summary.n_ended == 1
    assert run.episode(0).summary.scores == {"silent": None}


def test_scores_enter_the_digest(relay):
    digests = {
        relay(f"run{per}", judges={"length": judge("LengthJudge", per=per)}).digest
        for per in (1.0, 2.0)
    }

    assert len(digests) == 2


def test_a_failed_episode_is_not_judged(relay):
    run = relay(cast={"*": agent("Poisoned")}, judges={"length": judge("LengthJudge")})

    assert outcome(run).scores == {}


def test_a_judge_may_ask_a_model_which_is_recorded(relay):
    judge = {"agent": "rating", "question": "How polite was it?", "model": "small"}
    run = relay(judges={"polite": judge}, cast={"*": agent("one_line")})

    assert 1.0 <= run.episode(0).summary.scores["polite"] <= 5.0
    assert run.episode(0).summary.usage["calls"] == 1


def test_interlab_45_a_deal_on_the_last_step_is_not_lost(relay):
    offer = {"agent": "scripted", "actions": [{"say": "Deal?", "price": 7000}]}
    run = relay(
        world="simlab.env.car_sale:CarSale",
        options={"max_rounds": 1},
        cast={"buyer": offer, "seller": offer},
    )

    assert run.episode(0).facts()["outcome"] == "deal"
    assert outcome(run).n_steps == 2, "max_rounds=1 means one round"
    assert set(outcome(run).ended.values()) == {"terminated"}
