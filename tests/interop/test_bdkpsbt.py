"""BDK, which others wrote, signs and reads our PSBTs: drafts, offers to join a payment, proposals.

Its wallet here has keys of its own making from the same words, and knows nothing of ours.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from typing import Any

import pytest

from axon.consensus.scripts import verify_scripts
from axon.payments.payjoin import Offer
from axon.payments.payjoininputs import fee_sat
from axon.payments.payjoinparameters import Parameters
from axon.payments.payjoinsender import check_answer, sign_answer
from axon.primitives.hashes import to_hex
from axon.primitives.transaction import COIN, Transaction, TxOut
from axon.primitives.verdict import Accepted
from axon.wallet.keys import AccountKind
from axon.wallet.payment import Payee, draft
from axon.wallet.psbt import finalize, read_psbt
from axon.wallet.psbtmaps import WITNESS_UTXO
from axon.wallet.signing import sign
from tests.payments.payjoinscene import (
    ALICE_WORDS,
    AMOUNT_SAT,
    FEERATE_SAT_KVB,
    Editable,
    Join,
    scripts_hold,
)
from tests.wallet.scene import PASSPHRASE

bdk: Any = pytest.importorskip("bdkpython", reason="bdkpython, BDK's wallet, is absent")

pytestmark = pytest.mark.interop

DESCRIPTORS: dict[AccountKind, Callable[..., Any]] = {
    AccountKind.BIP84: bdk.Descriptor.new_bip84,
    AccountKind.BIP86: bdk.Descriptor.new_bip86,
    AccountKind.BIP49: bdk.Descriptor.new_bip49,
    AccountKind.BIP44: bdk.Descriptor.new_bip44,
}
REVEALED = 20


def wallet_of(words: str, kind: AccountKind) -> Any:
    """A wallet of BDK with these words and no coins."""
    network = bdk.NetworkKind.TEST
    key = bdk.DescriptorSecretKey(network, bdk.Mnemonic.from_string(words), None)
    receive, change = (
        DESCRIPTORS[kind](key, keychain, network)
        for keychain in (bdk.KeychainKind.EXTERNAL, bdk.KeychainKind.INTERNAL)
    )
    wallet = bdk.Wallet(receive, change, bdk.Network.REGTEST, bdk.Persister.new_in_memory())
    for keychain in (bdk.KeychainKind.EXTERNAL, bdk.KeychainKind.INTERNAL):
        wallet.reveal_addresses_to(keychain, REVEALED)
    return wallet


def with_coins(wallet: Any, join: Join) -> Any:
    """The same, told of Alice's coins."""
    coins = [each.raw for each in join.alice.wallet.ledger.transactions.values()]
    seen = [bdk.UnconfirmedTx(tx=bdk.Transaction(raw), last_seen=1) for raw in coins]
    wallet.apply_unconfirmed_txs(seen)
    return wallet


def read(raw: bytes) -> Any:
    """A PSBT as BDK reads it."""
    return bdk.Psbt(b64encode(raw).decode())


def written(psbt: Any) -> bytes:
    """A PSBT as we read it."""
    return read_psbt(psbt.serialize()).raw


def shown_again(proposal: bytes, original: bytes) -> bytes:
    """The proposal, as a sender completes it: with what his inputs spend (BIP 78)."""
    before, after = Editable.of(original), Editable.of(proposal)
    known = dict(zip((item.prevout for item in before.inputs), before.input_maps, strict=True))
    for place, item in enumerate(after.inputs):
        entries = known.get(item.prevout, {})
        after.input_maps[place] |= {WITNESS_UTXO: entries[WITNESS_UTXO]} if entries else {}
    return after.encode()


def options() -> Any:
    """It takes our word for what witness inputs hold, as signers of joined payments must."""
    return bdk.SignOptions(
        trust_witness_utxo=True,
        assume_height=None,
        allow_all_sighashes=False,
        try_finalize=True,
        sign_with_tap_internal_key=True,
        allow_grinding=True,
    )


def spent_by(join: Join, transaction: Transaction) -> list[TxOut]:
    """What its inputs spend."""
    owned = join.alice.wallet.ledger.owned | join.bob.wallet.ledger.owned
    return [owned[prevout].output for prevout in transaction.prevouts]


