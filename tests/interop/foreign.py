"""Full nodes that others wrote, as processes on regtest: started, asked, ended by their handle."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Final, Self

import pytest

from axon.machine import Endpoint
from axon.primitives.address import decode_address
from axon.primitives.block import Block
from axon.primitives.network import MAINNET, REGTEST
from axon.rpc.client import RpcClient, Unauthorized, Unreachable
from axon.rpc.errors import Code, RpcError
from axon.swarm.lab.processes import NodeFailed, free_ports, wait_until
from axon.swarm.signer import Signer
from tests.interop.installed import interop_folder, require_npm

START_LIMIT_S: Final = 30.0
STOP_LIMIT_S: Final = 10.0

SEGWIT_HEIGHT: Final = 432
"""From this height on bcoin knows segwit on regtest: it learns it from what blocks signal (BIP 9),
three periods of 144 blocks. It must mine those itself, because others no longer signal."""


class ForeignNode(ABC):
    """One full node.

    Args:
        folder: its data directory.
        dials: the peer it stays connected to; none if left out.
    """

    mark: ClassVar[str]
    """What its user agent contains."""

    transport: ClassVar[str] = "v1"
    """What it speaks with whoever can do so, too."""

    def __init__(self, folder: Path, dials: Endpoint | None = None) -> None:
        p2p_port, self._rpc_port = free_ports(2)
        self.p2p = Endpoint("127.0.0.1", p2p_port)
        self._folder = folder
        self._dials = dials
        self._process: subprocess.Popen[bytes] | None = None
        self._client = RpcClient(
            f"http://127.0.0.1:{self._rpc_port}", cookie=self._cookie(), timeout_s=60.0
        )

    @classmethod
    @abstractmethod
    def require(cls) -> Path:
        """Where it is installed; the test is skipped, visibly, if it is not."""

    @abstractmethod
    def _command(self) -> list[str]:
        """How it is started."""

    def _environment(self) -> Mapping[str, str]:
        return os.environ

    def _cookie(self) -> Path | None:
        return None

    @abstractmethod
    def _is_ready(self) -> bool:
        """Whether it answers calls and listens to peers."""

    @abstractmethod
    def address(self, signer: Signer) -> str:
        """Where it pays a signer."""

    @abstractmethod
    def block(self, hash_hex: str) -> Block:
        """A block as it holds it."""

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.end()

    def start(self) -> Self:
        """Start it, and wait until it can be used."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / "said.txt").open("wb") as said:
            self._process = subprocess.Popen(
                self._command(), env=self._environment(), stdout=said, stderr=said
            )
        try:
            wait_until(self._is_up, START_LIMIT_S, f"{self.mark} is ready")
        except NodeFailed:
            self.end()
            raise
        return self

    def _is_up(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise NodeFailed(f"{self.mark} left at its start: {self.said()}")
        return self._is_ready()

    def end(self) -> None:
        """End it at once; it has nothing to keep."""
        self._client.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait(STOP_LIMIT_S)

    @property
    def pid(self) -> int:
        """Of its process, while it runs."""
        assert self._process is not None, "it was started"
        return self._process.pid

    def said(self) -> str:
        """The end of what it printed."""
        return (self._folder / "said.txt").read_text(errors="replace")[-2000:]

    @property
    def rpc_url(self) -> str:
        """Where its JSON-RPC is, without user and password."""
        return f"http://127.0.0.1:{self._rpc_port}"

    @property
    def cookie(self) -> Path | None:
        """Its cookie file; None if it has none."""
        return self._cookie()

    def rpc(self, method: str, /, *args: object) -> Any:
        """Call a method of its JSON-RPC."""
        return self._client.call(method, *args)

    def tip(self) -> str:
        """The hash of its tip, hex."""
        return str(self.rpc("getbestblockhash"))

    def mine(self, count: int, signer: Signer) -> list[str]:
        """Mine blocks that pay a signer; their hashes."""
        hashes = self.rpc("generatetoaddress", count, self.address(signer))
        assert isinstance(hashes, list)
        return hashes


class BcoinProcess(ForeignNode):
    """bcoin, in JavaScript; its chain in memory."""

    mark = "bcoin"

    _NETWORK: Final = replace(REGTEST, bech32_hrp="rb")  # As it writes addresses of regtest.

    @classmethod
    def require(cls) -> Path:
        return require_npm("bcoin") / "node_modules/bcoin/bin/node"

    def _command(self) -> list[str]:
        return [
            "node",
            str(self.require()),
            "--network=regtest",
            "--memory=true",
            "--listen=true",
            f"--host={self.p2p.host}",
            f"--port={self.p2p.port}",
            f"--http-port={self._rpc_port}",
            "--bip37=true",
            "--max-inbound=20",
            "--no-auth=true",
            "--no-wallet=true",
            "--log-file=false",
            f"--prefix={self._folder}",
            *([] if self._dials is None else [f"--nodes={self._dials}"]),
        ]

    def _environment(self) -> Mapping[str, str]:
        return {**os.environ, "NODE_BACKEND": "js"}  # Its native parts are not built.

    def _is_ready(self) -> bool:
        # It answers calls before it listens to peers: it looks for its address in the DNS first.
        return "Pool server listening" in self.said()

    def address(self, signer: Signer) -> str:
        return signer.address(self._NETWORK)

    def block(self, hash_hex: str) -> Block:
        return Block.decode(bytes.fromhex(self.rpc("getblock", hash_hex, False)))


class BcoinLightProcess(BcoinProcess):
    """bcoin's light client, with a wallet: headers, and blocks filtered by BIP 37."""

    def __init__(self, folder: Path, dials: Endpoint | None = None) -> None:
        super().__init__(folder, dials)
        (self._wallet_port,) = free_ports(1)
        url = f"http://127.0.0.1:{self._wallet_port}"
        self.wallet = RpcClient(url, timeout_s=60.0)
        """Its wallet's JSON-RPC."""

    def _command(self) -> list[str]:
        replaced = ("--no-wallet", "--listen", "--bip37", "--max-inbound")
        _, program, *options = super()._command()
        return [
            "node",
            str(Path(program).with_name("spvnode")),
            *(option for option in options if not option.startswith(replaced)),
            "--listen=false",
            "--max-outbound=1",
            f"--wallet-http-port={self._wallet_port}",
            "--wallet-no-auth=true",
            "--wallet-witness=true",
        ]

    def _is_ready(self) -> bool:
        with contextlib.suppress(Unreachable):
            return int(self.rpc("getblockcount")) >= 0
        return False

    def end(self) -> None:
        self.wallet.close()
        super().end()

    def new_script(self) -> bytes:
        """Where its wallet is paid next: the script of a new address."""
        text = self.wallet.call("getnewaddress", "default")
        return decode_address(text, MAINNET)  # It is written as one of mainnet, whatever the chain.


class BitcoindProcess(ForeignNode):
    """Bitcoin Core, where `bitcoind` is on the PATH."""

    mark = "Satoshi"
    transport = "v2"

    @classmethod
    def require(cls) -> Path:
        program = shutil.which("bitcoind")
        if program is None:
            pytest.skip("no bitcoind on the PATH")
        return Path(program)

    def _command(self) -> list[str]:
        return [
            str(self.require()),
            "-regtest",
            f"-datadir={self._folder}",
            f"-bind={self.p2p}",
            f"-rpcport={self._rpc_port}",
            "-listen=1",
            "-server=1",
            "-disablewallet=1",
            "-dnsseed=0",
            "-fixedseeds=0",
            "-connect=0" if self._dials is None else f"-connect={self._dials}",
        ]

    def _cookie(self) -> Path:
        return self._folder / "regtest" / ".cookie"

    def _is_ready(self) -> bool:
        with contextlib.suppress(Unreachable, Unauthorized):
            try:
                return bool(self.rpc("getmempoolinfo")["loaded"])
            except RpcError as error:
                if error.code != Code.WARMUP:
                    raise
        return False

    def address(self, signer: Signer) -> str:
        return signer.address(REGTEST)

    def block(self, hash_hex: str) -> Block:
        return Block.decode(bytes.fromhex(self.rpc("getblock", hash_hex, 0)))


class BtclibProcess(BitcoindProcess):
    """btclib-node, in Python 3.14; its options and calls are bitcoind's.

    `make interop` brings it if there is such a Python; or `$AXON_BTCLIB` names the program.
    """

    mark = "btclib"

    @classmethod
    def require(cls) -> Path:
        installed = interop_folder() / "btclib" / "bin" / "btclib-node"
        program = Path(os.environ.get("AXON_BTCLIB", installed)).absolute()
        if not program.exists():
            pytest.skip("no btclib-node here: it needs Python 3.14 (make interop, or AXON_BTCLIB)")
        return program

    def _command(self) -> list[str]:
        return [option for option in super()._command() if option != "-disablewallet=1"]
