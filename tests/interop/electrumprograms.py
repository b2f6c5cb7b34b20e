"""The Electrum wallet and ElectrumX, as processes on regtest: started, asked, ended."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Self

import pytest

from axon.machine import Endpoint
from axon.rpc.client import RpcClient, Unreachable
from axon.rpc.errors import RpcError
from axon.swarm.lab.processes import NodeFailed, free_ports, wait_until
from tests.interop.foreign import BitcoindProcess
from tests.interop.installed import interop_folder, require

START_LIMIT_S: Final = 60.0
CALL_LIMIT_S: Final = 60.0
STOP_LIMIT_S: Final = 20.0


class ElectrumWallet:
    """The Electrum wallet (`$AXON_ELECTRUM`, on the PATH, or fetched), with one server alone.

    Args:
        folder: its own.
        server: where it asks.
        kind: `t` without encryption, `s` with it.
    """

    def __init__(self, folder: Path, server: Endpoint, kind: str = "t") -> None:
        self._folder = folder
        self._server = f"{server.host}:{server.port}:{kind}"
        (self._rpc_port,) = free_ports(1)
        self._client = RpcClient(
            f"http://127.0.0.1:{self._rpc_port}",
            user="user",
            password="password",
            timeout_s=CALL_LIMIT_S,
        )
        self._process: subprocess.Popen[bytes] | None = None

    @staticmethod
    def require() -> str:
        """The program; the test is skipped, visibly, if it is not there."""
        program = os.environ.get("AXON_ELECTRUM") or shutil.which("electrum")
        fetched = interop_folder() / "electrum"
        if program is None and (fetched / "ready").exists():
            program = str(fetched / "electrum")
        if program is None:
            pytest.skip("no electrum (make interop, Debian's package electrum, or AXON_ELECTRUM)")
        return program

    def _command(self, *words: str) -> list[str]:
        return [self.require(), "--regtest", "-D", str(self._folder), *words]

    def _environment(self) -> dict[str, str]:
        return {**os.environ, "HOME": str(self._folder)}

    def _make(self) -> None:
        """A wallet, and a password for calls."""
        self._folder.mkdir(parents=True)
        subprocess.run(
            self._command("--offline", "create"),
            env=self._environment(),
            capture_output=True,
            timeout=CALL_LIMIT_S,
            check=True,
        )
        config = self._folder / "regtest" / "config"
        chosen = json.loads(config.read_text()) if config.exists() else {}
        chosen |= {"rpcport": self._rpc_port, "rpcuser": "user", "rpcpassword": "password"}
        config.write_text(json.dumps(chosen))

    def ask(self, command: str, *params: object, **named: object) -> Any:
        """What a command of the program that runs gives."""
        return self._client.call_with(command, named or list(params))

    def __enter__(self) -> Self:
        """Make a wallet, start the program, and wait until it is connected."""
        self._make()
        words = ("daemon", "--oneserver", "--server", self._server)
        with (self._folder / "said.txt").open("wb") as said:
            self._process = subprocess.Popen(
                self._command(*words), env=self._environment(), stdout=said, stderr=said
            )
        try:
            wait_until(self._is_up, START_LIMIT_S, "electrum is connected")
        except NodeFailed:
            self.__exit__()
            raise
        return self

    def _is_up(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise NodeFailed(f"electrum left: {(self._folder / 'said.txt').read_text()[-2000:]}")
        with contextlib.suppress(Unreachable, RpcError):
            return bool(self.ask("load_wallet")) and bool(self.ask("getinfo")["connected"])
        return False

    def __exit__(self, *_: object) -> None:
        self._client.close()
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(STOP_LIMIT_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(STOP_LIMIT_S)

    def height(self) -> int:
        """Of the chain that it knows."""
        return int(self.ask("getinfo")["blockchain_height"])

    def heights(self) -> dict[str, int]:
        """The heights of its transactions, 0 or below for those that are in no block."""
        found = self.ask("onchain_history")["transactions"]
        return {item["txid"]: int(item["height"]) for item in found}


class IndexedBitcoind(BitcoindProcess):
    """Bitcoin Core with the indexes that ElectrumX wants."""

    def _command(self) -> list[str]:
        return [*super()._command(), "-txindex", "-txospenderindex", "-maxtipage=1000000000"]

    @property
    def url(self) -> str:
        """Where it is called, with its password."""
        return f"http://{self._cookie().read_text()}@127.0.0.1:{self._rpc_port}/"


class ElectrumX:
    """ElectrumX (`e-x` 2.0 on PyPI).

    Args:
        folder: its own.
        daemon_url: the bitcoind that it asks, with user and password.
    """

    def __init__(self, folder: Path, daemon_url: str) -> None:
        self._folder = folder
        self._url = daemon_url
        port, self._rpc_port = free_ports(2)
        self.endpoint = Endpoint("127.0.0.1", port)
        self._process: subprocess.Popen[bytes] | None = None

    @staticmethod
    def require() -> Path:
        """The program; the test is skipped, visibly, if it is not there."""
        return require("e-x", "electrumx_server")

    def __enter__(self) -> Self:
        """Start it, and wait until it has indexed the chain and listens."""
        self._folder.mkdir(parents=True)
        program = self.require()
        if any(program.parents[1].glob("lib/*/site-packages/plyvel_next")):
            # The only wheel of LevelDB for Python 3.13 has another name.
            (self._folder / "plyvel.py").write_text("from plyvel_next import *\n")
        settings = {
            "COIN": "Bitcoin",
            "NET": "regtest",
            "DB_ENGINE": "leveldb",
            "DAEMON_URL": self._url,
            "DB_DIRECTORY": str(self._folder),
            "SERVICES": f"tcp://{self.endpoint},rpc://127.0.0.1:{self._rpc_port}",
            "COST_SOFT_LIMIT": "0",
            "COST_HARD_LIMIT": "0",
            "ALLOW_ROOT": "1",
            "PEER_DISCOVERY": "off",
            "DAEMON_POLL_INTERVAL_BLOCKS": "200",
            "DAEMON_POLL_INTERVAL_MEMPOOL": "200",
            "PYTHONPATH": str(self._folder),
        }
        with (self._folder / "said.txt").open("wb") as said:
            self._process = subprocess.Popen(
                [program], env={**os.environ, **settings}, stdout=said, stderr=said
            )
        try:
            wait_until(self._listens, START_LIMIT_S, "ElectrumX listens")
        except NodeFailed:
            self.__exit__()
            raise
        return self

    def _listens(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise NodeFailed(f"ElectrumX left: {(self._folder / 'said.txt').read_text()[-2000:]}")
        try:
            socket.create_connection((self.endpoint.host, self.endpoint.port), 1.0).close()
        except ConnectionRefusedError:
            return False
        return True

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(STOP_LIMIT_S)


class ElectrumServerClient:
    """Asks an Electrum server, one question after the other."""

    def __init__(self, server: Endpoint, version: str) -> None:
        self._stream = socket.create_connection((server.host, server.port), CALL_LIMIT_S)
        self._file = self._stream.makefile("rb")
        self._number = 0
        assert self.ask("server.version", "test", version)[1] == version

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._stream.close()

    def answer(self, method: str, *params: object) -> dict[str, Any]:
        """The answer to a question; what is told besides is passed over."""
        self._number += 1
        asked = {"jsonrpc": "2.0", "id": self._number, "method": method, "params": params}
        self._stream.sendall(json.dumps(asked).encode() + b"\n")
        while True:
            found = json.loads(self._file.readline())
            if found.get("id") == self._number:
                assert isinstance(found, dict)
                return found

    def ask_all(self, questions: Sequence[tuple[str, tuple[Any, ...]]]) -> list[Any]:
        """The results of questions that are sent all at once.

        ElectrumX holds each answer back for up to a second, so that lengths and times tell nothing.
        """
        first = self._number + 1
        for method, params in questions:
            self._number += 1
            asked = {"jsonrpc": "2.0", "id": self._number, "method": method, "params": params}
            self._stream.sendall(json.dumps(asked).encode() + b"\n")
        found: dict[int, Any] = {}
        while len(found) < len(questions):
            answer = json.loads(self._file.readline())
            if "id" in answer:
                assert "result" in answer, answer
                found[answer["id"]] = answer["result"]
        return [found[first + place] for place in range(len(questions))]

    def ask(self, method: str, *params: object) -> Any:
        """The result."""
        answer = self.answer(method, *params)
        assert "result" in answer, (method, params, answer)
        return answer["result"]
