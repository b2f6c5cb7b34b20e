"""bcoin, a full node in JavaScript, as a process: started, asked, ended by its handle."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, Self

import pytest

from axon.machine import Endpoint
from axon.primitives.network import REGTEST
from axon.rpc.client import RpcClient
from axon.swarm.processes import NodeFailed, free_port, wait_until
from axon.swarm.purse import Purse

START_LIMIT_S: Final = 30.0
STOP_LIMIT_S: Final = 10.0

SEGWIT_HEIGHT: Final = 432
"""From this height on bcoin knows segwit on regtest: it learns it from what blocks signal (BIP 9),
three periods of 144 blocks. It must mine those itself, because others no longer signal."""

_PROGRAM: Final = Path("node_modules/bcoin/bin/node")
_CACHE: Final = Path(__file__).parents[2] / ".cache" / "interop"
_ADDRESSES: Final = replace(REGTEST, bech32_hrp="rb")


def bcoin_folder() -> Path:
    """Where bcoin is installed; the test is skipped, visibly, if it or node.js is not there.

    It is looked for in `$AXON_INTEROP` and in `.cache/interop`, where `make interop` puts it.
    """
    if shutil.which("node") is None:
        pytest.skip("node.js is not installed, and bcoin needs it")
    folder = Path(os.environ.get("AXON_INTEROP", _CACHE))
    if not (folder / _PROGRAM).exists():
        pytest.skip(f"no bcoin in {folder}; run make interop, or set AXON_INTEROP")
    return folder


def address_for(purse: Purse) -> str:
    """Where bcoin pays a purse: its regtest addresses begin with `rb`."""
    return purse.address(_ADDRESSES)


class BcoinProcess:
    """One bcoin full node on regtest, its chain in memory.

    Args:
        folder: its data directory.
        options: further command line options.
    """

    def __init__(self, folder: Path, options: Sequence[str] = ()) -> None:
        self._installed = bcoin_folder()
        self._folder = folder
        self._options = tuple(options)
        self._process: subprocess.Popen[bytes] | None = None
        self._http = free_port()
        self._client = RpcClient(f"http://127.0.0.1:{self._http}", timeout_s=60.0)
        self.p2p = Endpoint("127.0.0.1", free_port())

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.end()

    def start(self) -> Self:
        """Start it, and wait until it answers."""
        self._folder.mkdir(parents=True, exist_ok=True)
        command = [
            "node",
            str(self._installed / _PROGRAM),
            "--network=regtest",
            "--memory=true",
            "--listen=true",
            f"--host={self.p2p.host}",
            f"--port={self.p2p.port}",
            f"--http-port={self._http}",
            "--bip37=true",
            "--max-inbound=20",
            "--no-auth=true",
            "--no-wallet=true",
            "--log-file=false",
            f"--prefix={self._folder}",
            *self._options,
        ]
        with (self._folder / "said.txt").open("wb") as said:
            self._process = subprocess.Popen(
                command,
                cwd=self._installed,
                env={**os.environ, "NODE_BACKEND": "js"},  # Its native parts are not built.
                stdout=said,
                stderr=said,
            )
        wait_until(self._listens, START_LIMIT_S, "bcoin listens")
        return self

    def _listens(self) -> bool:
        # It answers calls before it listens to peers: it looks for its address in the DNS first.
        assert self._process is not None
        if self._process.poll() is not None:
            raise NodeFailed(f"bcoin left at its start: {self.said()}")
        return "Pool server listening" in self.said()

    def end(self) -> None:
        """End it at once; it has nothing to keep."""
        self._client.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait(STOP_LIMIT_S)

    def said(self) -> str:
        """The end of its log."""
        return (self._folder / "said.txt").read_text(errors="replace")[-2000:]

    def rpc(self, method: str, *args: object) -> Any:
        """Call a method of its JSON-RPC."""
        return self._client.call(method, *args)

    def height(self) -> int:
        """Of its tip."""
        return int(self.rpc("getblockcount"))

    def tip(self) -> str:
        """The hash of its tip, hex."""
        return str(self.rpc("getbestblockhash"))

    def mine(self, count: int, purse: Purse) -> list[str]:
        """Mine blocks that pay a purse; their hashes."""
        hashes = self.rpc("generatetoaddress", count, address_for(purse))
        assert isinstance(hashes, list)
        return hashes
