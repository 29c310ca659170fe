"""Branches: what they share with their parent, and how they go on."""

import asyncio
import json

import pytest

from simlab.errors import ConfigError, RunDirectoryError
from simlab.sim.branching import branching_of
from simlab.sim.launch import prepare_branch, run
from simlab.sim.run import Run
from simlab.sim.simulation import Simulation
from simlab.trace.events import Effect
from simlab.trace.writer import SegmentWriter
from tests.sim.records import contents, deeds, records, replayed
from tests.sim.test_launch import interrupt_at
from tests.trace.children import kill_oneself, killed

WORLDS = "tests.sim.worlds"


@pytest.mark.parametrize("step", [0, 1, 2, 4])
def test_sim_8_a_branch_shares_what_is_below_its_step_and_asks_nothing_of_it_again(
    relay, branch, calls, step
):
    parent = relay(models=calls.models)
    before, n_calls = contents(parent), calls.count()

    made = branch(parent, step=step)

    assert records(made, step) == records(parent, step)
    assert calls.count() - n_calls == 4 - step
    assert contents(parent) == before


def test_a_branch_in_which_nothing_is_changed_goes_on_as_its_parent_did(relay, branch):
    parent = relay()

    made = branch(parent, step=2)

    assert deeds(made) == deeds(parent)
    assert made.file.name == "relay-branch"


def test_what_is_said_takes_the_place_of_the_seats_action(relay, branch):
    parent = relay(options={"turns": 6})

    made = branch(parent, step=2, say={"ann": "No."})

    assert deeds(made)[:2] == deeds(parent)[:2]
    assert deeds(made)[2] == "No."
    (edited,) = [turn.step for turn in made.episode(0).turns() if turn.acted.edited]
    assert edited == 2
    assert replayed(made) == 1


def test_the_others_hear_what_was_said(relay, branch):
    cast = {"*": {"agent": f"{WORLDS}:Chatter"}}

    made = branch(relay(cast=cast), step=1, say={"bob": "Fire!"})

    assert deeds(made)[2] == "well (bob: Fire!)"


def test_what_is_said_may_be_an_action_in_json(relay, branch):
    parent = relay(
        world="simlab.env.car_sale:CarSale", cast={"*": {}}, options={"buyer_limit": 9000}
    )

    made = branch(parent, step=1, say={"seller": json.dumps({"say": "Take it.", "price": 6000})})

    assert made.episode(0).turns()[1].acted.action["price"] == 6000


def test_words_go_into_the_text_field_of_an_action(relay, branch):
    parent = relay(world="simlab.env.car_sale:CarSale", cast={"*": {}})

    made = branch(parent, step=1, say={"seller": "No."})

    action = made.episode(0).turns()[1].acted.action
    assert (action["say"], action["price"]) == ("No.", None)


def test_a_changed_agent_is_rebuilt_from_what_its_seat_perceived_and_goes_on(relay, branch):
    parent = relay(cast={"*": {"agent": f"{WORLDS}:Chatter"}}, options={"turns": 6})

    made = branch(parent, step=3, settings=["cast.bob.words=hm"])

    assert deeds(made)[:3] == deeds(parent)[:3]
    assert deeds(made)[3].startswith("hm (ann: well (bob: ")
    assert deeds(made)[4].startswith("well (bob: hm")
    assert replayed(made) == 1


def test_a_changed_agent_takes_its_seat_though_another_moves_at_the_step(relay, branch):
    parent = relay(cast={"*": {"agent": f"{WORLDS}:Chatter"}})

    made = branch(parent, step=2, settings=["cast.bob.words=hm"])

    assert deeds(made)[:3] == deeds(parent)[:3]
    assert deeds(made)[3].startswith("hm (ann: ")
    assert replayed(made) == 1


def test_a_changed_persona_is_another_prompt_from_its_step_on(relay, branch, calls):
    parent = relay(models=calls.models)
    n_calls = calls.count()

    made = branch(parent, step=2, settings=["cast.ann.persona=You are rude."])

    assert calls.count() - n_calls == 2
    requests = [str(made.log.whole(event.request)) for event in made.log.events(0, (Effect,))]
    assert ["You are rude." in request for request in requests] == [False, False, True, False]
    assert replayed(made) == 1


