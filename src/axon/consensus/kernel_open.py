"""How a kernel is opened: options, folders, and what to tell a person when it cannot be."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from axon.consensus import library
from axon.consensus.kernel_log import Call, notification_callbacks, validation_callbacks
from axon.consensus.library import KernelError


@dataclass(frozen=True, slots=True)
class Opened:
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


def open_manager(
    call: Call,
    network: str,
    data_dir: Path,
    blocks_dir: Path,
    *,
    in_memory: bool,
    threads: int,
    reindex: bool,
    reindex_chainstate: bool,
) -> Opened:
    """Open, or make, the state in these folders.

    Raises:
        KernelError: it is in use or damaged; the text says what helps.
    """
    callbacks = (validation_callbacks(), notification_callbacks())
    context = _context(network, callbacks)
    data, blocks = str(data_dir).encode(), str(blocks_dir).encode()
    options = library.manager_options_create(context, data, len(data), blocks, len(blocks))
    if options is None:
        library.context_destroy(context)
        raise KernelError(_explain(call, data_dir, blocks_dir))
    library.manager_options_set_threads(options, threads)
    if reindex or reindex_chainstate:
        library.manager_options_set_wipe(options, int(reindex), 1)
    if in_memory:
        library.manager_options_set_tree_in_memory(options, 1)
        library.manager_options_set_coins_in_memory(options, 1)
    manager = library.manager_create(options)
    library.manager_options_destroy(options)
    if manager is None:
        library.context_destroy(context)
        raise KernelError(_explain(call, data_dir, blocks_dir))
    opened = Opened(context, manager, library.manager_active_chain(manager), callbacks)
    # With the index wiped, now or by an earlier run that was killed, this reads all block files
    # there are; before that there is no genesis block, and most questions would end the process.
    if library.manager_import_blocks(manager, None, None, 0) != 0:
        opened.close()
        raise KernelError(_explain(call, data_dir, blocks_dir))
    return opened


def _context(network: str, callbacks: tuple[Any, Any]) -> int:
    parameters = library.chain_parameters_create(library.CHAIN_TYPES[network])
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


def _explain(call: Call, data_dir: Path, blocks_dir: Path) -> str:
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
        return f"The databases in {folders} are damaged ({said}); start once with -reindex."
    return f"libbitcoinkernel cannot open {data_dir}: {said}."
