"""Payments of a wallet of many descriptors: which coins, what change, what fee; then the bytes.

The rules and the words of refusal are Bitcoin Core's. What is built here is not signed yet.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from axon.primitives.dust import dust_limit_sat
from axon.primitives.encoding import compact_size
from axon.primitives.transaction import (
    Transaction,
    TxIn,
    TxOut,
    outpoint_txid,
)
from axon.wallet.coinchoice import CoinChoice
from axon.wallet.coinsearch import SpendableCoin
from axon.wallet.descriptorbook import AddressType
from axon.wallet.descriptorledger import DescriptorLedger
from axon.wallet.errors import NoAddresses, PaymentRefused
from axon.wallet.holdings import Holdings
from axon.wallet.paymentsize import ChangeSize, fee_sat, looks_like, signed_vsize
from axon.wallet.paymentterms import (
    MAX_WEIGHT_WU,
    MIN_WEIGHT_WU,
    Built,
    PaidScript,
    PaymentTerms,
)
from axon.wallet.sealedkeys import Entropy
from axon.wallet.selection import ChangeTerms

REPLACEABLE: Final = 0xFFFF_FFFD
NOT_FINAL: Final = 0xFFFF_FFFE
_NESTED_WU: Final = 4 * 91 - 1
"""Of an input of which nothing is known: as of a nested witness key hash."""

_OVERHEAD_BYTES: Final = 10
"""Version, lock time, the count of inputs, and the marks of a witness."""

_LEAST_CHANGE_SAT: Final = 50_000
_MOST_CHANGE_SAT: Final = 1_000_000
"""Change that is aimed at: drawn between the two, so that it does not show who paid."""

NextChange = Callable[[AddressType], bytes]
"""The next script for change, which is not given out by that; raises NoAddresses."""


@dataclass(frozen=True, slots=True)
class _Change:
    """The output for change, should there be one."""

    kind: AddressType
    script: bytes
    why_none: str
    size: ChangeSize


class PaymentBuilder:
    """Builds payments from the coins of one wallet.

    Args:
        ledger: its facts.
        holdings: what follows from them.
        entropy: where chance comes from.
        next_change: the next script for change.
        give_out: that script is used.
    """

    def __init__(
        self,
        ledger: DescriptorLedger,
        holdings: Holdings,
        entropy: Entropy,
        next_change: NextChange,
        give_out: Callable[[AddressType], object],
    ) -> None:
        self._ledger = ledger
        self._rng = entropy.rng
        self._next_change = next_change
        self._give_out = give_out
        self.coins = CoinChoice(ledger, holdings, entropy.rng)

    def build(self, recipients: Sequence[PaidScript], terms: PaymentTerms) -> Built:
        """A payment. Where it has change to a new address, that is given out.

        Raises:
            PaymentRefused: it cannot be built; why, in Bitcoin Core's words.
        """
        if not recipients:
            raise PaymentRefused("Transaction must have at least one recipient")
        if not MIN_WEIGHT_WU <= terms.max_weight_wu <= MAX_WEIGHT_WU:
            raise PaymentRefused(
                f"Maximum transaction weight must be between {MIN_WEIGHT_WU} and {MAX_WEIGHT_WU}"
            )
        if any(
            each.amount_sat < dust_limit_sat(each.script, terms.dust_sat_kvb) for each in recipients
        ):
            raise PaymentRefused("Transaction amount too small")
        if terms.shuffle:
            recipients = list(recipients)
            self._rng.shuffle(recipients)
        change = self._change(recipients, terms)
        built = self._attempt(recipients, terms, change)
        if built.fee_sat > 0 and terms.max_together_sat >= 0 and not terms.together:
            built = self._together(recipients, terms, change, built)
        if built.change_place is not None and terms.change_script is None:
            self._give_out(change.kind)
        return built

    def _together(
        self,
        recipients: Sequence[PaidScript],
        terms: PaymentTerms,
        change: _Change,
        built: Built,
    ) -> Built:
        """The same payment with coins of one script spent together, if it costs hardly more."""
        try:
            other = self._attempt(recipients, replace(terms, together=True), change)
        except PaymentRefused:
            return built
        return other if other.fee_sat <= built.fee_sat + terms.max_together_sat else built

    def _attempt(
        self, recipients: Sequence[PaidScript], terms: PaymentTerms, change: _Change
    ) -> Built:
        paid_sat = sum(each.amount_sat for each in recipients)
        outputs = [TxOut(each.amount_sat, each.script) for each in recipients]
        chosen = self.coins.choose(
            paid_sat,
            terms,
            self._change_terms(change.size, terms, paid_sat // len(recipients)),
            _OVERHEAD_BYTES
            + len(compact_size(len(recipients)))
            + sum(len(output.encode()) for output in outputs),
            from_recipients=any(each.pays_fee for each in recipients),
        )
        place = None
        if chosen.change_sat:
            place = self._place(terms, len(outputs))
            outputs.insert(place, TxOut(chosen.change_sat, change.script))
        spent_sat = sum(coin.amount_sat for coin in chosen.coins)
        vsize = self._vsize(chosen.coins, outputs, terms)
        needed = fee_sat(terms.feerate_sat_kvb, vsize) + chosen.bump_sat
        fee = self._settled(outputs, recipients, place, spent_sat, needed, terms)
        if place is not None and not change.script:
            raise PaymentRefused(change.why_none)
        made = self._made(chosen.coins, outputs, place, fee, vsize, terms)
        if fee > terms.max_fee_sat:
            raise PaymentRefused(
                "Fee exceeds maximum configured by user (e.g. -maxtxfee, maxfeerate)"
            )
        self._require_small_cluster(made, terms)
        return made

    def _require_small_cluster(self, made: Built, terms: PaymentTerms) -> None:
        """Raises PaymentRefused where the pool would refuse it for what it hangs together with."""
        if terms.cluster_limits is None:
            return
        count, weight = 1, 4 * made.vsize
        met: dict[int, None] = {}
        for point in made.transaction.prevouts:
            place = terms.pool.get(outpoint_txid(point))
            if place is not None and place.cluster not in met:
                met[place.cluster] = None
                count, weight = count + place.count, weight + place.weight_wu
        if count > terms.cluster_limits[0] or weight > terms.cluster_limits[1]:
            raise PaymentRefused("too many unconfirmed transactions in cluster")

    # The fee.

    def _settled(
        self,
        outputs: list[TxOut],
        recipients: Sequence[PaidScript],
        place: int | None,
        spent_sat: int,
        needed: int,
        terms: PaymentTerms,
    ) -> int:
        """Put right what the outputs hold, now that the fee is known; what is paid."""
        current = spent_sat - sum(output.amount_sat for output in outputs)
        payers = [each.pays_fee for each in recipients]
        if any(payers):
            self._subtract(outputs, payers, place, needed - current, terms)
        elif place is not None:
            change = outputs[place]
            outputs[place] = TxOut(change.amount_sat + current - needed, change.script_pubkey)
        return spent_sat - sum(output.amount_sat for output in outputs)

    def _subtract(
        self,
        outputs: list[TxOut],
        payers: Sequence[bool],
        place: int | None,
        due_sat: int,
        terms: PaymentTerms,
    ) -> None:
        """Have recipients pay the fee, in equal parts; the first pays the rest."""
        each_sat, rest_sat = divmod(due_sat, sum(payers))
        at = 0
        for pays in payers:
            if place is not None and at == place:
                at += 1
            if pays:
                amount = outputs[at].amount_sat - each_sat - rest_sat
                rest_sat = 0
                script = outputs[at].script_pubkey
                if amount < 0:
                    raise PaymentRefused("The transaction amount is too small to pay the fee")
                if amount < dust_limit_sat(script, terms.dust_sat_kvb):
                    raise PaymentRefused(
                        "The transaction amount is too small to send after the fee has been"
                        " deducted"
                    )
                outputs[at] = TxOut(amount, script)
            at += 1

    # The change.

    def _change_type(self, recipients: Sequence[PaidScript], terms: PaymentTerms) -> AddressType:
        """Change looks like a payment, and best like one of these."""
        if terms.change_type is not None:
            return terms.change_type
        if terms.default_type is AddressType.LEGACY:
            return AddressType.LEGACY
        book = self._ledger.book
        there = [
            kind
            for kind in (
                AddressType.BECH32M,
                AddressType.BECH32,
                AddressType.P2SH_SEGWIT,
                AddressType.LEGACY,
            )
            if book.active(kind, internal=True) is not None
        ]
        paid = {looks_like(each.script) for each in recipients}
        for kind in there:
            if kind in paid:
                return kind
        return there[0] if there else terms.default_type

    def _change(self, recipients: Sequence[PaidScript], terms: PaymentTerms) -> _Change:
        kind, why_none = self._change_type(recipients, terms), ""
        script = terms.change_script
        if script is None:
            try:
                script = self._next_change(kind)
            except NoAddresses as error:
                script = b""
                why_none = f"Transaction needs a change address, but we can't generate it. {error}"
        return _Change(kind, script, why_none, self._change_size(terms, script))

    def _change_size(self, terms: PaymentTerms, script: bytes) -> ChangeSize:
        weight = self.coins.weight_of(script)
        spend = -(-((_NESTED_WU if weight is None else weight) + 1) // 4)
        least = dust_limit_sat(script, terms.discard_sat_kvb)
        size = len(TxOut(0, script).encode())
        return ChangeSize(size, spend, least, terms.discard_sat_kvb)

    def _change_terms(self, size: ChangeSize, terms: PaymentTerms, usual_sat: int) -> ChangeTerms:
        """What change is wanted of a payment that pays so much to each, on average."""
        wanted_sat = _LEAST_CHANGE_SAT
        if usual_sat > _LEAST_CHANGE_SAT // 2:
            most_sat = min(2 * usual_sat, _MOST_CHANGE_SAT)
            wanted_sat += self._rng.randrange(max(most_sat - _LEAST_CHANGE_SAT, 1))
        output_sat = fee_sat(terms.feerate_sat_kvb, size.output_bytes)
        return ChangeTerms(
            cost_sat=size.cost_sat(terms.feerate_sat_kvb),
            output_sat=output_sat,
            least_sat=size.least_sat,
            wanted_sat=output_sat + wanted_sat,
            weight_wu=4 * size.output_bytes,
        )

    def _place(self, terms: PaymentTerms, count: int) -> int:
        if terms.change_place is None:
            return self._rng.randrange(count + 1)
        if terms.change_place > count:
            raise PaymentRefused("Transaction change output index out of range")
        return terms.change_place

    # The bytes.

    def vsize_of(
        self,
        spent: Sequence[TxOut],
        outputs: Sequence[TxOut],
        said_wu: Sequence[int | None] | None = None,
    ) -> int:
        """Virtual bytes of a signed transaction.

        Args:
            spent: coins of ours, or others whose weight is said.
            said_wu: weight of each input, with how many items its witness has; None for that of
                ours.
        """
        scripts = [output.script_pubkey for output in spent]
        return self._signed_vsize(said_wu or [None] * len(scripts), scripts, outputs)

    def _vsize(
        self, chosen: Sequence[SpendableCoin], outputs: Sequence[TxOut], terms: PaymentTerms
    ) -> int:
        """Of the signed transaction."""
        said = [terms.external.get(coin.point, (None, None))[1] for coin in chosen]
        return self._signed_vsize(said, [coin.script for coin in chosen], outputs)

    def _signed_vsize(
        self, said_wu: Sequence[int | None], scripts: Sequence[bytes], outputs: Sequence[TxOut]
    ) -> int:
        ours = [
            None if said else self.coins.weight_of(script) or _NESTED_WU
            for said, script in zip(said_wu, scripts, strict=True)
        ]
        # Where nothing is known of a script hash, its weight may still tell.
        witnesses = any(weight % 4 for weight in ours if weight) or any(
            self.coins.kind_of(script) not in (None, AddressType.LEGACY) for script in scripts
        )
        # Whoever says a weight counts the items of the witness, also where there are none.
        weights = [
            weight or (said or 0) - witnesses for said, weight in zip(said_wu, ours, strict=True)
        ]
        return signed_vsize(weights, outputs, witnesses=witnesses)

    def _made(
        self,
        chosen: Sequence[SpendableCoin],
        outputs: Sequence[TxOut],
        place: int | None,
        fee: int,
        vsize: int,
        terms: PaymentTerms,
    ) -> Built:
        usual = REPLACEABLE if terms.replaceable else NOT_FINAL
        inputs = []
        for coin in chosen:
            asked = terms.inputs.get(coin.point)
            inputs.append(TxIn(coin.point, sequence=usual if asked is None else asked))
        transaction = Transaction.build(terms.version, inputs, outputs, terms.locktime)
        if 4 * vsize > terms.max_weight_wu:
            raise PaymentRefused("Transaction too large")
        spent = tuple([TxOut(coin.amount_sat, coin.script) for coin in chosen])
        return Built(transaction, fee, place, spent, vsize)
