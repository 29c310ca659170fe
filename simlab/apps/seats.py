"""The seats that people have links of, and who sits there now."""

import re

from simlab.apps.invitation import Invitation, models
from simlab.apps.links import Link, Links, own_key, place_of
from simlab.apps.reading import Reading
from simlab.apps.seat_session import SeatSession
from simlab.apps.tails import Tails
from simlab.errors import NotFoundError


class Seats:
    """Gives out links of seats, and finds whoever sits at one by its token.

    Args:
        reading: Of the runs.
        tails: Of the runs.
        links: Makes and reads the links; by default with this user's own key.
        place: Name and port by which people on other machines reach the app; None where none do.
    """

    def __init__(
        self,
        reading: Reading,
        tails: Tails,
        links: Links | None = None,
        *,
        place: str | None = None,
    ) -> None:
        self._links = links
        self._place = place
        self._reading = reading
        self._tails = tails
        self._sessions: dict[Link, SeatSession] = {}

    @property
    def links(self) -> Links:
        """What makes and reads the links.

        Raises:
            ConfigError: This user's key cannot be kept.
        """
        self._links = self._links or Links(own_key())
        return self._links

    async def models(self, run: str) -> list[str]:
        """Models of a run that wait for a person; see `models`.

        Raises:
            NotFoundError: There is no such run.
        """
        return await self._reading.of_run(run, models)

    async def invite(self, invitation: Invitation) -> str:
        """The token of a link.

        Raises:
            NotFoundError: There is no such run.
            ConfigError: The invitation is not as it is to be.
        """
        path = await self._reading.path_of(invitation.run)
        return self.links.write(invitation.link(path))

    def address(self, token: str, scheme: str, host: str) -> str:
        """Where a link leads: to the app as whoever asks for it has reached it.

        One that leads to this machine itself would be of use to nobody on another.

        Args:
            token: Of the link.
            scheme: By which the app was reached.
            host: Name by which it was, with the port where browsers have another default.
        """
        is_here = re.sub(":[0-9]+$", "", host) in ("127.0.0.1", "localhost", "[::1]")
        place = self._place if self._place is not None and is_here else host
        return f"{scheme}://{place}/seat/{token}/"

    async def session(self, token: str) -> SeatSession:
        """The session of whoever has a link; the seat is taken when it is first asked for.

        Raises:
            NotFoundError: It is no link of this user's, or its run is not here.
        """
        link = self.links.read(token)
        if place_of(await self._reading.path_of(link.run)) != link.place:
            raise NotFoundError("the run of this link is not among those that are shown here")
        if link not in self._sessions:
            self._sessions[link] = SeatSession(link, self._reading, self._tails)
            self._sessions[link].come()
        return self._sessions[link]

    def sitting(self, token: str) -> SeatSession | None:
        """The session of whoever has a link, if it was asked for before.

        Raises:
            NotFoundError: It is no link of this user's.
        """
        return self._sessions.get(self.links.read(token))

    def end(self) -> None:
        """Let nobody wait for news any more: all who do are answered."""
        for session in self._sessions.values():
            session.end()

    async def close(self) -> None:
        """Let the runs keep all seats for those who have them."""
        for session in self._sessions.values():
            await session.close()
