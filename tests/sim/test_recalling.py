"""Agents that recall by meaning, in runs: what they know, and how it is rebuilt."""

import re
from dataclasses import dataclass

import pytest

from simlab.actors.memory_cluster import MemoryCluster
from simlab.env.environment import ActionRequest, SeatSpec, TimeStep
from simlab.errors import BudgetSpentError, ConfigError
from simlab.models.scripted_embedder import ScriptedEmbedder
from simlab.seeding import derive
from simlab.sim.config import checked
from simlab.sim.launch import run as run_file_of
from simlab.sim.provenance import provenance
from simlab.sim.run import Run
from simlab.sim.simulation import Simulation
from simlab.trace.directory import RunDirectory
from simlab.trace.events import Effect, EffectCore
from tests.sim.records import deeds, records, replayed
from tests.sim.test_past import cut

HERE = __name__
RECALL = {"kind": "recall", "model": "near", "max_tokens": 50, "n_recent": 2}
WINDOW = {"kind": "window", "max_tokens": 50}
UNKNOWN = "I do not know."


class Watch:
    """A guard who is told a password, and is asked for it after many days of fine weather.

    Args:
        questions: How often it is asked.
        days: How many days there are before each question.
        once: True: it is told in the first episode only.
        question: In which words it is asked.
    """

    def __init__(self, questions=2, days=10, once=False, question="What is the password?"):
        self.questions, self.days, self.once, self.question = questions, days, once, question
        self.seats = {"guard": SeatSpec("You guard a cellar.")}

    def reset(self, seed, options=None):  # noqa: ARG002 - nothing is left to chance
        self.n_asked = 0
        is_told = not self.once or seed == derive(0, "episode", 0)
        return self._ask(["The password of the cellar is swordfish."] if is_told else [])

    def step(self, actions, now=0.0):  # noqa: ARG002 - every answer will do
        return self._ask([])

    def _ask(self, told):
        start = self.n_asked * self.days
        days = [f"Day {n}: the weather was fine." for n in range(start, start + self.days)]
        self.n_asked += 1
        if self.n_asked > self.questions:
            return TimeStep(ended={"guard": "terminated"})
        request = ActionRequest(str, prompt=self.question)
        return TimeStep({"guard": request}, {"guard": [*told, *days]})


@dataclass(frozen=True)
class Prefixed(ScriptedEmbedder):
    """An embedder of a user's own, which says before each text what it is."""

    async def embed(self, texts):
        return await ScriptedEmbedder.embed(self, [f"day {text}" for text in texts])


def answer(prompt, sampling):  # noqa: ARG001 - the same by every seed
    """Says the password, if the prompt tells it."""
    found = re.search(r"cellar is (\w+)\.", "\n".join(message.text for message in prompt))
    return found[1] if found else UNKNOWN


@pytest.fixture
def watch(relay):
    """Runs the watch with a memory; options of the world and keys of the run file may be set."""

    def start(memory=RECALL, out="run", *, resume=False, persistent=False, near=None, **keys):
        options = {key: keys.pop(key) for key in ("questions", "days", "once") if key in keys}
        return relay(
            out,
            resume=resume,
            world=f"{HERE}:Watch",
            options=options,
            cast={"guard": {"model": "small", "memory": memory, "persistent": persistent}},
            models={
                "small": {"engine": "scripted", "script": f"{HERE}:answer"},
                "near": near or {"engine": "scripted-embedding"},
            },
            **keys,
        )

    return start


@pytest.fixture
def embedded(monkeypatch):
    """Lists the texts that are embedded from now on."""
    texts = []
    embed = ScriptedEmbedder.embed

    async def listed(self, given):
        texts.extend(given)
        return await embed(self, given)

    monkeypatch.setattr(ScriptedEmbedder, "embed", listed)
    return texts


