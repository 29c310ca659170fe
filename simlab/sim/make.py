"""Makes what a run file names, with the options that it gives."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from simlab.errors import ConfigError, MakerFailedError, SimlabError
from simlab.find import near
from simlab.stray import in_words, message_of


def make(what: str, maker: Callable[..., Any], options: Mapping[str, Any]) -> Any:
    """Call a class or function with options from a run file.

    Args:
        what: What is made, for messages, such as ``world simlab.env.car_sale:CarSale``.
        maker: What makes it.
        options: Its keyword arguments.

    Raises:
        ConfigError: It is nothing that makes, or an option is unknown.
        MakerFailedError: An option is missing, or of a wrong type or value, or the maker raises an
            error of its own.
    """
    require_maker(what, maker)
    known = parameters(maker)
    for option in options:
        if known is not None and option not in known:
            raise ConfigError(f"{what} has no option {option!r}; {near(option, sorted(known))}")
    try:
        return maker(**options)
    except (TypeError, ValueError) as error:
        raise MakerFailedError(f"{what}: {message_of(error)}") from error
    except (SimlabError, KeyboardInterrupt):
        raise
    except BaseException as error:
        raise MakerFailedError(f"{what} raised {in_words(error)}") from error


def parameters(maker: Callable[..., Any]) -> set[str] | None:
    """The names of the keyword arguments that something takes, or None if it takes any.

    What is built in may not tell; it is given what there is, and may refuse that.
    """
    try:
        found = inspect.signature(maker).parameters.values()
    except ValueError:
        return None
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in found):
        return None
    return {parameter.name for parameter in found}


def require_maker(what: str, found: Any) -> None:
    """See that something makes what a run file names.

    Raises:
        ConfigError: It is neither class nor function, such as one object for all episodes.
    """
    if not callable(found):
        raise ConfigError(f"{what} must be a class or function, got {found!r}; name its class")
