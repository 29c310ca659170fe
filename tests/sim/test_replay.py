"""Runs played again from their effects, and where they part from their record."""

import pytest
from msgspec import structs

from simlab.errors import LogDamagedError, ReplayDivergence
from simlab.models.scripted import ScriptedModel
from simlab.sim.replay import requests_at
from simlab.sim.run import Run
from simlab.sim.summary import write_summary
from simlab.trace.events import Effect, EffectCore, Started, StartedCore, Stepped, SteppedCore
from simlab.trace.plain import plain
from tests.sim.records import contents, replayed
from tests.sim.worlds import QUESTIONS, Bells, Relay
from tests.trace.rewriting import rewrite

WORLDS = "tests.sim.worlds"
JUDGES = "tests.sim.judges"
CURIOUS = {"*": {"agent": f"{WORLDS}:Curious"}}


STRANGE = """
from simlab import effect

class Thing:
    pass

async def act(request):
    await effect("tool", Thing(), lambda seed: Thing())
    return Thing()
"""
"""An agent that asks for, gets and does what no record has a form for."""


RESEARCHER = """
from simlab import effect
from simlab.models.model import ChatMessage

class Researcher:
    def __init__(self, model):
        self.model = model

    async def observe(self, observation):
        pass

    async def act(self, request):
        return await effect("tool", request.prompt, self.search)

    async def search(self, seed):
        found = await self.model.generate([ChatMessage("user", "What is new?")])
        return found.text + await effect("tool", "more", lambda seed: "more")
"""
"""An agent whose tool asks a model and another tool."""


HASTY = """
import asyncio
from contextlib import suppress

from simlab import effect
from simlab.errors import SimlabError

async def wait(seed):
    await asyncio.Event().wait()

async def prefetch():
    with suppress(SimlabError):  # what is refused is told by the episode
        await effect("tool", "prefetch", wait)

class Hasty:
    def __init__(self, begins):
        self.begins = begins

    async def observe(self, observation):
        pass

    async def act(self, request):
        self.task = asyncio.create_task(prefetch())
        if self.begins:
            await asyncio.sleep(0)
        return "done"
"""
"""An agent that looks ahead while the world goes on."""


LATE = """
import asyncio
from contextlib import suppress

from simlab import effect
from simlab.errors import SimlabError

class Late:
    def __init__(self):
        self.known, self.task = asyncio.Event(), None

    async def observe(self, observation):
        pass

    async def act(self, request):
        if self.task is None:
            self.task = asyncio.create_task(self.follow_up())
        else:
            await effect("tool", "look up", self.look_up)
        return "done"

    async def look_up(self, seed):
        self.known.set()
        await asyncio.sleep(0)

    async def follow_up(self):
        await self.known.wait()
        with suppress(SimlabError):  # what is refused is told by the episode
            await effect("tool", "follow up", lambda seed: "more")
"""
"""An agent that makes a call when its turn is over, at a time that no record tells."""


def steps_of(run, episode=0):
    """The seed of an episode, and its steps."""
    (started,) = run.log.events(episode, (Started,))
    steps = [run.log.core(event, SteppedCore) for event in run.log.events(episode, (Stepped,))]
    return run.log.core(started, StartedCore), steps


@pytest.fixture
def no_model(monkeypatch):
    """After it is called, every call of a model fails the test."""

    async def refuse(*_, **__):
        raise AssertionError("a replay asked a model")

    def forbid():
        monkeypatch.setattr(ScriptedModel, "generate", refuse)
        monkeypatch.setattr(ScriptedModel, "choice_logprobs", refuse)

    return forbid


def test_sim_7_a_replay_asks_no_model_and_writes_nothing(relay, no_model):
    run = relay(episodes=3)
    before = contents(run)
    no_model()

    assert replayed(run) == 3
    assert contents(run) == before


def test_sim_7_answers_that_no_seed_gives_again_are_replayed_as_they_were(relay):
    models = {"small": {"engine": "tests.sim.models:Moody"}}
    one, other = relay("one", models=models), relay("other", models=models)

    assert one.digest != other.digest, "this model never says the same twice"
    assert (replayed(one), replayed(other)) == (1, 1)


def test_sim_7_one_changed_prompt_is_told_with_episode_step_and_both_sides(relay, monkeypatch):
    run = relay(cast=CURIOUS)
    monkeypatch.setattr(f"{WORLDS}.QUESTIONS", [QUESTIONS[0], "How old are you?"])

    with pytest.raises(ReplayDivergence) as caught:
        replayed(run)

    message = caught.value.message
    assert message.startswith("episode 0, step 2: the replay parts from the record: 'ann'")
    recorded, replayed_ = message.split("replayed:")
    assert "What is your age?" in recorded
    assert "How old are you?" in replayed_


