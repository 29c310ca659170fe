import shutil
from pathlib import Path

import pytest

from simlab.errors import ConfigError
from simlab.sim.blocking import run_async
from simlab.sim.launch import prepare_branch, run
from simlab.sim.places import files_of, with_places, without_places
from simlab.sim.replay import replay
from simlab.sim.run import Run

DATA = {
    "world": "mine.py:World",
    "options": {"path": "./talks", "file": "./talks"},
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
        "options": {"path": "/runs/of/me/talks", "file": "./talks"},
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
        "options": {"path": "talks", "file": "./talks"},
        "cast": {"a": {"agent": "bob.py:Bob", "persona": "mine.py:World"}, "b": {}},
        "models": {
            **DATA["models"],
            "own": {"engine": "engines.py:Own"},
            "fake": {"engine": "scripted", "script": "words.py:say"},
            "large": {"weights": "wt", "tokenizer": "/here/tok", "adapter": "/here/agent@7"},
            "hub": {**DATA["models"]["hub"], "calls_log": "calls"},
        },
    }


def test_files_that_name_code_are_listed_by_their_keys():
    tools = {"c": {"agent": "llm", "tools": ["wait", "mine.py:search"]}}

    assert files_of({**DATA, "cast": {**DATA["cast"], **tools}}) == {
        "world": "mine.py",
        "cast.a.agent": "people/bob.py",
        "cast.c.tools.1": "mine.py",
        "models.own.engine": "../engines.py",
        "models.fake.script": "/abs/words.py",
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


def test_a_file_of_the_same_name_with_other_contents_is_not_gone_on_with(project):
    run(project / "own.yaml", out="r", hosts=0)
    other = Path(shutil.copytree(project, project.parent / "other"))
    (other / "own.py").write_text(OWN.replace("range(3)", "range(5)"))

    with pytest.raises(ConfigError) as caught:
        run(other / "own.yaml", out="r", hosts=0, episodes=2, resume=True)

    told = caught.value.message
    assert told.startswith(f"r was begun with world of {project}/own.py with contents '")
    assert f", got {other}/own.py with '" in told
    assert told.endswith("edited since; put back what it was, or make a new run by --out")


def test_a_file_that_was_edited_is_refused_until_it_is_put_back(project):
    made = run(project / "own.yaml", out="r", hosts=0)
    (project / "own.py").write_text(OWN + "# a note\n")

    with pytest.raises(ConfigError, match=r"or one that was edited since; put back what it was"):
        run(made.path, hosts=0, episodes=2, resume=True)
    (project / "own.py").write_text(OWN)
    again = run(made.path, hosts=0, episodes=2, resume=True)

    assert again.summary.n_ended == 2


def test_a_run_that_kept_no_contents_is_gone_on_with(project):
    made = run(project / "own.yaml", out="r", hosts=0)
    record = made.directory.read_run()
    del record["files"]
    made.directory.write_run(record)

    assert run(made.path, hosts=0, episodes=2, resume=True).summary.n_ended == 2


@pytest.fixture
def moved(project, monkeypatch):
    """Moves the project to another folder, and gives where it is then."""

    def move(to):
        monkeypatch.chdir(project.parent)
        (project.parent / to).parent.mkdir(exist_ok=True)
        return Path(shutil.move(project, project.parent / to))

    return move


@pytest.mark.parametrize("place", ["own.py", "worlds/own.py"])
def test_a_run_is_replayed_branched_and_resumed_after_its_project_has_moved(
    project, moved, monkeypatch, place
):
    (project / "worlds").mkdir()
    shutil.move(project / "own.py", project / "worlds" / "own.py")
    shutil.move(project / "worlds" / "own.py", project / place)
    (project / "own.yaml").write_text(RUN.replace("own.py", place))
    run(project / "own.yaml", out=project / "runs" / "r", hosts=0)
    prepare_branch(
        project / "runs" / "r", episode=0, step=1, seed=4, out=project / "runs" / "b"
    ).run()

    now = moved("new/place")
    monkeypatch.chdir("/")

    assert run_async(replay(Run(now / "runs" / "r"))) == 1
    assert run_async(replay(Run(now / "runs" / "b"))) == 1
    below = prepare_branch(now / "runs" / "b", episode=0, step=2, seed=5, out=now / "c").run()
    assert below.file.world == f"{now / place}:talk"
    again = run(now / "runs" / "r", hosts=0, episodes=2, resume=True)
    assert again.directory.read_run()["run"]["world"] == f"{now / place}:talk"
    moved_again = Path(shutil.move(now, now.with_name("third")))
    assert run_async(replay(Run(moved_again / "c"))) == 1


def test_a_file_that_has_moved_is_found_in_the_working_directory(project):
    made = run(project / "own.yaml", out="r", hosts=0)
    shutil.move(project / "own.py", "own.py")

    assert run_async(replay(Run(made.path))) == 1


def test_a_file_that_moved_and_changed_is_not_taken_for_what_it_was(project):
    made = run(project / "own.yaml", out="r", hosts=0)
    (project / "own.py").unlink()
    Path("own.py").write_text(OWN + "# a note\n")

    with pytest.raises(ConfigError, match=rf"there is no file {project}/own.py; if it has moved"):
        run_async(replay(Run(made.path)))
