from __future__ import annotations

import ctypes
import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from axon.chain.coins import Coin
from axon.consensus import blockplaces, kernel_log, kernel_read, library
from axon.consensus import kernel as kernel_module
from axon.consensus.kernel import MAX_THREADS, Kernel, default_threads
from axon.consensus.kernel_log import KernelCall
from axon.consensus.kernel_open import Opening, _explain
from axon.consensus.library import KernelError
from axon.consensus.validator import ValidationResult
from axon.primitives.block import Block
from axon.primitives.hashes import BlockHash
from axon.primitives.network import NETWORKS, REGTEST
from axon.primitives.transaction import Transaction, TxIn
from axon.primitives.verdict import Accepted, Rejected
from tests.consensus.chains import (
    ANYONE,
    GENESIS,
    GENESIS_SPOT,
    Spot,
    block_on,
    chain_on,
    coinbase,
    mine,
    spend,
    spot_of,
)

OVERPAY = coinbase(2, fees_sat=1)


@pytest.fixture
def kernel() -> Iterator[Kernel]:
    kernel = Kernel(REGTEST, threads=0)
    yield kernel
    kernel.close()


def feed(kernel: Kernel, blocks: list[Block]) -> list[ValidationResult]:
    return [kernel.process_block(block.raw) for block in blocks]


def test_a_chain_connects_block_by_block(kernel: Kernel) -> None:
    blocks = chain_on(GENESIS_SPOT, 3)
    for block in blocks:
        assert kernel.process_block(block.raw) == ValidationResult(
            Accepted(), (block.hash,), new=True
        )
    assert kernel.tip() == (blocks[-1].hash, 3)
    assert [kernel.hash_at(height) for height in (-1, 0, 2, 4)] == [
        None,
        GENESIS.hash,
        blocks[1].hash,
        None,
    ]
    assert kernel.height_of(blocks[1].hash) == 2
    assert kernel.height_of(BlockHash(bytes(32))) is None
    assert kernel.header(blocks[1].hash) == blocks[1].header.raw
    assert kernel.header(BlockHash(bytes(32))) is None
    assert kernel.headers(1, 9) == [block.header.raw for block in blocks]
    assert kernel.read_block(blocks[2].hash) == blocks[2].raw
    assert kernel.read_block(GENESIS.hash) == GENESIS.raw
    assert kernel.read_block(BlockHash(bytes(32))) is None


def test_a_known_block_is_not_new(kernel: Kernel) -> None:
    (block,) = chain_on(GENESIS_SPOT, 1)
    feed(kernel, [block])
    assert kernel.process_block(block.raw) == ValidationResult(Accepted())


def test_a_reorganisation_tells_both_branches(kernel: Kernel) -> None:
    old, new = chain_on(GENESIS_SPOT, 2), chain_on(GENESIS_SPOT, 3, tag=1)
    feed(kernel, [*old, *new[:2]])
    assert kernel.tip()[0] == old[1].hash  # The first seen wins among equals.
    assert kernel.process_block(new[2].raw) == ValidationResult(
        Accepted(),
        connected=tuple(block.hash for block in new),
        disconnected=(old[1].hash, old[0].hash),
        new=True,
    )
    assert not kernel.is_active(old[0].hash)
    assert kernel.is_active(new[0].hash)
    assert kernel.read_block(old[0].hash) == old[0].raw


def test_a_filled_gap_connects_all_that_waited(kernel: Kernel) -> None:
    blocks = chain_on(GENESIS_SPOT, 3)
    for block in blocks:
        assert kernel.process_header(block.header.raw) == Accepted()
    assert kernel.height_of(blocks[2].hash) == 3
    assert kernel.tip()[1] == 0
    assert feed(kernel, [blocks[2], blocks[1]]) == [ValidationResult(Accepted(), new=True)] * 2
    connected = kernel.process_block(blocks[0].raw).connected
    assert connected == tuple(block.hash for block in blocks)


