"""What SimLab does without: network, services, a home directory, IPython."""

import subprocess
import sys
from pathlib import Path

import pytest

from simlab.sim.run import Run

ALONE = """
import socket, sys
import typer
from simlab.cli import app

def refuse(*arguments):
    raise AssertionError(f"the network was used: {arguments}")

def connect(self, address, inner=socket.socket.connect):
    return inner(self, address) if self.family == socket.AF_UNIX else refuse(address)

socket.socket.connect = socket.socket.connect_ex = connect
socket.getaddrinfo = socket.create_connection = refuse
sys.modules["IPython"] = None  # to import it is an error now

with open("judges.yaml", "w") as file:
    file.write("judges: {polite: {agent: rule, phrases: [please, thank]}}")
commands = [
    ["run", "car_sale", "--model", "all=scripted", "--out", "run"],
    ["show", "run"],
    ["replay", "run"],
    ["branch", "run", "--step", "1", "--out", "branch"],
    ["export", "run", "--to", "jsonl"],
    ["export", "run", "--to", "parquet"],
    ["export", "run", "--to", "html"],
    ["export", "run", "--to", "inspect"],
    ["interview", "run", "--seat", "seller", "Why?"],
    ["judge", "run", "--with", "judges.yaml"],
    ["scenarios"],
]
for command in commands:
    app(command, standalone_mode=False)
alone = {command[0] for command in commands}
others = {"models", "sweep", "train", "watch"}  # which ask a cluster, need weights, or serve
assert alone | others == set(typer.main.get_command(app).commands)
"""


@pytest.mark.slow
def test_interlab_42_sim_24_all_commands_work_with_no_network_service_home_or_ipython(tmp_path):
    """InterLab needs IPython and does not say so; its pages and its memory need the network."""
    root = str(Path(__file__).parents[1])
    environment = {"PATH": "/nowhere", "HOME": "/nowhere", "PYTHONPATH": root}

    done = subprocess.run(
        [sys.executable, "-c", ALONE],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert Run(tmp_path / "run").summary.n_ended == Run(tmp_path / "branch").summary.n_ended == 1
