"""What the program of a full node loads."""

from __future__ import annotations

import subprocess
import sys

LOADED = """
import sys, axon.cli.node, axon.rpc.server
others = ("bdkpython", "sqlite3", "axon.wallet", "axon.node.spv")
print([name for name in others if name in sys.modules])
"""


def test_a_node_loads_no_wallet() -> None:
    told = subprocess.run(
        [sys.executable, "-c", LOADED], capture_output=True, text=True, check=True
    )
    assert told.stdout == "[]\n"
