"""Runs on models behind an endpoint."""

import itertools
import json
from functools import partial

import httpx2
import pytest

from simlab.errors import BudgetSpentError
from simlab.models.http.client import Client
from tests.sim.records import contents, deeds, replayed

KEY = "sk-very-secret"
MODEL = {
    "engine": "http",
    "url": "http://127.0.0.1:8000/v1",
    "key_env": "RELAY_KEY",
    "dollars_per_million_in": 1.0,
}


class Hosted:
    """A hosted endpoint that fails now and then, and then tells more than it should."""

    def __init__(self):
        self.n_asked = itertools.count()

    def __call__(self, request):
        key = request.headers["authorization"]
        match next(self.n_asked) % 5:
            case 1:
                return httpx2.Response(500, text=f"you sent {key}")
            case 3:
                return httpx2.Response(200, text=f"you sent {key}")
        asked = json.loads(request.content)
        if "Turn 3" in asked["messages"][-1]["content"]:
            return httpx2.Response(401, json={"error": {"message": f"{key} is no good"}})
        message = {"content": f"I say {asked['seed'] % 100}."}
        usage = {"prompt_tokens": 20, "completion_tokens": 4}
        choices = [{"message": message, "finish_reason": "stop"}]
        return httpx2.Response(200, json={"choices": choices, "usage": usage})


@pytest.fixture
def answered(monkeypatch):
    """Lets endpoints be answered by a function, and no time pass between tries."""

    async def sleep(_seconds):
        pass

    def answer(handle):
        monkeypatch.setenv("RELAY_KEY", KEY)
        client = partial(Client, transport=httpx2.MockTransport(handle), sleep=sleep)
        monkeypatch.setattr("simlab.models.http.endpoints.Client", client)

    return answer


@pytest.fixture
def hosted(answered):
    answered(Hosted())


@pytest.mark.usefixtures("hosted")
def test_tries_and_money_are_recorded_and_replayed_without_an_endpoint(relay, monkeypatch):
    run = relay(options={"turns": 3}, models={"small": MODEL})
    monkeypatch.setattr("simlab.models.http.endpoints.Client", None)

    assert (run.summary.n_ended, len(deeds(run)), replayed(run)) == (1, 3, 1)
    assert sum(account.dollars for account in run.summary.accounts) == pytest.approx(60 / 1e6)
    assert run.summary.usage["retries"] == 2
    assert {account.model for account in run.summary.accounts} == {"small"}


@pytest.mark.parametrize(
    "response", [httpx2.Response(429), httpx2.Response(200, text="garbage")], ids=["429", "garbage"]
)
def test_tries_that_came_to_nothing_are_counted(relay, answered, response):
    answered(lambda _: response)

    run = relay(models={"small": MODEL})

    assert run.summary.n_failed == 1
    assert run.summary.usage == {"calls": 1, "retries": 4}
    assert replayed(run) == 1


def test_what_is_billed_and_does_not_fit_counts_against_the_budget(relay, answered):
    usage = {"prompt_tokens": 20, "completion_tokens": 4}
    answered(lambda _: httpx2.Response(200, json={"choices": [], "usage": usage}))

    with pytest.raises(BudgetSpentError, match="having spent 48 tokens"):
        relay(episodes=50, concurrency=1, models={"small": MODEL}, budget={"tokens": 30})


@pytest.mark.usefixtures("hosted")
def test_no_file_of_a_run_holds_the_key_although_the_endpoint_shows_it(relay):
    run = relay(episodes=2, models={"small": MODEL})

    failures = [episode.failure for episode in run.summary.episodes]
    assert all("Bearer $RELAY_KEY is no good" in failure for failure in failures)
    assert not [path for path, data in contents(run).items() if KEY.encode() in data]
