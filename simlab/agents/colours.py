"""A colour for each name, the same in every run and on every machine."""

import colorsys
import hashlib


def colour_of(name: str) -> str:
    """The colour of an agent or a seat, as ``#rrggbb``.

    The hue follows from the name alone; saturation and brightness suit light and dark backgrounds.
    """
    hue = int.from_bytes(hashlib.blake2b(name.encode(), digest_size=4).digest()) / 2**32
    red, green, blue = (round(255 * part) for part in colorsys.hls_to_rgb(hue, 0.5, 0.65))
    return f"#{red:02x}{green:02x}{blue:02x}"
