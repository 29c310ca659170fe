import subprocess
import sys
from dataclasses import dataclass

import pytest
from pydantic import ValidationError

from simlab.errors import ConfigError
from simlab.models.embedder import Embedder
from simlab.models.engines import ModelSpec, build, embeds
from simlab.models.model import ChatMessage, Completion, Model
from simlab.models.scripted import ScriptedModel
from simlab.models.scripted_embedder import ScriptedEmbedder
from simlab.models.transformers_embedder import TransformersEmbedder
from simlab.models.transformers_model import TransformersModel

spec = ModelSpec.model_validate


@dataclass(frozen=True)
class Parrot:
    """A model of a user's own."""

    name: str
    words: str = "hello"

    async def generate(self, *_, **__):
        return Completion(self.words, model=self.name)

    async def choice_logprobs(self, _, choices):
        return dict.fromkeys(choices, 0.0)

    def with_adapter(self, _):
        return self


@dataclass(frozen=True)
class NoModel:
    name: str


@dataclass(frozen=True)
class Both(Parrot):
    async def embed(self, texts):
        raise NotImplementedError


def test_an_entry_of_a_run_file_becomes_the_model_of_its_engine():
    scripted = build("fake", spec({"engine": "scripted", "latency_s": 0.02}))
    weights = build("small", spec({"engine": "transformers", "dtype": "bfloat16", "threads": 2}))

    assert scripted == ScriptedModel("fake", latency_s=0.02)
    assert weights == TransformersModel("small", dtype="bfloat16", threads=2)
    assert isinstance(scripted, Model)
    assert isinstance(weights, Model)


def test_an_embedder_is_an_entry_like_others():
    scripted = build("near", spec({"engine": "scripted-embedding", "latency_s": 0.02}))
    weights = build("near", spec({"engine": "embedding", "weights": "embedded", "threads": 2}))

    assert scripted == ScriptedEmbedder("near", latency_s=0.02)
    assert weights == TransformersEmbedder("near", threads=2)
    assert isinstance(scripted, Embedder)
    assert not isinstance(scripted, Model)


@pytest.mark.parametrize(
    ("entry", "is_embedder"),
    [
        (spec({"engine": "embedding"}), True),
        ({"engine": "scripted-embedding"}, True),
        ({"engine": f"{ScriptedEmbedder.__module__}:ScriptedEmbedder"}, True),
        ({"engine": "transformers"}, False),
        ({"engine": f"{__name__}:Parrot"}, False),
        ({"engine": "no.such:Thing"}, False),
        ({"engine": 7}, False),
        ({}, False),
    ],
)
def test_an_entry_is_an_embedder_or_not_whatever_is_wrong_with_it(entry, is_embedder):
    assert embeds(entry) is is_embedder


async def test_an_engine_may_be_a_class_of_the_users_own():
    model = build("mine", spec({"engine": f"{__name__}:Parrot", "words": "hi"}))

    completion = await model.generate([ChatMessage("user", "?")])

    assert completion == Completion("hi", model="mine")


def test_an_engine_may_stand_in_a_file_of_the_users_own(own_file):
    file = own_file(
        "from dataclasses import dataclass\n"
        "from simlab.models.scripted import ScriptedModel\n"
        "@dataclass(frozen=True)\n"
        "class Mine(ScriptedModel):\n"
        "    mood: str = 'calm'\n"
    )

    model = build("mine", spec({"engine": f"{file}:Mine", "mood": "angry"}))

    assert (type(model).__name__, model.mood) == ("Mine", "angry")


