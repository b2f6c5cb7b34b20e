"""A run in one file, to be kept or carried to another machine, and a run made of such a file.

The file is a ZIP: the manifest, and the folders of all components as they lie on the disk. What
belongs to a moment or a machine is neither put in nor taken out: processes, cookies, and what nodes
remember of addresses, for the run gets new ones where it arrives (`moved`).

An archive comes from strangers. Nothing of it is written outside the folder of the run, its size
and the number of its files are bounded before anything is unpacked, its manifest may name loopback
addresses only, and nothing in it says which process is whose.
"""

from __future__ import annotations

import os
import shutil
import struct
import zipfile
import zlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import BinaryIO, Final

from axon.drivers.aio.privatefiles import make_folder, open_file
from axon.errors import AxonError, ConfigError, disk_refusal
from axon.host.statefiles import ANCHORS, BANS, PEERS
from axon.host.walletserver import RPC_FILE
from axon.swarm.lab.archivedmanifest import check_archived, moved
from axon.swarm.lab.manifest import (
    MANIFEST,
    MAX_MANIFEST_BYTES,
    PASSPHRASE,
    WORDS,
    ComponentKind,
    Manifest,
)
from axon.swarm.lab.processidentity import IDENTITY_FILE
from axon.swarm.lab.runregistry import RunRegistry
from axon.swarm.lab.startup import CONF, Say

MAX_ARCHIVE_BYTES: Final = 1 << 31
"""What a ZIP can hold without its 64 bit records, which are not read here."""

MAX_FILES: Final = 60_000
MAX_UNPACKED_BYTES: Final = 32 << 30
"""Room for 200 nodes with some block files each."""

LEFT_OUT: Final = frozenset(
    {
        IDENTITY_FILE,
        RPC_FILE,
        CONF,
        "settings.json",  # With what is in a configuration bitcoind starts any program.
        ANCHORS,
        BANS,
        PEERS,
        ".cookie",
        ".lock",
        "LOCK",
    }
)
"""Files that belong to a moment, a machine, or addresses, or configure; all are made anew."""

_MAX_DIRECTORY_BYTES: Final = 64 << 20
_END: Final = struct.Struct("<4s4H2LH")
_END_MARK: Final = b"PK\x05\x06"
_END_64_MARK: Final = b"PK\x06\x07"
_END_64_SIZE: Final = 20
_ENCRYPTED: Final = 1
_MAX_PARTS: Final = 16
_MAX_PART: Final = 255
_DAMAGE: Final = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    RuntimeError,
    ValueError,
    struct.error,
)
"""What `zipfile` raises where bytes are not what they claim."""

_CHUNK: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Archived:
    """What went into an archive, or came out of one.

    Args:
        components: by name.
        files: how many there are, but the manifest.
        unpacked_bytes: all of them together.
        secrets: those that open wallets, by their place in the archive.
    """

    components: tuple[str, ...]
    files: int
    unpacked_bytes: int
    secrets: tuple[str, ...]


# Into a file.


def pack(manifest: Manifest, path: Path, say: Say) -> Archived:
    """Write a run of which nothing runs into a new file, for its owner's eyes.

    Args:
        manifest: of the run, locked by the caller.
        path: of the file.
        say: told how it goes.

    Raises:
        ConfigError: there is a file already, the run is too large, or the disk said no.
    """
    fresh = path.with_name(f"{path.name}.new")
    try:
        if path.exists():
            raise ConfigError(f"{path} is there already; name another file")
        fresh.unlink(missing_ok=True)
        with os.fdopen(open_file(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL), "wb") as file:
            done = _pack(manifest, file, say)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except zipfile.LargeZipFile:
        raise ConfigError(f"the run needs more than {MAX_ARCHIVE_BYTES >> 30} GiB") from None
    except OSError as error:
        raise disk_refusal(f"cannot write {path}", error, ConfigError) from error
    finally:
        fresh.unlink(missing_ok=True)
    return done


def _pack(manifest: Manifest, file: BinaryIO, say: Say) -> Archived:
    names = [
        item.name
        for item in manifest.components.values()
        if item.kind not in (ComponentKind.JOINER, ComponentKind.COLD)
    ]
    secrets, count, total = [], 0, 0
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, allowZip64=False) as archive:
        archive.writestr(_entry(MANIFEST), manifest.encode())
        for place in (manifest.folder / PASSPHRASE, *map(manifest.folder_of, names)):
            say(f"{place.name} is packed")
            for found in _files(place):
                inside = found.relative_to(manifest.folder).as_posix()
                with found.open("rb") as source, archive.open(_entry(inside), "w") as target:
                    shutil.copyfileobj(source, target, _CHUNK)
                    total += source.tell()
                count += 1
                if found.name in (PASSPHRASE, WORDS):
                    secrets.append(inside)
    return Archived(tuple(names), count, total, tuple(secrets))


def _entry(name: str) -> zipfile.ZipInfo:
    """A member whose date says nothing, so that equal runs make equal archives."""
    entry = zipfile.ZipInfo(name)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o600 << 16
    return entry