@pytest.mark.parametrize("kind", DESCRIPTORS)
def test_it_signs_our_draft(kind: AccountKind) -> None:
    join = Join(kind)
    ours = draft(
        join.alice.wallet, [Payee(join.script, AMOUNT_SAT)], feerate_sat_kvb=FEERATE_SAT_KVB
    )
    psbt = read(ours.psbt.raw)
    assert psbt.fee() == ours.fee_sat
    assert to_hex(ours.psbt.transaction.txid) == str(psbt.extract_tx().compute_txid())
    assert wallet_of(ALICE_WORDS, kind).sign(psbt)
    theirs = finalize(read_psbt(written(psbt)))
    assert verify_scripts(theirs, spent_by(join, theirs)) == Accepted()
    signed = sign(join.alice.wallet, ours, PASSPHRASE)
    assert isinstance(signed, Transaction)
    assert signed.txid == theirs.txid or kind in (AccountKind.BIP44, AccountKind.BIP49)


@pytest.mark.parametrize("kind", DESCRIPTORS)
def test_we_sign_its_draft(kind: AccountKind) -> None:
    join = Join(kind)
    theirs = with_coins(wallet_of(ALICE_WORDS, kind), join)
    builder = bdk.TxBuilder().add_recipient(
        bdk.Script(join.script), bdk.Amount.from_sat(AMOUNT_SAT)
    )
    psbt = builder.fee_rate(bdk.FeeRate.from_sat_per_vb(2)).finish(theirs)
    signed = sign(join.alice.wallet, read_psbt(written(psbt)), PASSPHRASE)
    assert isinstance(signed, Transaction)
    assert verify_scripts(signed, spent_by(join, signed)) == Accepted()
    assert TxOut(AMOUNT_SAT, join.script) in signed.outputs


@pytest.mark.parametrize("kind", [AccountKind.BIP84, AccountKind.BIP86])
def test_it_reads_our_offer_and_signs_the_proposal(kind: AccountKind) -> None:
    """Alice offers and Bob answers; what she would sign, BDK signs as well."""
    join = Join(kind)
    offer = join.offer()
    offered = read(offer.psbt)
    assert offered.fee() == fee_sat(offer.read())
    assert bytes(offered.extract_tx().serialize()) == offer.read().transaction.raw
    proposal = join.join(offer)
    checked = check_answer(join.alice.wallet, offer, proposal.psbt, join.script)
    psbt = read(checked.raw)  # type: ignore[union-attr]
    assert len(psbt.input()) == 2
    assert wallet_of(ALICE_WORDS, kind).sign(psbt, options())
    theirs = finalize(read_psbt(written(psbt)))
    assert verify_scripts(theirs, spent_by(join, theirs)) == Accepted()
    ours = sign_answer(join.alice.wallet, offer, checked, PASSPHRASE, scripts_hold)  # type: ignore[arg-type]
    assert isinstance(ours, Transaction)
    assert ours.txid == theirs.txid
    assert set(theirs.prevouts) == {*offer.read().transaction.prevouts, *proposal.coins}


def test_a_payment_of_its_own_is_joined_and_signed() -> None:
    """BDK is the sender: its original, our answer, its signature."""
    join = Join()
    sender = with_coins(wallet_of(ALICE_WORDS, AccountKind.BIP84), join)
    builder = bdk.TxBuilder().add_recipient(
        bdk.Script(join.script), bdk.Amount.from_sat(AMOUNT_SAT)
    )
    original = builder.fee_rate(bdk.FeeRate.from_sat_per_vb(5)).finish(sender)
    assert sender.sign(original)
    raw = written(original)
    change = next(
        place
        for place, output in enumerate(read_psbt(raw).transaction.outputs)
        if output.script_pubkey != join.script
    )
    proposal = join.join(Offer(raw, Parameters(1, change, 5 * 70, 1_000)))
    joined = read(shown_again(proposal.psbt, raw))
    assert sender.sign(joined, options())
    theirs = finalize(read_psbt(written(joined)))
    assert verify_scripts(theirs, spent_by(join, theirs)) == Accepted()
    assert set(theirs.prevouts) > set(proposal.coins)
    paid = next(each for each in theirs.outputs if each.script_pubkey == join.script)
    assert paid.amount_sat > AMOUNT_SAT + COIN // 2 - 1_000
