"""What the programs of a node and of a wallet load: neither holds the memory of the other."""

from __future__ import annotations

import subprocess
import sys

import pytest

LOADED = """
import sys, {own}
print([name for name in {others} if name in sys.modules])
"""


@pytest.mark.parametrize(
    ("own", "others"),
    [
        (
            "axon.cli.node, axon.rpc.server",
            ("bdkpython", "sqlite3", "axon.wallet", "axon.node.spv", "zmq", "axon.rpc.rest"),
        ),
        (
            "axon.host.lightwallet",
            ("pbk", "rocksdict", "aiohttp", "axon.node.full", "axon.rpc.methods", "http.client"),
        ),
    ],
    ids=["node", "wallet"],
)
def test_a_program_loads_nothing_of_the_other(own: str, others: tuple[str, ...]) -> None:
    told = subprocess.run(
        [sys.executable, "-c", LOADED.format(own=own, others=others)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout == "[]\n"
