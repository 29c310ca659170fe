"""One replica of a served model: what runs in a process of its own."""

import os
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from simlab.errors import ConfigError
from simlab.models.desk import Desk
from simlab.models.engines import ModelSpec, build
from simlab.models.held import Held
from simlab.models.serving import ReplicaStatistics, shared_app

ENGINE_DIED = 4
"""Exit status of a replica whose engine has died."""


@dataclass(frozen=True, slots=True)
class Order:
    """What the replicas of an app are to serve; it pickles.

    Attributes:
        name: Of the model.
        spec: Of the model, as a run file has it.
        shared: What `shared_app` gave when the app was started: one that comes back in the place of
            one that died must not answer with what was overwritten since.
        paths: Where the driver finds modules; added to where a replica does.
        on_gpu: Whether it has claimed any; from others those of its machine are hidden.
    """

    name: str
    spec: ModelSpec
    shared: str
    paths: Sequence[str]
    on_gpu: bool


class Replica:
    """One replica: a model in a process of its own, and the desk before it.

    Args:
        order: What it is to serve.
        others: The app's other replicas, which are its own business to start.

    Raises:
        ConfigError: Weights or files are not what they were when the app was started.
    """

    def __init__(self, order: Order, *others: object) -> None:
        del others
        sys.path.extend(path for path in order.paths if path not in sys.path)
        if not order.on_gpu:
            os.environ["CUDA_VISIBLE_DEVICES"] = ""
        model = build(order.name, order.spec)
        if shared_app(order.spec) != order.shared:
            raise ConfigError(
                "the weights or files that it names are not what they were when it was started; "
                "put those back, or take it down and up again"
            )
        self._name = order.name
        self._engine = model.open() if isinstance(model, Held) else None
        self._desk = Desk(model, on_engine_died=_exit)

    async def answer(self, parcel: bytes) -> AsyncIterator[bytes]:
        """See `Desk.answer`."""
        async for part in self._desk.answer(parcel):
            yield part

    async def drop(self, parcel: bytes) -> None:
        """See `Desk.drop`."""
        self._desk.drop(parcel)

    async def statistics(self) -> ReplicaStatistics:
        """What it is busy with."""
        engine = None if self._engine is None else self._engine.statistics()
        return ReplicaStatistics(os.getpid(), self._desk.n_running, engine, self._name)

    async def check_health(self) -> None:
        """Raise if the engine has died; Serve asks every ten seconds."""
        if self._engine is not None:
            await self._engine.check_health()


def _exit() -> None:
    """End a replica whose engine has died; Serve starts another one in its place."""
    sys.stderr.flush()
    os._exit(ENGINE_DIED)
