"""A host: many actors in one process, and their way to those of other hosts."""

import asyncio
import contextvars
import itertools
import logging
import pickle
from collections.abc import Callable, Coroutine
from typing import Any

from simlab.actors import local
from simlab.actors.actor import Actor
from simlab.actors.cell import Cell, cell_class, stopped_error
from simlab.actors.envelope import Envelope, carried, chain_here, handled
from simlab.actors.ref import ActorRef
from simlab.actors.statistics import HostStatistics, Waits
from simlab.errors import AskCycleError

MAILBOX = 1_000
"""How many messages wait for an actor before its senders do, if not said otherwise."""

_YIELD_EVERY = 1_000
"""After so many messages one sender lets all else have a turn of the event loop."""

_logger = logging.getLogger(__name__)


class Host:
    pass
