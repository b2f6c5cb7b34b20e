"""A wallet that starts with nothing, against BDK's light client on the same node."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Final

from axon.consensus.kernel import default_threads
from axon.primitives.network import REGTEST
from axon.primitives.transaction import TxOut
from axon.swarm.lab.nodeprocess import NodeProcess
from axon.swarm.signer import Signer
from axon.wallet.keys import AccountKind, from_words, new_words
from axon.wallet.records import Keychain
from axon.wallet.scripts import ScriptBook
from bench.coldclient import ENTROPY
from bench.spread import SpreadChain, locked, show
from bench.syncing import import_apart, wait_until_followed
from bench.table import Row
from bench.timing import alternate

LIMIT: Final = 4.0
BLOCKS: Final = 400
PAYMENTS: Final = 20
ROUNDS: Final = 3

_PAID_SAT: Final = 100_000
_FEE_SAT: Final = 2_000


def measure(blocks: int = BLOCKS, rounds: int = ROUNDS) -> Row:
    """The row."""
    spread = SpreadChain(blocks)
    chain = spread.built
    memory: dict[str, list[float]] = {"axon": [], "bdk": []}
    with tempfile.TemporaryDirectory(prefix="axon-bench-") as name:
        folder = Path(name)
        import_apart(chain, folder / "server" / "regtest", default_threads())
        with NodeProcess("server", folder / "server", options=("-connect=0",)) as server:
            server.start()
            wait_until_followed(server, chain)
            _pay(server, spread)

            def client(which: str) -> float:
                seconds, megabytes = run_client(which, server, PAYMENTS * _PAID_SAT)
                memory[which].append(megabytes)
                return seconds

            compared = alternate(lambda: client("axon"), lambda: client("bdk"), rounds, warm_ups=0)
            height = server.height()
            server.stop()
    return Row(
        f"cold wallet: {blocks} full blocks and {PAYMENTS} payments, against BDK's light client",
        f"{compared.ratio:.2f} x  ({compared.ours_s:.2f} s / {compared.theirs_s:.2f} s)",
        f"<= {LIMIT:g} x",
        compared.ratio <= LIMIT,
        [
            f"{height} blocks, the full ones with 1,000 scripts paid and 1,000 spent; one local "
            "node, each client a new process with an empty folder, its imports done before the "
            "clock starts; from there until the wallet is at the tip and its balance is right, "
            f"files written. Resident at the end: {median(memory['axon']):.0f} MB; BDK's "
            f"{median(memory['bdk']):.0f} MB. Median of {rounds} in turn.",
        ],
    )


def _pay(server: NodeProcess, chain: SpreadChain) -> None:
    """So many payments to the wallet, one a block."""
    source = from_words(
        new_words(ENTROPY), REGTEST, AccountKind.BIP84, "bench", bytes(16), bytes(12), log_n=10
    )
    book = ScriptBook(REGTEST, source.descriptors)
    for index, (coin, number) in enumerate(chain.coins[:PAYMENTS]):
        script = book.script(Keychain.RECEIVE, index)
        rest_sat = coin.amount_sat - _PAID_SAT - _FEE_SAT
        outputs = [TxOut(_PAID_SAT, script), TxOut(rest_sat, locked(number))]
        server.rpc("sendrawtransaction", show([(coin.outpoint, number)], outputs).raw.hex())
        server.rpc("generatetoaddress", 1, Signer("bench").address())


def run_client(which: str, server: NodeProcess, balance_sat: int) -> tuple[float, float]:
    """Seconds and megabytes of one client."""
    with tempfile.TemporaryDirectory(prefix="axon-bench-") as folder:
        command = [sys.executable, "-m", "bench.coldclient", which]
        command += [server.p2p.host, str(server.p2p.port), str(server.height()), server.tip()]
        command += [str(balance_sat), folder]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    seconds, megabytes = map(float, done.stdout.split())
    return seconds, megabytes
