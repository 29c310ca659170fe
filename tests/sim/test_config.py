import re

import pytest

from simlab.errors import ConfigError
from simlab.sim.config import (
    AgentSpec,
    RunFile,
    checked,
    load_run_file,
    scenario_names,
    scenario_path,
)

TEXT = """\
world: simlab.env.car_sale:CarSale
cast:
  buyer:
    model: small
    goal: save
  seller: {model: large}
models:
  small: {engine: transformers, weights: embedded, dtype: float32}
  large: {engine: transformers}
clock: {kind: simulated}
episodes: 3
"""
WORLD = {"world": "a:B", "cast": {}}


@pytest.fixture
def path(run_file):
    return run_file(TEXT)


@pytest.mark.parametrize("name", scenario_names())
def test_a_bundled_scenario_is_found_by_its_name_and_says_what_it_is(name):
    run = load_run_file(name)

    assert run.name == name
    assert run.description.endswith(".")
    assert scenario_path(name).name == f"{name}.yaml"


def test_the_bundled_scenarios_are_those_of_the_bundled_worlds():
    assert scenario_names() == [
        "auction",
        "booking",
        "car_sale",
        "iterated_dilemma",
        "market_day",
        "politics",
        "risky_advice",
        "round_table",
        "smoking_coach",
        "study_coach",
        "support",
    ]


def test_what_a_file_does_not_say_is_as_usual(path):
    run = load_run_file(path)

    assert (run.name, run.seed, run.concurrency, run.judges) == ("run", 0, 64, {})
    assert (run.clock.kind, run.clock.latency, run.clock.speed) == ("simulated", "zero", 1.0)


def test_further_keys_of_a_cast_go_to_the_agent(path):
    buyer = load_run_file(path).cast["buyer"]

    assert buyer == AgentSpec(agent="llm", model="small", goal="save")
    assert buyer.options == {"goal": "save"}


def test_an_unknown_scenario_is_refused_with_those_near_it():
    with pytest.raises(ConfigError, match=r"no scenario 'car_sail'; did you mean car_sale\?"):
        load_run_file("car_sail")


def test_a_scenario_like_no_other_is_refused_with_all_there_are():
    with pytest.raises(
        ConfigError, match=r"no scenario 'xyz'; there are auction, booking, car_sale, "
    ):
        load_run_file("xyz")


def test_a_file_that_is_not_there_is_refused_as_a_file():
    with pytest.raises(ConfigError, match=r"there is no file runs/mine.yaml"):
        load_run_file("runs/mine.yaml")


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=f"got the folder {tmp_path}; it is no run"):
        load_run_file(str(tmp_path))


