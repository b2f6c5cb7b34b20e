"""Transactions and scripts as JSON, field by field as Bitcoin Core 31 shows them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from axon.chain.coins import Coin
from axon.errors import DecodeError
from axon.primitives.address import encode_address
from axon.primitives.descriptor import infer_descriptor
from axon.primitives.hashes import to_hex
from axon.primitives.network import Network
from axon.primitives.plaintransaction import decode_plain
from axon.primitives.script import MAX_SCRIPT_SIZE, ops
from axon.primitives.solver import PUBKEY, asm, solve
from axon.primitives.transaction import (
    Transaction,
    TxIn,
    outpoint_index,
    outpoint_txid,
)
from axon.rpc.amounts import Amount, Json, encode_json, format_amount, written_list
from axon.rpc.errors import Code, RpcError
from axon.rpc.parameters import unhex

MAX_OPCODE: Final = 0xB9
MAX_ELEMENT: Final = 520
"""Opcodes above and pushes beyond make a legacy script impossible to satisfy."""

SCRIPTS_KEPT: Final = 4_096
"""Scripts of outputs whose JSON is remembered, at most 4 MB: many pay to the same ones."""

LONGEST_KEPT: Final = 42
"""Bytes of such a script: every one that has an address."""

_kept: Final[dict[tuple[str, bytes], str]] = {}

DECODE_FAILED = "TX decode failed. Make sure the tx has at least one input."


def decode_transaction(raw: bytes, *, witness: bool = True, plain: bool = True) -> Transaction:
    """A transaction of a caller, who may also have one without inputs.

    Bytes that begin like one without inputs may be meant in two ways. As in Core that reading wins
    whose scripts could be run, and of two such the extended one.

    Args:
        witness: whether it may be read in the extended form, in which it may have witnesses.
        plain: whether it may be read in the form of before.

    Raises:
        DecodeError: it is none.
    """
    first: Transaction | None = None
    for read, may in ((_extended, witness), (_plain, plain)):
        transaction = read(raw) if may else None
        if transaction is not None and _is_sane(transaction):
            return transaction
        first = first or transaction
    if first is None:
        raise DecodeError("a transaction", 0)
    return first


def _extended(raw: bytes) -> Transaction | None:
    try:
        return Transaction.decode(raw)
    except DecodeError:
        # A flag of zero says that there is no witness, and then there is no output either.
        return _plain(raw) if raw[4:6] == b"\x00\x00" else None


def _plain(raw: bytes) -> Transaction | None:
    try:
        return decode_plain(raw)
    except DecodeError:
        return None


def _is_sane(transaction: Transaction) -> bool:
    """Whether its scripts could be run, as far as can be seen."""
    scripts = [output.script_pubkey for output in transaction.outputs]
    if not transaction.is_coinbase:
        scripts += [item.script_sig for item in transaction.inputs]
    return all(len(script) <= MAX_SCRIPT_SIZE and has_valid_ops(script) for script in scripts)


def decode_hex_transaction(text: str, failed: str = DECODE_FAILED) -> Transaction:
    """A transaction from its hex.

    Args:
        failed: what is said if it is none.

    Raises:
        RpcError: -22, it is none.
    """
    data = unhex(text)
    if data is None:
        raise RpcError(Code.DESERIALIZATION, failed)
    try:
        return decode_transaction(data, plain=False)
    except DecodeError as error:
        raise RpcError(Code.DESERIALIZATION, failed) from error


def script_json(
    script: bytes,
    network: Network,
    *,
    with_hex: bool = True,
    witness_script: bytes | None = None,
) -> dict[str, Json]:
    """An output script: asm, desc, hex, address, type.

    Args:
        witness_script: what a P2WSH output is known to commit to.
    """
    solved = solve(script)
    address = encode_address(script, network) if solved.kind != PUBKEY else None
    shown: dict[str, Json] = {
        "asm": asm(script),
        "desc": infer_descriptor(
            script, network, solved=solved, address=address, witness_script=witness_script
        ),
    }
    if with_hex:
        shown["hex"] = script.hex()
    if address is not None:
        shown["address"] = address
    shown["type"] = solved.kind
    return shown


def transaction_json(
    transaction: Transaction,
    network: Network,
    *,
    spent_sat: int | None = None,
    prevouts: Sequence[Coin] = (),
    with_hex: bool = True,
) -> dict[str, Json]:
    """A transaction in full; slow for long ones, whose inputs and outputs are lazy lists.

    Args:
        spent_sat: what its inputs are worth; then its fee is shown, unless it has none.
        prevouts: the coins of its inputs, where they are shown.
        with_hex: whether its bytes are.
    """
    shown: dict[str, Json] = {
        "txid": to_hex(transaction.txid),
        "hash": to_hex(transaction.wtxid),
        "version": transaction.version,
        "size": transaction.size_bytes,
        "vsize": transaction.vsize,
        "weight": transaction.weight_wu,
        "locktime": transaction.locktime,
    }
    coinbase, items, outputs = transaction.is_coinbase, transaction.inputs, transaction.outputs

    def input_text(place: int) -> str:
        item = items[place]
        prevout = f'"prevout":{_prevout_text(prevouts[place], network)},' if prevouts else ""
        return f'{{{_origin_text(item, coinbase)},{prevout}"sequence":{item.sequence}}}'

    def output_text(place: int) -> str:
        output = outputs[place]
        return (
            f'{{"value":{format_amount(output.amount_sat)},"n":{place},'
            f'"scriptPubKey":{_script_text(output.script_pubkey, network)}}}'
        )

    shown["vin"] = written_list(input_text, range(len(items)))
    shown["vout"] = written_list(output_text, range(len(outputs)))
    if spent_sat is not None and not coinbase:
        shown["fee"] = Amount(spent_sat - sum([output.amount_sat for output in outputs]))
    if with_hex:
        shown["hex"] = transaction.raw.hex()
    return shown


def _origin_text(item: TxIn, coinbase: bool) -> str:
    """The fields of an input that say what it spends, and how."""
    script, point = item.script_sig, item.prevout
    if coinbase:
        origin = f'"coinbase":"{script.hex()}"'
    else:
        read = asm(script, True) if script else ""  # Hex, names and brackets: nothing to escape.
        origin = (
            f'"txid":"{to_hex(outpoint_txid(point))}","vout":{outpoint_index(point)},'
            f'"scriptSig":{{"asm":"{read}","hex":"{script.hex()}"}}'
        )
    if not item.witness:
        return origin
    elements = '","'.join([element.hex() for element in item.witness])
    return f'{origin},"txinwitness":["{elements}"]'


def _prevout_text(coin: Coin, network: Network) -> str:
    return (
        f'{{"generated":{"true" if coin.coinbase else "false"},"height":{coin.height},'
        f'"value":{format_amount(coin.amount_sat)},'
        f'"scriptPubKey":{_script_text(coin.script_pubkey, network)}}}'
    )


def _script_text(script: bytes, network: Network) -> str:
    """What `script_json` shows, as JSON."""
    key = (network.name, script)
    text = _kept.get(key)
    if text is None:
        text = encode_json(script_json(script, network))
        if len(script) <= LONGEST_KEPT:
            if len(_kept) >= SCRIPTS_KEPT:
                _kept.clear()
            _kept[key] = text
    return text


def has_valid_ops(script: bytes) -> bool:
    """Whether a script could be run: known opcodes and pushes that are not too long."""
    try:
        return all(
            code <= MAX_OPCODE and len(data or b"") <= MAX_ELEMENT for code, data in ops(script)
        )
    except DecodeError:
        return False
