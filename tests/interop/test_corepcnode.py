"""A launcher as Rust programs have it (`corepc-node`), with axon in bitcoind's place.

The crate itself needs a Rust toolchain and its registry; here its steps are taken one by one: the
same words in the same order, the same waits, the same calls, nothing read from the log. The first
try must do, where the crate would make five. Waits for other processes; each wait has a limit.
"""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest
import zmq

from axon.rpc.client import RpcClient
from axon.rpc.errors import RpcError
from axon.swarm.lab.processes import free_ports, wait_until
from tests.interop.test_launchers import bitcoind

pytestmark = [pytest.mark.interop, pytest.mark.process]

WAIT_S: Final = 25.0
"""For the cookie's file, and again until calls are answered: the crate waits 5 s, five times."""

STEP_S: Final = 0.2
TRIES: Final = 50
NODE_ARGUMENTS: Final = ("-regtest", "-fallbackfee=0.0001")


class Launched:
    """A node that the launcher has started, with its wallet `default`.

    Args:
        program: the executable.
        folder: the data directory; it exists.
        peers: what it is told of peers.
        more: further words.
    """

    def __init__(
        self, program: Path, folder: Path, peers: tuple[str, ...] = ("-listen=0",), *more: str
    ) -> None:
        (self._port,) = free_ports(1)
        self._cookie = folder / "regtest" / ".cookie"
        told = (f"-datadir={folder}", f"-rpcport={self._port}", *peers, *NODE_ARGUMENTS, *more)
        self.process = subprocess.Popen(
            [str(program), *told], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        try:
            wait_until(self._cookie.exists, WAIT_S, "the cookie is there")
            self.client = self._wallet("default")
            wait_until(self._answers, WAIT_S, "calls are answered")
        except BaseException:
            self.process.kill()
            self.process.wait()
            raise

    def dial(self, wallet: str | None = None) -> RpcClient:
        """A client of the node, or of one of its wallets."""
        url = f"http://127.0.0.1:{self._port}"
        return RpcClient(url, cookie=self._cookie, wallet=wallet, timeout_s=60.0)

    def _wallet(self, name: str) -> RpcClient:
        """Make a wallet, or load it if there is one; several tries, for the node still starts."""
        with self.dial() as node:
            for _ in range(TRIES):
                for method in ("createwallet", "loadwallet"):
                    with contextlib.suppress(RpcError):
                        assert node.call(method, name)["name"] == name
                        return self.dial(name)
                time.sleep(STEP_S)
        raise AssertionError("the wallet can neither be made nor loaded")

    def _answers(self) -> bool:
        with contextlib.suppress(RpcError):
            return bool(self.rpc("getblockchaininfo")["chain"] == "regtest")
        return False

    def rpc(self, method: str, /, *params: object) -> Any:
        """Call a method at the wallet's path."""
        return self.client.call(method, *params)

    def stop(self) -> tuple[int, bytes]:
        """Ask it to stop; its exit code, and what it wrote to standard error."""
        assert isinstance(self.rpc("stop"), str)
        _, said = self.process.communicate(timeout=30)
        return self.process.returncode, said

    def drop(self) -> None:
        """End it, if it has not."""
        self.client.close()
        self.process.kill()
        self.process.communicate()


@pytest.fixture(name="program")
def program_fixture(tmp_path: Path) -> Path:
    return bitcoind(tmp_path / "programs") / "bitcoind"


@contextlib.contextmanager
def launched(
    program: Path, folder: Path, peers: tuple[str, ...] = ("-listen=0",), *more: str
) -> Iterator[Launched]:
    """A node in a folder; ended afterwards."""
    folder.mkdir(exist_ok=True)
    node = Launched(program, folder, peers, *more)
    try:
        yield node
    finally:
        node.drop()


def test_a_folder_is_used_twice(program: Path, tmp_path: Path) -> None:
    with launched(program, tmp_path / "kept") as node:
        assert node.rpc("getnetworkinfo")["version"] // 10_000 == 31
        assert node.rpc("getblockchaininfo")["blocks"] == 0
        assert node.rpc("getpeerinfo") == []
        node.rpc("generatetoaddress", 101, node.rpc("getnewaddress"))
        assert node.rpc("getbalance") == Decimal(50)
        tip = node.rpc("getbestblockhash")
        assert node.stop() == (0, b"")
        assert not (tmp_path / "kept" / "regtest" / ".cookie").exists()
    with launched(program, tmp_path / "kept") as node:
        assert (node.rpc("getbestblockhash"), node.rpc("getbalance")) == (tip, Decimal(50))
        assert node.stop() == (0, b"")


def test_two_nodes_and_wallets_on_one_chain(program: Path, tmp_path: Path) -> None:
    p2p, other_p2p, blocks, transactions = free_ports(4)
    told = (f"-zmqpubrawtx=tcp://0.0.0.0:{transactions}", f"-zmqpubrawblock=tcp://0.0.0.0:{blocks}")
    context = zmq.Context()
    with (
        context,
        context.socket(zmq.SUB) as heard,
        launched(program, tmp_path / "one", (f"-bind=127.0.0.1:{p2p}",), *told) as one,
        launched(
            program,
            tmp_path / "two",
            (f"-bind=127.0.0.1:{other_p2p}", f"-connect=127.0.0.1:{p2p}", "-listen=1"),
        ) as two,
    ):
        # The crate looks at once; a connection is there when a node is told to dial nobody else.
        wait_until(lambda: len(two.rpc("getpeerinfo")) == 1, WAIT_S, "it has dialled")
        assert len(one.rpc("getpeerinfo")) == 1
        heard.setsockopt(zmq.SUBSCRIBE, b"rawblock")
        heard.setsockopt(zmq.RCVTIMEO, 10_000)
        heard.connect(f"tcp://127.0.0.1:{blocks}")
        for name in ("alice", "bob"):
            one.rpc("createwallet", name)
        with one.dial("alice") as alice, one.dial("bob") as bob:
            alice.call("generatetoaddress", 1, alice.call("getnewaddress"))
            bob.call("generatetoaddress", 101, bob.call("getnewaddress"))
            assert alice.call("getbalances")["mine"]["trusted"] == Decimal(50)
            mine = bob.call("getbalances")["mine"]
            assert (mine["trusted"], mine["immature"]) == (Decimal(50), Decimal(5000))
            txid = alice.call("sendtoaddress", bob.call("getnewaddress"), 1)
            assert bob.call("getbalances")["mine"]["untrusted_pending"] == Decimal(1)
            (block,) = one.rpc("generatetoaddress", 1, one.rpc("getnewaddress"))
            wait_until(lambda: two.rpc("getblockcount") == 103, WAIT_S, "the other node follows")
            assert two.rpc("getblock", block)["tx"][1:] == [txid]
            assert bob.call("gettransaction", txid)["confirmations"] == 1
        (found,) = two.rpc("generatetoaddress", 1, two.rpc("getnewaddress"))
        wait_until(lambda: one.rpc("getbestblockhash") == found, WAIT_S, "and back")
        last = b""
        while last != bytes.fromhex(two.rpc("getblock", found, 0)):
            topic, last, _ = heard.recv_multipart()
            assert topic == b"rawblock"
        assert (one.stop(), two.stop()) == ((0, b""), (0, b""))
