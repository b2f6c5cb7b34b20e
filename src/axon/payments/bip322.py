"""Signed messages by whoever can spend from an address (BIP 322, version 2).

A message is signed by spending from a transaction that cannot be: `to_spend` pays nothing to the
address, and its only input spends nothing that there is but holds the hash of the message. What
spends it, `to_sign`, is signed as any payment is, so every kind of address can sign. A signature is
a text: `smp` and the witness alone, `ful` and the whole transaction, or `pof` and a PSBT that also
spends coins, to show that they could be. One without any of these is read as `smp`, or, of an
address of the first kind (P2PKH), as one of the old format.

Scripts are run by the callable that is handed in, by the rules by which nodes relay; `bip322rules`
reads off what the BIP asks beyond them.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from axon.errors import DecodeError, WalletError
from axon.payments.bip322rules import Broken, Later, check_rules
from axon.primitives.encoding import Reader, var_bytes
from axon.primitives.hashes import Txid, hash160, sha256d
from axon.primitives.keys import RECOVERABLE_SIZE, recover_public_key, tagged_hash
from axon.primitives.script import OP_0, OP_RETURN, push, witness_program
from axon.primitives.transaction import (
    MAX_MONEY_SAT,
    NULL_OUTPOINT,
    OutPoint,
    Transaction,
    TxIn,
    TxOut,
    outpoint,
    outpoint_txid,
)
from axon.primitives.verdict import Accepted, Rejected
from axon.wallet.bdkwallet import load_bdk_wallet
from axon.wallet.cosigning import sign_maps
from axon.wallet.draft import is_legacy
from axon.wallet.keys import Mnemonic, private_descriptors
from axon.wallet.psbtmaps import (
    NON_WITNESS_UTXO,
    UNSIGNED_TX,
    WITNESS_UTXO,
    Entries,
    PsbtMaps,
    spent_output,
)
from axon.wallet.signing import reveal_words
from axon.wallet.unconfirmed import ScriptCheck
from axon.wallet.wallet import Wallet

TAG: Final = "BIP0322-signed-message"

MAX_SIGNATURE_SIZE: Final = 1_000_000
"""Characters; the most that a transaction of 400,000 weight units comes to, and its PSBT."""

SIMPLE: Final = "smp"
FULL: Final = "ful"
PROOF_OF_FUNDS: Final = "pof"

_SIGNED_MESSAGE: Final = b"\x09"  # PSBT_GLOBAL_GENERIC_SIGNED_MESSAGE
_FINAL_SCRIPT_SIG: Final = b"\x07"
_FINAL_WITNESS: Final = b"\x08"

_OLD_MAGIC: Final = b"Bitcoin Signed Message:\n"
_BURNT: Final = TxOut(0, bytes((OP_RETURN,)))

_FOR_LATER: Final = "reserved for soft-fork upgrades"
"""What Bitcoin Core says of each use of what later rules may give a meaning to."""


class Validity(StrEnum):
    """The three answers of BIP 322."""

    VALID = "valid"
    INCONCLUSIVE = "inconclusive"
    INVALID = "invalid"


@dataclass(frozen=True, slots=True)
class MessageVerdict:
    """Whether a message is signed by an address.

    Args:
        validity: the answer.
        reason: why it is not valid; empty if it is.
        locktime: from then on (a height, or seconds since 1970) it could be spent so; mostly 0.
        sequence: so old the coin must be to be spent so (BIP 68); mostly 0.
        funds: with `pof`, the outputs that are claimed besides; whether they are there and unspent
            only the chain tells.
    """

    validity: Validity
    reason: str = ""
    locktime: int = 0
    sequence: int = 0
    funds: tuple[OutPoint, ...] = ()

    @property
    def is_valid(self) -> bool:
        """Whether it is signed."""
        return self.validity is Validity.VALID


class _Refused(Exception):
    """A signature that is none."""


def to_spend(message: bytes, script_pubkey: bytes) -> Transaction:
    """The transaction that is spent to sign: it holds the hash of a message.

    Args:
        message: as it is, in UTF-8 if it is a text.
        script_pubkey: of the address that signs.
    """
    script_sig = bytes((OP_0,)) + push(tagged_hash(TAG, message))
    return Transaction.build(
        0, [TxIn(NULL_OUTPOINT, script_sig, sequence=0)], [TxOut(0, script_pubkey)]
    )


def to_sign(
    message: bytes, script_pubkey: bytes, script_sig: bytes = b"", witness: tuple[bytes, ...] = ()
) -> Transaction:
    """The transaction that spends `to_spend`, by default unsigned."""
    spent = outpoint(to_spend(message, script_pubkey).txid, 0)
    return Transaction.build(0, [TxIn(spent, script_sig, 0, witness)], [_BURNT])


def sign_message(
    wallet: Wallet, script_pubkey: bytes, message: str, passphrase: str | Mnemonic
) -> str:
    """A message signed by an address of a wallet, by BDK.

    Args:
        script_pubkey: of the address.
        passphrase: what the wallet's words were sealed with; or those, where they are open.

    Returns:
        `smp...` of a witness address, `ful...` of one behind a key or script hash (P2PKH, P2SH).

    Raises:
        WatchOnly, WrongPassphrase: see `wallet/signing.reveal_words`.
        WalletError: the address is none of this wallet, or BDK cannot sign for it.
    """
    if wallet.ledger.book.find(script_pubkey) is None:
        raise WalletError("this wallet cannot sign by an address that is not its own")
    mnemonic = reveal_words(wallet, passphrase) if isinstance(passphrase, str) else passphrase
    kind = wallet.source.kind
    assert kind is not None, "a sealed mnemonic has an account"
    signer = load_bdk_wallet(
        wallet.ledger, private=private_descriptors(mnemonic, wallet.network, kind)
    )
    unsigned = to_sign(message.encode(), script_pubkey)
    spent = to_spend(message.encode(), script_pubkey)
    entries: Entries = {NON_WITNESS_UTXO: spent.raw}
    if not is_legacy(spent.outputs[0]):
        entries[WITNESS_UTXO] = spent.outputs[0].encode()
    general = {UNSIGNED_TX: unsigned.raw, _SIGNED_MESSAGE: message.encode()}
    signed = sign_maps(signer, PsbtMaps(0, general, (entries,), ({},)), finalizes=True).inputs[0]
    if not signed.keys() & {_FINAL_SCRIPT_SIG, _FINAL_WITNESS}:
        raise WalletError("this wallet cannot sign by this address: a key of it is missing")
    witness = signed.get(_FINAL_WITNESS, b"\x00")
    if witness_program(script_pubkey) is not None:
        return SIMPLE + b64encode(witness).decode()
    script_sig = signed.get(_FINAL_SCRIPT_SIG, b"")
    whole = to_sign(message.encode(), script_pubkey, script_sig, _stack(witness))
    return FULL + b64encode(whole.raw).decode()


def verify_message(
    message: str, script_pubkey: bytes, signature: str, check_scripts: ScriptCheck
) -> MessageVerdict:
    """Whether a message is signed by an address (BIP 322).

    Args:
        script_pubkey: of the address.
        signature: a text; spaces around it do not matter.
        check_scripts: runs scripts.
    """
    text, signed = signature.strip(), message.encode()
    try:
        old = _old_verdict(signed, script_pubkey, text)
        if old is not None:
            return old
        whole, spent = _decoded(signed, script_pubkey, text)
        _check_form(signed, script_pubkey, whole, spent)
        _check_satisfied(whole, spent, check_scripts)
        for spender, output in zip(whole.inputs, spent, strict=True):
            check_rules(spender, output)
    except (_Refused, Broken) as refused:
        return MessageVerdict(Validity.INVALID, str(refused))
    except Later as kept:
        return MessageVerdict(Validity.INCONCLUSIVE, str(kept))
    if whole.version not in (0, 2):
        return MessageVerdict(Validity.INCONCLUSIVE, "a transaction version that is kept for later")
    first = whole.inputs[0]
    return MessageVerdict(
        Validity.VALID, "", whole.locktime, first.sequence, tuple(whole.prevouts[1:])
    )


def _check_satisfied(
    whole: Transaction, spent: Sequence[TxOut], check_scripts: ScriptCheck
) -> None:
    """See that the scripts are satisfied, by the rules of relay, which the BIP asks for.

    One that breaks a rule that is kept for later may break one of blocks, too, and does not get as
    far: so it is run by those again.
    """
    judged = check_scripts(whole, spent)
    if not isinstance(judged, Rejected):
        return
    if _FOR_LATER in judged.reason:
        anyway = check_scripts(whole, spent, relayed=False)
        if isinstance(anyway, Accepted):
            raise Later(judged.reason)
        judged = anyway
    raise _Refused(f"it does not satisfy the address: {judged.reason}")


def _old_verdict(message: bytes, script_pubkey: bytes, text: str) -> MessageVerdict | None:
    """On a signature of the old format; None if it has another one."""
    is_p2pkh = len(script_pubkey) == 25 and script_pubkey[:3] == b"\x76\xa9\x14"
    if not is_p2pkh or text[:3] in (SIMPLE, FULL, PROOF_OF_FUNDS):
        return None
    packed = _from_base64(text)
    if len(packed) != RECOVERABLE_SIZE:
        return None
    key = recover_public_key(sha256d(var_bytes(_OLD_MAGIC) + var_bytes(message)), packed)
    if key is None or hash160(key) != script_pubkey[3:23]:
        return MessageVerdict(Validity.INVALID, "it is not by the key of this address")
    return MessageVerdict(Validity.VALID)


def _decoded(
    message: bytes, script_pubkey: bytes, text: str
) -> tuple[Transaction, tuple[TxOut, ...]]:
    """`to_sign` as a signature has it, and what its inputs spend."""
    if not text or len(text) > MAX_SIGNATURE_SIZE:
        raise _Refused(f"a signature has 1 to {MAX_SIGNATURE_SIZE} characters")
    variant, packed = text[:3], text[3:]
    virtual = TxOut(0, script_pubkey)
    try:
        if variant == FULL:
            return Transaction.decode(_from_base64(packed)), (virtual,)
        if variant == PROOF_OF_FUNDS:
            return _from_psbt(PsbtMaps.decode(_from_base64(packed)), virtual)
        stack = _stack(_from_base64(packed if variant == SIMPLE else text))
    except (DecodeError, WalletError) as fault:
        raise _Refused(f"it is damaged or of another kind: {fault}") from None
    return to_sign(message, script_pubkey, witness=stack), (virtual,)


def _from_base64(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except (Base64Error, ValueError):
        raise _Refused("it is no base64") from None


def _stack(packed: bytes) -> tuple[bytes, ...]:
    """A witness: values behind their count, each behind its length."""
    reader = Reader(packed)
    stack = tuple([reader.var_bytes() for _ in range(reader.compact_size(len(packed)))])
    reader.finish()
    return stack


def _from_psbt(maps: PsbtMaps, virtual: TxOut) -> tuple[Transaction, tuple[TxOut, ...]]:
    if maps.version != 0:
        raise DecodeError("a PSBT of version 0")
    unsigned = Transaction.decode(maps.general[UNSIGNED_TX])
    parents: dict[Txid, bytes] = {}
    inputs, spent = [], [virtual]
    for item, entries in zip(unsigned.inputs, maps.inputs, strict=True):
        witness = _stack(entries.get(_FINAL_WITNESS, b"\x00"))
        inputs.append(
            TxIn(item.prevout, entries.get(_FINAL_SCRIPT_SIG, b""), item.sequence, witness)
        )
        if len(inputs) > 1:
            spent.append(_spent(item.prevout, entries, parents))
    whole = Transaction.build(unsigned.version, inputs, unsigned.outputs, unsigned.locktime)
    return whole, tuple(spent)


def _spent(point: OutPoint, entries: Entries, parents: dict[Txid, bytes]) -> TxOut:
    """What an input claims; of inputs from one transaction the first alone needs to hold it."""
    txid = outpoint_txid(point)
    if NON_WITNESS_UTXO in entries:
        parents.setdefault(txid, entries[NON_WITNESS_UTXO])
    elif WITNESS_UTXO not in entries and txid in parents:
        entries = {NON_WITNESS_UTXO: parents[txid]}
    found = spent_output(point, entries)
    if found is None or not 0 <= found.amount_sat <= MAX_MONEY_SAT:
        raise DecodeError("what each input of the PSBT spends")
    return found


def _check_form(
    message: bytes, script_pubkey: bytes, whole: Transaction, spent: tuple[TxOut, ...]
) -> None:
    if not whole.inputs or len(whole.inputs) != len(spent):
        raise _Refused("more inputs than it says what they spend")
    if whole.prevouts[0] != outpoint(to_spend(message, script_pubkey).txid, 0):
        raise _Refused("it signs another message, or is by another address")
    if len(set(whole.prevouts)) != len(whole.prevouts) or NULL_OUTPOINT in whole.prevouts:
        raise _Refused("an input that cannot be")
    if whole.outputs != (_BURNT,):
        raise _Refused("outputs that a signature does not have")
