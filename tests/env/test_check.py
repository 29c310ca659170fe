"""A right world passes the check, and a wrong world of each kind is caught with the right words."""

# ruff: noqa: ARG002, NPY002, RUF012 - wrong worlds keep the signatures and do what one must not

import random
from dataclasses import replace
from typing import Literal

import numpy as np
import pytest

from simlab.env.check import check_environment
from simlab.env.contract import EnvironmentContractError
from simlab.env.environment import PASS, ActionRequest, SeatSpec, TimeStep
from simlab.env.legal import legal_actions
from simlab.errors import IllegalAction

Step = Literal["left", "right"]


class Walk:
    """Two seats take turns and walk; whoever reaches 2 wins; 8 steps are the limit."""

    seats = {"a": SeatSpec(), "b": SeatSpec()}
    limit = 8

    def reset(self, seed, options=None):
        self.rng = random.Random(seed)
        self.places = {"a": 0, "b": 0}
        self.count = 0
        self.timestep = self.say({})
        return self.timestep

    def step(self, actions, now=0.0):
        ((seat, step),) = legal_actions(self.timestep, actions).items()
        self.count += 1
        wind = self.rng.choice((0, 0, 1))
        self.places[seat] += wind + (1 if step == "right" else -1)
        self.timestep = self.say({seat: float(wind)})
        return self.timestep

    def say(self, rewards):
        places = dict(self.places)
        observations = {"a": [places], "b": [places]}
        if max(places.values()) >= 2:
            return TimeStep({}, observations, rewards, dict.fromkeys("ab", "terminated"))
        if self.count == self.limit:
            return TimeStep({}, observations, rewards, dict.fromkeys("ab", "truncated"))
        mover = "ab"[self.count % 2]
        request = ActionRequest(Step, legal=self.legal(mover), default="left")
        return TimeStep({mover: request}, observations, rewards)

    def legal(self, mover):
        return ["left"] if self.places[mover] > 0 else ["left", "right"]


def test_a_right_world_passes():
    check_environment(Walk, limit=8)


def test_the_check_leaves_the_global_generators_where_they_were():
    random.seed(5)
    np.random.seed(5)
    expected = random.getstate(), np.random.get_state()[1].tolist()

    check_environment(Walk)

    assert (random.getstate(), np.random.get_state()[1].tolist()) == expected


class NondeterministicFromTheSecondStep(Walk):
    def step(self, actions, now=0.0):
        if self.count == 1:
            self.rng.seed(id(self) + random.SystemRandom().getrandbits(32))
        timestep = super().step(actions, now)
        return replace(timestep, rewards={"a": self.rng.random()})


class LeakingOverReset(Walk):
    played = 0

    def reset(self, seed, options=None):
        self.played += 1
        timestep = super().reset(seed, options)
        return replace(timestep, observations={"a": [f"game {self.played}"]})


class ReturningOneBufferTwice(Walk):
    def reset(self, seed, options=None):
        self.buffer = [0]
        return super().reset(seed, options)

    def say(self, rewards):
        self.buffer[0] = self.count
        return replace(super().say(rewards), observations={"a": self.buffer})


class ReturningOneArrayTwice(Walk):
    def reset(self, seed, options=None):
        self.array = np.zeros(2)
        return super().reset(seed, options)

    def say(self, rewards):
        self.array[:] = list(self.places.values())
        return replace(super().say(rewards), observations={"a": [self.array]})


class RewardingWithNaN(Walk):
    def say(self, rewards):
        return super().say({"a": float("nan")} if self.count == 3 else rewards)


class RewardingAnUnknownSeat(Walk):
    def say(self, rewards):
        return super().say({**rewards, "ghost": 1.0})


class TellingAnUnknownSeat(Walk):
    def say(self, rewards):
        timestep = super().say(rewards)
        return replace(timestep, observations={**timestep.observations, "ghost": ["boo"]})


class AskingAnUnknownSeat(Walk):
    def say(self, rewards):
        timestep = super().say(rewards)
        return replace(timestep, requests={**timestep.requests, "ghost": ActionRequest(Step)})


class ChangedByAnIllegalAction(Walk):
    def step(self, actions, now=0.0):
        self.count += 1
        legal_actions(self.timestep, actions)
        self.count -= 1
        return super().step(actions, now)


class ReportingItsLimitAsTermination(Walk):
    def say(self, rewards):
        timestep = super().say(rewards)
        return replace(timestep, ended=dict.fromkeys(timestep.ended, "terminated"))


class EndingAfterItsLimit(Walk):
    limit = 9


class DrawingFromTheGlobalGenerator(Walk):
    def step(self, actions, now=0.0):
        timestep = super().step(actions, now)
        return replace(timestep, rewards={"a": random.random()})


