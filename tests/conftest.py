"""What all tests share."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import BinaryIO

import pytest
import yaml
from click.testing import Result
from typer.testing import CliRunner

from simlab.cli import app
from simlab.sim.garbage import begin_play, end_play
from simlab.trace import disk
from tests.models.memory_serve import MemoryServe


def pytest_configure() -> None:
    """Let Ctrl-C interrupt tests and what they start: a shell's background jobs ignore it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let tests in a browser come last: its driver keeps an event loop, beside which none runs."""
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)


@pytest.fixture(scope="session", autouse=True)
def _one_play() -> Iterator[None]:
    """Plays of tests nest in one, so that none collects what all the tests before have left."""
    begin_play()
    yield
    end_play()


@pytest.fixture(scope="session")
def ray_session() -> Iterator[ModuleType]:
    """Ray, started once for all tests that need it; systems join it and leave it running."""
    import ray  # takes half a second, which tests without Ray need not spend

    ray.init("local", include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    yield ray
    ray.shutdown()


@pytest.fixture
def disk_that_never_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets syncs of this process take no time: tests end processes and never machines."""
    monkeypatch.setattr(os, "fsync", lambda _descriptor: None)
    monkeypatch.setattr(os, "fdatasync", lambda _descriptor: None)


@pytest.fixture
def full_for(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], AbstractContextManager[None]]:
    """Within its block a file of a name finds no room when this process writes it."""

    @contextmanager
    def full_for(name: str) -> Iterator[None]:
        def new_file(path: Path) -> BinaryIO:
            is_full = disk.is_left_of(path.name, name)
            return Path("/dev/full").open("wb") if is_full else made(path)

        made = disk.new_file
        with monkeypatch.context() as patch:
            patch.setattr(disk, "new_file", new_file)
            yield

    return full_for


@pytest.fixture
def memory_serve(monkeypatch: pytest.MonkeyPatch) -> MemoryServe:
    """Lets the runs of this process be served by desks in it, without Ray."""
    serve = MemoryServe()
    monkeypatch.setattr("simlab.sim.modelling._ray_serve", lambda: serve)
    monkeypatch.setattr("simlab.models.served._lanes_to", serve.lanes_to)
    return serve


@pytest.fixture
def own_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., str]]:
    """Writes a user's file, and gives its name in the working directory; it is forgotten after."""
    monkeypatch.chdir(tmp_path)

    def write(text: str, name: str = "my_world.py") -> str:
        (tmp_path / name).write_text(text)
        return name

    yield write
    for name in [name for name in sys.modules if name.startswith("simlab_user_")]:
        del sys.modules[name]


@pytest.fixture
def offline_hub(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A hub of weights that cannot be reached and holds nothing."""

    def snapshot_download(*_: object, local_files_only: bool = False, **__: object) -> None:
        raise OSError("nothing cached" if local_files_only else "no route to host.\nsecond line")

    hub = SimpleNamespace(snapshot_download=snapshot_download)
    monkeypatch.setitem(sys.modules, "huggingface_hub", hub)
    return hub


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """A folder that looks like weights from outside."""
    folder = tmp_path / "weights"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"tensors")
    return folder


@pytest.fixture
def simlab() -> Callable[..., Result]:
    """Runs a command in this process: ``simlab("show", path)``."""

    def invoke(*arguments: object) -> Result:
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    return invoke


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A run file of two models that chat."""
    from tests.sim.conftest import RELAY  # which imports what is heavy

    file = tmp_path / "relay.yaml"
    file.write_text(yaml.safe_dump({**RELAY, "description": "Two models chat."}))
    return file


@pytest.fixture
def made(simlab: Callable[..., Result], path: Path, tmp_path: Path) -> Path:
    """The directory of a run that has ended."""
    result = simlab("run", path, "--out", tmp_path / "run", "--hosts", "0")
    assert result.exit_code == 0, result.output
    return tmp_path / "run"
