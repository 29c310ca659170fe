"""Rounds of expert iteration on tiny weights, from files to versions."""

import json
import math
from itertools import compress
from statistics import fmean

import pytest

from simlab.errors import TrainingError
from simlab.models.transformers_model import TransformersModel
from simlab.models.weights import fingerprint
from simlab.sim.run import Run
from simlab.train import launch
from simlab.train.adapter import read_record
from simlab.train.completions import drawn_by
from simlab.train.dataset import Dataset, read_dataset, write_dataset
from simlab.train.launch import train
from simlab.train.observer import TrainingObserver
from simlab.train.scored import load_scored
from tests.train.conftest import sample_of
from tests.train.trainings import HARM

pytestmark = pytest.mark.model

WEIGHTS = {"engine": "transformers", "device": "cpu", "dtype": "float32"}
"""In place of the scripted collector: the tiny weights themselves."""

ANY_MASS = ["run.cast.preference.min_mass=0"]
"""Random weights give labels little, and their ratings are to count all the same."""


@pytest.fixture(autouse=True)
def _unsynced(disk_that_never_waits):
    """These tests end processes and never machines."""


def run_in(out, number, name):
    return Run(out / "rounds" / f"{number:03}" / name)


def datasets(out, numbers):
    return [read_dataset(out / "rounds" / f"{number:03}" / "dataset.parquet") for number in numbers]


def test_a_training_goes_round_by_round(training_file, tmp_path):
    out, phases, rounds = tmp_path / "out", [], []
    observer = TrainingObserver(
        on_phase=lambda number, phase: phases.append((number, phase)), on_round=rounds.append
    )

    rows = train(training_file(), out=out, observer=observer)

    of_a_round = ["collect", "score", "select", "train", "evaluate", "gate", "publish"]
    assert phases == [
        (0, "trial"),
        (0, "evaluate"),
        *((n, phase) for n in (1, 2) for phase in of_a_round),
    ]
    assert rounds == rows
    assert [row["verdict"] for row in rows] == ["base", "published", "published"]
    assert [row["parent"] for row in rows] == ["", "", "agent@1"]
    assert rows == json.loads((out / "table.json").read_text())
    assert read_record(out / "agent@2").parent == "agent@1"
    assert rows[0]["kl"]["mean"] == 0
    assert min(row["kl"]["low"] for row in rows[1:]) > 0
    assert all(each["kl"]["mean"] > 0 for each in rows[1]["by_environment"].values())
    first, second = (json.loads((out / f"agent@{n}/adapter.json").read_text()) for n in (1, 2))
    assert second["options"]["learning_rate"] == 0.9 * first["options"]["learning_rate"]


def test_the_judge_of_harm_is_tried_on_labelled_cases_before_its_scores_are_used(
    training_file, tmp_path
):
    out, told, counts = tmp_path / "out", [], []
    observer = TrainingObserver(
        on_phase=lambda number, phase: told.append((number, phase)),
        on_trial=told.append,
        on_episodes=lambda done, n_all: counts.append((done, n_all)),
    )

    rows = train(training_file(rounds=1), out=out, observer=observer)

    trust = told[1]
    assert counts[:2] == [(1, 2), (2, 2)]
    assert [told[0], told[2]] == [(0, "trial"), (0, "evaluate")]
    assert [row["trust"] for row in rows] == [trust, None]
    trials = {trial["rater"]: (trial["auc"], trial["n"]) for trial in trust["trials"]}
    assert list(trials) == ["harm", "harm.nudge", "harm.vowels"]
    assert trials["harm.vowels"] == (0.0, 2)  # "need" and "too" have two vowels, and no harm
    assert [row["harm_auc"] for row in rows] == [trials["harm"][0]] * 2
    assert [panel["panel"] for panel in trust["agreements"]] == ["harm"]


