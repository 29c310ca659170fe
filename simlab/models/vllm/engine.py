"""Language models through vLLM's `AsyncLLM`, on GPUs and CPUs alike.

Facts that shaped this, seen with vLLM 0.29 on a CPU: blocks of 16 tokens fail, 32 do; a seeded
request whose prompt is read in chunks ends the engine; free white space lets a small model pad its
JSON for ever; compiling takes longer than a demo and gains nothing there.
"""

import itertools
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simlab.errors import ConfigError, EngineDiedError, ModelError
from simlab.models.choices import check_choices, score_choices
from simlab.models.cores import spare_cores
from simlab.models.grammar_schema import check_schema_alone, grammar_schema
from simlab.models.held import EngineStatistics
from simlab.models.model import Completion, Prompt, Sampling, Usage
from simlab.models.render import Renderer, turn_ends
from simlab.models.tool_reading import read_spoken
from simlab.stray import first_line

if TYPE_CHECKING:
    from simlab.models.vllm_model import VllmModel

_ENVIRONMENT = {
    "HF_HUB_OFFLINE": "1",  # weights are folders by now
    "VLLM_NO_USAGE_STATS": "1",
    "DO_NOT_TRACK": "1",
    "VLLM_LOGGING_LEVEL": "CRITICAL",  # what goes wrong is raised
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",  # else replicas of one machine share their cores
    "TORCHDYNAMO_DISABLE": "1",
    "TORCH_CPP_LOG_LEVEL": "ERROR",  # it warns of how memory is bound
}
for _name, _value in _ENVIRONMENT.items():  # vLLM reads them when it is imported
    os.environ.setdefault(_name, _value)

from vllm import AsyncEngineArgs, RequestOutput, SamplingParams  # noqa: E402
from vllm.exceptions import VLLMError  # noqa: E402
from vllm.platforms import current_platform  # noqa: E402
from vllm.sampling_params import RequestOutputKind, StructuredOutputsParams  # noqa: E402
from vllm.v1.engine.async_llm import AsyncLLM  # noqa: E402
from vllm.v1.engine.exceptions import EngineDeadError  # noqa: E402
from vllm.v1.executor.uniproc_executor import UniProcExecutor  # noqa: E402
from vllm.v1.metrics.loggers import StatLoggerBase  # noqa: E402

from simlab.models.vllm.adapters import Adapters  # noqa: E402
from simlab.models.vllm.loop_thread import LoopThread  # noqa: E402


