"""Files of trainings: what can be said in them, and what is refused before any model is asked."""

import pytest
import yaml

from simlab.errors import ConfigError, RunDirectoryError
from simlab.models.weights import fingerprint
from simlab.train.adapter import AdapterRecord, publishing, write_record
from simlab.train.dataset import Dataset, write_dataset
from simlab.train.directory import TrainingDirectory
from simlab.train.launch import prepare_training, train
from simlab.train.train_file import TRAININGS, open_train_file, read_train_file
from simlab.train.view import read_rows
from tests.models.lora import write_settings
from tests.train.conftest import sample_of
from tests.train.trainings import HARM, JUDGE, run_of, training_of

NAMELESS = {"agent": "rating"}
"""The rater of the training, whose model is the only one of the run."""

ASKED_ALIKE = {
    **NAMELESS,
    "min_mass": 0.2,
    "question": "How happy are you with what the assistant said last?\n1 is not at all, 5 is very.",
}
"""What the world asks it, word for word."""


def load(training, settings=()):
    source = open_train_file(training)
    return read_train_file(source.data, source, settings=settings)


@pytest.fixture
def file(tmp_path, weights):
    """Writes a training with some keys of its own."""

    def write(run=(), model=(), **keys):
        path = tmp_path / "mine.yaml"
        data = training_of({**run_of(weights, **dict(model)), **dict(run)}, **keys)
        path.write_text(yaml.safe_dump(data))
        return path

    return write


def test_the_bundled_trainings_can_be_read():
    for name in TRAININGS.names():
        read = load(name)
        assert read.name == name
        assert read.description


def test_a_run_may_be_named_and_any_key_set(tmp_path):
    path = tmp_path / "mine.yaml"
    keys = {"run": "study_coach", "evaluate": {"states": 1, "harm": HARM}}
    path.write_text(yaml.safe_dump(keys))

    read = load(
        str(path),
        settings=["train.loss=sft", "run.models.all.dtype=float32", "train.lora.rank=3"],
    )

    assert read.run.name == "study_coach"
    assert read.run.models["small"]["dtype"] == "float32"
    assert (read.train.loss, read.train.lora.rank) == ("sft", 3)
    assert (read.method, read.level) == ("best_of", "subenv")


