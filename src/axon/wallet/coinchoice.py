"""The coins of one wallet that a payment spends: those that are named, and those that are chosen.

What each costs now and later is worked out here, from its descriptor and the feerates; which are
taken is decided in `selection`. The words of refusal are Bitcoin Core's.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Final

from axon.primitives.hashes import Txid, to_hex
from axon.primitives.transaction import (
    OutPoint,
    Transaction,
    TxOut,
    outpoint,
    outpoint_index,
    outpoint_txid,
)
from axon.wallet.coinsearch import SpendableCoin, bump_sat
from axon.wallet.descriptorbook import AddressType, address_type
from axon.wallet.descriptorledger import DescriptorLedger
from axon.wallet.errors import PaymentRefused
from axon.wallet.holdings import HeldCoin, Holdings
from axon.wallet.paymentsize import fee_sat, looks_like
from axon.wallet.paymentterms import PaymentTerms, PoolPlace
from axon.wallet.satisfaction import signed_input_wu
from axon.wallet.scripts import Place
from axon.wallet.selection import ChangeTerms, Goal, change_left, choose, shared_sat

_TRUC: Final = 3
"""The version of transactions of which a parent has one child in the pool (BIP 431)."""

_TRUC_CHILD_WU: Final = 4_000
"""Such a child is not heavier."""


@dataclass(frozen=True, slots=True)
class ChosenCoins:
    """What a payment spends.

    Args:
        coins: in the order of its inputs.
        change_sat: what is left for change; 0 where it is left to the miner.
        bump_sat: what it pays for others of the pool that it builds on.
    """

    coins: tuple[SpendableCoin, ...]
    change_sat: int
    bump_sat: int


class CoinChoice:
    """Chooses among the coins of one wallet.

    Args:
        ledger: its facts.
        holdings: what follows from them.
        rng: where chance comes from.
    """

    def __init__(self, ledger: DescriptorLedger, holdings: Holdings, rng: Random) -> None:
        self._ledger = ledger
        self._holdings = holdings
        self._rng = rng
        self._weights: dict[tuple[Place, bytes], int | None] = {}  # Of inputs of our scripts.

    def weight_of(self, script: bytes) -> int | None:
        """Weight units of an input that spends a script of ours; see `signed_input_wu`."""
        book = self._ledger.book
        place = book.find(script)
        if place is None:
            return None
        key = (place, script)
        if key not in self._weights:
            descriptor = book.parsed(place.keychain)
            self._weights[key] = signed_input_wu(descriptor, place.index, script)
        return self._weights[key]

    def kind_of(self, script: bytes) -> AddressType | None:
        """The type of the address of a script, as far as it can be told."""
        kind, place = looks_like(script), self._ledger.book.find(script)
        if kind is AddressType.P2SH_SEGWIT and place is not None:
            descriptor = self._ledger.book.parsed(place.keychain)
            return kind if descriptor.name == "combo" else address_type(descriptor)
        is_script_hash = script.startswith(b"\x00\x20") and len(script) == 34
        return AddressType.BECH32 if is_script_hash else kind

    def candidates(self, terms: PaymentTerms) -> list[SpendableCoin]:
        """Coins that may be chosen, and those that must be are not among them."""
        least, most = terms.depths
        found = []
        for coin in self._holdings.unspent():
            usable = (coin.safe or terms.unsafe) and not coin.locked and not coin.immature
            if not usable or not least <= coin.depth <= most or coin.point in terms.inputs:
                continue
            weight = self.weight_of(coin.output.script_pubkey)
            if weight is not None and (coin.depth or self._fits_version(coin, terms)):
                found.append(self._candidate(coin, weight, terms))
        return self._of_one_truc_parent(found) if terms.version == _TRUC else found

    def _fits_version(self, coin: HeldCoin, terms: PaymentTerms) -> bool:
        """Whether a payment of this version may spend what is in no block yet (BIP 431)."""
        parent = self._ledger.transactions[outpoint_txid(coin.point)]
        if terms.version != _TRUC or parent.version != _TRUC:
            return terms.version != _TRUC and parent.version != _TRUC
        place = self._pool_place(parent.txid, terms)
        return place.ancestors <= 1 and not self._has_child_in_pool(parent)

    def _has_child_in_pool(self, parent: Transaction) -> bool:
        points = [outpoint(parent.txid, index) for index in range(len(parent.outputs))]
        spenders = [txid for point in points for txid in self._ledger.spenders(point)]
        return any(self._holdings.in_pool(txid) for txid in spenders)

    def _of_one_truc_parent(self, coins: list[SpendableCoin]) -> list[SpendableCoin]:
        """Of coins that wait for a block those of one transaction: the one that holds most."""
        sums: dict[Txid, int] = {}
        for coin in coins:
            if coin.depth == 0:
                txid = outpoint_txid(coin.point)
                sums[txid] = sums.get(txid, 0) + coin.amount_sat
        richest = max(sums, key=lambda txid: sums[txid], default=None)
        return [coin for coin in coins if coin.depth or outpoint_txid(coin.point) == richest]

    def _candidate(self, coin: HeldCoin, weight_wu: int, terms: PaymentTerms) -> SpendableCoin:
        txid, script = outpoint_txid(coin.point), coin.output.script_pubkey
        place = PoolPlace(0, 0, 0, 0) if coin.depth else self._pool_place(txid, terms)
        made = self._coin(coin.point, coin.output, weight_wu, terms)
        return replace(
            made,
            depth=coin.depth,
            own=self._ledger.spends_ours(self._ledger.transactions[txid]),
            kind=self.kind_of(script),
            ancestors=place.ancestors,
            cluster=place.count,
        )

    def _pool_place(self, txid: Txid, terms: PaymentTerms) -> PoolPlace:
        """Where a transaction is in the pool; as far as its parents are ours, where it is new."""
        known = terms.pool.get(txid)
        if known is not None:
            return known
        count = self._holdings.waiting_above(txid)
        return PoolPlace(count, 0, count, 0)

    def _coin(
        self, point: OutPoint, output: TxOut, weight_wu: int, terms: PaymentTerms
    ) -> SpendableCoin:
        vsize = -(-(weight_wu + 1) // 4)  # With the count of its witness.
        place = terms.pool.get(outpoint_txid(point))
        kin = () if place is None else place.kin
        bump = bump_sat(kin, terms.feerate_sat_kvb)
        cost = fee_sat(terms.feerate_sat_kvb, vsize) + bump
        return SpendableCoin(
            point,
            output.amount_sat,
            output.amount_sat - cost,
            cost,
            fee_sat(terms.later_sat_kvb, vsize),
            4 * vsize,
            depth=0,
            own=False,
            script=output.script_pubkey,
            kin=kin,
            bump_sat=bump,
        )

    def preset(self, terms: PaymentTerms) -> list[SpendableCoin]:
        """The coins that are spent in any case.

        Raises:
            PaymentRefused: one is not known, or may not be spent by this version.
        """
        found = []
        for point in terms.inputs:
            owned = self._ledger.owned.get(point)
            output, weight = terms.external.get(point, (None, None))
            if owned is not None:
                self._require_version(outpoint_txid(point), terms)
                output = owned.output
            if output is None:
                raise PaymentRefused("Unable to find UTXO for external input")
            if weight is None:
                weight = self.weight_of(output.script_pubkey)
            if weight is None:
                raise PaymentRefused(f"Not solvable pre-selected input {_named(point)}")
            found.append(self._coin(point, output, weight, terms))
        return found

    def _require_version(self, txid: Txid, terms: PaymentTerms) -> None:
        version = self._ledger.transactions[txid].version
        if self._holdings.depth(txid) != 0 or (version == _TRUC) is (terms.version == _TRUC):
            return
        raise PaymentRefused(
            f"Can't spend unconfirmed version {version} pre-selected input with a version"
            f" {terms.version} tx"
        )

    def bumps_sat(self, points: Iterable[OutPoint], terms: PaymentTerms) -> int:
        """What a payment that spends these pays for others of the pool that it builds on."""
        places = [terms.pool.get(outpoint_txid(point)) for point in points]
        kin = [each for place in places if place is not None for each in place.kin]
        return bump_sat(kin, terms.feerate_sat_kvb)

    def choose(
        self,
        paid_sat: int,
        terms: PaymentTerms,
        change: ChangeTerms,
        bare_vsize: int,
        *,
        from_recipients: bool,
    ) -> ChosenCoins:
        """The coins of a payment.

        Args:
            paid_sat: what recipients get, the fee not yet taken from it.
            bare_vsize: of the payment without inputs and change.
            from_recipients: they pay the fee.

        Raises:
            PaymentRefused: there are none that would do.
        """
        extra_sat = 0 if from_recipients else fee_sat(terms.feerate_sat_kvb, bare_vsize)
        preset = self.preset(terms)
        free = self.candidates(terms) if terms.others else []
        if from_recipients:
            preset, free = [_at_face(each) for each in preset], [_at_face(each) for each in free]
        preset_sat = sum(each.value_sat for each in preset)
        goal = Goal(
            target_sat=paid_sat + extra_sat - preset_sat,
            change=change,
            feerate_sat_kvb=terms.feerate_sat_kvb,
            later_sat_kvb=terms.later_sat_kvb,
            max_weight_wu=terms.max_weight_wu - 4 * bare_vsize,
            child_weight_wu=(_TRUC_CHILD_WU if terms.version == _TRUC else terms.max_weight_wu)
            - 4 * bare_vsize,
            from_recipients=from_recipients,
            together=terms.together,
            spends_change=self._holdings.spends_change,
            unsafe=terms.unsafe,
            long_chains=terms.long_chains,
        )
        if paid_sat + extra_sat == 0 and not preset:
            raise PaymentRefused(
                "Transaction requires one destination of non-zero value, a non-zero feerate, or a"
                " pre-selected input"
            )
        if goal.target_sat <= 0:
            return ChosenCoins(tuple(preset), change_left(-goal.target_sat, goal), _bumps(preset))
        if not terms.others:
            raise PaymentRefused(
                "The preselected coins total amount does not cover the transaction target. Please"
                " allow other inputs to be automatically selected or include more coins manually"
            )
        chosen = choose(free, goal, self._rng)
        if chosen is None:
            raise PaymentRefused(_insufficient([*preset, *free], paid_sat, extra_sat))
        if preset and _weight(preset) + _weight(chosen) > goal.max_weight_wu:
            raise PaymentRefused(
                "The combination of the pre-selected inputs and the wallet automatic inputs"
                " selection exceeds the transaction maximum weight. Please try sending a smaller"
                " amount or manually consolidating your wallet's UTXOs"
            )
        saved_sat = shared_sat(chosen, terms.feerate_sat_kvb)
        over_sat = sum(each.value_sat for each in chosen) + saved_sat - goal.target_sat
        bumps_sat = _bumps(preset) + _bumps(chosen) - saved_sat
        self._rng.shuffle(chosen)
        return ChosenCoins((*preset, *chosen), change_left(over_sat, goal), bumps_sat)


def _insufficient(coins: Sequence[SpendableCoin], paid_sat: int, extra_sat: int) -> str:
    total_sat = sum(each.amount_sat for each in coins)
    worth_sat = sum(each.value_sat for each in coins)
    if total_sat >= paid_sat and worth_sat < paid_sat + extra_sat:
        return (
            f"The total exceeds your balance when the {_btc(extra_sat)} transaction fee is"
            " included."
        )
    return "Insufficient funds"


def _bumps(coins: Iterable[SpendableCoin]) -> int:
    return sum(coin.bump_sat for coin in coins)


def _weight(coins: Iterable[SpendableCoin]) -> int:
    return sum(coin.weight_wu for coin in coins)


def _at_face(coin: SpendableCoin) -> SpendableCoin:
    return replace(coin, value_sat=coin.amount_sat)


def _named(point: OutPoint) -> str:
    return f"COutPoint({to_hex(outpoint_txid(point))[:10]}, {outpoint_index(point)})"


def _btc(amount_sat: int) -> str:
    """As Bitcoin Core's texts have it: at least two decimals."""
    whole, rest = divmod(amount_sat, 100_000_000)
    digits = f"{rest:08d}".rstrip("0")
    return f"{whole}.{digits.ljust(2, '0')}"
