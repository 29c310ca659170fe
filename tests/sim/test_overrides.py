import sys
from dataclasses import dataclass
from types import ModuleType

import pytest

from simlab.errors import ConfigError
from simlab.models.scripted import ScriptedModel
from simlab.sim.overrides import overridden

HERE = __name__
LLM = {"model": "small", "goal": "save", "persistent": True, "memory": "list"}
DATA = {
    "world": "a:B",
    "cast": {"buyer": LLM, "seller": {"agent": "scripted", "actions": [1], "repeat": True}},
    "judges": {"harm": {"agent": "rating", "question": "?", "scale": [1, 2], "of": "buyer"}},
    "models": {
        "small": {"engine": "transformers", "weights": "embedded", "dtype": "float32"},
        "large": {"engine": "transformers"},
    },
}
WITH_EMBEDDER = {
    "models": {
        "small": {"engine": "transformers"},
        "near": {"engine": "embedding", "weights": "embedded", "threads": 1},
    }
}


@dataclass(frozen=True)
class Own(ScriptedModel):
    """An engine of a user's own."""


class Haggler:
    """An agent that takes some of the options of a language agent's."""

    def __init__(self, *, model, goal=""):
        self.made_of = model, goal


class Anything:
    """An agent that takes any options."""

    def __init__(self, **options):
        self.options = options


def decide(request):
    return request.default


def test_a_model_is_replaced_whole_with_its_engines_options():
    models = overridden(DATA, models=["small=scripted"])["models"]

    assert models == {"small": {"engine": "scripted"}, "large": {"engine": "transformers"}}


def test_weights_stand_behind_a_colon():
    models = overridden(DATA, models=["large=transformers:/weights/of:mine"])["models"]

    assert models["large"] == {"engine": "transformers", "weights": "/weights/of:mine"}


@pytest.mark.parametrize("name", ["tests.sim.test_overrides", "simlab.models.scripted", "json"])
def test_an_engine_of_ones_own_is_named_as_in_a_run_file(name):
    models = [f"all={name}:Own", f"large={name}:Own:/my/weights:1"]

    assert overridden(DATA, models=models)["models"] == {
        "small": {"engine": f"{name}:Own"},
        "large": {"engine": f"{name}:Own", "weights": "/my/weights:1"},
    }


def test_an_engine_of_a_script_that_runs_is_named_as_in_a_run_file(monkeypatch):
    monkeypatch.setitem(sys.modules, "__main__", ModuleType("__main__"))  # of no spec, as a script

    models = overridden(DATA, models=["large=__main__:Own:/my/weights"])["models"]

    assert models["large"] == {"engine": "__main__:Own", "weights": "/my/weights"}


def test_an_engine_in_a_file_stands_in_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    models = overridden(DATA, models=["all=mine.py:Own"])["models"]

    assert models["small"] == models["large"] == {"engine": f"{tmp_path}/mine.py:Own"}


def test_a_short_name_that_is_misspelt_is_not_taken_for_a_module():
    models = overridden(DATA, models=["all=transfomers:embedded"])["models"]

    assert models["small"] == {"engine": "transfomers", "weights": "embedded"}


def test_all_replaces_every_model_and_is_none_itself():
    models = overridden(DATA, models=["all=scripted"])["models"]

    assert models == {"small": {"engine": "scripted"}, "large": {"engine": "scripted"}}


@pytest.mark.parametrize(
    "said", [{"models": ["all=scripted"]}, {"settings": ["models.all.engine=scripted"]}]
)
def test_scripted_for_all_is_the_scripted_embedder_for_an_embedder(said):
    models = overridden(WITH_EMBEDDER, **said)["models"]

    assert models == {
        "small": {"engine": "scripted"},
        "near": {"engine": "scripted-embedding"},
    }


