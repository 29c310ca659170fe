"""The HTTP client: bounded, patient with what may pass, and silent about keys.

The only file that imports httpx2.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import httpx2
import msgspec

from simlab.errors import ModelError
from simlab.models.http.backoff import read_retry_after, wait_s
from simlab.models.keys import hide_key, read_key
from simlab.models.model import Usage

T = TypeVar("T")

_KEEP_ALIVE_S = 3.0
"""Idle connections are kept so long: less than the 5 s after which uvicorn hangs up."""

_LONGEST_QUOTE = 300
"""Characters of what an endpoint says of an error that ours shows."""

_LONGEST_BEGINNING = 80
"""Characters of an answer that cannot be read that an error shows."""

_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """What an endpoint answered.

    Attributes:
        value: Read from its body.
        attempts: How many tries it took.
        model_s: Seconds from the first try to the end of the last.
    """

    value: T
    attempts: int
    model_s: float


class Client:
    """Makes requests for the tasks of one event loop, until it is closed.

    A request is made again after 429, 408 or 5xx, where the endpoint cannot be reached or does not
    answer in time, and where its answer is cut short or is no JSON. Errors tell how many tries and
    seconds they took. A request that is cancelled
    closes its connection, by which the endpoint knows that nobody waits.

    Args:
        key_env: Environment variable with the key that is sent; None sends none.
        concurrency: The most requests at once; more wait.
        attempts: The most tries of one request.
        timeout_s: Seconds that one try may take.
        transport: Instead of the network.
        sleep: Waits so many seconds between two tries.
        now: Seconds since the epoch.
    """

    def __init__(
        self,
        *,
        key_env: str | None = None,
        concurrency: int = 64,
        attempts: int = 5,
        timeout_s: float = 120.0,
        transport: httpx2.AsyncBaseTransport | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._key_env = key_env
        self._attempts = attempts
        self._timeout_s = timeout_s
        self._sleep = sleep
        self._now = now
        self._slots = asyncio.Semaphore(concurrency)
        limits = httpx2.Limits(
            max_connections=concurrency,
            max_keepalive_connections=concurrency,
            keepalive_expiry=_KEEP_ALIVE_S,
        )
        # A try as a whole has a limit, which an endpoint that drips cannot stretch.
        self._http = httpx2.AsyncClient(timeout=None, limits=limits, transport=transport)

    async def close(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    async def ask(
        self, url: str, asked: Mapping[str, Any] | None, read: Callable[[bytes], T]
    ) -> Answer[T]:
        """What an endpoint answers to a request.

        Args:
            url: Whom to ask.
            asked: What to post, as JSON; None gets instead.
            read: Reads the body of the answer; an error of msgspec's says that it cannot be read,
                and is final where the body is JSON of another form.

        Raises:
            ModelError: The endpoint refuses the request, or no try was answered.
            ConfigError: The key is not there.
        """
        request = b"" if asked is None else msgspec.json.encode(asked)
        async with self._slots:
            start = time.perf_counter()
            attempt = 0
            while True:
                attempt += 1
                try:
                    value = await self._try(url, request, read)
                    return Answer(value, attempt, _seconds_since(start))
                except _TryFailedError as error:
                    if attempt >= self._attempts:
                        said = f"{url} gave no answer in {attempt} tries: the last {error}"
                        raise ModelError.of(said, _spent(attempt, start)) from error
                    pause_s = wait_s(request, attempt=attempt, asked_s=error.asked_s)
                except ModelError as error:
                    error.usage = _spent(attempt, start)
                    raise
                await self._sleep(pause_s)

    async def _try(self, url: str, request: bytes, read: Callable[[bytes], T]) -> T:
        """What one request brings."""
        response = await self._send(url, request)
        if not response.is_success:
            raise self._failure(url, response)
        try:
            return read(response.content)
        except _UNREADABLE as error:
            begin = hide_key(response.text, self._key_env)[:_LONGEST_BEGINNING]
            if isinstance(error, msgspec.ValidationError):  # asked again it would cost again
                raise ModelError(
                    f"{url} answers in another form than the API's: {error}; it begins with "
                    f"{begin!r}; see whether url and server are right"
                ) from error
            said = f"was answered with what cannot be read: {error}; it begins with {begin!r}"
            raise _TryFailedError(said) from error

    async def _send(self, url: str, request: bytes) -> httpx2.Response:
        """The endpoint's response, waited for no longer than a try may take."""
        headers = {"content-type": "application/json", "accept": "application/json"}
        if key := read_key(self._key_env):
            headers["authorization"] = f"Bearer {key}"
        method = "POST" if request else "GET"
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._http.request(
                    method, url, content=request or None, headers=headers
                )
        except TimeoutError as error:
            raise _TryFailedError(f"was not answered in {self._timeout_s:g} s") from error
        except httpx2.RequestError as error:
            said = hide_key(str(error) or "the connection broke", self._key_env)
            # Not chained: the record shows causes, and this one may quote what the endpoint echoes.
            raise _TryFailedError(f"ended with {type(error).__name__}: {said}") from None

    def _failure(self, url: str, response: httpx2.Response) -> Exception:
        """What a response says that is no answer; it may say the key, and an error must not."""
        status = response.status_code
        said = " ".join([str(status), hide_key(response.reason_phrase, self._key_env)])
        if words := _quoted(hide_key(response.text, self._key_env)):
            said = f"{said}: {words}"
        if _may_pass(status):
            asked_s = read_retry_after(response.headers.get("retry-after"), now=self._now())
            return _TryFailedError(f"was answered {said}", asked_s)
        return ModelError(f"{url} refuses the request with {said}{_remedy(status)}")


class _TryFailedError(Exception):
    """A try that failed; another one may not. `asked_s` is the wait that the endpoint asks for."""

    def __init__(self, message: str, asked_s: float = 0.0) -> None:
        super().__init__(message)
        self.asked_s = asked_s


def _seconds_since(start: float) -> float:
    return round(time.perf_counter() - start, 6)


def _spent(attempt: int, start: float) -> Usage:
    """What a request took that failed."""
    return Usage(attempts=attempt, model_s=_seconds_since(start))


def _may_pass(status: int) -> bool:
    return status in (httpx2.codes.REQUEST_TIMEOUT, httpx2.codes.TOO_MANY_REQUESTS) or status >= 500


def _quoted(body: str) -> str:
    """What an endpoint says of an error, without the JSON around it."""
    try:
        said: Any = msgspec.json.decode(body)
    except _UNREADABLE:
        said = body
    while isinstance(said, dict):
        said = next((said[name] for name in ("error", "message", "detail") if name in said), body)
    words = " ".join(str(said).split()).rstrip(".")
    return words if len(words) <= _LONGEST_QUOTE else f"{words[:_LONGEST_QUOTE]}…"


def _remedy(status: int) -> str:
    """What to do about a refusal, where the status tells."""
    if status in (httpx2.codes.UNAUTHORIZED, httpx2.codes.FORBIDDEN):
        return "; let key_env name the environment variable that holds the key"
    if status == httpx2.codes.NOT_FOUND or httpx2.codes.is_redirect(status):
        return "; see whether it has what this names, and url is that of its API"
    return ""
