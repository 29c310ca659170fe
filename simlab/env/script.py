"""Worlds written as a generator, for those that read best as a script.

::

    @script({"asker": SeatSpec("You ask."), "oracle": SeatSpec("You answer.")})
    def questions(seed, options):
        asked = yield TimeStep({"asker": ActionRequest(prompt="Ask something.")})
        said = {"oracle": [Utterance("asker", asked["asker"])]}
        yield TimeStep({"oracle": ActionRequest(prompt="Answer.")}, said)
        return TimeStep(ended=dict.fromkeys(("asker", "oracle"), "terminated"))

Each ``yield`` hands out a time step and comes back with the actions; what is returned is the last
time step. A world with settings of its own derives from `Script` instead and defines ``play``.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Mapping
from typing import Any, ClassVar

from simlab.env.environment import Seat, SeatSpec, TimeStep
from simlab.env.form import shown
from simlab.env.legal import legal_actions
from simlab.errors import IllegalAction, WorldFailedError


class Actions(dict[Seat, Any]):
    """The actions of one step by seat, in sorted seat order, all of them legal as requested.

    Attributes:
        now: World time in seconds.
    """

    def __init__(self, actions: Mapping[Seat, Any], now: float) -> None:
        super().__init__(actions)
        self.now = now


Scene = Generator[TimeStep, Actions, TimeStep]
"""A script being played."""


class ScriptError(WorldFailedError):
    """A script ended without a last time step, which fails its episode."""


class Script(ABC):
    """A world whose rules are one generator, `play`, with its state in local variables.

    The script sees no action that its requests do not allow. It refuses others by raising
    `IllegalAction`, at any place, even if it changed some of its state before: a generator that has
    raised is finished, so the world plays the script again from its seed up to where it was. That
    is exact because worlds are deterministic, and is done when the next actions come; a refusal
    costs as much as the episode so far.
    """

    seats: Mapping[Seat, SeatSpec]

    def __init__(self) -> None:
        self._seed = 0
        self._options: Mapping[str, Any] = {}
        self._taken: list[Actions] = []
        self._scene: Scene | None = None
        self._timestep = TimeStep()

    @abstractmethod
    def play(self, seed: int, options: Mapping[str, Any]) -> Scene:
        """The rules: yields time steps, receives actions, returns the last time step.

        Args:
            seed: The only source of chance in the episode.
            options: What is particular to this episode; refuse those that are not known.

        Raises:
            IllegalAction: What was received is refused; the world stays as it was.
        """

    def reset(self, seed: int, options: Mapping[str, Any] | None = None) -> TimeStep:
        """Begin an episode; see `Environment.reset`."""
        self._seed, self._options, self._taken = seed, dict(options or {}), []
        self._timestep = self._start()
        return self._timestep

    def step(self, actions: Mapping[Seat, Any], now: float = 0.0) -> TimeStep:
        """Go on with the actions; see `Environment.step`."""
        taken = Actions(legal_actions(self._timestep, actions), now)
        self._timestep = self._advance(self._scene or self._rebuilt(), taken)
        self._taken.append(taken)
        return self._timestep

    def _start(self) -> TimeStep:
        self._scene = self.play(self._seed, self._options)
        try:
            return next(self._scene)
        except StopIteration as stop:
            return self._last(stop.value)

    def _advance(self, scene: Scene, actions: Actions) -> TimeStep:
        try:
            return scene.send(actions)
        except StopIteration as stop:
            return self._last(stop.value)
        except IllegalAction:
            self._scene = None
            raise

    def _rebuilt(self) -> Scene:
        """The script as it was before it raised."""
        scene = self._scene = self.play(self._seed, self._options)
        next(scene)
        for actions in self._taken:
            scene.send(actions)
        return scene

    def _last(self, timestep: Any) -> TimeStep:
        if isinstance(timestep, TimeStep) and timestep.over:
            return timestep
        name, got = type(self).__name__, shown(timestep)
        if isinstance(timestep, TimeStep):
            got = f"one that asks {sorted(timestep.requests)!r} with wake {timestep.wake!r}"
        raise ScriptError(f"{name} must return a time step without requests and wake, got {got}")


def script(
    seats: Mapping[Seat, SeatSpec],
) -> Callable[[Callable[[int, Mapping[str, Any]], Scene]], type[Script]]:
    """Make a world's class of a generator function ``(seed, options) -> Scene``.

    The class takes options as keyword arguments, such as a run file's; those of an episode win.

    Args:
        seats: The world's seats, whatever the options.
    """

    def decorate(play: Callable[[int, Mapping[str, Any]], Scene]) -> type[Script]:
        names = {name: getattr(play, name) for name in ("__module__", "__qualname__", "__doc__")}
        return type(
            play.__name__,
            (_FunctionScript,),
            {**names, "seats": seats, "_function": staticmethod(play)},
        )

    return decorate


class _FunctionScript(Script):
    """A script that was written as a function."""

    _function: ClassVar["staticmethod[[int, Mapping[str, Any]], Scene]"]

    def __init__(self, **options: Any) -> None:
        super().__init__()
        self._usual = options

    def play(self, seed: int, options: Mapping[str, Any]) -> Scene:
        return self._function(seed, {**self._usual, **options})
