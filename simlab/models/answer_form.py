"""The form of an answer: how it is asked for, begun for a model, and read from its reply."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from simlab.env.environment import ActionRequest
from simlab.env.spaces import admit, fit, plain_data
from simlab.errors import UnfitAnswerError
from simlab.models.answer_schema import (
    Schema,
    answer_schema,
    bounded,
    choices_of,
    is_free_text,
    members_of,
    opening_brackets,
)
from simlab.models.example import example_of
from simlab.models.reading import (
    read_conclusion,
    read_objects,
    read_value,
    read_wait,
    read_words,
)
from simlab.models.schema_words import (
    choices_in_words,
    fields_in_words,
    kind_in_words,
    write_json,
)

_MAX_KNOWN = 1024
_REASON_FIRST = "First reason in one or two sentences. Then write 'Answer:' and your answer."
WAIT = "WAIT"
_MAY_WAIT = f"To do nothing for now, write {WAIT} and nothing else."
_known: dict[tuple[int, bool], "AnswerForm"] = {}


@dataclass(frozen=True, slots=True)
class AnswerForm:
    """What an answer of a space must look like.

    Made by `answer_form`, which keeps one for each space.

    Attributes:
        space: What an answer may be, as in `ActionRequest.space`.
        schema: The space's JSON schema without references.
        words: The schema in words; empty where any words are an answer.
        example: An answer in words, shown where the request has no examples; empty for none.
        fault: Why the example does not fit; empty if it does.
        begun: How a reply begins, such as ``{"say": "``; empty where nothing can be foretold.
        reason: True: the model reasons before it answers, so its reply cannot be begun.
    """

    space: Any
    schema: Schema
    words: str
    begun: str
    example: str = ""
    fault: str = ""
    reason: bool = False

    def ask_for(self, request: ActionRequest) -> str:
        """What to tell a model about its answer to this request; may be empty.

        Examples come last: a small model copies what stands nearest.

        Raises:
            ValueError: An example does not fit the space, be it the request's or the space's own.
        """
        lines = [_REASON_FIRST] if self.reason else []
        if request.legal is not None:
            lines.append(self._legal_in_words(request.legal))
        if request.legal is None or self._is_structured:
            lines += filter(None, (self.words, self._examples_in_words(request.examples)))
        if not request.required:
            lines.append(_MAY_WAIT)
        return "\n".join(lines)

    def begin(self, request: ActionRequest) -> str:
        """How the reply to this request begins; empty for one that may also be `Wait`."""
        if self.reason or not request.required:
            return ""
        if request.legal is None or self._is_structured:
            return self.begun
        return '"' if all(isinstance(plain_data(action), str) for action in request.legal) else ""

    def grammar(self, request: ActionRequest, *, max_length: int) -> Schema | None:
        """The JSON schema that holds a reply to this request; None where any words are an answer.

        Args:
            request: What is asked.
            max_length: Characters of texts that have no bound of their own: a small model that is
                held to a schema can go on inside a text until its tokens are spent.
        """
        if request.legal is not None:
            schema: Schema = {"enum": [plain_data(action) for action in request.legal]}
        elif is_free_text(self.schema):
            return None
        else:
            schema = bounded(self.schema, max_length)
        return schema if request.required else {"anyOf": [schema, {"const": WAIT}]}

    def read(self, reply: str, request: ActionRequest) -> Any:
        """The action that a reply stands for, or `Wait` where the request is optional.

        Args:
            reply: The whole reply, its beginning included.
            request: What was asked; its space is this form's.

        Raises:
            UnfitAnswerError: There is no action in it, or none that fits and is legal, with the
                reason and the reply.
        """
        if not request.required and (wait := read_wait(reply)) is not None:
            return wait
        try:
            return self._action(read_conclusion(reply) if self.reason else reply, request)
        except UnfitAnswerError as error:
            raise UnfitAnswerError.of(reply, error.message) from error

    @property
    def _is_structured(self) -> bool:
        return bool(opening_brackets(self.schema))

    def _action(self, reply: str, request: ActionRequest) -> Any:
        if self._is_structured:
            return self._first_that_fits(read_objects(reply, self.schema), request)
        if request.legal is None and is_free_text(self.schema):
            return admit(request, read_words(reply))
        return admit(request, read_value(reply, self.schema, request.legal))

    def _first_that_fits(self, values: Sequence[Any], request: ActionRequest) -> Any:
        for value in values[:-1]:
            try:
                return admit(request, value)
            except UnfitAnswerError:
                continue
        return admit(request, values[-1])

    def _examples_in_words(self, examples: Sequence[Any]) -> str:
        if not examples and not self.fault:
            return self.example
        fault = next(filter(None, (_fault_of(self.space, each) for each in examples)), "")
        if fault or not examples:
            raise ValueError(fault or self.fault)
        return _shown(examples, quoted=bool(self.words))

    def _legal_in_words(self, legal: Sequence[Any]) -> str:
        if not self._is_structured:
            return f"Answer with {choices_in_words([plain_data(action) for action in legal])}."
        return "\n".join(["Choose one of these:", *(as_json(action) for action in legal)])


def answer_form(space: Any, *, reason: bool = False) -> AnswerForm:
    """The form of `space`'s answers; the same one each time.

    Args:
        space: As in `ActionRequest.space`.
        reason: True: have the model reason in words before it answers.

    Raises:
        TypeError: `space` is nothing that a space can be.
        ValueError: The space contains itself.
    """
    form = _known.get((id(space), reason))
    if form is None:
        if len(_known) >= _MAX_KNOWN:
            _known.clear()
        form = _known[id(space), reason] = _make(space, reason=reason)
    return form


def as_json(value: Any) -> str:
    """A value as models are shown it: in JSON, be it a model, a dataclass, an enum or an array.

    Raises:
        TypeError: There is no JSON of it.
    """
    return write_json(plain_data(value))


def _make(space: Any, *, reason: bool) -> AnswerForm:
    schema = answer_schema(space)
    words, begun = _in_words(schema), _beginning(schema)
    if not opening_brackets(schema):
        return AnswerForm(space, schema, words, begun, reason=reason)
    example = example_of(schema)
    shown, fault = _shown((example,), quoted=True), _fault_of(space, example)
    return AnswerForm(space, schema, words, begun, shown, fault, reason)


def _fault_of(space: Any, example: Any) -> str:
    try:
        fit(space, example)
    except UnfitAnswerError as error:
        remedy = "give the request examples, or the field Field(examples=[...])"
        return f"the example {example!r} does not fit: {error}; {remedy}"
    return ""


def _shown(examples: Sequence[Any], *, quoted: bool) -> str:
    """Examples as a model is to write them: JSON, or where any words are an answer the words."""
    texts = (as_json(example) if quoted else str(example) for example in examples)
    return "For example:\n" + "\nor\n".join(texts)


def _in_words(schema: Schema) -> str:
    if schema == {"type": "string"}:
        return ""
    if not opening_brackets(schema):
        return f"Answer with {kind_in_words(schema)}."
    if fields := fields_in_words(schema):
        return f"Answer in JSON:\n{fields}"
    return "Answer in JSON with " + "\nor ".join(map(kind_in_words, members_of(schema))) + "."


def _beginning(schema: Schema) -> str:
    """What every answer's JSON begins with, as far as the schema settles it."""
    members = members_of(schema)
    if len(members) > 1:
        return ""
    if choices := choices_of(schema):
        return '"' if all(isinstance(choice, str) for choice in choices) else ""
    if schema.get("type") == "array":
        return "[" + _beginning_inside(schema.get("items", {}))
    if schema.get("type") == "object":
        return _beginning_of_object(schema.get("properties", {}))
    return ""


def _beginning_of_object(fields: Mapping[str, Schema]) -> str:
    if not fields:
        return "{"
    name, first = next(iter(fields.items()))
    value = _beginning_inside(first)
    return f"{{{json.dumps(name)}:{' ' * bool(value)}{value}"


def _beginning_inside(schema: Schema) -> str:
    return '"' if is_free_text(schema) else _beginning(schema)
