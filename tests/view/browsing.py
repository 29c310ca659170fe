"""Chromium, driven by Playwright; who has neither skips what needs them, and is told so."""

import shutil
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest

_open = []

_NOT_OURS = (
    "WARN The input spec uses Vega-Lite",
    'WARN x-scale\'s "zero" is dropped',
    "AbortError: BodyStreamBuffer was aborted",
    "AbortError: signal is aborted",
)
"""What Vega, which draws Gradio's plots, says of Gradio's own charts, and Gradio of its own stream
where a page is left while it is open."""

PHONE = {"width": 390, "height": 844}
WIDE = {"width": 1600, "height": 900}


@contextmanager
def chromium():
    """Debian's Chromium, or the one that is open already: a process can have one driver of it."""
    if _open:
        yield _open[0]
        return
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        _open.append(browser)
        yield browser
        _open.clear()
        browser.close()


@contextmanager
def fresh(browser, *, size=WIDE, scheme="light", expected=()):
    """A page on which nothing is yet.

    After the block its console must have been free of errors, but for those that are expected, and
    it must have asked one server alone.
    """
    said, asked = [], set()
    context = browser.new_context(viewport=size, color_scheme=scheme)
    page = context.new_page()
    page.set_default_timeout(20_000)
    page.on("console", lambda m: said.append(m.text) if m.type in ("error", "warning") else None)
    page.on("request", lambda request: asked.add(urlsplit(request.url)))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("dialog", lambda dialog: said.append(f"dialog: {dialog.message}") or dialog.dismiss())
    yield page
    context.close()
    known = (*_NOT_OURS, *expected)
    odd = [words for words in said if not any(part in words for part in known)]
    assert not odd, odd
    servers = {address.netloc for address in asked if address.scheme.startswith("http")}
    assert len(servers) <= 1, servers


@contextmanager
def opened(browser, address, *, until=".turn:not(.loading)", **given):
    """A page once something is on it; `fresh` says what must have held after the block."""
    with fresh(browser, **given) as page:
        page.goto(address)
        page.wait_for_selector(until)
        yield page
