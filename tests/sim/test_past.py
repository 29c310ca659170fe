"""Agents that live across episodes: what they remember, and how it is rebuilt."""

import pytest

from simlab.errors import ConfigError, ReplayDivergence
from simlab.sim.launch import run as run_file_of
from simlab.sim.run import Run
from simlab.sim.simulation import Observer
from simlab.trace.events import Effect
from simlab.trace.tree import read_tree
from tests.sim.records import deeds, replayed

WORLDS = "tests.sim.worlds"
N_EPISODES = 3
LASTING = {"ann": {"persistent": True}, "bob": {}}
"""Ann remembers over episodes; Bob is another one each time."""

MOODY = {"small": {"engine": "tests.sim.models:Moody"}}
"""No two answers are alike."""


def diary(**options):
    return {"agent": f"{WORLDS}:Diary", "persistent": True, **options}


def prompts(run, episode, seat):
    """What the models of a seat were asked."""
    tree = read_tree(run.log, episode)
    calls = tree.find(lambda node: node.type == "effect" and node.actor == seat)
    return [str(call.inputs["prompt"]) for call in calls]


def n_effects(run):
    return sum(1 for episode in run.log.episodes for _ in run.log.events(episode, (Effect,)))


def cut(run, share):
    """Leave so much of what a run has written, as a machine that lost its power would."""
    (segment,) = run.directory.segments()
    data = segment.path.read_bytes()
    segment.path.write_bytes(data[: int(len(data) * share)])
    segment.seal.unlink()
    (run.path / "summary.json").unlink()
    return Run(run.path)


def test_a_persistent_agent_is_asked_with_what_was_said_in_the_episode_before(relay):
    run = relay(cast=LASTING, episodes=2, models=MOODY)

    heard = deeds(run, 0)[1::2]
    assert heard
    assert all(text in prompt for text in heard for prompt in prompts(run, 1, "ann"))


@pytest.mark.parametrize(("cast", "seats"), [(LASTING, ["bob"]), ({"*": {}}, ["ann", "bob"])])
def test_without_persistent_an_agent_knows_nothing_of_the_episode_before(relay, cast, seats):
    run = relay(cast=cast, episodes=2, models=MOODY)

    asked = [prompt for seat in seats for prompt in prompts(run, 1, seat)]
    assert len(asked) == 2 * len(seats)
    assert not any(text in prompt for text in deeds(run, 0) for prompt in asked)


def test_under_a_pattern_each_seat_has_an_agent_of_its_own(relay):
    run = relay(cast={"*": diary()}, episodes=2, options={"turns": 2})

    assert [deeds(run, episode) for episode in range(2)] == [
        ["ann has seen 1", "bob has seen 2"],
        ["ann has seen 3", "bob has seen 4"],
    ]


def test_of_a_pattern_one_seat_may_be_made_to_last(relay):
    cast = {"*": {"agent": f"{WORLDS}:Diary"}, "bob": {"persistent": True}}

    run = relay(cast=cast, episodes=2, options={"turns": 2})

    assert deeds(run, 1) == ["ann has seen 1", "bob has seen 4"]


def test_its_seed_and_session_follow_from_the_runs_seed_and_its_seat(relay):
    cast = {"ann": diary(tells="seed"), "bob": diary(tells="session")}

    run = relay(cast=cast, episodes=2, options={"turns": 2}, seed=5)

    assert deeds(run, 0) == deeds(run, 1)
    assert deeds(run, 0)[1] == "bob: 5/bob"
    assert deeds(relay("other", cast=cast, options={"turns": 2}, seed=6))[0] != deeds(run, 0)[0]


def test_two_runs_with_one_seed_agree_whatever_the_concurrency(relay):
    jittery = {"small": {"engine": "scripted", "latency_jitter_s": 0.001}}
    one = relay("one", cast=LASTING, episodes=2, models=jittery, concurrency=1)
    other = relay("other", cast=LASTING, episodes=2, models=jittery, concurrency=8)
    fresh = relay("fresh", cast={"*": {}}, episodes=2, models=jittery)

    assert one.digest == other.digest != fresh.digest


def test_episodes_are_played_one_after_another_in_order(relay):
    ends = []

    relay(
        cast=LASTING,
        episodes=4,
        models={"small": {"engine": "scripted", "latency_jitter_s": 0.002}},
        observer=Observer(on_episode=lambda result: ends.append(result.episode)),
    )

    assert ends == [0, 1, 2, 3]


def test_what_an_agent_does_is_recorded_in_the_episode_under_way(relay):
    run = relay(cast=LASTING, episodes=2)

    actors = [{node.actor for node in run.episode(n).tree().walk()} for n in range(2)]
    assert actors[0] == actors[1] >= {"ann", "bob"}
    assert [run.episode(n).summary.usage["calls"] for n in range(2)] == [4, 4]


def test_a_replay_leads_the_agents_through_all_episodes(relay):
    run = relay(cast=LASTING, episodes=N_EPISODES, models=MOODY)

    assert replayed(run) == N_EPISODES


@pytest.mark.parametrize("share", [0.1, 0.35, 0.5, 0.65, 0.8, 0.95, 0.999])
def test_sim_4_a_run_that_was_cut_off_is_resumed_and_no_recorded_call_is_asked_again(
    relay, calls, share
):
    keys = {"cast": LASTING, "episodes": N_EPISODES, "models": calls.models}
    whole = relay(**keys)
    digest, n_whole = whole.digest, n_effects(whole)

    left = n_effects(cut(whole, share))
    resumed = relay(**keys, resume=True)

    assert resumed.digest == digest
    assert calls.count() == n_whole + (n_whole - left)
    assert replayed(resumed) == N_EPISODES


