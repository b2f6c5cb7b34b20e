"""What a page may ask for: harm to components, its undoing, a block, a payment, a check.

An order is read from JSON that anybody may have written, and carried out by what the commands of
`axon swarm` call, under the same lock.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from axon.errors import ConfigError
from axon.rpc.amounts import format_amount
from axon.swarm.lab import lifecycle
from axon.swarm.lab.directpay import hand_over
from axon.swarm.lab.faucet import mine
from axon.swarm.lab.manifest import PASSPHRASE, ComponentKind, Manifest
from axon.swarm.lab.members import node_of, state_of
from axon.swarm.lab.nodeprocess import ProcessState
from axon.swarm.lab.partition import heal, partition, shown
from axon.swarm.lab.startup import Say
from axon.swarm.lab.transfer import transfer

MAX_TARGETS: Final = 300
"""More than a run has components."""

MAX_TEXT: Final = 64
"""Characters of a name or an amount."""


class Deed(StrEnum):
    """What is to be done."""

    KILL = "kill"
    STOP = "stop"
    CONT = "cont"
    RESTART = "restart"
    WIPE = "wipe"
    """Restart, with an empty disk."""
    CUT = "cut"
    """Nothing passes between these nodes and the others."""
    HEAL = "heal"
    MINE = "mine"
    PAY = "pay"
    CHECK = "check"
    SEARCH = "search"
    """Look for single points of failure in virtual time."""


_ON_COMPONENTS: Final = frozenset(
    (Deed.KILL, Deed.STOP, Deed.CONT, Deed.RESTART, Deed.WIPE, Deed.CUT)
)
_DOING: Final = {
    Deed.KILL: "killing",
    Deed.STOP: "pausing",
    Deed.CONT: "continuing",
    Deed.RESTART: "restarting",
    Deed.WIPE: "restarting with an empty disk:",
    Deed.CUT: "cutting off",
    Deed.HEAL: "healing the cut",
    Deed.MINE: "finding a block",
    Deed.PAY: "paying:",
    Deed.CHECK: "checking the network",
    Deed.SEARCH: "searching for single points of failure",
}


@dataclass(frozen=True, slots=True)
class PageOrder:
    """One thing to do.

    Args:
        deed: what.
        targets: names of components; of a payment, from whom and to whom.
        amount: of a payment, in BTC.
    """

    deed: Deed
    targets: tuple[str, ...] = ()
    amount: str = ""

    @property
    def doing(self) -> str:
        """In words, while it is done."""
        return " ".join((_DOING[self.deed], *self.targets))

    @property
    def is_seen(self) -> bool:
        """Whether a look at the run tells what was done."""
        return self.deed in (Deed.KILL, Deed.STOP, Deed.CONT, Deed.CUT, Deed.HEAL)

    @property
    def payer(self) -> str:
        """The wallet that is to pay; empty if none is."""
        return self.targets[0] if self.deed is Deed.PAY else ""


def read_order(data: Any) -> PageOrder:
    """An order, from JSON.

    Raises:
        ConfigError: it is none.
    """
    try:
        deed, targets, amount = Deed(data["do"]), data.get("targets", []), data.get("amount", "")
    except (KeyError, TypeError, ValueError, AttributeError):
        known = ", ".join(Deed)
        raise ConfigError(f'expected {{"do": ...}} with one of {known}') from None
    if not isinstance(targets, list) or len(targets) > MAX_TARGETS:
        raise ConfigError(f"expected a list of at most {MAX_TARGETS} targets")
    for text in (*targets, amount):
        if not isinstance(text, str) or len(text) > MAX_TEXT:
            raise ConfigError(f"a name or an amount is a text of at most {MAX_TEXT} characters")
    if deed in _ON_COMPONENTS and not targets:
        raise ConfigError(f"{deed} needs to know whom it is for")
    if deed is Deed.PAY and (len(targets) != 2 or targets[0] == targets[1]):
        raise ConfigError("a payment is from one wallet to another")
    return PageOrder(deed, tuple(targets), amount)


def carry_out(folder: Path, order: PageOrder, say: Say) -> str:
    """Do what an order says, but for a check or a search; what was done, in a sentence.

    Args:
        folder: of the run.
        order: what to do.
        say: told how it goes.

    Raises:
        AxonError: it cannot be done; the text says why.
    """
    if order.deed is Deed.PAY:
        return _pay(lifecycle.load(folder), order)
    with lifecycle.taken(folder) as manifest:
        _check_known(manifest, order.targets)
        return _WORK[order.deed](manifest, order.targets, say)


def _check_known(manifest: Manifest, names: Sequence[str]) -> None:
    unknown = [name for name in names if name not in manifest.components]
    if unknown:
        raise ConfigError(f"there is no {unknown[0]} in this run")


def _kill(manifest: Manifest, names: Sequence[str], _say: Say) -> str:
    return _told(lifecycle.kill(manifest, names, signal.SIGKILL), "killed", "nobody of them lived")


def _stop(manifest: Manifest, names: Sequence[str], _say: Say) -> str:
    return _told(lifecycle.pause(manifest, names), "paused", "nobody of them lives")


def _cont(manifest: Manifest, names: Sequence[str], _say: Say) -> str:
    return _told(lifecycle.cont(manifest, names), "continued", "nobody of them lives")


def _restart(manifest: Manifest, names: Sequence[str], say: Say) -> str:
    lifecycle.restart(manifest, names, say)
    return _told(names, "started", "")


def _wipe(manifest: Manifest, names: Sequence[str], say: Say) -> str:
    lifecycle.restart(manifest, names, say, wiped=True)
    return _told(names, "started with an empty disk", "")


def _told(names: Sequence[str], word: str, nobody: str) -> str:
    return f"{word}: {' '.join(names)}" if names else nobody


def _cut(manifest: Manifest, names: Sequence[str], _say: Say) -> str:
    nodes = [item.name for item in manifest.nodes]
    strangers = [name for name in names if name not in nodes]
    if strangers:
        raise ConfigError(f"{strangers[0]} is no node; only nodes are cut off")
    side = tuple(name for name in nodes if name in names)
    rest = tuple(name for name in nodes if name not in names)
    if not rest:
        raise ConfigError("these are all nodes; there is nobody to cut them off from")
    partition(manifest, (side, rest))
    return f"cut: {shown(manifest)}"


def _heal(manifest: Manifest, _names: Sequence[str], _say: Say) -> str:
    heal(manifest)
    return "healed"


def _mine(manifest: Manifest, names: Sequence[str], _say: Say) -> str:
    chosen = names[0] if names else _first_running(manifest)
    _check_running(manifest, chosen, ComponentKind.NODE)
    node = node_of(manifest, chosen)
    with node.connected():
        mine(node)
        return f"{chosen} found block {node.rpc('getblockcount')}"


def _first_running(manifest: Manifest) -> str:
    for item in manifest.nodes:
        if state_of(item) is ProcessState.RUNNING:
            return item.name
    raise ConfigError("no node of this run lives")


def _check_running(manifest: Manifest, name: str, kind: ComponentKind) -> None:
    item = manifest.components[name]
    if item.kind is not kind:
        raise ConfigError(f"{name} is a {item.kind}, not a {kind}")
    if state_of(item) is not ProcessState.RUNNING:
        raise ConfigError(f"{name} does not run")


def _pay(manifest: Manifest, order: PageOrder) -> str:
    # Nobody but who pays needs the wallet's room.
    from axon.swarm.lab.walletkeys import read_secret
    from axon.wallet.amounts import Unit, parse_amount
    from axon.wallet.errors import BadAmount

    _check_known(manifest, order.targets)
    for name in order.targets:
        _check_running(manifest, name, ComponentKind.WALLET)
    try:
        sent_sat = parse_amount(order.amount, Unit.BTC)
    except BadAmount as error:
        raise ConfigError(str(error)) from None
    payer, payee = order.targets
    told = (manifest, payer, payee, sent_sat, read_secret(manifest.folder / PASSPHRASE))
    if manifest.components[payee].is_payable:
        handed = hand_over(*told)
        txid, word = handed.txid, f"{handed.stage}, directly"
    else:
        sent = transfer(*told)
        txid, word = sent.txid, str(sent.delivery["delivery"])
    return f"{payer} pays {payee} {format_amount(sent_sat)} BTC: {word}, ..{txid[-8:]}"


_WORK: Final[dict[Deed, Callable[[Manifest, Sequence[str], Say], str]]] = {
    Deed.KILL: _kill,
    Deed.STOP: _stop,
    Deed.CONT: _cont,
    Deed.RESTART: _restart,
    Deed.WIPE: _wipe,
    Deed.CUT: _cut,
    Deed.HEAL: _heal,
    Deed.MINE: _mine,
}
