"""The way to a wallet: through the program that has it open, or by opening it here.

A wallet that is served (`axon wallet serve`) has two files in its folder: `rpc.json` says on which
port, `.cookie` is the password. After `kill -9` they are still there and nobody answers, or
somebody else does who does not know the password: then the wallet is opened here.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    closing,
    contextmanager,
    nullcontext,
)
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

from axon.drivers.aio.driver import Stopped
from axon.drivers.aio.loop import run_forgetful_loop, run_loop
from axon.drivers.aio.walletfile import WalletInUse
from axon.host.datadir import FolderInUse, locked
from axon.host.lightwallet import RunningWallet, find_wallet, light_wallet
from axon.host.settings import LightSettings
from axon.host.walletserver import COOKIE_FILE, RPC_FILE, served_wallet
from axon.rpc.amounts import Number, decode_json, encode_json
from axon.rpc.client import RpcClient, Unauthorized, Unreachable
from axon.rpc.errors import Code, RpcError
from axon.rpc.jsonrpc import call_params

PROBE_S: Final = 5.0
"""For so long a port is given to prove that our wallet is behind it."""

WARMUP_S: Final = 30.0
"""For so long a wallet that is just being opened is waited for."""

IN_USE_S: Final = 10.0
"""For so long another command that has the wallet open is waited for; most end sooner."""

_RETRY_S: Final = 0.1

_T = TypeVar("_T")


class WalletClient(Protocol):
    """Whom to ask about a wallet."""

    def call(self, method: str, /, *args: object, **named: object) -> Any:
        """Call a method; numbers with a fraction come as `rpc.amounts.Number`.

        Raises:
            RpcError: it refuses.
        """


@contextmanager
def opened(
    settings: LightSettings,
    name: str,
    *,
    serves: bool = False,
    log: Callable[[], AbstractContextManager[object]] = nullcontext,
) -> Iterator[WalletClient]:
    """A wallet, until the block is left; a command that has it open just now is waited for.

    Args:
        settings: how it meets its nodes if it is opened here.
        name: of the wallet.
        serves: others may ask it meanwhile, if it is opened here.
        log: entered for as long as it is open here.

    Raises:
        ConfigError: there is no wallet of this name.
        StorageError: it is open in another program, damaged, or the disk refuses.
    """
    folder = settings.wallet_folder(name)

    def reach() -> RpcClient | InProcessWallet:
        found = find_served(folder)
        if found is not None:
            return found
        here = InProcessWallet(settings, name, serves=serves)
        here.start()
        return here

    served = find_served(folder)
    with nullcontext() if served is not None else log():
        reached = served or when_free(reach)
        if isinstance(reached, InProcessWallet):
            with closing(reached):
                yield reached
        else:
            with reached:
                yield reached


def when_free(action: Callable[[], _T]) -> _T:
    """Do what needs a wallet for itself, as soon as no other command has it.

    Args:
        action: tried again for `IN_USE_S`, as long as it fails because of another process.

    Raises:
        WalletInUse, FolderInUse: the other one has it for longer.
    """
    deadline = time.monotonic() + IN_USE_S
    while True:
        try:
            return action()
        except (WalletInUse, FolderInUse):
            if time.monotonic() >= deadline:
                raise
            time.sleep(_RETRY_S)


def find_served(folder: Path) -> RpcClient | None:
    """The program that has a wallet open; None if nobody answers in its name.

    Args:
        folder: the wallet's.

    Raises:
        RpcError: it takes too long to open the wallet.
    """
    port = _served_port(folder / RPC_FILE)
    if port is None:
        return None
    url, cookie = f"http://127.0.0.1:{port}", folder / COOKIE_FILE
    deadline = time.monotonic() + WARMUP_S
    while True:
        try:
            with RpcClient(url, cookie=cookie, timeout_s=PROBE_S) as probe:
                probe.call("help", "help")  # Every server has it, and it waits for nobody.
        except (Unreachable, Unauthorized):
            return None
        except RpcError as error:
            if error.code != Code.WARMUP or time.monotonic() >= deadline:
                raise
            time.sleep(_RETRY_S)
        else:
            return RpcClient(url, cookie=cookie, numbers=Number)


def _served_port(path: Path) -> int | None:
    try:
        told = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    port = told.get("port") if isinstance(told, dict) else None
    return port if isinstance(port, int) and 0 < port < 1 << 16 else None


class InProcessWallet:
    """A wallet that runs in a thread of this process.

    The caller's own thread is free to ask a person something; the connections go on meanwhile.

    Args:
        settings: how it meets its nodes.
        name: of the wallet.
        serves: others may ask it meanwhile, as with `axon wallet serve`.
    """

    def __init__(self, settings: LightSettings, name: str, *, serves: bool = False) -> None:
        self._settings = settings
        self._name = name
        self._serves = serves
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="wallet")
        self._begun: Future[tuple[asyncio.AbstractEventLoop, RunningWallet]] = Future()
        self._run: Future[None]

    def start(self) -> None:
        """Open it.

        Raises:
            ConfigError, StorageError, WalletError: it cannot be opened.
        """
        run = run_forgetful_loop if self._serves else run_loop  # Strangers' calls bear secrets.
        self._run = self._threads.submit(run, self._main())
        futures: list[Future[Any]] = [self._begun, self._run]
        wait(futures, return_when=FIRST_COMPLETED)
        if not self._begun.done():
            self._threads.shutdown()
            self._run.result()

    async def _main(self) -> None:
        if not self._serves:
            await self._hold(light_wallet(self._settings, self._name))
            return
        with locked(find_wallet(self._settings, self._name).parent):
            await self._hold(served_wallet(self._settings, self._name))

    async def _hold(self, opening: AbstractAsyncContextManager[RunningWallet]) -> None:
        async with opening as wallet:
            self._begun.set_result((asyncio.get_running_loop(), wallet))
            await wallet.wait_stopped()

    def call(self, method: str, /, *args: object, **named: object) -> Any:
        """Call a method.

        Raises:
            RpcError: it refuses.
            StorageError: the disk refused, and the wallet is closed.
        """
        loop, wallet = self._begun.result()
        # As they would come over a connection, so that both ways mean the same.
        params = decode_json(encode_json(call_params(args, named)))
        work = wallet.registry.execute(wallet.daemon, method, params)
        if self._run.done():
            work.close()
            self._run.result()
            raise Stopped("the wallet was closed")
        called = asyncio.run_coroutine_threadsafe(work, loop)
        futures: list[Future[Any]] = [called, self._run]
        wait(futures, return_when=FIRST_COMPLETED)
        if not called.done() or called.cancelled() or isinstance(called.exception(), Stopped):
            self._run.result()
        return decode_json(encode_json(called.result()))

    def close(self) -> None:
        """Close it in order."""
        loop, wallet = self._begun.result()
        if not self._run.done():
            loop.call_soon_threadsafe(wallet.stop)
        self._threads.shutdown()
        self._run.result()
