"""What came to addresses, by address and by label; and which of them are known to be one's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from axon.primitives.hashes import Txid, to_hex
from axon.primitives.network import Network
from axon.rpc.amounts import Amount, Json
from axon.rpc.corewallet.access import label_from
from axon.rpc.corewallet.entries import in_order
from axon.rpc.corewallet.labels import address_book
from axon.rpc.corewallet.reach import seen_by
from axon.rpc.corewallet.scripts import address_of, script_from
from axon.rpc.daemon import Daemon
from axon.rpc.dispatch import Call, method
from axon.rpc.errors import Code, RpcError
from axon.rpc.parameters import Int32

if TYPE_CHECKING:
    from axon.wallet.descriptordesk import DescriptorDesk

_NO_DEPTH = 1 << 31


@method("wallet")
async def getreceivedbyaddress(
    daemon: Daemon,
    call: Call,
    address: str,
    minconf: Int32 = 1,
    include_immature_coinbase: bool = False,
) -> Json:
    """Returns the total amount received by the given address in transactions with at least minconf
    confirmations.

    Args:
        address: The bitcoin address for transactions.
        minconf: Only include transactions confirmed at least this many times.
        include_immature_coinbase: Include immature coinbase transactions.

    Returns:
        n    (numeric) The total amount in BTC received at this address.
    """
    wallet = await seen_by(daemon, call)
    script = script_from(address, daemon.node.network, "Invalid Bitcoin address")
    return await wallet.ask(_Received((script,), None, minconf, include_immature_coinbase))


@method("wallet")
async def getreceivedbylabel(
    daemon: Daemon,
    call: Call,
    label: str,
    minconf: Int32 = 1,
    include_immature_coinbase: bool = False,
) -> Json:
    """Returns the total amount received by addresses with <label> in transactions with at least
    [minconf] confirmations.

    Args:
        label: The selected label, may be the default label using "".
        minconf: Only include transactions confirmed at least this many times.
        include_immature_coinbase: Include immature coinbase transactions.

    Returns:
        n    (numeric) The total amount in BTC received for this label.
    """
    wallet = await seen_by(daemon, call)
    return await wallet.ask(_Received((), label_from(label), minconf, include_immature_coinbase))


@dataclass(frozen=True, slots=True)
class _Received:
    scripts: tuple[bytes, ...]
    label: str | None
    min_depth: int
    immature: bool

    def run(self, desk: DescriptorDesk) -> Amount:
        scripts = self.scripts
        if self.label is not None:
            scripts = tuple([each[1] for each in address_book(desk) if each[2] == self.label])
            if not scripts:
                raise RpcError(Code.WALLET, "Label not found in wallet")
        own = {script for script in scripts if desk.wallet.ledger.book.find(script)}
        if not own:
            raise RpcError(Code.WALLET, "Address not found in wallet")
        tallies = tally(desk, self.min_depth, self.immature)
        return Amount(sum(tallies[script].amount_sat for script in own if script in tallies))


@dataclass(slots=True)
class _Tally:
    amount_sat: int
    depth: int
    txids: list[Txid]


def tally(desk: DescriptorDesk, min_depth: int, immature: bool) -> dict[bytes, _Tally]:
    """What came to each of our scripts."""
    ledger, holdings = desk.wallet.ledger, desk.wallet.holdings
    found: dict[bytes, _Tally] = {}
    for txid in in_order(desk):
        item, depth = ledger.transactions[txid], holdings.depth(txid)
        if depth < min_depth or (item.is_coinbase and depth < 1):
            continue
        if item.is_coinbase and holdings.is_immature(txid) and not immature:
            continue
        for output in item.outputs:
            script = output.script_pubkey
            if ledger.book.find(script) is None:
                continue
            each = found.setdefault(script, _Tally(0, _NO_DEPTH, []))
            each.amount_sat += output.amount_sat
            each.depth = min(each.depth, depth)
            each.txids.append(txid)
    return found


@method("wallet")
async def listreceivedbyaddress(
    daemon: Daemon,
    call: Call,
    minconf: Int32 = 1,
    include_empty: bool = False,
    include_watchonly: bool = False,
    address_filter: str = "",
    include_immature_coinbase: bool = False,
) -> Json:
    """List balances by receiving address.

    Args:
        minconf: The minimum number of confirmations before payments are included.
        include_empty: Whether to include addresses that haven't received any payments.
        include_watchonly: No longer used
        address_filter: If present and non-empty, only return information on this address.
        include_immature_coinbase: Include immature coinbase transactions.

    Returns:
        [                               (json array)
          {                             (json object)
            "address" : "str",          (string) The receiving address
            "amount" : n,               (numeric) The total amount in BTC received by the address
            "confirmations" : n,        (numeric) The confirmations of the most recent transaction
            "label" : "str",            (string) The label of the receiving address
            "txids" : [ "hex", ... ]    (json array) The transactions received with the address
          },
          ...
        ]
    """
    del include_watchonly
    wallet = await seen_by(daemon, call)
    wanted = None
    if address_filter:
        network = daemon.node.network
        try:
            wanted = address_of(script_from(address_filter, network), network)
        except RpcError:
            message = "address_filter parameter was invalid"
            raise RpcError(Code.WALLET, message) from None
    return await wallet.ask(
        _ListReceived(minconf, include_empty, include_immature_coinbase, wanted)
    )


@method("wallet")
async def listreceivedbylabel(
    daemon: Daemon,
    call: Call,
    minconf: Int32 = 1,
    include_empty: bool = False,
    include_watchonly: bool = False,
    include_immature_coinbase: bool = False,
) -> Json:
    """List received transactions by label.

    Args:
        minconf: The minimum number of confirmations before payments are included.
        include_empty: Whether to include labels that haven't received any payments.
        include_watchonly: No longer used
        include_immature_coinbase: Include immature coinbase transactions.

    Returns:
        [                           (json array)
          {                         (json object)
            "amount" : n,           (numeric) The total amount received by addresses with this label
            "confirmations" : n,    (numeric) The confirmations of the most recent transaction
            "label" : "str"         (string) The label
          },
          ...
        ]
    """
    del include_watchonly
    wallet = await seen_by(daemon, call)
    listed = await wallet.ask(
        _ListReceived(minconf, include_empty, include_immature_coinbase, None)
    )
    sums: dict[str, list[int]] = {}
    for entry in listed:
        each = sums.setdefault(entry["label"], [0, _NO_DEPTH])
        each[0] += entry["amount"].sat
        if entry["txids"]:
            each[1] = min(each[1], entry["confirmations"])
    return [
        {"amount": Amount(sat), "confirmations": depth % _NO_DEPTH, "label": label}
        for label, (sat, depth) in sorted(sums.items())
    ]


@dataclass(frozen=True, slots=True)
class _ListReceived:
    min_depth: int
    empty: bool
    immature: bool
    address: str | None

    def run(self, desk: DescriptorDesk) -> list[Json]:
        tallies = tally(desk, self.min_depth, self.immature)
        listed: list[Json] = []
        for address, script, label, _ in address_book(desk):
            if self.address not in (None, address):
                continue
            found = tallies.get(script)
            if found is None and not self.empty:
                continue
            listed.append(
                {
                    "address": address,
                    "amount": Amount(0 if found is None else found.amount_sat),
                    "confirmations": 0 if found is None else found.depth,
                    "label": label,
                    "txids": [] if found is None else [to_hex(each) for each in found.txids],
                }
            )
        return listed


@method("wallet")
async def listaddressgroupings(daemon: Daemon, call: Call) -> Json:
    """Lists groups of addresses which have had their common ownership made public by common use as
    inputs or as the resulting change in past transactions.

    Returns:
        [                   (json array)
          [                 (json array)
            [ "address", n, "label" ],    (json array) address, amount in BTC, label if it has one
            ...
          ],
          ...
        ]
    """
    wallet = await seen_by(daemon, call)
    return await wallet.ask(_Groupings(daemon.node.network))


@dataclass(frozen=True, slots=True)
class _Groupings:
    network: Network

    def run(self, desk: DescriptorDesk) -> Json:
        wallet = desk.wallet
        ledger, holdings = wallet.ledger, wallet.holdings
        sums: dict[bytes, int] = {}
        for point, owned in ledger.owned.items():
            txid = ledger.transactions[desk.txid_of(point)].txid
            own = ledger.spends_ours(ledger.transactions[txid])
            depth = holdings.depth(txid)
            if not holdings.is_trusted(txid) or holdings.is_immature(txid) or depth < (not own):
                continue
            spent = holdings.how_spent(point).name != "NO"
            script = owned.output.script_pubkey
            sums[script] = sums.get(script, 0) + (0 if spent else owned.output.amount_sat)
        groups: list[dict[bytes, None]] = []
        for group in self._groups(desk):
            hit = [each for each in groups if not each.keys().isdisjoint(group)]
            groups = [each for each in groups if each not in hit]
            for each in hit:
                group.update(each)
            groups.append(group)
        return [[self._entry(desk, script, sums) for script in group] for group in groups]

    def _groups(self, desk: DescriptorDesk) -> Iterator[dict[bytes, None]]:
        ledger, holdings = desk.wallet.ledger, desk.wallet.holdings
        for txid in in_order(desk):
            item = ledger.transactions[txid]
            spent = [ledger.owned[point] for point in item.prevouts if point in ledger.owned]
            group = {owned.output.script_pubkey: None for owned in spent}
            for output in item.outputs:
                if group and holdings.is_change(output.script_pubkey):
                    group[output.script_pubkey] = None
            if group:
                yield group
            for output in item.outputs:
                if ledger.book.find(output.script_pubkey):
                    yield {output.script_pubkey: None}

    def _entry(self, desk: DescriptorDesk, script: bytes, sums: dict[bytes, int]) -> Json:
        label = desk.wallet.holdings.book_label(script)
        shown: list[Json] = [address_of(script, self.network), Amount(sums.get(script, 0))]
        return shown if label is None else [*shown, label]
