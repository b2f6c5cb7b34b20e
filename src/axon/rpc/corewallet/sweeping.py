"""All coins of a wallet paid out at once: sendall."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from axon.primitives.dust import dust_limit_sat
from axon.primitives.hashes import to_hex
from axon.primitives.transaction import (
    Transaction,
    TxIn,
    TxOut,
    outpoint_index,
    outpoint_txid,
)
from axon.rpc.amounts import Json
from axon.rpc.corewallet.coins import MOST_DEPTH
from axon.rpc.corewallet.drafting import WayOut, finish, finished, inputs_of, locks_coins
from axon.rpc.corewallet.funding import (
    MAX_WEIGHT_WU,
    checked_options,
    fee_of_sweep,
    refuse_outdated,
    with_fee_wishes,
)
from axon.rpc.corewallet.paying import (
    WantedOutput,
    lock_height,
    outputs_from,
    recent_height,
)
from axon.rpc.corewallet.poolplaces import one_at_a_time, pool_places
from axon.rpc.corewallet.reach import seen_by, wallets_of
from axon.rpc.daemon import Daemon
from axon.rpc.dispatch import Call, method
from axon.rpc.errors import Code, RpcError

if TYPE_CHECKING:
    from axon.wallet.descriptordesk import DescriptorDesk
    from axon.wallet.paymentterms import PaymentTerms

_FINAL = 0xFFFF_FFFF
_REPLACEABLE = 0xFFFF_FFFD
_NOT_FINAL = 0xFFFF_FFFE


@method("wallet", shown={"recipients": '["address",{"address":amount,...},...]'})
async def sendall(
    daemon: Daemon,
    call: Call,
    recipients: list[Json],
    conf_target: float | None = None,
    estimate_mode: str | None = None,
    fee_rate: Json = None,
    options: dict[str, Json] | None = None,
) -> Json:
    """Spend the value of all (or specific) confirmed UTXOs and unconfirmed change in the wallet to
    one or more recipients. Unconfirmed inbound UTXOs and locked UTXOs will not be spent.

    Args:
        recipients: Addresses that get equal shares, and objects of an address with its amount
        conf_target: Confirmation target in blocks
        estimate_mode: The fee estimate mode: unset, economical or conservative
        fee_rate: Specify a fee rate in sat/vB.
        options: add_to_wallet, inputs, locktime, lock_unspents, psbt, send_max, minconf, maxconf,
            version, replaceable

    Returns:
        {...}    (json object) As send
    """
    wallet = await seen_by(daemon, call)
    said = with_fee_wishes(options or {}, conf_target, estimate_mode, fee_rate)
    refuse_outdated(said)
    checked_options(said, strict=False)
    shares = [each for each in recipients if isinstance(each, str)]
    pairs = [{each: 0} if isinstance(each, str) else each for each in recipients]
    if not shares:
        raise RpcError(
            Code.PARAMETER, "Must provide at least one address without a specified amount"
        )
    least = said.get("minconf")
    if least is not None and least < 0:
        message = f"Invalid minconf (minconf cannot be negative): {least}"
        raise RpcError(Code.PARAMETER, message)
    depths = (
        0 if least is None else least,
        MOST_DEPTH if said.get("maxconf") is None else said["maxconf"],
    )
    if depths[1] < depths[0]:
        message = f"maxconf can't be lower than minconf: {depths[1]} < {depths[0]}"
        raise RpcError(Code.PARAMETER, message)
    if said.get("inputs") is not None:
        if said.get("send_max") is not None:
            raise RpcError(Code.PARAMETER, "Cannot combine send_max with specific inputs.")
        if least is not None or said.get("maxconf") is not None:
            message = "Cannot combine minconf or maxconf with specific inputs."
            raise RpcError(Code.PARAMETER, message)
    told = said.get("replaceable")
    replaceable = wallets_of(daemon).settings.replaceable if told is None else bool(told)
    fee = fee_of_sweep(daemon, said, replaceable=replaceable)
    version = said.get("version") or 2
    locktime = said.get("locktime")
    bare = inputs_of(
        daemon, said.get("inputs"), locktime or 0, replaceable=replaceable, version=version
    )
    settings = wallets_of(daemon).settings
    command = _SendAll(
        outputs=tuple(outputs_from(pairs, daemon.node.network)),
        shares=frozenset(shares),
        inputs=None if said.get("inputs") is None else bare.inputs,
        terms={
            "feerate_sat_kvb": fee.sat_kvb,
            "dust_sat_kvb": daemon.node.pool.policy.dust_feerate_sat_kvb,
            "max_fee_sat": settings.max_fee_sat,
            "depths": depths,
            "version": version,
            "replaceable": replaceable,
        },
        only_worth=bool(said.get("send_max")),
        locktime=locktime,
        recent=recent_height(daemon),
        locks=locks_coins(said),
        way=WayOut.of(said),
        now_s=daemon.now_s,
    )
    async with one_at_a_time(wallet):
        terms = {**command.terms, "pool": await pool_places(daemon, wallet)}
        return await finish(daemon, wallet, replace(command, terms=terms))


@dataclass(frozen=True, slots=True)
class _SendAll:
    """Spend all coins, or all that were named."""

    outputs: tuple[WantedOutput, ...]
    shares: frozenset[str]
    inputs: tuple[TxIn, ...] | None
    terms: Mapping[str, Any]
    only_worth: bool
    locktime: int | None
    recent: int | None
    locks: bool
    way: WayOut
    now_s: int

    def run(self, desk: DescriptorDesk) -> tuple[Json, Transaction | None]:
        terms = desk.terms(**self.terms)
        spent = self._spent(desk, terms)
        total_sat = sum(output.amount_sat for output, _ in spent)
        outputs = [TxOut(each.amount_sat, each.script) for each in self.outputs]
        vsize = desk.spending.vsize_of([output for output, _ in spent], outputs)
        fee_sat = -(-self.terms["feerate_sat_kvb"] * vsize // 1_000)
        fee_sat += desk.spending.coins.bumps_sat([item.prevout for _, item in spent], terms)
        self._check(total_sat, fee_sat, vsize, sum(each.amount_sat for each in outputs))
        left_sat = total_sat - fee_sat - sum(each.amount_sat for each in outputs)
        share_sat, rest_sat = divmod(left_sat, len(self.shares))
        for place, each in enumerate(self.outputs):
            if each.name in self.shares:
                outputs[place] = replace(outputs[place], amount_sat=share_sat + rest_sat)
                rest_sat = 0
            dust_sat = dust_limit_sat(each.script, self.terms["dust_sat_kvb"])
            if outputs[place].amount_sat < dust_sat:
                if each.name in self.shares:
                    message = "Dynamically assigned remainder results in dust output."
                    raise RpcError(Code.INSUFFICIENT_FUNDS, message)
                message = f"Specified output amount to {each.name} is below dust threshold."
                raise RpcError(Code.PARAMETER, message)
        locktime = self.locktime
        if locktime is None:
            plain = all(item.sequence in (_REPLACEABLE, _NOT_FINAL) for _, item in spent)
            locktime = lock_height(desk, self.recent) if plain else 0
        transaction = Transaction.build(
            self.terms["version"], [item for _, item in spent], outputs, locktime
        )
        return finished(desk, transaction, self.way, self.now_s, locks=self.locks)

    def _spent(self, desk: DescriptorDesk, terms: PaymentTerms) -> list[tuple[TxOut, TxIn]]:
        ledger = desk.wallet.ledger
        if self.inputs is None:
            sequence = _REPLACEABLE if self.terms["replaceable"] else _FINAL
            return [
                (ledger.owned[coin.point].output, TxIn(coin.point, sequence=sequence))
                for coin in desk.spending.coins.candidates(terms)
                if not self.only_worth or coin.value_sat >= 0
            ]
        found: list[tuple[TxOut, TxIn]] = []
        for item in self.inputs:
            owned = ledger.owned.get(item.prevout)
            named = f"{to_hex(outpoint_txid(item.prevout))}:{outpoint_index(item.prevout)}"
            if owned is None:
                message = f"Input not found. UTXO ({named}) is not part of wallet."
                raise RpcError(Code.PARAMETER, message)
            if desk.wallet.holdings.how_spent(item.prevout).name != "NO":
                message = f"Input not available. UTXO ({named}) was already spent."
                raise RpcError(Code.PARAMETER, message)
            found.append((owned.output, item))
        return found

    def _check(self, total_sat: int, fee_sat: int, vsize: int, claimed_sat: int) -> None:
        if fee_sat > self.terms["max_fee_sat"]:
            raise RpcError(
                Code.WALLET, "Fee exceeds maximum configured by user (e.g. -maxtxfee, maxfeerate)"
            )
        if total_sat - fee_sat <= 0:
            lower = "try using lower feerate."
            if not self.only_worth:
                raise RpcError(
                    Code.INSUFFICIENT_FUNDS,
                    "Total value of UTXO pool too low to pay for transaction. Try using lower"
                    " feerate or excluding uneconomic UTXOs with 'send_max' option.",
                )
            message = f"Total value of UTXO pool too low to pay for transaction, {lower}"
            raise RpcError(Code.INSUFFICIENT_FUNDS, message)
        if 4 * vsize > MAX_WEIGHT_WU:
            raise RpcError(Code.WALLET, "Transaction too large.")
        if claimed_sat > total_sat:
            message = "Assigned more value to outputs than available funds."
            raise RpcError(Code.INSUFFICIENT_FUNDS, message)
        if total_sat - fee_sat < claimed_sat:
            message = "Insufficient funds for fees after creating specified outputs."
            raise RpcError(Code.INSUFFICIENT_FUNDS, message)
