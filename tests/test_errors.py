"""A full disk is called that, whatever else the system refuses keeps its own words, and what a
group of tasks failed with is found in it."""

from __future__ import annotations

import errno
import os

import pytest

from axon.errors import (
    AxonError,
    ConfigError,
    DiskFullError,
    StorageError,
    disk_refusal,
    real_fault,
)


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


def test_a_fault_is_found_in_groups_of_groups() -> None:
    disk = StorageError("the disk is full")
    inner = ExceptionGroup("inner", [ExceptionGroup("innermost", [disk])])
    assert real_fault(ExceptionGroup("outer", [inner])) is disk


def test_a_bug_goes_before_what_is_refused_on_purpose() -> None:
    bug = KeyError("x")
    group = ExceptionGroup("outer", [StorageError("no"), ExceptionGroup("inner", [bug])])
    assert real_fault(group) is bug


@pytest.mark.parametrize("second", [ValueError("y"), ExceptionGroup("g", [ValueError("y")])])
def test_of_several_bugs_none_is_hidden(second: Exception) -> None:
    group = ExceptionGroup("outer", [KeyError("x"), AxonError("no"), second])
    assert real_fault(group) is group
