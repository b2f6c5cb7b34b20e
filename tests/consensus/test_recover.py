"""The killed processes are real ones; nothing sleeps, a child dies while it feeds blocks."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from pathlib import Path
from typing import IO

import pytest

from axon.consensus.blockfiles import BlockFiles
from axon.consensus.kernel import Kernel
from axon.consensus.recover import ENOUGH_KNOWN, forgotten, reindex_height
from axon.primitives.block import Block
from axon.primitives.hashes import BlockHash
from axon.primitives.header import Header
from axon.primitives.network import REGTEST
from tests.consensus.chains import GENESIS, GENESIS_SPOT, block_on, chain_on, coinbase, spot_of

FEEDER = """
import sys
from pathlib import Path
from axon.consensus.kernel import Kernel
from axon.primitives.network import REGTEST

folder, source, start = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
data, blocks = source.read_bytes(), []
while data:
    size = int.from_bytes(data[:4], "little")
    blocks.append(data[4 : 4 + size])
    data = data[4 + size :]
recovering = True


def heard(line: str) -> None:
    if recovering and line.startswith(("UpdateTip", "Reindexing")):
        print("recovered", line, flush=True)


kernel = Kernel(REGTEST, folder, threads=0, on_log=heard, reindex="reindex" in sys.argv)
recovering = False
print(kernel.tip()[1], flush=True)
for position in range(start, len(blocks)):
    kernel.process_block(blocks[position])
    print(position, flush=True)