def test_a_refusal_has_a_reason_and_is_remembered(kernel: Kernel) -> None:
    first = chain_on(GENESIS_SPOT, 1)
    feed(kernel, first)
    bad = block_on(spot_of(first[0], 1), base=OVERPAY)
    why = Rejected(
        "bad-cb-amount", "coinbase pays too much (actual=5000000001 vs limit=5000000000)"
    )
    assert kernel.process_block(bad.raw) == ValidationResult(
        why, new=True, invalid=((bad.hash, why),)
    )
    again = kernel.process_block(bad.raw)
    assert isinstance(again.verdict, Rejected)
    assert again.verdict.reason == "duplicate-invalid"
    assert [block_hash for block_hash, _ in again.invalid] == [bad.hash]
    child = block_on(spot_of(bad, 2))
    assert kernel.process_block(child.raw) == ValidationResult(Rejected("bad-prevblk"))
    assert kernel.process_header(child.header.raw) == Rejected("bad-prevblk")
    verdict = kernel.process_header(bad.header.raw)
    assert verdict == again.verdict


def test_a_branch_that_turns_out_invalid_names_the_culprit(kernel: Kernel) -> None:
    old = chain_on(GENESIS_SPOT, 2)
    fork = chain_on(GENESIS_SPOT, 1, tag=1)
    bad = block_on(spot_of(fork[0], 1), base=OVERPAY)
    tip = block_on(spot_of(bad, 2))
    feed(kernel, [*old, *fork, bad])
    result = kernel.process_block(tip.raw)
    assert result.verdict == Rejected("bad-prevblk")
    assert [block_hash for block_hash, _ in result.invalid] == [bad.hash]
    assert (result.connected, result.disconnected) == ((), ())
    assert kernel.tip() == (old[1].hash, 2)


def test_forged_bytes_are_not_held_against_the_header(kernel: Kernel) -> None:
    (good,) = chain_on(GENESIS_SPOT, 1)
    kernel.process_header(good.header.raw)
    forged = Block.build(good.header, [coinbase(1, tag=9)])
    result = kernel.process_block(forged.raw)
    assert result.verdict == Rejected("bad-txnmrklroot", "hashMerkleRoot mismatch")
    assert result.invalid == ()
    assert kernel.process_block(good.raw).verdict == Accepted()


def test_a_block_too_early_may_come_again(kernel: Kernel) -> None:
    early = block_on(GENESIS_SPOT, time=int(time.time()) + 8000)
    result = kernel.process_block(early.raw)
    assert isinstance(result.verdict, Rejected)
    assert result.verdict.reason == "time-too-new"
    assert result.invalid == ()
    verdict = kernel.process_header(early.header.raw)
    assert verdict == result.verdict


def test_headers_are_refused_with_their_reasons(kernel: Kernel) -> None:
    orphan = block_on(Spot(BlockHash(b"\1" * 32), 5, GENESIS_SPOT.time))
    old = block_on(GENESIS_SPOT, time=GENESIS.header.time)
    easy = mine(GENESIS.hash, [coinbase(1)], GENESIS_SPOT.time, bits=0x207F_FFFE)
    version = mine(GENESIS.hash, [coinbase(1)], GENESIS_SPOT.time, version=1)
    cases = {
        orphan.header.raw: "prev-blk-not-found",
        old.header.raw: "time-too-old",
        easy.header.raw: "bad-diffbits",
        version.header.raw: "bad-version(0x00000001)",
        bytes(80): "high-hash",
        bytes(79): "bad-header-encoding",
    }
    for raw, reason in cases.items():
        verdict = kernel.process_header(raw)
        assert isinstance(verdict, Rejected)
        assert verdict.reason == reason


def test_bytes_that_are_no_block_are_refused(kernel: Kernel) -> None:
    refused = ValidationResult(Rejected("bad-block-encoding", "Block decode failed"))
    for raw in (b"", bytes(79), GENESIS.raw[:-1]):
        assert kernel.process_block(raw) == refused


