"""A full disk is called a full disk; whatever else the system refuses keeps its own words."""

from __future__ import annotations

import errno
import os

import pytest

from axon.errors import ConfigError, DiskFullError, StorageError, disk_refusal


def refusal(number: int) -> OSError:
    return OSError(number, os.strerror(number))


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
@pytest.mark.parametrize("otherwise", [StorageError, ConfigError])
def test_a_full_disk(number: int, otherwise: type[StorageError]) -> None:
    found = disk_refusal("cannot write /a/b", refusal(number), otherwise)
    assert isinstance(found, DiskFullError)
    assert str(found).startswith("Disk space is too low! Cannot write /a/b: make room")
    assert "damage" not in str(found)


def test_other_refusals() -> None:
    found = disk_refusal("cannot write /a/b", refusal(errno.EROFS))
    assert type(found) is StorageError
    assert str(found) == "cannot write /a/b: Read-only file system"
    named = disk_refusal("cannot write /a/b", refusal(errno.EACCES), ConfigError)
    assert type(named) is ConfigError
