"""The commands of the README's headline targets, as far as they go without weights."""

import re
from collections import Counter
from pathlib import Path
from string import Template

import pytest

from benchmarks.peer import ROOT
from simlab.models.weights import fingerprint
from simlab.sim.config import checked, open_run_file
from simlab.sim.overrides import overridden
from simlab.train.dataset import Dataset, write_dataset
from simlab.train.launch import prepare_training
from tests.env.influence_folder import write_folder
from tests.train.conftest import sample_of

TEXT = (ROOT / "benchmarks" / "README.md").read_text().partition("## Headline targets")[2]
VARIABLES = dict(re.findall(r"^([A-Z0-9_]+)='?([^'#\n]*?)'?(?:\s+#.*)?$", TEXT, re.MULTILINE))
COMMANDS = re.findall(r"`(simlab (?:train|run) [^`]+)`", TEXT)
MODELS = ("LLAMA_8B", "GEMMA_2B", "GEMMA_9B", "GEMMA_27B")


@pytest.fixture
def own_data(tmp_path, monkeypatch, weights):
    """The data that a user has: a folder of their environments, and pairs of static samples."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / VARIABLES["COPY"]).mkdir()
    write_folder(tmp_path / VARIABLES["COPY"] / "therapist", constitutional, n_states=20)
    pairs = [sample_of(pair=n, label=label) for n in range(360) for label in (True, False)]
    for name in ("hh.parquet", "pku.parquet"):
        write_dataset(Dataset(tuple(pairs), fingerprint(weights)), Path(name))


def constitutional(master, _):
    """Let the influence detector have the third variant of its prompt too."""
    detector = master["influence_detector_model_config"]
    detector["constitutional_system_prompt"] = "You know what is right, {agent_name}."
    detector["constitutional_prompt_suffix"] = "Is it right?"


def words_of(command):
    """The arguments of a command, its variables replaced."""
    return Template(command).substitute(VARIABLES).split()


def settings_of(words):
    return [words[place + 1] for place, word in enumerate(words) if word == "--set"]


def prepared(command, weights, tmp_path):
    """A training of a command, on weights that are none."""
    _, _, name, *words = words_of(command)
    settings = [*settings_of(words), f"run.models.small.weights={weights}"]
    return prepare_training(name, out=tmp_path / "out", settings=settings)


TRAININGS = [command for command in COMMANDS if command.startswith("simlab train")]
MIXES = [command for command in TRAININGS if "fractions" in command]


def test_every_target_has_a_command_and_none_is_said_to_have_been_run():
    rows = [line for line in TEXT.splitlines() if line.startswith("|") and "---" not in line]
    targets = [row for row in rows if not row.endswith("| run |")]

    assert len(targets) > 15
    assert all(row.endswith("| not run |") for row in targets)
    assert all("`simlab " in row or "| none: " in row for row in targets)


def test_a_row_of_four_figures_has_the_commands_of_all_four():
    rows = [line.split(" | ") for line in TEXT.splitlines() if line.startswith("| ")]
    four = [cells for cells in rows if re.fullmatch(r"\d?\.\d+(, \d?\.\d+){3}", cells[1])]

    assert len(four) == 8
    for _, _, commands, *_ in four:
        assert commands.count("`simlab ") == 4 or commands.endswith(", and so on")


@pytest.mark.usefixtures("own_data")
@pytest.mark.parametrize("command", [each for each in TRAININGS if each not in MIXES])
def test_the_training_of_a_target_needs_nothing_but_weights(command, weights, tmp_path):
    training = prepared(command, weights, tmp_path)

    model = training.file.run.models["small"]
    assert (model["engine"], model["max_adapters"]) == ("vllm", 2)
    assert (training.file.train.loss, training.file.train.lora.rank) == ("kto", 16)
    assert training.plays.collecting(1, None).resets


@pytest.mark.parametrize("name", MODELS)
def test_each_agent_is_named_by_its_weights(name):
    [setting] = settings_of(words_of(f"${name}"))

    assert re.fullmatch(r"run\.models\.small\.weights=[\w-]+/[\w.-]+", setting)


@pytest.mark.slow  # a round of 32,000 episodes is listed
@pytest.mark.parametrize("command", MIXES)
def test_a_mix_has_as_many_dialogues_of_gameable_users_as_was_published(command, weights, tmp_path):
    training = prepared(command, weights, tmp_path)

    resets = training.plays.collecting(1, None).resets
    counts = Counter(reset["environment"] for reset in resets)
    assert {n for name, n in counts.items() if name.startswith("gameable_")} == {160}


@pytest.mark.parametrize("command", [each for each in COMMANDS if each not in TRAININGS])
def test_a_run_of_another_environment_with_what_was_trained_can_be_read(command):
    _, _, name, *words = words_of(command)

    file = checked(overridden(open_run_file(name).data, settings=settings_of(words)))

    assert file.models["learner"]["adapter"] == "runs/support-0001/agent@20"
    assert file.cast["assistant"].model == "learner"
