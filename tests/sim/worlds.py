"""Small worlds, agents, judges and models for the tests of simulations.

Run files name them as ``tests.sim.worlds:Relay``.
"""

import asyncio
import os
from dataclasses import replace
from pathlib import Path

from simlab.env.environment import PASS, UNSET, ActionRequest, SeatSpec, TimeStep, Utterance, Wait
from simlab.errors import IllegalAction, UnfitAnswerError
from simlab.models.model import ChatMessage
from simlab.trace.tracing import effect

SEATS = ("ann", "bob")

REWARD = 1.0
"""What a character said in the relay earns."""


class Relay:
    """Ann and Bob say something in turn; a longer text earns more, one with ``taboo`` is illegal.

    Args:
        turns: How many in all.
        taboo: What must not be said; empty forbids nothing.
        default: Said for a seat that gives no fitting answer; None for no default.
        crash_at: Number of the turn that raises an error of the world's own.
        raises: Name of what it raises there, of `STRAYS`; by default an ordinary error.
        closes: World time of the deadline of all requests.
    """

    def __init__(self, turns=4, taboo="", default="...", crash_at=None, closes=None, *, raises=""):
        self.turns, self.taboo, self.crash_at, self.closes = turns, taboo, crash_at, closes
        self.default = UNSET if default is None else default
        self.error = STRAYS.get(raises, ZeroDivisionError)
        self.seats = dict.fromkeys(SEATS, SeatSpec("You chat."))

    def reset(self, seed, options=None):
        self.said = []
        greeting = (options or {}).get("greeting", "Hello.")
        return self._ask({seat: [f"{greeting} It is day {seed % 7}."] for seat in SEATS}, {})

    def step(self, actions, now=0.0):  # noqa: ARG002 - time stands still
        ((seat, text),) = actions.items()
        if self.taboo and self.taboo in text:
            raise IllegalAction.of(seat, f"{self.taboo!r} must not be said")
        if len(self.said) == self.crash_at:
            raise self.error("the world is broken")
        self.said.append(text)
        return self._ask({_other(seat): [Utterance(seat, text)]}, {seat: REWARD * len(text)})

    def _ask(self, told, rewards):
        number = len(self.said)
        if number == self.turns:
            return TimeStep({}, told, rewards, dict.fromkeys(SEATS, "terminated"))
        prompt = f"Turn {number}: say something."
        request = ActionRequest(prompt=prompt, default=self.default, deadline=self.closes)
        return TimeStep({SEATS[number % 2]: request}, told, rewards)


class NarratedRelay(Relay):
    """A relay with a narrator, who may say something at every second turn, which nobody hears."""

    def __init__(self, **options):
        super().__init__(**options)
        self.seats = {**self.seats, "narrator": SeatSpec(optional=True)}

    def step(self, actions, now=0.0):
        return super().step({s: said for s, said in actions.items() if s in SEATS}, now)

    def _ask(self, told, rewards):
        asked = super()._ask(told, rewards)
        if len(self.said) % 2 or asked.over:
            return asked
        narrator = {"narrator": ActionRequest(required=False)}
        return replace(asked, requests={**asked.requests, **narrator})


class Sealed(Relay):
    """A relay that cannot be copied or pickled, as one that holds a file or a socket."""

    def _refuse(self, *_):
        raise AssertionError("a world was copied")

    __copy__ = __deepcopy__ = __reduce_ex__ = _refuse


class Farewell:
    """Ann says two things; bob hears the first, and both the last; bob may act, or just listen."""

    def __init__(self, asks_bob=True):
        self.asks_bob = asks_bob
        self.seats = dict.fromkeys(SEATS, SeatSpec())

    def reset(self, seed, options=None):  # noqa: ARG002 - nothing is left to chance
        self.said = []
        return self._ask({})

    def step(self, actions, now=0.0):  # noqa: ARG002 - time does not matter
        self.said.append(actions.get("ann", "nothing"))
        told = Utterance("ann", self.said[-1])
        if len(self.said) == 1:
            return self._ask({"bob": [told]})
        heard = {seat: [told] for seat in SEATS}
        return TimeStep({}, heard, ended=dict.fromkeys(SEATS, "terminated"))

    def _ask(self, told):
        requests = {"ann": ActionRequest(), "bob": ActionRequest(required=False)}
        return TimeStep(requests if self.asks_bob else {"ann": requests["ann"]}, told)


class Located(Relay):
    """A relay that writes down in which process it is played, for those who end that."""

    def __init__(self, pid_file, **options):
        super().__init__(**options)
        Path(pid_file).write_text(str(os.getpid()))


