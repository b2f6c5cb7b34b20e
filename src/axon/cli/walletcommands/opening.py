"""`open`: a wallet as a full-screen program."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any, Final

from axon.cli.walletaccess import opened
from axon.cli.walletcommands.direct import typed_invoice
from axon.cli.walletcommands.packets import read_file, write_new
from axon.cli.walletoptions import AddCommand, WalletOptions
from axon.cli.walletview import qr_lines
from axon.errors import ConfigError
from axon.host.secretmemory import lock_memory
from axon.host.walletclient import WalletClient
from axon.wallet.amounts import Unit, parse_amount
from axon.wallet.paymenturi import parse_payment_uri

if TYPE_CHECKING:
    from axon.tui.app import WalletApp
    from axon.tui.asking import Ask

LEAVE_S: Final = 1.0
"""How long the end of the program waits for a call that is under way, in seconds."""


def add_commands(add: AddCommand) -> None:
    """Add the command."""
    add("open", _open, "the wallet as a full-screen program, for keyboard and mouse")


def _open(options: WalletOptions) -> int:
    if not all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr)):
        raise ConfigError(
            "a full-screen program needs a terminal; axon wallet --help lists commands that need"
            " none"
        )
    lock_memory()
    with opened(options, serves=True) as client, asker(client) as ask:
        app = wallet_app(client, ask, options)
        app.run()
    if app.failure is not None:
        raise app.failure
    return app.return_code or 0


def wallet_app(client: WalletClient, ask: Ask, options: WalletOptions) -> WalletApp:
    """The program over an open wallet.

    Args:
        client: to it.
        ask: asks it, from the loop of the program.
        options: of this call.
    """
    # Nobody but who looks at a screen needs its memory.
    from axon.tui.app import WalletApp
    from axon.tui.files import FileAccess
    from axon.tui.model import read_wallet_info

    return WalletApp(
        ask,
        read_wallet_info(client.call("getwalletinfo")),
        options.name,
        qr_lines=qr_lines,
        read_amount=lambda text, unit: parse_amount(text, Unit(unit)),
        read_payee=parse_payment_uri,
        files=FileAccess(typed_invoice, _read_named, write_new),
        offline=options.offline,
    )


def _read_named(name: str) -> str:
    """As `read_file`, but never standard input, which is the keyboard here."""
    return read_file(str(Path(name).absolute()))


@contextmanager
def asker(client: WalletClient) -> Iterator[Ask]:
    """Calls a wallet from an event loop, one call after the other, until the block is left.

    A call waits in a thread of its own. At the end that thread is waited for, but not longer than
    `LEAVE_S`: a wallet that hangs in another program must not keep this one from being left, and
    the thread, a daemon, ends with the process at the latest.
    """
    calls = asyncio.new_event_loop()

    def answer_calls() -> None:
        calls.run_forever()
        calls.close()

    async def call(method: str, args: tuple[object, ...], named: dict[str, object]) -> Any:
        return client.call(method, *args, **named)

    async def ask(method: str, /, *args: object, **named: object) -> Any:
        return await asyncio.wrap_future(
            asyncio.run_coroutine_threadsafe(call(method, args, named), calls)
        )

    thread = Thread(target=answer_calls, name="asker", daemon=True)
    thread.start()
    try:
        yield ask
    finally:
        calls.call_soon_threadsafe(calls.stop)
        thread.join(LEAVE_S)
