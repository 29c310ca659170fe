"""Runs as tables for pandas, and as lines for everybody else."""

import json
import math

import pandas as pd
import pytest

from simlab.trace.events import Acted, Fault, Outcome, SteppedCore
from simlab.trace.journal import Journal
from simlab.trace.log import Log
from simlab.trace.tables import write_jsonl, write_tables
from simlab.trace.tracing import Tag, effect, note, span, turn
from tests.trace.society import Model, open_writer, play_run

LONG = "an offer that is much longer than what stands in its place in the record"


@pytest.fixture
async def odd(directory):
    """A log whose one episode has all that is hard to write down."""
    writer = open_writer(directory)
    journal = Journal(3, seed=2**63 - 1, writer=writer)
    await journal.begin({"observations": {"buyer": [LONG]}})
    with turn(journal, "buyer", 0, "act"), span("think", tags=["a", Tag("b", "red")]):
        note("numbers", [math.nan, -math.inf, b"\x00\xff"])
        await effect("tool", {"query": LONG}, lambda _: "half a \ud800 pair")
        with pytest.raises(ZeroDivisionError):
            await effect("tool", "fail", lambda _: 1 / 0)
    acted = [Acted("buyer", {"price": math.nan, "say": LONG}, 3, "no price", "raw", late=True)]
    await journal.step(SteppedCore(0, 1.5, acted, {"rewards": {"buyer": math.nan}}))
    fault = Fault("ModelError", "overloaded", "model")
    await journal.end(Outcome(1, {"buyer": math.nan}, {}, {}, fault))
    writer.close()
    return Log(directory)


@pytest.fixture
def read(tmp_path):
    """Write the tables of a log; each as records."""

    def read(log):
        write_tables(log, tmp_path / "tables")
        names = ("episodes", "actions", "effects", "spans")
        frames = {name: pd.read_parquet(tmp_path / "tables" / f"{name}.parquet") for name in names}
        return {name: frame.to_dict("records") for name, frame in frames.items()}

    return read


async def test_tables_hold_episodes_actions_effects_and_spans(directory, read):
    digest = await play_run(directory, Model(), episodes=2)

    tables = read(Log(directory))

    assert {name: len(rows) for name, rows in tables.items()} == {
        "episodes": 2, "actions": 12, "effects": 12, "spans": 24
    }  # fmt: skip
    last = tables["episodes"][1]
    assert (last["episode"], last["state"], last["n_steps"], last["seed"]) == (1, "ended", 3, 6)
    assert json.loads(last["returns"]) == {"buyer": 3.0, "seller": 3.0}
    assert (last["calls"], last["completion_tokens"]) == (6, 12)
    assert last["digest"] == digest.hex()
    first = tables["actions"][0]
    assert (first["seat"], first["step"], first["reward"], first["attempts"]) == (
        "buyer",
        0,
        1.0,
        1,
    )
    assert json.loads(first["action"]) == first["words"]
    call = tables["effects"][0]
    assert (call["kind"], call["model"], call["actor"], call["part"]) == (
        "model", "small", "buyer", "act"
    )  # fmt: skip
    assert json.loads(call["prompt"]) == [["user", "buyer, step 0?"]]
    assert call["text"] == first["words"]
    assert (call["prompt_tokens"], call["completion_tokens"]) == (20, 2)
    spans = {row["id"]: row for row in tables["spans"][:4] if row["type"] == "span"}
    assert call["span"] in spans
    assert spans[call["span"]]["name"] == "think"


async def test_what_is_hard_to_write_down_is_in_the_tables(odd, read):
    tables = read(odd)

    (episode,), (action,) = tables["episodes"], tables["actions"]
    assert (episode["state"], episode["failure"], episode["boundary"]) == (
        "failed", "ModelError: overloaded", "model"
    )  # fmt: skip
    assert episode["seed"] == 2**63 - 1
    assert math.isnan(action["reward"])
    assert json.loads(action["action"]) == {"price": "NaN", "say": LONG}
    assert (action["invalid"], action["reason"], action["raw"], action["late"]) == (
        True, "no price", "raw", True
    )  # fmt: skip
    said, failed = tables["effects"]
    assert json.loads(said["request"]) == {"query": LONG}
    assert json.loads(said["result"]) == "half a \ud800 pair"
    assert failed["error"] == "ZeroDivisionError: division by zero"
    thinking, numbers = tables["spans"]
    assert json.loads(thinking["tags"]) == [["a", None], ["b", "red"]]
    assert json.loads(numbers["result"])[:2] == ["NaN", "-Infinity"]
    assert numbers["parent"] == thinking["id"]


async def test_tables_of_a_run_without_episodes_have_their_columns(directory, read, tmp_path):
    tables = read(Log(directory))

    assert set(map(len, tables.values())) == {0}
    assert "seat" in pd.read_parquet(tmp_path / "tables" / "actions.parquet").columns


async def test_a_table_that_cannot_be_finished_leaves_the_old_one(odd, tmp_path, monkeypatch):
    write_tables(odd, tmp_path)
    before = (tmp_path / "episodes.parquet").read_bytes()
    monkeypatch.setattr("simlab.trace.tables.read_tree", lambda *_: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        write_tables(odd, tmp_path)

    assert (tmp_path / "episodes.parquet").read_bytes() == before


async def test_lines_hold_every_event_with_all_in_its_place(odd, tmp_path):
    write_jsonl(odd, tmp_path / "sub" / "events.jsonl")

    lines = (tmp_path / "sub" / "events.jsonl").read_text(encoding="utf-8").splitlines()
    events = [json.loads(line, parse_constant=pytest.fail) for line in lines]

    assert [event["type"] for event in events] == [
        "Started", "SpanOpened", "Noted", "Effect", "Effect", "SpanClosed", "Stepped", "Failed"
    ]  # fmt: skip
    assert {event["episode"] for event in events} == {3}
    started, opened, noted, said, failed, _, stepped, end = events
    assert (started["seed"], started["timestep"]["observations"]) == (2**63 - 1, {"buyer": [LONG]})
    assert (opened["name"], opened["tags"]) == ("think", [["a", None], ["b", "red"]])
    assert noted["data"] == ["NaN", "-Infinity", {"_type": "bytes", "base64": "AP8="}]
    assert (said["request"], said["result"]) == ({"query": LONG}, "half a \ud800 pair")
    assert len(said["request_digest"]) == 32
    assert failed["error"]["message"] == "division by zero"
    assert stepped["acted"][0]["action"]["say"] == LONG
    assert (end["failed"]["type"], len(end["digest"])) == ("ModelError", 32)


async def test_lines_hold_whole_prompts(directory, tmp_path):
    await play_run(directory)
    write_jsonl(Log(directory), tmp_path / "events.jsonl")

    events = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]

    prompts = [event["request"]["prompt"] for event in events if event["type"] == "Effect"]
    assert prompts[-2:] == [[["user", "buyer, step 2?"]], [["user", "seller, step 2?"]]]
