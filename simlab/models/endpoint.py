"""Models behind any endpoint that speaks OpenAI's API: hosted ones, and ``vllm serve``."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self
from urllib.parse import urlsplit

from simlab.errors import ConfigError, ModelError
from simlab.models.adapter_folder import check_uniform_adapter
from simlab.models.keys import read_key
from simlab.models.model import Completion, Prompt, Sampling, name_with_adapter

if TYPE_CHECKING:
    from simlab.models.http import Endpoint


@dataclass(frozen=True, slots=True)
class EndpointModel:
    """A language model that an endpoint computes; a value that pickles and holds no key.

    Asked as a vLLM server, or with a tokenizer, prompts travel as token ids and begun replies are
    continued; else chats travel as they are, and completions have no ids. Tools travel beside a
    chat in the API's own form; with a tokenizer its template tells of them, else they are put in
    words.

    A vLLM server on a CPU may mix requests with and without an adapter only where the adapters'
    folders are found here too, and one process asks it; see `ServerAdapters`.

    Example::

        hosted = EndpointModel("large", url="https://api.openai.com/v1", model="gpt-4o",
                               key_env="OPENAI_API_KEY")
        own = EndpointModel("small", url="http://127.0.0.1:8000/v1", server="vllm")

    Attributes:
        name: The exact version.
        url: Of the API, as in the example; a slash at its end is left off.
        model: The model's name there; None for `name`.
        server: ``"vllm"`` for a server that takes and gives token ids, scores choices and loads
            adapters, as ``vllm serve`` does; ``"openai"`` for any other.
        tokenizer: ``"embedded"``, a folder or a hub id, to render chats here; None lets the
            endpoint render them.
        key_env: Environment variable that holds the key; None sends none.
        concurrency: The most requests at once, of each process that asks.
        attempts: The most tries of one request.
        timeout_s: Seconds that one try may take.
        limit: What the endpoint calls the most tokens to draw.
        seeds: False: the endpoint knows no seeds, and is sent none.
        dollars_per_million_in: Price of a million tokens of prompts.
        dollars_per_million_out: Price of a million tokens drawn.
        adapter: Folder of an adapter, as a vLLM server finds it; see `Model.with_adapter`.

    Raises:
        ConfigError: The key is not there, or the URL may hold one.
        ValueError: A value is out of its range.
    """

    name: str
    url: str
    model: str | None = None
    server: Literal["openai", "vllm"] = "openai"
    tokenizer: str | None = None
    key_env: str | None = None
    concurrency: int = 64
    attempts: int = 5
    timeout_s: float = 120.0
    limit: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    seeds: bool = True
    dollars_per_million_in: float = 0.0
    dollars_per_million_out: float = 0.0
    adapter: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "url", self.url.rstrip("/"))
        _check_url(self.url)
        if self.concurrency < 1 or self.attempts < 1:
            raise ValueError(
                "concurrency and attempts must be at least 1, "
                f"got {self.concurrency!r} and {self.attempts!r}"
            )
        if not self.timeout_s > 0:
            raise ValueError(f"timeout_s must be above 0, got {self.timeout_s!r}")
        prices = (self.dollars_per_million_in, self.dollars_per_million_out)
        if not all(0 <= price < float("inf") for price in prices):
            raise ValueError(f"prices must be at least 0, got {prices!r}")
        read_key(self.key_env)

    @property
    def served(self) -> str:
        """The model's name at the endpoint."""
        return self.model or self.name.partition("+")[0]

    def dollars(self, prompt_tokens: int, completion_tokens: int) -> float:
        """What so many tokens cost."""
        of_prompt = prompt_tokens * self.dollars_per_million_in
        return (of_prompt + completion_tokens * self.dollars_per_million_out) / 1e6

    async def generate(
        self,
        prompt: Prompt,
        sampling: Sampling = Sampling(),
        *,
        session: str | None = None,  # noqa: ARG002 - servers find what prompts share by themselves
    ) -> Completion:
        """Complete a prompt; see `Model.generate`.

        Raises:
            ModelError: The endpoint failed, or cannot do what is asked.
            ConfigError: The key or the tokenizer is not there.
        """
        endpoint = _endpoint(self._key)
        return await endpoint.generate(prompt, sampling, model=self.name, adapter=self.adapter)

    async def choice_logprobs(self, prompt: Prompt, choices: Sequence[str]) -> Mapping[str, float]:
        """The log-probability of each choice; see `Model.choice_logprobs`.

        Raises:
            ModelError: The endpoint failed, or is no vLLM server, as only those score choices.
            ConfigError: The key or the tokenizer is not there.
        """
        return await _endpoint(self._key).choice_logprobs(prompt, choices, adapter=self.adapter)

    def with_adapter(self, path: str | None) -> Self:
        """This model with an adapter folder, or without any; see `Model.with_adapter`."""
        return replace(self, name=name_with_adapter(self.name, path), adapter=path)

    def check_adapter(self) -> None:
        """See that the adapter can be had, as far as it is found here; see `Adapted`."""
        if self.adapter is None:
            return
        if self.server != "vllm":
            raise ConfigError(
                f"{self.url} takes no adapters, got {self.adapter!r}; serve the model with vLLM "
                "and set server: vllm"
            )
        if (folder := Path(self.adapter)).is_dir():
            try:
                check_uniform_adapter(folder)
            except ModelError as error:
                raise ConfigError(error.message) from error

    @property
    def _key(self) -> "EndpointModel":
        """What makes two endpoints the same: all but the name here and the adapter."""
        return replace(self, name="", model=self.served, adapter=None)


def _check_url(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(
            f"url must be that of an API, such as 'http://127.0.0.1:8000/v1', got {url!r}"
        )
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ConfigError(  # no ValueError: pydantic would keep the value beside it
            f"url must hold no user, password or query, got one at {parts.hostname!r}; keys come "
            "from the environment, by key_env"
        )


def _endpoint(model: EndpointModel) -> "Endpoint":
    # Imported here because an HTTP library takes time, which runs without it should not pay.
    from simlab.models.http import endpoint_of

    return endpoint_of(model)
