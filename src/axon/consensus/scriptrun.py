"""The script of one input run by Bitcoin Core's interpreter, and why it fails.

The C interface of libbitcoinkernel verifies the rules of consensus alone and answers yes or no.
`VerifyScript`, which it calls for that, knows the rules of relay, too, and says what was broken; it
is called here as C++ has it. Only what the ABI of C++ settles is relied on: a handle is the address
of what it stands for, a `std::shared_ptr` begins with what it points to, a `std::vector` is begin,
end and end of what is allocated, and the names of the functions state the types of what they take.
Where a build of the library does not export them nothing of this is used (`AVAILABLE`).
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Final

from axon.consensus import library
from axon.consensus.validator import ScriptFlags

AVAILABLE: Final = None not in (
    library.script_run,
    library.checker_create,
    library.checker_destroy,
)
"""Whether this build of the library has what is called here."""

_CHECKER_WORDS: Final = 512
"""Room for a checker of signatures, 4 KB: it has a few fields, and places for six hashes that may
be needed again (some 1,000 bytes)."""

_FAIL_ON_MISSING_DATA: Final = 1  # As a wrong signature; the spent outputs are always there.
_POINTER: Final = ctypes.sizeof(ctypes.c_void_p)
_Checker = ctypes.c_uint64 * _CHECKER_WORDS


def combines(flags: int) -> bool:
    """Whether rules can be verified together: some are about what others let be."""
    if flags & ScriptFlags.CLEANSTACK and not flags & ScriptFlags.WITNESS:
        return False
    return not flags & ScriptFlags.WITNESS or bool(flags & ScriptFlags.P2SH)


class InputRunner:
    """Runs the scripts of a transaction's inputs.

    Args:
        transaction: its handle; as long as this is used.
        shared: the handle of what its inputs share, with the outputs that they spend.
        flags: `ScriptFlags` that combine.
        quick: whether to keep Python's lock meanwhile.
    """

    def __init__(self, transaction: int, shared: int, flags: int, *, quick: bool) -> None:
        self._transaction = ctypes.c_void_p.from_address(transaction)
        self._shared, self._flags = shared, flags
        self._run = library.script_run_quick if quick else library.script_run

    def __call__(
        self, index: int, script_sig: bytes, witness: Sequence[bytes], script: int, amount_sat: int
    ) -> int:
        """What one input breaks.

        Args:
            index: of the input.
            script_sig, witness: what it presents.
            script: handle of the script that it spends.
            amount_sat: what it spends.

        Returns:
            The number of `ScriptError_t`; 0 if nothing is broken.
        """
        amount, error = ctypes.c_int64(amount_sat), ctypes.c_int32()
        stack, _held = _stack(witness)
        checker = _Checker()
        library.checker_create(
            checker,
            self._transaction,
            index,
            ctypes.byref(amount),
            self._shared,
            _FAIL_ON_MISSING_DATA,
        )
        presented = library.script_create(script_sig, len(script_sig))
        try:
            good = self._run(presented, script, stack, self._flags, checker, ctypes.byref(error))
        finally:
            library.script_destroy(presented)
            library.checker_destroy(checker)
        return 0 if good else error.value


def _stack(witness: Sequence[bytes]) -> tuple[ctypes.Array[ctypes.c_void_p], object]:
    """A witness as a vector of vectors of bytes, and what must live as long as it is used."""
    bounds: list[int] = []
    for item in witness:
        begin = ctypes.cast(ctypes.c_char_p(item), ctypes.c_void_p).value or 0
        end = begin + len(item)
        bounds += (begin, end, end)
    items = (ctypes.c_void_p * len(bounds))(*bounds)
    start = ctypes.addressof(items)
    end = start + _POINTER * len(bounds)
    return (ctypes.c_void_p * 3)(start, end, end), (items, witness)
