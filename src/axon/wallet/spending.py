"""Payments of a wallet of many descriptors: which coins, what change, what fee; then the bytes.

The rules and the words of refusal are Bitcoin Core's. What is built here is not signed yet.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from axon.primitives.dust import dust_limit_sat
from axon.primitives.encoding import compact_size
from axon.primitives.hashes import to_hex
from axon.primitives.transaction import (
    OutPoint,
    Transaction,
    TxIn,
    TxOut,
    outpoint_index,
    outpoint_txid,
)
from axon.wallet.descriptorbook import AddressType
from axon.wallet.descriptorledger import DescriptorLedger
from axon.wallet.errors import NoAddresses, PaymentRefused
from axon.wallet.holdings import HeldCoin, Holdings
from axon.wallet.paymentsize import SIZES, ChangeSize, dust_of, fee_sat, looks_like, signed_vsize
from axon.wallet.paymentterms import Built, PaidScript, PaymentTerms
from axon.wallet.satisfaction import signed_input_wu
from axon.wallet.sealedkeys import Entropy
from axon.wallet.selection import ChangeTerms, SpendableCoin, choose

REPLACEABLE: Final = 0xFFFF_FFFD
NOT_FINAL: Final = 0xFFFF_FFFE
_NESTED_WU: Final = 4 * 91
"""Of an input of which nothing is known: as of a nested witness key hash."""

_OVERHEAD_BYTES: Final = 10
"""Version, lock time, the count of inputs, and the marks of a witness."""

NewChange = Callable[[AddressType], bytes]
"""A script for change; raises NoAddresses."""


class PaymentBuilder:
    """Builds payments from the coins of one wallet.

    Args:
        ledger: its facts.
        holdings: what follows from them.
        entropy: where chance comes from.
        new_change: gives a script for change.
    """

    def __init__(
        self,
        ledger: DescriptorLedger,
        holdings: Holdings,
        entropy: Entropy,
        new_change: NewChange,
    ) -> None:
        self._ledger = ledger
        self._holdings = holdings
        self._rng = entropy.rng
        self._new_change = new_change

    def build(self, recipients: Sequence[PaidScript], terms: PaymentTerms) -> Built:
        """A payment.

        Raises:
            PaymentRefused: it cannot be built; why, in Bitcoin Core's words.
        """
        if not recipients:
            raise PaymentRefused("Transaction must have at least one recipient")
        if any(
            each.amount_sat < dust_limit_sat(each.script, terms.dust_sat_kvb) for each in recipients
        ):
            raise PaymentRefused("Transaction amount too small")
        if terms.shuffle:
            recipients = list(recipients)
            self._rng.shuffle(recipients)
        change_type = self._change_type(recipients, terms)
        change_size = self._change_size(terms, change_type)
        chosen = self._coins(recipients, terms, change_size)
        spent_sat = sum(coin.amount_sat for coin in chosen)
        paid_sat = sum(each.amount_sat for each in recipients)
        outputs = [TxOut(each.amount_sat, each.script) for each in recipients]
        fee_without = fee_sat(terms.feerate_sat_kvb, self._vsize(chosen, outputs, terms))
        from_recipients = any(each.pays_fee for each in recipients)
        left_sat = spent_sat - paid_sat - (0 if from_recipients else fee_without)
        output_fee_sat = fee_sat(terms.feerate_sat_kvb, change_size.output_bytes)
        change_sat = left_sat - (0 if from_recipients else output_fee_sat)
        place = None
        if change_sat >= change_size.least_sat:
            script = self._change_script(terms, change_type)
            place = self._place(terms, len(outputs))
            outputs.insert(place, TxOut(change_sat, script))
        vsize = self._vsize(chosen, outputs, terms)
        fee = self._settled(outputs, recipients, place, spent_sat, vsize, terms)
        return self._made(chosen, outputs, place, fee, vsize, terms)

    # The fee.

    def _settled(
        self,
        outputs: list[TxOut],
        recipients: Sequence[PaidScript],
        place: int | None,
        spent_sat: int,
        vsize: int,
        terms: PaymentTerms,
    ) -> int:
        """Put right what the outputs hold, now that the size is known; the fee."""
        needed = fee_sat(terms.feerate_sat_kvb, vsize)
        current = spent_sat - sum(output.amount_sat for output in outputs)
        payers = [each.pays_fee for each in recipients]
        if any(payers):
            self._subtract(outputs, payers, place, needed - current, terms)
        elif place is not None:
            change = outputs[place]
            outputs[place] = TxOut(change.amount_sat + current - needed, change.script_pubkey)
        current = spent_sat - sum(output.amount_sat for output in outputs)
        if current > terms.max_fee_sat:
            raise PaymentRefused(
                "Fee exceeds maximum configured by user (e.g. -maxtxfee, maxfeerate)"
            )
        return current

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

    # The coins.

    def candidates(self, terms: PaymentTerms) -> list[SpendableCoin]:
        """Coins that may be chosen, and those that must be are not among them."""
        least, most = terms.depths
        found = []
        for coin in self._holdings.unspent():
            usable = (coin.safe or terms.unsafe) and not coin.locked and not coin.immature
            if usable and least <= coin.depth <= most and coin.point not in terms.inputs:
                weight = self._weight(coin)
                if weight is not None:
                    found.append(self._candidate(coin, weight, terms))
        return found

    def _candidate(self, coin: HeldCoin, weight_wu: int, terms: PaymentTerms) -> SpendableCoin:
        cost = fee_sat(terms.feerate_sat_kvb, -(-weight_wu // 4))
        parent = self._ledger.transactions[outpoint_txid(coin.point)]
        return SpendableCoin(
            coin.point,
            coin.output.amount_sat,
            coin.output.amount_sat - cost,
            coin.depth,
            self._ledger.spends_ours(parent),
            coin.output.script_pubkey,
        )

    def _weight(self, coin: HeldCoin) -> int | None:
        return self._script_weight(coin.output.script_pubkey)

    def _script_weight(self, script: bytes) -> int | None:
        book = self._ledger.book
        place = book.find(script)
        if place is None:
            return None
        return signed_input_wu(book.parsed(place.keychain), place.index)

    def preset(self, terms: PaymentTerms) -> list[SpendableCoin]:
        """The coins that are spent in any case.

        Raises:
            PaymentRefused: one is not known.
        """
        found = []
        for point in terms.inputs:
            owned = self._ledger.owned.get(point)
            if owned is not None:
                output, weight = owned.output, self._script_weight(owned.output.script_pubkey)
            elif point in terms.external:
                output, weight = terms.external[point]
            else:
                raise PaymentRefused(f"Not found pre-selected input {_named(point)}")
            if weight is None:
                raise PaymentRefused(f"Not solvable pre-selected input {_named(point)}")
            cost = fee_sat(terms.feerate_sat_kvb, -(-weight // 4))
            found.append(
                SpendableCoin(
                    point,
                    output.amount_sat,
                    output.amount_sat - cost,
                    1,
                    True,
                    output.script_pubkey,
                )
            )
        return found

    def _coins(
        self, recipients: Sequence[PaidScript], terms: PaymentTerms, change: ChangeSize
    ) -> list[SpendableCoin]:
        from_recipients = any(each.pays_fee for each in recipients)
        paid_sat = sum(each.amount_sat for each in recipients)
        size = _OVERHEAD_BYTES + len(compact_size(len(recipients)))
        size += sum(len(TxOut(each.amount_sat, each.script).encode()) for each in recipients)
        target = paid_sat if from_recipients else paid_sat + fee_sat(terms.feerate_sat_kvb, size)
        preset = self.preset(terms)
        free = self.candidates(terms) if terms.others else []
        if from_recipients:
            preset, free = [_at_face(each) for each in preset], [_at_face(each) for each in free]
        missing = target - sum(each.value_sat for each in preset)
        if missing <= 0 and preset:
            return preset
        if not terms.others:
            raise PaymentRefused(
                "The preselected coins total amount does not cover the transaction target. Please"
                " allow other inputs to be automatically selected or include more coins manually"
            )
        costs = ChangeTerms(
            change.cost_sat(terms.feerate_sat_kvb),
            fee_sat(terms.feerate_sat_kvb, change.output_bytes),
        )
        chosen = choose(free, missing, costs, self._rng, together=terms.together)
        if chosen is None:
            held = preset + free
            if sum(each.amount_sat for each in held) >= paid_sat and not from_recipients:
                extra = target - paid_sat
                raise PaymentRefused(
                    f"The total exceeds your balance when the {_btc(extra)} transaction fee is"
                    " included."
                )
            raise PaymentRefused("Insufficient funds")
        self._rng.shuffle(chosen)
        return preset + chosen

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

    def _change_size(self, terms: PaymentTerms, kind: AddressType) -> ChangeSize:
        script = terms.change_script
        if script is None:
            size, spend = SIZES[kind]
            return ChangeSize(
                size, spend, dust_of(kind, terms.discard_sat_kvb), terms.discard_sat_kvb
            )
        weight = self._script_weight(script) or _NESTED_WU
        least = dust_limit_sat(script, terms.discard_sat_kvb)
        return ChangeSize(
            len(TxOut(0, script).encode()), -(-weight // 4), least, terms.discard_sat_kvb
        )

    def _change_script(self, terms: PaymentTerms, kind: AddressType) -> bytes:
        if terms.change_script is not None:
            return terms.change_script
        try:
            return self._new_change(kind)
        except NoAddresses as error:
            raise PaymentRefused(
                f"Transaction needs a change address, but we can't generate it. {error}"
            ) from None

    def _place(self, terms: PaymentTerms, count: int) -> int:
        if terms.change_place is None:
            return self._rng.randrange(count + 1)
        if terms.change_place > count:
            raise PaymentRefused("Transaction change output index out of range")
        return terms.change_place

    # The bytes.

    def vsize_of(self, spent: Sequence[TxOut], outputs: Sequence[TxOut]) -> int:
        """Virtual bytes of a signed transaction that spends coins of ours."""
        scripts = [output.script_pubkey for output in spent]
        weights = [self._script_weight(script) or _NESTED_WU for script in scripts]
        return signed_vsize(weights, scripts, outputs)

    def _vsize(
        self, chosen: Sequence[SpendableCoin], outputs: Sequence[TxOut], terms: PaymentTerms
    ) -> int:
        """Of the signed transaction."""
        weights = []
        for coin in chosen:
            foreign = terms.external.get(coin.point)
            known = self._script_weight(coin.script) if foreign is None else foreign[1]
            weights.append(known or _NESTED_WU)
        return signed_vsize(weights, [coin.script for coin in chosen], outputs)

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


def _at_face(coin: SpendableCoin) -> SpendableCoin:
    return replace(coin, value_sat=coin.amount_sat)


def _named(point: OutPoint) -> str:
    return f"COutPoint({to_hex(outpoint_txid(point))[:10]}, {outpoint_index(point)})"


def _btc(amount_sat: int) -> str:
    """As Bitcoin Core's texts have it: at least two decimals."""
    whole, rest = divmod(amount_sat, 100_000_000)
    digits = f"{rest:08d}".rstrip("0")
    return f"{whole}.{digits.ljust(2, '0')}"
