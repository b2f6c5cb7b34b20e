"""The single coins of a wallet, and those that are set aside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from axon.mempool.entry import PoolEntry
from axon.primitives.address import encode_address
from axon.primitives.hashes import Txid, to_hex
from axon.primitives.network import Network
from axon.primitives.transaction import (
    MAX_MONEY_SAT,
    OutPoint,
    outpoint,
    outpoint_index,
    outpoint_txid,
)
from axon.rpc.amounts import Amount, Json, amount_from
from axon.rpc.corewallet.reach import seen_by, wallet_of
from axon.rpc.corewallet.scripts import descriptor_of, parents, script_from, solved_text
from axon.rpc.daemon import Daemon
from axon.rpc.dispatch import Call, method
from axon.rpc.errors import Code, RpcError
from axon.rpc.parameters import Int32, check_fields, expect_text, parse_hash, type_name

if TYPE_CHECKING:
    from axon.wallet.descriptordesk import DescriptorDesk
    from axon.wallet.holdings import HeldCoin

MOST_DEPTH: Final = 9_999_999
_OPTIONS: Final = {
    "minimumAmount": object,
    "maximumAmount": object,
    "maximumCount": int,
    "minimumSumAmount": object,
    "include_immature_coinbase": bool,
}


@method("wallet", shown={"addresses": '["address",...]', "query_options": "query_options"})
async def listunspent(
    daemon: Daemon,
    call: Call,
    minconf: Int32 = 1,
    maxconf: Int32 = MOST_DEPTH,
    addresses: list[Json] | None = None,
    include_unsafe: bool = True,
    query_options: dict[str, Json] | None = None,
) -> Json:
    """Returns array of unspent transaction outputs with between minconf and maxconf (inclusive)
    confirmations. Optionally filter to only include txouts paid to specified addresses.

    Args:
        minconf: The minimum confirmations to filter
        maxconf: The maximum confirmations to filter
        addresses: The bitcoin addresses to filter
        include_unsafe: Include outputs that are not safe to spend
        query_options: minimumAmount, maximumAmount, maximumCount, minimumSumAmount,
            include_immature_coinbase

    Returns:
        [                                 (json array)
          {                               (json object)
            "txid" : "hex",               (string) the transaction id
            "vout" : n,                   (numeric) the vout value
            "address" : "str",            (string, optional) the bitcoin address
            "label" : "str",              (string, optional) The associated label
            "scriptPubKey" : "hex",       (string) the output script
            "amount" : n,                 (numeric) the transaction output amount in BTC
            "confirmations" : n,          (numeric) The number of confirmations
            "ancestorcount" : n,          (numeric, optional) The number of in-mempool ancestors,
                                          including this one (if transaction is in the mempool)
            "ancestorsize" : n,           (numeric, optional) Their virtual size
            "ancestorfees" : n,           (numeric, optional) Their total fees in satoshi
            "redeemScript" : "hex",       (string, optional) The redeem script
            "witnessScript" : "hex",      (string, optional) The witness script
            "spendable" : true|false,     (boolean) Always true
            "solvable" : true|false,      (boolean) Whether we know how to spend this output
            "desc" : "str",               (string, optional) A descriptor for spending this coin
            "parent_descs" : [ "str" ],   (json array) Where the output's script is from
            "safe" : true|false           (boolean) Whether this output is considered safe to spend
          },
          ...
        ]
    """
    network = daemon.node.network
    scripts: dict[bytes, None] = {}
    for each in addresses or ():
        script = script_from(expect_text(each), network, f"Invalid Bitcoin address: {each}")
        if script in scripts:
            raise RpcError(Code.PARAMETER, f"Invalid parameter, duplicated address: {each}")
        scripts[script] = None
    query = _query(query_options or {})
    wallet = await seen_by(daemon, call)
    depths = (minconf, maxconf)
    found = await wallet.ask(_List(depths, tuple(scripts), include_unsafe, query, network))
    return [_with_pool(daemon, txid, entry) for txid, entry in found]


def _query(given: Mapping[str, Json]) -> dict[str, Any]:
    check_fields(given, _OPTIONS, may_miss=True, strict=True)
    for name, kind in (("maximumCount", "number"), ("include_immature_coinbase", "bool")):
        if name in given and given[name] is None:
            message = f"JSON value of type null is not of expected type {kind}"
            raise RpcError(Code.TYPE, message)
    query: dict[str, Any] = {
        "least": 0,
        "most": MAX_MONEY_SAT,
        "sum": MAX_MONEY_SAT,
        "count": 0,
        "immature": False,
    }
    names = {"minimumAmount": "least", "maximumAmount": "most", "minimumSumAmount": "sum"}
    for name, field in names.items():
        if name in given:
            query[field] = amount_from(given[name]).sat
    if "maximumCount" in given:
        query["count"] = int(given["maximumCount"])
    query["immature"] = bool(given.get("include_immature_coinbase", False))
    return query


def _with_pool(daemon: Daemon, txid: Txid, entry: dict[str, Json]) -> Json:
    """An entry with what the pool knows of its transaction, where it is there."""
    found: PoolEntry | None = daemon.node.pool.get(txid)
    if found is None:
        return entry
    facts = daemon.node.pool.facts(found)
    place = list(entry).index("confirmations") + 1
    items = list(entry.items())
    told: list[tuple[str, Json]] = [
        ("ancestorcount", facts.ancestor_count),
        ("ancestorsize", facts.ancestor_vsize),
        ("ancestorfees", facts.ancestor_fees_sat),
    ]
    return dict(items[:place] + told + items[place:])


@dataclass(frozen=True, slots=True)
class _List:
    depths: tuple[int, int]
    scripts: tuple[bytes, ...]
    unsafe: bool
    query: Mapping[str, Any]
    network: Network

    def run(self, desk: DescriptorDesk) -> list[tuple[Txid, dict[str, Json]]]:
        found: list[tuple[Txid, dict[str, Json]]] = []
        total_sat = 0
        for coin in desk.wallet.holdings.unspent():
            if not self._is_wanted(coin):
                continue
            found.append((outpoint_txid(coin.point), coin_json(desk, coin, self.network)))
            total_sat += coin.output.amount_sat
            if total_sat >= self.query["sum"] or len(found) == self.query["count"]:
                break
        return found

    def _is_wanted(self, coin: HeldCoin) -> bool:
        least, most = self.depths
        if coin.locked or (coin.immature and not self.query["immature"]):
            return False
        if not coin.safe and not self.unsafe:
            return False
        if self.scripts and coin.output.script_pubkey not in self.scripts:
            return False
        amount_sat = coin.output.amount_sat
        fits = self.query["least"] <= amount_sat <= self.query["most"]
        return fits and least <= coin.depth <= most


def coin_json(desk: DescriptorDesk, coin: HeldCoin, network: Network) -> dict[str, Json]:
    """A coin as callers see it."""
    script = coin.output.script_pubkey
    shown: dict[str, Json] = {
        "txid": to_hex(outpoint_txid(coin.point)),
        "vout": outpoint_index(coin.point),
    }
    address = encode_address(script, network)
    if address is not None:
        shown["address"] = address
        label = desk.wallet.holdings.book_label(script)
        if label is not None:
            shown["label"] = label
    shown |= _scripts(desk, script)
    shown |= {
        "scriptPubKey": script.hex(),
        "amount": Amount(coin.output.amount_sat),
        "confirmations": coin.depth,
        "spendable": True,
    }
    text = solved_text(desk, script)
    shown["solvable"] = text is not None
    if text is not None:
        shown["desc"] = text
    shown["parent_descs"] = parents(desk, script)
    shown["safe"] = coin.safe
    return shown


def _scripts(desk: DescriptorDesk, script: bytes) -> dict[str, Json]:
    found = descriptor_of(desk, script)
    if found is None or found.inner is None:
        return {}
    inner = found.inner
    if found.name == "wsh":
        return {"witnessScript": inner.scripts(0)[0].hex()}
    shown: dict[str, Json] = {"redeemScript": inner.scripts(0)[0].hex()}
    if inner.name == "wsh" and inner.inner is not None:
        shown["witnessScript"] = inner.inner.scripts(0)[0].hex()
    return shown


@method("wallet", shown={"transactions": '[{"txid":"hex","vout":n},...]'})
async def lockunspent(
    daemon: Daemon,
    call: Call,
    unlock: bool,
    transactions: list[Json] | None = None,
    persistent: bool = False,
) -> Json:
    """Temporarily lock (unlock=false) or unlock (unlock=true) specified transaction outputs. A
    locked transaction output will not be chosen by automatic coin selection. All locks outlive the
    run here.

    Args:
        unlock: Whether to unlock (true) or lock (false) the specified transactions
        transactions: The transaction outputs: [{"txid":"hex","vout":n}, ...]; without it all are
            unlocked
        persistent: No difference: all locks are kept

    Returns:
        true|false    (boolean) Whether the command was successful or not
    """
    del persistent
    wallet = await seen_by(daemon, call)
    if transactions is None:
        if unlock:
            await wallet.ask(_UnlockAll())
        return True
    return await wallet.ask(_Lock(unlock, points_from(transactions)))


def points_from(values: Sequence[Json]) -> tuple[OutPoint, ...]:
    """Outpoints as callers write them.

    Raises:
        RpcError: -8 or -3, they are none.
    """
    return tuple([_point(each) for each in values])


def _point(value: Json) -> OutPoint:
    if not isinstance(value, dict):
        given = type_name(value)
        raise RpcError(Code.TYPE, f"JSON value of type {given} is not of expected type object")
    txid, vout = value.get("txid"), value.get("vout")
    for name, each, kind in (("txid", txid, str), ("vout", vout, int)):
        if each is None:
            raise RpcError(Code.TYPE, f"Missing {name}")
        if type(each) is not kind:
            wanted = "string" if kind is str else "number"
            raise RpcError(
                Code.TYPE,
                f"JSON value of type {type_name(each)} for field {name} is not of"
                f" expected type {wanted}",
            )
    named = Txid(parse_hash("txid", str(txid)))
    if not isinstance(vout, int) or vout < 0:
        raise RpcError(Code.PARAMETER, "Invalid parameter, vout cannot be negative")
    return outpoint(named, min(vout, (1 << 32) - 1))


@dataclass(frozen=True, slots=True)
class _UnlockAll:
    def run(self, desk: DescriptorDesk) -> None:
        desk.wallet.lock_coins(tuple(desk.wallet.ledger.frozen), False)


@dataclass(frozen=True, slots=True)
class _Lock:
    unlock: bool
    points: tuple[OutPoint, ...]

    def run(self, desk: DescriptorDesk) -> bool:
        ledger, holdings = desk.wallet.ledger, desk.wallet.holdings
        for point in self.points:
            parent = ledger.transactions.get(outpoint_txid(point))
            if parent is None:
                raise RpcError(Code.PARAMETER, "Invalid parameter, unknown transaction")
            if outpoint_index(point) >= len(parent.outputs):
                raise RpcError(Code.PARAMETER, "Invalid parameter, vout index out of bounds")
            if holdings.how_spent(point).name != "NO":
                raise RpcError(Code.PARAMETER, "Invalid parameter, expected unspent output")
            if self.unlock and point not in ledger.frozen:
                raise RpcError(Code.PARAMETER, "Invalid parameter, expected locked output")
            if not self.unlock and point in ledger.frozen:
                raise RpcError(Code.PARAMETER, "Invalid parameter, output already locked")
        desk.wallet.lock_coins(self.points, not self.unlock)
        return True


@method("wallet")
async def listlockunspent(daemon: Daemon, call: Call) -> Json:
    """Returns list of temporarily unspendable outputs.

    Returns:
        [                         (json array)
          {                       (json object)
            "txid" : "hex",       (string) The transaction id locked
            "vout" : n            (numeric) The vout value
          },
          ...
        ]
    """
    return await wallet_of(daemon, call).ask(_ListLocked())


@dataclass(frozen=True, slots=True)
class _ListLocked:
    def run(self, desk: DescriptorDesk) -> Json:
        return [
            {"txid": to_hex(outpoint_txid(point)), "vout": outpoint_index(point)}
            for point in sorted(desk.wallet.ledger.frozen)
        ]
