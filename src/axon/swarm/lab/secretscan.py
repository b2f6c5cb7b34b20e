"""S12, secrets stay home: no private key, word or seed of a wallet is in any file of the run.

The lab keeps the words of its wallets and their passphrase in files of their own, which only their
owner may read. From these follow all other secrets (`walletsecrets`), and every other file of the
run is searched for each of them: logs, databases, what is left of reports. A wallet's own file
holds its words sealed, so it is searched like any other.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from axon.swarm.invariants import Finding, counted
from axon.swarm.lab.checkedrun import CheckedRun
from axon.swarm.lab.manifest import PASSPHRASE, WORDS
from axon.swarm.lab.walletsecrets import Secret, wallet_secrets

CHUNK_BYTES: Final = 256 << 10
"""Read at once. Much of a block file is zeros to come, which are passed over."""

_ZEROS: Final = bytes(CHUNK_BYTES)


def secrets_stay_home(run: CheckedRun) -> Finding:
    """S12: what opens a wallet of this run is in no file but the one that is for it."""
    folder = run.manifest.folder
    kept = [folder / PASSPHRASE]
    secrets = [
        Secret("the passphrase of the wallets", path.read_bytes().strip())
        for path in kept
        if path.exists()
    ]
    for item in run.manifest.wallets:
        path = run.manifest.folder_of(item.name) / WORDS
        kept.append(path)
        if path.exists():
            secrets += wallet_secrets(path.read_text().strip(), item.name)
    if not run.manifest.wallets:
        return Finding("S12", True, "this run has no wallet, so it has no secret", tried=0)
    if len(kept) > sum(path.exists() for path in kept):
        return Finding("S12", None, "the words of a wallet are not where they are kept", tried=0)
    files = size_bytes = 0
    for path in _files(folder):
        if path in kept:
            continue
        files += 1
        leak, read_bytes = find_leak(path, secrets)
        size_bytes += read_bytes
        if leak is not None:
            place = path.relative_to(folder)
            said = f"{place} holds {leak.about}"
            return Finding("S12", False, said, culprits=(place.parts[0],), tried=files)
    said = (
        f"of {counted(len(secrets), 'form')} of keys and words none is in {counted(files, 'file')}"
        f" ({size_bytes >> 20} MB beside zeros)"
    )
    return Finding("S12", True, said, tried=files)


def find_leak(path: Path, secrets: Sequence[Secret]) -> tuple[Secret | None, int]:
    """The first secret that a file holds, None if it holds none; and how many bytes were read.

    A file that has gone meanwhile, as databases drop theirs, holds nothing.
    """
    overlap = max(len(each.data) for each in secrets) - 1
    end, read_bytes = b"", 0
    try:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                if chunk == _ZEROS[: len(chunk)]:
                    end = b""  # No secret ends in many zeros.
                    continue
                read_bytes += len(chunk)
                data = end + chunk
                for each in secrets:
                    if each.data in data:
                        return each, read_bytes
                end = data[-overlap:]
    except FileNotFoundError:
        pass
    return None, read_bytes


def _files(folder: Path) -> Iterator[Path]:
    for top, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = Path(top, name)
            if path.is_file() and not path.is_symlink():
                yield path
