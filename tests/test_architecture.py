"""The plan of the house, held: which room may import which, and what the pure rooms never touch."""

from __future__ import annotations

import ast
import re
import sys
from functools import cache
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src" / "axon"
TESTS = Path(__file__).parent

ROOMS: dict[str, frozenset[str]] = {
    room: frozenset(may.split())
    for room, may in {
        "compiled": "",
        "errors": "",
        "machine": "",
        "primitives": "",
        "wire": "primitives",
        "p2p": "wire primitives machine",
        "chain": "primitives machine compiled",
        "mempool": "primitives machine",
        "consensus": "chain primitives machine",
        "mining": "chain mempool primitives machine",
        "psbt": "primitives",
        "wallet": "chain primitives psbt",
        "node": "p2p wire chain mempool mining primitives machine",
        "payments": "node wallet chain mempool p2p wire primitives machine",
        "drivers": "machine",
        "rpc": "payments node wallet psbt chain consensus mempool mining p2p wire primitives "
        "machine drivers",
        "electrum": "rpc node chain mempool primitives machine drivers",
        "tui": "rpc",
        "dash": "rpc node machine",
        "host": "dash electrum rpc payments node wallet drivers chain consensus mempool mining "
        "p2p wire primitives machine",
        "swarm": "host dash electrum rpc payments node wallet drivers chain consensus mempool "
        "mining p2p wire primitives machine",
        "testing": "swarm host dash electrum rpc payments node wallet drivers chain consensus "
        "mempool mining p2p wire primitives machine",
        "cli": "tui swarm host dash electrum rpc payments node wallet drivers chain consensus "
        "mempool mining p2p wire primitives machine compiled",
    }.items()
}
"""Which rooms a room may import; every room may import itself and `errors`."""

FOREIGN: dict[str, frozenset[str]] = {
    library: frozenset(rooms.split())
    for library, rooms in {
        "pbk": "consensus",
        "rocksdict": "drivers",
        "uvloop": "drivers",
        "python_socks": "drivers",
        "asyncio": "drivers rpc electrum dash host tui swarm cli",
        "aiohttp": "rpc dash swarm",
        "prometheus_client": "rpc",
        "zmq": "rpc",
        "siphash24": "primitives chain",
        "librt": "chain",
        "mypy_extensions": "chain",
        "coincurve": "primitives swarm",
        "bdkpython": "wallet",
        "mnemonic": "wallet",
        "cryptography": "chain wallet wire electrum",
        "segno": "cli",
        "ray": "swarm",
        "pytest": "testing",
        "textual": "tui",
        "rich": "tui",
    }.items()
}
"""One foreign library, one room."""

PURE = frozenset(
    "errors machine primitives psbt wire p2p chain mempool mining wallet node payments".split()
)
"""Rooms without clock, randomness, socket, file or thread. `Random` is handed in."""

BANNED_IN_PURE = frozenset(
    "asyncio concurrent datetime io multiprocessing os pathlib queue secrets select selectors "
    "shutil signal socket sqlite3 ssl subprocess tempfile threading time uuid logging".split()
)

SHARED: frozenset[tuple[str, str]] = frozenset({("chain/headertable.py", "threading")})
"""A lock, where what a machine holds is read by the threads of its jobs, too."""

TESTED_WITH: dict[str, frozenset[str]] = {
    room: frozenset(others.split())
    for room, others in {
        "p2p": "chain mempool",  # What fills its views.
        "psbt": "consensus",  # The kernel verifies what was signed.
        "wallet": "consensus",  # Likewise.
        "payments": "drivers",  # Machines of wallets where they run.
        "node": "consensus drivers swarm",  # A validator, and networks of simulated nodes.
        "drivers": "chain",  # The stores that it writes to disk.
        "rpc": "host",  # A light client with its wallet is put together there.
        "electrum": "host swarm",  # A node behind it, and who signs.
        "dash": "host primitives",  # A node behind it, and its network.
        "tui": "wallet primitives",  # Amounts are read as the command line reads them.
    }.items()
}
"""Rooms above, or beside, that the tests of a room use all the same, and what for."""

STANDARD = frozenset(sys.stdlib_module_names)


