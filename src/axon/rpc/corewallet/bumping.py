"""Payments that wait for a block, replaced by ones that pay more (BIP 125)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from axon.primitives.hashes import Txid, to_hex
from axon.primitives.transaction import (
    OutPoint,
    Transaction,
    outpoint,
    outpoint_index,
    outpoint_txid,
)
from axon.rpc.amounts import Amount, Json
from axon.rpc.corewallet.access import require_unlocked
from axon.rpc.corewallet.paying import (
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
from axon.rpc.corewallet.poolplaces import placed
from axon.rpc.corewallet.reach import seen_by, wallets_of
from axon.rpc.daemon import Daemon
from axon.rpc.dispatch import Call, method
from axon.rpc.errors import Code, RpcError
from axon.rpc.parameters import check_fields

if TYPE_CHECKING:
    from axon.wallet.descriptordesk import DescriptorDesk

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
    daemon: Daemon, call: Call, txid: Txid, options: dict[str, Json] | None = None
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
    daemon: Daemon, call: Call, txid: Txid, options: dict[str, Json] | None = None
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
    daemon: Daemon, call: Call, txid: Txid, options: Mapping[str, Json], *, as_psbt: bool
) -> Json:
    wallet = await seen_by(daemon, call)
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
    outputs = None if given is None else tuple(outputs_from(given, daemon.node.network))
    replaceable = options.get("replaceable") is not False
    pool = daemon.node.pool
    entry = pool.get(txid)
    has_heirs = entry is not None and len(pool.descendants(entry)) > 1
    estimate = FeeWish(target=wish.target, conservative=wish.conservative)
    fee = feerate(daemon, wish if wish.sat_kvb else estimate, replaceable=replaceable)
    terms = usual_terms(daemon, fee, replaceable=replaceable)
    command = _Bump(
        txid=txid,
        wanted=await placed(daemon, wallet, payment(daemon, (), frozenset(), terms)),
        outputs=outputs,
        change_index=options.get("original_change_index"),
        named_sat_kvb=wish.sat_kvb,
        increment_sat_kvb=pool.policy.incremental_feerate_sat_kvb,
        least_sat_kvb=pool.min_feerate(daemon.clock.now()),
        has_heirs=has_heirs,
        as_psbt=as_psbt,
        max_fee_sat=wallets_of(daemon).settings.max_fee_sat,
    )
    shown, transaction = await wallet.ask(command)
    if transaction is not None:
        await send_out(daemon, transaction)
    return shown


@dataclass(frozen=True, slots=True)
class _Bump:
    txid: Txid
    wanted: WantedPayment
    outputs: tuple[WantedOutput, ...] | None
    change_index: int | None
    named_sat_kvb: int | None
    increment_sat_kvb: int
    least_sat_kvb: int
    has_heirs: bool
    as_psbt: bool
    max_fee_sat: int

    def run(self, desk: DescriptorDesk) -> tuple[Json, Transaction | None]:
        wallet = desk.wallet
        if not wallet.flags.private_keys and not self.as_psbt:
            raise RpcError(
                Code.WALLET,
                "bumpfee is not available with wallets that have private keys disabled. Use"
                " psbtbumpfee instead.",
            )
        require_unlocked(desk)
        self._check(desk)
        old = wallet.ledger.transactions[self.txid]
        old_fee_sat = wallet.ledger.fee_sat(old)
        if old_fee_sat is None:
            raise RpcError(
                Code.WALLET, "Transaction contains inputs that don't belong to this wallet"
            )
        built = build(desk, self._payment(desk, old, old_fee_sat), Code.WALLET)
        shown: dict[str, Json] = {}
        signed = None
        if self.as_psbt:
            psbt = desk.blank(built.transaction)
            desk.process(psbt, sign=False)
            shown["psbt"] = psbt.to_base64()
        else:
            signed, complete = desk.signed(built.transaction)
            if not complete:
                raise RpcError(Code.WALLET, "Can't sign transaction.")
            wallet.record_sent(signed, self.wanted.now_s, replaces=to_hex(self.txid))
            shown["txid"] = to_hex(signed.txid)
        shown |= {"origfee": Amount(old_fee_sat), "fee": Amount(built.fee_sat), "errors": []}
        return shown, signed

    def _check(self, desk: DescriptorDesk) -> None:
        ledger, holdings = desk.wallet.ledger, desk.wallet.holdings
        if self.outputs is not None and self.change_index is not None:
            raise RpcError(
                Code.PARAMETER,
                "The options 'outputs' and 'original_change_index' are incompatible. You can only"
                " either specify a new set of outputs, or designate a change output to be"
                " recycled.",
            )
        if self.txid not in ledger.notes:
            raise RpcError(Code.NOT_FOUND, "Invalid or non-wallet transaction id")
        old = ledger.transactions[self.txid]
        if self.change_index is not None and self.change_index >= len(old.outputs):
            raise RpcError(Code.PARAMETER, "Change position is out of range")
        if holdings.depth(self.txid) != 0:
            # In Core it is the first thing that is noticed: a block has spent its coins.
            spent = [each for each in old.prevouts if _is_spent(desk, each)]
            taken = (spent or old.prevouts)[0]
            raise RpcError(
                Code.MISC,
                f"{to_hex(outpoint_txid(taken))}:{outpoint_index(taken)} is already spent",
            )
        points = [outpoint(self.txid, place) for place in range(len(old.outputs))]
        if any(ledger.spenders(point) for point in points):
            raise RpcError(Code.PARAMETER, "Transaction has descendants in the wallet")
        if self.has_heirs:
            raise RpcError(Code.PARAMETER, "Transaction has descendants in the mempool")
        by = ledger.notes[self.txid].replaced_by
        if by:
            raise RpcError(
                Code.WALLET,
                f"Cannot bump transaction {to_hex(self.txid)} which was already bumped by"
                f" transaction {by}",
            )
        if not self.as_psbt and not all(point in ledger.owned for point in old.prevouts):
            raise RpcError(
                Code.WALLET, "Transaction contains inputs that don't belong to this wallet"
            )

    def _payment(self, desk: DescriptorDesk, old: Transaction, old_fee_sat: int) -> WantedPayment:
        """The same payment for more."""
        holdings = desk.wallet.holdings
        outputs = self.outputs
        change: bytes | None = None
        if outputs is None:
            kept: list[WantedOutput] = []
            for place, output in enumerate(old.outputs):
                script = output.script_pubkey
                is_change = holdings.is_change(script)
                if place == self.change_index or (self.change_index is None and is_change):
                    change = script
                else:
                    kept.append(WantedOutput("", script, output.amount_sat))
            outputs = tuple(kept)
        payers = frozenset[int]()
        if not outputs:
            assert change is not None, "a transaction has outputs"
            total = sum(output.amount_sat for output in old.outputs)
            outputs, payers, change = (WantedOutput("", change, total),), frozenset({0}), None
        terms: dict[str, Any] = dict(self.wanted.terms)
        terms["feerate_sat_kvb"] = self._feerate(old, old_fee_sat)
        terms["inputs"] = dict.fromkeys(old.prevouts)
        terms["depths"] = (1, 9_999_999)
        if change is not None:
            terms["change_script"] = change
        return replace(self.wanted, outputs=outputs, payers=payers, terms=terms)

    def _feerate(self, old: Transaction, old_fee_sat: int) -> int:
        """What the new one pays.

        Raises:
            RpcError: -8 or -4, it is too little or too much.
        """
        if self.named_sat_kvb is None:
            old_sat_kvb = old_fee_sat * 1_000 // old.vsize + 1
            increment = max(self.increment_sat_kvb, WALLET_INCREMENT_SAT_KVB)
            estimated: int = self.wanted.terms["feerate_sat_kvb"]
            return max(old_sat_kvb + increment, estimated, self.least_sat_kvb)
        if self.named_sat_kvb < self.least_sat_kvb:
            raise RpcError(
                Code.WALLET,
                f"New fee rate ({_btc(self.named_sat_kvb)}) is lower than the minimum fee rate"
                f" ({_btc(self.least_sat_kvb)}) to get into the mempool -- ",
            )
        new_sat = -(-self.named_sat_kvb * old.vsize // 1_000)
        more_sat = -(-self.increment_sat_kvb * old.vsize // 1_000)
        if new_sat < old_fee_sat + more_sat:
            raise RpcError(
                Code.PARAMETER,
                f"Insufficient total fee {_btc(new_sat)}, must be at least"
                f" {_btc(old_fee_sat + more_sat)} (oldFee {_btc(old_fee_sat)} + incrementalFee"
                f" {_btc(more_sat)})",
            )
        if new_sat > self.max_fee_sat:
            raise RpcError(
                Code.WALLET,
                f"Specified or calculated fee {_btc(new_sat)} is too high (cannot be higher than"
                f" -maxtxfee {_btc(self.max_fee_sat)})",
            )
        return self.named_sat_kvb


def _is_spent(desk: DescriptorDesk, point: OutPoint) -> bool:
    """Whether a block has spent it."""
    ledger = desk.wallet.ledger
    return any(txid in ledger.confirmed for txid in ledger.spenders(point))


def _btc(amount_sat: int) -> str:
    """As Bitcoin Core's texts have it: at least two decimals."""
    whole, rest = divmod(amount_sat, 100_000_000)
    return f"{whole}.{f'{rest:08d}'.rstrip('0').ljust(2, '0')}"
