"""The page of a run says when the run or the app is gone, and goes on when they are there again."""

import signal

import pytest

from tests.apps.playing import Follower, has_steps, playing
from tests.apps.serving import served
from tests.view.browsing import WIDE

pytestmark = pytest.mark.browser


def test_the_page_tells_that_its_run_and_its_app_were_killed_and_goes_on(tmp_path, browser):
    with served([tmp_path]) as app:
        with playing(tmp_path / "run") as process:
            Follower(app, "run").until(has_steps(4))
            process.send_signal(signal.SIGKILL)
        page = browser.new_context(viewport=WIDE).new_page()
        page.set_default_timeout(40_000)
        page.goto(app.link)
        page.goto(f"http://{app.host}/run?run=run#e=0")
        page.wait_for_selector(".turn:not(.loading)")
        page.wait_for_selector("header.top :text('stopped')")
        app.kill()
        page.wait_for_selector(".notice:has-text('Not connected')")
    with served([tmp_path], port=app.port):
        page.wait_for_selector(".notice", state="hidden")
        with playing(tmp_path / "run", "--resume"):
            page.wait_for_selector("header.top :text('finished')")
            shown = page.locator(".turn:not(.loading)").count()
            page.context.close()

    assert shown > 0
