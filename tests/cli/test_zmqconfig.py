"""The `-zmqpub...` options, read as bitcoind reads them."""

from __future__ import annotations

from pathlib import Path

import pytest

from axon.cli.catalogue import OPTIONS
from axon.cli.nodeconfig import load_node_config
from axon.cli.options import parse_command_line
from axon.errors import ConfigError
from axon.rpc.zmqpub.settings import ZmqNotifier


def notifiers(*arguments: str) -> tuple[ZmqNotifier, ...]:
    return load_node_config(parse_command_line(arguments, OPTIONS), Path("/nohome")).node.zmq


def test_none_unless_asked_for() -> None:
    assert notifiers() == notifiers("-zmqpubrawtx=", "-nozmqpubrawblock") == ()


def test_topics_addresses_and_marks() -> None:
    one, other = "tcp://127.0.0.1:28332", "tcp://[::1]:28333"
    assert notifiers(
        f"-zmqpubsequence={one}", f"-zmqpubhashtx={other}", f"-zmqpubhashtx={one}",
        "-zmqpubrawblock=unix:/run/axon.sock", "-zmqpubhashtxhwm=5", "-zmqpubsequencehwm=-1",
        "-zmqpubrawblockhwm=0",
    ) == (
        ZmqNotifier("hashtx", other, 5),
        ZmqNotifier("hashtx", one, 5),
        ZmqNotifier("rawblock", "ipc:///run/axon.sock", 0),
        ZmqNotifier("sequence", one, 1_000),
    )  # fmt: skip


@pytest.mark.parametrize("address", ["ipc:///run/x", ":0", "host:65536", "[::1]:x", "host:"])
def test_a_port_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(ConfigError) as refused:
        notifiers(f"-zmqpubrawtx={address}")
    assert str(refused.value) == f"Invalid port specified in -zmqpubrawtx: '{address}'"
