"""S8, no double credit: a coin is spent once and held by one, and no wallet pays with it twice.

A node on the same block must have each coin that a wallet says it holds, and no two wallets may
hold one. Of a wallet's own payments no two may spend one coin, unless the later one pays the same
people with a higher fee: that is a fee bump, or a payjoin, and was asked for. That no chain spends
a coin twice is seen by the second judge of S1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from axon.primitives.transaction import OutPoint, Transaction
from axon.rpc.errors import RpcError
from axon.swarm.invariants import Finding, counted
from axon.swarm.lab.checkedrun import CheckedNode, CheckedRun, CheckedWallet
from axon.swarm.lab.safety import JudgedChain
from axon.swarm.lab.walletconsistency import WalletStatement, compare
from axon.swarm.story.participants import amount_sat, in_coins

_SPENT_TWICE: Final = ("missingorspent", "KeyError")
"""How the second judge of a chain says that a block spends what there is not."""

_OWN: Final = ("send", "self")
"""Categories of a wallet's own payments."""

Coin = tuple[str, int]
"""A transaction, and which of its outputs."""


def no_double_credit(run: CheckedRun, chains: Sequence[JudgedChain]) -> Finding:
    """S8: no coin is spent twice, held by two, or held and not there.

    Args:
        chains: on which nodes stand, judged.
    """
    for item in chains:
        if any(word in item.check.fault for word in _SPENT_TWICE):
            said = f"a coin is spent that there is not: {item.check.fault}"
            return Finding("S8", False, said, culprits=item.names)
    ledger = _Held()
    found = compare(run, ledger.fault)
    if found.wrong:
        name, said = next(iter(found.wrong.items()))
        return Finding("S8", False, f"{name}: {said}", culprits=tuple(found.wrong))
    said = f"no coin is spent twice in {counted(len(chains), 'chain')}"
    if run.manifest.wallets:
        if not found.compared:
            return Finding("S8", None, "no wallet stands where a node does", tried=0)
        said += (
            f"; {counted(len(ledger.holders), 'coin')} of {counted(found.compared, 'wallet')} are"
            " there, each held by one"
        )
    return Finding("S8", True, said, tried=len(chains) + found.compared)


class _Held:
    """Who holds which coin, as wallets say one after the other."""

    def __init__(self) -> None:
        self.holders: dict[Coin, str] = {}

    def fault(self, node: CheckedNode, wallet: CheckedWallet, told: WalletStatement) -> str:
        """What is wrong with what a wallet holds and has paid; empty if nothing is."""
        listed = [coin for coin in wallet.rpc("listunspent") if coin["confirmations"] > 0]
        places: list[Coin] = [(str(coin["txid"]), int(coin["vout"])) for coin in listed]
        if len(set(places)) < len(places):
            return "it counts one coin twice"
        there = node.batch([("gettxout", [txid, vout, False]) for txid, vout in places])
        for coin, place, known in zip(listed, places, there, strict=True):
            if self.holders.setdefault(place, wallet.name) != wallet.name:
                return f"it holds a coin that {self.holders[place]} holds, too: {_shown(place)}"
            if not isinstance(known, dict):
                return f"it holds {_shown(place)}, which is spent or never was"
            if amount_sat(known["value"]) != amount_sat(coin["amount"]):
                return f"it holds {in_coins(amount_sat(coin['amount']))} in {_shown(place)}"
        return paid_twice(wallet, told)


def paid_twice(wallet: CheckedWallet, told: WalletStatement) -> str:
    """A coin with which a wallet has paid twice without being asked to; empty if there is none."""
    own = [entry for entry in told.entries if entry.get("category") in _OWN]
    shown = wallet.batch([("gettransaction", [entry["txid"]]) for entry in own])
    payments: list[tuple[Mapping[str, Any], Transaction]] = [
        (entry, Transaction.decode(bytes.fromhex(answer["hex"])))
        for entry, answer in zip(own, shown, strict=True)
        if not isinstance(answer, RpcError)
    ]
    spent: dict[OutPoint, Mapping[str, Any]] = {}
    for entry, payment in payments:
        for place in payment.prevouts:
            other = spent.setdefault(place, entry)
            if other["txid"] != entry["txid"] and not _is_bump(other, entry):
                return f"{other['txid']} and {entry['txid']} spend one coin"
    return ""


def _is_bump(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether one of two payments pays the same people for a higher fee, or was joined.

    Of one that its payee has joined with a coin of his own no wallet can tell the fee.
    """
    same = sorted(one["addresses"]) == sorted(other["addresses"])
    return same and one.get("fee") != other.get("fee")


def _shown(place: Coin) -> str:
    return f"{place[0]}:{place[1]}"
