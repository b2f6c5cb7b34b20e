"""One light client that starts with nothing and syncs a wallet from one node, and its time.

    python -m bench.coldclient axon|bdk HOST PORT HEIGHT TIP BALANCE_SAT FOLDER

Imports are done before the clock starts. Prints seconds, and the resident memory in MB at the end.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

ENTROPY: Final = bytes(range(16))
"""Of the mnemonic of both wallets."""

_LIMIT_S: Final = 300.0
_PAGE_BYTES: Final = 4096


@dataclass(frozen=True, slots=True)
class Goal:
    """What the wallet must know in the end.

    Args:
        host, port: of the node.
        height, tip_hex: of its chain.
        balance_sat: what the wallet holds then.
        folder: empty, for the client's files.
    """

    host: str
    port: int
    height: int
    tip_hex: str
    balance_sat: int
    folder: Path


Client = Callable[[Goal], Coroutine[Any, Any, float]]


def axon_client() -> Client:
    """axon's own wallet."""
    from axon.drivers.aio.walletfile import SqliteStore
    from axon.host.lightwallet import WALLET_FILE, light_wallet
    from axon.host.settings import LightSettings
    from axon.machine import Endpoint
    from axon.primitives.network import REGTEST
    from axon.wallet.coins import Balance
    from axon.wallet.keys import AccountKind, from_words, new_words
    from axon.wallet.wallet import Wallet

    @dataclass(frozen=True, slots=True)
    class FindBalance:
        def run(self, wallet: Wallet) -> Balance:
            return wallet.balance()

    source = from_words(
        new_words(ENTROPY), REGTEST, AccountKind.BIP84, "bench", bytes(16), bytes(12), log_n=10
    )

    async def run(goal: Goal) -> float:
        began = time.perf_counter()
        options = LightSettings(
            network=REGTEST, folder=goal.folder, connect=(Endpoint(goal.host, goal.port),)
        )
        options.wallet_folder("bench").mkdir(parents=True)
        store = SqliteStore(options.wallet_folder("bench") / WALLET_FILE)
        Wallet.create(store, REGTEST, source, birthday_s=0)
        store.close()
        async with light_wallet(options, "bench") as wallet:
            daemon = wallet.daemon
            assert await daemon.synced(_LIMIT_S), "it is not synced in time"
            balance = await daemon.ask(FindBalance())
            spent = time.perf_counter() - began
            best = daemon.node.headers.best
            assert (best.height, best.hash[::-1].hex()) == (goal.height, goal.tip_hex)
            assert balance.confirmed_sat + balance.immature_sat == goal.balance_sat, balance
        return spent

    return run


def bdk_client() -> Client:
    """BDK's light client, kyoto."""
    import bdkpython as bdk

    async def run(goal: Goal) -> float:
        began = time.perf_counter()
        kind = bdk.NetworkKind.TEST
        key = bdk.DescriptorSecretKey(kind, bdk.Mnemonic.from_entropy(ENTROPY), None)
        wallet = bdk.Wallet(
            bdk.Descriptor.new_bip84(key, bdk.KeychainKind.EXTERNAL, kind),
            bdk.Descriptor.new_bip84(key, bdk.KeychainKind.INTERNAL, kind),
            bdk.Network.REGTEST,
            bdk.Persister.new_sqlite(str(goal.folder / "wallet.sqlite")),
        )
        host = bdk.IpAddress.from_ipv4(*map(int, goal.host.split(".")))
        peer = bdk.Peer(address=host, port=goal.port, v2_transport=False)
        library: Any = bdk  # Its types are wrong about this part.
        builder = library.CbfBuilder().connections(1).only_configured_peers()
        parts = builder.data_dir(str(goal.folder)).peers([peer])
        parts = parts.scan_type(library.ScanType.SYNC())
        built = parts.build(wallet)
        built.node.run()
        async with asyncio.timeout(_LIMIT_S):
            while wallet.latest_checkpoint().height < goal.height:
                wallet.apply_update(await built.client.update())
        balance = wallet.balance()
        spent = time.perf_counter() - began
        assert str(wallet.latest_checkpoint().hash) == goal.tip_hex
        assert balance.total.to_sat() == goal.balance_sat, balance
        built.client.shutdown()
        return spent

    return run


def main(arguments: list[str]) -> int:
    """Run one client to its goal."""
    which, host, port, height, tip_hex, balance_sat, folder = arguments
    client = {"axon": axon_client, "bdk": bdk_client}[which]()
    goal = Goal(host, int(port), int(height), tip_hex, int(balance_sat), Path(folder))
    seconds = asyncio.run(client(goal))
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    sys.stdout.write(f"{seconds} {pages * _PAGE_BYTES / 1e6}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
