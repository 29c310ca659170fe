import pytest
from jinja2 import TemplateError

from simlab.errors import ModelError
from simlab.models.model import ChatMessage
from simlab.models.render import Renderer
from tests.models.families import FAMILIES, Pairs


class Letters:
    """A tokenizer with a token for each letter, and a template that a test can limit."""

    chat_template = "any"

    def __init__(self, *, refused_roles=(), chat_template="any", opening="<a>"):
        self.opening = opening
        self.refused_roles = refused_roles
        self.chat_template = chat_template

    def __len__(self):
        return 1000

    def apply_chat_template(self, conversation, *, tokenize, add_generation_prompt):
        assert not tokenize
        for message in conversation:
            if message["role"] in self.refused_roles:
                raise TemplateError(f"{message['role']} is not supported.")
        turns = [f"<{message['role'][0]}>{message['content']}" for message in conversation]
        return "".join([*turns, self.opening if add_generation_prompt else ""])

    def encode(self, text, *, add_special_tokens):
        assert not add_special_tokens
        return [ord(letter) for letter in text]

    def decode(self, token_ids, *, skip_special_tokens):
        del skip_special_tokens  # there are none
        return "".join(chr(token) for token in token_ids)


def text_of(renderer, *messages):
    return "".join(map(chr, renderer.prompt_ids(messages)))


def test_a_chat_ends_where_the_assistant_is_to_speak():
    chat = ChatMessage("system", "Be brief."), ChatMessage("user", "Hi")

    assert text_of(Renderer(Letters()), *chat) == "<s>Be brief.<u>Hi<a>"


def test_a_reply_that_was_begun_is_left_open():
    chat = ChatMessage("user", "Hi"), ChatMessage("assistant", '{"say": "')

    assert text_of(Renderer(Letters()), *chat) == '<u>Hi<a>{"say": "'


def test_a_begun_reply_keeps_its_spaces_and_may_be_empty():
    renderer = Renderer(Letters())

    assert text_of(renderer, ChatMessage("user", "Hi"), ChatMessage("assistant", "So ")) == (
        "<u>Hi<a>So "
    )
    assert text_of(renderer, ChatMessage("user", "Hi"), ChatMessage("assistant", "")) == "<u>Hi<a>"


def test_earlier_turns_of_the_assistant_are_closed():
    chat = ChatMessage("assistant", "Hello"), ChatMessage("user", "Hi")

    assert text_of(Renderer(Letters()), *chat) == "<a>Hello<u>Hi<a>"


def test_a_system_turn_goes_before_the_next_user_turn_where_the_template_has_none():
    renderer = Renderer(Letters(refused_roles=("system",)))
    chat = ChatMessage("system", "Be brief."), ChatMessage("user", "Hi"), ChatMessage("user", "You")

    assert text_of(renderer, *chat) == "<u>Be brief.\n\nHi<u>You<a>"


def test_a_reply_is_begun_after_the_thoughts_that_a_template_opens():
    renderer = Renderer(Letters(opening="<a><think>\n"))
    asked = ChatMessage("user", "Hi")

    assert text_of(renderer, asked) == "<u>Hi<a><think>\n"
    assert text_of(renderer, asked, ChatMessage("assistant", "{")) == (
        "<u>Hi<a><think>\n\n</think>\n\n{"
    )
    assert text_of(renderer, asked, ChatMessage("assistant", "hm</think>{")) == (
        "<u>Hi<a><think>\nhm</think>{"
    )


def test_a_begun_reply_alone_is_refused():
    with pytest.raises(ModelError, match="a turn before the reply that it begins, got none"):
        Renderer(Letters()).prompt_ids([ChatMessage("assistant", "{")])


def test_a_system_turn_that_no_user_follows_becomes_a_user_turn():
    renderer = Renderer(Letters(refused_roles=("system",)))
    chat = (
        ChatMessage("user", "Hi"),
        ChatMessage("system", "End now."),
        ChatMessage("assistant", "B"),
    )

    assert text_of(renderer, *chat) == "<u>Hi<u>End now.<a>B"


