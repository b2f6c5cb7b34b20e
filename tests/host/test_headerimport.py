"""Headers from a file: checked as a peer's are."""

from __future__ import annotations

from pathlib import Path

import pytest

from axon.errors import ConfigError
from axon.host import headerimport
from axon.host.headerimport import import_filter_headers, import_headers
from axon.host.lightstorage import LightStorage
from axon.machine import SECOND
from axon.primitives.hashes import sha256d
from axon.primitives.header import HEADER_SIZE, Header
from axon.primitives.network import REGTEST
from tests.node.rig import BLOCKS

RAWS = [raw[:HEADER_SIZE] for raw in BLOCKS]
NOW = (Header(RAWS[-1]).time + 60) * SECOND
FILTER_HEADERS = [sha256d(b"%d" % height) for height in range(len(RAWS) + 1)]


@pytest.fixture(autouse=True)
def _few_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(headerimport, "AT_ONCE", 30)


def _file(folder: Path, records: list[bytes]) -> Path:
    path = folder / "records"
    path.write_bytes(b"".join(records))
    return path


@pytest.mark.parametrize("first", [[], [REGTEST.genesis.header.raw]])
def test_headers_are_taken_once_and_kept(tmp_path: Path, first: list[bytes]) -> None:
    path, light = _file(tmp_path, first + RAWS), tmp_path / "light"
    storage = LightStorage(light, REGTEST)
    assert import_headers(storage, path, NOW) == len(RAWS)
    assert import_headers(storage, path, NOW) == 0
    storage.close()
    again = LightStorage(light, REGTEST)
    assert again.headers.best.raw == RAWS[-1]
    assert (light / "headers.dat").read_bytes() == b"".join(RAWS)
    again.close()


@pytest.mark.parametrize(
    ("now", "harm", "reason"),
    [(NOW, True, "prev-blk-not-found"), (NOW - 10**15, False, "time-too-new")],
)
def test_a_header_that_breaks_a_rule_is_refused(
    tmp_path: Path, now: int, harm: bool, reason: str
) -> None:
    raws = list(RAWS)
    if harm:
        del raws[50]
    storage = LightStorage(tmp_path / "light", REGTEST)
    with pytest.raises(ConfigError, match=f"header {50 if harm else 0} in .* {reason}"):
        import_headers(storage, _file(tmp_path, raws), now)
    assert storage.headers.best.height == (50 if harm else 0)
    storage.close()


def test_a_file_that_ends_within_a_record_or_is_not_there_is_refused(tmp_path: Path) -> None:
    storage = LightStorage(tmp_path / "light", REGTEST)
    with pytest.raises(ConfigError, match="middle of a record"):
        import_headers(storage, _file(tmp_path, [*RAWS, b"x"]), NOW)
    with pytest.raises(ConfigError, match="cannot read"):
        import_headers(storage, tmp_path / "nothing", NOW)
    storage.close()


def test_filter_headers_go_on_from_those_that_are_known(tmp_path: Path) -> None:
    light = tmp_path / "light"
    storage = LightStorage(light, REGTEST)
    with pytest.raises(ConfigError, match="headers are not known"):
        import_filter_headers(storage, _file(tmp_path, FILTER_HEADERS))
    import_headers(storage, _file(tmp_path, RAWS), NOW)
    assert import_filter_headers(storage, _file(tmp_path, FILTER_HEADERS[:40])) == 40
    rest = len(FILTER_HEADERS) - 40
    assert import_filter_headers(storage, _file(tmp_path, FILTER_HEADERS)) == rest
    others = [*FILTER_HEADERS[:35], bytes(32), *FILTER_HEADERS[36:]]
    with pytest.raises(ConfigError, match="other filter headers"):
        import_filter_headers(storage, _file(tmp_path, others))
    storage.close()
    again = LightStorage(light, REGTEST)
    chain = again.filter_headers
    assert [chain.at(height) for height in range(chain.height + 1)] == FILTER_HEADERS
    assert chain.block_hash(chain.height) == Header(RAWS[-1]).hash
    again.close()


def test_nothing_is_imported_beside_a_wallet_that_runs(tmp_path: Path) -> None:
    storage = LightStorage(tmp_path / "light", REGTEST)
    storage.is_ours = False
    with pytest.raises(ConfigError, match="another wallet"):
        import_headers(storage, _file(tmp_path, RAWS), NOW)
    with pytest.raises(ConfigError, match="another wallet"):
        import_filter_headers(storage, _file(tmp_path, FILTER_HEADERS))
    storage.close()
