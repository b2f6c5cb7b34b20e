"""The keys of the lab's wallets: words and a passphrase in files for their owner's eyes only.

They lie beside what a wallet keeps, not in it, as words on paper do: a wallet whose disk was wiped
is made again from them and finds its money in the chain. Test networks only.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import SystemRandom
from typing import Final

from axon.drivers.aio.privatefiles import make_folder, write_file
from axon.drivers.aio.walletfile import SqliteStore
from axon.errors import ConfigError, disk_refusal
from axon.primitives.address import encode_address
from axon.primitives.descriptor import parse_descriptor
from axon.primitives.network import REGTEST
from axon.swarm.lab.manifest import PASSPHRASE, WORDS
from axon.wallet.errors import NoWallet
from axon.wallet.keys import ENTROPY_SIZE, AccountKind, from_words, new_words
from axon.wallet.seal import NONCE_SIZE, SALT_SIZE
from axon.wallet.wallet import Wallet

_PASSPHRASE_BYTES: Final = 16
_CHEAP_LOG_N: Final = 1
"""Cost of a seal that nobody keeps."""


def read_secret(path: Path) -> str:
    """A passphrase, or words.

    Raises:
        ConfigError: the file cannot be read.
    """
    try:
        return path.read_text()
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error


def provide_words(folder: Path) -> str:
    """The words of the wallet in a folder of the run; new ones the first time."""
    return _provide(folder / WORDS, lambda: new_words(SystemRandom().randbytes(ENTROPY_SIZE)))


def provide_passphrase(folder: Path) -> str:
    """The passphrase of a run's wallets; a new one the first time."""
    return _provide(folder / PASSPHRASE, lambda: SystemRandom().randbytes(_PASSPHRASE_BYTES).hex())


def _provide(path: Path, make: Callable[[], str]) -> str:
    if path.exists():
        return read_secret(path)
    made, fresh = make(), path.with_name(f"{path.name}.new")
    try:
        make_folder(path.parent)
        fresh.unlink(missing_ok=True)  # Of a controller that was killed.
        write_file(fresh, made.encode())
        fresh.replace(path)
    except OSError as error:
        raise disk_refusal(f"cannot write {path}", error, ConfigError) from error
    return made


def first_address(words: str) -> str:
    """The address at which a wallet made of these words is paid first."""
    source = from_words(
        words,
        REGTEST,
        AccountKind.BIP84,
        "",
        bytes(SALT_SIZE),
        bytes(NONCE_SIZE),
        log_n=_CHEAP_LOG_N,
    )
    (descriptor,) = parse_descriptor(source.descriptors.receive, REGTEST)
    address = encode_address(descriptor.scripts(0)[0], REGTEST)
    assert address is not None, "BIP 84 makes addresses"
    return address


def make_wallet(path: Path, words: Path, passphrase: Path) -> None:
    """Make a wallet from its words, unless it is there.

    Args:
        path: of its file.
        words, passphrase: files with its secrets.

    Raises:
        StorageError: the disk said no, or the wallet is open elsewhere.
        ConfigError: a secret cannot be read.
    """
    with SqliteStore(path) as store:
        try:
            Wallet.load(store)
        except NoWallet:
            rng = SystemRandom()
            salt, nonce = rng.randbytes(SALT_SIZE), rng.randbytes(NONCE_SIZE)
            told, secret = read_secret(words), read_secret(passphrase)
            source = from_words(told, REGTEST, AccountKind.BIP84, secret, salt, nonce)
            birthday_s = REGTEST.genesis.header.time  # Its money may be in any block.
            Wallet.create(store, REGTEST, source, birthday_s=birthday_s)
