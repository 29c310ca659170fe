"""YAML files that know in which line each key stands."""

import copy
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import yaml

from simlab.errors import ConfigError

KeyPath = tuple[str | int, ...]
"""Where a value stands: keys of mappings and numbers of items, from the outside in."""


class YamlFile:
    """The data of a YAML file, and the line of each of its keys.

    Args:
        path: The file; only named in messages if `text` is given.
        text: Its contents.
        example: A line that such a file may begin with, for the message that it is no mapping.

    Raises:
        ConfigError: It cannot be read, is not YAML, has a key twice, or is no mapping; names the
            line.
    """

    def __init__(
        self,
        path: Path,
        text: str | None = None,
        *,
        example: str = "world: simlab.env.car_sale:CarSale",
    ) -> None:
        self.path = path
        self._lines: dict[KeyPath, int] = {}
        text = _read(path) if text is None else text
        try:
            node = yaml.compose(text, Loader=_Loader)
            self.data: dict[str, Any] = _load(text)
        except yaml.YAMLError as error:
            raise ConfigError(_not_yaml(path, error)) from error
        if not isinstance(self.data, dict):
            raise ConfigError(
                f"{path} must be a mapping of keys, got {type(self.data).__name__}; "
                f"begin with a line such as {example!r}"
            )
        assert node is not None
        self._number(node, ())

    def line_of(self, path: Sequence[str | int]) -> int | None:
        """The line, from 1, of the innermost key of a path that stands in the file."""
        for length in range(len(path), 0, -1):
            line = self._lines.get(tuple(path[:length]))
            if line is not None:
                return line
        return None

    def where(self, path: Sequence[str | int]) -> str:
        """File and line of a key, as editors understand it."""
        line = self.line_of(path)
        return f"{self.path}" if line is None else f"{self.path}:{line}"

    def under(self, key: str) -> "YamlFile":
        """What stands below a key, as a file of its own: its messages name the same lines."""
        part = copy.copy(self)
        part.data = self.data.get(key, {})
        part._lines = {path[1:]: line for path, line in self._lines.items() if path[0] == key}
        return part

    def _number(self, node: yaml.Node, path: KeyPath) -> None:
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                inner = (*path, key.value)
                self._lines[inner] = key.start_mark.line + 1
                self._number(value, inner)
        elif isinstance(node, yaml.SequenceNode):
            for number, value in enumerate(node.value):
                self._lines[*path, number] = value.start_mark.line + 1
                self._number(value, (*path, number))


def as_written(key: Any) -> Any:
    """A word as it stands in a file: YAML reads yes and no as truth values, digits as numbers."""
    if isinstance(key, bool):
        return "yes" if key else "no"
    return str(key) if isinstance(key, int) else key


def with_keys_as_written(data: Any) -> Any:
    """A mapping whose keys are words, see `as_written`; what is no mapping stays as it is."""
    if not isinstance(data, dict):
        return data
    return {as_written(key): value for key, value in data.items()}


@contextmanager
def located(file: YamlFile | None, *path: str | int) -> Iterator[None]:
    """Say of what is refused in the block where its key stands.

    Args:
        file: None leaves messages as they are.
        path: Of the key that the block is about.
    """
    try:
        yield
    except ConfigError as error:
        if file is None:
            raise
        raise ConfigError(f"{file.where(path)}: {error.message}") from error


@dataclass(frozen=True, slots=True)
class Setting:
    """A value for one key.

    Attributes:
        keys: Where it stands, from the outside in.
        value: As YAML would give it.
    """

    keys: tuple[str, ...]
    value: Any

    @classmethod
    def read(cls, text: str) -> Self:
        """The setting that ``a.b=value`` says; the value is YAML.

        Raises:
            ConfigError: It is not of this form.
        """
        name, equals, value = text.partition("=")
        keys = tuple(name.split("."))
        if not equals or not all(keys):
            raise ConfigError(
                f"--set takes KEY=VALUE such as models.all.latency_s=0.02, got {text!r}"
            )
        try:
            return cls(keys, _load(value))
        except yaml.YAMLError as error:
            raise ConfigError(f"--set {text}: the value is not YAML: {error}") from error


def with_settings(data: Mapping[str, Any], settings: Sequence[str]) -> dict[str, Any]:
    """A copy of nested mappings with some keys set.

    Args:
        data: Not changed.
        settings: Each as `Setting.read` takes it.

    Raises:
        ConfigError: A setting is not of this form, or goes through something that has no keys.
    """
    result: dict[str, Any] = _copy(data)
    for setting in map(Setting.read, settings):
        _put(result, setting.keys, setting.value)
    return result


def _put(data: dict[str, Any], keys: Sequence[str], value: Any) -> None:
    inner: Any = data
    for depth, key in enumerate(keys[:-1]):
        inner = inner.setdefault(key, {})
        if not isinstance(inner, dict):
            name = ".".join(keys[: depth + 1])
            raise ConfigError(f"--set {'.'.join(keys)}: {name} is {inner!r} and has no keys")
    inner[keys[-1]] = value


class _Loader(yaml.SafeLoader):
    """Reads YAML whose mappings have each key once, as its specification asks (1.2, sec. 3.2.1)."""

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)
        seen = set()
        for key, _ in node.value:
            known = (key.tag, str(key.value))
            if known in seen:
                problem = f"key {key.value!r} stands there twice"
                raise yaml.composer.ComposerError(None, None, problem, key.start_mark)
            seen.add(known)
        return node


class _Dumper(yaml.SafeDumper):
    """Writes what `_Loader` reads as the same: texts that it would take for numbers are quoted."""


_FLOAT = re.compile(
    r"[-+]? ( (\.[0-9]+ | [0-9]+\.[0-9]*) ([eE][-+]?[0-9]+)? | [0-9]+[eE][-+]?[0-9]+ ) \Z",
    re.VERBOSE,
)
"""Fractions, and numbers with an exponent, as YAML 1.2 has them (core schema, sec. 10.3.2): PyYAML
is of 1.1, to which 1e-3 and -.5 are texts."""

for _kind in (_Loader, _Dumper):
    _kind.add_implicit_resolver("tag:yaml.org,2002:float", _FLOAT, list("-+.0123456789"))


def as_yaml(value: Any) -> str:
    """A value as YAML that is read here as the same."""
    return yaml.dump(value, Dumper=_Dumper)


def _load(text: str) -> Any:
    return yaml.load(text, Loader=_Loader)


def _not_yaml(path: Path, error: yaml.YAMLError) -> str:
    """Where a file is not YAML, and what is wrong there."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return f"{path}:{error.problem_mark.line + 1}: not YAML: {error.problem}"
    return f"{path} is not YAML: {error}"


def _copy(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _copy(inner) for key, inner in value.items()}
    return [_copy(inner) for inner in value] if isinstance(value, list) else value


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not text in UTF-8: {error}") from error
