import pytest
from jinja2 import TemplateError

from simlab.models.fold import Folding
from simlab.models.model import ChatMessage

SYSTEM, USER, ASSISTANT = (
    ChatMessage("system", "S"),
    ChatMessage("user", "U"),
    ChatMessage("assistant", "A", (1, 2)),
)


def letters(messages):
    return " ".join(f"{message.role[0]}:{message.text}" for message in messages)


def folded(*messages, system=True, repeats=True, opening=True):
    return letters(Folding(system, repeats, opening).fold(messages))


def strict(messages):
    """A template that takes turns of user and assistant by turns, and nothing else."""
    for place, message in enumerate(messages):
        if message.role != ("user", "assistant")[place % 2]:
            raise TemplateError("turns must alternate")
    return letters(messages)


def test_what_a_template_takes_is_found_out_by_trying():
    assert Folding.of(letters) == Folding(system=True, repeats=True, opening=True)
    assert Folding.of(strict) == Folding(system=False, repeats=False, opening=False)


def test_a_template_that_drops_the_words_of_a_turn_does_not_take_it():
    def silent(messages):
        return letters([message for message in messages if message.role != "system"])

    assert Folding.of(silent) == Folding(system=False, repeats=True, opening=True)


def test_what_is_taken_is_left_as_it_is():
    assert folded(SYSTEM, ASSISTANT, USER, USER) == "s:S a:A u:U u:U"


@pytest.mark.parametrize(
    ("chat", "text"),
    [
        ((SYSTEM, USER), "u:S\n\nU"),
        ((SYSTEM, SYSTEM, USER), "u:S\n\nS\n\nU"),
        ((USER, SYSTEM), "u:U u:S"),
        ((USER, ASSISTANT, SYSTEM, USER), "u:U a:A u:S\n\nU"),
        ((SYSTEM, ASSISTANT, USER), "u:S a:A u:U"),
        ((USER, SYSTEM, ASSISTANT), "u:U a:A u:S"),
    ],
)
def test_a_system_turn_goes_before_the_words_of_the_next_user_turn(chat, text):
    assert folded(*chat, system=False) == text


def test_turns_of_one_role_are_joined():
    assert folded(USER, USER, ASSISTANT, USER, repeats=False) == "u:U\n\nU a:A u:U"


def test_the_ids_of_joined_words_are_left_out_and_those_of_others_kept():
    chat = Folding(True, False, True).fold([USER, ASSISTANT, ASSISTANT, USER, ASSISTANT])

    assert [message.ids for message in chat] == [(), (), (), (1, 2)]


def test_results_of_tools_are_not_joined():
    tool = ChatMessage("tool", "4")

    assert folded(USER, tool, tool, repeats=False) == "u:U t:4 t:4"


def test_an_empty_turn_goes_before_an_assistant_who_opens_the_chat():
    assert folded(ASSISTANT, USER, opening=False) == "u: a:A u:U"
    assert folded(SYSTEM, ASSISTANT, USER, opening=False) == "s:S u: a:A u:U"
    assert folded(USER, ASSISTANT, opening=False) == "u:U a:A"


def test_a_strict_template_takes_any_folded_chat():
    folding = Folding.of(strict)
    chats = [
        [SYSTEM, USER],
        [SYSTEM, ASSISTANT, USER],
        [ASSISTANT, USER, USER],
        [USER, SYSTEM, USER, ASSISTANT, SYSTEM],
        [SYSTEM],
    ]

    assert [strict(folding.fold(chat)) for chat in chats] == [
        "u:S\n\nU",
        "u:S a:A u:U",
        "u: a:A u:U\n\nU",
        "u:U\n\nS\n\nU a:A u:S",
        "u:S",
    ]
