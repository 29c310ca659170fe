"""Commands: what they print, and with what they exit."""

import json
import math
import os
import re
import signal
import subprocess
import sys

import pandas as pd
import pytest
from typer.testing import CliRunner

from simlab.cli import app
from simlab.display import LiveView
from simlab.sim.config import scenario_names
from simlab.sim.run import Run
from simlab.trace.events import Effect
from tests.commands import BAD_INPUT, DONE, FAILED, refused
from tests.trace.rewriting import rewrite

WORLDS = "tests.sim.worlds"
JUDGES = "tests.sim.judges"


def test_a_run_prints_its_transcript_summary_directory_and_what_to_try_next(simlab, path, tmp_path):
    result = simlab("run", path, "--out", tmp_path / "r", "--set", "cast.*.agent=llm")

    run = Run(tmp_path / "r")
    lines = result.stdout.splitlines()
    assert result.exit_code == DONE
    assert lines[:4] == run.episode(0).transcript().splitlines()
    assert lines[4] == "1 of 1 episodes have ended"
    returns = run.summary.mean_returns()
    assert re.search(rf"^ann .*\b{returns['ann']:g} *$", result.stdout, re.MULTILINE)
    assert "4 model calls: " in result.stdout
    assert f"run directory: {tmp_path / 'r'}" in result.stdout.replace("\n", "")
    for command in ("show", "replay", "branch", "export"):
        assert f"  simlab {command} {tmp_path / 'r'}" in result.stdout


def test_a_seat_of_a_bundled_scenario_is_given_to_another_agent_in_one_setting(simlab, tmp_path):
    options = ["--set", "cast.buyer.agent=random", "--model", "all=scripted"]

    result = simlab("run", "car_sale", "--out", tmp_path / "r", *options)

    assert result.exit_code == DONE
    assert Run(tmp_path / "r").file.cast["buyer"].options == {}


@pytest.mark.parametrize(
    ("agent", "rounds", "tried"),
    [
        ("{agent: random}", 2, ["--step 1 --seed 1"]),
        ("{agent: random}", 1, ["--step 0 --seed 1"]),
        ("{agent: scripted, actions: [defect]}", 2, []),
    ],
)
def test_a_branch_is_proposed_where_it_would_change_something(
    simlab, tmp_path, agent, rounds, tried
):
    settings = [f"cast={{'*': {agent}}}", f"options={{talk: false, rounds: {rounds}}}"]

    result = simlab(
        "run", "iterated_dilemma", "--out", tmp_path / "r", *(f"--set={s}" for s in settings)
    )

    assert re.findall(r"branch .* --episode 0 (.*)", result.stdout) == tried
    for options in tried:
        out = ["--out", tmp_path / "b"]
        assert simlab("branch", tmp_path / "r", *options.split(), *out).exit_code == DONE


def test_in_a_pipe_no_line_is_wrapped(simlab, path, tmp_path):
    words = "word " * 99 + "end"
    cast = f"cast.ann={{agent: '{WORLDS}:Chatter', words: '{words}'}}"
    simlab("run", path, "--out", tmp_path / "r", "--set", cast, "--set", "options.turns=2")

    said = simlab("show", tmp_path / "r", "--episode", 0).stdout
    asked = simlab("show", tmp_path / "r", "--step", 1).stdout

    assert f"ann: {words} (" in said
    assert f"ann: {words} (" in asked
    assert "  \n" not in asked, "nor filled to the width of the longest"


@pytest.mark.parametrize("charset", ["utf-8", "ascii"])
def test_what_a_terminal_has_no_letters_for_is_replaced(path, tmp_path, charset):
    def invoke(*arguments):
        return CliRunner(charset=charset).invoke(app, [str(argument) for argument in arguments])

    out = tmp_path / "ré"
    cast = f"cast={{'*': {{agent: '{WORLDS}:Chatter', words: \"naïve \\ud800\"}}}}"
    run = invoke("run", path, "--out", out, "--set", cast)
    results = [
        run,
        invoke("show", out),
        invoke("show", out, "--step", 0),
        invoke("show", out, "--json"),
    ]

    assert [result.exit_code for result in results] == [DONE] * 4, results
    assert Run(out).episode(0).turns()[0].acted.action.startswith("naïve \ud800")
    first = "na?ve ?" if charset == "ascii" else "naïve ?"
    assert run.stdout.startswith(f"ann: {first}")
    assert json.loads(results[3].stdout)["run"] == str(out)


