"""Actors: state with an address, which is reached by `tell` and `ask` and nothing else.

Begin with `Actor` (what you write), `ActorRef` (what you hold) and `ActorSystem` (what starts and
ends it all). `Host` is where actors live; an actor finds its own as ``self.host``.
"""

from simlab.actors.actor import Actor
from simlab.actors.host import Host
from simlab.actors.ref import ActorRef
from simlab.actors.statistics import HostStatistics, Waiting
from simlab.actors.system import ActorSystem

__all__ = ["Actor", "ActorRef", "ActorSystem", "Host", "HostStatistics", "Waiting"]