def test_what_no_seed_gives_again_is_remembered_as_it_was(relay):
    heard = deeds(relay(cast=LASTING, episodes=1, models=MOODY))[1::2]

    resumed = relay(cast=LASTING, episodes=2, models=MOODY, resume=True)

    assert all(text in prompt for text in heard for prompt in prompts(resumed, 1, "ann"))


def test_episodes_may_grow_and_the_digest_is_that_of_a_run_begun_with_all(relay, calls):
    relay("grown", cast=LASTING, episodes=2, models=calls.models)
    n_calls = calls.count()
    grown = relay("grown", cast=LASTING, episodes=4, models=calls.models, resume=True)
    n_new = calls.count() - n_calls
    whole = relay("whole", cast=LASTING, episodes=4, models=calls.models)

    assert grown.digest == whole.digest
    assert n_new == n_calls == 8


def test_summaries_of_earlier_episodes_are_not_asked_for_again(relay, calls):
    memory = {"kind": "summary", "max_tokens": 32, "max_summary_tokens": 12}
    keys = {"cast": {"*": {"memory": memory, "persistent": True}}, "models": calls.models}
    relay("grown", episodes=1, **keys)
    grown = relay("grown", episodes=2, **keys, resume=True)
    n_grown = calls.count()
    whole = relay("whole", episodes=2, **keys)

    assert grown.digest == whole.digest
    assert n_grown == calls.count() - n_grown > 8, "summaries are calls as well"


def test_an_episode_that_failed_is_remembered_as_far_as_it_went(relay):
    cast = {"*": {"agent": f"{WORLDS}:Poisoned", "persistent": True}}
    relay("grown", cast=cast, episodes=1)
    grown = relay("grown", cast=cast, episodes=2, resume=True)
    whole = relay("whole", cast=cast, episodes=2)

    assert [e.state for e in whole.summary.episodes] == ["failed", "failed"]
    assert [deeds(whole, n)[0][:4] for n in range(2)] == ["well", "well"]
    assert grown.digest == whole.digest
    assert replayed(whole) == 2


def test_judges_of_earlier_episodes_are_not_asked_again(relay, calls):
    judge = {"agent": "rating", "question": "How polite was it?"}
    keys = {"cast": LASTING, "models": calls.models, "judges": {"polite": judge}}
    relay("grown", episodes=2, **keys)
    n_calls = calls.count()
    relay("grown", episodes=3, **keys, resume=True)

    assert calls.count() == n_calls * 3 / 2


def test_an_agent_whose_code_has_changed_is_not_rebuilt_as_another(relay, monkeypatch):
    relay(cast={"*": diary()}, episodes=1)
    monkeypatch.setattr(f"{WORLDS}.Diary.verb", "has heard")

    with pytest.raises(ReplayDivergence, match=r"(?s)episode 0.*has seen.*has heard"):
        relay(cast={"*": diary()}, episodes=2, resume=True)


def test_only_the_last_episode_can_be_tried_again(relay, tmp_path):
    flag = tmp_path / "broken"
    flag.touch()
    cast = {"*": {"agent": f"{WORLDS}:Flaky", "broken": str(flag), "persistent": True}}
    relay(cast=cast, episodes=3)
    flag.unlink()

    with pytest.raises(ConfigError, match=r"played on after episode 0 failed; only the last"):
        relay(cast=cast, episodes=3, resume=True, retry_failed=True)


def test_a_last_episode_that_failed_is_tried_again_and_followed_by_more(relay, tmp_path):
    flag = tmp_path / "broken"
    flag.touch()
    cast = {"*": {"agent": f"{WORLDS}:Flaky", "broken": str(flag), "persistent": True}}
    n_failed = relay(cast=cast).summary.n_failed
    flag.unlink()

    again = relay(cast=cast, episodes=2, resume=True, retry_failed=True)
    whole = relay("whole", cast=cast, episodes=2)

    assert (n_failed, again.summary.n_failed) == (1, 0)
    assert again.digest == whole.digest
    assert replayed(again) == 2


@pytest.mark.parametrize(
    ("keys", "unused"),
    [({}, None), ({"concurrency": 1}, None), ({"concurrency": 8}, "concurrency 8")],
)
def test_what_a_persistent_agent_leaves_unused_is_told(relay, keys, unused):
    notices = []

    relay(cast=LASTING, episodes=2, **keys, observer=Observer(on_notice=notices.append))

    said = "cast.ann is persistent, so episodes are played one after another on one host, "
    assert notices == ([] if unused is None else [f"{said}which {unused} cannot change"])


def test_the_players_of_a_bundled_scenario_are_made_to_last_by_one_setting(tmp_path):
    run = run_file_of(
        "iterated_dilemma",
        episodes=2,
        hosts="auto",
        out=tmp_path / "run",
        models={"all": "scripted"},
        settings=["cast.*.persistent=true", "options.rounds=2"],
    )

    assert len(run.directory.segments()) == 1, "in this process, which is one host"
    assert len(prompts(run, 1, "first")[0]) > len(prompts(run, 0, "first")[-1])
    assert replayed(run) == 2
