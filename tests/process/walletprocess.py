"""`axon wallet` as processes: one that serves, single commands, and a person at a terminal."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import select
import subprocess
import sys
import time
from codecs import getincrementaldecoder
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Protocol, Self

from axon.host.settings import LightSettings
from axon.host.walletclient import find_served
from axon.machine import Endpoint
from axon.primitives.network import REGTEST
from axon.rpc.client import RpcClient
from axon.swarm.lab.processes import STOP_LIMIT_S, NodeFailed, wait_until

PASSPHRASE: Final = "correct horse"
_AXON: Final = (sys.executable, "-m", "axon", "wallet")
_PATIENCE_S: Final = 60.0


class Running(Protocol):
    """A process that was started, as `subprocess.Popen` has it."""

    @property
    def pid(self) -> int:
        """Its own."""

    def poll(self) -> int | None:
        """None while it runs."""

    def kill(self) -> None:
        """End it at once (SIGKILL)."""

    def wait(self, timeout: float | None = None) -> int:
        """Wait until it is gone."""


class WalletProcess:
    """One wallet, which is served now and then.

    Args:
        folder: its data directory; made if it is missing.
        name: of the wallet.
        nodes: the only ones it dials.
        options: further ones of the command line.
    """

    def __init__(
        self, folder: Path, name: str, nodes: Sequence[Endpoint], options: Sequence[str] = ()
    ) -> None:
        self.folder = folder
        self.name = name
        self.wallet_folder = LightSettings(REGTEST, folder / "regtest").wallet_folder(name)
        self._options = [
            "-regtest",
            f"-datadir={folder}",
            *(f"-connect={node}" for node in nodes),
            *options,
        ]
        folder.mkdir(parents=True, exist_ok=True)
        self.errors = folder / "errors.txt"
        self.secret = folder / "passphrase"
        self.secret.write_text(PASSPHRASE)
        self._process: Running | None = None
        self._client: RpcClient | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def arguments(self, command: str, *words: str) -> list[str]:
        """The command line of a command."""
        return [*_AXON, command, self.name, *words, *self._options]

    def run(self, command: str, *words: str) -> tuple[int, str, str]:
        """Run a command; exit code, standard output, standard error."""
        done = subprocess.run(
            self.arguments(command, *words),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_PATIENCE_S,
        )
        return done.returncode, done.stdout, done.stderr

    def json(self, command: str, *words: str) -> Any:
        """The result of a command."""
        code, out, err = self.run(command, *words, "--json")
        assert code == 0, (command, err)
        return json.loads(out)

    def signing(self) -> str:
        """The option that says where the passphrase is."""
        return f"--passphrase-file={self.secret}"

    def serve(self, *words: str, wait: bool = True) -> Self:
        """Start serving it, and wait until it answers.

        Args:
            words: options of `serve`.
            wait: until it answers.
        """
        assert self._process is None, "it is served already"
        self._process = self.started(self.arguments("serve", *words))
        if wait:
            self.wait_ready()
        return self

    def started(self, arguments: list[str]) -> Running:
        """Start a process; what it complains of is added to a file."""
        with self.errors.open("ab") as errors:
            return subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stderr=errors)

    def wait_ready(self) -> None:
        """Wait until it answers.

        Raises:
            NodeFailed: it has left, or does not answer in time.
        """
        wait_until(self._answers, _PATIENCE_S, f"wallet {self.name} answers")

    def _answers(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise NodeFailed(f"it has left: {self.said()}")
        self._client = find_served(self.wallet_folder)
        return self._client is not None

    def said(self) -> str:
        """What the ones that were served have written for a person."""
        return self.errors.read_text()

    def call(self, method: str, /, *args: object) -> Any:
        """Call a method of the one that is served."""
        assert self._client is not None, "it is served"
        return self._client.call(method, *args)

    def sync(self) -> dict[str, Any]:
        """Wait until it is in sync."""
        info: dict[str, Any] = self.call("waitforsync", 30_000)
        assert info["synced"], info
        return info

    @property
    def pid(self) -> int | None:
        """Of the one that is served; None if it is not."""
        return None if self._process is None else self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether the one that is served still runs."""
        return self._process is not None and self._process.poll() is None

    def strike(self) -> None:
        """End it at once (SIGKILL), from any thread, whatever it does."""
        assert self._process is not None
        self._process.kill()

    def kill(self) -> None:
        """End it at once (SIGKILL), and wait until it is gone."""
        self._forget()
        if self._process is not None:
            self._process.kill()
            self._process.wait(STOP_LIMIT_S)
            self._process = None

    def stop(self) -> int:
        """Ask it to stop; its exit code."""
        assert self._process is not None
        self.call("stop")
        self._forget()
        code = self._process.wait(STOP_LIMIT_S)
        self._process = None
        return code

    def _forget(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None


class Terminal:
    """A command with a person before it."""

    def __init__(self, arguments: Sequence[str]) -> None:
        self._pid, self._descriptor = pty.fork()
        if self._pid == 0:
            os.execvp(arguments[0], list(arguments))
        self._decoder = getincrementaldecoder("utf-8")()
        self.seen = ""
        self._read = 0

    @property
    def pid(self) -> int:
        """Of the command."""
        return self._pid

    def expect(self, text: str) -> str:
        """Wait until it says something new; all that it said up to there."""
        deadline = time.monotonic() + _PATIENCE_S
        while text not in self.seen[self._read :]:
            assert time.monotonic() < deadline, (text, self.seen)
            assert self._more(0.1) is not False, (text, self.seen)
        start, self._read = self._read, self.seen.index(text, self._read) + len(text)
        return self.seen[start : self._read]

    def type(self, text: str) -> None:
        """Type something."""
        os.write(self._descriptor, text.encode())

    def left(self) -> int:
        """Wait until it has left; its exit code."""
        while self._more(_PATIENCE_S) is True:
            pass
        os.close(self._descriptor)
        return os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])

    def _more(self, limit_s: float) -> bool | None:
        """Read on: True if there was something, None if not yet, False at the end."""
        if not select.select([self._descriptor], [], [], limit_s)[0]:
            return None
        with contextlib.suppress(OSError):  # So a terminal ends on Linux.
            data = os.read(self._descriptor, 4096)
            self.seen += self._decoder.decode(data)  # A sign may come in two parts.
            return bool(data)
        return False
