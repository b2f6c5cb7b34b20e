"""What wallets say, compared with what nodes on the same block say: balances, and every payment.

S2 one ledger, as far as wallets are told a balance; S7 honest wallet: what it calls confirmed it
can prove, and it counts confirmations as the chain with most work does. `docs/invariants.md` tells
both in plain words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from axon.rpc.errors import RpcError
from axon.swarm.invariants import Finding, counted
from axon.swarm.lab.checkedrun import CheckedNode, CheckedRun, CheckedWallet
from axon.swarm.lab.processes import TooLate
from axon.swarm.story.participants import amount_sat, in_coins

TOGETHER_LIMIT_S: Final = 5.0
"""How long to look for a moment in which a wallet and a node stand on one block; miners go on."""

AHEAD: Final = 20
"""Addresses beyond the last one given out at which a wallet might be paid."""

ALL: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class WalletStatement:
    """What a wallet says, all of it as of one block.

    Args:
        tip: the name of the block.
        entries: its transactions, as `listtransactions` shows them.
        needles: how a node is told to look for its coins.
    """

    tip: str
    entries: tuple[Mapping[str, Any], ...]
    needles: tuple[Mapping[str, Any], ...]

    @property
    def confirmed(self) -> list[Mapping[str, Any]]:
        """Those of its transactions that it says are in blocks."""
        return [entry for entry in self.entries if entry["state"] == "confirmed"]

    @property
    def holds_sat(self) -> int:
        """What it holds by these alone."""
        return sum(amount_sat(entry["amount"]) for entry in self.confirmed)


@dataclass(slots=True)
class Comparison:
    """What came of holding wallets against nodes.

    Args:
        compared: wallets for which there was a moment to do so.
        entries: confirmed transactions that were looked at.
        wrong: what is not as a node says, by wallet.
    """

    compared: int = 0
    entries: int = 0
    wrong: dict[str, str] = field(default_factory=dict)


def compare_balances(run: CheckedRun) -> Comparison:
    """S2: whether each wallet holds what a node that stands where it stands says it does."""
    return compare(run, _other_balance)


def wallet_consistency(run: CheckedRun) -> Finding:
    """S7: whether each wallet can prove what it calls confirmed, and counts as the chain does."""
    if not run.manifest.wallets:
        return Finding("S7", True, "there is no wallet, so none is told wrong", tried=0)
    found = compare(run, _unproven)
    if found.wrong:
        name, said = next(iter(found.wrong.items()))
        return Finding("S7", False, f"{name}: {said}", culprits=tuple(found.wrong))
    if not found.compared:
        return Finding("S7", None, "no wallet stands where a node does", tried=0)
    said = (
        f"{counted(found.entries, 'proof')} of {counted(found.compared, 'wallet')} hold at a node, "
        "confirmations are those of its chain"
    )
    return Finding("S7", True, said, tried=found.entries)


FaultOf = Callable[[CheckedNode, CheckedWallet, WalletStatement], str]
"""What is wrong with what a wallet tells, by a node on the same block; empty if nothing is."""


def compare(run: CheckedRun, fault_of: FaultOf) -> Comparison:
    """Hold each wallet against a node that stands on the same block."""
    found = Comparison()
    for wallet in run.wallets():  # One by one: a node looks for one's coins at a time.
        look = _look_until_together(run, wallet, fault_of)
        if look is None:
            continue
        fault, entries = look
        found.compared += 1
        found.entries += entries
        if fault:
            found.wrong[wallet.name] = fault
    return found


def _look_until_together(
    run: CheckedRun, wallet: CheckedWallet, fault_of: FaultOf
) -> tuple[str, int] | None:
    looks: list[tuple[str, int]] = []

    def looked() -> bool:
        look = _look(run, wallet, fault_of)
        looks.extend([] if look is None else [look])
        return bool(looks)

    try:
        run.wait(looked, TOGETHER_LIMIT_S, "a wallet and a node on one block")
    except TooLate:
        return None
    return looks[0]


def _look(run: CheckedRun, wallet: CheckedWallet, fault_of: FaultOf) -> tuple[str, int] | None:
    """What is wrong, and how many entries were looked at; None if a block came between."""
    told = ask(wallet)
    if told is None:
        return None
    for node in run.nodes():
        if node.rpc("getbestblockhash") == told.tip:
            fault = fault_of(node, wallet, told)
            if node.rpc("getbestblockhash") == told.tip:
                return fault, len(told.confirmed)
    return None


def ask(wallet: CheckedWallet) -> WalletStatement | None:
    """What a wallet says; None if it saw a block while it spoke, or has seen none."""
    answers = wallet.batch(
        [
            ("getbalances", []),
            ("listtransactions", [ALL]),
            ("listdescriptors", []),
            ("listaddresses", [False]),
            ("listaddresses", [True]),
            ("getbalances", []),
        ]
    )
    for answer in answers:
        if isinstance(answer, RpcError):
            raise answer
    before, entries, descriptors, receiving, change, after = answers
    last = before["lastprocessedblock"]
    if last is None or after["lastprocessedblock"] != last:
        return None
    reach = max(len(receiving), len(change)) + AHEAD
    needles = [{"desc": item["desc"], "range": reach} for item in descriptors["descriptors"]]
    return WalletStatement(str(last["hash"]), tuple(entries), tuple(needles))


def _other_balance(node: CheckedNode, _wallet: CheckedWallet, told: WalletStatement) -> str:
    found = node.rpc("scantxoutset", "start", list(told.needles))
    if found["bestblock"] != told.tip:
        return ""  # It has moved on, which is seen afterwards.
    return balance_fault(told, amount_sat(found["total_amount"]), node.name)


def balance_fault(told: WalletStatement, node_sat: int, name: str) -> str:
    """How a wallet's balance differs from what a node tells; empty if it does not."""
    if told.holds_sat == node_sat:
        return ""
    return f"it holds {in_coins(told.holds_sat)} and {name} says {in_coins(node_sat)}"


def _unproven(node: CheckedNode, wallet: CheckedWallet, told: WalletStatement) -> str:
    """The first thing that a node does not confirm of what a wallet calls confirmed."""
    entries = told.confirmed
    proofs = wallet.batch([("gettxoutproof", [entry["txid"]]) for entry in entries])
    asked = ["" if isinstance(proof, RpcError) else proof for proof in proofs]
    proven = node.batch([("verifytxoutproof", [proof]) for proof in asked])
    headers = node.batch([("getblockheader", [entry["blockhash"]]) for entry in entries])
    faults = map(entry_fault, entries, proven, headers)
    return next(filter(None, faults), "")


def entry_fault(entry: Mapping[str, Any], proven: object, header: object) -> str:
    """What is wrong with an entry that a wallet calls confirmed; empty if nothing is.

    Args:
        entry: as `listtransactions` shows it.
        proven: what a node answered to the wallet's proof: transactions, or its error.
        header: what it answered when asked for the header of the block.
    """
    txid = entry["txid"]
    if not isinstance(proven, list) or txid not in proven:
        return f"no proof for {txid} that a node accepts"
    if not isinstance(header, dict) or header["confirmations"] < 1:
        return f"{txid} is in a block that is not in the chain"
    if header["confirmations"] != entry["confirmations"]:
        return (
            f"{txid} has {entry['confirmations']} confirmations, and {header['confirmations']} in "
            "the chain"
        )
    return ""
