"""Commanding: what a stage does with a command, wherever its episode stands."""

import asyncio
from collections.abc import Mapping
from typing import Any

from simlab.errors import ControlError
from simlab.sim.control.board import Board
from simlab.sim.control.desk import Desk, ended_error
from simlab.sim.control.messages import (
    AllowSteps,
    Command,
    LeaveSeat,
    PauseEpisode,
    TakeAnswer,
    TakeBackLeases,
    TakeOrder,
    TellStatus,
)

Desks = Mapping[int, "asyncio.Future[Desk]"]
"""Of episodes that are played, by number; there once what is recorded of them was read."""


async def commanded(command: Command, desks: Desks, board: Board | None) -> Any:
    """Carry a command out, and answer it.

    Args:
        command: To one of the live episodes, or to all.
        desks: Of the live episodes.
        board: Where people are asked.

    Raises:
        ControlError: It cannot be carried out; nothing is changed.
    """
    match command:
        case TakeOrder(episode, order):
            return await (await _desk(desks, episode)).take(order)
        case PauseEpisode(episode, paused):
            (await _desk(desks, episode)).pause(paused=paused)
        case AllowSteps(episode, n_steps):
            (await _desk(desks, episode)).allow_steps(n_steps)
        case TakeAnswer(question, answer):
            await _answer(board, question, answer)
        case LeaveSeat(episode, seat, order):
            _require(board).leave(episode, seat, order)
        case TakeBackLeases(episode, orders):
            (await _desk(desks, episode)).take_back(orders)
        case TellStatus():
            return [desk.result().status() for desk in desks.values() if desk.done()]
    return None


async def _desk(desks: Desks, episode: int) -> Desk:
    if episode not in desks:
        raise ended_error(episode)
    return await asyncio.shield(desks[episode])


async def _answer(board: Board | None, question: str, answer: Any) -> None:
    """Take an answer, and come back when it is recorded: whoever asked is woken before this is."""
    _require(board).answer(question, answer)
    await asyncio.sleep(0)


def _require(board: Board | None) -> Board:
    if board is None:
        raise ControlError("nobody can be asked in this run; start it so that it can be commanded")
    return board
