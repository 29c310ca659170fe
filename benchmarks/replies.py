"""Replies of a given length, as a benchmark of dialogues wants them."""

import json
import math
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

from simlab.agents.llm import LlmAgent
from simlab.env.environment import ActionRequest, Seat
from simlab.models.model import Model, Sampling
from simlab.models.weights import resolve

SIGMA = math.sqrt(math.log(2))
"""Standard deviation of the logarithm of a reply's length, for which a log-normal's standard
deviation is its mean. Production traces have as much: there lengths of replies are distributed
exponentially (Xiang et al. 2025, "ServeGen", arXiv 2505.09999)."""

_NEVER = "<reponame>"
"""Of the embedded weights: a mark of source code, which dialogues do not draw."""


class Talker(LlmAgent):
    """Says as many tokens each time as it draws, given weights that end no turn by themselves.

    Args:
        model: Plays it.
        seat: Where it sits.
        session: Of its prompts.
        seed: By which it draws lengths.
        sampling: How replies are drawn but for their length.
        mean_tokens: Mean of the log-normal distribution of lengths.
        sigma: Standard deviation of their logarithms; 0 makes all replies equally long.
        longest: Longer ones are cut to this many tokens.
    """

    def __init__(
        self,
        model: Model,
        *,
        seat: Seat,
        session: str,
        seed: int,
        sampling: Sampling | Mapping[str, Any] = Sampling(),
        mean_tokens: float = 48,
        sigma: float = SIGMA,
        longest: int = 512,
    ) -> None:
        super().__init__(
            model,
            seat=seat,
            session=session,
            sampling=sampling,
            memory="list",
            name_speakers=False,
        )
        self._rng = Random(seed)
        self._mean_tokens, self._sigma, self._longest = mean_tokens, sigma, longest

    async def act(self, request: ActionRequest) -> Any:
        """Draw a length, and as many tokens; see `Agent.act`."""
        n_tokens = reply_length(self._rng, self._mean_tokens, self._sigma)
        self.sampling = replace(self.sampling, max_tokens=min(n_tokens, self._longest))
        return await super().act(request)


def reply_length(rng: Random, mean_tokens: float, sigma: float = SIGMA) -> int:
    """A length from a log-normal distribution, in tokens, at least 1.

    Args:
        rng: Draws it.
        mean_tokens: Mean of the distribution.
        sigma: Standard deviation of the logarithm.
    """
    mu = math.log(mean_tokens) - sigma**2 / 2
    return max(1, round(rng.lognormvariate(mu, sigma)))


def endless_weights(folder: Path) -> Path:
    """The embedded weights with another end of turn, which is never drawn; gives their folder.

    Args:
        folder: Is made; the tensors in it are a link.
    """
    source = resolve("embedded")
    folder.mkdir()
    for path in source.iterdir():
        if path.suffix == ".safetensors":
            (folder / path.name).symlink_to(path)
        else:
            shutil.copyfile(path, folder / path.name)
    token = _token_id(folder)
    _change(folder / "tokenizer_config.json", eos_token=_NEVER)
    _change(folder / "generation_config.json", eos_token_id=token)
    _change(folder / "config.json", eos_token_id=token)
    return folder


def _token_id(folder: Path) -> int:
    added = json.loads((folder / "tokenizer.json").read_text())["added_tokens"]
    ids: dict[str, int] = {token["content"]: token["id"] for token in added}
    return ids[_NEVER]


def _change(path: Path, **settings: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **settings}))
