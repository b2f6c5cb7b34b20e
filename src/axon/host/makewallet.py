"""The file of a new wallet of a node."""

from __future__ import annotations

from pathlib import Path
from random import SystemRandom

from axon.drivers.aio.walletfile import SqliteStore
from axon.primitives.hashes import BlockHash
from axon.rpc.corewallet.settings import NodeWalletSettings
from axon.rpc.daemon import Daemon
from axon.wallet.descriptorseed import WalletFlags
from axon.wallet.descriptorwallet import DescriptorWallet
from axon.wallet.records import Mark
from axon.wallet.sealedkeys import Entropy


def make_wallet(
    path: Path,
    daemon: Daemon,
    settings: NodeWalletSettings,
    *,
    flags: tuple[bool, bool],
    passphrase: str,
    tip: tuple[int, BlockHash],
) -> None:
    """Make the file of a new wallet, which has seen the chain up to now.

    Args:
        flags: whether it may hold private keys, and whether it is to be blank.
        tip: height and hash of the block at the end of the chain.

    Raises:
        StorageError: the disk refuses.
    """
    with SqliteStore(path) as store:
        DescriptorWallet.write_new(
            store,
            daemon.node.network,
            Entropy(SystemRandom()),
            flags=WalletFlags(*flags),
            passphrase=passphrase,
            now_s=daemon.now_s,
            ahead=settings.ahead,
            seen=Mark(*tip),
        )
