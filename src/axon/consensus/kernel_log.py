"""What libbitcoinkernel says while it works, told to the kernel object that asked.

The library has one log for the whole process and names the reason of a refusal nowhere but there.
Everything it does, it does on the thread that called it (check workers say nothing), so a line
belongs to the call that this thread is in. A `KernelCall` collects what one call brings: log lines,
blocks that connected or disconnected, blocks found invalid, failures of the disk.

The line that matters, in category `validation` at level debug:
`BlockChecked: block hash=<hex> state=<reason>[, <detail>]`, or `state=Valid`. For a header it is
`AcceptBlockHeader: Consensus::<check>: <hex>, <reason>[, <detail>]`.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Final

from axon.consensus import library
from axon.errors import AxonError, DiskFullError
from axon.primitives.hashes import BlockHash, from_hex
from axon.primitives.verdict import Rejected

_CHECKED: Final = b"[validation:debug] BlockChecked: block hash="
_STATE: Final = b" state="
_ERROR: Final = b"[all:error] "
_PLAIN: Final = b"[all:"
_HASH_HEX_SIZE: Final = 64
_HEADER: Final = b"[validation:debug] AcceptBlockHeader: Consensus::"

_FULL: Final = ("disk space is too low", "no space left on device", "disk quota exceeded")

_VALID_MODE: Final = 0
_INTERNAL_ERROR_MODE: Final = 2

_thread: Final = threading.local()
_connecting: Final = threading.Lock()
_connection: int | None = None


def parse_checked(line: bytes) -> tuple[BlockHash, Rejected | None] | None:
    """What a log line says about a checked block.

    Returns:
        The block and why it was refused, None for a valid one; None for any other line.
    """
    if not line.startswith(_CHECKED):
        return None
    start = len(_CHECKED)
    name, _, state = line[start:].rstrip(b"\n").partition(_STATE)
    if len(name) != _HASH_HEX_SIZE:
        return None
    try:
        block_hash = BlockHash(from_hex(name.decode("ascii")))
    except ValueError:
        return None
    if state == b"Valid":
        return block_hash, None
    reason, _, detail = state.decode("utf-8", "replace").partition(", ")
    return block_hash, Rejected(reason, detail)


def parse_header(line: bytes) -> Rejected | None:
    """Why a header was refused, if this log line says so."""
    if not line.startswith(_HEADER):
        return None
    parts = line[len(_HEADER) :].decode("utf-8", "replace").rstrip("\n").split(", ", 2)
    if len(parts) < 2:
        return None
    return Rejected(parts[1], parts[2] if len(parts) == 3 else "")


def plain_line(line: bytes) -> str:
    """A log line as a person reads it: without the category where it has none."""
    if line.startswith(_PLAIN):
        line = line[line.index(b"]") + 2 :]
    return line.decode("utf-8", "replace").rstrip("\n")


def failure(what: str, reasons: Sequence[str]) -> AxonError:
    """The error to raise for what the library says of itself; a full disk is called that.

    Args:
        what: was going on, as the beginning of a sentence.
        reasons: in the library's words.
    """
    said = "; ".join(dict.fromkeys(reasons)) or "no reason given"
    lowered = said.lower()
    if any(words in lowered for words in _FULL):
        return DiskFullError(what)
    return library.KernelError(f"{what}: {said}.")


class KernelCall:
    """What the library did during one call on this thread; a context manager.

    Args:
        on_log: is given each line of the log, as text.
    """

    __slots__ = (
        "bad_header",
        "connected",
        "disconnected",
        "errors",
        "failures",
        "invalid",
        "on_log",
        "outer",
    )

    def __init__(self, on_log: Callable[[str], None] | None) -> None:
        self.on_log = on_log
        self.connected: list[BlockHash] = []
        self.disconnected: list[BlockHash] = []
        self.invalid: dict[BlockHash, Rejected] = {}
        self.bad_header: Rejected | None = None
        self.errors: list[str] = []  # Log lines of level error.
        self.failures: list[str] = []  # The disk, or the library itself.
        self.outer: KernelCall | None = None

    def __enter__(self) -> KernelCall:
        self.outer = getattr(_thread, "call", None)
        _thread.call = self
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        _thread.call = self.outer

    def check(self, what: str) -> None:
        """Raise if the library failed during this call.

        Args:
            what: was going on, as the beginning of a sentence.

        Raises:
            DiskFullError: there is no room left.
            library.KernelError: it failed for any other reason.
        """
        if self.failures:
            raise failure(what, self.failures)

    def received_line(self, line: bytes) -> None:
        """Take in a log line."""
        if line.startswith(_CHECKED):
            checked = parse_checked(line)
            if checked is not None and checked[1] is not None:
                self.invalid[checked[0]] = checked[1]
        elif line.startswith(_ERROR):
            self.errors.append(line[len(_ERROR) :].decode("utf-8", "replace").rstrip("\n"))
        elif line.startswith(_HEADER):
            self.bad_header = parse_header(line)
        if self.on_log is not None:
            self.on_log(plain_line(line))

    def block_connected(self, block_hash: BlockHash) -> None:
        """A block joined the active chain; taking back a disconnection leaves no trace."""
        if not self.connected and self.disconnected and self.disconnected[-1] == block_hash:
            self.disconnected.pop()
        else:
            self.connected.append(block_hash)

    def block_disconnected(self, block_hash: BlockHash) -> None:
        """The tip left the active chain; taking back a connection leaves no trace."""
        if self.connected and self.connected[-1] == block_hash:
            self.connected.pop()
        else:
            self.disconnected.append(block_hash)


def _on_log(_user_data: int | None, message: int, size: int) -> None:
    call: KernelCall | None = getattr(_thread, "call", None)
    if call is not None:
        call.received_line(ctypes.string_at(message, size))


def read_hash(handle: int) -> BlockHash:
    """The 32 bytes behind a hash handle."""
    buffer = ctypes.create_string_buffer(32)
    library.hash_to_bytes(handle, buffer)
    return BlockHash(buffer.raw)


def _on_checked(_user_data: int | None, block: int, state: int) -> None:
    mode = library.state_mode(state)
    call: KernelCall | None = getattr(_thread, "call", None)
    if mode != _VALID_MODE and call is not None:
        handle = library.block_get_hash(block)
        block_hash = read_hash(handle)
        library.hash_destroy(handle)
        if mode == _INTERNAL_ERROR_MODE:
            call.failures.append("a block could not be checked")
        elif block_hash not in call.invalid:  # Refused, but the log did not say why.
            call.invalid[block_hash] = Rejected("bad-block")
    library.block_release(block)


def _on_connected(_user_data: int | None, block: int, entry: int) -> None:
    call: KernelCall | None = getattr(_thread, "call", None)
    if call is not None:
        call.block_connected(read_hash(library.entry_hash(entry)))
    library.block_release(block)


def _on_disconnected(_user_data: int | None, block: int, entry: int) -> None:
    call: KernelCall | None = getattr(_thread, "call", None)
    if call is not None:
        call.block_disconnected(read_hash(library.entry_hash(entry)))
    library.block_release(block)


def _on_failure(_user_data: int | None, message: int, size: int) -> None:
    call: KernelCall | None = getattr(_thread, "call", None)
    if call is not None:
        call.failures.append(ctypes.string_at(message, size).decode("utf-8", "replace"))


# The library keeps their addresses, so they live as long as the process.
_LOG: Final = library.LogCallback(_on_log)
_CHECKED_LISTENER: Final = library.BlockCallback(_on_checked)
_CONNECTED_LISTENER: Final = library.BlockCallback(_on_connected)
_DISCONNECTED_LISTENER: Final = library.BlockCallback(_on_disconnected)
_FAILURE_LISTENER: Final = library.MessageCallback(_on_failure)


def validation_callbacks() -> library.ValidationCallbacks:
    """The listeners of every kernel: they find the kernel by the thread they are called on."""
    return library.ValidationCallbacks(
        block_checked=_CHECKED_LISTENER,
        block_connected=_CONNECTED_LISTENER,
        block_disconnected=_DISCONNECTED_LISTENER,
    )


def notification_callbacks(
    on_warning: Callable[[int, str | None], None] | None,
) -> library.NotificationCallbacks:
    """The listeners of one kernel that are told of a failing disk, fatal errors and warnings.

    The library calls them as long as the kernel is open, so the structure is kept until then.
    """
    callbacks = library.NotificationCallbacks(
        flush_error=_FAILURE_LISTENER, fatal_error=_FAILURE_LISTENER
    )
    if on_warning is not None:

        def warn(_user_data: int | None, number: int, message: int, size: int) -> None:
            on_warning(number, ctypes.string_at(message, size).decode("utf-8", "replace"))

        def withdraw(_user_data: int | None, number: int) -> None:
            on_warning(number, None)

        callbacks.warning_set = library.WarningCallback(warn)
        callbacks.warning_unset = library.WarningOverCallback(withdraw)
    return callbacks


def connect_log() -> None:
    """Listen to the library's log; the first call does, later ones find it done.

    Raises:
        library.KernelError: the library refuses.
    """
    global _connection
    with _connecting:
        if _connection is not None:
            return
        library.logging_set_options(library.LoggingOptions(category_levels=1))
        library.logging_set_level_category(library.LOG_CATEGORY_ALL, library.LOG_LEVEL_DEBUG)
        library.logging_enable_category(library.LOG_CATEGORY_VALIDATION)
        _connection = library.logging_connection_create(_LOG, None, library.DestroyCallback())
        if _connection is None:
            raise library.KernelError("libbitcoinkernel does not hand out its log.")