class Hurried:
    """Ann is asked so many times; the first time she has ``patience`` seconds of world time."""

    def __init__(self, times=3, patience=20.0):
        self.times, self.patience = times, patience
        self.seats = {"ann": SeatSpec("You are in a hurry.")}

    def reset(self, seed, options=None):  # noqa: ARG002 - nothing is left to chance
        self.n_asked = 0
        return self._ask()

    def step(self, actions, now=0.0):  # noqa: ARG002 - every answer will do
        return self._ask()

    def _ask(self):
        self.n_asked += 1
        if self.n_asked > self.times:
            return TimeStep(ended={"ann": "terminated"})
        deadline = self.patience if self.n_asked == 1 else None
        request = ActionRequest(prompt=f"Time {self.n_asked}?", default="...", deadline=deadline)
        return TimeStep({"ann": request}, {"ann": [f"It is {self.n_asked} o'clock."]})


def _other(seat):
    return SEATS[1 - SEATS.index(seat)]


class Bells:
    """A free-running world: seats ring when they like until it is ``closes`` o'clock.

    Everybody hears every ring, with its time.
    """

    def __init__(self, closes=10.0, ringers=3):
        self.closes = closes
        self.seats = {f"bell_{n}": SeatSpec() for n in range(ringers)}

    def reset(self, seed, options=None):  # noqa: ARG002 - nothing is left to chance
        return self._ask([], 0.0)

    def step(self, actions, now=0.0):
        rung = [f"{seat} at {now:g}" for seat, action in sorted(actions.items()) if action != PASS]
        if now >= self.closes:
            ended = dict.fromkeys(self.seats, "terminated")
            return TimeStep({}, dict.fromkeys(self.seats, rung), ended=ended)
        return self._ask(rung, now)

    def _ask(self, rung, now):  # noqa: ARG002
        request = ActionRequest(required=False, prompt="Ring?")
        heard = dict.fromkeys(self.seats, rung) if rung else {}
        return TimeStep(dict.fromkeys(self.seats, request), heard, wake=self.closes)


class Ringer:
    """Rings every ``period`` seconds by the times that it hears of its own rings."""

    def __init__(self, period=1.0, seat=""):
        self.period, self.seat, self.due = period, seat, period
        self.heard_at = 0.0

    async def observe(self, observation):
        _, _, time = observation.partition(" at ")
        self.heard_at = float(time)

    async def act(self, request):  # noqa: ARG002
        if self.heard_at < self.due:
            self.heard_at = self.due
            return Wait(self.due)
        self.due += self.period
        return "ding"


class Dozer:
    """Asks its model the same thing whenever it wakes, and rings the third time."""

    def __init__(self, model):
        self.model = model
        self.n_woken = 0

    async def observe(self, observation):
        pass

    async def act(self, request):  # noqa: ARG002
        answer = await self.model.generate([ChatMessage("user", "Is it time?")])
        self.n_woken += 1
        return answer.text if self.n_woken % 3 == 0 else Wait(float(self.n_woken))


class Chatter:
    """Says its words over and over, and what it has heard last."""

    def __init__(self, words="well"):
        self.words, self.heard = words, ""

    async def observe(self, observation):
        self.heard = str(observation)

    async def act(self, request):  # noqa: ARG002
        return f"{self.words} ({self.heard[:40]})"


class Diary:
    """Says how much it has seen in its life, or what it was given."""

    verb = "has seen"

    def __init__(self, tells="n_seen", seat="", seed=0, session=None):
        self.seat, self.n_seen = seat, 0
        self.told = {"seed": seed, "session": session}.get(tells)

    async def observe(self, observation):  # noqa: ARG002
        self.n_seen += 1

    async def act(self, request):  # noqa: ARG002
        return (
            f"{self.seat} {self.verb} {self.n_seen}"
            if not self.told
            else (f"{self.seat}: {self.told}")
        )


class Twins(Chatter):
    """A class that gives the same agent every time."""

    def __new__(cls):
        cls.only = cls.__dict__.get("only") or super().__new__(cls)
        return cls.only


QUESTIONS = ["What is your name?", "What is your age?", "Where do you live?"]


class Curious:
    """Asks its model one question a turn and says what it answers."""

    def __init__(self, model):
        self.model = model
        self.n_turns = 0

    async def observe(self, observation):
        pass

    async def act(self, request):  # noqa: ARG002
        question = QUESTIONS[self.n_turns]
        self.n_turns += 1
        return (await self.model.generate([ChatMessage("user", question)])).text