@pytest.mark.parametrize(
    "said",
    [
        {"models": ["all=vllm:embedded"]},
        {"settings": ["models.all.engine=vllm"]},
        {"models": [f"all={HERE}:Own"]},
    ],
)
def test_a_language_model_for_all_leaves_an_embedder_as_it_is(said):
    models = overridden(WITH_EMBEDDER, **said)["models"]

    assert models["small"]["engine"] != "transformers"
    assert models["near"] == WITH_EMBEDDER["models"]["near"]


def test_an_embedder_for_all_leaves_language_models_as_they_are():
    models = overridden(WITH_EMBEDDER, models=["all=scripted-embedding"])["models"]

    assert models == {**WITH_EMBEDDER["models"], "near": {"engine": "scripted-embedding"}}


@pytest.mark.parametrize(
    ("engine", "taken"),
    [
        ("scripted", "scripted-embedding"),
        ("scripted-embedding", "scripted-embedding"),
        ("vllm", "vllm"),
    ],
)
def test_an_embedder_by_its_name_becomes_what_is_said(engine, taken):
    """A language model in its place is refused where a memory names it."""
    models = overridden(WITH_EMBEDDER, models=[f"near={engine}"])["models"]

    assert models["near"] == {"engine": taken}


@pytest.mark.parametrize("engine", ["scripted", "embedding"])
def test_models_that_say_no_engine_have_the_one_that_is_said_of_all(engine):
    data = {"models": {"all": {"engine": engine}, "one": {}}}

    assert overridden(data)["models"] == {"one": {"engine": engine}}


@pytest.mark.parametrize(
    ("engine", "option", "near"),
    [
        ("scripted", "latency_s=0.02", {"engine": "scripted-embedding"}),
        ("vllm", "weights=/llama", WITH_EMBEDDER["models"]["near"]),
        ("http", "server=vllm", WITH_EMBEDDER["models"]["near"]),
    ],
)
def test_other_settings_of_all_are_for_language_models(engine, option, near):
    settings = [f"models.all.{option}"]

    models = overridden(WITH_EMBEDDER, models=[f"all={engine}"], settings=settings)["models"]

    assert option.partition("=")[0] in models["small"]
    assert models["near"] == near


def test_settings_beside_an_engine_of_all_are_for_models_of_that_engine():
    settings = ["models.all.engine=scripted", "models.all.fail_rate=0.1"]

    models = overridden(WITH_EMBEDDER, settings=settings)["models"]

    assert models["small"] == {"engine": "scripted", "fail_rate": 0.1}
    assert models["near"] == {"engine": "scripted-embedding"}


def test_model_applies_before_set():
    models = overridden(DATA, models=["small=scripted"], settings=["models.small.latency_s=0.02"])[
        "models"
    ]

    assert models["small"] == {"engine": "scripted", "latency_s": 0.02}


def test_a_model_that_the_run_has_not_is_refused():
    with pytest.raises(ConfigError, match=r"has no model 'smal'; did you mean small\?"):
        overridden(DATA, models=["smal=scripted"])


@pytest.mark.parametrize("model", ["scripted", "=scripted", "small="])
def test_a_model_of_another_form_is_refused(model):
    with pytest.raises(ConfigError, match=f"--model takes .*, got {model!r}"):
        overridden(DATA, models=[model])


@pytest.mark.parametrize(
    ("agent", "kept"),
    [
        ("human", {"persistent": True}),
        ("random", {"persistent": True}),
        ("rating", {"persistent": True, "model": "small", "memory": "list"}),
        (f"{HERE}:Haggler", {"persistent": True, "model": "small", "goal": "save"}),
        (f"{HERE}:decide", {"persistent": True}),
        (f"{HERE}:Anything", LLM),
        ("llm", LLM),
    ],
)
def test_another_agent_keeps_what_it_takes_of_the_old_ones_options(agent, kept):
    cast = overridden(DATA, settings=[f"cast.buyer.agent={agent}"])["cast"]

    assert cast == {**DATA["cast"], "buyer": {**kept, "agent": agent}}


