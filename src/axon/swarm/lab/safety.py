"""The invariants that must hold at every moment, looked at without harming anything.

S1 validity, S2 one ledger, S3 no inflation, S4 most work, S9 no friendly fire; `docs/invariants.md`
tells each in plain words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from axon.swarm.invariants import Finding, counted
from axon.swarm.lab.chaincheck import ChainCheck, check_chain
from axon.swarm.lab.checkedrun import CheckedNode, CheckedRun
from axon.swarm.lab.faucet import holdings
from axon.swarm.lab.manifest import ComponentKind
from axon.swarm.lab.nodeprocess import NodeView
from axon.swarm.lab.processes import TooLate
from axon.swarm.lab.walletconsistency import compare_balances
from axon.swarm.story.participants import amount_sat, in_coins

AT_ONCE: Final = 50
"""Blocks asked for in one call."""

LOOKS: Final = 5
"""Attempts to find the nodes on one block long enough to ask all of them; miners go on."""

ACTIVATION_LIMIT_S: Final = 5.0
"""How long a node may hold a longer chain before it stands on it."""

_LEFT: Final = frozenset({"invalid", "headers-only"})
"""Tips that no node must stand on: bad, or not whole."""

_BLAMED: Final = re.compile(r"Misbehaving: peer=\d+, peeraddr=(\S+): (.*)")
_NOBODY: Final = "no node answers"


@dataclass(slots=True)
class Baseline:
    """The network as it was when the checks began.

    Args:
        work: of each node's chain.
        tips: the names of the blocks on which they stand.
    """

    work: dict[str, int] = field(default_factory=dict)
    tips: dict[str, str] = field(default_factory=dict)


def take_baseline(run: CheckedRun) -> Baseline:
    """Note what may only grow."""
    seen = [item for item in run.views() if item.answers]
    return Baseline({item.name: item.work for item in seen}, {item.name: item.tip for item in seen})


def _undecided(name: str, said: str) -> Finding:
    return Finding(name, None, said, tried=0)


# S1 and S3.


@dataclass(frozen=True, slots=True)
class JudgedChain:
    """One chain on which nodes stand, judged.

    Args:
        check: what came of it.
        names: the nodes that stand there.
        told: what each of them says of its coins there: their sum in satoshi, and their number.
    """

    check: ChainCheck
    names: tuple[str, ...]
    told: Mapping[str, tuple[int, int]]


def validate_chains(run: CheckedRun) -> list[JudgedChain]:
    """Judge every chain on which a living node stands, from genesis."""
    nodes = run.nodes()
    tips = dict(zip((node.name for node in nodes), run.each(nodes, _coins), strict=True))
    found = []
    for tip in dict.fromkeys(str(coins["bestblock"]) for coins in tips.values()):
        standing = [node for node in nodes if tips[node.name]["bestblock"] == tip]
        height = int(tips[standing[0].name]["height"])
        result = check_chain(read_blocks(standing[0], tip, height), run.now())
        names = tuple(node.name for node in standing)
        told = {
            name: (amount_sat(tips[name]["total_amount"]), int(tips[name]["txouts"]))
            for name in names
        }
        found.append(JudgedChain(result, names, told))
    return found


def _coins(node: CheckedNode) -> dict[str, Any]:
    found: dict[str, Any] = node.rpc("gettxoutsetinfo")
    return found


def read_blocks(node: CheckedNode, tip: str, height: int) -> Iterator[bytes]:
    """The chain that ends in a block, read from one node, from height 1 on."""
    names = [tip]
    with node.connected():
        while len(names) < height:
            names.append(str(node.rpc("getblockheader", names[-1])["previousblockhash"]))
    names.reverse()
    for start in range(0, height, AT_ONCE):
        for raw in node.batch([("getblock", [n, 0]) for n in names[start : start + AT_ONCE]]):
            yield bytes.fromhex(raw)


def validity(chains: Sequence[JudgedChain]) -> Finding:
    """S1: every block of every active chain is good, says a judge who shares no code with them."""
    if not chains:
        return _undecided("S1", _NOBODY)
    bad = [item for item in chains if item.check.fault]
    blocks = sum(item.check.height for item in chains)
    looked_at = f"{counted(blocks, 'block')} of {counted(len(chains), 'chain')}"
    said = f"{looked_at} judged anew from genesis: all good"
    if bad:
        said = f"the second judge refuses {bad[0].check.fault} at {', '.join(bad[0].names)}"
    culprits = tuple(name for item in bad for name in item.names)
    return Finding("S1", not bad, said, culprits=culprits, tried=blocks)


def no_inflation(chains: Sequence[JudgedChain]) -> Finding:
    """S3: all coins together are what was mined less what miners left, to the last satoshi."""
    if not chains:
        return _undecided("S3", _NOBODY)
    for item in chains:
        found = item.check
        expected = (found.allowed_sat - found.unclaimed_sat, found.coins)
        wrong = [name for name, told in item.told.items() if told != expected]
        if wrong:
            sum_sat, coins = item.told[wrong[0]]
            said = (
                f"mined {in_coins(expected[0])} in {found.coins} coins, and {', '.join(wrong)} "
                f"says {in_coins(sum_sat)} in {coins}"
            )
            return Finding("S3", False, said, culprits=tuple(wrong), tried=len(chains))
    last = chains[0].check
    said = (
        f"{in_coins(last.coins_sat)} coins at height {last.height} are all that was mined, "
        f"{in_coins(last.unclaimed_sat)} left or burnt"
    )
    return Finding("S3", True, said, tried=len(chains))


# S2.


def one_ledger(run: CheckedRun) -> Finding:
    """S2: equal last blocks mean equal coins, and equal answers to who asks for a balance.

    What a wallet says it holds is held against what a node on the same block says.
    """
    nodes = run.nodes()
    if not nodes:
        return _undecided("S2", _NOBODY)
    compared = 0
    for _ in range(LOOKS):
        ledgers = run.each(nodes, _fingerprint)
        balances = run.each(nodes, holdings)
        for told in (_by_tip(nodes, ledgers), _by_tip(nodes, balances)):
            for tip, answers in told.items():
                if len(set(answers.values())) > 1:
                    said = f"at ..{tip[-8:]} they say {_differing(answers)}"
                    return Finding("S2", False, said, culprits=_minority(answers))
                compared = max(compared, len(answers))
        if compared == len(nodes) or run.manifest.sides:
            break
    wallets = compare_balances(run)
    if wallets.wrong:
        name, said = next(iter(wallets.wrong.items()))
        return Finding("S2", False, f"{name}: {said}", culprits=tuple(wallets.wrong))
    said = (
        f"{counted(compared, 'node')} on one block had one fingerprint of all coins and one balance"
    )
    if run.manifest.wallets:
        said += f"; {counted(wallets.compared, 'wallet')} told what a node told of them"
    return Finding("S2", True, said, tried=len(nodes))


def _fingerprint(node: CheckedNode) -> tuple[str, str]:
    found = _coins(node)
    return str(found["bestblock"]), str(found["hash_serialized_3"])


def _by_tip(
    nodes: Sequence[CheckedNode], told: Sequence[tuple[str, object]]
) -> dict[str, dict[str, str]]:
    """What nodes say, by the block as of which they say it."""
    found: dict[str, dict[str, str]] = {}
    for node, (tip, answer) in zip(nodes, told, strict=True):
        found.setdefault(tip, {})[node.name] = str(answer)
    return found


def _differing(answers: dict[str, str]) -> str:
    return ", ".join(f"{name}: {answer[:20]}" for name, answer in answers.items())


def _minority(answers: dict[str, str]) -> tuple[str, ...]:
    said = list(answers.values())
    usual = max(dict.fromkeys(said), key=said.count)
    return tuple(name for name, answer in answers.items() if answer != usual)


# S4.


def most_work(run: CheckedRun, before: Baseline) -> Finding:
    """S4: nobody's work shrinks, and nobody stays on less work than a whole chain it holds."""
    seen = [item for item in run.views() if item.answers]
    if not seen:
        return _undecided("S4", _NOBODY)
    shrunk = [item.name for item in seen if item.work < before.work.get(item.name, 0)]
    if shrunk:
        said = f"less work than when the checks began at {', '.join(shrunk)}"
        return Finding("S4", False, said, culprits=tuple(shrunk), tried=len(seen))
    behind: list[str] = []

    def caught_up() -> bool:
        behind[:] = _behind(run, seen)
        return not behind

    try:
        waited_s = run.wait(caught_up, ACTIVATION_LIMIT_S, "most work")
    except TooLate:
        said = f"a whole chain with more work is not stood on by {', '.join(behind)}"
        limit_s = ACTIVATION_LIMIT_S
        return Finding("S4", False, said, limit_s, limit_s, culprits=tuple(behind))
    said = f"of {counted(len(seen), 'node')} each stands on the most work it holds; none shrank"
    return Finding("S4", True, said, waited_s, ACTIVATION_LIMIT_S, tried=len(seen))


