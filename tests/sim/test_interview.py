"""Interviews: agents of recorded runs answer as they were, and nothing of the run changes."""

import asyncio
import json

import pytest

from simlab.errors import AgentFailedError, ConfigError
from simlab.sim.control.async_client import AsyncControlClient
from simlab.sim.interview import Interview
from simlab.sim.run import Run
from tests.sim.control.conftest import live, standing
from tests.sim.records import contents

__all__ = ["live"]

AGENTS = "tests.sim.interviewees"
DIARISTS = {"*": {"agent": f"{AGENTS}:Diarist"}}


def asked(run, seat="ann", step=None, episode=0, question="And?"):
    (exchange,) = run.episode(episode).interview(question, seat=seat, step=step).exchanges
    return exchange.answer.split(" | ")


def test_an_agent_answers_as_it_was_before_it_acted_in_a_step(relay):
    run = relay(cast=DIARISTS)

    *greeting, first, heard, question = asked(run, step=2)

    assert (greeting[0][:6], first) == ("Hello.", "acts on Turn 0: say something.")
    assert heard.startswith("bob: well")
    assert question == "And?"


def test_a_seat_that_is_not_asked_in_a_step_has_perceived_what_it_does_in_it(relay):
    run = relay(cast=DIARISTS)

    life = asked(run, seat="bob", step=2)

    assert life[1].startswith("ann: well")
    assert life[2:] == ["acts on Turn 1: say something.", "And?"]


def test_at_the_end_an_agent_remembers_all_of_it(relay):
    run = relay(cast=DIARISTS)

    assert len(asked(run)) == 1 + 2 + 2 + 1
    assert asked(run) == asked(run, step=4)


def test_a_persistent_agent_remembers_earlier_episodes(relay):
    cast = {"*": {"agent": f"{AGENTS}:Diarist", "persistent": True}}

    run = relay(cast=cast, episodes=2)

    assert len(asked(run, episode=1, step=0)) == len(asked(run)) + 1


def test_a_seat_of_a_branch_answers_as_whoever_the_branch_has_put_there(relay, branch):
    parent = relay(cast={"*": {"agent": f"{AGENTS}:Touchy"}})

    made = branch(parent, step=2, settings=[f"cast.ann.agent={AGENTS}:Diarist"])

    assert asked(made, step=2)[-2].startswith("bob: well")
    with pytest.raises(AgentFailedError, match="no questions"):
        asked(made, step=0)


def test_questions_go_on_from_each_other_and_nothing_of_the_run_changes(relay):
    run = relay(cast=DIARISTS)
    before = contents(run)

    talk = run.episode(0).interview("One?", seat="ann").ask("Two?", "Three?")

    assert [each.question for each in talk.exchanges] == ["One?", "Two?", "Three?"]
    assert talk.exchanges[1].answer == f"One? | {talk.exchanges[0].answer} | Two?"
    assert contents(run) == before


def test_a_model_is_asked_for_the_answer_alone_and_seeds_say_what_it_draws(relay, calls):
    run = relay(models=calls.models)
    n_calls = calls.count()

    talks = [run.episode(0).interview("Why?", seat="ann", seed=s) for s in (0, 0, 1, 2, 3, 4)]

    answers = [talk.exchanges for talk in talks]
    assert calls.count() - n_calls == len(talks)
    assert answers[0] == answers[1]
    assert len({*answers}) > 1


def test_another_model_may_answer_and_what_was_recorded_holds(relay, calls):
    run = relay(models=calls.models)
    n_calls = calls.count()

    talk = run.episode(0).interview("Why?", seat="ann", models=["small=scripted"])

    assert talk.exchanges[0].answer
    assert calls.count() == n_calls


@pytest.mark.parametrize(
    ("cast", "given", "message"),
    [
        ("tests.sim.worlds:Chatter", {}, r"Chatter in seat 'ann' cannot be interviewed; give it"),
        (f"{AGENTS}:Diarist", {"seat": "anne"}, "nobody sits in seat 'anne' .* mean ann"),
        (f"{AGENTS}:Diarist", {"step": 5}, r"--step must be in 0\.\.4, got 5"),
        (f"{AGENTS}:Diarist", {"models": ["big=scripted"]}, "the run has no model 'big'"),
    ],
)
def test_what_cannot_be_asked_is_refused(relay, cast, given, message):
    run = relay(cast={"*": {"agent": cast}})

    with pytest.raises(ConfigError, match=message):
        run.episode(0).interview("Why?", **{"seat": "ann", **given})


def test_an_agent_that_cannot_bear_a_question_fails_as_itself(relay):
    run = relay(cast={"*": {"agent": f"{AGENTS}:Touchy"}})

    with pytest.raises(AgentFailedError, match="the agent in seat 'ann' raised ZeroDivisionError"):
        asked(run)


async def test_an_agent_of_a_run_that_goes_on_can_be_interviewed(live):
    async with live(cast=DIARISTS, options={"turns": 3000}) as (run, client):
        await client.pause()
        step = (await standing(client))["step"]
        await client.edit("ann", {"words": "No"}, episode=0)

        begun = Interview.of(Run(run.path), seat="ann", step=step)
        talk = await asyncio.to_thread(begun.ask, "And?")
        async with await AsyncControlClient.connect(run.path) as other:
            status = await standing(other)

    assert talk.exchanges[0].answer.endswith(" | And?")
    assert status["step"] == step


def test_the_command_keeps_an_interview_in_a_file_and_goes_on_with_it(simlab, made, tmp_path):
    file = tmp_path / "talk.json"
    given = [made, "--seat", "ann", "--out", file]

    first = simlab("interview", *given, "Why?")
    second = simlab("interview", *given, "--json", "--", "-- and then?")

    assert first.exit_code == second.exit_code == 0
    kept = [each["question"] for each in json.loads(file.read_text())["exchanges"]]
    assert kept == ["Why?", "-- and then?"]
    assert [each["question"] for each in json.loads(second.output)["asked"]] == ["-- and then?"]


@pytest.mark.parametrize(
    ("out", "step", "message"),
    [
        ("run/talk.json", 4, "is in the run, which an interview does not touch"),
        ("talk.json", 1, "keeps an interview of seat 'ann' at step"),
    ],
)
def test_the_command_keeps_no_interview_where_it_does_not_belong(simlab, made, out, step, message):
    place = made.parent
    simlab("interview", made, "--seat", "ann", "--out", place / "talk.json", "Why?")

    given = ["--seat", "ann", "--out", place / out, "--step", step]
    result = simlab("interview", made, *given, "Why?")

    assert result.exit_code == 2
    assert message in result.output
