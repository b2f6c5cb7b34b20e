"""What processes can suffer, and what not: said before anything is harmed.

A cut is made by its two ends, who refuse each other: no packet is swallowed, and whoever is cut off
notices at once. One that stops one direction only is made by the relay of links (`lab/shaping`),
which swallows what goes that way; on loopback there is none, and no link can be shaped. A bitcoind
runs as it comes: it keeps nothing back on orders, and has this machine's clock.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from axon.errors import AxonError, ConfigError
from axon.mempool.policy import MAX_STANDARD_VERSION
from axon.swarm.blueprint import GONE_TOGETHER, USUAL_TX_VERSION, Blueprint, ComponentClass
from axon.swarm.faultplan import BETWEEN, FaultPlan, FaultStep, Op, Way, Withheld
from axon.swarm.lab.lifecycle import RUN_FILES
from axon.swarm.lab.manifest import BackendName
from axon.swarm.planfit import sides_of

NOT_POSSIBLE: Final = "not possible with processes"
"""With these words begins what is said of a trial that was left out."""

_STEERED: Final = frozenset({Op.KILL, Op.RESTART, Op.STOP, Op.CONT})
_OPS: Final = {
    ComponentClass.NODE: frozenset(Op),
    ComponentClass.WALLET: _STEERED | {Op.SLOW, Op.CLOCK, Op.WIPE},
    ComponentClass.MINER: _STEERED | {Op.SLOW, Op.LIE, Op.CLOCK},
    ComponentClass.SEED: _STEERED,
    ComponentClass.CLOCK: frozenset({Op.CLOCK}),
}
"""What can be done to what is one program, or stands for one."""

_BY_RELAY: Final = {
    Op.LINK: "on loopback nothing lies between two processes that could be shaped; --backend netns "
    "(Linux, root) has such links, and so has virtual time",
    Op.CUT: "on loopback its two ends make a cut, which stops both directions; --backend netns "
    "(Linux, root) stops one, and so does virtual time",
}

_BY_ORDERS: Final = frozenset({Op.LIE, Op.CLOCK})


class NotPossible(AxonError):
    """The backend cannot raise this, or cannot do this to it."""

    def __init__(self, text: str) -> None:
        super().__init__(f"{NOT_POSSIBLE}: {text}")


def check_blueprint(blueprint: Blueprint, backend: BackendName = BackendName.PROC) -> None:
    """See whether a network can be raised.

    Raises:
        NotPossible: it cannot; the text says what stands in the way.
    """
    finds_itself = any(node.bitcoind and node.dials is None for node in blueprint.nodes)
    if finds_itself and backend is BackendName.PROC:
        raise NotPossible(
            "to a bitcoind loopback addresses are none, so it finds no peers there; with "
            "--backend netns it does"
        )
    for name in blueprint.components():
        if name in RUN_FILES:
            raise NotPossible(f"a file of a run is called {name}; call the component otherwise")
    for node in blueprint.nodes:
        if node.keeps_blocks:
            raise NotPossible(f"{node.name} keeps only its last blocks, and nodes here keep all")
        if node.admits is not None and not {*(node.dials or node.knows)} <= {*node.admits}:
            raise NotPossible(f"{node.name} dials some whom it lets not in; here it refuses both")
        if node.max_tx_version < MAX_STANDARD_VERSION:
            raise NotPossible(f"{node.name} is of an older release, and nodes here are all of one")
    for wallet in blueprint.wallets:
        if wallet.tx_version != USUAL_TX_VERSION:
            raise NotPossible(f"{wallet.name} makes transactions of another version than 2")
    for each in blueprint.shared:
        if each.kind not in GONE_TOGETHER | {ComponentClass.CLOCK}:
            raise NotPossible(f"{each.name} is a {each.kind}, and programs here have their own")


def check_plan(
    blueprint: Blueprint, plan: FaultPlan, backend: BackendName = BackendName.PROC
) -> None:
    """See whether a plan can be carried out.

    Raises:
        NotPossible: it cannot; the text says which step.
    """
    for step in plan.steps:
        for why in _refusals(blueprint, step, backend):
            raise NotPossible(f"{step.op} {step.target}: {why}")


def _refusals(blueprint: Blueprint, step: FaultStep, backend: BackendName) -> Iterator[str]:
    if step.op in BETWEEN:
        if needs_relay(step) and backend is not BackendName.NETNS:
            yield _BY_RELAY[step.op]
        try:
            near, far = sides_of(blueprint, step.target)
        except ConfigError as error:
            yield str(error)
            return
        wallets = {wallet.name for wallet in blueprint.wallets}
        if (
            step.op is Op.CUT
            and not needs_relay(step)
            and far is not None
            and wallets.issuperset((*near, *far))
        ):
            yield "wallets refuse nobody; virtual time cuts the way between two"
        return
    if step.op is Op.HEAL:
        return
    kinds = blueprint.components()
    foreign = {node.name for node in blueprint.nodes if node.bitcoind}
    for target in step.target.split(","):
        for name in blueprint.members(target):
            kind = kinds.get(name)
            if kind is None:
                yield f"there is no component {name!r}"
            elif step.op not in _OPS.get(kind, frozenset()):
                yield f"that cannot be done to a {kind}"
            elif name in foreign and step.op in _BY_ORDERS:
                yield "a bitcoind takes no such orders"
            elif step.op is Op.CLOCK and blueprint.is_mixed:
                yield "beside a bitcoind all have this machine's clock"
            elif kind is ComponentClass.MINER and step.op is Op.LIE:
                if step.param("withhold") not in (Withheld.TRANSACTIONS, Withheld.NOTHING):
                    yield "a miner keeps back nothing but transactions"


def needs_relay(step: FaultStep) -> bool:
    """Whether a step is carried out by a program between the ends of a link."""
    return step.op is Op.LINK or (step.op is Op.CUT and step.param("way") != Way.BOTH)
