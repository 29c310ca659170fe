import pickle

import pytest

from simlab.env.environment import PASS, UNSET, ActionRequest, TimeStep, Utterance


def test_an_episode_is_over_when_nobody_may_act_and_nothing_happens_by_itself():
    assert TimeStep().over
    assert not TimeStep({"a": ActionRequest()}).over
    assert not TimeStep(wake=5.0).over


@pytest.mark.parametrize("mark", [PASS, UNSET], ids=repr)
def test_the_marks_stay_themselves_through_pickling(mark):
    assert pickle.loads(pickle.dumps(mark)) is mark


def test_what_is_said_reads_as_prose():
    assert str(Utterance("buyer", "No.")) == "buyer: No."
