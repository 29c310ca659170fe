"""The file of `simlab train`: what is played, who learns from it, how, and when that is published.

::

    run: study_coach               # a scenario, a run file, or what stands in one
    learner: {seat: assistant}
    rating: {seat: preference}     # whose answers are learnt from
    veto: {seat: influence, level: 0.5}
    rounds: 3
    collect: {states: 8, rollouts: 4}
    evaluate:
      states: 8                    # of each environment, the last ones, never learnt from
      harm:
        agent: panel
        judges:
          warns: {agent: rule, phrases: [be careful], speaker: assistant, measure: flag}
      cases:                       # on which the panel is tried before its scores are used
        - {said: [{assistant: Nobody checks.}], labels: {harm: true}}
    train: {loss: kto, learning_rate: 2e-5, lora: {rank: 16}}
    gate: {margin: 0.25}
"""

from collections.abc import Collection, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    field_validator,
    model_validator,
)

from simlab.env.dialogue_check import fault_of_fractions
from simlab.errors import ConfigError
from simlab.file_check import fitted
from simlab.find import Bundle
from simlab.sim.config import JudgeSpec, RunFile, checked, open_run_file
from simlab.sim.overrides import overridden
from simlab.sim.places import with_places
from simlab.sim.scoring.judge_file import LabelledCase, open_judge_file
from simlab.sim.scoring.veto import OnMissing
from simlab.train.options import LoraOptions, TrainingOptions
from simlab.train.selection import Level
from simlab.yaml_file import YamlFile, located, with_settings

Method = Literal["top", "best_of", "top_and_bottom", "pairs"]

_METHODS: dict[str, tuple[Method, ...]] = {
    "sft": ("best_of", "top"),
    "kto": ("top_and_bottom",),
    "dpo": ("pairs",),
}
"""How each loss may select, the usual way first."""

_SELECT: dict[Method, tuple[str, ...]] = {
    "best_of": ("n", "positive_from"),
    "top": ("fraction", "positive_from"),
    "top_and_bottom": ("fraction", "vetoed_may_be_negative", "positive_from", "negative_to"),
    "pairs": ("n", "margin"),
}
"""The keys of `SelectSpec` that each way goes by, beside those that all do."""

_HARM = "harm"
"""The judge that is meant where a file of judges is named."""

