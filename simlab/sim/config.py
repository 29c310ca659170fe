"""The run file: what is run, as YAML, checked before anything starts."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    ValidationInfo,
    field_validator,
    model_validator,
)

from simlab.errors import ConfigError
from simlab.file_check import fitted
from simlab.find import near
from simlab.models.model import Sampling
from simlab.seeding import derive
from simlab.sim.kinds import USUAL
from simlab.sim.overrides import overridden
from simlab.sim.places import with_places
from simlab.yaml_file import YamlFile, with_keys_as_written


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Drawn(BaseModel):
    """The key of agents and judges that says how their models' replies are drawn."""

    sampling: Sampling = Sampling()


class PartSpec(BaseModel):
    """Who takes part in a run: a kind of agent or judge, and what it is made with.

    Further keys go to its constructor; ``model`` names one of the run's models, and ``sampling``
    has the fields of `Sampling`.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    agent: str = USUAL
    """``llm``, ``human``, ``random``, ``scripted``, or ``module:name`` or ``file.py:name`` of a
    class or function."""

    model: str | None = None
    """Name of a model of the run."""

    judges: dict[str, "PartSpec"] = {}
    """Of a panel: its members, who are made before it."""

    @model_validator(mode="before")
    @classmethod
    def _read_labels(cls, data: Any) -> Any:
        """Take the labels of a scale as they stand in the file, where YAML reads truth values."""
        if not isinstance(data, dict) or "scale" not in data:
            return data
        return {**data, "scale": with_keys_as_written(data["scale"])}

    @property
    def options(self) -> dict[str, Any]:
        """What else the constructor is given."""
        return dict(self.model_extra or {})

    @property
    def memory_model(self) -> str | None:
        """Name of the model that its memory asks, as ``{kind: recall, model: near}`` does."""
        memory = self.options.get("memory")
        return memory.get("model") if isinstance(memory, dict) else None

    @property
    def named_models(self) -> list[str]:
        """Names of the models that it, or a judge of its panel, is said to ask."""
        own = [name for name in (self.model, self.memory_model) if name is not None]
        return own + [name for judge in self.judges.values() for name in judge.named_models]

    @model_validator(mode="after")
    def _check_sampling(self) -> Self:
        _Drawn.model_validate(self.options)  # what is wrong with it bears its key
        return self


class AgentSpec(PartSpec):
    """Who takes a seat.

    Two players who remember every game that they have played, and the moves of it::

        world: simlab.env.iterated_dilemma:IteratedDilemma
        cast:
          "*": {model: small, goal: Get as many points as you can., persistent: true}
        episodes: 5
    """

    persistent: StrictBool = False
    """True: one agent for the run, which remembers over episodes, not a new one for each; under a
    pattern, one for each seat. Its seed and session follow from the run's seed and its seat. What
    it remembers depends on the order of the episodes, so a run with such an agent plays them one
    after another on one host, whatever ``concurrency`` and the number of hosts."""


class JudgeSpec(PartSpec):
    """Who scores episodes after their end; further keys go to the judge's constructor."""

    of: str = ""
    """The seat whose trajectory is judged; empty for the whole episode."""


class ClockSpec(_Strict):
    """How time passes in the world."""

    kind: Literal["simulated", "real"] = "simulated"
    latency: Literal["zero", "fixed", "per_token"] = "zero"
    seconds: StrictFloat = Field(default=0.0, ge=0, allow_inf_nan=False)
    """World seconds that an action takes, or each of its tokens."""
    speed: StrictFloat = Field(default=1.0, gt=0, allow_inf_nan=False)
    """World seconds that pass in a second of a real clock."""


class BudgetSpec(_Strict):
    """What the models of a run may cost, embedders among them.

    Once that is spent no call begins any more, those under way end and are recorded, and the run
    stops. It can be gone on with; what was spent counts, so the budget must be raised::

        simlab run RUN --resume --set budget.tokens=2000000
    """

    tokens: StrictInt | None = Field(default=None, ge=1)
    """Of prompts, completions and texts embedded together; None for as many as it takes."""
    dollars: StrictFloat | None = Field(default=None, gt=0, allow_inf_nan=False)
    """At the prices under ``models``; models without any go on. None for as many as it takes."""

    @property
    def bounds(self) -> bool:
        """Whether it bounds anything."""
        return self.tokens is not None or self.dollars is not None


