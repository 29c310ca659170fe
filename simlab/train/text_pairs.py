"""Pairs of texts as samples: a better and a worse reply to a chat, such as data on safety.

::

    pairs = [TextPair([ChatMessage("user", "Hi")], chosen="Hello!", rejected="Go away.")]
    write_dataset(dataset_of_texts(pairs, "embedded"), Path("safe.parquet"))
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from simlab.models.model import ChatMessage
from simlab.models.render import Renderer
from simlab.models.transformers.tokenizer import load_renderer
from simlab.models.weights import fingerprint, resolve
from simlab.train.dataset import Dataset
from simlab.train.sample import Sample


@dataclass(frozen=True, slots=True)
class TextPair:
    """Two replies to one chat.

    Attributes:
        chat: Ends with a turn that is not the assistant's.
        chosen: The better reply.
        rejected: The worse one.
    """

    chat: Sequence[ChatMessage]
    chosen: str
    rejected: str


def dataset_of_texts(pairs: Iterable[TextPair], weights: str) -> Dataset:
    """A dataset of texts that nobody has drawn, for `static.data` of a training.

    Args:
        pairs: In order; the n-th has the number n.
        weights: That learn: ``"embedded"``, a folder or a hub id, whose template and token of the
            end of a turn are taken.

    Raises:
        ConfigError: There are no such weights on this machine.
        ModelError: A chat does not fit the template.
    """
    folder = resolve(weights)
    renderer = load_renderer(str(folder))
    samples = [
        _sample(renderer, pair.chat, reply, label=label, number=number)
        for number, pair in enumerate(pairs)
        for label, reply in ((True, pair.chosen), (False, pair.rejected))
    ]
    return Dataset(tuple(samples), fingerprint(folder))


def _sample(
    renderer: Renderer, chat: Sequence[ChatMessage], reply: str, *, label: bool, number: int
) -> Sample:
    prompt = renderer.prompt_ids(list(chat))
    drawn = [*renderer.text_ids(reply), *renderer.end_ids()]
    return Sample(
        (*prompt, *drawn),
        (False,) * len(prompt) + (True,) * len(drawn),
        (0.0,) * len(prompt) + (float("nan"),) * len(drawn),
        label=label,
        pair=number,
    )
