"""The options of calls that fund a transaction: which coins, which change, which fee."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from axon.primitives.network import Network
from axon.primitives.transaction import OutPoint, Transaction, TxOut
from axon.rpc.amounts import Json, amount_from
from axon.rpc.corewallet.addresses import checked_type
from axon.rpc.corewallet.coins import MOST_DEPTH
from axon.rpc.corewallet.paying import (
    ChosenFee,
    FeeWish,
    WantedOutput,
    WantedPayment,
    fee_payers,
    fee_wish,
    feerate,
    payment,
    usual_terms,
)
from axon.rpc.corewallet.reach import wallets_of
from axon.rpc.corewallet.scripts import script_from
from axon.rpc.daemon import Daemon
from axon.rpc.errors import Code, RpcError
from axon.rpc.methods.finding import find_outputs
from axon.rpc.parameters import parse_hash, type_name

MAX_WEIGHT_WU: Final = 400_000
MIN_INPUT_WU: Final = 165
_TRUC_WEIGHT_WU: Final = 40_000
_TRUC: Final = 3

_KINDS: Final[dict[str, tuple[type, ...]]] = {
    "add_inputs": (bool,),
    "include_unsafe": (bool,),
    "add_to_wallet": (bool,),
    "changeAddress": (str,),
    "change_address": (str,),
    "changePosition": (int,),
    "change_position": (int,),
    "change_type": (str,),
    "includeWatching": (bool,),
    "include_watching": (bool,),
    "inputs": (list,),
    "lockUnspents": (bool,),
    "lock_unspents": (bool,),
    "locktime": (int,),
    "fee_rate": (),
    "feeRate": (),
    "psbt": (bool,),
    "solving_data": (dict,),
    "subtractFeeFromOutputs": (list,),
    "subtract_fee_from_outputs": (list,),
    "replaceable": (bool,),
    "conf_target": (int,),
    "estimate_mode": (str,),
    "minconf": (int,),
    "maxconf": (int,),
    "input_weights": (list,),
    "max_tx_weight": (int,),
    "send_max": (bool,),
    "version": (int,),
}
_NAMES: Final = {bool: "bool", str: "string", int: "number", list: "array", dict: "object"}

_OUTDATED: Final = {
    "feeRate": "fee_rate (sat/vB)",
    "changeAddress": "change_address",
    "changePosition": "change_position",
    "lockUnspents": "lock_unspents",
    "subtractFeeFromOutputs": "subtract_fee_from_outputs",
}


@dataclass(frozen=True, slots=True)
class FundingWish:
    """What somebody wants of a payment that is to be funded.

    Args:
        outputs: whom it pays.
        inputs: what it spends in any case, with the sequence of each.
        version, locktime: of the transaction; no lock time was asked for where it is None.
        options: as they were given.
        adds_inputs: whether coins are chosen besides, where the options do not say.
        any_rate: also a feerate below what nodes ask for.
    """

    outputs: tuple[WantedOutput, ...]
    inputs: Mapping[OutPoint, int]
    version: int
    locktime: int | None
    options: Mapping[str, Json]
    adds_inputs: bool
    any_rate: bool = False


def checked_options(given: Mapping[str, Json], *, strict: bool = True) -> None:
    """Refuse options of another type, and those that there are not.

    Args:
        strict: else those that there are not are passed over, and what is refused is not named.

    Raises:
        RpcError: -3.
    """
    for name, kinds in sorted(_KINDS.items()):
        value = given.get(name)
        if value is not None and kinds and type(value) not in kinds:
            where = f" for field {name}" if strict else ""
            raise RpcError(
                Code.TYPE,
                f"JSON value of type {type_name(value)}{where} is not of expected type"
                f" {_NAMES[kinds[0]]}",
            )
    unknown = next((name for name in given if name not in _KINDS), None)
    if strict and unknown is not None:
        raise RpcError(Code.TYPE, f"Unexpected key {unknown}")


def refuse_outdated(options: Mapping[str, Json]) -> None:
    """Raises RpcError -8 of names that newer calls do not take."""
    for old, new in _OUTDATED.items():
        if old in options:
            raise RpcError(Code.PARAMETER, f"Use {new} instead of {old}")


def with_fee_wishes(
    options: Mapping[str, Json], conf_target: Json, estimate_mode: Json, fee_rate: Json
) -> dict[str, Json]:
    """The options with what was said of the fee beside them.

    Raises:
        RpcError: -8, both say something.
    """
    made = dict(options)
    if "conf_target" in options or "estimate_mode" in options:
        if conf_target is not None or estimate_mode is not None:
            raise RpcError(
                Code.PARAMETER,
                "Pass conf_target and estimate_mode either as arguments or in the options object,"
                " but not both",
            )
    else:
        made["conf_target"], made["estimate_mode"] = conf_target, estimate_mode
    if "fee_rate" in options:
        if fee_rate is not None:
            raise RpcError(
                Code.PARAMETER,
                "Pass the fee_rate either as an argument, or in the options object, but not both",
            )
    else:
        made["fee_rate"] = fee_rate
    unset = made.get("estimate_mode") in (None, "unset")
    if made.get("conf_target") is not None and unset:
        raise RpcError(Code.PARAMETER, "Specify estimate_mode")
    target = made.get("conf_target")
    if isinstance(target, float):
        if not target.is_integer():
            raise RpcError(Code.MISC, "JSON integer out of range")
        made["conf_target"] = int(target)
    return made


def _one_of(options: Mapping[str, Json], *names: str) -> Json:
    return next((options[name] for name in names if options.get(name) is not None), None)


async def funding(daemon: Daemon, wish: FundingWish) -> WantedPayment:
    """A payment that is to be built.

    Raises:
        RpcError: -8, -5, -3 or -4, it cannot be as it is wanted.
    """
    options, network = wish.options, daemon.node.network
    checked_options(options)
    if not wish.outputs:
        raise RpcError(Code.PARAMETER, "TX must have at least one output")
    names = [output.name for output in wish.outputs]
    given_payers = _one_of(options, "subtract_fee_from_outputs", "subtractFeeFromOutputs")
    payers = fee_payers(given_payers, names)
    terms: dict[str, Any] = _change(options, len(wish.outputs), network)
    settings = wallets_of(daemon).settings
    told = options.get("replaceable")
    wished = _fee(options, any_rate=wish.any_rate)
    replaceable = settings.replaceable if told is None else bool(told)
    if told is None and wished.sat_kvb is not None:
        replaceable = True
    fee = feerate(daemon, wished, replaceable=replaceable, code=Code.WALLET)
    terms = {**usual_terms(daemon, fee, replaceable=replaceable), **terms, **_depths(options)}
    weights = _weights([*_listed(options, "input_weights"), *_listed(options, "inputs")])
    found = await find_outputs(daemon, list(wish.inputs))
    adds = options.get("add_inputs")
    most = options.get("max_tx_weight")
    most_wu = MAX_WEIGHT_WU if most is None else int(most)
    if wish.version == _TRUC:
        most_wu = min(most_wu, _TRUC_WEIGHT_WU)
    terms |= {
        "inputs": wish.inputs,
        "external": _external(found, weights),
        "others": wish.adds_inputs if adds is None else bool(adds),
        "unsafe": bool(options.get("include_unsafe")),
        "version": wish.version,
        "max_weight_wu": most_wu,
    }
    if wish.locktime is not None:
        terms["locktime"] = wish.locktime
    return payment(daemon, wish.outputs, payers, terms)


def _external(
    found: Mapping[OutPoint, TxOut | None], weights: Mapping[OutPoint, int]
) -> dict[OutPoint, tuple[TxOut, int | None]]:
    """What inputs spend, as the node knows it, and what their proof weighs where that was said."""
    return {
        point: (output, weights.get(point)) for point, output in found.items() if output is not None
    }


def _fee(options: Mapping[str, Json], *, any_rate: bool) -> FeeWish:
    if options.get("feeRate") is not None:
        for name, said in (
            ("fee_rate", "fee_rate (sat/vB) and feeRate (BTC/kvB)"),
            (
                "conf_target",
                "conf_target and feeRate. Please provide either a confirmation target in blocks"
                " for automatic fee estimation, or an explicit fee rate.",
            ),
            ("estimate_mode", "estimate_mode and feeRate"),
        ):
            if options.get(name) is not None:
                raise RpcError(Code.PARAMETER, f"Cannot specify both {said}")
        return FeeWish(sat_kvb=amount_from(options["feeRate"]).sat, any_rate=True)
    return fee_wish(
        options.get("conf_target"),
        options.get("estimate_mode"),
        options.get("fee_rate"),
        any_rate=any_rate,
    )


def _change(options: Mapping[str, Json], count: int, network: Network) -> dict[str, Any]:
    terms: dict[str, Any] = {}
    address = _one_of(options, "change_address", "changeAddress")
    if address is not None:
        refusal = "Change address must be a valid bitcoin address"
        terms["change_script"] = script_from(str(address), network, refusal)
    place = _one_of(options, "change_position", "changePosition")
    if place is not None:
        if not 0 <= place <= count:
            raise RpcError(Code.PARAMETER, "changePosition out of bounds")
        terms["change_place"] = place
    kind = options.get("change_type")
    if kind is not None:
        if address is not None:
            message = "Cannot specify both change address and address type options"
            raise RpcError(Code.PARAMETER, message)
        try:
            terms["change_kind"] = checked_type(str(kind), "")
        except RpcError:
            raise RpcError(Code.NOT_FOUND, f"Unknown change type '{kind}'") from None
    return terms


def _depths(options: Mapping[str, Json]) -> dict[str, Any]:
    least = options.get("minconf")
    most = options.get("maxconf")
    least, most = 0 if least is None else least, MOST_DEPTH if most is None else most
    if least < 0:
        raise RpcError(Code.PARAMETER, "Negative minconf")
    if most < least:
        message = f"maxconf can't be lower than minconf: {most} < {least}"
        raise RpcError(Code.PARAMETER, message)
    return {"depths": (least, most)}


def _listed(options: Mapping[str, Json], name: str) -> Sequence[Json]:
    value = options.get(name)
    return value if isinstance(value, list) else ()


def _weights(given: Sequence[Json]) -> dict[OutPoint, int]:
    found: dict[OutPoint, int] = {}
    for each in given:
        if not isinstance(each, dict) or each.get("weight") is None:
            continue
        txid, vout, weight = each.get("txid"), each.get("vout"), each["weight"]
        if type(vout) is not int:
            raise RpcError(Code.PARAMETER, "Invalid parameter, missing vout key")
        if vout < 0:
            raise RpcError(Code.PARAMETER, "Invalid parameter, vout cannot be negative")
        if type(weight) is not int:
            raise RpcError(Code.PARAMETER, "Invalid parameter, missing weight key")
        if weight < MIN_INPUT_WU:
            raise RpcError(
                Code.PARAMETER,
                "Invalid parameter, weight cannot be less than 165 (41 bytes (size of outpoint +"
                " sequence + empty scriptSig) * 4 (witness scaling factor)) + 1 (empty witness)",
            )
        if weight > MAX_WEIGHT_WU:
            raise RpcError(
                Code.PARAMETER,
                "Invalid parameter, weight cannot be greater than the maximum standard tx weight"
                f" of {MAX_WEIGHT_WU}",
            )
        point = OutPoint(parse_hash("txid", str(txid)) + vout.to_bytes(4, "little"))
        found[point] = weight - 1
    return found


def spent_by(transaction: Transaction) -> dict[OutPoint, int]:
    """What a transaction spends, with the sequence of each input."""
    return {item.prevout: item.sequence for item in transaction.inputs}


def paid_by(transaction: Transaction) -> tuple[WantedOutput, ...]:
    """What a transaction pays."""
    return tuple(
        [
            WantedOutput("", output.script_pubkey, output.amount_sat)
            for output in transaction.outputs
        ]
    )


def fee_of_sweep(daemon: Daemon, options: Mapping[str, Json], *, replaceable: bool) -> ChosenFee:
    """The feerate that the options of sendall ask for."""
    wish = _fee(options, any_rate=False)
    return feerate(daemon, wish, replaceable=replaceable, code=Code.WALLET, low_code=Code.PARAMETER)