class RunFile(_Strict):
    """One run: a world, who plays in it on which models, how often, and from which seed."""

    name: str = Field("run", pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
    description: str = ""
    world: str
    """``module:name`` or ``file.py:name`` of a class."""
    options: dict[str, Any] = {}
    """Of the world's constructor."""
    reset: dict[str, Any] = {}
    """Options of each reset."""
    resets: list[dict[str, Any]] = []
    """Options of each episode's own reset, which add to those of ``reset``. There are then as many
    episodes, or fewer if ``episodes`` says so, and the seed of each follows from its options and
    from how manieth it is with these, whatever else is played::

        resets: [{environment: exam, state: "1"}, {environment: exam, state: "1"}]
    """
    cast: dict[str, AgentSpec]
    """By seat; a name may be a pattern such as ``bidder_*``, the last that fits holds. What is said
    of a seat by its own name adds to that, or stands alone if it names an ``agent``."""
    judges: dict[str, JudgeSpec] = {}
    """Score each episode after its end."""
    models: dict[str, dict[str, Any]] = {}
    clock: ClockSpec = Field(default_factory=ClockSpec)
    budget: BudgetSpec = Field(default_factory=BudgetSpec)
    episodes: StrictInt = Field(1, ge=1)
    seed: StrictInt = 0
    concurrency: StrictInt = Field(64, ge=1)
    """Episodes live at once; 1, whatever it says, where an agent is ``persistent``."""

    @property
    def persistent(self) -> list[str]:
        """Names in the cast whose agents live across episodes."""
        return [name for name, spec in self.cast.items() if spec.persistent]

    @cached_property
    def starts(self) -> list[tuple[str, int]]:
        """The options of each of `resets` as JSON, and how manieth it is with these, from 0."""
        seen: Counter[str] = Counter()
        starts = []
        for options in self.resets:
            key = json.dumps(options, sort_keys=True, default=str)
            starts.append((key, seen[key]))
            seen[key] += 1
        return starts

    def reset_of(self, episode: int) -> dict[str, Any]:
        """The options of an episode's reset."""
        return {**self.reset, **self.resets[episode]} if self.resets else self.reset

    def seed_of(self, episode: int) -> int:
        """The seed of an episode; it does not depend on how many episodes there are."""
        if self.resets:
            return derive(self.seed, "episode", *self.starts[episode])
        return derive(self.seed, "episode", episode)

    def alone(self, episode: int) -> dict[str, Any]:
        """The data of a run file all of whose episodes begin as one of this does."""
        data = self.model_dump(mode="json", exclude_unset=True)
        if data.pop("resets", None):
            data["reset"] = self.reset_of(episode)
        return data

    @model_validator(mode="before")
    @classmethod
    def _count_resets(cls, data: Any) -> Any:
        resets = data.get("resets") if isinstance(data, dict) else None
        return {"episodes": len(resets), **data} if isinstance(resets, list) and resets else data

    @field_validator("episodes")
    @classmethod
    def _have_resets(cls, episodes: int, info: ValidationInfo) -> int:
        resets = info.data.get("resets")
        if resets and episodes > len(resets):
            raise ValueError(
                f"must be at most {len(resets)}, one for each of resets, got {episodes}"
            )
        return episodes

    @field_validator("world")
    @classmethod
    def _names_a_class(cls, world: str) -> str:
        if ":" not in world:
            raise ValueError(f"must be module:name or file.py:name, got {world!r}")
        return world


_KEYS = {
    "budget": list(BudgetSpec.model_fields),
    "clock": list(ClockSpec.model_fields),
    "sampling": [field.name for field in fields(Sampling)],
}
"""What may stand below keys that take no others."""


def scenario_names() -> list[str]:
    """The bundled scenarios, by name."""
    return sorted(path.stem for path in _scenarios() if path.suffix == ".yaml")


def scenario_path(name: str) -> Path:
    """The file of a bundled scenario."""
    return next(path for path in _scenarios() if path.name == f"{name}.yaml")


def load_run_file(
    scenario: str, *, models: Sequence[str] = (), settings: Sequence[str] = ()
) -> RunFile:
    """Read a run file and apply what was said on the command line.

    Args:
        scenario: Name of a bundled scenario, or path of a YAML file.
        models: ``NAME=ENGINE[:WEIGHTS]`` each; applied before `settings`.
        settings: ``a.b=value`` each.

    Raises:
        ConfigError: Names the key, the value, what was expected and the line.
    """
    file = open_run_file(scenario)
    return checked(overridden(file.data, models=models, settings=settings), file)


def open_run_file(scenario: str) -> YamlFile:
    """The file of a scenario; what it names as ``file.py:name`` stands beside it.

    Args:
        scenario: Name of a bundled scenario, or path of a YAML file.

    Raises:
        ConfigError: There is none, or it is not YAML.
    """
    file = YamlFile(_find(scenario))
    file.data = with_places(file.data, file.path.parent)
    return file


def checked(data: Mapping[str, Any], file: YamlFile | None = None) -> RunFile:
    """A run file from plain data.

    Args:
        data: As in the YAML.
        file: Where it came from, to name lines in messages.

    Raises:
        ConfigError: It does not fit.
    """
    run = fitted(RunFile, data, file, below=_KEYS)
    _check_models(run, file)
    _check_clock(run, file)
    _check_resets(run, file)
    return run


def _scenarios() -> list[Path]:
    return sorted((Path(__file__).parents[1] / "scenarios").iterdir())


def _find(scenario: str) -> Path:
    if scenario in scenario_names():
        return scenario_path(scenario)
    path = Path(scenario)
    if path.is_file():
        return path
    if path.is_dir():
        raise ConfigError(
            f"expected a scenario or a run file, got the folder {scenario}; "
            + (
                "go on with its run by --resume"
                if (path / "run.yaml").is_file()
                else f"it is no run, so say what to run in it: simlab run SCENARIO --out {scenario}"
            )
        )
    if path.suffix in (".yaml", ".yml"):
        raise ConfigError(f"there is no file {scenario}; the bundled scenarios need no file name")
    raise ConfigError(f"there is no scenario {scenario!r}; {near(scenario, scenario_names())}")


def _check_models(run: RunFile, file: YamlFile | None) -> None:
    for key, model in _models_named(run):
        if model is not None and model not in [*run.models]:
            where = f"{file.where(key)}: " if file else ""
            raise ConfigError(
                f"{where}{'.'.join(key)} names {model!r}, which is not under models; "
                f"{near(str(model), [*run.models])}"
            )


def _models_named(run: RunFile) -> Iterator[tuple[tuple[str, ...], str | None]]:
    """Keys of the cast and of judges that may name a model, and what they name."""
    for group, specs in (("cast", run.cast), ("judges", run.judges)):
        for name, spec in specs.items():
            yield from _named_by((group, name), spec)


def _named_by(key: tuple[str, ...], spec: PartSpec) -> Iterator[tuple[tuple[str, ...], str | None]]:
    yield (*key, "model"), spec.model
    yield (*key, "memory", "model"), spec.memory_model
    for name, judge in spec.judges.items():
        yield from _named_by((*key, "judges", name), judge)


def _check_clock(run: RunFile, file: YamlFile | None) -> None:
    """See that what a persistent agent remembers of an episode follows from its record.

    When an episode ends on a real clock, an agent may be in the midst of a turn, and how far it has
    come is in no record.
    """
    if run.persistent and run.clock.kind == "real":
        where = f"{file.where(('clock', 'kind'))}: " if file else ""
        raise ConfigError(
            f"{where}clock.kind must be 'simulated' where an agent is persistent, as "
            f"cast.{run.persistent[0]} is, got 'real'; a real clock may end an episode in the "
            "midst of a turn, and what was remembered of that could not be rebuilt"
        )


def _check_resets(run: RunFile, file: YamlFile | None) -> None:
    """See that what a persistent agent remembers can be played again in a branch of one episode."""
    if run.persistent and run.resets:
        where = f"{file.where(('resets',))}: " if file else ""
        raise ConfigError(
            f"{where}resets must be empty where an agent is persistent, as "
            f"cast.{run.persistent[0]} is, got {len(run.resets)}; give all episodes one reset"
        )