def test_a_summarising_memory_is_rebuilt_with_its_summaries_asked_for_anew(relay, branch):
    memory = {"kind": "summary", "max_tokens": 64}
    parent = relay(cast={"*": {"memory": memory}}, options={"turns": 8})

    made = branch(parent, step=5, settings=["cast.bob.persona=You are rude."])

    assert replayed(parent) == replayed(made) == 1


def test_a_changed_model_takes_over_at_the_step(relay, branch):
    parent = relay()

    made = branch(parent, step=2, settings=["models.small.script=simlab.models.scripts:echo"])

    assert deeds(made)[:2] == deeds(parent)[:2]
    assert deeds(made)[2:] != deeds(parent)[2:]
    assert replayed(made) == 1


def test_judges_may_be_changed_since_they_come_after_the_end(relay, branch):
    parent = relay()

    made = branch(parent, step=4, settings=["judges.length.agent=tests.sim.judges:LengthJudge"])

    assert made.episode(0).summary.scores["length"] > 0
    assert parent.episode(0).summary.scores == {}


def test_samples_are_fresh_continuations_of_one_beginning(relay, branch):
    parent = relay(options={"turns": 6})

    made = branch(parent, step=2, seed=5, samples=3)
    again = branch(parent, step=2, seed=5, samples=3, out="again")

    stories = [deeds(made, episode) for episode in range(3)]
    assert {tuple(story[:2]) for story in stories} == {tuple(deeds(parent)[:2])}
    assert len({tuple(story) for story in stories}) == 3
    assert made.digest == again.digest
    assert replayed(made) == 3


def test_samples_of_a_sample_are_fresh_continuations_that_follow_from_their_own_seed(relay, branch):
    parent = relay(options={"turns": 6})
    first = branch(parent, step=1, seed=5, samples=2, out="first")
    story = deeds(first, 1)

    made = branch(first, episode=1, step=3, seed=6, samples=3, out="a")
    again = branch(first, episode=1, step=3, seed=6, samples=3, out="b")
    other = branch(first, episode=1, step=3, seed=7, samples=3, out="c")

    stories = [deeds(run, episode) for run in (made, other) for episode in range(3)]
    assert {tuple(each[:3]) for each in stories} == {tuple(story[:3])}
    assert len({tuple(each) for each in [story, *stories]}) == 7
    assert made.digest == again.digest != other.digest
    assert replayed(made) == 3


RANDOM = {
    "world": "simlab.env.iterated_dilemma:IteratedDilemma",
    "cast": {"*": {"agent": "random"}},
    "options": {"talk": False, "rounds": 20},
}
"""Two who move at once, twenty times, at random; a step has two deeds."""


@pytest.mark.parametrize("persistent", [False, True])
def test_samples_of_agents_that_draw_are_fresh_continuations(relay, branch, persistent):
    cast = {"*": {"agent": "random", "persistent": persistent}}
    parent = relay(**{**RANDOM, "cast": cast})

    made = branch(parent, step=2, seed=5, samples=3)
    again = branch(parent, step=2, seed=5, samples=3, out="again")

    stories = [deeds(parent), *(deeds(made, episode) for episode in range(3))]
    assert {tuple(story[:4]) for story in stories} == {tuple(deeds(parent)[:4])}
    assert len({tuple(story) for story in stories}) == 4
    assert made.digest == again.digest
    assert replayed(made) == 3


def test_agents_that_draw_go_on_as_they_did_where_no_seed_is_given(relay, branch):
    parent = relay(**RANDOM)
    first = branch(parent, step=2, seed=5, samples=3, out="first")

    plain = branch(parent, step=2, out="plain")
    second = branch(first, episode=2, step=5, out="second")
    third = branch(second, step=8, out="third")

    assert deeds(plain) == deeds(parent)
    assert deeds(third) == deeds(second) == deeds(first, 2)
    assert replayed(third) == 1


