"""Where a story is played: its nodes, its participants, what is said, and what is checked.

A check is made by `check`, about something that holds now, or by `until`, about something that
comes to hold; both tell the listener and go into the table. Nothing here waits for effect: every
wait looks for a condition and has a limit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final, Self

from axon.errors import AxonError
from axon.primitives.transaction import COIN
from axon.swarm.lab.nodeprocess import NodeProcess
from axon.swarm.lab.processes import TooLate, wait_until
from axon.swarm.lab.walletprocess import WalletProcess
from axon.swarm.signer import Signer
from axon.swarm.story.checks import Check, agreed
from axon.swarm.story.participants import FEE_COIN_SAT, Participant, in_coins, look
from axon.swarm.story.record import Scene, StoryRecord, ToldLine
from axon.swarm.story.recorder import Sampler, scene

WAIT_LIMIT_S: Final = 30.0
"""How long anything that should come to hold may take on a slow machine."""

NODE_OPTIONS: Final = (
    "-connect=0",  # Who is connected with whom, the story says.
    "-debug=net",  # The log says who was disconnected, and why.
    "-announcepool=1",  # Who comes late sees the payments that wait.
)

_POLL_S: Final = 0.05
_SHORT: Final = 8


class StoryBroken(AxonError):
    """What the story needs to go on did not come to hold."""


class Listener:
    """Who is told the story while it happens; this one does not listen."""

    def step(self, number: int, title: str) -> None:
        """A step begins."""

    def say(self, line: str) -> None:
        """Something happens."""

    def check(self, item: Check) -> None:
        """Something was checked."""

    def played(self) -> None:
        """The last step is over, and everything still runs."""


class StoryRunner:
    """Nodes and wallets as processes on loopback, and the checks so far.

    Args:
        folder: in which each node and each wallet has a folder.
        listener: told every line of the story, and every check as it is made.
        now_s: the time of day, seconds since 1970.
        elapsed_s: seconds since the story's beginning.
        node_options: called for each new node; what it is told besides.
    """

    def __init__(
        self,
        folder: Path,
        listener: Listener,
        now_s: Callable[[], int],
        elapsed_s: Callable[[], float],
        node_options: Callable[[], tuple[str, ...]] = tuple,
    ) -> None:
        self.folder = folder
        self._node_options = node_options
        self.now_s = now_s
        self.step = 1
        self.nodes: list[NodeProcess] = []
        self.fee_signer = Signer("the stamp cutter")
        self.miners = Signer("the miners")
        self.checks: list[Check] = []
        self._listener = listener
        self.elapsed_s = elapsed_s
        self._told: list[ToldLine] = []
        self._scenes: list[Scene] = []
        self._exits = ExitStack()
        self._sampler = Sampler(lambda: tuple(self.nodes), elapsed_s)
        self.alice, self.bob, self.carol = (self._participant(n) for n in ("Alice", "Bob", "Carol"))
        self.participants = (self.alice, self.bob, self.carol)
        self.mallory = self._participant("Mallory")

    def _participant(self, name: str) -> Participant:
        """Somebody with a wallet in a folder of its own."""
        wallet = WalletProcess(name.lower(), self.folder / name.lower())
        return Participant(name, self._exits.enter_context(wallet))

    def __enter__(self) -> Self:
        self._sampler.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        with self._exits:  # Closed last: that all are ended now is no part of the story.
            self._sampler.__exit__()

    # What is told and written down.

    def say(self, line: str) -> None:
        """One line of the story."""
        self._told.append(ToldLine(self.step, line))
        self._listener.say(line)

    def picture(self, caption: str, handed: Sequence[tuple[Participant, Participant]] = ()) -> None:
        """Write down how the whole network stands now.

        Args:
            handed: payments that go from wallet to wallet: who pays whom.
        """
        everybody = (*self.participants, self.mallory)
        shown = [participant for participant in everybody if participant.is_here]
        ways = tuple([(payer.name, payee.name) for payer, payee in handed])
        self._scenes.append(scene(self.step, caption, self.elapsed_s(), self.nodes, shown, ways))

    @property
    def record(self) -> StoryRecord:
        """All that was written down so far."""
        return StoryRecord(tuple(self._scenes), self._sampler.samples, tuple(self._told))

    # Nodes.

    def new_nodes(self, count: int) -> list[NodeProcess]:
        """Start further nodes with empty disks, all at once, and wait until they answer."""
        fresh = []
        for number in range(len(self.nodes) + 1, len(self.nodes) + count + 1):
            folder = self.folder / f"node{number}"
            options = (*NODE_OPTIONS, *self._node_options())
            node = NodeProcess(f"node {number}", folder, options=options, trusted_door=True)
            fresh.append(self._exits.enter_context(node))
        self.nodes += fresh
        start_all(fresh)
        for node in fresh:
            self.say(f"{node.name} listens at {node.p2p}: process {node.pid}, an empty disk.")
        return fresh

    def mine(self, node: NodeProcess, payee: str = "", count: int = 1) -> str:
        """Have a node find blocks; the name of the last one.

        Args:
            payee: the address that gets the new coins; a miner nobody knows if it is left out.
        """
        return str(node.rpc("generatetoaddress", count, payee or self.miners.address())[-1])

    # Wallets.

    def open_wallets(self, known: Mapping[Participant, Sequence[NodeProcess]]) -> None:
        """Start wallets on empty disks, and wait until they answer.

        Whoever had a wallet before has it made again from its words.

        Args:
            known: the only nodes that each participant's wallet is told of.
        """
        for participant in known:
            participant.settle()
        for participant, nodes in known.items():
            participant.wallet.start(*[f"-connect={node.door}" for node in nodes], wait=False)
        for participant in known:
            participant.wallet.wait_ready()
            participant.learn()

    def pay(self, payer: Participant, payee: Participant, amount: int) -> str:
        """Pay whole coins from wallet to wallet, and wait until a node took it; its name."""
        payment = self.hand_out(payer, payee, amount)
        payer.wait_taken(payment)
        return payment

    def hand_out(self, payer: Participant, payee: Participant, amount: int) -> str:
        """The same without waiting."""
        self.say(f"{payer.name} pays {payee.name} {amount}.")
        return payer.send(payer.sign(payee.address(), amount))

    # Checks.

    def check(self, claim: str, expected: str, seen: str) -> bool:
        """Something that holds now; whether it does."""
        item = Check(self.step, claim, expected, seen)
        self.checks.append(item)
        self._told.append(ToldLine(self.step, item))
        self._listener.check(item)
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

    def until_wallets_at(self, participants: Sequence[Participant], tip: str) -> None:
        """These wallets have read everything up to a block."""
        claim = f"last block read, by {wallets_of(participants)}"
        self.until(
            claim,
            short(tip),
            lambda: agreed([_read_up_to(participant) for participant in participants]),
        )

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

    def until_state(self, participants: Sequence[Participant], payment: str, state: str) -> None:
        """These wallets call a payment so."""
        claim = f"payment {short(payment)}, by {wallets_of(participants)}"
        self.until(
            claim,
            state,
            lambda: agreed([participant.state(payment) for participant in participants]),
        )

    def until_total(
        self, nodes: Sequence[NodeProcess], participant: Participant, amount: int
    ) -> None:
        """All nodes and the wallet say that somebody has this many coins, waiting ones counted."""

        def seen() -> str:
            told = [
                in_coins(look(node, [participant]).total_sat(participant.scripts)) for node in nodes
            ]
            return agreed([*told, participant.holds()])

        claim = f"{participant.name} has, unconfirmed, by {names(nodes)} and wallet"
        self.until(claim, str(amount), seen)

    def until_confirmed(
        self, nodes: Sequence[NodeProcess], amounts: Mapping[Participant, int]
    ) -> None:
        """All ledgers and the wallets say that participants have these many coins."""
        participants = list(amounts)

        def seen() -> str:
            told = [ledger(node, participants) for node in nodes]
            return agreed(
                [*told, ", ".join(participant.confirmed() for participant in participants)]
            )

        who = ", ".join(participant.name for participant in participants)
        claim = f"{who} {'have' if len(participants) > 1 else 'has'}, by {names(nodes)} and wallet"
        self.until(claim, ", ".join(str(amount) for amount in amounts.values()), seen)

    def until_all_have(self, nodes: Sequence[NodeProcess], amounts: tuple[int, int, int]) -> None:
        """The same of Alice, Bob and Carol."""
        self.until_confirmed(nodes, dict(zip(self.participants, amounts, strict=True)))

    def until_served_by(
        self, participants: Sequence[Participant], nodes: Sequence[NodeProcess]
    ) -> None:
        """Exactly these nodes serve these wallets."""
        claim = f"who serves {wallets_of(participants)}"
        self.until(
            claim,
            names(nodes),
            lambda: agreed([names(self.serving(participant)) for participant in participants]),
        )

    def serving(self, participant: Participant) -> list[NodeProcess]:
        """The nodes to which somebody's wallet is connected."""
        peers = [peer["subver"] for peer in participant.wallet.peers()]
        return [node for node in self.nodes if any(f"({node.name})" in peer for peer in peers)]


