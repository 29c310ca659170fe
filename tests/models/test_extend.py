"""Chats that go on keep the ids that were drawn."""

from dataclasses import replace

import pytest

from simlab.models.model import ChatMessage, Completion
from simlab.models.render import Renderer
from tests.models.families import (
    FAMILIES,
    GEMMA,
    LLAMA,
    MISTRAL,
    QWEN,
    SMOLLM,
    THINKER,
    Pairs,
    end_of,
)

HELLO = [ChatMessage("system", "Be brief."), ChatMessage("user", "Hello")]
MORE = ChatMessage("user", "And then?")


class Drawing:
    """Stands for an engine: reads a prompt, and draws the words that it is told, letter by letter.

    Args:
        template: Of chats.
        end: The token that it ends a turn with.
    """

    def __init__(self, template, end="<|end|>"):
        self.tokenizer = Pairs(template)
        self.renderer = Renderer(self.tokenizer)
        self._end = end

    def draw(self, chat, words, *, ended=True):
        prompt = self.renderer.prompt_ids(chat)
        drawn = self.tokenizer.letters(words)
        if ended:
            drawn += self.tokenizer.encode(self._end, add_special_tokens=False)
        text = self.renderer.continuation(prompt, drawn)
        return Completion(text, tuple(prompt), tuple(drawn), finish="stop" if ended else "length")

    def read(self, ids):
        return self.tokenizer.decode(ids, skip_special_tokens=False)


def goes_on(before, after):
    """Whether a prompt begins with the prompt and the tokens of the completion before."""
    whole = before.prompt_ids + before.token_ids
    return after.prompt_ids[: len(whole)] == whole


@pytest.mark.parametrize("begun", ["", '{"say": "'])
@pytest.mark.parametrize("family", FAMILIES)
def test_train_2_in_a_chat_of_10_turns_a_prompt_goes_on_from_the_last_one(family, begun):
    engine = Drawing(FAMILIES[family], end_of(family))
    chat, completions = [*HELLO], []
    opening = [ChatMessage("assistant", begun)] if begun else []
    for turn in range(10):
        completions.append(engine.draw([*chat, *opening], f"Well well, {turn} of them"))
        chat += [completions[-1].message(begun), replace(MORE, text=f"And {turn}?")]

    assert all(map(goes_on, completions, completions[1:]))
    words = [replace(message, ids=()) for message in chat]
    with_ids, anew = (engine.renderer.prompt_ids(one) for one in (chat, words))
    assert with_ids != anew
    assert engine.read(with_ids).split() == engine.read(anew).replace("[/INST] ", "[/INST]").split()


@pytest.mark.parametrize("family", FAMILIES)
def test_a_reply_that_was_cut_by_its_length_is_closed_by_the_template(family):
    engine = Drawing(FAMILIES[family], end_of(family))
    first = engine.draw(HELLO, "Well well", ended=False)

    second = engine.draw([*HELLO, first.message(), MORE], "And")

    assert goes_on(first, second)
    rest = second.prompt_ids[len(first.prompt_ids) + len(first.token_ids) :]
    assert engine.read(rest).startswith(end_of(family))


@pytest.mark.parametrize("family", FAMILIES)
def test_an_end_of_turn_stands_once(family):
    engine = Drawing(FAMILIES[family], end_of(family))
    first = engine.draw(HELLO, "Well")

    second = engine.draw([*HELLO, first.message(), MORE], "And")

    assert f"Well{end_of(family)}" in engine.read(second.prompt_ids)
    assert engine.read(second.prompt_ids).count(end_of(family) * 2) == 0


def test_another_token_that_ends_a_turn_stands_before_the_templates_own():
    engine = Drawing(SMOLLM, end="</s>")
    first = engine.draw(HELLO, "Well")

    second = engine.draw([*HELLO, first.message(), MORE], "And")

    assert goes_on(first, second)
    assert "Well</s><|end|>\n<|start|>user" in engine.read(second.prompt_ids)


@pytest.mark.parametrize("template", [SMOLLM, LLAMA, GEMMA])
@pytest.mark.parametrize("words", [" Well ", "\n\nWell", "Well\n", "", " "])
def test_white_space_that_a_template_trims_stays_as_it_was_drawn(template, words):
    engine = Drawing(template)
    first = engine.draw(HELLO, words)

    second = engine.draw([*HELLO, first.message(), MORE], "And")

    assert goes_on(first, second)