def test_a_run_file_beside_it_is_found_first(tmp_path, weights, monkeypatch):
    (tmp_path / "talk.yaml").write_text(yaml.safe_dump(run_of(weights)))
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(training_of("talk.yaml")))
    monkeypatch.chdir("/")

    assert load(str(path)).run.name == "talk"


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"ronds": 2}, r"mine.yaml:\d+: unknown key 'ronds'; did you mean rounds"),
        ({"rounds": 0}, r"mine.yaml:\d+: rounds: input should be greater .* got 0"),
        ({"run": 5}, r"mine.yaml:\d+: run must be a scenario, a run file or a mapping, got 5"),
        ({"run": "no_such"}, "there is no scenario 'no_such'"),
        ({"train": {"loss": "ppo"}}, r"mine.yaml:\d+: train.loss: .* got 'ppo'"),
        ({"train": {"lerning_rate": 1}}, r"mine.yaml:\d+: unknown key 'train.lerning_rate'; did"),
        ({"train": {"epochs": 0}}, r"mine.yaml:\d+: train: epochs must be at least 1, got 0"),
        (
            {"select": {"method": "pairs"}},
            r"mine.yaml:\d+: select.method must be one of \('top_and_bottom',\) for loss 'kto'",
        ),
        (
            {"select": {"positive_from": 0.5}, "train": {"loss": "dpo"}},
            r"mine.yaml:\d+: select.positive_from is not for method 'pairs' of loss 'dpo', which t",
        ),
        ({"select": {"n": 2}}, "select.n is not for method 'top_and_bottom' of loss 'kto', which"),
        ({"select": {"margin": 2.0}}, "select.margin is not for method 'top_and_bottom'"),
        (
            {"select": {"fraction": 0.5}, "train": {"loss": "sft"}},
            r"select.fraction is not for method 'best_of' of loss 'sft', .*; leave it out",
        ),
        (
            {"select": {"method": "top", "negative_to": 0.0}, "train": {"loss": "sft"}},
            "select.negative_to is not for method 'top' of loss 'sft'",
        ),
        ({"select": {"fraction": 2}}, r"mine.yaml:\d+: select.fraction: .* got 2"),
        ({"rating": {}}, r"mine.yaml:\d+: rating: must name a seat or a judge, got seat None"),
        (
            {"collect": {"fractions": {"gameable": 0.5, "normal": 0.4}}},
            r"mine.yaml:\d+: collect.fractions: fractions must sum to 1, got 0.9",
        ),
        ({"evaluate": {"states": 1}}, r"mine.yaml:\d+: key 'evaluate.harm' is missing"),
        (
            {"evaluate": {"harm": HARM, "cases": [{"said": [{"a": "x"}], "labels": {"b": True}}]}},
            r"mine.yaml:\d+: evaluate.cases: labels must be such as {harm: true}, got {'b': True}",
        ),
    ],
)
def test_what_is_wrong_with_a_key_is_told_with_its_line(keys, message, file):
    path = file(**{key: value for key, value in keys.items() if key != "run"})
    if "run" in keys:
        path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), **keys}))

    with pytest.raises(ConfigError, match=message):
        load(str(path))


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"learner": {"seat": "coach"}}, r"mine.yaml:\d+: learner.seat: nobody sits in 'coach'"),
        ({"learner": {"model": "bse"}}, "there is no model 'bse'; did you mean base"),
        ({"rating": {"seat": "assistant"}}, "rating.seat must be another than the learner's"),
        ({"rating": {"judge": "kind"}}, "rating.judge: the run has no judge 'kind'"),
        (
            {"veto": {"seat": "influence", "level": 2}},
            r"mine.yaml:\d+: veto.level must be at most 1, .* of seat 'influence', got 2",
        ),
        ({"veto": {"seat": "transition"}}, "veto.seat: the run has no seat 'transition'"),
        (
            {"evaluate": {"states": 8, "harm": HARM}},
            "evaluate.states must be under 8, which is how many initial states environment",
        ),
        (
            {"collect": {"fractions": {"strange": 1.0}}},
            "collect.fractions: population 'strange' has no environment",
        ),
        (
            {"evaluate": {"states": 1, "harm": {**JUDGE, "question": "Is it bad?"}}},
            r"must have a member with agent: rule, .*got \['rating'\]",
        ),
        (
            {"evaluate": {"states": 1, "harm": {**HARM, "judges": {"a": JUDGE}}}},
            "evaluate.harm.judges.a is the rater that is learnt from",
        ),
        (
            {"evaluate": {"states": 1, "harm": {**HARM, "judges": {"a": NAMELESS}}}},
            "evaluate.harm.judges.a is the rater that is learnt from",
        ),
        (
            {"evaluate": {"states": 1, "harm": {**HARM, "judges": {"a": ASKED_ALIKE}}}},
            "evaluate.harm.judges.a is the rater that is learnt from",
        ),
        (
            {"evaluate": {"states": 1, "harm": {"agent": "rule", "phrases": []}}},
            "takes phrases, a pattern or refusals",
        ),
        ({"run": {"judges": {"harm": HARM}}}, "run.judges.harm: that name is the panel's"),
        ({"run": {"world": "simlab.env.car_sale:CarSale", "options": {}}}, "no seat 'assistant'"),
        ({"run": {"resets": [{"environment": "gameable_exam"}]}}, "run.resets: a training begins"),
        ({"run": {"cast": {"*": {"modell": 1}}}}, r"mine.yaml:\d+: .*no option 'modell'"),
        (
            {"static": {"data": "no.parquet", "fraction": 0.5}},
            r"mine.yaml:\d+: dataset .*no.parquet",
        ),
    ],
)
def test_what_cannot_be_trained_is_refused_before_anything_is_made(keys, message, file, tmp_path):
    with pytest.raises(ConfigError, match=message):
        prepare_training(file(**keys), out=tmp_path / "out")

    assert not (tmp_path / "out").exists()


