"""What an attack is, what it may cost, and how it is measured."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from attacks.probe import Figures, Probe, percentile
from attacks.victim import is_alive, victim
from axon.swarm.lab.nodeprocess import NodeProcess
from axon.swarm.lab.processes import NodeFailed
from tests.process.rawpeer import PeerGone, RawPeer

PING_S: Final = 0.1
CALL_S: Final = 0.25
"""How long an honest ping and an owner's call may take, 99 of 100, while strangers attack."""

MEMORY_MB: Final = 40
"""What an attack may cost where nothing else is said: queues of a few peers, and one block more."""


@dataclass(frozen=True, slots=True)
class Attack:
    """One way to hurt a node.

    Args:
        name: by which `docs/threats.md` and the command line call it.
        run: does it, for about so many seconds; asserts what is its own.
        memory_mb: by so much the node's memory may grow at most, for a while.
        ping_s: so long may 99 of 100 honest pings take.
        call_s: so long may 99 of 100 calls take.
        options: of the node.
        descriptors: that the node has; None for as many as we have.
        ends: it is the node's own end that is looked at, so it need not live on.
    """

    name: str
    run: Callable[[NodeProcess, float], None]
    memory_mb: float = MEMORY_MB
    ping_s: float = PING_S
    call_s: float = CALL_S
    options: tuple[str, ...] = ()
    descriptors: int | None = None
    ends: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an attack did.

    Args:
        attack: which.
        figures: what the honest met.
        faults: which bounds did not hold; empty if all is well.
    """

    attack: Attack
    figures: Figures
    faults: tuple[str, ...]


def measure(attack: Attack, seconds: float, share: float = 0.99) -> Outcome:
    """Attack a node of its own for so long, and see what becomes of it.

    Args:
        share: so many of the pings and calls are to be quick enough; fewer than 99 of 100 where
            other work may keep the machine busy.
    """
    faults: list[str] = []
    with victim(attack.options, attack.descriptors) as node:
        probe = Probe(node)
        try:
            with probe:
                attack.run(node, seconds)
        except (AssertionError, NodeFailed, PeerGone, TimeoutError) as fault:
            faults.append(f"{type(fault).__name__}: {fault}")
        figures = probe.figures
        faults += _exceeded(attack, figures, share)
        if not attack.ends:
            faults += _damage(node)
        if "Traceback" in node.log.read_text():
            faults.append("there is a traceback in its log")
    return Outcome(attack, figures, tuple(faults))


def _exceeded(attack: Attack, figures: Figures, share: float) -> list[str]:
    faults = []
    if figures.growth_mb > attack.memory_mb:
        faults.append(f"{figures.growth_mb:.0f} MB of memory, at most {attack.memory_mb:.0f}")
    for what, seen, limit_s in (
        ("pings", figures.pings_s, attack.ping_s),
        ("calls", figures.calls_s, attack.call_s),
    ):
        slow_s = percentile(seen, share)
        if slow_s > limit_s and not attack.ends:
            faults.append(f"{what} take {slow_s:.3f} s, at most {limit_s:g}")
    if not attack.ends:
        faults += figures.complaints
    return faults


def _damage(node: NodeProcess) -> list[str]:
    """What is wrong with a node afterwards."""
    if not is_alive(node):
        return ["it does not live, or takes no block"]
    with RawPeer(node.p2p).shake_hands() as newcomer:
        return [] if newcomer.is_served() else ["a newcomer is not served"]
