"""A disk that takes no more: a sweep ends with a message, and goes on once there is room."""

from types import SimpleNamespace

import pytest

from simlab.errors import LogWriteError, SimlabError
from simlab.sweep import trial_process
from simlab.sweep.launch import prepare_sweep, sweep
from simlab.sweep.observer import SweepObserver
from simlab.sweep.trial import Trial
from simlab.sweep.trial_process import TrialProcess
from tests.commands import refused

NOTHING = {"training_iteration": 1}


@pytest.fixture
def recorder():
    """Makes the recorder of two trials, under an observer."""
    from simlab.sweep.halving import Halving
    from simlab.sweep.sweep_file import SchedulerSpec
    from simlab.sweep.tuning import Recorder

    def make(on_trial=lambda _trial: None):
        trials = [Trial(0, {}), Trial(1, {})]
        processes = dict.fromkeys((0, 1), SimpleNamespace(rounds=2))
        halving = Halving(SchedulerSpec(), 2, "max")
        return Recorder(trials, processes, halving, SweepObserver(on_trial))

    return make


def of(number):
    """A trial as Tune tells of it."""
    return SimpleNamespace(config={"trial": number})


@pytest.mark.ray
@pytest.mark.parametrize("result", [{"round": 0, "value": 1.0}, {"failed": "why"}])
def test_what_cannot_be_written_down_ends_all_trials_at_their_next_report(recorder, result):
    def full(_trial):
        raise LogWriteError("table.json cannot be written")

    found = recorder(full)

    assert found.on_trial_result(None, of(0), result) == "STOP"
    assert found.on_trial_result(None, of(1), {"round": 0, "value": 1.0}) == "STOP"
    found.on_trial_complete(None, of(1), NOTHING)
    found.on_trial_error(None, of(1))
    assert isinstance(found.error, LogWriteError)
    assert found.error.message == "table.json cannot be written"


@pytest.mark.ray
@pytest.mark.parametrize(("key", "kind"), [("full", LogWriteError), ("fatal", SimlabError)])
def test_what_a_trial_tells_ends_all_of_them_as_what_it_is(recorder, key, kind):
    found = recorder()

    assert found.on_trial_result(None, of(0), {key: "no room"}) == "STOP"
    assert found.on_trial_result(None, of(1), {"round": 0, "value": 1.0}) == "STOP"
    assert type(found.error) is kind
    assert found.error.message == "no room"


def test_a_trial_tells_of_a_full_disk_as_such(tmp_path, monkeypatch):
    def play(*_):
        raise LogWriteError("no room")

    monkeypatch.setitem(trial_process.PLAYS, "run", play)
    told = []

    TrialProcess("run", "return.ann", tmp_path, 0, None, []).play(told.append)

    assert told == [{"full": "no room"}]


@pytest.fixture
def halted(tmp_path):
    """A sweep of two trials of which none has begun."""
    written, out = tmp_path / "seeds.yaml", tmp_path / "out"
    written.write_text("{run: car_sale, metric: return.seller, space: {seed: [1, 2]}}")
    prepared = prepare_sweep(written, out=out, settings=["run.models.all.engine=scripted"])
    for number, swept in enumerate(prepared.swept):
        swept.make(out / "trials" / f"00{number}")
    return out


@pytest.mark.ray
@pytest.mark.usefixtures("ray_session", "disk_that_never_waits")
def test_a_sweep_whose_table_finds_no_room_ends_with_words_and_goes_on_later(
    halted, simlab, full_for
):
    with full_for("table.json"):
        message = refused(simlab("sweep", halted, "--resume"))
    trials = sweep(halted, resume=True)

    assert "table.json cannot be written: No space left on device" in message
    assert message.endswith(f"then: simlab sweep {halted} --resume")
    assert [trial.state for trial in trials] == ["ended", "ended"]


@pytest.mark.ray
@pytest.mark.usefixtures("ray_session", "disk_that_never_waits")
def test_a_sweep_with_a_trial_that_cannot_write_ends_with_words_and_goes_on_later(halted, simlab):
    blocked = halted / "trials" / "000" / "summary.json"
    blocked.mkdir()  # the trial is another process, in which no disk can be made full

    message = refused(simlab("sweep", halted, "--resume"))
    blocked.rmdir()
    trials = sweep(halted, resume=True)

    assert "trials/000/summary.json cannot be written: Is a directory" in message
    assert message.endswith(f"then: simlab sweep {halted} --resume")
    assert [trial.state for trial in trials] == ["ended", "ended"]
