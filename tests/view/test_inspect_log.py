"""A run is written as a log that Inspect reads, and that its viewer shows."""

import json
import os
import subprocess
from contextlib import contextmanager
from pathlib import Path
from zipfile import ZipFile

import pytest

from simlab.view.inspect_log import write_inspect_log
from tests.ports import free_ports
from tests.view.browsing import opened


@pytest.fixture
def inspect():
    """The commands of Inspect, in an environment of its own: it needs other versions than we."""
    commands = Path(__file__).parents[2] / ".venv/inspect/bin"
    if not (commands / "inspect").exists():
        pytest.skip("needs Inspect in an environment of its own: make inspect")
    return commands


@contextmanager
def viewing(inspect, folder):
    """Inspect's viewer of a folder of logs; gives its address."""
    (port,) = free_ports(1)
    command = [inspect / "inspect", "view", "start", "--log-dir", folder, "--port", str(port)]
    environment = {**os.environ, "HOME": str(folder), "PYTHONUNBUFFERED": "1"}
    viewer = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    with viewer:
        try:
            assert any("Running on" in line for line in viewer.stdout), "it has ended"
            yield f"http://127.0.0.1:{port}"
        finally:
            viewer.terminate()


def test_the_log_for_inspect_has_a_sample_for_each_episode(sale, tmp_path):
    write_inspect_log(sale, tmp_path / "run.eval")

    with ZipFile(tmp_path / "run.eval") as archive:
        sample = json.loads(archive.read("samples/1_epoch_1.json"))
        header = json.loads(archive.read("header.json"))
    models = [event for event in sample["events"] if event["event"] == "model"]
    (refs,) = {tuple(map(tuple, models[0]["input_refs"]))}
    roles = [sample["events_data"]["messages"][at]["role"] for at in range(*refs[0])]
    assert (header["status"], header["results"]["total_samples"]) == ("success", 3)
    assert len(models) == 7
    assert roles == ["system", "user", "assistant"]
    assert sample["scores"]["return/buyer"] == {"value": 750.0}


def test_messages_of_prompts_stand_once_in_a_sample(sale, tmp_path):
    write_inspect_log(sale, tmp_path / "run.eval")

    with ZipFile(tmp_path / "run.eval") as archive:
        pool = json.loads(archive.read("samples/1_epoch_1.json"))["events_data"]["messages"]
    assert len({(m["role"], m["content"]) for m in pool}) == len(pool)


@pytest.mark.slow
def test_inspect_reads_the_log_back(coach, inspect, tmp_path):
    write_inspect_log(coach, tmp_path / "run.eval")

    script = Path(__file__).with_name("reading_by_inspect.py")
    command = [inspect / "python", script, tmp_path / "run.eval"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    read = json.loads(done.stdout)
    assert (read["status"], read["task"]) == ("success", "study_coach")
    assert read["scores"]["rating/preference"] == coach.row(0)["ratings"]["preference"]
    assert any("Set a timer" in text for text in read["messages"])
    assert read["first_role"] == "system"
    assert read["input_tokens"] == coach.row(0)["prompt_tokens"]


@pytest.mark.browser
def test_inspects_viewer_shows_the_log(coach, inspect, browser, tmp_path):
    write_inspect_log(coach, tmp_path / "run.eval")
    unanswered = ["404 (Not Found)"]  # the viewer asks for a file of its own that may be missing

    with viewing(inspect, tmp_path) as address:
        first = f"{address}/#/tasks/run.eval/samples/sample/1/1"
        with opened(browser, first, until="text=step: step 0", expected=unanswered) as page:
            shown = page.inner_text("body").lower()

    assert f"{coach.row(0)['ratings']['preference']:.10f}"[:8] in shown
    assert "model call (assistant)" in shown
    assert "set a timer to ten minutes" in shown
