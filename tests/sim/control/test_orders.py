"""Orders to live episodes: recorded where they were carried out, and replayed there."""

import asyncio
from types import SimpleNamespace
from typing import ClassVar

import pytest

from simlab.agents.person import HumanAnswer
from simlab.env.environment import ActionRequest, SeatSpec, TimeStep
from simlab.errors import ControlError
from simlab.models.model import ChatMessage
from simlab.sim.control.board_model import BoardModel
from simlab.sim.control.order_file import OrderFile
from simlab.trace.events import Effect, EffectCore
from simlab.trace.requests import RequestReader
from tests.sim.control.conftest import acting, standing
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
    async with live(models={"small": {"engine": "scripted", "latency_s": 0.05}}) as (run, client):
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


class Ponderer:
    """Asks its model, thinks by itself until it may go on, and asks again; counts what it did."""

    thinks, may_go_on = asyncio.Event(), asyncio.Event()

    def __init__(self, model):
        self.model = model
        self.n_begun = self.n_first = 0

    async def observe(self, observation):
        pass

    async def act(self, request):  # noqa: ARG002
        self.n_begun += 1
        await self.model.generate([ChatMessage("user", f"first {self.n_begun}")])
        self.n_first += 1
        Ponderer.thinks.set()
        await Ponderer.may_go_on.wait()
        await self.model.generate([ChatMessage("user", f"second {self.n_first}")])
        return f"begun {self.n_begun}, thought {self.n_first}"


async def test_an_agent_goes_on_from_where_it_was_broken_off_and_so_it_does_in_a_replay(
    live, monkeypatch
):
    monkeypatch.setattr(Ponderer, "thinks", asyncio.Event())
    monkeypatch.setattr(Ponderer, "may_go_on", asyncio.Event())
    agent = f"{__name__}:Ponderer"
    cast = {"ann": {"agent": agent, "model": "quick"}, "bob": {"agent": agent, "model": "stuck"}}
    models = {"quick": {"engine": "scripted"}, "stuck": STUCK["models"]["small"]}
    async with live(cast=cast, models=models) as (run, client):
        await Ponderer.thinks.wait()
        await client.say(0, "ann", "Zero.")
        Ponderer.may_go_on.set()
        for words in ("One.", "Three."):
            await acting(client, "bob")
            await client.say(0, "bob", words)
        made = await run.finished()

    assert deeds(made) == ["Zero.", "One.", "begun 2, thought 2", "Three."]
    assert replayed(made) == 1


async def test_a_model_is_stood_for_by_a_person(live):
    async with live(models={"small": {"engine": "person"}}) as (run, client):
        await client.take_model("small", "me")
        for words in ("Zero.", "One.", "Two."):
            question = await client.question()
            await client.answer(question["id"], words)
        with pytest.raises(ControlError, match="a model answers with a text, got 3; give its"):
            await client.answer((last := await client.question())["id"], 3)
        await client.leave_model("small")
        async with await run.client() as other:
            await other.take_model("small", "you")
            again = await other.question()
            await other.answer(again["id"], "Three.")
            made = await run.finished()

    assert last["id"] == again["id"]
    assert (question["model"], question["prompt"][-1][0]) == ("small", "user")
    assert deeds(made) == ["Zero.", "One.", "Two.", "Three."]
    assert {kind for kind, _ in effects_of(made)} == {"model"}
    assert replayed(made) == 1


async def test_a_person_stands_for_a_model_that_was_swapped_in(live):
    async with live(**STUCK) as (run, client):
        await acting(client, "ann")
        await client.swap("bob", {"engine": "person"}, episode=0)
        await client.say(0, "ann", "Zero.")
        [name] = OrderFile(run.path).models
        await client.take_model(name, "me")
        question = await client.question()
        await client.answer(question["id"], "One.")
        await acting(client, "ann")
        await client.say(0, "ann", "Two.")
        await client.answer((await client.question())["id"], "Three.")
        made = await run.finished()

    assert question["model"] == name
    assert deeds(made) == ["Zero.", "One.", "Two.", "Three."]
    assert replayed(made) == 1