def _behind(run: CheckedRun, seen: Sequence[NodeView]) -> list[str]:
    """Nodes that hold a whole branch with more work than their tip's."""
    names = {item.name for item in seen}
    nodes = [node for node in run.nodes() if node.name in names]
    flags = run.each(nodes, _is_behind)
    return [node.name for node, behind in zip(nodes, flags, strict=True) if behind]


def _is_behind(node: CheckedNode) -> bool:
    # On a regression test chain every block has the same work, so the longer has more of it.
    tips = node.rpc("getchaintips")
    active = max(int(tip["height"]) for tip in tips if tip["status"] == "active")
    return any(int(tip["height"]) > active and tip["status"] not in _LEFT for tip in tips)


# S9.


def no_friendly_fire(run: CheckedRun) -> Finding:
    """S9: nobody here blames or bans anybody here, but whom a partition has it refuse."""
    hosts = {
        item.host: item.name
        for item in run.manifest.of_kind(ComponentKind.NODE, ComponentKind.WALLET)
    }
    shots = []
    for node in run.nodes():
        for ban in node.rpc("listbanned"):
            host = str(ban["address"]).partition("/")[0]
            if host in hosts and host not in run.manifest.components[node.name].bans:
                shots.append((node.name, f"{node.name} bans {hosts[host]}"))
        shots += [
            (node.name, f"{node.name} blames {who}: {why}")
            for who, why in _blames(node)
            if who.rpartition(":")[0].strip("[]") in hosts
        ]
    if shots:
        said = f"{shots[0][1]} ({counted(len(shots), 'case')})"
        culprits = tuple(dict.fromkeys(name for name, _ in shots))
        return Finding("S9", False, said, len(shots), 0, "cases", culprits)
    said = "no node of this run bans one of this run of its own accord, or blames it in its log"
    return Finding("S9", True, said, 0, 0, "cases", tried=len(hosts))


def _blames(node: CheckedNode) -> list[tuple[str, str]]:
    return [(hit[1], hit[2]) for line in node.log_lines() if (hit := _BLAMED.search(line))]
