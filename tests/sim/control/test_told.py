"""What `simlab show` tells of what people did."""

from simlab.sim.control.told import interventions
from tests.sim.control.conftest import acting, standing
from tests.sim.control.score import STUCK


async def test_a_transcript_names_what_people_did(live, simlab):
    cast = {"*": {"agent": "llm", "persona": "shy"}}
    async with live(models={"small": STUCK}, cast=cast) as (run, client):
        await acting(client, "ann")
        await client.edit("bob", {"persona": "bold"})
        await client.swap("bob", {"engine": "scripted", "latency_s": 600.0})
        await client.pause()
        await client.say(0, "ann", "Zero.")
        await standing(client, step=1)
        await client.lease(0, "bob", "me")
        await client.resume()
        question = await client.question()
        await client.answer(question["id"], "One.")
        await acting(client, "ann")
        await client.say(0, "ann", "Two.")
        await client.question()
        await client.leave(0, "bob")
        await acting(client, "bob")
        await client.say(0, "bob", "Three.")
        made = await run.finished()

    found = [(each.step, each.seat, each.words) for each in interventions(made.log, 0)]
    assert found == [
        (1, "bob", "edited: persona"),
        (1, "bob", f"model swapped for {found[1][2].rpartition(' ')[2]}"),
        (1, "", "paused"),
        (1, "bob", "taken by me"),
        (1, "", "resumed"),
        (3, "bob", "was left"),
    ]
    shown = simlab("show", made.path).output
    assert "0 ann: Zero. (said by a person)" in shown
    assert "1 (bob edited: persona)" in shown
    assert "1 (paused)" in shown
    assert "3 (bob was left)" in shown
