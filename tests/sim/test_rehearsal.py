import re

import pytest

from simlab.errors import ConfigError
from simlab.sim.config import checked, load_run_file, open_run_file, scenario_names
from simlab.sim.rehearsal import rehearse

TEXT = """\
world: simlab.env.car_sale:CarSale
options: {max_rounds: 5}
cast:
  buyer: {model: small, goal: save}
  seller:
    agent: random
models:
  small:
    engine: scripted
judges:
  length: {agent: tests.sim.judges:LengthJudge, of: buyer}
"""


@pytest.mark.parametrize("name", scenario_names())
def test_every_bundled_scenario_can_be_made(name):
    rehearse(load_run_file(name, models=["all=scripted"]))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("car_sale:", "bike_sale:", "mine.yaml:1: there is no module 'simlab.env.bike_sale'"),
        ("max_rounds", "max_round", "mine.yaml:2: world simlab.env.car_sale:CarSale has no option"),
        (
            "judges:",
            "reset: {foo: 1}\njudges:",
            "mine.yaml:10: reset of world simlab.env.car_sale:",
        ),
        ("rounds: 5", "rounds: 0", "mine.yaml:2: world simlab.env.car_sale:CarSale: max_rounds "),
        ("  buyer", "  buyr", "mine.yaml:4: cast.buyr: the world has no seat 'buyr'; did you mea"),
        (
            "  buyer: {model: small, goal: save}\n",
            "",
            "mine.yaml:3: cast leaves seats empty: buyer; say who takes each",
        ),
        ("goal: save", "golf: save", "mine.yaml:4: agent llm in seat 'buyer' has no option 'golf'"),
        ("goal: save", "goal: 42", "mine.yaml:4: agent llm in seat 'buyer': goal: input should be"),
        (
            "agent: tests.sim.judges:LengthJudge",
            "agent: rating, question: 3",
            "mine.yaml:11: judge 'length': question: input should be a valid string, got 3",
        ),
        (
            "agent: tests.sim.judges:LengthJudge",
            "agent: rating",
            "mine.yaml:11: judge 'length' must be given a question, got none; set question",
        ),
        (
            "agent: random",
            "agent: rando",
            "mine.yaml:5: there is no agent 'rando'; did you mean random or",
        ),
        (
            "agent: random",
            "agent: human",
            "mine.yaml:5: cast.seller is a human, and there is no te",
        ),
        (
            "engine: scripted",
            "engine: script",
            "mine.yaml:8: models.small: there is no engine 'scri",
        ),
        (
            "engine: scripted",
            "engine: scripted\n    speed: 3",
            "mine.yaml:8: models.small: engine 'scripted' has n",
        ),
        ("of: buyer", "of: buyr", "mine.yaml:11: judges.length.of: the world has no seat 'buyr'"),
        ("LengthJudge", "LengthJuge", "mine.yaml:11: tests.sim.judges has no 'LengthJuge'; did yo"),
    ],
)
def test_what_cannot_be_made_is_told_with_its_line(run_file, terminal, old, new, message):
    assert old in TEXT
    terminal(there=False)
    source = open_run_file(run_file(TEXT.replace(old, new, 1)))

    with pytest.raises(ConfigError, match=re.escape(message)):
        rehearse(checked(source.data, source), source)


def test_options_of_resets_that_the_world_takes_are_let_through(run_file):
    rehearse(load_run_file(run_file(f"{TEXT}reset: {{buyer_limit: 7000}}\n")))


def test_a_run_without_any_model_is_told_how_to_name_one(run_file):
    run = load_run_file(run_file("world: simlab.env.car_sale:CarSale\ncast: {'*': {goal: save}}\n"))

    with pytest.raises(
        ConfigError, match=r"'buyer' needs a model, and the run has none; name one "
    ):
        rehearse(run)


def test_without_a_file_no_line_is_told(run_file):
    run = load_run_file(run_file(TEXT.replace("  buyer", "  buyr")))

    with pytest.raises(ConfigError, match=r"^cast\.buyr: "):
        rehearse(run)


@pytest.mark.parametrize("stdin", [None, "pipe"])
@pytest.mark.parametrize("agent", ["human", "simlab.agents.human:HumanAgent"])
def test_a_human_needs_a_terminal_by_whatever_name(run_file, terminal, monkeypatch, agent, stdin):
    terminal(there=False)
    if stdin is None:
        monkeypatch.setattr("sys.stdin", None)
    run = load_run_file(run_file(TEXT.replace("agent: random", f"agent: {agent}")))

    with pytest.raises(ConfigError, match=r"cast.seller is a human, and there is no terminal"):
        rehearse(run)


def test_a_human_may_sit_at_a_terminal(run_file, terminal):
    terminal(there=True)
    run = load_run_file(run_file(TEXT.replace("agent: random", "agent: human")))

    rehearse(run)


@pytest.mark.usefixtures("offline_hub")
def test_missing_weights_are_told_with_how_to_get_them(run_file):
    engine = "engine: transformers\n    weights: owner/model"
    run = load_run_file(run_file(TEXT.replace("engine: scripted", engine)))

    with pytest.raises(ConfigError, match=r"cannot be fetched .*; run `hf download owner/model`"):
        rehearse(run)


def test_seats_that_would_share_one_agent_are_refused(run_file):
    name = "tests.sim.worlds:Twins"
    text = TEXT.replace("{model: small, goal: save}", f"{{agent: {name}, persistent: true}}")
    source = open_run_file(run_file(text.replace("agent: random", f"agent: {name}")))

    with pytest.raises(ConfigError, match=r"mine.yaml:5: cast.seller and cast.buyer are one obj"):
        rehearse(checked(source.data, source), source)


def test_a_judge_does_not_live_across_episodes(run_file):
    run = load_run_file(run_file(TEXT.replace("of: buyer", "persistent: true")))

    with pytest.raises(ConfigError, match=r"judge 'length' has no option 'persistent'"):
        rehearse(run)
