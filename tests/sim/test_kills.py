"""Processes killed at random record counts: nothing that was committed is lost or done again."""

import os
import random
import select
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from types import ModuleType

import pytest

from simlab.sim.launch import prepare
from simlab.sim.performance import Performance
from simlab.sim.run import Run
from simlab.sim.simulation import Observer
from tests.sim.records import check_log, replayed

N_EPISODES = 200
N_KILLS = 20
N_KILLS_WITH_HOSTS = 5
N_IN_A_ROW = 10
WORLD = f"{Path(__file__).with_name('killing.py')}:KillingCarSale"


def launch(
    tmp_path: Path,
    *,
    episodes: int = N_EPISODES,
    kill_at: int = 0,
    kill_with: int = signal.SIGKILL,
    victim: str = "",
    hosts: int = 0,
    resume: bool = False,
    observer: Observer | None = None,
    persistent: bool = False,
    latency_s: float = 0.02,
) -> Run:
    """The run of these tests: 200 negotiations on a model that takes 20 ms."""
    tmp_path.mkdir(exist_ok=True)
    settings = {
        "world": WORLD,
        "options.token": str(tmp_path / "killed"),
        "options.kill_at": kill_at,
        "options.kill_with": int(kill_with),
        "options.victim": victim and str(tmp_path / victim),
        "models.all.latency_s": latency_s,
        "models.all.calls_log": str(tmp_path / "calls"),
    }
    cast = {"cast.*.persistent": True} if persistent else {}
    launched = prepare(
        "car_sale",
        episodes=episodes,
        seed=7,
        out=tmp_path / "run",
        hosts=hosts,
        models={"all": "scripted"},
        settings=settings | cast,
        resume=resume,
    )
    return launched.run(observer)


def launch_in_a_process(
    tmp_path: Path, kill_at: int, *, ray_address: str | None = None, **options: object
) -> int:
    """The run in a process of its own; its exit status, negative for a signal.

    Its id is in the file `driver`, which tests may make the victim, and is that of its group too.

    Args:
        tmp_path: Where.
        kill_at: At which record somebody dies.
        ray_address: Of the Ray to join; by default hosts are in a Ray of their own.
        options: Of `launch`.
    """
    code = (
        "import sys; from pathlib import Path; from tests.sim.test_kills import launch; "
        f"launch(Path(sys.argv[1]), {kill_at=}, **{options!r})"
    )
    environment = {key: value for key, value in os.environ.items() if key != "RAY_ADDRESS"}
    environment |= {"RAY_ADDRESS": ray_address} if ray_address else {}
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)],
        cwd=Path(__file__).parents[2],
        env=environment,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    (tmp_path / "driver").write_text(str(process.pid))
    return process.wait()


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, int]:
    """The run that nobody disturbs, and how many records it has."""
    run = launch(tmp_path_factory.mktemp("unbroken"))
    return run, run.log.n_events


def n_calls(tmp_path: Path) -> int:
    """How many calls the model has seen, over all processes."""
    return len((tmp_path / "calls").read_text().splitlines())


def players(tmp_path: Path) -> set[int]:
    """All processes that have played so far."""
    return {int(pid) for pid in (tmp_path / "players").read_text().split()}


def wait_until_gone(pids: set[int]) -> None:
    """Wait for the end of processes that need not be children."""
    for pid in pids:
        with suppress(ProcessLookupError):
            process = os.pidfd_open(pid)
            gone, _, _ = select.select([process], [], [], 60)
            os.close(process)
            assert gone, f"process {pid} goes on"


def end_own_ray(tmp_path: Path) -> None:
    """End what a killed driver has left of a Ray of its own; by itself that takes a minute."""
    with suppress(ProcessLookupError):
        os.killpg(int((tmp_path / "driver").read_text()), signal.SIGKILL)


def address_of(ray: ModuleType) -> str:
    return ray.get_runtime_context().gcs_address


def seeded_kill(number: int, n_records: int) -> int:
    return random.Random(f"kill {number}").randrange(1, n_records)


@pytest.mark.slow
@pytest.mark.parametrize("number", range(N_KILLS))
def test_sim_3_4_a_killed_driver_is_resumed_to_the_digest_and_asks_no_committed_call_again(
    number, tmp_path, unbroken, monkeypatch
):
    whole, n_records = unbroken
    kill_at = seeded_kill(number, n_records)
    played: list[int] = []

    class Watched(Performance):
        def __init__(self, staging, journal, troupe, **others):
            played.append(journal.episode)
            super().__init__(staging, journal, troupe, **others)

    monkeypatch.setattr("simlab.sim.stage.Performance", Watched)

    status = launch_in_a_process(tmp_path, kill_at)
    killed = Run(tmp_path / "run")
    finished = killed.log.ended()
    n_committed = check_log(killed)
    n_before = n_calls(tmp_path)
    resumed = launch(tmp_path, kill_at=kill_at, resume=True)

    assert status == -signal.SIGKILL
    assert resumed.digest == whole.digest
    n_effects = check_log(resumed)
    # sim-4: what was committed was not asked again; in flight were at most the live episodes
    assert n_calls(tmp_path) - n_before == n_effects - n_committed
    assert n_before - n_committed <= resumed.file.concurrency
    assert sorted(played) == sorted(set(range(N_EPISODES)) - finished)


