"""The static page: a run in one file that opens offline, with no server and nothing loaded.

Its data stand in it in parts, each packed with gzip and written in base64, so that no text of a run
can end the script that holds it. The page unpacks a part when somebody looks at it.
"""

import base64
import gzip
import hashlib
import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import TextIOWrapper
from pathlib import Path
from typing import Final

from simlab.trace.disk import replacing, written
from simlab.trace.json_text import as_json
from simlab.view.bounds import Json, size_in_words
from simlab.view.opened import OpenedRun
from simlab.view.steps import Steps
from simlab.view.turns import read_turns

MOST_BYTES: Final = 25_000_000
"""Of a page, by default; what is beyond is left out, and the page says so."""

CHUNK: Final = 50
"""Turns in a part; `sources.js` knows the same number."""

PAGE: Final = Path(__file__).parent / "page"
"""Where scripts and styles lie."""

_SCRIPTS: Final = (
    "dom.js", "rows.js", "turn.js", "look.js", "drill.js", "cards.js", "head.js", "opened.js",
    "finding.js", "keys.js", "window.js",
    "difference.js", "comparing.js", "watching.js",
    "sources.js",
    "transcript.js",
)  # fmt: skip
"""In the order in which they import each other."""

_IMPORT = re.compile(r'^import [^;]*? from "\./[a-z]+\.js";\n', re.MULTILINE | re.DOTALL)
_EXPORT = re.compile(r"^export (?=(async )?(function|class|const))", re.MULTILINE)

_START: Final = 'mountRun(document.getElementById("run"), new PageSource());\n'

_TEMPLATE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src blob: data:; \
style-src 'unsafe-inline'; script-src 'sha256-{script_hash}'; base-uri 'none'; form-action 'none'">
<title>{title}</title>
<style>
html, body, #run {{ height: 100%; margin: 0; }}
{style}</style>
</head>
<body>
<div id="run"><p>This page shows a run of SimLab, and needs JavaScript for that.</p></div>
"""


@dataclass(slots=True)
class _Parts:
    """Parts of a page, as many as fit.

    Attributes:
        left: Bytes that there is room for.
        left_out: What found no room.
    """

    left: int
    left_out: dict[str, int] = field(default_factory=dict)

    def part(self, name: str, value: Json, kind: str) -> str:
        """The element for a part; empty where there is no room for it."""
        packed = base64.b64encode(gzip.compress(as_json(value).encode(), 6, mtime=0)).decode()
        element = f'<script type="text/plain" data-part="{name}">{packed}</script>\n'
        if len(element) > self.left:
            self.left_out[kind] = self.left_out.get(kind, 0) + 1
            return ""
        self.left -= len(element)
        return element


def write_page(run: OpenedRun, file: Path, *, most_bytes: int = MOST_BYTES) -> str | None:
    """Write a run as one page of HTML.

    What was said and done comes first, all of it as long as there is room, and then what stands
    behind each turn.

    Args:
        run: Which.
        file: Replaced if it is there, once the new one is whole.
        most_bytes: Of the page, about.

    Returns:
        What was left out, in words; None where all is there.

    Raises:
        LogWriteError: The disk does not take it.
        RunDirectoryError: The run's record is not as SimLab writes it.
    """
    parts, code = _Parts(most_bytes), script() + _START
    with written(file, remedy="make room for it, or choose another place by --out"):
        file.parent.mkdir(parents=True, exist_ok=True)
        with replacing(file) as raw, TextIOWrapper(raw, encoding="utf-8") as page:
            page.write(_head(str(run.overview()["name"]), code))
            for element in _elements(run, parts):
                page.write(element)
            told = _told(parts)
            page.write(_Parts(1 << 62).part("run", _whole(run, told), "run"))
            page.write(f'<script type="module">{code}</script>\n</body>\n</html>\n')
    return told


def script() -> str:
    """All scripts of the page as one: what they export has one name in all of them."""
    texts = [(PAGE / name).read_text(encoding="utf-8") for name in _SCRIPTS]
    return "".join(_EXPORT.sub("", _IMPORT.sub("", text)) for text in texts)


def _head(name: str, code: str) -> str:
    """The beginning of the page, which lets no other script run than this one."""
    digest = hashlib.sha256(code.encode()).digest()
    return _TEMPLATE.format(
        title=html.escape(f"{name} · SimLab"),
        script_hash=base64.b64encode(digest).decode(),
        style=(PAGE / "transcript.css").read_text(encoding="utf-8"),
    )


def _elements(run: OpenedRun, parts: _Parts) -> Iterator[str]:
    """Turns of all episodes, and then the trees of their steps."""
    n_steps = {row["episode"]: row["n_steps"] for row in run.rows()}
    begun = [episode for episode in n_steps if episode in set(run.log.episodes)]
    for episode in begun:
        for at in range(n_steps[episode] // CHUNK + 1):
            turns = _turns(run, episode, at * CHUNK, (at + 1) * CHUNK)
            yield parts.part(f"turns-{episode}-{at}", turns, "turns")
    steps = Steps(run)
    for episode in begun:
        for at in range(n_steps[episode] // CHUNK + 1):
            if parts.left < 1 << 10:
                parts.left_out["steps"] = parts.left_out.get("steps", 0) + 1
                continue
            last = min(n_steps[episode], (at + 1) * CHUNK - 1)
            trees = [steps.read(episode, step) for step in range(at * CHUNK, last + 1)]
            yield parts.part(f"steps-{episode}-{at}", {"steps": trees}, "steps")


def _turns(run: OpenedRun, episode: int, start: int, stop: int) -> Json:
    """The turns of a chunk, with all their pictures, and what stands behind the last of all."""
    turns: list[Json] = []
    while True:
        window = read_turns(run, episode, start, stop)
        turns += window["turns"]
        start = window["to"]
        if window["after"] is not None or start == stop or not window["turns"]:
            return {"turns": turns, "after": window["after"]}


def _whole(run: OpenedRun, told: str | None) -> Json:
    return {"overview": {**run.overview(), "told": told}, "episodes": run.rows()}


def _told(parts: _Parts) -> str | None:
    """What was left out, in words."""
    if not parts.left_out:
        return None
    size = size_in_words(parts.left)
    names = {"turns": "turns", "steps": "details of turns"}
    what = " and ".join(f"{n * CHUNK} {names[kind]} at most" for kind, n in parts.left_out.items())
    return f"This page was bounded in size: {what} are left out ({size} were left)"
