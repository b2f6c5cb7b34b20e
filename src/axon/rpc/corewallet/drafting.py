"""Payments that are built, and sent or handed out: send, walletcreatefundedpsbt,
fundrawtransaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from axon.primitives.hashes import to_hex
from axon.primitives.transaction import (
    OutPoint,
    Transaction,
)
from axon.rpc.amounts import Amount, Json
from axon.rpc.corewallet.access import LoadedWallet
from axon.rpc.corewallet.funding import (
    FundingWish,
    checked_options,
    funding,
    paid_by,
    refuse_outdated,
    spent_by,
    with_fee_wishes,
)
from axon.rpc.corewallet.paying import (
    WantedPayment,
    build,
    outputs_from,
    send_out,
)
from axon.rpc.corewallet.poolplaces import one_at_a_time, placed
from axon.rpc.corewallet.reach import seen_by, wallets_of
from axon.rpc.daemon import Daemon
from axon.rpc.dispatch import Call, method
from axon.rpc.errors import Code, RpcError
from axon.rpc.parameters import UInt32, unhex
from axon.rpc.shapes.drafts import draft
from axon.rpc.shapes.transactions import decode_transaction

if TYPE_CHECKING:
    from axon.wallet.descriptordesk import DescriptorDesk

_FINAL = 0xFFFF_FFFF
_REPLACEABLE = 0xFFFF_FFFD
_NOT_FINAL = 0xFFFF_FFFE


def inputs_of(
    daemon: Daemon, given: Json, locktime: int, *, replaceable: bool | None, version: int
) -> Transaction:
    """A transaction of nothing but these inputs, as createrawtransaction reads them."""
    inputs = given if isinstance(given, list) else []
    return draft(inputs, [], locktime, replaceable, version, daemon.node.network)


_OUTPUTS: Final = '[{"address":amount,...},{"data":"hex"},...]'
_INPUTS: Final = '( [{"txid":"hex","vout":n,"sequence":n,"weight":n},...] )'


@method("wallet", shown={"inputs": _INPUTS, "outputs": _OUTPUTS})
async def walletcreatefundedpsbt(
    daemon: Daemon,
    call: Call,
    inputs: list[Json] | None,
    outputs: Json,
    locktime: int = 0,
    options: dict[str, Json] | None = None,
    bip32derivs: bool = True,
    version: UInt32 = 2,
) -> Json:
    """Creates and funds a transaction in the Partially Signed Transaction format. Implements the
    Creator and Updater roles. All existing inputs must either have their previous output
    transaction be in the wallet or be in the UTXO set.

    Args:
        inputs: Leave empty to add inputs automatically; txid, vout, sequence and weight of each
        outputs: The outputs: addresses and amounts, or data
        locktime: Raw locktime. Non-0 value also locktime-activates inputs
        options: add_inputs, include_unsafe, minconf, maxconf, changeAddress, changePosition,
            change_type, lockUnspents, fee_rate, feeRate, subtractFeeFromOutputs, max_tx_weight,
            conf_target, estimate_mode, replaceable, solving_data
        bip32derivs: Include BIP 32 derivation paths for public keys if we know them
        version: Transaction version

    Returns:
        {                     (json object)
          "psbt" : "str",     (string) The resulting raw transaction (base64-encoded string)
          "fee" : n,          (numeric) Fee in BTC the resulting transaction pays
          "changepos" : n     (numeric) The position of the added change output, or -1
        }
    """
    wallet, said = await seen_by(daemon, call), dict(options or {})
    told = said.get("replaceable")
    replaceable = wallets_of(daemon).settings.replaceable if told is None else bool(told)
    wanted_outputs = outputs_from(outputs, daemon.node.network)
    bare = inputs_of(daemon, inputs, locktime, replaceable=replaceable, version=version)
    said["input_weights"] = [*(said.get("input_weights") or ()), *(inputs or ())]
    wish = FundingWish(
        outputs=tuple(wanted_outputs),
        inputs=spent_by(bare),
        version=version,
        locktime=locktime,
        options=said,
        adds_inputs=not bare.inputs,
        any_rate=True,
    )
    wanted = await placed(daemon, wallet, await funding(daemon, wish))
    return await wallet.ask(_Fund(wanted, locks_coins(said), as_psbt=True, derivations=bip32derivs))


def locks_coins(options: Mapping[str, Json]) -> bool:
    return bool(options.get("lock_unspents") or options.get("lockUnspents"))


@dataclass(frozen=True, slots=True)
class _Fund:
    """Build a payment, and hand it out unsigned."""

    wanted: WantedPayment
    locks: bool
    as_psbt: bool
    derivations: bool = True

    def run(self, desk: DescriptorDesk) -> Json:
        built = build(desk, self.wanted, Code.WALLET)
        place = -1 if built.change_place is None else built.change_place
        shown: dict[str, Json] = {}
        if self.as_psbt:
            psbt = desk.blank(built.transaction)
            desk.process(psbt, sign=False, derivations=self.derivations)
            shown["psbt"] = psbt.to_base64()
        else:
            shown["hex"] = built.transaction.raw.hex()
        if self.locks:
            desk.wallet.lock_coins(own_coins(desk, built.transaction), True)
        return {**shown, "fee": Amount(built.fee_sat), "changepos": place}


def own_coins(desk: DescriptorDesk, transaction: Transaction) -> list[OutPoint]:
    return [point for point in transaction.prevouts if point in desk.wallet.ledger.owned]


@method("rawtransactions")
async def fundrawtransaction(
    daemon: Daemon,
    call: Call,
    hexstring: str,
    options: Json = None,
    iswitness: bool | None = None,
) -> Json:
    """If the transaction has no inputs, they will be automatically selected to meet its out value.
    It will add at most one change output to the outputs. Existing inputs and outputs are left as
    they are. No input is signed.

    Args:
        hexstring: The hex string of the raw transaction
        options: As for walletcreatefundedpsbt
        iswitness: Whether the transaction hex is a serialized witness transaction

    Returns:
        {                   (json object)
          "hex" : "hex",    (string) The resulting raw transaction (hex-encoded string)
          "fee" : n,        (numeric) Fee in BTC the resulting transaction pays
          "changepos" : n   (numeric) The position of the added change output, or -1
        }
    """
    wallet = await seen_by(daemon, call)
    said = options if isinstance(options, dict) else {}
    try:
        plain, witness = iswitness is not True, iswitness is not False
        bare = decode_transaction(unhex(hexstring) or b"", witness=witness, plain=plain)
    except ValueError:
        raise RpcError(Code.DESERIALIZATION, "TX decode failed") from None
    wish = FundingWish(
        outputs=paid_by(bare),
        inputs=spent_by(bare),
        version=bare.version,
        locktime=bare.locktime,
        options=said,
        adds_inputs=True,
        any_rate=True,
    )
    wanted = await placed(daemon, wallet, await funding(daemon, wish))
    return await wallet.ask(_Fund(wanted, locks_coins(said), as_psbt=False))


@method("wallet", shown={"outputs": _OUTPUTS})
async def send(
    daemon: Daemon,
    call: Call,
    outputs: Json,
    conf_target: float | None = None,
    estimate_mode: str | None = None,
    fee_rate: Json = None,
    options: dict[str, Json] | None = None,
    version: UInt32 = 2,
) -> Json:
    """Send a transaction.

    Args:
        outputs: The outputs: addresses and amounts, or data
        conf_target: Confirmation target in blocks
        estimate_mode: The fee estimate mode: unset, economical or conservative
        fee_rate: Specify a fee rate in sat/vB.
        options: add_inputs, include_unsafe, minconf, maxconf, add_to_wallet, change_address,
            change_position, change_type, inputs, locktime, lock_unspents, psbt,
            subtract_fee_from_outputs, max_tx_weight, replaceable, solving_data
        version: Transaction version

    Returns:
        {                             (json object)
          "complete" : true|false,    (boolean) If the transaction has a complete set of signatures
          "txid" : "hex",             (string, optional) The transaction id for the send
          "hex" : "hex",              (string, optional) If add_to_wallet is false, the transaction
          "psbt" : "str"              (string, optional) If more signatures are needed, or if
                                      add_to_wallet is false
        }
    """
    wallet = await seen_by(daemon, call)
    said = with_fee_wishes(options or {}, conf_target, estimate_mode, fee_rate)
    refuse_outdated(said)
    checked_options(said)
    told = said.get("replaceable")
    replaceable = wallets_of(daemon).settings.replaceable if told is None else bool(told)
    locktime = said.get("locktime")
    bare = inputs_of(
        daemon, said.get("inputs"), locktime or 0, replaceable=replaceable, version=version
    )
    wish = FundingWish(
        outputs=tuple(outputs_from(outputs, daemon.node.network)),
        inputs=spent_by(bare),
        version=version,
        locktime=locktime,
        options=said,
        adds_inputs=not bare.inputs,
    )
    async with one_at_a_time(wallet):
        wanted = await placed(daemon, wallet, await funding(daemon, wish))
        return await finish(daemon, wallet, _Send(wanted, locks_coins(said), WayOut.of(said)))


@dataclass(frozen=True, slots=True)
class WayOut:
    """What becomes of a payment that was built.

    Args:
        adds: it is written down and sent, if it is complete.
        as_psbt: it is handed out as a PSBT in any case.
    """

    adds: bool
    as_psbt: bool

    @classmethod
    def of(cls, options: Mapping[str, Json]) -> WayOut:
        adds = options.get("add_to_wallet")
        return cls(adds is not False, bool(options.get("psbt")))


async def finish(daemon: Daemon, wallet: LoadedWallet, command: Any) -> Json:
    shown, transaction = await wallet.ask(command)
    if transaction is not None:
        await send_out(daemon, transaction)
    return shown


@dataclass(frozen=True, slots=True)
class _Send:
    """Build a payment, sign it, and write it down or hand it out."""

    wanted: WantedPayment
    locks: bool
    way: WayOut

    def run(self, desk: DescriptorDesk) -> tuple[Json, Transaction | None]:
        built = build(desk, self.wanted, Code.WALLET)
        return finished(desk, built.transaction, self.way, self.wanted.now_s, locks=self.locks)


def finished(
    desk: DescriptorDesk, transaction: Transaction, way: WayOut, now_s: int, *, locks: bool
) -> tuple[Json, Transaction | None]:
    """What is told of a payment, and the payment if it is to go out.

    Args:
        locks: what it spends is set aside, if it is not sent.
    """
    psbt = desk.blank(transaction)
    signs = desk.wallet.flags.private_keys and not desk.wallet.keyring.is_locked
    complete = desk.process(psbt, sign=signs) and signs
    shown: dict[str, Json] = {}
    if way.as_psbt or not complete or not way.adds:
        shown["psbt"] = psbt.to_base64()
    going = None
    if complete:
        signed = desk.extracted(psbt)
        shown["txid"] = to_hex(signed.txid)
        if way.adds and not way.as_psbt:
            desk.wallet.record_sent(signed, now_s)
            going = signed
        else:
            shown["hex"] = signed.raw.hex()
    if locks and going is None:
        desk.wallet.lock_coins(own_coins(desk, transaction), True)
    return {**shown, "complete": complete}, going
