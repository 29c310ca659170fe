"""Accounts: what the model calls of an episode came to, for each actor and model."""

from collections import Counter
from collections.abc import Iterable, Mapping

from msgspec import Struct


class Account(Struct, array_like=True):
    """What an actor's calls of one model came to; it enters no digest.

    Attributes:
        actor: Who called.
        model: The exact version.
        calls: How many calls have come back, those that failed included if they cost something.
        prompt_tokens: Tokens of the prompts, or of the texts that were embedded.
        completion_tokens: Tokens drawn.
        cached_tokens: Tokens of the prompts that were not read anew.
        model_s: Seconds in the model, as its engine measured them.
        queue_s: All other seconds from call to answer: in queues and on the way.
        retries: How often replicas or endpoints had to be asked again.
        dollars: At the prices that the run file gives.
    """

    actor: str
    model: str
    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    model_s: float = 0.0
    queue_s: float = 0.0
    retries: int = 0
    dollars: float = 0.0

    def add(self, cost: Mapping[str, float], duration_s: float) -> None:
        """Charge one call.

        Args:
            cost: What the ``__cost__`` of result or error says: tokens, ``model_s``, ``attempts``.
            duration_s: From call to answer.
        """
        self.calls += 1
        self.prompt_tokens += int(cost.get("prompt_tokens", 0))
        self.completion_tokens += int(cost.get("completion_tokens", 0))
        self.cached_tokens += int(cost.get("cached_tokens", 0))
        self.retries += int(cost.get("attempts", 1)) - 1
        self.dollars = round(self.dollars + cost.get("dollars", 0.0), 9)
        model_s = cost.get("model_s", 0.0)
        self.model_s = round(self.model_s + model_s, 6)
        self.queue_s = round(self.queue_s + max(0.0, duration_s - model_s), 6)


class Ledger:
    """The accounts of an episode, which grow call by call."""

    def __init__(self) -> None:
        self._accounts: dict[tuple[str, str], Account] = {}

    @property
    def accounts(self) -> list[Account]:
        """All that there are, by actor and model."""
        return [account for _, account in sorted(self._accounts.items())]

    def tokens_of(self, actor: str) -> int:
        """How many tokens an actor's models have drawn."""
        return sum(one.completion_tokens for one in self._accounts.values() if one.actor == actor)

    def charge(
        self, actor: str, model: str | None, cost: Mapping[str, float], duration_s: float
    ) -> None:
        """Put a call down to the account of who made it; one of no model to none."""
        if model is not None:
            key = (actor, model)
            if key not in self._accounts:
                self._accounts[key] = Account(*key)
            self._accounts[key].add(cost, duration_s)


def total(accounts: Iterable[Account], by: str) -> dict[str, Account]:
    """Accounts added up.

    Args:
        accounts: Of any episodes.
        by: ``actor`` or ``model``; the other is empty in the result, which is sorted by this one.
    """
    sums: dict[str, Account] = {}
    for account in accounts:
        key = getattr(account, by)
        one = sums.setdefault(key, Account("", ""))
        setattr(one, by, key)
        for name in _NUMBERS:
            setattr(one, name, getattr(one, name) + getattr(account, name))
    return dict(sorted(sums.items()))


def usage(accounts: Iterable[Account]) -> Counter[str]:
    """Calls and tokens of all accounts together; what is 0 is left out."""
    together: Counter[str] = Counter()
    for account in accounts:
        for name in _COUNTED:
            together[name] += getattr(account, name)
    return +together


_COUNTED = ("calls", "prompt_tokens", "completion_tokens", "cached_tokens", "retries")
_NUMBERS = (*_COUNTED, "model_s", "queue_s", "dollars")
