"""Adapters of a vLLM server: each made known to it once, before its first use."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path, PurePath

import msgspec
from msgspec import Struct

from simlab.errors import ModelError
from simlab.models.adapter_folder import check_uniform_adapter, zero_adapter_beside
from simlab.models.http.client import Client


class ServerAdapters:
    """The adapters of a server that is started with ``--enable-lora`` and may load them.

    On a CPU vLLM 0.29 gives rows without any adapter that in its last slot. So, from the first
    adapter on whose folder is found here too, requests without any bear one of zeros, which stands
    beside it, and no adapter is asked until those are answered that went without. Where the folder
    is the server's alone, requests without any go as they are: a CPU server may not mix. The same
    holds for what other processes ask of it.

    Args:
        client: Asks.
        url: Of the server's API.
        base: The server's name for the weights without any adapter.
    """

    def __init__(self, client: Client, url: str, base: str) -> None:
        self._client = client
        self._url = url
        self._base = base
        self._zero: str | None = None
        self._loaded: dict[str, asyncio.Task[str]] = {}
        self._bare = 0
        self._none_bare = asyncio.Event()
        self._none_bare.set()

    @asynccontextmanager
    async def asked(self, path: str | None) -> AsyncIterator[str]:
        """The name under which the server answers with an adapter, or none, in the block.

        Args:
            path: The folder, as the server finds it; None for none.

        Raises:
            ModelError: It cannot load it, others are not harmed; or the block raised it, as where
                the server was started anew. It is asked to load it anew the next time.
        """
        path = self._zero if path is None else path
        if path is None:
            with self._without():
                yield self._base
            return
        try:
            name = await self._known(path)
            if self._zero is not None:
                await self._none_bare.wait()
            yield name
        except Exception:
            self._loaded.pop(path, None)
            raise

    @contextmanager
    def _without(self) -> Iterator[None]:
        """A request that bears no adapter at all."""
        self._bare += 1
        self._none_bare.clear()
        try:
            yield
        finally:
            self._bare -= 1
            if not self._bare:
                self._none_bare.set()

    async def _known(self, path: str) -> str:
        """The name of an adapter that the server has loaded."""
        if path not in self._loaded:
            self._loaded[path] = asyncio.ensure_future(self._load(_absolute(path)))
        return await asyncio.shield(self._loaded[path])

    async def _load(self, folder: str) -> str:
        here = await asyncio.to_thread(_checked_here, folder)
        name = await self._hand_in(folder)
        if here and self._zero is None:
            zero = str(await asyncio.to_thread(zero_adapter_beside, Path(folder)))
            await self._hand_in(zero)
            self._zero = zero
        return name

    async def _hand_in(self, folder: str) -> str:
        """The name of the adapter in a folder, which the server has now if it had it not."""
        name = PurePath(folder).name
        if not await self._is_there(name, folder):
            try:
                asked = {"lora_name": name, "lora_path": folder}
                await self._client.ask(f"{self._url}/load_lora_adapter", asked, bytes.decode)
            except ModelError as error:
                if not await self._is_there(name, folder):  # else another process was quicker
                    raise ModelError.of(
                        f"adapter {folder!r} cannot be loaded: {error.message}; the server must "
                        "find the folder, be started with --enable-lora and have "
                        "VLLM_ALLOW_RUNTIME_LORA_UPDATING=1",
                        error.usage,
                    ) from error
        return name

    async def _is_there(self, name: str, folder: str) -> bool:
        """Whether the server has loaded an adapter.

        Raises:
            ModelError: It has another one of this name.
        """
        answer = await self._client.ask(f"{self._url}/models", None, _read_models)
        roots = [model.root for model in answer.value.data if model.id == name]
        if roots and folder not in roots:
            raise ModelError(
                f"{self._url} has another adapter by the name of {name!r}, from {roots[0]!r}, got "
                f"{folder!r}; unload that one, or give this folder a name of its own"
            )
        return bool(roots)


def _absolute(path: str) -> str:
    """A folder as a server with a working directory of its own finds it."""
    return os.path.abspath(path)


def _checked_here(folder: str) -> bool:
    """Whether the folder of an adapter is found here too; what vLLM cannot take is refused."""
    here = Path(folder).is_dir()
    if here:
        check_uniform_adapter(Path(folder))
    return here


class _Model(Struct):
    id: str
    root: str | None = None


class _Models(Struct):
    data: list[_Model]


_read_models = msgspec.json.Decoder(_Models).decode
