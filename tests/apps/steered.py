"""Runs that are steered from their pages: a chat that goes on, and what people do on its page."""

import yaml

from simlab.sim.launch import prepare
from tests.apps.starting import running
from tests.view.browsing import opened

RELAY = {
    "name": "relay",
    "world": "tests.sim.worlds:Relay",
    "options": {"turns": 400},
    "cast": {"*": {"agent": "llm", "model": "small"}},
    "models": {"small": {"engine": "scripted", "latency_s": 0.3}},
}
"""Two models that chat, slowly enough to be watched."""

N_TURNS = "document.querySelector('simlab-run').view.turns.n"

DELAY_S = """async () => {
  const { view } = document.querySelector("simlab-run");
  const newest = () => Math.max(-1, ...view.turns.turns.keys());
  const before = newest();
  while (newest() === before) await new Promise(requestAnimationFrame);
  return Date.now() / 1000 - view.turns.turns.get(newest()).wall_s;
}"""
"""How long the next turn takes from its commit to the page."""


def played(path, **keys):
    """A run of the relay that was played to its end, in no time."""
    file = {**RELAY, "options": {"turns": 6}, "models": {"small": {"engine": "scripted"}}, **keys}
    return prepare(_written(path, file), out=path, hosts=0).run()


def live(path, **keys):
    """A process that plays the relay, and listens."""
    return running(path, _written(path, {**RELAY, **keys}))


def page_of(browser, link, run, *, rest="", **given):
    """The page of a run, in an app whose link was printed."""
    base, _, token = link.partition("?")
    until = "simlab-run .turn:not(.loading), simlab-run .lost"
    return opened(browser, f"{base}run?run={run}&{token}{rest}", until=until, **given)


def opened_side(page, tab):
    """Open a panel beside the transcript."""
    side = page.locator("#run-side")
    if not side.evaluate("side => side.classList.contains('open')"):
        page.get_by_label("Toggle Sidebar").click()
    page.get_by_role("tab", name=tab).click()


def invite(page, seat, who):
    """Make a link for a person to a seat of the run whose page it is; gives the link."""
    opened_side(page, "Seats")
    page.get_by_label("Seat, or model").fill(seat)
    page.get_by_label("Seat, or model").press("Enter")
    page.get_by_label("Name of person").fill(who)
    page.get_by_role("button", name="Make the link").click()
    page.wait_for_function("document.querySelector('#seat-link textarea').value")
    return page.locator("#seat-link textarea").input_value()


SETTLES = """async (input) => {
  for (let frame = 0; frame < 10; frame++) await new Promise(requestAnimationFrame);
  return input.isConnected;
}"""


def change_seat(page):
    """Open what changes who sits there; Gradio shows it, and then once more with nothing typed."""
    page.get_by_text("Change who sits there").click()
    while not page.get_by_label("Persona").evaluate(SETTLES):
        pass


def choose(page, label, option):
    """Choose from a list."""
    page.get_by_label(label, exact=True).click()
    page.get_by_role("option", name=option, exact=True).click()


def told(page, panel, words):
    """Wait until a panel tells something."""
    page.locator(f"simlab-told[panel={panel}]", has_text=words).wait_for()


def n_turns(page):
    return page.evaluate(N_TURNS)


def _written(path, file):
    place = path.with_name(f"{path.name}.yaml")
    place.write_text(yaml.safe_dump(file))
    return place