class Poisoned(Chatter):
    """A chatter that raises in its second turn; if a victim is given, only with that seed."""

    def __init__(self, seed=0, victim=None):
        super().__init__()
        self.is_victim = victim in (None, seed)
        self.n_turns = 0

    async def act(self, request):
        self.n_turns += 1
        if self.is_victim and self.n_turns == 2:
            raise KeyError("poison") from ValueError("in the well")
        return await super().act(request)


STRAYS = {
    "BaseException": BaseException,
    "CancelledError": asyncio.CancelledError,
    "GeneratorExit": GeneratorExit,
    "SystemExit": SystemExit,
}
"""What users' code may raise that is no `Exception`, by name."""


class Straying(Chatter):
    """Raises something that is no `Exception` in its second turn."""

    def __init__(self, raises="SystemExit"):
        super().__init__()
        self.raises, self.n_turns = raises, 0

    async def act(self, request):
        self.n_turns += 1
        if self.n_turns == 2:
            raise STRAYS[self.raises]("astray")
        return await super().act(request)


class Canceller(Chatter):
    """Cancels a task of its own in its second turn and awaits it; in an effect or not."""

    def __init__(self, within=""):
        super().__init__()
        self.within, self.n_turns = within, 0

    async def act(self, request):
        self.n_turns += 1
        if self.n_turns == 2:
            await (effect(self.within, "?", self.cancel) if self.within else self.cancel())
        return await super().act(request)

    async def cancel(self, _seed=0):
        task = asyncio.ensure_future(asyncio.Event().wait())
        task.cancel()
        await task


class Deadly(Chatter):
    """Ends the process that it is in, in its second turn; if a victim is given, with that seed."""

    end_host = staticmethod(lambda: os._exit(1))

    def __init__(self, seed=0, victim=None):
        super().__init__()
        self.is_victim = victim in (None, seed)
        self.n_turns = 0

    async def act(self, request):
        self.n_turns += 1
        if self.is_victim and self.n_turns == 2:
            await note_call("tool", "the last")
            type(self).end_host()
            await asyncio.Event().wait()
        return await super().act(request)


async def note_call(kind, request):
    """A call whose outcome is recorded before what comes of it is committed."""
    return await effect(kind, request, lambda _seed: "done")


class Flaky(Chatter):
    """Raises in its second turn while a file is there."""

    def __init__(self, broken="", words="well"):
        super().__init__(words)
        self.broken = Path(broken)
        self.n_turns = 0

    async def act(self, request):
        self.n_turns += 1
        if self.n_turns == 2 and self.broken.exists():
            raise OSError("the socket is closed")
        return await super().act(request)


class DeafPoisoned(Chatter):
    """Raises when it perceives something after the beginning."""

    async def observe(self, observation):
        if isinstance(observation, Utterance):
            raise RuntimeError("too loud")  # noqa: TRY004 - an error of its own


class Startled:
    """Waits for ever, and raises the first time that it hears something."""

    def __init__(self):
        self.calm = True

    async def observe(self, observation):
        if self.calm:
            self.calm = False
            raise RuntimeError(f"startled by {observation}")

    async def act(self, request):  # noqa: ARG002
        return Wait()


class Stubborn:
    """Never gives an answer that fits."""

    async def observe(self, observation):
        pass

    async def act(self, request):
        raise UnfitAnswerError.of(f"grunt {len(request.refused)}", "words were expected")


class Jealous(Ringer):
    """A ringer that raises if it is told or asked anything while it is busy."""

    def __init__(self, period=1.0, seat=""):
        super().__init__(period, seat)
        self.busy = False

    async def observe(self, observation):
        await self._alone()
        await super().observe(observation)

    async def act(self, request):
        await self._alone()
        return await super().act(request)

    async def _alone(self):
        if self.busy:
            raise RuntimeError("two messages at a time")
        self.busy = True
        await asyncio.sleep(0.002)
        self.busy = False


class Taboo:
    """Says what must not be said until it has been refused ``n`` times; keeps the reasons."""

    def __init__(self, n=1):
        self.n = n

    async def observe(self, observation):
        pass

    async def act(self, request):
        if len(request.refused) < self.n:
            return "a bad word"
        return f"sorry for {len(request.refused)}: {request.refused[-1].reason[-16:]}"


class Sleeper:
    """Waits in its first turn until it is cancelled; says so on a list of the module."""

    cancelled = 0

    async def observe(self, observation):
        pass

    async def act(self, request):  # noqa: ARG002
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            type(self).cancelled += 1
            raise


def one_line(request):  # noqa: ARG001
    """An agent in one line."""
    return "always the same"
