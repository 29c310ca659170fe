"""Models of a run: where weights live, and who shares them."""

import pytest
import yaml

import simlab
from simlab.actors import ActorSystem
from simlab.actors.memory_cluster import MemoryCluster
from simlab.errors import ConfigError
from simlab.models.actor_model import ActorModel
from simlab.models.in_process import TransformersModel
from simlab.models.model import ChatMessage, Completion, Sampling
from simlab.sim.config import checked
from simlab.sim.modelling import SharedWeights, build_models
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


@pytest.fixture(autouse=True)
def loaded(monkeypatch):
    """Lets weights be loaded in no time; gives the models for which they were."""
    loaded = []

    async def load(self):
        loaded.append(self)

    async def close(self):
        pass

    async def generate(self, prompt, sampling=Sampling(), *, session=None):  # noqa: ARG001
        return Completion(f"{prompt[-1].text} {sampling.seed}", model=self.name)

    monkeypatch.setattr(TransformersModel, "load", load)
    monkeypatch.setattr(TransformersModel, "close", close)
    monkeypatch.setattr(TransformersModel, "generate", generate)
    return loaded


@pytest.fixture
async def system():
    """A system with hosts beside this process."""
    async with ActorSystem(1, cluster=MemoryCluster()) as system:
        yield system


def addresses(models):
    return {model.ref for model in models.values() if isinstance(model, ActorModel)}


async def test_models_that_differ_in_nothing_but_their_names_share_one_actor(system, loaded):
    models = await SharedWeights(system).start({"buyer": WEIGHTS, "seller": dict(WEIGHTS)})

    assert len(loaded) == len(addresses(models)) == 1
    for name in ("buyer", "seller"):
        completion = await models[name].generate(HELLO, Sampling(seed=3))
        assert models[name].name == completion.model == name
        assert completion.text == "hello 3"


async def test_models_of_other_options_have_weights_of_their_own(system, loaded):
    specs = {"small": WEIGHTS, "half": {**WEIGHTS, "dtype": "bfloat16"}}

    models = await SharedWeights(system).start(specs)

    assert len(loaded) == len(addresses(models)) == 2


async def test_what_a_branch_has_in_common_with_what_was_before_it_is_loaded_once(system, loaded):
    weights = SharedWeights(system)

    now = await weights.start({"small": WEIGHTS})
    before = await weights.start({"small": WEIGHTS})
    long_before = await weights.start({"small": {**WEIGHTS, "max_batch": 1}})

    assert now == before != long_before
    assert len(loaded) == 2


async def test_models_without_weights_are_made_where_their_agents_live(system, loaded):
    assert await SharedWeights(system).start({"small": {"engine": "scripted"}}) == {}
    assert loaded == []


async def test_without_hosts_weights_live_in_this_process(loaded):
    async with ActorSystem(0) as system:
        assert await SharedWeights(system).start({"a": WEIGHTS, "b": WEIGHTS}) == {}

    assert loaded == [], "they are loaded when they are first needed"


async def test_models_that_share_weights_have_one_digest_on_0_and_1_hosts(
    tmp_path, monkeypatch, loaded
):
    monkeypatch.setattr("simlab.actors.system._ray_cluster", lambda _address: MemoryCluster())
    monkeypatch.setattr("simlab.sim.provenance.fingerprints", lambda _specs: {})
    cast = {"ann": {"model": "a"}, "bob": {"model": "b"}}
    file = checked({**RELAY, "cast": cast, "models": {"a": WEIGHTS, "b": WEIGHTS}})
    digests = set()

    for hosts in (0, 1):
        directory = RunDirectory.create(tmp_path / str(hosts), provenance(file))
        await Simulation(file, directory, hosts=hosts).run()
        digests.add(Run(directory.path).digest)

    assert len(digests) == 1
    assert len(loaded) == 1, "in the one actor beside the host"


def test_an_engine_that_is_none_is_refused_with_its_key():
    with pytest.raises(ConfigError, match=r"models.small.*engine must be one of .* got 'script'"):
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
