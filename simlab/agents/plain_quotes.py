"""Quotation marks and apostrophes as keyboards have them, so that rules know both kinds."""

_PLAIN = str.maketrans({"\u2018": "'", "\u2019": "'", "\u02bc": "'", "\u201c": '"', "\u201d": '"'})


def plain_quotes(text: str) -> str:
    """A text with plain quotation marks in the place of typographic ones."""
    return text.translate(_PLAIN)
