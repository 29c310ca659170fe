"""What `simlab.run` is given, as the command line would say it."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

from simlab.errors import ConfigError
from simlab.yaml_file import as_yaml

Hosts = int | Literal["auto"]
"""How many Ray hosts; ``auto`` leaves it to the run."""


def as_hosts(hosts: Hosts) -> Hosts:
    """A number of hosts.

    Raises:
        ConfigError: There are fewer than none.
        TypeError: It is no number and not ``auto``.
    """
    if hosts == "auto":
        return hosts
    number = _number("hosts", hosts, "must be 'auto' or a whole number such as 2")
    if number < 0:
        raise ConfigError(f"hosts must be 0 or more, got {number}")
    return number


def as_engines(models: Mapping[str, str] | Sequence[str]) -> list[str]:
    """Engines by model, each as ``NAME=ENGINE``.

    Raises:
        TypeError: They are one text.
    """
    _refuse_text("models", models, "{'all': 'scripted'} or ['all=scripted']")
    if isinstance(models, Mapping):
        return [f"{name}={engine}" for name, engine in models.items()]
    return list(models)


def as_settings(settings: Mapping[str, Any] | Sequence[str]) -> list[str]:
    """Keys of the run file to set, each as ``KEY=VALUE``.

    Raises:
        TypeError: They are one text.
    """
    _refuse_text("settings", settings, "{'episodes': 8} or ['episodes=8']")
    if isinstance(settings, Mapping):
        return [f"{key}={as_yaml(value)}" for key, value in settings.items()]
    return list(settings)


def numbers(**given: int | None) -> list[str]:
    """Whole numbers by key, each as ``KEY=VALUE`` but those that are None.

    Raises:
        TypeError: One is no whole number.
    """
    return [
        f"{key}={_number(key, value, 'must be a whole number such as 8')}"
        for key, value in given.items()
        if value is not None
    ]


def _number(name: str, given: Any, must: str) -> int:
    if isinstance(given, bool) or not isinstance(given, int | np.integer):
        raise TypeError(f"{name} {must}, got {given!r}")
    return int(given)


def _refuse_text(name: str, given: object, examples: str) -> None:
    if isinstance(given, str):
        raise TypeError(f"{name} must be a mapping or a list such as {examples}, got {given!r}")
