# mypy: disable-error-code="import-not-found, misc, untyped-decorator"
"""Inspect: an action is a call of its mock model in a solver, logged as an evaluation is."""

import tempfile
import time
from typing import Any

import inspect_ai
from inspect_ai import Task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import ChatMessageUser, ModelOutput, ModelUsage, get_model
from inspect_ai.solver import Generate, Solver, TaskState, solver

from benchmarks.peers.episodes import print_figures
from benchmarks.workload import REPLY, WINDOW, Load


def answer(*_request: Any) -> ModelOutput:
    """The model's answer; with `usage`, without which Inspect counts tokens by a download."""
    output = ModelOutput.from_content("mockllm/model", REPLY)
    output.usage = ModelUsage(input_tokens=100, output_tokens=10, total_tokens=110)
    return output


@solver
def negotiate(steps: int, deadline: float, done: list[int]) -> Solver:
    """Take turns with nobody; how many were taken goes into `done`."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:  # noqa: ARG001 - its way
        model = get_model()
        for step in range(steps):
            asked = f"The other side has made {step} moves. What do you offer?"
            state.messages.append(ChatMessageUser(content=asked))
            state.output = await model.generate(state.messages[-WINDOW:])
            state.messages.append(state.output.message)
            done[0] += 1
            if time.monotonic() > deadline:
                break
        return state

    return solve


def play(load: Load, deadline: float) -> int:
    """Play a load; see `benchmarks.peers.episodes`.

    Raises:
        RuntimeError: Inspect reports that the evaluation failed.
    """
    done = [0]
    # without ids of their own, two samples may share one, which ends the evaluation
    samples = [Sample(id=number, input="You sell a car.") for number in range(load.episodes)]
    task = Task(MemoryDataset(samples), solver=negotiate(load.steps, deadline, done))
    with tempfile.TemporaryDirectory() as folder:
        (log,) = inspect_ai.eval(
            task,
            model=get_model("mockllm/model", custom_outputs=answer),
            log_dir=folder,
            log_realtime=False,
            display="none",
            max_samples=load.live,
            max_connections=load.live,
        )
    if log.status != "success":
        raise RuntimeError(f"Inspect ended with {log.status!r}: {log.error}")
    return done[0]


if __name__ == "__main__":
    print_figures("inspect-ai", play, log="an .eval file, written at the end of a sample")
