"""`export` and `import`: a run in one file, and a run made of such a file."""

from __future__ import annotations

import shlex
import signal
from argparse import Namespace
from pathlib import Path
from random import SystemRandom
from typing import TYPE_CHECKING

from axon.cli.swarmoptions import AddCommand, name_of
from axon.cli.swarmview import RunProgress, write, write_json
from axon.errors import ConfigError
from axon.swarm.invariants import counted, told_of
from axon.swarm.lab import lifecycle
from axon.swarm.lab.manifest import Manifest
from axon.swarm.lab.processidentity import is_alive
from axon.swarm.lab.verdict import Exit

if TYPE_CHECKING:
    from axon.swarm.lab.archive import Archived


def add_commands(add: AddCommand) -> None:
    """Add the commands."""
    exporting = add(
        "export",
        _export,
        "write a run of which nothing runs into a file",
        "Write a run into a file (a ZIP): the manifest and the folders of all components. With the "
        "wallets go their words and their passphrase, in plain; all is test money.",
    )
    exporting.add_argument("file", type=Path, metavar="FILE", help="a new one, as in: run.zip")
    exporting.add_argument(
        "--stop", action="store_true", help="end what runs first, in order; up starts it again"
    )
    importing = add(
        "import",
        _import,
        "make a run of such a file; up starts it",
        "Make a run of a file that export wrote, with addresses that no other run here has. Take "
        "files only from those whom you trust: nodes and wallets read their databases from it.",
    )
    importing.add_argument("file", type=Path, metavar="FILE", help="that export wrote")


def _export(options: Namespace, folder: Path) -> int:
    # What reads and writes archives is needed by nobody else.
    from axon.swarm.lab.archive import pack

    say = RunProgress()
    with lifecycle.taken(folder) as manifest:
        _end(manifest, options)
        done = pack(manifest, options.file, say)
    say.end()
    size = options.file.stat().st_size
    if options.json:
        write_json({"file": str(options.file), "bytes": size, **_told(done)})
        return Exit.PASS
    write(f"{lifecycle.described(manifest)}: in {options.file}, {size / 1e6:.1f} MB.")
    write(f"Inside: the manifest and {_inside(done)}.")
    write("Not inside: cookies, ban lists, addresses of peers; the run gets new ones.")
    write(f"axon swarm import {shlex.quote(str(options.file))} --run NAME makes a run of it.")
    return Exit.PASS


def _end(manifest: Manifest, options: Namespace) -> None:
    """See that nothing of a run runs.

    Raises:
        ConfigError: something does, and is not to be ended.
    """
    alive = [item.name for item in manifest.components.values() if is_alive(item.process)]
    if alive and not options.stop:
        raise ConfigError(
            f"{told_of(alive, 'lives', 'live')}, and what is being written would be torn; --stop "
            "ends them in order first, and axon swarm up starts them again"
        )
    lifecycle.kill(manifest, alive, signal.SIGTERM)


def _import(options: Namespace, folder: Path) -> int:
    from axon.swarm.lab.archive import unpack

    say = RunProgress()
    manifest, done = unpack(options.file, folder, SystemRandom(), options.registry, say)
    say.end()
    name = name_of(folder, options.home)
    if options.json:
        write_json({"name": name, "folder": str(folder), "seed": manifest.seed, **_told(done)})
        return Exit.PASS
    write(f"{lifecycle.described(manifest)}: in {folder}, {done.unpacked_bytes / 1e6:.1f} MB.")
    write(f"It came with {_inside(done)}.")
    where = f"--run {name}" if name is not None else f"--dir {shlex.quote(str(folder))}"
    write(f"axon swarm up {where} starts it.")
    return Exit.PASS


def _told(done: Archived) -> dict[str, object]:
    return {
        "components": list(done.components),
        "files": done.files,
        "unpacked_bytes": done.unpacked_bytes,
        "secrets": list(done.secrets),
    }


def _inside(done: Archived) -> str:
    secrets = f"; in plain, of test money: {', '.join(done.secrets)}" * bool(done.secrets)
    return f"{counted(done.files, 'file')} of {', '.join(done.components)}{secrets}"
