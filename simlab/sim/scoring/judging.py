"""A judging: many cases put before judges, recorded as a run is, so that nothing is asked twice."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from simlab.errors import EpisodeError
from simlab.models.embedder import AnyModel
from simlab.seeding import derive
from simlab.sim.casting import make_judge
from simlab.sim.config import JudgeSpec
from simlab.sim.judged import judged
from simlab.sim.scoring.judge_file import JudgeFile
from simlab.sim.scoring.verdict import failure
from simlab.sim.seating import recorded
from simlab.sim.together import all_of
from simlab.trace.directory import RunDirectory
from simlab.trace.events import Fault, Outcome
from simlab.trace.faults import fault_of
from simlab.trace.journal import Journal
from simlab.trace.log import Log
from simlab.trace.writer import SegmentWriter

HOST = "judges"
"""In the names of segments."""

Read = Callable[[int, str], Any]
"""The trajectory of a case, by its number and the seat that is judged."""


class Judging:
    """Puts cases before judges, several at a time, in this process.

    Each case is a short episode of a log of its own: its model calls are effects, and its scores
    its outcome. So a judging that was cut off goes on where it was: what has ended is judged no
    more, and of what had begun no call is made again.

    A judge that fails fails its own verdict alone.

    Args:
        file: Who judges.
        models: By name.
        directory: Of the record; locked by the caller.
        read: Gives trajectories.
    """

    def __init__(
        self,
        file: JudgeFile,
        models: Mapping[str, AnyModel],
        directory: RunDirectory,
        read: Read,
    ) -> None:
        self._file = file
        self._models = recorded(models)
        self._directory = directory
        self._read = read

    async def run(
        self,
        judges_of: Mapping[int, list[str]],
        *,
        retry_failed: bool = False,
        on_case: Callable[[int], None] = lambda _case: None,
    ) -> None:
        """Judge what has not been judged yet.

        Args:
            judges_of: Names of the judges that each case is put before, by its number.
            retry_failed: True: cases where a judge failed are judged again.
            on_case: Called with the number of each case that was judged, or was already.

        Raises:
            ReplayDivergence: A case that had begun is not what it was.
            LogWriteError: The disk takes no more; what was committed stays.
        """
        self._directory.seal_all()
        log = Log(self._directory)
        done = log.ended() - (log.failed() if retry_failed else set())
        for case in sorted(done & judges_of.keys()):
            on_case(case)
        left = sorted(judges_of.keys() - done)
        if not left:
            return
        todo = iter(left)
        segment = self._directory.new_segment(HOST)
        writer = SegmentWriter(segment.path, seal=segment.seal)
        try:
            n_workers = min(self._file.concurrency, len(left))
            await all_of(
                self._work(todo, judges_of, log, writer, on_case) for _ in range(n_workers)
            )
        finally:
            writer.close()
            self._directory.seal_all()

    async def _work(
        self,
        todo: Any,
        judges_of: Mapping[int, list[str]],
        log: Log,
        writer: SegmentWriter,
        on_case: Callable[[int], None],
    ) -> None:
        for case in todo:
            history = log.history(case).without_end() if case in log.episodes else None
            seed = derive(self._file.seed, "case", case)
            journal = Journal(case, seed=seed, writer=writer, history=history)
            await self._judge(journal, judges_of[case])
            on_case(case)

    async def _judge(self, journal: Journal, names: list[str]) -> None:
        """Put one case before its judges and commit what they say."""
        specs = {name: self._file.judges[name] for name in sorted(names)}
        trajectories = {of: self._read(journal.episode, of) for of in _seats(specs)}
        said = {of: [[s.speaker, s.text] for s in t.said()] for of, t in trajectories.items()}
        await journal.begin(journal.plain(said))
        scores: dict[str, Any] = {}
        failed: Fault | None = None
        for name, spec in specs.items():
            try:
                scores[name] = await self._ask(journal, name, spec, trajectories[spec.of])
            except EpisodeError as error:
                scores[name] = failure(error.message)
                failed = failed or fault_of(error, frames=False)
        await journal.end(Outcome(0, {}, {}, scores, failed))

    async def _ask(self, journal: Journal, name: str, spec: JudgeSpec, trajectory: Any) -> Any:
        judge = make_judge(name, spec, models=self._models, seed=journal.seed)
        return await judged(journal, name, judge, trajectory)


def opened(path: Path, record: Mapping[str, Any]) -> RunDirectory:
    """The directory of a judging, made where it is not there yet.

    Raises:
        RunDirectoryError: Something else is there, or the disk does not take it.
    """
    if RunDirectory.is_one(path):
        return RunDirectory.open(path)
    return RunDirectory.create(path, record)


def _seats(specs: Mapping[str, JudgeSpec]) -> list[str]:
    return sorted({spec.of for spec in specs.values()})
