"""What counts and what is unspent: our own reckoning against BDK's, and a wallet of one address."""

from __future__ import annotations

from random import Random

import pytest

from axon.chain.store import MemoryStore
from axon.primitives.address import decode_address
from axon.primitives.network import REGTEST
from axon.primitives.transaction import COIN, Transaction, TxIn, TxOut, outpoint
from axon.wallet.bdkwallet import load_bdk_wallet
from axon.wallet.draft import describe
from axon.wallet.errors import BadDescriptor, WatchOnly
from axon.wallet.history import PaymentState
from axon.wallet.keys import watch
from axon.wallet.payment import Payee, draft
from axon.wallet.psbt import read_psbt
from axon.wallet.psbtmaps import UNSIGNED_TX, PsbtMaps
from axon.wallet.reckoning import AddressReckoning, BdkReckoning
from axon.wallet.wallet import Wallet
from tests.wallet.scene import BOB, Scene, new_wallet, paying
from tests.wallet.test_model import World

ADDRESS = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"
SCRIPT = decode_address(ADDRESS, REGTEST)


@pytest.mark.parametrize("seed", range(12))
def test_both_ways_of_reckoning_agree(seed: int) -> None:
    world = World(Random(seed), new_wallet())
    for _ in range(15):
        world.step()
        ledger = world.wallet.ledger
        ours, theirs = AddressReckoning(ledger), BdkReckoning(load_bdk_wallet(ledger))
        # BDK is silent about what only tells that a promise was broken.
        counted = {txid for txid in ours.counted() if ledger.concerns(ledger.transactions[txid])}
        assert counted == set(theirs.counted()), f"seed {seed}"
        assert set(ours.unspent()) == set(theirs.unspent()), f"seed {seed}"
        assert ours.balance().total_sat == theirs.balance().total_sat, f"seed {seed}"
        assert ours.balance().confirmed_sat == theirs.balance().confirmed_sat, f"seed {seed}"


def watching(store: MemoryStore | None = None) -> Scene:
    return Scene(new_wallet(store, made_of=watch(REGTEST, f"addr({ADDRESS})")))


def spend(payment: Transaction) -> Transaction:
    """Whoever has the key spends what was paid to the address."""
    return Transaction.build(2, [TxIn(outpoint(payment.txid, 0))], [TxOut(COIN // 2, BOB.script)])


def test_an_address_is_watched() -> None:
    store = MemoryStore()
    scene = watching(store)
    assert scene.wallet.new_address() == scene.wallet.new_address() == ADDRESS
    promised, mined = paying(SCRIPT, COIN, "promised"), paying(SCRIPT, 3 * COIN, "mined")
    scene.wallet.take_unconfirmed(promised, scene.now_s)
    scene.mine(mined, miner=SCRIPT)
    balance = scene.wallet.balance()
    assert (balance.confirmed_sat, balance.untrusted_pending_sat, balance.immature_sat) == (
        3 * COIN,
        COIN,
        50 * COIN,
    )
    scene.wallet = Wallet.load(store)
    assert scene.wallet.source.descriptors.receive.startswith(f"addr({ADDRESS})#")
    held = {coin.amount_sat: coin for coin in scene.wallet.coins()}
    assert sorted(held) == [COIN, 3 * COIN, 50 * COIN]
    assert [held[sat].spendable for sat in sorted(held)] == [False, True, False]
    scene.mine(promised)
    scene.mine(spend(mined))
    assert scene.wallet.balance().confirmed_sat == COIN
    sent = scene.wallet.history()[0]
    assert (sent.net_sat, sent.addresses) == (-3 * COIN, (BOB.address(),))


def test_promises_to_an_address_that_are_broken() -> None:
    scene = watching()
    promised = paying(SCRIPT, COIN, "same")
    scene.wallet.take_unconfirmed(promised, scene.now_s)
    rival = paying(BOB.script, 2 * COIN, "same")
    scene.mine(rival)
    assert scene.wallet.balance().total_sat == 0
    assert scene.wallet.history()[0].state is PaymentState.REPLACED
    scene.unwind(1)
    scene.mine(miner=SCRIPT)
    scene.unwind(1)
    assert scene.wallet.balance().immature_sat == 0


def test_what_an_address_pays_cannot_be_drafted_here() -> None:
    scene = watching()
    payment = paying(SCRIPT, COIN)
    scene.mine(payment)
    with pytest.raises(WatchOnly, match="does not say how it is spent"):
        draft(scene.wallet, [Payee(BOB.address(), COIN // 2)], feerate_sat_kvb=1_000)
    maps = PsbtMaps(0, {UNSIGNED_TX: spend(payment).raw}, ({},), ({},))
    told = describe(scene.wallet.ledger, read_psbt(maps.encode()))
    assert (told.fee_sat, told.inputs[0].ours) == (COIN - COIN // 2, True)


def test_only_one_address_of_this_network() -> None:
    with pytest.raises(BadDescriptor, match="expected one address"):
        watch(REGTEST, f"addr({ADDRESS})", f"addr({BOB.address()})")
    with pytest.raises(BadDescriptor, match="no descriptor"):
        watch(REGTEST, "addr(bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4)")
