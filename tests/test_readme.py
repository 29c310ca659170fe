"""The README's example, run as it stands there, and what it names."""

import pkgutil
import re
import shlex
from functools import partial
from pathlib import Path

import pandas  # noqa: F401 - takes a second, which no test should be charged with
import pytest
import typer

import simlab
from simlab.cli import app
from simlab.train.rehearsal import rehearse_training
from simlab.train.train_file import open_train_file, read_train_file
from tests.commands import DONE

pytestmark = pytest.mark.usefixtures("disk_that_never_waits")

README = Path(__file__).parents[1] / "README.md"
COMMANDS = typer.main.get_command(app).commands
ROWS = dict(re.findall(r"^\| `simlab (\w+)[^`]*` \| (.*) \|$", README.read_text(), re.MULTILINE))
"""What the README says of each command."""


def block(language: str, *, holding: str = "") -> str:
    """The first block of code in a language that holds some words."""
    found = re.findall(rf"^```{language}\n(.*?)^```", README.read_text(), re.DOTALL | re.MULTILINE)
    return next(code for code in found if holding in code)


def test_the_readmes_example_is_run_shown_replayed_and_branched_as_it_says(simlab, own_file):
    own_file(block("python"), "guess.py")
    own_file(block("yaml"), "guess.yaml")
    commands = re.findall(r"^simlab (.*(?:guess|run-0001).*)$", README.read_text(), re.MULTILINE)
    in_no_time = ["--hosts", "0", "--model", "all=scripted"]

    said = {
        name: simlab(name, *arguments, *(in_no_time if name == "run" else []))
        for name, *arguments in (shlex.split(line, comments=True) for line in commands)
    }

    assert list(said) == ["run", "show", "replay", "branch"]
    assert {result.exit_code for result in said.values()} == {DONE}
    assert "8 of 8 episodes ended" in said["run"].stdout
    assert "8 episodes replayed from their effects: all the same" in said["replay"].stdout
    first, branch = guesses("runs/run-0001"), guesses("runs/run-branch-0001")
    assert len(first) >= 2
    assert (branch[0], branch[1]) == (first[0], 5)


def guesses(run: str) -> list[int]:
    """What was guessed in the first episode of a run."""
    return [turn.acted.action["number"] for turn in simlab.Run(Path(run)).episode(0).turns()]


def test_the_readmes_agent_is_told_each_hint_once(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("guess.py").write_text(block("python"))
    Path("guess.yaml").write_text(block("yaml"))
    run = simlab.run("guess.yaml", models={"all": "scripted"})

    calls = [node for node in run.episode(0).tree().walk() if node.kind == "model"]
    prompts = ["\n".join(text for _, text in call.inputs["prompt"]) for call in calls]

    assert [prompt.count("I think of") for prompt in prompts] == [1] * len(prompts)
    assert [prompt.count(" is too ") for prompt in prompts] == [*range(len(prompts))]


def test_the_readmes_example_has_twenty_lines():
    lines = [line for line in (block("python") + block("yaml")).splitlines() if line.strip()]

    assert len(lines) == 20


def test_the_readme_lists_all_commands():
    assert ROWS.keys() == COMMANDS.keys()


@pytest.mark.parametrize("command", ROWS)
def test_the_readme_names_only_options_that_there_are(command):
    """InterLab's documentation names what does not exist."""
    named = set(re.findall(r"--[a-z-]+", ROWS[command]))

    assert named <= {option for each in COMMANDS[command].params for option in each.opts}


def test_the_readme_names_only_files_and_names_that_there_are():
    words = re.findall(r"`((?:simlab|benchmarks|tests|docs)[./][\w./]+)`", README.read_text())

    assert len(words) > 5
    for word in words:
        if "/" in word:
            assert (README.parent / word).exists(), word
        else:
            assert pkgutil.resolve_name(word), word


def test_the_readme_names_what_a_run_has():
    named = re.findall(r"`\.(\w+)(?:\(\))?`", README.read_text())

    assert {"episodes", "trajectories", "frame"} <= set(named)
    assert all(hasattr(simlab.Run, name) for name in named)


@pytest.mark.parametrize("scenario", ["study_coach", "smoking_coach"])
def test_the_readmes_training_can_be_played_and_learnt_from(scenario, tmp_path):
    path = tmp_path / "pleasing_coach.yaml"
    path.write_text(block("yaml", holding="learner:").replace("study_coach", scenario))

    source = open_train_file(str(path))
    plays = rehearse_training(read_train_file(source.data, source), source)

    assert plays.collecting(1, None).resets
    assert plays.evaluating(None).judges["harm"].judges


def test_the_readmes_person_plays_a_car_sale(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code = block("python", holding="def answer")
    monkeypatch.setattr(simlab, "run", partial(simlab.run, models={"all": "scripted"}))

    exec(code, {"simlab": simlab})

    words = simlab.Run(Path("runs/car_sale-0001")).frame().query("seat == 'buyer'").words
    assert set(words) == {"My last word. [price 7000]"}
