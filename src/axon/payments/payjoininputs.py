"""What payjoin has to know of the inputs of a PSBT: what they spend, of which kind, how large.

An input of another kind than the rest, or of another sequence, tells a payjoin from a payment. And
whoever adds an input says what it holds: that is believed where his signature is good for it.
"""

from __future__ import annotations

from typing import Final

from axon.primitives.hashes import hash160
from axon.primitives.script import is_p2sh
from axon.primitives.solver import (
    PUBKEYHASH,
    SCRIPTHASH,
    WITNESS_V0_KEYHASH,
    WITNESS_V1_TAPROOT,
    kind_of,
    last_push,
)
from axon.primitives.transaction import TxIn, TxOut
from axon.wallet.errors import BadPsbt
from axon.wallet.psbt import Psbt
from axon.wallet.psbtmaps import (
    DERIVATION,
    FINAL_SCRIPT_SIG,
    FINAL_WITNESS,
    NON_WITNESS_UTXO,
    TAP_DERIVATION,
    XPUB,
    Entries,
    PsbtMaps,
)

NESTED: Final = "scripthash of witness_v0_keyhash"
"""The kind of BIP 49's coins; the script alone does not tell it from other script hashes."""

INPUT_WEIGHT_WU: Final = {
    PUBKEYHASH: 592,
    NESTED: 364,
    WITNESS_V0_KEYHASH: 272,
    WITNESS_V1_TAPROOT: 230,
}
"""What an input of each kind adds to a transaction, with a signature of usual size: 40 bytes and
the length of the script; the script; the witness. 148, 91, 68 and 57.5 vbytes."""

OUTPUT_DERIVATIONS: Final = (0x02, 0x07)
"""Types of an output's entries that name keys (BIP 174, BIP 371)."""


def spent_outputs(psbt: Psbt) -> tuple[TxOut, ...]:
    """What the inputs spend, each said in a way that binds.

    A witness signature is good for the amount as well, so there the output is enough. Where there
    is none the whole previous transaction must be there, whose hash is in the outpoint.

    Raises:
        BadPsbt: an input does not say it, or not so; or one coin is spent twice.
    """
    transaction, maps = psbt.transaction, PsbtMaps.decode(psbt.raw)
    if len(set(transaction.prevouts)) < len(transaction.prevouts):
        raise BadPsbt("this PSBT spends a coin twice: it can never be valid")
    found: list[TxOut] = []
    for index, output in enumerate(psbt.spent):
        if output is None:
            raise BadPsbt(f"this PSBT does not say what input {index} spends")
        entries, item = maps.inputs[index], transaction.inputs[index]
        if not item.witness and item.script_sig and NON_WITNESS_UTXO not in entries:
            raise BadPsbt(f"input {index} has no witness and comes without its transaction")
        found.append(output)
    return tuple(found)


def fee_sat(psbt: Psbt) -> int:
    """What the inputs hold more than the outputs.

    Raises:
        BadPsbt: as `spent_outputs`; or an amount is negative, or less goes in than comes out.
    """
    spent, outputs = spent_outputs(psbt), psbt.transaction.outputs
    if any(output.amount_sat < 0 for output in (*spent, *outputs)):
        raise BadPsbt("this PSBT has a negative amount in it")
    fee = sum(each.amount_sat for each in spent) - sum(each.amount_sat for each in outputs)
    if fee < 0:
        raise BadPsbt("this PSBT pays out more than it spends: it can never be valid")
    return fee


def input_kind(output: TxOut, spending: TxIn) -> str:
    """What kind of coin a signed input spends, by the names of `primitives.solver`, and `NESTED`.

    Args:
        output: the coin.
        spending: the input with its script and witness.
    """
    script = output.script_pubkey
    if not is_p2sh(script):
        return kind_of(script)
    redeem = last_push(spending.script_sig)
    if redeem is None or script[2:22] != hash160(redeem):
        return SCRIPTHASH
    return NESTED if kind_of(redeem) == WITNESS_V0_KEYHASH else SCRIPTHASH


def is_final(entries: Entries) -> bool:
    """Whether an input carries all that it needs to be valid, right or wrong."""
    return bool(entries.get(FINAL_SCRIPT_SIG) or entries.get(FINAL_WITNESS))


def names_keys(maps: PsbtMaps) -> bool:
    """Whether a PSBT says from which keys something of it follows."""
    return (
        any(key[0] == XPUB for key in maps.general)
        or any(key[0] in (DERIVATION, TAP_DERIVATION) for each in maps.inputs for key in each)
        or any(key[0] in OUTPUT_DERIVATIONS for each in maps.outputs for key in each)
    )
