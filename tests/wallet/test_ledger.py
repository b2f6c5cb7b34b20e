"""What follows from the facts that a wallet keeps."""

from __future__ import annotations

from dataclasses import replace

import pytest

from axon.chain.store import MemoryStore
from axon.errors import DamageError
from axon.primitives.network import REGTEST, SIGNET
from axon.primitives.transaction import COIN
from axon.wallet import records
from axon.wallet.coins import Balance
from axon.wallet.records import Mark, Seen
from axon.wallet.wallet import Wallet
from tests.wallet.scene import Scene, new_wallet, paying


def test_the_tip_of_a_new_wallet_is_the_genesis_block() -> None:
    scene = Scene()
    assert scene.wallet.ledger.tip == Mark(0, REGTEST.genesis.hash)
    scene.receive(COIN)
    assert scene.wallet.ledger.tip == Mark(scene.height, scene.blocks[-1].hash)


def test_a_confirmation_is_known_of_before_the_scan_reaches_it() -> None:
    scene = Scene()
    scene.receive(COIN)
    ledger = scene.wallet.ledger
    confirmed = Mark(scene.height, scene.blocks[-1].hash)
    ledger.commit({records.SCANNED_KEY: Mark(0, REGTEST.genesis.hash).encode()})
    assert ledger.tip == confirmed
    ledger.commit({records.SCANNED_KEY: None})
    assert ledger.tip == confirmed


def test_a_balance_adds_up_its_four_parts() -> None:
    assert Balance(1, 20, 300, 4_000).total_sat == 4_321


def test_a_network_made_to_order_is_met_and_another_one_is_not() -> None:
    ledger = Scene().wallet.ledger
    late = replace(REGTEST, segwit_height=500)
    assert ledger.meet(late)
    assert ledger.network is late
    assert not ledger.meet(SIGNET)
    assert ledger.network is late


PAYMENT = paying(b"\x51", COIN)


@pytest.mark.parametrize(
    "changes",
    [
        {records.TRANSACTION + bytes(32): PAYMENT.raw},
        {records.SEEN + PAYMENT.txid: Seen(1, 1).encode()},
        {
            records.CONFIRMATION + PAYMENT.txid: records.Confirmation(
                1, REGTEST.genesis.hash, 1, 1
            ).encode()
        },
    ],
    ids=["another txid", "seen, but not there", "confirmed, but not there"],
)
def test_records_that_do_not_fit_together_are_damaged(changes: dict[bytes, bytes | None]) -> None:
    store = MemoryStore()
    new_wallet(store)
    store.write(changes)
    with pytest.raises(DamageError, match="damaged: take the file from a backup"):
        Wallet.load(store)
