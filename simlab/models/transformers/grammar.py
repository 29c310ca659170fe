"""Completions that hold to a JSON schema, through xgrammar.

The one file that imports xgrammar, and only when a schema is first asked for.
"""

import json
import threading
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from simlab.errors import ModelError
from simlab.models.grammar_schema import grammar_schema

if TYPE_CHECKING:
    import xgrammar

_CACHE_BYTES = 1 << 28
"""The most that compiled grammars may take."""


class Grammars:
    """The grammars of one vocabulary, compiled once each; safe to ask from any thread.

    Args:
        tokenizer: Of transformers.
        n_logits: How many tokens the network knows; it may know more than the tokenizer.
        ends: The tokens that end a turn.
    """

    def __init__(self, tokenizer: Any, *, n_logits: int, ends: Collection[int]) -> None:
        self._tokenizer = tokenizer
        self._n_logits = n_logits
        self._ends = sorted(ends)
        self._compiling = threading.Lock()
        self._compiler: xgrammar.GrammarCompiler | None = None

    def open(self, schema: Mapping[str, Any]) -> "Grammar":
        """The grammar of a schema; blocks while it is compiled.

        Raises:
            ModelError: The schema cannot be held, or no completion could end after it, or xgrammar
                is not installed.
        """
        if not self._ends:
            raise ModelError("a schema needs weights that name a token which ends a turn, got none")
        held = _encoded(grammar_schema(schema))
        with self._compiling:
            compiler = self._compiler = self._compiler or self._make_compiler()
            try:
                # Free white space would let a small model pad its JSON for ever.
                compiled = compiler.compile_json_schema(held, any_whitespace=False)
            except RuntimeError as error:
                said = str(error).strip().rpartition(": ")[2]
                raise ModelError(
                    f"a completion cannot be held to the JSON schema {dict(schema)!r}: {said}"
                ) from error
        return Grammar(compiled, self._n_logits)

    def _make_compiler(self) -> "xgrammar.GrammarCompiler":
        try:
            import xgrammar  # late: runs without a schema need it not
        except ImportError as error:
            raise ModelError(
                f"a schema needs xgrammar, which cannot be imported ({error}); run "
                "`pip install 'simlab[schema]'`"
            ) from error
        vocabulary = xgrammar.TokenizerInfo.from_huggingface(
            self._tokenizer, vocab_size=self._n_logits, stop_token_ids=self._ends
        )
        return xgrammar.GrammarCompiler(vocabulary, max_threads=1, cache_limit_bytes=_CACHE_BYTES)


def _encoded(schema: Mapping[str, Any]) -> str:
    try:
        return json.dumps(schema)
    except TypeError as error:
        raise ModelError(f"a JSON schema must be JSON, got {schema!r}: {error}") from error


class Grammar:
    """A compiled schema, which many completions may hold to.

    Args:
        compiled: By xgrammar.
        n_logits: How many tokens the network knows.
    """

    def __init__(self, compiled: "xgrammar.CompiledGrammar", n_logits: int) -> None:
        self._compiled = compiled
        self._n_logits = n_logits

    def begin(self) -> "Constraint":
        """A new completion's place in the grammar."""
        import xgrammar  # late, as in Grammars

        bits = xgrammar.allocate_token_bitmask(1, self._n_logits)
        return Constraint(xgrammar.GrammarMatcher(self._compiled), bits)


class Constraint:
    """One completion's place in its grammar, which allows an end of turn where it is whole.

    Args:
        matcher: Of xgrammar.
        bits: Room for one bit for each token, ``(1, words of 32 bits)``.
    """

    def __init__(self, matcher: "xgrammar.GrammarMatcher", bits: Tensor) -> None:
        self._matcher = matcher
        self._bits = bits

    def masked(self, logits: Tensor) -> Tensor:
        """``(1, vocabulary)`` logits, minus infinity for tokens that the grammar does not allow.

        Raises:
            ModelError: It allows none: no token of this vocabulary goes on.
        """
        self._matcher.fill_next_token_bitmask(self._bits)
        allowed = _unpacked(self._bits, logits.shape[1])
        if not allowed.any():
            raise ModelError("no token of this vocabulary goes on with the JSON schema")
        return logits.masked_fill(~allowed, -torch.inf)

    def accept(self, token: int) -> None:
        """Go on by a token that was drawn from what is allowed."""
        accepted = self._matcher.accept_token(token)
        assert accepted, "only tokens that are allowed have a probability"


def _unpacked(bits: Tensor, n_tokens: int) -> Tensor:
    """``(1, n_tokens)`` truths of as many bits, the lowest of a word first."""
    places = torch.arange(32, dtype=torch.int32)
    return ((bits.unsqueeze(-1) >> places) & 1).bool().view(1, -1)[:, :n_tokens]