async def test_a_model_that_answers_with_an_adapter_asks_whoever_stands_for_it_without():
    asked = []
    board = SimpleNamespace(ask=lambda what, _after_s: asked.append(what) or answered("Hi."))
    model = BoardModel("small@1", board, "small").with_adapter("adapters/7")

    completion = await model.generate([ChatMessage("user", "Hello.")])

    assert asked[0].model == "small"
    assert completion.model != "small@1"


async def answered(text):
    return HumanAnswer(text)


async def test_people_who_come_by_the_socket_take_the_seats_of_humans(live):
    cast = {"ann": {"agent": "human"}, "bob": {"agent": "human"}}
    async with live(cast=cast, models={}, people=True) as (run, client):
        for seat in ("ann", "bob"):
            await client.lease(0, seat, seat, lapse="pause")
        for words in ("Zero.", "One.", "Two.", "Three."):
            question = await client.question()
            await client.answer(question["id"], f"{question['seat']}: {words}")
        made = await run.finished()

    assert deeds(made) == ["ann: Zero.", "bob: One.", "ann: Two.", "bob: Three."]
    assert replayed(made) == 1


async def test_an_answer_that_does_not_fit_is_refused_and_the_question_waits(live):
    world = {"world": "simlab.env.iterated_dilemma:IteratedDilemma", "options": {"rounds": 1}}
    async with live(**world, cast={"*": {"agent": "human"}}, models={}, people=True) as (
        run,
        client,
    ):
        seats = []
        while not seats:
            seats = [s for e in (await client.hello())["episodes"] for s in e["acting"]]
        for seat in seats:
            await client.lease(0, seat, "me")
        questions = [await client.question() for _ in seats]
        with pytest.raises(ControlError, match=r"the answer is no action of seat .*give another"):
            await client.answer(questions[0]["id"], "perhaps")
        for question in questions:
            await client.answer(question["id"], question["schema"]["enum"][0])
        made = await run.finished()

    assert made.summary.n_ended == 1
    assert replayed(made) == 1


async def test_a_seat_whose_agent_is_persistent_can_be_spoken_for_and_not_taken(live):
    cast = {"ann": {"persistent": True}, "bob": {}}
    async with live(cast=cast, **STUCK) as (_, client):
        await acting(client, "ann")
        for order in (
            client.edit("ann", {"persona": "bold"}),
            client.swap("ann", "small"),
            client.lease(0, "ann", "me"),
        ):
            with pytest.raises(ControlError, match="the agent in seat 'ann' is persistent"):
                await order
        await client.say(0, "ann", "Hi.")
        await acting(client, "bob")


@pytest.mark.slow
async def test_on_a_real_clock_what_is_said_comes_at_once_and_a_pause_holds_world_time(live):
    bells = {
        "world": "tests.sim.worlds:Bells",
        "options": {"closes": 0.4, "ringers": 2},
        "clock": {"kind": "real"},
    }
    async with live(**bells, **STUCK) as (run, client):
        await acting(client, "bell_0")
        await client.pause()
        told = await client.say(0, "bell_0", "ding")
        await standing(client)
        await asyncio.sleep(0.5)  # longer than the world lasts
        await client.say(0, "bell_1", "dong")
        await client.resume()
        made = await run.finished()

    done = [(turn.acted.seat, turn.acted.action) for turn in made.episode(0).turns()]
    assert told["recorded"]
    assert done == [("bell_0", "ding"), ("bell_1", "dong")]
    assert max(turn.now for turn in made.episode(0).turns()) < 0.4
    assert replayed(made) == 1


