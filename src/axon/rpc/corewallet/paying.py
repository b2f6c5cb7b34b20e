"""What callers say of a payment: whom, for what fee, from which coins; and how it goes out."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from axon.mempool.outcome import Admitted
from axon.node.commands import SendTransaction
from axon.primitives.network import Network
from axon.primitives.script import OP_RETURN, push
from axon.primitives.transaction import Transaction
from axon.rpc.amounts import Json, Number, amount_from, parse_fixed_point
from axon.rpc.corewallet.access import require_private_keys, require_unlocked
from axon.rpc.corewallet.reach import wallets_of
from axon.rpc.corewallet.scripts import script_from
from axon.rpc.daemon import Daemon
from axon.rpc.errors import Code, RpcError
from axon.rpc.parameters import type_name, unhex
from axon.rpc.repeatedkeys import pairs_of

if TYPE_CHECKING:
    from axon.wallet.descriptordesk import DescriptorDesk

HIGHEST_TARGET: Final = 1_008
MODES: Final = ("unset", "economical", "conservative")
RECENT_S: Final = 8 * 3600
"""A tip that is older is no good as the least height of the block that holds a payment."""

MAX_OUTPUTS: Final = 10_000
"""Of one call: more than fit into what nodes relay."""

_FEERATE_DECIMALS: Final = 3

_log: Final = logging.getLogger("axon.wallet")


@dataclass(frozen=True, slots=True)
class FeeWish:
    """The fee that a caller wants.

    Args:
        sat_kvb: the feerate; None to have it estimated.
        target: blocks within which the payment is wanted; None for the usual.
        conservative: how careful the estimate is; None for what fits a payment that may be
            replaced, or not.
        any_rate: also one below what nodes ask for.
    """

    sat_kvb: int | None = None
    target: int | None = None
    conservative: bool | None = None
    any_rate: bool = False


@dataclass(frozen=True, slots=True)
class ChosenFee:
    """A feerate, and where it comes from, in Core's words."""

    sat_kvb: int
    reason: str


def fee_wish(
    conf_target: Json, estimate_mode: Json, fee_rate: Json, *, any_rate: bool = False
) -> FeeWish:
    """From the parameters of a call.

    Raises:
        RpcError: -8 or -3, they do not go together, or are none.
    """
    if fee_rate is not None:
        if conf_target is not None:
            raise RpcError(
                Code.PARAMETER,
                "Cannot specify both conf_target and fee_rate. Please provide either a"
                " confirmation target in blocks for automatic fee estimation, or an explicit fee"
                " rate.",
            )
        if estimate_mode is not None and estimate_mode != "unset":
            raise RpcError(Code.PARAMETER, "Cannot specify both estimate_mode and fee_rate")
        return FeeWish(sat_kvb=feerate_from(fee_rate), any_rate=any_rate)
    mode = "unset" if estimate_mode is None else str(estimate_mode).lower()
    if mode not in MODES:
        names = ", ".join(f'"{name}"' for name in MODES)
        raise RpcError(Code.PARAMETER, f"Invalid estimate_mode parameter, must be one of: {names}")
    target = None if conf_target is None else _target(conf_target)
    return FeeWish(None, target, None if mode == "unset" else mode == "conservative", any_rate)


def _target(value: Json) -> int:
    if type(value) is not int:
        given = type_name(value)
        raise RpcError(Code.TYPE, f"JSON value of type {given} is not of expected type number")
    if not 1 <= value <= HIGHEST_TARGET:
        raise RpcError(
            Code.PARAMETER, f"Invalid conf_target, must be between 1 and {HIGHEST_TARGET}"
        )
    return value


