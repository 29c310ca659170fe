import asyncio

import pytest

from simlab.errors import ModelError
from simlab.models.http.rendering import RenderingHere, RenderingThere
from simlab.models.model import ChatMessage
from tests.models.tool_templates import CALLED, WEATHER

USER = ChatMessage("user", "Hello")


def ids_of(text):
    return [ord(character) for character in text]


@pytest.fixture
def there(make_client, fake_vllm):
    return RenderingThere(make_client(fake_vllm), "http://127.0.0.1:8000/tokenize", "small")


async def test_a_begun_reply_follows_the_rest_as_it_is(there, fake_vllm):
    ids = await there.prompt_ids([USER, ChatMessage("assistant", "Rating: ")])

    assert ids == ids_of("<user>Hello<assistant>Rating: ")
    (_, chat), (_, begun) = fake_vllm.asked
    assert chat == {
        "model": "small",
        "messages": [{"role": "user", "content": "Hello"}],
        "add_generation_prompt": True,
    }
    assert begun == {"model": "small", "prompt": "Rating: ", "add_special_tokens": False}


async def test_a_reply_that_is_begun_with_nothing_is_as_none(there):
    assert await there.prompt_ids([USER, ChatMessage("assistant", "")]) == ids_of(
        "<user>Hello<assistant>"
    )


async def test_a_text_is_cut_into_tokens_once(there, fake_vllm):
    assert await there.text_ids(" 5") == await there.text_ids(" 5") == ids_of(" 5")
    assert len(fake_vllm.asked) == 1


async def test_tools_are_put_in_words_as_no_template_can_be_looked_into(there):
    told = "".join(map(chr, await there.prompt_ids(CALLED, [WEATHER])))
    later = "".join(map(chr, await there.prompt_ids(CALLED)))

    assert told.startswith("<system>Be brief.\n\nYou can use these tools:\n- weather: Says how")
    assert later.startswith("<system>Be brief.<user>Where is it warmer?<assistant><tool_call>")
    assert told.endswith("<user>Result of weather: 21\nResult of weather: 4<assistant>")


async def test_ids_are_not_rendered(there, fake_vllm):
    assert await there.prompt_ids([5, 6]) == [5, 6]
    assert fake_vllm.asked == []


@pytest.mark.parametrize("prompt", [[], [USER, 5]])
async def test_a_prompt_is_of_messages_or_of_ids(there, prompt):
    with pytest.raises(ModelError, match="prompt must be messages or token ids, not both, got"):
        await there.prompt_ids(prompt)


async def test_a_tokenizer_is_loaded_once_for_all_that_ask_at_once(monkeypatch):
    loaded = []

    class Rendered:
        def __init__(self, name):
            loaded.append(name)

        def prompt_ids(self, prompt, tools):
            return [len(prompt), *tools]

        def text_ids(self, text):
            return ids_of(text)

    monkeypatch.setattr("simlab.models.http.rendering._load_renderer", Rendered)
    here = RenderingHere("folder")

    found = await asyncio.gather(here.prompt_ids([USER]), here.text_ids("x"), here.text_ids("y"))

    assert found == [[1], ids_of("x"), ids_of("y")]
    assert loaded == ["folder"]
