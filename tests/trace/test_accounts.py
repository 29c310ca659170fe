"""What model calls come to."""

from simlab.trace.accounts import Account, total, usage


def account(actor, model, **numbers):
    return Account(actor, model, **numbers)


def test_a_call_is_charged_with_what_its_result_says_and_the_rest_of_its_time_is_waiting():
    spent = account("ann", "small")

    spent.add({"prompt_tokens": 20, "completion_tokens": 3, "cached_tokens": 16, "model_s": 0.5}, 2)
    spent.add({"prompt_tokens": 4, "attempts": 3}, 0.25)

    assert spent == Account("ann", "small", 2, 24, 3, 16, model_s=0.5, queue_s=1.75, retries=2)


def test_money_is_charged_without_the_dust_of_binary_fractions():
    spent = account("ann", "large")

    for _ in range(3):
        spent.add({"dollars": 0.1}, 1.0)

    assert spent.dollars == 0.3


def test_a_result_that_says_more_time_than_passed_leaves_no_waiting():
    spent = account("ann", "small")

    spent.add({"model_s": 3.0}, 1.0)

    assert (spent.model_s, spent.queue_s) == (3.0, 0.0)


def test_accounts_are_added_up_by_model_and_by_actor():
    accounts = [
        account("ann", "small", calls=1, model_s=1.0),
        account("bob", "small", calls=2, model_s=0.5),
        account("ann", "small+agent@1", calls=4),
    ]

    assert total(accounts, "model") == {
        "small": account("", "small", calls=3, model_s=1.5),
        "small+agent@1": account("", "small+agent@1", calls=4),
    }
    assert total(accounts, "actor") == {
        "ann": account("ann", "", calls=5, model_s=1.0),
        "bob": account("bob", "", calls=2, model_s=0.5),
    }


def test_usage_is_of_all_accounts_and_leaves_out_what_is_nothing():
    accounts = [account("ann", "m", calls=1, prompt_tokens=5), account("bob", "m", calls=1)]

    assert usage(accounts) == {"calls": 2, "prompt_tokens": 5}
