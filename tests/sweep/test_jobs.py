"""Trainings and sweeps as jobs that are submitted to a cluster which `ray start` has started."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import pytest
import yaml

from simlab.train.directory import TrainingDirectory
from tests.ports import free_ports
from tests.sweep.sweeps import write_sweep

pytestmark = pytest.mark.ray

ROOT = Path(__file__).parents[2]
COMMANDS = Path(sys.executable).parent


@pytest.fixture(scope="module")
def cluster():
    """A cluster of its own on this machine: the environment of those who submit to it."""
    folder = tempfile.mkdtemp(prefix="simlab-")  # a short name: there are sockets in it
    port, dashboard, client, agent = free_ports(4)
    environment = {key: value for key, value in os.environ.items() if key != "RAY_ADDRESS"}
    environment |= {
        "RAY_AUTH_MODE": "disabled",
        "PYTHONPATH": str(ROOT),
        "XDG_STATE_HOME": folder,
        "PATH": f"{COMMANDS}:{os.environ['PATH']}",
    }
    options = {
        "port": port,
        "dashboard-port": dashboard,
        "ray-client-server-port": client,
        "dashboard-agent-listen-port": agent,
        "dashboard-host": "127.0.0.1",
        "temp-dir": folder,
        "num-cpus": "2",
        "object-store-memory": "100000000",
    }
    head = subprocess.Popen(
        [
            COMMANDS / "ray",
            "start",
            "--head",
            "--block",
            "--disable-usage-stats",
            *(f"--{name}={value}" for name, value in options.items()),
        ],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    address = f"http://127.0.0.1:{dashboard}"
    try:
        wait_answering(f"{address}/api/version", head)
        yield {**environment, "RAY_API_SERVER_ADDRESS": address}, Path(folder)
    finally:
        os.killpg(head.pid, signal.SIGKILL)  # its group, which it was started in
        head.wait()
        shutil.rmtree(folder, ignore_errors=True)


def wait_answering(url, process):
    """Wait until a server answers; its process must not end before."""
    begun_s = time.monotonic()
    while True:
        assert process.poll() is None, "the cluster has ended"
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            assert time.monotonic() - begun_s < 120, "the cluster does not answer"


def submit(cluster, folder, *command):
    """Submit a command from a folder, and wait for its end."""
    environment, _ = cluster
    return subprocess.run(
        [COMMANDS / "ray", "job", "submit", "--working-dir", ".", "--", *command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )


@pytest.fixture
def folder(tmp_path, tiny_weights):
    """What is submitted: a folder with the files of a training and of a sweep."""
    path = tmp_path / "submitted"
    path.mkdir()
    write_sweep(path, tiny_weights, rates=[3e-3, 6e-3], training={"rounds": 1})
    return path


def test_a_training_is_submitted_as_a_job(cluster, folder, tmp_path):
    out = tmp_path / "out"

    done = submit(
        cluster, folder, "simlab", "train", "small.yaml", "--set", "hosts=1", "--out", str(out)
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "round 1: published, rating" in done.stdout
    assert "succeeded" in done.stdout
    assert [record.number for record in TrainingDirectory.open(out).rounds()] == [0, 1]
    assert (out / "agent@1").is_dir()
    logs = cluster[1] / "session_latest" / "logs"
    assert any(logs.glob("serve/replica_simlab-*")), "its models were served by this cluster"


def test_a_job_whose_file_is_wrong_fails_and_says_why(cluster, folder, tmp_path):
    done = submit(
        cluster, folder, "simlab", "train", "small.yaml", "--set", "rounds=0", "--out",
        str(tmp_path / "out"),
    )  # fmt: skip

    assert done.returncode == 1
    assert "rounds: input should be greater than or equal to 1, got 0" in done.stdout


def test_a_sweep_is_submitted_as_a_job(cluster, folder, tmp_path):
    out = tmp_path / "out"

    done = submit(cluster, folder, "simlab", "sweep", "rates.yaml", "--out", str(out))

    assert done.returncode == 0, done.stdout + done.stderr
    assert "best: trial 1, length 6" in done.stdout
    best = yaml.safe_load((out / "best.yaml").read_text())
    assert best["train"]["learning_rate"] == 6e-3
