"""Signatures that several signers make together: their parts, put together (BIP 327, BIP 373).

Nonces and partial signatures are taken as the map of an input has them. None is made here: whoever
makes a nonce must keep its secret half until all the others are there.
"""

from __future__ import annotations

from collections.abc import Iterator

from axon.errors import DecodeError
from axon.primitives.bip32 import HARDENED
from axon.primitives.hashes import hash160
from axon.primitives.keys import add_to_public_key, tagged_hash
from axon.primitives.musig2 import MusigTweak, aggregate, synthetic_key
from axon.psbt.creator import Creator
from axon.psbt.fields import MUSIG2_PARTIAL_SIG, MUSIG2_PUB_NONCE, Entries
from axon.psbt.gathered import Gathered
from axon.psbt.keyring import Keyring

_KEY = 33  # Bytes of a compressed public key.
_LEAF = 32  # Bytes of a leaf's hash; where there is none it is left out, or all zero.


def together(
    keyring: Keyring,
    creator: Creator,
    known: Gathered,
    key: bytes,
    *,
    leaf: bytes | None = None,
    root: bytes | None = None,
) -> bytes:
    """The signature of an aggregate key whose signers have all signed; empty if there is none.

    Where the participants' keys come from is noted in `known`: one of them may still be needed.

    Args:
        key: x-only, an aggregate or derived from one.
        leaf: the hash of the script; None for the key path.
        root: of the scripts (empty: there are none) if the key is an internal one.
    """
    signature = b""
    for own, participants in sorted(known.participants.items()):
        for each in participants:
            origin = keyring.origins.get(hash160(each))
            if origin is not None:
                known.note_tap_origin(each[1:], origin, leaf)
        try:
            signed, tweaks = _path_to(own, key, known, root)
            if not participants or aggregate(participants) != own:
                continue
        except DecodeError:
            continue  # What others wrote leads to no key, or to another one.
        nonces = dict(_of_signers(known.musig2, MUSIG2_PUB_NONCE, signed, leaf))
        partials = dict(_of_signers(known.musig2, MUSIG2_PARTIAL_SIG, signed, leaf))
        if len(nonces) == len(partials) == len(participants):
            found = creator.musig(participants, tweaks, nonces, partials, leaf=leaf)
            signature = found or signature
    return signature


def _path_to(
    own: bytes, key: bytes, known: Gathered, root: bytes | None
) -> tuple[bytes, list[MusigTweak]]:
    """The key that is signed with, 33 bytes, and what leads to it from an aggregate.

    Raises:
        DecodeError: nothing leads from this aggregate to the key.
    """
    tweaks: list[MusigTweak] = []
    signed = own
    if own[1:] != key:
        _, origin = known.tap_origins.get(key, (set(), b""))
        if len(origin) <= 4 or origin[:4] != hash160(own)[:4]:
            raise DecodeError("a key that is derived from this aggregate")
        child = synthetic_key(own)
        for at in range(4, len(origin), 4):
            number = int.from_bytes(origin[at : at + 4], "little")
            if number >= HARDENED:
                raise DecodeError("derivations that need no private key")
            tweaks.append(MusigTweak(child.tweak(number), x_only=False))
            child = child.child(number)
        signed = child.public_key
        if signed[1:] != key:
            raise DecodeError("the key at the end of its path")
    if root is not None:
        tweak = tagged_hash("TapTweak", key + root)
        tweaks.append(MusigTweak(tweak, x_only=True))
        signed = add_to_public_key(b"\x02" + key, tweak)
    return signed, tweaks


def _of_signers(
    entries: Entries, kind: int, signed: bytes, leaf: bytes | None
) -> Iterator[tuple[bytes, bytes]]:
    """What signers have given for a key and a leaf, by their own key."""
    wanted = signed + (leaf or bytes(_LEAF))
    for name, value in entries.items():
        if name[0] == kind and name[1 + _KEY :].ljust(_KEY + _LEAF, b"\0") == wanted:
            yield name[1 : 1 + _KEY], value
