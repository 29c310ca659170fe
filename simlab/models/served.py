"""A model behind Ray Serve: replicas that all hosts and runs of a cluster share."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self
from weakref import WeakKeyDictionary

from simlab.models.calls import Call, Generate, ScoreChoices
from simlab.models.courier import Carried, Courier, Lane
from simlab.models.model import (
    ChoiceLogprobs,
    Completion,
    Prompt,
    Sampling,
    Usage,
    name_with_adapter,
)


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A model that replicas compute; a value that pickles and works in every process of a cluster.

    Attributes:
        name: The exact version; models of other names may share the replicas.
        app: Of Ray Serve.
        n_replicas: How many replicas the app has.
        adapter: Folder of the adapter that goes with each call.
    """

    name: str
    app: str
    n_replicas: int = 1
    adapter: str | None = None

    async def generate(
        self, prompt: Prompt, sampling: Sampling = Sampling(), *, session: str | None = None
    ) -> Completion:
        """Complete a prompt; see `Model.generate`.

        Raises:
            ModelError: The model did not answer, or replica after replica died.
        """
        carried = await self._carry(Generate(prompt, sampling, session, self.adapter), session)
        completion: Completion = carried.result
        usage = carried.with_attempts(completion.usage)
        return replace(completion, model=self.name, usage=usage)

    async def choice_logprobs(self, prompt: Prompt, choices: Sequence[str]) -> Mapping[str, float]:
        """The log-probability of each choice; see `Model.choice_logprobs`."""
        carried = await self._carry(ScoreChoices(prompt, tuple(choices), self.adapter), None)
        logprobs: Mapping[str, float] = carried.result
        usage = getattr(logprobs, "usage", Usage())  # a model of the user's own may tell none
        return ChoiceLogprobs(logprobs, carried.with_attempts(usage))

    def with_adapter(self, path: str | None) -> Self:
        """This model with an adapter folder, or without any."""
        return replace(self, name=name_with_adapter(self.name, path), adapter=path)

    async def _carry(self, call: Call, session: str | None) -> Carried:
        return await courier_to(self.app, self.n_replicas).carry(call, session)


_couriers: "WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, Courier]]" = WeakKeyDictionary()
"""The courier to each app, for each event loop of this process."""


def courier_to(app: str, n_replicas: int) -> Courier:
    """The courier of this event loop to an app."""
    couriers = _couriers.setdefault(asyncio.get_running_loop(), {})
    if app not in couriers:
        couriers[app] = Courier(_lanes_to(app, n_replicas))
    return couriers[app]


def _lanes_to(app: str, n_replicas: int) -> Sequence[Lane]:
    # Imported here because Ray Serve takes a second, which runs without it should not pay.
    from simlab.models.serve import lanes_to

    return lanes_to(app, n_replicas)
