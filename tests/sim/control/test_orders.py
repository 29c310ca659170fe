"""Orders to live episodes: recorded where they were carried out, and replayed there."""

from tests.sim.control.conftest import acting, standing
from simlab.trace.events import Effect, EffectCore
from simlab.trace.requests import RequestReader
from tests.sim.records import deeds, replayed

SLOW = {"models": {"small": {"engine": "scripted", "latency_s": 0.02}}}
STUCK = {"models": {"small": {"engine": "scripted", "latency_s": 600.0}}}


def effects_of(run, episode=0):
    """The kinds and cores of all effects, in order."""
    cores = [run.log.core(event, EffectCore) for event in run.log.events(episode, (Effect,))]
    return [(core.kind, core) for core in cores]


def requests_of(run, episode=0):
    """What its models were asked, in order."""
    reader = RequestReader(run.log.whole)
    events = [(e, run.log.core(e, EffectCore)) for e in run.log.events(episode, (Effect,))]
    read = [(core.kind, reader.read(core.actor, core.kind, e.request)) for e, core in events]
    return [request for kind, request in read if kind == "model"]


async def test_sim_23_a_paused_episode_says_what_a_person_says_and_goes_on(live):
    async with live(**SLOW) as (run, client):
        await client.pause()
        status = await standing(client)
        told = await client.say(0, status["asked"][0], "I am a person.")
        await client.resume()
        made = await run.finished()

    assert told == {"order": "1", "recorded": True, "step": status["step"]}
    assert deeds(made)[status["step"]] == "I am a person."
    assert len(deeds(made)) == 4
    assert replayed(made) == 1


async def test_what_is_said_in_the_midst_of_an_act_breaks_it_off(live):
    async with live(**STUCK) as (run, client):
        await acting(client, "ann")
        told = await client.say(0, "ann", "Hi.")
        await acting(client, "bob")
        await client.say(0, "bob", "Ho.")
        await acting(client, "ann")
        await client.say(0, "ann", "Hi again.")
        await acting(client, "bob")
        await client.say(0, "bob", "Bye.")
        made = await run.finished()

    assert told["step"] == 0
    assert deeds(made) == ["Hi.", "Ho.", "Hi again.", "Bye."]
    assert {turn.acted.edited for turn in made.episode(0).turns()} == {True}
    assert replayed(made) == 1


async def test_an_edit_makes_a_new_agent_that_knows_what_its_seat_perceived(live):
    cast = {"*": {"agent": "llm", "persona": "shy"}}
    async with live(cast=cast, **SLOW) as (run, client):
        await client.pause()
        status = await standing(client)
        await client.edit("ann", {"persona": "bold"})
        await client.edit("bob", {"persona": "bolder"}, episode=0)
        await client.resume()
        made = await run.finished()

    assert status["step"] < 3
    prompts = [str(asked["prompt"]) for asked in requests_of(made)]
    assert "shy" in prompts[0]
    assert all("bold" in text and "Hello" in text for text in prompts[status["step"] :])
    assert not any("shy" in text for text in prompts[status["step"] :])
    assert replayed(made) == 1


async def test_a_swapped_model_answers_from_the_next_step_on(live):
    async with live(**SLOW) as (run, client):
        await client.pause()
        status = await standing(client)
        entry = {"engine": "scripted", "latency_s": 0.001}
        for seat in ("ann", "bob"):
            await client.swap(seat, entry, episode=0)
        await client.resume()
        made = await run.finished()

    models = [asked["model"] for asked in requests_of(made)]
    assert models[0] == "small"
    assert set(models[status["step"] :]) == {models[-1]} != {"small"}
    assert replayed(made) == 1


async def test_a_person_takes_a_seat_at_its_act_answers_and_leaves_it_to_its_agent(live):
    async with live(models={"small": {"engine": "scripted", "latency_s": 0.3}}) as (run, client):
        await acting(client, "ann")
        told = await client.lease(0, "ann", "me")
        question = await client.question()
        await client.answer(question["id"], "Mine.")
        again = await client.question()
        await client.leave(0, "ann")
        made = await run.finished()

    assert told["recorded"]
    assert (question["episode"], question["seat"]) == (0, "ann")
    assert question["prompt"] == "Turn 0: say something."
    assert any("Hello." in text for text in question["news"])
    assert question["deadline"] is None
    assert again["prompt"] == "Turn 2: say something."
    assert deeds(made)[0] == "Mine."
    assert deeds(made)[2] not in ("Mine.", "...")
    assert [kind for kind, _ in effects_of(made)].count("human") == 2
    assert replayed(made) == 1


async def test_a_lease_that_lapses_goes_to_the_agent_and_is_recorded_as_late(live):
    async with live(**STUCK) as (run, client):
        await acting(client, "ann")
        await client.lease(0, "ann", "me", lapse="default", after_s=0.01)
        question = await client.question()
        await acting(client, "bob")
        await client.say(0, "bob", "Ho.")
        await acting(client, "bob")
        await client.say(0, "bob", "Ho.")
        made = await run.finished()

    assert question["deadline"] is not None
    assert deeds(made) == ["...", "Ho.", "...", "Ho."]
    assert [turn.acted.late for turn in made.episode(0).turns()] == [True, False, False, False]
    errors = [core.error.type for kind, core in effects_of(made) if kind == "human"]
    assert errors == ["PersonLateError"]
    assert replayed(made) == 1


async def test_a_lease_that_lapses_into_a_pause_waits_for_somebody_else(live):
    async with live(**STUCK) as (run, client):
        await acting(client, "ann")
        await client.lease(0, "ann", "me", lapse="pause", after_s=0.01)
        await client.question()
        while not (await client.hello())["paused"]:
            pass
        other = await run.client()
        async with other:
            await other.lease(0, "ann", "you", lapse="agent")
            await other.answer((await other.question())["id"], "Yours.")
            await standing(other, step=1)
            await other.lease(0, "bob", "you")
            await other.resume()
            await other.answer((await other.question())["id"], "Bob's.")
            await other.answer((await other.question())["id"], "Ann's.")
            await other.answer((await other.question())["id"], "Bob's.")
            made = await run.finished()

    assert deeds(made) == ["Yours.", "Bob's.", "Ann's.", "Bob's."]
    assert replayed(made) == 1