def test_an_agent_that_asks_less_than_it_did_is_told(relay, monkeypatch):
    run = relay(cast=CURIOUS)

    async def guess(_self, _request):
        return "I guess."

    monkeypatch.setattr(f"{WORLDS}.Curious.act", guess)

    with pytest.raises(ReplayDivergence, match=r"'ann' in step 0 here, the replay did without"):
        replayed(run)


def test_a_world_that_has_changed_is_told(relay, monkeypatch):
    run = relay()
    monkeypatch.setattr(f"{WORLDS}.REWARD", 2.0)

    with pytest.raises(ReplayDivergence, match=r"episode 0, step 0: the replay parts from the rec"):
        replayed(run)


def test_an_agent_that_does_something_else_is_told(relay, monkeypatch):
    run = relay(cast={"*": {"agent": f"{WORLDS}:one_line"}})
    monkeypatch.setattr(f"{WORLDS}.one_line", lambda request: "changed")  # noqa: ARG005

    with pytest.raises(
        ReplayDivergence, match=r"(?s)recorded: .*always the same.*replayed: .*chan"
    ):
        replayed(run)


def test_a_completion_that_was_rewritten_with_a_valid_checksum_is_told_with_both_sides(relay):
    run = relay(cast=CURIOUS)
    *_, last = steps_of(run)[1]
    (said,) = [act.action for act in last.acted]
    forged = said.replace(said[:5], "Forge")
    rewrite(run.directory, Effect.KIND, said.encode(), forged.encode())

    with pytest.raises(ReplayDivergence) as caught:
        replayed(run)

    assert caught.value.message.startswith("episode 0, step ")
    assert said[:8] in caught.value.message
    assert forged[:8] in caught.value.message


