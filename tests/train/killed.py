"""A training in a process of its own, which kills itself at a point that is named.

Points: ``call:N`` before the Nth call of a model, ``record:ROUND:PHASE`` when a phase is done and
not yet recorded, ``step:N`` after the Nth step of an optimiser, ``rename:N`` when the Nth adapter
is written and not yet under its name.
"""

import multiprocessing
import os
import signal
from pathlib import Path

from simlab.train import adapter, launch, round_record
from simlab.train.observer import TrainingObserver
from tests.train import parrot

_LIBRARIES = [
    "tests.train.killed",
    "simlab.train.trainer",
    "transformers.models.llama.modeling_llama",
]


def train_until_killed(file, out, point):
    """Train in a process that starts with what is heavy imported already; gives its exit code."""
    server = multiprocessing.get_context("forkserver")
    server.set_forkserver_preload(_LIBRARIES)
    process = server.Process(target=_train, args=(str(file), str(out), point))
    process.start()
    process.join()
    return process.exitcode


def _train(file, out, point):
    os.fsync = os.fdatasync = lambda _descriptor: None  # the machine goes on
    kind, *places = point.split(":")
    observer = {"call": _at_call, "record": _at_record, "step": _at_step, "rename": _at_rename}[
        kind
    ](*places)
    launch.train(file, out=out, resume=True, observer=observer)


def _die():
    os.kill(os.getpid(), signal.SIGKILL)


def _at_call(number):
    note, left = parrot.Parrot._note, [int(number)]

    def counted(self, call, prompt):
        left[0] -= 1
        if not left[0]:
            _die()
        note(self, call, prompt)

    parrot.Parrot._note = counted


def _at_record(number, phase):
    write = round_record.RoundRecord.write

    def checked(self, folder):
        if self.number == int(number) and next(reversed(self.phases)) == phase:
            _die()
        write(self, folder)

    round_record.RoundRecord.write = checked


def _at_step(number):
    left = [int(number)]

    def count(progress):
        left[0] -= progress.phase == "train"
        if not left[0]:
            _die()

    return TrainingObserver(on_progress=count)


def _at_rename(number):
    left = [int(number)]

    class Renamed(type(Path())):
        def rename(self, target):
            left[0] -= 1
            if not left[0]:
                _die()
            return super().rename(target)

    publishing = adapter.publishing

    def watched(folder):
        return publishing(Renamed(folder))

    from simlab.train import round as rounds
    from simlab.train import trainer

    rounds.publishing = trainer.publishing = watched
