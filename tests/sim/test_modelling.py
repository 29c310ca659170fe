"""Models of a run: where weights live, and who shares them."""

import asyncio

import pytest
import yaml

import simlab
from simlab.actors import ActorSystem
from simlab.actors.memory_cluster import MemoryCluster
from simlab.errors import ConfigError
from simlab.models.engines import ModelSpec
from simlab.models.model import ChatMessage, Completion, Sampling
from simlab.models.served_embedder import ServedEmbedder
from simlab.models.serving import shared_app
from simlab.models.transformers_embedder import TransformersEmbedder
from simlab.models.transformers_model import TransformersModel
from simlab.sim.config import checked
from simlab.sim.modelling import SharedModels, build_models
from simlab.sim.provenance import provenance
from simlab.sim.run import Run
from simlab.sim.simulation import Simulation
from simlab.trace.directory import RunDirectory
from tests.sim.conftest import RELAY

OWN = """
from dataclasses import dataclass
from simlab.env.auction import Auction
from simlab.models.scripted import ScriptedModel

class World(Auction):
    pass

@dataclass(frozen=True)
class Engine(ScriptedModel):
    mood: str = "calm"

def bid(prompt, sampling):
    return f" {sampling.seed % 50}}}"
"""

HELLO = [ChatMessage("user", "hello")]
WEIGHTS = {"engine": "transformers", "weights": "owner/name"}


@pytest.fixture
def folder(tmp_path):
    """Where the weights lie that are loaded in no time."""
    folder = tmp_path / "weights"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(b"first")
    return folder


@pytest.fixture(autouse=True)
def loaded(monkeypatch, folder):
    """Lets weights be loaded in no time; gives the models for which they were."""
    loaded = []
    for kind in (TransformersModel, TransformersEmbedder):
        monkeypatch.setattr(kind, "folder", lambda _self: folder)

    def load(self):
        loaded.append(self)

    async def generate(self, prompt, sampling=Sampling(), *, session=None):  # noqa: ARG001
        return Completion(f"{prompt[-1].text} {sampling.seed}", model=self.name)

    monkeypatch.setattr(TransformersModel, "open", load)
    monkeypatch.setattr(TransformersModel, "generate", generate)
    return loaded


@pytest.fixture
async def system():
    """A system with hosts beside this process."""
    async with ActorSystem(1, cluster=MemoryCluster()) as system:
        yield system


@pytest.fixture
async def shared(system, memory_serve):  # noqa: ARG001
    """The models of a run in this system."""
    async with SharedModels(system, "runs/one") as shared:
        yield shared


async def test_models_that_differ_in_nothing_but_their_names_share_one_app(shared, loaded):
    models = await shared.start({"buyer": WEIGHTS, "seller": dict(WEIGHTS)})

    assert len(loaded) == len({model.app for model in models.values()}) == 1
    for name in ("buyer", "seller"):
        completion = await models[name].generate(HELLO, Sampling(seed=3))
        assert models[name].name == completion.model == name
        assert completion.text == "hello 3"


async def test_models_of_other_options_have_apps_of_their_own(shared, loaded):
    models = await shared.start({"small": WEIGHTS, "half": {**WEIGHTS, "dtype": "bfloat16"}})

    assert len(loaded) == len({model.app for model in models.values()}) == 2


async def test_what_a_branch_has_in_common_with_what_was_before_it_is_loaded_once(shared, loaded):
    now = await shared.start({"small": WEIGHTS})
    before = await shared.start({"small": WEIGHTS})
    long_before = await shared.start({"small": {**WEIGHTS, "max_batch": 1}})

    assert now == before != long_before
    assert len(loaded) == 2


async def test_models_without_weights_are_made_where_their_agents_live(shared, memory_serve):
    assert await shared.start({"small": {"engine": "scripted"}}) == {}
    assert memory_serve.started == []


async def test_any_model_is_served_if_its_file_says_how_many_replicas(shared):
    models = await shared.start({"small": {"engine": "scripted", "replicas": 2}})

    assert models["small"].n_replicas == 2
    assert (await models["small"].generate(HELLO)).model == "small"


async def test_an_embedder_is_served_as_other_models_are(shared, monkeypatch):
    opened = []

    def load(self):
        opened.append(self)

    monkeypatch.setattr(TransformersEmbedder, "open", load)
    near = {"engine": "embedding", "weights": "owner/name"}

    models = await shared.start({"near": near, "scripted": {"engine": "scripted-embedding"}})

    assert models == {"near": ServedEmbedder("near", models["near"].app)}
    assert [embedder.weights for embedder in opened] == ["owner/name"]


async def test_without_hosts_weights_live_in_this_process(loaded, memory_serve):
    async with ActorSystem(0) as system, SharedModels(system, "runs/one") as shared:
        assert await shared.start({"a": WEIGHTS, "b": WEIGHTS}) == {}

    assert loaded == [], "they are loaded when they are first needed"
    assert memory_serve.started == []


