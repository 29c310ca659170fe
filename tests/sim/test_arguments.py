"""What `simlab.run` is given is checked before anything is made."""

import numpy as np
import pytest

import simlab
from simlab.errors import ConfigError
from simlab.sim.arguments import as_engines, as_hosts, as_settings, numbers


@pytest.mark.parametrize(("given", "hosts"), [("auto", "auto"), (0, 0), (np.int64(2), 2)])
def test_hosts_are_a_number_or_auto(given, hosts):
    assert as_hosts(given) == hosts


@pytest.mark.parametrize("hosts", ["2", True, 2.0, None, "all"])
def test_hosts_of_another_type_are_refused(hosts, tmp_path):
    words = f"hosts must be 'auto' or a whole number such as 2, got {hosts!r}"
    with pytest.raises(TypeError, match=words):
        simlab.run("car_sale", hosts=hosts, out=tmp_path / "r")

    assert not (tmp_path / "r").exists()


def test_fewer_than_no_hosts_are_refused():
    with pytest.raises(ConfigError, match="hosts must be 0 or more, got -1"):
        as_hosts(-1)


@pytest.mark.parametrize("key", ["episodes", "seed"])
@pytest.mark.parametrize("given", ["8", True, 8.0, [8]])
def test_numbers_of_another_type_are_refused(key, given, tmp_path):
    with pytest.raises(TypeError, match=f"{key} must be a whole number such as 8, got "):
        simlab.run("car_sale", out=tmp_path / "r", **{key: given})


def test_numbers_are_settings_of_those_that_are_given():
    assert numbers(episodes=np.int64(8), seed=None) == ["episodes=8"]


def test_mappings_are_read_as_what_the_command_line_takes():
    assert as_engines({"all": "scripted"}) == as_engines(["all=scripted"]) == ["all=scripted"]
    assert as_settings({"reset": {"scene": 1}}) == ["reset=scene: 1\n"]
    assert as_settings(["episodes=8"]) == ["episodes=8"]
