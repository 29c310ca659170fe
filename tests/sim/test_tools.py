"""Tools in runs: called once in the life of a run, and found where the run file stands."""

from pathlib import Path

import pytest

from simlab.errors import ConfigError
from simlab.sim.launch import run
from tests.sim.conftest import RELAY
from tests.sim.records import deeds, replayed

TOOLS = """
from pathlib import Path

LOG = Path(__file__).with_name("calls.txt")


def weather(city: str = "Rome", days: int = 1) -> dict[str, int]:
    "Says how the weather is."
    with LOG.open("a") as log:
        print(city, file=log)
    return {city: 20 + days}


async def now() -> str:
    "Says the time."
    with LOG.open("a") as log:
        print("now", file=log)
    raise RuntimeError("the clock stands still")
"""


def shout(text: str) -> str:
    return text.upper()


@pytest.fixture
def n_calls(tmp_path, own_file):
    """How often tools were called; they stand in the folder of the run files."""
    own_file(TOOLS, "mine.py")
    log = tmp_path / "calls.txt"
    return lambda: len(log.read_text().splitlines()) if log.exists() else 0


def cast(*tools, **options):
    return {"*": {"agent": "llm", "tools": list(tools), **options}}


def nodes(made, kind, episode=0):
    return [node for node in made.episode(episode).tree().walk() if node.kind == kind]


def test_a_tool_is_called_in_each_turn_and_its_result_is_in_the_prompt(relay, n_calls):
    made = relay(cast=cast("mine.py:weather"))

    spans = [node for node in nodes(made, "tool") if node.type == "span"]
    effects = [node for node in nodes(made, "tool") if node.type == "effect"]
    assert n_calls() == made.summary.episodes[0].n_steps == len(spans) == len(effects) == 4
    assert (spans[0].name, spans[0].result) == ("weather", '{"Rome": 21}')
    assert effects[0].parent == spans[0].id
    assert effects[0].inputs["request"]["tool"] == "weather"
    asked, answered = [node.inputs["prompt"] for node in nodes(made, "model")][:2]
    assert answered[: len(asked)] == asked
    assert [turn[:2] for turn in answered[len(asked) :]] == [
        ["assistant", ""],
        ["tool", '{"Rome": 21}'],
    ]


def test_a_replay_calls_no_tool(relay, n_calls):
    made = relay(cast=cast("mine.py:weather", "mine.py:now"), episodes=2)
    before = n_calls()

    assert replayed(made) == 2
    assert n_calls() == before == 16


def test_a_branch_calls_tools_from_its_step_on(relay, branch, n_calls):
    made = relay(cast=cast("mine.py:weather"))
    before = n_calls()

    branched = branch(made, step=3, seed=5)

    assert n_calls() == before + 1
    assert deeds(branched)[:3] == deeds(made)[:3]
    assert replayed(branched) == 1


def test_a_run_that_goes_on_calls_tools_only_for_what_is_new(relay, n_calls):
    relay(cast=cast("mine.py:weather"))

    again = relay(cast=cast("mine.py:weather"), episodes=2, resume=True)

    assert again.summary.n_ended == 2
    assert n_calls() == 8


def test_a_tool_that_fails_is_an_observation_and_the_span_says_why(relay, n_calls):
    made = relay(cast=cast("mine.py:now"))

    assert made.summary.n_ended == 1
    assert n_calls() == 4
    (span, *_) = [node for node in nodes(made, "tool") if node.type == "span"]
    assert (span.state, span.error.message) == ("error", "the clock stands still")
    last = nodes(made, "model")[1].inputs["prompt"][-1]
    assert last[:2] == ["tool", "Error: RuntimeError: the clock stands still"]
    assert replayed(made) == 1


def test_tools_stand_beside_the_run_file_and_the_digest_knows_no_folder(
    relay, n_calls, tmp_path, monkeypatch
):
    made = relay(cast=cast("mine.py:weather"))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")

    assert replayed(made) == 1
    assert made.file.cast["*"].options["tools"] == [f"{tmp_path}/mine.py:weather"]
    Path("mine.py").write_text(TOOLS)
    moved = run("../relay.yaml", out="moved", hosts=0, settings=["cast.*.tools=[mine.py:weather]"])
    assert moved.digest == made.digest
    assert n_calls() == 4
    assert Path("calls.txt").exists()


def test_a_tool_of_a_package_is_named_by_its_module(relay):
    made = relay(cast=cast(f"{__name__}:shout"))

    assert [node.result for node in nodes(made, "tool")] == ["SOME WORDS"] * 8


@pytest.mark.parametrize(
    ("tools", "message"),
    [
        (["mine.py:wether"], "has no 'wether'; did you mean weather"),
        (["mine.py:LOG"], "a tool must be a function"),
        (["weather"], "expected module:name or file.py:name, got 'weather'"),
    ],
)
def test_a_tool_that_cannot_be_had_is_refused_before_the_run(
    run_file, n_calls, tmp_path, tools, message
):
    path = run_file({**RELAY, "cast": cast(*tools)})

    with pytest.raises(ConfigError, match=message):
        run(path, out=tmp_path / "run", hosts=0)

    assert n_calls() == 0
    assert not (tmp_path / "run").exists()


def test_calls_are_shown_with_the_model_calls_of_a_step(relay, n_calls, simlab):
    made = relay(cast=cast("mine.py:weather"))

    shown = simlab("show", made.path, "--episode", "0", "--step", "0").output

    assert n_calls() == 4
    assert "weather({" in shown
    assert '{"Rome": 21}' in shown
