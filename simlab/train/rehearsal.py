"""Rehearsal: all that a training names is made once, before any model is asked."""

from collections.abc import Mapping

from simlab.env.dialogue import DialogueWorld
from simlab.env.environment import Environment
from simlab.errors import ConfigError
from simlab.find import near
from simlab.models.embedder import Embedder
from simlab.models.held import Held
from simlab.sim.casting import make_world, seat_specs
from simlab.sim.config import AgentSpec
from simlab.sim.modelling import build_models, fingerprints
from simlab.sim.rehearsal import rehearse
from simlab.train.adapter import check_base, check_scales
from simlab.train.choosing import check_static
from simlab.train.panel_check import check_harm
from simlab.train.plays import HARM, LEARNER, Plays
from simlab.train.states import States
from simlab.train.train_file import ScoreSpec, TrainFile, VetoSpec
from simlab.yaml_file import YamlFile, located


def rehearse_training(file: TrainFile, source: YamlFile | None = None) -> Plays:
    """What makes the runs of a training, once it was seen that they can be played.

    Args:
        file: What is to be trained.
        source: Where it stands, to name lines in messages.

    Raises:
        ConfigError: Something cannot be made, played or learnt from; says what and why.
    """
    with located(source, "run"):
        _check_run(file)
    rehearse(file.run, None if source is None else source.under("run"))
    world = make_world(file.run)
    specs = seat_specs(file.run, world)
    with located(source, "learner"):
        model = _model_of_learner(file, specs)
    for key, scores in (("rating", file.rating), ("veto", file.veto)):
        with located(source, key):
            if scores is not None:
                _check_scores(key, scores, file, specs)
    if file.veto is not None:
        with located(source, "veto", "level"):
            _check_level(file.veto, world)
    with located(source, "evaluate"):
        states = States.of(world, file.evaluate.states)
    with located(source, "collect"):
        states.check(file.collect)
    plays = Plays(file, specs, states, model)
    with located(source, "evaluate"):
        check_harm(plays.harm, plays.rater, asked=_asked(world, file.rating))
        rehearse(plays.evaluating(None))
    collected = plays.collecting(1, None)
    with located(source, "collect"):
        rehearse(collected)
    if plays.adapter is not None:
        with located(source, "run"):
            check_base(plays.adapter, _base(file, model))
            check_scales(plays.adapter, file.train.lora)
    if file.static is not None:
        with located(source, "static"):
            check_static(file, file.static, _base(file, model), collected.resets)
    return plays


def _base(file: TrainFile, model: str) -> str:
    """Fingerprint of the weights that learn, which takes reading them."""
    return fingerprints({model: file.run.models[model]})[model]


def _check_run(file: TrainFile) -> None:
    """See that a run has nothing that a training has for itself."""
    run = file.run
    if run.persistent or run.resets:
        what = f"cast.{run.persistent[0]}.persistent" if run.persistent else "resets"
        raise ConfigError(f"run.{what}: a training begins each episode anew, so leave that out")
    for name, known, owner in ((LEARNER, run.models, "learner's"), (HARM, run.judges, "panel's")):
        if name in known:
            group = "models" if known is run.models else "judges"
            raise ConfigError(f"run.{group}.{name}: that name is the {owner}; take another")


def _model_of_learner(file: TrainFile, specs: Mapping[str, AgentSpec]) -> str:
    """The model that the learner begins with.

    Raises:
        ConfigError: Nobody sits there, or the model is none that can be trained.
    """
    seat, models = file.learner.seat, build_models(file.run.models)
    if seat not in specs:
        raise ConfigError(f"learner.seat: nobody sits in {seat!r}; {near(seat, [*specs])}")
    known = [name for name, model in models.items() if not isinstance(model, Embedder)]
    name = file.learner.model or specs[seat].model or (known[0] if len(known) == 1 else None)
    if name not in known:
        raise ConfigError(f"learner.model: there is no model {name!r}; {near(str(name), known)}")
    if not isinstance(models[name], Held):
        engine = file.run.models[name].get("engine")
        raise ConfigError(
            f"run.models.{name}.engine must be one that holds weights, which can be trained, such "
            f"as 'transformers' or 'vllm', got {engine!r}"
        )
    _check_takes_adapters(file, name, models[name])
    return name


def _check_takes_adapters(file: TrainFile, name: str, model: object) -> None:
    """See that an engine that has a bound for adapters can answer with those of the learner."""
    bounds = {"max_adapters": 1, "max_adapter_rank": file.train.lora.rank}
    for option, least in bounds.items():
        value = getattr(model, option, least)
        if value < least:
            raise ConfigError(
                f"run.models.{name}.{option} must be at least {least} for what the learner is "
                f"trained to, got {value!r}; set it"
            )


def _asked(world: object, rating: ScoreSpec) -> str:
    """What a dialogue world asks the seat whose ratings are learnt from, in words."""
    assert isinstance(world, DialogueWorld), "only its initial states are known"
    assessor = world.script.assessors.get(rating.seat or "")
    return "" if assessor is None else assessor.question


def _check_scores(
    key: str, scores: ScoreSpec, file: TrainFile, specs: Mapping[str, AgentSpec]
) -> None:
    """See that somebody gives the scores that are meant, and not the learner itself."""
    kind, name = ("seat", scores.seat) if scores.judge is None else ("judge", scores.judge)
    known = [*specs] if kind == "seat" else [*file.run.judges]
    if name not in known:
        raise ConfigError(f"{key}.{kind}: the run has no {kind} {name!r}; {near(str(name), known)}")
    if kind == "seat" and name == file.learner.seat:
        raise ConfigError(f"{key}.seat must be another than the learner's, got {name!r}")


def _check_level(veto: VetoSpec, world: Environment) -> None:
    """See that a veto can be given, where the world tells the scale of the seat."""
    judge = (
        world.script.assessors.get(veto.seat or "") if isinstance(world, DialogueWorld) else None
    )
    if judge is None or judge.scale is None:
        return
    _, greatest = judge.scale.bounds
    if veto.level > greatest:
        raise ConfigError(
            f"veto.level must be at most {greatest:g}, the greatest value of the scale of seat "
            f"{veto.seat!r}, got {veto.level!r}: nothing would be vetoed"
        )