def test_a_chat_that_the_template_refuses_names_its_roles():
    renderer = Renderer(Letters(refused_roles=("tool",)))

    with pytest.raises(ModelError, match=r"roles \['tool'\]: tool is not supported$"):
        renderer.prompt_ids([ChatMessage("tool", "4")])


def test_a_chat_without_a_template_is_refused():
    with pytest.raises(ModelError, match="needs a chat template"):
        Renderer(Letters(chat_template=None)).prompt_ids([ChatMessage("user", "Hi")])


def test_token_ids_are_read_as_they_are():
    assert Renderer(Letters(chat_template=None)).prompt_ids([5, 6, 5]) == [5, 6, 5]


@pytest.mark.parametrize("token", [-1, 1000])
def test_a_token_id_outside_the_vocabulary_is_refused(token):
    with pytest.raises(ModelError, match=rf"must be in \[0, 1000\), got {token}"):
        Renderer(Letters()).prompt_ids([5, token])


def test_an_empty_prompt_is_refused():
    with pytest.raises(ModelError, match="got none"):
        Renderer(Letters()).prompt_ids([])


def test_a_prompt_of_messages_and_ids_is_refused():
    with pytest.raises(ModelError, match="all messages or all token ids"):
        Renderer(Letters()).prompt_ids([ChatMessage("user", "Hi"), 5])


def test_a_continuation_keeps_the_space_of_its_first_word():
    class Words(Letters):
        """Writes a space between two tokens, and none before the first."""

        def decode(self, token_ids, **_):
            return " ".join(chr(token) for token in token_ids)

    assert Renderer(Words()).continuation([65, 66], [67, 68]) == " C D"


CHAT = [
    ChatMessage("system", "Be brief."),
    ChatMessage("user", "Hello"),
    ChatMessage("assistant", "Hi"),
    ChatMessage("user", "More"),
]


@pytest.mark.parametrize(
    ("family", "text"),
    [
        (
            "smollm",
            "<|start|>system\nBe brief.<|end|>\n<|start|>user\nHello<|end|>\n"
            "<|start|>assistant\nHi<|end|>\n<|start|>user\nMore<|end|>\n<|start|>assistant\nSo ",
        ),
        (
            "llama",
            "<s><|start|>system<|then|>\n\nBe brief.<|end|><|start|>user<|then|>\n\nHello<|end|>"
            "<|start|>assistant<|then|>\n\nHi<|end|><|start|>user<|then|>\n\nMore<|end|>"
            "<|start|>assistant<|then|>\n\nSo ",
        ),
        (
            "gemma",
            "<s><|start|>user\nBe brief.\n\nHello<|end|>\n<|start|>model\nHi<|end|>\n"
            "<|start|>user\nMore<|end|>\n<|start|>model\nSo ",
        ),
        ("mistral", "<s>[INST] Be brief.\n\nHello [/INST] Hi</s>[INST] More [/INST]So "),
        (
            "qwen",
            "<|start|>system\nBe brief.<|end|>\n<|start|>user\nHello<|end|>\n"
            "<|start|>assistant\nHi<|end|>\n<|start|>user\nMore<|end|>\n<|start|>assistant\nSo ",
        ),
    ],
)
def test_a_chat_with_a_begun_reply_is_written_as_each_family_writes_it(family, text):
    tokenizer = Pairs(FAMILIES[family])

    ids = Renderer(tokenizer).prompt_ids([*CHAT, ChatMessage("assistant", "So ")])

    assert tokenizer.decode(ids, skip_special_tokens=False) == text


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(
    "roles", ["su", "sau", "au", "uu", "suau", "ssu", "us", "uaau", "ua", "suas"]
)
def test_a_chat_of_any_order_is_taken_by_each_family_and_no_word_is_lost(family, roles):
    names = {"s": "system", "u": "user", "a": "assistant"}
    tokenizer = Pairs(FAMILIES[family])
    chat = [ChatMessage(names[role], f"word{place}") for place, role in enumerate(roles)]

    text = tokenizer.decode(Renderer(tokenizer).prompt_ids(chat), skip_special_tokens=False)

    assert [place for place in range(len(roles)) if f"word{place}" not in text] == []
