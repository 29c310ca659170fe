"""Charts of a run of a million events are there in two seconds, and say of what they are."""

import asyncio
import time

import pytest

from simlab.apps.charting import chart_of
from simlab.apps.drawing import draw
from simlab.apps.plots import plots_of
from simlab.apps.reading import Reading
from simlab.apps.tables import Tables
from tests.view.test_size import million

__all__ = ["million"]

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("of", "told"),
    [
        ("turns", "The first 4,000 turns; name fewer episodes, or begin later, for others."),
        ("episodes", ""),
        ("load", "So far: the log is still being read."),
    ],
)
def test_charts_of_a_million_events_are_drawn_in_two_seconds(million, of, told):
    tables = Tables(Reading([million]))

    async def look():
        await tables.reading.of_run("run", lambda run: run.log)  # the page has opened it
        begin_s = time.process_time()
        table = await tables.read(of, "run", "0-99")
        charts = [chart_of(plot, table) for plot in plots_of(of).values()]
        return time.process_time() - begin_s, table, charts

    spent_s, table, charts = asyncio.run(look())

    assert spent_s < 2
    assert tables.told(of, table) == told
    assert table.rows
    assert of == "turns" or any(chart.points for chart in charts)  # nobody is rewarded in it
    assert draw(charts[-1]).startswith(b"\x89PNG")
