"""Completions that hold to a schema, each time and whatever is drawn."""

import json
import sys

import jsonschema
import pytest

from simlab.errors import ModelError
from simlab.models.model import ChatMessage, Sampling
from tests.models.transformers.plain import plain_logprobs
from tests.models.transformers.requests import HELLO, SEEDED, drawn

pytestmark = pytest.mark.model

WORDS = {"type": "string", "maxLength": 12}
OFFER = {
    "type": "object",
    "properties": {
        "say": WORDS,
        "price": {"type": "integer", "minimum": 1, "maximum": 9999},
        "mood": {"enum": ["calm", "cross", None]},
        "extras": {"type": "array", "items": {"$ref": "#/$defs/Extra"}, "maxItems": 2},
    },
    "required": ["say", "price", "mood", "extras"],
    "additionalProperties": False,
    "$defs": {
        "Extra": {
            "oneOf": [
                {
                    "type": "object",
                    "properties": {"kind": {"const": "radio"}, "works": {"type": "boolean"}},
                    "required": ["kind", "works"],
                    "additionalProperties": False,
                },
                {
                    "type": "object",
                    "properties": {"kind": {"const": "tyres"}, "left": {"type": "integer"}},
                    "required": ["kind", "left"],
                    "additionalProperties": False,
                },
            ]
        }
    },
}
LONGEST = 300


async def test_train_10_a_text_parses_and_validates_in_100_of_100_tries(tiny_engine, together):
    samplings = [Sampling(max_tokens=LONGEST, seed=seed, schema=OFFER) for seed in range(100)]

    completions = await together(*(tiny_engine.generate(HELLO, one) for one in samplings))

    for completion in completions:
        assert completion.finish == "stop"
        jsonschema.validate(json.loads(completion.text), OFFER)
    assert len({completion.text for completion in completions}) > 90


@pytest.mark.parametrize(
    "schema",
    [
        {"enum": ["yes", "no"]},
        {"type": "number", "minimum": 0, "exclusiveMaximum": 1},
        {"type": "string", "minLength": 3, "maxLength": 5},
        {"type": "string", "pattern": r"^[A-Z]{2}-\d+$"},
        {"type": ["string", "null"], "maxLength": 2},
        {"type": "array", "prefixItems": [WORDS, {"type": "boolean"}], "minItems": 2},
        {"anyOf": [WORDS, {"type": "integer"}, {"type": "null"}]},
        {"type": "object", "additionalProperties": {"type": "integer"}, "maxProperties": 2},
    ],
    ids=" ".join,
)
async def test_train_10_all_that_is_taken_of_a_schema_is_held(tiny_engine, together, schema):
    samplings = [Sampling(max_tokens=60, seed=seed, schema=schema) for seed in range(60)]

    completions = await together(*(tiny_engine.generate(HELLO, one) for one in samplings))

    ended = [completion for completion in completions if completion.finish == "stop"]
    assert len(ended) > 5
    for completion in ended:
        jsonschema.validate(json.loads(completion.text), schema)


async def test_a_completion_cut_by_its_length_says_so(tiny_engine):
    short = Sampling(max_tokens=10, seed=1, schema=OFFER)

    completion = await tiny_engine.generate(HELLO, short)

    assert completion.finish == "length"
    assert len(completion.token_ids) == 10
    assert completion.text.startswith('{"say": "')


async def test_a_turn_ends_with_its_end_token_after_the_schema_too(tiny_engine, tokenizer):
    sampling = Sampling(max_tokens=10, seed=1, schema={"const": "no"})

    completion = await tiny_engine.generate(HELLO, sampling)

    assert completion.text == '"no"'
    assert completion.token_ids[-1] == tokenizer.eos_token_id


async def test_weights_without_an_end_of_turn_take_no_schema(own_engine, endless_weights):
    with pytest.raises(ModelError, match="name a token which ends a turn, got none"):
        await own_engine(endless_weights).generate(HELLO, Sampling(schema=WORDS))