def test_the_folder_of_a_run_is_refused_with_how_to_go_on(tmp_path):
    (tmp_path / "run.yaml").touch()

    with pytest.raises(ConfigError, match=r"go on with its run by --resume"):
        load_run_file(str(tmp_path))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("episodes:", "episods:", "mine.yaml:11: unknown key 'episods'; did you mean episodes?"),
        ("{kind:", "{knd:", "mine.yaml:10: unknown key 'clock.knd'; did you mean kind?"),
        ("simulated", "sundial", "mine.yaml:10: clock.kind: input should be 'simulated' or 'real'"),
        (
            "simulated}",
            "real, speed: .inf}",
            "mine.yaml:10: clock.speed: input should be a finite ",
        ),
        ("simulated}", "simulated, seconds: .nan}", "clock.seconds: input should be a finite num"),
        ("episodes: 3", "episodes: true", "mine.yaml:11: episodes: input should be a valid integ"),
        ("episodes: 3", "seed: true", "mine.yaml:11: seed: input should be a valid integer, got T"),
        ("episodes: 3", "concurrency: '8'", "mine.yaml:11: concurrency: input should be a valid i"),
        ("simulated}", "real, speed: true}", "clock.speed: input should be a valid number, got T"),
        ("simulated}", "simulated, seconds: '1'}", "clock.seconds: input should be a valid number"),
        ("episodes: 3", "budget: {dollars: '5'}", "budget.dollars: input should be a valid number"),
        ("episodes: 3", "budget: {tokens: true}", "budget.tokens: input should be a valid intege"),
        ("episodes: 3", "episodes: many", "mine.yaml:11: episodes: input should be a valid integ"),
        ("episodes: 3", "episodes: 0", "mine.yaml:11: episodes: input should be greater than or "),
        ("simlab.env.car_sale:", "", "mine.yaml:1: world: must be module:name or file.py:name, go"),
        ("model: small", "model: smal", "mine.yaml:4: cast.buyer.model names 'smal', which is not"),
        (
            "model: small",
            "memory: {kind: recall, model: far}",
            "mine.yaml:4: cast.buyer.memory.model names 'far', which is not under models",
        ),
        (
            "goal: save",
            "memory: {model: [1]}",
            "mine.yaml:5: cast.buyer.memory.model names [1]",
        ),
        ("model: large", "agent: [1]", "mine.yaml:6: cast.seller.agent: input should be a valid s"),
        ("model: large", "model: [1]", "mine.yaml:6: cast.seller.model: input should be a valid s"),
        ("{engine: transformers}", "fast", "mine.yaml:9: models.large: input should be a valid di"),
    ],
)
def test_what_is_wrong_in_a_file_is_told_with_its_line(run_file, old, new, message):
    assert old in TEXT
    path = run_file(TEXT.replace(old, new))

    with pytest.raises(ConfigError, match=re.escape(message)):
        load_run_file(path)


@pytest.mark.parametrize(
    ("sampling", "message"),
    [
        ("temperature: -1", "temperature: input should be greater than or equal to 0, got -1"),
        ("temperature: .inf", "temperature: input should be a finite number, got inf"),
        ("max_tokens: 0", "max_tokens: input should be greater than or equal to 1, got 0"),
        ("max_tokens: few", "max_tokens: input should be a valid integer, got 'few'"),
        ("top_p: 2", "top_p: input should be less than or equal to 1, got 2"),
        ("stop: abc", "stop: input should be a list, got 'abc'"),
        ("stop: ['']", "stop.0: string should have at least 1 character, got ''"),
    ],
)
@pytest.mark.parametrize("group", ["cast", "judges"])
def test_a_sampling_that_cannot_be_drawn_by_is_refused_with_its_line(
    run_file, group, sampling, message
):
    cast = "cast: {}\n" if group == "judges" else ""
    path = run_file(f"world: a:B\n{cast}{group}:\n  anna:\n    sampling:\n      {sampling}\n")
    line = 6 if cast else 5

    with pytest.raises(ConfigError) as caught:
        load_run_file(path)

    assert f"mine.yaml:{line}: {group}.anna.sampling.{message}" in caught.value.message


def test_a_sampling_of_an_unknown_key_is_refused_with_those_near_it():
    cast = {"clock": {"sampling": {"stops": ["."]}}}

    with pytest.raises(
        ConfigError, match=r"^unknown key 'cast.clock.sampling.stops'; .* mean stop"
    ):
        checked({**WORLD, "cast": cast})


def test_a_sampling_stands_in_a_run_file_as_it_was_written():
    run = checked({**WORLD, "cast": {"a": {"sampling": {"stop": ["."]}}}})

    assert run.cast["a"].options == {"sampling": {"stop": ["."]}}
    assert run.model_dump(exclude_unset=True)["cast"]["a"] == run.cast["a"].options


def test_a_wrong_value_is_shown(run_file):
    path = run_file(TEXT.replace("episodes: 3", "episodes: many"))

    with pytest.raises(ConfigError, match=r"got 'many'$"):
        load_run_file(path)


