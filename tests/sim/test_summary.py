import json
import math

import pytest
from msgspec import structs

from simlab.errors import LogDamagedError, RunDirectoryError
from simlab.sim.run import Run
from simlab.sim.summary import (
    EpisodeSummary,
    RunSummary,
    compare_summary,
    read_summary,
    summarise,
    write_summary,
)
from simlab.trace.accounts import Account
from simlab.trace.log import Log

WORLDS = "tests.sim.worlds"
JUDGES = "tests.sim.judges"
SUMMARY = RunSummary(
    "ab",
    finished=False,
    episodes=[
        EpisodeSummary(0, "ended", returns={"ann": 1.0, "bob": 4.0}, scores={"harm": 2.0},
                       accounts=[Account("ann", "m", calls=2, prompt_tokens=10)]),
        EpisodeSummary(1, "failed", returns={"ann": 9.0}, accounts=[Account("bob", "m", calls=1)]),
        EpisodeSummary(2, "ended", returns={"ann": 3.0}, scores={"harm": None, "odd": None}),
        EpisodeSummary(3, "unfinished"),
    ],
)  # fmt: skip


def test_episodes_are_counted_by_how_they_came_out():
    assert (SUMMARY.n_ended, SUMMARY.n_failed) == (2, 1)


def test_returns_are_means_over_the_episodes_that_ended():
    assert SUMMARY.mean_returns() == {"ann": 2.0, "bob": 2.0}


def test_scores_are_means_over_the_episodes_that_have_one():
    assert SUMMARY.mean_scores() == {"harm": 2.0, "odd": None}


def test_usage_is_that_of_all_episodes():
    assert SUMMARY.usage == {"calls": 3, "prompt_tokens": 10}


def test_nothing_played_comes_to_nothing():
    empty = RunSummary("", finished=False, episodes=[EpisodeSummary(0, "unfinished")])

    assert (empty.mean_returns(), empty.mean_scores(), empty.usage) == ({}, {}, {})


def test_a_summary_is_read_from_the_log(relay):
    run = relay(episodes=2, cast={"*": {"agent": f"{WORLDS}:one_line"}})

    summary = summarise(Log(run.directory), 3)

    ended, _, unfinished = summary.episodes
    assert (ended.state, ended.n_steps) == ("ended", 4)
    assert ended.returns == {"ann": 30.0, "bob": 30.0}
    assert ended.ended == {"ann": "terminated", "bob": "terminated"}
    assert unfinished == EpisodeSummary(2, "unfinished")
    assert not summary.finished
    assert summary.digest == Log(run.directory).digest()


def test_a_kept_summary_is_taken_as_long_as_it_is_of_this_log(relay):
    run = relay()
    (name,) = run.summary.segments
    forged = RunSummary("forged", True, run.summary.episodes, run.summary.segments)
    write_summary(run.directory, forged)

    assert read_summary(run.directory, 1).digest == "forged"
    assert read_summary(run.directory, 2).digest == run.digest, "it is not of as many episodes"

    write_summary(run.directory, RunSummary("forged", True, forged.episodes, {name: 1}))
    assert read_summary(run.directory, 1).digest == run.digest, "it is not of as many bytes"


def test_a_segment_that_the_kept_summary_knows_and_that_is_gone_is_told_by_name(relay):
    run = relay()
    (segment,) = run.directory.segments()
    segment.path.unlink()
    segment.seal.unlink()

    for use in (lambda: read_summary(run.directory, 1), lambda: compare_summary(run.log)):
        with pytest.raises(LogDamagedError, match=f"segment {segment.path.name} is missing .* sum"):
            use()


def test_numbers_that_are_not_finite_are_kept_in_json_that_every_reader_takes(relay):
    run = relay()
    returns = {"ann": math.inf, "bob": -math.inf, "cid": math.nan}
    (episode,) = run.summary.episodes
    write_summary(run.directory, structs.replace(run.summary, episodes=[
        structs.replace(episode, returns=returns, scores={"odd": math.nan})
    ]))  # fmt: skip

    text = (run.path / "summary.json").read_text()
    kept = json.loads(text, parse_constant=pytest.fail)["episodes"][0]
    (read,) = Run(run.path).summary.episodes

    assert kept["returns"] == {"ann": "Infinity", "bob": "-Infinity", "cid": "NaN"}
    assert kept["scores"] == {"odd": "NaN"}
    assert (read.returns["ann"], read.returns["bob"]) == (math.inf, -math.inf)
    assert math.isnan(read.returns["cid"])
    assert math.isnan(read.scores["odd"])


def test_a_summary_that_cannot_be_read_is_refused_with_the_remedy(relay):
    run = relay()
    (run.path / "summary.json").write_text("{")

    with pytest.raises(RunDirectoryError, match=r"summary.json cannot be read: .*; delete it"):
        _ = Run(run.path).summary