def n_embeddings(run):
    cores = [run.log.core(event, EffectCore) for event in run.log.events(0, (Effect,))]
    return sum(core.kind == "embedding" for core in cores)


@pytest.mark.parametrize(("memory", "said"), [(RECALL, "swordfish"), (WINDOW, UNKNOWN)])
def test_interlab_20_a_fact_told_200_observations_ago_is_recalled_where_a_window_has_dropped_it(
    watch, memory, said
):
    assert deeds(watch(memory, questions=1, days=200)) == [said]


def test_interlab_20_in_a_run_too_each_observation_is_embedded_once(watch):
    assert n_embeddings(watch()) == 1 + 2 * 10 + 2, "and each question"


def test_a_replay_embeds_nothing(watch, embedded):
    run = watch()
    del embedded[:]

    assert replayed(run) == 1
    assert embedded == []


@pytest.mark.parametrize("share", [0.3, 0.7, 0.95])
def test_a_run_that_is_gone_on_with_embeds_what_is_missing_and_no_more(watch, embedded, share):
    whole = watch(out="whole")
    left = cut(watch(), share)
    n_left = n_embeddings(left)
    del embedded[:]

    again = watch(resume=True)

    assert again.digest == whole.digest
    assert 0 < len(embedded) == n_embeddings(whole) - n_left


def test_a_branch_gives_the_agent_a_better_memory_of_what_it_has_seen(watch, branch):
    parent = watch(WINDOW)

    made = branch(
        parent,
        step=1,
        settings=["cast.guard.memory.kind=recall", "cast.guard.memory.model=near"],
    )

    assert deeds(parent) == [UNKNOWN, UNKNOWN]
    assert deeds(made) == [UNKNOWN, "swordfish"]
    assert records(made, 1) == records(parent, 1)
    assert replayed(made) == 1


def test_a_branch_in_which_the_embedder_is_another_has_its_vectors(watch, branch, embedded):
    parent = watch()
    del embedded[:]

    made = branch(parent, step=1, settings=["models.near.latency_s=0.0001"])

    assert deeds(made) == ["swordfish", "swordfish"]
    assert len(embedded) == 1 + 2 * 10 + 1, "all that was seen, and the question that is new"


def test_an_agent_that_lives_across_episodes_recalls_earlier_ones(watch):
    keys = {"episodes": 2, "questions": 1, "once": True}

    assert deeds(watch(out="brief", **keys), 1) == [UNKNOWN]
    lasting = watch(persistent=True, **keys)
    assert deeds(lasting, 1) == ["swordfish"]
    assert replayed(lasting) == 2


def test_what_it_recalls_of_earlier_episodes_is_rebuilt_without_its_embedder(watch, embedded):
    keys = {"episodes": 2, "questions": 1, "once": True, "persistent": True}
    whole = watch(out="whole", **keys)
    left = cut(watch(**keys), 0.9)
    assert left.log.ended() == {0}
    del embedded[:]

    again = watch(**keys, resume=True)

    assert again.digest == whole.digest
    assert 0 < len(embedded) < 10, "those of the first episode are in the record"


def test_what_an_embedder_reads_is_in_the_account_of_the_seat_and_outside_the_digest(
    watch, monkeypatch
):
    run = watch(questions=1)
    monkeypatch.setattr("simlab.models.scripted_embedder.charge", lambda _usage: None)
    untold = watch(out="untold", questions=1)

    near, small = run.summary.accounts
    assert (near.actor, near.model, near.calls) == ("guard", "near", 1 + 10 + 1)
    assert (small.actor, small.model, small.calls) == ("guard", "small", 1)
    assert near.prompt_tokens > 12
    assert near.completion_tokens == 0
    assert untold.summary.accounts[0].prompt_tokens == 0
    assert run.digest == untold.digest


