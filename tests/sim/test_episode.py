import inspect
from contextlib import aclosing

import numpy as np
import pytest

from simlab.env.environment import ActionRequest, SeatSpec, TimeStep, Wait
from simlab.errors import (
    ConfigError,
    IllegalAction,
    ModelError,
    UnfitAnswerError,
    WorldFailedError,
)
from simlab.sim import episode
from simlab.sim.act import Act
from simlab.sim.cast import Cast
from simlab.sim.clock import SimulatedClock
from simlab.sim.episode import play
from simlab.trace.plain import plain
from tests.sim.test_cast import FakeRef
from tests.sim.worlds import Bells, Relay

FOUR = dict.fromkeys(("ann", "bob", "cid", "dan"), SeatSpec())


class FakeJournal:
    """Keeps what is committed, in order with what others write into its `log`."""

    seed = 3

    def __init__(self):
        self.log = []

    def recorded(self, _actor):
        return {}

    def plain(self, value):
        return plain(value)

    async def begin(self, timestep):
        self.log.append(("begin", timestep))

    async def step(self, core):
        self.log.append(("step", core))

    @property
    def cores(self):
        return [what for kind, what in self.log if kind == "step"]


async def played(world, cast, journal=None, **options):
    """All moments of an episode."""
    steps = play(world, cast, SimulatedClock(), journal or FakeJournal(), **options)
    async with aclosing(steps):
        return [moment async for moment in steps]


async def test_an_episode_goes_from_reset_to_the_end():
    journal, cast = FakeJournal(), Cast({"ann": FakeRef("a", "ccc"), "bob": FakeRef("bb")})

    moments = await played(Relay(turns=3), cast, journal)

    assert [moment.n_steps for moment in moments] == [0, 1, 2, 3]
    assert [core.step for core in journal.cores] == [0, 1, 2]
    assert [core.acted[0].action for core in journal.cores] == ["a", "bb", "ccc"]
    assert moments[-1].timestep.rewards == {"ann": 3.0}
    assert moments[-1].timestep.over


async def test_the_world_is_reset_with_the_episodes_seed_and_options():
    ann = FakeRef("a")

    await played(Relay(turns=1), Cast({"ann": ann}), options={"greeting": "Hi."})

    assert ann.perceived == ["Hi. It is day 3."]


async def test_nobody_perceives_a_step_before_it_is_committed():
    journal = FakeJournal()

    class Ref(FakeRef):
        async def ask(self, message):
            journal.log.append(("perceive", message.observations))
            return await super().ask(message)

    await played(Relay(turns=2), Cast({"ann": Ref("a"), "bob": Ref("b")}), journal)

    kinds = [kind for kind, what in journal.log if what]
    assert kinds == ["begin", "perceive", "perceive", "step", "perceive", "step", "perceive"]


async def test_the_end_is_perceived():
    ann, bob = FakeRef("a"), FakeRef("b")

    await played(Relay(turns=2), Cast({"ann": ann, "bob": bob}))

    assert [str(seen) for seen in ann.perceived] == ["Hello. It is day 3.", "bob: b"]


async def test_what_was_put_into_a_seat_is_played_though_its_agent_perceives_as_ever():
    ann, bob = FakeRef("a", "ccc"), FakeRef("bb")
    cast = Cast({"ann": ann, "bob": bob}, edits={(1, "bob"): "Fire!"})
    journal = FakeJournal()

    await played(Relay(turns=3), cast, journal)

    assert [core.acted[0].action for core in journal.cores] == ["a", "Fire!", "ccc"]
    assert [core.acted[0].edited for core in journal.cores] == [False, True, False]
    assert [str(seen) for seen in bob.perceived] == ["Hello. It is day 3.", "ann: a", "ann: ccc"]
    assert all(message.request is None for message in bob.messages), "it is asked nothing"


async def test_what_was_put_in_is_played_at_once_and_waits_for_those_alone_who_must_act():
    class Race:
        seats = FOUR

        def reset(self, seed, options=None):  # noqa: ARG002
            may, must = ActionRequest(required=False), ActionRequest()
            return TimeStep({"ann": may, "bob": may, "cid": must, "dan": may})

        def step(self, actions, now=0.0):  # noqa: ARG002
            self.actions = actions
            return TimeStep()

    world, edits = Race(), {(0, "ann"): "mine"}
    refs = {"bob": FakeRef(Wait(9.0)), "cid": FakeRef("c"), "dan": FakeRef("d")}

    await played(world, Cast({"ann": FakeRef(), **refs}, edits=edits))

    assert world.actions == {"ann": "mine", "cid": "c", "dan": "d"}


async def test_a_world_that_only_wakes_is_not_over():
    class Dawn:
        seats = FOUR

        def reset(self, seed, options=None):  # noqa: ARG002
            return TimeStep(wake=6.0)

        def step(self, actions, now=0.0):
            assert actions == {}
            return TimeStep() if now == 9.0 else TimeStep(wake=9.0)

    moments = await played(Dawn(), Cast({}))

    assert [moment.now for moment in moments] == [0.0, 6.0, 9.0]


async def test_an_illegal_action_is_asked_again_with_the_reason_and_never_steps_the_world():
    ann, journal = FakeRef("a bad word", "sorry"), FakeJournal()
    world = Relay(turns=1, taboo="bad")

    await played(world, Cast({"ann": ann}), journal)

    assert world.said == ["sorry"]
    assert ann.messages[1].request.refused[0].reason == "'bad' must not be said"
    assert journal.cores[0].acted[0].attempts == 2


