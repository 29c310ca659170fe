# ruff: noqa: ARG001, ARG002 - scripts take seed and options whether they use them or not

import inspect
import textwrap
from typing import Literal

import pytest

import simlab.env
import simlab.env.script as script_module
from simlab.env.check import check_environment
from simlab.env.environment import ActionRequest, Environment, SeatSpec, TimeStep, Utterance
from simlab.env.script import Script, ScriptError, script
from simlab.errors import IllegalAction

END = {"guesser": "terminated"}


@script({"guesser": SeatSpec("You guess a number.")})
def guessing(seed, options):
    """Guess the seed modulo ten, never lower than before."""
    secret, low = seed % options.get("modulus", 10), 0
    told, guess = [], -1
    while guess != secret:
        request = ActionRequest(Literal[tuple(range(10))], default=9)
        actions = yield TimeStep({"guesser": request}, {"guesser": told})
        guess, low = actions["guesser"], max(low, actions["guesser"])
        if guess < low:
            raise IllegalAction.of("guesser", f"guess must be at least {low}, got {guess}")
        told = [f"{guess} is wrong"]
        if guess == 9 != secret:
            break
    return TimeStep({}, {"guesser": ["over"]}, {"guesser": float(guess == secret)}, END)


@script({"seat": SeatSpec()})
def waking(seed, options):
    actions = yield TimeStep({"seat": ActionRequest(required=False)}, wake=5.0)
    actions = yield TimeStep({"seat": ActionRequest()}, {"seat": [actions.now, dict(actions)]})
    return TimeStep({}, {"seat": [actions.now]}, ended={"seat": "terminated"})


def test_a_script_is_a_world_like_others():
    world = guessing()

    assert isinstance(world, Environment)
    assert world.seats["guesser"].role == "You guess a number."
    assert guessing.__doc__ == "Guess the seed modulo ten, never lower than before."
    assert (guessing.__module__, guessing.__name__) == (__name__, "guessing")


def test_the_example_in_the_documentation_plays():
    example = inspect.getdoc(script_module).partition("::\n\n")[2].partition("\nEach")[0]
    names = dict(vars(simlab.env), script=script)
    exec(textwrap.dedent(example), names)
    world = names["questions"]()

    world.reset(0)
    heard = world.step({"asker": "Why?"})

    assert heard.observations == {"oracle": [Utterance("asker", "Why?")]}
    assert world.step({"oracle": "Because."}).over


def test_a_script_keeps_the_contract():
    check_environment(guessing)


def test_a_script_plays_from_reset_to_what_it_returns():
    world = guessing()
    world.reset(13)

    middle = world.step({"guesser": 1})
    last = world.step({"guesser": 3})

    assert middle.observations == {"guesser": ["1 is wrong"]}
    assert last.over
    assert last.rewards == {"guesser": 1.0}


def test_env_13_a_refusal_inside_a_script_leaves_its_state_as_it_was():
    """The script has changed `low` before it raises; the refused guess must not count."""
    world = guessing()
    world.reset(18)
    world.step({"guesser": 5})

    for guess in (4, 3):
        with pytest.raises(IllegalAction, match=rf"guess must be at least 5, got {guess}"):
            world.step({"guesser": guess})
    last = world.step({"guesser": 8})

    assert last.rewards == {"guesser": 1.0}


def test_a_refused_action_is_not_played_again_with_the_others():
    taken = []

    class Counting(Script):
        seats = {"a": SeatSpec()}  # noqa: RUF012

        def play(self, seed, options):
            for _ in range(2):
                actions = yield TimeStep({"a": ActionRequest()})
                taken.append(actions["a"])
                if actions["a"] == "no":
                    raise IllegalAction.of("a", "not that")
            return TimeStep(ended={"a": "terminated"})

    world = Counting()
    world.reset(0)
    world.step({"a": "yes"})
    with pytest.raises(IllegalAction):
        world.step({"a": "no"})

    assert world.step({"a": "done"}).over
    assert taken == ["yes", "no", "yes", "done"]


def test_actions_come_fitted_and_checked_so_that_a_script_need_not():
    world = guessing()
    world.reset(3)

    with pytest.raises(IllegalAction, match=r"the answer must be 0, 1, .*, got 11"):
        world.step({"guesser": 11})
    with pytest.raises(IllegalAction, match="expected an action of 'guesser', got none"):
        world.step({})

    assert world.step({"guesser": "3"}).over


def test_actions_carry_world_time():
    world = waking()
    world.reset(0)

    woken = world.step({}, now=5.0)
    last = world.step({"seat": "hello"}, now=7.5)

    assert woken.observations == {"seat": [5.0, {}]}
    assert last.observations == {"seat": [7.5]}


def test_options_of_an_episode_win_over_those_of_the_world():
    world = guessing(modulus=4)

    world.reset(7)
    assert world.step({"guesser": 3}).over
    world.reset(7, {"modulus": 5})
    assert world.step({"guesser": 2}).over


def test_a_script_that_returns_nothing_is_refused_by_name():
    @script({"a": SeatSpec()})
    def careless(seed, options):
        yield TimeStep({"a": ActionRequest()})

    world = careless()
    world.reset(0)

    words = "careless must return a time step without requests and wake, got None"
    with pytest.raises(ScriptError, match=words):
        world.step({"a": Utterance("a", "x").text})


def test_a_script_that_returns_before_its_end_is_told_what_it_still_asks():
    @script({"a": SeatSpec()})
    def hasty(seed, options):
        yield TimeStep({"a": ActionRequest()})
        return TimeStep({"a": ActionRequest()}, wake=3.0)

    world = hasty()
    world.reset(0)

    with pytest.raises(ScriptError, match=r"got one that asks \['a'\] with wake 3.0"):
        world.step({"a": "x"})


def test_a_script_that_yields_nothing_is_over_from_the_beginning():
    @script({"a": SeatSpec()})
    def short(seed, options):
        return TimeStep(ended={"a": "terminated"})
        yield

    assert short().reset(0).over
