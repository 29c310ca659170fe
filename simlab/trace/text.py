"""Texts as the record keeps them: valid UTF-8, and the same in every process and folder."""

from simlab.address import without_addresses
from simlab.find import USER_MODULE


def utf8(text: str) -> str:
    """A text without lone surrogates, for what stands in the log by itself."""
    return text if text.isascii() else text.encode(errors="replace").decode()


def placeless(text: str) -> str:
    """A text without what depends on where things lie: addresses, and folders of users' files.

    For what Python writes of objects and errors: a replay in another process has other addresses.
    """
    return USER_MODULE.sub(r"\1", without_addresses(text))


def word(what: str, given: object) -> str:
    """A text by which the record is searched, such as a kind.

    Args:
        what: It is, for the message.
        given: By the user.

    Raises:
        TypeError: It is no text.
    """
    if type(given) is str and given.isascii():
        return given
    if not isinstance(given, str):
        raise TypeError(f"{what} must be a text, got {given!r}")
    return utf8(str.__str__(given))


def durable(text: str) -> str:
    """What Python or a user's code says, as the record keeps it: see `utf8` and `placeless`."""
    return utf8(placeless(text))
