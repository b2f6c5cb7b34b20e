"""L3: everybody who wants something of the network gets it in time.

Wallets do their probes (`probes`); where a run has none, whoever checks asks nodes in their
place. What a single death would do is read off the plan here, and tried in `faulttrials`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from axon.machine import SECOND
from axon.swarm.invariants import Finding, counted, told_of
from axon.swarm.lab.checkedrun import CheckedNode, CheckedRun
from axon.swarm.lab.faucet import FaucetEmpty, holdings
from axon.swarm.lab.probes import (
    LIMITS_S,
    NO_ANSWER,
    Probe,
    ServiceResult,
    cold_wallets,
    run_probes,
)
from axon.swarm.lab.startup import Say
from axon.swarm.lab.topology import clients, with_one_entry


def service(run: CheckedRun, say: Say) -> Iterator[Finding]:
    """L3: every client gets its answer now; wallets that run, and cold ones."""
    if not run.manifest.wallets:
        yield ask_nodes(run).finding("L3", "client")
        return
    say("L3: wallets read, pay and see it confirmed")
    wallets = run.wallets()
    try:
        warm, cold = run_probes(run, most_work(run), wallets, cold_wallets(run.manifest))
    except FaucetEmpty as error:
        yield Finding("L3", None, str(error), tried=0)
        return
    yield warm.finding("L3", "wallet")
    yield cold.finding("L3-cold", "wallet")


def entries_of_clients(run: CheckedRun) -> dict[str, tuple[str, ...]]:
    """What everybody who is to be served knows: by client, nodes."""
    if run.manifest.wallets:
        return {item.name: item.entries for item in run.manifest.wallets}
    return clients(run.manifest.topology, [item.name for item in run.manifest.nodes])


def service_by_plan(run: CheckedRun) -> Finding:
    """L3 if one node were dead, read off what clients know; nobody is harmed."""
    alone = with_one_entry(entries_of_clients(run))
    said = "every client knows more than one node"
    if len(run.manifest.nodes) == 1:
        alone, said = {}, "with one node there is no other to turn to"
    elif alone:
        node, lost = next(iter(alone.items()))
        said = f"{told_of(lost, 'knows', 'know')} no other node than {node}"
        if len(alone) > 1:
            said += f"; {counted(len(alone), 'node')} in all are the only one that somebody knows"
    return Finding("L3-plan", not alone, said, len(alone), 0, "nodes", tuple(alone))


def most_work(run: CheckedRun) -> CheckedNode:
    """The living node whose chain has most work: on this one all wallets must stand."""
    nodes = run.nodes()
    found = run.each(nodes, lambda node: int(node.rpc("getblockchaininfo")["chainwork"], 16))
    return nodes[found.index(max(found))]


def ask_nodes(run: CheckedRun) -> ServiceResult:
    """What who checks does where there are no wallets: asks for height and balance."""
    served = ServiceResult()
    for client, entries in entries_of_clients(run).items():
        begin = run.now()
        if not _ask(run, entries):
            served.failed(client, entries, "no node it knows answers")
        served.took(Probe.ASK, (run.now() - begin) / SECOND)
        served.tried += 1
    return served


def _ask(run: CheckedRun, entries: Sequence[str]) -> bool:
    """Ask nodes one after the other until one has told both."""
    for name in entries:
        if not run.is_running(name):
            continue  # Its connection is refused at once.
        node = run.node(name, LIMITS_S[Probe.ASK])
        with node.connected():
            try:
                node.rpc("getblockcount")
                holdings(node)
            except NO_ANSWER:
                continue
            return True
    return False