class DrawingFromNumpysGlobalGenerator(Walk):
    def reset(self, seed, options=None):
        return replace(super().reset(seed), rewards={"a": float(np.random.rand())})


class ReadingTheGlobalGenerator(Walk):
    def reset(self, seed, options=None):
        state = random.getstate()
        timestep = replace(super().reset(seed), rewards={"a": random.random()})
        random.setstate(state)
        return timestep


class SharingStateAmongWorlds(Walk):
    steps = [0]

    def reset(self, seed, options=None):
        self.steps[0] = 0
        return super().reset(seed, options)

    def step(self, actions, now=0.0):
        timestep = super().step(actions, now)
        self.steps[0] += 1
        return replace(timestep, rewards={"a": float(self.steps[0])})


class LyingAboutWhatIsLegal(Walk):
    def step(self, actions, now=0.0):
        if actions.get("a") == "right":
            raise IllegalAction.of("a", "there is a wall")
        return super().step(actions, now)


class TakingWhatIsNotLegal(Walk):
    def step(self, actions, now=0.0):
        actions = {seat: "left" for seat in actions if seat in self.timestep.requests}
        return super().step(actions, now)


class CrashingOnWhatIsNotLegal(Walk):
    def step(self, actions, now=0.0):
        {"left": 0, "right": 1}[next(iter(actions.values()), "left")]
        return super().step(actions, now)


class NeverEnding(Walk):
    limit = None

    def legal(self, mover):
        return ["left"]

    def reset(self, seed, options=None):
        super().reset(seed, options)
        self.rng = random.Random()
        self.rng.choice = min
        return self.timestep


class AskingASeatThatHasEnded(Walk):
    def say(self, rewards):
        timestep = super().say(rewards)
        if self.count == 0:
            return replace(timestep, ended={"b": "terminated"})
        return replace(timestep, ended={s: e for s, e in timestep.ended.items() if s != "b"})


class RewardingASeatThatHasEnded(AskingASeatThatHasEnded):
    def say(self, rewards):
        timestep = super().say({"b": 0.0})
        return replace(timestep, requests={"a": ActionRequest(Step)})


class LeavingASeatWithoutAnEnd(Walk):
    def say(self, rewards):
        timestep = super().say(rewards)
        return replace(timestep, ended={s: e for s, e in timestep.ended.items() if s != "b"})


class ShowingWhatIsNoData(Walk):
    def say(self, rewards):
        return replace(super().say(rewards), observations={"a": [object()]})


class OfferingAnIllegalDefault(Walk):
    def say(self, rewards):
        return TimeStep({"a": ActionRequest(Step, legal=["left"], default="right")})


class RefusingItsDefault(Walk):
    def legal(self, mover):
        return None

    def step(self, actions, now=0.0):
        if set(actions.values()) == {PASS}:
            raise IllegalAction.of("a", "you must move")
        if set(actions.values()) <= {"left", "right"}:
            raise IllegalAction.of("a", "you cannot move")
        return super().step(actions, now)

    def say(self, rewards):
        return TimeStep({"a": ActionRequest(Step, default=PASS)})


class AskingWithNothingLegal(Walk):
    def legal(self, mover):
        return []


class WakingInThePast(Walk):
    def say(self, rewards):
        return replace(super().say(rewards), wake=-1.0)


class ShowingABareText(Walk):
    def say(self, rewards):
        return replace(super().say(rewards), observations={"a": "it is your turn"})


class ShowingAnAddress(Walk):
    def say(self, rewards):
        return replace(super().say(rewards), observations={"a": [f"You hold {object()}."]})


class ShowingAFunction(Walk):
    def say(self, rewards):
        return replace(super().say(rewards), observations={"a": [f"You use {(lambda: None)}."]})


class ShowingCode(Walk):
    def say(self, rewards):
        code = compile("1", "mine.py", "eval")
        return replace(super().say(rewards), observations={"a": [f"You run {code}."]})


class SettingADeadlineInThePast(Walk):
    def say(self, rewards):
        return TimeStep({"a": ActionRequest(Step, deadline=-1.0)})


class ChangingItsOptions(Walk):
    def reset(self, seed, options=None):
        options["scene"].append(seed)
        return super().reset(seed, options)


class AskingNobodyForGood(Walk):
    def say(self, rewards):
        return TimeStep({"a": ActionRequest(Step, required=False)})


class CrashingInItsThirdStep(Walk):
    def step(self, actions, now=0.0):
        return super().step(actions, now) if self.count < 2 else {}["the third"]


class CrashingInItsReset(Walk):
    def reset(self, seed, options=None):
        raise LookupError(options)


class AnsweringWithATuple(Walk):
    def say(self, rewards):
        return ({}, 0.0, True, {})


