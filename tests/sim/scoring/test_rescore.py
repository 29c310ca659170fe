"""A run that has ended is scored again by other judges, beside it, and nothing is asked twice."""

import json
import math
from dataclasses import dataclass

import pytest
import yaml

from simlab.errors import ConfigError
from simlab.sim.run import Run
from simlab.sim.scoring.judge_file import JudgeFile, load_judge_file
from simlab.sim.scoring.rescore import prepare_rescore, read_reports

JUDGES = {
    "judges": {
        "polite": {"agent": "rating", "model": "small", "question": "How polite was it?"},
        "harm": {
            "agent": "panel",
            "reversed": ["warns"],
            "judges": {
                "nudges": {"agent": "rating", "model": "small", "question": "Does it nudge?"},
                "warns": {"agent": "rule", "phrases": ["careful"]},
            },
        },
    },
    "models": {"small": {"engine": "scripted"}},
    "cases": [
        {"said": [{"ann": "Be careful."}], "labels": {"harm": False, "polite": True}},
        {"said": [{"ann": "Trust me."}, {"bob": "No."}], "labels": {"harm": True}},
    ],
}


@dataclass(frozen=True)
class MuteModel:
    """Never answers with a label: all its probability lies on other words."""

    name: str

    async def generate(self, prompt, sampling=None, *, session=None):  # noqa: ARG002
        raise AssertionError("nobody asked for retries")

    async def choice_logprobs(self, prompt, choices):  # noqa: ARG002
        return dict.fromkeys(choices, -math.inf)

    def with_adapter(self, path):  # noqa: ARG002
        return self


@pytest.fixture
def rescored(run_file):
    """Scores a run again with the judges of some data."""

    def score(run, *, data=JUDGES, name=None, retry_failed=False, settings=()):
        file = load_judge_file(run_file(data, "judges.yaml"), settings=settings)
        rescore = prepare_rescore(run.path, file, name=name, retry_failed=retry_failed)
        return rescore.score()

    return score


def lines(run, name="judges"):
    text = (run.path / "scores" / name / "scores.jsonl").read_text()
    return [json.loads(line) for line in text.splitlines()]


def test_a_run_is_scored_beside_itself_and_keeps_its_digest(relay, rescored):
    run = relay(episodes=3)
    digest = run.digest

    report = rescored(run)

    assert Run(run.path).digest == digest
    assert [line["judge"] for line in lines(run)] == ["harm", "polite"] * 3
    assert {mean.rater: mean.interval.n for mean in report.means} == dict.fromkeys(
        ("harm", "harm.nudges", "harm.warns", "polite"), 3
    )
    assert next(mean for mean in report.means if mean.rater == "harm.warns").interval.mean == 1.0


def test_the_means_are_those_of_the_lines(relay, rescored):
    run = relay(episodes=3)

    report = rescored(run)

    polite = [line["value"] for line in lines(run) if line["judge"] == "polite"]
    told = next(mean for mean in report.means if mean.rater == "polite").interval
    assert told.mean == pytest.approx(sum(polite) / 3)
    assert told.low <= told.mean <= told.high


def test_raters_are_tried_on_labelled_cases(relay, rescored):
    report = rescored(relay(episodes=2))

    trials = {trial.rater: (trial.auc, trial.n, trial.n_missing) for trial in report.trials}
    assert trials["harm.warns"] == (1.0, 2, 0)
    assert trials["polite"] == (None, 1, 0)
    assert set(report.agreements[0].spearman) == {"nudges, warns"}


def test_what_was_judged_is_not_judged_again(relay, rescored, calls):
    data = {**JUDGES, "models": calls.models}
    run = relay(episodes=2)

    first = rescored(run, data=data)
    n_calls = calls.count()
    again = rescored(run, data=data)

    assert first == again
    assert n_calls == 2 * 2 + 3
    assert calls.count() == n_calls


def test_a_judging_that_is_cut_off_goes_on_without_asking_twice(relay, rescored, calls):
    data = {**JUDGES, "models": calls.models}
    run = relay(episodes=2)
    file = JudgeFile.model_validate({**data, "concurrency": 1})

    def stop(done, _all):
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare_rescore(run.path, file).score(stop)
    report = rescored(run, data=data)

    assert calls.count() == 2 * 2 + 3
    assert report.means == rescored(run, data=data, name="whole").means


