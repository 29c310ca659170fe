"""Which engine computes a model, as a run file says it.

An engine is the class of a model value, found by its name; its fields but `name` are the options
that a run file may set. So a new engine is a class and a line here, or a class of the user's own
and its name in the run file. Some models complete prompts, others embed texts.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import fields, is_dataclass
from typing import Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StrictFloat,
    StrictInt,
    TypeAdapter,
    ValidationError,
    model_validator,
)
from pydantic_core import to_json

from simlab.errors import ConfigError
from simlab.find import find, near
from simlab.models.embedder import AnyModel, Embedder
from simlab.models.model import Model
from simlab.problem import problem

ENGINES = {
    "scripted": "simlab.models.scripted:ScriptedModel",
    "transformers": "simlab.models.transformers_model:TransformersModel",
    "vllm": "simlab.models.vllm_model:VllmModel",
    "http": "simlab.models.endpoint:EndpointModel",
    "person": "simlab.models.person_model:PersonModel",
    "embedding": "simlab.models.transformers_embedder:TransformersEmbedder",
    "scripted-embedding": "simlab.models.scripted_embedder:ScriptedEmbedder",
}
"""Engines with short names."""


class ModelSpec(BaseModel):
    """One entry under `models` in a run file.

    Example::

        models:
          small: {engine: transformers, weights: embedded, dtype: bfloat16}
          fake: {engine: scripted, latency_s: 0.02}
          near: {engine: embedding, weights: embedded}
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    engine: str
    """A name in `ENGINES`, or ``module:name`` or ``file.py:name`` of a class of model values."""

    replicas: StrictInt | None = Field(default=None, ge=1)
    """How many replicas Ray Serve runs; None serves only what hosts must share, with one."""

    adapter: str | None = None
    """Folder of the adapter that it answers with from the beginning."""

    num_gpus: StrictFloat | None = Field(default=None, ge=0, allow_inf_nan=False)
    """GPUs that each replica claims from Ray; None for as many as its engine computes on, where the
    cluster has any."""

    num_cpus: StrictFloat = Field(default=0, ge=0, allow_inf_nan=False)
    """Cores that each replica claims from Ray."""

    @property
    def options(self) -> dict[str, Any]:
        """What is set of the engine's own."""
        return dict(self.model_extra or {})

    @model_validator(mode="after")
    def _check_options(self) -> "ModelSpec":
        try:
            known = options_of(engine_class(self.engine))
        except ConfigError as error:
            raise ValueError(error.message) from error  # the kind that pydantic adds the key to
        for option in self.options:
            if option not in known:
                raise ValueError(
                    f"engine {self.engine!r} has no option {option!r}; {near(option, known)}"
                )
        return self


def read_spec(name: str, spec: Mapping[str, Any]) -> ModelSpec:
    """An entry under `models` in a run file, checked.

    Raises:
        ConfigError: The engine, or an option, is unknown or has a wrong type; names its key.
    """
    with _named(name):
        return ModelSpec.model_validate(spec)


def build(name: str, spec: ModelSpec | Mapping[str, Any]) -> AnyModel:
    """The language model or embedder that a run file describes; loads no weights.

    Args:
        name: The name in the run file; it goes into digests.
        spec: The entry of that name.

    Raises:
        ConfigError: The engine, or an option, is unknown or has a wrong type or value; names its
            key.
    """
    with _named(name):
        spec = ModelSpec.model_validate(spec)
        adapter: TypeAdapter[Any] = TypeAdapter(engine_class(spec.engine))
        # As JSON, whose strict types are those of YAML: a list stands for a tuple as well.
        options = to_json({"name": name, **spec.options}, inf_nan_mode="constants")
        model = adapter.validate_json(options, strict=True)
    assert isinstance(model, Model | Embedder), "engine_class() gives classes of models"
    if spec.adapter is None:
        return model
    if not isinstance(model, Model):
        raise ConfigError(f"models.{name}: an embedder takes no adapter, got {spec.adapter!r}")
    return model.with_adapter(spec.adapter)


def embeds(spec: ModelSpec | Mapping[str, Any]) -> bool:
    """Whether an entry under `models` is an embedder.

    One whose engine is not to be found is none; it is refused where it is made.
    """
    engine = spec.engine if isinstance(spec, ModelSpec) else spec.get("engine")
    with suppress(ConfigError):
        return isinstance(engine, str) and _embeds(engine_class(engine))
    return False


@contextmanager
def _named(name: str) -> Iterator[None]:
    """Let errors name the key of what is wrong with a model."""
    try:
        yield
    except ValidationError as error:
        # Deeper places name the members of unions, which are nobody's keys.
        problems = [problem(part, ("models", name, *part["loc"][:1])) for part in error.errors()]
        raise ConfigError("\n".join(problems)) from error
    except ConfigError as error:
        raise ConfigError(f"models.{name}: {error.message}") from error


def engine_class(engine: str) -> type:
    """The class of an engine's models.

    Raises:
        ConfigError: There is no such class, or its values neither complete prompts nor embed texts.
    """
    if engine not in ENGINES and ":" not in engine:
        raise ConfigError(
            f"there is no engine {engine!r}; {near(engine, list(ENGINES))} (for one of your own "
            "write module:name or file.py:name)"
        )
    found = find(ENGINES.get(engine, engine))
    if not (isinstance(found, type) and is_dataclass(found)) or _completes(found) == _embeds(found):
        raise ConfigError(
            f"engine {engine!r} must name a dataclass that is a Model or an Embedder, got {found!r}"
        )
    return found


def options_of(engine: type) -> list[str]:
    """What a run file may set of an engine, given by its class."""
    return [field.name for field in fields(engine) if field.name not in ("name", "adapter")]


def _completes(found: type) -> bool:
    return all(hasattr(found, method) for method in ("generate", "choice_logprobs", "with_adapter"))


def _embeds(found: type) -> bool:
    return hasattr(found, "embed")
