"""How a kernel is opened: options, folders, and what to tell a person when it cannot be."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from axon.chain.cachesizes import CacheSizes
from axon.consensus import chainparams, library, signaturecache
from axon.consensus.kernel_log import (
    KernelCall,
    failure,
    notification_callbacks,
    validation_callbacks,
)
from axon.consensus.kernelcache import resize
from axon.consensus.library import KernelError
from axon.errors import AxonError, DiskFullError
from axon.primitives.network import Network

_REINDEX: Final = "start once with -reindex."


class BlocksDamaged(KernelError):
    """Block files or their index are damaged, and all must be built anew from what is readable."""


@dataclass(frozen=True, slots=True)
class OpenKernel:
    """The handles of an open kernel.

    Args:
        context: network and listeners; `callbacks` keeps the latter alive.
        manager: index, coins and block files.
        chain: a view of the active chain.
        callbacks: structures that the library points into.
    """

    context: int
    manager: int
    chain: int
    callbacks: tuple[Any, ...]

    def close(self) -> None:
        """Write everything down and free it."""
        library.manager_destroy(self.manager)
        library.context_destroy(self.context)


class Opening:
    """The opening of a kernel, which another thread may break off: a reindex takes hours.

    Args:
        files: blocks in these are taken in as well, each behind the network's magic and its size
            (`-loadblock`); one that cannot be read is left out, as the log says.
        on_warning: told of a warning of the library by its number, and its text; None when it is
            over. On the thread that called the library.
    """

    def __init__(
        self,
        files: Sequence[Path] = (),
        on_warning: Callable[[int, str | None], None] | None = None,
    ) -> None:
        self.files = tuple(files)
        self.on_warning = on_warning
        self._lock = threading.Lock()
        self._context: int | None = None  # While it goes on.
        self.is_broken_off = False

    def break_off(self) -> None:
        """Let it end soon, with a `KernelError`, if it has not ended; from any thread."""
        with self._lock:
            self.is_broken_off = True
            if self._context is not None:
                library.context_interrupt(self._context)

    @contextmanager
    def of(self, context: int) -> Iterator[None]:
        """Have it end in here, while the context is sure to be there."""
        with self._lock:
            self._context = context
            if self.is_broken_off:
                library.context_interrupt(context)
        try:
            yield
        finally:
            with self._lock:
                self._context = None


def open_manager(
    call: KernelCall,
    network: Network,
    data_dir: Path,
    blocks_dir: Path,
    *,
    in_memory: bool,
    threads: int,
    caches: CacheSizes,
    reindex: bool,
    reindex_chainstate: bool,
    opening: Opening,
    on_warning: Callable[[int, str | None], None] | None,
) -> OpenKernel:
    """Open, or make, the state in these folders.

    Raises:
        KernelError: it is in use or damaged; the text says what helps. Or it was broken off.
        DiskFullError: there is no room for it.
    """
    callbacks = (validation_callbacks(), notification_callbacks(on_warning))
    context = _context(network, callbacks)
    try:
        with opening.of(context):
            manager = _manager(
                call,
                context,
                data_dir,
                blocks_dir,
                in_memory=in_memory,
                threads=threads,
                caches=caches,
                wipe=(reindex, reindex or reindex_chainstate),
                opening=opening,
            )
    except AxonError:
        library.context_destroy(context)
        raise
    return OpenKernel(context, manager, library.manager_active_chain(manager), callbacks)


def _manager(
    call: KernelCall,
    context: int,
    data_dir: Path,
    blocks_dir: Path,
    *,
    in_memory: bool,
    threads: int,
    caches: CacheSizes,
    wipe: tuple[bool, bool],
    opening: Opening,
) -> int:
    """The handle of index, coins and files; `wipe` says of the first two whether to start anew."""
    data, blocks = str(data_dir).encode(), str(blocks_dir).encode()
    options = library.manager_options_create(context, data, len(data), blocks, len(blocks))
    if options is None:
        raise _refusal(call, data_dir, blocks_dir)
    library.manager_options_set_threads(options, threads)
    signaturecache.resize(options, caches.verified_bytes)
    if any(wipe):
        library.manager_options_set_wipe(options, *map(int, wipe))
    if in_memory:
        library.manager_options_set_tree_in_memory(options, 1)
        library.manager_options_set_coins_in_memory(options, 1)
    manager: int | None = library.manager_create(options)
    library.manager_options_destroy(options)
    if manager is None:
        raise _refusal(call, data_dir, blocks_dir)
    if not resize(manager, caches):
        library.manager_destroy(manager)
        raise _refusal(call, data_dir, blocks_dir)
    # With the index wiped, now or by an earlier run that was killed, this reads all block files
    # there are; before that there is no genesis block, and most questions would end the process.
    paths = [str(path).encode() for path in opening.files]
    count = len(paths)
    names, sizes = (ctypes.c_char_p * count)(*paths), (ctypes.c_size_t * count)(*map(len, paths))
    failed = library.manager_import_blocks(manager, names, sizes, count) != 0
    if failed or opening.is_broken_off:
        library.manager_destroy(manager)
        raise _refusal(call, data_dir, blocks_dir)
    return manager


def _context(network: Network, callbacks: tuple[Any, Any]) -> int:
    parameters = chainparams.create(network)
    options = library.context_options_create()
    library.context_options_set_chainparams(options, parameters)
    library.context_options_set_validation_interface(options, callbacks[0])
    library.context_options_set_notifications(options, callbacks[1])
    context: int | None = library.context_create(options)
    library.context_options_destroy(options)
    library.chain_parameters_destroy(parameters)
    if context is None:
        raise KernelError("libbitcoinkernel does not work on this machine.")
    return context


def _refusal(call: KernelCall, data_dir: Path, blocks_dir: Path) -> AxonError:
    """The error to raise: a full disk before anything that would be called damage."""
    refusal = failure(f"cannot open {data_dir}", (*call.failures, *call.errors))
    if isinstance(refusal, DiskFullError):
        return refusal
    text = _explain(call, data_dir, blocks_dir)
    return (BlocksDamaged if text.endswith(_REINDEX) else KernelError)(text)


def _explain(call: KernelCall, data_dir: Path, blocks_dir: Path) -> str:
    """One sentence on why opening failed, made from what the library logged."""
    said = "; ".join(dict.fromkeys((*call.failures, *call.errors))) or "no reason given"
    lowered = said.lower()
    if "lock" in lowered and ("unavailable" in lowered or "already held" in lowered):
        return (
            f"Cannot obtain a lock on {data_dir}: "
            "another axon or bitcoind is probably already running there."
        )
    if "from the future" in lowered:
        return f"{said} Set this machine's clock right, or rebuild with -reindex."
    if "-reindex-chainstate" in lowered or "coins database" in lowered:
        return f"The coins in {data_dir} are damaged ({said}); start once with -reindex-chainstate."
    if any(word in lowered for word in ("corrupt", "-reindex", "block database", "leveldb")):
        folders = f"{data_dir} and {blocks_dir}"
        return f"The databases in {folders} are damaged ({said}); {_REINDEX}"
    return f"libbitcoinkernel cannot open {data_dir}: {said}."
