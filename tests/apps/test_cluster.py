"""The app listens to a process that looks at a cluster, and outlives whatever that tells."""

import asyncio
import os

import pytest

from simlab.apps.cluster import ClusterRuns

RUN = '{"runs": [{"path": "/far/run", "machine": "node7", "pid": 1, "n_hosts": 2}]}'
TELLS = f"echo '{RUN}'"


class Listening(ClusterRuns):
    """Listens to a shell script in place of Ray, and says when it has heard a line."""

    def __init__(self, script):
        super().__init__("here", command=["sh", "-c", script])
        self.heard = asyncio.Event()

    def take(self, line):
        super().take(line)
        self.heard.set()


async def test_runs_are_known_as_long_as_the_process_beside_lives_which_ends_with_the_app(tmp_path):
    cluster = Listening(f"echo $$ > {tmp_path}/pid; {TELLS}; exec cat")
    cluster.start()
    async with asyncio.timeout(10):
        await cluster.heard.wait()
        known = cluster.elsewhere()
        await cluster.close()

    assert [(row["run"], row["machine"]) for row in known] == [("/far/run", "node7")]
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("exit 3", "has ended with status 3"),
        ("echo warning; exec cat", "cannot be followed: JSON is malformed"),
        ("echo '[1]'; exec cat", "cannot be followed: Expected `object`, got `array`"),
        ("""echo '{"runs": [{"path": 1}]}'; exec cat""", "cannot be followed: Expected `str`"),
        ("head -c 5000000 /dev/zero; echo; exec cat", "cannot be followed: Separator is"),
    ],
)
async def test_what_is_wrong_with_the_process_beside_is_told_and_no_run_is_left(script, words):
    cluster = Listening(f"{TELLS}; {script}")
    cluster.start()
    async with asyncio.timeout(10):
        await cluster._task

    assert words in cluster.trouble()
    assert "at here" in cluster.trouble()
    assert cluster.elsewhere() == []
    await cluster.close()


async def test_a_process_that_cannot_be_started_is_told():
    cluster = ClusterRuns("here", command=["/nowhere/python"])
    cluster.start()
    async with asyncio.timeout(10):
        await cluster._task

    assert "cannot be followed: [Errno 2]" in cluster.trouble()


async def test_without_a_cluster_nothing_is_listened_to():
    cluster = ClusterRuns(None)
    cluster.start()
    await cluster.close()

    assert (cluster.elsewhere(), cluster.trouble()) == ([], "")
