"""What of a dataclass is worth recording."""

from dataclasses import dataclass, field

import numpy as np

from simlab.unusual import unusual


@dataclass(frozen=True, slots=True)
class Thing:
    name: str
    size: int = 1
    parts: tuple[str, ...] = ()
    notes: dict[str, str] = field(default_factory=dict)


def test_fields_without_a_default_are_always_there():
    assert unusual(Thing("a")) == {"name": "a"}


def test_fields_that_are_as_usual_are_left_out():
    assert unusual(Thing("a", 2, ("b",), {"c": "d"})) == {
        "name": "a", "size": 2, "parts": ("b",), "notes": {"c": "d"},
    }  # fmt: skip
    assert unusual(Thing("a", 1, (), {})) == {"name": "a"}


def test_an_array_is_never_compared():
    array = np.zeros(3)

    assert unusual(Thing("a", size=array)) == {"name": "a", "size": array}