async def test_logprobs_under_a_schema_are_those_of_the_raw_logits(tiny_engine, plain_model):
    sampling = Sampling(max_tokens=LONGEST, seed=1, schema=OFFER, logprobs=True)

    completion = await tiny_engine.generate(HELLO, sampling)

    wanted = plain_logprobs(plain_model, completion.prompt_ids, completion.token_ids)
    assert completion.logprobs == pytest.approx(wanted, abs=1e-3)


@pytest.mark.parametrize("options", [{"temperature": 0}, {"seed": 5, "top_p": 0.8}])
async def test_train_9_under_a_schema_a_row_is_the_same_alone_and_among_others(
    tiny_engine, together, options
):
    sampling = Sampling(max_tokens=80, schema=OFFER, logprobs=True, **options)
    alone = await tiny_engine.generate(HELLO, sampling)

    *_, beside = await together(
        *(tiny_engine.generate(HELLO, SEEDED) for _ in range(4)),
        *(tiny_engine.generate(HELLO, Sampling(seed=9, schema=WORDS)) for _ in range(4)),
        tiny_engine.generate(HELLO, sampling),
    )

    assert drawn(beside) == drawn(alone)
    assert beside.exact


async def test_a_schema_beside_a_begun_reply_is_refused(tiny_engine):
    begun = [*HELLO, ChatMessage("assistant", '{"say": "')]

    with pytest.raises(ModelError, match=r"""is begun with '{"say": "'; leave out one"""):
        await tiny_engine.generate(begun, Sampling(schema=OFFER))


async def test_a_schema_beside_stop_texts_is_refused(tiny_engine):
    with pytest.raises(ModelError, match=r"stop texts \('}',\) beside one"):
        await tiny_engine.generate(HELLO, Sampling(schema=OFFER, stop=("}",)))


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ({"type": "string", "pattern": r"(?=a)b"}, "'pattern'"),
        ({"type": "integer", "minimum": 5, "maximum": 3}, "minimum greater than maximum"),
        ({"enum": []}, "enum array must not be empty"),
        ({"type": "string", "minLength": 3, "maxLength": 2}, "cannot be held to the JSON schema"),
    ],
)
async def test_a_schema_that_cannot_be_held_fails_its_own_request_alone(
    tiny_engine, together, schema, message
):
    *completions, error = await together(
        *(tiny_engine.generate(HELLO, SEEDED) for _ in range(5)),
        refused(tiny_engine.generate(HELLO, Sampling(schema=schema))),
    )

    assert len({drawn(completion) for completion in completions}) == 1
    assert message in str(error)


async def refused(call):
    with pytest.raises(ModelError) as raised:
        await call
    return raised.value


async def test_without_xgrammar_a_schema_is_refused_with_the_way_to_get_it(own_engine, monkeypatch):
    engine = own_engine()
    monkeypatch.setitem(sys.modules, "xgrammar", None)

    with pytest.raises(ModelError, match=r"needs xgrammar.*pip install 'simlab\[schema\]'"):
        await engine.generate(HELLO, Sampling(schema=WORDS))


def test_a_grammar_that_no_token_goes_on_with_is_an_error():
    import torch

    from simlab.models.transformers.grammar import Constraint

    class Stuck:
        def fill_next_token_bitmask(self, bits):
            bits.zero_()

    with pytest.raises(ModelError, match="no token of this vocabulary"):
        Constraint(Stuck(), torch.ones(1, 2, dtype=torch.int32)).masked(torch.zeros(1, 40))


def test_bits_are_read_from_the_lowest_and_the_sign_is_one_of_them():
    import torch

    from simlab.models.transformers.grammar import Constraint

    class Odd:
        def fill_next_token_bitmask(self, bits):
            bits[0, 0], bits[0, 1] = -(2**31) + 5, 2

    masked = Constraint(Odd(), torch.zeros(1, 2, dtype=torch.int32)).masked(torch.zeros(1, 40))

    assert masked.isfinite().nonzero()[:, 1].tolist() == [0, 2, 31, 33]


async def test_train_10_the_embedded_model_answers_in_json(embedded_engine):
    chat = [ChatMessage("user", "Offer a price for the car.")]
    sampling = Sampling(max_tokens=80, seed=1, schema=OFFER)

    completion = await embedded_engine.generate(chat, sampling)

    assert completion.finish == "stop"
    jsonschema.validate(json.loads(completion.text), OFFER)
