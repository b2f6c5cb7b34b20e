"""PSBTs and scripts as callers of a node bring them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from axon.consensus.inputs import InputVerifier
from axon.primitives.miniscript.decoding import decode_miniscript
from axon.primitives.miniscript.fragments import ScriptContext
from axon.primitives.miniscript.writing import to_script
from axon.primitives.network import REGTEST
from axon.psbt.analysis import analyze
from axon.psbt.keyring import NO_KEYS
from axon.psbt.partial import MAGIC, PartialTransaction
from axon.psbt.signing import PsbtSigner, extract
from axon.psbt.stream import PsbtFault
from axon.rpc.shapes.psbts import needs_json, psbt_json


def brought_psbt(data: bytes) -> None:
    """A PSBT is read, written, shown, analysed, combined and finished, whatever is in it."""
    for raw in (data, MAGIC + data):
        try:
            read = PartialTransaction.decode(raw)
        except PsbtFault:
            continue
        written = read.encode()
        again = PartialTransaction.decode(written)
        assert again.encode() == written
        psbt_json(read, REGTEST)
        needs_json(analyze(read, InputVerifier(), lambda transaction, _: transaction.vsize))
        merged = read.copy()
        assert merged.combine(again)
        signer = PsbtSigner(merged, NO_KEYS, InputVerifier())
        for index in range(len(merged.inputs)):
            signer.sign(index)
        extract(merged)
        merged.encode()


def miniscript_of_script(data: bytes) -> None:
    """A script is a miniscript in one way, which has that script."""
    for context in ScriptContext:
        node = decode_miniscript(data, context, lambda _: None)
        if node is not None:
            assert to_script(node, _bytes_of) == data


def _bytes_of(key: object) -> bytes:
    assert isinstance(key, bytes)
    return key


TARGETS: Final[dict[str, Callable[[bytes], None]]] = {
    "brought-psbt": brought_psbt,
    "miniscript-of-script": miniscript_of_script,
}
