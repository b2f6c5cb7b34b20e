"""Which invariants there are, which of them harm, and a run of some of them.

The order is fixed: what must hold always before what must come to hold, and what kills nodes last.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from threading import Event
from typing import Final

from axon.errors import ConfigError
from axon.swarm.invariants import TITLES, Finding
from axon.swarm.lab import (
    directservice,
    directtruth,
    doublecredit,
    faulttrials,
    healing,
    history,
    liveness,
    resources,
    safety,
    secretscan,
    service,
    walletconsistency,
)
from axon.swarm.lab.checkedrun import CheckedRun
from axon.swarm.lab.manifest import ComponentKind
from axon.swarm.lab.startup import Say

ORDER: Final = tuple("S1 S2 S3 S4 S5 S6 S7 S8 S9 S10 S12 S13 L1 L2 L3 L4 L6 L7 L8 L12".split())
HARMFUL: Final = ("S6", "L6", "L8")
"""Only by name or with `--harm`; with it L1 and L3 are tried with each node dead as well, and L12
with all of them."""

HARMLESS: Final = tuple(name for name in ORDER if name not in HARMFUL)
_SIMULATED: Final = ("S11", "L5", "L9", "L10", "L11")
"""What is judged in virtual time alone."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is to be checked.

    Args:
        names: of invariants, in order.
        harm: whether nodes may be killed for L1, L3 and L12.
    """

    names: tuple[str, ...]
    harm: bool = False


def choose(texts: Sequence[str], *, harm: bool) -> Chosen:
    """The invariants that are meant by `S1`, `S*`, `L?`, or by nothing: all that may be.

    Raises:
        ConfigError: one of them is none.
    """
    if not texts:
        usual = (*HARMLESS, *HARMFUL) if harm else HARMLESS
        return Chosen(tuple(name for name in ORDER if name in usual), harm)
    found: set[str] = set()
    for text in texts:
        pattern = text.upper()
        meant = [name for name in ORDER if fnmatchcase(name, pattern)]
        if pattern in _SIMULATED:
            told = f"{pattern} ({TITLES[pattern]}) is judged in virtual time"
            raise ConfigError(f"{told}, see docs/invariants.md")
        if not meant:
            raise ConfigError(f"there is no invariant {text!r}; there are {', '.join(ORDER)}")
        named = pattern in ORDER
        found.update(name for name in meant if named or harm or name in HARMLESS)
    return Chosen(tuple(name for name in ORDER if name in found), harm)


def check(run: CheckedRun, chosen: Chosen, say: Say, settle_s: float = 0.0) -> list[Finding]:
    """Check invariants in a run.

    Args:
        run: the network.
        chosen: which.
        say: told what is done now.
        settle_s: how long to leave the network alone before liveness is asked for.

    Raises:
        ConfigError: the network is cut, and nodes were to be killed.
        NodeFailed: the lab itself cannot do its work.
    """
    return list(findings(run, chosen, say, settle_s))


def findings(run: CheckedRun, chosen: Chosen, say: Say, settle_s: float = 0.0) -> Iterator[Finding]:
    """The same one by one, as each is found out; raises likewise."""
    if run.manifest.sides and (chosen.harm or set(chosen.names) & set(HARMFUL)):
        raise ConfigError("nodes are killed in a whole network only; axon swarm heal first")
    if not run.nodes():
        yield Finding("V", None, "no node of this run lives", tried=0)
        return
    for item in run.manifest.of_kind(ComponentKind.JOINER, ComponentKind.COLD):
        run.remove(item.name)  # Of a check that was killed.
    yield from _found(run, chosen, say, settle_s)


def _found(run: CheckedRun, chosen: Chosen, say: Say, settle_s: float) -> Iterable[Finding]:
    wanted = chosen.names
    before = safety.take_baseline(run)
    chains: list[safety.JudgedChain] = []
    if {"S1", "S3", "S8"} & set(wanted):
        say("S1, S3, S8: all blocks are judged again")
        chains = safety.validate_chains(run)
        if "S1" in wanted:
            yield safety.validity(chains)
        if "S3" in wanted:
            yield safety.no_inflation(chains)
    if "S2" in wanted:
        yield safety.one_ledger(run)
    if settle_s:
        say(f"the network is left alone for {settle_s:g} s")
        Event().wait(settle_s)
    yield from _alive(run, wanted, say)
    if "S4" in wanted:
        yield safety.most_work(run, before)
    if "S7" in wanted:
        say("S7: the proofs of all wallets")
        yield walletconsistency.wallet_consistency(run)
    if "S8" in wanted:
        yield doublecredit.no_double_credit(run, chains)
    yield from _harmed(run, chosen, say)
    yield from _afterwards(run, wanted, before)


def _afterwards(
    run: CheckedRun, wanted: Sequence[str], before: safety.Baseline
) -> Iterable[Finding]:
    """What is looked at when everything else has been done to the network."""
    if "S5" in wanted:
        yield history.bounded_history(run, before)
    if "S9" in wanted:
        yield safety.no_friendly_fire(run)
    if "S10" in wanted:
        yield resources.bounded_resources(run)
    if "S12" in wanted:
        yield secretscan.secrets_stay_home(run)
    if "S13" in wanted:
        yield from _if_any(directtruth.direct_truth(run))


def _harmed(run: CheckedRun, chosen: Chosen, say: Say) -> Iterable[Finding]:
    wanted = chosen.names
    with_one_dead = chosen.harm and ("L1" in wanted or "L3" in wanted)
    if "S6" in wanted or with_one_dead:
        results = faulttrials.one_by_one(run, say)
        if "S6" in wanted:
            yield faulttrials.durability(results)
        if chosen.harm and "L1" in wanted:
            yield faulttrials.convergence_without_one(results)
        if chosen.harm and "L3" in wanted:
            yield faulttrials.service_without_one(results)
    if "L6" in wanted:
        yield healing.healing(run, say)
    if "L8" in wanted:
        yield faulttrials.last_survivor(run, say)
    if chosen.harm and "L12" in wanted:
        yield from _if_any(directservice.direct_service_alone(run, say))


def _if_any(found: Finding | None) -> Iterable[Finding]:
    """What was found where there is anything to look at."""
    return [] if found is None else [found]


def _alive(run: CheckedRun, wanted: Sequence[str], say: Say) -> Iterable[Finding]:
    if "L1" in wanted:
        say("L1: a new block")
        yield liveness.convergence(run)
        yield liveness.convergence_by_plan(run)
    if "L2" in wanted:
        say("L2: a block and a payment on their way")
        yield liveness.propagation(run)
    if "L3" in wanted:
        yield from service.service(run, say)
        yield service.service_by_plan(run)
    if "L4" in wanted:
        yield liveness.growth(run, say)
    if "L7" in wanted:
        yield liveness.rejoin(run, say)
    if "L12" in wanted:
        yield from _if_any(directservice.direct_service(run, say))
