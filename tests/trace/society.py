"""A tiny society for the tests of the record: seats that ask a model once in each step."""

import asyncio
from dataclasses import asdict, dataclass, field

from simlab.trace.directory import RunDirectory
from simlab.trace.events import Acted, Outcome, SteppedCore
from simlab.trace.journal import Journal
from simlab.trace.log import Log
from simlab.trace.tracing import effect, note, span, turn
from simlab.trace.writer import SegmentWriter

SEATS = ("buyer", "seller")


@dataclass(frozen=True)
class Message:
    role: str
    text: str
    calls: tuple = ()


@dataclass(frozen=True)
class Sampling:
    max_tokens: int = 16
    seed: int | None = None


@dataclass(frozen=True)
class Ask:
    prompt: list
    model: str = "small"
    sampling: Sampling = Sampling()


@dataclass(frozen=True)
class Usage:
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0


@dataclass(frozen=True)
class Said:
    text: str
    token_ids: tuple[int, ...] = ()
    usage: Usage = field(default_factory=Usage)

    def __cost__(self):
        return asdict(self.usage)


def reply_to(seat, step, seed):
    """What the model says; long enough to be a content."""
    return f"{seat} says in step {step}, having drawn {seed}, that this is the last offer"


class Model:
    """Counts the calls that reach it."""

    def __init__(self, reply=reply_to):
        self.reply = reply
        self.n_calls = 0

    def call(self, seat, step):
        async def generate(seed):
            self.n_calls += 1
            await asyncio.sleep(0)
            return Said(self.reply(seat, step, seed), (step, 7), Usage(20, 2))

        return generate


async def act(journal, seat, step, model, prompt):
    """A turn of a seat: a span, in which a model is asked and something noted."""
    with turn(journal, seat, step, "act"), span("think", inputs={"step": step}) as here:
        said = await effect("model", Ask(prompt), model.call(seat, step), returns=Said)
        note("thought", said.text[:10])
        here.result = said.text
        return said.text


async def all_of(calls):
    """What calls give that are made at once; all are over before an error of one goes on."""
    done = await asyncio.gather(*calls, return_exceptions=True)
    for error in done:
        if isinstance(error, BaseException):
            raise error
    return done


async def play(journal, model, *, n_steps=3, prompt=lambda seat, step: f"{seat}, step {step}?"):
    """Play an episode to its end; its digest."""
    await journal.begin({"observations": {seat: ["a car for sale"] for seat in SEATS}})
    for step in range(n_steps):
        said = await all_of(
            act(journal, s, step, model, [Message("user", prompt(s, step))]) for s in SEATS
        )
        acted = [Acted(s, journal.plain(text)) for s, text in zip(SEATS, said, strict=True)]
        timestep = {"rewards": dict.fromkeys(SEATS, 1.0), "observations": {SEATS[0]: [said[1]]}}
        await journal.step(SteppedCore(step, 0.0, acted, journal.plain(timestep)))
    outcome = Outcome(n_steps, dict.fromkeys(SEATS, float(n_steps)), {}, {})
    return await journal.end(outcome)


def open_writer(directory, host="driver", **options):
    """A writer to a new segment of a run."""
    segment = directory.new_segment(host)
    return SegmentWriter(segment.path, seal=segment.seal, **options)


def resume(directory, episode=0, *, host="driver", seed=5):
    """A journal that goes on with an episode in a new segment, and its writer."""
    directory.seal_all()
    log = Log(directory)
    writer = open_writer(directory, host)
    return Journal(episode, seed=seed, writer=writer, history=log.history(episode)), writer


def replaying(directory, episode=0, *, seed=5):
    """A journal that only compares an episode with its record."""
    history = Log(directory).history(episode)
    return Journal(episode, seed=seed, writer=None, history=history)


async def play_run(directory, model=None, *, n_steps=3, episodes=1):
    """Play all episodes of a run in one segment; the digest of the last."""
    writer = open_writer(directory)
    for episode in range(episodes):
        journal = Journal(episode, seed=5 + episode, writer=writer)
        digest = await play(journal, model or Model(), n_steps=n_steps)
    writer.close()
    return digest


def new_run(path):
    """A run directory."""
    return RunDirectory.create(path, {"name": "test"})


async def one_step(journal, work):
    """An episode of one step in which one seat does some work; what it came to, and the digest."""
    await journal.begin({})
    with turn(journal, "buyer", 0, "act"):
        done = await work()
    await journal.step(SteppedCore(0, 0.0, [Acted("buyer", journal.plain(done))], {}))
    return done, await journal.end(Outcome(1, {}, {}, {}))


async def record(directory, work):
    """Do some work in a step of a new run; what it came to, and the digest."""
    writer = open_writer(directory)
    try:
        return await one_step(Journal(0, seed=5, writer=writer), work)
    finally:
        writer.close()


def never(_):
    raise AssertionError("a replay makes no call")
