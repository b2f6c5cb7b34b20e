"""Looks at the processes of a story and writes down how they stand.

Scenes are looked at by whoever plays the story, between two of his steps; samples by a thread of
their own, with connections of their own, so that the story never waits for them.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any, Final, Self

from axon.rpc.client import RpcClient, Unauthorized, Unreachable
from axon.swarm.lab.axonprocess import AxonProcess
from axon.swarm.lab.nodeprocess import NodeProcess
from axon.swarm.story.participants import Participant
from axon.swarm.story.record import Actor, ActorKind, Sample, Scene, Standing

SAMPLE_INTERVAL_S: Final = 0.125
"""From one sample to the next: a step takes at least a few tenths of a second."""

ANSWER_LIMIT_S: Final = 2.0
"""How long a node may take to say where it stands; a sample that comes later tells nothing."""

_NODE: Final = re.compile(r"\((node \d+)\)")


def scene(
    step: int,
    caption: str,
    at_s: float,
    nodes: Sequence[NodeProcess],
    participants: Sequence[Participant],
    handed: tuple[tuple[str, str], ...] = (),
) -> Scene:
    """Look at all nodes and at the wallets of these participants.

    Args:
        handed: payments that go from wallet to wallet: by name, who pays whom.
    """
    actors: list[Actor] = []
    links: dict[tuple[str, str], None] = {}
    for node in nodes:
        actors.append(Actor(node.name, ActorKind.NODE, _standing(node)))
        links.update(dict.fromkeys(_links(node.name, node)))
    for participant in participants:
        wallet = participant.wallet
        holds = participant.holds() if wallet.is_running else ""
        actors.append(Actor(participant.name, ActorKind.WALLET, _standing(wallet), holds))
        links.update(dict.fromkeys(_links(participant.name, wallet)))
    return Scene(step, caption, at_s, tuple(actors), tuple(links), handed)


def _standing(process: AxonProcess) -> Standing | None:
    return Standing(process.height(), process.tip()) if process.is_running else None


def _links(name: str, process: AxonProcess) -> Iterable[tuple[str, str]]:
    """Its connections to nodes, each with the smaller name first, so that two ends are one link."""
    if not process.is_running:
        return
    for peer in process.peers():
        found = _NODE.search(peer["subver"])
        if found is not None:
            yield min(name, found[1]), max(name, found[1])


class Sampler:
    """Asks all nodes again and again where they stand, in a thread, as long as it is entered.

    Args:
        nodes: those there are now.
        now: seconds since the story's beginning.
    """

    def __init__(
        self, nodes: Callable[[], Sequence[NodeProcess]], now: Callable[[], float]
    ) -> None:
        self._nodes = nodes
        self._now = now
        self._samples: list[Sample] = []
        self._clients: dict[str, RpcClient] = {}
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sampler")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()  # It waits for one more answer at most.

    @property
    def samples(self) -> tuple[Sample, ...]:
        """What was seen so far."""
        return tuple(self._samples)

    def _run(self) -> None:
        while not self._end.wait(SAMPLE_INTERVAL_S):
            at_s = self._now()
            standings = []
            for node in self._nodes():
                if self._end.is_set():
                    break  # Half a sample tells nothing.
                standings.append((node.name, self._ask(node)))
            else:
                self._samples.append(Sample(at_s, tuple(standings)))
        for client in self._clients.values():
            client.close()

    def _ask(self, node: NodeProcess) -> Standing | None:
        """Where a node stands; None if it does not say."""
        if not node.is_running:
            return None
        client = self._clients.get(node.name)
        if client is None:
            client = self._clients[node.name] = node.dial(ANSWER_LIMIT_S)
        answers: list[Any] = []
        with suppress(Unreachable, Unauthorized):  # It is being started, or was just killed.
            answers = client.batch([("getblockcount", []), ("getbestblockhash", [])])
        match answers:
            case [int(height), str(tip)]:
                return Standing(height, tip)
        return None  # It warms up.
