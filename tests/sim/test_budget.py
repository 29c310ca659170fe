"""A limit on tokens and money for each run, which stops it cleanly."""

import re

import pytest

from simlab.actors import system as system_file
from simlab.actors.memory_cluster import MemoryCluster
from simlab.errors import BudgetSpentError, ConfigError
from simlab.sim.config import BudgetSpec, load_run_file
from simlab.sim.launch import run
from simlab.sim.run import Run
from simlab.sim.spending import Spending
from simlab.trace.events import Cancelled, Effect, EffectCore
from tests.commands import DONE, FAILED
from tests.sim.conftest import RELAY
from tests.sim.records import deeds, replayed

DEAR = {"small": {"engine": "tests.sim.models:Dear"}}
BOTH = {**DEAR, "free": {"engine": "scripted"}}


@pytest.fixture
def stopped(relay, tmp_path):
    """Runs the relay until it has spent its budget; gives what it came to, and what it said."""

    def stop(**keys):
        with pytest.raises(BudgetSpentError) as caught:
            relay(**keys)
        return read(tmp_path / "run"), caught.value.message

    return stop


@pytest.fixture
def cluster(monkeypatch):
    """Hosts in this process for all systems of a test that have any."""
    cluster = MemoryCluster()
    monkeypatch.setattr(system_file, "ray_cluster", lambda *_: cluster)
    return cluster


def read(path):
    """A run as it is now, also if it goes on later."""
    found = Run(path)
    assert found.log.n_events
    return found


def spent(run):
    spending = Spending(BudgetSpec())
    spending.count_log(run.log)
    return spending


def calls_of(run, kind=Effect):
    """What was recorded of calls of models, with the episode of each."""
    return [
        (episode, run.log.core(event, EffectCore))
        for episode in run.log.episodes
        for event in run.log.events(episode, (kind,))
    ]


def dearest(run):
    """The most tokens that a call of a run has cost."""
    costs = [
        event.cost for episode in run.log.episodes for event in run.log.events(episode, (Effect,))
    ]
    return max(cost["prompt_tokens"] + cost["completion_tokens"] for cost in costs)


def test_a_run_stops_at_its_budget_and_no_episode_has_failed(stopped):
    run, said = stopped(episodes=8, concurrency=1, budget={"tokens": 300})

    spending = spent(run)
    assert 300 <= spending.tokens < 300 + dearest(run)
    assert (
        f"stopped at budget.tokens 300, having spent {spending.tokens} tokens and $0.0000" in said
    )
    assert re.search(rf"simlab run {run.path} --resume --set budget.tokens=N$", said)
    states = [episode.state for episode in run.summary.episodes]
    assert states[0] == "ended"
    assert set(states) == {"ended", "unfinished"}
    assert all(core.error is None for _, core in calls_of(run))


def test_a_run_that_is_gone_on_with_comes_to_what_it_would_have_come_to(relay, stopped, calls):
    whole = relay("whole", episodes=3, models=calls.models)
    n_calls = calls.count()

    stopped(episodes=3, models=calls.models, budget={"tokens": 200})
    resumed = relay(episodes=3, models=calls.models, budget={"tokens": 10**6}, resume=True)

    assert resumed.digest == whole.digest
    assert calls.count() == 2 * n_calls, "no call was made twice"
    assert resumed.file.budget.tokens == 10**6


def test_what_was_spent_counts_when_a_run_is_gone_on_with(stopped, calls):
    run, _ = stopped(episodes=3, concurrency=1, models=calls.models, budget={"tokens": 200})
    n_calls, tokens = calls.count(), spent(run).tokens

    _, said = stopped(episodes=3, models=calls.models, budget={"tokens": tokens}, resume=True)

    assert f"having spent {tokens} tokens" in said
    assert calls.count() == n_calls
    assert replayed(run) > 0


def test_a_budget_that_is_not_reached_changes_nothing(relay):
    plain, bounded = relay("plain", episodes=2), relay(episodes=2, budget={"tokens": 10**9})

    assert plain.digest == bounded.digest


def test_beyond_the_budget_goes_only_what_is_under_way(stopped):
    run, _ = stopped(episodes=64, concurrency=5, budget={"tokens": 500})

    assert 500 <= spent(run).tokens < 500 + 5 * dearest(run)


@pytest.mark.usefixtures("cluster")
def test_it_holds_over_all_hosts(run_file, tmp_path, relay):
    options = {"episodes": 16, "concurrency": 4}
    whole = relay("whole", **options)
    path = run_file({**RELAY, **options, "budget": {"tokens": 400}})

    with pytest.raises(BudgetSpentError):
        run(path, out=tmp_path / "r", hosts=2)
    stopped = read(tmp_path / "r")
    resumed = run(tmp_path / "r", hosts=2, settings=["budget.tokens=1000000"], resume=True)

    assert len({segment.path for segment in stopped.directory.segments()}) > 2
    assert 400 <= spent(stopped).tokens < 400 + 4 * dearest(stopped)
    assert resumed.digest == whole.digest