def test_a_flipped_byte_is_told_with_segment_and_offset(relay):
    run = relay()
    (segment,) = run.directory.segments()
    data = bytearray(segment.path.read_bytes())
    data[len(data) // 2] ^= 1
    segment.path.write_bytes(data)

    with pytest.raises(LogDamagedError, match=rf"{segment.path.name}.* byte \d+"):
        replayed(run)


def test_a_log_that_is_not_the_one_with_which_the_run_has_ended_is_told(relay):
    run = relay(episodes=2)
    write_summary(run.directory, structs.replace(run.summary, digest="ab" * 16))

    with pytest.raises(LogDamagedError, match=f"ended with digest {'ab' * 16}.*{run.log.digest()}"):
        replayed(run)


def test_a_segment_that_was_removed_is_told_by_name(relay):
    run = relay()
    (segment,) = run.directory.segments()
    segment.path.unlink()

    with pytest.raises(LogDamagedError, match=f"segment {segment.path.name} is missing"):
        replayed(run)


@pytest.mark.parametrize(
    "keys",
    [
        {"cast": {"*": {"agent": f"{WORLDS}:Poisoned"}}},
        {"options": {"crash_at": 2}},
        {"models": {"small": {"engine": "scripted", "fail_rate": 0.5}}},
        {"options": {"default": None}, "cast": {"*": {"agent": f"{WORLDS}:Stubborn"}}},
        {"judges": {"bad": {"agent": f"{JUDGES}:BrokenJudge"}}},
    ],
)
def test_a_failed_episode_fails_again_in_the_same_way(relay, keys):
    run = relay(episodes=3, **keys)

    assert run.summary.n_failed > 0
    assert replayed(run) == 3


@pytest.mark.parametrize(
    "keys",
    [
        {"cast": {"*": {"agent": "random"}}},
        {"cast": {"*": {"agent": f"{WORLDS}:Stubborn"}}},
        {"cast": {"*": {"agent": f"{WORLDS}:Taboo"}}, "options": {"taboo": "bad word"}},
        {"judges": {"j": {"agent": "rating", "question": "How polite was it?"}}},
        {"clock": {"latency": "per_token", "seconds": 1.0}, "options": {"closes": 30.0}},
        {"cast": {"*": {"memory": {"kind": "window", "max_tokens": 60}}}},
    ],
)
def test_whatever_happened_in_an_episode_happens_again(relay, keys):
    assert replayed(relay(episodes=2, **keys)) == 2


def test_models_and_effects_that_an_effect_calls_are_replayed_as_part_of_it(relay, own_file):
    file = own_file(RESEARCHER)
    run = relay(
        cast={"*": {"agent": f"{file}:Researcher"}},
        models={"small": {"engine": "tests.sim.models:Moody"}},
    )

    assert run.summary.n_ended == 1
    assert replayed(run) == 1


@pytest.mark.parametrize("begins", [True, False])
def test_an_agent_that_leaves_a_call_under_way_fails_its_episode_with_the_remedy(
    relay, own_file, begins
):
    file = own_file(HASTY)
    run = relay(cast={"*": {"agent": f"{file}:Hasty", "begins": begins}})

    failed = run.summary.episodes[0]
    assert failed.boundary == "agent"
    assert failed.failure.startswith("'ann' ")
    assert failed.failure.endswith(
        "await every call before returning, as an asyncio.TaskGroup does"
    )
    assert replayed(run) == 1


def test_a_call_that_comes_too_late_fails_its_episode_and_again_in_a_replay(relay, own_file):
    run = relay(cast={"*": {"agent": f"{own_file(LATE)}:Late"}})

    (failed,) = run.summary.episodes
    assert (failed.n_steps, failed.boundary) == (2, "agent")
    assert failed.failure.startswith("'ann' makes a call of kind 'tool' when its turn in step 0 is")
    assert replayed(run) == 1


def test_a_failure_whose_words_are_no_utf_8_is_recorded_and_met_again(relay, own_file):
    file = own_file("def act(request):\n    raise ValueError('odd \\ud800')\n")
    run = relay(cast={"*": {"agent": f"{file}:act"}})

    assert run.summary.episodes[0].failure.endswith("raised ValueError: odd ?")
    assert replayed(run) == 1


def test_the_digest_does_not_tell_in_which_folder_a_users_file_lies(relay, own_file, tmp_path):
    digests = []
    for folder in "ab":
        (tmp_path / folder).mkdir()
        file = own_file(STRANGE, f"{folder}/mine.py")
        digests.append(relay(f"run-{folder}", cast={"*": {"agent": f"{file}:act"}}).digest)

    assert digests[0] == digests[1]


@pytest.mark.parametrize("step", range(5))
async def test_the_requests_of_any_step_are_found_by_a_replay_up_to_it(relay, step):
    run = relay(options={"turns": 4})

    requests = await requests_at(Run(run.path), 0, step)

    asked = {("ann", "bob")[step % 2]: f"Turn {step}: say something."} if step < 4 else {}
    assert {seat: request.prompt for seat, request in requests.items()} == asked
    assert all(request.space is str for request in requests.values())


def test_env_7_a_world_follows_from_its_seed_and_the_recorded_actions_alone(relay):
    started, steps = steps_of(relay(options={"turns": 5}))
    world = Relay(turns=5)

    timesteps = [world.reset(started.seed)]
    timesteps += [world.step({a.seat: a.action for a in core.acted}, core.now) for core in steps]

    assert plain(timesteps) == [started.timestep, *(core.timestep for core in steps)]


def test_a_seat_that_wakes_often_in_one_step_asks_the_same_thing_each_time_anew(relay):
    run = relay(
        world=f"{WORLDS}:Bells",
        options={"ringers": 1, "closes": 7.0},
        cast={"*": {"agent": f"{WORLDS}:Dozer"}},
        models={"small": {"engine": "tests.sim.models:Moody"}},
    )

    keys = [
        (core.actor, core.step, core.span, core.request, core.nth)
        for core in (run.log.core(event, EffectCore) for event in run.log.events(0, (Effect,)))
        if core.kind == "model"
    ]
    assert len(keys) == len(set(keys)) > 3
    assert replayed(run) == 1


def ringers(*periods):
    return {f"bell_{n}": {"agent": f"{WORLDS}:Ringer", "period": p} for n, p in enumerate(periods)}


def test_env_11_agents_with_periods_of_their_own_ring_in_one_order_in_every_run(relay):
    keys = {"world": f"{WORLDS}:Bells", "cast": ringers(2.0, 3.0, 4.0)}
    one, other = relay("one", **keys), relay("other", **keys)

    _, steps = steps_of(one)
    rung = [(core.now, [act.seat for act in core.acted]) for core in steps]
    assert rung[:3] == [(2.0, ["bell_0"]), (3.0, ["bell_1"]), (4.0, ["bell_0", "bell_2"])]
    assert one.digest == other.digest
    assert replayed(one) == 1


def test_env_12_what_happened_on_a_real_clock_is_met_again_in_the_order_of_arrival(relay):
    clock = {"kind": "real", "speed": 300.0}
    run = relay(world=f"{WORLDS}:Bells", cast=ringers(2.0, 3.0, 4.0), clock=clock)

    started, steps = steps_of(run)
    times = [core.now for core in steps]
    assert times == sorted(times)
    assert times[0] >= 2.0
    assert any(core.acted for core in steps)
    assert replayed(run) == 1

    world = Bells()
    timesteps = [world.reset(started.seed)]
    timesteps += [world.step({a.seat: a.action for a in core.acted}, core.now) for core in steps]
    assert plain(timesteps) == [started.timestep, *(core.timestep for core in steps)]
