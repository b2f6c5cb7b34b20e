"""Inputs of others that this wallet can sign: multisig, or another account of the same words.

A PSBT names for each input the keys that can sign it, by the fingerprint of a master key and the
path from there (BIP 174, BIP 371). Where both lead to that very key here, the input is signed. What
such an input spends is not in our records, so it must be shown whole, by the previous transaction:
a signature of a version 0 witness is also good for the amount that was told, true or not.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import bdkpython as bdk

from axon.errors import DecodeError
from axon.primitives.bip32 import ExtendedKey
from axon.primitives.hashes import hash160, sha256
from axon.primitives.keyexpression import path_text
from axon.primitives.network import Network
from axon.primitives.script import is_p2sh, witness_program
from axon.primitives.transaction import Transaction
from axon.wallet.errors import BadPsbt
from axon.wallet.keys import bdk_network, network_kind
from axon.wallet.ledger import WalletLedger
from axon.wallet.psbt import Psbt
from axon.wallet.psbtmaps import (
    NON_WITNESS_UTXO,
    REDEEM_SCRIPT,
    UNSIGNED_TX,
    WITNESS_SCRIPT,
    Entries,
    PsbtMaps,
    named_derivations,
)

_FINGERPRINT: Final = re.compile(r"\[([0-9a-fA-F]{8})")
_X_ONLY_SIZE: Final = 32

MAX_NAMED_KEYS: Final = 2_000
"""Keys of ours that one PSBT may name: more than the inputs that fit into what nodes relay."""

_MAX_STEPS: Final = 16
"""Of a path; wallets use six at most, and each one costs a derivation."""

_REASONS: Final = {
    "NonStandardSighash": "it asks for a signature that leaves a part of the payment open",
    "InvalidSighash": "it asks for a signature of a kind that the coin does not allow",
}
"""BDK's refusals in our words."""


@dataclass(frozen=True, slots=True)
class NamedKey:
    """A key that an input of a PSBT names.

    Args:
        index: of the input.
        entry: the key and the value that say so in the input's map.
        public_key: 33 bytes, or 32 in taproot.
        path: from the master key.
        function: `wpkh`, `pkh` or `tr`: how the input's signature is made.
    """

    index: int
    entry: tuple[bytes, bytes]
    public_key: bytes
    path: tuple[int, ...]
    function: str


def fingerprints(ledger: WalletLedger) -> frozenset[bytes]:
    """Of the master keys that this wallet's descriptors name, 4 bytes each."""
    texts = [ledger.book.text(keychain) for keychain in ledger.book.keychains]
    return frozenset(bytes.fromhex(found) for text in texts for found in _FINGERPRINT.findall(text))


def named_inputs(ledger: WalletLedger, psbt: Psbt) -> list[NamedKey]:
    """The keys of this wallet that inputs name which are no coins of this wallet.

    Whether a path leads to the key cannot be told without the words.

    Raises:
        BadPsbt: more of them than any wallet would write.
    """
    own, found = fingerprints(ledger), []
    for index, entries in enumerate(PsbtMaps.decode(psbt.raw).inputs):
        if psbt.transaction.prevouts[index] in ledger.owned:
            continue
        for each in named_derivations(entries):
            function = _function(psbt, index, entries, each.public_key)
            if each.fingerprint in own and function is not None:
                entry = each.key, entries[each.key]
                found.append(NamedKey(index, entry, each.public_key, each.path, function))
    if len(found) > MAX_NAMED_KEYS:
        raise BadPsbt(f"this PSBT names more than {MAX_NAMED_KEYS} keys of this wallet: split it")
    return found


def names_set_aside(ledger: WalletLedger, maps: PsbtMaps) -> tuple[PsbtMaps, tuple[Entries, ...]]:
    """A PSBT in which only our own coins name keys of ours, and the names of the other inputs.

    BDK signs whatever names a key that it has. So it is shown one key at a time, and only where the
    scripts fit.
    """
    own = fingerprints(ledger)
    prevouts = Transaction.decode(maps.general[UNSIGNED_TX]).prevouts
    names: list[Entries] = []
    for prevout, entries in zip(prevouts, maps.inputs, strict=True):
        named = [] if prevout in ledger.owned else named_derivations(entries)
        keys = [each.key for each in named if each.fingerprint in own]
        names.append({key: entries[key] for key in keys})
    return _changed(maps, names, put=False), tuple(names)


def names_put_back(maps: PsbtMaps, names: Sequence[Entries]) -> PsbtMaps:
    """The same with names that were set aside."""
    return _changed(maps, names, put=True)


