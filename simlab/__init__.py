"""SimLab runs societies of language-model agents as actors, and loses no step of them.

Start with `simlab.run("car_sale")`, which returns a `Run`; then read `simlab.env` to write a world,
`simlab.agents` to write an agent, and `simlab.trace` for effects and spans.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simlab.sim.control.client import ControlClient
    from simlab.sim.launch import run
    from simlab.sim.run import Run
    from simlab.trace.rich import Html, png_of
    from simlab.trace.tracing import effect, note, span, traced

__version__ = "0.1.0"
__all__ = ["ControlClient", "Html", "Run", "effect", "note", "png_of", "run", "span", "traced"]

_HOMES = {
    "ControlClient": "simlab.sim.control.client",
    "Html": "simlab.trace.rich",
    "png_of": "simlab.trace.rich",
    "Run": "simlab.sim.run",
    "run": "simlab.sim.launch",
    "effect": "simlab.trace.tracing",
    "note": "simlab.trace.tracing",
    "span": "simlab.trace.tracing",
    "traced": "simlab.trace.tracing",
}


def __getattr__(name: str) -> Any:
    """Import what is asked for when it is asked for, so that `import simlab` costs nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module 'simlab' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
