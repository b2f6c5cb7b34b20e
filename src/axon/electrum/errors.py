"""How a request is refused: numbers as other Electrum servers give them, with a sentence."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from axon.errors import AxonError


class ElectrumCode(IntEnum):
    """JSON-RPC 2.0's numbers, and those of Electrum servers."""

    BAD_REQUEST = 1
    DAEMON_ERROR = 2

    PARSE_ERROR = -32700
    INVALID_REQUEST = -32600
    METHOD_NOT_FOUND = -32601
    INVALID_PARAMS = -32602
    INTERNAL_ERROR = -32603
    SERVER_BUSY = -102
    EXCESSIVE_USE = -101


HISTORY_TOO_LARGE: Final = "history too large"
"""Wallets know these words, and say to their owner what they mean."""


class ElectrumError(AxonError):
    """A request is refused.

    Args:
        message: one sentence.
        code: what kind of refusal.
        ends: whether the connection ends with it.
    """

    def __init__(
        self,
        message: str,
        code: ElectrumCode = ElectrumCode.BAD_REQUEST,
        *,
        ends: bool = False,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.ends = ends

    def to_json(self) -> dict[str, object]:
        """The `error` object of an answer."""
        return {"code": int(self.code), "message": self.message}
