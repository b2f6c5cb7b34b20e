"""The root of the error tree.

Whatever a peer, a file or a user sends, only these come out; anything else is a bug in axon and
stays loud. Errors that belong to one room (`PeerFault` in p2p, `KernelError` in consensus) are
defined there and inherit from `AxonError`.
"""

from __future__ import annotations

import errno
from typing import Final

_FULL: Final = (errno.ENOSPC, errno.EDQUOT)


class AxonError(Exception):
    """Anything that axon refuses on purpose; its text is one sentence a person can act on."""


class DecodeError(AxonError, ValueError):
    """Bytes are not what they claim to be.

    Args:
        expected: what should have stood there, as a noun phrase.
        offset: where, in bytes from the start of the decoded value; None if it is the whole.
    """

    def __init__(self, expected: str, offset: int | None = None) -> None:
        where = "" if offset is None else f" at byte {offset}"
        super().__init__(f"expected {expected}{where}")
        self.expected = expected
        self.offset = offset


class StorageError(AxonError):
    """The disk said no: the program stops, in order."""


class DiskFullError(StorageError):
    """No room is left on a disk. What it holds is whole, so there is nothing to mend.

    Args:
        refused: what could not be done, with its place: "cannot write /a/b".
    """

    def __init__(self, refused: str) -> None:
        super().__init__(
            f"Disk space is too low! {refused[:1].upper()}{refused[1:]}: make room on that disk and"
            " start again, what is there is whole."
        )


class DamageError(StorageError):
    """What the disk gives back is not what was written; it may be possible to build it anew.

    Args:
        text: what is wrong.
        of: what is damaged, by the name of its folder; empty if that is not known.
    """

    def __init__(self, text: str, of: str = "") -> None:
        super().__init__(text)
        self.of = of


class WalletError(AxonError):
    """The wallet refuses what was asked of it, or its library does, with its own error as cause."""


class ConfigError(AxonError):
    """An option, a file or a folder is not usable; the text says what would be."""


def disk_refusal(
    refused: str, error: OSError, otherwise: type[AxonError] = StorageError
) -> AxonError:
    """What to raise where the system refuses: a full disk is called that.

    Args:
        refused: what could not be done, with its place: "cannot write /a/b".
        error: the system's.
        otherwise: of which kind every other refusal is.
    """
    if error.errno in _FULL:
        return DiskFullError(refused)
    return otherwise(f"{refused}: {error.strerror or error}")


def real_fault(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """What a group of tasks failed with, however deep it is in groups of groups.

    Bugs go before what axon refuses on purpose. Several bugs stay together: none of them hides
    another.
    """
    found: list[BaseException] = []
    groups: list[BaseExceptionGroup[BaseException]] = [group]
    for each in groups:  # It grows meanwhile.
        for fault in each.exceptions:
            if isinstance(fault, BaseExceptionGroup):
                groups.append(fault)
            else:
                found.append(fault)
    bugs = [fault for fault in found if not isinstance(fault, AxonError)]
    return group if len(bugs) > 1 else (bugs or found)[0]