def test_an_entry_is_written_back_as_it_was_read():
    entry = {"engine": "transformers", "weights": "embedded"}

    assert spec(entry).model_dump(exclude_unset=True) == entry


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"engine": "scriptd"}, r"no engine 'scriptd'; did you mean scripted or scripted-"),
        ({"engine": "vlm"}, r"no engine 'vlm'; did you mean vllm\? \(for one of your own write mo"),
        (
            {"engine": "zzz"},
            r"no engine 'zzz'; there are embedding, http, person, .*, .*, vllm \(fo",
        ),
        ({"engine": "scripted", "latncy_s": 1}, r"no option 'latncy_s'; did you mean latency_s or"),
        ({"engine": "scripted", "weights": "x"}, "engine 'scripted' has no option 'weights'"),
        ({"engine": "transformers", "name": "x"}, "has no option 'name'"),
        ({"engine": "no.such:Thing"}, "there is no module 'no' .* write file.py:name"),
        ({"engine": f"{__name__}:NoModel"}, "must name a dataclass that is a Model"),
        ({"engine": f"{__name__}:build"}, "must name a dataclass that is a Model"),
        ({"engine": f"{__name__}:Both"}, "that is a Model or an Embedder, got <class"),
        ({}, "Field required"),
    ],
)
def test_a_wrong_entry_is_refused_with_what_was_expected(entry, message):
    with pytest.raises(ValidationError, match=message):
        spec(entry)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"engine": "scripted", "latency_s": "slow"}, "models.small.latency_s: .*got 'slow'"),
        ({"engine": "scripted", "fail_rate": 2}, r"models.small: fail_rate must be .*, got 2.0$"),
        ({"engine": "scripted", "latncy_s": 1}, r"^models.small: engine 'scripted' has no option"),
        ({"latency_s": 1}, r"^key 'models.small.engine' is missing$"),
        ({"engine": "scripted", "script": "no:f"}, "models.small: there is no module 'no'"),
        ({"engine": "transformers", "dtype": "int4"}, "models.small.dtype: .*got 'int4'"),
        ({"engine": "transformers", "max_batch": 0}, "max_batch must be at least 1, got 0$"),
        ({"engine": "embedding", "max_batch": 0}, "max_batch must be at least 1, got 0$"),
        (
            {"engine": "embedding", "adapter": "near@7"},
            "^models.small: an embedder takes no adapter, got 'near@7'$",
        ),
        (
            {"engine": "transformers", "cache_tokens": -1},
            "cache_tokens must be at least 0, got -1$",
        ),
    ],
)
def test_an_option_of_a_wrong_type_or_value_is_refused_with_its_key(options, message):
    with pytest.raises(ConfigError, match=message):
        build("small", options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"replicas": True}, "^models.small.replicas: input should be a valid integer, got True$"),
        ({"replicas": "2"}, "^models.small.replicas: input should be a valid integer, got '2'$"),
        ({"replicas": 2.0}, "^models.small.replicas: input should be a valid integer, got 2.0$"),
        ({"num_gpus": "1"}, "^models.small.num_gpus: input should be a valid number, got '1'$"),
        ({"num_cpus": False}, "^models.small.num_cpus: input should be a valid number, got False$"),
        ({"latency_s": "1"}, "^models.small.latency_s: input should be a valid number, got '1'$"),
        ({"fail_rate": True}, "^models.small.fail_rate: input should be a valid number, got True$"),
        ({"latency_s": float("inf")}, "latency_s must be at least 0 and finite, got inf$"),
        (
            {"engine": "transformers", "max_batch": "8"},
            "^models.small.max_batch: input should be a valid integer, got '8'$",
        ),
        (
            {"engine": "embedding", "threads": 2.0},
            "^models.small.threads: input should be a valid integer, got 2.0$",
        ),
        (
            {"engine": "http", "url": "http://x/v1", "seeds": "no"},
            "^models.small.seeds: input should be a valid boolean, got 'no'$",
        ),
    ],
)
def test_a_value_of_a_type_that_only_resembles_the_right_one_is_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        build("small", {"engine": "scripted", **options})


@dataclass(frozen=True)
class Tuned(Parrot):
    temperature: float = 0.5
    stops: tuple[str, ...] = ()


def test_a_whole_number_is_a_fine_float_and_a_list_a_fine_tuple():
    given = {"temperature": 1, "stops": ["a", "b"], "num_gpus": 1}

    tuned = build("mine", {"engine": f"{__name__}:Tuned", **given})

    assert tuned == Tuned("mine", temperature=1.0, stops=("a", "b"))


@pytest.mark.slow
def test_building_a_model_imports_no_heavy_library():
    code = (
        "import sys\n"
        "from simlab.models.engines import ModelSpec, build\n"
        "build('small', ModelSpec(engine='transformers'))\n"
        "assert not {'torch', 'transformers', 'ray'} & set(sys.modules), 'heavy'\n"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
