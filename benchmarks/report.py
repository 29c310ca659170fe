"""A benchmark's report: figures, the bars beside them, and peers, for people and as JSON."""

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from benchmarks.measuring import Figures


@dataclass(frozen=True, slots=True)
class Bar:
    """What a figure has to reach; one of `at_most` and `at_least` is given.

    Attributes:
        figure: Its place among SimLab's figures, such as ``in_host.tell.per_cpu_s``.
        at_most: It must not be more.
        at_least: It must not be less.
    """

    figure: str
    at_most: float | None = None
    at_least: float | None = None

    def check(self, figures: Figures) -> Figures:
        """The figure beside its bar, and whether it is met.

        Raises:
            KeyError: There is no such figure.
        """
        value = _at(figures, self.figure)
        met = (self.at_most is None or value <= self.at_most) and (
            self.at_least is None or value >= self.at_least
        )
        bar = {"at_most": self.at_most, "at_least": self.at_least}
        given = {name: limit for name, limit in bar.items() if limit is not None}
        return {"figure": self.figure, "value": value, **given, "met": met}


class Beside(Protocol):
    """Whose figures stand beside SimLab's."""

    @property
    def name(self) -> str:
        """As it is known."""
        ...

    def figures(self) -> Figures:
        """Its figures; ``unavailable`` says why where there are none."""
        ...


@dataclass(frozen=True, slots=True)
class Quoted:
    """Figures that others measured elsewhere, with their source."""

    name: str
    source: str
    quoted: Figures

    def figures(self) -> Figures:
        """The figures and where they come from."""
        return {"source": self.source, **self.quoted}


def report(
    name: str,
    measure: Callable[[], Figures],
    *,
    bars: Sequence[Bar],
    peers: Sequence[Beside] = (),
) -> None:
    """Run a benchmark from its command line.

    Prints progress to the standard error stream, and to the standard output stream a table, or with
    ``--json`` one object in its last line.

    Args:
        name: Of the benchmark.
        measure: Measures SimLab.
        bars: Of SimLab's figures.
        peers: Measured in the same run, unless ``--no-peers``.
    """
    arguments = _arguments(name)
    figures = measure()
    result: dict[str, object] = {
        "benchmark": name,
        "machine": _machine(),
        "simlab": figures,
        "bars": [bar.check(figures) for bar in bars],
        "peers": {} if arguments.no_peers else _ask(peers),
    }
    if arguments.json:
        print(json.dumps(result))
    else:
        print("\n".join(_table(result)))


def progress(words: str) -> None:
    """Tell a person what is being done."""
    print(f"{time.strftime('%H:%M:%S')} {words}", file=sys.stderr, flush=True)


def _arguments(name: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{name}")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--no-peers", action="store_true", help="measure SimLab alone")
    return parser.parse_args()


def _ask(peers: Sequence[Beside]) -> dict[str, Figures]:
    figures = {}
    for peer in peers:
        progress(f"peer {peer.name}")
        figures[peer.name] = peer.figures()
    return figures


def _machine() -> Figures:
    """Where it was measured, and how much others used it: a loaded machine costs CPU time as well.

    Of the same Python code, that is, since caches are shared: `loop_cpu_s` tells by how much.
    """
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        "load_1_minute": round(os.getloadavg()[0], 2),
        "loop_cpu_s": _loop_cpu_s(),
    }


def _loop_cpu_s() -> float:
    """CPU seconds of a million turns of a loop, which compares two runs of a benchmark."""
    start = time.process_time()
    sum(number * number % 7 for number in range(1_000_000))
    return round(time.process_time() - start, 4)


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()


def _at(figures: Figures, place: str) -> float:
    """The number at a place such as ``one_host.tell_per_s``."""
    found: object = figures
    for name in place.split("."):
        if not isinstance(found, dict) or name not in found:
            raise KeyError(f"no figure {place!r}; there are {sorted(dict(_flat(figures)))!r}")
        found = found[name]
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise TypeError(f"figure {place!r} must be a number, got {found!r}")
    return found


def _flat(figures: object, place: str = "") -> Iterator[tuple[str, object]]:
    """All figures with their places, in order."""
    if not isinstance(figures, dict):
        yield place, figures
        return
    for name, part in figures.items():
        yield from _flat(part, f"{place}.{name}" if place else name)


def _table(result: dict[str, object]) -> Iterator[str]:
    rows = [row for part in ("machine", "simlab", "peers") for row in _flat({part: result[part]})]
    width = max(len(place) for place, _ in rows)
    for place, value in rows:
        yield f"{place:{width}}  {value}"
    for bar in result["bars"]:  # type: ignore[attr-defined] # a list, made above
        limit = f"at most {bar['at_most']}" if "at_most" in bar else f"at least {bar['at_least']}"
        verdict = "met" if bar["met"] else "MISSED"
        yield f"{bar['figure']:{width}}  {bar['value']}  {limit}: {verdict}"
