"""Adapters of a vLLM server: each made known to it once, before its first use."""

import asyncio
import os
from pathlib import PurePath

import msgspec
from msgspec import Struct

from simlab.errors import ModelError
from simlab.models.http.client import Client


class ServerAdapters:
    """The adapters of a server that is started with ``--enable-lora`` and may load them.

    Args:
        client: Asks.
        url: Of the server's API.
    """

    def __init__(self, client: Client, url: str) -> None:
        self._client = client
        self._url = url
        self._loaded: dict[str, asyncio.Task[str]] = {}

    async def load(self, path: str) -> str:
        """The name under which the server answers with an adapter, once it has loaded it.

        Args:
            path: The folder, as the server finds it.

        Raises:
            ModelError: It cannot load it; others are not harmed. It is asked anew the next time.
        """
        if path not in self._loaded:
            self._loaded[path] = asyncio.ensure_future(self._load(_absolute(path)))
        try:
            return await asyncio.shield(self._loaded[path])
        except ModelError:
            self.forget(path)
            raise

    def forget(self, path: str) -> None:
        """Look again, the next time, whether the server has an adapter."""
        self._loaded.pop(path, None)

    async def _load(self, folder: str) -> str:
        name = PurePath(folder).name
        if not await self._is_there(name, folder):
            try:
                asked = {"lora_name": name, "lora_path": folder}
                await self._client.ask(f"{self._url}/load_lora_adapter", asked, bytes.decode)
            except ModelError as error:
                if not await self._is_there(name, folder):  # else another process was quicker
                    raise ModelError(
                        f"adapter {folder!r} cannot be loaded: {error.message}; the server must "
                        "find the folder, be started with --enable-lora and have "
                        "VLLM_ALLOW_RUNTIME_LORA_UPDATING=1"
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


class _Model(Struct):
    id: str
    root: str | None = None


class _Models(Struct):
    data: list[_Model]


_read_models = msgspec.json.Decoder(_Models).decode