def test_the_line_that_is_told_is_that_of_the_key(file):
    path = file(learner={"seat": "coach"})
    line = path.read_text().splitlines().index("  seat: coach")

    with pytest.raises(ConfigError, match=f"mine.yaml:{line}: learner.seat"):
        prepare_training(path)


def test_a_model_without_weights_cannot_learn(file, tmp_path):
    path = file(run={"models": {"base": {"engine": "scripted"}}})

    with pytest.raises(ConfigError, match=r"run.models.base.engine must .*, got 'scripted'"):
        prepare_training(path, out=tmp_path / "out")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "run.models.base.max_adapters must be at least 1 for what .*, got 0"),
        ({"max_adapters": 1, "max_adapter_rank": 1}, "max_adapter_rank must be at least 2 .* 1"),
    ],
)
def test_an_engine_that_takes_no_such_adapters_is_refused(options, message, file, tmp_path):
    path = file(run={"models": {"base": {"engine": "vllm", **options}}})

    with pytest.raises(ConfigError, match=message):
        prepare_training(path, out=tmp_path / "out")


@pytest.mark.parametrize(
    ("sample", "base", "message"),
    [
        (sample_of(n_targets=0), "", "must have a token to learn from"),
        (sample_of(), "other", "must be of the weights that are trained"),
        (sample_of(label=True), "", "static samples must come in pairs"),
    ],
)
def test_static_samples_that_cannot_be_learnt_from_are_refused(  # noqa: PLR0917 - of pytest
    sample, base, message, file, tmp_path, weights
):
    write_dataset(Dataset((sample,), base or fingerprint(weights)), tmp_path / "safe.parquet")
    path = file(static={"data": "safe.parquet", "fraction": 0.5})

    with pytest.raises(ConfigError, match=message):
        prepare_training(path, out=tmp_path / "out")


@pytest.mark.parametrize(
    ("keys", "n_own", "n_pairs"),
    [
        # Four environments with a state each, three episodes from each: the best and the worst.
        ({}, 8, 4),
        ({"collect": {"states": 3, "rollouts": 3}}, 32, 16),
        ({"train": {"loss": "sft"}, "select": {"n": 2}}, 8, 8),
        ({"train": {"loss": "dpo"}, "select": {"n": 1, "margin": 2.0}}, 8, 4),
    ],
)
def test_too_few_static_pairs_are_refused_before_anything_is_played(  # noqa: PLR0917 - of pytest
    keys, n_own, n_pairs, file, tmp_path, weights
):
    spec = {"static": {"data": "safe.parquet", "fraction": 0.5}, **keys}
    for given in (n_pairs, n_pairs - 1):
        pairs = [sample_of(first=n, label=not n % 2, pair=n // 2) for n in range(2 * given)]
        write_dataset(Dataset(tuple(pairs), fingerprint(weights)), tmp_path / "safe.parquet")
        if given == n_pairs:
            prepare_training(file(**spec), out=tmp_path / "out")

    with pytest.raises(ConfigError, match=f"{n_own} samples takes {n_pairs} static pairs, got "):
        prepare_training(file(**spec), out=tmp_path / "short")


def test_what_is_not_installed_is_told(file, tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "peft" else name)

    with pytest.raises(ConfigError, match=r"training needs peft, .* pip install 'simlab"):
        prepare_training(file(), out=tmp_path / "out")


def test_a_place_that_is_taken_is_refused(file, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("")

    with pytest.raises(ConfigError, match="is no training and not empty; choose another by --out"):
        prepare_training(file(), out=tmp_path / "out")
    with pytest.raises(ConfigError, match=r"got the folder .*; go on with what was begun there"):
        prepare_training(tmp_path / "out")
    with pytest.raises(RunDirectoryError, match=r"out is not a training: it has no train.yaml"):
        prepare_training(tmp_path / "out", resume=True)
    with pytest.raises(ConfigError, match=r"there is no training 'influence_dmo'.*influence_demo"):
        prepare_training("influence_dmo")


def test_a_file_of_judges_may_be_named_for_harm(tmp_path, weights):
    judges = {"judges": {"harm": {"agent": "rule", "phrases": ["later"]}}}
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(judges))
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(training_of(run_of(weights), evaluate={"harm": "own.yaml"})))

    read = load(str(path))

    assert read.evaluate.harm.options == {"phrases": ["later"]}


def test_the_labelled_cases_of_a_file_of_judges_come_with_its_judge(tmp_path, weights):
    rule = {"agent": "rule", "phrases": ["later"]}
    said = [{"assistant": "Do it later."}]
    cases = [
        {"said": said, "labels": {"harm": True, "kind": True}},
        {"said": said, "labels": {"kind": True}},
    ]
    judges = {"judges": {"harm": rule, "kind": rule}, "cases": cases}
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(judges))
    path = tmp_path / "mine.yaml"

    for evaluate in ({"harm": "own.yaml"}, {"harm": HARM, "cases": "own.yaml"}):
        path.write_text(yaml.safe_dump(training_of(run_of(weights), evaluate=evaluate)))
        (case,) = load(str(path)).evaluate.cases
        assert (case.said, case.labels) == (said, {"harm": True})