TRAININGS = Bundle("training", Path(__file__).parents[1] / "trainings")
"""Those that come with SimLab."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LearnerSpec(_Strict):
    """Who learns: the model in one seat."""

    seat: str = "assistant"
    model: str | None = None
    """Name of the run's model that the seat begins with; None for the one that the cast gives."""
    name: str = Field(default="agent", pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
    """Of the versions: ``agent@1`` is that of round 1."""


class ScoreSpec(_Strict):
    """Whose scores are meant: those of a seat in play, or of a judge of the run after it."""

    seat: str | None = None
    judge: str | None = None
    how: Literal["mean", "last"] = "mean"
    """What is made of a seat's scores in an episode."""

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if (self.seat is None) == (self.judge is None):
            got = f"seat {self.seat!r} and judge {self.judge!r}"
            raise ValueError(f"must name a seat or a judge, got {got}")
        return self


class VetoSpec(ScoreSpec):
    """Which episodes are not learnt from; see `simlab.sim.scoring.veto`."""

    level: StrictFloat = 0.5
    missing: OnMissing = "veto"


class CollectSpec(_Strict):
    """What is played to learn from."""

    schedule: Literal["sequential", "random", "fixed"] = "sequential"
    states: StrictInt = Field(default=8, ge=1)
    """Initial states of each environment in a round, on average where there are fractions."""
    rollouts: StrictInt = Field(default=4, ge=1)
    """Episodes from each of them."""
    fractions: dict[str, StrictFloat] = {}
    """Share of each population; none: each environment has as many episodes as others."""

    @field_validator("fractions")
    @classmethod
    def _sum_to_one(cls, fractions: dict[str, float]) -> dict[str, float]:
        fault = fault_of_fractions(fractions) if fractions else None
        if fault:
            raise ValueError(fault)
        return fractions


class EvaluateSpec(_Strict):
    """What each version is compared on: the same episodes for all of them."""

    states: StrictInt = Field(default=8, ge=1)
    """Initial states of each environment that are held out: its last ones."""
    rollouts: StrictInt = Field(default=4, ge=1)
    harm: JudgeSpec
    """A panel, or a rule: never who is learnt from, and with a rule-based judge. In a file also the
    name of a bundled file of judges, or the path of one, whose judge ``harm`` is meant."""
    cases: list[LabelledCase] = []
    """Of which it is known whether they are harm: it is tried on them before its scores are used.
    In a file also the name or path of a file of judges whose cases are meant, as they are where
    `harm` names one and nothing stands here."""

    @field_validator("cases")
    @classmethod
    def _are_of_harm(cls, cases: list[LabelledCase]) -> list[LabelledCase]:
        for case in cases:
            if case.labels.keys() != {_HARM}:
                got = dict(case.labels)
                raise ValueError(f"labels must be such as {{harm: true}}, got {got!r}")
        return cases


class SelectSpec(_Strict):
    """Which episodes are learnt from; see `simlab.train.selection`."""

    method: Method | None = None
    fraction: StrictFloat = Field(default=1 / 16, gt=0, le=1)
    n: StrictInt = Field(default=1, ge=1)
    margin: StrictFloat = Field(default=0.0, ge=0)
    level: Level | None = None
    vetoed_may_be_negative: StrictBool = False
    positive_from: StrictFloat | None = Field(default=None, allow_inf_nan=False)
    """What is rated below this is never learnt from as good; None for no bound."""
    negative_to: StrictFloat | None = Field(default=None, allow_inf_nan=False)
    """What is rated above this is never learnt from as bad; None for no bound."""


class StaticSpec(_Strict):
    """Samples that are learnt from in every round beside those that were collected."""

    data: str
    """A Parquet file of pairs, as `simlab.train.dataset.write_dataset` makes it."""
    fraction: StrictFloat = Field(ge=0, lt=1)


class GateSpec(_Strict):
    """When a version is published."""

    margin: StrictFloat = Field(default=0.0, ge=0, allow_inf_nan=False)
    """By how much its rating on held-out states may be below that of the version before."""


class CheckSpec(_Strict):
    """What is computed again by the trainer: drift, and how far a version is from its base."""

    samples: StrictInt = Field(default=8, ge=1)
    level: StrictFloat | None = Field(default=None, gt=0)
    """A mean drift above this is an alarm; None for what is usual for the engine's dtype."""


class TrainerSpec(_Strict):
    """Where adapters are trained."""

    dtype: Literal["float32", "bfloat16"] = "float32"
    device: str = "auto"
    threads: StrictInt | None = Field(default=None, ge=1)
    """Cores that it uses on a CPU; None for all, or in a sweep all but one."""


class TrainFile(_Strict):
    """Rounds of expert iteration: play, rate, select, train, evaluate, publish."""

    name: str = Field(default="training", pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
    description: str = ""
    run: RunFile
    learner: LearnerSpec = LearnerSpec()
    rating: ScoreSpec = ScoreSpec(seat="preference")
    veto: VetoSpec | None = None
    rounds: StrictInt = Field(default=3, ge=1)
    collect: CollectSpec = CollectSpec()
    evaluate: EvaluateSpec
    select: SelectSpec = SelectSpec()
    static: StaticSpec | None = None
    train: TrainingOptions = TrainingOptions()
    learning_rate_factor: StrictFloat = Field(default=0.9, gt=0, allow_inf_nan=False)
    """By which the learning rate is multiplied after each round."""
    trainer: TrainerSpec = TrainerSpec()
    gate: GateSpec = GateSpec()
    check: CheckSpec = CheckSpec()
    shuffle_ratings: StrictBool = False
    """True: the null arm, in which ratings are dealt anew among the episodes of a group."""
    seed: StrictInt = 0
    hosts: StrictInt = Field(default=0, ge=0)
    """Ray hosts of each run; 0 plays in this process."""

    @property
    def method(self) -> Method:
        """How episodes are selected."""
        return self.select.method or _METHODS[self.train.loss][0]

    @property
    def level(self) -> Level:
        """Within what episodes are compared: an environment for fractions, else a state."""
        usual: Level = "env" if self.method in ("top", "top_and_bottom") else "subenv"
        return self.select.level or usual

    @field_validator("train", mode="before")
    @classmethod
    def _is_mapping(cls, options: Any) -> Any:
        if not isinstance(options, dict | TrainingOptions):
            raise ValueError(f"must be a mapping such as {{loss: kto}}, got {options!r}")  # noqa: TRY004 - of a file
        return options


_KEYS: dict[str, Collection[str]] = {
    "learner": LearnerSpec.model_fields,
    "rating": ScoreSpec.model_fields,
    "veto": VetoSpec.model_fields,
    "collect": CollectSpec.model_fields,
    "evaluate": EvaluateSpec.model_fields,
    "cases": LabelledCase.model_fields,
    "select": SelectSpec.model_fields,
    "static": StaticSpec.model_fields,
    "gate": GateSpec.model_fields,
    "check": CheckSpec.model_fields,
    "trainer": TrainerSpec.model_fields,
    "train": [field.name for field in fields(TrainingOptions)],
    "lora": [field.name for field in fields(LoraOptions)],
}
"""What may stand below keys that take no others."""


def open_train_file(training: str) -> YamlFile:
    """The file of a training, whose ``run`` is what stands in a run file.

    Args:
        training: Name of a bundled one, or path of a YAML file.

    Raises:
        ConfigError: There is none, it is not YAML, or it names a run that is not there.
    """
    file = YamlFile(TRAININGS.find(training), example="run: study_coach")
    folder, run = file.path.parent, file.data.get("run")
    if isinstance(run, str):
        beside = folder / run
        file.data["run"] = open_run_file(str(beside) if beside.is_file() else run).data
    elif isinstance(run, dict):
        file.data["run"] = with_places(run, folder)
    _open_judges(file.data.get("evaluate"), folder)
    static = file.data.get("static")
    if isinstance(static, dict) and isinstance(static.get("data"), str):
        static["data"] = str((folder / static["data"]).absolute())
    return file


def _open_judges(evaluate: Any, folder: Path) -> None:
    """Put what a file of judges says of harm in the place of the file's name."""
    if not isinstance(evaluate, dict):
        return
    if isinstance(evaluate.get("harm"), str):
        source = _judges_in(evaluate["harm"], folder)
        judges = source.data.get("judges")
        if not isinstance(judges, dict) or _HARM not in judges:
            expected = f"{source.path} must have a judge {_HARM!r} under judges"
            raise ConfigError(f"evaluate.harm: {expected}; name it so")
        evaluate["harm"] = judges[_HARM]
        evaluate.setdefault("cases", _cases_of_harm(source))
    if isinstance(evaluate.get("cases"), str):
        evaluate["cases"] = _cases_of_harm(_judges_in(evaluate["cases"], folder))


def _judges_in(name: str, folder: Path) -> YamlFile:
    beside = folder / name
    return open_judge_file(beside if beside.is_file() else name)


def _cases_of_harm(source: YamlFile) -> Any:
    """The labelled cases of a file of judges that tell of harm; what is malformed stays as it is.

    Those that tell of its other judges alone are left out.
    """
    cases = source.data.get("cases") or []
    if not isinstance(cases, list):
        return cases
    labels = [case.get("labels") if isinstance(case, dict) else None for case in cases]
    return [
        {**case, "labels": {_HARM: told[_HARM]}} if isinstance(told, dict) else case
        for case, told in zip(cases, labels, strict=True)
        if not isinstance(told, dict) or _HARM in told
    ]


def read_train_file(
    data: dict[str, Any], source: YamlFile | None = None, *, settings: Sequence[str] = ()
) -> TrainFile:
    """A training from plain data.

    Args:
        data: As in the YAML, with a run in full.
        source: Where it came from, to name lines in messages.
        settings: ``a.b=value`` each; below ``run.`` they mean what they mean to `simlab run`.

    Raises:
        ConfigError: Names the key, the value, what was expected and the line.
    """
    of_run = [setting.removeprefix("run.") for setting in settings if setting.startswith("run.")]
    data = with_settings(data, [each for each in settings if not each.startswith("run.")])
    inner = source.under("run") if source is not None else None
    if not isinstance(data.get("run"), dict):
        where = f"{source.where(('run',))}: " if source is not None else ""
        got = repr(data["run"]) if "run" in data else "none"
        raise ConfigError(f"{where}run must be a scenario, a run file or a mapping, got {got}")
    data["run"] = checked(overridden(data["run"], settings=of_run), inner)
    file = fitted(TrainFile, data, source, below=_KEYS)
    with located(source, "select"):
        _check_method(file)
    return file


def _check_method(file: TrainFile) -> None:
    known = _METHODS[file.train.loss]
    if file.method not in known:
        raise ConfigError(
            f"select.method must be one of {known!r} for loss {file.train.loss!r}, got "
            f"{file.method!r}"
        )
    taken = ("method", "level", *_SELECT[file.method])
    for key in SelectSpec.model_fields:
        if key in file.select.model_fields_set - {*taken}:
            raise ConfigError(
                f"select.{key} is not for method {file.method!r} of loss {file.train.loss!r}, "
                f"which takes {taken!r}; leave it out"
            )
    if file.method == "pairs" and file.level != "subenv":
        raise ConfigError(
            f"select.level must be 'subenv' where pairs are selected, got {file.level!r}"
        )
