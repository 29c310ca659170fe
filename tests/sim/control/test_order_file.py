"""Orders that outlive the driver that was given them."""

import pytest

from simlab.errors import RunDirectoryError
from simlab.sim.control.order import Order
from simlab.sim.control.order_file import OrderFile


def added(file, kind="edit", seat="ann", episode=None, *, holds=True):
    order = Order(file.next_id(), kind, seat, {"options": {"persona": "shy"}})
    file.add(order, episode, holds=holds)
    return order


def test_an_order_that_holds_is_there_again_after_its_driver_has_died(tmp_path):
    file = OrderFile(tmp_path)
    of_all, of_one = added(file), added(file, episode=1)
    added(file, "say", episode=1, holds=False)

    again = OrderFile(tmp_path)

    assert again.of(0) == (of_all,)
    assert again.of(1) == (of_all, of_one)
    assert again.next_id() == "4"


def test_an_order_that_was_refused_holds_of_nothing_and_leaves_no_trace_in_ids(tmp_path):
    file = OrderFile(tmp_path)
    kept, refused = added(file), added(file)

    file.refuse(refused)

    assert file.of(0) == OrderFile(tmp_path).of(0) == (kept,)
    assert file.next_id() == OrderFile(tmp_path).next_id() == refused.id


def test_a_lease_whose_person_has_left_holds_no_more_and_its_id_is_not_given_again(tmp_path):
    file = OrderFile(tmp_path)
    taken = added(file, "lease", episode=0)
    ids = file.leases_of(0, "ann"), file.leases_of(0, "bob"), file.leases_of(1, "ann")

    file.leave(taken.id)

    assert ids == ([taken.id], [], [])
    for each in (file, OrderFile(tmp_path)):
        assert each.is_left(taken.id)
        assert each.of(0) == ()
        assert each.next_id() == "2"


def test_an_order_that_is_refused_when_its_person_has_left_keeps_its_id(tmp_path):
    file = OrderFile(tmp_path)
    taken = added(file, "lease", episode=0)
    file.leave(taken.id)

    file.refuse(taken)

    for each in (file, OrderFile(tmp_path)):
        assert each.next_id() == "2"
        assert not each.is_left(each.next_id())


def test_what_was_said_and_is_found_to_wait_holds_under_its_own_id(tmp_path):
    file = OrderFile(tmp_path)
    said = added(file, "say", episode=0, holds=False)

    file.add(said, 0, holds=True)

    assert OrderFile(tmp_path).of(0) == (said,)
    assert file.next_id() == "2"


def test_a_torn_line_at_the_end_is_cut_off(tmp_path):
    kept = added(OrderFile(tmp_path))
    with (tmp_path / "orders.jsonl").open("ab") as file:
        file.write(b'{"order": {"id"')

    again = OrderFile(tmp_path)
    added(again)

    assert OrderFile(tmp_path).of(0)[0] == kept
    assert len(OrderFile(tmp_path).of(0)) == 2


@pytest.mark.parametrize("text", ["theirs", None], ids=["there", "not there"])
def test_a_link_is_refused_and_what_it_leads_to_is_left_as_it_is(tmp_path, text):
    run, other = tmp_path / "run", tmp_path / "other"
    run.mkdir()
    (run / "orders.jsonl").symlink_to(other)
    if text is not None:
        other.write_text(text)

    with pytest.raises(RunDirectoryError, match=r"orders\.jsonl must be a file .*got a link; rem"):
        OrderFile(run)

    assert (other.read_text() if other.exists() else None) == text


def test_a_branch_counts_on_and_leaves_the_file_of_its_parent_as_it_is(tmp_path):
    parent = tmp_path / "parent"
    parent.mkdir()
    added(OrderFile(parent))
    with (parent / "orders.jsonl").open("ab") as file:
        file.write(b"torn")
    before = (parent / "orders.jsonl").read_bytes()

    OrderFile(parent).begin_branch(tmp_path, [])

    assert (parent / "orders.jsonl").read_bytes() == before
    assert OrderFile(tmp_path).of(0) == ()
    assert OrderFile(tmp_path).next_id() == "2"


def test_a_branch_knows_the_edits_that_it_shares_with_its_parent(tmp_path):
    parent = tmp_path / "parent"
    parent.mkdir()
    shared, _later = added(OrderFile(parent), episode=3), added(OrderFile(parent))

    OrderFile(parent).begin_branch(tmp_path, [shared])

    assert OrderFile(tmp_path).of(0) == (shared,)
    assert OrderFile(tmp_path).next_id() == "3"


def test_a_branch_of_a_run_without_orders_has_no_order_file(tmp_path):
    OrderFile(tmp_path / "parent").begin_branch(tmp_path, [])

    assert not (tmp_path / "orders.jsonl").exists()


@pytest.mark.parametrize(
    "line",
    [
        b"what?",
        b'{"order": {"id": "x"}}',
        b'{"order": {"id": "x", "kind": "say", "seat": "ann", "args": {}, "nth": 0}}',
        b'{"order": {"id": null, "kind": "say", "seat": "ann", "args": {}, "nth": 0}}',
    ],
)
def test_a_damaged_line_is_told_with_its_file(tmp_path, line):
    (tmp_path / "orders.jsonl").write_bytes(line + b"\n")

    with pytest.raises(RunDirectoryError, match=r"orders\.jsonl is damaged: .*; restore it"):
        OrderFile(tmp_path)
