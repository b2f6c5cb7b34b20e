"""Which files are changed, and which tests have to notice."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent


@dataclass(frozen=True, slots=True)
class Room:
    """One part of the tree.

    Args:
        source: its folder.
        tests: the folders of its own tests.
        neighbours: more tests that go through it, for faults that its own ones do not notice.
    """

    source: str
    tests: tuple[str, ...]
    neighbours: tuple[str, ...] = ()


ROOMS: Final[dict[str, Room]] = {
    "chain": Room("src/axon/chain", ("tests/chain",), ("tests/fuzz", "tests/consensus")),
    "mempool": Room(
        "src/axon/mempool",
        ("tests/mempool",),
        ("tests/fuzz", "tests/mining", "tests/node/test_transactions.py"),
    ),
    "p2p": Room("src/axon/p2p", ("tests/p2p",), ("tests/fuzz", "tests/node")),
    "wallet": Room(
        "src/axon/wallet", ("tests/wallet",), ("tests/fuzz", "tests/rpc/test_walletmethods.py")
    ),
    "lab": Room("src/axon/swarm/lab", ("tests/swarm/lab",), ("tests/cli/test_swarm.py",)),
}


def files_of(room: Room) -> list[Path]:
    """The files of a room, in order, relative to the root."""
    found = sorted((ROOT / room.source).rglob("*.py"))
    return [path.relative_to(ROOT) for path in found if path.name != "__init__.py"]


def stages_of(room: Room, path: Path) -> list[list[str]]:
    """The tests to run for a file, nearest first: a stage that passes is followed by the next.

    The second is the same for the whole room, so that it is timed only once.
    """
    module = ".".join(path.with_suffix("").parts[1:])
    own = [test for folder in room.tests for test in sorted((ROOT / folder).rglob("test_*.py"))]
    near = [
        test
        for test in own
        if test.name == f"test_{path.name}" or module in test.read_text("utf-8")
    ]
    neighbours = [name for name in room.neighbours if (ROOT / name).exists()]
    stages = [[str(test.relative_to(ROOT)) for test in each] for each in (near, own)]
    return [stage for stage in (*stages, neighbours) if stage]
