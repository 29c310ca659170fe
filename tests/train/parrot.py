"""A model that draws token ids by the request's seed alone: no network, yet it can be learnt from.

It names the weights that it stands for, so that a trainer has something to train.
"""

import hashlib
import json
import math
import os
from dataclasses import dataclass, replace
from pathlib import Path

from simlab.models.model import Completion, Sampling, Usage, name_with_adapter
from simlab.seeding import derive

LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class Parrot:
    """Says letters that follow from the seed; scores choices by the prompt.

    Attributes:
        name: The exact version.
        weights: Folder that it stands for.
        adapter: Folder of a version; nothing else follows from it than its name.
        calls_log: A file that gets a line for each call.
        mute: True: it gives choices no probability.
        spoilt: Name of a version that says nothing but ``z``, of which it thinks the least.
    """

    name: str
    weights: str
    adapter: str | None = None
    calls_log: str | None = None
    mute: bool = False
    spoilt: str = ""

    async def generate(self, prompt, sampling=Sampling(), *, session=None):  # noqa: ARG002
        self._note("generate", prompt)
        n = min(sampling.max_tokens, 6)
        drawn = tuple(40 + derive(sampling.seed or 0, place) % 26 for place in range(n))
        if self.spoilt and self.name.endswith(self.spoilt):
            drawn = (65,) * n
        words = "".join(LETTERS[token - 40] for token in drawn)
        ids = (*_ids(prompt), 1)
        return Completion(
            words,
            ids,
            drawn,
            (-1.0,) * n,
            model=self.name,
            usage=Usage(len(ids), n),
            exact=True,
        )

    async def choice_logprobs(self, prompt, choices):
        self._note("choices", prompt)
        if self.mute:
            return dict.fromkeys(choices, -math.inf)
        text = repr(list(prompt))
        if "zzzzzz" in text:
            return {c: 0.0 if c == choices[0] else -math.inf for c in choices}
        weights = {choice: 1 + derive(0, text, choice) % 97 for choice in choices}
        total = sum(weights.values())
        return {choice: math.log(weight / total) for choice, weight in weights.items()}

    def with_adapter(self, path):
        return replace(self, name=name_with_adapter(self.name, path), adapter=path)

    def folder(self):
        return Path(self.weights)

    def memory_bytes(self):
        return 0

    def gpus(self):
        return 0

    def open(self):
        raise AssertionError("it has no engine")

    def _note(self, call, prompt):
        if self.calls_log is None:
            return
        digest = hashlib.blake2b(repr(list(prompt)).encode(), digest_size=8).hexdigest()
        line = json.dumps({"call": call, "model": self.name, "prompt": digest}) + "\n"
        with open(self.calls_log, "a") as file:
            file.write(line)
            os.fsync(file.fileno())


def _ids(prompt):
    """A prompt as ids that go on from those of the prompt before."""
    for part in prompt:
        if isinstance(part, int):
            yield part
            continue
        yield 1
        yield from part.ids or (2 + byte % 38 for byte in part.text.encode())