class VllmEngine:
    """Completes prompts with weights of its own, in a process of its own, many at once.

    Args:
        model: Says how.
        folder: Of the weights.

    Raises:
        ConfigError: The weights cannot be loaded.
    """

    def __init__(self, model: "VllmModel", folder: Path) -> None:
        os.environ.setdefault("OMP_NUM_THREADS", str(model.threads or spare_cores()))
        self._loop = LoopThread("simlab-vllm")
        try:
            self._llm = self._loop.wait(_start(_arguments(model, folder)))
        except Exception as error:
            self._loop.close()
            raise ConfigError(f"vLLM cannot load {str(folder)!r}: {first_line(error)}") from error
        tokenizer: Any = self._llm.get_tokenizer()
        self._renderer = Renderer(tokenizer)
        settings = self._llm.model_config.try_get_generation_config()
        self._ends = sorted(turn_ends(tokenizer, settings.get("eos_token_id")))
        self._adapters = (
            Adapters(self._llm.add_lora, folder, max_rank=model.max_adapter_rank)
            if model.max_adapters
            else None
        )
        self._independent = model.dtype == "float32"
        self._longest = model.max_model_len
        self._numbers = itertools.count()
        self._prompt_tokens = self._cached_tokens = 0
        self._closed = False

    async def generate(
        self,
        prompt: Prompt,
        sampling: Sampling = Sampling(),
        *,
        session: str | None = None,  # noqa: ARG002 - vLLM finds what prompts share by itself
        model: str = "",
        adapter: str | None = None,
    ) -> Completion:
        """Complete a prompt; see `simlab.models.model.Model.generate`.

        Raises:
            ModelError: The request cannot be met.
            EngineDiedError: The engine's process has ended.
        """
        ids = self._renderer.prompt_ids(prompt, sampling.tools)
        self._check(prompt, len(ids), sampling)
        done = await self._ask(ids, self._parameters(sampling), adapter)
        drawn = done.outputs[0]
        text = self._renderer.continuation(ids, drawn.token_ids)
        spoken = read_spoken(text[: sampling.stop_place(text)], sampling.tools)
        return Completion(
            text=spoken.words,
            prompt_ids=tuple(ids),
            token_ids=tuple(drawn.token_ids),
            logprobs=_logprobs(drawn) if sampling.logprobs else (),
            finish=_finish(drawn.finish_reason),
            model=model,
            usage=_usage(done),
            exact=sampling.temperature == 0 and self._independent,
            calls=spoken.calls,
        )

    async def choice_logprobs(
        self, prompt: Prompt, choices: Sequence[str], *, adapter: str | None = None
    ) -> Mapping[str, float]:
        """The log-probability of each choice; see `simlab.models.model.Model.choice_logprobs`.

        Each choice is cut into tokens by itself, as if it were drawn after the prompt; wherever
        choices part, one token is asked for.

        Raises:
            ModelError: There are no choices, one is empty, or the prompt cannot be read.
            EngineDiedError: The engine's process has ended.
        """
        check_choices(choices)
        ids = self._renderer.prompt_ids(prompt)
        tokens = {choice: tuple(self._renderer.text_ids(choice)) for choice in choices}
        return await score_choices(ids, tokens, partial(self._score, adapter=adapter))

    def statistics(self) -> EngineStatistics:
        """What the engine is busy with."""
        return EngineStatistics(
            running=self._llm.get_num_unfinished_requests(),
            waiting=0,
            prompt_tokens=self._prompt_tokens,
            cached_tokens=self._cached_tokens,
            adapters=() if self._adapters is None else self._adapters.names,
        )

    async def check_health(self) -> None:
        """Raise if the engine can answer no more.

        Raises:
            EngineDiedError: Its process has ended.
        """
        try:
            await self._loop.run(self._llm.check_health())
        except EngineDeadError as error:
            raise EngineDiedError("the process of the vLLM engine has ended") from error

    def close(self) -> None:
        """End the engine's process; requests that are not done are cancelled."""
        if self._closed:
            return
        self._closed = True
        self._llm.shutdown(timeout=1)
        self._loop.close()
        if self._adapters is not None:
            self._adapters.close()
        # It shuts down once more when it goes, which must not be when the interpreter does.
        del self._llm, self._adapters

    def _check(self, prompt: Prompt, n_prompt: int, sampling: Sampling) -> None:
        """Refuse what vLLM would take otherwise than it is meant."""
        if n_prompt + sampling.max_tokens > self._longest:
            raise ModelError(
                f"prompt and completion must fit {self._longest} tokens together, got {n_prompt} "
                f"of prompt and {sampling.max_tokens} to come; shorten the memory, lower "
                "max_tokens or raise max_model_len"
            )
        if sampling.exact and not (sampling.temperature == 0 and self._independent):
            raise ModelError(
                "vLLM promises no exact completions but at temperature 0 in float32, got "
                f"temperature {sampling.temperature!r}; leave out exact, or take engine "
                "'transformers'"
            )
        check_schema_alone(prompt, sampling)

    def _parameters(self, sampling: Sampling) -> SamplingParams:
        held = None
        if sampling.schema is not None:
            held = StructuredOutputsParams(json=grammar_schema(sampling.schema))
        return SamplingParams(
            temperature=sampling.temperature,
            top_p=sampling.top_p,
            max_tokens=sampling.max_tokens,
            seed=sampling.seed,
            logprobs=0 if sampling.logprobs else None,
            stop=list(sampling.stop) or None,
            stop_token_ids=self._ends,
            detokenize=bool(sampling.stop),
            output_kind=RequestOutputKind.FINAL_ONLY,
            structured_outputs=held,
        )

    async def _score(
        self, ids: Sequence[int], tokens: Sequence[int], *, adapter: str | None
    ) -> tuple[dict[int, float], Usage]:
        """The log-probability of each of these tokens as the next one, and what that took."""
        parameters = SamplingParams(
            temperature=0, max_tokens=1, logprob_token_ids=list(tokens), detokenize=False
        )
        done = await self._ask(ids, parameters, adapter)
        [found] = done.outputs[0].logprobs or [{}]
        return {token: found[token].logprob for token in tokens}, _usage(done)

    async def _ask(
        self, ids: Sequence[int], parameters: SamplingParams, adapter: str | None
    ) -> RequestOutput:
        if self._closed:
            raise ModelError("the model's engine is closed; make a new one")
        try:
            done = await self._loop.run(self._run(ids, parameters, adapter))
        except EngineDeadError as error:
            raise EngineDiedError("the process of the vLLM engine has ended") from error
        except (ValueError, VLLMError) as error:
            raise ModelError(f"vLLM refuses the request: {first_line(error)}") from error
        self._prompt_tokens += len(ids)
        self._cached_tokens += done.num_cached_tokens or 0
        return done

    async def _run(
        self, ids: Sequence[int], parameters: SamplingParams, adapter: str | None
    ) -> RequestOutput:
        """On the engine's own event loop: ask, and wait for the last part of the answer."""
        if self._adapters is None and adapter is not None:
            raise ModelError(
                f"adapter {adapter!r} is wanted of an engine made without any; set max_adapters"
            )
        lora = None if self._adapters is None else await self._adapters.request(adapter)
        prompt: Any = {"type": "token", "prompt_token_ids": list(ids)}
        number = str(next(self._numbers))
        async for part in self._llm.generate(prompt, parameters, number, lora_request=lora):
            done = part
        return done


