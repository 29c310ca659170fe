import json

import pytest

from benchmarks.report import Bar, Quoted, report

FIGURES = {"log": {"per_s": 100, "open_s": 1.5, "host": "here"}}


class Absent:
    name = "absent"

    def figures(self):
        return {"unavailable": "no such package"}


@pytest.mark.parametrize(
    ("bar", "met"),
    [
        (Bar("log.per_s", at_least=100), True),
        (Bar("log.per_s", at_least=101), False),
        (Bar("log.open_s", at_most=1.5), True),
        (Bar("log.open_s", at_most=1.4), False),
    ],
)
def test_a_bar_is_met_up_to_and_at_its_limit(bar, met):
    assert bar.check(FIGURES)["met"] is met


def test_a_bar_of_a_figure_that_was_not_measured_is_refused():
    with pytest.raises(KeyError, match=r"no figure 'log\.per_h'; there are \['log.host'"):
        Bar("log.per_h", at_least=1).check(FIGURES)


def test_a_bar_of_what_is_no_number_is_refused():
    with pytest.raises(TypeError, match=r"figure 'log\.host' must be a number, got 'here'"):
        Bar("log.host", at_least=1).check(FIGURES)


def run(monkeypatch, capsys, *arguments):
    monkeypatch.setattr("sys.argv", ["benchmark", *arguments])
    bars = [Bar("log.per_s", at_least=101), Bar("log.open_s", at_most=2)]
    peers = [Absent(), Quoted("old", "a paper", {"per_s": 7})]
    report("log", lambda: FIGURES, bars=bars, peers=peers)
    return capsys.readouterr().out


def test_json_is_one_object_in_the_last_line(monkeypatch, capsys):
    result = json.loads(run(monkeypatch, capsys, "--json").splitlines()[-1])

    assert result["simlab"] == FIGURES
    assert [bar["met"] for bar in result["bars"]] == [False, True]
    assert result["machine"]["cores"] >= 1


def test_a_peer_that_is_not_available_is_in_the_report_with_the_reason(monkeypatch, capsys):
    result = json.loads(run(monkeypatch, capsys, "--json"))

    assert result["peers"] == {
        "absent": {"unavailable": "no such package"},
        "old": {"source": "a paper", "per_s": 7},
    }


def test_no_peers_asks_none(monkeypatch, capsys):
    assert json.loads(run(monkeypatch, capsys, "--json", "--no-peers"))["peers"] == {}


def test_without_json_a_table_says_which_bars_are_missed(monkeypatch, capsys):
    lines = run(monkeypatch, capsys).splitlines()

    assert [line.split()[-1] for line in lines[-2:]] == ["MISSED", "met"]
