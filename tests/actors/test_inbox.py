from hypothesis import given, settings
from hypothesis import strategies as st

from simlab.actors.inbox import Inbox
from simlab.actors.parcel import Batch


def batch(number: int) -> Batch:
    return Batch("s", "a", 1, "b", 1, number, [])


@settings(max_examples=40)
@given(st.permutations(range(8)), st.lists(st.integers(0, 7), max_size=8))
def test_sim_11_batches_come_out_once_each_in_order_whatever_order_and_copies_they_come_in(
    order: list[int], copies: list[int]
):
    inbox = Inbox()
    arrivals = list(order)
    for position, number in enumerate(copies):
        arrivals.insert(position * 2, number)

    out = [due.number for number in arrivals for due in inbox.accept(batch(number))]

    assert out == list(range(8))
    assert not inbox._early


def test_a_gap_is_held_until_it_is_filled():
    inbox = Inbox()

    assert list(inbox.accept(batch(1))) == []
    assert [due.number for due in inbox.accept(batch(0))] == [0, 1]
