"""The fork server of the lab: it loads each program once and forks a process for each component.

A forked node starts in a few milliseconds, where a fresh interpreter first imports for half a
second, and it shares the memory of all loaded code with the others. The fork server holds no
thread, event loop or kernel object, so a fork copies nothing that is in use. It starts when the
first process is asked for, and ends when its controller does; the processes it spawned go on, each
in a session of its own.

A controller may be killed just before a spawn. So the fork server holds the lock of the run too,
and each child holds it until it has written its process identity to its folder: no other command
gets the run before every process that was ever spawned can be found by its file.

    requests: {"program": "node", "folder": "/run/n3", "arguments": [...], "namespace": null}
    answers:  {"pid": 4711}                                               one line of JSON each
"""

from __future__ import annotations

import gc
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Final, Self

from axon.drivers.aio.privatefiles import open_file
from axon.errors import AxonError
from axon.swarm.lab import netnamespace
from axon.swarm.lab.processidentity import write_identity

ERRORS: Final = "errors.txt"
"""What a component writes to standard output and standard error since its start, in its folder."""

COMMAND: Final = (sys.executable, "-m", "axon.swarm.lab.programs")
_NAME_BYTES: Final = 15

Program = Callable[[Sequence[str]], int]
Loader = Callable[[], Program]


class ForkServerFailed(AxonError):
    """The fork server has ended, or its answer cannot be read."""


class ForkServer:
    """The controller's side: starts the fork server, and processes by it.

    Args:
        lock: the descriptor of the locked file of the run.
        command: how it is started.
    """

    def __init__(self, lock: int, command: Sequence[str] = COMMAND) -> None:
        self._process = subprocess.Popen(
            [*command, str(lock)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=(lock,),
            start_new_session=True,  # A ctrl-C is for the controller, which ends in order.
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the fork server; the processes it spawned go on."""
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with suppress(BrokenPipeError):
                    stream.close()
        self._process.wait()

    def spawn(
        self, program: str, folder: Path, arguments: Sequence[str], namespace: Path | None = None
    ) -> int:
        """Start a process that works in a folder; its id.

        Args:
            program: by its name.
            folder: in which it works.
            arguments: what it is told.
            namespace: the network namespace in which it is to be; None for the one here.

        Raises:
            ForkServerFailed: it did not start.
        """
        asked = {
            "program": program,
            "folder": str(folder),
            "arguments": list(arguments),
            "namespace": None if namespace is None else str(namespace),
        }
        assert self._process.stdin is not None, "it was opened"
        assert self._process.stdout is not None, "it was opened"
        try:
            self._process.stdin.write(json.dumps(asked).encode() + b"\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
        except OSError as error:
            raise ForkServerFailed(f"the fork server has ended: {error}") from error
        if not answer:
            raise ForkServerFailed("the fork server has ended before it spawned a process")
        return int(json.loads(answer)["pid"])


class RunLock:
    """A run locked by this process, and its fork server, which is started when it is needed.

    Args:
        lock: the descriptor of the locked file of the run.
    """

    def __init__(self, lock: int) -> None:
        self._lock = lock
        self._forkserver: ForkServer | None = None

    def spawn(
        self, program: str, folder: Path, arguments: Sequence[str], namespace: Path | None = None
    ) -> int:
        """Start a process that works in a folder; its id.

        Args:
            program: by its name.
            folder: in which it works.
            arguments: what it is told.
            namespace: the network namespace in which it is to be; None for the one here.

        Raises:
            ForkServerFailed: it did not start.
        """
        if self._forkserver is None:
            self._forkserver = ForkServer(self._lock)
        return self._forkserver.spawn(program, folder, arguments, namespace)

    def close(self) -> None:
        """End the fork server, if there is one."""
        if self._forkserver is not None:
            self._forkserver.close()
            self._forkserver = None


def serve(loaders: Mapping[str, Loader], lock: int, asked: IO[bytes], answers: IO[bytes]) -> int:
    """The fork server's side: fork for each request until there are no more.

    Args:
        loaders: of programs, by name; each is called once, here, so that no child has to load.
        lock: the descriptor of the locked file of the run.
        asked: lines of JSON.
        answers: likewise.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # Nobody here asks how a child ended.
    programs: dict[str, Program] = {}
    for line in asked:
        order = json.loads(line)
        name = order["program"]
        if name not in programs:
            programs[name] = loaders[name]()
            gc.collect()
            gc.freeze()  # A collection that walks over shared memory has every child copy it.
        if _has_left(asked):
            break  # Nobody is left who would know of the process.
        pid = os.fork()
        if pid == 0:
            _run_child(programs[name], order, lock)
        answers.write(json.dumps({"pid": pid}).encode() + b"\n")
        answers.flush()
    return 0


def _has_left(asked: IO[bytes]) -> bool:
    """Whether whoever asks has gone; what he asked for last may still be in the pipe."""
    poll = select.poll()
    poll.register(asked, 0)
    return any(event & select.POLLHUP for _, event in poll.poll(0))


def _run_child(program: Program, order: Mapping[str, Any], lock: int) -> None:
    """All that a child does; it never returns into the code of the fork server."""
    code, folder = 1, Path(order["folder"])
    try:
        os.setsid()
        write_identity(folder)  # First of all: from now on any controller can find it.
        os.close(lock)
        _redirect(folder)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        if order["namespace"] is not None:
            netnamespace.enter(Path(order["namespace"]))
        code = program(order["arguments"])
    except BaseException:  # noqa: BLE001 It ends here; what is not written down now is lost.
        sys.excepthook(*sys.exc_info())
    finally:
        with suppress(OSError):
            sys.stderr.flush()
        os._exit(code)


def _redirect(folder: Path) -> None:
    """Let the streams lead to a file, and let `ps -o comm` and `top` say which component it is."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    errors = open_file(folder / ERRORS, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND)
    for source, target in ((nothing, 0), (errors, 1), (errors, 2)):
        os.dup2(source, target)
    os.close(nothing)
    os.close(errors)
    with suppress(OSError):
        Path("/proc/self/comm").write_bytes(f"axon {folder.name}".encode()[:_NAME_BYTES])
