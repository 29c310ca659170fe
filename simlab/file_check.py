"""The check of what stands in a YAML file, by pydantic, whose errors name file and line."""

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from simlab.errors import ConfigError
from simlab.problem import problem
from simlab.yaml_file import YamlFile

_Model = TypeVar("_Model", bound=BaseModel)


def fitted(
    model: type[_Model],
    data: Any,
    file: YamlFile | None = None,
    *,
    below: Mapping[str, Collection[str]] = MappingProxyType({}),
) -> _Model:
    """Plain data as a model of it.

    Args:
        model: Of all that stands in the file.
        data: Of the file.
        file: Where it came from, to name lines in messages.
        below: What may stand below keys that take no others; other keys are the model's own.

    Raises:
        ConfigError: It does not fit: names each key, the value, what was expected and the line.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        words = []
        for part in error.errors():
            key = [name for name in part["loc"] if name != "[key]"]
            above = next((name for name in reversed(key[:-1]) if name in below), None)
            known = model.model_fields if above is None else below[str(above)]
            where = "" if file is None else f"{file.where(key)}: "
            words.append(f"{where}{problem(part, key, list(known))}")
        raise ConfigError("\n".join(words)) from None
