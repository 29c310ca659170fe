"""What the trainer computes again: of which episodes, and what is an alarm."""

from simlab.sim.config import checked
from simlab.train.checks import spread


class Log:
    """A log of episodes that have all ended."""

    def __init__(self, n_episodes, failed=()):
        self._n_episodes, self._failed = n_episodes, frozenset(failed)

    def ended(self):
        return frozenset(range(self._n_episodes))

    def failed(self):
        return self._failed


class Played:
    """A run of which nothing is known but where its episodes began."""

    def __init__(self, resets, failed=()):
        self.file = checked({"world": "a:B", "cast": {"*": {}}, "resets": resets})
        self.log = Log(len(resets), failed)


def test_few_episodes_are_of_all_environments_and_of_as_many_states_as_there_are():
    states = [("a", "1"), ("a", "2"), ("b", "1"), ("b", "2")]
    resets = [{"environment": env, "state": state} for env, state in states for _ in range(3)]

    assert spread(Played(resets))[:4] == [0, 6, 3, 9]
    assert spread(Played(resets, failed=[0]))[:4] == [3, 6, 1, 9]
