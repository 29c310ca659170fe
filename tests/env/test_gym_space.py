"""Gymnasium is not installed here: the spaces below have its attributes and methods."""

import numpy as np
import pytest

from simlab.env.gym_space import is_gym_space
from simlab.env.spaces import default_text_field, fit, json_schema, sample
from simlab.errors import UnfitAnswerError


class Space:
    shape = None
    dtype = None

    def __repr__(self):
        return f"{type(self).__name__}(…)"

    def seed(self, seed):
        self.rng = np.random.default_rng(seed)


class Discrete(Space):
    shape = ()
    dtype = np.dtype(np.int64)

    def __init__(self, n, start=0):
        self.n, self.start = n, start
        self.seed(0)

    def contains(self, x):
        return isinstance(x, int | np.integer) and self.start <= x < self.start + self.n

    def sample(self):
        return np.int64(self.start + self.rng.integers(self.n))

    def __repr__(self):
        return f"Discrete({self.n})"


class Box(Space):
    def __init__(self, low, high, shape):
        self.low, self.high, self.shape = low, high, shape
        self.dtype = np.dtype(np.float32)

    def contains(self, x):
        right = isinstance(x, np.ndarray) and x.dtype == self.dtype and x.shape == self.shape
        return right and bool(np.all((x >= self.low) & (x <= self.high)))

    def sample(self):
        return self.rng.uniform(self.low, self.high, self.shape).astype(self.dtype)


class Dict(Space):
    def __init__(self, **spaces):
        self.spaces = spaces

    def seed(self, seed):
        for space in self.spaces.values():
            space.seed(seed)

    def contains(self, x):
        return set(x) == set(self.spaces) and all(
            space.contains(x[name]) for name, space in self.spaces.items()
        )

    def sample(self):
        return {name: space.sample() for name, space in self.spaces.items()}


class Tuple(Space):
    def __init__(self, *spaces):
        self.spaces = spaces

    def contains(self, x):
        pairs = zip(self.spaces, x, strict=True)
        return isinstance(x, tuple) and all(space.contains(item) for space, item in pairs)

    def sample(self):
        return tuple(space.sample() for space in self.spaces)


class Odd(Space):
    def contains(self, x):
        return x == "odd"

    def sample(self):
        return "odd"


BOARD = Dict(row=Discrete(3, start=1), force=Box(-1, 1, (2,)))


def test_spaces_are_known_by_what_they_do():
    assert is_gym_space(Discrete(3))
    assert not is_gym_space(Discrete)
    assert not is_gym_space(str)


@pytest.mark.parametrize("space", [Discrete(4), Box(0, 1, (2, 2)), BOARD, Tuple(Discrete(2))])
def test_a_draw_is_an_element_and_follows_from_the_generator_alone(space):
    one, other = (sample(space, np.random.default_rng(5)) for _ in range(2))

    assert space.contains(one)
    assert repr(one) == repr(other)


def test_a_draw_leaves_the_generator_of_the_space_alone():
    space = Discrete(1000)
    space.seed(1)
    expected = [space.sample() for _ in range(3)]

    space.seed(1)
    sample(space, np.random.default_rng(0))

    assert [space.sample() for _ in range(3)] == expected


def test_plain_data_from_json_becomes_an_element():
    assert fit(Discrete(4), "3") == 3
    assert fit(Discrete(4), 3.0) == 3
    assert fit(Box(0, 1, (2,)), [0, 1]).dtype == np.float32
    fitted = fit(BOARD, {"row": 1, "force": [0.5, -0.5]})
    assert BOARD.contains(fitted)
    assert fit(Tuple(Discrete(2), Discrete(2)), [0, 1]) == (0, 1)


def test_an_element_is_returned_as_it_is():
    element = np.zeros(2, np.float32)

    assert fit(Box(0, 1, (2,)), element) is element


@pytest.mark.parametrize(
    ("space", "data"),
    [
        (Discrete(4), 4),
        (Discrete(4), 1.5),
        (Discrete(4), "left"),
        (Discrete(4), {}),
        (Box(0, 1, (2,)), [0, 2]),
        (Box(0, 1, (2,)), [0]),
        (Box(0, 1, (2,)), "ab"),
        (BOARD, {"row": 1}),
        (BOARD, 7),
        (Tuple(Discrete(2)), [0, 1]),
    ],
    ids=str,
)
def test_what_is_no_element_is_refused_with_the_space(space, data):
    with pytest.raises(UnfitAnswerError, match=r"the answer must be in .*, got"):
        fit(space, data)


def test_schemas_say_bounds_and_shape():
    assert json_schema(Discrete(3, start=1)) == {"type": "integer", "minimum": 1, "maximum": 3}
    assert json_schema(Box(0, 1, (2, 3)))["items"]["maxItems"] == 3
    assert json_schema(BOARD)["required"] == ["row", "force"]
    assert json_schema(Tuple(Discrete(2)))["prefixItems"][0]["maximum"] == 1


def test_a_space_without_a_form_in_json_is_refused():
    with pytest.raises(TypeError, match=r"expected a space of Discrete, .*, got .*Odd"):
        json_schema(Odd())


def test_no_field_of_such_a_space_takes_free_words():
    assert default_text_field(BOARD) is None
