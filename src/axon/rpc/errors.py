"""Errors as a caller of the RPC sees them: Bitcoin Core's numbers, with a sentence."""

from __future__ import annotations

from enum import IntEnum

from axon.errors import AxonError


class Code(IntEnum):
    """Bitcoin Core's error numbers; the first block is JSON-RPC 2.0's own."""

    INVALID_REQUEST = -32600
    METHOD_NOT_FOUND = -32601
    INTERNAL_ERROR = -32603
    PARSE_ERROR = -32700

    MISC = -1
    TYPE = -3
    WALLET = -4
    NOT_FOUND = -5
    INSUFFICIENT_FUNDS = -6
    OUT_OF_MEMORY = -7
    PARAMETER = -8
    NOT_CONNECTED = -9
    INITIAL_DOWNLOAD = -10
    INVALID_LABEL = -11
    KEYPOOL_RAN_OUT = -12
    UNLOCK_NEEDED = -13
    PASSPHRASE_INCORRECT = -14
    WRONG_ENCRYPTION_STATE = -15
    ENCRYPTION_FAILED = -16
    ALREADY_UNLOCKED = -17
    WALLET_NOT_FOUND = -18
    WALLET_NOT_SPECIFIED = -19
    DATABASE = -20
    DESERIALIZATION = -22
    NODE_ALREADY_ADDED = -23
    NODE_NOT_ADDED = -24
    VERIFY = -25
    VERIFY_REJECTED = -26
    ALREADY_KNOWN = -27
    WARMUP = -28
    NODE_NOT_CONNECTED = -29
    SUBNET = -30
    P2P_DISABLED = -31
    METHOD_DEPRECATED = -32
    MEMPOOL_DISABLED = -33
    NO_SLOT = -34
    WALLET_ALREADY_LOADED = -35
    WALLET_ALREADY_EXISTS = -36


class RpcError(AxonError):
    """A call is refused.

    Args:
        code: one of `Code`, or what another server sent.
        message: one sentence, or the help text where the usage was wrong.
        data: anything JSON can say, from servers that send more than Core does.
    """

    def __init__(self, code: int, message: str, data: object = None) -> None:
        super().__init__(message)
        self.code = int(code)
        self.message = message
        self.data = data

    def to_json(self) -> dict[str, object]:
        """The `error` object of an answer."""
        error: dict[str, object] = {"code": self.code, "message": self.message}
        if self.data is not None:
            error["data"] = self.data
        return error


def shutting_down() -> RpcError:
    """The answer to a call that the stop of the program cuts short, in Core's words."""
    return RpcError(Code.NOT_CONNECTED, "Shutting down")
