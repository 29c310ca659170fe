"""Keys of endpoints: read from the environment when they are sent, and kept nowhere."""

import os

from simlab.errors import ConfigError


def read_key(variable: str | None) -> str:
    """The key in an environment variable; empty for None.

    Raises:
        ConfigError: The variable is not set here, or holds what no header can; shows no value.
    """
    if variable is None:
        return ""
    key = os.environ.get(variable, "").strip()
    if not key:
        raise ConfigError(
            f"key_env names the environment variable {variable!r}, which is not set here; export "
            "it, on a cluster for its workers too, or leave out key_env where no key is needed"
        )
    if not (key.isascii() and key.isprintable() and " " not in key):
        raise ConfigError(
            f"the environment variable {variable!r} must hold a key of printable ASCII characters"
        )
    return key


def hide_key(text: str, variable: str | None) -> str:
    """A text in which the name of the variable stands wherever its key stood."""
    key = "" if variable is None else os.environ.get(variable, "").strip()
    return text.replace(key, f"${variable}") if key else text
