"""Typed answers of models: ask for one, and ask again with the reason when it does not fit.

`ask` is the one loop that asks again. An agent in a seat takes one reply for each request instead
(`draw`), because whoever asked it does the asking again.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
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
    constrain: bool = False,
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
        constrain: True: each reply is held to the space's JSON schema, by engines that can.
        legal: What of the space is legal; all of it if None.
        examples: Answers to show the model in place of the one made from the schema.
        name: Of the spans.

    Raises:
        UnfitAnswerError: No reply fitted; holds the last one. Other errors are passed on at once.
        ValueError: `FORMAT_MARK` occurs twice, an example does not fit, `attempts` is under 1, or
            replies are both to be constrained and to begin with reasons.
    """
    if reason and constrain:
        raise ValueError("constrain holds the whole reply to a schema, so that reason has no place")
    form = answer_form(space, reason=reason)
    request = ActionRequest(space=space, legal=legal, examples=tuple(examples))
    chat = _with_format(prompt, form.ask_for(request))

    async def once(request: ActionRequest) -> Any:
        prompt = [*chat, *refusal_messages(request.refused)]
        reply = await draw(
            model, prompt, form, request, sampling=sampling, begin=begin, constrain=constrain
        )
        return form.read(reply.text, request)

    return await _until_it_fits(once, request, attempts=attempts, name=name)


async def draw(
    model: Model,
    chat: Sequence[ChatMessage],
    form: AnswerForm,
    request: ActionRequest,
    *,
    sampling: Sampling = Sampling(),
    begin: bool = True,
    constrain: bool = False,
    session: str | None = None,
) -> ChatMessage:
    """One reply of a model to a request, not yet read.

    Args:
        model: Is asked.
        chat: Ends with the user's message, in which the form has been told.
        form: Of the request's space.
        request: What is asked.
        sampling: How the reply is drawn.
        begin: True: begin the reply where the form says how.
        constrain: True: hold the reply to the form's schema, which begins nothing and ends the
            reply by itself, without stop texts.
        session: As in `Model.generate`.

    Returns:
        All of the reply, the beginning included, with the ids that were drawn.
    """
    schema = form.grammar(request, max_length=2 * sampling.max_tokens) if constrain else None
    if schema is not None:
        sampling = replace(sampling, schema=schema, stop=())
    begun = form.begin(request) if begin and schema is None else ""
    prompt = [*chat, ChatMessage("assistant", begun)] if begun else chat
    return (await model.generate(prompt, sampling, session=session)).message(begun)


def refusal_messages(refused: Sequence[Refusal]) -> list[ChatMessage]:
    """What a model is shown of its replies that were not taken: each, and why."""
    messages = []
    for refusal in refused:
        messages.append(ChatMessage("assistant", refusal.raw or "(nothing)"))
        messages.append(ChatMessage("user", reason_in_words(refusal)))
    return messages


def reason_in_words(refusal: Refusal) -> str:
    """Why a reply was not taken, and that another one is wanted."""
    return f"That was not taken: {refusal.reason}. Answer again."


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
