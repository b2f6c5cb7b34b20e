"""PSBTs of a wallet of many descriptors: what it knows is put in, and signed with its keys.

The scripts and keys of just those of our outputs that a PSBT spends or pays are handed to the
signer (`psbt/signing`), which signs as Bitcoin Core does. The private ones are gone with the call.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence

from axon.errors import DecodeError
from axon.primitives.bip32 import ExtendedKey
from axon.primitives.descriptor import Descriptor, parse_descriptor
from axon.primitives.hashes import hash160
from axon.primitives.keyexpression import KeyExpression, path_text
from axon.primitives.keys import sign_recoverable, taproot_output_key
from axon.primitives.transaction import OutPoint, Transaction, TxIn, TxOut, outpoint_txid
from axon.psbt.creator import Verify
from axon.psbt.described import add_descriptor
from axon.psbt.fields import (
    DERIVATION,
    NON_WITNESS_UTXO,
    TAP_DERIVATION,
    WITNESS_UTXO,
    Entries,
    key_type,
)
from axon.psbt.keyring import Keyring
from axon.psbt.partial import PartialTransaction, is_signed
from axon.psbt.signing import (
    PsbtSigner,
    SignOutcome,
    are_verified,
    drop_parents,
    extract,
    update_output,
)
from axon.wallet.descriptorwallet import DescriptorWallet
from axon.wallet.errors import SighashMismatch


def blank_psbt(transaction: Transaction) -> PartialTransaction:
    """A PSBT of a transaction of which nothing else is said; proofs are left out."""
    inputs = [TxIn(each.prevout, sequence=each.sequence) for each in transaction.inputs]
    unsigned = Transaction.build(
        transaction.version, inputs, transaction.outputs, transaction.locktime
    )
    return PartialTransaction.blank(unsigned)


def process(
    wallet: DescriptorWallet,
    psbt: PartialTransaction,
    verify: Verify,
    *,
    sign: bool,
    hash_type: int | None = None,
    derivations: bool = True,
    finalize: bool = True,
) -> bool:
    """Put in what the wallet knows of its coins and scripts, and sign what is its own.

    Args:
        psbt: is changed.
        verify: says whether a proof is good.
        sign: also sign.
        hash_type: which signatures are wanted; None for the usual.
        derivations: also say where keys come from.
        finalize: a whole proof is written.

    Returns:
        Whether every input has a good proof, those of others, too.

    Raises:
        KeysLocked: the passphrase is needed.
        SighashMismatch: the PSBT says another hash type.
    """
    keyring = _keyring(wallet, psbt, private=sign)
    if not derivations:
        keyring.origins.clear()
    for prevout, entries in zip(psbt.transaction.prevouts, psbt.inputs, strict=True):
        parent = wallet.ledger.transactions.get(outpoint_txid(prevout))
        if parent is not None and NON_WITNESS_UTXO not in entries and not is_signed(entries):
            entries[NON_WITNESS_UTXO] = parent.raw
    signer = PsbtSigner(psbt, keyring, verify)
    for index, entries in enumerate(psbt.inputs):
        if is_signed(entries):
            continue
        outcome, _ = signer.sign(index, hash_type, finalize=finalize)
        if outcome is SignOutcome.SIGHASH_MISMATCH:
            raise SighashMismatch("Specified sighash value does not match value stored in PSBT")
    for index in range(len(psbt.outputs)):
        update_output(psbt, index, keyring)
    drop_parents(psbt)
    return are_verified(psbt, verify)


def signed(
    wallet: DescriptorWallet,
    transaction: Transaction,
    verify: Verify,
    spent: Mapping[OutPoint, TxOut],
    hash_type: int | None = None,
) -> tuple[Transaction, bool]:
    """A transaction with what the wallet signs of it, and whether that is all.

    Args:
        transaction: proofs that it has stay where ours are none.
        spent: what inputs spend that is not known here.

    Raises:
        KeysLocked: the passphrase is needed.
    """
    psbt = blank_psbt(transaction)
    for prevout, entries in zip(psbt.transaction.prevouts, psbt.inputs, strict=True):
        if prevout in spent:
            entries[WITNESS_UTXO] = spent[prevout].encode()
    whole = process(wallet, psbt, verify, sign=True, hash_type=hash_type)
    made = extract(psbt)
    if whole:
        return made, True
    inputs = [
        new if is_signed(entries) else old
        for old, new, entries in zip(transaction.inputs, made.inputs, psbt.inputs, strict=True)
    ]
    return Transaction.build(made.version, inputs, made.outputs, made.locktime), False


def _keyring(wallet: DescriptorWallet, psbt: PartialTransaction, *, private: bool) -> Keyring:
    """What is ours of a PSBT; private keys only for what it spends."""
    ledger = wallet.ledger
    spent: list[bytes] = []
    for index, prevout in enumerate(psbt.transaction.prevouts):
        owned = ledger.owned.get(prevout)
        output = psbt.spent_output(index) if owned is None else owned.output
        if output is not None:
            script = output.script_pubkey
            ours = ledger.book.find(script) is not None
            spent += [script] if ours else _single_scripts(psbt.inputs[index])
    keyring = keyring_of(wallet, spent, private=private)
    for output in psbt.transaction.outputs:
        place = ledger.book.find(output.script_pubkey)
        if place is not None:
            add_descriptor(keyring, ledger.book.parsed(place.keychain), place.index)
    return keyring


def _single_scripts(entries: Entries) -> list[bytes]:
    """The scripts of one key that each key would have that an input names.

    Where such a script is ours so is the key, and it signs for the script of several that it
    stands in, as in Bitcoin Core: cosigners hold their keys in wallets of their own.
    """
    scripts: list[bytes] = []
    for name in entries:
        kind, key = key_type(name), name[1:]
        if kind == DERIVATION:
            scripts += _scripts_of(key)
        elif kind == TAP_DERIVATION:
            scripts += _scripts_of(b"\x02" + key) + _scripts_of(b"\x03" + key)
            with contextlib.suppress(DecodeError):  # It is no point, and nobody's key.
                scripts.append(b"\x51\x20" + taproot_output_key(key))
    return scripts


def _scripts_of(key: bytes) -> list[bytes]:
    """P2PKH, P2WPKH, and the latter in P2SH."""
    name = hash160(key)
    program = b"\x00\x14" + name
    return [
        b"\x76\xa9\x14" + name + b"\x88\xac",
        program,
        b"\xa9\x14" + hash160(program) + b"\x87",
    ]


def keyring_of(
    wallet: DescriptorWallet, scripts: Sequence[bytes], *, private: bool = True
) -> Keyring:
    """The scripts and keys behind those of some scripts that are ours.

    Raises:
        KeysLocked: the passphrase is needed.
    """
    book, keyring = wallet.ledger.book, Keyring()
    parsed: dict[int, Descriptor] = {}
    for place in dict.fromkeys(map(book.find, scripts)):
        if place is None:
            continue
        opens = private and book.held(place.keychain).private
        if place.keychain not in parsed:
            descriptor = book.parsed(place.keychain)
            parsed[place.keychain] = (
                private_descriptor(wallet, place.keychain) if opens else descriptor
            )
        add_descriptor(keyring, parsed[place.keychain], place.index, private=opens)
    return keyring


def private_descriptor(wallet: DescriptorWallet, keychain: int) -> Descriptor:
    """A descriptor with its private keys.

    Raises:
        KeysLocked: the passphrase is needed.
        WatchOnly: it has none here.
    """
    return parse_descriptor(wallet.keyring.private_text(keychain), wallet.network)[0]


def keys_of(descriptor: Descriptor) -> Sequence[KeyExpression]:
    """The keys of a descriptor that are single ones."""
    return [key for key in descriptor.all_keys() if isinstance(key, KeyExpression)]


def path_of(key: KeyExpression, index: int) -> str:
    """The path from the master key to one of its keys, as people write it."""
    return "m" + path_text(key.origin_of(index).path, apostrophe=False)


def sign_digest(wallet: DescriptorWallet, script: bytes, digest: bytes) -> bytes | None:
    """A signature of old, 65 bytes, with the one key of a script of ours; None if there is none.

    Raises:
        KeysLocked: the passphrase is needed.
    """
    place = wallet.ledger.book.find(script)
    if place is None or not wallet.ledger.book.held(place.keychain).private:
        return None
    for key in keys_of(private_descriptor(wallet, place.keychain)):
        secret = key.private_key(place.index)
        if secret is not None:
            return sign_recoverable(secret, digest, compressed=key.is_compressed)
    return None


def extended_keys(descriptor: Descriptor) -> list[ExtendedKey]:
    """The extended keys that a descriptor was given with."""
    found = [key.key for key in keys_of(descriptor)]
    return [key for key in found if isinstance(key, ExtendedKey)]