"""


class Feeder:
    """A process that feeds blocks to a kernel on disk and acknowledges each on its output."""

    def __init__(self, folder: Path, blocks: list[Block]) -> None:
        self._folder = folder
        self._source = folder.with_suffix(".blocks")
        self._source.write_bytes(
            b"".join(len(block.raw).to_bytes(4, "little") + block.raw for block in blocks)
        )
        self.acknowledged = -1

    def run(self, blocks: int) -> int:
        """Feed so many blocks, then be killed; the height at which it had begun."""
        child, output = self._start()
        line = output.readline()
        while line.startswith(b"recovered"):
            line = output.readline()
        begun = int(line)
        for _ in range(blocks):
            self.acknowledged = int(output.readline())
        child.kill()
        for line in output:  # What it did before the signal reached it.
            if line.endswith(b"\n"):
                self.acknowledged = int(line)
        child.wait()
        output.close()
        return begun

    def die_recovering(self, steps: int, *options: str) -> None:
        """Start and be killed when so many steps of recovery have been taken."""
        child, output = self._start(*options)
        for _ in range(steps):
            assert output.readline().startswith(b"recovered")
        child.kill()
        child.wait()
        output.close()

    def _start(self, *options: str) -> tuple[subprocess.Popen[bytes], IO[bytes]]:
        arguments = [str(self._folder), str(self._source), str(self.acknowledged + 1), *options]
        child = subprocess.Popen(
            [sys.executable, "-c", FEEDER, *arguments],
            env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2] / "src")},
            stdout=subprocess.PIPE,
        )
        assert child.stdout is not None
        return child, child.stdout


def killed_after(folder: Path, blocks: list[Block]) -> None:
    feeder = Feeder(folder, blocks)
    feeder.run(len(blocks))


@pytest.mark.parametrize("seed", [1, 2])
def test_nothing_acknowledged_is_lost_by_kills(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    folder, blocks = tmp_path / "node", chain_on(GENESIS_SPOT, 600)
    feeder = Feeder(folder, blocks)
    for _ in range(3):
        done = feeder.acknowledged + 1
        assert feeder.run(rng.randrange(1, 150)) >= done
    lines: list[str] = []
    kernel = Kernel(REGTEST, folder, threads=0, on_log=lines.append)
    height = kernel.tip()[1]
    assert height >= feeder.acknowledged + 1
    assert any(line.startswith("Recovering ") for line in lines)
    assert [kernel.read_block(block.hash) for block in blocks[:height]] == [
        block.raw for block in blocks[:height]
    ]
    assert kernel.read_spent(blocks[height - 1].hash) == [[]]
    kernel.close()
    assert stored(folder, blocks)[: height + 1] == list(range(height + 1))


def stored(folder: Path, blocks: list[Block]) -> list[int]:
    """The heights of the blocks in the first file, each once; the last may have been torn."""
    heights = {block.hash: height for height, block in enumerate((GENESIS, *blocks))}
    found = [
        heights.get(each.hash) for each in BlockFiles(folder / "blocks", REGTEST.magic).records(0)
    ]
    if found[-1] is None:
        found.pop()
    whole = [height for height in found if height is not None]
    assert len(whole) == len(found) == len(set(whole))
    return whole


def test_a_recovery_may_be_killed_as_well(tmp_path: Path) -> None:
    folder, blocks = tmp_path / "node", chain_on(GENESIS_SPOT, 400)
    feeder = Feeder(folder, blocks)
    feeder.run(150)
    for recovered in (1, 70, 140):
        feeder.die_recovering(recovered)
    done = feeder.acknowledged + 1
    assert feeder.run(5) >= done >= 150


@pytest.mark.parametrize("steps", [1, 2, 50])
def test_a_reindex_may_be_killed(tmp_path: Path, steps: int) -> None:
    folder, blocks = tmp_path / "node", chain_on(GENESIS_SPOT, 100)
    feeder = Feeder(folder, blocks)
    feeder.run(100)
    feeder.die_recovering(steps, "reindex")
    kernel = Kernel(REGTEST, folder, threads=0)
    assert kernel.tip() == (blocks[-1].hash, 100)
    assert [kernel.read_block(block.hash) for block in blocks] == [block.raw for block in blocks]
    kernel.close()


def test_branches_and_refused_blocks_are_recovered_too(tmp_path: Path) -> None:
    trunk = chain_on(GENESIS_SPOT, 3)
    spot = spot_of(trunk[-1], 3)
    bad = block_on(spot, base=coinbase(4, fees_sat=1))
    old, new = chain_on(spot, 2, tag=1), chain_on(spot, 3, tag=2)
    killed_after(tmp_path / "node", [*trunk, bad, *old, *new])
    kernel = Kernel(REGTEST, tmp_path / "node", threads=0)
    assert kernel.tip() == (new[-1].hash, 6)
    assert kernel.read_block(old[1].hash) == old[1].raw
    assert kernel.read_spent(old[1].hash) == [[]]
    result = kernel.process_block(bad.raw)
    assert result.invalid[0][0] == bad.hash
    kernel.close()


def test_a_clean_start_feeds_nothing(tmp_path: Path) -> None:
    kernel = Kernel(REGTEST, tmp_path, threads=0)
    blocks = chain_on(GENESIS_SPOT, 20)
    for block in [*blocks, *chain_on(GENESIS_SPOT, 3, tag=1)]:  # A branch that lost is known, too.
        kernel.process_block(block.raw)
    kernel.close()
    lines: list[str] = []
    kernel = Kernel(REGTEST, tmp_path, threads=0, on_log=lines.append)
    assert kernel.tip()[1] == 20
    assert not any("UpdateTip" in line or "Recovering" in line for line in lines)
    kernel.close()


def record(raw: bytes) -> bytes:
    return REGTEST.magic + len(raw).to_bytes(4, "little") + raw


def with_tail(folder: Path, stored: list[Block], tail: bytes) -> Path:
    """A folder of a kernel that knows `stored`, with other bytes behind them in its file."""
    kernel = Kernel(REGTEST, folder, threads=0)
    for block in stored:
        kernel.process_block(block.raw)
    kernel.close()
    path = folder / "blocks" / "blk00000.dat"
    end = len(b"".join(record(block.raw) for block in [GENESIS, *stored]))
    with path.open("r+b") as file:
        file.seek(end)
        file.write(tail)
    return folder


def test_children_stored_before_their_parents_are_taken_in(tmp_path: Path) -> None:
    blocks = chain_on(GENESIS_SPOT, 12)
    late = [blocks[place] for place in (9, 6, 7, 11, 5, 10, 8, 4)]
    with_tail(tmp_path, blocks[:4], b"".join(record(block.raw) for block in late))
    kernel = Kernel(REGTEST, tmp_path, threads=0)
    assert kernel.tip() == (blocks[-1].hash, 12)
    assert [kernel.read_block(block.hash) for block in blocks] == [block.raw for block in blocks]
    kernel.close()


def test_the_places_of_recovered_blocks_are_known(tmp_path: Path) -> None:
    blocks = chain_on(GENESIS_SPOT, 8)
    with_tail(tmp_path, blocks[:4], b"".join(record(block.raw) for block in blocks[4:7]))
    kernel = Kernel(REGTEST, tmp_path, threads=0)
    kernel.process_block(blocks[7].raw)
    assert set(kernel.places._new) >= {block.hash for block in blocks}
    kernel.close()


def test_an_orphan_in_the_file_is_skipped(tmp_path: Path) -> None:
    blocks = chain_on(GENESIS_SPOT, 6)
    tail = [blocks[5], blocks[2]]  # The parent of the first is nowhere.
    with_tail(tmp_path, blocks[:2], b"".join(record(block.raw) for block in tail))
    kernel = Kernel(REGTEST, tmp_path, threads=0)
    assert kernel.tip() == (blocks[2].hash, 3)
    assert kernel.read_block(blocks[5].hash) is None
    # Now it writes elsewhere than the scan said; reading must still be right.
    for block in blocks[3:]:
        assert kernel.process_block(block.raw).connected == (block.hash,)
    assert [kernel.read_block(block.hash) for block in blocks] == [block.raw for block in blocks]
    kernel.close()


@pytest.mark.parametrize("junk", [b"\xff" * 50, REGTEST.magic + b"\xff" * 50])
def test_junk_behind_the_last_block_is_harmless(tmp_path: Path, junk: bytes) -> None:
    blocks = chain_on(GENESIS_SPOT, 4)
    with_tail(tmp_path, blocks[:2], junk + record(blocks[2].raw))
    kernel = Kernel(REGTEST, tmp_path, threads=0)
    assert kernel.tip() == (blocks[2].hash, 3)
    kernel.process_block(blocks[3].raw)
    assert [kernel.read_block(block.hash) for block in blocks] == [block.raw for block in blocks]
    kernel.close()


@pytest.mark.parametrize("kept", [8, 50, 150])
def test_a_block_torn_by_the_kill_is_written_again_in_its_place(tmp_path: Path, kept: int) -> None:
    blocks = chain_on(GENESIS_SPOT, 4)
    whole = record(blocks[2].raw)
    with_tail(tmp_path, blocks[:2], whole[:kept] + bytes(len(whole) - kept))
    kernel = Kernel(REGTEST, tmp_path, threads=0)
    assert kernel.tip() == (blocks[1].hash, 2)
    for block in blocks[2:]:
        kernel.process_block(block.raw)
    assert kernel.tip() == (blocks[3].hash, 4)
    kernel.close()
    assert stored(tmp_path, blocks) == [0, 1, 2, 3, 4]


def test_a_copied_folder_opens_elsewhere(tmp_path: Path) -> None:
    blocks = chain_on(GENESIS_SPOT, 30)
    killed_after(tmp_path / "a", blocks)
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    kernel = Kernel(REGTEST, tmp_path / "b", threads=0)
    assert kernel.tip()[1] == 30
    kernel.close()


def test_the_search_goes_back_as_far_as_needed(tmp_path: Path) -> None:
    blocks = chain_on(GENESIS_SPOT, 40)
    for number, start in enumerate(range(0, 40, 10)):
        data = b"".join(record(block.raw) for block in blocks[start : start + 10])
        (tmp_path / f"blk{number:05}.dat").write_bytes(data)
    files = BlockFiles(tmp_path, REGTEST.magic)
    asked: list[BlockHash] = []

    def lost_behind(known: int) -> list[BlockHash]:
        asked.clear()

        def has(block_hash: BlockHash) -> bool:
            asked.append(block_hash)
            return block_hash in {block.hash for block in blocks[:known]}

        return [Header(found.header).hash for found in forgotten(files, has)]

    assert lost_behind(40) == []
    assert len(asked) == 10  # The last file alone.
    assert lost_behind(33) == [block.hash for block in blocks[33:]]
    assert lost_behind(25) == [block.hash for block in blocks[25:]]
    assert lost_behind(0) == [block.hash for block in blocks]
    assert ENOUGH_KNOWN > 10


def test_a_reindex_comes_as_far_as_the_first_gap(tmp_path: Path) -> None:
    blocks = chain_on(GENESIS_SPOT, 40)
    files = BlockFiles(tmp_path, REGTEST.magic)
    assert reindex_height(files, GENESIS.hash) == 0
    order = [*range(10), 12, 11, 10, *range(13, 40)]  # As they come in the first sync.
    for number, start in enumerate(range(0, 40, 10)):
        data = b"".join(record(blocks[place].raw) for place in order[start : start + 10])
        (tmp_path / f"blk{number:05}.dat").write_bytes(record(GENESIS.raw) * (not number) + data)
    assert reindex_height(files, GENESIS.hash) == 40
    damaged = bytearray((tmp_path / "blk00002.dat").read_bytes())
    damaged[:4] = bytes(4)
    (tmp_path / "blk00002.dat").write_bytes(damaged)
    assert reindex_height(files, GENESIS.hash) == 20
    (tmp_path / "blk00000.dat").unlink()
    assert reindex_height(files, GENESIS.hash) == 0
