"""Trees: an episode as a reader drills through it, from its steps down to one model call.

::

    episode 3
      step 0
        act 1 of buyer                 a part: what an actor does in a step
          act: 1/3                     a span
            model                      an effect, with its whole prompt
            thought                    a note

Trees are as deep as the spans that they show, so nothing here recurses.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from simlab.seeding import derive
from simlab.trace.events import (
    Cancelled,
    Effect,
    EffectCore,
    Ended,
    Event,
    Failed,
    Fault,
    Noted,
    Outcome,
    SpanClosed,
    SpanOpened,
    Started,
    StartedCore,
    Stepped,
    SteppedCore,
)
from simlab.trace.log import Log
from simlab.trace.plain import Plain, plain
from simlab.trace.requests import RequestReader
from simlab.trace.span import SpanState, Tag
from simlab.trace.turn import root_id

NodeType = Literal["episode", "step", "part", "span", "effect", "note"]

_STRUCTS = ("acted", "failed")
"""Fields of cores that are structs; the others are plain data already."""

_CUT_OFF = Fault("CancelledError", "cut off before anything came of it")


@dataclass(slots=True)
class Node:
    """One thing in a tree. Two nodes are equal if what they say is, whatever their children.

    Attributes:
        type: What it is.
        name: In words.
        id: Unique among the nodes of its type in the episode.
        parent: Id of the node around it.
        actor: Who, from parts down.
        step: In which step, from steps down.
        kind: Of a span, effect or note.
        state: ``open`` while it goes on; ``error`` if it failed.
        tags: By which spans and notes are found.
        inputs: What went in, by name; of a model call ``model``, ``sampling`` and ``prompt``, of
            another effect its ``request``.
        result: What came out; of a note its data.
        error: What it failed with; of a span with the frames of the call stack.
        wall_s: When it began; of an effect, when it was over.
        duration_s: How long it took.
        cost: Of an effect, what it cost; see `simlab.trace.events.Effect`.
        children: In the order in which they began.
    """

    type: NodeType
    name: str
    id: int
    parent: int = 0
    actor: str = ""
    step: int | None = None
    kind: str = ""
    state: SpanState = "open"
    tags: tuple[Tag, ...] = ()
    inputs: dict[str, Plain] = field(default_factory=dict)
    result: Plain = None
    error: Fault | None = None
    wall_s: float | None = None
    duration_s: float | None = None
    cost: dict[str, float] = field(default_factory=dict)
    children: list["Node"] = field(default_factory=list, compare=False, repr=False)

    def walk(self) -> Iterator["Node"]:
        """This node and all below it, in tree order: each before its children."""
        ahead = [self]
        while ahead:
            node = ahead.pop()
            yield node
            ahead.extend(reversed(node.children))

    def find(self, predicate: Callable[["Node"], bool]) -> list["Node"]:
        """The nodes at or below this one of which something is true, in tree order."""
        return [node for node in self.walk() if predicate(node)]

    def prompt_text(self) -> str:
        """The prompt of a model call as plain text, each message after its role.

        Raises:
            ValueError: This is no model call, or its prompt is token ids.
        """
        prompt = self.inputs.get("prompt")
        if prompt is None or (prompt and isinstance(prompt[0], int)):
            raise ValueError(f"{self.type} {self.name!r} has no prompt of messages")
        return "\n\n".join(f"{role}:\n{text}" for role, text in chat_of(prompt))


def chat_of(prompt: Plain) -> Iterator[tuple[str, str]]:
    """The role and the text of each message of a recorded prompt, calls of tools in its words."""
    for role, text, *calls in prompt:
        called = [line for each in calls if role == "assistant" for line in calls_in_words(each)]
        yield role, "\n".join(filter(None, (text, *called)))


def calls_in_words(calls: Plain) -> list[str]:
    """Recorded calls of tools, such as ``weather({"city": "Rome"})``."""
    return [f"{call.get('name', '')}({call.get('arguments', '')})" for call in calls]


def read_tree(log: Log, episode: int) -> Node:
    """The tree of an episode, as far as its record goes.

    A span that was written again after a crash is one node, as it was written last.

    Args:
        log: The run's.
        episode: Its number; one that was not begun has no children.
    """
    grower = _Grower(log, episode)
    for event in log.events(episode):
        grower.add(event)
    return grower.grown()


def read_step(
    log: Log, episode: int, step: int, requests: RequestReader, *, overlap: int = 1
) -> Node:
    """The tree of one step; that of the step behind the last has what judges did.

    Args:
        log: The run's.
        episode: Its number.
        step: Of the episode; one that was not begun has no children.
        requests: Has read the requests of all calls before the step.
        overlap: In how many later steps records of this one are looked for: what is at work when a
            step is taken is recorded behind it, on a real clock long behind.
    """
    steps = log.places(episode, (Stepped,))
    start = int(steps[step - 1]) + 1 if step else 0
    last = step + overlap
    stop = int(steps[last]) + 1 if last < len(steps) else None
    grower = _Grower(log, episode, requests)
    for event in log.events(episode, start=start, stop=stop):
        grower.add_of_step(event, step)
    return grower.step_grown(step)


class _Grower:
    """Takes the events of an episode in their order, and makes its tree."""

    def __init__(self, log: Log, episode: int, requests: RequestReader | None = None) -> None:
        self._log = log
        self._root = Node("episode", f"episode {episode}", 0)
        self._steps: dict[int, Node] = {}
        self._parts: dict[int, Node] = {}
        self._spans: dict[int, Node] = {}
        self._leaves: dict[int, Node] = {}
        self._hung: list[tuple[Node, Node]] = []
        self._requests = requests or RequestReader(log.whole)
        self._cases: dict[type[Event], Callable[[Any], None]] = {
            Started: self._start,
            Stepped: self._add_step,
            Effect: self._add_effect,
            Cancelled: self._add_effect,
            SpanOpened: self._open_span,
            SpanClosed: self._close_span,
            Noted: self._add_note,
            Ended: self._end,
            Failed: self._end,
        }

    def add(self, event: Event) -> None:
        """Take the next event."""
        self._cases[type(event)](event)

    def add_of_step(self, event: Event, step: int) -> None:
        """Take the next event if it belongs to a step."""
        match event:
            case SpanClosed():
                if event.id in self._spans:
                    self._close_span(event)
            case SpanOpened() | Noted():
                if event.step == step:
                    self.add(event)
            case Effect():
                core: EffectCore = self._log.core(event, EffectCore)
                if core.step == step:
                    self.add(event)
                else:
                    self._requests.read(core.actor, core.kind, event.request)
            case Stepped():
                if self._log.core(event, SteppedCore).step == step:
                    self.add(event)

    def step_grown(self, step: int) -> Node:
        """The tree of one step of what was taken."""
        node = self._step(step)
        self.grown()
        return node

    def grown(self) -> Node:
        """The tree of what was taken; children hang in the order in which they came."""
        for node, part in self._hung:
            self._spans.get(node.parent, part).children.append(node)
        for part in self._parts.values():
            step = self._steps[part.parent]
            step.children.append(part)
            if self._root.state != "open":
                step.state = "finished"
            part.state = step.state
        self._root.children = [self._steps[step] for step in sorted(self._steps)]
        return self._root

    def _start(self, event: Started) -> None:
        core: StartedCore = self._log.core(event, StartedCore)
        self._root.inputs = {"seed": core.seed, "timestep": core.timestep}
        self._root.wall_s = event.wall_s

    def _add_step(self, event: Stepped) -> None:
        core: SteppedCore = self._log.core(event, SteppedCore)
        node = self._step(core.step)
        node.state, node.wall_s = "finished", event.wall_s
        node.result = _fields(core)
        self._go_on()

    def _end(self, event: Ended) -> None:
        outcome: Outcome = self._log.core(event, Outcome)
        self._root.state = "finished" if outcome.failed is None else "error"
        self._root.result, self._root.error = _fields(outcome), outcome.failed

    def _go_on(self) -> None:
        """A failure that is followed by more was tried again."""
        self._root.state, self._root.result, self._root.error = "open", None, None

    def _add_effect(self, event: Effect) -> None:
        core: EffectCore = self._log.core(event, EffectCore)
        number = derive(core.span, core.request.hex(), core.nth)
        part = self._part(core.actor, core.step, event.part)
        node = self._node("effect", core.kind, number, core.span, part)
        asked = self._requests.read(core.actor, core.kind, event.request)
        node.inputs = asked if core.kind == "model" else {"request": asked}
        node.result = core.result
        node.error = _CUT_OFF if isinstance(event, Cancelled) else core.error
        node.state = "finished" if node.error is None else "error"
        node.wall_s, node.duration_s, node.cost = event.wall_s, event.duration_s, event.cost
        self._go_on()

    def _open_span(self, event: SpanOpened) -> None:
        part = self._part(event.actor, event.step, event.part)
        node = self._node("span", event.name, event.id, event.parent, part)
        node.state, node.result, node.error, node.duration_s = "open", None, None, None
        node.name, node.kind, node.wall_s = event.name, event.kind, event.wall_s
        node.inputs = self._log.whole(event.inputs)
        node.tags = tuple(Tag(*tag) for tag in event.tags)

    def _close_span(self, event: SpanClosed) -> None:
        node = self._spans[event.id]
        node.state = "finished" if event.error is None else "error"
        node.result, node.error = self._log.whole(event.result), event.error
        node.duration_s = event.duration_s

    def _add_note(self, event: Noted) -> None:
        part = self._part(event.actor, event.step, event.part)
        node = self._node("note", event.kind, event.id, event.parent, part)
        node.state, node.wall_s = "finished", event.wall_s
        node.result = self._log.whole(event.data)
        node.tags = tuple(Tag(*tag) for tag in event.tags)

    def _node(self, type: NodeType, kind: str, number: int, parent: int, part: Node) -> Node:
        """A span, effect or note: the one that is there already, if it was written before."""
        nodes = self._spans if type == "span" else self._leaves
        node = nodes.get(number)
        if node is None:
            node = Node(type, kind, number, parent, part.actor, part.step, kind=kind)
            nodes[number] = node
            self._hung.append((node, part))
        return node

    def _part(self, actor: str, step: int, name: str) -> Node:
        number = root_id(actor, step, name)
        part = self._parts.get(number)
        if part is None:
            self._step(step)
            part = Node("part", f"{name} of {actor}", number, step, actor, step, kind=name)
            self._parts[number] = part
        return part

    def _step(self, step: int) -> Node:
        node = self._steps.get(step)
        if node is None:
            node = self._steps[step] = Node("step", f"step {step}", step, step=step)
        return node


def _fields(core: SteppedCore | Outcome) -> dict[str, Plain]:
    """What a core says, as plain data."""
    fields = {name: getattr(core, name) for name in core.__struct_fields__}
    return {name: plain(part) if name in _STRUCTS else part for name, part in fields.items()}
