"""PSBTs of a wallet of many descriptors: what it knows is put in, and signed with its keys.

BDK signs: it is given one descriptor at a time, with the keys of one of our scripts, and signs what
the PSBT says of that script. Inputs that are not ours are shown to nobody's key.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from struct import pack
from typing import Final

import bdkpython as bdk

from axon.primitives.bip32 import HARDENED, ExtendedKey
from axon.primitives.descriptor import Descriptor, parse_descriptor
from axon.primitives.encoding import Reader
from axon.primitives.keyexpression import KeyExpression, path_text
from axon.primitives.keys import decode_wif
from axon.primitives.transaction import Transaction, TxIn, TxOut, outpoint_txid
from axon.wallet.cosigning import sign_maps
from axon.wallet.descriptorwallet import DescriptorWallet
from axon.wallet.errors import BadPsbt
from axon.wallet.keys import bdk_network, network_kind
from axon.wallet.psbtmaps import (
    DERIVATION,
    FINAL_SCRIPT_SIG,
    FINAL_WITNESS,
    NON_WITNESS_UTXO,
    OUTPUT_DERIVATION,
    OUTPUT_REDEEM_SCRIPT,
    OUTPUT_TAP_DERIVATION,
    OUTPUT_TAP_INTERNAL_KEY,
    OUTPUT_WITNESS_SCRIPT,
    REDEEM_SCRIPT,
    SIGHASH_TYPE,
    TAP_DERIVATION,
    TAP_INTERNAL_KEY,
    UNSIGNED_TX,
    WITNESS_SCRIPT,
    WITNESS_UTXO,
    Entries,
    PsbtMaps,
)
from axon.wallet.scripts import Place

SIGHASH_NAMES: Final[dict[str, int | None]] = {
    "DEFAULT": None,
    "ALL": 1,
    "NONE": 2,
    "SINGLE": 3,
    "ALL|ANYONECANPAY": 0x81,
    "NONE|ANYONECANPAY": 0x82,
    "SINGLE|ANYONECANPAY": 0x83,
}
"""What a signature covers, as callers name it."""


@dataclass(frozen=True, slots=True)
class _Names:
    """The keys of the fields that say where a script comes from: of inputs, or of outputs."""

    redeem: bytes
    witness: bytes
    derivation: int
    tap_key: bytes
    tap_derivation: int


_INPUT: Final = _Names(REDEEM_SCRIPT, WITNESS_SCRIPT, DERIVATION, TAP_INTERNAL_KEY, TAP_DERIVATION)
_OUTPUT: Final = _Names(
    OUTPUT_REDEEM_SCRIPT,
    OUTPUT_WITNESS_SCRIPT,
    OUTPUT_DERIVATION,
    OUTPUT_TAP_INTERNAL_KEY,
    OUTPUT_TAP_DERIVATION,
)


def blank_psbt(transaction: Transaction) -> PsbtMaps:
    """A PSBT of a transaction of which nothing else is said; proofs are left out."""
    inputs = [TxIn(each.prevout, sequence=each.sequence) for each in transaction.inputs]
    unsigned = Transaction.build(
        transaction.version, inputs, transaction.outputs, transaction.locktime
    )
    blank: tuple[Entries, ...] = tuple([{} for _ in inputs])
    return PsbtMaps(0, {UNSIGNED_TX: unsigned.raw}, blank, tuple([{} for _ in transaction.outputs]))


def unsigned_of(maps: PsbtMaps) -> Transaction:
    """The transaction of a PSBT of version 0."""
    return Transaction.decode(maps.general[UNSIGNED_TX])


def fill(wallet: DescriptorWallet, maps: PsbtMaps, *, derivations: bool = True) -> PsbtMaps:
    """Put in what the wallet knows of its own coins and scripts (BIP 174, Updater).

    Args:
        derivations: also where keys come from.
    """
    transaction = unsigned_of(maps)
    inputs: list[Entries] = []
    for prevout, entries in zip(transaction.prevouts, maps.inputs, strict=True):
        owned = wallet.ledger.owned.get(prevout)
        if owned is None or FINAL_WITNESS in entries or FINAL_SCRIPT_SIG in entries:
            inputs.append(entries)
            continue
        parent = wallet.ledger.transactions[outpoint_txid(prevout)]
        fresh = dict(entries)
        if owned.output.script_pubkey[:1] == b"\x51":
            fresh[WITNESS_UTXO] = owned.output.encode()
        else:
            fresh[NON_WITNESS_UTXO] = parent.stripped
            if _is_witness(wallet, owned.place):
                fresh[WITNESS_UTXO] = owned.output.encode()
        inputs.append(fresh | _known(wallet, owned.place, _INPUT, derivations))
    outputs: list[Entries] = []
    for output, entries in zip(transaction.outputs, maps.outputs, strict=True):
        place = wallet.ledger.book.find(output.script_pubkey)
        known = {} if place is None else _known(wallet, place, _OUTPUT, derivations)
        outputs.append({**entries, **known})
    return replace(maps, inputs=tuple(inputs), outputs=tuple(outputs))


def sign(
    wallet: DescriptorWallet, maps: PsbtMaps, sighash: int | None = None, *, finalizes: bool = True
) -> tuple[PsbtMaps, bool]:
    """Sign what is ours.

    Args:
        maps: with what `fill` puts in.
        sighash: what the signatures cover; None for all.
        finalizes: inputs whose signatures are complete are made final.

    Returns:
        The PSBT, and whether all of its inputs are final, or could be.

    Raises:
        KeysLocked: the passphrase is needed.
        BadPsbt: BDK does not sign it.
    """
    book, transaction = wallet.ledger.book, unsigned_of(maps)
    for index, prevout in enumerate(transaction.prevouts):
        owned = wallet.ledger.owned.get(prevout)
        entries = maps.inputs[index]
        if owned is None or FINAL_WITNESS in entries or FINAL_SCRIPT_SIG in entries:
            continue
        if not book.held(owned.place.keychain).private:
            continue
        maps = _signed_input(wallet, maps, index, owned.place, sighash)
    final, complete = finalized(maps)
    return (final if finalizes else maps), complete


def finalized(maps: PsbtMaps) -> tuple[PsbtMaps, bool]:
    """A PSBT with all inputs final that can be, and whether these are all."""
    outcome = bdk.Psbt(b64encode(maps.encode()).decode()).finalize()
    return PsbtMaps.decode(b64decode(outcome.psbt.serialize())), bool(outcome.could_finalize)


def extracted(maps: PsbtMaps, before: Transaction | None = None) -> Transaction:
    """The transaction with the proofs that are final.

    Args:
        before: whose proofs stay where the PSBT has none.
    """
    unsigned = unsigned_of(maps)
    old = unsigned.inputs if before is None else before.inputs
    inputs = []
    for item, entries in zip(old, maps.inputs, strict=True):
        script_sig, witness = item.script_sig, item.witness
        if FINAL_SCRIPT_SIG in entries or FINAL_WITNESS in entries:
            script_sig = entries.get(FINAL_SCRIPT_SIG, b"")
            witness = _stack(entries.get(FINAL_WITNESS, b""))
        inputs.append(replace(item, script_sig=script_sig, witness=witness))
    return Transaction.build(unsigned.version, inputs, unsigned.outputs, unsigned.locktime)


def with_spent(maps: PsbtMaps, spent: Mapping[int, TxOut]) -> PsbtMaps:
    """A PSBT that says of some inputs what they spend.

    Args:
        spent: outputs by the place of the input.
    """
    inputs = list(maps.inputs)
    for place, output in spent.items():
        inputs[place] = {**inputs[place], WITNESS_UTXO: output.encode()}
    return replace(maps, inputs=tuple(inputs))


def _stack(data: bytes) -> tuple[bytes, ...]:
    if not data:
        return ()
    reader = Reader(data)
    return tuple([reader.var_bytes() for _ in range(reader.compact_size())])


def _signed_input(
    wallet: DescriptorWallet, maps: PsbtMaps, index: int, place: Place, sighash: int | None
) -> PsbtMaps:
    """One input signed with the keys of its script."""
    names = _known(wallet, place, _INPUT, derivations=True)
    shown: list[Entries] = []
    for at, entries in enumerate(maps.inputs):
        kept = {key: entries[key] for key in entries if key[0] not in (DERIVATION, TAP_DERIVATION)}
        if at == index:
            kept |= names
            if sighash is not None:
                kept[SIGHASH_TYPE] = pack("<I", sighash)
        shown.append(kept)
    text = _private_text(wallet, place)
    try:
        descriptor = bdk.Descriptor(text, network_kind(wallet.network))
    except bdk.DescriptorError:
        raise BadPsbt("BDK signs for no such descriptor") from None
    signer = bdk.Wallet.create_single(
        descriptor, bdk_network(wallet.network), bdk.Persister.new_in_memory()
    )
    signed = sign_maps(
        signer, replace(maps, inputs=tuple(shown)), finalizes=False, any_sighash=True
    )
    merged = list(maps.inputs)
    merged[index] = {**merged[index], **signed.inputs[index]}
    if names and not any(key in maps.inputs[index] for key in names):
        merged[index] = {key: value for key, value in merged[index].items() if key not in names}
    return replace(maps, inputs=tuple(merged))


def _private_text(wallet: DescriptorWallet, place: Place) -> str:
    """The descriptor of one script of ours with its private keys, as BDK takes it."""
    text = wallet.keyring.private_text(place.keychain)
    parsed = parse_descriptor(text, wallet.network)[0]
    if parsed.name == "combo":
        script = wallet.ledger.book.parsed(place.keychain)
        form = _combo_form(script, place)
        text = form.format(text.partition("(")[2].rstrip(")"))
    for mark in ("/*h", "/*'", "/*H"):
        text = text.replace(mark, f"/{place.index}h")
    return _without_wif(wallet, text.replace("/*", f"/{place.index}"))


def _combo_form(descriptor: Descriptor, place: Place) -> str:
    """Which of the four forms of a `combo` is meant cannot be told from its place: the one that
    people are paid at."""
    del descriptor, place
    return "wpkh({})"


def _without_wif(wallet: DescriptorWallet, text: str) -> str:
    """A single private key as an extended one: BDK signs with that only what names it."""
    network = wallet.network
    head, _, rest = text.rpartition("(")
    parts = []
    for part in rest.split(","):
        body = part.rstrip(")")
        tail = part[len(body) :]
        origin, mark, key = body.rpartition("]")
        try:
            secret, compressed = decode_wif(key, network)
        except ValueError:
            parts.append(part)
            continue
        if not compressed:
            parts.append(part)
            continue
        extended = ExtendedKey(0, bytes(4), 0, bytes(32), b"\x00" + secret).encode(network)
        parts.append(origin + mark + extended + tail)
    return f"{head}({','.join(parts)}"


def _is_witness(wallet: DescriptorWallet, place: Place) -> bool:
    descriptor = wallet.ledger.book.parsed(place.keychain)
    inner = descriptor.inner
    if descriptor.name == "sh" and inner is not None:
        return inner.name in ("wpkh", "wsh")
    return descriptor.name in ("wpkh", "wsh", "tr", "rawtr", "combo")


def _known(wallet: DescriptorWallet, place: Place, names: _Names, derivations: bool) -> Entries:
    """What is known of one of our scripts."""
    descriptor, index = wallet.ledger.book.parsed(place.keychain), place.index
    found: Entries = {}
    inner = descriptor.inner
    if descriptor.name == "sh" and inner is not None:
        found[names.redeem] = inner.scripts(index)[0]
        if inner.name == "wsh" and inner.inner is not None:
            found[names.witness] = inner.inner.scripts(index)[0]
    elif descriptor.name == "wsh" and inner is not None:
        found[names.witness] = inner.scripts(index)[0]
    if descriptor.name == "tr":
        found[names.tap_key] = descriptor.keys[0].public_key(index)[1:]
    if derivations:
        for key in keys_of(descriptor):
            found |= _derivation(key, index, names, is_tap=descriptor.name in ("tr", "rawtr"))
    return found


def keys_of(descriptor: Descriptor) -> Sequence[KeyExpression]:
    """The keys of a descriptor, but for those in the scripts below a taproot key."""
    keys = [key for key in descriptor.keys if isinstance(key, KeyExpression)]
    if descriptor.inner is not None:
        keys += keys_of(descriptor.inner)
    return keys


def _derivation(key: KeyExpression, index: int, names: _Names, *, is_tap: bool) -> Entries:
    fixed = key.fixed(index)
    assert fixed.origin is not None, "a fixed key has one"
    public = fixed.public_key(0)
    source = fixed.origin.fingerprint + b"".join([pack("<I", step) for step in fixed.origin.path])
    if is_tap:
        return {bytes((names.tap_derivation,)) + public[1:]: b"\x00" + source}
    return {bytes((names.derivation,)) + public: source}


def path_of(key: KeyExpression, index: int) -> str:
    """The path from the master key to one of its keys, as people write it."""
    origin = key.fixed(index).origin
    assert origin is not None, "a fixed key has one"
    return "m" + path_text(origin.path, apostrophe=False)


def secret_of(wallet: DescriptorWallet, script: bytes) -> bytes | None:
    """The secret behind a script of a single key; None of another, or if it is not here.

    Raises:
        KeysLocked: the passphrase is needed.
    """
    place = wallet.ledger.book.find(script)
    if place is None or not wallet.ledger.book.held(place.keychain).private:
        return None
    text = _private_text(wallet, place)
    key = text.rpartition("(")[2].rstrip(")").rpartition("]")[2]
    if "," in key:
        return None
    first, *steps = key.split("/")
    path = [int(step.rstrip("h'H")) + (HARDENED if step[-1] in "h'H" else 0) for step in steps]
    return ExtendedKey.decode(first, wallet.network).descend(tuple(path)).key[1:]
