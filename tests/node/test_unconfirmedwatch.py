"""What of peers waits for the wallet: bounded in bytes, taken in turns, and gone with them."""

from __future__ import annotations

from axon.machine import Closed, Completed, PeerId
from axon.node.unconfirmedwatch import AT_ONCE, MAX_BYTES, MAX_WAITING_BYTES
from axon.node.walletjobs import TakeUnconfirmed
from axon.primitives.hashes import Txid
from axon.primitives.transaction import Transaction, TxIn, TxOut, outpoint
from axon.wire.messages import Inv, InvItem, InvType, Tx
from tests.node.lightrig import HEADERS, LightRig
from tests.node.rig import BOB


def transaction(number: int, size_bytes: int = 100) -> Transaction:
    spent = TxIn(outpoint(Txid(number.to_bytes(32, "little")), 0), b"", witness=(b"w",))
    return Transaction.build(2, [spent], [TxOut(1_000, BOB.script), TxOut(0, bytes(size_bytes))])


def hand(rig: LightRig, peer: PeerId, *transactions: Transaction) -> None:
    """A node announces transactions and sends them; the wallet does nothing meanwhile."""
    rig.send(peer, Inv(tuple([InvItem(InvType.WTX, item.wtxid) for item in transactions])))
    rig.send(peer, *map(Tx, transactions))


def waiting(rig: LightRig) -> list[TakeUnconfirmed]:
    """What the wallet was given to look at, in order, since the last call."""
    taken: list[TakeUnconfirmed] = []
    while rig.held:
        job = rig.held.pop(0)
        assert isinstance(job.job, TakeUnconfirmed)
        taken.append(job.job)
        rig.feed(Completed(job.task, False))
    return taken


def rig_with(count: int) -> tuple[LightRig, list[PeerId]]:
    """A client in sync whose wallet is busy from now on."""
    rig = LightRig(count)
    peers = [rig.connect(number) for number in range(count)]
    for peer in peers:
        rig.show(peer, HEADERS)
    rig.holds = TakeUnconfirmed
    return rig, peers


def test_what_waits_of_a_peer_is_bounded_in_bytes() -> None:
    rig, (peer,) = rig_with(1)
    large = [transaction(number, 300_000) for number in range(12)]
    hand(rig, peer, *large)
    room = MAX_WAITING_BYTES // large[0].size_bytes
    assert len(waiting(rig)) == room + AT_ONCE, "some are with the wallet already"


def test_what_no_node_relays_is_not_looked_at() -> None:
    rig, (peer,) = rig_with(1)
    hand(rig, peer, transaction(1, MAX_BYTES), transaction(2))
    assert [job.transaction for job in waiting(rig)] == [transaction(2)]


def test_peers_take_turns() -> None:
    rig, (flood, honest) = rig_with(2)
    hand(rig, flood, *[transaction(number) for number in range(50)])
    wanted = transaction(1_000)
    hand(rig, honest, wanted)
    order = [job.transaction for job in waiting(rig)]
    assert order.index(wanted) <= AT_ONCE + 1, "one more of the flood had its turn before"
    assert len(order) == 51


def test_what_a_peer_sent_goes_with_it() -> None:
    rig, (peer,) = rig_with(1)
    hand(rig, peer, *[transaction(number) for number in range(50)])
    rig.feed(Closed(peer, "gone"))
    assert len(waiting(rig)) == AT_ONCE


def test_the_wallet_is_told_who_sent_it() -> None:
    rig, peers = rig_with(2)
    for number, peer in enumerate(peers):
        hand(rig, peer, transaction(number))
    assert {job.source for job in waiting(rig)} == {"10.9.9.0", "10.9.9.1"}
