"""What a start does about files that are damaged: mend them, or say what mends them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from axon.swarm.lab.nodeprocess import NodeProcess
from axon.swarm.lab.processes import STOP_LIMIT_S, NodeFailed, wait_until
from tests.process.conftest import GROWN_HEIGHT, Grown, Ledger, MakeNode, ledger_of

pytestmark = pytest.mark.process

SYNC_LIMIT_S: Final = 30.0

Harm = Callable[[Path], None]


def empty(file: Path) -> None:
    """Nothing is left of it."""
    file.write_bytes(b"")


def halve(file: Path) -> None:
    """Its second half is lost."""
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])


def flip(file: Path) -> None:
    """Some of its bits are turned around, from its beginning to its end."""
    content = bytearray(file.read_bytes())
    for place in range(len(content) // 20, len(content), max(1, len(content) // 10)):
        content[place] ^= 0x55
    file.write_bytes(content)


def scribble(file: Path) -> None:
    """It has become longer."""
    file.write_bytes(file.read_bytes() + b"\xff" * 100)


SLOW: Final = pytest.mark.slow
HARMS: Final = (empty, halve, flip, scribble)
SOME_HARMS: Final = (
    empty,
    flip,
    pytest.param(halve, marks=SLOW),
    pytest.param(scribble, marks=SLOW),
)


def harm_all(folder: Path, harm: Harm) -> None:
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    assert files
    for path in files:
        harm(path)


def assert_whole(node: NodeProcess, expected: Ledger) -> None:
    """The node has everything that it had."""
    assert ledger_of(node) == expected
    assert node.errors() == ""
    assert node.stop() == 0
    assert node.errors() == ""


@pytest.mark.parametrize("harm", SOME_HARMS)
def test_coins_and_filters_are_built_anew(
    grown_node: NodeProcess, grown: Grown, harm: Harm
) -> None:
    for name in ("coins", "filters"):
        harm_all(grown_node.network_folder / "indexes" / name, harm)
    grown_node.start()
    assert_whole(grown_node, grown.ledger)


@pytest.mark.slow
@pytest.mark.parametrize("harm", [*HARMS, Path.unlink])
@pytest.mark.parametrize("name", ["coins", "filters"])
@pytest.mark.parametrize("pattern", ["*.sst", "*.log", "CURRENT", "MANIFEST-*", "*.json", "OPT*"])
def test_any_file_of_coins_or_filters_may_be_damaged(
    grown_node: NodeProcess, grown: Grown, name: str, pattern: str, harm: Harm
) -> None:
    (file,) = (grown_node.network_folder / "indexes" / name).glob(pattern)
    harm(file)
    grown_node.start()
    assert_whole(grown_node, grown.ledger)


def test_damage_found_while_running_ends_the_node_and_the_next_start_mends_it(
    grown_node: NodeProcess, grown: Grown
) -> None:
    (file,) = (grown_node.network_folder / "indexes" / "coins").glob("*.sst")
    content = bytearray(file.read_bytes())
    place = content.index(bytes.fromhex(grown.coin)[::-1][8:])  # Keys share their beginnings.
    assert place > 4096, "a start reads only the first block of the file"
    content[place + 40] ^= 1
    file.write_bytes(content)
    grown_node.start(wait=False)
    wait_until(lambda: not grown_node.is_running, STOP_LIMIT_S, "it ends")
    (line,) = grown_node.errors().splitlines()
    assert line.startswith("Error: ")
    assert "damaged" in line
    assert "start again" in line
    indexes = grown_node.network_folder / "indexes"
    assert (indexes / "damaged").read_bytes() == b"coins"
    (indexes / "transactions").mkdir()  # As of an index that is switched off.
    whole = [indexes / name for name in ("filters", "transactions")]
    before = [folder.stat().st_ino for folder in whole]
    grown_node.start()
    assert [folder.stat().st_ino for folder in whole] == before
    assert_whole(grown_node, grown.ledger)


@pytest.mark.parametrize(("harmed", "whole"), [("coins", "filters"), ("filters", "coins")])
def test_what_is_whole_is_not_built_anew_with_what_is_damaged(
    grown_node: NodeProcess, grown: Grown, harmed: str, whole: str
) -> None:
    indexes = grown_node.network_folder / "indexes"
    harm_all(indexes / harmed, empty)
    before = (indexes / whole).stat().st_ino
    grown_node.start()
    assert (indexes / whole).stat().st_ino == before
    assert_whole(grown_node, grown.ledger)


@pytest.mark.parametrize("harm", SOME_HARMS)
def test_headers_come_from_the_kernel_and_small_files_are_set_aside(
    grown_node: NodeProcess, grown: Grown, harm: Harm
) -> None:
    folder = grown_node.network_folder
    harm(folder / "indexes" / "headers.dat")
    for name in ("mempool.dat", "peers.dat", "banlist.json"):
        harm(folder / name)
    (folder / "anchors.dat").write_bytes(b"\xff" * 50)
    grown_node.start()
    log = (folder / "debug.log").read_text()
    for name in ("peers.dat", "banlist.json", "anchors.dat"):
        assert f"{name} is damaged" in log
        assert (folder / f"{name}.damaged").exists()
    assert_whole(grown_node, grown.ledger)


@pytest.mark.parametrize(
    ("name", "way_out", "harm"),
    [
        ("chainstate", "-reindex-chainstate", flip),
        ("blocks/index", "-reindex", empty),
        pytest.param("chainstate", "-reindex-chainstate", empty, marks=SLOW),
        pytest.param("blocks/index", "-reindex", flip, marks=SLOW),
    ],
)
def test_the_kernels_databases_name_the_way_out_and_it_works(
    grown_node: NodeProcess, grown: Grown, name: str, way_out: str, harm: Harm
) -> None:
    harm_all(grown_node.network_folder / name, harm)
    with pytest.raises(NodeFailed):
        grown_node.start()
    (line,) = grown_node.errors().splitlines()
    assert line.startswith("Error: ")
    assert f"{way_out};" in line or f"{way_out}." in line
    grown_node.start(way_out)
    assert_whole(grown_node, grown.ledger)


def test_a_lost_block_file_names_the_way_out_and_it_works(
    grown_node: NodeProcess, grown: Grown, make_node: MakeNode
) -> None:
    (grown_node.network_folder / "blocks" / "blk00000.dat").unlink()
    with pytest.raises(NodeFailed):
        grown_node.start()
    (line,) = grown_node.errors().splitlines()
    assert line.startswith("Error: ")
    assert "-reindex. No block can be read from the block files: all are fetched" in line
    grown_node.start("-reindex")
    assert grown_node.height() == 0
    peer = make_node("peer")
    shutil.copytree(grown.folder, peer.folder)
    grown_node.connect(peer.start())
    wait_until(lambda: grown_node.tip() == grown.ledger.tip, SYNC_LIMIT_S, "all is fetched again")
    assert_whole(grown_node, grown.ledger)


@pytest.mark.parametrize("harm", [Path.unlink, empty, flip, scribble])
def test_the_mask_of_the_block_files_is_mended(
    grown_node: NodeProcess, grown: Grown, harm: Harm
) -> None:
    harm(grown_node.network_folder / "blocks" / "xor.dat")
    grown_node.start()
    assert_whole(grown_node, grown.ledger)


def test_lost_undo_data_loses_no_block(grown_node: NodeProcess, grown: Grown) -> None:
    (grown_node.network_folder / "blocks" / "rev00000.dat").unlink()
    with pytest.raises(NodeFailed):
        grown_node.start()
    assert f"-reindex. Blocks up to height {GROWN_HEIGHT} are read" in grown_node.errors()
    grown_node.start("-reindex")
    assert_whole(grown_node, grown.ledger)


def test_only_what_programs_keep_is_enough(grown_node: NodeProcess, grown: Grown) -> None:
    kept = ("blocks", "chainstate", "indexes")
    for path in sorted(grown_node.network_folder.iterdir()):
        if path.name not in kept:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    grown_node.start()
    assert_whole(grown_node, grown.ledger)


@pytest.mark.parametrize("option", ["-reindex", "-reindex-chainstate"])
def test_all_can_be_built_anew(grown_node: NodeProcess, grown: Grown, option: str) -> None:
    grown_node.start(option)
    assert grown_node.height() == GROWN_HEIGHT
    assert_whole(grown_node, grown.ledger)
    grown_node.start()
    assert_whole(grown_node, grown.ledger)
