"""The AS map that an operator gives: read, or refused as Bitcoin Core refuses it."""

from __future__ import annotations

from pathlib import Path

import pytest

from axon.errors import ConfigError
from axon.host.asmapfile import read_asmap
from tests.p2p.asmaps import encoded, ipv4


def test_a_map_is_read(tmp_path: Path) -> None:
    (tmp_path / "map").write_bytes(encoded({ipv4("1.0.0.0/8"): 5}))
    address = bytes(10) + b"\xff\xff" + bytes((1, 2, 3, 4))
    assert read_asmap(tmp_path / "map").find(address) == 5


@pytest.mark.parametrize(("content", "verb"), [(None, "find"), (b"", "parse"), (b"x", "parse")])
def test_what_is_no_map_is_refused(tmp_path: Path, content: bytes | None, verb: str) -> None:
    path = tmp_path / "map"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError) as raised:
        read_asmap(path)
    assert str(raised.value) == f'Could not {verb} asmap file "{path}"'