def test_agents_that_draw_in_a_branch_of_a_sample_follow_each_seed_from_its_step_on(relay, branch):
    parent = relay(**RANDOM)
    first = branch(parent, step=2, seed=5, samples=2, out="first")
    second = branch(first, episode=1, step=5, seed=6, samples=2, out="second")

    third = branch(second, episode=1, step=8, seed=7, out="third")

    assert deeds(second, 1)[:10] == deeds(first, 1)[:10]
    assert deeds(third)[:16] == deeds(second, 1)[:16]
    assert len({tuple(deeds(run, n)) for run, n in ((first, 1), (second, 1), (third, 0))}) == 3
    assert replayed(third) == 1


def test_an_agent_whose_seed_is_set_draws_by_that_alone(relay, branch):
    parent = relay(**{**RANDOM, "cast": {"*": {"agent": "random", "seed": 3}}})

    made = branch(parent, step=2, seed=5)

    assert deeds(made) == deeds(parent)


def test_a_branch_whose_file_lacks_something_is_refused(relay, branch):
    made = branch(relay(), step=2)
    record = made.directory.read_run()
    del record["branch"]["forks"][0]["sampling_seed"]
    made.directory.write_run(record)

    with pytest.raises(RunDirectoryError, match=r"must have 'sampling_seed' under 'branch', got n"):
        replayed(made)


def test_a_branch_of_a_sample_in_which_nothing_is_changed_goes_on_as_that_did(relay, branch):
    parent = relay(options={"turns": 6})
    first = branch(parent, step=1, seed=5, samples=3, out="first")

    second = branch(first, episode=2, step=3, out="second")
    third = branch(second, step=2, out="third")

    assert deeds(third) == deeds(second) == deeds(first, 2) != deeds(parent)
    assert replayed(third) == 1


def test_below_the_step_of_a_sample_what_is_drawn_follows_from_the_seed_that_was_given(
    relay, branch
):
    parent = relay(options={"turns": 6})
    sampled = branch(parent, step=3, seed=5, samples=2, out="sampled")

    from_sample = branch(sampled, episode=1, step=1, seed=6, out="a")
    from_parent = branch(parent, step=1, seed=6, out="b")

    assert deeds(from_sample) == deeds(from_parent) != deeds(parent)


def test_a_branch_of_another_episode_has_that_ones_seed(relay, branch):
    parent = relay(episodes=3)

    made = branch(parent, episode=2, step=1)

    assert deeds(made) == deeds(parent, 2) != deeds(parent, 0)
    assert records(made, 1) == records(parent, 1, episode=2)


def test_sim_8_a_branch_of_a_branch_shares_both_beginnings(relay, branch, calls):
    parent = relay(options={"turns": 6}, models=calls.models)
    first = branch(parent, step=2, say={"ann": "No."}, out="first")
    n_calls = calls.count()

    second = branch(first, step=4, settings=["cast.ann.persona=You are rude."], out="second")

    assert records(second, 4) == records(first, 4)
    assert deeds(second)[:2] == deeds(parent)[:2]
    assert deeds(second)[2] == "No."
    assert calls.count() - n_calls == 2
    assert replayed(second) == 1


def test_a_branch_of_a_branch_below_its_fork_shares_the_first_beginning_only(relay, branch):
    parent = relay(options={"turns": 6})
    first = branch(parent, step=4, say={"ann": "No."}, out="first")

    second = branch(first, step=2, out="second")

    assert deeds(second) == deeds(parent)
    assert replayed(second) == 1


def test_a_branch_of_a_changed_branch_below_its_fork_takes_the_change_at_its_own(relay, branch):
    parent = relay(cast={"*": {"agent": f"{WORLDS}:Chatter"}}, options={"turns": 6})
    first = branch(parent, step=4, settings=["cast.ann.words=hm"], out="first")

    second = branch(first, step=2, out="second")

    assert deeds(second)[:2] == deeds(parent)[:2]
    assert deeds(second)[2].startswith("hm ")
    assert replayed(second) == 1