def test_spent_coins_come_back(kernel: Kernel) -> None:
    blocks = chain_on(GENESIS_SPOT, 101)
    feed(kernel, blocks)
    first = spend([(blocks[0].transactions[0], 0)], outputs=2)
    second = spend([(first, 0), (first, 1)])
    block = block_on(spot_of(blocks[-1], 101), [first, second], fees_sat=2000)
    assert kernel.process_block(block.raw).verdict == Accepted()
    made = [Coin(102, False, output.amount_sat, ANYONE) for output in first.outputs]
    assert kernel.read_spent(block.hash) == [[], [Coin(1, True, 5_000_000_000, ANYONE)], made]
    assert kernel.read_spent_sums(block.hash) == [
        sum(coin.amount_sat for coin in coins) for coins in kernel.read_spent(block.hash) or []
    ]
    assert kernel.read_spent(GENESIS.hash) == [[]]
    assert kernel.read_spent_sums(GENESIS.hash) == [0]
    waiting = block_on(spot_of(blocks[50], 51), tag=3)
    feed(kernel, [waiting])
    assert kernel.read_spent(waiting.hash) is None
    assert kernel.read_spent_sums(waiting.hash) is None
    assert kernel.read_spent(BlockHash(bytes(32))) is None


@pytest.mark.parametrize("key", [bytes(8), bytes.fromhex("79616e78872a9322")])
def test_both_ways_of_reading_agree_in_any_folder(tmp_path: Path, key: bytes) -> None:
    (tmp_path / "blocks").mkdir()
    (tmp_path / "blocks" / "xor.dat").write_bytes(key)
    blocks = chain_on(GENESIS_SPOT, 20)
    for some in (blocks[:10], blocks[10:]):
        kernel = Kernel(REGTEST, tmp_path, threads=0)
        feed(kernel, some)
        told = [kernel.read_block(block.hash) for block in some]
        assert len(kernel.places._new) >= 10
        kernel.places._new.clear()
        assert told == [kernel.read_block(block.hash) for block in some]
        assert told == [block.raw for block in some]
        kernel.close()


