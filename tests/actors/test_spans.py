"""What an actor does for an asker belongs to the asker's span."""

from typing import Any

from simlab.actors import Actor
from simlab.trace import effect, span
from simlab.trace.directory import RunDirectory
from simlab.trace.log import Log
from simlab.trace.recording import recording
from simlab.trace.tree import read_tree


class Adviser(Actor):
    """Uses a tool, inside a span of its own."""

    async def receive(self, message: str) -> Any:
        with span("advise"):
            return await effect("tool", message, lambda _seed: f"advice on {message}")


async def test_interlab_33_what_an_actor_does_hangs_under_the_span_of_its_asker(host, tmp_path):
    adviser = host.spawn(Adviser)

    with recording(tmp_path / "run"), span("deliberate"):
        answer = await adviser.ask("prices")
    tree = read_tree(Log(RunDirectory.open(tmp_path / "run")), 0)
    (outer,) = tree.find(lambda node: node.name == "deliberate")

    assert answer == "advice on prices"
    assert [child.name for child in outer.children] == ["advise"]
    assert [leaf.kind for leaf in outer.children[0].children] == ["tool"]


async def test_an_actor_that_is_asked_outside_all_spans_writes_nowhere(host):
    adviser = host.spawn(Adviser)

    assert await adviser.ask("prices") == "advice on prices"
