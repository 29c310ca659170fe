"""Turns texts into vectors with an encoder of transformers."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize
from transformers import AutoModel, AutoTokenizer

from simlab.errors import ConfigError
from simlab.models.embedder import Vectors
from simlab.models.sentence_settings import SentenceSettings, read_settings
from simlab.models.transformers.loading import find_device
from simlab.models.transformers.quiet import quiet

_MULTIPLE = 16
"""Texts are filled up to a multiple of so many tokens, and computed beside those of the same length
only. So the filling of a text follows from itself, and so do its sums: beside longer texts they
would round differently (seen: 1e-7; with this, on AVX-512, not at all)."""


_LONGEST = 8192
"""The most tokens of a text that are read where nothing says how many there may be."""


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """What was made of texts.

    Attributes:
        vectors: ``(texts, dimension)``, of length 1.
        n_tokens: How many tokens of each text were read.
    """

    vectors: Vectors
    n_tokens: Sequence[int]


class TextEncoder:
    """Computes the vectors of texts, in float32.

    The states of the last layer are pooled over the tokens of the text, then scaled to length 1
    (Reimers & Gurevych 2019, "Sentence-BERT", section 3).

    Args:
        tokenizer: Of transformers.
        model: An encoder of transformers, in evaluation mode.
        settings: How its states are pooled.
        max_batch: The most texts in one pass.
    """

    def __init__(
        self, tokenizer: Any, model: Any, settings: SentenceSettings, *, max_batch: int
    ) -> None:
        self._tokenizer = tokenizer
        self._model = model
        self._settings = settings
        self._max_batch = max_batch
        self._max_tokens = _max_tokens(tokenizer, model, settings)
        self._filler = tokenizer.pad_token_id or 0

    @classmethod
    def load(cls, folder: Path, *, device: str = "auto", max_batch: int = 64) -> Self:
        """The encoder in a folder.

        Raises:
            ConfigError: There is none that can be loaded, it takes more than texts, or there is no
                such device.
        """
        place = find_device(device)
        settings = read_settings(folder)
        try:
            with quiet():
                tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
                model = AutoModel.from_pretrained(
                    folder, dtype=torch.float32, local_files_only=True
                )
            encoder = cls(tokenizer, model.eval().to(place), settings, max_batch=max_batch)
            encoder.encode(["It is asked whether it can."])
        except (OSError, ValueError, ImportError, TypeError, AttributeError) as error:
            raise ConfigError(
                f"weights in {str(folder)!r} cannot be loaded as an encoder of texts: {error}"
            ) from error
        return encoder

    def encode(self, texts: Sequence[str]) -> Encoded:
        """The vector of each text."""
        ids = self._ids(texts)
        vectors = np.empty((len(ids), self._model.config.hidden_size), dtype=np.float32)
        for length, places in self._batches(ids):
            vectors[places] = self._vectors([ids[place] for place in places], length).cpu().numpy()
        return Encoded(vectors, [len(tokens) for tokens in ids])

    def _ids(self, texts: Sequence[str]) -> list[list[int]]:
        """The tokens of each text; of one without any, such as an empty one, a filler."""
        tokenize: Any = self._tokenizer
        ids = tokenize(list(texts), truncation=True, max_length=self._max_tokens, padding=False)
        return [tokens or [self._filler] for tokens in ids["input_ids"]]

    def _batches(self, ids: Sequence[Sequence[int]]) -> Iterator[tuple[int, list[int]]]:
        """Places of texts that are computed together, with the length that each is filled up to."""
        groups: defaultdict[int, list[int]] = defaultdict(list)
        for place, tokens in enumerate(ids):
            groups[-(-len(tokens) // _MULTIPLE) * _MULTIPLE].append(place)
        for length, places in groups.items():
            for start in range(0, len(places), self._max_batch):
                yield min(length, self._max_tokens), places[start : start + self._max_batch]

    @torch.inference_mode()
    def _vectors(self, ids: Sequence[Sequence[int]], length: int) -> Tensor:
        """``(texts, dimension)``, of token ids that are filled up to one length."""
        filled = [[*tokens, *[self._filler] * (length - len(tokens))] for tokens in ids]
        lengths = torch.tensor([[len(tokens)] for tokens in ids], device=self._model.device)
        mask = (torch.arange(length, device=self._model.device) < lengths).long()
        input_ids = torch.tensor(filled, device=self._model.device)
        states = self._model(input_ids=input_ids, attention_mask=mask).last_hidden_state
        if self._settings.pooling == "cls":
            return normalize(states[:, 0], dim=1)
        return normalize((states * mask.unsqueeze(2)).sum(1) / lengths, dim=1)


def _max_tokens(tokenizer: Any, model: Any, settings: SentenceSettings) -> int:
    """The most tokens that are read of a text: what the files say, and no more than there is."""
    longest = getattr(model.config, "max_position_embeddings", _LONGEST)
    return int(min(settings.max_tokens or longest, tokenizer.model_max_length, longest))
