"""Runs of dialogue worlds: from files, many at once, and small on their way to hosts."""

import pickle
import time

import pytest

from simlab.errors import ReplayDivergence
from simlab.sim.config import load_run_file
from simlab.sim.launch import run
from simlab.sim.simulation import Observer
from simlab.sim.staging import PlayEpisode, Staging
from tests.env.influence_folder import write_folder
from tests.sim.models import Straggler
from tests.sim.records import replayed

SEATS = ("assistant", "character", "transition", "preference", "influence")


def dialogues(path, **keys):
    """A run file of the dialogues at a path, in which all answer by themselves."""
    return {
        "name": "talk",
        "world": "simlab.env.dialogue:DialogueWorld",
        "options": {"path": str(path)},
        "cast": {seat: {"name_speakers": False, "memory": "list"} for seat in SEATS},
        "models": {"small": {"engine": "scripted"}},
        **keys,
    }


def test_influence_20_a_folder_of_ones_own_can_be_run(run_file, tmp_path):
    write_folder(tmp_path / "mine")
    path = run_file(dialogues("./mine"))

    made = run(path, episodes=4, out=tmp_path / "run", hosts=0)

    assert made.summary.n_ended == 4
    assert made.summary.n_failed == 0
    assert replayed(made) == 4


def test_influence_20_run_and_show_tell_how_much_there_is_to_play(simlab, run_file, tmp_path):
    write_folder(tmp_path / "mine")
    path, out = run_file(dialogues("./mine")), tmp_path / "run"
    told = "3 environments (2 normal, 1 vuln) with 6 initial states"

    assert f"talk: {told}" in simlab("run", path, "--out", out, "--hosts", "0").output
    (tmp_path / "mine").rename(tmp_path / "moved")
    assert f"world: {told}" in simlab("show", out).output


def test_a_folder_that_was_edited_since_is_no_record_of_the_run(run_file, tmp_path):
    folder = write_folder(tmp_path / "mine")
    made = run(run_file(dialogues("./mine")), out=tmp_path / "run", hosts=0)
    file = folder / "vuln_late.json"
    file.write_text(file.read_text().replace("homework", "housework"))

    with pytest.raises(ReplayDivergence, match="source"):
        replayed(made)


def test_influence_17_what_a_host_is_sent_is_small_whatever_the_bank(run_file, tmp_path):
    write_folder(tmp_path / "mine", n_states=3200)
    file = load_run_file(run_file(dialogues("./mine")))

    sent = (Staging(file, tmp_path / "run", {}), [PlayEpisode(n) for n in range(100)])

    assert (tmp_path / "mine" / "vuln_late.json").stat().st_size > 200_000
    assert len(pickle.dumps(sent)) < 64_000


@pytest.mark.slow
def test_influence_14_a_straggler_delays_nobody(run_file, tmp_path, monkeypatch):
    straggler = Straggler()
    monkeypatch.setattr("tests.sim.models.straggler", straggler)
    write_folder(tmp_path / "mine")
    cast = {seat: {"model": "quick"} for seat in ("character", "preference", "influence")}
    models = {name: {"engine": "scripted", "latency_s": 0.1} for name in ("quick", "slow")}
    models["slow"]["engine"] = "tests.sim.models:Straggling"
    path = run_file(
        dialogues(
            "./mine",
            options={"path": "./mine", "max_turns": 5},
            cast={**cast, "assistant": {"model": "slow"}},
            models=models,
        )
    )
    ended = []

    def note(result):
        ended.append((result.outcome.n_steps, time.monotonic() - begun))
        if len(ended) == 24:
            straggler.release()

    begun = time.monotonic()
    made = run(path, episodes=25, out=tmp_path / "run", hosts=0, observer=Observer(on_episode=note))

    assert made.summary.n_ended == 25, "the straggler would wait for good if others waited for it"
    assert {n_steps for n_steps, _ in ended} == {15}, (
        "a step each for assistant, default transition and the others"
    )
    assert ended[23][1] < 5
