"""How a completion is to be drawn, in the words of OpenAI's API."""

import json
from collections.abc import Mapping
from typing import Any

import jsonschema

from simlab.errors import ModelError
from simlab.models.model import Completion, Sampling


def drawing(sampling: Sampling, *, limit: str = "max_tokens", seeds: bool = True) -> dict[str, Any]:
    """The part of a request that says how to draw.

    Args:
        sampling: What is wanted.
        limit: What the endpoint calls the most tokens to draw.
        seeds: Whether it knows seeds.
    """
    asked: dict[str, Any] = {
        limit: sampling.max_tokens,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
    }
    if sampling.stop:
        asked["stop"] = list(sampling.stop)
    if sampling.seed is not None and seeds:
        asked["seed"] = sampling.seed
    if sampling.schema is not None:
        named = {"name": "reply", "strict": True, "schema": dict(sampling.schema)}
        asked["response_format"] = {"type": "json_schema", "json_schema": named}
    return asked


def check_drawn(completion: Completion, sampling: Sampling, url: str) -> None:
    """See that the endpoint did what it was asked for, and did not pass over it.

    Raises:
        ModelError: It did not; says what to do.
    """
    if sampling.logprobs and completion.usage.completion_tokens and not completion.logprobs:
        said = f"{url} gives no logprobs, which were asked for; leave out logprobs"
        raise ModelError.of(said, completion.usage)
    if sampling.schema is not None and completion.finish == "stop" and not completion.calls:
        _check_schema(completion, sampling.schema, url)


def _check_schema(completion: Completion, schema: Mapping[str, Any], url: str) -> None:
    try:
        jsonschema.validate(json.loads(completion.text), schema)
    except (ValueError, jsonschema.ValidationError) as error:
        said = error.message if isinstance(error, jsonschema.ValidationError) else str(error)
        raise ModelError.of(
            f"{url} does not hold replies to a schema: {said}, got {completion.text!r}; ask "
            "without one and check the answer, or serve the model with vLLM",
            completion.usage,
        ) from error
