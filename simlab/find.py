"""Finds what a name means: ``module:name``, or ``file.py:name`` for a user's own file."""

import difflib
import hashlib
import importlib
import importlib.util
import re
import sys
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from simlab.errors import ConfigError
from simlab.seeding import derive
from simlab.stray import in_words

USER_MODULE = re.compile(r"(simlab_user_.+?)_[0-9a-f]{16}")
"""The module of a user's file: a name that is the same wherever it stands, and a hash of where."""


def find(name: str) -> Any:
    """What a name in a run file or an option means.

    Raises:
        ConfigError: The module, file or name is not there, or importing it fails.
    """
    module_name, colon, attribute = name.rpartition(":")
    if not colon or not module_name or not attribute:
        raise ConfigError(f"expected module:name or file.py:name, got {name!r}")
    module = _load_file(module_name) if module_name.endswith(".py") else _import(module_name)
    if not hasattr(module, attribute):
        public = [known for known in vars(module) if not known.startswith("_")]
        raise ConfigError(f"{module_name} has no {attribute!r}; {near(attribute, public)}")
    return getattr(module, attribute)


def near(name: str, known: Collection[str]) -> str:
    """Which known names are near a wrong one, in words for a message."""
    matches = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    if matches:
        return f"did you mean {' or '.join(matches)}?"
    return f"there are {', '.join(sorted(known))}" if known else "there are none"


@dataclass(frozen=True, slots=True)
class Bundle:
    """The files of one kind that come with SimLab and are known by name.

    Attributes:
        kind: What each is, such as ``"training"``.
        folder: Where they are, as YAML.
    """

    kind: str
    folder: Path

    def names(self) -> list[str]:
        """Their names."""
        return sorted(path.stem for path in self.folder.glob("*.yaml"))

    def is_folder(self, name: str | Path) -> bool:
        """Whether a folder is named, and none of these."""
        return Path(name).is_dir() and str(name) not in self.names()

    def find(self, name: str) -> Path:
        """The file that is meant by the name of one of these, or by a path.

        Raises:
            ConfigError: There is none.
        """
        if name in self.names():
            return self.folder / f"{name}.yaml"
        path = Path(name)
        if path.is_file():
            return path
        if path.is_dir():
            raise ConfigError(
                f"expected a {self.kind} or its file, got the folder {name}; go on with what was "
                "begun there by --resume"
            )
        raise ConfigError(
            f"there is no {self.kind} {name!r}, nor such a file; {near(name, self.names())}"
        )


def home_of(kind: type) -> str:
    """The module of a class; of a user's file a name that is the same wherever the file stands."""
    return USER_MODULE.sub(r"\1", kind.__module__)


def content_of(file: Path) -> str:
    """32 hex digits that tell the contents of a user's file from others."""
    return hashlib.blake2b(file.read_bytes(), digest_size=16).hexdigest()


def _import(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"there is no module {error.name!r} (asked for by {name!r}); "
            "for a file of your own write file.py:name"
        ) from error
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise ConfigError(f"importing {name!r} failed: {_told(error)}") from error


def _load_file(name: str) -> ModuleType:
    path = Path(name).resolve()
    if not path.is_file():
        raise ConfigError(
            f"there is no file {name}; if it has moved since its run was made, go to the folder "
            "where it is now"
        )
    module_name = f"simlab_user_{path.stem}_{derive(0, str(path)):016x}"
    if module_name in sys.modules:
        return sys.modules[module_name]
    spec = importlib.util.spec_from_file_location(module_name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException as error:
        del sys.modules[module_name]
        if isinstance(error, KeyboardInterrupt):
            raise
        raise ConfigError(f"loading {name} failed: {_told(error)}") from error
    return module


def _told(error: BaseException) -> str:
    """What a module raised as it was imported, and what to do about a script's end."""
    if isinstance(error, SystemExit):
        return f"{in_words(error)}; put what it does as a script under if __name__ == '__main__'"
    return in_words(error)
