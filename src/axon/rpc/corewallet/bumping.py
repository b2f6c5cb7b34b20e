"""Payments that wait for a block, replaced by ones that pay more (BIP 125)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from axon.primitives.hashes import Txid, to_hex
from axon.primitives.transaction import (
    OutPoint,
    Transaction,
    TxOut,
    outpoint,
    outpoint_index,
    outpoint_txid,
)
from axon.rpc.amounts import Amount, Json
from axon.rpc.corewallet.access import LoadedWallet, require_unlocked
from axon.rpc.corewallet.paying import (
    ChosenFee,
    FeeWish,
    WantedOutput,
    WantedPayment,
    build,
    fee_wish,
    feerate,
    outputs_from,
    payment,
    send_out,
    usual_terms,
)
from axon.rpc.corewallet.poolplaces import one_at_a_time, placed
from axon.rpc.corewallet.reach import seen_by, wallets_of
from axon.rpc.daemon import Daemon
from axon.rpc.dispatch import Call, method
from axon.rpc.errors import Code, RpcError
from axon.rpc.methods.finding import find_outputs
from axon.rpc.parameters import check_fields, parse_hash

if TYPE_CHECKING:
    from axon.wallet.descriptordesk import DescriptorDesk

_NOT_BUILT: Final = "Unable to create transaction. "
_MAX_UINT32: Final = (1 << 32) - 1

WALLET_INCREMENT_SAT_KVB: Final = 5_000
"""By so much a payment whose new fee nobody names pays more, as in Bitcoin Core."""

_OPTIONS: Final = {
    "confTarget": int,
    "conf_target": int,
    "fee_rate": object,
    "replaceable": bool,
    "estimate_mode": str,
    "outputs": object,
    "original_change_index": int,
}


@method("wallet")
async def bumpfee(
    daemon: Daemon, call: Call, txid: str, options: dict[str, Json] | None = None
) -> Json:
    """Bumps the fee of a transaction T, replacing it with a new transaction B. The command will
    fail if the wallet or mempool contains a transaction that spends one of T's outputs.

    Args:
        txid: The txid to be bumped
        options: conf_target, fee_rate (in sat/vB), replaceable, estimate_mode, outputs,
            original_change_index

    Returns:
        {                        (json object)
          "txid" : "hex",        (string) The id of the new transaction.
          "origfee" : n,         (numeric) The fee of the replaced transaction.
          "fee" : n,             (numeric) The fee of the new transaction.
          "errors" : [ "str" ]   (json array) Errors encountered during processing (may be empty).
        }
    """
    return await _bump(daemon, call, txid, options or {}, as_psbt=False)


@method("wallet")
async def psbtbumpfee(
    daemon: Daemon, call: Call, txid: str, options: dict[str, Json] | None = None
) -> Json:
    """Bumps the fee of a transaction T, replacing it with a new transaction B, which is returned as
    a PSBT to be signed.

    Args:
        txid: The txid to be bumped
        options: As for bumpfee

    Returns:
        {                        (json object)
          "psbt" : "str",        (string) The base64-encoded unsigned PSBT of the new transaction.
          "origfee" : n,         (numeric) The fee of the replaced transaction.
          "fee" : n,             (numeric) The fee of the new transaction.
          "errors" : [ "str" ]   (json array) Errors encountered during processing (may be empty).
        }
    """
    return await _bump(daemon, call, txid, options or {}, as_psbt=True)


async def _bump(
    daemon: Daemon, call: Call, text: str, options: Mapping[str, Json], *, as_psbt: bool
) -> Json:
    wallet = await seen_by(daemon, call)
    if not as_psbt and not await wallet.ask(_MayHaveKeys()):
        raise RpcError(
            Code.WALLET,
            "bumpfee is not available with wallets that have private keys disabled. Use"
            " psbtbumpfee instead.",
        )
    txid = Txid(parse_hash("txid", text))
    check_fields(options, _OPTIONS, may_miss=True, strict=True)
    if "confTarget" in options and "conf_target" in options:
        raise RpcError(
            Code.PARAMETER,
            "confTarget and conf_target options should not both be set. Use conf_target"
            " (confTarget is deprecated).",
        )
    target = options.get("conf_target", options.get("confTarget"))
    wish = fee_wish(target, options.get("estimate_mode"), options.get("fee_rate"))
    given = options.get("outputs")
    if given == []:
        message = "Invalid parameter, output argument cannot be an empty array"
        raise RpcError(Code.PARAMETER, message)
    outputs = () if given is None else tuple(outputs_from(given, daemon.node.network))
    asked = _Asked(txid, wish, outputs, _replaceable(options), _change_index(options), as_psbt)
    async with one_at_a_time(wallet):
        shown, transaction = await wallet.ask(await _planned(daemon, wallet, asked))
        if transaction is not None:
            await send_out(daemon, transaction)
    return shown


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a caller wants.

    Args:
        outputs: what the new one pays; empty for the same as before.
        change_index: the output that is to be the change; None if nobody says.
    """

    txid: Txid
    wish: FeeWish
    outputs: tuple[WantedOutput, ...]
    replaceable: bool
    change_index: int | None
    as_psbt: bool