def test_without_money_only_what_is_free_goes_on(stopped):
    cast = {"ann": {"model": "small"}, "bob": {"model": "free"}}
    options = {"episodes": 4, "concurrency": 1, "models": BOTH, "cast": cast}

    run, said = stopped(**options, budget={"dollars": 1.25})

    assert spent(run).dollars == 1.25
    assert "stopped at budget.dollars 1.25, having spent" in said
    assert "$1.2500; what was answered is recorded" in said
    assert [len(deeds(run, episode)) for episode in range(3)] == [4, 4, 2]


def test_free_models_need_no_money(relay):
    cast = {"*": {"model": "free"}}

    run = relay(episodes=2, models=BOTH, cast=cast, budget={"dollars": 0.01})

    assert run.summary.n_ended == 2


def test_what_an_agent_has_under_way_ends_and_is_recorded(stopped):
    cast = {"*": {"agent": "tests.sim.budgets:Thinker"}}
    models = {"small": {"engine": "tests.sim.models:Slow"}}

    run, _ = stopped(cast=cast, models=models, budget={"tokens": 1})

    assert len(calls_of(run)) == 2, "the slow one and the first quick one"
    assert calls_of(run, Cancelled) == []


def test_an_agent_that_hides_the_end_from_its_run_plays_no_step_of_its_own(relay, stopped):
    cast = {"*": {"agent": "tests.sim.budgets:Careless"}}
    whole = relay("whole", cast=cast)

    run, _ = stopped(cast=cast, budget={"tokens": 1})

    assert deeds(run) == deeds(whole)[:1]
    assert relay(cast=cast, budget={"tokens": 10**6}, resume=True).digest == whole.digest


def test_a_run_on_a_real_clock_stops_too(relay, stopped):
    clock = {"kind": "real", "speed": 1000}

    run, _ = stopped(clock=clock, budget={"tokens": 60})
    resumed = relay(clock=clock, budget={"tokens": 10**6}, resume=True)

    assert 0 < len(deeds(run)) < 4
    assert deeds(resumed)[: len(deeds(run))] == deeds(run)
    assert resumed.summary.n_ended == replayed(resumed) == 1


def test_agents_that_live_on_remember_what_was_before_the_stop(relay, stopped):
    cast = {"*": {"persistent": True}}
    whole = relay("whole", episodes=3, cast=cast)

    stopped(episodes=3, cast=cast, budget={"tokens": 200})
    resumed = relay(episodes=3, cast=cast, budget={"tokens": 10**6}, resume=True)

    assert resumed.digest == whole.digest


def test_judges_are_paid_for_out_of_the_same_purse(relay, stopped):
    judges = {"good": {"agent": "rubric", "criteria": {"wit": "How witty?"}}}
    tokens = spent(relay("unjudged")).tokens

    run, _ = stopped(judges=judges, budget={"tokens": tokens})

    assert len(deeds(run)) == 4
    assert run.summary.episodes[0].state == "unfinished"


def test_a_branch_has_a_budget_of_its_own(relay, branch, tmp_path):
    parent = relay(budget={"tokens": 10**6})

    enough = branch(parent, step=3, seed=1, settings=["budget.tokens=60"])
    with pytest.raises(
        BudgetSpentError, match=r"stopped at budget.tokens 1, having spent \d\d tok"
    ):
        branch(parent, step=2, seed=1, out="poor", settings=["budget.tokens=1"])

    assert spent(parent).tokens > 60, "which are the parent's"
    assert enough.summary.n_ended == 1
    assert len(deeds(Run(tmp_path / "poor"))) == 3


@pytest.mark.parametrize(
    ("budget", "message"),
    [
        ({"tokens": 0}, r"mine.yaml:\d: budget.tokens: .*greater than or equal to 1, got 0"),
        ({"dollars": 0}, "budget.dollars: .*greater than 0, got 0"),
        ({"tokns": 5}, "unknown key 'budget.tokns'; did you mean tokens?"),
    ],
)
def test_a_budget_that_is_none_is_refused(run_file, budget, message):
    with pytest.raises(ConfigError, match=message):
        load_run_file(run_file({"budget": budget, **RELAY}))


def test_money_that_nobody_asks_for_is_refused_with_the_line(relay):
    with pytest.raises(ConfigError, match=r"yaml:1: budget.dollars is 1.0, and no model costs any"):
        relay(budget={"dollars": 1})


def test_the_command_says_what_was_spent_and_how_to_go_on(simlab, path, tmp_path):
    out = tmp_path / "r"
    stopped = simlab("run", path, "--out", out, "--set", "budget.tokens=60", "--json")
    again = simlab("run", out, "--resume", "--set", "budget.tokens=100000")

    assert (stopped.exit_code, again.exit_code) == (FAILED, DONE)
    assert stopped.stdout == ""
    assert "simlab: the run has stopped at budget.tokens 60, having spent " in stopped.stderr
    assert f"simlab run {out} --resume --set budget.tokens=N" in stopped.stderr
    assert Run(out).summary.n_ended == 1
