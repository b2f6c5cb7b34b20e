"""Payments: drafted, refused, signed, raised; the signatures judged by libbitcoinkernel."""

from __future__ import annotations

from dataclasses import replace

import pytest

from axon.consensus.scripts import verify_scripts
from axon.errors import WalletError
from axon.primitives.address import encode_address
from axon.primitives.dust import dust_limit_sat
from axon.primitives.hashes import Txid, sha256
from axon.primitives.network import MAINNET, REGTEST
from axon.primitives.transaction import COIN, OutPoint, Transaction, TxOut, outpoint
from axon.primitives.verdict import Accepted
from axon.wallet.draft import (
    ASK_FEE_SAT,
    MAX_FEE_SAT,
    MAX_FEERATE_SAT_KVB,
    Draft,
    check_fee,
    fee_question,
)
from axon.wallet.errors import (
    BadAddress,
    BadAmount,
    BadFee,
    CoinUnavailable,
    InsufficientFunds,
    WatchOnly,
    WrongPassphrase,
)
from axon.wallet.keys import AccountKind, Mnemonic, watch
from axon.wallet.payment import ALL, Payee, draft
from axon.wallet.signing import reveal_words, sign
from axon.wallet.wallet import Wallet
from tests.wallet.scene import BOB, PASSPHRASE, WORDS, Scene, new_wallet, paying, source

RATE = 5_000
SCRIPTS = {
    "pkh": b"\x76\xa9\x14" + bytes(20) + b"\x88\xac",
    "sh": b"\xa9\x14" + bytes(20) + b"\x87",
    "wpkh": b"\x00\x14" + bytes(20),
    "wsh": b"\x00\x20" + bytes(32),
    "tr": b"\x51\x20" + bytes(32),
}


def to_bob(amount_sat: int) -> list[Payee]:
    return [Payee(BOB.address(), amount_sat)]


def signed(wallet: Wallet, made: Draft) -> Transaction:
    """Signed, and every signature judged."""
    transaction = sign(wallet, made, PASSPHRASE)
    assert isinstance(transaction, Transaction)
    spent = [wallet.ledger.output(prevout) for prevout in transaction.prevouts]
    outputs = [output for output in spent if output is not None]
    assert verify_scripts(transaction, outputs) == Accepted()
    return transaction


