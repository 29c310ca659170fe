"""A training in a process of its own, which kills itself at a point that is named.

Points: ``call:N`` before the Nth call of a model, ``record:ROUND:PHASE`` when a phase is done and
not yet recorded, ``step:N`` after the Nth step of an optimiser, ``rename:N`` when the Nth adapter
is written and not yet under its name.
"""

import multiprocessing
import os
import signal
from pathlib import Path

from rich.console import Console

from simlab.exits import failures_told
from simlab.train import adapter, launch, round_record
from simlab.train.observer import TrainingObserver
from simlab.train.view import follow
from tests.train import parrot

_LIBRARIES = [
    "tests.train.killed",
    "simlab.train.trainer",
    "transformers.models.llama.modeling_llama",
]


def train_until_killed(file, out, point):
    """Train in a process that starts with what is heavy imported already; gives its exit code."""
    return _exit_code(_train, str(file), str(out), point)


def train_until_interrupted(file, out, n_calls):
    """The same as a command does, up to a Ctrl-C before a call of a model."""
    return _exit_code(_follow, str(file), str(out), n_calls)


def _exit_code(target, *args):
    server = multiprocessing.get_context("forkserver")
    server.set_forkserver_preload(_LIBRARIES)
    process = server.Process(target=target, args=args)
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


def _follow(file, out, n_calls):
    _at_call(n_calls, signal.SIGINT)
    with failures_told():
        follow(launch.prepare_training(file, out=out, resume=True), Console(quiet=True))


def _die(number=signal.SIGKILL):
    os.kill(os.getpid(), number)


def _at_call(number, by=signal.SIGKILL):
    note, left = parrot.Parrot._note, [int(number)]

    def counted(self, call, prompt):
        left[0] -= 1
        if not left[0]:
            _die(by)
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
