"""`import-headers`: headers from a file, for all wallets of a network."""

from __future__ import annotations

from pathlib import Path

from axon.cli.walletoptions import AddCommand, WalletOptions
from axon.cli.walletview import write, write_json
from axon.drivers.aio.clock import Clock
from axon.host.headerimport import import_filter_headers, import_headers
from axon.host.lightstorage import LightStorage


def add_commands(add: AddCommand) -> None:
    """Add the command."""
    importing = add(
        "import-headers",
        _import_headers,
        "take headers from a file instead of from nodes",
        more="Take block headers from a file instead of from nodes, for all wallets of the network."
        " All rules are checked.",
        named=False,
    )
    importing.add_argument(
        "file",
        metavar="FILE",
        type=Path,
        help="80 bytes each, from the first block on, as in light/headers.dat of another wallet",
    )
    importing.add_argument(
        "--filter-headers",
        metavar="FILE",
        type=Path,
        help="filter headers (BIP 157), 32 bytes each, from the first block on; the next nodes are "
        "compared with them",
    )


def _import_headers(options: WalletOptions) -> int:
    arguments = options.arguments
    storage = LightStorage(options.light.light_folder, options.light.network)
    try:
        new, filters = import_headers(storage, arguments.file, Clock().now()), 0
        if arguments.filter_headers is not None:
            filters = import_filter_headers(storage, arguments.filter_headers)
        height = storage.headers.best.height
    finally:
        storage.close()
    if options.as_json:
        write_json({"headers": new, "filterheaders": filters, "height": height})
        return 0
    write(f"{new:,} new headers, {filters:,} new filter headers; the best chain ends at {height:,}")
    return 0