MUTANTS = {
    NondeterministicFromTheSecondStep: r"step 2 of seed \d+: the same seed and actions must give",
    LeakingOverReset: r"step 0 of .*reset\(\) must leave nothing behind.*expected.*got",
    ReturningOneBufferTwice: "what was handed out must not change.*; hand out a copy",
    ReturningOneArrayTwice: "what was handed out must not change.*; hand out a copy",
    RewardingWithNaN: "step 3 of .*the reward of 'a' must be a finite number, got nan",
    RewardingAnUnknownSeat: r"rewards must be for seats of the world \('a', 'b'\), got 'ghost'",
    TellingAnUnknownSeat: r"observations must be for seats of the world \('a', 'b'\), got 'ghost'",
    AskingAnUnknownSeat: r"requests must be for seats of the world \('a', 'b'\), got 'ghost'",
    ChangedByAnIllegalAction: "a refused action must leave the state as it was: expected",
    DrawingFromTheGlobalGenerator: r"step 1 of .*step\(\) must leave the global .* of random",
    DrawingFromNumpysGlobalGenerator: r"step 0 .*reset\(\) must leave the global .* of numpy",
    ReadingTheGlobalGenerator: "other worlds and global generators must make no difference",
    SharingStateAmongWorlds: "other worlds and global generators must make no difference",
    LyingAboutWhatIsLegal: "listed as legal must be taken.*'right'.*refused: there is a wall",
    TakingWhatIsNotLegal: "expected IllegalAction for .*, got them taken",
    CrashingOnWhatIsNotLegal: "expected IllegalAction for .*, got KeyError",
    NeverEnding: "expected an end within 50 steps, got none",
    AskingASeatThatHasEnded: "requests must hold no seat that has ended before, got 'b'",
    RewardingASeatThatHasEnded: "rewards must hold no seat that has ended before, got 'b'",
    LeavingASeatWithoutAnEnd: r"expected every seat to have ended .*, got \['b'\]",
    ShowingWhatIsNoData: "observations of 'a' must be data, .*, got an object of type object",
    ShowingAnAddress: "observations of 'a' must show no address .*, got '<object object at 0x",
    ShowingAFunction: "observations of 'a' must show no address .*, got '<lambda> at 0x",
    ShowingCode: "observations of 'a' must show no address .*, got '<module> at 0x",
    SettingADeadlineInThePast: r"deadline of 'a' must be a time from now \(0.0\) on, got -1.0",
    ChangingItsOptions: r"leave the options .*: expected {'scene': \[\]}, got {'scene': \[\d+\]}",
    AskingNobodyForGood: "something must set a time: a wake or a deadline, got none .*'a'",
    CrashingInItsThirdStep: r"step 3 of seed \d+: step\(\) must raise .* got KeyError: 'the third",
    CrashingInItsReset: r"step 0 of .*: reset\(\) must raise nothing but .*, got LookupError: {",
    OfferingAnIllegalDefault: "the default of 'a' must be legal, got 'right': expected one of",
    RefusingItsDefault: "the default of 'a' must be taken, got PASS refused: you must move",
    AskingWithNothingLegal: "legal of 'a' must not be empty",
    WakingInThePast: r"wake must be a time from now \(0.0\) on, got -1.0",
    ShowingABareText: "observations of 'a' must be a list, got 'it is .*'; put it into a list",
    AnsweringWithATuple: "expected a TimeStep, got",
}


@pytest.mark.parametrize(
    ("mutant", "message"), MUTANTS.items(), ids=[mutant.__name__ for mutant in MUTANTS]
)
def test_a_wrong_world_of_each_kind_is_caught(mutant, message):
    with pytest.raises(EnvironmentContractError, match=f"{mutant.__name__} at .*{message}"):
        check_environment(mutant, max_steps=50, options={"scene": []})


def test_a_limit_reported_as_termination_is_caught():
    with pytest.raises(EnvironmentContractError, match="limit of 8 steps must be 'truncated', got"):
        check_environment(ReportingItsLimitAsTermination, limit=8)


def test_an_end_after_the_declared_limit_is_caught():
    with pytest.raises(EnvironmentContractError, match="longest episode to have 8 steps, got 9"):
        check_environment(EndingAfterItsLimit, limit=8)


def test_something_that_is_no_world_is_refused():
    with pytest.raises(EnvironmentContractError, match="expected an Environment with seats"):
        check_environment(object)


def test_options_reach_every_reset():
    seen = []

    class Optional(Walk):
        def reset(self, seed, options=None):
            seen.append(options)
            return super().reset(seed, options)

    check_environment(Optional, episodes=1, options={"scene": 3})

    assert set(map(repr, seen)) == {"{'scene': 3}"}
