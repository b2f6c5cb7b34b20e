"""Blocks made on demand, for test chains: templates, the search for a nonce, submission."""

from __future__ import annotations

from collections.abc import Callable
from secrets import token_bytes
from typing import Final

from axon.errors import DecodeError
from axon.mining.miner import find_nonce
from axon.mining.template import BlockTemplate, assemble
from axon.node.commands import SubmitBlock, Submitted
from axon.primitives.address import decode_address
from axon.primitives.block import Block
from axon.primitives.descriptor import parse_descriptor
from axon.primitives.hashes import Txid, from_hex, to_hex
from axon.primitives.header import Header
from axon.primitives.keyexpression import DescriptorError
from axon.primitives.network import Network
from axon.primitives.transaction import Transaction, TxOut
from axon.primitives.verdict import Rejected
from axon.rpc.amounts import Json
from axon.rpc.daemon import Daemon
from axon.rpc.dispatch import method
from axon.rpc.errors import Code, RpcError
from axon.rpc.parameters import type_name, unhex
from axon.rpc.proposal import INCONCLUSIVE, check_proposal

USUAL_TRIES: Final = 1_000_000
NONCES_AT_ONCE: Final = 10_000
"""Some 15 ms; then it is looked whether the node stops."""

NONCE_SIZE: Final = 4
EXTRA_NONCE_SIZE: Final = 8
"""Random bytes in a coinbase: two nodes that mine to one address in one second must not make the
same block."""


@method("hidden")
async def generatetoaddress(
    daemon: Daemon, nblocks: int, address: str, maxtries: int = USUAL_TRIES
) -> Json:
    """Mine to a specified address and return the block hashes.

    Args:
        nblocks: How many blocks are generated.
        address: The address to send the newly generated bitcoin to.
        maxtries: How many iterations to try.

    Returns:
        [ "hex", ... ]    (json array) hashes of blocks generated
    """
    try:
        script = decode_address(address, daemon.node.network)
    except DecodeError:
        raise RpcError(Code.NOT_FOUND, "Error: Invalid address") from None
    return await _generate(daemon, nblocks, script, maxtries)


@method("hidden")
async def generatetodescriptor(
    daemon: Daemon, num_blocks: int, descriptor: str, maxtries: int = USUAL_TRIES
) -> Json:
    """Mine to a specified descriptor and return the block hashes.

    Args:
        num_blocks: How many blocks are generated.
        descriptor: The descriptor to send the newly generated bitcoin to.
        maxtries: How many iterations to try.

    Returns:
        [ "hex", ... ]    (json array) hashes of blocks generated
    """
    try:
        script = await daemon.off_loop(script_of_descriptor, descriptor, daemon.node.network)
    except DescriptorError as error:
        raise RpcError(Code.NOT_FOUND, str(error)) from None
    return await _generate(daemon, num_blocks, script, maxtries)


@method("hidden", shown={"transactions": '["rawtx/txid",...]'})
async def generateblock(
    daemon: Daemon, output: str, transactions: list[Json], submit: bool = True
) -> Json:
    """Mine a set of ordered transactions to a specified address or descriptor and return the block
    hash.

    Transaction fees are not collected in the block reward.

    Args:
        output: The address or descriptor to send the newly generated bitcoin to.
        transactions: An array of hex strings which are either txids or raw transactions. Txids must
            reference transactions currently in the mempool. All transactions must be valid and in
            valid order, otherwise the block will be rejected.
        submit: Whether to submit the block before the RPC call returns or to return it as hex.

    Returns:
        {                 (json object)
          "hash" : "hex", (string) hash of generated block
          "hex" : "hex"   (string, optional) hex of generated block, only present when submit=false
        }
    """
    script = await daemon.off_loop(_script_of_output, output, daemon.node.network)
    await daemon.caught_up()
    chosen = [_transaction(daemon, named) async for named in daemon.in_turns(transactions)]
    template = await daemon.fresh_template()
    block = await daemon.off_loop(_assemble, template, chosen, script)
    verdict = await check_proposal(daemon, block)
    if isinstance(verdict, Rejected) and verdict.reason != INCONCLUSIVE:
        raise RpcError(Code.VERIFY, f"TestBlockValidity failed: {verdict}")
    proved = await daemon.off_loop(prove, block, USUAL_TRIES, daemon.go_on)
    if proved is None:
        raise RpcError(Code.MISC, "Failed to make block.")
    shown: dict[str, Json] = {"hash": to_hex(proved.hash)}
    if not submit:
        return {**shown, "hex": proved.raw.hex()}
    await _submit(daemon, proved)
    return shown


