"""Partially signed transactions (BIP 174): made, read, updated, signed, combined, finished."""

from __future__ import annotations

from collections.abc import Sequence
from random import SystemRandom

from axon.consensus.inputs import InputVerifier
from axon.errors import DecodeError
from axon.primitives.hashes import to_hex
from axon.primitives.sigops import sigops_cost
from axon.primitives.transaction import (
    WITNESS_SCALE_FACTOR,
    Transaction,
    TxIn,
    TxOut,
    outpoint_index,
    outpoint_txid,
)
from axon.psbt.analysis import analyze
from axon.psbt.partial import JoinFault, PartialTransaction, join
from axon.psbt.signing import (
    extract,
    finalize_all,
)
from axon.psbt.stream import PsbtFault
from axon.rpc.amounts import Json
from axon.rpc.daemon import Daemon
from axon.rpc.dispatch import method
from axon.rpc.errors import Code, RpcError
from axon.rpc.parameters import UInt32, expect_texts, unhex
from axon.rpc.shapes.drafts import DRAFT_USAGE, draft
from axon.rpc.shapes.psbts import needs_json, psbt_json
from axon.rpc.shapes.transactions import decode_transaction


def read_psbt(text: str) -> PartialTransaction:
    """A PSBT from a caller's text.

    Raises:
        RpcError: -22, it is none.
    """
    try:
        return PartialTransaction.from_base64(text)
    except PsbtFault as fault:
        raise RpcError(Code.DESERIALIZATION, f"TX decode failed {fault}") from fault


def _read_several(texts: Sequence[Json]) -> list[PartialTransaction]:
    return [read_psbt(text) for text in expect_texts(texts)]


@method("rawtransactions", shown=DRAFT_USAGE)
async def createpsbt(
    daemon: Daemon,
    inputs: list[Json],
    outputs: Json,
    locktime: int = 0,
    replaceable: bool | None = None,
    version: UInt32 = 2,
) -> Json:
    """Creates a transaction in the Partially Signed Transaction format.
    Implements the Creator role.

    Args:
        inputs: The inputs, each {"txid":"hex","vout":n,"sequence":n}
        outputs: The outputs, each {"address":amount} or {"data":"hex"}
        locktime: Raw locktime. Non-0 value also locktime-activates inputs
        replaceable: Marks this transaction as BIP125-replaceable (default: true)
        version: Transaction version

    Returns:
        "str"    (string) The resulting raw transaction (base64-encoded string)
    """
    network = daemon.node.network

    def create() -> str:
        drafted = draft(inputs, outputs, locktime, replaceable, version, network)
        return PartialTransaction.blank(drafted).to_base64()

    return await daemon.off_loop(create)


@method("rawtransactions")
async def converttopsbt(
    daemon: Daemon, hexstring: str, permitsigdata: bool = False, iswitness: bool | None = None
) -> Json:
    """Converts a network serialized transaction to a PSBT.

    Args:
        hexstring: The hex string of a raw transaction
        permitsigdata: If true, any signatures in the input will be discarded and conversion will
            continue. If false, RPC will fail if any signatures are present.
        iswitness: Whether the transaction hex is a serialized witness transaction. If not present,
            heuristic tests will be used in decoding.

    Returns:
        "str"    (string) The resulting raw transaction (base64-encoded string)
    """
    return await daemon.off_loop(_converted, hexstring, permitsigdata, iswitness)


def _converted(text: str, permits_signatures: bool, iswitness: bool | None) -> str:
    data = unhex(text)
    try:
        if data is None:
            raise DecodeError("hex")
        transaction = decode_transaction(
            data, witness=iswitness is not False, plain=iswitness is not True
        )
    except DecodeError as error:
        raise RpcError(Code.DESERIALIZATION, "TX decode failed") from error
    inputs = transaction.inputs
    if not permits_signatures and any(item.script_sig or item.witness for item in inputs):
        raise RpcError(Code.DESERIALIZATION, "Inputs must not have scriptSigs and scriptWitnesses")
    bare = [TxIn(item.prevout, sequence=item.sequence) for item in inputs]
    version, locktime = transaction.version, transaction.locktime
    unsigned = Transaction.build(version, bare, transaction.outputs, locktime)
    return PartialTransaction.blank(unsigned).to_base64()


@method("rawtransactions")
async def decodepsbt(daemon: Daemon, psbt: str) -> Json:
    """Return a JSON object representing the serialized, base64-encoded partially signed Bitcoin
    transaction.

    Args:
        psbt: The PSBT base64 string

    Returns:
        {                                (json object)
          "tx" : { ... },                (json object) The unsigned transaction, as in
                                         decoderawtransaction
          "global_xpubs" : [             (json array)
            {                            (json object)
              "xpub" : "str",            (string) The extended public key this path corresponds to
              "master_fingerprint" : "hex",
              "path" : "str"             (string) The path
            },
            ...
          ],
          "psbt_version" : n,            (numeric) The PSBT version number
          "proprietary" : [ ... ],       (json array) The global proprietary map
          "unknown" : { ... },           (json object) The unknown global fields
          "inputs" : [ ... ],            (json array) The fields of each input
          "outputs" : [ ... ],           (json array) The fields of each output
          "fee" : n                      (numeric, optional) The transaction fee paid if all UTXOs
                                         slots in the PSBT have been filled
        }
    """
    network = daemon.node.network
    return await daemon.off_loop(lambda: psbt_json(read_psbt(psbt), network))


