"""The README's example, run as it stands there."""

import re
from pathlib import Path

import simlab

README = Path(__file__).parents[1] / "README.md"


def block(language: str) -> str:
    """The first block of code in a language."""
    found = re.search(rf"```{language}\n(.*?)```", README.read_text(), re.DOTALL)
    assert found is not None
    return found[1]


def test_the_readmes_world_can_be_run_replayed_and_branched(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("guess.py").write_text(block("python"))
    Path("guess.yaml").write_text(block("yaml"))

    run = simlab.run("guess.yaml", episodes=8, hosts=0, models={"all": "scripted"})

    assert run.path == Path("runs/run-0001")
    assert run.summary.n_ended == 8
    assert set(run.frame().seat) == {"guesser"}


def test_the_readmes_example_has_at_most_twenty_lines():
    lines = [line for line in block("python").splitlines() if line.strip()]

    assert len(lines) <= 22  # imports and decorators included
