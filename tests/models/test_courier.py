"""Couriers and desks, joined by lanes that need no Ray."""

import asyncio

import pytest

from simlab.errors import EngineDiedError, ModelError
from simlab.models import courier as courier_module
from simlab.models.calls import Embed, Generate, ScoreChoices
from simlab.models.courier import ATTEMPTS, Courier
from simlab.models.model import ChatMessage, Completion, Sampling, Usage, spent_on
from simlab.models.scripted import ScriptedModel
from simlab.models.scripted_embedder import ScriptedEmbedder
from tests.models.memory_serve import MemoryLane

HELLO = [ChatMessage("user", "hello")]


class Gate:
    """A model that answers nobody until it is opened."""

    name = "gate"

    def __init__(self):
        self.opened = asyncio.Event()
        self.asked = asyncio.Semaphore(0)
        self.n_asked = self.n_cancelled = 0

    async def generate(self, _prompt, sampling=Sampling(), *, session=None):
        self.n_asked += 1
        self.asked.release()
        try:
            await self.opened.wait()
        except asyncio.CancelledError:
            self.n_cancelled += 1
            raise
        return Completion(f"{sampling.seed} {session}")


class SlowLane(MemoryLane):
    """A lane whose parcels take until `arrived`."""

    def __init__(self, model):
        super().__init__(model)
        self.parcel = asyncio.Event()
        self.arrived = asyncio.Event()

    async def answer(self, parcel):
        self.parcel.set()
        await self.arrived.wait()
        async for part in super().answer(parcel):
            yield part


def ask(courier, seed, session=None):
    return asyncio.create_task(
        courier.carry(Generate(HELLO, Sampling(seed=seed), session), session)
    )


@pytest.fixture(autouse=True)
def _no_back_off(monkeypatch):
    monkeypatch.setattr(courier_module, "_BACK_OFF_S", 0.0)


@pytest.fixture
def looks(monkeypatch):
    """Lets replicas be looked after at once; gives the lanes that were."""
    looks = []

    async def trouble(self):
        looks.append(self)
        return self.said

    monkeypatch.setattr(courier_module, "_LOOK_S", 0.0)
    monkeypatch.setattr(MemoryLane, "trouble", trouble)
    return looks


async def test_an_answer_is_what_the_model_says():
    model = ScriptedModel("small", "simlab.models.scripts:echo")
    courier = Courier([MemoryLane(model)])

    carried = await courier.carry(Generate(HELLO, Sampling(seed=1)))
    scored = await courier.carry(ScoreChoices(HELLO, ("yes", "no")))

    assert carried.result == await model.generate(HELLO, Sampling(seed=1))
    assert carried.attempts == 1
    assert scored.result == await model.choice_logprobs(HELLO, ["yes", "no"])


async def test_an_embedder_is_asked_in_the_same_way():
    embedder = ScriptedEmbedder("near")
    lane = MemoryLane(embedder)
    courier = Courier([lane])

    carried = await asyncio.gather(*(courier.carry(Embed((text,))) for text in "abc"))

    vectors = await embedder.embed(["a", "b", "c"])
    assert all((one.result.vectors == row).all() for one, row in zip(carried, vectors, strict=True))
    assert len(lane.parcels) == 1


async def test_calls_that_are_made_together_travel_together():
    lane = MemoryLane(ScriptedModel("small"))
    courier = Courier([lane])

    await asyncio.gather(*(ask(courier, seed) for seed in range(50)))

    assert len(lane.parcels) == 1
    assert len(lane.parcels[0].calls) == 50


async def test_calls_made_while_a_parcel_is_on_its_way_share_the_next():
    gate = Gate()
    lane = MemoryLane(gate)
    courier = Courier([lane])
    first = ask(courier, 0)
    await gate.asked.acquire()

    others = [ask(courier, seed) for seed in range(1, 10)]
    for _ in others:
        await gate.asked.acquire()  # they are begun although the first has no answer
    gate.opened.set()
    await asyncio.gather(first, *others)

    assert [len(parcel.calls) for parcel in lane.parcels] == [1, 9]


async def test_calls_of_one_session_go_to_one_replica():
    lanes = [MemoryLane(ScriptedModel("small")) for _ in range(3)]
    courier = Courier(lanes)

    for session in ("a", "b", "c", "d", "e", "f") * 3:
        await ask(courier, 1, session)

    homes = {}
    for number, lane in enumerate(lanes):
        for parcel in lane.parcels:
            for _, call in parcel.calls:
                homes.setdefault(call.session, set()).add(number)
    assert all(len(numbers) == 1 for numbers in homes.values())
    assert len(set.union(*homes.values())) > 1


async def test_calls_without_a_session_take_turns():
    lanes = [MemoryLane(ScriptedModel("small")) for _ in range(2)]
    courier = Courier(lanes)

    await asyncio.gather(*(ask(courier, seed) for seed in range(10)))

    assert [len(lane.parcels[0].calls) for lane in lanes] == [5, 5]


async def test_what_a_model_refuses_fails_that_call_alone():
    def picky(_prompt, sampling):
        if sampling.seed == 1:
            raise ModelError("seed 1 is refused")
        return "fine"

    courier = Courier([MemoryLane(ScriptedModel("small", picky))])

    answers = await asyncio.gather(*(ask(courier, n) for n in range(3)), return_exceptions=True)

    assert [type(answer).__name__ for answer in answers] == ["Carried", "ModelError", "Carried"]
    assert answers[1].message == "seed 1 is refused"


