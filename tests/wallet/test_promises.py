"""How a broken promise shows in filters, and whose promises give way to whose."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from axon.chain.filters import basic_filter
from axon.chain.store import MemoryStore
from axon.primitives.hashes import BlockHash, Txid, hash160, sha256
from axon.primitives.network import REGTEST
from axon.primitives.script import push
from axon.primitives.transaction import COIN, Transaction, TxIn, TxOut, outpoint
from axon.primitives.verdict import Accepted, Rejected, Verdict
from axon.wallet import promises, unconfirmed
from axon.wallet.feebump import bump
from axon.wallet.history import PaymentState
from axon.wallet.keys import watch
from axon.wallet.promises import prevout_scripts, promised_scripts
from axon.wallet.records import SHOWN
from axon.wallet.signing import sign
from axon.wallet.wallet import Wallet
from tests.signing import Signer, Spendable
from tests.wallet.scene import BOB, PASSPHRASE, Scene, make_block, paying

POINT = outpoint(Txid(bytes(32)), 0)
KEY, LONG_KEY, SCRIPT = b"\x02" + bytes(32), b"\x04" + bytes(64), b"\x51\x52"
DORA = Signer("Dora")


def spends(script_sig: bytes = b"", *witness: bytes) -> TxIn:
    return TxIn(POINT, script_sig, witness=witness)


@pytest.mark.parametrize(
    ("spent", "script"),
    [
        (spends(b"", b"signature", KEY), b"\x00\x14" + hash160(KEY)),
        (spends(b"", b"signature", SCRIPT), b"\x00\x20" + sha256(SCRIPT)),
        (spends(push(b"signature") + push(KEY)), b"\x76\xa9\x14" + hash160(KEY) + b"\x88\xac"),
        (spends(push(b"sig") + push(LONG_KEY)), b"\x76\xa9\x14" + hash160(LONG_KEY) + b"\x88\xac"),
        (spends(push(SCRIPT)), b"\xa9\x14" + hash160(SCRIPT) + b"\x87"),
        (
            spends(push(b"\x00\x14" + hash160(KEY)), b"signature", KEY),
            b"\xa9\x14" + hash160(b"\x00\x14" + hash160(KEY)) + b"\x87",
        ),
    ],
)
def test_an_input_tells_what_it_spends(spent: TxIn, script: bytes) -> None:
    assert script in prevout_scripts(spent)


@pytest.mark.parametrize(
    "spent", [spends(), spends(b"", bytes(0)), spends(b"\x4c"), spends(b"\x51")]
)
def test_what_tells_nothing_is_nothing(spent: TxIn) -> None:
    assert prevout_scripts(spent) == ()


def matches(scene: Scene, *transactions: Transaction, spent: bytes) -> bool:
    """Whether the wallet would read a block, by its filter."""
    block = make_block(scene.blocks[-1].hash, scene.height + 1, transactions)
    made = [output.script_pubkey for item in block.transactions for output in item.outputs]
    data = basic_filter(block.hash, [*made, spent])
    return scene.wallet.match_filters([(block.hash, data)])[0]


def test_a_block_that_breaks_a_promise_is_read_though_it_pays_nobody_here() -> None:
    scene = Scene()
    breach = paying(b"\x51", 2 * COIN)
    assert not matches(scene, breach, spent=BOB.script)
    assert scene.wallet.take_unconfirmed(paying(scene.script(), COIN), scene.now_s)
    assert matches(scene, breach, spent=BOB.script)
    scene.mine(breach)
    (entry,) = scene.wallet.history()
    assert (entry.state, entry.disputed) == (PaymentState.REPLACED, False)
    assert not matches(scene, paying(b"\x51", COIN, 2), spent=BOB.script), "it is settled"


def test_where_nothing_tells_whose_promise_it_is_blocks_are_read_for_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A taproot key's signature names no script: the block that breaks the promise shows none."""
    monkeypatch.setattr(promises, "MAX_WHOLE", 3)
    scene = Scene()
    keyless = TxIn(POINT, witness=(bytes(64),))
    promise = Transaction.build(2, [keyless], [TxOut(COIN, scene.script())])
    breach = Transaction.build(2, [keyless], [TxOut(COIN, b"\x51")])
    assert scene.wallet.take_unconfirmed(promise, scene.now_s)
    assert matches(scene, spent=b"\x52")
    assert matches(scene, breach, spent=b"\x52")
    scene.mine(breach)
    (entry,) = scene.wallet.history()
    assert entry.state == PaymentState.REPLACED
    assert not matches(scene, spent=b"\x52"), "it is settled"


