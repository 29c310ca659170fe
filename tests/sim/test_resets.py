"""Episodes that begin where a run file says, each from options of its own."""

import pytest

from simlab.errors import ConfigError
from simlab.seeding import derive
from simlab.sim.config import checked, load_run_file
from simlab.sim.launch import prepare, prepare_branch, run
from tests.sim.records import replayed

EXAM = {"environment": "gameable_exam", "state": "1"}
ESSAY = {"environment": "normal_essay", "state": "2"}
DATA = {
    "name": "talk",
    "world": "simlab.env.dialogue:DialogueWorld",
    "options": {"path": "study_coach"},
    "cast": {"*": {"name_speakers": False}},
    "models": {"small": {"engine": "scripted"}},
}


def begun(made):
    """Where each episode of a run began."""
    return [
        {"environment": facts["environment"], "state": facts["initial_state"]}
        for facts in (episode.facts() for episode in made.episodes)
    ]


def test_each_episode_begins_from_its_own_options(run_file, tmp_path):
    path = run_file({**DATA, "resets": [EXAM, ESSAY, EXAM]})

    made = run(path, out=tmp_path / "run", hosts=0)

    assert begun(made) == [EXAM, ESSAY, EXAM]
    assert made.episode(0).transcript() != made.episode(2).transcript()
    assert replayed(made) == 3


def test_its_seed_follows_from_its_options_and_from_how_manieth_it_is_with_these():
    one = checked({**DATA, "resets": [EXAM, ESSAY, EXAM]})
    other = checked({**DATA, "resets": [ESSAY, EXAM, EXAM, {**ESSAY, "state": "1"}]})

    assert [one.seed_of(n) for n in range(3)] == [other.seed_of(n) for n in (1, 0, 2)]
    assert len({other.seed_of(n) for n in range(4)}) == 4
    assert checked({**DATA, "resets": [EXAM], "seed": 1}).seed_of(0) != one.seed_of(0)


def test_fewer_episodes_than_resets_may_be_played_and_grow_on_resuming(run_file, tmp_path):
    path = run_file({**DATA, "resets": [EXAM, ESSAY]})
    assert len(run(path, out=tmp_path / "run", hosts=0, episodes=1).episodes) == 1

    long = run(path, out=tmp_path / "run", hosts=0, resume=True)

    assert begun(long) == [EXAM, ESSAY]


def test_a_branch_begins_as_its_episode_did(run_file, tmp_path):
    made = run(run_file({**DATA, "resets": [EXAM, ESSAY]}), out=tmp_path / "run", hosts=0)

    branch = prepare_branch(
        made.path, episode=1, step=1, seed=5, samples=2, out=tmp_path / "branch"
    ).run()

    assert begun(branch) == [ESSAY, ESSAY]
    assert replayed(branch) == 2


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"episodes": 3}, r"mine.yaml:\d+: episodes: must be at most 2, one for each of resets"),
        ({"resets": [EXAM, {**EXAM, "state": "9"}]}, r"mine.yaml:\d+: .*no state '9'"),
        ({"resets": [EXAM, {"place": "x"}]}, r"mine.yaml:\d+: .*got 'place'"),
        ({"resets": [7]}, r"mine.yaml:\d+: resets.0: input should be a valid dictionary, got 7"),
        ({"cast": {"*": {"persistent": True}}}, r"mine.yaml:\d+: resets must be empty where"),
    ],
)
def test_what_cannot_be_begun_is_refused_before_anything_is_made(keys, message, run_file, tmp_path):
    path = run_file({**DATA, "resets": [EXAM, ESSAY], **keys})

    with pytest.raises(ConfigError, match=message):
        prepare(path, out=tmp_path / "run", hosts=0)

    assert not (tmp_path / "run").exists()


def test_a_file_without_resets_has_the_seeds_that_it_had():
    assert load_run_file("study_coach").starts == []
    assert checked({**DATA, "episodes": 3}).seed_of(2) == derive(0, "episode", 2)


def test_a_run_file_that_was_read_is_run_as_one_that_is_named(run_file, tmp_path):
    path = run_file({**DATA, "resets": [EXAM, ESSAY]})

    named = run(path, out=tmp_path / "named", hosts=0)
    read = run(load_run_file(path), out=tmp_path / "read", hosts=0)
    again = run(load_run_file(path), out=tmp_path / "read", hosts=0, resume=True)

    assert read.digest == named.digest == again.digest
    with pytest.raises(ConfigError, match="exists already; go on with it by --resume"):
        run(load_run_file(path), out=tmp_path / "read", hosts=0)