async def test_env_13_after_a_third_illegal_action_the_default_is_played_and_marked():
    ann, journal = FakeRef("bad", "bad", "bad"), FakeJournal()

    await played(Relay(turns=1, taboo="bad"), Cast({"ann": ann}), journal)

    (act,) = journal.cores[0].acted
    assert (act.action, act.raw, act.invalid) == ("...", "bad", "'bad' must not be said")
    assert len(ann.messages) == 3


async def test_a_default_that_the_world_refuses_fails_the_episode():
    cast = Cast({"ann": FakeRef("bad", "bad", "bad")})

    with pytest.raises(UnfitAnswerError, match=r"refuses the default of seat 'ann'"):
        await played(Relay(turns=1, taboo="bad", default="too bad"), cast)


async def test_of_several_actions_the_refused_one_is_asked_again():
    class Pair:
        seats = FOUR

        def reset(self, seed, options=None):  # noqa: ARG002
            return TimeStep(dict.fromkeys(("ann", "bob"), ActionRequest()))

        def step(self, actions, now=0.0):  # noqa: ARG002
            if actions["bob"] == "bad":
                raise IllegalAction.of("bob", "not that")
            return TimeStep()

    ann, bob = FakeRef("a"), FakeRef("bad", "b")
    moments = await played(Pair(), Cast({"ann": ann, "bob": bob}))

    assert {seat: act.action for seat, act in moments[1].acts.items()} == {"ann": "a", "bob": "b"}
    assert len(ann.messages) == 1


async def test_refusing_somebody_who_has_not_acted_is_the_worlds_own_error():
    class Muddled(Relay):
        def step(self, actions, now=0.0):  # noqa: ARG002
            raise IllegalAction.of("bob", "out of turn")

    with pytest.raises(WorldFailedError, match=r"refuses an action of 'bob', who has not acted"):
        await played(Muddled(), Cast({"ann": FakeRef("a")}))


@pytest.mark.parametrize("where", ["reset", "step"])
async def test_an_error_of_the_worlds_own_is_told_as_such(where, monkeypatch):
    def broken(*_):
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr(Relay, where, broken)

    with pytest.raises(WorldFailedError, match=r"the world raised ZeroDivisionError: by zero") as e:
        await played(Relay(), Cast({"ann": FakeRef("a")}))
    assert isinstance(e.value.__cause__, ZeroDivisionError)


async def careless(*_):
    return TimeStep()


@pytest.mark.parametrize("where", ["reset", "step"])
@pytest.mark.parametrize(
    ("said", "words"),
    [
        (lambda *_: None, "expected a TimeStep, got None"),
        (lambda *_: (TimeStep(), 0.0, True, {}), "expected a TimeStep, got a value of type tuple"),
        (careless, "got a coroutine; define reset.. and step.. without 'async'"),
        (lambda *_: TimeStep(rewards={"ann": "five"}), "the reward of 'ann' must be a number"),
    ],
)
async def test_a_time_step_of_the_wrong_form_fails_the_episode_before_it_is_committed(
    where, said, words, monkeypatch
):
    journal = FakeJournal()
    monkeypatch.setattr(Relay, where, said)

    with pytest.raises(WorldFailedError, match=f"time step of Relay has the wrong form: .*{words}"):
        await played(Relay(), Cast({"ann": FakeRef("a")}), journal)

    assert [kind for kind, _ in journal.log] == [] if where == "reset" else ["begin"]


async def test_any_error_that_is_no_episodes_becomes_the_worlds(monkeypatch):
    def broken(*_):
        raise ConfigError("mine")

    monkeypatch.setattr(Relay, "step", broken)

    with pytest.raises(WorldFailedError, match="the world raised ConfigError: mine"):
        await played(Relay(), Cast({"ann": FakeRef("a")}))


async def test_world_time_in_numpys_numbers_is_kept_as_a_plain_number():
    class Dusk:
        seats = FOUR

        def reset(self, seed, options=None):  # noqa: ARG002
            return TimeStep(wake=np.float32(6.0))

        def step(self, actions, now=0.0):  # noqa: ARG002
            return TimeStep()

    journal = FakeJournal()
    await played(Dusk(), Cast({}), journal)

    assert type(journal.cores[0].now) is float


async def test_what_an_actor_raises_ends_the_episode_as_it_is():
    journal = FakeJournal()

    with pytest.raises(ModelError, match=r"gone"):
        await played(Relay(), Cast({"ann": FakeRef(ModelError("gone"))}), journal)
    assert journal.cores == []


async def test_a_step_keeps_world_time_and_what_was_done_in_seat_order():
    journal = FakeJournal()

    class Ref(FakeRef):
        async def ask(self, message):  # noqa: ARG002
            return "ding"

    world = Bells(closes=0.0)
    await played(world, Cast({seat: Ref() for seat in world.seats}), journal)

    assert [act.seat for act in journal.cores[0].acted] == ["bell_0", "bell_1", "bell_2"]
    assert journal.cores[0].now == 0.0


def test_the_loop_can_be_read_aloud():
    lines = inspect.getsource(play).splitlines()

    assert len(lines) < 60, "design: keep it under 60 lines"
    assert episode.__doc__.startswith("THE loop")


def test_what_fits_is_not_marked():
    record = Act("a").record("ann", plain)

    assert (record.attempts, record.invalid, record.raw, record.late, record.edited) == (
        1,
        None,
        None,
        False,
        False,
    )
