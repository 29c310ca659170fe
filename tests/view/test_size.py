"""A run of a million events is opened in a moment, and read a window at a time."""

import time

import pytest
from msgspec import Raw

from simlab.trace.directory import RunDirectory
from simlab.trace.events import Effect, EffectCore, SpanClosed, SpanOpened, Started, Stepped, encode
from simlab.trace.segment import MAGIC, pack
from simlab.view.find import Query, find
from simlab.view.opened import OpenedRun
from simlab.view.steps import Steps
from simlab.view.turns import read_turns

pytestmark = pytest.mark.slow

N_EPISODES, N_STEPS = 250, 1_000


def records_of_step(step):
    """What a turn with one model call leaves: a span, the call, and what the world said."""
    said = {"_type": "Offer", "price": step, "say": f"offer {step}"}
    core = EffectCore("buyer", step, 7, "model", b"r" * 16, 0, {"text": f"offer {step}"}, None)
    settings = encode(["small", {"max_tokens": 48}])
    request = [settings, "chat", [["user", f"what now in step {step}?"]]]
    heard = {"observations": {seat: [f"heard {step}"] for seat in ("buyer", "seller")}}
    stepped = [step, 0.0, [["buyer", said, 1, None, None, False, False]], heard]
    return [
        SpanOpened("buyer", step, "act 1", step + 1, 0, "act: 1/3", "attempt", {}, [], 1.0),
        Effect(Raw(encode(core)), request, 1.0, 0.1, "act 1", {"prompt_tokens": 9}),
        SpanClosed(step + 1, said, None, 0.1),
        Stepped(Raw(encode(stepped)), b"d" * 16, 1.0),
    ]


@pytest.fixture(scope="module")
def million(tmp_path_factory):
    """An unfinished run, of which no summary is kept: the dearer one to open."""
    path = tmp_path_factory.mktemp("million") / "run"
    directory = RunDirectory.create(path, {"run": {"name": "million", "episodes": N_EPISODES}})
    begun = Started(Raw(encode([1, {}])), b"", 0.0)
    events = [begun, *(event for step in range(N_STEPS) for event in records_of_step(step))]
    one = [(event.KIND, encode(event)) for event in events]
    with directory.new_segment("driver").path.open("wb") as segment:
        segment.write(MAGIC)
        for episode in range(N_EPISODES):
            segment.write(b"".join(pack(kind, episode, payload) for kind, payload in one))
    return path


def cpu_s(look):
    start = time.process_time()
    look()
    return time.process_time() - start


def test_a_run_of_a_million_events_opens_in_two_seconds(million):
    opened = []

    assert cpu_s(lambda: opened.append(OpenedRun(million).overview())) < 2

    assert opened[0]["n_steps"] == N_EPISODES * N_STEPS


def test_every_look_at_it_costs_a_tenth_of_a_second_at_most(million):
    run = OpenedRun(million)
    steps = Steps(run)
    looks = {
        "news": lambda: run.news(run.news()["cursor"]),
        "window": lambda: read_turns(run, 9, 400, 600),
        "end": lambda: read_turns(run, 200, -200),
        "step": lambda: steps.read(9, 900),
        "find": lambda: find(run, Query("nowhere")),
    }
    looks["news"]()

    spent = {name: cpu_s(look) for name, look in looks.items()}

    assert {name: s for name, s in spent.items() if s > 0.1} == {}
