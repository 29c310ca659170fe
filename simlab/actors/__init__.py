"""Actors: state with an address, reached by `tell` and `ask`."""

from simlab.actors.actor import Actor
from simlab.actors.host import Host
from simlab.actors.ref import ActorRef

__all__ = ["Actor", "ActorRef", "Host"]
