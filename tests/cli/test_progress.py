"""What a person sees while a node syncs."""

from __future__ import annotations

import io

from axon.cli.progress import Progress
from axon.machine import Endpoint, PeerId
from axon.node.facts import HeadersAdvanced, PeerConnected, TipChanged
from axon.primitives.hashes import BlockHash

HASH = BlockHash(bytes(32))


def tip(height: int) -> TipChanged:
    return TipChanged(HASH, height, 0, 2 * height, 1, 0.5, initial_sync=True)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_sync_is_told_as_it_goes_and_once_at_its_end() -> None:
    stream = io.StringIO()
    progress = Progress(stream)
    progress.started("regtest", [Endpoint("127.0.0.1", 18444)], 0)
    progress.saw(HeadersAdvanced(HASH, 2_000))
    for height in range(1, 2_001):
        progress.saw(tip(height))
    lines = stream.getvalue().splitlines()
    assert lines[0] == (
        "axon node on regtest, height 0, listening on 127.0.0.1:18444; ctrl-C stops it"
    )
    assert lines[1] == "syncing: block 0 of 2,000 (0.0%)"
    assert lines[-1] == "in sync at height 2,000"
    assert len(lines) < 10


def test_afterwards_it_is_calm() -> None:
    stream = io.StringIO()
    progress = Progress(stream)
    progress.saw(tip(1))
    told = stream.getvalue()
    progress.saw(HeadersAdvanced(HASH, 2))
    progress.saw(tip(2))
    progress.saw(PeerConnected(PeerId(0), "a", "inbound", "/x/", 70016, 0))
    assert stream.getvalue() == told == "in sync at height 1\n"


def test_on_a_terminal_one_line_changes() -> None:
    stream = Terminal()
    progress = Progress(stream)
    progress.saw(HeadersAdvanced(HASH, 100))
    progress.say("stopping")
    assert stream.getvalue() == "\rsyncing: block 0 of 100 (0.0%)\x1b[K\r\x1b[Kstopping\n"
