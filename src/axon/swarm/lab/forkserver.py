"""Where the lab's processes are born: one program loads each kind once and forks for each.

A forked node begins in a few milliseconds, where a fresh interpreter first imports for half a
second, and shares with its siblings the memory of all that was loaded. The nursery holds no thread,
loop or kernel object, so nothing is torn by the fork. It begins when the first process is asked
for, and ends when whoever asks it goes away; what it has borne lives on, in sessions of its own.

A controller may be killed while its nursery is about to bear. So the nursery holds the run's lock
with it, and each child does until it has written its birth certificate down: nobody else works on
the run before every process that was ever born is known by its file.

    asks:    {"program": "node", "folder": "/run/n3", "arguments": [...]}     one line of JSON each
    answers: {"pid": 4711}
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
from typing import IO, Final, Self

from axon.errors import AxonError
from axon.swarm.lab.processidentity import write_birth

ERRORS: Final = "errors.txt"
"""What a component writes to standard output and standard error since its start, in its folder."""

COMMAND: Final = (sys.executable, "-m", "axon", "swarm", "nursery")
_NAME_BYTES: Final = 15

Program = Callable[[Sequence[str]], int]
Loader = Callable[[], Program]


class NurseryFailed(AxonError):
    """The nursery left, or speaks nonsense."""


class Nursery:
    """The side that asks: starts a nursery, and processes in it.

    Args:
        lock: the descriptor that holds the run.
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
        """Let the nursery go; what it has borne lives on."""
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with suppress(BrokenPipeError):
                    stream.close()
        self._process.wait()

    def bear(self, program: str, folder: Path, arguments: Sequence[str]) -> int:
        """Start a process that works in a folder; its id.

        Raises:
            NurseryFailed: it was not to be.
        """
        asked = {"program": program, "folder": str(folder), "arguments": list(arguments)}
        assert self._process.stdin is not None, "it was opened"
        assert self._process.stdout is not None, "it was opened"
        try:
            self._process.stdin.write(json.dumps(asked).encode() + b"\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
        except OSError as error:
            raise NurseryFailed(f"the nursery has left: {error}") from error
        if not answer:
            raise NurseryFailed("the nursery has left before it bore anything")
        return int(json.loads(answer)["pid"])


class Hold:
    """A run held by this process, and the nursery of it, which is started when it is needed.

    Args:
        lock: the descriptor that holds the run.
    """

    def __init__(self, lock: int) -> None:
        self._lock = lock
        self._nursery: Nursery | None = None

    def bear(self, program: str, folder: Path, arguments: Sequence[str]) -> int:
        """Start a process that works in a folder; its id.

        Raises:
            NurseryFailed: it was not to be.
        """
        if self._nursery is None:
            self._nursery = Nursery(self._lock)
        return self._nursery.bear(program, folder, arguments)

    def close(self) -> None:
        """Let the nursery go, if there is one."""
        if self._nursery is not None:
            self._nursery.close()
            self._nursery = None


def serve(loaders: Mapping[str, Loader], lock: int, asked: IO[bytes], answers: IO[bytes]) -> int:
    """The side that bears: fork for every line until there are no more.

    Args:
        loaders: of programs, by name; each is called once, here, so that no child has to load.
        lock: the descriptor that holds the run.
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
            break  # Nobody would know why it was born.
        pid = os.fork()
        if pid == 0:
            _live(programs[name], Path(order["folder"]), order["arguments"], lock)
        answers.write(json.dumps({"pid": pid}).encode() + b"\n")
        answers.flush()
    return 0


def _has_left(asked: IO[bytes]) -> bool:
    """Whether whoever asks has gone; what he asked for last may still be in the pipe."""
    poll = select.poll()
    poll.register(asked, 0)
    return any(event & select.POLLHUP for _, event in poll.poll(0))


def _live(program: Program, folder: Path, arguments: list[str], lock: int) -> None:
    """A child's whole life; it never returns into what the nursery was doing."""
    code = 1
    try:
        os.setsid()
        write_birth(folder)  # First of all: from now on it can be found by whoever comes.
        os.close(lock)
        _settle(folder)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        code = program(arguments)
    except BaseException:  # noqa: BLE001 It ends here; what is not written down now is lost.
        sys.excepthook(*sys.exc_info())
    finally:
        with suppress(OSError):
            sys.stderr.flush()
        os._exit(code)


def _settle(folder: Path) -> None:
    """Let the streams lead to a file, and let `ps -o comm` and `top` say which component it is."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    errors = os.open(folder / ERRORS, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
    for source, target in ((nothing, 0), (errors, 1), (errors, 2)):
        os.dup2(source, target)
    os.close(nothing)
    os.close(errors)
    with suppress(OSError):
        Path("/proc/self/comm").write_bytes(f"axon {folder.name}".encode()[:_NAME_BYTES])
