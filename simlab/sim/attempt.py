"""An attempt: an episode on its way from host to host, as these die."""

from dataclasses import dataclass, replace

from simlab.sim.staging import PlayEpisode

DEATHS = 3
"""So many hosts in a row that died with nothing new committed make an episode a suspect."""

DEATHS_ALONE = 2
"""So many more, with no other episode on them, and it is given up; one death may be anybody's."""


@dataclass(slots=True)
class Attempt:
    """An episode on its way from host to host, and what speaks against it.

    Hosts die for many reasons, and with all episodes that are on them. An episode that never gets
    to a new commit before they do is a suspect, and is played with no other on its host; if its
    hosts go on dying then, it is given up.

    Attributes:
        message: What its next stage is told.
        host: Name of the host that died last; empty at first.
        epoch: In which that host died.
        n_deaths: Hosts that died in a row with nothing new committed.
        alone: Whether it is played with no other on its host.
    """

    message: PlayEpisode
    host: str = ""
    epoch: int = 0
    n_deaths: int = 0
    alone: bool = False

    @property
    def is_suspect(self) -> bool:
        """Whether it may be what kills its hosts."""
        return self.n_deaths >= DEATHS

    def set_apart(self) -> None:
        """Play it with no other on its host from now on; deaths beside others count no more."""
        self.alone = True
        self.n_deaths = 0

    def host_died(self, host: str, epoch: int, *, committed: bool) -> None:
        """Take in that the host died on which it was played.

        Args:
            host: Its name.
            epoch: Of this host.
            committed: Whether the episode had committed anything there.
        """
        self.host, self.epoch = host, epoch
        self.n_deaths = 0 if committed else self.n_deaths + 1
        given_up = self.alone and self.n_deaths >= DEATHS_ALONE
        self.message = replace(
            self.message,
            resumed=True,
            watched=self.message.watched and not given_up,
            retried=self.message.retried and not committed,
            given_up=given_up,
        )
