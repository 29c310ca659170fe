"""Typed answers of models: ask for one, and ask again with the reason when it does not fit.

`ask` is the one loop that asks again. An agent in a seat makes one `attempt` for each request
instead, because whoever asked it does the asking again.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from simlab.env.environment import ActionRequest, Refusal
from simlab.errors import UnfitAnswerError
from simlab.models.answer_form import AnswerForm, answer_form
from simlab.models.model import ChatMessage, Model, Sampling
from simlab.trace.tracing import span

FORMAT_MARK = "{answer_format}"
"""Where in a prompt of words the form of the answer is told; by default after the last word.

In a chat it is left alone, since what agents said may hold it as well.
"""


async def ask(
    model: Model,
    prompt: str | Sequence[ChatMessage],
    space: Any,
    *,
    sampling: Sampling = Sampling(),
    attempts: int = 3,
    reason: bool = False,
    begin: bool = True,
    legal: Sequence[Any] | None = None,
    examples: Sequence[Any] = (),
    name: str = "ask",
) -> Any:
    """A typed answer from a model, an element of `space`, with several attempts.

    Each attempt is a span ``"name: 2/3"``, marked as failed where its reply did not fit; the next
    one is shown that reply and the reason.

    Args:
        model: Is asked.
        prompt: Words, which may hold `FORMAT_MARK` once, or a chat that ends with the user.
        space: What an answer may be: a pydantic model or dataclass, a list, number, choice, union.
        sampling: How each reply is drawn.
        attempts: At most this many replies are drawn; at least 1.
        reason: True: the model reasons in words first.
        begin: True: the reply is begun for the model where the space settles how it begins.
        legal: What of the space is legal; all of it if None.
        examples: Answers to show the model in place of the one made from the schema.
        name: Of the spans.

    Raises:
        UnfitAnswerError: No reply fitted; holds the last one. Other errors are passed on at once.
        ValueError: `FORMAT_MARK` occurs twice, an example does not fit, or `attempts` is under 1.
    """
    form = answer_form(space, reason=reason)
    request = ActionRequest(space=space, legal=legal, examples=tuple(examples))
    chat = _with_format(prompt, form.ask_for(request))
    once = partial(attempt, model, chat, form, sampling=sampling, begin=begin)
    return await _until_it_fits(once, request, attempts=attempts, name=name)


async def attempt(
    model: Model,
    chat: Sequence[ChatMessage],
    form: AnswerForm,
    request: ActionRequest,
    *,
    sampling: Sampling = Sampling(),
    begin: bool = True,
    session: str | None = None,
) -> Any:
    """One reply of a model, read as an answer.

    Args:
        model: Is asked.
        chat: Ends with the user's message, in which the form has been told.
        form: Of the request's space.
        request: Its `refused` answers are shown after the chat, each with its reason.
        sampling: How the reply is drawn.
        begin: True: begin the reply where the form says how.
        session: As in `Model.generate`.

    Raises:
        UnfitAnswerError: The reply does not fit; holds all of it, the beginning included.
    """
    begun = form.begin(request) if begin else ""
    prompt = [*chat, *refusal_messages(request.refused)]
    if begun:
        prompt.append(ChatMessage("assistant", begun))
    completion = await model.generate(prompt, sampling, session=session)
    return form.read(begun + completion.text, request)


def refusal_messages(refused: Sequence[Refusal]) -> list[ChatMessage]:
    """What a model is shown of its replies that were not taken: each, and why."""
    messages = []
    for refusal in refused:
        messages.append(ChatMessage("assistant", refusal.raw or "(nothing)"))
        reason = f"That was not taken: {refusal.reason}. Answer again."
        messages.append(ChatMessage("user", reason))
    return messages


async def _until_it_fits(
    once: Callable[[ActionRequest], Awaitable[Any]],
    request: ActionRequest,
    *,
    attempts: int,
    name: str,
) -> Any:
    if attempts < 1:
        raise ValueError(f"attempts must be at least 1, got {attempts!r}")
    for number in range(1, attempts + 1):
        try:
            with span(f"{name}: {number}/{attempts}", kind="attempt"):
                return await once(request)
        except UnfitAnswerError as error:
            refusal = Refusal(error.raw, error.message)
            request = replace(request, refused=(*request.refused, refusal))
    last = request.refused[-1]
    summary = f"{name}: no reply fitted in {attempts} attempts; the last: {last.reason}"
    raise UnfitAnswerError.of(last.raw, summary)


def _with_format(prompt: str | Sequence[ChatMessage], words: str) -> list[ChatMessage]:
    """The prompt as a chat in which the form of the answer is told."""
    if isinstance(prompt, str):
        marks = prompt.count(FORMAT_MARK)
        if marks > 1:
            raise ValueError(f"expected {FORMAT_MARK!r} at most once in the prompt, got {marks}")
        if marks:
            return [ChatMessage("user", prompt.replace(FORMAT_MARK, words))]
        return [ChatMessage("user", f"{prompt}\n\n{words}".strip())]
    if not prompt or prompt[-1].role != "user":
        last = prompt[-1].role if prompt else "nothing"
        raise ValueError(f"expected a chat that ends with the user, got {last!r} at its end")
    return [*prompt[:-1], replace(prompt[-1], text=f"{prompt[-1].text}\n\n{words}".strip())]
