"""A descriptor for a bare script, as far as the script shows what it is."""

from __future__ import annotations

from axon.primitives.address import encode_address
from axon.primitives.descriptorchecksum import with_checksum
from axon.primitives.hashes import sha256
from axon.primitives.keys import is_x_only_key
from axon.primitives.miniscript.decoding import decode_miniscript
from axon.primitives.miniscript.fragments import ScriptContext
from axon.primitives.miniscript.sanity import has_duplicate_keys, is_sane
from axon.primitives.miniscript.writing import to_text
from axon.primitives.network import Network
from axon.primitives.solver import MULTISIG, PUBKEY, WITNESS_V1_TAPROOT, Solved, solve


def infer_descriptor(
    script: bytes,
    network: Network,
    *,
    solved: Solved | None = None,
    address: str | None = None,
    witness_script: bytes | None = None,
) -> str:
    """A descriptor, with checksum, of a script about which nothing else is known.

    Args:
        solved: what kind of script it is, if that is known already.
        address: its address, likewise.
        witness_script: what a P2WSH output is known to commit to.
    """
    if witness_script is not None and script == b"\x00\x20" + sha256(witness_script):
        inner = _keys_of(solve(witness_script), compressed=True)
        inner = inner or _miniscript_of(witness_script)
        if inner is not None:
            return with_checksum(f"wsh({inner})")
    solved = solved or solve(script)
    text = _keys_of(solved, compressed=False)
    if text is None and solved.kind == WITNESS_V1_TAPROOT and is_x_only_key(solved.parts[0]):
        text = f"rawtr({solved.parts[0].hex()})"
    if text is None:
        address = address or encode_address(script, network)
        text = f"raw({script.hex()})" if address is None else f"addr({address})"
    return with_checksum(text)


def _keys_of(solved: Solved, *, compressed: bool) -> str | None:
    """`pk` or `multi` where a script shows its keys; None where it does not."""
    if solved.kind not in (PUBKEY, MULTISIG):
        return None
    sizes = (33,) if compressed else (33, 65)
    if not all(len(key) in sizes and key[0] in (2, 3, 4) for key in solved.parts):
        return None
    keys = ",".join(key.hex() for key in solved.parts)
    return f"pk({keys})" if solved.kind == PUBKEY else f"multi({solved.required},{keys})"


def _miniscript_of(script: bytes) -> str | None:
    """The text of a witness script that is safe miniscript; its keys must stand in it whole."""
    node = decode_miniscript(script, ScriptContext.P2WSH, lambda _: None)
    if node is None or not is_sane(node, has_duplicate_keys(node, lambda key: key)):
        return None
    return to_text(node, _key_hex)


def _key_hex(key: object) -> str:
    assert isinstance(key, bytes)
    return key.hex()
