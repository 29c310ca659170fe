"""Runs that go on in processes of their own, and the app that watches them, in another."""

import os
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import yaml

from simlab.sim.control.client import ControlClient
from simlab.sim.launch import prepare
from tests.view.browsing import WIDE

ROOT = Path(__file__).parents[2]

RELAY = {
    "name": "relay",
    "world": "tests.sim.worlds:Relay",
    "options": {"turns": 400},
    "cast": {"*": {"agent": "llm", "model": "small"}},
    "models": {"small": {"engine": "scripted", "latency_s": 0.3}},
}
"""Two models that chat, slowly enough to be watched."""

LEFT = "AbortError: BodyStreamBuffer was aborted"
"""What Gradio says of its own stream where a page is left while it is open."""


def played(path, **keys):
    """A run of the relay that was played to its end, in no time."""
    file = {**RELAY, "options": {"turns": 6}, "models": {"small": {"engine": "scripted"}}, **keys}
    return prepare(_written(path, file), out=path, hosts=0).run()


@contextmanager
def live(path, **keys):
    """A process that plays the relay, and listens."""
    file = _written(path, {**RELAY, **keys})
    arguments = ["run", str(file), "--hosts=0", f"--out={path}"]
    with _process(arguments) as process:
        _wait_for_socket(path, process)
        yield process


@contextmanager
def watched(folder):
    """The app over a folder of runs; gives the address to open."""
    with _process(["watch", str(folder)]) as process:
        address = next(line for line in process.stdout if "http://" in line)
        threading.Thread(target=process.stdout.read, daemon=True).start()
        yield address[address.index("http://") :].split()[0]


@contextmanager
def page_of(browser, address, run, *, size=WIDE, scheme="light", rest=""):
    """The page of a run; after the block its console must have been free of errors."""
    said = []
    context = browser.new_context(viewport=size, color_scheme=scheme)
    page = context.new_page()
    page.set_default_timeout(20_000)
    page.on("console", lambda m: said.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    base, _, token = address.partition("?")
    page.goto(f"{base}run?run={run}&{token}{rest}")
    page.wait_for_selector("simlab-run .turn:not(.loading), simlab-run .lost")
    yield page
    context.close()
    ours = [words for words in said if not words.startswith(LEFT)]
    assert ours == [], ours


def _written(path, file):
    place = path.with_name(f"{path.name}.yaml")
    place.write_text(yaml.safe_dump(file))
    return place


@contextmanager
def _process(arguments):
    process = subprocess.Popen(
        [sys.executable, "-m", "simlab.cli", *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


def _wait_for_socket(path, process):
    for line in process.stdout:  # it prints what was done first when it goes on
        if "Turn" in line or line.strip():
            break
    threading.Thread(target=process.stdout.read, daemon=True).start()
    with ControlClient(path) as client:
        client.hello()
