"""What of a dataclass is worth recording."""

import pickle
from dataclasses import dataclass, field

import numpy as np

from simlab.unusual import unusual


@dataclass(frozen=True, slots=True)
class Thing:
    name: str
    size: int = 1
    state: str = "in order"
    weight: float = 1.5
    parts: tuple[str, ...] = ()
    notes: dict[str, str] = field(default_factory=dict)


def test_fields_without_a_default_are_always_there():
    assert unusual(Thing("a")) == {"name": "a"}


def test_fields_that_are_as_usual_are_left_out():
    given = {"name": "a", "size": 2, "state": "new", "weight": 1.0, "parts": ("b",),
             "notes": {"c": "d"}}  # fmt: skip

    assert unusual(Thing(**given)) == given
    assert unusual(Thing("a", 1, parts=(), notes={})) == {"name": "a"}


def test_a_value_that_comes_from_another_process_has_nothing_more():
    thing = Thing("a")

    copy = pickle.loads(pickle.dumps(thing))

    assert copy.state is not thing.state
    assert unusual(copy) == unusual(thing) == {"name": "a"}


def test_an_array_is_never_compared():
    array = np.zeros(3)

    assert unusual(Thing("a", size=array)) == {"name": "a", "size": array}
