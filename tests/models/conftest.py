"""Tiny random weights, and the embedded ones, each loaded once for all tests that want them.

Torch is imported in fixtures only: it takes seconds, which the fast tests should not pay.
"""

import asyncio

import pytest

CHAT_TEMPLATE = (
    "{% for message in messages %}<|{{ message['role'] }}|>{{ message['content'] }}<|end|>"
    "{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def write_tiny(folder, end, template=CHAT_TEMPLATE, tokenizer=None):
    """Write a random Llama of two layers, and a tokenizer with an end-of-turn token.

    Args:
        folder: To be filled.
        end: The end-of-turn token, or None.
        template: Of chats.
        tokenizer: Of the library `tokenizers`; one of bytes if None.
    """
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer or byte_tokenizer(), eos_token=end)
    fast.chat_template = template
    fast.save_pretrained(folder)
    config = LlamaConfig(
        vocab_size=len(fast),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=1024,
        eos_token_id=fast.eos_token_id,
        bos_token_id=None,
        initializer_range=0.5,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        LlamaForCausalLM(config).save_pretrained(folder)
    return folder


def write_tiny_encoder(folder, max_tokens):
    """Write a random BERT of two layers, and a tokenizer of bytes."""
    import torch
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    fast = PreTrainedTokenizerFast(tokenizer_object=byte_tokenizer())
    fast.save_pretrained(folder)
    config = BertConfig(
        vocab_size=len(fast),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=max_tokens,
        initializer_range=0.5,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        BertModel(config).save_pretrained(folder)
    return folder


def byte_tokenizer(merges=()):
    """A tokenizer of bytes, of which some pairs are one token."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    words = [*sorted(pre_tokenizers.ByteLevel.alphabet()), *(one + two for one, two in merges)]
    vocabulary = {word: number for number, word in enumerate(words)}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=list(merges)))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


@pytest.fixture(scope="session")
def tiny_weights(tmp_path_factory):
    """A folder with tiny random weights."""
    return write_tiny(tmp_path_factory.mktemp("tiny"), end="<|end|>")


@pytest.fixture(scope="session")
def tiny_encoder(tmp_path_factory):
    """A folder with tiny random weights of an encoder that reads at most 96 tokens."""
    return write_tiny_encoder(tmp_path_factory.mktemp("encoder"), max_tokens=96)


@pytest.fixture(scope="session")
def endless_weights(tmp_path_factory):
    """A folder with tiny random weights and no token that would end a turn."""
    return write_tiny(tmp_path_factory.mktemp("endless"), end=None)


@pytest.fixture(scope="session")
def tiny_engine(tiny_weights):
    """An engine on the tiny weights, in float32."""
    from simlab.models.transformers.engine import TransformersEngine

    with TransformersEngine(str(tiny_weights)) as engine:
        yield engine


@pytest.fixture(scope="session")
def plain_model(tiny_weights):
    """The tiny weights as transformers itself computes them."""
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(tiny_weights, attn_implementation="eager").eval()


@pytest.fixture(scope="session")
def tokenizer(tiny_weights):
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(tiny_weights)


@pytest.fixture(scope="session")
def embedded_engine():
    """An engine on the embedded weights, in float32."""
    from simlab.models.transformers.engine import TransformersEngine

    with TransformersEngine() as engine:
        yield engine


@pytest.fixture
def together():
    """Runs coroutines at once and returns their results in order."""

    async def gather(*coroutines):
        return await asyncio.gather(*coroutines)

    return gather
