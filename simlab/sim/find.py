"""Finds what a run file names: ``module:name``, or ``file.py:name`` for a user's own file."""

import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from simlab.errors import ConfigError, SimlabError
from simlab.seeding import derive
from simlab.sim.config import near


def find(name: str) -> Any:
    """What a name in a run file means.

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


def make(what: str, maker: Callable[..., Any], options: Mapping[str, Any]) -> Any:
    """Call a class or function with options from a run file.

    Args:
        what: What is made, for messages, such as ``world simlab.env.car_sale:CarSale``.
        maker: What makes it.
        options: Its keyword arguments.

    Raises:
        ConfigError: An option is unknown, missing, or of a wrong type or value, or the maker raises
            an error of its own.
    """
    known = parameters(maker)
    for option in options:
        if known is not None and option not in known:
            raise ConfigError(f"{what} has no option {option!r}; {near(option, sorted(known))}")
    try:
        return maker(**options)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{what}: {error}") from error
    except SimlabError:
        raise
    except Exception as error:
        raise ConfigError(f"{what} raised {type(error).__name__}: {error}") from error


def parameters(maker: Callable[..., Any]) -> set[str] | None:
    """The names of the keyword arguments that something takes, or None if it takes any."""
    found = inspect.signature(maker).parameters.values()
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in found):
        return None
    return {parameter.name for parameter in found}


def _import(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"there is no module {error.name!r} (asked for by {name!r}); "
            "for a file of your own write file.py:name"
        ) from error
    except Exception as error:
        raise ConfigError(f"importing {name!r} failed: {type(error).__name__}: {error}") from error


def _load_file(name: str) -> ModuleType:
    path = Path(name).resolve()
    if not path.is_file():
        raise ConfigError(f"there is no file {name}")
    module_name = f"simlab_user_{path.stem}_{derive(0, str(path)):x}"
    if module_name in sys.modules:
        return sys.modules[module_name]
    spec = importlib.util.spec_from_file_location(module_name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[module_name]
        raise ConfigError(f"loading {name} failed: {type(error).__name__}: {error}") from error
    return module
