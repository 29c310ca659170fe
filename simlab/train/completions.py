"""The completions that a seat's model gave in an episode, out of the record."""

from collections.abc import Iterator
from dataclasses import dataclass

from simlab.errors import ConfigError
from simlab.models.model import Completion
from simlab.trace.log import Log
from simlab.trace.result import converted

_ACTING = "act "
"""How the parts of a turn are named in which a seat answers; what memories ask has others."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A completion, and where in its episode it was drawn.

    Attributes:
        step: Of the episode.
        completion: With the token ids that were read and drawn.
    """

    step: int
    completion: Completion


def drawn_by(log: Log, episode: int, seat: str) -> Iterator[Drawn]:
    """What a seat's model drew while the seat acted, in order; refused answers too.

    Completions that were cut off are passed over: nobody has acted on them.

    Args:
        log: The run's.
        episode: Its number.
        seat: Whose completions.

    Raises:
        ConfigError: A completion has no token ids.
    """
    for kept in log.history(episode).effects:
        core = kept.core
        if core.kind != "model" or core.actor != seat or not kept.event.part.startswith(_ACTING):
            continue
        if isinstance(core.result, dict) and isinstance(core.result.get("text"), str):
            completion = converted(core.result, Completion)
            if completion.finish != "abort":
                yield Drawn(core.step, _with_ids(completion, seat, episode))


def _with_ids(completion: Completion, seat: str, episode: int) -> Completion:
    if completion.prompt_ids and completion.token_ids:
        return completion
    raise ConfigError(
        f"seat {seat!r} of episode {episode} must be played by a model that gives token ids, got "
        f"none from {completion.model!r}; take engine transformers or vllm"
    )