@pytest.mark.parametrize("pattern", ["*", "buy*", "[ab]uyer"])
def test_another_agent_by_a_pattern_lets_go_of_options_of_the_seats_that_it_means(pattern):
    cast = overridden(DATA, settings=[f"cast.{pattern}.agent=random"])["cast"]

    assert cast == {**DATA["cast"], "buyer": {"persistent": True}, pattern: {"agent": "random"}}


def test_a_pattern_leaves_what_it_does_not_speak_of_as_it_is():
    data = {"cast": {"*": LLM, "b*": LLM, "buyer": LLM, "dealer": {"model": "small"}}}

    cast = overridden(data, settings=["cast.*.agent=random"])["cast"]

    bare = {"persistent": True, "agent": "random"}
    assert cast == {"*": bare, "b*": LLM, "buyer": LLM, "dealer": {}}


def test_an_agent_by_a_pattern_that_stays_keeps_what_seats_add_to_it():
    data = {"cast": {"*": {"agent": "random"}, "buyer": {"golf": 1}}}

    assert overridden(data, settings=["cast.*.agent=random"])["cast"] == data["cast"]


def test_what_is_set_beside_another_agent_holds_in_any_order():
    settings = ["cast.seller.goal=win", "cast.seller.agent=llm", "cast.seller.model=small"]

    seller = overridden(DATA, settings=settings)["cast"]["seller"]

    assert seller == {"agent": "llm", "goal": "win", "model": "small"}


def test_an_agent_that_stays_keeps_what_is_wrong_with_it():
    data = {"cast": {"buyer": {"golf": 1}, "seller": {"agent": "random", "golf": 1}}}

    settings = ["cast.buyer.agent=llm", "cast.seller.agent=random", "cast.other.agent=random"]

    assert overridden(data, settings=settings)["cast"] == {
        "buyer": {"agent": "llm", "golf": 1},
        "seller": {"agent": "random", "golf": 1},
        "other": {"agent": "random"},
    }


def test_another_judge_keeps_whom_it_judges():
    judges = overridden(DATA, settings=["judges.harm.agent=rubric"])["judges"]

    assert judges["harm"] == {"agent": "rubric", "of": "buyer"}


@pytest.mark.parametrize("name", ["small", "all"])
def test_another_engine_keeps_what_it_takes_of_the_old_ones_options(name):
    models = overridden(DATA, settings=[f"models.{name}.engine=scripted"])["models"]

    assert models["small"] == {"engine": "scripted"}
    assert models["large"] == {"engine": "scripted" if name == "all" else "transformers"}


@pytest.mark.parametrize(
    "setting", ["cast.buyer.agent=humann", "cast.buyer.agent=[1]", "models.small.engine=script"]
)
def test_what_is_no_kind_is_left_for_the_check_of_all(setting):
    group, name, key = setting.partition("=")[0].split(".")

    changed = overridden(DATA, settings=[setting])

    assert changed[group][name].keys() - {key} == DATA[group][name].keys() - {key}


@pytest.mark.parametrize("cast", [None, "buyer", ["buyer"], {"buyer": None}])
def test_a_cast_of_another_form_is_left_for_the_check_of_all(cast):
    with pytest.raises(ConfigError, match=r"--set cast.buyer.agent: cast(\.buyer)? is .* no keys"):
        overridden({"cast": cast}, settings=["cast.buyer.agent=human"])


def test_a_seat_that_is_no_text_is_left_for_the_check_of_all():
    cast = overridden({"cast": {1: LLM}}, settings=["cast.*.agent=random"])["cast"]

    assert cast == {1: LLM, "*": {"agent": "random"}}


def test_the_data_is_not_changed():
    overridden(DATA, models=["all=scripted"], settings=["cast.buyer.agent=human"])

    assert DATA["cast"]["buyer"] == LLM
    assert DATA["models"]["large"] == {"engine": "transformers"}
