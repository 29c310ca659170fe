"""An attempt: an episode on its way from host to host, as these die."""

from dataclasses import dataclass, replace

from simlab.sim.staging import PlayEpisode

DEATHS = 3
"""So many hosts in a row that died with nothing new committed make an episode a suspect."""


@dataclass(slots=True)
class Attempt:
    """An episode on its way from host to host, and what speaks against it.

    Hosts die for many reasons, and with all episodes that are on them. An episode that never gets
    to a new commit before they do is a suspect, and is played with no other beside it; if its host
    dies then as well, it is given up.

    Attributes:
        message: What its next stage is told.
        host: Name of the host that died last; empty at first.
        epoch: In which that host died.
        n_deaths: Hosts that died in a row with nothing new committed.
    """

    message: PlayEpisode
    host: str = ""
    epoch: int = 0
    n_deaths: int = 0

    @property
    def is_suspect(self) -> bool:
        """Whether it may be what kills its hosts."""
        return self.n_deaths >= DEATHS

    def host_died(self, host: str, epoch: int, *, committed: bool, alone: bool) -> None:
        """Take in that the host died on which it was played.

        Args:
            host: Its name.
            epoch: Of this host.
            committed: Whether the episode had committed anything there.
            alone: Whether it was a suspect already, with no other beside it.
        """
        self.host, self.epoch = host, epoch
        self.n_deaths = 0 if committed else self.n_deaths + 1
        given_up = alone and self.is_suspect
        self.message = replace(
            self.message,
            resumed=True,
            watched=self.message.watched and not given_up,
            retried=self.message.retried and not committed,
            given_up=given_up,
        )
