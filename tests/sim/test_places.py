import shutil
from pathlib import Path

import pytest

from simlab.errors import ConfigError
from simlab.sim.blocking import run_async
from simlab.sim.launch import prepare_branch, run
from simlab.sim.places import with_places, without_places
from simlab.sim.replay import replay

DATA = {
    "world": "mine.py:World",
    "cast": {"a": {"agent": "people/bob.py:Bob", "persona": "mine.py:World"}, "b": {}},
    "judges": {"harm": {"agent": "rating", "question": "mine.py:World"}},
    "models": {
        "own": {"engine": "../engines.py:Own"},
        "fake": {"engine": "scripted", "script": "/abs/words.py:say"},
        "real": {"engine": "pkg.py.mod:Class", "weights": "mine.py"},
        "large": {"weights": "../wt", "tokenizer": "./tok", "adapter": "./agent@7"},
        "hub": {"weights": "owner/name", "tokenizer": "embedded", "calls_log": "logs/calls"},
    },
}


def test_every_file_that_names_code_is_given_its_place():
    placed = with_places(DATA, Path("/runs/of/me"))

    assert placed == {
        "world": "/runs/of/me/mine.py:World",
        "cast": {"a": {"agent": "/runs/of/me/people/bob.py:Bob", "persona": "mine.py:World"}}
        | {"b": {}},
        "judges": DATA["judges"],
        "models": {
            "own": {"engine": "/runs/of/engines.py:Own"},
            "fake": {"engine": "scripted", "script": "/abs/words.py:say"},
            "real": DATA["models"]["real"],
            "large": {
                "weights": "/runs/of/wt",
                "tokenizer": "/runs/of/me/tok",
                "adapter": "/runs/of/me/agent@7",
            },
            "hub": {**DATA["models"]["hub"], "calls_log": "/runs/of/me/logs/calls"},
        },
    }
    assert list(placed) == list(DATA)


def test_what_has_its_place_keeps_it():
    placed = with_places(DATA, Path("/here"))

    assert with_places(placed, Path("/there")) == placed


def test_without_places_only_the_names_of_files_are_left():
    assert without_places(with_places(DATA, Path("/here"))) == {
        **DATA,
        "cast": {"a": {"agent": "bob.py:Bob", "persona": "mine.py:World"}, "b": {}},
        "models": {
            **DATA["models"],
            "own": {"engine": "engines.py:Own"},
            "fake": {"engine": "scripted", "script": "words.py:say"},
            "large": {"weights": "wt", "tokenizer": "/here/tok", "adapter": "/here/agent@7"},
            "hub": {**DATA["models"]["hub"], "calls_log": "calls"},
        },
    }


@pytest.mark.parametrize(
    "data", [{}, {"world": 3, "cast": None, "models": [1]}, {"cast": {"a": 1}}]
)
def test_data_of_another_form_stays_as_it_is(data):
    assert with_places(data, Path("/here")) == data


OWN = """
from simlab.env import ActionRequest, SeatSpec, TimeStep
from simlab.env.script import script
from simlab.agents import LlmAgent


class Dice:
    'Of a class that no log knows.'

    def __str__(self):
        return 'a six'


class Player(LlmAgent):
    pass


def say(prompt, sampling):
    return f'words {sampling.seed}'


@script({'a': SeatSpec('You talk.', str)})
def talk(seed, options):
    for _ in range(3):
        yield TimeStep({'a': ActionRequest(str)}, {'a': [Dice()]})
    yield TimeStep(ended={'a': 'terminated'})
"""
RUN = """
world: own.py:talk
cast: {a: {agent: own.py:Player}}
models: {small: {engine: scripted, script: own.py:say}}
"""


@pytest.fixture
def project(tmp_path, monkeypatch, own_file):  # noqa: ARG001 - which forgets the file in the end
    """A folder with a run file and what it names; the working directory is another."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "own.py").write_text(OWN)
    (folder / "own.yaml").write_text(RUN)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    return folder


def test_a_run_file_is_run_replayed_resumed_and_branched_from_any_folder(project, monkeypatch):
    path = project.parent / "r"
    made = run(f"../{project.name}/own.yaml", out=path, hosts=0)
    monkeypatch.chdir("/")

    assert made.summary.n_ended == 1
    assert run_async(replay(made)) == 1
    assert run(path, resume=True, episodes=2, hosts=0).summary.n_ended == 2
    branch = prepare_branch(path, episode=1, step=1, seed=4, out=path.parent / "b").run()
    assert branch.summary.n_ended == 1


def test_the_digest_of_a_run_does_not_depend_on_the_folder(project):
    one = run(project / "own.yaml", out="one", hosts=0)
    moved = shutil.copytree(project, project.parent / "moved")
    other = run(moved / "own.yaml", out="other", hosts=0)

    assert one.file.world != other.file.world
    assert one.digest == other.digest


def test_a_run_whose_files_have_moved_is_gone_on_with_where_they_are_now(project):
    run(project / "own.yaml", out="r", hosts=0)
    moved = shutil.move(project, project.parent / "moved")

    again = run(f"{moved}/own.yaml", out="r", hosts=0, episodes=2, resume=True)

    assert again.summary.n_ended == 2
    assert again.file.world == f"{moved}/own.py:talk"


def test_a_log_of_calls_stands_beside_the_run_file(project):
    (project / "own.yaml").write_text(RUN.replace("script: own.py:say", "calls_log: calls"))

    run(project / "own.yaml", out="r", hosts=0)

    assert len((project / "calls").read_text().splitlines()) == 3


@pytest.mark.parametrize(
    ("weights", "folder"), [("./wt", "project/wt"), ("wt", "elsewhere/wt"), ("../wt", "wt")]
)
def test_weights_that_are_missing_are_told_with_the_folder_that_was_looked_in(
    project, weights, folder
):
    engine = f"engine: transformers, weights: {weights}"
    (project / "own.yaml").write_text(RUN.replace("engine: scripted, script: own.py:say", engine))
    place = project.parent / folder

    with pytest.raises(ConfigError, match=rf"there is no folder '{place}'; write one that stands "):
        run(project / "own.yaml", out="r", hosts=0)


def test_a_run_of_another_world_is_not_gone_on_with(project):
    run(project / "own.yaml", out="r", hosts=0)
    shutil.copy(project / "own.py", project / "other.py")
    settings = [f"world={project}/other.py:talk"]

    with pytest.raises(ConfigError, match=r"was begun with world 'own.py:talk', got 'other.py:ta"):
        run(project / "own.yaml", out="r", hosts=0, settings=settings, resume=True)


def test_a_file_of_the_command_line_stands_in_the_working_directory(project):
    shutil.move(project / "own.py", "mine.py")
    settings = [
        "world=mine.py:talk",
        "cast.a.agent=mine.py:Player",
        "models.small.script=mine.py:say",
    ]

    made = run(project / "own.yaml", out="r", hosts=0, settings=settings)

    assert made.file.world == f"{Path.cwd()}/mine.py:talk"
    assert made.file.cast["a"].agent == f"{Path.cwd()}/mine.py:Player"
