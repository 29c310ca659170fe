"""What was begun and is gone on with: the same file, weights and code, or else an error."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from simlab.errors import ConfigError
from simlab.sim.config import RunFile
from simlab.sim.modelling import Specs, adapter_fingerprints, fingerprints
from simlab.sim.own_files import check_unchanged


def check_same(
    was: Mapping[str, Any], wanted: Mapping[str, Any], path: Path, *, command: str
) -> None:
    """See that a file says what it has said when it was begun with.

    Args:
        was: What it has said, without what may differ.
        wanted: What it says.
        path: Of the directory that is gone on with.
        command: By which.

    Raises:
        ConfigError: Something has changed; names the first key, down to a value that is no mapping.
    """
    found = _first_difference(was, wanted)
    if found is not None:
        key, before, now = found
        raise ConfigError(
            f"{path} was begun with {key} {before!r}, got {now!r}; to go on as it was begun: "
            f"simlab {command} {path} --resume"
        )


def check_sources(
    record: Mapping[str, Any], was: RunFile, wanted: RunFile, path: Path, *, models: Specs
) -> None:
    """See that weights, adapters and users' files are those that something was begun with.

    Args:
        record: What was written down of them then; what is not there is not compared.
        was: The run that was begun with.
        wanted: The same as it is now.
        path: Of the directory that is gone on with.
        models: That were written down, as they are now.

    Raises:
        ConfigError: Some are others, or are not there.
    """
    now = {"weights": fingerprints(models), "adapters": adapter_fingerprints(models)}
    for kind, prints in now.items():
        if record.get(kind, prints) != prints:
            raise ConfigError(
                f"{path} was begun with {kind} {record[kind]!r}, got {prints!r}; put those back, "
                "or begin anew"
            )
    before, data = (run.model_dump(mode="json", exclude_unset=True) for run in (was, wanted))
    check_unchanged({"run": before, "files": record.get("files", {})}, data, path)


def without(data: Mapping[str, Any], keys: Collection[str]) -> dict[str, Any]:
    """A file's data but for some of its keys."""
    return {key: value for key, value in data.items() if key not in keys}


def _first_difference(was: Any, wanted: Any, above: str = "") -> tuple[str, Any, Any] | None:
    """The first key that differs, and both values; None where none does."""
    if was == wanted:
        return None
    ones, others = ({} if each is _UNSET else each for each in (was, wanted))
    if not (isinstance(ones, Mapping) and isinstance(others, Mapping)) or not {*ones, *others}:
        return above, was, wanted
    for key in {**ones, **others}:
        name = f"{above}.{key}" if above else str(key)
        found = _first_difference(ones.get(key, _UNSET), others.get(key, _UNSET), name)
        if found is not None:
            return found
    return above, was, wanted


class _Unset:
    """The value of a key that is not there."""

    def __repr__(self) -> str:
        return "unset"


_UNSET = _Unset()