async def test_train_11_calls_of_a_replica_that_dies_are_answered_by_another():
    gate, other = Gate(), ScriptedModel("small", lambda _prompt, _sampling: "from the other")
    dying = MemoryLane(gate)
    courier = Courier([dying, MemoryLane(other)])
    calls = [ask(courier, seed) for seed in range(100)]
    for _ in range(50):
        await gate.asked.acquire()

    dying.die()
    carried = await asyncio.gather(*calls)

    assert {one.result.text for one in carried} == {"from the other"}
    assert sorted(one.attempts for one in carried) == [1] * 50 + [2] * 50


async def test_train_11_a_call_over_which_every_replica_dies_fails_after_so_many():
    lane = MemoryLane(ScriptedModel("small"))
    lane.die()
    courier = Courier([lane])

    with pytest.raises(ModelError, match="3 replicas died over one call: it is dead") as caught:
        await ask(courier, 1)

    assert len(lane.parcels) == spent_on(caught.value).attempts == ATTEMPTS == 3


async def test_what_a_call_cost_that_failed_arrives_with_the_replicas_that_died_over_it():
    def refuse(_prompt, _sampling):
        raise ModelError.of("no logprobs", Usage(3, 4, attempts=2))

    dead = MemoryLane(ScriptedModel("small"))
    dead.die()
    courier = Courier([dead, MemoryLane(ScriptedModel("small", refuse))])

    with pytest.raises(ModelError, match="no logprobs") as caught:
        await ask(courier, 1)

    assert spent_on(caught.value) == Usage(3, 4, attempts=3)


async def test_a_replica_that_does_not_come_back_fails_its_calls_with_what_is_said_of_it(looks):
    lane = SlowLane(ScriptedModel("small"))
    lane.said = "it does not start: no memory"
    courier = Courier([lane])

    with pytest.raises(ModelError, match="3 replicas died over one call: it does not start: no me"):
        await ask(courier, 1)

    assert looks == [lane] * 3


async def test_calls_of_a_replica_that_does_not_come_back_go_to_another(looks):
    gone = SlowLane(ScriptedModel("small"))
    gone.said = "it was taken down"
    courier = Courier([gone, MemoryLane(ScriptedModel("small"))])

    carried = await asyncio.gather(*(ask(courier, seed) for seed in range(4)))

    assert sorted(one.attempts for one in carried) == [1, 1, 2, 2]
    assert gone in looks


async def test_a_replica_that_is_being_replaced_is_waited_for(looks):
    lane = SlowLane(ScriptedModel("small"))
    call = ask(Courier([lane]), 1)
    while len(looks) < 5:  # noqa: ASYNC110 - the turns of the loop that looks take
        await asyncio.sleep(0)

    lane.arrived.set()

    assert (await call).attempts == 1


async def test_but_not_for_ever(looks, monkeypatch):
    monkeypatch.setattr(courier_module, "_LOOKS", 2)
    courier = Courier([SlowLane(ScriptedModel("small"))])

    with pytest.raises(ModelError, match="it received nothing for 0 s"):
        await ask(courier, 1)

    assert len(looks) == 2 * ATTEMPTS


async def test_an_engine_that_dies_takes_its_replica_along():
    class Broken(Gate):
        async def generate(self, *_asked, **_named):
            raise EngineDiedError("no more memory")

    broken = MemoryLane(Broken())
    courier = Courier([broken, MemoryLane(ScriptedModel("small"))])

    carried = await asyncio.gather(*(ask(courier, seed) for seed in range(4)))

    assert broken.dead.is_set()
    assert sorted(one.attempts for one in carried) == [1, 1, 2, 2]


async def test_train_12_a_call_that_is_cancelled_ends_its_work_and_no_other():
    gate = Gate()
    lane = MemoryLane(gate)
    courier = Courier([lane])
    calls = [ask(courier, seed) for seed in range(4)]
    for _ in calls:
        await gate.asked.acquire()

    calls[0].cancel()
    calls[1].cancel()
    while gate.n_cancelled < 2:  # noqa: ASYNC110 - the turns of the loop that the news takes
        await asyncio.sleep(0)
    gate.opened.set()

    assert [one.result.text for one in await asyncio.gather(*calls[2:])] == ["2 None", "3 None"]
    assert lane.desk.n_running == 0


async def test_train_12_a_call_cancelled_while_its_parcel_is_under_way_ends_once_it_is_there():
    gate = Gate()
    lane = SlowLane(gate)
    courier = Courier([lane])
    calls = [ask(courier, seed) for seed in range(3)]
    await lane.parcel.wait()

    calls[0].cancel()
    for _ in range(10):  # in which a drop would leave
        await asyncio.sleep(0)
    lane.arrived.set()
    for _ in calls[1:]:
        await gate.asked.acquire()
    while lane.desk.n_running > 2:  # noqa: ASYNC110 - the turns of the loop that the news takes
        await asyncio.sleep(0)
    gate.opened.set()

    assert [one.result.text for one in await asyncio.gather(*calls[1:])] == ["1 None", "2 None"]
    assert lane.desk.n_running == 0


async def test_a_call_that_is_cancelled_before_it_left_is_not_carried():
    lane = MemoryLane(ScriptedModel("small"))
    courier = Courier([lane])
    calls = [ask(courier, seed) for seed in range(2)]
    await asyncio.sleep(0)

    calls[0].cancel()
    await calls[1]

    assert [[number for number, _ in parcel.calls] for parcel in lane.parcels] == [[1]]


async def test_an_error_that_cannot_be_pickled_is_told_all_the_same():
    class OddError(Exception):
        def __init__(self, one, two):
            super().__init__(one + two)

    def odd(_prompt, _sampling):
        raise OddError("what ", "happened")

    courier = Courier([MemoryLane(ScriptedModel("small", odd))])

    with pytest.raises(Exception, match=r"OddError .*what happened"):
        await ask(courier, 1)
