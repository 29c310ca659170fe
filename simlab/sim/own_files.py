"""Files of users that a run names: what tells each from others, and where one that moved is now."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from simlab.errors import ConfigError
from simlab.find import content_of
from simlab.sim.places import files_of, with_files


def contents_of(data: Mapping[str, Any]) -> dict[str, str]:
    """32 hex digits that tell the contents of each file that a run file names, by its place.

    What such a file imports is not looked at.

    Args:
        data: Of the run file; says the places of files.
    """
    return {file: content_of(Path(file)) for file in sorted({*files_of(data).values()})}


def check_unchanged(record: Mapping[str, Any], data: Mapping[str, Any], run: Path) -> None:
    """See that what a run is gone on with names files of the contents that it was begun with.

    Args:
        record: The contents of its `run.yaml`; what an earlier SimLab has made keeps no contents.
        data: Of the run file that it is gone on with; names files by the same keys.
        run: Its directory.

    Raises:
        ConfigError: A file has other contents; names both.
    """
    known, before, contents = record.get("files", {}), files_of(record["run"]), contents_of(data)
    for key, file in files_of(data).items():
        was = known.get(before[key], contents[file])
        if was != contents[file]:
            raise ConfigError(
                f"{run} was begun with {key} of {before[key]} with contents {was!r}, got {file} "
                f"with {contents[file]!r}: another file, or one that was edited since; put back "
                "what it was, or make a new run by --out"
            )


def found_again(record: Mapping[str, Any], folders: Iterable[Path]) -> dict[str, Any]:
    """The contents of a `run.yaml` in which files that are gone stand where they have moved to.

    A file of the same contents is taken that lies in one of some folders as it lay in one of its
    own: under its name, or its name and those of folders above it.

    Args:
        record: Not changed; what is not found, or has no known contents, keeps its old place.
        folders: Where to look.
    """
    files: dict[str, str] = dict(record.get("files", {}))
    tops = list(folders)

    def place(file: str) -> str:
        if file not in files or Path(file).is_file():
            return file
        parts = Path(file).parts
        tails = [Path(*parts[n:]) for n in range(len(parts) - 1, 0, -1)]
        moved = (top / tail for tail in tails for top in tops if (top / tail).is_file())
        found = next((str(path) for path in moved if content_of(path) == files[file]), file)
        files[found] = files[file]
        return found

    return {**_with_configurations(record, lambda data: with_files(data, place)), "files": files}


def _with_configurations(
    record: Mapping[str, Any], change: Callable[[Mapping[str, Any]], dict[str, Any]]
) -> dict[str, Any]:
    """The contents of a `run.yaml` with what is run changed, now and before each fork."""
    changed = {**record, "run": change(record["run"])}
    if "branch" in record:
        forks = [{**fork, "before": change(fork["before"])} for fork in record["branch"]["forks"]]
        changed["branch"] = {**record["branch"], "forks": forks}
    return changed
