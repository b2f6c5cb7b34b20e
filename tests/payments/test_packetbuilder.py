"""A packet from what a real wallet keeps: it lacks nothing, and what it lacks is said."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from axon.payments import packetbuilder
from axon.payments.packet import Packet
from axon.payments.packetbuilder import CannotProve, build_packet
from axon.payments.proof import check_packet
from axon.payments.verdict import PaymentLevel
from axon.primitives.header import Header
from axon.primitives.transaction import COIN, OutPoint, Transaction
from axon.wallet import records
from axon.wallet.payment import Payee, draft, record_payment
from axon.wallet.signing import sign_fully
from tests.payments.payscene import BOB, POLICY, WANTED, kernel
from tests.wallet.scene import PASSPHRASE, Scene, paying


class Headers:
    """The headers of a scene's blocks."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    @property
    def tip_height(self) -> int:
        return self._scene.height

    def header_at(self, height: int) -> Header | None:
        return self._scene.blocks[height].header if height <= self.tip_height else None


def pay(scene: Scene, amount_sat: int = COIN, coins: Sequence[OutPoint] = ()) -> Transaction:
    """The wallet pays Bob; not yet in the wallet."""
    made = draft(
        scene.wallet, [Payee(BOB.address(), amount_sat)], fee_sat=1_000, coins=list(coins) or None
    )
    signed = sign_fully(scene.wallet, made.psbt, PASSPHRASE)
    assert isinstance(signed, Transaction)
    return signed


def level(scene: Scene, packet: Packet) -> PaymentLevel:
    checked = check_packet(Packet.decode(packet.encode()), WANTED, Headers(scene), kernel, POLICY)
    assert checked.verdict.reason == ""
    return checked.verdict.level


def test_a_wallet_proves_what_it_pays() -> None:
    scene = Scene()
    coins = [scene.receive(2 * COIN, name) for name in range(3)]
    payment = pay(scene, 5 * COIN, coins)
    packet = build_packet(scene.wallet.ledger, payment)
    assert [item.height for item in packet.confirmed] == [1, 2, 3]
    assert level(scene, packet) is PaymentLevel.FUNDED


def test_each_place_in_blocks_of_any_size() -> None:
    for count in range(1, 9):
        scene = Scene()
        payments = [paying(scene.script(), 2 * COIN, name) for name in range(count)]
        scene.mine(*payments)
        for parent in payments:
            coin = next(c for c in scene.wallet.coins() if c.outpoint[:32] == parent.txid)
            packet = build_packet(scene.wallet.ledger, pay(scene, COIN, [coin.outpoint]))
            assert packet.confirmed[0].transaction.txid == parent.txid
            assert level(scene, packet) is PaymentLevel.FUNDED


def test_change_of_a_payment_that_waits() -> None:
    scene = Scene()
    scene.receive(5 * COIN)
    first = pay(scene)
    record_payment(scene.wallet, first, scene.now_s)
    second = pay(scene)
    packet = build_packet(scene.wallet.ledger, second)
    assert packet.unconfirmed == (first,)
    assert level(scene, packet) is PaymentLevel.FUNDED


def test_a_reward_of_the_wallets_own() -> None:
    scene = Scene()
    scene.mine(miner=scene.script())
    scene.pass_blocks(100)
    packet = build_packet(scene.wallet.ledger, pay(scene))
    assert packet.confirmed[0].position == 0
    assert level(scene, packet) is PaymentLevel.FUNDED


def test_a_proof_of_before_coinbases_were_kept() -> None:
    scene = Scene()
    scene.receive(2 * COIN)
    payment = pay(scene)
    ledger = scene.wallet.ledger
    (place,) = ledger.confirmed.values()
    ledger.commit({records.COINBASE + place.hash: None})
    with pytest.raises(CannotProve, match="axon wallet rescan"):
        build_packet(ledger, payment)
    scene.wallet.set_birthday(0, rescan=True)
    scene.show(1)
    assert level(scene, build_packet(ledger, payment)) is PaymentLevel.FUNDED


def test_a_damaged_proof() -> None:
    scene = Scene()
    scene.receive(2 * COIN)
    payment = pay(scene)
    ledger = scene.wallet.ledger
    (txid,) = ledger.confirmed
    ledger.commit({records.PROOF + txid: scene.wallet.proof(txid)[:-5]})
    with pytest.raises(type(records.damaged()), match="damaged"):
        build_packet(ledger, payment)


def test_a_coin_that_the_wallet_does_not_know() -> None:
    scene = Scene()
    scene.receive(2 * COIN)
    payment = pay(scene)
    with pytest.raises(CannotProve, match="send it by the network"):
        build_packet(Scene().wallet.ledger, payment)


def test_more_than_anybody_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene()
    scene.receive(2 * COIN)
    payment = pay(scene)
    monkeypatch.setattr(packetbuilder, "MAX_PACKET_BYTES", 500)
    with pytest.raises(CannotProve, match=r"would have \d+ bytes, 500 are read: pay with fewer"):
        build_packet(scene.wallet.ledger, payment)
