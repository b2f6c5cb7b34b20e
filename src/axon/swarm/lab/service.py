"""L3: everybody who wants something of the network gets it in time.

Wallets do their probes (`probes`); where a run has none, whoever checks asks nodes in their
place. What a single death would do is read off the plan here, and tried in `faulttrials`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from axon.drivers.aio.clock import Clock
from axon.machine import SECOND
from axon.swarm.lab.faucet import Dry, holdings
from axon.swarm.lab.manifest import Manifest
from axon.swarm.lab.members import each, living, living_wallets, node_of, state_of
from axon.swarm.lab.nodeprocess import NodeProcess, ProcessState
from axon.swarm.lab.probes import (
    LIMITS_S,
    NO_ANSWER,
    Probe,
    ServiceResult,
    cold_wallets,
    run_probes,
)
from axon.swarm.lab.startup import Say
from axon.swarm.lab.topology import Topology, clients, lonely
from axon.swarm.lab.verdict import Finding


def service(manifest: Manifest, say: Say) -> Iterator[Finding]:
    """L3: every client gets its answer now; wallets that run, and cold ones."""
    title = "service"
    if not manifest.wallets:
        yield ask_nodes(manifest).finding("L3", title, "client")
        return
    say("L3: wallets read, pay and see it confirmed")
    wallets = living_wallets(manifest)
    try:
        warm, cold = run_probes(manifest, most_work(manifest), wallets, cold_wallets(manifest))
    except Dry as error:
        yield Finding("L3", title, None, str(error), tried=0)
        return
    yield warm.finding("L3", title, "wallet")
    yield cold.finding("L3-cold", "service, cold", "wallet")


def known_by_clients(manifest: Manifest) -> dict[str, tuple[str, ...]]:
    """What everybody who is to be served knows: by client, nodes."""
    if manifest.wallets:
        return {item.name: item.entries for item in manifest.wallets}
    return clients(Topology(manifest.topology), [item.name for item in manifest.nodes])


def service_by_plan(manifest: Manifest) -> Finding:
    """L3 if one node were dead, read off what clients know; nobody is harmed."""
    alone = lonely(known_by_clients(manifest))
    said = "every client knows more than one node"
    if len(manifest.nodes) == 1:
        alone, said = {}, "with one node there is no other to turn to"
    elif alone:
        node, lost = next(iter(alone.items()))
        said = f"{', '.join(lost)} knows no other node than {node}"
        if len(alone) > 1:
            said += f", and so on for {len(alone)} nodes"
    return Finding(
        "L3-plan", "no node a client needs", not alone, said, len(alone), 0, "nodes", tuple(alone)
    )


def most_work(manifest: Manifest) -> NodeProcess:
    """The living node whose chain has most work: on this one all wallets must stand."""
    nodes = living(manifest)
    found = each(nodes, lambda node: int(node.rpc("getblockchaininfo")["chainwork"], 16))
    return nodes[found.index(max(found))]


def ask_nodes(manifest: Manifest) -> ServiceResult:
    """What who checks does where there are no wallets: asks for height and balance."""
    served, clock = ServiceResult(), Clock()
    for client, entries in known_by_clients(manifest).items():
        begin = clock.now()
        if not _ask(manifest, entries):
            served.failed(client, entries, "no node it knows answers")
        served.took(Probe.ASK, (clock.now() - begin) / SECOND)
        served.tried += 1
    return served


def _ask(manifest: Manifest, entries: Sequence[str]) -> bool:
    """Ask nodes one after the other until one has told both."""
    for name in entries:
        if state_of(manifest.components[name]) is not ProcessState.RUNNING:
            continue  # Its connection is refused at once.
        with node_of(manifest, name, LIMITS_S[Probe.ASK]).connected() as node:
            try:
                node.rpc("getblockcount")
                holdings(node)
            except NO_ANSWER:
                continue
            return True
    return False
