"""What is known for spending one output: scripts, keys, signatures, preimages; what is missing.

An input's map is read into it, signatures are made from it and added to it, and it is written back.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from axon.errors import DecodeError
from axon.primitives.encoding import compact_size, read_compact_size, var_bytes
from axon.primitives.hashes import hash160
from axon.primitives.keys import is_x_only_key
from axon.psbt.fields import (
    DERIVATION,
    FINAL_SCRIPT_SIG,
    FINAL_WITNESS,
    MUSIG2_PARTICIPANTS,
    OUT_DERIVATION,
    OUT_MUSIG2_PARTICIPANTS,
    OUT_REDEEM_SCRIPT,
    OUT_TAP_DERIVATION,
    OUT_TAP_INTERNAL_KEY,
    OUT_TAP_TREE,
    OUT_WITNESS_SCRIPT,
    PARTIAL_SIG,
    REDEEM_SCRIPT,
    TAP_DERIVATION,
    TAP_INTERNAL_KEY,
    TAP_KEY_SIG,
    TAP_LEAF_SCRIPT,
    TAP_MERKLE_ROOT,
    TAP_SCRIPT_SIG,
    WITNESS_SCRIPT,
    Entries,
)
from axon.psbt.stream import PsbtStream, read_stack
from axon.psbt.taptrees import Leaf, TapSpend, decode_tree, encode_tree, spend_of

_FINAL_DROPS = (PARTIAL_SIG, DERIVATION, REDEEM_SCRIPT[0], WITNESS_SCRIPT[0])


@dataclass(slots=True)
class Missing:
    """What could not be found: hashes of 20 bytes, of a witness script 32; empty if nothing."""

    keys: list[bytes] = field(default_factory=list)
    signatures: list[bytes] = field(default_factory=list)
    redeem_script: bytes = b""
    witness_script: bytes = b""


@dataclass(slots=True)
class Gathered:
    """What is known for spending one output.

    Args:
        script_sig, witness: the proof, once there is one.
        is_complete: whether that proof is a whole one.
        is_witness: whether it is one of a witness output.
        redeem_script, witness_script: what stands behind the hashes; empty if unknown.
        signatures: public key and signature by the key's hash160.
        origins: public key and where it comes from (fingerprint, path) by its hash160.
        tap_key_sig: of the key path; empty if there is none.
        tap_script_sigs: by x-only key and leaf hash.
        tap_origins: leaf hashes and origin by x-only key.
        internal_key, merkle_root: of a taproot output; empty if unknown.
        leaf_scripts: control blocks by script and leaf version.
        tree: the leaves of a taproot output.
        preimages: by type of hash and hash.
        participants: of aggregate keys (BIP 373), in order, by the aggregate.
        musig2: nonces and partial signatures as the map of an input holds them.
    """

    script_sig: bytes = b""
    witness: tuple[bytes, ...] = ()
    is_complete: bool = False
    is_witness: bool = False
    redeem_script: bytes = b""
    witness_script: bytes = b""
    signatures: dict[bytes, tuple[bytes, bytes]] = field(default_factory=dict)
    origins: dict[bytes, tuple[bytes, bytes]] = field(default_factory=dict)
    tap_key_sig: bytes = b""
    tap_script_sigs: dict[tuple[bytes, bytes], bytes] = field(default_factory=dict)
    tap_origins: dict[bytes, tuple[set[bytes], bytes]] = field(default_factory=dict)
    internal_key: bytes = b""
    merkle_root: bytes = b""
    leaf_scripts: dict[tuple[bytes, int], set[bytes]] = field(default_factory=dict)
    tree: list[Leaf] = field(default_factory=list)
    preimages: dict[tuple[int, bytes], bytes] = field(default_factory=dict)
    participants: dict[bytes, tuple[bytes, ...]] = field(default_factory=dict)
    musig2: Entries = field(default_factory=dict)
    missing: Missing = field(default_factory=Missing)

    def take_spend(self, spend: TapSpend) -> None:
        """Add what is needed to spend a taproot output."""
        self.internal_key = self.internal_key or spend.internal_key
        self.merkle_root = self.merkle_root or spend.merkle_root
        for leaf, controls in spend.scripts.items():
            self.leaf_scripts.setdefault(leaf, set()).update(controls)

    def note_tap_origin(self, key: bytes, origin: bytes, leaf: bytes | None = None) -> None:
        """Add where an x-only key comes from, and a leaf in which it stands."""
        leaves, _ = self.tap_origins.setdefault(key, (set(), origin))
        if leaf is not None:
            leaves.add(leaf)

    def key_of(self, key_hash: bytes) -> bytes | None:
        """The public key with this hash160, if it was met."""
        for table in (self.signatures, self.origins):
            if key_hash in table:
                return table[key_hash][0]
        for key in self.tap_origins:
            if hash160(key) == key_hash:
                return b"\x02" + key
        return None


def from_input(entries: Entries) -> Gathered:
    """What the map of an input says."""
    known = Gathered()
    if FINAL_SCRIPT_SIG in entries or FINAL_WITNESS in entries:
        known.script_sig = entries.get(FINAL_SCRIPT_SIG, b"")
        witness = entries.get(FINAL_WITNESS)
        known.witness = () if witness is None else read_stack(PsbtStream(witness))
        known.is_complete = True
        return known
    known.redeem_script = entries.get(REDEEM_SCRIPT, b"")
    known.witness_script = entries.get(WITNESS_SCRIPT, b"")
    known.tap_key_sig = entries.get(TAP_KEY_SIG, b"")
    known.internal_key = entries.get(TAP_INTERNAL_KEY, b"")
    known.merkle_root = entries.get(TAP_MERKLE_ROOT, b"")
    for key, value in entries.items():
        match key[0]:
            case 0x02:
                known.signatures[hash160(key[1:])] = key[1:], value
            case 0x06:
                known.origins[hash160(key[1:])] = key[1:], value
            case 0x14:
                known.tap_script_sigs[key[1:33], key[33:]] = value
            case 0x15:
                known.leaf_scripts.setdefault((value[:-1], value[-1]), set()).add(key[1:])
            case 0x16:
                known.tap_origins[key[1:]] = split_tap_origin(value)
            case 0x0A | 0x0B | 0x0C | 0x0D:
                known.preimages[key[0], key[1:]] = value
            case 0x1A:
                known.participants[key[1:]] = split_participants(value)
            case 0x1B | 0x1C:
                known.musig2[key] = value
    return known


def into_input(known: Gathered, entries: Entries) -> None:
    """Write what is known into the map of an input; a whole proof takes the place of the rest."""
    if known.is_complete:
        for key in [key for key in entries if key[0] in _FINAL_DROPS]:
            del entries[key]
        if known.script_sig:
            entries[FINAL_SCRIPT_SIG] = known.script_sig
        if known.witness:
            stack = b"".join(map(var_bytes, known.witness))
            entries[FINAL_WITNESS] = compact_size(len(known.witness)) + stack
        return
    for key, signature in known.signatures.values():
        entries.setdefault(bytes((PARTIAL_SIG,)) + key, signature)
    _put(entries, REDEEM_SCRIPT, known.redeem_script, over=False)
    _put(entries, WITNESS_SCRIPT, known.witness_script, over=False)
    _put_origins(entries, known, DERIVATION, TAP_DERIVATION, MUSIG2_PARTICIPANTS)
    _put(entries, TAP_KEY_SIG, known.tap_key_sig)
    for (key, leaf), signature in known.tap_script_sigs.items():
        entries.setdefault(bytes((TAP_SCRIPT_SIG,)) + key + leaf, signature)
    _put(entries, TAP_INTERNAL_KEY, known.internal_key)
    _put(entries, TAP_MERKLE_ROOT, known.merkle_root)
    leaves = {
        (value[:-1], value[-1]) for key, value in entries.items() if key[0] == TAP_LEAF_SCRIPT
    }
    for (script, version), controls in known.leaf_scripts.items():
        if (script, version) not in leaves:
            for control in controls:
                entries[bytes((TAP_LEAF_SCRIPT,)) + control] = script + bytes((version,))
    for key, value in known.musig2.items():
        entries.setdefault(key, value)


def from_output(entries: Entries) -> Gathered:
    """What the map of an output says."""
    known = Gathered(
        redeem_script=entries.get(OUT_REDEEM_SCRIPT, b""),
        witness_script=entries.get(OUT_WITNESS_SCRIPT, b""),
    )
    tree, internal = entries.get(OUT_TAP_TREE), entries.get(OUT_TAP_INTERNAL_KEY)
    # A tree below no key says nothing: whoever wrote it must not keep others from signing.
    if tree is not None and internal is not None and is_x_only_key(internal):
        known.take_spend(spend_of(internal, decode_tree(tree)))
    for key, value in entries.items():
        match key[0]:
            case 0x02:
                known.origins[hash160(key[1:])] = key[1:], value
            case 0x07:
                known.tap_origins[key[1:]] = split_tap_origin(value)
            case 0x08:
                known.participants[key[1:]] = split_participants(value)
    return known


def into_output(known: Gathered, entries: Entries) -> None:
    """Write what is known into the map of an output."""
    _put(entries, OUT_REDEEM_SCRIPT, known.redeem_script, over=False)
    _put(entries, OUT_WITNESS_SCRIPT, known.witness_script, over=False)
    _put_origins(entries, known, OUT_DERIVATION, OUT_TAP_DERIVATION, OUT_MUSIG2_PARTICIPANTS)
    _put(entries, OUT_TAP_INTERNAL_KEY, known.internal_key)
    _put(entries, OUT_TAP_TREE, encode_tree(known.tree))


def split_tap_origin(value: bytes) -> tuple[set[bytes], bytes]:
    """Leaf hashes and origin of a taproot derivation.

    Raises:
        DecodeError: it is malformed.
    """
    count, begin = read_compact_size(value, 0)
    end = begin + 32 * count
    if end > len(value):
        raise DecodeError(f"{count} leaf hashes", begin)
    return {value[at : at + 32] for at in range(begin, end, 32)}, value[end:]


def split_participants(value: bytes) -> tuple[bytes, ...]:
    """The participants of an aggregate key, 33 bytes each."""
    return tuple([value[at : at + 33] for at in range(0, len(value), 33)])


def _put(entries: Entries, key: bytes, value: bytes, *, over: bool = True) -> None:
    if value and (over or key not in entries):
        entries[key] = value


def _put_origins(entries: Entries, known: Gathered, plain: int, taproot: int, musig2: int) -> None:
    for key, origin in known.origins.values():
        entries.setdefault(bytes((plain,)) + key, origin)
    for key, (leaves, origin) in known.tap_origins.items():
        value = compact_size(len(leaves)) + b"".join(sorted(leaves)) + origin
        entries.setdefault(bytes((taproot,)) + key, value)
    for aggregate, parts in known.participants.items():
        entries.setdefault(bytes((musig2,)) + aggregate, b"".join(parts))
