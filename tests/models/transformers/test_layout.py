import pytest

pytestmark = pytest.mark.model


@pytest.fixture
def part():
    """Makes parts of some length."""
    from simlab.models.transformers.attention import KeyValues
    from simlab.models.transformers.layout import Part

    def make(first, length, adapter=None, wanted=1):
        ids = range(first, first + length)
        return Part(ids, KeyValues(length), wanted=wanted, adapter=adapter)

    return make


@pytest.fixture
def agents():
    from simlab.models.transformers.adapter import Adapter

    return [Adapter(f"agent@{number}", {}) for number in range(2)]


def layout_of(*parts, multiple=4):
    from simlab.models.transformers.layout import Layout

    return Layout.of(parts, multiple)


def test_parts_of_one_adapter_lie_together_and_are_filled_up(part, agents):
    layout = layout_of(
        part(10, 3, agents[0]), part(20, 2), part(30, 6, agents[1]), part(40, 2, agents[0])
    )

    assert layout.ids == [
        *(20, 21, 0, 0),
        *(10, 11, 12, 40, 41, 0, 0, 0),
        *(30, 31, 32, 33, 34, 35, 0, 0),
    ]
    assert layout.order == [1, 0, 3, 2]
    assert [(one.start, one.stop, one.adapter.name) for one in layout.stretches] == [
        (4, 12, "agent@0"),
        (12, 20, "agent@1"),
    ]
    assert layout.wanted == [1, 6, 8, 17]


def test_parts_without_adapters_lie_as_they_come(part):
    layout = layout_of(part(10, 3), part(20, 2, wanted=2), part(30, 1, wanted=0))

    assert layout.ids == [10, 11, 12, 20, 21, 30, 0, 0]
    assert layout.positions == [0, 1, 2, 0, 1, 0, 0, 0]
    assert layout.wanted == [2, 3, 4]
    assert layout.order == [0, 1, 2]
    assert layout.stretches == []


def test_a_part_goes_on_at_the_position_that_its_cache_has_reached(part):
    one = part(10, 3)
    one.cache.length = 62

    layout = layout_of(one)

    assert layout.positions == [62, 63, 64, 0]
    assert [(block.place, block.tokens, block.start) for block in layout.blocks] == [
        (0, 2, 62),
        (2, 1, 64),
    ]
