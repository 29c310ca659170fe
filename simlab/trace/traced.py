"""Traced functions: every call is a span, with its arguments as inputs and what it returns."""

import functools
import inspect
from collections.abc import AsyncGenerator, Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, ParamSpec, TypeVar

from simlab.trace.span import Span, Tag, inside, span

P = ParamSpec("P")
T = TypeVar("T")

_Open = Callable[[tuple[Any, ...], dict[str, Any]], Span]


def traced(
    name: str | None = None, *, kind: str | None = None, tags: Sequence[str | Tag] = ()
) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Make every call of a function a span.

    Works on functions, async functions, generators and async generators. Of the latter two the
    span is open as long as they are, current while they run, and its result is how many values they
    gave. A method's own object is no input.

    Args:
        name: Of the spans; the function's name by default.
        kind: Of the spans; by default ``call``, ``async call``, ``generator`` or
            ``async generator``.
        tags: Words by which they are found.

    Raises:
        TypeError: The name, the kind or a tag is no text.
    """
    Span(name or "", kind=kind or "", tags=tags)  # refuses now what the first call would refuse

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        usual, wrap = _wrapping(function)
        signature = inspect.signature(function)

        def opening(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Span:
            inputs = _inputs(signature, args, kwargs)
            return span(name or function.__name__, kind=kind or usual, inputs=inputs, tags=tags)

        return functools.wraps(function)(wrap(function, opening))

    return decorate


def _wrapping(function: Callable[..., Any]) -> tuple[str, Callable[[Any, _Open], Any]]:
    """The usual kind of a function's spans, and how it is wrapped."""
    if inspect.iscoroutinefunction(function):
        return "async call", _async_call
    if inspect.isasyncgenfunction(function):
        return "async generator", _async_generator
    if inspect.isgeneratorfunction(function):
        return "generator", _generator
    return "call", _call


def _inputs(
    signature: inspect.Signature, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> dict[str, Any]:
    try:
        bound = signature.bind(*args, **kwargs).arguments
    except TypeError:  # the call itself will say what is wrong, and better
        return {"args": args, "kwargs": kwargs}
    if next(iter(bound), "") in ("self", "cls"):
        del bound[next(iter(bound))]
    return bound


def _call(function: Callable[..., Any], opening: _Open) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        with opening(args, kwargs) as here:
            here.result = function(*args, **kwargs)
            return here.result

    return call


def _async_call(function: Callable[..., Any], opening: _Open) -> Callable[..., Any]:
    async def call(*args: Any, **kwargs: Any) -> Any:
        with opening(args, kwargs) as here:
            here.result = await function(*args, **kwargs)
            return here.result

    return call


def _generator(function: Callable[..., Any], opening: _Open) -> Callable[..., Any]:
    def generate(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        with _opened(opening(args, kwargs)) as here:
            inner = function(*args, **kwargs)
            resume = partial(next, inner)
            while True:
                with inside(here):
                    try:
                        value = resume()
                    except StopIteration as stop:
                        return stop.value
                here.result += 1
                try:
                    resume = partial(inner.send, (yield value))
                except GeneratorExit:
                    with inside(here):
                        inner.close()
                    raise
                except BaseException as error:
                    resume = partial(inner.throw, error)

    return generate


def _async_generator(function: Callable[..., Any], opening: _Open) -> Callable[..., Any]:
    async def generate(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        with _opened(opening(args, kwargs)) as here:
            inner = function(*args, **kwargs)
            resume = partial(anext, inner)
            while True:
                with inside(here):
                    try:
                        value = await resume()
                    except StopAsyncIteration:
                        return
                here.result += 1
                try:
                    resume = partial(inner.asend, (yield value))
                except GeneratorExit:
                    with inside(here):
                        await inner.aclose()
                    raise
                except BaseException as error:
                    resume = partial(inner.athrow, error)

    return generate


@contextmanager
def _opened(here: Span) -> Iterator[Span]:
    """A span that is open in the block and not current: what the consumer does is not inside it."""
    here.result = 0
    here.open()
    try:
        yield here
    except BaseException as error:
        here.close(error)
        raise
    here.close()
