"""Calls of methods with any parameters: what the targets for a node and a wallet have in common."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final

from axon.rpc.amounts import Json, decode_json, encode_json
from axon.rpc.dispatch import Registry
from axon.rpc.errors import RpcError
from axon.rpc.jsonrpc import Request, parse_request, reply
from fuzz.source import Source

_NUMBERS: Final = (0, 1, -1, 2, 3, 112, 113, 2**31 - 1, 2**31, 2**32, 2**63, 2**64, 10**30)
_TEXTS: Final = (
    "",
    "00" * 32,
    "11" * 32,
    "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080",
    "1.2.3.4",
    "height",
    "all",
    "\ud800",
    "\x00",
    "é",
)
_NAMES: Final = ("desc", "range", "txid", "vout", "mode", "data", "rules", "amount")


class Calls:
    """The methods of one registry, to be called.

    Args:
        registry: has them.
        left_out: not to be called, beside those that wait.
        examples: of parameters by name, to begin with; others are a one.
        execute: calls a method; raises RpcError.
    """

    def __init__(
        self,
        registry: Registry,
        left_out: frozenset[str],
        examples: Mapping[str, Json],
        execute: Callable[[str, object], Json],
    ) -> None:
        self._methods = registry.methods
        self._names = [
            name
            for name, method in registry.methods.items()
            if not method.waits and name not in left_out
        ]
        self._examples = examples
        self._execute = execute

    def examples(self) -> list[bytes]:
        """A call of each method with all its parameters, in JSON."""
        return [
            json.dumps(
                {
                    "method": name,
                    "params": {
                        each.spelling: self._examples.get(each.spelling, 1)
                        for each in (*self._methods[name].parameters, *self._methods[name].options)
                        if each.spelling != "options"
                    },
                }
            ).encode()
            for name in self._names
        ]

    def read(self, data: bytes) -> None:
        """A call in JSON: it has a result that JSON can say, or is refused."""
        try:
            asked = decode_json(data)
        except ValueError:
            return
        if not isinstance(asked, dict):
            return
        request, error = parse_request(asked)
        if error is None and request.method in self._names:
            self._check(request)

    def drawn(self, data: bytes) -> None:
        """Calls one after the other, with values drawn from the input in the parameters' places."""
        source = Source(data)
        while not source.is_empty:
            name = source.choose(self._names)
            count = source.below(len(self._methods[name].parameters) + 2)
            self._check(Request(name, [self._value(source) for _ in range(count)]))

    def _check(self, request: Request) -> None:
        with suppress(RpcError):
            encode_json(reply(request, self._execute(request.method, request.params), None))

    def _value(self, source: Source, depth: int = 0) -> Json:
        """Any value of JSON, with a liking for those that mean something."""
        match source.below(10 if depth < 3 else 7):
            case 0:
                return None
            case 1:
                return source.flag()
            case 2:
                return source.choose(_NUMBERS)
            case 3:
                return source.number(1) / 100
            case 4:
                return source.choose(_TEXTS)
            case 5:
                return source.piece().hex()
            case 6:
                return source.choose(list(self._examples.values()))
            case 7:
                return [self._value(source, depth + 1) for _ in range(source.below(4))]
            case _:
                names = [*self._examples, *_NAMES]
                return {
                    source.choose(names): self._value(source, depth + 1)
                    for _ in range(source.below(4))
                }
