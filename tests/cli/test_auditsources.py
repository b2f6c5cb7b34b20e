"""Where the RPC of a node is found: a URL, a data directory, a configuration file."""

from __future__ import annotations

from pathlib import Path

import pytest

from axon.cli.auditsources import find_node
from axon.errors import ConfigError


def test_a_data_directory_is_read_as_axon_rpc_reads_it(tmp_path: Path) -> None:
    (tmp_path / "bitcoin.conf").write_text("regtest=1\n[regtest]\nrpcport=19001\n")
    (tmp_path / "regtest").mkdir()
    (tmp_path / "regtest" / ".cookie").write_text("__cookie__:x")
    login = find_node("n1", str(tmp_path), None, "", tmp_path).login
    assert login.url == "http://127.0.0.1:19001"
    assert login.cookie == tmp_path / "regtest" / ".cookie"


def test_a_chain_that_no_file_names(tmp_path: Path) -> None:
    (tmp_path / "signet").mkdir()
    (tmp_path / "signet" / ".cookie").write_text("__cookie__:x")
    assert find_node("n1", str(tmp_path), None, "signet", tmp_path).login.url.endswith(":38332")


def test_a_configuration_file_with_a_password(tmp_path: Path) -> None:
    path = tmp_path / "own.conf"
    path.write_text("rpcuser=alice\nrpcpassword=hunter2\nrpcport=19002\n")
    node = find_node("n1", str(path), None, "", tmp_path)
    assert (node.login.user, node.login.password) == ("alice", "hunter2")
    assert "hunter2" not in repr(node)
    assert "hunter2" not in repr(node.login)


def test_a_data_directory_without_credentials_names_the_node(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="n1: Could not locate RPC credentials"):
        find_node("n1", str(tmp_path), None, "", tmp_path)
