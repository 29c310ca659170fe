import pickle
from pathlib import Path

from simlab.seeding import derive
from simlab.sim.absent import AbsentModel
from simlab.sim.config import checked
from simlab.sim.staging import Branching, Fork, Staging, mark_of
from simlab.trace.events import Acted


def run_of(**keys):
    return checked({"world": "a:B", "cast": {}, **keys})


def staging_of(branching=None, **keys):
    models = {"small": AbsentModel("small")}
    before = () if branching is None else tuple({} for _ in branching.forks)
    return Staging(run_of(**keys), Path("runs/x"), models, branching, before)


def test_an_episodes_seed_does_not_depend_on_how_many_there_are():
    few, many = staging_of(seed=7, episodes=8), staging_of(seed=7, episodes=800, concurrency=3)

    assert [few.seed_of(e) for e in range(8)] == [many.seed_of(e) for e in range(8)]
    assert few.seed_of(7) == derive(7, "episode", 7)


def test_episodes_and_runs_of_other_seeds_have_other_seeds():
    seeds = {staging_of(seed=seed).seed_of(e) for seed in range(4) for e in range(16)}

    assert len(seeds) == 64


def test_draws_derive_from_the_episodes_seed():
    staging = staging_of(seed=7)

    assert staging.sampling_seed_of(3) == staging.seed_of(3)


def test_samples_of_a_branch_share_its_world_and_draw_differently():
    staging = staging_of(Branching(99, 98, (), sampling_seed=5), episodes=3)

    assert {staging.seed_of(e) for e in range(3)} == {99}
    assert len({staging.sampling_seed_of(e) for e in range(3)}) == 3


def test_a_branch_without_a_seed_draws_as_its_parent_does():
    assert staging_of(Branching(99, 98, ())).sampling_seed_of(0) == 98


def test_configurations_go_from_the_beginning_to_the_run_itself():
    first, second = run_of(name="first"), run_of(name="second")
    staging = staging_of(Branching(0, 0, (Fork(1, first, {}), Fork(4, second, {}))), name="third")

    assert [run.name for run, _ in staging.configurations()] == ["first", "second", "third"]
    assert staging_of(name="only").configurations()[0][0].name == "only"


def test_a_staging_reaches_other_processes():
    staging = staging_of(Branching(0, 0, (Fork(1, run_of(), {"ann": "No."}),)), seed=3)

    again = pickle.loads(pickle.dumps(staging))

    assert again == staging


def test_an_action_is_marked_by_what_was_the_matter():
    assert mark_of(Acted("ann", "a")) == ""
    assert mark_of(Acted("ann", "a", late=True)) == "late"
    assert mark_of(Acted("ann", "a", invalid="too dear", raw="9")) == "invalid"
