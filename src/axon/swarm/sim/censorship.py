"""L5, inclusion: a payment of the least fee is mined although one node and its miner censor.

Each node has a miner of its own. One after the other keeps transactions to itself and mines empty
blocks, while a payment that offers what nodes ask for at least is handed to its neighbour. Blocks
are counted until the payment is in one.
"""

from __future__ import annotations

from typing import Final

from axon.drivers.sim.driver import START
from axon.machine import MINUTE
from axon.mempool.outcome import Admitted
from axon.node.commands import SendTransaction
from axon.primitives.transaction import Transaction, TxOut
from axon.swarm.blueprint import Blueprint, MinerPlan
from axon.swarm.faultplan import FaultStep, Op, Withheld, step
from axon.swarm.invariants import Finding, counted
from axon.swarm.sim.attackreport import AttackReport
from axon.swarm.sim.trialnetwork import TrialNetwork
from axon.swarm.sim.workload import PAYERS, history, spendable
from axon.swarm.spof.plants import organic

NODES: Final = 5

BLOCKS_LIMIT: Final = 20
"""Within so many blocks it must be mined. A censor that tells of a payment and does not hand it
over costs whoever asks it a minute for each connection (`txrequest.REQUEST_LIMIT`), four blocks for
two; from then on one block of five leaves it out."""

BOOT: Final = 2 * MINUTE
PATIENCE: Final = 60 * MINUTE
"""In which a hundred blocks are due."""

_KB: Final = 1_000
_TRIES: Final = 5


def one_miner_each(nodes: int = NODES) -> Blueprint:
    """Nodes that find each other, each with a miner that asks it alone."""
    found = organic(nodes, wallets=0)
    miners = tuple(MinerPlan(f"m{n}", (node.name,)) for n, node in enumerate(found.nodes, 1))
    return Blueprint("one miner each", found.nodes, (), miners)


def run_censorship(seed: int, blueprint: Blueprint | None = None) -> AttackReport:
    """Let each node of a network censor in turn.

    Args:
        seed: of all chance.
        blueprint: of the network; None for nodes with a miner each.
    """
    plan = blueprint or one_miner_each()
    net = TrialNetwork(plan, seed, history(START))
    net.simulation.run(net.now + BOOT)
    names = [node.name for node in plan.nodes]
    took: dict[str, int] = {}
    for place, censor in enumerate(names):
        entry = names[(place + 1) % len(names)]
        took[censor] = _blocks_until_mined(net, censor, entry)
    report = AttackReport("censor", seed, [_judged(took)])
    report.sometimes = net.lookout.found.to_json()
    report.digest = net.simulation.trace.digest()
    report.events = net.simulation.trace.events
    return report


def _blocks_until_mined(net: TrialNetwork, censor: str, entry: str) -> int:
    """Hand a payment to a node while another censors; blocks until it is mined."""
    for each in _steps(net, censor, Withheld.TRANSACTIONS):
        net.apply(each)
    machine = net.node(entry)
    payment = _hand_in(net, entry)
    height = machine.active.height

    def is_decided() -> bool:
        return payment.txid not in machine.pool or machine.active.height > height + BLOCKS_LIMIT

    net.simulation.run_until(is_decided, net.now + PATIENCE)
    for each in _steps(net, censor, Withheld.NOTHING):
        net.apply(each)
    waits = payment.txid in machine.pool
    return machine.active.height - height if not waits else BLOCKS_LIMIT + 1


def _hand_in(net: TrialNetwork, entry: str) -> Transaction:
    """Have a node take a payment. One that was made while its chain turned may be in a block that
    it comes to meanwhile; then another is made."""
    for _ in range(_TRIES):
        payment = _cheapest(net, entry)
        answer = net.simulation.ask(net.number(entry), SendTransaction(payment))
        if isinstance(answer, Admitted):
            return payment
        net.simulation.run(net.now + MINUTE)
    raise AssertionError(f"{entry} does not take the payment: {answer}")


def _steps(net: TrialNetwork, censor: str, withheld: Withheld) -> list[FaultStep]:
    miners = [each.name for each in net.blueprint.miners if each.nodes == (censor,)]
    return [step(0, Op.LIE, name, withhold=withheld.value) for name in (censor, *miners)]


def _cheapest(net: TrialNetwork, entry: str) -> Transaction:
    """A payment that offers the least that nodes ask for."""
    payer = PAYERS[0]
    coin = max(spendable(net.net, net.number(entry), payer), key=lambda each: each.amount_sat)
    floor_sat_kvb = net.node(entry).pool.policy.min_relay_feerate_sat_kvb

    def paying(fee_sat: int) -> Transaction:
        return payer.pay([coin], [TxOut(coin.amount_sat - fee_sat, payer.script)])

    return paying(-(-paying(0).vsize * floor_sat_kvb // _KB))


def _judged(took: dict[str, int]) -> Finding:
    worst = max(took.values())
    late = tuple(name for name, blocks in took.items() if blocks > BLOCKS_LIMIT)
    said = f"whichever of {counted(len(took), 'node')} censors, a payment of the least fee is mined"
    if late:
        shown = ", ".join(late)
        said = f"while {shown} censors, a payment is in none of {BLOCKS_LIMIT} blocks"
    return Finding("L5", not late, said, worst, BLOCKS_LIMIT, "blocks", late, len(took))
