"""One node on regtest, of axon or of Bitcoin Core, that mines and pays for a test."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Final

from axon.errors import AxonError, ConfigError
from axon.primitives.address import decode_address
from axon.primitives.hashes import Txid, from_hex
from axon.primitives.network import REGTEST
from axon.primitives.transaction import COIN, OutPoint, TxOut, outpoint
from axon.swarm.lab.axonprocess import AxonProcess
from axon.swarm.lab.nodeprocess import NodeProcess
from axon.swarm.lab.processes import wait_until
from axon.swarm.signer import Signer, Spendable
from axon.testing.guard import Guarded

CORE: Final = "bitcoind"
"""Where it is not installed, tests that ask for it by this name are skipped."""

LOG_LINES: Final = 20
"""Of a log, in the notes of what failed."""

RIPE: Final = 100
"""Confirmations after which new coins may be spent."""

FEE_SAT: Final = 1_000
"""Of a payment by `fund`."""

AGREE_LIMIT_S: Final = 30.0

MINER: Final = Signer("the miner of tests")
"""To whom blocks pay that name nobody else; `fund` pays with these coins."""

_STRANGE: Final = ("-listenonion=0", "-natpmp=0", "-blockfilterindex=1", "-peerblockfilters=1")
"""What bitcoind is told besides, so that it serves light clients and leaves the world alone."""


class MissingProgram(AxonError):
    """The program that was asked for is not on this machine."""


class RegtestNode(Guarded, NodeProcess):
    """A node that runs for a test.

    Args:
        name: for messages, and in its user agent.
        folder: its data directory.
        program: `axon`, or the name or path of a `bitcoind`.
        options: further command line options.
    """

    def __init__(
        self, name: str, folder: Path, program: str = "axon", options: Sequence[str] = ()
    ) -> None:
        self._is_axon = program == "axon"
        found = None if self._is_axon else find_program(program)
        command = (sys.executable, "-m", "axon") if found is None else (found,)
        super().__init__(
            name, folder, command=command, options=("-lab",) * self._is_axon, trusted_door=True
        )
        self.options += tuple(options)
        self._spent: set[OutPoint] = set()

    def arguments(self, extra: Iterable[str] = ()) -> list[str]:
        """The command line."""
        words = super().arguments(extra)
        if self._is_axon:
            return words
        words.remove("node")
        return [*words, *_STRANGE]

    def mine(self, count: int = 1, address: str | None = None) -> list[str]:
        """Find blocks; their hashes.

        Args:
            address: whom they pay; None for the coins that `fund` pays with.
        """
        found: list[str] = self.rpc("generatetoaddress", count, address or MINER.address())
        return found

    def fund(self, address: str, amount: Decimal | str) -> str:
        """Pay an address with coins that were mined here; the txid. It is in no block yet.

        Args:
            amount: in bitcoin.

        Raises:
            AxonError: no mined coin is ripe and large enough; `mine` more blocks.
        """
        amount_sat = int(Decimal(amount) * COIN)
        told = self.rpc("scantxoutset", "start", [f"raw({MINER.script.hex()})"])
        for coin in told["unspents"]:
            place = outpoint(Txid(from_hex(coin["txid"])), coin["vout"])
            held_sat = int(Decimal(str(coin["amount"])) * COIN)
            ripe = not coin.get("coinbase", True) or told["height"] - coin["height"] + 1 >= RIPE
            if ripe and place not in self._spent and held_sat >= amount_sat + FEE_SAT:
                break
        else:
            raise AxonError(f"no mined coin of {self.name} is ripe and above {amount}: mine more")
        self._spent.add(place)
        outputs = [
            TxOut(amount_sat, decode_address(address, REGTEST)),
            TxOut(held_sat - amount_sat - FEE_SAT, MINER.script),
        ]
        paid = MINER.pay([Spendable(place, held_sat)], [out for out in outputs if out.amount_sat])
        return str(self.rpc("sendrawtransaction", paid.raw.hex()))

    def wait_height(self, height: int, limit_s: float = AGREE_LIMIT_S) -> None:
        """Wait until its chain is so long.

        Raises:
            TooLate: it is not in time.
        """
        wait_until(lambda: self.height() >= height, limit_s, f"{self.name} at height {height}")

    def wait_pooled(self, txid: str, limit_s: float = AGREE_LIMIT_S) -> None:
        """Wait until an unconfirmed transaction is in its pool, so that its next block has it.

        Raises:
            TooLate: it is not in time.
        """
        wait_until(lambda: txid in self.rpc("getrawmempool"), limit_s, f"{self.name} has {txid}")


def find_program(program: str) -> str:
    """The path of a `bitcoind`, given its name or path.

    Raises:
        MissingProgram: it is `bitcoind` itself, which is not on this machine.
        ConfigError: it is anything else that cannot be run.
    """
    found = shutil.which(program)
    if found is not None:
        return found
    if program == CORE:
        raise MissingProgram(f"there is no {CORE} on this machine")
    raise ConfigError(f"{program!r} cannot be run: expected axon, {CORE}, or the path of a {CORE}")


def log_tail(process: AxonProcess, log: Path) -> str:
    """The last lines of a process's log, and what it wrote to standard error."""
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    told = [line for line in lines if "Command-line arg: " not in line][-LOG_LINES:]
    return "\n".join([*told, process.errors()]).strip() or "(it wrote nothing)"


@contextmanager
def log_added(process: AxonProcess, log: Path) -> Iterator[None]:
    """Add the end of a process's log to whatever fails in the block."""
    try:
        yield
    except BaseException as error:
        error.add_note(f"the end of the log of {process.name}:\n{log_tail(process, log)}")
        raise


@contextmanager
def temporary(folder: Path | None) -> Iterator[Path]:
    """A folder, or one that is removed at the end."""
    if folder is not None:
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="axon-", ignore_cleanup_errors=True) as made:
        yield Path(made)


@contextmanager
def node(
    program: str = "axon",
    *,
    blocks: int = 0,
    name: str = "n1",
    folder: Path | None = None,
    options: Sequence[str] = (),
) -> Iterator[RegtestNode]:
    """A node on regtest, until the block is left.

    Args:
        program: `axon`, or the name or path of a `bitcoind`.
        blocks: mined before the block is entered, as far as they are missing; 101 make the first
            coins ripe.
        folder: its data directory; None for one that is removed at the end.
        options: further command line options.

    Raises:
        MissingProgram: `bitcoind` is asked for and is not on this machine.
        ConfigError: the program is anything else that cannot be run.
        NodeFailed: it does not start.
    """
    with (
        temporary(folder) as used,
        RegtestNode(name, used / name, program, options) as made,
        log_added(made, made.log),
    ):
        made.start()
        missing = blocks - (made.height() if blocks else 0)
        if missing > 0:
            made.mine(missing)
        yield made
