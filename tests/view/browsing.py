"""Chromium, driven by Playwright; who has neither skips what needs them, and is told so."""

import shutil
from contextlib import contextmanager

import pytest

_open = []

_VEGA = ("WARN The input spec uses Vega-Lite", 'WARN x-scale\'s "zero" is dropped')

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
def opened(browser, address, *, size=WIDE, scheme="light", until=".turn:not(.loading)"):
    """A page once something is on it; after the block its console must have been free of errors.

    What Vega, which draws Gradio's plots, says of Gradio's own charts is nobody's here to mend.
    """
    said, asked = [], []
    context = browser.new_context(viewport=size, color_scheme=scheme)
    page = context.new_page()
    page.set_default_timeout(10_000)
    page.on("console", lambda m: said.append(m.text) if m.type in ("error", "warning") else None)
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("dialog", lambda dialog: said.append(f"dialog: {dialog.message}") or dialog.dismiss())
    page.goto(address)
    page.wait_for_selector(until)
    yield page
    context.close()
    assert [words for words in said if not words.startswith(_VEGA)] == []
    own = address.split("/", 3)[2]
    assert [url for url in asked if url.startswith("http") and own not in url] == []