def test_nobody_has_all_blocks_read_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(promises, "MAX_WHOLE", 3)
    scene = Scene()
    for number in range(2):
        keyless = TxIn(outpoint(Txid(bytes((number,)) * 32), 0), witness=(bytes(64),))
        promise = Transaction.build(2, [keyless], [TxOut(COIN, scene.script())])
        assert scene.wallet.take_unconfirmed(promise, scene.now_s)
    blocks = [BlockHash(bytes((number,)) * 32) for number in range(9)]
    filters = [(name, basic_filter(name, [b"\x51"])) for name in blocks]
    assert scene.wallet.match_filters(filters[:2]) == (True, True)
    assert scene.wallet.match_filters(filters[2:]) == (True, *(False,) * 6)
    assert scene.wallet.match_filters(filters[:1]) == (False,)


def test_a_rival_that_was_seen_is_looked_for_by_what_it_pays() -> None:
    scene = Scene()
    keyless = TxIn(POINT, witness=(bytes(64),))  # A taproot key's signature tells no script.
    promise = Transaction.build(2, [keyless], [TxOut(COIN, scene.script())])
    rival = Transaction.build(2, [keyless], [TxOut(2 * COIN, b"\x52")])
    scene.wallet.take_unconfirmed(promise, scene.now_s)
    assert b"\x52" not in promised_scripts(scene.wallet.ledger)
    scene.wallet.take_unconfirmed(rival, scene.now_s)
    assert b"\x52" in promised_scripts(scene.wallet.ledger)


def test_so_many_scripts_are_looked_for_and_each_promise_has_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(promises, "MAX_SCRIPTS", 8)
    scene = Scene()
    keys = [b"\x02" + bytes((number,)) * 32 for number in range(20)]
    inputs = [TxIn(outpoint(Txid(key[1:]), 0), witness=(b"s", key)) for key in keys]
    flood = Transaction.build(2, inputs[1:], [TxOut(COIN, scene.script())])
    scene.wallet.take_unconfirmed(flood, scene.now_s)
    honest = Transaction.build(2, inputs[:1], [TxOut(COIN, scene.script())])
    scene.wallet.take_unconfirmed(honest, scene.now_s)
    found = promised_scripts(scene.wallet.ledger)
    assert len(found) == 8
    assert b"\x00\x14" + hash160(keys[0]) in found


def test_the_payee_is_warned_when_a_rival_is_seen() -> None:
    scene = Scene()
    script = scene.script()
    promise, rival = paying(script, COIN), paying(BOB.script, 2 * COIN)
    scene.wallet.take_unconfirmed(promise, scene.now_s)
    assert [entry.disputed for entry in scene.wallet.history()] == [False]
    scene.wallet.take_unconfirmed(rival, scene.now_s)
    assert [entry.disputed for entry in scene.wallet.history()] == [True]
    scene.mine(promise)
    (entry,) = scene.wallet.history()
    assert (entry.state, entry.disputed) == (PaymentState.CONFIRMED, False)


