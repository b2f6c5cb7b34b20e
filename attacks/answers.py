"""Short requests with long answers, from strangers who do not read them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from attacks.attack import Attack
from attacks.strangers import Strangers, strangers
from attacks.victim import ADDRESS, next_block, submit
from axon.primitives.hashes import BlockHash, sha256
from axon.primitives.transaction import OutPoint, Transaction, TxIn, TxOut
from axon.swarm.lab.nodeprocess import NodeProcess
from axon.wire.messages import GetCFilters, GetData, Inv, InvItem, InvType, Message
from axon.wire.messages.filters import BASIC_FILTER

UNREAD_BYTES: Final = 4096
"""What a stranger's system takes from the network that the stranger does not read."""

CROWD: Final = 40

BLOCK_BYTES: Final = 980_000

COIN_SAT: Final = 100_000_000

_WITNESS_SCRIPT: Final = b"\x51"


def newest_block(node: NodeProcess, seconds: float) -> None:
    """One getdata that names the newest block 50,000 times: 1.8 MB ask for 49 GB."""
    block = submit(node, next_block(node, size_bytes=BLOCK_BYTES))
    _ask(node, 1, [GetData((InvItem(InvType.WITNESS_BLOCK, block.hash),) * 50_000)], seconds)


def bare_block(node: NodeProcess, seconds: float) -> None:
    """Forty strangers ask for the newest block without its witnesses, and read it."""
    block = submit(node, next_block(node, size_bytes=BLOCK_BYTES))
    wanted = GetData((InvItem(InvType.BLOCK, block.hash),) * 50)
    with strangers(node.p2p, CROWD) as crowd:
        crowd.flood([wanted], seconds)


def old_blocks(node: NodeProcess, seconds: float) -> None:
    """Forty strangers ask for old blocks and read none."""
    names = []
    for _ in range(8):
        names.append(submit(node, next_block(node, size_bytes=BLOCK_BYTES)).hash)
        node.rpc("generatetoaddress", 1, ADDRESS)
    items = tuple(InvItem(InvType.WITNESS_BLOCK, name) for name in names) * 100
    _ask(node, CROWD, [GetData(items)], seconds)


def one_transaction(node: NodeProcess, seconds: float) -> None:
    """One getdata that names one transaction of 100 kB 20,000 times."""
    transaction = _large_transaction(node)
    told = InvItem(InvType.TX, transaction.txid)
    wanted = InvItem(InvType.WITNESS_TX, transaction.txid)
    with Strangers(node.p2p, UNREAD_BYTES) as crowd:
        (peer,) = crowd.shake_hands()
        node.rpc("sendrawtransaction", transaction.raw.hex(), 0, 1)  # Later than the peer came.
        while told not in peer.receive(Inv, 30.0).items:
            pass  # It may be asked for once it was announced.
        crowd.flood([GetData((wanted,) * 20_000)], seconds, reads=False)


def filters(node: NodeProcess, seconds: float) -> None:
    """Requests for a thousand filters each, from strangers who read none."""
    node.rpc("generatetoaddress", 1_100, ADDRESS)
    stop = BlockHash(bytes.fromhex(node.tip())[::-1])
    start = node.height() - 999
    _ask(node, CROWD, [GetCFilters(BASIC_FILTER, start, stop)] * 100, seconds)


def _ask(node: NodeProcess, count: int, messages: Sequence[Message], seconds: float) -> None:
    with strangers(node.p2p, count, UNREAD_BYTES) as crowd:
        crowd.flood(messages, seconds, reads=False)


def _large_transaction(node: NodeProcess) -> Transaction:
    """A standard one of nearly 100 kB; its coin is made for it."""
    mined = submit(node, next_block(node, [TxOut(COIN_SAT, b"\x00\x20" + sha256(_WITNESS_SCRIPT))]))
    node.rpc("generatetoaddress", 100, ADDRESS)
    spends = TxIn(OutPoint(mined.transactions[0].txid + bytes(4)), witness=(_WITNESS_SCRIPT,))
    payments = [TxOut(1_000, b"\x00\x14" + number.to_bytes(20, "big")) for number in range(3_000)]
    return Transaction.build(2, [spends], payments)


ATTACKS: Final = (
    Attack("newest-block", newest_block),
    Attack("bare-block", bare_block, memory_mb=30 + CROWD * 4),
    Attack("one-transaction", one_transaction),
    # For each of the crowd: what clogs it, and the block that did.
    Attack("old-blocks", old_blocks, memory_mb=30 + CROWD * 4),
    Attack("filters", filters, memory_mb=30 + CROWD * 2),
)
