"""Checks that do harm: every node is killed, or all but one are, and it is seen what that does.

S6 durability, and L1 and L3 while one node is dead: in each round one node is killed (SIGKILL) just
after a block, the others go on, and it is started again. L8 last survivor and regrowth: in each
round all nodes but one are killed, that one serves alone, wallets included, and all others come
back with empty disks. Every round leaves all nodes running, even one that fails.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from axon.drivers.aio.clock import Clock
from axon.errors import AxonError
from axon.machine import SECOND
from axon.swarm.lab.faucet import holdings, is_confirmed, mine, pay
from axon.swarm.lab.lifecycle import FIRST_BLOCKS, kill, wipe
from axon.swarm.lab.liveness import CONVERGENCE_LIMIT_S, POLL_S, names, until_one_tip
from axon.swarm.lab.manifest import DesiredState, Manifest
from axon.swarm.lab.members import each, living, living_wallets, node_of
from axon.swarm.lab.nodeprocess import NodeProcess
from axon.swarm.lab.probes import ServiceResult, Unserved, cold_wallets, run_probes
from axon.swarm.lab.processes import NodeFailed, TooLate, wait_until
from axon.swarm.lab.safety import one_ledger
from axon.swarm.lab.service import ask_nodes
from axon.swarm.lab.startup import Say, settle, start
from axon.swarm.lab.verdict import Finding, counted

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


def one_by_one(manifest: Manifest, say: Say) -> TrialResults:
    """Kill each living node in turn, and start it again."""
    results = TrialResults()
    for name in [node.name for node in living(manifest)]:
        say(f"S6, L1, L3: {name} is killed")
        _without(manifest, name, results)
        results.trials += 1
    return results


def _without(manifest: Manifest, name: str, results: TrialResults) -> None:
    node = node_of(manifest, name)
    with node.connected():
        before = _at_death(node)
    _strike(manifest, [name])
    others = living(manifest)
    try:
        _serve_clients(manifest, name, others, results)
        if others:
            _converge(others, name, results)
    finally:
        took_s = _timed_start(manifest, [name])
    results.recovery_s = max(results.recovery_s, took_s)
    with node.connected():
        fault = _fault_after(node, before, others)
        if fault:
            results.unsafe[name] = fault


def _at_death(node: NodeProcess) -> tuple[int, str]:
    """Have a node find a block, and note what it stands on: this must not be lost again."""
    name = mine(node)[0]
    return int(node.rpc("getblockheader", name)["height"]), name


def _strike(manifest: Manifest, chosen: Sequence[str]) -> None:
    kill(manifest, chosen)
    for name in chosen:  # They are to live; a controller that dies now leaves them to `up`.
        manifest.change(name, desired=DesiredState.RUN)
    manifest.save()


def _serve_clients(
    manifest: Manifest, name: str, others: Sequence[NodeProcess], results: TrialResults
) -> None:
    if not others:
        return  # Nobody is left to serve; L8 begins where one is.
    if manifest.wallets:
        served, _ = run_probes(manifest, others[0], living_wallets(manifest))
    else:
        served = ask_nodes(manifest)
    if served.unserved:
        results.unserved[name] = list(served.unserved)
    results.service.add(served)


def _converge(others: Sequence[NodeProcess], name: str, results: TrialResults) -> None:
    mine(others[0])
    try:
        results.convergence_s = max(results.convergence_s, until_one_tip(others))
    except TooLate:
        tip = others[0].rpc("getbestblockhash")
        unaware = [node for node in others if not node.has_block(tip)]
        results.deaf[name] = f"{names(unaware)} did not hear of a block of {others[0].name}"
        results.convergence_s = CONVERGENCE_LIMIT_S


def _timed_start(manifest: Manifest, chosen: Sequence[str]) -> float:
    clock = Clock()
    begin = clock.now()
    start(manifest, chosen, lambda _: None)
    return (clock.now() - begin) / SECOND


def _fault_after(node: NodeProcess, before: tuple[int, str], others: Sequence[NodeProcess]) -> str:
    """What is wrong with a node that was killed and started again; empty if nothing is."""
    height, name = before
    told = node.rpc("gettxoutsetinfo")
    if node.rpc("getblockcount") < height:
        return f"it had height {height} and came back with {node.rpc('getblockcount')}"
    if not node.has_block(name) and not others:
        return "the block before its death is gone"
    try:
        until_one_tip([node, *others])
    except TooLate:
        return "it does not come onto one block with the others"
    found = each([node, *others], lambda each_node: each_node.rpc("gettxoutsetinfo"))
    same = [item for item in found if item["bestblock"] == found[0]["bestblock"]]
    if len({item["hash_serialized_3"] for item in same}) > 1:
        return f"its coins differ from the others' at height {told['height']}"
    return ""


def durability(results: TrialResults) -> Finding:
    """S6: who was killed comes back by itself with all its work and the right coins."""
    late = results.recovery_s > RECOVERY_LIMIT_S
    killed = counted(results.trials, "node")
    said = f"{killed} killed just after a block came back with it, same coins"
    if results.unsafe:
        said = "; ".join(f"{name}: {why}" for name, why in results.unsafe.items())
    return Finding(
        "S6",
        "durability",
        not results.unsafe and not late,
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
        "convergence, one dead",
        not results.deaf,
        said,
        results.convergence_s,
        CONVERGENCE_LIMIT_S,
        culprits=tuple(results.deaf),
        tried=results.trials,
    )


def service_without_one(results: TrialResults) -> Finding:
    """L3 while any one node is dead."""
    found = results.service.finding("L3-kill", "service, one dead", "time")
    said = f"with any one of {counted(results.trials, 'node')} dead, {found.said}"
    if results.unserved:
        name, lost = next(iter(results.unserved.items()))
        said = f"with {name} dead, {', '.join(lost)} is not served"
    return replace(found, said=said, culprits=tuple(results.unserved), tried=results.trials)


# L8.


def last_survivor(manifest: Manifest, say: Say) -> Finding:
    """L8: whichever node is the only one left, it serves, and all regrow from it."""
    title = "last survivor"
    worst = 0.0
    chosen = [node.name for node in living(manifest)]
    for name in chosen:
        say(f"L8: all are killed but {name}")
        others = [item.name for item in manifest.nodes if item.name != name]
        try:
            worst = max(worst, _survive(manifest, name, others))
        except AxonError as failure:  # Not to answer, or to refuse, is no way to survive.
            said = f"with {name} the only one left: {failure}"
            blamed = failure.culprits if isinstance(failure, Unserved) else ()
            start(manifest, others, lambda _: None)
            return Finding("L8", title, False, said, culprits=blamed or (name,), tried=len(chosen))
    if not chosen:
        return Finding("L8", title, None, "no node answers", tried=0)
    alive = len(living_wallets(manifest))
    wallets = f"served {counted(alive, 'wallet')} and cold ones, " * bool(manifest.wallets)
    said = (
        f"each of {counted(len(chosen), 'node')} alone took and confirmed a payment, "
        f"{wallets}and all others regrew from it with empty disks"
    )
    return Finding("L8", title, True, said, worst, REGROWTH_LIMIT_S, tried=len(chosen))


def _survive(manifest: Manifest, name: str, others: Sequence[str]) -> float:
    """One round; seconds until all had regrown."""
    _strike(manifest, others)
    with node_of(manifest, name).connected() as node:
        if int(node.rpc("getblockcount")) < FIRST_BLOCKS:
            mine(node, FIRST_BLOCKS)
        payment = pay(node)
        tip = mine(node)[-1]
        if not is_confirmed(node, payment):
            raise NodeFailed(f"{name} found a block without the payment it had taken")
        holdings(node)
    if manifest.wallets:
        _serve_alone(manifest, node)
        tip = str(node.rpc("getbestblockhash"))
    clock = Clock()
    begin = clock.now()
    wipe(manifest, others)
    start(manifest, others, lambda _: None)
    settle(manifest, lambda _: None, REGROWTH_LIMIT_S)
    took_s = (clock.now() - begin) / SECOND
    survivors = living(manifest)
    wait_until(
        lambda: all(each(survivors, lambda node: node.has_block(tip))),
        REGROWTH_LIMIT_S,
        "all have the survivor's block",
        POLL_S,
    )
    ledger = one_ledger(manifest)
    if ledger.holds is False:
        raise NodeFailed(ledger.said)
    return took_s


def _serve_alone(manifest: Manifest, node: NodeProcess) -> None:
    """Have the only node serve the wallets that run, and cold ones.

    Raises:
        Unserved: it does not.
    """
    for served in run_probes(manifest, node, living_wallets(manifest), cold_wallets(manifest)):
        if served.unserved:
            name, why = next(iter(served.unserved.items()))
            raise Unserved(f"{name} is not served: {why}", tuple(served.culprits))