def test_without_labelled_cases_nothing_is_known_of_the_judge_of_harm(training_file, tmp_path):
    evaluate = {"states": 1, "rollouts": 2, "harm": HARM}

    rows = train(training_file(rounds=1, evaluate=evaluate), out=tmp_path / "out")

    assert rows[0]["trust"]["trials"] == rows[0]["trust"]["agreements"] == []
    assert rows[0]["harm_auc"] is None


def test_a_round_learns_from_states_that_no_version_is_compared_on(training_file, tmp_path):
    out = tmp_path / "out"

    train(training_file(rounds=1), out=out)

    collected, compared = (
        {(one["environment"], one["state"]) for one in run_in(out, 1, name).file.resets}
        for name in ("collect", "evaluate")
    )
    assert len(collected) == len(compared) == 4
    assert not collected & compared
    assert run_in(out, 0, "evaluate").file.resets == run_in(out, 1, "evaluate").file.resets


def test_train_20_every_token_that_is_learnt_from_was_drawn_by_the_version_of_the_round(
    training_file, tmp_path
):
    train(training_file(), out=tmp_path / "out")

    found = [{one.version for one in data.samples} for data in datasets(tmp_path / "out", (1, 2))]

    assert found == [{"learner"}, {"learner+agent@1"}]


def test_train_18_a_version_that_gets_worse_is_not_published_and_the_next_begins_as_it_did(
    training_file, tmp_path
):
    out = tmp_path / "out"

    rows = train(training_file(model={"spoilt": "agent@1"}, gate={"margin": 1.0}), out=out)

    assert [row["verdict"] for row in rows] == ["base", "held back", "published"]
    assert rows[1]["rating"]["mean"] == 1.0
    assert rows[1]["rating_against_base"]["high"] < 0
    assert not (out / "agent@1").exists()
    assert rows[2]["parent"] == ""
    assert {one.version for one in datasets(out, [2])[0].samples} == {"learner"}


def test_in_the_null_arm_the_same_episodes_are_chosen_by_ratings_of_others(training_file, tmp_path):
    arms = {}
    for shuffles in (False, True):
        out = tmp_path / f"out{shuffles}"
        train(training_file(rounds=1, shuffle_ratings=shuffles), out=out)
        arms[shuffles] = out

    scored = [load_scored(out / "rounds/001/scored.jsonl") for out in arms.values()]
    assert scored[0] == scored[1]
    chosen = [
        {(one.episode, one.label) for one in datasets(out, [1])[0].samples} for out in arms.values()
    ]
    assert chosen[0] != chosen[1]
    assert len(chosen[0]) == len(chosen[1])


def test_a_rater_that_never_answers_with_a_number_is_counted_and_nothing_is_learnt(
    training_file, tmp_path
):
    file = training_file(model={"mute": True}, veto=None)

    with pytest.raises(TrainingError, match="got no rating in any of 12 episodes: see what the"):
        train(file, out=tmp_path / "out")

    [base] = json.loads((tmp_path / "out" / "table.json").read_text())
    assert base["rating"] is None
    assert (base["n"], base["n_missing"]) == (8, 8)


def test_influence_8_episodes_may_be_rated_as_a_whole_by_one_call_each(training_file, tmp_path):
    out = tmp_path / "out"
    file = training_file(rounds=1, rating={"judge": "whole"}, veto=None)
    whole = "{agent: rating, model: base, question: How was it, scale: {bad: 1, good: 3}}"

    rows = train(file, out=out, settings=[f"run.judges.whole={whole}"])

    run, scored = run_in(out, 1, "collect"), load_scored(out / "rounds/001/scored.jsonl")
    told = {one.episode: one.scores["whole"] for one in run.summary.episodes}
    assert {one.episode: one.rating for one in scored} == told
    assert len(set(told.values())) > 1
    assert all(1 < value < 3 for value in told.values())
    asked = [each.calls for each in run.summary.accounts if each.actor == "judge:whole"]
    assert asked == [1] * len(told)
    assert rows[1]["rating"]["mean"] == pytest.approx(mean_rating(out, 1))


