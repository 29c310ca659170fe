"""Launching: what is checked before anything starts, and how a run is gone on with."""

import asyncio
import gc
import os
import signal
from pathlib import Path

import pytest
import yaml

import simlab
from simlab.errors import BudgetSpentError, ConfigError, RunDirectoryError
from simlab.sim.config import load_run_file
from simlab.sim.launch import prepare, run
from simlab.sim.run import Run
from simlab.sim.simulation import Observer
from tests.models.lora import write_zeros_lora
from tests.sim.conftest import RELAY

WORLDS = "tests.sim.worlds"


@pytest.fixture
def path(run_file):
    return run_file(RELAY, "relay.yaml")


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty working directory, from which modules of this project are found nevertheless."""
    monkeypatch.syspath_prepend(os.getcwd())
    monkeypatch.chdir(tmp_path)
    return tmp_path


def interrupt_at(step):
    """Presses Ctrl-C once a step of the first episode is committed."""

    def look(news):
        if news.step == step:
            os.kill(os.getpid(), signal.SIGINT)

    return Observer(on_step=look)


def test_a_scenario_is_played_in_one_line_of_python(tmp_path):
    made = simlab.run("iterated_dilemma", out=tmp_path / "r", models={"all": "scripted"})

    assert isinstance(made, simlab.Run)
    assert made.summary.n_ended == 1


def test_a_run_in_use_is_refused(path, tmp_path):
    launch = prepare(path, out=tmp_path / "r", hosts=0)

    with (
        launch.directory.locked(),
        pytest.raises(RunDirectoryError, match=f"in use by process {os.getpid()}"),
    ):
        launch.run()


def test_ctrl_c_ends_what_concludes_a_run_and_until_then_nobody_else_can_go_on_with_it(
    path, tmp_path, monkeypatch
):
    launch = prepare(path, out=tmp_path / "r", hosts=0)

    def interrupted(*_):
        with pytest.raises(RunDirectoryError, match="in use"), launch.directory.locked():
            pass
        os.kill(os.getpid(), signal.SIGINT)
        raise AssertionError("Ctrl-C ends nothing")

    with monkeypatch.context() as patched:
        patched.setattr("simlab.sim.launch.write_tables", interrupted)
        with pytest.raises(KeyboardInterrupt):
            launch.run()
    made = run(launch.directory.path, resume=True)

    assert made.summary.finished
    assert (made.path / "tables" / "episodes.parquet").exists()


def test_a_run_that_stops_before_its_end_is_not_concluded(path, tmp_path):
    with pytest.raises(BudgetSpentError):
        run(path, out=tmp_path / "r", hosts=0, settings=["budget.tokens=1"])

    assert not (tmp_path / "r" / "summary.json").exists()


@pytest.mark.parametrize("name", ["auction", "car_sale", "market_day", "round_table"])
def test_every_bundled_scenario_is_played_to_its_end(name, tmp_path):
    made = run(name, out=tmp_path / "r", hosts=0, models={"all": "scripted"})

    assert made.summary.n_ended == 1
    assert not any(turn.acted.invalid for turn in made.episode(0).turns())


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"models": "all=scripted"},
            r"^models must be .* such as \{'all': .*, got 'all=scripted'$",
        ),
        (
            {"settings": "episodes=2"},
            r"^settings must be .* or \['episodes=8'\], got 'episodes=2'$",
        ),
    ],
)
def test_a_text_where_a_list_or_a_mapping_belongs_is_refused(path, here, given, message):
    with pytest.raises(TypeError, match=message):
        run(path, hosts=0, **given)

    assert not (here / "runs").exists()


async def test_a_notebook_runs_in_its_running_event_loop(path, tmp_path):
    made = run(path, out=tmp_path / "r", hosts=0)

    assert made.summary.n_ended == 1


async def test_what_fails_in_a_notebook_is_raised_there(path, tmp_path):
    def broken(_news):
        raise ZeroDivisionError("in the viewer")

    observer = Observer(on_episode=broken)
    with pytest.raises(ZeroDivisionError, match=r"in the viewer"):
        run(path, out=tmp_path / "r", hosts=0, observer=observer)


def test_a_run_has_the_same_digest_in_a_notebook(path, tmp_path):
    async def notebook():
        return run(path, out=tmp_path / "b", hosts=0, settings=settings).digest

    settings = {"models.small.fail_rate": 0.4, "episodes": 3}
    one = run(path, out=tmp_path / "a", hosts=0, settings=settings)

    assert one.summary.n_failed > 0
    assert asyncio.run(notebook()) == one.digest


def test_settings_of_python_are_values_as_they_are(path, tmp_path):
    settings = {
        "cast": {"*": {"persona": "No: # 1", "sampling": {"stop": ["yes", "\n"], "top_p": 0.5}}},
        "options.taboo": "null",
        "options.default": None,
        "description": "on",
    }

    launch = prepare(path, out=tmp_path / "r", settings=settings)

    assert launch.file.cast["*"].options == settings["cast"]["*"]
    assert (launch.file.options["taboo"], launch.file.options["default"]) == ("null", None)
    assert launch.file.description == "on"


def test_episodes_and_seed_win_over_settings(path, tmp_path):
    launch = prepare(
        path, out=tmp_path / "r", episodes=3, seed=9, settings=["seed=1", "episodes=2"]
    )

    assert (launch.file.episodes, launch.file.seed) == (3, 9)


def test_a_run_directory_keeps_what_is_run(path, tmp_path):
    launch = prepare(path, out=tmp_path / "r", seed=9)

    kept = yaml.safe_load((tmp_path / "r" / "run.yaml").read_text())
    assert kept["run"]["seed"] == 9
    assert Run(tmp_path / "r").file == launch.file


def test_a_run_that_cannot_be_made_leaves_nothing_behind(path, tmp_path):
    with pytest.raises(ConfigError, match=r"has no option 'turn'"):
        prepare(path, out=tmp_path / "r", settings={"options.turn": 3})
    assert not (tmp_path / "r").exists()


def test_a_directory_that_holds_anything_is_refused(path, tmp_path):
    (tmp_path / "r").mkdir()
    (tmp_path / "r" / "notes.txt").touch()

    for resume in (False, True):
        with pytest.raises(RunDirectoryError, match=r"r is not a run and not empty; choose anoth"):
            prepare(path, out=tmp_path / "r", resume=resume)


@pytest.mark.parametrize("resume", [False, True])
def test_what_was_killed_before_it_began_is_started(path, tmp_path, resume):
    (tmp_path / "r" / "segments").mkdir(parents=True)

    made = run(path, out=tmp_path / "r", hosts=0, resume=resume)

    assert made.summary.n_ended == 1


def test_what_has_not_begun_is_not_gone_on_with_by_its_directory(tmp_path):
    (tmp_path / "r" / "segments").mkdir(parents=True)

    with pytest.raises(ConfigError, match=r"say what to run in it: simlab run SCENARIO --out .*/r"):
        run(tmp_path / "r", resume=True)


def test_directories_are_numbered_by_name(here, path):
    names = [prepare(path).directory.path for _ in range(2)]
    other = prepare(path, settings={"name": "other"}).directory.path

    assert [str(name) for name in names] == ["runs/relay-0001", "runs/relay-0002"]
    assert str(other) == "runs/other-0001"
    assert here.joinpath("runs/relay-0002/run.yaml").exists()


@pytest.mark.usefixtures("here")
def test_two_that_begin_in_the_same_instant_get_directories_of_their_own(path, monkeypatch):
    first = prepare(path).directory.path
    monkeypatch.setattr(Path, "glob", lambda *_: iter(()))  # what was there before the first began
    second = prepare(path).directory.path

    assert [str(first), str(second)] == ["runs/relay-0001", "runs/relay-0002"]


def test_where_no_directory_can_be_made_the_run_is_refused(here, path):
    (here / "runs").touch()

    with pytest.raises(RunDirectoryError, match=r"runs cannot be made: File exists; .* by --out"):
        prepare(path)


@pytest.mark.usefixtures("here")
def test_resuming_without_a_directory_takes_the_newest_or_starts(path):
    first = prepare(path, resume=True).directory.path
    again = prepare(path, resume=True).directory.path
    prepare(path)
    newest = prepare(path, resume=True).directory.path

    assert str(first) == str(again) == "runs/relay-0001"
    assert str(newest) == "runs/relay-0002"


def test_a_run_is_gone_on_with_by_its_directory(relay, tmp_path):
    made = relay(episodes=2)

    again = run(tmp_path / "run", resume=True, hosts=0)

    assert again.digest == made.digest


def test_a_directory_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"it is no run"):
        run(tmp_path, resume=True)


def test_another_directory_beside_the_one_gone_on_with_is_refused(relay, tmp_path):
    relay()

    with pytest.raises(ConfigError, match=r"gone on with where it is, got .*other"):
        run(tmp_path / "run", resume=True, out=tmp_path / "other")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"seed": 1}, "was begun with seed 0, got 1; to go on as it was begun: simlab run "),
        ({"settings": {"options.turns": 2}}, r"was begun with options \{\}, got \{'turns': 2\}"),
        ({"models": {"small": "scripted:x"}}, "option 'weights'"),
        ({"settings": {"models.small.latency_s": 1}}, "was begun with models"),
        ({"settings": {"cast.ann.goal": "win"}}, "was begun with cast"),
        ({"episodes": 1}, "was begun with 2 episodes, got 1; on resuming they may only grow"),
    ],
)
def test_a_run_is_gone_on_with_as_it_was_begun(relay, tmp_path, changed, message):
    relay(episodes=2)

    with pytest.raises(ConfigError, match=message):
        run(tmp_path / "run", resume=True, hosts=0, **changed)


def test_a_run_whose_file_does_not_say_what_is_run_is_not_gone_on_with(relay, tmp_path):
    relay()
    (tmp_path / "run" / "run.yaml").write_text("format: 1\n")

    with pytest.raises(RunDirectoryError, match=r"run.yaml has no mapping under 'run'"):
        relay(resume=True)


@pytest.mark.parametrize("number", [1, 3])
def test_a_branch_has_the_episodes_that_it_was_made_with(relay, branch, tmp_path, number):
    branch(relay(), step=2, seed=5, samples=2)

    with pytest.raises(ConfigError, match=rf"is a branch of 2 episodes, got {number}; only those"):
        run(tmp_path / "branch", resume=True, episodes=number, hosts=0)


def test_a_model_that_is_replaced_on_resuming_is_refused_not_passed_over(relay, tmp_path):
    relay(models={"small": {"engine": "scripted", "latency_s": 0.001}})

    with pytest.raises(ConfigError, match=r"was begun with models"):
        run(tmp_path / "run", resume=True, models={"all": "scripted"})


@pytest.fixture
def weights(tmp_path):
    """Weights that nobody asks, and a file of a run that names them and an adapter."""
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(b"tensors")
    adapter = write_zeros_lora(tmp_path / "agent@7")
    model = {"engine": "transformers", "weights": str(tmp_path), "adapter": adapter}
    return {"models": {"small": model}, "cast": {"*": {"agent": f"{WORLDS}:one_line"}}}


@pytest.mark.parametrize(
    ("kind", "file"),
    [
        ("weights", "model.safetensors"),
        ("adapters", "agent@7/adapter_model.safetensors"),
    ],
)
def test_a_run_is_not_gone_on_with_on_other_weights(relay, tmp_path, weights, kind, file):
    made = relay(**weights)
    assert relay(**weights, resume=True).digest == made.digest

    tensors = tmp_path / file
    tensors.write_bytes(tensors.read_bytes()[:-1] + b"S")

    with pytest.raises(ConfigError, match=rf"begun with {kind} \{{'small': '\w{{32}}'\}}, got .*"):
        relay(**weights, resume=True)


def test_an_adapter_that_is_not_there_is_refused_before_anything_is_made(relay, tmp_path, weights):
    weights["models"]["small"]["adapter"] = "/nope/agent@7"

    with pytest.raises(ConfigError, match="adapter '/nope/agent@7' must be a folder with"):
        relay(**weights)

    assert not (tmp_path / "run").exists()


def test_episodes_may_grow_and_live_at_once_as_they_like(relay):
    few = relay(episodes=1)
    grown = relay(episodes=3, resume=True, concurrency=2, description="longer")
    whole = relay("whole", episodes=3)

    assert few.path == grown.path
    assert grown.digest == whole.digest
    assert Run(grown.path).file.episodes == 3


@pytest.mark.parametrize("step", [0, 2])
def test_env_7_a_run_that_was_interrupted_is_gone_on_with_to_the_same_digest(
    relay, step, tmp_path, caplog
):
    keys = {"episodes": 2, "options": {"turns": 12}}
    whole = relay("whole", **keys)

    with pytest.raises(KeyboardInterrupt):
        relay("cut", **keys, observer=interrupt_at(step))
    cut = Run(tmp_path / "cut").summary
    again = relay("cut", **keys, resume=True)

    assert cut.episodes[0].state == "unfinished"
    assert cut.episodes[0].n_steps >= step + 1
    assert again.digest == whole.digest
    assert caplog.records == []


class Interrupting:
    """An agent whose code raises what Ctrl-C does."""

    async def observe(self, observation):
        pass

    async def act(self, request):  # noqa: ARG002
        raise KeyboardInterrupt


def test_an_agent_that_raises_what_ctrl_c_does_stops_the_run_as_that_does(relay, tmp_path, caplog):
    with pytest.raises(KeyboardInterrupt):
        relay(
            world="simlab.env.car_sale:CarSale",
            cast={"seller": {"model": "small"}, "buyer": {"agent": f"{__name__}:Interrupting"}},
        )
    gc.collect()  # a task whose error nobody has looked at tells so when it goes

    assert Run(tmp_path / "run").summary.episodes[0].state == "unfinished"
    assert caplog.records == []


def test_sim_4_what_was_committed_is_not_asked_again(relay, tmp_path):
    models = {"small": {"engine": "scripted", "calls_log": str(tmp_path / "calls")}}

    with pytest.raises(KeyboardInterrupt):
        relay(models=models, observer=interrupt_at(2))
    relay(models=models, resume=True)

    assert len((tmp_path / "calls").read_text().splitlines()) <= 4 + 1, "one was in flight"


def test_a_run_from_a_newer_version_is_refused(relay, tmp_path):
    made = relay()
    kept = made.directory.read_run()
    made.directory.path.joinpath("run.yaml").write_text(yaml.safe_dump({**kept, "format": 99}))

    with pytest.raises(
        RunDirectoryError, match=r"has format 99, this SimLab reads up to 1; use a n"
    ):
        run(tmp_path / "run", resume=True)


def test_hosts_are_one_a_core_for_several_episodes(path, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {0, 1})

    given = [("auto", 1), ("auto", 9), (0, 9), (3, 1)]
    launches = [
        prepare(path, out=tmp_path / f"r{n}", hosts=hosts, episodes=episodes)
        for n, (hosts, episodes) in enumerate(given)
    ]

    assert [launch.hosts for launch in launches] == [0, 2, 0, 3]


def test_fewer_hosts_than_none_are_refused(path, tmp_path):
    with pytest.raises(ConfigError, match=r"hosts must be 0 or more, got -1"):
        prepare(path, out=tmp_path / "r", hosts=-1)
    assert not (tmp_path / "r").exists()


@pytest.mark.ray
@pytest.mark.parametrize("named", ["given", "in the environment"])
@pytest.mark.parametrize("settings", [{}, {"models.small.replicas": 1}])
def test_a_wrong_address_of_a_cluster_leaves_no_run_behind(
    path, tmp_path, monkeypatch, named, settings
):
    wrong = "127.0.0.1:1"
    monkeypatch.setattr("ray.is_initialized", lambda: False)  # other tests have started it
    monkeypatch.setenv("RAY_ADDRESS", "" if named == "given" else wrong)
    given = {"out": tmp_path / "r", "hosts": 0 if settings else 2, "settings": settings}

    with pytest.raises(ConfigError, match=rf"no Ray cluster answers at '{wrong}'"):
        prepare(path, address=wrong if named == "given" else None, **given)
    assert not (tmp_path / "r").exists()


def test_a_run_that_uses_no_cluster_needs_none_at_the_address(path, tmp_path):
    assert prepare(path, out=tmp_path / "r", hosts=0, address="127.0.0.1:1").hosts == 0


def test_failed_episodes_of_a_new_run_cannot_be_tried_again(path, tmp_path):
    with pytest.raises(ConfigError, match=r"--retry-failed goes on with a run .*; add --resume"):
        prepare(path, out=tmp_path / "r", retry_failed=True)


@pytest.mark.parametrize("agent", ["human", "simlab.agents.human:HumanAgent"])
def test_a_run_with_people_starts_no_hosts_by_itself_and_as_many_as_asked_for(
    path, tmp_path, terminal, agent
):
    terminal(there=True)
    settings = {"cast.ann.agent": agent, "episodes": 9}

    by_itself = prepare(path, out=tmp_path / "r", settings=settings)
    asked_for = prepare(path, out=tmp_path / "s", settings=settings, hosts=2)

    assert (by_itself.hosts, asked_for.hosts) == (0, 2)
    assert by_itself.has_people


def test_a_run_of_models_has_no_people(path, tmp_path):
    assert not prepare(path, out=tmp_path / "r").has_people


def test_tables_and_summary_are_written_once_all_episodes_have_ended(relay):
    made = relay()

    assert {p.suffix for p in (made.path / "tables").iterdir()} == {".parquet"}
    assert (made.path / "summary.json").exists()


def test_a_bundled_scenario_is_what_its_file_says(tmp_path):
    launch = prepare("auction", out=tmp_path / "r", models=["all=scripted"])

    assert launch.file == load_run_file("auction", models=["all=scripted"])
