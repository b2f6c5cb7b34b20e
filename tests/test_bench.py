"""The measurements themselves, at small sizes: that they do the work they claim, not how fast.

Those that start nodes as processes wait for them, in real time.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from axon.primitives.block import Block, witness_commitment
from axon.primitives.merkle import merkle_root
from bench import (
    chain,
    coldwallet,
    decoding,
    electrumnews,
    headers,
    lightclients,
    lightheaders,
    matching,
    pace,
    packets,
    payments,
    simulating,
    spread,
    starting,
    syncing,
    unspent,
)
from bench.__main__ import main
from bench.pace import STEP_US, Pace
from bench.table import Row, Skipped, render
from bench.timing import alternate


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for module in (chain, spread):
        monkeypatch.setattr(module, "CACHE", tmp_path / "cache")
    return tmp_path / "cache"


def test_real_data_is_measured_or_visibly_missed() -> None:
    try:
        rows = [headers.measure(rounds=1), decoding.measure(rounds=1)]
    except Skipped as missing:
        pytest.skip(str(missing))
    assert "8,065 mainnet headers" in rows[0].notes[0]
    assert "2,355 transactions" in rows[1].notes[0]
    assert all(row.holds is not None for row in rows)


def test_missing_data_is_said_and_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AXON_DATA", str(tmp_path / "nowhere"))
    assert main(["headers", "decoding"]) == 0
    said = capsys.readouterr().out
    assert said.count("skipped") == 2
    assert "nowhere" in said


def test_a_missed_limit_is_an_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(headers, "measure", lambda: Row("speed", "5 x", "<= 4 x", False, ("why",)))
    assert main(["headers"]) == 1
    said = capsys.readouterr().out
    assert "NO" in said
    assert "1: why" in said


def test_results_are_kept_only_when_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = tmp_path / "results.md"
    monkeypatch.setattr("bench.__main__.KEPT", kept)
    monkeypatch.setattr(headers, "measure", lambda: Row("speed", "3 x", "<= 4 x", True))
    assert main(["headers"]) == 0
    assert not kept.exists()
    for _ in range(2):
        assert main(["--keep", "headers"]) == 0
    assert kept.read_text().count("3 x") == 2
    assert "yes" in capsys.readouterr().out


def test_long_cells_are_wrapped() -> None:
    table = render([Row("words " * 20, "found", "limit", True)])
    assert all(len(line) <= 110 for line in table.splitlines())
    assert table.count("words") == 20


def test_the_ratio_is_the_median_of_rounds() -> None:
    ours, theirs = iter([9.0, 2.0, 4.0, 30.0]), iter([1.0, 1.0, 2.0, 10.0])
    compared = alternate(lambda: next(ours), lambda: next(theirs), rounds=3)
    assert compared.ratio == 2.0
    assert compared.ours_s == 4.0
    assert compared.theirs_s == 2.0


@pytest.mark.parametrize(("step_us", "slowness"), [(3 * STEP_US, 3.0), (STEP_US / 2, 1.0)])
def test_limits_are_stretched_on_slow_machines_and_nowhere_tightened(
    monkeypatch: pytest.MonkeyPatch, step_us: float, slowness: float
) -> None:
    monkeypatch.setattr(pace, "step_us", lambda: step_us)
    with Pace() as found:
        pass
    assert found.slowness == pytest.approx(slowness)
    told = (found.limit(20.0, "ms"), found.least(20_000))
    slow = ("<= 20 ms; here 60 ms", ">= 20,000; here 6,667")
    assert told == (slow if slowness > 1 else ("<= 20 ms", ">= 20,000"))


def test_a_step_is_measured() -> None:
    assert 0.01 < pace.step_us() < 100


def test_payments_are_accepted() -> None:
    row = payments.measure(payments=20, rounds=1)
    assert "20 witness key hash payments" in row.notes[0]
    assert row.holds is not None


def test_packets_are_checked() -> None:
    row = packets.measure(rounds=1, coins=3)
    assert "3 coins of 3 blocks" in row.notes[0]
    assert row.holds is not None


def test_a_network_is_simulated() -> None:
    row = simulating.measure(nodes=3, rounds=2, virtual_s=60)
    assert "3 full nodes" in row.what
    assert row.holds is not None


def test_the_kernel_accepts_the_chain(cache: Path, tmp_path: Path) -> None:
    built = chain.build_chain(2)
    done = syncing.import_apart(built, tmp_path / "regtest", 0)  # It asserts the height.
    assert 0 < done.blocks_s < done.process_s
    assert done.processor_s > 0
    assert built.height == chain.PREPARING + 2
    blocks = [Block.decode(raw) for raw in chain.read_blocks(built.path)]
    assert blocks[-1].hash[::-1].hex() == built.tip_hex
    for block in blocks[-2:]:
        spent = [item for one in block.transactions[1:] for item in one.inputs]
        assert len(spent) == chain.INPUTS
        assert all(len(item.witness) == 2 for item in spent)
        assert block.header.merkle_root == merkle_root([one.txid for one in block.transactions])
        assert witness_commitment(block) is not None
    payments_file = cache / "signed-2.dat"
    written = payments_file.stat().st_mtime_ns
    assert chain.build_chain(2).inputs == built.inputs
    assert payments_file.stat().st_mtime_ns == written, "payments are signed once"


@pytest.mark.process
def test_a_node_starts_and_idles() -> None:
    row = starting.measure(rounds=1, idle_s=0.1)
    assert " MB" in row.found
    assert row.holds is not None


@pytest.mark.process
@pytest.mark.usefixtures("cache")
def test_a_node_syncs() -> None:
    row = syncing.measure(blocks=2, rounds=1)
    assert "103 blocks" in row.notes[0]
    assert row.holds is not None


def test_a_light_client_gets_all_headers() -> None:
    row = lightheaders.measure(count=4_500, rounds=1)
    assert "4,500 regtest headers" in row.notes[0]


def test_filters_are_matched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matching, "FILTERS", 3)
    assert "3 filters of 7,800 elements" in matching.measure(rounds=1).notes[0]


def test_a_coin_is_found_unspent() -> None:
    row = unspent.measure(blocks=250, elements=20, rounds=1)
    assert "since 250 blocks" in row.what
    assert row.holds is not None


@pytest.mark.process
def test_two_wallets_find_the_same(cache: Path) -> None:
    row = coldwallet.measure(blocks=3, rounds=1)
    assert cache.exists()
    assert "124 blocks" in row.notes[0]


@pytest.mark.process
def test_a_crowd_of_light_clients_is_served() -> None:
    row = lightclients.measure(clients=20, blocks=30, elements=10)
    assert row.found.startswith("20 served in ")
    assert "20 light clients at once, each syncing filters of 30 blocks" in row.what
    assert not [note for note in row.notes if note.startswith("Failed")]


@pytest.mark.process
def test_electrum_wallets_are_told_of_a_block() -> None:
    row = electrumnews.measure(scripts=100, transactions=30)
    assert "30 transactions" in row.what
    assert "100 subscribed scripts" in row.what


def test_too_few_descriptors_for_a_crowd_are_said() -> None:
    with pytest.raises(Skipped, match="ulimit -n"):
        lightclients.raise_limit(10**9)