def test_several_episodes_are_summed_up(simlab, path, tmp_path):
    result = simlab("run", path, "--out", tmp_path / "r", "--hosts", 0, "--episodes", 20)

    assert "2 of 20 episodes have ended" in result.stdout
    assert "20 of 20 episodes have ended" in result.stdout
    assert "20 of 20 episodes ended, 0 failed, 80 steps" in result.stdout
    assert re.search(r"seat +mean return", result.stdout)


def test_what_calls_cost_in_money_is_told(simlab, path, tmp_path):
    result = simlab(
        "run", path, "--out", tmp_path / "r", "--set", "models.small.engine=tests.sim.models:Dear"
    )

    assert re.search(r"4 model calls: .* drawn for \$1\.0000 in ", result.stdout)


def test_json_is_one_object_and_nothing_else(simlab, path, tmp_path):
    result = simlab("run", path, "--out", tmp_path / "r", "--hosts", 0, "--json")

    told = json.loads(result.stdout)
    assert told["digest"] == Run(tmp_path / "r").digest
    assert told["run"] == str(tmp_path / "r")
    assert told["episodes"][0]["state"] == "ended"
    assert "1 of 1 episodes have ended" in result.stderr


@pytest.mark.parametrize("reward", [math.inf, -math.inf, math.nan])
def test_a_reward_that_is_not_finite_breaks_no_command(simlab, path, tmp_path, monkeypatch, reward):
    monkeypatch.setattr(f"{WORLDS}.REWARD", reward)
    out, text = tmp_path / "r", json.dumps(reward)

    results = [
        simlab("run", path, "--out", out, "--hosts", 0, "--json"),
        simlab("show", out),
        simlab("replay", out),
        simlab("export", out, "--to", "parquet"),
        simlab("export", out, "--to", "jsonl"),
    ]
    shown = simlab("show", out, "--json")

    assert [result.exit_code for result in [*results, shown]] == [DONE] * 6
    for lines in (shown.stdout, (out / "summary.json").read_text(), results[0].stdout):
        told = json.loads(lines, parse_constant=pytest.fail)
        assert told["episodes"][0]["returns"] == {"ann": text, "bob": text}
    rewards = pd.read_parquet(out / "tables" / "actions.parquet").reward
    assert [str(each) for each in rewards] == [str(reward)] * 4
    for line in (out / "events.jsonl").read_text().splitlines():
        json.loads(line, parse_constant=pytest.fail)


def test_defaults_that_were_played_are_marked_in_the_transcript(simlab, path, tmp_path):
    settings = [f"cast.ann.agent={WORLDS}:Stubborn", "cast.bob.agent=llm", "options.turns=2"]

    result = simlab("run", path, "--out", tmp_path / "r", *(f"--set={s}" for s in settings))

    lines = result.stdout.splitlines()
    assert lines[0] == "ann: ... (no answer fitted: its default was played)"
    assert "(" not in lines[1]


def test_words_that_look_like_markup_are_shown_as_they_are(simlab, path, tmp_path):
    settings = [f"cast={{'*': {{agent: '{WORLDS}:Chatter', words: '[bold]<tag>[/]'}}}}"]

    result = simlab("run", path, "--out", tmp_path / "r", "--set", *settings)

    assert "ann: [bold]<tag>[/] (Hello." in result.stdout


def test_all_episodes_failed_is_a_failure(simlab, path, tmp_path):
    result = simlab(
        "run", path, "--out", tmp_path / "r", "--hosts", 0, "--episodes", 7,
        "--set", f"cast={{'*': {{agent: '{WORLDS}:Poisoned'}}}}",
    )  # fmt: skip

    assert result.exit_code == FAILED
    assert "0 of 7 episodes ended, 7 failed" in result.stdout
    assert "episode 0 failed (agent): the agent in seat 'ann' raised KeyError" in result.stdout
    assert "and 2 more failed" in result.stdout


def test_some_episodes_failed_is_none(simlab, path, tmp_path):
    result = simlab(
        "run", path, "--out", tmp_path / "r", "--hosts", 0, "--episodes", 8, "--set",
        "models.small.fail_rate=0.2",
    )  # fmt: skip

    summary = Run(tmp_path / "r").summary
    assert 0 < summary.n_failed < 8
    assert result.exit_code == DONE