async def test_what_a_run_has_started_ends_with_it(system, memory_serve):
    async with SharedModels(system, "runs/one") as shared:
        await shared.start({"small": WEIGHTS, "other": {**WEIGHTS, "dtype": "bfloat16"}})

    assert sorted(memory_serve.stopped) == sorted(memory_serve.started)
    assert len(memory_serve.started) == 2


async def test_an_app_for_all_runs_is_used_and_left_as_it_is(system, memory_serve, loaded):
    spec = ModelSpec.model_validate({**WEIGHTS, "replicas": 3})
    await memory_serve.start(shared_app(spec), "another name", spec)

    async with SharedModels(system, "runs/one") as shared:
        models = await shared.start({"small": WEIGHTS})

    assert models["small"].n_replicas == 3
    assert len(loaded) == 1
    assert memory_serve.stopped == []


async def test_weights_that_were_overwritten_since_are_served_anew(system, memory_serve, folder):
    spec = ModelSpec.model_validate(WEIGHTS)
    await memory_serve.start(shared_app(spec), "small", spec)
    left = await SharedModels(system, "runs/one").start({"small": WEIGHTS})
    (folder / "model.safetensors").write_bytes(b"other")

    async with SharedModels(system, "runs/one") as shared:
        models = await shared.start({"small": WEIGHTS})

    assert models["small"].app != left["small"].app
    assert memory_serve.stopped == [models["small"].app], "what others use stays up"


async def test_a_start_that_is_broken_off_leaves_nothing(system, memory_serve, monkeypatch):
    start = memory_serve.start

    async def broken_off(*asked):
        await start(*asked)
        raise asyncio.CancelledError

    monkeypatch.setattr(memory_serve, "start", broken_off)

    with pytest.raises(asyncio.CancelledError):
        async with SharedModels(system, "runs/one") as shared:
            await shared.start({"small": WEIGHTS})

    assert memory_serve.stopped == memory_serve.started != []


async def test_a_run_that_is_gone_on_with_finds_the_app_that_it_left_behind(system, memory_serve):
    killed = SharedModels(system, "runs/one")
    left = await killed.start({"small": WEIGHTS})

    async with SharedModels(system, "runs/one") as shared:
        assert await shared.start({"small": WEIGHTS}) == left

    assert memory_serve.started == memory_serve.stopped


async def test_an_app_that_does_not_answer_is_started_anew(system, memory_serve):
    killed = SharedModels(system, "runs/one")
    [app] = {model.app for model in (await killed.start({"small": WEIGHTS})).values()}
    memory_serve.states[app] = "UNHEALTHY"

    async with SharedModels(system, "runs/one") as shared:
        await shared.start({"small": WEIGHTS})

    assert memory_serve.started == memory_serve.stopped == [app, app]


@pytest.mark.usefixtures("memory_serve")
async def test_two_runs_do_not_share_what_each_has_started(system):
    async with SharedModels(system, "runs/one") as one, SharedModels(system, "runs/two") as two:
        first, second = [await shared.start({"small": WEIGHTS}) for shared in (one, two)]

    assert first["small"].app != second["small"].app


async def test_models_that_share_weights_have_one_digest_on_0_and_1_hosts(
    tmp_path, monkeypatch, memory_serve, loaded
):
    monkeypatch.setattr("simlab.actors.system.ray_cluster", lambda *_: MemoryCluster())
    cast = {"ann": {"model": "a"}, "bob": {"model": "b"}}
    file = checked({**RELAY, "cast": cast, "models": {"a": WEIGHTS, "b": WEIGHTS}})
    digests = set()

    for hosts in (0, 1):
        directory = RunDirectory.create(tmp_path / str(hosts), provenance(file))
        await Simulation(file, directory, hosts=hosts).run()
        digests.add(Run(directory.path).digest)

    assert len(digests) == 1
    assert len(loaded) == 1, "in the one app beside the host"
    assert len(memory_serve.stopped) == 1


def test_an_engine_that_is_none_is_refused_with_its_key():
    with pytest.raises(ConfigError, match=r"models.small: there is no engine 'script'; did you m"):
        build_models({"small": {"engine": "script"}})


@pytest.mark.ray
@pytest.mark.usefixtures("ray_session")
def test_a_users_file_may_hold_world_engine_and_script_of_a_run_on_any_hosts(own_file, tmp_path):
    file = str(tmp_path / own_file(OWN))
    names = {
        "world": f"{file}:World",
        "cast": {"*": {}},
        "models": {"small": {"engine": f"{file}:Engine", "script": f"{file}:bid"}},
    }
    run_file = own_file(yaml.safe_dump(names), "mine.yaml")

    runs = [
        simlab.run(run_file, episodes=2, hosts=hosts, out=tmp_path / f"hosts{hosts}")
        for hosts in (0, 1)
    ]

    assert runs[0].digest == runs[1].digest
    assert runs[1].summary.n_ended == 2
    assert runs[1].frame().words.nunique() > 1
