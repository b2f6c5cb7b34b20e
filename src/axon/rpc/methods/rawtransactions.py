"""Transactions as bytes: found, taken apart, drafted."""

from __future__ import annotations

from typing import Final

from axon.errors import DecodeError
from axon.primitives.address import encode_address
from axon.primitives.hashes import hash160, sha256
from axon.primitives.network import Network
from axon.primitives.script import is_unspendable, ops
from axon.primitives.solver import (
    MULTISIG,
    NONSTANDARD,
    PUBKEY,
    PUBKEYHASH,
    WITNESS_V0_KEYHASH,
    WITNESS_V0_SCRIPTHASH,
    solve,
)
from axon.rpc.amounts import Json
from axon.rpc.daemon import Daemon
from axon.rpc.dispatch import method
from axon.rpc.errors import Code, RpcError
from axon.rpc.parameters import UInt32, parse_hex, unhex
from axon.rpc.shapes.drafts import DRAFT_USAGE, draft
from axon.rpc.shapes.transactions import (
    decode_transaction,
    has_valid_ops,
    script_json,
    transaction_json,
)

_SUCCESSES: Final = frozenset(
    (80, 98, *range(126, 130), *range(131, 135), 137, 138, 141, 142, *range(149, 154))
) | frozenset(range(187, 255))
"""Opcodes that tapscript lets succeed (BIP 342)."""

_CHECKSIGADD = 0xBA


@method("rawtransactions")
async def decoderawtransaction(
    daemon: Daemon, hexstring: str, iswitness: bool | None = None
) -> Json:
    """Return a JSON object representing the serialized, hex-encoded transaction.

    Args:
        hexstring: The transaction hex string
        iswitness: Whether the transaction hex is a serialized witness transaction. If not present,
            heuristic tests will be used in decoding.

    Returns:
        {                           (json object)
          "txid" : "hex",           (string) The transaction id
          "hash" : "hex",           (string) The transaction hash (differs from txid for witness)
          "version" : n,            (numeric) The version
          "size" : n,               (numeric) The serialized transaction size
          "vsize" : n,              (numeric) The virtual transaction size
          "weight" : n,             (numeric) The transaction's weight
          "locktime" : xxx,         (numeric) The lock time
          "vin" : [                 (json array)
            {                       (json object)
              "coinbase" : "hex",   (string, optional) The coinbase value (only if coinbase)
              "txid" : "hex",       (string, optional) The transaction id (if not coinbase)
              "vout" : n,           (numeric, optional) The output number (if not coinbase)
              "scriptSig" : { "asm" : "str", "hex" : "hex" },
              "txinwitness" : [ "hex", ... ],
              "sequence" : n        (numeric) The script sequence number
            },
            ...
          ],
          "vout" : [                (json array)
            {                       (json object)
              "value" : n,          (numeric) The value in BTC
              "n" : n,              (numeric) index
              "scriptPubKey" : { ... }
            },
            ...
          ]
        }
    """
    return await daemon.off_loop(_decoded, hexstring, iswitness, daemon.node.network)


def _decoded(text: str, iswitness: bool | None, network: Network) -> Json:
    data = unhex(text)
    witness, plain = iswitness is not False, iswitness is not True
    try:
        if data is None:
            raise DecodeError("hex")
        transaction = decode_transaction(data, witness=witness, plain=plain)
    except DecodeError as error:
        raise RpcError(Code.DESERIALIZATION, "TX decode failed") from error
    return transaction_json(transaction, network, with_hex=False)


@method("rawtransactions")
async def decodescript(daemon: Daemon, hexstring: str) -> Json:
    """Decode a hex-encoded script.

    Args:
        hexstring: the hex-encoded script

    Returns:
        {                             (json object)
          "asm" : "str",              (string) Disassembly of the script
          "desc" : "str",             (string) Inferred descriptor for the script
          "type" : "str",             (string) The output type
          "address" : "str",          (string, optional) The Bitcoin address
          "p2sh" : "str",             (string, optional) address of P2SH script wrapping this one
          "segwit" : {                (json object, optional) Result of a witness output script that
                                      wraps this redeem script
            ...,                      asm, desc, hex, address, type
            "p2sh-segwit" : "str"     (string) address of the P2SH script wrapping it
          }
        }
    """
    return await daemon.off_loop(_decoded_script, hexstring, daemon.node.network)


def _decoded_script(text: str, network: Network) -> Json:
    script = parse_hex(text, "argument") if text else b""
    shown = script_json(script, network, with_hex=False)
    solved = solve(script)
    if not _can_wrap(script, solved.kind):
        return shown
    shown["p2sh"] = _p2sh_address(script, network)
    if solved.kind in (WITNESS_V0_KEYHASH, WITNESS_V0_SCRIPTHASH):
        return shown
    if solved.kind in (PUBKEY, MULTISIG) and any(len(key) != 33 for key in solved.parts):
        return shown
    inner: bytes | None = None
    if solved.kind == PUBKEY:
        wrapped = b"\x00\x14" + hash160(solved.parts[0])
    elif solved.kind == PUBKEYHASH:
        wrapped = b"\x00\x14" + solved.parts[0]
    else:
        wrapped, inner = b"\x00\x20" + sha256(script), script
    segwit = script_json(wrapped, network, witness_script=inner)
    segwit["p2sh-segwit"] = _p2sh_address(wrapped, network)
    return {**shown, "segwit": segwit}


def _p2sh_address(script: bytes, network: Network) -> str | None:
    return encode_address(b"\xa9\x14" + hash160(script) + b"\x87", network)


def _can_wrap(script: bytes, kind: str) -> bool:
    """Whether a script could stand behind a script hash."""
    wrappable = (MULTISIG, NONSTANDARD, PUBKEY, PUBKEYHASH)
    if kind not in (*wrappable, WITNESS_V0_KEYHASH, WITNESS_V0_SCRIPTHASH):
        return False
    if is_unspendable(script) or not has_valid_ops(script):
        return False
    return not any(code == _CHECKSIGADD or code in _SUCCESSES for code, _ in ops(script))


@method("rawtransactions", shown=DRAFT_USAGE)
async def createrawtransaction(
    daemon: Daemon,
    inputs: list[Json],
    outputs: Json,
    locktime: int = 0,
    replaceable: bool | None = None,
    version: UInt32 = 2,
) -> Json:
    """Create a transaction spending the given inputs and creating new outputs.
    Outputs can be addresses or data.
    Returns hex-encoded raw transaction.
    Note that the transaction's inputs are not signed, and it is not stored or transmitted.

    Args:
        inputs: The inputs, each {"txid":"hex","vout":n,"sequence":n}
        outputs: The outputs, each {"address":amount} or {"data":"hex"}
        locktime: Raw locktime. Non-0 value also locktime-activates inputs
        replaceable: Marks this transaction as BIP125-replaceable (default: true)
        version: Transaction version

    Returns:
        "hex"    (string) hex string of the transaction
    """
    network = daemon.node.network
    drafted = await daemon.off_loop(draft, inputs, outputs, locktime, replaceable, version, network)
    return drafted.raw.hex()
