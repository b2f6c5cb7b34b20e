"""The active chain changed by order, with methods of libbitcoinkernel that its C interface lacks.

The library is the validation code of Bitcoin Core. Its builds for Linux export the C++ methods
behind `invalidateblock`, `reconsiderblock` and `preciousblock`, which are called by their mangled
names, in the one version that axon pins. Two layouts are relied on: a manager's handle points to a
structure that begins with the pointer to the `ChainstateManager`, and an entry of the index is the
library's own object. A build that does not export them cannot carry out orders, and says so.
What an order changes is in the library's memory only, until it writes its index: whoever orders
has to remember it until then (host/blockorders).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from axon.chain.orders import ChainOrder
from axon.consensus import kernel_read, library
from axon.consensus.kernel_open import OpenKernel
from axon.consensus.kernel_use import KernelUse
from axon.consensus.library import HANDLE, KernelError
from axon.primitives.hashes import BlockHash
from axon.primitives.verdict import Accepted, Rejected, Verdict

FIXED: Final = Rejected("block-fixed", "the data that would undo it or a block above it are gone")
"""Why a block cannot be made to leave the active chain; then nothing has changed."""

HIDDEN: Final = Rejected(
    "no-orders", "this build of libbitcoinkernel does not export what it takes"
)
"""Why no order can be carried out at all."""

_VALID_MODE: Final = 0

_NEEDED: Final = (
    library.chainman_active,
    library.chainman_find_best_header,
    library.chainstate_invalidate,
    library.chainstate_prefer,
    library.chainstate_reconsider,
)


def is_possible() -> bool:
    """Whether this build of the library exports what orders take."""
    return None not in _NEEDED


def carry_out(
    use: KernelUse,
    order: ChainOrder,
    block_hash: BlockHash,
    find: Callable[[OpenKernel, BlockHash], int | None],
    set_aside: Iterable[BlockHash],
) -> Verdict:
    """Carry out an order, and go to the chain that has the most work then.

    Args:
        use: the open kernel.
        order: what is wanted.
        block_hash: of the block that it is about, which is known.
        find: the entry of a block.
        set_aside: blocks that stay invalid if the order cannot be carried out: what takes it back
            frees all that builds on its block.

    Returns:
        Whether it could be done.

    Raises:
        KernelError: the library failed.
    """
    if not is_possible():
        return HIDDEN
    verdict: Verdict = Accepted()
    if order is not ChainOrder.RECONSIDER:
        with use.call() as opened:
            verdict = _about(opened, order, _found(find(opened, block_hash)))
    if order is ChainOrder.RECONSIDER or verdict is FIXED:
        with use.alone() as opened:  # The library's own lock is not to be had.
            manager = _manager(opened)
            entry = _found(find(opened, block_hash))
            library.chainstate_reconsider(library.chainman_active(manager), entry)
            library.chainman_find_best_header(manager)
    if verdict is FIXED:
        _set_aside_again(use, block_hash, find, set_aside)
    with use.call() as opened:
        # To import no file is how the C interface lets it look for the best chain.
        if library.manager_import_blocks(opened.manager, None, None, 0) != 0:
            raise KernelError("libbitcoinkernel cannot go to the best chain.")
    return verdict


def _set_aside_again(
    use: KernelUse,
    block_hash: BlockHash,
    find: Callable[[OpenKernel, BlockHash], int | None],
    set_aside: Iterable[BlockHash],
) -> None:
    """Make what builds on a block, and is no part of the active chain, invalid once more."""
    with use.call() as opened:
        base = _found(find(opened, block_hash))
        for other in set_aside:
            entry = find(opened, other)
            if entry is None or entry == base or not kernel_read.descends(entry, base):
                continue
            if not library.chain_contains(opened.chain, entry):
                _about(opened, ChainOrder.INVALIDATE, entry)


def _about(opened: OpenKernel, order: ChainOrder, entry: int) -> Verdict:
    state = library.state_create()
    try:
        active = library.chainman_active(_manager(opened))
        if order is ChainOrder.PREFER:
            library.chainstate_prefer(active, state, entry)
        elif not library.chainstate_invalidate(active, state, entry):
            return Accepted() if library.entry_height(entry) == 0 else FIXED
        if library.state_mode(state) != _VALID_MODE:
            raise KernelError("libbitcoinkernel cannot change the chain: its state is broken.")
    finally:
        library.state_destroy(state)
    return Accepted()


def _found(entry: int | None) -> int:
    assert entry is not None, "orders are about known blocks"
    return entry


def _manager(opened: OpenKernel) -> int:
    """The `ChainstateManager` behind the handle."""
    manager = HANDLE.from_address(opened.manager).value
    assert manager is not None, "an open kernel has one"
    return manager