@pytest.mark.parametrize("key", [bytes(8), bytes.fromhex("79616e78872a9322")])
def test_old_blocks_are_not_read_to_count_their_transactions(
    tmp_path: Path, key: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where they lie is known; without that a question for 2,000 headers reads 2,000 blocks."""
    (tmp_path / "blocks").mkdir()
    (tmp_path / "blocks" / "xor.dat").write_bytes(key)
    blocks = chain_on(GENESIS_SPOT, 20)
    kernel = Kernel(REGTEST, tmp_path, threads=0)
    feed(kernel, blocks)
    kernel.places._new.clear()
    named = [REGTEST.genesis, *blocks]
    with monkeypatch.context() as patched:
        patched.setattr(kernel, "read_block", lambda _: None)
        counts = [kernel.transaction_count(block.hash) for block in named]
    assert counts == [len(block.transactions) for block in named]
    # A library that keeps other things there is not believed: the block itself is read.
    monkeypatch.setattr(kernel_read, "_Location", _Elsewhere)
    assert [kernel.transaction_count(block.hash) for block in named] == counts
    kernel.close()


class _Elsewhere(ctypes.Structure):
    """A height that is right, and a place where another block lies."""

    _fields_ = (("pointers", ctypes.c_void_p * 3), ("height", ctypes.c_int))
    file, offset = 0, 8


def test_a_closed_kernel_says_so(kernel: Kernel) -> None:
    kernel.close()
    with pytest.raises(KernelError, match="closed"):
        kernel.tip()
    kernel.close()


def test_state_survives_closing(tmp_path: Path) -> None:
    blocks = chain_on(GENESIS_SPOT, 5)
    kernel = Kernel(REGTEST, tmp_path / "data", tmp_path / "elsewhere", threads=0)
    feed(kernel, blocks)
    kernel.close()
    assert (tmp_path / "elsewhere" / "blk00000.dat").exists()
    lines: list[str] = []
    kernel = Kernel(
        REGTEST, tmp_path / "data", tmp_path / "elsewhere", threads=0, on_log=lines.append
    )
    assert kernel.tip() == (blocks[-1].hash, 5)
    kernel.close()
    assert "Opened LevelDB successfully" in lines
    assert not any("Recovering" in line for line in lines)


def test_an_opening_may_be_broken_off(tmp_path: Path) -> None:
    blocks = chain_on(GENESIS_SPOT, 5)
    kernel = Kernel(REGTEST, tmp_path, threads=0)
    feed(kernel, blocks)
    kernel.close()
    opening = Opening()
    opening.break_off()
    for reindex in (False, True):
        with pytest.raises(KernelError):
            Kernel(REGTEST, tmp_path, threads=0, reindex=reindex, opening=opening)
    kernel = Kernel(REGTEST, tmp_path, threads=0, reindex=True, opening=Opening())
    assert kernel.tip() == (blocks[-1].hash, 5)
    kernel.close()


def test_a_folder_in_use_is_refused(tmp_path: Path) -> None:
    kernel = Kernel(REGTEST, tmp_path, threads=0)
    with pytest.raises(KernelError, match="Cannot obtain a lock"):
        Kernel(REGTEST, tmp_path, threads=0)
    child = (
        "import sys; from pathlib import Path; from axon.consensus.kernel import Kernel\n"
        "from axon.primitives.network import REGTEST\n"
        "try: Kernel(REGTEST, Path(sys.argv[1]))\n"
        "except Exception as error: print(error)\n"
    )
    source = str(Path(__file__).parents[2] / "src")
    done = subprocess.run(
        [sys.executable, "-c", child, str(tmp_path)],
        env=os.environ | {"PYTHONPATH": source},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("Cannot obtain a lock on ")
    assert done.stderr == ""
    kernel.close()


@pytest.mark.parametrize(
    ("victim", "way_out"),
    [("chainstate", "-reindex-chainstate"), ("blocks/index", "-reindex")],
)
def test_a_damaged_database_names_the_way_out(tmp_path: Path, victim: str, way_out: str) -> None:
    blocks = chain_on(GENESIS_SPOT, 30)
    kernel = Kernel(REGTEST, tmp_path, threads=0)
    feed(kernel, blocks)
    kernel.close()
    for path in (tmp_path / victim).glob("MANIFEST*"):
        path.write_bytes(bytes(path.stat().st_size))
    with pytest.raises(KernelError, match=f"start once with {way_out}") as caught:
        Kernel(REGTEST, tmp_path, threads=0)
    assert "\n" not in str(caught.value)
    if way_out == "-reindex":
        assert "Blocks up to height 30 are read from the block files again" in str(caught.value)
    kernel = Kernel(
        REGTEST,
        tmp_path,
        threads=0,
        reindex=way_out == "-reindex",
        reindex_chainstate=way_out == "-reindex-chainstate",
    )
    assert kernel.tip() == (blocks[-1].hash, 30)
    kernel.close()


def test_twenty_kernels_in_threads_keep_their_reasons_apart() -> None:
    def run(number: int) -> list[ValidationResult]:
        kernel = Kernel(REGTEST, threads=0)
        blocks = chain_on(GENESIS_SPOT, 10, tag=number)
        results = feed(kernel, blocks)
        spot = spot_of(blocks[-1], 10)
        bad = block_on(spot, base=coinbase(11, tag=number, fees_sat=number + 1))
        results.append(kernel.process_block(bad.raw))
        assert kernel.tip() == (spot.hash, 10)
        kernel.close()
        return results

    with ThreadPoolExecutor(4) as pool:
        for number, results in enumerate(pool.map(run, range(20))):
            assert all(item.verdict == Accepted() for item in results[:-1])
            refused = results[-1].verdict
            assert isinstance(refused, Rejected)
            assert f"actual={5_000_000_001 + number} vs" in refused.detail


def test_one_kernel_serves_several_threads(kernel: Kernel) -> None:
    blocks = chain_on(GENESIS_SPOT, 40)
    feed(kernel, blocks)
    more = chain_on(spot_of(blocks[-1], 40), 60)

    def read(_: int) -> bool:
        return all(kernel.read_block(block.hash) == block.raw for block in blocks)

    with ThreadPoolExecutor(4) as pool:
        reading = pool.map(read, range(6))
        assert all(item.connected for item in feed(kernel, more))
        assert all(reading)


def test_nothing_is_leaked_by_thousands_of_calls(kernel: Kernel) -> None:
    blocks = chain_on(GENESIS_SPOT, 101)
    feed(kernel, blocks)
    spot = spot_of(blocks[-1], 101)
    padding = Transaction.build(
        2,
        [TxIn(spend([(blocks[0].transactions[0], 0)]).prevouts[0], b"", 0, (bytes(50_000),))],
        [blocks[0].transactions[0].outputs[0]],
    )
    refused = mine(spot.hash, [coinbase(102), padding], spot.time + 1)  # 50 kB, no commitment.

    def work(times: int) -> None:
        for _ in range(times):
            kernel.process_block(refused.raw)
            kernel._read_from_kernel(blocks[5].hash)
            kernel.read_spent(blocks[5].hash)
            kernel.process_header(blocks[5].header.raw)

    work(100)
    before = resident_bytes()
    work(500)
    assert resident_bytes() - before < 8_000_000  # 25 MB if one block of them were kept.


def resident_bytes() -> int:
    if not Path("/proc/self/statm").exists():
        pytest.skip("memory is read from /proc")
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_every_network_begins_with_its_genesis_block(name: str) -> None:
    kernel = Kernel(NETWORKS[name], threads=0)
    genesis = NETWORKS[name].genesis
    assert kernel.tip() == (genesis.hash, 0)
    assert kernel.read_block(genesis.hash) == genesis.raw
    kernel.close()


# What the library does when it fails: it is made to, where a real failure cannot be had.


def test_a_disk_that_refuses_is_no_verdict(tmp_path: Path) -> None:
    kernel = Kernel(REGTEST, tmp_path, threads=0)
    first, second = chain_on(GENESIS_SPOT, 2)
    feed(kernel, [first])
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))  # No file takes a byte any more.
    try:
        with pytest.raises(KernelError, match="Validation stopped"):
            kernel.process_block(second.raw)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert kernel.tip() == (first.hash, 1)
    kernel.close()


def fail(text: bytes) -> None:
    """The library says that something fatal has happened."""
    buffer = ctypes.create_string_buffer(text)
    kernel_log._on_failure(None, ctypes.addressof(buffer), len(text))


def failing(result: int) -> Callable[..., int]:
    def call(*_: object) -> int:
        fail(b"no space left")
        return result

    return call


def test_a_failure_is_no_verdict_whatever_the_library_answers(
    kernel: Kernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    (block,) = chain_on(GENESIS_SPOT, 1)
    for result in (0, -1):
        with monkeypatch.context() as patch:
            patch.setattr(library, "manager_process_block", failing(result))
            patch.setattr(library, "manager_process_header", failing(result))
            with pytest.raises(KernelError, match=r"^Validation stopped: no space left\.$"):
                kernel.process_block(block.raw)
            with pytest.raises(KernelError, match=r"^Validation stopped: no space left\.$"):
                kernel.process_header(block.header.raw)
    assert feed(kernel, [block])[0].connected == (block.hash,)


def test_a_refusal_without_a_reason_is_none(
    kernel: Kernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    (block,) = chain_on(GENESIS_SPOT, 1)
    monkeypatch.setattr(library, "manager_process_block", lambda *_: -1)
    with pytest.raises(KernelError, match="no reason given"):
        kernel.process_block(block.raw)
    monkeypatch.setattr(library, "manager_process_header", lambda *_: -1)
    assert kernel.process_header(block.header.raw) == Rejected("bad-header")


def test_what_cannot_be_written_at_the_end_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = Kernel(REGTEST, threads=0)
    real = library.manager_destroy

    def destroy(manager: int) -> None:
        fail(b"no space left")
        real(manager)

    monkeypatch.setattr(library, "manager_destroy", destroy)
    with pytest.raises(KernelError, match=r"^Closing failed: no space left\.$"):
        kernel.close()
    assert kernel._temporary is not None
    assert not Path(kernel._temporary.name).exists()


def test_a_block_that_the_library_cannot_write_out(
    kernel: Kernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library, "block_to_bytes", lambda *_: 1)
    kernel.places._new.clear()
    with pytest.raises(KernelError, match="cannot write out"):
        kernel.read_block(GENESIS.hash)


def test_failures_of_the_disk_are_listened_for() -> None:
    callbacks = kernel_log.notification_callbacks(None)
    assert callbacks.flush_error
    assert callbacks.fatal_error


def test_a_block_that_could_not_be_checked_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("block_release", "hash_destroy"):
        monkeypatch.setattr(library, name, lambda _: None)
    monkeypatch.setattr(library, "block_get_hash", lambda _: 0)
    monkeypatch.setattr(kernel_log, "read_hash", lambda _: GENESIS.hash)
    for mode, failures, invalid in ((0, 0, 0), (1, 0, 1), (2, 1, 0)):
        monkeypatch.setattr(library, "state_mode", lambda _, mode=mode: mode)
        with KernelCall(None) as call:
            kernel_log._on_checked(None, 0, 0)
        assert (len(call.failures), len(call.invalid)) == (failures, invalid)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("Cannot lock: Resource temporarily unavailable", "Cannot obtain a lock on"),
        ("IO error: lock x: already held by process", "Cannot obtain a lock on"),
        ("The block database contains a block which appears to be from the future.", "clock right"),
        ("Please restart with -reindex-chainstate to recover.", "once with -reindex-chainstate."),
        ("Error opening coins database.", "start once with -reindex-chainstate."),
        ("Corruption: bad record", "start once with -reindex."),
        ("You need to rebuild the database using -reindex", "start once with -reindex."),
        ("Error loading block database", "start once with -reindex."),
        ("Fatal LevelDB error", "start once with -reindex."),
        ("Prune: last wallet synchronisation", "libbitcoinkernel cannot open"),
    ],
)
def test_what_a_person_is_told(said: str, told: str) -> None:
    call = KernelCall(None)
    call.received_line(f"[all:error] {said}\n".encode())
    assert told in _explain(call, Path("data"), Path("blocks"))


def test_an_import_that_fails_is_no_opening(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "manager_import_blocks", lambda *_: -1)
    with pytest.raises(KernelError, match="cannot open"):
        Kernel(REGTEST, threads=0)


def test_a_failed_opening_lets_the_folder_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(kernel_module, "recover", fails)
        with pytest.raises(ZeroDivisionError) as caught:
            Kernel(REGTEST, tmp_path, threads=0)
    Kernel(REGTEST, tmp_path, threads=0).close()  # While the other is still in the traceback.
    assert caught.tb is not None


# Breaking off, and closing while somebody asks.


def reindexed(folder: Path, opening: Opening, on_log: Callable[[str], None]) -> None:
    Kernel(REGTEST, folder, threads=0, reindex=True, opening=opening, on_log=on_log)


def test_an_opening_that_is_broken_off_ends_soon(tmp_path: Path) -> None:
    kernel = Kernel(REGTEST, tmp_path, threads=0)
    feed(kernel, chain_on(GENESIS_SPOT, 100))
    kernel.close()
    connected: list[str] = []
    opening = Opening()

    def on_log(line: str) -> None:
        if line.startswith("UpdateTip"):
            connected.append(line)
            if len(connected) == 3:
                opening.break_off()

    with pytest.raises(KernelError):
        reindexed(tmp_path, opening, on_log)
    assert len(connected) < 50
    connected.clear()
    with pytest.raises(KernelError):  # Before it began.
        reindexed(tmp_path, opening, on_log)
    assert len(connected) < 3


def test_what_is_open_is_not_broken_off_any_more(tmp_path: Path) -> None:
    opening = Opening()
    kernel = Kernel(REGTEST, tmp_path, threads=0, opening=opening)
    opening.break_off()
    blocks = chain_on(GENESIS_SPOT, 3)
    assert [result.connected for result in feed(kernel, blocks)] == [(b.hash,) for b in blocks]
    kernel.close()
    opening.break_off()  # Nor once it is closed.


def test_closing_waits_for_those_who_ask(kernel: Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, go_on = threading.Event(), threading.Event()
    real = library.chain_height

    def slowly(chain: int) -> int:
        asked.set()
        go_on.wait(10)
        return int(real(chain))

    monkeypatch.setattr(library, "chain_height", slowly)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(kernel.tip)
        assert asked.wait(10)
        closing = threading.Thread(target=kernel.close, daemon=True)
        closing.start()
        closing.join(0.05)
        assert closing.is_alive()
        go_on.set()
        assert answer.result() == (GENESIS.hash, 0)
        closing.join(10)
        assert not closing.is_alive()


# The rest of its questions.


def test_check_threads_leave_one_processor_and_have_a_bound(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for processors, threads in ((None, 0), (1, 0), (2, 1), (16, 15), (64, MAX_THREADS)):
        monkeypatch.setattr(os, "cpu_count", lambda processors=processors: processors)
        assert default_threads() == threads


def test_headers_begin_at_the_genesis_block(kernel: Kernel) -> None:
    blocks = chain_on(GENESIS_SPOT, 3)
    feed(kernel, blocks)
    assert kernel.headers(-3, 5) == [GENESIS.header.raw, blocks[0].header.raw]
    assert kernel.headers(4, 5) == []


def test_which_block_builds_on_which(kernel: Kernel) -> None:
    trunk, branch = chain_on(GENESIS_SPOT, 2), chain_on(GENESIS_SPOT, 3, tag=1)
    feed(kernel, [*trunk, *branch])
    with kernel._calling() as opened:
        first, second = (kernel._entry(opened, block.hash) for block in trunk)
        other = kernel._entry(opened, branch[2].hash)
        assert first is not None
        assert second is not None
        assert other is not None
        assert kernel_read.descends(second, first)
        assert kernel_read.descends(first, first)
        assert not kernel_read.descends(first, second)
        assert not kernel_read.descends(other, first)
        assert not kernel_read.descends(second, other)


def test_a_forged_body_makes_its_header_no_more_known(kernel: Kernel) -> None:
    (good,) = chain_on(GENESIS_SPOT, 1)
    forged = Block.build(good.header, [coinbase(1, tag=9)])
    assert kernel.process_block(forged.raw).invalid == ()
    assert kernel.height_of(good.hash) is None


def test_the_log_is_told_once_however_many_listen() -> None:
    lines: list[str] = []
    one, two = (Kernel(REGTEST, threads=0, on_log=lines.append) for _ in range(2))
    lines.clear()
    feed(one, chain_on(GENESIS_SPOT, 1))
    assert len([line for line in lines if line.startswith("UpdateTip")]) == 1
    one.close()
    two.close()


def test_in_memory_neither_index_nor_coins_touch_the_disk(kernel: Kernel) -> None:
    feed(kernel, chain_on(GENESIS_SPOT, 3))
    assert kernel._temporary is not None
    written = {path.name for path in Path(kernel._temporary.name).rglob("*")}
    assert "blk00000.dat" in written
    assert not any(name.startswith(("MANIFEST", "CURRENT")) for name in written)


def test_the_places_of_the_newest_blocks_are_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blockplaces, "MAX_NEW", 5)
    blocks = chain_on(GENESIS_SPOT, 23)
    names = [block.hash for block in blocks]
    kernel = Kernel(REGTEST, tmp_path, threads=0)
    feed(kernel, blocks[:20])
    assert list(kernel.places._new) == names[15:20]
    kernel.close()
    kernel = Kernel(REGTEST, tmp_path, threads=0)
    assert list(kernel.places._new) == names[15:20]
    feed(kernel, blocks[20:])
    assert list(kernel.places._new) == names[18:]
    kernel.close()


def test_a_block_whose_bytes_have_changed_is_not_handed_out(tmp_path: Path) -> None:
    blocks = chain_on(GENESIS_SPOT, 3)
    kernel = Kernel(REGTEST, tmp_path, threads=0)
    feed(kernel, blocks)
    record = kernel.places._new[blocks[1].hash]
    with (tmp_path / "blocks" / "blk00000.dat").open("r+b") as file:
        file.seek(record.end - len(blocks[1].raw))
        file.write(bytes(80))
    assert kernel.read_block(blocks[1].hash) is None
    assert kernel.read_block(blocks[2].hash) == blocks[2].raw
    kernel.close()


def test_warnings_of_the_library_are_handed_on() -> None:
    heard: list[tuple[int, str | None]] = []
    callbacks = kernel_log.notification_callbacks(lambda number, text: heard.append((number, text)))
    text = ctypes.create_string_buffer(b"Unknown new rules activated (versionbit 28)")
    callbacks.warning_set(None, 0, ctypes.addressof(text), len(text.value))
    callbacks.warning_unset(None, 0)
    assert heard == [(0, text.value.decode()), (0, None)]
