"""Control: how people steer a run while it goes on.

**Shape.** Only the driver listens, at a Unix socket in the run's directory (`place`, `listening`).
Each client has a `connection`, which reads a JSON object a line (`request`); the `plane` carries it
out. Stages on hosts hear of it by messages (`messages`, `commanding`): every live episode has a
`desk`, where orders come in; its `stagehand` records them and carries them out; in a replay
`recall` meets those of the record. Nobody commands: an episode looks at ``desk.busy`` once a step,
and that is all.

**Record.** What changes what happens (`order`) is an effect of kind ``control``, made at the top of
a step or while the seat is at its act. So order, digest, replay, resume and branch come from the
one mechanism of `simlab.trace.journal`. An act that is broken off goes on to its next call, which
is cut off, or to its end: it ends at one place, live and in every replay. Whoever takes a seat over
is a new agent that is told what the seat has perceived; a person in a seat is `HumanAgent`, whose
answers are effects of kind ``human``. Pauses are notes, which no digest knows.

**Acknowledged** means recorded, or kept by the driver. Orders that wait for a step lie in
``orders.jsonl`` (`order_file`) before they are acknowledged, and episodes know by their ids which
of them they have carried out: neither the death of a host nor that of the driver loses one, or does
one twice. Pauses outlive a host; a run that is gone on with is not paused.

**People** (`people`) take seats and models on a connection. What they are asked waits on the
`board` of the host that asks (`seat_person`, `board_model`), and is shown by the driver to whoever
has the place. A lease belongs to a name: who comes again by it is asked again. Answers are checked
where the question waits, before they are taken.

**Protocol.** A request is ``{"id": n, "kind": "...", ...}``; its answer ``{"id": n, "ok": true,
...}``, or ``{"id": n, "error": "expected, got, remedy"}`` and nothing has changed. Unasked come
``{"question": {"id", "episode", "seat" or "model", "prompt", ..., "deadline"}}`` (the deadline in
seconds of the epoch, or null), ``{"withdrawn": id}`` and, where a lease is over that was not left,
``{"lapsed": {"episode", "seat"}}``. ``episode`` is a number; of ``pause``, ``resume``, ``step``,
``edit`` and ``swap`` it may be ``"all"``, which is their default.

=============== ============================================================================
``hello``       run, name, pid, n_episodes, ended, paused, leases, the world's seats, and of each
                live episode its step, whether it is paused and stands still, who is asked and who
                is acting
``pause``       stand still at the top of the next step; ``resume`` goes on
``step``        take ``n`` steps, and stand still then
``stop``        end the run as Ctrl-C does; ``--resume`` goes on with it
``say``         ``seat`` does ``text`` (JSON that fits, or words), whatever it is at; ``narrate`` is
                that for the seat ``narrator``, where a world has one; no bundled one does
``edit``        other ``options`` of what the cast says of ``seat``, from the next step on
``swap``        another ``model`` for ``seat``: a name of the run's, or an entry such as there
``lease``       ``who`` takes ``seat``; gone (left, or ``after_s`` without an answer), the seat is
                its ``lapse``: ``agent``, ``default``, or ``pause``
``take_model``  ``who`` stands for ``model``, whose engine is ``person``
``answer``      ``question`` with ``action``, or ``wait`` (and ``until``)
``leave``       ``episode`` and ``seat``, or ``model``
=============== ============================================================================

``say``, ``edit``, ``swap`` and ``lease`` answer ``recorded`` and ``step``; an order that waits for
a step is not recorded yet. Who can write to the socket can do what its user can, so it is that
user's alone; whatever lets others command stands before it and decides what they may.

Begin with `client`.
"""