def test_words_after_a_stop_text_stay_as_they_were_drawn():
    engine = Drawing(SMOLLM)
    first = replace(engine.draw(HELLO, "Well\nUser: no", ended=False), text="Well")

    second = engine.draw([*HELLO, first.message(), MORE], "And")

    assert goes_on(first, second)


def test_what_is_rendered_follows_from_the_prompt_alone():
    engine = Drawing(LLAMA)
    chat = [*HELLO, engine.draw(HELLO, "Well well").message(), MORE]

    elsewhere = Renderer(engine.tokenizer)

    assert elsewhere.prompt_ids(chat) == engine.renderer.prompt_ids(chat)


def test_a_chat_that_is_cut_is_rendered_anew_and_its_replies_keep_their_ids():
    engine = Drawing(SMOLLM)
    chat = [*HELLO]
    for turn in range(3):
        chat += [engine.draw(chat, f"Well well {turn}").message(), MORE]
    last = engine.draw(chat, "End")

    cut = engine.draw([HELLO[0], *chat[3:]], "End")

    assert not goes_on(last, cut)
    for turn in (1, 2):
        assert contains(cut.prompt_ids, engine.tokenizer.letters(f"Well well {turn}"))


def contains(ids, part):
    return any(
        list(ids[place : place + len(part)]) == part for place in range(len(ids) - len(part) + 1)
    )


def test_reasoning_that_a_template_leaves_out_starts_a_new_rendering():
    engine = Drawing(QWEN)
    chat = [*HELLO]
    first = engine.draw(chat, "<think>hm hm</think>\n\nWell well")
    chat += [first.message(), MORE]

    second = engine.draw(chat, "Then more")
    third = engine.draw([*chat, second.message(), MORE], "End")

    assert not goes_on(first, second)
    assert "hm" not in engine.read(second.prompt_ids)
    assert "assistant\nWell well<|end|>" in engine.read(second.prompt_ids)
    assert goes_on(second, third)


def test_where_a_template_opens_the_thinking_replies_keep_their_ids_in_a_new_rendering():
    engine = Drawing(THINKER)
    first = engine.draw(HELLO, "hm hm</think>Well")

    second = engine.draw([*HELLO, first.message(), MORE], "hm</think>And")

    assert engine.read(first.prompt_ids).endswith("<|start|>assistant\n<think>\n")
    assert not goes_on(first, second)
    assert contains(second.prompt_ids, list(first.token_ids))


def test_words_that_were_changed_are_cut_into_tokens_anew():
    engine = Drawing(SMOLLM)
    reply = replace(engine.draw(HELLO, "Well well").message(), text="Nothing")

    second = engine.draw([*HELLO, reply, MORE], "And")

    assert "assistant\nNothing<|end|>" in engine.read(second.prompt_ids)


@pytest.mark.parametrize("ids", [(5, 99_999), (-1,), (7, 8, 9)])
def test_ids_of_another_tokenizer_are_left_aside(ids):
    engine = Drawing(SMOLLM)
    reply = ChatMessage("assistant", "Well well", ids)

    ids = engine.renderer.prompt_ids([*HELLO, reply, MORE])

    assert ids == engine.renderer.prompt_ids([*HELLO, replace(reply, ids=()), MORE])


def test_ids_of_a_reply_that_goes_on_are_left_aside():
    engine = Drawing(SMOLLM)
    reply = engine.draw(HELLO, "Well").message()

    ids = engine.renderer.prompt_ids([*HELLO, reply])

    assert engine.read(ids).endswith("assistant\nWell")


def test_characters_that_mark_replies_do_no_harm_in_what_others_say():
    engine = Drawing(SMOLLM)
    chat = [*HELLO, ChatMessage("user", "\ue0000\ue001")]
    reply = engine.draw(chat, "Well").message()

    second = engine.draw([*chat, reply, MORE], "And")

    assert "assistant\nWell<|end|>" in engine.read(second.prompt_ids)


def test_joined_turns_are_words():
    engine = Drawing(MISTRAL, end="</s>")
    chat = [ChatMessage("user", "Hello")]
    replies = [engine.draw(chat, words).message() for words in ("One", "Two")]

    ids = engine.renderer.prompt_ids([*chat, *replies, MORE])

    assert "One\n\nTwo</s>" in engine.read(ids)
