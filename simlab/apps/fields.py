"""Fields: the form of an answer as plain data, from the JSON schema of the answer.

A form is a tree of fields. Its leaves are what a person fills in, an input each, in the order in
which `inputs_of` gives them; `simlab.apps.filled` makes the answer of what was filled in.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from simlab.env.environment import UNSET
from simlab.models.answer_schema import Schema, choices_of, meaning_of, members_of
from simlab.models.schema_words import kind_in_words, write_json

Kind = Literal[
    "text",
    "words",
    "number",
    "truth",
    "choice",
    "lines",
    "json",
    "nothing",
    "group",
    "list",
    "union",
]
"""``words`` are free text of several lines, ``nothing`` needs no input, and a ``union`` begins with
a choice of one of its parts."""

MOST_ROWS: Final = 8
"""Items of a list that have fields of their own; a longer list is written with a line for each."""

_DEEPEST: Final = 4
"""Structures in structures that have fields of their own; what is deeper is written as JSON."""

_SHORT: Final = 80
"""Characters of a text that is written in one line."""


@dataclass(frozen=True, slots=True)
class Field:
    """A part of a form.

    Attributes:
        kind: How it is filled in.
        label: What it is, in words; empty for the whole answer.
        hint: What it may be, in words.
        schema: Of its value.
        key: Its name in the object that it is part of.
        empty: What it stands for if nothing is filled in: a value, `UNSET` where it is left out
            then, or ``...`` where something must be.
        usual: What the input begins with; None for nothing.
        options: The values of a choice.
        labels: Of the values of a choice, or of the parts of a union.
        parts: The fields in it.
    """

    kind: Kind
    label: str = ""
    hint: str = ""
    schema: Schema = field(default_factory=dict)
    key: str = ""
    empty: Any = ...
    usual: Any = None
    options: tuple[Any, ...] = ()
    labels: tuple[str, ...] = ()
    parts: tuple["Field", ...] = ()

    @property
    def must_be_filled(self) -> bool:
        """Whether there is no answer without it."""
        return self.empty is ...


def form_of(schema: Schema) -> Field:
    """The form of an answer.

    Args:
        schema: As `simlab.models.answer_schema.answer_schema` gives it. One that refers to another,
            as of a type that contains itself, is written as JSON where it does.
    """
    return _field(schema, "", 0)


def form_of_choices(labels: Sequence[str], actions: Sequence[Any]) -> Field:
    """The form of an answer that is one of several."""
    return _choice({}, "", tuple(actions), tuple(labels))


def inputs_of(form: Field) -> Iterator[Field]:
    """The leaves of a form, in order; that of a union, which chooses a part, comes before these."""
    if form.kind == "union":
        yield selector_of(form)
    if form.parts:
        for part in form.parts:
            yield from inputs_of(part)
    elif form.kind not in ("nothing", "group", "list"):
        yield form


def selector_of(union: Field) -> Field:
    """The choice with which a union begins."""
    places = tuple(range(len(union.parts)))
    return Field("choice", union.label, union.hint, options=places, labels=union.labels, usual="0")


def _field(schema: Schema, label: str, depth: int) -> Field:
    members = [_merged(member) for member in members_of(_merged(schema))]
    real = [member for member in members if member.get("type") != "null"]
    nothing = {"empty": None} if len(real) < len(members) else {}
    if real and all(map(choices_of, real)):
        options = tuple(choice for member in real for choice in choices_of(member))
        made = _choice(schema, label, options, tuple(map(_in_words, options)))
    elif len(real) == 1:
        made = _single(real[0], label, depth)
    else:
        made = _union(schema, real, label, depth)
    return _optional(replace(made, hint=_hint(schema, made)), **nothing)


def _single(schema: Schema, label: str, depth: int) -> Field:
    """A field of a schema that is no union."""
    kind = schema.get("type")
    if kind == "string":
        return Field("text" if _is_short(schema) else "words", label, schema=schema)
    if kind in ("integer", "number"):
        return Field("number", label, schema=schema)
    if kind == "boolean":
        return Field("truth", label, schema=schema, usual=False)
    if kind == "object" and schema.get("properties") and depth < _DEEPEST:
        return _group(schema, label, depth)
    if kind == "array" and depth < _DEEPEST:
        return _list(schema, label, depth)
    return Field("json", label, schema=schema)


def _group(schema: Schema, label: str, depth: int) -> Field:
    required = schema.get("required", ())
    parts = []
    for name, about in schema["properties"].items():
        part = _field(about, name, depth + 1)
        if name not in required:
            part = _optional(_with_usual(part, about.get("default", UNSET)), empty=UNSET)
        parts.append(replace(part, key=name))
    return Field("group", label, schema=schema, parts=tuple(parts))


def _list(schema: Schema, label: str, depth: int) -> Field:
    """A field for each item where there are few, of more than a line each; else a line for each."""
    if places := schema.get("prefixItems"):
        items = [
            _field(each, f"{label} {n}".strip(), depth + 1) for n, each in enumerate(places, 1)
        ]
        return Field("list", label, schema=schema, parts=tuple(items))
    item = _field(schema.get("items", {}), "", depth + 1)
    least, most = schema.get("minItems", 0), schema.get("maxItems", MOST_ROWS + 1)
    if is_line(item) or most > MOST_ROWS:
        return Field("lines", label, schema=schema, empty=...)
    rows = [replace(item, label=f"{label} {n}".strip()) for n in range(1, most + 1)]
    asked = [_optional(row, empty=UNSET) if n >= least else row for n, row in enumerate(rows)]
    return Field("list", label, schema=schema, parts=tuple(asked))


def is_line(item: Field) -> bool:
    """Whether an item is written in a line of its own."""
    return item.kind in ("text", "words", "number", "truth", "choice")


def _union(schema: Schema, members: Sequence[Schema], label: str, depth: int) -> Field:
    if not members:
        return Field("nothing" if schema.get("type") == "null" else "json", label, schema=schema)
    labels = tuple(str(member.get("title") or kind_in_words(member)) for member in members)
    parts = tuple(_field(member, "", depth + 1) for member in members)
    return Field("union", label, schema=schema, labels=labels, parts=parts)


def _choice(schema: Schema, label: str, options: tuple[Any, ...], labels: tuple[str, ...]) -> Field:
    usual = "0" if len(options) == 1 else None
    return Field("choice", label, schema=schema, options=options, labels=labels, usual=usual)


def _optional(made: Field, *, empty: Any = ...) -> Field:
    """A field that may be left empty, which stands for a value, or by `UNSET` for none at all."""
    if empty is ... or made.empty is not ... or made.kind == "nothing":
        return made
    if len(made.options) == 1 and empty is UNSET:
        return made  # it tells the members of a union apart
    if made.kind in ("group", "list"):
        nothing = Field("nothing", empty=empty)
        labels = ("none" if empty is None else "leave out", "give")
        return Field(
            "union", made.label, made.hint, empty=empty, labels=labels,
            parts=(nothing, replace(made, label="", hint="")),
        )  # fmt: skip
    if made.kind == "union":
        nothing = Field("nothing", empty=empty)
        names = ("none" if empty is None else "leave out", *made.labels)
        return replace(made, empty=empty, labels=names, parts=(nothing, *made.parts))
    if made.kind == "truth":
        made = _choice(made.schema, made.label, (True, False), ("yes", "no"))
    return replace(made, empty=empty)


def _with_usual(made: Field, usual: Any) -> Field:
    """A field that begins with the default of its schema, where an input can show that."""
    if usual is UNSET or usual is None:
        return made
    if made.kind == "choice" and usual in made.options:
        return replace(made, usual=str(made.options.index(usual)))
    if made.kind == "json":
        return replace(made, usual=write_json(usual))
    if made.kind in ("text", "words", "number", "truth"):
        return replace(made, usual=usual)
    return made


def _hint(schema: Schema, made: Field) -> str:
    """What a field means and may be, as far as its input does not show that."""
    meaning = meaning_of(schema) if made.kind not in ("group", "union") else ""
    telling = made.kind in ("number", "lines", "json") or _is_bounded_text(made)
    words = kind_in_words(made.schema) if telling else ""
    return "; ".join(filter(None, (meaning, words)))


def _is_bounded_text(made: Field) -> bool:
    bounds = {"minLength", "maxLength", "pattern", "format"}
    return made.kind in ("text", "words") and bool(bounds & made.schema.keys())


def _is_short(schema: Schema) -> bool:
    longest = schema.get("maxLength")
    return (longest is not None and longest <= _SHORT) or bool(
        {"pattern", "format"} & schema.keys()
    )


def _merged(schema: Schema) -> Mapping[str, Any]:
    """A schema in which the one part of an ``allOf`` stands beside the rest."""
    parts = schema.get("allOf", ())
    return {**schema, **parts[0]} if len(parts) == 1 else schema


def _in_words(choice: Any) -> str:
    return choice if isinstance(choice, str) else str(write_json(choice))
