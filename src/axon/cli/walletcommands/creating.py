"""`create`, `restore` and `list`: how wallets come into being, and which there are."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from random import SystemRandom
from typing import Any, Final

from axon.cli.arguments import UsageError
from axon.cli.walletbirthday import add_birthday, birthday_s
from axon.cli.walletcommands.newwords import (
    add_entropy_options,
    ask_words,
    read_entropy,
    refuse_entropy_options,
    show_words,
)
from axon.cli.walletoptions import AddCommand, WalletOptions, add_gap
from axon.cli.walletsecrets import (
    add_bip39_options,
    add_passphrase_options,
    bip39_passphrase,
    new_passphrase,
    words,
)
from axon.cli.walletview import agrees, aligned, say, write, write_json
from axon.drivers.aio.clock import Clock
from axon.drivers.aio.walletfile import SqliteStore, WalletInUse
from axon.errors import AxonError, ConfigError
from axon.host.lightwallet import WALLET_FILE
from axon.host.newwallet import remove_wallet, write_wallet
from axon.host.walletclient import find_served
from axon.host.walletfiles import restore_file
from axon.machine import SECOND
from axon.primitives.address import encode_address
from axon.wallet.errors import BadMnemonic, NoWallet
from axon.wallet.keys import (
    AccountKind,
    Source,
    from_words,
    new_words,
    watch,
)
from axon.wallet.records import Keychain
from axon.wallet.scripts import LOOKAHEAD, RESTORED_LOOKAHEAD
from axon.wallet.seal import NONCE_SIZE, SALT_SIZE
from axon.wallet.wallet import Wallet
from axon.wallet.watching import MAX_EXPORT_SIZE, read_watched
from axon.wallet.wordlists import check_words

_FINGERPRINT: Final = re.compile(r"\[([0-9a-f]{8})/")
"""Of the master key, in a descriptor: it tells apart what different BIP 39 passphrases make."""


def add_commands(add: AddCommand) -> None:
    """Add the commands."""
    create = add("create", _create, "make a new wallet, and show the words that restore it")
    create.add_argument(
        "--no-confirm", action="store_true", help="do not ask whether the words were written down"
    )
    add_entropy_options(create)
    _add_kind(create)
    create.add_argument(
        "--watch-only",
        metavar="DESCRIPTOR|KEY|FILE",
        help="make one that only watches: a descriptor, or two on two lines; an xpub, ypub or "
        "zpub; or a file with these, or an export of Sparrow, Coldcard, Electrum, Specter or Core",
    )
    create.add_argument("--change", metavar="DESCRIPTOR", help="with --watch-only: the second one")
    create.add_argument(
        "--as-written",
        action="store_true",
        help="with --watch-only: the key of an account is meant without the usual /<0;1>/*",
    )
    add_birthday(create, "with --watch-only: nothing was paid to it before (default: 2009)")
    restore = add("restore", _restore, "make a wallet anew from its words, or from a backup")
    restore.add_argument(
        "--backup",
        type=Path,
        metavar="FILE",
        help="from this copy of its file, which axon wallet backup has made; it is only read",
    )
    restore.add_argument(
        "--words-file",
        type=Path,
        metavar="FILE",
        help="read the words from this file: in one of the ten languages of BIP 39, in full or by "
        "their first four letters; or as the numbers of English words, counted from 1",
    )
    _add_kind(restore)
    add_birthday(restore, "nothing was paid to it before (default: 2009, all blocks are searched)")
    add_gap(restore, RESTORED_LOOKAHEAD)
    add("list", _list, "the wallets there are", named=False)


def _add_kind(parser: Any) -> None:
    parser.add_argument(
        "--kind",
        choices=[str(kind) for kind in AccountKind],
        default=str(AccountKind.BIP84),
        help="of addresses: bip84 bc1q..., bip86 bc1p..., bip49 3..., bip44 1... (default bip84)",
    )
    add_passphrase_options(parser)
    add_bip39_options(parser)


def _create(options: WalletOptions) -> int:
    arguments = options.arguments
    _refuse_taken(options)
    if arguments.watch_only is not None:
        if arguments.bip39_passphrase or arguments.bip39_passphrase_file is not None:
            raise UsageError("a BIP 39 passphrase goes with words: --watch-only has none")
        refuse_entropy_options(arguments, "--watch-only")
        since_s = birthday_s(options)
        _tell(options, _made(options, _watched(options), since_s, has_past=True))
        return 0
    for name in ("change", "birthday", "as_written"):
        if getattr(arguments, name) not in (None, False):
            option = name.replace("_", "-")
            raise UsageError(f"--{option} goes with --watch-only; a new wallet begins now")
    if options.as_json and not arguments.no_confirm:
        raise UsageError(
            "--json shows the words at the end, so nobody can confirm them before:"
            " add --no-confirm, and write them down"
        )
    made = new_words(read_entropy(arguments))
    extra = bip39_passphrase(arguments)
    passphrase = new_passphrase(arguments)
    source = _account(options, made, extra, passphrase)
    told = _made(options, source, Clock().now() // SECOND)
    is_confirmed = False
    try:  # Words that restore nothing must not be on paper: the wallet is on the disk before.
        if options.as_json:
            write_json({**told, "words": made})
        else:
            show_words(made, has_bip39_passphrase=bool(extra))
        if not arguments.no_confirm:
            ask_words(made)
        is_confirmed = True
    finally:  # Nor may a wallet stay whose words nobody has seen.
        if not is_confirmed:
            remove_wallet(_path(options))
    if not options.as_json:
        _tell(options, told)
    return 0


def _watched(options: WalletOptions) -> Source:
    """The source of a wallet that only watches; what had to be guessed is said, and asked.

    Raises:
        BadDescriptor: what was given is none.
        ConfigError: a file cannot be read, or what was guessed is not what was meant.
    """
    arguments, network = options.arguments, options.light.network
    text = "\n".join(
        [_text_or_file(each) for each in (arguments.watch_only, arguments.change) if each]
    )
    watched = read_watched(
        text, network, AccountKind(arguments.kind), as_written=arguments.as_written
    )
    for remark in watched.remarks:
        say(f"{remark}.")
    if watched.remarks and sys.stdin.isatty() and not agrees("Is that meant?"):
        raise ConfigError("no wallet was made: give a descriptor that says what to derive")
    return watch(network, watched.receive, watched.change)


def _text_or_file(given: str) -> str:
    """What was given, or what is in the file of that name."""
    path = Path(given)
    if "(" in given or "\n" in given or given[1:4] == "pub" or not path.is_file():
        return given
    try:
        with path.open("rb") as file:
            data = file.read(MAX_EXPORT_SIZE + 1)
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error
    if len(data) > MAX_EXPORT_SIZE:
        raise ConfigError(f"{path} is larger than {MAX_EXPORT_SIZE} bytes: is it the right file?")
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is no text: is it the right file?") from None


def _restore(options: WalletOptions) -> int:
    arguments = options.arguments
    _refuse_taken(options)
    if arguments.backup is not None:
        return _restore_file(options)
    since_s = birthday_s(options)
    found = words_to_restore(arguments.words_file)
    extra = bip39_passphrase(arguments)
    source = _account(options, found, extra, new_passphrase(arguments))
    gap: int = RESTORED_LOOKAHEAD if arguments.gap is None else arguments.gap
    _tell(options, _made(options, source, since_s, has_past=True, gap=gap))
    return 0


def _restore_file(options: WalletOptions) -> int:
    arguments = options.arguments
    for name in ("words_file", "birthday", "gap", "bip39_passphrase_file", "passphrase_file"):
        if getattr(arguments, name) is not None:
            raise UsageError(f"--{name.replace('_', '-')} goes with words: a backup has its own")
    wallet, since_s = restore_file(options.light, options.name, arguments.backup)
    told = _told(options, wallet, since_s)
    if options.as_json:
        write_json(told)
        return 0
    _tell(options, told)
    if not wallet.is_watch_only:
        write("Its passphrase is the one it had when the backup was made.")
    write("Addresses that were given out since then are not marked as given out.")
    return 0


def words_to_restore(path: Path | None) -> str:
    """The words; who types them is asked again after a mistake.

    Raises:
        BadMnemonic: they are none.
        ConfigError: the file cannot be read, or nothing was typed.
    """
    while True:
        try:
            return check_words(words(path))
        except BadMnemonic as error:
            if path is not None or not sys.stdin.isatty():
                raise
            say(f"{error}. Try again, or press enter to leave.")


def _account(options: WalletOptions, found: str, extra: str, passphrase: str) -> Source:
    """Args: extra: the BIP 39 passphrase, empty for none."""
    kind = AccountKind(options.arguments.kind)
    salt, nonce = _random(SALT_SIZE), _random(NONCE_SIZE)
    return from_words(
        found, options.light.network, kind, passphrase, salt, nonce, bip39_passphrase=extra
    )


def _random(size: int) -> bytes:
    return SystemRandom().randbytes(size)


def _refuse_taken(options: WalletOptions) -> None:
    """Say early that a name is taken, before anybody writes words down."""
    path = _path(options)
    if not path.exists():
        return
    with SqliteStore(path) as store:
        try:
            Wallet.load(store)
        except NoWallet:
            return  # It was being made when the program was killed.
    raise ConfigError(f"there is a wallet {options.name!r} already: choose another name")


def _path(options: WalletOptions) -> Path:
    return options.light.wallet_folder(options.name) / WALLET_FILE


def _made(
    options: WalletOptions,
    source: Source,
    birthday_s: int,
    *,
    has_past: bool = False,
    gap: int = LOOKAHEAD,
) -> dict[str, Any]:
    """Make a wallet; what there is to tell of it."""
    wallet = write_wallet(
        _path(options),
        options.light.network,
        source,
        birthday_s=birthday_s,
        gap=gap,
        has_past=has_past,
    )
    return _told(options, wallet, birthday_s)


def _told(options: WalletOptions, wallet: Wallet, birthday_s: int) -> dict[str, Any]:
    source = wallet.source
    told: dict[str, Any] = {
        "name": options.name,
        "chain": wallet.network.name,
        "kind": "descriptor" if source.kind is None else str(source.kind),
        "private_keys_enabled": not wallet.is_watch_only,
        "birthtime": birthday_s,
        "folder": str(_path(options).parent),
    }
    if wallet.is_watch_only:
        told["first_address"] = _first_address(wallet)
    fingerprint = _FINGERPRINT.search(source.descriptors.receive)
    if source.kind is not None and fingerprint is not None:
        told["fingerprint"] = fingerprint[1]
    return told


def _tell(options: WalletOptions, told: dict[str, Any]) -> None:
    if options.as_json:
        write_json(told)
        return
    only_watches = not told["private_keys_enabled"]
    about = "It only watches: it cannot sign." if only_watches else f"Addresses: {told['kind']}."
    write(f"Wallet {options.name} on {told['chain']} is made. {about}")
    write(f"It is kept in {told['folder']}.")
    if "first_address" in told:
        write(f"Its first address is {told['first_address']}: see that the other wallet has it.")
    if "fingerprint" in told:
        write(f"Fingerprint of its master key, as other wallets show it: {told['fingerprint']}.")


def _first_address(wallet: Wallet) -> str | None:
    return encode_address(wallet.ledger.book.script(Keychain.RECEIVE, 0), wallet.network)


def _list(options: WalletOptions) -> int:
    folder = options.light.folder / "wallets"
    names = sorted(path.parent.name for path in folder.glob(f"*/{WALLET_FILE}"))
    found = [_about(folder / name, name) for name in names]
    if options.as_json:
        write_json(found)
        return 0
    if not found:
        say(f"There is no wallet on {options.light.network.name}; axon wallet create makes one.")
    for line in aligned([(each["name"], each["kind"], each["state"]) for each in found]):
        write(line)
    return 0


def _about(folder: Path, name: str) -> dict[str, str]:
    """What can be said of a wallet without disturbing whoever has it open."""
    served = find_served(folder)
    if served is not None:
        with served:
            kind = served.call("getwalletinfo")["kind"]
        return {"name": name, "kind": kind, "state": "running"}
    try:
        with SqliteStore(folder / WALLET_FILE) as store:
            kind_or_none = Wallet.load(store).source.kind
    except WalletInUse:
        return {"name": name, "kind": "?", "state": "open in another command"}
    except AxonError as error:
        return {"name": name, "kind": "?", "state": str(error)}
    return {"name": name, "kind": str(kind_or_none or "descriptor"), "state": "closed"}
