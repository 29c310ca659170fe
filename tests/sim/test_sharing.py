"""Branches of runs whose agents live across episodes: they remember what they did in the parent."""

import shutil

import pytest

from simlab.errors import LogDamagedError, RunDirectoryError
from simlab.sim.launch import prepare_branch, run
from simlab.sim.run import Run
from tests.sim.records import contents, deeds, records, replayed
from tests.sim.test_past import LASTING, MOODY, diary, prompts


@pytest.fixture
def branch(tmp_path):
    """Branches the last of three episodes, or of what else is said, and plays it to the end."""

    def start(parent, *, step, out="branch", episode=2, **options):
        return prepare_branch(
            parent.path, episode=episode, step=step, out=tmp_path / out, **options
        ).run()

    return start


@pytest.mark.parametrize("step", [0, 2, 4])
def test_sim_8_a_branch_shares_the_episodes_before_and_asks_nothing_of_them_again(
    relay, branch, calls, step
):
    parent = relay(cast=LASTING, episodes=3, models=calls.models)
    before, n_calls = contents(parent), calls.count()

    made = branch(parent, step=step)

    assert deeds(made) == deeds(parent, 2)
    assert records(made, step) == records(parent, step, episode=2)
    assert calls.count() - n_calls == 4 - step
    assert contents(parent) == before
    assert replayed(made) == 1


def test_the_episodes_before_are_a_run_inside_the_branch(relay, branch):
    parent = relay(cast=LASTING, episodes=3, options={"turns": 2})

    made = branch(parent, step=1)

    earlier = Run(made.path / "earlier")
    assert [deeds(earlier, n) for n in range(2)] == [deeds(parent, n) for n in range(2)]
    assert len(earlier.episodes) == 2
    assert replayed(earlier) == 2


def test_the_first_episode_and_runs_without_persistent_agents_share_none(relay, branch):
    lasting, fresh = relay("lasting", cast=LASTING), relay("fresh", cast={"*": {}}, episodes=3)

    made = [branch(lasting, episode=0, step=1, out="a"), branch(fresh, step=1, out="b")]

    assert not any((run.path / "earlier").exists() for run in made)


def test_what_is_said_meets_an_agent_that_remembers(relay, branch):
    parent = relay(cast=LASTING, episodes=2, models=MOODY)

    made = branch(parent, episode=1, step=1, say={"bob": "Fire!"})

    heard = [*deeds(parent, 0)[1::2], "Fire!"]
    assert all(text in prompts(made, 0, "ann")[-1] for text in heard)
    assert replayed(made) == 1


def test_samples_remember_the_parents_episodes_and_not_each_other(relay, branch):
    parent = relay(cast={"*": diary()}, episodes=3, options={"turns": 2})

    made = branch(parent, step=0, seed=5, samples=3)

    assert [deeds(made, n) for n in range(3)] == [["ann has seen 5", "bob has seen 6"]] * 3
    assert replayed(made) == 3


def test_a_changed_agent_is_told_what_its_seat_perceived_in_all_episodes(relay, branch):
    parent = relay(cast=LASTING, episodes=2, models=MOODY)

    made = branch(parent, episode=1, step=2, settings=["cast.ann.persona=You are rude."])

    asked = prompts(made, 0, "ann")[-1]
    assert "You are rude." in asked
    assert all(text in asked for text in deeds(parent, 0)[1::2])
    assert all(text not in prompts(made, 0, "bob")[0] for text in deeds(parent, 0))
    assert replayed(made) == 1


def test_a_changed_agent_of_one_episode_is_told_of_that_episode_only(relay, branch):
    parent = relay(cast=LASTING, episodes=2, models=MOODY)

    made = branch(parent, episode=1, step=1, settings=["cast.bob.persona=You are rude."])

    asked = prompts(made, 0, "bob")[0]
    assert "You are rude." in asked
    assert all(text not in asked for text in deeds(parent, 0))
    assert replayed(made) == 1


def test_a_persistent_agent_gives_way_to_one_that_knows_what_it_knew(relay, branch):
    parent = relay(cast={"*": diary()}, episodes=2, options={"turns": 4})

    made = branch(parent, episode=1, step=2, settings=["cast.ann.persistent=false"])

    assert deeds(made) == deeds(parent, 1)


@pytest.mark.parametrize("step", [1, 3])
def test_sim_8_a_branch_of_a_branch_remembers_what_the_first_run_did(relay, branch, step):
    parent = relay(cast={"*": diary()}, episodes=3)
    first = branch(parent, step=2, seed=5, samples=2, say={"ann": "No."}, out="first")

    second = branch(first, episode=1, step=step, out="second")

    expected = deeds(parent, 2) if step == 1 else deeds(first, 1)
    assert deeds(second) == expected
    assert replayed(second) == 1


def test_an_interrupted_branch_is_gone_on_with(relay, branch, tmp_path):
    parent = relay(cast=LASTING, episodes=3)
    whole = branch(parent, step=2, say={"ann": "No."}, out="whole")
    cut = prepare_branch(parent.path, episode=2, step=2, say={"ann": "No."}, out=tmp_path / "cut")

    assert run(cut.directory.path, resume=True, hosts=0).digest == whole.digest


def test_a_branch_without_its_earlier_episodes_is_refused(relay, tmp_path):
    parent = relay(cast=LASTING, episodes=3)
    launch = prepare_branch(parent.path, episode=2, step=2, out=tmp_path / "cut")
    (segment,) = Run(launch.directory.path / "earlier").directory.segments()
    data = segment.path.read_bytes()
    segment.path.write_bytes(data[: len(data) * 3 // 4])
    segment.seal.unlink()

    with pytest.raises(RunDirectoryError, match=r"earlier must hold episodes 0\.\.1 .* got \[0\];"):
        launch.run()


def test_a_flipped_byte_in_the_earlier_episodes_is_told(relay, branch):
    made = branch(relay(cast=LASTING, episodes=3), step=2)
    (segment,) = Run(made.path / "earlier").directory.segments()
    data = bytearray(segment.path.read_bytes())
    data[len(data) // 2] ^= 1
    segment.path.write_bytes(data)

    with pytest.raises(LogDamagedError, match=rf"{segment.path.name}.* byte \d+"):
        replayed(made)


def test_a_branch_needs_its_parent_no_more(relay, branch):
    parent = relay(cast=LASTING, episodes=3)
    made = branch(parent, step=2)
    shutil.rmtree(parent.path)

    assert replayed(made) == 1
