"""Launching runs: from the command line, a script or a notebook."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simlab.actors.ray_address import named_address
from simlab.actors.system import ray_cluster
from simlab.agents.function_person import Answering, as_person
from simlab.agents.person import Person
from simlab.errors import ConfigError
from simlab.sim.act import said
from simlab.sim.arguments import Hosts, as_engines, as_hosts, as_settings, numbers
from simlab.sim.blocking import run_async
from simlab.sim.branching import branching_of, plan_branch
from simlab.sim.casting import asks_person, in_words
from simlab.sim.config import RunFile, checked, open_run_file
from simlab.sim.default_directory import directory_of
from simlab.sim.modelling import adapter_fingerprints, fingerprints
from simlab.sim.overrides import overridden
from simlab.sim.own_files import check_unchanged, contents_of
from simlab.sim.places import without_places
from simlab.sim.provenance import provenance
from simlab.sim.rehearsal import rehearse
from simlab.sim.replay import requests_at
from simlab.sim.run import Run
from simlab.sim.simulation import Observer, Simulation
from simlab.sim.summary import summarise, write_summary
from simlab.trace.directory import RunDirectory
from simlab.trace.disk import written
from simlab.trace.log import Log
from simlab.trace.tables import write_tables
from simlab.yaml_file import YamlFile

_MAY_DIFFER = ("episodes", "concurrency", "description", "budget")
"""Keys of a run file that a run is gone on with although they have changed."""


@dataclass(frozen=True)
class Launch:
    """A run that is checked and has its directory, ready to go.

    Attributes:
        file: What is run.
        directory: Where.
        hosts: How many Ray hosts; 0 plays in this process.
        address: Of a Ray cluster to join.
        retry_failed: Whether failed episodes are tried again.
        person: Who is asked for the seats that people take; None is whoever sits at the terminal.
        people: Whether it is those who come while the run goes on.
    """

    file: RunFile
    directory: RunDirectory
    hosts: int
    address: str | None = None
    retry_failed: bool = False
    person: Person | None = None
    people: bool = False

    @property
    def has_people(self) -> bool:
        """Whether a person takes a seat at the terminal."""
        return _has_people(self.file) and not self.people

    def run(self, observer: Observer | None = None) -> Run:
        """Play to the end, and write down what it came to.

        Raises:
            RunDirectoryError: Another process runs it.
            LogWriteError: The disk takes no more; what was committed stays.
            RunStoppedError: Somebody has stopped it by a command.
        """
        simulation = Simulation(
            self.file,
            self.directory,
            hosts=self.hosts,
            address=self.address,
            branching=branching_of(Run(self.directory.path).record),
            retry_failed=self.retry_failed,
            observer=observer,
            person=self.person,
            people=self.people,
        )
        with self.directory.locked():
            run_async(simulation.run())
            self._conclude()
        return Run(self.directory.path)

    def _conclude(self) -> None:
        """Write down what the run came to, outside of its event loop: there Ctrl-C ends nothing."""
        log = Log(self.directory)
        summary = summarise(log, self.file.episodes)
        write_summary(self.directory, summary)
        if summary.finished:
            tables = self.directory.path / "tables"
            with written(tables):
                write_tables(log, tables)


def run(
    scenario: str | Path | RunFile,
    *,
    episodes: int | None = None,
    seed: int | None = None,
    out: str | Path | None = None,
    hosts: Hosts = "auto",
    address: str | None = None,
    models: Mapping[str, str] | Sequence[str] = (),
    settings: Mapping[str, Any] | Sequence[str] = (),
    resume: bool = False,
    retry_failed: bool = False,
    observer: Observer | None = None,
    person: Person | Answering | None = None,
    people: bool = False,
) -> Run:
    """Run a simulation to its end.

    Works in scripts, in notebooks (where an event loop is running already) and in jobs.

    Args:
        scenario: Name of a bundled scenario, path of a run file, or with `resume` a run directory;
            or a run file that was read.
        episodes: Instead of the file's number.
        seed: Instead of the file's.
        out: The run's directory; by default the next ``runs/NAME-0001``.
        hosts: Ray hosts; 0 plays in this process. ``auto`` is 0 for one episode, and where people
            take seats or an agent is persistent; else one a core.
        address: Of a Ray cluster to join.
        models: Engine by model, such as ``{"all": "scripted"}`` or ``{"small": "transformers:X"}``.
        settings: Keys of the run file to set, such as ``{"models.all.latency_s": 0.02}``.
        resume: Go on with the run in `out`; one that is not there is started.
        retry_failed: Try failed episodes again from their last step.
        observer: Who looks on.
        person: Who is asked, in this process, for the seats that people take: a `Person`, or a
            function of a `simlab.agents.person.Question` that returns an action, plain data of one,
            or `Wait`, and may be async. None is whoever sits at the terminal.
        people: True: these seats wait for people who take them while the run goes on, as by
            `simlab.sim.control.client`.

    Raises:
        ConfigError: What was given cannot be run; nothing was started.
        TypeError: `models` or `settings` is a text, `episodes`, `seed` or `hosts` is no number, or
            `person` is no person.
    """
    launch = prepare(
        scenario,
        episodes=episodes,
        seed=seed,
        out=out,
        hosts=hosts,
        address=address,
        models=models,
        settings=settings,
        resume=resume,
        retry_failed=retry_failed,
        person=person,
        people=people,
    )
    return launch.run(observer)


def prepare(
    scenario: str | Path | RunFile,
    *,
    episodes: int | None = None,
    seed: int | None = None,
    out: str | Path | None = None,
    hosts: Hosts = "auto",
    address: str | None = None,
    models: Mapping[str, str] | Sequence[str] = (),
    settings: Mapping[str, Any] | Sequence[str] = (),
    resume: bool = False,
    retry_failed: bool = False,
    person: Person | Answering | None = None,
    people: bool = False,
) -> Launch:
    """Check a run and make or find its directory; takes what `run` takes.

    Raises:
        ConfigError: What was given cannot be run; nothing was made.
    """
    if retry_failed and not resume:
        raise ConfigError("--retry-failed goes on with a run that is there; add --resume")
    if people and person is not None:
        raise ConfigError(f"people come while the run goes on, got person {person!r} beside them")
    asked = None if person is None else as_person(person)
    hosts = as_hosts(hosts)
    path: Path | None = None
    source: YamlFile | None = None
    if isinstance(scenario, RunFile):
        data = scenario.model_dump(mode="json", exclude_unset=True)
    elif resume and RunDirectory.is_one(Path(scenario)):
        path = Path(scenario)
        data = _recorded(path, out)
    else:
        source = open_run_file(str(scenario))
        data = source.data
    settings = [*as_settings(settings), *numbers(episodes=episodes, seed=seed)]
    file = checked(overridden(data, models=as_engines(models), settings=settings), source)
    world = rehearse(file, source, has_person=people or asked is not None)
    n_hosts = _count_hosts(hosts, file)
    if not resume:  # a run that has ended needs no cluster
        _check_cluster(file, n_hosts, address)
    if path is None:
        path = directory_of(file.name, out, resume=resume)
    if resume and RunDirectory.is_one(path):
        directory = RunDirectory.open(path)
        _go_on(directory, file)
    else:
        words = in_words(world)
        told = {"world": words} if words else {}
        directory = RunDirectory.create(path, {**provenance(file), **told})
    return Launch(file, directory, n_hosts, address, retry_failed, asked, people)


def prepare_branch(
    parent: Path,
    *,
    episode: int,
    step: int,
    say: Mapping[str, str] | None = None,
    settings: Sequence[str] = (),
    seed: int | None = None,
    samples: int = 1,
    out: Path | None = None,
    people: bool = False,
) -> Launch:
    """Check a branch and make its directory; see `simlab.sim.branching.plan_branch` and `run`.

    Raises:
        ConfigError: What was given cannot be run; nothing was made.
    """
    run = Run(parent)
    plan = plan_branch(
        run, episode=episode, step=step, say=say, settings=settings, seed=seed, samples=samples
    )
    world = rehearse(plan.file, has_person=people)
    if say:
        requests = run_async(requests_at(run, episode, step))
        for seat, text in say.items():
            said(seat, requests[seat], text)
    _check_cluster(plan.file, 0, None)
    path = directory_of(plan.file.name, out, resume=False)
    return Launch(plan.file, plan.make(run, path, world), hosts=0, people=people)


def _count_hosts(hosts: Hosts, file: RunFile) -> int:
    """How many Ray hosts a run gets; none by itself where people set the pace."""
    if hosts == "auto":
        alone = file.episodes == 1 or _has_people(file) or bool(file.persistent)
        return 0 if alone else min(len(os.sched_getaffinity(0)), file.episodes)
    return hosts


def _check_cluster(file: RunFile, n_hosts: int, address: str | None) -> None:
    """See that a cluster that is named and used is there, before a directory is made.

    Raises:
        ConfigError: Nothing answers where it is said to be.
    """
    is_used = n_hosts or any(spec.get("replicas") for spec in file.models.values())
    if is_used and named_address(address) is not None:
        run_async(ray_cluster(address).check())


def _has_people(file: RunFile) -> bool:
    return any(asks_person(spec) for spec in file.cast.values())


def _recorded(path: Path, out: str | Path | None) -> dict[str, Any]:
    """The data of the run file of a run that is gone on with.

    Raises:
        ConfigError: There is no such data, or another directory is given beside.
    """
    if out is not None:
        raise ConfigError(
            f"{path} is gone on with where it is, got {out} beside it; leave out --out"
        )
    return Run(path).file.model_dump(mode="json", exclude_unset=True)


def _go_on(directory: RunDirectory, file: RunFile) -> None:
    """See that a run that is gone on with is the one that was begun; see `_MAY_DIFFER`.

    Raises:
        ConfigError: Something else has changed; names it and both values.
    """
    record = directory.read_run()
    before = Run(directory.path).file
    if "branch" in record and before.episodes != file.episodes:
        raise ConfigError(
            f"{directory.path} is a branch of {before.episodes} episodes, got {file.episodes}; "
            "only those share a beginning, so branch its parent anew by --seed and --samples"
        )
    if before.episodes > file.episodes:
        raise ConfigError(
            f"{directory.path} was begun with {before.episodes} episodes, got {file.episodes}; "
            "on resuming they may only grow"
        )
    for key, (was, wanted) in _differences(before, file).items():
        if key not in _MAY_DIFFER:
            raise ConfigError(
                f"{directory.path} was begun with {key} {was!r}, got {wanted!r}; to go on as it "
                f"was begun: simlab run {directory.path} --resume"
            )
    now = {"weights": fingerprints(file.models), "adapters": adapter_fingerprints(file.models)}
    for kind, prints in now.items():
        if record.get(kind, prints) != prints:
            raise ConfigError(
                f"{directory.path} was begun with {kind} {record[kind]!r}, got {prints!r}; put "
                "those back, or make a new run"
            )
    data = file.model_dump(mode="json", exclude_unset=True)
    check_unchanged(record, data, directory.path)
    if data != record["run"]:
        files = {**record.get("files", {}), **contents_of(data)}
        directory.write_run({**record, "run": data, "files": files})


def _differences(before: RunFile, now: RunFile) -> dict[str, tuple[Any, Any]]:
    """What two run files have by each key that differs, wherever the files stand that they name."""
    one, other = (
        checked(without_places(file.model_dump(mode="json", exclude_unset=True)))
        for file in (before, now)
    )
    both = {key: (getattr(one, key), getattr(other, key)) for key in RunFile.model_fields}
    return {key: values for key, values in both.items() if values[0] != values[1]}
