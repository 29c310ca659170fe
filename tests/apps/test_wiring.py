"""What the pages' events do, and how is told that they cannot."""

import pytest

from simlab.apps.reading import Reading
from simlab.apps.seats import Seats
from simlab.apps.steering import Steering
from simlab.apps.tails import Tails
from simlab.errors import ConfigError

gr = pytest.importorskip("gradio", reason="needs gradio")

from simlab.apps.pages.seats_panel import seats_panel  # noqa: E402 - needs it
from simlab.apps.pages.wiring import refusing  # noqa: E402

pytestmark = pytest.mark.slow  # Gradio takes seconds to import

READ = {"run": "copied", "episode": 0, "turn": 0, "n_turns": 1, "blind": False}


async def test_why_something_cannot_be_done_is_shown_as_text():
    @refusing
    async def do(number):
        raise ConfigError(f"<b>{number}</b> is none")

    with pytest.raises(gr.Error) as raised:
        await do(5)

    assert raised.value.message == "&lt;b&gt;5&lt;/b&gt; is none"
    assert not raised.value.print_exception


async def test_a_damaged_order_file_is_told_and_the_seats_are_named_still(copied):
    (copied / "orders.jsonl").write_text('{"order": 5}\n')
    reading = Reading([copied.parent])
    steering, tails = Steering(reading), Tails(reading)
    with gr.Blocks(analytics_enabled=False) as page:
        seats_panel(page, steering, Seats(reading, tails))
    (places,) = [event.fn for event in page.fns.values() if event.name == "places"]
    with pytest.warns(UserWarning, match="orders.jsonl is damaged"):
        shown = await places({**READ, "seats": ["buyer", "seller"], "asked": [], "models": []})
    await tails.close()
    await steering.close()
    reading.close()

    assert [name for name, _ in shown.choices] == ["buyer", "seller"]