def mean_rating(out, number):
    scored = load_scored(out / "rounds" / f"{number:03}" / "evaluated.jsonl")
    return fmean(one.rating for one in scored)


@pytest.mark.parametrize(
    ("loss", "select"),
    [("sft", {"method": "best_of", "n": 2}), ("dpo", {"n": 1}), ("sft", {"method": "top"})],
)
def test_other_losses_select_in_their_own_way(loss, select, training_file, tmp_path):
    options = {"loss": loss, "learning_rate": 1e-2, "lora": {"rank": 2}}

    rows = train(training_file(rounds=1, train=options, select=select), out=tmp_path / "out")

    labels = [one.label for one in datasets(tmp_path / "out", [1])[0].samples]
    if loss == "dpo":
        assert labels.count(True) == labels.count(False) == 4
    else:
        assert {*labels} == {None}
    assert rows[1]["n_samples"] == len(labels) == {"sft": len(labels), "dpo": 8}[loss]


@pytest.mark.parametrize("loss", ["sft", "kto"])
def test_influence_11_static_samples_make_up_their_share(
    loss, training_file, tiny_weights, tmp_path
):
    pairs = [sample_of(first=n, label=not n % 2, pair=n // 2) for n in range(40)]
    write_dataset(Dataset(tuple(pairs), fingerprint(tiny_weights)), tmp_path / "safe.parquet")
    file = training_file(
        rounds=1,
        train={"loss": loss, "lora": {"rank": 2}},
        select={"method": "top", "fraction": 1.0} if loss == "sft" else {"fraction": 0.5},
        static={"data": "safe.parquet", "fraction": 0.5},
    )

    train(file, out=tmp_path / "out")

    samples = datasets(tmp_path / "out", [1])[0].samples
    static = [one for one in samples if one.role != "assistant"]
    assert len(static) * 2 == len(samples)
    assert {one.label for one in static} == ({True} if loss == "sft" else {True, False})


def test_influence_16_weights_are_loaded_once_over_five_rounds_and_only_the_learner_is_adapted(
    training_file, tmp_path, monkeypatch
):
    from simlab.train import trainer

    loaded, load = [], TransformersModel._make_engine
    monkeypatch.setattr(
        TransformersModel, "_make_engine", lambda self: loaded.append("engine") or load(self)
    )
    load_trainable = trainer.load_trainable
    monkeypatch.setattr(
        trainer,
        "load_trainable",
        lambda *args, **keys: loaded.append("trainer") or load_trainable(*args, **keys),
    )
    out = tmp_path / "out"
    model = {**WEIGHTS, "max_batch": 7}  # options that no other test has, so that it is not loaded
    file = training_file(model=model, rounds=5, check={"samples": 2}, veto=None)

    rows = train(file, out=out, settings=ANY_MASS)

    assert sorted(loaded) == ["engine", "trainer"]
    assert [row["verdict"] for row in rows[1:]] == ["published"] * 5
    for number in range(1, 6):
        for name, version in (("collect", number - 1), ("evaluate", number)):
            run = run_in(out, number, name)
            asked = {(one.actor, one.model) for one in run.summary.accounts}
            own = f"learner+agent@{version}" if version else "learner"
            assert {model for actor, model in asked if actor == "assistant"} == {own}
            assert {model for actor, model in asked if actor != "assistant"} == {"base"}


def test_influence_19_the_ids_that_are_trained_on_are_those_that_were_read_and_drawn(
    training_file, tmp_path
):
    out = tmp_path / "out"
    file = training_file(model=WEIGHTS, check={"level": 1e-3}, veto=None)

    rows = train(file, out=out, settings=ANY_MASS)

    assert [row["drift_alarm"] for row in rows] == [None, False, False]
    for number, data in zip((1, 2), datasets(out, (1, 2)), strict=True):
        log = run_in(out, number, "collect").log
        for sample in data.samples:
            completions = [one.completion for one in drawn_by(log, sample.episode, "assistant")]
            assert len(completions) >= 2  # one that says nothing is asked for again
            for one in completions:
                whole = one.prompt_ids + one.token_ids
                assert sample.ids[: len(whole)] == whole
            drawn = tuple(token for one in completions for token in one.token_ids)
            assert tuple(compress(sample.ids, sample.mask)) == drawn


def test_a_drift_beyond_the_level_is_told(training_file, tmp_path):
    notices = []
    observer = TrainingObserver(on_notice=notices.append)

    rows = train(
        training_file(rounds=1, check={"level": 0.5}), out=tmp_path / "out", observer=observer
    )

    assert rows[1]["drift_alarm"] is True
    assert any("nats from what the trainer computes, above 0.5" in told for told in notices)


@pytest.mark.ray
@pytest.mark.usefixtures("ray_session")
def test_influence_16_beside_ray_hosts_one_app_serves_all_rounds(
    training_file, tmp_path, monkeypatch
):
    from simlab.models.serve import RayServe

    apps, start, stop = {"started": [], "stopped": []}, RayServe.start, RayServe.stop

    async def started(self, app, name, spec):
        apps["started"].append(app)
        return await start(self, app, name, spec)

    async def stopped(self, app):
        apps["stopped"].append(app)
        await stop(self, app)

    monkeypatch.setattr(RayServe, "start", started)
    monkeypatch.setattr(RayServe, "stop", stopped)
    file = training_file(model=WEIGHTS, rounds=1, hosts=1, check={"samples": 2}, veto=None)

    rows = train(file, out=tmp_path / "out", settings=ANY_MASS)

    assert len(apps["started"]) == 1
    assert apps["stopped"] == apps["started"]
    assert rows[1]["verdict"] == "published"
    models = {one.model for one in run_in(tmp_path / "out", 1, "evaluate").summary.accounts}
    assert models == {"base", "learner+agent@1"}


def test_a_training_may_begin_with_a_version_of_another(training_file, tmp_path):
    first, out = tmp_path / "first", tmp_path / "out"
    train(training_file(rounds=1), out=first)
    version = first / "agent@1"

    rows = train(training_file(), out=out, settings=[f"run.models.base.adapter={version}"])

    record = read_record(out / "agent@1")
    assert [row["verdict"] for row in rows] == ["base", "published", "published"]
    assert (record.parent, record.parent_digest) == ("agent@1", fingerprint(version, whole=True))
    assert run_in(out, 0, "evaluate").file.models["learner"]["adapter"] == str(version)
    assert {one.version for one in datasets(out, [1])[0].samples} == {"learner+agent@1"}
    assert rows[0]["kl"]["mean"] == 0
    assert rows[1]["kl"]["mean"] > 0


@pytest.fixture
def plots_after(training_file, tmp_path):
    """Trains, and goes on; gives when each plot was last drawn, by name, as each round ended."""
    out, seen = tmp_path / "out", []

    def note(_row):
        seen.append({path.name: path.stat().st_mtime_ns for path in out.glob("plots/*.png")})

    def played():
        train(training_file(rounds=1), out=out, observer=TrainingObserver(on_round=note))
        train(out, settings=["rounds=2"], resume=True, observer=TrainingObserver(on_round=note))
        return seen

    return played


def test_plots_are_drawn_after_each_round_and_not_again(plots_after, monkeypatch):
    monkeypatch.setattr(launch, "_DRAW_EVERY_S", 0.0)

    base, first, *again, second = plots_after()

    assert {"rating.png", "kl.png", "harm_gap.png"} <= base.keys()
    assert first["rating.png"] > base["rating.png"]
    assert again == [first, first]
    assert second["rating.png"] > first["rating.png"]


def test_plots_of_short_rounds_are_drawn_at_the_end_alone(plots_after, monkeypatch):
    monkeypatch.setattr(launch, "_DRAW_EVERY_S", math.inf)

    base, first, *again, second = plots_after()

    assert base == {}
    assert again == [first, first]
    assert second["rating.png"] > first["rating.png"]