def feerate_from(value: Json) -> int:
    """A feerate in satoshi for a thousand virtual bytes, from one in sat/vB of 3 decimals.

    Raises:
        RpcError: -3, it is none.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise RpcError(Code.TYPE, "Amount is not a number or string")
    text = value.text if isinstance(value, Number) else str(value)
    rate = parse_fixed_point(text, _FEERATE_DECIMALS)
    if rate is None:
        raise RpcError(Code.TYPE, "Invalid amount")
    if not 0 <= rate <= 21 * 10**14:
        raise RpcError(Code.TYPE, "Amount out of range")
    return rate


def feerate(
    daemon: Daemon,
    wish: FeeWish,
    *,
    replaceable: bool,
    code: Code = Code.INSUFFICIENT_FUNDS,
    low_code: Code | None = None,
) -> ChosenFee:
    """The feerate of a payment.

    Args:
        code: of the refusal.
        low_code: of the refusal of one that is too low, if that is another.

    Raises:
        RpcError: -4, -6 or -8, it cannot be estimated, or is too low.
    """
    settings, node = wallets_of(daemon).settings, daemon.node
    required = max(settings.min_sat_kvb, node.pool.policy.min_relay_feerate_sat_kvb)
    if wish.sat_kvb is not None:
        if wish.sat_kvb < required and not wish.any_rate:
            raise RpcError(
                low_code or code,
                f"Fee rate ({_sat_vb(wish.sat_kvb)}) is lower than the minimum fee rate setting"
                f" ({_sat_vb(required)}).\nConsider modifying -mintxfee"
                f" ({_sat_vb(settings.min_sat_kvb)}) or -minrelaytxfee"
                f" ({_sat_vb(node.pool.policy.min_relay_feerate_sat_kvb)}).",
            )
        return ChosenFee(wish.sat_kvb, "None")
    careful = not replaceable if wish.conservative is None else wish.conservative
    target = wish.target or settings.confirm_target
    found = node.transactions.fees.estimate(target, careful)
    fee = ChosenFee(found.feerate_sat_kvb or 0, "Target 85% Threshold")
    if found.feerate_sat_kvb is None:
        if not settings.fallback_sat_kvb:
            raise RpcError(
                code,
                "Fee estimation failed. Fallbackfee is disabled. Wait a few blocks or enable"
                " -fallbackfee.",
            )
        fee = ChosenFee(settings.fallback_sat_kvb, "Fallback fee")
    least = node.pool.min_feerate(daemon.clock.now())
    if fee.sat_kvb < least:
        fee = ChosenFee(least, "Mempool Min Fee")
    return fee if fee.sat_kvb >= required else ChosenFee(required, "Minimum Required Fee")


def _sat_vb(sat_kvb: int) -> str:
    return f"{sat_kvb // 1_000}.{sat_kvb % 1_000:03d} sat/vB"


@dataclass(frozen=True, slots=True)
class WantedOutput:
    """An output that a caller wants.

    Args:
        name: the address, or `data`.
        script: what is paid to.
        amount_sat: how much.
    """

    name: str
    script: bytes
    amount_sat: int


def outputs_from(value: Json, network: Network) -> list[WantedOutput]:
    """Outputs as callers write them: an object of addresses and amounts, or a list of such.

    Raises:
        RpcError: -5, -3 or -8, they are none.
    """
    if value is None:
        raise RpcError(Code.PARAMETER, "Invalid parameter, output argument must be non-null")
    parts = [value] if isinstance(value, dict) else value
    if not isinstance(parts, list):
        given = type_name(value)
        raise RpcError(Code.TYPE, f"JSON value of type {given} is not of expected type array")
    pairs: list[tuple[str, Json]] = []
    for part in parts:
        if not isinstance(part, dict):
            raise RpcError(
                Code.PARAMETER,
                "Invalid parameter, key-value pair not an object as expected",
            )
        here = pairs_of(part)
        if isinstance(value, list) and len(here) != 1:
            raise RpcError(
                Code.PARAMETER,
                "Invalid parameter, key-value pair must contain exactly one key",
            )
        pairs += here
    if len(pairs) > MAX_OUTPUTS:
        raise RpcError(Code.PARAMETER, f"Invalid parameter, at most {MAX_OUTPUTS} outputs")
    found: list[WantedOutput] = []
    met: dict[bytes, None] = {}
    for name, amount in pairs:
        output = _output(name, amount, network)
        if output.script in met:
            duplicate = "duplicate key: data" if name == "data" else f"duplicated address: {name}"
            raise RpcError(Code.PARAMETER, f"Invalid parameter, {duplicate}")
        met[output.script] = None
        found.append(output)
    return found


def _output(name: str, amount: Json, network: Network) -> WantedOutput:
    if name == "data":
        data = unhex(str(amount))
        if data is None:
            raise RpcError(Code.PARAMETER, f"Data must be hexadecimal string (not '{amount}')")
        return WantedOutput(name, bytes((OP_RETURN,)) + push(data), 0)
    script = script_from(name, network, f"Invalid Bitcoin address: {name}")
    return WantedOutput(name, script, amount_from(amount).sat)


def fee_payers(value: Json, names: Sequence[str]) -> frozenset[int]:
    """Which outputs the fee is taken from: by their places or their addresses.

    Raises:
        RpcError: -8, there are no such.
    """
    begin = "Invalid parameter 'subtract fee from output', "
    found: dict[int, None] = {}
    for each in value or ():
        if isinstance(each, str):
            if each not in names:
                raise RpcError(Code.PARAMETER, f"{begin}destination {each} not found in tx outputs")
            place = names.index(each)
        elif type(each) is int:
            place = each
        else:
            raise RpcError(Code.PARAMETER, f"{begin}invalid value type: {type_name(each)}")
        if place in found:
            raise RpcError(Code.PARAMETER, f"{begin}duplicated position: {place}")
        if place < 0:
            raise RpcError(Code.PARAMETER, f"{begin}negative position: {place}")
        if place >= len(names):
            raise RpcError(Code.PARAMETER, f"{begin}position too large: {place}")
        found[place] = None
    return frozenset(found)


def usual_terms(daemon: Daemon, fee: ChosenFee, *, replaceable: bool) -> dict[str, Any]:
    """How a payment is built if nothing else is said; the fields of the wallet's `PaymentTerms`."""
    settings, limits = wallets_of(daemon).settings, daemon.node.pool.policy
    dust = limits.dust_feerate_sat_kvb
    careful = settings.rejects_long_chains
    return {
        "feerate_sat_kvb": fee.sat_kvb,
        "later_sat_kvb": settings.later_sat_kvb,
        "max_together_sat": settings.max_together_sat,
        "long_chains": not careful,
        "cluster_limits": (limits.cluster_count, limits.cluster_weight_wu) if careful else None,
        "discard_sat_kvb": max(settings.discard_sat_kvb, dust),
        "max_fee_sat": settings.max_fee_sat,
        "dust_sat_kvb": dust,
        "replaceable": replaceable,
        "together": settings.together,
    }


