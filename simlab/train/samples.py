"""From the record of a run to samples: each token that a seat's model drew, once.

With a memory that keeps everything each prompt begins with the prompt and the reply before it, and
an episode is one sample. Where a context was cut or rewritten a new sample begins: the tokens drawn
before stand in it as prompt.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from simlab.errors import ConfigError
from simlab.models.model import Completion
from simlab.sim.run import Run
from simlab.train.completions import Drawn, drawn_by
from simlab.train.dataset import Dataset
from simlab.train.sample import Sample


def samples_of(run: Run, seat: str, episodes: Iterable[int] | None = None) -> Dataset:
    """The samples of a seat in a run.

    Args:
        run: Whose record is read; no code that it names is run.
        seat: Whose words are learnt from.
        episodes: Numbers of those to be read; None for all that ended and did not fail.

    Raises:
        ConfigError: The seat was played by no model with token ids, or by several bases.
    """
    ended = run.log.ended() - run.log.failed()
    chosen = sorted(ended if episodes is None else set(episodes))
    samples = [
        replace(sample, role=seat, episode=episode)
        for episode in chosen
        for sample in fold(drawn_by(run.log, episode, seat))
    ]
    if not samples:
        raise ConfigError(
            f"seat {seat!r} must have replies of a model in episodes {chosen!r} of {run.path}, got "
            "none; `simlab show` names the seats"
        )
    return Dataset(tuple(samples), _base_of(run, seat, samples))


def fold(completions: Iterable[Drawn]) -> list[Sample]:
    """Samples of completions: one that goes on from another's tokens is put behind them.

    Each token that was drawn is a target of exactly one sample, whose targets are all of one
    version.

    Args:
        completions: Of one seat in one episode, in order.
    """
    growing: list[_Growing] = []
    for drawn in completions:
        before = next((one for one in reversed(growing) if one.takes(drawn.completion)), None)
        if before is None:
            before = _Growing(drawn.step, drawn.completion.model)
            growing.append(before)
        before.add(drawn.completion)
    return [one.sample() for one in growing]


@dataclass(slots=True)
class _Growing:
    """A sample to which completions are added."""

    turn: int
    version: str
    ids: list[int] = field(default_factory=list)
    mask: list[bool] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)

    def takes(self, completion: Completion) -> bool:
        """Whether the prompt of a completion begins with all of this, by the same version."""
        n = len(self.ids)
        return completion.model == self.version and list(completion.prompt_ids[:n]) == self.ids

    def add(self, completion: Completion) -> None:
        """Put what is new of a prompt, and the tokens drawn, behind what is here."""
        told = completion.prompt_ids[len(self.ids) :]
        self._add(told, [0.0] * len(told), is_target=False)
        n = len(completion.token_ids)
        self._add(completion.token_ids, completion.logprobs or [float("nan")] * n, is_target=True)

    def sample(self) -> Sample:
        """What has come together."""
        return Sample(
            tuple(self.ids),
            tuple(self.mask),
            tuple(self.logprobs),
            version=self.version,
            turn=self.turn,
        )

    def _add(self, ids: Sequence[int], logprobs: Sequence[float], *, is_target: bool) -> None:
        self.ids.extend(ids)
        self.mask.extend([is_target] * len(ids))
        self.logprobs.extend(logprobs)


def _base_of(run: Run, seat: str, samples: Sequence[Sample]) -> str:
    """The fingerprint of the weights with which a seat's samples were drawn."""
    names = sorted({sample.version.partition("+")[0] for sample in samples})
    known = run.record.get("weights") or {}
    found = {known.get(name) for name in names}
    base = found.pop()
    if found or base is None:
        raise ConfigError(
            f"seat {seat!r} must be played by models of one base whose weights run.yaml names, got "
            f"{names!r}; take engine transformers or vllm for it"
        )
    return str(base)