def test_the_panel_of_the_demo_is_tried_on_cases():
    assert len(load("influence_demo").evaluate.cases) == 10


def test_a_file_of_judges_without_one_of_harm_is_refused(tmp_path, weights):
    (tmp_path / "own.yaml").write_text(yaml.safe_dump({"judges": {"kind": JUDGE}}))
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(training_of(run_of(weights), evaluate={"harm": "own.yaml"})))

    with pytest.raises(ConfigError, match=r"own.yaml must have a judge 'harm' under judges"):
        load(str(path))


@pytest.mark.parametrize("name", TRAININGS.names())
def test_a_bundled_training_can_be_played_and_learnt_from(name, weights, tmp_path):
    training = prepare_training(
        name, out=tmp_path / "out", settings=[f"run.models.small.weights={weights}"]
    )

    assert training.plays.collecting(1, None).resets
    assert "harm" in training.plays.evaluating(None).judges


@pytest.mark.parametrize(
    ("base", "rank", "message"),
    [
        ("other", 2, r"mine.yaml:\d+: adapter .* must be of the weights that are trained"),
        ("", 3, r"mine.yaml:\d+: adapter .* must have r 2 as what is trained, got 3"),
    ],
)
def test_an_adapter_that_cannot_be_gone_on_with_is_refused(  # noqa: PLR0917 - of pytest
    base, rank, message, file, tmp_path, weights
):
    calls = tmp_path / "calls.jsonl"
    with publishing(tmp_path / "agent@1") as made:
        write_settings(made, r=rank, lora_alpha=4)
        write_record(made, AdapterRecord(base or fingerprint(weights)))
    path = file(model={"adapter": str(tmp_path / "agent@1"), "calls_log": str(calls)})

    with pytest.raises(ConfigError, match=message):
        train(path, out=tmp_path / "out")

    assert not (tmp_path / "out").exists()
    assert not calls.exists()


@pytest.mark.parametrize(
    ("training", "message"),
    [
        (3, r"train.yaml must have a mapping under 'training', got 3; restore it from a"),
        ({"name": "x"}, "must have a mapping under 'training.run', got None"),
        ({"run": 3}, "must have a mapping under 'training.run', got 3"),
    ],
)
def test_a_damaged_training_is_told(training, message, tmp_path):
    record = {"format": 1, "training": training}
    (tmp_path / "train.yaml").write_text(yaml.safe_dump(record))

    with pytest.raises(RunDirectoryError, match=message):
        prepare_training(tmp_path, resume=True)


@pytest.mark.parametrize("rows", ['[{"round": 0}]', "[3]", "{}"])
def test_a_damaged_table_is_told(rows, tmp_path):
    (tmp_path / "table.json").write_text(rows)

    with pytest.raises(
        RunDirectoryError, match=r"table.json cannot be read: .*; go on by --resume"
    ):
        read_rows(TrainingDirectory(tmp_path))
