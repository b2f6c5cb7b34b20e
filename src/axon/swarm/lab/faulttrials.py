"""Checks that do harm: every node is killed, or all but one are, and it is seen what that does.

S6 durability, and L1 and L3 while one node is dead: in each round one node is killed (SIGKILL) just
after a block, the others go on, and it is started again. L8 last survivor and regrowth: in each
round all nodes but one are killed, that one serves alone, wallets included, and all others come
back with empty disks. Every round leaves all nodes running, even one that fails.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Final

from axon.errors import AxonError
from axon.machine import SECOND
from axon.swarm.invariants import Finding, counted, told_of
from axon.swarm.lab.backends import backend_of
from axon.swarm.lab.checkedrun import CheckedNode, CheckedRun
from axon.swarm.lab.faucet import holdings, is_confirmed, mine, pay
from axon.swarm.lab.firstblocks import FIRST_BLOCKS
from axon.swarm.lab.liveness import CONVERGENCE_LIMIT_S, names, until_one_tip
from axon.swarm.lab.manifest import NodeProgram
from axon.swarm.lab.probes import ServiceResult, Unserved, cold_wallets, run_probes
from axon.swarm.lab.processes import NodeFailed, TooLate
from axon.swarm.lab.safety import one_ledger
from axon.swarm.lab.service import ask_nodes
from axon.swarm.lab.startup import Say

RECOVERY_LIMIT_S: Final = 20.0
"""S6: from the start of a killed node until it answers."""

REGROWTH_LIMIT_S: Final = 60.0
"""L8: from the start of the others until all are linked and on one block."""


@dataclass(slots=True)
class TrialResults:
    """What the trials in which one node is dead have shown.

    Args:
        recovery_s, convergence_s: the longest times.
        service: of all clients.
        unsafe: what was wrong after a restart, by node.
        deaf: nodes at whose death others no longer heard of a block.
        unserved: nodes at whose death a client was not served, with those clients.
        trials: how many there were.
    """

    recovery_s: float = 0.0
    convergence_s: float = 0.0
    service: ServiceResult = field(default_factory=ServiceResult)
    unsafe: dict[str, str] = field(default_factory=dict)
    deaf: dict[str, str] = field(default_factory=dict)
    unserved: dict[str, list[str]] = field(default_factory=dict)
    trials: int = 0


def one_by_one(run: CheckedRun, say: Say) -> TrialResults:
    """Kill each living node in turn, and start it again."""
    results = TrialResults()
    for name in [node.name for node in run.nodes()]:
        say(f"S6, L1, L3: {name} is killed")
        _without(run, name, results)
        results.trials += 1
    return results


def _without(run: CheckedRun, name: str, results: TrialResults) -> None:
    node = run.node(name)
    with node.connected():
        before = _at_death(node)
    run.kill([name])
    others = run.nodes()
    try:
        _serve_clients(run, name, others, results)
        if others:
            _converge(run, others, name, results)
    finally:
        fault = _restarted(run, name, results)
    with node.connected():
        fault = fault or _fault_after(run, node, before, others)
    if fault:
        results.unsafe[name] = fault


def _at_death(node: CheckedNode) -> tuple[int, str]:
    """Have a node find a block, and note what it stands on: this must not be lost again."""
    name = mine(node)[0]
    return int(node.rpc("getblockheader", name)["height"]), name


def _serve_clients(
    run: CheckedRun, name: str, others: Sequence[CheckedNode], results: TrialResults
) -> None:
    if not others:
        return  # Nobody is left to serve; L8 begins where one is.
    if run.manifest.wallets:
        served, _ = run_probes(run, others[0], run.wallets())
    else:
        served = ask_nodes(run)
    if served.unserved:
        results.unserved[name] = list(served.unserved)
    results.service.add(served)


def _converge(
    run: CheckedRun, others: Sequence[CheckedNode], name: str, results: TrialResults
) -> None:
    # A block of the dead node that not all have heard of ties with one, and gives way to two.
    mine(others[0], 2)
    try:
        results.convergence_s = max(results.convergence_s, until_one_tip(run, others))
    except TooLate:
        tip = others[0].rpc("getbestblockhash")
        unaware = [node for node in others if not node.has_block(tip)]
        results.deaf[name] = f"{names(unaware)} did not hear of a block of {others[0].name}"
        results.convergence_s = CONVERGENCE_LIMIT_S


def _restarted(run: CheckedRun, name: str, results: TrialResults) -> str:
    """Start a node that was killed; what is wrong with that, empty if nothing is."""
    begin = run.now()
    try:
        run.start([name])
    except NodeFailed as failure:
        return f"it does not come back: {failure}"
    took_s = (run.now() - begin) / SECOND
    results.recovery_s = max(results.recovery_s, took_s)
    return f"it answered after {took_s:.1f} s" * (took_s > RECOVERY_LIMIT_S)


def _fault_after(
    run: CheckedRun, node: CheckedNode, before: tuple[int, str], others: Sequence[CheckedNode]
) -> str:
    """What is wrong with a node that was killed and started again; empty if nothing is."""
    height, name = before
    told = node.rpc("gettxoutsetinfo")
    # Bitcoin Core writes down what it has now and then, not by the block; others give it the rest.
    regains = run.manifest.components[node.name].program is NodeProgram.BITCOIND and others
    if node.rpc("getblockcount") < height and not regains:
        return f"it had height {height} and came back with {node.rpc('getblockcount')}"
    if not node.has_block(name) and not others:
        return "the block before its death is gone"
    try:
        until_one_tip(run, [node, *others])
    except TooLate:
        return "it does not come onto one block with the others"
    found = run.each([node, *others], lambda each_node: each_node.rpc("gettxoutsetinfo"))
    same = [item for item in found if item["bestblock"] == found[0]["bestblock"]]
    if len({item["hash_serialized_3"] for item in same}) > 1:
        return f"its coins differ from the others' at height {told['height']}"
    return ""


def durability(results: TrialResults) -> Finding:
    """S6: who was killed comes back by itself with all its work and the right coins."""
    killed = counted(results.trials, "node")
    said = f"{killed} killed just after a block came back with it, same coins"
    if results.unsafe:
        said = "; ".join(f"{name}: {why}" for name, why in results.unsafe.items())
    return Finding(
        "S6",
        not results.unsafe and results.recovery_s <= RECOVERY_LIMIT_S,
        said,
        results.recovery_s,
        RECOVERY_LIMIT_S,
        culprits=tuple(results.unsafe),
        tried=results.trials,
    )


def convergence_without_one(results: TrialResults) -> Finding:
    """L1 while any one node is dead."""
    said = f"with any one of {counted(results.trials, 'node')} dead, a block reached all others"
    if results.deaf:
        name, why = next(iter(results.deaf.items()))
        said = f"with {name} dead, {why}"
    return Finding(
        "L1-kill",
        not results.deaf and results.convergence_s <= CONVERGENCE_LIMIT_S,
        said,
        results.convergence_s,
        CONVERGENCE_LIMIT_S,
        culprits=tuple(results.deaf),
        tried=results.trials,
    )


def service_without_one(results: TrialResults) -> Finding:
    """L3 while any one node is dead."""
    found = results.service.finding("L3-kill", "time")
    said = f"with any one of {counted(results.trials, 'node')} dead, {found.said}"
    if results.unserved:
        name, lost = next(iter(results.unserved.items()))
        said = f"with {name} dead, {told_of(lost, 'is', 'are')} not served"
    return replace(found, said=said, culprits=tuple(results.unserved), tried=results.trials)


# L8.


def last_survivor(run: CheckedRun, say: Say) -> Finding:
    """L8: whichever node is the only one left, it serves, and all regrow from it."""
    worst = 0.0
    chosen = [node.name for node in run.nodes()]
    for name in chosen:
        say(f"L8: all are killed but {name}")
        others = [item.name for item in run.manifest.nodes if item.name != name]
        try:
            worst = max(worst, _survive(run, name, others))
        except AxonError as failure:  # Not to answer, or to refuse, is no way to survive.
            said = f"with {name} the only one left: {failure}"
            blamed = failure.culprits if isinstance(failure, Unserved) else ()
            blamed = blamed or _not_back(run, others) or (name,)
            return Finding("L8", False, said, culprits=blamed, tried=len(chosen))
    if not chosen:
        return Finding("L8", None, "no node answers", tried=0)
    alive = len(run.wallets())
    wallets = f"served {counted(alive, 'wallet')} and cold ones, " * bool(run.manifest.wallets)
    said = (
        f"each of {counted(len(chosen), 'node')} alone took and confirmed a payment, "
        f"{wallets}and all others regrew from it with empty disks"
    )
    limit_s = regrowth_limit_s(run)
    return Finding("L8", worst <= limit_s, said, worst, limit_s, tried=len(chosen))


def _not_back(run: CheckedRun, names: Sequence[str]) -> tuple[str, ...]:
    """Start nodes that were killed; those that do not come back."""
    with suppress(NodeFailed):
        run.start(names)
    return tuple(name for name in names if not run.is_running(name))


def _survive(run: CheckedRun, name: str, others: Sequence[str]) -> float:
    """One round; seconds until all had regrown."""
    run.kill(others)
    node = run.node(name)
    with node.connected():
        if int(node.rpc("getblockcount")) < FIRST_BLOCKS:
            mine(node, FIRST_BLOCKS)
        payment = pay(node)
        tip = mine(node)[-1]
        if not is_confirmed(node, payment):
            raise NodeFailed(f"{name} found a block without the payment it had taken")
        holdings(node)
    if run.manifest.wallets:
        _serve_alone(run, node)
        tip = str(node.rpc("getbestblockhash"))
    begin = run.now()
    run.wipe(others)
    run.start(others)
    run.settle(regrowth_limit_s(run))
    took_s = (run.now() - begin) / SECOND
    survivors = run.nodes()
    run.wait(
        lambda: all(run.each(survivors, lambda node: node.has_block(tip))),
        regrowth_limit_s(run),
        "all have the survivor's block",
    )
    ledger = one_ledger(run)
    if ledger.holds is False:
        raise NodeFailed(ledger.said)
    return took_s


def regrowth_limit_s(run: CheckedRun) -> float:
    """How long regrowth may take; as a whole new network where they hear of others by gossip."""
    backend = backend_of(run.manifest)
    return backend.mesh_limit_s if backend.seeds else REGROWTH_LIMIT_S


def _serve_alone(run: CheckedRun, node: CheckedNode) -> None:
    """Have the only node serve the wallets that run, and cold ones.

    Raises:
        Unserved: it does not.
    """
    for served in run_probes(run, node, run.wallets(), cold_wallets(run.manifest)):
        if served.unserved:
            name, why = next(iter(served.unserved.items()))
            raise Unserved(f"{name} is not served: {why}", tuple(served.culprits))
