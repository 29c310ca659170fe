"""A list of any length of which only the rows near the window are in the document."""

import pytest

from tests.view.browsing import opened
from tests.view.serving import served

pytestmark = pytest.mark.browser

N_ROWS = 1_000_000

MAKE = """async (n) => {
  const { Rows } = await import("/page/rows.js");
  const { el } = await import("/page/dom.js");
  const height = (at) => `${80 + (at % 7) * 10}px`;
  const style = (at) => ({ display: "block", height: height(at) });
  const render = (at) => el("a", { href: "#", style: style(at) }, at);
  const rows = new Rows({ guess: 92, label: "many", render });
  const box = el("div.simlab", { style: { position: "fixed", inset: 0, height: "600px" } });
  document.body.append(box);
  box.append(rows.element);
  rows.resize(n);
  window.rows = rows;
}"""

IN_SIGHT = """[...rows.room.querySelectorAll("a")].filter((row) => {
  const { top, bottom } = row.getBoundingClientRect();
  return bottom > 0.5 && top < 599.5;
}).map((row) => Number(row.textContent))"""

IN_DOCUMENT = "[...rows.room.querySelectorAll('a')].map((row) => Number(row.textContent))"


@pytest.fixture
def page(browser, runs):
    with served(runs / "sale") as address, opened(browser, address) as page:
        yield page


def test_the_last_of_a_million_rows_is_reached_and_every_one_between(page):
    page.evaluate(MAKE, N_ROWS)

    page.evaluate("rows.toEnd()")
    assert page.evaluate(IN_SIGHT)[-1] == N_ROWS - 1
    for at in (364_800, 999_000, 7):
        page.evaluate(f"rows.reveal({at}, 'middle')")
        seen = page.evaluate(IN_SIGHT)
        assert at in seen
        assert seen == list(range(seen[0], seen[-1] + 1))


def test_rows_that_are_scrolled_by_hand_stand_under_each_other(page):
    page.evaluate(MAKE, N_ROWS)

    for top in (12_345_678, 29_000_000, 1_000):
        page.evaluate(f"rows.element.scrollTop = {top}; rows.draw()")
        seen = page.evaluate(IN_SIGHT)
        assert seen == list(range(seen[0], seen[-1] + 1))
        assert len(seen) >= 5


@pytest.mark.parametrize("n", [1_000, N_ROWS])
def test_rows_stand_in_the_document_in_their_order_wherever_one_came_from(page, n):
    page.evaluate(MAKE, n)

    for top in (24_500, 25_500, 24_700, 23_900):
        page.evaluate(f"rows.element.scrollTop = {top}; rows.draw()")

    order = page.evaluate(IN_DOCUMENT)
    assert order == sorted(order)
