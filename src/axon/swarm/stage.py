"""Where a story is played: its nodes, its people, what is said, and what is checked.

A check is made by `check`, about something that holds now, or by `until`, about something that
comes to hold; both tell the listener and go into the table. Nothing here waits for effect: every
wait looks for a condition and has a limit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final, Self

from axon.errors import AxonError
from axon.primitives.transaction import COIN
from axon.swarm.checks import Check, agreed
from axon.swarm.people import STAMP_SAT, StampBox, View, in_coins, look, payment
from axon.swarm.processes import NodeProcess, TooLate, wait_until
from axon.swarm.purse import Purse

WAIT_LIMIT_S: Final = 30.0
"""How long anything that should come to hold may take on a slow machine."""

NODE_OPTIONS: Final = (
    "-connect=0",  # Who is connected with whom, the story says.
    "-debug=net",  # The log says who was hung up on, and why.
)

_POLL_S: Final = 0.05
_SHORT: Final = 8


class StoryBroken(AxonError):
    """What the story needs to go on did not come to hold."""


class Stage:
    """Nodes as processes on loopback, people with purses, and the checks so far.

    Args:
        folder: in which each node has a folder.
        say: told every line of the story.
        tell: told every check as it is made.
        now_s: the time of day, seconds since 1970.
    """

    def __init__(
        self,
        folder: Path,
        say: Callable[[str], None],
        tell: Callable[[Check], None],
        now_s: Callable[[], int],
    ) -> None:
        self.folder = folder
        self.say = say
        self.now_s = now_s
        self.nodes: list[NodeProcess] = []
        self.alice, self.bob, self.carol = Purse("Alice"), Purse("Bob"), Purse("Carol")
        self.miners = Purse("the miners")
        self.stamps = StampBox()
        self.checks: list[Check] = []
        self.act = 1
        self._tell = tell
        self._exits = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._exits.close()

    # Nodes.

    def new_nodes(self, count: int) -> list[NodeProcess]:
        """Start further nodes with empty disks, all at once, and wait until they answer."""
        fresh = []
        for number in range(len(self.nodes) + 1, len(self.nodes) + count + 1):
            folder = self.folder / f"node{number}"
            node = NodeProcess(f"node {number}", folder, options=NODE_OPTIONS, trusted_door=True)
            fresh.append(self._exits.enter_context(node))
        self.nodes += fresh
        start_all(fresh)
        for node in fresh:
            self.say(f"{node.name} listens at {node.p2p}: process {node.pid}, an empty disk.")
        return fresh

    def mine(self, node: NodeProcess, payee: Purse | None = None, count: int = 1) -> str:
        """Have a node find blocks; the name of the last one."""
        owner = payee or self.miners
        return str(node.rpc("generatetoaddress", count, owner.address())[-1])

    # People.

    @property
    def people(self) -> tuple[Purse, Purse, Purse]:
        """Alice, Bob and Carol."""
        return self.alice, self.bob, self.carol

    def look(self, node: NodeProcess) -> View:
        """What a node says everybody holds."""
        return look(node, self.people)

    def pay(self, node: NodeProcess, payer: Purse, payee: Purse, amount: int) -> str:
        """Sign a payment of whole coins and hand it to a node; its name."""
        signed = payment(look(node, [payer]), payer, payee, amount, self.stamps)
        self.say(f"At {node.name} {payer.owner} pays {payee.owner} {amount}.")
        return str(node.rpc("sendrawtransaction", signed.raw.hex()))

    def ledger(self, nodes: Iterable[NodeProcess], purse: Purse) -> str:
        """What the ledgers of these nodes say a purse holds."""
        return agreed([in_coins(self.look(node).ledger_sat(purse)) for node in nodes])

    def total(self, nodes: Iterable[NodeProcess], purse: Purse) -> str:
        """What a purse holds by these nodes when the payments that wait are counted."""
        return agreed([in_coins(self.look(node).total_sat(purse)) for node in nodes])

    # Checks.

    def check(self, claim: str, expected: str, seen: str) -> bool:
        """Something that holds now; whether it does."""
        item = Check(self.act, claim, expected, seen)
        self.checks.append(item)
        self._tell(item)
        return item.holds

    def until(
        self,
        claim: str,
        expected: str,
        seen: Callable[[], str],
        limit_s: float = WAIT_LIMIT_S,
    ) -> None:
        """Something that comes to hold within the limit.

        Raises:
            StoryBroken: it did not.
        """
        last = ""

        def holds() -> bool:
            nonlocal last
            last = seen()
            return last == expected

        try:
            wait_until(holds, limit_s, claim, _POLL_S)
        except TooLate as late:
            self.check(claim, expected, last)
            raise StoryBroken(f"{claim}: not within {limit_s:g} s") from late
        self.check(claim, expected, last)

    # What is asked again and again.

    def until_one_tip(self, nodes: Sequence[NodeProcess], expected: str = "") -> None:
        """All stand on one block, the given one or that of the first node."""
        wanted = short(expected or nodes[0].tip())
        claim = f"last block of the ledger, at {names(nodes)}"
        self.until(claim, wanted, lambda: agreed([short(node.tip()) for node in nodes]))

    def until_one_ledger(self, nodes: Sequence[NodeProcess], expected: str) -> None:
        """All have the ledger with this fingerprint."""
        claim = f"fingerprint of the whole ledger, at {names(nodes)}"
        self.until(claim, expected, lambda: agreed([fingerprint(node) for node in nodes]))

    def until_waiting(self, nodes: Sequence[NodeProcess], payments: Sequence[str]) -> None:
        """Exactly these payments wait in the pools of all these nodes."""
        claim = f"payments that wait, at {names(nodes)}"
        wanted = _listed(payments)
        self.until(
            claim, wanted, lambda: agreed([_listed(node.rpc("getrawmempool")) for node in nodes])
        )

    def until_total(self, nodes: Sequence[NodeProcess], purse: Purse, amount: int) -> None:
        """All say a purse holds this many coins when waiting payments are counted."""
        claim = f"{purse.owner} has, not yet confirmed, at {names(nodes)}"
        self.until(claim, str(amount), lambda: self.total(nodes, purse))

    def until_confirmed(self, nodes: Sequence[NodeProcess], purse: Purse, amount: int) -> None:
        """All ledgers say a purse holds this many coins."""
        claim = f"{purse.owner} has, confirmed, at {names(nodes)}"
        self.until(claim, str(amount), lambda: self.ledger(nodes, purse))


def start_all(nodes: Sequence[NodeProcess]) -> None:
    """Start several at once and wait until all answer."""
    for node in nodes:
        node.start(wait=False)
    for node in nodes:
        node.wait_ready()


def short(name: str) -> str:
    """The end of a block's or transaction's long name; blocks have zeros at the other end."""
    return f"..{name[-_SHORT:]}"


def fingerprint(node: NodeProcess) -> str:
    """The hash over all coins of a node's ledger, shortened."""
    return short(str(node.rpc("gettxoutsetinfo")["hash_serialized_3"]))


def names(nodes: Sequence[NodeProcess]) -> str:
    """These nodes in words: `node 2`, or `nodes 1, 2, 3`."""
    numbers = [node.name.removeprefix("node ") for node in nodes]
    return f"node{'s' if len(numbers) > 1 else ''} {', '.join(numbers)}"


def _listed(payments: Sequence[str]) -> str:
    return " ".join(short(name) for name in sorted(payments)) or "none"


STAMP_TEXT: Final = in_coins(STAMP_SAT)
WHOLE_REWARD: Final = 50
"""Coins of a new block on this test chain, up to height 149."""
assert WHOLE_REWARD * COIN > STAMP_SAT
