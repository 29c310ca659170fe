"""Chats of real tokenizers and random weights, in the manner of families of models."""

import itertools
from dataclasses import replace

import pytest

from simlab.models.model import ChatMessage, Sampling
from tests.models.conftest import byte_tokenizer, write_tiny
from tests.models.families import FAMILIES, SPECIAL, end_of
from tests.models.transformers.requests import drawn

pytestmark = pytest.mark.model

HELLO = [ChatMessage("system", "Be brief."), ChatMessage("user", "Hello")]
LETTERS = "aeinorstlu"


def spaced_tokenizer():
    """A tokenizer that writes a space as part of a word, and adds one before a text's first."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    merges = [("▁", one) for one in LETTERS] + list(itertools.product(LETTERS, LETTERS))
    byte_words = [f"<0x{byte:02X}>" for byte in range(256)]
    letters = [chr(code) for code in range(33, 127)]
    words = ["<unk>", *byte_words, "▁", *letters, *(one + two for one, two in merges)]
    vocabulary = {word: number for number, word in enumerate(words)}
    model = models.BPE(vocabulary, merges, byte_fallback=True, unk_token="<unk>", fuse_unk=True)
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    tokenizer.decoder = decoders.Sequence(
        [
            decoders.Replace("▁", " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(" ", 1, 0),
        ]
    )
    return tokenizer


@pytest.fixture(scope="module", params=FAMILIES)
def family(request):
    return request.param


@pytest.fixture(scope="module")
def weights(family, tmp_path_factory):
    """Random weights with the template of a family, and a tokenizer with pairs of letters."""
    tokenizer = (
        spaced_tokenizer()
        if family == "mistral"
        else byte_tokenizer(list(itertools.product(LETTERS, LETTERS)))
    )
    tokenizer.add_special_tokens([*SPECIAL, end_of(family)])
    folder = tmp_path_factory.mktemp(family)
    return write_tiny(folder, end_of(family), FAMILIES[family], tokenizer)


@pytest.fixture(scope="module")
def engine(weights):
    from simlab.models.transformers.engine import TransformersEngine

    with TransformersEngine(str(weights)) as engine:
        yield engine


@pytest.mark.parametrize("begun", ["", '{"say": "'])
async def test_train_2_in_a_chat_of_10_turns_a_prompt_goes_on_from_the_last_one(engine, begun):
    opening = [ChatMessage("assistant", begun)] if begun else []
    chat, completions = [*HELLO], []
    for turn in range(10):
        sampling = Sampling(max_tokens=20, seed=turn, temperature=0.7)
        completions.append(await engine.generate([*chat, *opening], sampling, session="buyer"))
        chat += [completions[-1].message(begun), ChatMessage("user", f"And then {turn}?")]

    for before, after in itertools.pairwise(completions):
        whole = before.prompt_ids + before.token_ids
        assert after.prompt_ids[: len(whole)] == whole
    words = [replace(message, ids=()) for message in chat]
    anew = await engine.generate(words, Sampling(max_tokens=1, seed=1))
    again = await engine.generate(chat, Sampling(max_tokens=1, seed=1))
    assert anew.prompt_ids != again.prompt_ids


async def test_a_chat_gives_the_same_ids_in_a_fresh_engine(engine, weights, own_engine):
    sampling = Sampling(max_tokens=20, seed=1, temperature=0.7, logprobs=True)
    first = await engine.generate(HELLO, sampling)
    chat = [*HELLO, first.message(), ChatMessage("user", "And then?")]
    warm = await engine.generate(chat, sampling, session="buyer")

    cold = await own_engine(weights).generate(chat, sampling)

    assert cold.prompt_ids == warm.prompt_ids
    assert drawn(cold) == drawn(warm)


async def test_a_prompt_begins_with_one_token_that_begins_a_text(engine, weights, family):
    from transformers import AutoTokenizer

    completion = await engine.generate(HELLO, Sampling(max_tokens=1, seed=1))

    begins = FAMILIES[family].startswith("<s>")
    start = AutoTokenizer.from_pretrained(weights).convert_tokens_to_ids("<s>")
    assert completion.prompt_ids.count(start) == int(begins)
    assert (completion.prompt_ids[0] == start) == begins