async def _planned(daemon: Daemon, wallet: LoadedWallet, asked: _Asked) -> _Bump:
    """What is to be done, and all that the node knows about it."""
    pool, settings = daemon.node.pool, wallets_of(daemon).settings
    fee = _first_fee(daemon, asked)
    terms = usual_terms(daemon, fee, replaceable=asked.replaceable)
    wanted = await placed(daemon, wallet, payment(daemon, (), frozenset(), terms))
    spent = await find_outputs(daemon, await wallet.ask(_Spent(asked.txid)))
    entry = pool.get(asked.txid)
    return _Bump(
        asked=asked,
        wanted=wanted,
        spent=spent,
        increment_sat_kvb=pool.policy.incremental_feerate_sat_kvb,
        least_sat_kvb=pool.min_feerate(daemon.clock.now()),
        required_sat_kvb=max(settings.min_sat_kvb, pool.policy.min_relay_feerate_sat_kvb),
        max_fee_sat=settings.max_fee_sat,
        has_heirs=entry is not None and len(pool.descendants(entry)) > 1,
    )


def _first_fee(daemon: Daemon, asked: _Asked) -> ChosenFee:
    """The one that is named, or an estimate; without any it follows from the old one alone."""
    if asked.wish.sat_kvb is not None:
        return ChosenFee(asked.wish.sat_kvb, "None")
    try:
        return feerate(daemon, asked.wish, replaceable=asked.replaceable)
    except RpcError:
        return ChosenFee(0, "None")


def _replaceable(options: Mapping[str, Json]) -> bool:
    """Null is not taken for no option here, as in Bitcoin Core."""
    if "replaceable" not in options:
        return True
    if options["replaceable"] is None:
        raise RpcError(Code.TYPE, "JSON value of type null is not of expected type bool")
    return bool(options["replaceable"])


def _change_index(options: Mapping[str, Json]) -> int | None:
    """The output that is to be the change; None if nobody says."""
    if "original_change_index" not in options:
        return None
    index = options["original_change_index"]
    if index is None:
        raise RpcError(Code.TYPE, "JSON value of type null is not of expected type number")
    if type(index) is not int or not 0 <= index <= _MAX_UINT32:
        raise RpcError(Code.MISC, "JSON integer out of range")
    return index


@dataclass(frozen=True, slots=True)
class _MayHaveKeys:
    def run(self, desk: DescriptorDesk) -> bool:
        return desk.wallet.flags.private_keys


@dataclass(frozen=True, slots=True)
class _Spent:
    """What a transaction of the wallet spends; nothing if it is none."""

    txid: Txid

    def run(self, desk: DescriptorDesk) -> Sequence[OutPoint]:
        ledger = desk.wallet.ledger
        known = self.txid in ledger.notes
        return ledger.transactions[self.txid].prevouts if known else ()