@pytest.mark.slow
def test_sim_5_ten_kills_in_a_row_most_of_them_of_resumed_runs_end_in_the_same_digest(tmp_path):
    whole = launch(tmp_path / "whole", episodes=20)
    kill_at = whole.log.n_events // (N_IN_A_ROW + 2)  # records of each process in turn
    killed = tmp_path / "killed"

    for number in range(N_IN_A_ROW):
        status = launch_in_a_process(tmp_path, kill_at, episodes=20, resume=number > 0)
        assert status == -signal.SIGKILL
        check_log(Run(tmp_path / "run"))
        killed.unlink()
    killed.touch()
    run = launch(tmp_path, kill_at=kill_at, episodes=20, resume=True)

    assert run.digest == whole.digest
    n_effects = check_log(run)
    assert n_effects <= n_calls(tmp_path) <= n_effects + N_IN_A_ROW * run.file.concurrency


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.usefixtures("ray_session")
@pytest.mark.parametrize("number", range(N_KILLS))
def test_sim_3_a_killed_host_is_replaced_and_the_run_ends_as_if_nothing_had_been(
    number, tmp_path, unbroken
):
    whole, n_records = unbroken
    kill_at = max(1, seeded_kill(number, n_records) // 2)  # two hosts share the records
    ended: list[int] = []
    observer = Observer(on_episode=lambda result: ended.append(result.episode))

    run = launch(tmp_path, kill_at=kill_at, hosts=2, observer=observer)

    assert (tmp_path / "killed").exists()
    assert run.digest == whole.digest
    assert sorted(ended) == list(range(N_EPISODES)), "each is told once"
    n_effects = check_log(run)
    assert n_effects <= n_calls(tmp_path) <= n_effects + run.file.concurrency


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.parametrize("number", range(N_KILLS_WITH_HOSTS))
def test_sim_3_4_a_killed_driver_of_two_hosts_is_resumed_and_asks_no_committed_call_again(
    number, tmp_path, unbroken, ray_session
):
    whole, n_records = unbroken
    kill_at = max(1, seeded_kill(N_KILLS + number, n_records) // 2)
    killing = {"kill_at": kill_at, "victim": "driver", "hosts": 2}
    played: list[int] = []

    status = launch_in_a_process(tmp_path, ray_address=address_of(ray_session), **killing)
    wait_until_gone(players(tmp_path))  # hosts outlive their driver by a second or so
    killed = Run(tmp_path / "run")
    finished = killed.log.ended()
    n_committed = check_log(killed)
    n_before = n_calls(tmp_path)
    observer = Observer(on_episode=lambda result: played.append(result.episode))
    resumed = launch(tmp_path, **killing, resume=True, observer=observer)

    assert status == -signal.SIGKILL
    assert resumed.digest == whole.digest
    assert n_calls(tmp_path) - n_before == check_log(resumed) - n_committed
    assert n_before - n_committed <= resumed.file.concurrency
    assert sorted(played) == sorted(set(range(N_EPISODES)) - finished)


@pytest.mark.ray
@pytest.mark.slow
def test_sim_3_what_hosts_write_after_their_driver_was_killed_and_the_run_resumed_never_counts(
    tmp_path,
):
    whole = launch(tmp_path / "whole", episodes=64)
    killing = {"kill_at": 64, "victim": "driver", "episodes": 64, "latency_s": 0.2}

    try:
        status = launch_in_a_process(tmp_path, hosts=2, **killing)
        hosts = players(tmp_path)
        run = launch(tmp_path, **killing, resume=True)
        wait_until_gone(hosts)
    finally:
        end_own_ray(tmp_path)

    segments = run.directory.segments()
    assert status == -signal.SIGKILL
    assert any(file.path.stat().st_size > file.sealed_length() for file in segments)
    assert run.digest == whole.digest
    check_log(run)


@pytest.mark.ray
@pytest.mark.usefixtures("ray_session")
def test_sim_3_persistent_agents_of_a_killed_host_are_rebuilt_from_the_record(tmp_path):
    whole = launch(tmp_path / "whole", episodes=5, persistent=True)
    kill_at = whole.log.n_events * 3 // 5
    notices: list[str] = []

    run = launch(
        tmp_path / "killed",
        kill_at=kill_at,
        hosts=1,
        observer=Observer(on_notice=notices.append),
        episodes=5,
        persistent=True,
    )

    assert [notice.partition(" died")[0] for notice in notices] == ["host host-0"]
    assert run.digest == whole.digest
    assert check_log(run) <= n_calls(tmp_path / "killed") <= check_log(run) + 1
    assert replayed(run) == 5


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.usefixtures("ray_session")
def test_sim_9_a_stopped_host_that_goes_on_after_it_was_replaced_doubles_nothing(
    tmp_path, unbroken
):
    whole, n_records = unbroken
    stopped: list[int] = []

    def let_it_go_on(_notice: str) -> None:
        """Called when the segment of the stopped host was sealed."""
        stopped.append(int((tmp_path / "killed").read_text()))
        os.kill(stopped[-1], signal.SIGCONT)

    run = launch(
        tmp_path,
        kill_at=n_records // 4,
        kill_with=signal.SIGSTOP,
        hosts=2,
        observer=Observer(on_notice=let_it_go_on),
    )

    wait_until_gone(set(stopped))
    assert run.digest == whole.digest
    check_log(run)
    assert len(stopped) == 1
    assert len(run.directory.segments()) == 4