def test_a_run_that_is_gone_on_with_has_the_account_of_one_that_was_never_cut(watch):
    whole = watch(out="whole")
    cut(watch(), 0.5)

    again = watch(resume=True)

    assert [(one.model, one.calls, one.prompt_tokens) for one in again.summary.accounts] == [
        (one.model, one.calls, one.prompt_tokens) for one in whole.summary.accounts
    ]


def test_what_an_embedder_reads_counts_against_the_budget(watch):
    with pytest.raises(BudgetSpentError, match=r"budget.tokens 100, having spent 1\d\d tokens"):
        watch(questions=1, days=100, budget={"tokens": 100})

    run = watch(questions=1, days=100, budget={"tokens": 10_000}, resume=True)

    assert deeds(run) == ["swordfish"]


def test_an_embedder_of_a_users_own_before_another_is_charged_with_what_that_reads(watch):
    run = watch(questions=1)

    prefixed = watch(out="prefixed", questions=1, near={"engine": f"{HERE}:Prefixed"})

    plain, own = run.summary.accounts[0], prefixed.summary.accounts[0]
    assert (own.calls, own.prompt_tokens) == (plain.calls, plain.prompt_tokens + plain.calls)


async def test_an_embedder_that_hosts_share_gives_the_digest_of_one_in_this_process(
    tmp_path, monkeypatch, memory_serve
):
    monkeypatch.setattr("simlab.actors.system.ray_cluster", lambda *_: MemoryCluster())
    digests = []

    for hosts, near in ((0, {}), (1, {"replicas": 2})):
        data = run_file_with(RECALL)
        data["models"]["near"] = {"engine": "scripted-embedding", **near}
        file = checked(data)
        directory = RunDirectory.create(tmp_path / str(hosts), provenance(file))
        await Simulation(file, directory, hosts=hosts).run()
        digests.append(Run(directory.path).digest)

    assert digests[0] == digests[1]
    assert len(memory_serve.started) == len(memory_serve.stopped) == 1


def run_file_with(memory, **near):
    return {
        "world": f"{HERE}:Watch",
        "options": {"question": "What opens the cellar?"},
        "cast": {"guard": {"model": "small", "memory": memory}},
        "models": {
            "small": {"engine": "scripted", "script": f"{HERE}:answer"},
            "near": {"engine": "embedding", "weights": "embedded", **near},
        },
    }


def test_all_models_scripted_makes_a_run_without_weights_of_one_with_an_embedder(
    run_file, tmp_path, monkeypatch
):
    def refuse(*_):
        raise AssertionError("weights were looked for")

    monkeypatch.setattr("simlab.models.transformers_embedder.resolve", refuse)

    run = run_file_of(
        run_file(run_file_with(RECALL)), models=["all=scripted"], hosts=0, out=tmp_path / "run"
    )

    assert run.file.models["near"] == {"engine": "scripted-embedding"}
    assert run.summary.n_ended == 1


@pytest.mark.parametrize(
    ("memory", "near", "message"),
    [
        ({**RECALL, "model": "small"}, {}, "memory 'recall' needs a model that embeds texts"),
        (
            RECALL,
            {"weights": "/no/such/folder"},
            r"mine.yaml:\d+: weights must be .* got '/no/such",
        ),
        (RECALL, {"adapter": "near@7"}, "an embedder takes no adapter, got 'near@7'"),
        ({**RECALL, "max_tokens": 0}, {}, "max_tokens must be at least 1, got 0"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_made(
    run_file, tmp_path, memory, near, message
):
    path = run_file(run_file_with(memory, **near))

    with pytest.raises(ConfigError, match=message):
        run_file_of(path, hosts=0, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.model
def test_with_the_embedded_weights_it_is_recalled_by_other_words(run_file, tmp_path):
    run = run_file_of(run_file(run_file_with(RECALL)), hosts=0, out=tmp_path / "run")

    assert deeds(run) == ["swordfish", "swordfish"]
    assert list(run.directory.read_run()["weights"]) == ["near"]
    assert replayed(Run(run.path)) == 1
