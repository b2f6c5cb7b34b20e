"""Which coin of ours a receiver adds to a payment.

It is of the sender's kind, and confirmed. One that somebody has seen before is shown again rather
than a fresh one (BIP 78), once the payment for which it was shown is settled or forgotten. Of the
rest one is taken that leaves no input which looks unnecessary: if the smallest input is no larger
than the smallest output, the payment could have been made without it, if that output were change.
Wallets do not do such a thing, so it would look like what it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

from axon.payments.payjoininputs import NESTED
from axon.payments.payjoinrecords import is_held, shown
from axon.primitives.solver import SCRIPTHASH, kind_of
from axon.primitives.transaction import OutPoint
from axon.wallet.coins import WalletCoin
from axon.wallet.draft import Draft
from axon.wallet.errors import InsufficientFunds
from axon.wallet.keys import AccountKind
from axon.wallet.wallet import Wallet


def own_kind(wallet: Wallet, script: bytes) -> str:
    """The kind of a coin of this wallet, by the names of `payjoininputs.input_kind`."""
    kind = kind_of(script)
    return NESTED if kind == SCRIPTHASH and wallet.source.kind == AccountKind.BIP49 else kind


def usable_coins(wallet: Wallet, kinds: frozenset[str], now_s: int) -> list[WalletCoin]:
    """The coins that may be added, the oldest first.

    Args:
        kinds: of the sender's inputs.
        now_s: seconds since 1970.
    """
    ledger = wallet.ledger
    return [
        coin
        for coin in wallet.coins()
        if coin.spendable
        and coin.confirmations
        and own_kind(wallet, ledger.owned[coin.outpoint].output.script_pubkey) in kinds
        and not is_held(ledger, coin.outpoint, now_s)
    ]


def held_coins(wallet: Wallet, now_s: int) -> list[OutPoint]:
    """The coins that wait for the payments for which they were shown."""
    held = [coin.outpoint for coin in wallet.coins()]
    return [point for point in held if is_held(wallet.ledger, point, now_s)]


def sparing_held(make: Callable[..., Draft], held: Sequence[OutPoint]) -> Draft:
    """A draft that leaves coins alone which wait for payjoins; with them, if it is not made else.

    Args:
        make: `wallet.payment.draft`, but for what is to be avoided.
        held: from `held_coins`; none where the payer has chosen the coins.

    Raises:
        WalletError: as `make`.
    """
    try:
        return make(avoid=held)
    except InsufficientFunds:
        if not held:
            raise
        return make(avoid=())  # What waits for a payjoin may wait in vain.


def held_count(wallet: Wallet, now_s: int) -> int:
    """How many there are."""
    return len(held_coins(wallet, now_s))


def choose_coin(
    wallet: Wallet,
    coins: Sequence[WalletCoin],
    inputs_sat: Sequence[int],
    paid_sat: int,
    others_sat: Sequence[int],
    choose: Random,
) -> WalletCoin:
    """The coin to add.

    Args:
        coins: at least one; from `usable_coins`.
        inputs_sat: what the sender's inputs hold.
        paid_sat: what is paid to us.
        others_sat: the other outputs.
        choose: draws among those that are equally good.
    """
    ledger = wallet.ledger

    def is_best(coin: WalletCoin) -> bool:
        return not looks_unnecessary(
            [*inputs_sat, coin.amount_sat], [*others_sat, paid_sat + coin.amount_sat]
        )

    familiar = [coin for coin in coins if shown(ledger, coin.outpoint) is not None]
    for group in (familiar, coins):
        best = list(filter(is_best, group)) or group
        if best:
            return choose.choice(best)
    raise AssertionError("the caller has at least one coin")


def looks_unnecessary(inputs_sat: Sequence[int], outputs_sat: Sequence[int]) -> bool:
    """Whether a payment with change seems to have an input too many.

    Only of two outputs one passes for change.
    """
    return len(outputs_sat) == 2 and min(inputs_sat) <= min(outputs_sat)
