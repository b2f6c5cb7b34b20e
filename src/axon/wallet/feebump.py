"""Fees raised: a payment of ours is replaced by a dearer one (BIP 125), one that comes to us gets a
child that pays for both.

A replacement keeps its inputs and whom it pays. What more it costs is taken from its change, then
from other confirmed coins, and from the payment itself only if that is agreed to; but a payment of
all that is left, less the fee, gets smaller as it was meant to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import bdkpython as bdk

from axon.errors import WalletError
from axon.primitives.hashes import Txid, to_hex
from axon.primitives.transaction import Transaction, TxOut, outpoint, outpoint_txid
from axon.wallet.bdkwallet import bdk_outpoint, load_bdk_wallet
from axon.wallet.coins import WalletCoin
from axon.wallet.draft import Draft, Paid, describe, is_change
from axon.wallet.errors import BadFee, InsufficientFunds, NotReplaceable
from axon.wallet.payment import (
    INCREMENT_SAT_KVB,
    building_refusal,
    checked_draft,
    new_builder,
    replacement_fee_sat,
)
from axon.wallet.psbt import from_bdk
from axon.wallet.records import Keychain
from axon.wallet.wallet import Wallet

_STEP_SAT_KVB: Final = 100
"""A tenth of a satoshi for a virtual byte: as precise as feerates are told to people."""

_BUILDS: Final = 5
"""Each build that pays too little for its own size is followed by one that pays what it lacked;
more than two are needed only while ever more coins are added."""


def bump(
    wallet: Wallet,
    txid: Txid,
    feerate_sat_kvb: int,
    *,
    allow_high_fee: bool = False,
    reduce_payment: bool = False,
) -> Draft:
    """A higher fee for a transaction that waits.

    A payment of ours is made anew, to replace the one that waits (BIP 125). One that comes to us is
    spent to ourselves by a child that pays for both.

    Args:
        txid: of an unconfirmed transaction.
        feerate_sat_kvb: the new fee for a thousand virtual bytes; for both, where there is a child.
        allow_high_fee: an absurd fee is meant.
        reduce_payment: where neither change nor another coin can pay more, whoever gets most gets
            less.

    Raises:
        UnknownTransaction: it is none of this wallet.
        NotReplaceable: it is confirmed, or something builds on it.
        BadFee: not enough more, or absurd.
        InsufficientFunds: change and other coins do not cover it.
        WalletError: BDK does not build it, with its error as the cause.
    """
    old = wallet.transaction(txid)
    _check_waits(wallet, txid)
    if not wallet.ledger.spends_ours(old):
        return checked_draft(_child(wallet, old, feerate_sat_kvb), allow_high_fee)
    return checked_draft(_replacement(wallet, old, feerate_sat_kvb, reduce_payment), allow_high_fee)


def least_bump_sat_kvb(old: Transaction, old_fee_sat: int) -> int:
    """The lowest feerate of the same payment that replaces it, in steps that people are told.

    Args:
        old_fee_sat: what it pays now.
    """
    least_sat_kvb = -(-old_fee_sat * 1_000 // old.vsize) + INCREMENT_SAT_KVB
    return -(-least_sat_kvb // _STEP_SAT_KVB) * _STEP_SAT_KVB


@dataclass(frozen=True, slots=True)
class _Plan:
    """What a replacement is made of.

    Args:
        old: what it replaces.
        kept: the outputs that are paid again.
        bdk_wallet: as if the old one, and what it replaced, had never been.
        shrinks: the output that gets what is left; None: all get the same as before.
        change: where what is left goes if nobody else is paid.
    """

    old: Transaction
    kept: tuple[TxOut, ...]
    bdk_wallet: bdk.Wallet
    shrinks: TxOut | None
    change: bytes

    def build(self, feerate_sat_kvb: int | None, fee_sat: int | None) -> bdk.Psbt:
        """Raises bdk.CreateTxError."""
        builder = new_builder(feerate_sat_kvb, fee_sat)
        builder = builder.add_utxos([bdk_outpoint(prevout) for prevout in self.old.prevouts])
        for output in self.kept:
            if output is not self.shrinks:
                script = bdk.Script(output.script_pubkey)
                builder = builder.add_recipient(script, bdk.Amount.from_sat(output.amount_sat))
        if self.shrinks is not None:
            builder = builder.drain_to(bdk.Script(self.shrinks.script_pubkey))
            builder = builder.manually_selected_only()
        elif not self.kept:
            builder = builder.drain_to(bdk.Script(self.change))
        return builder.finish(self.bdk_wallet)


def _replacement(wallet: Wallet, old: Transaction, feerate_sat_kvb: int, reduce: bool) -> Draft:
    ledger = wallet.ledger
    old_fee_sat = ledger.fee_sat(old)
    if old_fee_sat is None or not all(prevout in ledger.owned for prevout in old.prevouts):
        raise NotReplaceable("not all coins it spends are ours: all who signed it must do so again")
    least_sat_kvb = least_bump_sat_kvb(old, old_fee_sat)
    if feerate_sat_kvb < least_sat_kvb:
        raise _too_low_to_replace(least_sat_kvb, feerate_sat_kvb)
    held = wallet.coins()
    plan = _plan(wallet, old, held)
    shrinks = _first_to_shrink(wallet, plan)
    if shrinks is None:
        try:
            return _build(wallet, plan, feerate_sat_kvb, old_fee_sat)
        except bdk.CreateTxError as error:
            refusal = _refusal(wallet, old, feerate_sat_kvb, held, error)
            if not isinstance(refusal, InsufficientFunds) or not plan.kept:
                raise refusal from error
            if not (reduce or _pays_only_us(wallet, plan)):
                raise refusal from error
        shrinks = max(plan.kept, key=lambda output: output.amount_sat)
    plan = replace(plan, shrinks=shrinks)
    try:
        return _build(wallet, plan, feerate_sat_kvb, old_fee_sat)
    except bdk.CreateTxError as error:
        raise _refusal(wallet, old, feerate_sat_kvb, held, error) from error


def _first_to_shrink(wallet: Wallet, plan: _Plan) -> TxOut | None:
    """The output that pays the fee before anything else does.

    Whoever was to get all that is left, less the fee; or ourselves, where all of it comes to us.
    """
    all_to = wallet.ledger.pays_all_to.get(plan.old.txid)
    found = next((output for output in plan.kept if output.script_pubkey == all_to), None)
    if found is None and plan.kept and not plan.change and _pays_only_us(wallet, plan):
        return max(plan.kept, key=lambda output: output.amount_sat)
    return found


def _pays_only_us(wallet: Wallet, plan: _Plan) -> bool:
    return all(wallet.ledger.book.find(output.script_pubkey) for output in plan.kept)


def _plan(wallet: Wallet, old: Transaction, held: Sequence[WalletCoin]) -> _Plan:
    ledger = wallet.ledger
    kept, change = list(old.outputs), b""
    for place in reversed(range(len(kept))):
        if is_change(ledger, kept[place]):
            change = kept.pop(place).script_pubkey
            break  # More of them were made on purpose.
    # Nodes take no replacement that builds on more unconfirmed ones than the old did.
    locked = [coin.outpoint for coin in held if not (coin.spendable and coin.confirmations)]
    gone = ledger.built_on([old.txid, *ledger.conflicts(old)])
    return _Plan(old, tuple(kept), load_bdk_wallet(ledger, locked, without=gone), None, change)


def _build(wallet: Wallet, plan: _Plan, feerate_sat_kvb: int, old_fee_sat: int) -> Draft:
    """Build until the fee is enough; where change is dropped, the rate is and the fee is not.

    Raises:
        bdk.CreateTxError: it cannot be built.
        BadFee: whatever it pays, more coins come in for which it must pay, too.
    """
    paid = [Paid(item.script_pubkey, item.amount_sat) for item in plan.kept]
    if plan.shrinks is not None:
        place = plan.kept.index(plan.shrinks)
        paid[place] = Paid(plan.shrinks.script_pubkey, None)
    made = describe(
        wallet.ledger,
        from_bdk(plan.build(feerate_sat_kvb, None)),
        paid=paid,
        replaces=plan.old.txid,
    )
    due_sat = replacement_fee_sat([old_fee_sat], made.vsize)
    for _ in range(_BUILDS):
        if made.fee_sat >= due_sat:
            before_sat = sum(output.amount_sat for output in plan.kept)
            all_to = wallet.ledger.pays_all_to.get(plan.old.txid)
            psbt = made.psbt if all_to is None else made.psbt.paying_all_to(all_to)
            reduced_sat = max(before_sat - made.amount_sat, 0)
            return replace(made, psbt=psbt, reduced_sat=reduced_sat)
        built = from_bdk(plan.build(None, due_sat))
        made = describe(wallet.ledger, built, paid=paid, replaces=plan.old.txid)
        least_sat = -(-feerate_sat_kvb * made.vsize // 1_000)
        due_sat = max(due_sat, least_sat, replacement_fee_sat([old_fee_sat], made.vsize))
    raise _too_low_to_replace(-(-due_sat * 1_000 // made.vsize), feerate_sat_kvb)


def _refusal(
    wallet: Wallet,
    old: Transaction,
    feerate_sat_kvb: int,
    held: Sequence[WalletCoin],
    error: bdk.CreateTxError,
) -> WalletError:
    ledger = wallet.ledger
    others = [coin for coin in held if coin.confirmations]
    needed_sat = feerate_sat_kvb * old.vsize // 1_000 + sum(
        output.amount_sat
        for output in old.outputs
        if ledger.book.find(output.script_pubkey) is None
    )
    refusal = building_refusal(error, needed_sat, others, ledger.sent_sat(old))
    if isinstance(refusal, InsufficientFunds):
        return InsufficientFunds(
            needed_sat,
            refusal.spendable_sat,
            refusal.aside,
            "let the payment itself get smaller, raise the fee less, or wait for confirmations",
        )
    return refusal


def _too_low_to_replace(least_sat_kvb: int, given_sat_kvb: int) -> BadFee:
    """Names a feerate that is enough: it is rounded up to a tenth of a satoshi."""
    named_sat_vb = -(-least_sat_kvb // _STEP_SAT_KVB) / 10
    return BadFee(
        f"a replacement pays at least {named_sat_vb:.1f} sat/vB here, not {given_sat_kvb / 1_000:g}"
    )


def _child(wallet: Wallet, parent: Transaction, feerate_sat_kvb: int) -> Draft:
    """What comes to us is spent to ourselves, for a fee that counts for both (CPFP).

    The parent's own fee is seldom known here, and counts as nothing then.
    """
    ledger = wallet.ledger
    held = [coin for coin in wallet.coins() if outpoint_txid(coin.outpoint) == parent.txid]
    free = [coin for coin in held if not coin.frozen]
    if not free:
        raise NotReplaceable("all it pays to us is frozen: unfreeze a coin to pay for both with it")
    book = ledger.book
    index = book.revealed(Keychain.RECEIVE) if book.is_range(Keychain.RECEIVE) else 0
    script = book.script(Keychain.RECEIVE, index)
    parent_fee_sat = ledger.fee_sat(parent) or 0

    def build(rate_sat_kvb: int | None, fee_sat: int | None) -> Draft:
        builder = new_builder(rate_sat_kvb, fee_sat)
        builder = builder.add_utxos([bdk_outpoint(coin.outpoint) for coin in free])
        builder = builder.manually_selected_only().drain_to(bdk.Script(script))
        psbt = from_bdk(builder.finish(load_bdk_wallet(ledger)))
        return describe(ledger, psbt, paid=[Paid(script, None)], child_of=parent.txid)

    try:
        alone = build(feerate_sat_kvb, None)
        both_sat = -(-feerate_sat_kvb * (parent.vsize + alone.vsize) // 1_000)
        return build(None, max(alone.fee_sat, both_sat - parent_fee_sat))
    except bdk.CreateTxError as error:
        needed_sat = feerate_sat_kvb * parent.vsize // 1_000
        spendable_sat = sum(coin.amount_sat for coin in free)
        if isinstance(building_refusal(error, needed_sat, free), InsufficientFunds):
            raise InsufficientFunds(
                needed_sat, spendable_sat, way_out="pay less for both, or wait for a block"
            ) from error
        raise building_refusal(error, needed_sat, free) from error


def _check_waits(wallet: Wallet, txid: Txid) -> None:
    ledger, counted = wallet.ledger, wallet.counted()
    transaction, confirmation = ledger.transactions[txid], ledger.confirmed.get(txid)
    if confirmation is not None:
        raise NotReplaceable(f"it is in block {confirmation.height} already: its fee is paid")
    if txid not in counted:
        raise NotReplaceable("it was replaced already: raise the fee of the one that counts")
    for index in range(len(transaction.outputs)):
        for spender in ledger.spenders(outpoint(txid, index)):
            if spender not in counted:
                continue
            if ledger.spends_ours(transaction):
                raise NotReplaceable(
                    f"payment {to_hex(spender)} spends its change and would be lost: raise the fee"
                    " of that one"
                )
            raise NotReplaceable(
                f"payment {to_hex(spender)} spends it and pays for it: raise the fee of that one"
            )
