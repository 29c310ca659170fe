"""What a person is asked and replies: of a seat an action, of a model its words."""

from collections.abc import Mapping
from typing import Any, Final

from simlab.apps.fields import Field, form_of, form_of_choices
from simlab.models.schema_words import write_json

_REPLY: Final = Field("words", "reply", schema={"type": "string"})


def form_of_question(what: Mapping[str, Any]) -> Field:
    """The form of a question.

    Args:
        what: As the run asks it: choices, a schema, or for a model neither, which takes words.
    """
    choices = what.get("choices")
    if choices is not None and "model" in what:
        return form_of_choices(choices, choices)
    if choices is not None:
        return form_of_choices(
            [choice["label"] for choice in choices], [choice["action"] for choice in choices]
        )
    return _REPLY if _is_in_words(what) else form_of(what["schema"])


def reply_of(what: Mapping[str, Any], answer: Any) -> Any:
    """What is sent of an answer: a model's reply is the JSON that fits the schema it was given."""
    in_json = "model" in what and not _is_in_words(what) and what.get("choices") is None
    return write_json(answer) if in_json else answer


def _is_in_words(what: Mapping[str, Any]) -> bool:
    return "model" in what and not what.get("schema")
