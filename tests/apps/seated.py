"""People in seats, in browsers: pages of links."""

from contextlib import contextmanager, suppress

import pytest

from simlab.apps.links import Link, Links, own_key, place_of
from tests.view.browsing import fresh

Error = pytest.importorskip("playwright.sync_api", reason="needs playwright").Error

STUCK = ("--model", "all=scripted", "--set", "models.all.latency_s=600")
"""Agents that never act: what happens is what people do."""

OPEN_FORM = "#seat-form:not([inert]) #seat-send"


def address(base, path, seat="", who="Robin", **terms):
    """Of the page of whoever takes a seat."""
    terms = {"episode": -1 if "model" in terms else 0, **terms}
    link = Link(path.name, place_of(path), who, seat=seat, **terms)
    return f"{base}/seat/{Links(own_key()).write(link)}/"


@contextmanager
def person(browser, link, **given):
    """A page of a person; what the server sent to it is kept in ``page.received``."""
    with fresh(browser, **given) as page:
        page.received = []
        page.on("requestfinished", lambda request: page.received.append(_told(request)))
        page.goto(link)
        yield page


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
    form.locator("textarea, input").first.wait_for()  # Gradio loads kinds of inputs when needed
    for text in form.locator("textarea").all():
        text.fill("Hello.")
    for number in form.locator(".number input").all():
        number.fill("10")
    for options in form.locator("fieldset").all():
        options.locator("input").first.check()
