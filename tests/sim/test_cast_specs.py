"""What of an edit still holds where branches say something of the same seat."""

import pytest

from simlab.sim.cast_specs import CastSpecs
from simlab.sim.casting import make_world
from simlab.sim.config import checked
from simlab.sim.staging import Fork
from tests.sim.conftest import RELAY

EDIT = {"persona": "bold", "reason": True}


def held(cast, *, after=None, said=None, since=1, step=2, fork=2):
    """What holds of an edit of bob in a run that branches where its cast is as given."""
    before = checked({**RELAY, "cast": cast})
    run = checked({**RELAY, "cast": after or cast})
    specs = CastSpecs([Fork(fork, before, {}, set=said or {})], [before, run], make_world(run))
    return specs.held("bob", EDIT, since=since, step=step)


CAST = {"ann": {}, "bob": {"persona": "shy"}}


def test_an_edit_holds_until_a_branch_changes_the_same():
    rude = {**CAST, "bob": {"persona": "rude"}}

    assert held(CAST) == EDIT
    assert held(CAST, after=rude) == {"reason": True}
    assert held(CAST, after=rude, step=1) == EDIT, "below the fork"
    assert held(CAST, after=rude, since=2) == EDIT, "made in the branch"


@pytest.mark.parametrize("name", ["bob", "b*", "*"])
def test_what_a_branch_sets_holds_though_it_is_what_it_was_before_the_edit(name):
    assert held(CAST, said={name: ["persona"]}) == {"reason": True}


@pytest.mark.parametrize("name", ["ann", "a*"])
def test_what_a_branch_sets_of_others_leaves_an_edit_as_it_is(name):
    assert held(CAST, said={name: ["persona"]}) == EDIT


def test_of_another_agent_no_edit_holds():
    assert held(CAST, after={**CAST, "bob": {"agent": "random"}}) == {}