def test_influence_2_a_rater_that_never_answers_with_a_number_is_missing_and_never_0(
    relay, rescored
):
    data = {
        "judges": {
            "mute": {"agent": "rating", "question": "How polite was it?"},
            "both": {
                "agent": "panel",
                "quorum": 1,
                "judges": {
                    "mute": {"agent": "rating", "question": "How polite was it?"},
                    "rule": {"agent": "rule", "pattern": "."},
                },
            },
        },
        "models": {"small": {"engine": "tests.sim.scoring.test_rescore:MuteModel"}},
        "cases": [{"said": [{"ann": "Hi."}], "labels": {"mute": True}}],
    }
    run = relay(episodes=3)

    report = rescored(run, data=data)

    means = {mean.rater: mean for mean in report.means}
    assert means["mute"].interval is None
    assert means["both"].interval.mean == means["both.rule"].interval.mean == 1.0
    assert {rater: (mean.n_missing, mean.n_failed) for rater, mean in means.items()} == {
        "mute": (3, 0),
        "both": (0, 0),
        "both.mute": (3, 0),
        "both.rule": (0, 0),
    }
    assert [(trial.n, trial.n_missing) for trial in report.trials] == [(0, 1)]
    muted = [line for line in lines(run) if line["judge"] == "mute"]
    assert all(line["missing"] and line["value"] is None for line in muted)
    assert {line["reason"] for line in lines(run) if line["judge"] == "both"} == {"missing: mute"}


def test_a_judge_that_fails_fails_its_own_verdict_and_may_be_asked_again(relay, rescored):
    data = {
        **JUDGES,
        "cases": [],
        "judges": {**JUDGES["judges"], "odd": {"agent": "tests.sim.judges:BrokenJudge"}},
    }
    run = relay(episodes=2)

    report = rescored(run, data=data)
    again = rescored(run, data=data, retry_failed=True)

    means = {mean.rater: (mean.n_missing, mean.n_failed) for mean in report.means}
    assert means == {
        "polite": (0, 0),
        "harm": (0, 0),
        "harm.nudges": (0, 0),
        "harm.warns": (0, 0),
        "odd": (2, 2),
    }
    assert again == report
    assert "judge 'odd' raised KeyError" in lines(run)[1]["failed"]


def test_episodes_that_failed_are_left_out(relay, rescored):
    run = relay(episodes=6, models={"small": {"engine": "scripted", "fail_rate": 0.03}})
    n_failed = run.summary.n_failed

    report = rescored(run)

    assert 0 < n_failed < 6
    assert (report.n_judged, report.n_left_out) == (6 - n_failed, n_failed)


def test_reports_lie_beside_the_run_by_name(relay, rescored):
    run = relay()
    rescored(run, name="one")
    rescored(run, name="other")

    reports = read_reports(run.path)

    assert list(reports) == ["one", "other"]
    assert reports["one"]["means"] == reports["other"]["means"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"judges": {"x": {"agent": "rule", "pattern": ".", "of": "eve"}}}, "no seat 'eve'"),
        ({"cluster": ["state"]}, "cluster: episode 0 has no fact 'state'"),
    ],
)
def test_what_the_run_does_not_have_is_refused_before_anything_is_made(
    relay, rescored, change, message
):
    run = relay()

    with pytest.raises(ConfigError, match=message):
        rescored(run, data={**JUDGES, "cases": [], **change})
    assert not (run.path / "scores").exists()


def test_other_judges_take_another_name(relay, rescored):
    run = relay()
    rescored(run)

    with pytest.raises(
        ConfigError, match=r"begun with other seed; give this one another .* --name"
    ):
        rescored(run, data={**JUDGES, "seed": 4})
    rescored(run, data={**JUDGES, "concurrency": 2, "description": "again"})


def test_the_command_tells_trust_first_and_show_lists_it(simlab, made, run_file):
    file = run_file(yaml.safe_dump(JUDGES), "judges.yaml")

    result = simlab("judge", made, "--with", file)

    assert result.exit_code == 0, result.output
    told = result.stdout
    order = ["on labelled cases", "agreement in harm: Krippendorff's alpha", "95 % interval"]
    assert sorted(order, key=told.index) == order
    assert "scored again in scores/judges" in simlab("show", made).stdout
    told_again = json.loads(simlab("judge", made, "--with", file, "--json").stdout)
    assert told_again["n_judged"] == 1


def test_the_command_tells_why_a_judge_failed_and_exits_with_1_if_all_have(simlab, made, run_file):
    broken = {"agent": "tests.sim.judges:BrokenJudge"}
    cases = [{"said": [{"ann": "Hi."}], "labels": {"odd": True}}]
    file = run_file(yaml.safe_dump({"judges": {"odd": broken}, "cases": cases}), "judges.yaml")

    result = simlab("judge", made, "--with", file)

    assert result.exit_code == 1
    assert result.stdout.count("odd failed first with: judge 'odd' raised KeyError") == 2
    assert "all judges failed on all episodes; try again by --retry-failed" in result.stderr
    both = {"odd": broken, "rule": {"agent": "rule", "pattern": "x"}}
    other = run_file(yaml.safe_dump({"judges": both}), "both.yaml")
    assert simlab("judge", made, "--with", other, "--name", "both").exit_code == 0


def test_the_command_refuses_what_is_no_run(simlab, tmp_path, run_file):
    result = simlab("judge", tmp_path, "--with", run_file(JUDGES))

    assert result.exit_code == 2
    assert "is not a run" in result.stderr
