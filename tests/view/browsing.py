"""Chromium, driven by Playwright; who has neither skips what needs them, and is told so."""

import shutil
from contextlib import contextmanager

import pytest

PHONE = {"width": 390, "height": 844}
WIDE = {"width": 1600, "height": 900}


@contextmanager
def chromium():
    """Debian's Chromium, or the one that Playwright finds."""
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def opened(browser, address, *, size=WIDE, scheme="light"):
    """A page; after the block its console must have been free of errors."""
    said = []
    context = browser.new_context(viewport=size, color_scheme=scheme)
    page = context.new_page()
    page.set_default_timeout(10_000)
    page.on("console", lambda m: said.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("dialog", lambda dialog: said.append(f"dialog: {dialog.message}") or dialog.dismiss())
    page.goto(address)
    page.wait_for_selector(".turn:not(.loading)")
    yield page
    context.close()
    assert said == []