def test_a_high_fee_is_asked_about() -> None:
    scene = Scene(new_wallet())
    scene.receive(COIN, 0)
    made = draft(scene.wallet, to_bob(100_000), fee_sat=5_000)
    assert fee_question(made) is None
    question = fee_question(replace(made, fee_sat=5_001))
    assert question == (
        "The fee of 0.00005001 BTC is 5.0 % of the 0.00100000 BTC paid, more than 5 %"
    )
    large = draft(scene.wallet, to_bob(COIN // 2), fee_sat=ASK_FEE_SAT)
    assert fee_question(large) is None
    question = fee_question(replace(large, fee_sat=ASK_FEE_SAT + 1))
    assert question is not None
    assert question.endswith("is more than 0.00100000 BTC")
    # Change is no payment; where nothing else is paid, the fee is held against it.
    alone = replace(made, recipients=(), change_sat=1_000, fee_sat=50)
    assert fee_question(alone) is None
    assert fee_question(replace(alone, fee_sat=51)) is not None
    burnt = fee_question(replace(alone, change_sat=0))
    assert burnt == "All that this payment spends, 0.00000050 BTC, is fee"


@pytest.mark.parametrize("kind", AccountKind)
def test_every_kind_of_account_pays(kind: AccountKind) -> None:
    scene = Scene(new_wallet(made_of=source(kind)))
    for name in range(3):
        scene.receive(COIN, name)
    made = draft(scene.wallet, to_bob(2 * COIN + 1), feerate_sat_kvb=RATE)
    assert made.amount_sat == 2 * COIN + 1
    assert [(item.address, item.ours) for item in made.recipients] == [(BOB.address(), False)]
    assert made.change_sat == 3 * COIN - made.amount_sat - made.fee_sat
    payment = signed(scene.wallet, made)
    assert made.vsize - 3 <= payment.vsize <= made.vsize
    assert RATE - 1 <= made.fee_sat * 1_000 / payment.vsize < RATE * 1.05
    scene.wallet.record_sent(payment, scene.now_s)
    assert scene.wallet.unconfirmed_own() == [payment]
    balance = scene.wallet.balance()
    assert balance.trusted_pending_sat == made.change_sat
    entry = scene.wallet.history()[0]
    assert (entry.net_sat, entry.fee_sat) == (-made.amount_sat - made.fee_sat, made.fee_sat)
    assert entry.addresses == (BOB.address(),)
    scene.mine(payment)
    assert scene.wallet.balance().confirmed_sat == made.change_sat


def test_all_there_is_less_the_fee() -> None:
    scene = Scene()
    for name in range(3):
        scene.receive(COIN, name)
    made = draft(scene.wallet, [*to_bob(COIN), Payee(SCRIPTS["tr"], ALL)], feerate_sat_kvb=RATE)
    assert made.change_sat == 0
    assert made.amount_sat + made.fee_sat == 3 * COIN
    assert len(made.inputs) == 3
    signed(scene.wallet, made)


def test_chosen_coins_and_no_other() -> None:
    scene = Scene()
    first, _, third = (scene.receive(COIN, name) for name in range(3))
    made = draft(scene.wallet, to_bob(COIN // 2), fee_sat=700, coins=[third])
    assert [item.outpoint for item in made.inputs] == [third]
    assert made.fee_sat == 700
    swept = draft(
        scene.wallet, [Payee(BOB.address(), ALL)], feerate_sat_kvb=RATE, coins=[first, third]
    )
    assert {item.outpoint for item in swept.inputs} == {first, third}
    assert swept.change_sat == 0


def test_a_draft_changes_nothing() -> None:
    scene = Scene()
    scene.receive(COIN)
    before = scene.wallet.ledger.version
    one = draft(scene.wallet, to_bob(COIN // 2), feerate_sat_kvb=RATE)
    assert draft(scene.wallet, to_bob(COIN // 2), feerate_sat_kvb=RATE).change_sat == one.change_sat
    assert scene.wallet.ledger.version == before


def test_what_is_set_aside_is_not_chosen() -> None:
    scene = Scene()
    frozen, promised = scene.receive(COIN, 1), paying(scene.script(), COIN, 2)
    scene.wallet.freeze(frozen)
    scene.wallet.take_unconfirmed(promised, scene.now_s)
    scene.mine(miner=scene.script())
    mined = outpoint(scene.blocks[-1].transactions[0].txid, 0)
    free = scene.receive(COIN, 3)
    with pytest.raises(InsufficientFunds) as caught:
        draft(scene.wallet, to_bob(2 * COIN), feerate_sat_kvb=RATE)
    assert caught.value.spendable_sat == COIN
    assert str(caught.value).startswith(
        "200000000 sat and the fee are needed, 100000000 sat can be spent; besides there are"
        " 100000000 sat frozen, 5000000000 sat mined and immature, 100000000 sat not confirmed yet"
    )
    swept = draft(scene.wallet, [Payee(BOB.address(), ALL)], feerate_sat_kvb=RATE)
    assert [item.outpoint for item in swept.inputs] == [free]
    for point, says in [
        (frozen, "it is frozen"),
        (outpoint(promised.txid, 0), "its sender can take it back"),
        (mined, "waits for 100"),
        (outpoint(Txid(sha256(b"none")), 0), "no unspent coin"),
    ]:
        with pytest.raises(CoinUnavailable, match=says):
            draft(scene.wallet, to_bob(COIN // 2), feerate_sat_kvb=RATE, coins=[point])
    scene.wallet.unfreeze(frozen)
    draft(scene.wallet, to_bob(COIN // 2), feerate_sat_kvb=RATE, coins=[frozen])


def test_too_much_is_told_with_what_there_is() -> None:
    scene = Scene()
    for amount_sat, payees in [(COIN, to_bob(COIN)), (0, [Payee(BOB.address(), ALL)])]:
        with pytest.raises(InsufficientFunds, match="0 sat can be spent: send less"):
            draft(scene.wallet, payees, feerate_sat_kvb=RATE)
        assert amount_sat >= 0
    scene.receive(COIN)
    with pytest.raises(InsufficientFunds, match="100000000 sat can be spent"):
        draft(scene.wallet, to_bob(COIN), feerate_sat_kvb=RATE)


@pytest.mark.parametrize(
    ("to", "says"),
    [
        (encode_address(SCRIPTS["wpkh"], MAINNET), "an address of regtest, not of main"),
        (encode_address(SCRIPTS["pkh"], MAINNET), "an address of regtest"),
        ("bcrt1qnothing", "cannot be paid"),
        ("", "cannot be paid"),
        (BOB.address()[:-1] + "q", "mistakes in typing: check character 44"),
    ],
)
def test_wrong_addresses(to: str, says: str) -> None:
    with pytest.raises(BadAddress, match=says):
        draft(new_wallet(), [Payee(to, COIN)], feerate_sat_kvb=RATE)


@pytest.mark.parametrize(
    ("name", "limit"), [("pkh", 546), ("sh", 540), ("wpkh", 294), ("wsh", 330), ("tr", 330)]
)
def test_dust_is_refused_with_its_limit(name: str, limit: int) -> None:
    scene = Scene()
    scene.receive(COIN)
    assert dust_limit_sat(SCRIPTS[name]) == limit
    with pytest.raises(BadAmount, match=f"pay at least {limit} sat"):
        draft(scene.wallet, [Payee(SCRIPTS[name], limit - 1)], feerate_sat_kvb=RATE)
    made = draft(scene.wallet, [Payee(SCRIPTS[name], limit)], feerate_sat_kvb=RATE)
    assert made.amount_sat == limit


def test_wrong_payees() -> None:
    wallet = new_wallet()
    with pytest.raises(BadAddress, match="somebody to pay"):
        draft(wallet, [], feerate_sat_kvb=RATE)
    with pytest.raises(BadAmount, match="only one recipient"):
        draft(wallet, [Payee(BOB.address(), ALL)] * 2, feerate_sat_kvb=RATE)
    for amount_sat in (-1, 21_000_000 * COIN + 1):
        with pytest.raises(BadAmount, match="no amount"):
            draft(wallet, to_bob(amount_sat), feerate_sat_kvb=RATE)


def test_no_payment_needs_more_than_a_tenth_of_a_bitcoin() -> None:
    scene = Scene()
    scene.receive(20 * COIN)
    made = draft(scene.wallet, to_bob(2 * COIN), feerate_sat_kvb=RATE)
    large = replace(made, vsize=2_000, fee_sat=MAX_FEE_SAT)  # Its feerate alone would pass.
    check_fee(large)
    with pytest.raises(BadFee, match="more than any payment needs"):
        check_fee(replace(large, fee_sat=MAX_FEE_SAT + 1))
    quick = replace(made, vsize=100, fee_sat=MAX_FEERATE_SAT_KVB // 10)  # Of 100 vB.
    check_fee(quick)
    with pytest.raises(BadFee, match="more than any payment needs"):
        check_fee(replace(quick, fee_sat=MAX_FEERATE_SAT_KVB // 10 + 100))


def test_fees_nobody_means() -> None:
    scene = Scene()
    scene.receive(20 * COIN)
    pay = to_bob(100_000)
    for rate, fee_sat in ((None, None), (RATE, 1)):
        with pytest.raises(BadFee, match="either"):
            draft(scene.wallet, pay, feerate_sat_kvb=rate, fee_sat=fee_sat)
    for feerate_sat_kvb in (-5, 0, 99):
        with pytest.raises(BadFee, match=r"below 0\.1"):
            draft(scene.wallet, pay, feerate_sat_kvb=feerate_sat_kvb)
    with pytest.raises(BadFee, match=r"below 0\.1"):
        draft(scene.wallet, pay, fee_sat=3)
    with pytest.raises(BadFee, match="more than a tenth"):
        draft(scene.wallet, pay, feerate_sat_kvb=110_000)
    with pytest.raises(BadFee, match="more than any payment needs"):
        draft(scene.wallet, to_bob(10 * COIN), fee_sat=COIN // 5)
    assert draft(scene.wallet, to_bob(COIN), feerate_sat_kvb=110_000).fee_sat > 10_000
    meant = draft(scene.wallet, pay, feerate_sat_kvb=110_000, allow_high_fee=True)
    assert isinstance(sign(scene.wallet, meant, PASSPHRASE), Transaction)


def test_a_tenth_of_a_satoshi_is_relayed() -> None:
    scene = Scene()
    scene.receive(COIN)
    made = draft(scene.wallet, to_bob(COIN // 2), feerate_sat_kvb=100)
    assert made.fee_sat < made.vsize


def test_what_no_node_relays_is_not_drafted() -> None:
    scene = Scene()
    scene.receive(COIN)
    many = [Payee(SCRIPTS["wpkh"], 1_000)] * 3_500
    with pytest.raises(WalletError, match="split it"):
        draft(scene.wallet, many, feerate_sat_kvb=RATE)


def test_paying_oneself_is_a_payment() -> None:
    scene = Scene()
    scene.receive(COIN)
    own = scene.wallet.new_address()
    made = draft(scene.wallet, [Payee(own, COIN // 4)], feerate_sat_kvb=RATE)
    assert [(item.address, item.ours) for item in made.recipients] == [(own, True)]


# Signing.


def test_the_passphrase_must_fit() -> None:
    scene = Scene()
    scene.receive(COIN)
    made = draft(scene.wallet, to_bob(COIN // 2), feerate_sat_kvb=RATE)
    with pytest.raises(WrongPassphrase):
        sign(scene.wallet, made, "wrong")
    assert reveal_words(scene.wallet, PASSPHRASE) == Mnemonic(WORDS)


def test_a_watching_wallet_drafts_and_does_not_sign() -> None:
    descriptors = source().descriptors
    keys = Scene()
    keys.receive(COIN)
    watching = new_wallet(made_of=watch(REGTEST, descriptors.receive, descriptors.change))
    block = keys.blocks[1]
    watching.take_block(block.hash, 1, block.raw)
    watching.follow_chain(None, 1, block.hash)
    assert watching.is_watch_only
    made = draft(watching, to_bob(COIN // 2), feerate_sat_kvb=RATE)
    with pytest.raises(WatchOnly, match="only watches"):
        sign(watching, made, PASSPHRASE)
    payment = sign(keys.wallet, made.psbt, PASSPHRASE)
    assert isinstance(payment, Transaction)
    watching.record_sent(payment, keys.now_s)
    assert watching.unconfirmed_own() == [payment]


def test_one_descriptor_takes_change_as_well() -> None:
    scene = Scene(new_wallet(made_of=watch(REGTEST, source().descriptors.receive)))
    scene.receive(COIN)
    made = draft(scene.wallet, to_bob(COIN // 2), feerate_sat_kvb=RATE)
    assert [item.address for item in made.recipients] == [BOB.address()]
    assert made.change_sat == COIN - COIN // 2 - made.fee_sat


def sent(scene: Scene, amount_sat: int = COIN // 2, rate: int = RATE) -> Transaction:
    payment = signed(scene.wallet, draft(scene.wallet, to_bob(amount_sat), feerate_sat_kvb=rate))
    scene.wallet.record_sent(payment, scene.now_s)
    return payment


def points(made: Draft) -> list[OutPoint]:
    return [item.outpoint for item in made.inputs]


def test_own_change_is_spent_before_it_is_confirmed() -> None:
    scene = Scene()
    scene.receive(COIN)
    first = sent(scene, COIN // 4)
    made = draft(scene.wallet, to_bob(COIN // 4), feerate_sat_kvb=RATE)
    assert points(made)[0][:32] == first.txid
    second = signed(scene.wallet, made)
    scene.wallet.record_sent(second, scene.now_s)
    assert scene.wallet.unconfirmed_own() == [first, second]
    assert TxOut(COIN // 4, BOB.script) in second.outputs