class _Silent(StatLoggerBase):  # type: ignore[misc]  # vLLM is not read by mypy
    """Lets vLLM measure each request, and prints nothing."""

    def __init__(self, vllm_config: Any, engine_index: int = 0) -> None:
        pass

    def record(self, *measured: Any, **named: Any) -> None:
        """Drop what is told of a step."""

    def log_engine_initialized(self) -> None:
        """Say nothing."""


async def _start(arguments: AsyncEngineArgs) -> AsyncLLM:
    with _main_unnamed():
        return AsyncLLM.from_engine_args(arguments, stat_loggers=[_Silent])


@contextmanager
def _main_unnamed() -> Iterator[None]:
    """Keep a new process from importing this one's main module.

    vLLM spawns its engine, and a spawned process runs the script again that its parent was started
    with: one without ``if __name__ == "__main__"`` would start another engine, and so on. The
    engine needs nothing of it.
    """
    main = sys.modules["__main__"]
    names = {name: main.__dict__.get(name) for name in ("__file__", "__spec__")}
    main.__dict__.update(__spec__=None)
    main.__dict__.pop("__file__", None)
    try:
        yield
    finally:
        main.__dict__.update({name: was for name, was in names.items() if was is not None})


def _arguments(model: "VllmModel", folder: Path) -> AsyncEngineArgs:
    arguments: dict[str, Any] = {
        "model": str(folder),
        "dtype": model.dtype,
        "max_model_len": model.max_model_len,
        "max_num_seqs": model.max_batch,
        "tensor_parallel_size": model.tensor_parallel,
        "enable_prefix_caching": True,
        "logprobs_mode": "raw_logprobs",
        "generation_config": "vllm",  # the request says how to draw, not a file beside the weights
        "seed": 0,
        "disable_log_stats": True,
        "use_tqdm_on_load": False,
        "structured_outputs_config": {"backend": "xgrammar", "disable_any_whitespace": True},
    }
    if model.max_adapters:
        arguments |= {
            "enable_lora": True,
            "max_loras": model.max_adapters + 1,  # and the one of zeros
            "max_cpu_loras": 2 * model.max_adapters + 1,
            "max_lora_rank": _rank(model.max_adapter_rank),
        }
    if current_platform.is_cpu():
        arguments |= {
            "block_size": 32,
            # By its class: for "uni" vLLM takes a process more, to set OMP_NUM_THREADS there.
            "distributed_executor_backend": UniProcExecutor if model.tensor_parallel == 1 else "mp",
            "enforce_eager": True,
            "enable_chunked_prefill": False,
            "max_num_batched_tokens": model.max_model_len,
            "kv_cache_memory_bytes": int(model.cache_gib * 2**30),
        }
    else:
        arguments["gpu_memory_utilization"] = model.gpu_memory_utilization
    return AsyncEngineArgs(**arguments)


def _rank(wanted: int) -> int:
    """The smallest rank that vLLM is made for, of those that are no lower."""
    return next((rank for rank in (1, 8, 16, 32, 64, 128, 256, 320, 512) if rank >= wanted), wanted)


def _logprobs(drawn: Any) -> tuple[float, ...]:
    return tuple(
        found[token].logprob
        for found, token in zip(drawn.logprobs or (), drawn.token_ids, strict=True)
    )


def _finish(reason: str | None) -> Any:
    return reason if reason in ("stop", "length") else "abort"


def _usage(done: RequestOutput) -> Usage:
    times = done.metrics
    model_s = 0.0 if times is None else times.last_token_ts - times.scheduled_ts
    return Usage(
        len(done.prompt_token_ids or ()),
        len(done.outputs[0].token_ids),
        done.num_cached_tokens or 0,
        model_s=round(max(0.0, model_s), 6),
    )
