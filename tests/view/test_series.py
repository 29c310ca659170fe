"""Series are tables that charts take, from the log, and downloaded as CSV."""

import csv

import pytest
from msgspec import Raw

from simlab.sim.launch import prepare
from simlab.trace.events import Effect, EffectCore, Started, encode
from simlab.trace.tables import write_tables
from simlab.view import series as series_module
from simlab.view.opened import OpenedRun
from simlab.view.series import EpisodePieces, Load, by_turn, over_episodes
from simlab.view.table import Table, csv_header, csv_rows
from tests.view.test_hostile import crafted


def test_over_episodes_there_is_a_row_each_with_returns(sale):
    rows = over_episodes(sale).rows

    assert [row["episode"] for row in rows] == [0, 1, 2]
    assert rows[0]["return:buyer"] == 750.0
    assert sum(row["completion_tokens"] for row in rows) == 210


def test_where_a_dialogue_began_is_told_by_environment_and_state(coach):
    row = over_episodes(coach).rows[0]

    assert row["start:environment"] == "gameable_exam"
    assert row["start:state"]


def test_an_episode_that_is_seen_late_makes_no_other_twice(sale, monkeypatch):
    monkeypatch.setattr(series_module, "EPISODES_AT_ONCE", 1)
    whole, pieces = sale.rows(), EpisodePieces()
    seen = []
    for rows in (whole[1:], whole, whole):  # the first is seen only once the second was
        monkeypatch.setattr(OpenedRun, "rows", lambda _run, rows=rows: rows)
        seen += pieces.read(sale).rows

    assert [row["episode"] for row in seen] == [1, 2]


def test_by_turn_each_seat_has_its_reward_and_its_rating(sale, coach):
    last = [row for row in by_turn(sale, [0]).rows if row["step"] == 6]
    rated = [row for row in by_turn(coach, [0, 1]).rows if row["rating"] is not None]

    assert {row["seat"]: row["reward"] for row in last} == {"buyer": 750.0, "seller": 550.0}
    assert {row["seat"] for row in rated} == {"influence", "preference", "transition"}
    assert all("p:yes" in row for row in rated if row["seat"] == "transition")


def test_load_counts_every_step_call_and_token_once_however_it_is_read(sale, monkeypatch):
    whole = Load(sale).read()
    monkeypatch.setattr(series_module, "EVENTS_AT_ONCE", 5)
    load, n_reads, table = Load(sale), 1, None
    while not (table := load.read()).complete:
        n_reads += 1

    assert n_reads > 3
    assert table.rows == whole.rows
    width = 1
    assert sum(row["steps_per_s"] * width for row in whole.rows) == 17
    assert sum(row["drawn_per_s"] * width for row in whole.rows) == 210


def serial(path, n_calls, call_s, model_s):
    """A run of one caller, of which each call begins as the last has ended."""
    events = [Started(Raw(encode([1, {}])), b"", 1000.0)]
    for step in range(n_calls):
        core = EffectCore("ann", step, 7, "model", b"r" * 16, 0, {"text": "x"}, None)
        end_s = 1000.25 + call_s * (step + 1)
        request = [encode(["small", {}]), "chat", [["user", f"{step}"]]]
        cost = {"model_s": model_s}
        events.append(Effect(Raw(encode(core)), request, end_s, call_s, "act 1", cost))
    return crafted(path, *events)


def test_of_one_caller_never_more_than_one_call_is_under_way_however_long_it_takes(tmp_path):
    rows = Load(OpenedRun(serial(tmp_path / "run", 6, 10.0, 7.5))).read().rows

    assert len(rows) == 61
    assert [row["in_flight"] for row in rows] == pytest.approx([0.75, *[1] * 59, 0.25])
    assert sum(row["waiting"] for row in rows) == pytest.approx(6 * 2.5)
    assert max(row["waiting"] for row in rows) <= 1
    assert sum(row["calls_per_s"] for row in rows) == 6


def test_calls_are_spread_evenly_over_stretches_that_are_longer_than_a_second(tmp_path):
    rows = Load(OpenedRun(serial(tmp_path / "run", 3, 1000.0, 1000.0))).read().rows

    assert len(rows) <= 240
    assert [row["in_flight"] for row in rows[1:-1]] == pytest.approx([1] * (len(rows) - 2))


@pytest.mark.parametrize("most", [2, 7, 40])
def test_of_a_long_run_all_is_told_in_wider_bins(tmp_path, monkeypatch, most):
    run = OpenedRun(serial(tmp_path / "run", 150, 3.0, 2.5))
    whole = Load(run).read().rows
    monkeypatch.setattr(series_module, "MOST_BINS", most)
    monkeypatch.setattr("simlab.view.under_way.MOST_BINS", most)

    rows = Load(run).read().rows

    assert len(rows) <= most + 1
    width = rows[1]["t_s"] - rows[0]["t_s"]
    assert sum(row["calls_per_s"] * width for row in rows) == 150
    for name, total in (("in_flight", 450), ("waiting", 75)):
        assert sum(row[name] * width for row in rows) == pytest.approx(total)
        assert sum(row[name] for row in whole) * 2 == pytest.approx(total)
    assert [row["in_flight"] for row in rows[1:-1]] == pytest.approx([1] * (len(rows) - 2))


def test_a_run_whose_agents_ask_no_model_has_steps_and_no_calls(tmp_path):
    cast = {"cast.first": {"agent": "random"}, "cast.second": {"agent": "random"}}
    made = prepare("iterated_dilemma", settings=cast, out=tmp_path / "run", hosts=0).run()

    table = Load(OpenedRun(made.path)).read()

    assert table.complete
    assert sum(row["steps_per_s"] for row in table.rows) > 0
    assert {(row["calls_per_s"], row["in_flight"]) for row in table.rows} == {(0, 0)}


def test_who_asks_a_person_waits_for_no_model(tmp_path):
    core = EffectCore("ann", 0, 7, "human", b"r" * 16, 0, {"text": "x"}, None)
    effect = Effect(Raw(encode(core)), ["ask"], 1010.0, 10.0, "act 1", {})
    path = crafted(tmp_path / "run", Started(Raw(encode([1, {}])), b"", 1000.0), effect)

    rows = Load(OpenedRun(path)).read().rows

    assert sum(row["in_flight"] for row in rows) == 10
    assert sum(row["waiting"] for row in rows) == 0


def test_numbers_are_those_of_the_exported_tables(sale, tmp_path):
    import pandas as pd

    write_tables(sale.log, tmp_path)

    exported = pd.read_parquet(tmp_path / "actions.parquet")
    rows = by_turn(sale, [0, 1, 2]).rows
    assert sum(row["reward"] or 0 for row in rows) == 3_800 + 2_300
    assert len(exported) == sum(row["attempts"] is not None for row in rows)


def test_csv_has_a_header_and_runs_no_formula():
    table = Table([{"seat": '=HYPERLINK("x")', "reward": 1.5}, {"seat": "a,b", "n": 2}])

    text = csv_header(table.columns) + csv_rows(table.columns, table.rows)
    header, first, second = csv.reader(text.splitlines())

    assert header == ["seat", "reward", "n"]
    assert first == ['\'=HYPERLINK("x")', "1.5", ""]
    assert second == ["a,b", "", "2"]