def test_resuming_a_finished_run_is_done_at_once(simlab, made):
    result = simlab("run", made, "--resume")

    assert result.exit_code == DONE
    assert "1 of 1" not in result.stdout
    assert f"simlab show {made}" in result.stdout


@pytest.mark.parametrize("people", [[], ["--people"]])
def test_ctrl_c_says_how_to_go_on(simlab, path, tmp_path, monkeypatch, people):
    def press_ctrl_c(_view, news):
        if news.step == 1:
            os.kill(os.getpid(), signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr(LiveView, "_on_step", press_ctrl_c)
        stopped = simlab("run", path, "--out", tmp_path / "r", "--set", "options.turns=12", *people)
    again = ["run", tmp_path / "r", "--resume", *people]
    resumed = simlab(*again)

    assert stopped.exit_code == BAD_INPUT
    assert stopped.stderr == f"simlab: stopped; go on with: simlab {' '.join(map(str, again))}\n"
    assert resumed.exit_code == DONE
    assert Run(tmp_path / "r").summary.n_ended == 1


def test_scenarios_are_listed_with_a_line_each(simlab):
    result = simlab("scenarios")

    lines = result.stdout.splitlines()
    assert [line.split()[0] for line in lines] == scenario_names()
    assert all(line.endswith(".") for line in lines)


def test_show_prints_the_transcript_of_a_run_of_one_episode(simlab, made):
    result = simlab("show", made)

    run = Run(made)
    lines = result.stdout.splitlines()
    assert result.exit_code == DONE
    assert lines[0] == "relay: Two models chat."
    transcript = run.episode(0).transcript().splitlines()
    assert [line.split(maxsplit=1)[1] for line in lines[1:5]] == transcript
    assert "4 model calls: " in result.stdout


def test_show_prints_the_digest_alone(simlab, made):
    assert simlab("show", made, "--digest").stdout == f"{Run(made).digest}\n"


def test_show_prints_one_object_for_programs(simlab, made):
    assert json.loads(simlab("show", made, "--json").stdout) == Run(made).as_dict()
    assert len(json.loads(simlab("show", made, "--json", "--episode", 0).stdout)["episodes"]) == 1


def test_show_of_an_episode_that_is_not_there_is_refused(simlab, made):
    assert "has no episode 3; it has 0..0" in simlab("show", made, "--episode", 3).stderr


def test_show_tells_scores_and_failures(simlab, path, tmp_path):
    simlab("run", path, "--out", tmp_path / "r", "--set", f"judges.long.agent={JUDGES}:NumberJudge")
    simlab("run", path, "--out", tmp_path / "f", "--set", "options.crash_at=1")

    assert re.search(r"judge long +4", simlab("show", tmp_path / "r").stdout)
    failed = simlab("show", tmp_path / "f").stdout.replace("\n", " ")
    assert "episode 0 failed (environment): the world raised ZeroDivisionError" in failed


def test_replay_says_that_all_is_the_same(simlab, made):
    told = simlab("replay", made)
    for_programs = simlab("replay", made, "--json")

    assert (told.exit_code, for_programs.exit_code) == (DONE, DONE)
    assert told.stdout == "1 episodes replayed from their effects: all the same\n"
    assert json.loads(for_programs.stdout) == {
        "run": str(made), "episodes": 1, "unfinished": 0, "same": True
    }  # fmt: skip


def test_replay_tells_how_many_episodes_are_unfinished(simlab, path, tmp_path):
    out = tmp_path / "r"
    simlab("run", path, "--out", out, "--episodes", 3, "--hosts", 0)
    (segment,) = Run(out).directory.segments()
    os.truncate(segment.path, segment.open().index.offsets[-1])
    segment.seal.unlink()

    told = simlab("replay", out)

    assert told.exit_code == DONE
    assert told.stdout == (
        "3 episodes replayed from their effects: all the same; 1 of 3 are unfinished\n"
    )  # fmt: skip
    assert json.loads(simlab("replay", out, "--json").stdout)["unfinished"] == 1


def test_replay_shows_both_sides_where_they_part(simlab, made):
    said = Run(made).episode(0).turns()[1].acted.action
    forged = "Zounds" + said[6:]
    rewrite(Run(made).directory, Effect.KIND, said.encode(), forged.encode())

    result = simlab("replay", made)

    assert result.exit_code == FAILED
    assert result.stderr.startswith("simlab: episode 0, step ")
    assert said in result.stderr
    assert forged in result.stderr


def test_replay_of_a_damaged_run_names_segment_and_offset(simlab, made):
    (segment,) = Run(made).directory.segments()
    data = bytearray(segment.path.read_bytes())
    data[len(data) // 3] ^= 4
    segment.path.write_bytes(data)

    result = simlab("replay", made)

    assert result.exit_code == FAILED
    assert re.search(rf"{segment.path.name}.* at byte \d+", result.stderr)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("first=maybe", "'maybe' is no action of seat 'first' here: "),
        ("third=defect", "seat 'third' is not asked at step 1; there are first, second"),
    ],
)
def test_words_that_cannot_be_said_are_refused_before_a_branch_is_made(
    simlab, tmp_path, monkeypatch, said, message
):
    simlab(
        "run", "iterated_dilemma", "--model", "all=scripted", "--set", "options.talk=false",
        "--out", tmp_path / "run",
    )  # fmt: skip
    monkeypatch.chdir(tmp_path)

    for options in ([], ["--out", "b"]):
        result = simlab("branch", "run", "--step", 1, "--say", said, *options)
        assert message in refused(result)

    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_branch_makes_a_run_of_its_own(simlab, made, tmp_path):
    result = simlab(
        "branch", made, "--episode", 0, "--step", 2, "--say", "ann=No.", "--out", tmp_path / "b"
    )

    assert result.exit_code == DONE
    assert Run(tmp_path / "b").episode(0).turns()[2].acted.action == "No."
    assert f"run directory: {tmp_path / 'b'}" in result.stdout.replace("\n", "")