def test_interlab_21_a_branch_counts_its_own_steps_and_does_not_finish_its_parent(
    relay, branch, tmp_path
):
    with pytest.raises(KeyboardInterrupt):
        relay(options={"turns": 12}, observer=interrupt_at(2))
    parent = Run(tmp_path / "run")
    n_steps = parent.log.n_steps(0)

    made = branch(parent, step=1)

    assert (made.episode(0).summary.state, made.episode(0).summary.n_steps) == ("ended", 12)
    again = Run(tmp_path / "run").summary.episodes[0]
    assert (again.state, again.n_steps) == ("unfinished", n_steps)


def test_interlab_28_a_branch_copies_no_world_and_so_needs_no_guard_against_it(relay, branch):
    """InterLab branches by a deep copy, behind a guard of the memory that it takes."""
    parent = relay(world=f"{WORLDS}:Sealed", options={"turns": 6})

    made = branch(parent, step=3, say={"bob": "No."})

    assert deeds(made)[:4] == [*deeds(parent)[:3], "No."]
    assert made.summary.n_ended == 1


async def test_sim_8_two_branches_of_one_parent_that_live_at_once_share_no_state(
    relay, branch, tmp_path
):
    latency = {"engine": "scripted", "latency_jitter_s": 0.001}
    parent = relay(options={"turns": 6}, models={"small": latency})
    alone = [branch(parent, step=2, say={"ann": word}, out=word) for word in ("Yes.", "No.")]
    launches = [
        prepare_branch(
            parent.path, episode=0, step=2, say={"ann": word}, out=tmp_path / f"{word} at once"
        )
        for word in ("Yes.", "No.")
    ]

    await asyncio.gather(*(simulation_of(launch).run() for launch in launches))

    at_once = [Run(launch.directory.path).digest for launch in launches]
    assert at_once == [made.digest for made in alone]
    assert len(set(at_once)) == 2


def simulation_of(launch):
    """The simulation of a branch, to be run in an event loop that has others as well."""
    kept = launch.directory.read_run()
    return Simulation(launch.file, launch.directory, branching=branching_of(kept))


def test_a_failed_episode_may_be_branched_before_it_failed(relay, branch):
    parent = relay(cast={"*": {"agent": f"{WORLDS}:Poisoned"}})

    settings = [f"cast.ann.agent={WORLDS}:Chatter", f"cast.bob.agent={WORLDS}:Chatter"]
    made = branch(parent, step=2, settings=settings)

    assert parent.summary.n_failed == 1
    assert made.summary.n_ended == 1
    assert replayed(made) == 1


def test_an_interrupted_branch_is_gone_on_with(relay, branch, tmp_path):
    parent = relay()
    whole = branch(parent, step=2, say={"ann": "No."}, out="whole")
    launch = prepare_branch(
        parent.path, episode=0, step=2, say={"ann": "No."}, out=tmp_path / "cut"
    )

    cut = run(launch.directory.path, resume=True, hosts=0)

    assert cut.digest == whole.digest


def test_a_branch_that_is_killed_while_it_is_made_is_no_run(relay, tmp_path, monkeypatch):
    parent = relay()
    append = SegmentWriter.append

    def append_some(writer, kind, episode, payload):
        append(writer, kind, episode, payload)
        if writer.path.stat().st_size > 400:
            kill_oneself()

    monkeypatch.setattr(SegmentWriter, "append", append_some)
    killed(lambda: prepare_branch(parent.path, episode=0, step=3, out=tmp_path / "branch"))

    assert (tmp_path / "branch" / "segments" / "000001-shared.log").stat().st_size > 400
    with pytest.raises(ConfigError, match=r"it is no run, so say what to run in it"):
        run(tmp_path / "branch", resume=True)
    with pytest.raises(ConfigError, match=r"branch is not a run and not empty"):
        prepare_branch(parent.path, episode=0, step=3, out=tmp_path / "branch")