def test_a_peer_that_floods_us_hides_nobody_else_s_payments(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(unconfirmed, "MAX_INCOMING", 10)
    scene = Scene()
    script = scene.script()
    kept = [paying(script, COIN, name) for name in range(10)]
    for item in kept:
        assert scene.wallet.take_unconfirmed(item, scene.now_s, "flood")
    assert not scene.wallet.take_unconfirmed(paying(script, COIN, "x"), scene.now_s, "flood")
    honest = [paying(script, COIN, name) for name in ("a", "b", "c")]
    for item in honest:
        assert scene.wallet.take_unconfirmed(item, scene.now_s, "honest")
    known = set(scene.wallet.ledger.transactions)
    assert len(known) == 10
    assert known >= {item.txid for item in honest + kept[:7]}, "who came last gives way"


def test_what_a_payment_of_ours_builds_on_makes_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unconfirmed, "MAX_INCOMING", 2)
    scene = Scene()
    other, carried = (paying(scene.script(), COIN, name) for name in ("other", "carried"))
    for item in (other, carried):
        assert scene.wallet.take_unconfirmed(item, scene.now_s, "flood")
    child = sign(scene.wallet, bump(scene.wallet, carried.txid, 20_000), PASSPHRASE)
    assert isinstance(child, Transaction)
    scene.wallet.record_sent(child, scene.now_s)
    honest = paying(scene.script(), COIN, "honest")
    assert scene.wallet.take_unconfirmed(honest, scene.now_s, "honest")
    assert set(scene.wallet.ledger.transactions) == {carried.txid, child.txid, honest.txid}


def spending(scene: Scene, *, fee_sat: int, signer: Signer = DORA) -> Transaction:
    """A payment of all that the wallet has, by whoever has a key."""
    (held,) = scene.wallet.coins()
    output = TxOut(held.amount_sat - fee_sat, BOB.script)
    return signer.pay([Spendable(held.outpoint, held.amount_sat)], [output])


def check_scripts(
    transaction: Transaction, spent: Sequence[TxOut], /, *, relayed: bool = True
) -> Verdict:
    """Whether each input names the key that it is to be signed with."""
    keys = [item.witness[1] for item in transaction.inputs]
    assert relayed, "it waits for a block"
    holds = [b"\x00\x14" + hash160(key) for key in keys] == [item.script_pubkey for item in spent]
    return Accepted() if holds else Rejected("mempool-script-verify-flag-failed")


def watching() -> Scene:
    """A wallet of Dora's with one coin, which believes what her key has signed."""
    source = watch(REGTEST, f"wpkh({DORA.public_key.hex()})")
    wallet = Wallet.create(MemoryStore(), REGTEST, source, birthday_s=0)
    wallet.check_scripts = check_scripts
    scene = Scene(wallet)
    scene.mine(paying(DORA.script, 5 * COIN))
    return scene


def test_what_another_device_has_spent_shows_at_once() -> None:
    scene = watching()
    forged = spending(scene, fee_sat=500, signer=BOB)
    assert not scene.wallet.take_unconfirmed(forged, scene.now_s)
    assert scene.wallet.balance().total_sat == 5 * COIN
    payment = spending(scene, fee_sat=1_000)
    assert scene.wallet.take_unconfirmed(payment, scene.now_s)
    assert scene.wallet.balance().total_sat == 0
    assert scene.wallet.coins() == []
    assert scene.wallet.unconfirmed_own() == [payment], "it is offered like one made here"
    assert scene.wallet.ledger.deliveries == {payment.txid: SHOWN}, "whoever sent it has it"


def test_a_payment_that_was_replaced_does_not_come_back() -> None:
    scene = watching()
    old, new = spending(scene, fee_sat=1_000), spending(scene, fee_sat=2_000)
    assert scene.wallet.take_unconfirmed(new, scene.now_s)
    assert not scene.wallet.take_unconfirmed(old, scene.now_s + 1_000)
    assert scene.wallet.unconfirmed_own() == [new]


def test_a_bump_by_another_device_takes_the_place_of_ours() -> None:
    scene = watching()
    old, new = spending(scene, fee_sat=1_000), spending(scene, fee_sat=2_000)
    scene.wallet.record_sent(old, scene.now_s)
    assert scene.wallet.take_unconfirmed(new, scene.now_s)
    assert scene.wallet.unconfirmed_own() == [new]


def test_what_cannot_be_checked_whole_is_not_believed() -> None:
    scene = watching()
    (held,) = scene.wallet.coins()
    inputs = [Spendable(held.outpoint, held.amount_sat), Spendable(POINT, COIN)]
    joined = DORA.pay(inputs, [TxOut(5 * COIN, BOB.script)])
    assert not scene.wallet.take_unconfirmed(joined, scene.now_s)
    scene.mine(joined)
    assert scene.wallet.balance().total_sat == 0