def recent_height(daemon: Daemon) -> int | None:
    """The height of the tip, if it is recent."""
    node = daemon.node
    tip = node.active.tip
    if node.initial_sync or tip.time < daemon.now_s - RECENT_S:
        return None
    return tip.height


def lock_height(desk: DescriptorDesk, recent: int | None) -> int:
    """The lock time of a payment: so that only the next block can have it, and at times a little
    less, so that those who sign late do not stand out."""
    if recent is None:
        return 0
    rng = desk.wallet.entropy.rng
    if rng.randrange(10) == 0:
        return max(0, recent - rng.randrange(100))
    return recent


@dataclass(frozen=True, slots=True)
class WantedPayment:
    """A payment that is to be made, signed and written down.

    Args:
        outputs: whom it pays.
        payers: the places of those who pay the fee.
        terms: how it is built; the fields of the wallet's `PaymentTerms`.
        kinds: the types of new addresses for change, and of addresses as such.
        recent: the height of the tip, if it is recent.
        noted: what is noted of it.
        now_s: seconds since 1970.
    """

    outputs: tuple[WantedOutput, ...]
    payers: frozenset[int]
    terms: Mapping[str, Any]
    kinds: tuple[str | None, str]
    recent: int | None
    noted: Mapping[str, str]
    now_s: int

    def run(self, desk: DescriptorDesk) -> Transaction:
        """See `DeskCommand`: the transaction, which is in the wallet now."""
        require_unlocked(desk)
        require_private_keys(desk)
        built = build(desk, self, Code.INSUFFICIENT_FUNDS)
        signed, complete = desk.signed(built.transaction)
        if not complete:
            raise RpcError(Code.INSUFFICIENT_FUNDS, "Signing transaction failed")
        desk.wallet.record_sent(signed, self.now_s, **self.noted)
        return signed


def build(desk: DescriptorDesk, wanted: WantedPayment, code: Code, begin: str = "") -> Any:
    """Build a payment, in the wallet's lane; the wallet's `Built`.

    Args:
        code: of the refusal where it cannot be built.
        begin: what the refusal begins with.
    """
    from axon.wallet.errors import PaymentRefused  # This runs where the wallet is.

    change_kind, usual_kind = wanted.kinds
    change_kind = wanted.terms.get("change_kind", change_kind)
    terms = {
        "locktime": lock_height(desk, wanted.recent),
        "default_type": desk.kind(usual_kind),
        "change_type": None if change_kind is None else desk.kind(change_kind),
        **{name: value for name, value in wanted.terms.items() if name != "change_kind"},
    }
    recipients = [
        (output.script, output.amount_sat, place in wanted.payers)
        for place, output in enumerate(wanted.outputs)
    ]
    try:
        return desk.build(recipients, **terms)
    except PaymentRefused as error:
        raise RpcError(code, f"{begin}{error}") from None


def payment(
    daemon: Daemon,
    outputs: Sequence[WantedOutput],
    payers: frozenset[int],
    terms: Mapping[str, Any],
    noted: Mapping[str, str] | None = None,
) -> WantedPayment:
    """A payment of a wallet of this node."""
    settings = wallets_of(daemon).settings
    return WantedPayment(
        tuple(outputs),
        payers,
        terms,
        (settings.change_type, settings.address_type),
        recent_height(daemon),
        {name: text for name, text in (noted or {}).items() if text},
        daemon.now_s,
    )


def shuffled(wanted: WantedPayment) -> WantedPayment:
    """The same, its outputs in any order."""
    return replace(wanted, terms={**wanted.terms, "shuffle": True})


async def send_out(daemon: Daemon, transaction: Transaction) -> None:
    """Hand a payment that is written down to the node; it stays in the wallet if that refuses."""
    if not wallets_of(daemon).settings.broadcasts:
        return
    outcome = await daemon.command(SendTransaction(transaction))
    if not isinstance(outcome, Admitted):
        _log.warning("Transaction cannot be broadcast immediately, %s", outcome)
