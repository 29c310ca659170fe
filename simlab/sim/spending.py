"""The spending of a run: what its models have cost so far, and what they may."""

from collections.abc import Iterable
from pathlib import Path

from simlab.errors import BudgetSpentError, ConfigError
from simlab.models.budgeted import is_priced
from simlab.models.embedder import AnyModel
from simlab.sim.config import BudgetSpec
from simlab.trace.events import Effect, EffectCore
from simlab.trace.log import Log


class Spending:
    """Counts what models cost, and says when that is as much as they may.

    Args:
        budget: What they may cost.

    Attributes:
        tokens: Spent so far, on prompts, completions and texts embedded together.
        dollars: Spent so far, at the prices that the run file gives.
        refused: Whether a call was not allowed.
    """

    def __init__(self, budget: BudgetSpec) -> None:
        self.tokens = 0
        self.dollars = 0.0
        self.refused = False
        self._budget = budget

    def allow(self, *, priced: bool) -> bool:
        """Whether a call may begin.

        Args:
            priced: Whether it costs money; else dollars do not matter.
        """
        spent = self._spent()
        allowed = not spent if priced else "tokens" not in spent
        self.refused |= not allowed
        return allowed

    def count(self, tokens: int, dollars: float) -> None:
        """Count what a call has cost."""
        self.tokens += tokens
        self.dollars += dollars

    def count_log(self, log: Log, *, since_step: int = 0) -> None:
        """Count what the calls in a run's log have cost.

        Args:
            log: Of the run.
            since_step: The first step that counts; a branch's parent has paid for those below.
        """
        for episode in log.episodes:
            for event in log.events(episode, (Effect,)):
                assert isinstance(event, Effect)
                cost = event.cost
                if cost and (not since_step or log.core(event, EffectCore).step >= since_step):
                    tokens = cost.get("prompt_tokens", 0) + cost.get("completion_tokens", 0)
                    self.count(int(tokens), cost.get("dollars", 0.0))

    def error(self, path: Path) -> BudgetSpentError:
        """What to tell whoever started the run in a directory, after a call was not allowed."""
        [key, *_] = self._spent()
        return BudgetSpentError(
            f"the run has stopped at budget.{key} {getattr(self._budget, key)!r}, having spent "
            f"{self.tokens} tokens and ${self.dollars:.4f}; what was answered is recorded, so "
            f"raise the budget and go on: simlab run {path} --resume --set budget.{key}=N"
        )

    def _spent(self) -> list[str]:
        """Which of the budget's keys are spent."""
        limits = {"tokens": self._budget.tokens, "dollars": self._budget.dollars}
        return [
            key
            for key, limit in limits.items()
            if limit is not None and getattr(self, key) >= limit
        ]


def check_budget(budget: BudgetSpec, models: Iterable[AnyModel]) -> None:
    """See that a budget bounds something.

    Raises:
        ConfigError: It is in dollars, and no model costs any.
    """
    if budget.dollars is not None and not any(map(is_priced, models)):
        raise ConfigError(
            f"budget.dollars is {budget.dollars!r}, and no model costs anything; give one a price "
            "by dollars_per_million_in and dollars_per_million_out, as engine 'http' takes them"
        )
