"""How the labels of a scale are written in replies."""

import re
from collections.abc import Sequence


def spellings(labels: Sequence[str]) -> dict[str, str]:
    """The ways in which a reply may give each label, all of them choices of a model.

    They are the label as it is, in lower case and capitalised, each at once or after a blank. A
    spelling that two labels share, as ``Low`` is of the labels ``low`` and ``LOW``, is only that of
    the one which is written so.

    Args:
        labels: All different.

    Returns:
        The label of each spelling.
    """
    own = {f"{blank}{label}": label for label in labels for blank in ("", " ")}
    variants: dict[str, set[str]] = {}
    for label in labels:
        for variant in (label.lower(), label.capitalize()):
            for spelling in (variant, f" {variant}"):
                variants.setdefault(spelling, set()).add(label)
    others = {s: next(iter(whose)) for s, whose in variants.items() if len(whose) == 1}
    return {**others, **own}


def label_in(reply: str, labels: Sequence[str]) -> str | None:
    """The one label that stands in a reply as a word of its own; None where none or several do.

    Args:
        reply: As a model drew it.
        labels: Of the scale; case does not matter where no two differ in case alone.
    """
    by_word = {label.casefold(): label for label in labels}
    if len(by_word) < len(labels):
        by_word = {label: label for label in labels}
    else:
        reply = reply.casefold()
    longest_first = sorted(by_word, key=len, reverse=True)
    words = "|".join(map(re.escape, longest_first))
    found = set(re.findall(rf"(?<![\w.])(?:{words})(?![\w]|\.\d)", reply))
    return by_word[found.pop()] if len(found) == 1 else None
