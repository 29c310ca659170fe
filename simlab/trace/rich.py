"""Rich data: what is logged to be looked at, such as a plot or a page.

Bytes that begin as a PNG, JPEG or GIF does are shown as the image that they are. HTML is marked as
such, and stands in a frame that runs no script and loads nothing.
"""

import io
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Html:
    """A page or a part of one, to be logged.

        note("board", Html("<table>...</table>"))

    Attributes:
        text: Its source.
    """

    text: str


class Figure(Protocol):
    """What a plot is, such as matplotlib's ``Figure``."""

    def savefig(self, fname: io.BytesIO, *, format: str) -> object:
        """Write it as an image."""
        ...


def png_of(figure: Figure) -> bytes:
    """A plot as an image, to be logged.

    It is this figure that is drawn, whichever one a library thinks of as current::

        note("prices", png_of(figure))
    """
    image = io.BytesIO()
    figure.savefig(image, format="png")
    return image.getvalue()