def test_branch_draws_fresh_samples(simlab, made, tmp_path):
    result = simlab(
        "branch", made, "--step", 1, "--seed", 5, "--samples", 3, "--json", "--out", tmp_path / "b"
    )

    assert len(json.loads(result.stdout)["episodes"]) == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--step", 2, "--say", "bob=No."], "seat 'bob' is not asked at step 2; there are ann"),
        (["--step", 2, "--say", "No."], "--say takes SEAT=TEXT, got 'No.'"),
        (["--step", 7], "episode 0 has 4 steps; --step must be in 0..4, got 7"),
        (["--episode", 3], "has no episode 3; it has 0..0"),
        (["--set", "options.turns=1"], "a branch can change cast, judges, models"),
        (["--samples", 2], "2 samples without a seed would all be the same; give --seed"),
    ],
)
def test_a_branch_that_cannot_be_made_is_refused(simlab, made, tmp_path, arguments, message):
    assert message in refused(simlab("branch", made, "--out", tmp_path / "b", *arguments))
    assert not (tmp_path / "b").exists()


def test_export_writes_tables(simlab, made, tmp_path):
    result = simlab("export", made, "--to", "parquet", "--out", tmp_path / "tables")

    assert result.stdout == f"{tmp_path / 'tables'}\n"
    actions = pd.read_parquet(tmp_path / "tables" / "actions.parquet")
    assert actions.words.tolist() == [turn.acted.action for turn in Run(made).episode(0).turns()]


def test_export_writes_lines(simlab, made):
    result = simlab("export", made, "--to", "jsonl")

    lines = (made / "events.jsonl").read_text().splitlines()
    assert result.stdout == f"{made / 'events.jsonl'}\n"
    assert [json.loads(line)["type"] for line in lines].count("Stepped") == 4


def test_no_command_shows_help(simlab):
    result = simlab()

    assert "Run, replay and branch simulations" in result.output
    assert all(name in result.output for name in ("run", "show", "replay", "branch", "export"))


HEAVY = {
    *("ray", "torch", "transformers", "pandas", "pyarrow", "pydantic", "rich.table"),
    *("gradio", "fastapi", "starlette", "uvicorn", "matplotlib"),
}


@pytest.mark.slow
@pytest.mark.parametrize("module", ["simlab", "simlab.cli"])
def test_importing_a_command_imports_nothing_heavy(module):
    code = f"import sys, {module}; print(sorted({HEAVY} & set(sys.modules)))"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"


@pytest.mark.slow
def test_a_run_in_a_process_of_its_own_needs_no_terminal(path, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "simlab.cli", "run", path, "--out", tmp_path / "r"],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )

    assert (done.returncode, done.stderr) == (DONE, "")
    assert "\x1b" not in done.stdout, "plain lines in a pipe"
