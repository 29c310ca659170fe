"""People in seats, in browsers: runs and apps in processes of their own, and pages of links."""

import subprocess
import sys
from contextlib import contextmanager, suppress

import pytest

from simlab.apps.links import Link, Links, own_key, place_of
from simlab.sim.control.place import SOCKET

Error = pytest.importorskip("playwright.sync_api", reason="needs playwright").Error

STUCK = ("--model", "all=scripted", "--set", "models.all.latency_s=600")
"""Agents that never act: what happens is what people do."""

OPEN_FORM = "#seat-form:not([inert]) #seat-send"


@contextmanager
def running(path, *given):
    """A run that goes on; killed at the end of the block if it has not ended."""
    command = [sys.executable, "-m", "simlab.cli", "run", *map(str, given)]
    command += ["--out", str(path), "--hosts", "0"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            while process.poll() is None and not (path / SOCKET).exists():
                with suppress(subprocess.TimeoutExpired):
                    process.wait(timeout=0.05)
            yield process
        finally:
            process.kill()


@contextmanager
def serving(folder, port=0):
    """The app over a folder of runs; gives its process and address."""
    command = [sys.executable, "-m", "simlab.cli", "watch", str(folder), "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process, process.stdout.readline().split("/?")[0].strip()
        finally:
            process.kill()


def address(base, path, seat="", who="Robin", **terms):
    """Of the page of whoever takes a seat."""
    terms = {"episode": -1 if "model" in terms else 0, **terms}
    link = Link(path.name, place_of(path), who, seat=seat, **terms)
    return f"{base}/seat/{Links(own_key()).write(link)}/"


@contextmanager
def person(browser, link, *, size=(1440, 900), scheme="light", expected=()):
    """A page of a person; what the server sent to it is kept in ``page.received``.

    After the block its console must have been free of errors.
    """
    said = []
    viewport = {"width": size[0], "height": size[1]}
    context = browser.new_context(viewport=viewport, color_scheme=scheme)
    page = context.new_page()
    page.set_default_timeout(15_000)
    page.received = []
    page.on("console", lambda m: said.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("requestfinished", lambda request: page.received.append(_told(request)))
    page.goto(link)
    yield page
    context.close()
    unexpected = [words for words in said if not any(part in words for part in expected)]
    assert unexpected == [], unexpected


def _told(request):
    """What the server answered, as far as it is text."""
    with suppress(Error):  # a page that is left has no answers any more
        response = request.response()
        kind = "" if response is None else response.headers.get("content-type", "")
        if "json" in kind or "html" in kind:
            return response.text()
    return ""


def fill(page):
    """Fill in whatever the form asks for."""
    form = page.locator("#seat-form")
    for text in form.locator("textarea").all():
        text.fill("Hello.")
    for number in form.locator(".number input").all():
        number.fill("10")
    for options in form.locator("fieldset").all():
        options.locator("input").first.check()
