"""Files of sweeps, and what is refused before any model is asked."""

import pytest
import yaml

from simlab.errors import ConfigError
from simlab.sweep.launch import prepare_sweep
from simlab.sweep.space import points_of
from simlab.sweep.sweep_file import SWEEPS, open_sweep_file, read_sweep_file

RUN = {"run": "car_sale", "metric": "return.seller", "space": {"seed": [1, 2]}}


@pytest.fixture
def write(tmp_path):
    """Writes the file of a sweep of runs, and gives its path."""

    def write(**keys):
        path = tmp_path / "sweep.yaml"
        data = {key: value for key, value in {**RUN, **keys}.items() if value is not None}
        path.write_text(yaml.safe_dump(data, sort_keys=False))
        return path

    return write


def read(path, *settings):
    source = open_sweep_file(str(path))
    return read_sweep_file(source.file.data, source, settings=settings)


def test_a_sweep_is_read_again_from_what_is_kept_of_it(write):
    path = write(
        space={"seed": [1, 2], "options.rounds": {"integer": [2, 4]}},
        scheduler={"name": "asha", "factor": 3},
        trials=4,
    )
    file = read(path)

    kept = yaml.safe_load(yaml.safe_dump(file.model_dump(mode="json", exclude_unset=True)))

    assert read_sweep_file(kept) == file


def test_settings_are_of_the_sweep_of_what_it_varies_or_of_its_space(write):
    file = read(
        write(), "at_once=3", "run.episodes=5", "space.options.rounds=[2, 3]", "scheduler.grace=2"
    )

    assert (file.at_once, file.run.episodes, file.scheduler.grace) == (3, 5, 2)
    assert file.space["options.rounds"].values == (2, 3)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"metrik": "a"}, r"sweep.yaml:7: unknown key 'metrik'; did you mean metric"),
        ({"metric": None}, "key 'metric' is missing"),
        ({"mode": "most"}, r"sweep.yaml:7: mode: .*'max' or 'min', got 'most'"),
        ({"at_once": 0}, "at_once: input should be greater than or equal to 1, got 0"),
        ({"scheduler": {"name": "asha", "grade": 1}}, r"unknown key 'scheduler.grade'; .* grace"),
        ({"space": {}}, "space: .* at least 1 item"),
        ({"space": {"seed": 3}}, r"sweep.yaml:4: space.seed: must be a list of values"),
        ({"run": None}, "must name a training or a run, such as .* got {}"),
        ({"training": "x"}, "must name a training or a run"),
        ({"run": "car_sail"}, r"sweep.yaml:1: there is no scenario 'car_sail'; did you mean car_"),
    ],
)
def test_files_that_do_not_fit_are_refused_with_the_line(write, keys, message):
    with pytest.raises(ConfigError, match=message):
        read(write(**keys))


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"metric": "return.seler"}, r"sweep.yaml:2: metric must be one of .*mean return.seller"),
        ({"metric": "rating"}, "metric must be one of .* got 'rating'"),
        ({"space": {"seed": ["x"]}}, r"sweep.yaml:4: seed: input should be a valid integer"),
        ({"space": {"sead": [1]}}, r"sweep.yaml:4: unknown key 'sead'; did you mean seed"),
        ({"space": {"options.round": [1]}}, r"sweep.yaml:4: .*'round'"),
        ({"space": {"seed": [1], "cast.seller.agent": ["nobody"]}}, r"sweep.yaml:6: .*nobody"),
        ({"trials": 3}, r"sweep.yaml:7: trials must be 2, the combinations"),
        ({"scheduler": {"name": "asha"}}, r"sweep.yaml:7: scheduler.name must be 'none' for runs"),
    ],
)
def test_what_a_run_refuses_is_refused_with_the_line_of_the_sweep_and_nothing_is_made(
    write, tmp_path, keys, message
):
    path = write(**keys)

    with pytest.raises(ConfigError, match=message):
        prepare_sweep(path, out=tmp_path / "out", settings=["run.models.all.engine=scripted"])

    assert not (tmp_path / "out").exists()


def test_values_that_do_not_fit_together_are_told_with_the_others(write, tmp_path):
    space = {"budget.tokens": [5], "seed": [1, 2]}
    path = write(space=space, run="car_sale")

    sweep = prepare_sweep(path, out=tmp_path / "out", settings=["run.models.all.engine=scripted"])

    assert [swept.file.seed for swept in sweep.swept] == [1, 2]
    assert all(swept.file.budget.tokens == 5 for swept in sweep.swept)


def test_a_sweep_that_has_changed_since_is_not_gone_on_with(write, tmp_path):
    settings = ["run.models.all.engine=scripted"]
    prepare_sweep(write(), out=tmp_path / "out", settings=settings)

    again = prepare_sweep(tmp_path / "out", settings=["at_once=2"], resume=True)

    assert again.file.at_once == 2
    with pytest.raises(ConfigError, match=r"was begun with seed unset, got 3; to go on as it was"):
        prepare_sweep(write(), out=tmp_path / "out", settings=settings, seed=3, resume=True)
    with pytest.raises(ConfigError, match="exists already; go on with it by --resume"):
        prepare_sweep(write(), out=tmp_path / "out", settings=settings)


@pytest.mark.model
@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"metric": "raiting"}, r"rates.yaml:3: metric must be one of .*; did you mean rating"),
        ({"space": {"train.learning_rat": [1e-3]}}, r"rates.yaml:5: unknown key 'train.learning_"),
        ({"rates": [1e-3, -1.0]}, r"rates.yaml:5: .*learning_rate must be above 0, got -1.0"),
        ({"space": {"rating.seat": ["me"]}}, r"rates.yaml:5: .*the run has no seat 'me'"),
        (
            {
                "space": {"train.loss": ["sft", "dpo"], "select.method": ["best_of"]},
                "training": {"select": {}},
            },
            r"rates.yaml:4: .*'best_of' with \{'train.loss': 'dpo', 'select.method': 'best_of'\}",
        ),
    ],
)
def test_what_a_training_refuses_is_refused_with_the_line_of_the_sweep(
    sweep_file, tmp_path, keys, message
):
    with pytest.raises(ConfigError, match=message):
        prepare_sweep(sweep_file(**keys), out=tmp_path / "out")

    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", SWEEPS.names())
def test_bundled_sweeps_can_be_read_and_have_trials(name):
    file = read(name)

    assert file.description
    assert points_of(file.space, file.trials, seed=file.seed)


def test_a_sweep_that_is_not_there_is_refused_with_what_is_near():
    with pytest.raises(ConfigError, match=r"there is no sweep 'marked_phrases', .* did you mean m"):
        open_sweep_file("marked_phrases")