@dataclass(frozen=True, slots=True)
class _Bump:
    """A replacement, to be made in the wallet's lane.

    Args:
        spent: what the transaction spends, as the node knows it, without what blocks have spent.
        required_sat_kvb: less than that no payment of ours pays.
    """

    asked: _Asked
    wanted: WantedPayment
    spent: Mapping[OutPoint, TxOut | None]
    increment_sat_kvb: int
    least_sat_kvb: int
    required_sat_kvb: int
    max_fee_sat: int
    has_heirs: bool

    def run(self, desk: DescriptorDesk) -> tuple[Json, Transaction | None]:
        wallet = desk.wallet
        require_unlocked(desk)
        old, spent = self._checked(desk)
        made_sat = sum(output.amount_sat for output in old.outputs)
        old_fee_sat = sum(output.amount_sat for output in spent) - made_sat
        built = build(desk, self._payment(desk, old, spent, old_fee_sat), Code.WALLET, _NOT_BUILT)
        shown: dict[str, Json] = {}
        signed = None
        if self.asked.as_psbt:
            psbt = desk.blank(built.transaction)
            desk.process(psbt, sign=False)
            shown["psbt"] = psbt.to_base64()
        else:
            signed, complete = desk.signed(built.transaction)
            if not complete:
                raise RpcError(Code.WALLET, "Can't sign transaction.")
            wallet.record_sent(signed, self.wanted.now_s, replaces=to_hex(self.asked.txid))
            shown["txid"] = to_hex(signed.txid)
        shown |= {"origfee": Amount(old_fee_sat), "fee": Amount(built.fee_sat), "errors": []}
        return shown, signed

    def _checked(self, desk: DescriptorDesk) -> tuple[Transaction, list[TxOut]]:
        """The transaction, which can be replaced, and what it spends.

        Raises:
            RpcError: it cannot.
        """
        ledger = desk.wallet.ledger
        if self.asked.outputs and self.asked.change_index is not None:
            raise RpcError(
                Code.PARAMETER,
                "The options 'outputs' and 'original_change_index' are incompatible. You can only"
                " either specify a new set of outputs, or designate a change output to be"
                " recycled.",
            )
        if self.asked.txid not in ledger.notes:
            raise RpcError(Code.NOT_FOUND, "Invalid or non-wallet transaction id")
        old = ledger.transactions[self.asked.txid]
        if self.asked.change_index is not None and self.asked.change_index >= len(old.outputs):
            raise RpcError(Code.PARAMETER, "Change position is out of range")
        spent: list[TxOut] = []
        for point in old.prevouts:
            output = self.spent.get(point)
            if output is None:
                place = f"{to_hex(outpoint_txid(point))}:{outpoint_index(point)}"
                raise RpcError(Code.MISC, f"{place} is already spent")
            spent.append(output)
        points = [outpoint(self.asked.txid, place) for place in range(len(old.outputs))]
        if any(ledger.spenders(point) for point in points):
            raise RpcError(Code.PARAMETER, "Transaction has descendants in the wallet")
        if self.has_heirs:
            raise RpcError(Code.PARAMETER, "Transaction has descendants in the mempool")
        by = ledger.notes[self.asked.txid].replaced_by
        if by:
            raise RpcError(
                Code.WALLET,
                f"Cannot bump transaction {to_hex(self.asked.txid)} which was already bumped by"
                f" transaction {by}",
            )
        if not self.asked.as_psbt and not all(point in ledger.owned for point in old.prevouts):
            raise RpcError(
                Code.WALLET, "Transaction contains inputs that don't belong to this wallet"
            )
        return old, spent

    def _payment(
        self, desk: DescriptorDesk, old: Transaction, spent: Sequence[TxOut], old_fee_sat: int
    ) -> WantedPayment:
        """The same payment for more."""
        from axon.wallet.paymentsize import largest_input_wu  # This runs where the wallet is.

        holdings = desk.wallet.holdings
        given = [TxOut(each.amount_sat, each.script) for each in self.asked.outputs] or old.outputs
        outputs: tuple[WantedOutput, ...] = ()
        change: bytes | None = None
        for place, output in enumerate(given):
            script = output.script_pubkey
            chosen = self.asked.change_index
            if holdings.is_change(script) if chosen is None else place == chosen:
                change = script
            else:
                outputs += (WantedOutput("", script, output.amount_sat),)
        payers = frozenset[int]()
        if not outputs:
            assert change is not None, "a transaction has outputs"
            total = sum(output.amount_sat for output in given)
            outputs, payers, change = (WantedOutput("", change, total),), frozenset({0}), None
        terms: dict[str, Any] = dict(self.wanted.terms)
        owned = desk.wallet.ledger.owned
        weights = [None if item.prevout in owned else largest_input_wu(item) for item in old.inputs]
        terms["external"] = {
            point: (output, weight)
            for point, output, weight in zip(old.prevouts, spent, weights, strict=True)
            if weight is not None
        }
        vsize = desk.spending.vsize_of(spent, given, weights)
        terms["feerate_sat_kvb"] = self._feerate(old, vsize, old_fee_sat)
        terms["inputs"] = dict.fromkeys(old.prevouts)
        terms["depths"] = (1, 9_999_999)
        if change is not None:
            terms["change_script"] = change
        return replace(self.wanted, outputs=outputs, payers=payers, terms=terms)

    def _feerate(self, old: Transaction, vsize: int, old_fee_sat: int) -> int:
        """What the new one pays.

        Args:
            vsize: of the new one, at most, as long as it spends the same coins.

        Raises:
            RpcError: -8 or -4, it is too little or too much.
        """
        if self.asked.wish.sat_kvb is None:
            old_sat_kvb = old_fee_sat * 1_000 // old.vsize + 1
            increment = max(self.increment_sat_kvb, WALLET_INCREMENT_SAT_KVB)
            estimated: int = self.wanted.terms["feerate_sat_kvb"]
            return max(old_sat_kvb + increment, estimated, self.least_sat_kvb)
        if self.asked.wish.sat_kvb < self.least_sat_kvb:
            raise RpcError(
                Code.WALLET,
                f"New fee rate ({_btc(self.asked.wish.sat_kvb)}) is lower than the minimum fee rate"
                f" ({_btc(self.least_sat_kvb)}) to get into the mempool -- ",
            )
        new_sat = -(-self.asked.wish.sat_kvb * vsize // 1_000)
        more_sat = -(-self.increment_sat_kvb * vsize // 1_000)
        if new_sat < old_fee_sat + more_sat:
            raise RpcError(
                Code.PARAMETER,
                f"Insufficient total fee {_btc(new_sat)}, must be at least"
                f" {_btc(old_fee_sat + more_sat)} (oldFee {_btc(old_fee_sat)} + incrementalFee"
                f" {_btc(more_sat)})",
            )
        required_sat = -(-self.required_sat_kvb * vsize // 1_000)
        if new_sat < required_sat:
            raise RpcError(
                Code.PARAMETER,
                f"Insufficient total fee (cannot be less than required fee {_btc(required_sat)})",
            )
        if new_sat > self.max_fee_sat:
            raise RpcError(
                Code.WALLET,
                f"Specified or calculated fee {_btc(new_sat)} is too high (cannot be higher than"
                f" -maxtxfee {_btc(self.max_fee_sat)})",
            )
        return self.asked.wish.sat_kvb


def _btc(amount_sat: int) -> str:
    """As Bitcoin Core's texts have it: at least two decimals."""
    whole, rest = divmod(amount_sat, 100_000_000)
    return f"{whole}.{f'{rest:08d}'.rstrip('0').ljust(2, '0')}"
