"""What a run's models may cost, and have cost."""

from pathlib import Path

import pytest

from simlab.errors import ConfigError
from simlab.models.endpoint import EndpointModel
from simlab.models.scripted import ScriptedModel
from simlab.sim.config import BudgetSpec
from simlab.sim.spending import Spending, check_budget
from tests.sim.records import deeds

PATH = Path("runs/relay-0001")


@pytest.mark.parametrize(
    ("budget", "paid", "allowed", "free_allowed"),
    [
        ({}, (10**9, 1e9), True, True),
        ({"tokens": 10}, (9, 1e9), True, True),
        ({"tokens": 10}, (10, 0.0), False, False),
        ({"dollars": 0.5}, (10**9, 0.49), True, True),
        ({"dollars": 0.5}, (1, 0.5), False, True),
        ({"tokens": 10, "dollars": 0.5}, (5, 0.7), False, True),
        ({"tokens": 10, "dollars": 0.5}, (20, 0.7), False, False),
    ],
)
def test_calls_begin_until_the_budget_is_spent(budget, paid, allowed, free_allowed):
    spending = Spending(BudgetSpec(**budget))
    spending.count(*paid)

    assert spending.allow(priced=False) is free_allowed
    assert spending.refused is not free_allowed
    assert spending.allow(priced=True) is allowed
    assert spending.refused is not (allowed and free_allowed)


def test_whoever_started_the_run_is_told_what_was_spent_and_how_to_go_on():
    spending = Spending(BudgetSpec(tokens=10, dollars=0.5))
    spending.count(8, 0.5125)

    assert spending.error(PATH).message == (
        "the run has stopped at budget.dollars 0.5, having spent 8 tokens and $0.5125; what was "
        "answered is recorded, so raise the budget and go on: simlab run runs/relay-0001 --resume "
        "--set budget.dollars=N"
    )


def test_a_log_has_cost_what_its_completions_have(relay):
    run, spending = relay(episodes=2), Spending(BudgetSpec())

    spending.count_log(run.log)

    usage = run.summary.usage
    assert spending.tokens == usage["prompt_tokens"] + usage["completion_tokens"] > 0
    assert spending.dollars == 0.0


def test_a_log_has_cost_what_its_completions_say_in_dollars(relay):
    run = relay(models={"small": {"engine": "tests.sim.models:Dear"}})
    spending = Spending(BudgetSpec())

    spending.count_log(run.log)

    assert spending.dollars == pytest.approx(0.25 * len(deeds(run)))


def test_of_a_branch_only_its_own_calls_count(relay, branch):
    parent = relay()
    whole, own = Spending(BudgetSpec()), Spending(BudgetSpec())
    run = branch(parent, step=2, seed=1)

    whole.count_log(run.log)
    own.count_log(run.log, since_step=2)

    assert 0 < own.tokens < whole.tokens


def test_scored_choices_count_and_failed_calls_do_not(relay):
    judges = {"good": {"agent": "rating", "question": "How good?"}}
    models = {"small": {"engine": "scripted", "fail_rate": 0.3}}
    run, spending = relay(episodes=8, models=models, judges=judges), Spending(BudgetSpec())

    spending.count_log(run.log)

    assert 0 < run.summary.n_failed < 8
    assert any(account.actor == "judge:good" for account in run.summary.accounts)
    usage = run.summary.usage
    assert spending.tokens == usage["prompt_tokens"] + usage["completion_tokens"]


def test_a_budget_in_dollars_needs_a_model_that_costs_some():
    priced = EndpointModel("m", url="http://x/v1", dollars_per_million_in=1.0)
    check_budget(BudgetSpec(tokens=1), [ScriptedModel("small")])
    check_budget(BudgetSpec(dollars=1.0), [ScriptedModel("small"), priced])

    with pytest.raises(ConfigError, match=r"budget.dollars is 1.0, and no model costs anything"):
        check_budget(BudgetSpec(dollars=1.0), [ScriptedModel("small")])
