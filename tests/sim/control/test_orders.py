"""Orders to live episodes: recorded where they were carried out, and replayed there."""

from tests.sim.control.conftest import acting, standing
from tests.sim.records import deeds, replayed

SLOW = {"models": {"small": {"engine": "scripted", "latency_s": 0.02}}}
STUCK = {"models": {"small": {"engine": "scripted", "latency_s": 600.0}}}


async def test_sim_23_a_paused_episode_says_what_a_person_says_and_goes_on(live):
    async with live(**SLOW) as (run, client):
        await client.pause()
        status = await standing(client)
        told = await client.say(0, status["asked"][0], "I am a person.")
        await client.resume()
        made = await run.finished()

    assert told == {"order": "1", "recorded": True, "step": status["step"]}
    assert deeds(made)[status["step"]] == "I am a person."
    assert len(deeds(made)) == 4
    assert replayed(made) == 1
