"""Branches of runs that were commanded: what was ordered in the beginning, and what is anew."""

import asyncio
from typing import ClassVar

import pytest

from simlab.env.environment import ActionRequest, SeatSpec, TimeStep
from simlab.errors import ControlError
from simlab.sim.control.order_file import OrderFile
from simlab.sim.launch import prepare_branch
from tests.sim.control.conftest import acting, standing
from tests.sim.control.score import STUCK
from tests.sim.control.test_orders import requests_of
from tests.sim.records import deeds, replayed

QUICK = {"engine": "scripted", "latency_s": 0.001}


async def test_a_branch_of_a_commanded_run_carries_out_every_order_of_its_own(live, tmp_path):
    keys = {"models": {"small": STUCK}, "options": {"turns": 6}}
    async with live(out="parent", **keys) as (run, client):
        for seat in ("ann", "bob", "ann", "bob", "ann", "bob"):
            await acting(client, seat)
            await client.say(0, seat, "Once.")
        parent = await run.finished()
    options = {"episode": 0, "step": 3, "out": tmp_path / "branch"}
    await asyncio.to_thread(prepare_branch, parent.path, **options)

    told = []
    async with live(out="branch") as (run, client):
        for seat in ("bob", "ann", "bob"):
            await acting(client, seat)
            told.append(await client.say(0, seat, "Anew."))
        made = await run.finished()

    assert [each["order"] for each in told] == ["7", "8", "9"]
    assert [each["step"] for each in told] == [3, 4, 5]
    assert deeds(made) == ["Once."] * 3 + ["Anew."] * 3
    assert replayed(made) == 1


@pytest.mark.slow
@pytest.mark.parametrize("lapse", ["agent", "default", "pause"])
async def test_in_a_branch_the_people_of_the_parent_are_gone_and_agents_have_their_seats(
    live, branch, lapse
):
    keys = {
        "models": {"small": STUCK, "quick": {"engine": "scripted"}},
        "cast": {"ann": {"model": "small"}, "bob": {"model": "quick"}},
    }
    async with live(**keys) as (run, client):
        await acting(client, "ann")
        await client.lease(0, "bob", "me", lapse=lapse)
        for words in ("One.", "Three."):
            await acting(client, "ann")
            await client.say(0, "ann", "Hi.")
            await client.answer((await client.question())["id"], words)
        parent = await run.finished()
    settings = ["models.small.latency_s=0.0"]

    made = await asyncio.to_thread(branch, parent, step=2, say={"ann": "Ho."}, settings=settings)

    assert deeds(parent) == ["Hi.", "One.", "Hi.", "Three."]
    assert deeds(made)[:3] == ["Hi.", "One.", "Ho."]
    assert made.episode(0).turns()[3].acted.seat == "bob"
    assert deeds(made)[3] not in ("Three.", "...")
    assert replayed(made) == 1


class Bells:
    """Two bells that may be rung, until the second is, or for a second."""

    seats: ClassVar = {"bell_0": SeatSpec(), "bell_1": SeatSpec()}

    def reset(self, seed, options=None):  # noqa: ARG002 - nothing is left to chance
        self.n_steps = 0
        return self._ask(0.05)

    def step(self, actions, now=0.0):
        self.n_steps += 1
        if self.n_steps == 20 or "bell_1" in actions:
            return TimeStep(ended=dict.fromkeys(self.seats, "terminated"))
        return self._ask(now + 0.05)

    def _ask(self, wake):
        return TimeStep(dict.fromkeys(self.seats, ActionRequest(required=False)), wake=wake)


@pytest.mark.slow
@pytest.mark.parametrize("lapse", ["agent", "pause"])
@pytest.mark.parametrize("changed", ["bell_0", "bell_1"])
async def test_on_a_real_clock_an_agent_has_the_seat_of_a_person_who_is_at_an_act_at_the_fork(
    live, branch, changed, lapse
):
    real = {"world": f"{__name__}:Bells", "clock": {"kind": "real"}, "options": {}}
    async with live(models={"small": STUCK}, **real) as (run, client):
        await client.pause()
        begun = (await standing(client))["step"]
        await client.lease(0, "bell_1", "me", lapse=lapse)
        await client.swap("bell_1", {"engine": "scripted"}, episode=0)
        await client.resume()
        parent = await run.finished()

    settings = [f"cast.{changed}.persona=rude"]
    made = await asyncio.to_thread(branch, parent, step=begun + 2, settings=settings)

    assert deeds(parent) == []
    assert [turn.acted.seat for turn in made.episode(0).turns()] == ["bell_1"]
    assert replayed(made) == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("setting", "shown"),
    [
        ("models.small.latency_s=0.0", {"bold", "brief"}),
        ("cast.bob.goal=long", {"bold", "long"}),
        ("cast.bob.persona=rude", {"rude", "brief"}),
        ("cast.bob.persona=shy", {"shy", "brief"}),
        ("cast.b*.persona=shy", {"shy", "brief"}),
        ("cast.bob={agent: random}", set()),
    ],
)
async def test_what_was_edited_holds_in_a_branch_unless_that_says_otherwise(
    live, branch, setting, shown
):
    quick = {"models": {"small": {"engine": "scripted", "latency_s": 0.001}}}
    cast = {"ann": {}, "bob": {"agent": "llm", "persona": "shy", "goal": "talk"}}
    async with live(cast=cast, options={"turns": 6}, **quick) as (run, client):
        await client.pause()
        await standing(client)
        edit = {"persona": "bold", "goal": "brief", "reason": False}
        await client.edit("bob", edit, episode=0)
        await client.resume()
        parent = await run.finished()

    made = await asyncio.to_thread(branch, parent, step=4, settings=[setting])

    (last,) = [str(asked["prompt"]) for asked in requests_of(made)[-1:]]
    assert {
        word for word in ("shy", "bold", "rude", "talk", "brief", "long") if word in last
    } == shown
    assert replayed(made) == 1