class Passing:
    """Two bells that may be rung; from 0.3 s on the second is asked no more, and then the end."""

    seats: ClassVar = {"bell_0": SeatSpec(), "bell_1": SeatSpec()}

    def reset(self, seed, options=None):  # noqa: ARG002 - nothing is left to chance
        self.n_steps = 0
        return TimeStep(dict.fromkeys(self.seats, ActionRequest(required=False)), wake=0.3)

    def step(self, actions, now=0.0):  # noqa: ARG002 - every ring will do
        self.n_steps += 1
        if self.n_steps == 2:
            return TimeStep(ended=dict.fromkeys(self.seats, "terminated"))
        return TimeStep({"bell_0": ActionRequest(required=False)}, wake=now + 0.3)


@pytest.mark.slow
async def test_on_a_real_clock_nothing_is_said_for_a_seat_that_is_at_an_act_of_the_past(live):
    async with live(world=f"{__name__}:Passing", clock={"kind": "real"}, **STUCK) as (run, client):
        await acting(client, "bell_1")
        await client.pause()
        await standing(client, step=1)
        with pytest.raises(ControlError, match="seat 'bell_1' is not asked now, bell_0 is"):
            await client.say(0, "bell_1", "dong")
        await client.say(0, "bell_0", "ding")
        await client.resume()
        made = await run.finished()

    assert deeds(made) == ["ding"]
    assert replayed(made) == 1


class Listener:
    """Asks its model about all that it perceives, and what to do."""

    def __init__(self, model, persona=""):
        self.model, self.persona = model, persona
        self.thoughts = []

    async def observe(self, observation):
        asked = [ChatMessage("user", f"{self.persona}: {observation}")]
        self.thoughts.append((await self.model.generate(asked)).text)

    async def act(self, request):  # noqa: ARG002
        asked = [ChatMessage("user", f"{self.persona}, {len(self.thoughts)} thoughts")]
        return (await self.model.generate(asked)).text


@pytest.mark.slow
@pytest.mark.parametrize("delay_s", [0.0, 0.15, 0.25])
async def test_a_newcomer_takes_all_in_before_its_act_is_broken_off(live, delay_s):
    cast = {"*": {"agent": f"{__name__}:Listener", "persona": "shy"}}
    models = {"small": {"engine": "scripted", "latency_s": 0.1}}
    async with live(cast=cast, models=models, options={"turns": 6}) as (run, client):
        await client.pause()
        status = await standing(client)
        seat = status["asked"][0]
        await client.edit(seat, {"persona": "bold"}, episode=0)
        await client.resume()
        await acting(client, seat)
        await asyncio.sleep(delay_s)
        await client.say(0, seat, "Hi.")
        made = await run.finished()

    asked = [str(request["prompt"]) for request in requests_of(made)]
    assert deeds(made)[status["step"]] == "Hi."
    assert any("bold: Hello." in prompt for prompt in asked)
    assert made.summary.n_ended == 1
    assert replayed(made) == 1


@pytest.mark.slow
@pytest.mark.parametrize("delay_s", [0.0, 0.005, 0.012, 0.02])
async def test_a_seat_is_taken_and_left_at_any_moment_of_its_agents_act(live, delay_s):
    cast = {"*": {"agent": f"{__name__}:Listener", "persona": "shy"}}
    models = {"small": {"engine": "scripted", "latency_s": 0.01}}
    async with live(cast=cast, models=models, options={"turns": 8}) as (run, client):
        await acting(client, "ann")
        await asyncio.sleep(delay_s)
        await client.lease(0, "ann", "me")
        question = await client.question()
        await client.leave(0, "ann")
        made = await run.finished()

    assert question["seat"] == "ann"
    assert made.summary.n_ended == 1
    assert replayed(made) == 1


async def test_a_model_that_is_swapped_in_is_offered_to_no_other_seat(live):
    cast = {"*": {"agent": "llm"}}
    async with live(cast=cast, **SLOW) as (run, client):
        await client.pause()
        status = await standing(client)
        await client.swap("ann", {"engine": "scripted"}, episode=0)
        await client.edit("bob", {"persona": "bold"}, episode=0)
        await client.resume()
        made = await run.finished()

    assert status["step"] < 3
    assert made.summary.n_ended == 1
    assert replayed(made) == 1