@method("rawtransactions")
async def analyzepsbt(daemon: Daemon, psbt: str) -> Json:
    """Analyzes and provides information about the current status of a PSBT and its inputs

    Args:
        psbt: A base64 string of a PSBT

    Returns:
        {                                 (json object)
          "inputs" : [                    (json array, optional)
            {                             (json object)
              "has_utxo" : true|false,    (boolean) Whether a UTXO is provided
              "is_final" : true|false,    (boolean) Whether the input is finalized
              "next" : "str",             (string) Role of the next person that this input needs to
                                          go to
              "missing" : {               (json object, optional)
                "pubkeys" : [ "hex", ... ],
                "redeemscript" : "hex",
                "witnessscript" : "hex",
                "signatures" : [ "hex", ... ]
              }
            },
            ...
          ],
          "estimated_vsize" : n,          (numeric, optional) Estimated vsize of the signed
                                          transaction
          "estimated_feerate" : n,        (numeric, optional) Estimated feerate in BTC/kvB
          "fee" : n,                      (numeric, optional) The transaction fee paid
          "next" : "str",                 (string) Role of the next person that it needs to go to
          "error" : "str"                 (string, optional) Error message (if there is one)
        }
    """
    bytes_per_sigop = daemon.node.pool.policy.bytes_per_sigop

    def vsize(transaction: Transaction, spent: list[TxOut]) -> int:
        by_sigops = sigops_cost(transaction, spent) * bytes_per_sigop
        return -(-max(transaction.weight_wu, by_sigops) // WITNESS_SCALE_FACTOR)

    def look() -> Json:
        return needs_json(analyze(read_psbt(psbt), InputVerifier(), vsize, daemon.go_on))

    return await daemon.off_loop(look)


@method("rawtransactions", shown={"txs": '["psbt",...]'})
async def combinepsbt(daemon: Daemon, txs: list[str]) -> Json:
    """Combine multiple partially signed Bitcoin transactions into one transaction.
    Implements the Combiner role.

    Args:
        txs: The base64 strings of partially signed transactions

    Returns:
        "str"    (string) The base64-encoded partially signed transaction
    """
    return await daemon.off_loop(_combined, txs)


def _combined(texts: Sequence[Json]) -> str:
    if not texts:
        raise RpcError(Code.PARAMETER, "Parameter 'txs' cannot be empty")
    first, *others = _read_several(texts)
    for other in others:
        if not first.combine(other):
            raise RpcError(Code.PARAMETER, "PSBTs not compatible (different transactions)")
    return first.to_base64()


@method("rawtransactions", shown={"txs": '["psbt",...]'})
async def joinpsbts(daemon: Daemon, txs: list[str]) -> Json:
    """Joins multiple distinct PSBTs with different inputs and outputs into one PSBT with inputs and
    outputs from all of the PSBTs
    No input in any of the PSBTs can be in more than one of the PSBTs.

    Args:
        txs: The base64 strings of partially signed transactions

    Returns:
        "str"    (string) The base64-encoded partially signed transaction
    """
    return await daemon.off_loop(_joined, txs)


def _joined(texts: Sequence[Json]) -> str:
    if len(texts) < 2:
        raise RpcError(Code.PARAMETER, "At least two PSBTs are required to join PSBTs.")
    psbts, rng = _read_several(texts), SystemRandom()
    inputs = list(range(sum(len(each.inputs) for each in psbts)))
    outputs = list(range(sum(len(each.outputs) for each in psbts)))
    rng.shuffle(inputs)
    rng.shuffle(outputs)
    try:
        return join(psbts, inputs, outputs).to_base64()
    except JoinFault as fault:
        name = f"{to_hex(outpoint_txid(fault.prevout))}:{outpoint_index(fault.prevout)}"
        raise RpcError(Code.PARAMETER, f"Input {name} exists in multiple PSBTs") from fault


@method("rawtransactions")
async def finalizepsbt(daemon: Daemon, psbt: str, extract: bool = True) -> Json:
    """Finalize the inputs of a PSBT. If the transaction is fully signed, it will produce a network
    serialized transaction which can be broadcast with sendrawtransaction. Otherwise a PSBT will be
    created which has the final_scriptSig and final_scriptwitness fields filled for inputs that are
    complete.
    Implements the Finalizer and Extractor roles.

    Args:
        psbt: A base64 string of a PSBT
        extract: If true and the transaction is complete, extract and return the complete
            transaction in normal network serialization instead of the PSBT.

    Returns:
        {                             (json object)
          "psbt" : "str",             (string, optional) The PSBT if not extracted
          "hex" : "hex",              (string, optional) The transaction if extracted
          "complete" : true|false     (boolean) If the transaction has a complete set of signatures
        }
    """
    return await daemon.off_loop(_finalized, psbt, extract, daemon)


def _finalized(text: str, wants_transaction: bool, daemon: Daemon) -> Json:
    psbt = read_psbt(text)
    whole = finalize_all(psbt, InputVerifier(), daemon.go_on)
    if whole and wants_transaction:
        return {"hex": extract(psbt).raw.hex(), "complete": True}
    return {"psbt": psbt.to_base64(), "complete": whole}
