"""What a wallet of a node refuses, as a caller of its RPC sees it."""

from __future__ import annotations

from typing import Final

from axon.errors import WalletError
from axon.rpc.errors import Code, RpcError
from axon.wallet import errors as refusals

_CODES: Final[dict[type[WalletError], Code]] = {
    refusals.WrongPassphrase: Code.PASSPHRASE_INCORRECT,
    refusals.KeysLocked: Code.UNLOCK_NEEDED,
    refusals.NoAddresses: Code.KEYPOOL_RAN_OUT,
    refusals.PaymentRefused: Code.WALLET,
    refusals.BadLabel: Code.INVALID_LABEL,
    refusals.SighashMismatch: Code.DESERIALIZATION,
    refusals.BadPsbt: Code.DESERIALIZATION,
    refusals.UnknownTransaction: Code.NOT_FOUND,
}
_LOCKED: Final = "Error: Please enter the wallet passphrase with walletpassphrase first."
_WRONG: Final = "Error: The wallet passphrase entered was incorrect."


def refusal(error: WalletError) -> RpcError:
    """What a wallet refuses, as a caller sees it."""
    code = _CODES.get(type(error), Code.WALLET)
    if code is Code.UNLOCK_NEEDED:
        return RpcError(code, _LOCKED)
    if code is Code.PASSPHRASE_INCORRECT:
        return RpcError(code, _WRONG)
    return RpcError(code, str(error))