def _files(place: Path) -> Iterator[Path]:
    """The regular files at a place, in order, but those of a moment; links are not followed."""
    if place.is_symlink():
        return
    if place.is_file() and place.name not in LEFT_OUT:
        yield place
    elif place.is_dir():
        for each in sorted(place.iterdir()):
            yield from _files(each)


# Out of a file.


def unpack(
    path: Path, folder: Path, lots: Random, registry: RunRegistry, say: Say
) -> tuple[Manifest, Archived]:
    """Make a run of an archive; nothing of it is started.

    Args:
        path: of the archive.
        folder: for the run; it must not be there yet.
        lots: draws the name of the run.
        registry: of the user's runs, with their addresses.
        say: told how it goes.

    Raises:
        ConfigError: the archive is damaged or no run, the folder is in use, or the disk said no.
    """
    aside = folder.with_name(f".{folder.name}.import")
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise ConfigError(f"{folder} is in use; name another --run")
        make_folder(folder.parent)
        shutil.rmtree(aside, ignore_errors=True)  # Of an import that was killed.
        make_folder(aside)
        with path.open("rb") as file:
            archived, done = _unpack(path, file, aside, say)
        aside.replace(folder)
        archived.folder = folder
        return _entered(archived, lots, registry), done
    except _DAMAGE as error:
        raise ConfigError(f"{path} is damaged, or no archive of a run: {error}") from error
    except OSError as error:
        raise disk_refusal(f"cannot make a run of {path}", error, ConfigError) from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _entered(archived: Manifest, lots: Random, registry: RunRegistry) -> Manifest:
    """Give an unpacked run its name and addresses, and write that down; else remove it."""
    try:
        return registry.enter(lambda taken: moved(archived, lots, taken))
    except AxonError:
        shutil.rmtree(archived.folder, ignore_errors=True)
        raise


def _unpack(path: Path, file: BinaryIO, folder: Path, say: Say) -> tuple[Manifest, Archived]:
    _check_directory(path, file)
    with zipfile.ZipFile(file) as archive:
        entries = {item.filename: item for item in archive.infolist() if not item.is_dir()}
        described = entries.pop(MANIFEST, None)
        if described is None or described.file_size > MAX_MANIFEST_BYTES:
            raise ConfigError(f"{path} is no archive of a run: it has no manifest")
        _check_entry(path, described)
        manifest = Manifest.decode(folder, archive.read(described), f"what {path} holds")
        check_archived(manifest, path)
        total = sum(item.file_size for item in entries.values())
        _check_room(path, folder, total)
        for name, item in entries.items():
            _check_entry(path, item)
            _check_place(path, name, manifest.components)
        secrets, count = [], 0
        for name, item in entries.items():
            place = folder / name
            if place.name in LEFT_OUT:
                continue
            say(f"{name.partition('/')[0]} is unpacked")
            make_folder(place.parent)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
            with archive.open(item) as source, os.fdopen(open_file(place, flags), "wb") as target:
                shutil.copyfileobj(source, target, _CHUNK)
            count += 1
            if place.name in (PASSPHRASE, WORDS):
                secrets.append(name)
    return manifest, Archived(tuple(manifest.components), count, total, tuple(secrets))


def _check_directory(path: Path, file: BinaryIO) -> None:
    """See how large the list of files is before it is read into memory.

    Raises:
        ConfigError: it is larger than that of any run, or not where `pack` puts it.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - _END.size - _END_64_SIZE))
    before, tail = file.read(_END_64_SIZE), file.read()
    file.seek(0)
    if len(tail) != _END.size or tail[:4] != _END_MARK or before[:4] == _END_64_MARK:
        raise ConfigError(f"{path} is no archive of a run, or its end is missing")
    _, _, _, _, count, directory_size, _, _ = _END.unpack(tail)
    if size > MAX_ARCHIVE_BYTES or directory_size > _MAX_DIRECTORY_BYTES or count > MAX_FILES:
        raise ConfigError(f"{path} holds more than any run: it is not unpacked")


def _check_entry(path: Path, item: zipfile.ZipInfo) -> None:
    if item.flag_bits & _ENCRYPTED or item.compress_type not in (
        zipfile.ZIP_STORED,
        zipfile.ZIP_DEFLATED,
    ):
        raise ConfigError(f"{path} is no archive of a run: {item.filename!r} is packed otherwise")


def _check_place(path: Path, name: str, components: Collection[str]) -> None:
    """See that a file lies in the folder of a component.

    Raises:
        ConfigError: it does not.
    """
    parts = name.split("/")
    usual = all(
        part not in ("", ".", "..") and len(part) <= _MAX_PART and part.isprintable()
        for part in parts
    )
    inside = len(parts) > 1 and parts[0] in components and len(parts) <= _MAX_PARTS
    if not usual or "\\" in name or not (inside or name == PASSPHRASE):
        raise ConfigError(f"{path} is no archive of a run: {name[:80]!r} lies in no component")


def _check_room(path: Path, folder: Path, total: int) -> None:
    free = shutil.disk_usage(folder).free
    if total > MAX_UNPACKED_BYTES:
        raise ConfigError(f"{path} holds more than any run: it is not unpacked")
    if total > free:
        raise ConfigError(
            f"{path} needs {total >> 20:,} MiB, and {free >> 20:,} MiB are free in {folder.parent}"
        )