@pytest.mark.slow
async def test_a_seat_has_the_model_again_that_a_branch_sets_though_it_was_swapped(live, branch):
    async with live(cast={"*": {"model": "small"}}, models={"small": QUICK}) as (run, client):
        await client.pause()
        await standing(client)
        await client.swap("bob", {"engine": "scripted"}, episode=0)
        await client.resume()
        parent = await run.finished()

    made = await asyncio.to_thread(branch, parent, step=3, settings=["cast.bob.model=small"])

    assert requests_of(parent)[-1]["model"] != requests_of(made)[-1]["model"] == "small"
    assert replayed(made) == 1


@pytest.mark.slow
async def test_what_a_branch_has_set_holds_in_a_branch_of_it(live, branch):
    cast = {"ann": {}, "bob": {"agent": "llm", "persona": "shy", "goal": "talk"}}
    async with live(cast=cast, models={"small": QUICK}, options={"turns": 6}) as (run, client):
        await client.pause()
        await standing(client)
        await client.edit("bob", {"persona": "bold", "goal": "brief"}, episode=0)
        await client.resume()
        parent = await run.finished()
    steps = (4, 5, 4, 3)
    settings = (["cast.bob.persona=shy"], [], [], ["cast.bob.goal=talk"])

    shown = []
    for n, (step, said) in enumerate(zip(steps, settings, strict=True)):
        parent = await asyncio.to_thread(branch, parent, step=step, settings=said, out=f"{n}")
        last = str(requests_of(parent)[-1]["prompt"])
        shown.append({word for word in ("shy", "bold", "talk", "brief") if word in last})

    assert shown == [{"shy", "brief"}] * 3 + [{"shy", "talk"}]


@pytest.mark.slow
async def test_a_person_stands_in_a_branch_for_a_model_that_was_swapped_in_before(live, tmp_path):
    async with live(out="parent", models={"small": STUCK}) as (run, client):
        await acting(client, "ann")
        await client.swap("bob", {"engine": "person"}, episode=0)
        [name] = OrderFile(run.path).models
        await client.take_model(name, "me")
        for words in ("Zero.", "Two."):
            await acting(client, "ann")
            await client.say(0, "ann", words)
            await client.answer((await client.question())["id"], "Mine.")
        parent = await run.finished()
    options = {"episode": 0, "step": 3, "out": tmp_path / "branch", "people": True}
    await asyncio.to_thread(prepare_branch, parent.path, **options)

    async with live(out="branch", people=True) as (run, client):
        await client.take_model(name, "me")
        await client.answer((await client.question())["id"], "Anew.")
        made = await run.finished()

    assert deeds(made) == ["Zero.", "Mine.", "Two.", "Anew."]
    assert replayed(made) == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("settings", "refused"),
    [
        ([], True),
        (["cast.bob.constrain=false"], False),
        (["cast.bob={agent: llm}"], False),
    ],
)
async def test_an_edit_in_a_branch_is_held_against_what_was_edited_before_and_still_holds(
    live, tmp_path, settings, refused
):
    async with live(out="parent", models={"small": STUCK}) as (run, client):
        await acting(client, "ann")
        await client.edit("bob", {"constrain": True}, episode=0)
        for seat in ("ann", "bob", "ann", "bob"):
            await acting(client, seat)
            await client.say(0, seat, "Hi.")
        parent = await run.finished()
    options = {"episode": 0, "step": 2, "out": tmp_path / "branch", "settings": settings}
    await asyncio.to_thread(prepare_branch, parent.path, **options)

    async with live(out="branch") as (run, client):
        await acting(client, "ann")
        editing = client.edit("bob", {"reason": True}, episode=0)
        told = (await asyncio.gather(editing, return_exceptions=True))[0]

    assert isinstance(told, ControlError) == refused
