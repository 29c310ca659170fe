"""What stands in a file is checked, and what is wrong with it named with its line."""

from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict

from simlab.errors import ConfigError
from simlab.file_check import fitted
from simlab.yaml_file import YamlFile


class Horse(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str = ""


class Race(BaseModel):
    model_config = ConfigDict(extra="forbid")

    laps: int
    winner: Horse = Horse()


def fit(text):
    file = YamlFile(Path("race.yaml"), text)
    return fitted(Race, file.data, file, below={"winner": ["name"]})


def test_what_fits_is_a_model():
    assert fit("laps: 3\nwinner: {name: Ed}") == Race(laps=3, winner=Horse(name="Ed"))


def test_each_problem_has_its_line_and_the_keys_near_it():
    with pytest.raises(ConfigError) as caught:
        fit("laps: many\nwinner:\n  nam: Ed\nwiner: 1")

    first, second, third = caught.value.message.split("\n")
    assert first.startswith("race.yaml:1: laps: input should be a valid integer")
    assert second == "race.yaml:3: unknown key 'winner.nam'; did you mean name?"
    assert third == "race.yaml:4: unknown key 'winer'; did you mean winner?"


def test_data_of_no_file_has_no_lines():
    with pytest.raises(ConfigError, match=r"^key 'laps' is missing$"):
        fitted(Race, {})
