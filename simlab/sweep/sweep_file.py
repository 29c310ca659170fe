"""The file of `simlab sweep`: what is varied, what is tried, and how trials are compared.

::

    training: influence_demo         # a training, or  run: car_sale  for a run
    metric: rating                   # of the table of rounds; of a run score.NAME or return.SEAT
    mode: max
    trials: 6
    at_once: 2
    scheduler: {name: asha, grace: 1, factor: 2}
    seed: 0
    space:
      train.learning_rate: {log_uniform: [1e-5, 1e-3]}
      train.epochs: [1, 2]
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    StrictFloat,
    StrictInt,
)

from simlab.errors import ConfigError
from simlab.file_check import fitted
from simlab.find import Bundle
from simlab.sim.config import RunFile, checked, open_run_file
from simlab.sim.overrides import overridden
from simlab.sweep.space import Domain, read_domain
from simlab.train.train_file import TrainFile, open_train_file, read_train_file
from simlab.yaml_file import Setting, YamlFile, located, with_settings

SWEEPS = Bundle("sweep", Path(__file__).parents[1] / "sweeps")
"""Those that come with SimLab."""

_EXAMPLE = "training: influence_demo"

KINDS = ("training", "run")
"""The keys that say what is varied, one of which a file has."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SchedulerSpec(_Strict):
    """Who decides which trials are stopped before their end."""

    name: Literal["asha", "none"] = "none"
    """``asha`` stops what is not among the best of a rung (Li et al. 2020, "ASHA", algorithm 2)."""
    grace: StrictInt = Field(default=1, ge=1)
    """Rounds before which none is stopped."""
    factor: StrictFloat = Field(default=2.0, gt=1, allow_inf_nan=False)
    """Of a rung one in so many goes on, and rungs are so many times as far apart each."""


def _as_data(domain: Domain) -> Any:
    return [*domain.values] if domain.kind == "grid" else {domain.kind: [*domain.values]}


DomainSpec = Annotated[Domain, PlainValidator(read_domain), PlainSerializer(_as_data)]


class SweepFile(_Strict):
    """Trials of one training or run, which differ in the keys of a space."""

    name: str = Field(default="sweep", pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
    description: str = ""
    training: TrainFile | None = None
    run: RunFile | None = None
    metric: str
    """What trials are compared by; see `simlab.sweep.swept`."""
    mode: Literal["max", "min"] = "max"
    trials: StrictInt | None = Field(default=None, ge=1)
    """How many; None for one of each combination of the lists in `space`."""
    at_once: StrictInt = Field(default=1, ge=1)
    """Trials that are live at once."""
    scheduler: SchedulerSpec = SchedulerSpec()
    seed: StrictInt = 0
    """Of what is drawn from the space; trials have the seed of their training or run."""
    space: dict[str, DomainSpec] = Field(min_length=1)
    trainer_gpus: StrictFloat = Field(default=1.0, ge=0, allow_inf_nan=False)
    """GPUs that the trainer claims where it computes on any; below 1 it shares one."""

    @property
    def kind(self) -> str:
        """Whether it varies a training or a run."""
        return "run" if self.training is None else "training"

    @property
    def varied_run(self) -> RunFile:
        """The run that it varies, or that of the training."""
        run = self.run if self.training is None else self.training.run
        assert run is not None, "a sweep varies one of the two"
        return run


@dataclass(frozen=True, slots=True)
class SweepSource:
    """Where a sweep comes from, to name lines in messages.

    Attributes:
        file: Of the sweep; what it varies is put in, in full.
        varied: The file of the training or the run.
    """

    file: YamlFile
    varied: YamlFile


def open_sweep_file(sweep: str) -> SweepSource:
    """The file of a sweep and that of what it varies, which may stand beside it.

    Args:
        sweep: Name of a bundled one, or path of a YAML file.

    Raises:
        ConfigError: There is none, it is not YAML, or it names no training or run that is there.
    """
    file = YamlFile(SWEEPS.find(sweep), example=_EXAMPLE)
    named = [kind for kind in KINDS if kind in file.data]
    if len(named) != 1 or not isinstance(file.data[named[0]], str):
        got = {kind: file.data[kind] for kind in named}
        raise ConfigError(
            f"{file.where(named[:1])}: must name a training or a run, such as {_EXAMPLE!r}, got "
            f"{got!r}"
        )
    kind, name = named[0], file.data[named[0]]
    beside = file.path.parent / name
    opened = open_train_file if kind == "training" else open_run_file
    with located(file, kind):
        varied = opened(str(beside) if beside.is_file() else name)
    file.data[kind] = varied.data
    return SweepSource(file, varied)


def read_sweep_file(
    data: dict[str, Any], source: SweepSource | None = None, *, settings: Sequence[str] = ()
) -> SweepFile:
    """A sweep from plain data.

    Args:
        data: As in the YAML, with the training or the run in full.
        source: Where it came from.
        settings: ``a.b=value`` each; below ``training.`` and ``run.`` they are settings of what is
            varied, and what follows ``space.`` is one key.

    Raises:
        ConfigError: Names the key, the value, what was expected and the line.
    """
    kind = "run" if "run" in data else "training"
    own, of_varied = _parted(settings, f"{kind}.")
    own, of_space = _parted(own, "space.")
    data = with_settings(data, own)
    varied = None if source is None else source.varied
    data[kind] = _read_varied(kind, data[kind], varied, of_varied)
    for setting in map(Setting.read, of_space):
        data["space"] = {**(data.get("space") or {}), ".".join(setting.keys): setting.value}
    file = None if source is None else source.file
    return fitted(SweepFile, data, file, below={"scheduler": SchedulerSpec.model_fields})


def _read_varied(
    kind: str, data: dict[str, Any], source: YamlFile | None, settings: Sequence[str]
) -> TrainFile | RunFile:
    if not isinstance(data, dict):
        raise ConfigError(f"{kind} must be named in the file of the sweep, got {data!r} beside it")
    if kind == "training":
        return read_train_file(data, source, settings=settings)
    return checked(overridden(data, settings=settings), source)


def _parted(settings: Sequence[str], prefix: str) -> tuple[list[str], list[str]]:
    """The settings without a prefix, and those with it, from which it is cut."""
    others = [setting for setting in settings if not setting.startswith(prefix)]
    return others, [s.removeprefix(prefix) for s in settings if s.startswith(prefix)]