@cache
def imports() -> tuple[tuple[Path, int, str], ...]:
    """Every import in the source: file, line, full module name."""
    found: list[tuple[Path, int, str]] = []
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found += [(path, node.lineno, alias.name) for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{path}:{node.lineno}: imports are written in full"
                found.append((path, node.lineno, node.module or ""))
    return tuple(found)


def room_of(path: Path) -> str:
    """The room a file belongs to: its folder below `axon`, or its own name."""
    part = path.relative_to(SOURCE).parts[0]
    return part.removesuffix(".py")


def test_imports_go_down_only() -> None:
    wrong = []
    for path, line, module in imports():
        parts = module.split(".")
        room = room_of(path)
        if parts[0] != "axon" or len(parts) < 2 or room.startswith("__"):
            continue
        if parts[1] not in ROOMS[room] | {room, "errors"}:
            wrong.append(f"{path.relative_to(SOURCE)}:{line}: {room} must not import {parts[1]}")
    assert not wrong, "\n".join(wrong)


def test_the_tests_of_a_room_import_downwards_too() -> None:
    """They may use what their room may, `TESTED_WITH`, and the tests of rooms below theirs."""
    wrong = []
    for path in sorted(TESTS.rglob("*.py")):
        room = path.relative_to(TESTS).parts[0]
        if room not in ROOMS:
            continue  # Fixtures for all, and tests of the whole.
        below = ROOMS[room] | {room, "errors"}
        open_to = {"axon": below | TESTED_WITH.get(room, frozenset()), "tests": below}
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                modules = [node.module or ""]
            else:
                continue
            for module in modules:
                top, _, rest = module.partition(".")
                other = rest.partition(".")[0]
                if top in open_to and other in ROOMS and other not in open_to[top]:
                    wrong.append(f"{path.relative_to(TESTS)}:{node.lineno}: {module}")
    assert not wrong, "\n".join(wrong)


def test_no_leave_is_given_that_nobody_takes() -> None:
    """Each room in `TESTED_WITH` is imported by those tests."""
    for room, others in TESTED_WITH.items():
        text = "".join(path.read_text() for path in (TESTS / room).rglob("*.py"))
        for other in others:
            assert f"from axon.{other}." in text, f"tests of {room} do not use {other}"
        assert not others & ROOMS[room]


def test_one_foreign_library_one_room() -> None:
    wrong = []
    for path, line, module in imports():
        library = module.split(".")[0]
        rooms = FOREIGN.get(library)
        if rooms is not None and room_of(path) not in rooms:
            wrong.append(f"{path.relative_to(SOURCE)}:{line}: {library} belongs in {sorted(rooms)}")
        elif rooms is None and library not in STANDARD | {"axon", "__future__"}:
            wrong.append(f"{path.relative_to(SOURCE)}:{line}: {library} is in no room's table")
    assert not wrong, "\n".join(wrong)


def test_pure_rooms_touch_no_world() -> None:
    wrong = [
        f"{path.relative_to(SOURCE)}:{line}: {module}"
        for path, line, module in imports()
        if room_of(path) in PURE
        and module.split(".")[0] in BANNED_IN_PURE
        and (str(path.relative_to(SOURCE)), module) not in SHARED
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("room", sorted(PURE))
def test_pure_rooms_use_no_global_randomness(room: str) -> None:
    paths = [path for path in SOURCE.rglob("*.py") if room_of(path) == room]
    wrong = []
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module == "random":
                wrong += [f"{path}:{node.lineno}" for alias in node.names if alias.name != "Random"]
            elif isinstance(node, ast.Import):
                wrong += [f"{path}:{node.lineno}" for a in node.names if a.name == "random"]
            elif isinstance(node, ast.Call) and getattr(node.func, "id", "") in {"open", "input"}:
                wrong.append(f"{path}:{node.lineno}")
    assert not wrong, "\n".join(wrong)


def test_no_circles_between_modules() -> None:
    graph: dict[str, set[str]] = {}
    names = {
        ".".join(("axon", *path.relative_to(SOURCE).with_suffix("").parts)): path
        for path in SOURCE.rglob("*.py")
    }
    for path, _, module in imports():
        name = ".".join(("axon", *path.relative_to(SOURCE).with_suffix("").parts))
        target = module if module in names else f"{module}.__init__"
        if target in names:
            graph.setdefault(name, set()).add(target)
    state: dict[str, int] = {}

    def visit(name: str, trail: tuple[str, ...]) -> None:
        if state.get(name) == 2:
            return
        assert state.get(name) != 1, " -> ".join((*trail, name))
        state[name] = 1
        for target in sorted(graph.get(name, ())):
            if target != name:
                visit(target, (*trail, name))
        state[name] = 2

    for name in sorted(graph):
        visit(name, ())
    assert len(state) > 20


def test_the_table_names_every_room() -> None:
    rooms = {room_of(path) for path in SOURCE.rglob("*.py")} - {"__init__", "__main__"}
    assert rooms <= set(ROOMS)


def class_names() -> dict[str, list[str]]:
    """The modules that define each public class."""
    found: dict[str, list[str]] = {}
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                found.setdefault(node.name, []).append(str(path.relative_to(SOURCE)))
    return found


def test_public_class_names_are_unique() -> None:
    twice = {name: places for name, places in class_names().items() if len(places) > 1}
    assert not twice


def test_a_long_file_says_why() -> None:
    """Over 400 lines: the first docstring speaks of its lines."""
    wrong = []
    for path in sorted(SOURCE.rglob("*.py")):
        text = path.read_text()
        reason = ast.get_docstring(ast.parse(text)) or ""
        if text.count("\n") > 400 and not re.search(r"\blines\b", reason):
            wrong.append(str(path.relative_to(SOURCE)))
    assert not wrong
