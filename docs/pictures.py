"""Makes the pictures of the README, of runs on the embedded model: ``python docs/pictures.py``.

Needs Chromium (``apt-get install chromium``), as tests in a browser do.
"""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from playwright.sync_api import Page, sync_playwright

import simlab
from simlab.sim.watching import Watch

_HERE: Final = Path(__file__).parent
_SIZE: Final = {"width": 1440, "height": 860}


def main() -> None:
    """Play, open what was played, and write ``watch.png`` and ``seat.png`` beside this file."""
    with TemporaryDirectory() as scratch:
        runs = Path(scratch)
        simlab.run("car_sale", episodes=6, hosts=0, out=runs / "car_sale-0001")
        with Watch(runs) as app, browser() as page, waiting_for_a_buyer(runs / "car_sale-0002"):
            page.goto(app.address)
            picture_turn(page)
            picture_seat(page)


def picture_turn(page: Page) -> None:
    """A turn of a run that has ended, opened."""
    page.get_by_role("link", name="car_sale-0001").click()
    page.locator(".turn:not(.loading)").first.wait_for()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.locator(".drill .call").first.wait_for()
    page.screenshot(path=_HERE / "watch.png")


def picture_seat(page: Page) -> None:
    """A person whose turn it is, in the buyer's seat of a live run."""
    page.goto(page.url.replace("car_sale-0001", "car_sale-0002").partition("#")[0])
    page.locator("#run-side .toggle-button").click()
    page.get_by_role("tab", name="Seats").click()
    page.get_by_label("Seat, or model").fill("buyer")
    page.get_by_label("Seat, or model").press("Enter")
    page.get_by_label("Name of person").fill("Robin")
    page.get_by_role("button", name="Make the link").click()
    link = page.locator("#seat-link textarea, #seat-link input")
    page.wait_for_function("link => link.value", arg=link.element_handle())
    page.goto(link.input_value())
    page.set_viewport_size({**_SIZE, "height": 560})
    say, price = page.get_by_label("say"), page.get_by_label("price")
    say.fill("It has seen some winters. Would you take a little less?")
    price.fill("5600")
    page.get_by_role("button", name="Send").click()
    page.locator(".seat-list", has_text="buyer (you)").wait_for()
    page.locator("simlab-turn .state", has_text="Your turn").wait_for()
    say.fill("I could go up a little, for cash.")
    price.fill("5800")
    page.screenshot(path=_HERE / "seat.png")


@contextmanager
def browser() -> Iterator[Page]:
    """A page of Debian's Chromium, in light colours."""
    with sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=shutil.which("chromium"))
        yield opened.new_page(viewport=_SIZE, color_scheme="light")
        opened.close()


@contextmanager
def waiting_for_a_buyer(out: Path) -> Iterator[None]:
    """A live run, in a process of its own, whose buyer is whoever comes."""
    command = [sys.executable, "-m", "simlab.cli", "run", "car_sale", "--hosts", "0", "--people"]
    given = ["--set", "cast.buyer.agent=human", "--out", str(out)]
    with subprocess.Popen([*command, *given], stdout=subprocess.DEVNULL) as run:
        while not (out / "control.sock").exists():
            assert run.poll() is None, "the run has ended"
        yield
        run.terminate()


if __name__ == "__main__":
    main()