def test_a_missing_key_is_named(run_file):
    with pytest.raises(ConfigError, match=r"mine.yaml: key 'cast' is missing"):
        load_run_file(run_file("world: a:B"))


def test_all_that_is_wrong_is_told_at_once(run_file):
    path = run_file(TEXT.replace("episodes:", "episods:").replace("{kind:", "{knd:"))

    with pytest.raises(ConfigError) as caught:
        load_run_file(path)

    assert {"'episods'", "'clock.knd'"} <= set(re.findall(r"'[\w.]+'", caught.value.message))
    assert len(caught.value.message.splitlines()) == 2


@pytest.mark.parametrize("name", ["a/b", "..", "", "a b"])
def test_interlab_14_a_name_that_is_no_folder_name_is_refused(name):
    with pytest.raises(ConfigError, match=r"name: string should match pattern"):
        checked({**WORLD, "name": name})


@pytest.mark.parametrize("models", [["small"], "small", None, {"small": "fast", "all": {}}])
def test_models_of_another_form_are_refused(run_file, models):
    path = run_file({**WORLD, "models": models})

    with pytest.raises(ConfigError, match=r"models(\.small)?: input should be a valid dictionary"):
        load_run_file(path, models=["all=scripted"] if models is None else [])


def test_a_model_of_a_judge_must_be_there_as_well():
    judges = {"harm": {"agent": "rating", "model": "big"}}

    with pytest.raises(ConfigError, match=r"^judges.harm.model names 'big', .*; there are none"):
        checked({**WORLD, "judges": judges})


def test_what_is_set_of_all_wins_over_one(path):
    run = load_run_file(path, settings=["models.small.dtype=bfloat16", "models.all.dtype=float64"])

    assert [run.models[name]["dtype"] for name in ("small", "large")] == ["float64", "float64"]


def test_all_may_stand_in_the_file(run_file):
    path = run_file({**WORLD, "models": {"all": {"engine": "scripted"}, "one": {}, "two": {}}})

    assert load_run_file(path).models == {
        "one": {"engine": "scripted"},
        "two": {"engine": "scripted"},
    }


def test_a_file_of_ones_own_stands_beside_the_run_file(run_file, tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    path = run_file({**WORLD, "world": "mine.py:World"})

    assert load_run_file(path).world == f"{tmp_path}/mine.py:World"
    assert load_run_file("../mine.yaml").world == f"{tmp_path}/mine.py:World"


def test_setting_a_missing_key_is_refused(path):
    with pytest.raises(ConfigError, match=r"mine.yaml: unknown key 'episods'; did you mean episo"):
        load_run_file(path, settings=["episods=3"])


def test_a_set_value_that_does_not_fit_is_refused(path):
    with pytest.raises(ConfigError, match=r"concurrency: input should be greater than or equal to"):
        load_run_file(path, settings=["concurrency=0"])


def test_a_run_file_cannot_be_changed():
    run = checked(WORLD)

    with pytest.raises(ValueError, match=r"frozen"):
        run.seed = 1
    assert run == RunFile(**WORLD)


def test_an_agent_may_live_across_episodes_which_its_constructor_is_not_told():
    run = checked({**WORLD, "cast": {"a": {"persistent": True, "goal": "win"}, "b": {}}})

    assert run.persistent == ["a"]
    assert run.cast["a"].options == {"goal": "win"}


def test_persistent_is_true_or_false():
    with pytest.raises(ConfigError, match=r"cast.a.persistent: input should be a valid boolean"):
        checked({**WORLD, "cast": {"a": {"persistent": "always"}}})


def test_a_persistent_agent_and_a_real_clock_are_refused_with_the_reason(run_file):
    cast = {"a": {"persistent": True}}
    path = run_file({**WORLD, "cast": cast, "clock": {"kind": "real"}})

    with pytest.raises(
        ConfigError, match=r"mine.yaml:\d+: clock.kind must be 'simulated' .* cast.a is, got 'real'"
    ):
        load_run_file(path)