async def _generate(daemon: Daemon, count: int, script: bytes, tries: int) -> list[Json]:
    """Mine blocks one after the other; fewer where the tries do not suffice."""
    hashes: list[Json] = []
    while len(hashes) < count:
        await daemon.caught_up()
        template = await daemon.fresh_template()
        block = await daemon.off_loop(template.build, script, token_bytes(EXTRA_NONCE_SIZE))
        proved = await daemon.off_loop(prove, block, tries, daemon.go_on)
        if proved is None:
            break
        tries -= proved.header.nonce
        await _submit(daemon, proved)
        hashes.append(to_hex(proved.hash))
    return hashes


def prove(block: Block, tries: int, go_on: Callable[[], None]) -> Block | None:
    """The block with a nonce that proves its work; looked for in parts, as that may take hours."""
    header = block.header
    for first in range(0, min(tries, 1 << 32), NONCES_AT_ONCE):
        go_on()
        begin = Header(header.raw[:-NONCE_SIZE] + first.to_bytes(NONCE_SIZE, "little"))
        found = find_nonce(begin, min(NONCES_AT_ONCE, tries - first))
        if found is not None:
            return Block.build(found, block.transactions)
    return None


def _assemble(template: BlockTemplate, chosen: list[Transaction], script: bytes) -> Block:
    """A block of just these transactions; nobody takes their fees."""
    return assemble(
        template.parent,
        chosen,
        [TxOut(template.subsidy_sat, script)],
        version=template.version,
        time=template.time,
        bits=template.bits,
        extra_nonce=token_bytes(EXTRA_NONCE_SIZE),
        segwit=template.segwit,
    )


async def _submit(daemon: Daemon, block: Block) -> None:
    """Hand a block to the node.

    Raises:
        RpcError: it is refused. That another block was faster is no refusal.
    """
    submitted = await daemon.command(SubmitBlock(block))
    assert isinstance(submitted, Submitted)
    if submitted.reason not in (None, INCONCLUSIVE):
        message = f"ProcessNewBlock, block not accepted: {submitted.reason}"
        raise RpcError(Code.INTERNAL_ERROR, message)


def script_of_descriptor(text: str, network: Network) -> bytes:
    """The script that a descriptor stands for; of several the one that people use most.

    Raises:
        DescriptorError: it is no descriptor.
        RpcError: -8 or -5, it stands for no single script.
    """
    found = parse_descriptor(text, network)
    if len(found) > 1:
        raise RpcError(Code.PARAMETER, "Multipath descriptor not accepted")
    if found[0].is_range:
        message = "Ranged descriptor not accepted. Maybe pass through deriveaddresses first?"
        raise RpcError(Code.PARAMETER, message)
    try:
        scripts = found[0].scripts()
    except DecodeError:
        message = "Cannot derive script without private keys"
        raise RpcError(Code.NOT_FOUND, message) from None
    # Of `combo`: pay to witness key hash, or to key hash where the key is not compressed.
    return scripts[{1: 0, 4: 2}.get(len(scripts), 1)]


def _script_of_output(text: str, network: Network) -> bytes:
    try:
        return script_of_descriptor(text, network)
    except DescriptorError:
        pass
    try:
        return decode_address(text, network)
    except DecodeError:
        raise RpcError(Code.NOT_FOUND, "Error: Invalid address or descriptor") from None


def _transaction(daemon: Daemon, named: object) -> Transaction:
    """A transaction of the pool by its txid, or one in hex."""
    if not isinstance(named, str):
        given = type_name(named)
        raise RpcError(Code.TYPE, f"JSON value of type {given} is not of expected type string")
    raw = unhex(named)
    if raw is not None and len(raw) == 32:
        entry = daemon.node.pool.get(Txid(from_hex(named)))
        if entry is None:
            raise RpcError(Code.NOT_FOUND, f"Transaction {named} not in mempool.")
        return entry.transaction
    try:
        return Transaction.decode(raw or b"")
    except DecodeError:
        raise RpcError(
            Code.DESERIALIZATION,
            f"Transaction decode failed for {named}. Make sure the tx has at least one input.",
        ) from None