def cosign(
    maps: PsbtMaps, named: Iterable[NamedKey], master: bdk.DescriptorSecretKey, network: Network
) -> tuple[PsbtMaps, int]:
    """Sign inputs with the keys that they name, as far as these are keys of ours.

    Args:
        maps: with all names set aside.
        named: of its inputs.
        master: the master key.

    Returns:
        The PSBT with the signatures, and how many of the keys are ours.

    Raises:
        BadPsbt: BDK does not sign it.
    """
    text = str(master).partition("/")[0]
    root = ExtendedKey.decode(text, network)
    ours = [each for each in named if _leads_to(root, each)]
    for each in ours:
        names: list[Entries] = [{} for _ in maps.inputs]
        names[each.index] = dict((each.entry,))
        steps = path_text(each.path, apostrophe=False)
        descriptor = bdk.Descriptor(f"{each.function}({text}{steps})", network_kind(network))
        signer = bdk.Wallet.create_single(
            descriptor, bdk_network(network), bdk.Persister.new_in_memory()
        )
        signed = sign_maps(signer, _changed(maps, names, put=True), finalizes=False)
        maps = _changed(signed, names, put=False)
    return maps, len(ours)


def sign_maps(signer: bdk.Wallet, maps: PsbtMaps, *, finalizes: bool) -> PsbtMaps:
    """A PSBT with the signatures that a wallet of BDK's gives.

    Args:
        maps: what its own inputs spend was put in from our records.
        finalizes: whether inputs whose signatures are complete are made final.

    Raises:
        BadPsbt: BDK does not sign it.
    """
    psbt = bdk.Psbt(b64encode(maps.encode()).decode())
    options = bdk.SignOptions(
        trust_witness_utxo=True,  # Of inputs that others sign; what we sign was checked before.
        assume_height=None,
        allow_all_sighashes=False,
        try_finalize=finalizes,
        sign_with_tap_internal_key=True,
        allow_grinding=True,
    )
    try:
        signer.sign(psbt, options)
    except bdk.SignerError as error:
        name = type(error).__name__
        raise BadPsbt(
            f"this PSBT cannot be signed: {_REASONS.get(name) or str(error) or name}"
        ) from None
    return PsbtMaps.decode(b64decode(psbt.serialize()))


def _changed(maps: PsbtMaps, names: Sequence[Entries], *, put: bool) -> PsbtMaps:
    inputs = [
        entries | named if put else {key: entries[key] for key in entries if key not in named}
        for entries, named in zip(maps.inputs, names, strict=True)
    ]
    return replace(maps, inputs=tuple(inputs))


def check_shown(psbt: Psbt, named: Iterable[NamedKey]) -> None:
    """See that the inputs which are to be signed show the whole of what they spend.

    Raises:
        BadPsbt: one does not.
    """
    inputs = PsbtMaps.decode(psbt.raw).inputs
    for each in named:
        if each.function != "tr" and NON_WITNESS_UTXO not in inputs[each.index]:
            raise BadPsbt(
                f"input {each.index} is no coin of this wallet and comes without its previous"
                " transaction, so what it holds cannot be checked: ask for a PSBT with it"
            )


def _leads_to(root: ExtendedKey, named: NamedKey) -> bool:
    if len(named.path) > _MAX_STEPS:
        return False
    try:
        found = root.descend(named.path).public_key
    except DecodeError:
        return False
    return found[-len(named.public_key) :] == named.public_key


def _function(psbt: Psbt, index: int, entries: Entries, public_key: bytes) -> str | None:
    """How an input is signed with a key; None if that is not known, or its scripts do not fit."""
    output = psbt.spent[index]
    if output is None:
        return None
    script = output.script_pubkey
    redeem = entries.get(REDEEM_SCRIPT)
    if is_p2sh(script):
        if redeem is None or script[2:22] != hash160(redeem):
            return None
        script = redeem
    program = witness_program(script)
    if program is None:
        fits = public_key in script or hash160(public_key) in script
        return "pkh" if fits else None
    version, target = program
    if version == 1:
        return "tr" if len(public_key) == _X_ONLY_SIZE else None
    if len(target) == _X_ONLY_SIZE:
        inner = entries.get(WITNESS_SCRIPT)
        if inner is None or target != sha256(inner):
            return None
        return "wpkh" if public_key in inner or hash160(public_key) in inner else None
    return "wpkh" if target == hash160(public_key) else None
