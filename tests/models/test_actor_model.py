import asyncio
import pickle

import pytest

from simlab.actors.ref import ActorRef
from simlab.actors.system import ActorSystem
from simlab.errors import ConfigError, ModelError
from simlab.models.actor_model import ActorModel, ChoiceLogprobs, Generate, ModelActor
from simlab.models.in_process import TransformersModel
from simlab.models.model import ChatMessage, Completion, Sampling
from simlab.models.scripted import ScriptedModel

HELLO = [ChatMessage("user", "hello")]


class Gate:
    """A model that answers nobody until as many have asked as it waits for."""

    name = "gate"

    def __init__(self, n_asks):
        self.n_asks = n_asks
        self.asked = 0
        self.cancelled = 0
        self.open = asyncio.Event()

    async def generate(self, prompt, sampling=Sampling(), *, session=None):
        self.asked += 1
        if self.asked == self.n_asks:
            self.open.set()
        try:
            await self.open.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return Completion(f"{prompt[-1].text} {sampling.seed} {session}")


@pytest.fixture
async def system():
    async with ActorSystem(hosts=0) as system:
        yield system


async def test_one_actor_serves_many_asks_at_once(system):
    model = ActorModel("gate", await system.spawn(ModelActor, Gate(40), name="gate"))

    completions = await asyncio.gather(
        *(model.generate(HELLO, Sampling(seed=seed), session="s") for seed in range(40))
    )

    assert [completion.text for completion in completions] == [f"hello {n} s" for n in range(40)]


async def test_train_12_cancelling_an_ask_ends_its_work_and_no_other(system):
    gate = Gate(3)
    model = ActorModel("gate", await system.spawn(ModelActor, gate, name="gate"))
    tasks = [asyncio.create_task(model.generate(HELLO, Sampling(seed=seed))) for seed in range(2)]
    while gate.asked < 2:  # noqa: ASYNC110 - the turns of the loop that two messages take
        await asyncio.sleep(0)

    tasks[0].cancel()
    last = await model.generate(HELLO, Sampling(seed=2))

    assert (await tasks[1]).text == "hello 1 None"
    assert last.text == "hello 2 None"
    assert tasks[0].cancelled()
    assert gate.cancelled == 1


async def test_models_that_share_an_actor_answer_under_their_own_names(system):
    shared = ScriptedModel("first", "simlab.models.scripts:echo")
    ref = await system.spawn(ModelActor, shared, name="shared")

    completions = [await ActorModel(name, ref).generate(HELLO) for name in ("first", "second")]

    assert [completion.model for completion in completions] == ["first", "second"]
    assert completions[0].text == completions[1].text


async def test_an_error_of_the_model_reaches_whoever_asked(system):
    failing = ScriptedModel("small", "simlab.models.scripts:echo", fail_rate=1.0)
    model = ActorModel("small", await system.spawn(ModelActor, failing, name="small"))

    with pytest.raises(ModelError, match="as its fail_rate asks of it"):
        await model.generate(HELLO)


async def test_a_message_that_it_does_not_know_is_refused(system):
    ref = await system.spawn(ModelActor, Gate(1), name="gate")

    with pytest.raises(TypeError, match="ModelActor has no case for str"):
        await ref.ask("hello")


@pytest.mark.model
async def test_the_weights_are_there_from_spawn_to_stop(tiny_weights):
    inner = TransformersModel("small", weights=str(tiny_weights), max_batch=3)

    async with ActorSystem(hosts=0) as system:
        model = ActorModel("small", await system.spawn(ModelActor, inner, name="small"))
        engine = await inner.load()
        assert len((await model.generate(HELLO, Sampling(max_tokens=3, seed=1))).token_ids) == 3

    with pytest.raises(ModelError, match="closed"):
        await engine.generate(HELLO)


async def test_weights_that_cannot_be_had_fail_the_spawn(system):
    with pytest.raises(ConfigError, match=r"got '\./absent'"):
        await system.spawn(ModelActor, TransformersModel("small", weights="./absent"), name="small")


def test_a_model_behind_an_actor_pickles_and_so_do_its_messages():
    model = ActorModel("small", ActorRef("system", "host", "small"))
    messages = [Generate(HELLO, Sampling(seed=1)), ChoiceLogprobs(HELLO, ("yes", "no"))]

    assert pickle.loads(pickle.dumps(model)) == model
    assert pickle.loads(pickle.dumps(messages)) == messages


def test_an_adapter_is_refused():
    model = ActorModel("small", ActorRef("system", "host", "small"))

    with pytest.raises(ModelError, match="'/runs/agent@7'; adapters come with served models"):
        model.with_adapter("/runs/agent@7")
