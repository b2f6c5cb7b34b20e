"""Payments: drafted (whom to pay, from which coins, for what fee), and written down.

BDK chooses coins and builds; here stands what it must not choose (what is frozen, what others have
only promised) and what is refused before or after: the wrong network, dust, more than there is, a
fee that nobody means. A draft changes nothing: it can be thrown away. What is written down is
brought to the network, now and after each start, so nothing gets there that no node would take.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

import bdkpython as bdk

from axon.errors import DecodeError, WalletError
from axon.primitives.address import decode_address
from axon.primitives.addressfaults import address_fault
from axon.primitives.dust import dust_limit_sat
from axon.primitives.hashes import Txid, to_hex
from axon.primitives.network import Network
from axon.primitives.transaction import (
    MAX_MONEY_SAT,
    OutPoint,
    Transaction,
)
from axon.wallet import records
from axon.wallet.bdkwallet import bdk_outpoint, load_bdk_wallet
from axon.wallet.coins import WalletCoin
from axon.wallet.draft import Draft, Paid, check_fee, describe
from axon.wallet.errors import (
    BadAddress,
    BadAmount,
    BadFee,
    CoinUnavailable,
    InsufficientFunds,
)
from axon.wallet.labels import outpoint_ref
from axon.wallet.psbt import from_bdk
from axon.wallet.unconfirmed import record_sent
from axon.wallet.wallet import Wallet

MIN_FEERATE_SAT_KVB: Final = 100
"""0.1 sat/vB: below it nodes relay nothing."""

INCREMENT_SAT_KVB: Final = 1_000
"""By so much a replacement must pay more than what it replaces (BIP 125, rule 4)."""

MAX_VSIZE: Final = 100_000
"""Nodes relay nothing larger."""

_KWU_PER_KVB = 4
_TOO_LITTLE = frozenset(
    {"CoinSelection", "InsufficientFunds", "NoUtxosSelected", "OutputBelowDustLimit"}
)


class Everything(Enum):
    """Not so and so much, but all that is left."""

    ALL = "all"


ALL: Final = Everything.ALL


@dataclass(frozen=True, slots=True)
class Payee:
    """Somebody to pay.

    Args:
        to: an address, or a script.
        amount_sat: how much; ALL for all that the coins hold and the fee leaves.
    """

    to: str | bytes
    amount_sat: int | Everything


def draft(
    wallet: Wallet,
    payees: Sequence[Payee],
    *,
    feerate_sat_kvb: int | None = None,
    fee_sat: int | None = None,
    coins: Sequence[OutPoint] | None = None,
    avoid: Sequence[OutPoint] = (),
    allow_high_fee: bool = False,
) -> Draft:
    """Build a payment, as yet unsigned.

    Args:
        payees: at least one; ALL for one of them at most.
        feerate_sat_kvb: fee for a thousand virtual bytes; give either this or `fee_sat`.
        fee_sat: the whole fee.
        coins: spend all of these and no other; None to have them chosen.
        avoid: choose none of these.
        allow_high_fee: an absurd fee is meant.

    Raises:
        BadAddress, BadAmount: of a payee.
        BadFee: too low to be relayed, or absurd.
        CoinUnavailable: a chosen coin cannot be spent.
        InsufficientFunds: more than can be spent.
        WalletError: BDK does not build it, with its error as the cause.
    """
    targets = _targets(wallet, payees)
    held = wallet.coins()
    locked = [coin.outpoint for coin in held if not coin.spendable]
    locked += avoid
    builder = new_builder(feerate_sat_kvb, fee_sat)
    if coins is not None:
        builder = _with_coins(builder, held, coins)
    for script, amount_sat in targets:
        if isinstance(amount_sat, Everything):
            builder = builder.drain_to(bdk.Script(script))
            if coins is None:
                builder = builder.drain_wallet()
        else:
            builder = builder.add_recipient(bdk.Script(script), bdk.Amount.from_sat(amount_sat))
    try:
        psbt = from_bdk(builder.finish(load_bdk_wallet(wallet.ledger, locked)))
    except bdk.CreateTxError as error:
        chosen = held if coins is None else [coin for coin in held if coin.outpoint in set(coins)]
        needed_sat = sum(amount for _, amount in targets if not isinstance(amount, Everything))
        raise building_refusal(error, needed_sat + (fee_sat or 0), chosen) from error
    for script, amount_sat in targets:
        if amount_sat is ALL:
            psbt = psbt.paying_all_to(script)
    paid = [
        Paid(script, None if isinstance(amount_sat, Everything) else amount_sat)
        for script, amount_sat in targets
    ]
    return checked_draft(describe(wallet.ledger, psbt, paid=paid), allow_high_fee)


def record_payment(
    wallet: Wallet, transaction: Transaction, now_s: int, *, all_to: bytes | None = None
) -> Transaction:
    """Write a payment down, if the network can take it beside those that are on their way.

    Args:
        now_s: seconds since 1970.
        all_to: the script of who gets all that is left, less the fee.

    Raises:
        CoinUnavailable: one of its coins is spent.
        BadFee: it replaces another one and does not pay enough for that.
        UnknownTransaction: it spends nothing of ours.
        StorageError: the disk refused: do not send it.
    """
    ledger = wallet.ledger
    counted = wallet.counted() if ledger.spends_ours(transaction) else {}
    rivals = [txid for txid in ledger.conflicts(transaction) if txid in counted]
    for txid in rivals:
        if txid in ledger.confirmed:
            raise CoinUnavailable(
                f"a coin of this payment was spent by {to_hex(txid)}, which is in a block: draft"
                " the payment anew"
            )
    if rivals:
        _check_replaces(wallet, transaction, rivals)
    record_sent(ledger, transaction, now_s)
    if all_to is not None:
        ledger.commit({records.PAYS_ALL + transaction.txid: all_to})
    return transaction


def replacement_fee_sat(fees_sat: Iterable[int], vsize: int) -> int:
    """The least fee of a payment that replaces others (BIP 125, rules 3 and 4).

    Args:
        fees_sat: what the others pay.
        vsize: of the replacement, whose own relay is to be paid as well.
    """
    return sum(fees_sat) + vsize * INCREMENT_SAT_KVB // 1_000


def _targets(wallet: Wallet, payees: Sequence[Payee]) -> list[tuple[bytes, int | Everything]]:
    if not payees:
        raise BadAddress("a payment needs somebody to pay")
    if sum(payee.amount_sat is ALL for payee in payees) > 1:
        raise BadAmount("only one recipient can get all that is left")
    return [_target(wallet, payee) for payee in payees]


def _target(wallet: Wallet, payee: Payee) -> tuple[bytes, int | Everything]:
    script = address_script(payee.to, wallet.network) if isinstance(payee.to, str) else payee.to
    amount_sat = payee.amount_sat
    if isinstance(amount_sat, Everything):
        return script, amount_sat
    if not 0 <= amount_sat <= MAX_MONEY_SAT:
        raise BadAmount(f"{amount_sat} sat is no amount that can be paid")
    limit = dust_limit_sat(script)
    if amount_sat < limit or amount_sat == 0:
        raise BadAmount(
            f"{amount_sat} sat is dust, which no node relays: pay at least {max(limit, 1)} sat to"
            " this address"
        )
    return script, amount_sat


def address_script(address: str, network: Network) -> bytes:
    """The script that is paid at an address.

    Raises:
        BadAddress: it is none of this network; the text says what is wrong, and where.
    """
    address = address.strip()
    try:
        return decode_address(address, network)
    except DecodeError:
        fault = address_fault(address, network)
        raise BadAddress(f"{address[:100]!r} cannot be paid: {fault}") from None


def _feerate(feerate_sat_kvb: int) -> bdk.FeeRate:
    """Rounded up to what BDK counts in: satoshi for a thousand weight units."""
    if feerate_sat_kvb < MIN_FEERATE_SAT_KVB:
        raise BadFee(f"nodes relay nothing below {MIN_FEERATE_SAT_KVB / 1_000:.1f} sat/vB")
    if feerate_sat_kvb > MAX_MONEY_SAT:
        raise BadFee("there is not as much money as this feerate asks for")
    return bdk.FeeRate.from_sat_per_kwu(-(-feerate_sat_kvb // _KWU_PER_KVB))


def new_builder(feerate_sat_kvb: int | None, fee_sat: int | None) -> bdk.TxBuilder:
    """A builder that pays by either of two, a feerate or a whole fee.

    Raises:
        BadFee: both or none, or nobody can pay it.
    """
    builder = bdk.TxBuilder()  # type: ignore[no-untyped-call]
    if (feerate_sat_kvb is None) == (fee_sat is None):
        raise BadFee("give either a feerate or a fee")
    if feerate_sat_kvb is not None:
        return builder.fee_rate(_feerate(feerate_sat_kvb))
    assert fee_sat is not None
    if not 0 <= fee_sat <= MAX_MONEY_SAT:
        raise BadFee(f"{fee_sat} sat is no fee")
    return builder.fee_absolute(bdk.Amount.from_sat(fee_sat))


def _with_coins(
    builder: bdk.TxBuilder, held: Sequence[WalletCoin], chosen: Sequence[OutPoint]
) -> bdk.TxBuilder:
    known = {coin.outpoint: coin for coin in held}
    if not chosen:
        raise CoinUnavailable("no coin was chosen: choose one, or leave the choice to the wallet")
    for point in chosen:
        reason = _why_not(known.get(point))
        if reason:
            raise CoinUnavailable(f"{outpoint_ref(point)} cannot be spent: {reason}")
    return builder.add_utxos([bdk_outpoint(point) for point in chosen]).manually_selected_only()


def _why_not(coin: WalletCoin | None) -> str:
    if coin is None:
        return "it is no unspent coin of this wallet"
    if coin.frozen:
        return "it is frozen, unfreeze it first"
    if coin.immature:
        return f"it was mined {coin.confirmations} blocks ago and waits for 100"
    if not coin.trusted:
        return "it is in no block yet and its sender can take it back, wait for a confirmation"
    return ""


def _check_replaces(wallet: Wallet, transaction: Transaction, rivals: list[Txid]) -> None:
    """What waits is replaced by what pays more, and for its own relay (BIP 125, rules 3 and 4)."""
    ledger = wallet.ledger
    fees = [ledger.fee_sat(ledger.transactions[txid]) or 0 for txid in rivals]
    due_sat = replacement_fee_sat(fees, transaction.vsize)
    fee_sat = ledger.fee_sat(transaction)
    if fee_sat is not None and fee_sat < due_sat:
        raise BadFee(
            f"a coin of this payment is promised to {to_hex(rivals[0])}, which waits for a block:"
            f" draft the payment anew, or pay {due_sat} sat or more to replace that one"
        )


def checked_draft(made: Draft, allow_high_fee: bool) -> Draft:
    """The same draft, if nodes relay it and its fee can be meant.

    Raises:
        WalletError: it is too large.
        BadFee: too low to be relayed, or absurd.
    """
    if made.vsize > MAX_VSIZE:
        raise WalletError(
            f"this payment takes {made.vsize} vbytes and nodes relay at most {MAX_VSIZE}: split it,"
            " or spend fewer coins at once"
        )
    if made.feerate_sat_kvb < MIN_FEERATE_SAT_KVB:
        raise BadFee(f"nodes relay nothing below {MIN_FEERATE_SAT_KVB / 1_000:.1f} sat/vB")
    if not allow_high_fee:
        check_fee(made)
    return made


def building_refusal(
    error: bdk.CreateTxError, needed_sat: int, coins: Sequence[WalletCoin], besides_sat: int = 0
) -> WalletError:
    """BDK's refusal in our words.

    Args:
        needed_sat: amounts, and the fee as far as it is known.
        coins: those that it could choose from, and others.
        besides_sat: what it had without choosing.
    """
    name = type(error).__name__
    # Recipients above dust were checked: what is left for ALL, or for the fee, is too little.
    if name in _TOO_LITTLE:
        spendable_sat = sum(coin.amount_sat for coin in coins if coin.spendable)
        return InsufficientFunds(needed_sat, spendable_sat + besides_sat, _aside(coins))
    return WalletError(f"BDK does not build this payment: {error}")


def _aside(held: Sequence[WalletCoin]) -> str:
    """Why coins cannot be spent, with how much is in each kind."""
    kinds = {
        "frozen": [coin for coin in held if coin.frozen],
        "mined and immature": [coin for coin in held if coin.immature and not coin.frozen],
        "not confirmed yet": [coin for coin in held if not coin.trusted and not coin.frozen],
    }
    parts = [
        f"{sum(coin.amount_sat for coin in coins)} sat {kind}"
        for kind, coins in kinds.items()
        if coins
    ]
    return ", ".join(parts)