def _read_up_to(participant: Participant) -> str:
    """The last block that a wallet has looked through, not only heard of."""
    block = participant.wallet.rpc("getbalances")["lastprocessedblock"]
    return "nothing" if block is None else short(str(block["hash"]))


def start_all(nodes: Sequence[NodeProcess]) -> None:
    """Start several at once and wait until all answer."""
    for node in nodes:
        node.start(wait=False)
    for node in nodes:
        node.wait_ready()


def connect_all(nodes: Sequence[NodeProcess]) -> None:
    """Have each of them call all that come behind it."""
    for place, node in enumerate(nodes):
        for other in nodes[place + 1 :]:
            node.connect(other)


def short(name: str) -> str:
    """The end of a block's or transaction's long name; blocks have zeros at the other end."""
    return f"..{name[-_SHORT:]}"


def ledger(node: NodeProcess, participants: Sequence[Participant]) -> str:
    """What a node's ledger says these participants have, in coins."""
    view = look(node, participants)
    return ", ".join(in_coins(view.ledger_sat(participant.scripts)) for participant in participants)


def fingerprint(node: NodeProcess) -> str:
    """The hash over all coins of a node's ledger, shortened."""
    return short(str(node.rpc("gettxoutsetinfo")["hash_serialized_3"]))


def names(nodes: Sequence[NodeProcess]) -> str:
    """These nodes in words: `node 2`, or `nodes 1, 2, 3`, or `nobody`."""
    if not nodes:
        return "nobody"
    numbers = [node.name.removeprefix("node ") for node in nodes]
    return f"node{'s' if len(numbers) > 1 else ''} {', '.join(numbers)}"


def wallets_of(participants: Sequence[Participant]) -> str:
    """Their wallets in words: `Alice's wallet`, or `the wallets of Alice, Bob`."""
    listed = ", ".join(participant.name for participant in participants)
    return f"{listed}'s wallet" if len(participants) == 1 else f"the wallets of {listed}"


def _listed(payments: Sequence[str]) -> str:
    return " ".join(short(name) for name in sorted(payments)) or "none"


FEE_COIN_TEXT: Final = in_coins(FEE_COIN_SAT)
WHOLE_REWARD: Final = 50
"""Coins of a new block on this test chain, up to height 149."""
assert WHOLE_REWARD * COIN > FEE_COIN_SAT
