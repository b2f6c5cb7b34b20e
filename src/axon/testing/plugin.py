"""Fixtures for pytest: nodes, wallets and networks on regtest, ended whatever happens.

    def test_a_payment(axon_node, axon_wallet):
        node = axon_node()  # 101 blocks, so that the first coins are ripe
        alice = axon_wallet(node, funded="2.5")

Each fixture makes as many as are asked for. `axon_node`, `axon_wallet` and `axon_network` live for
one test; `axon_session_node` and its siblings for the whole run of one worker. A chain is mined
once for each worker and copied for each node. When a test fails, the end of each node's log stands
in the report. `axon_node("bitcoind")` skips the test where there is no bitcoind.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:  # A run without these fixtures does not pay for them.
    from axon.testing.nodes import RegtestNode
    from axon.testing.snapshots import Snapshots
    from axon.testing.wallets import RegtestWallet

BLOCKS = 101
"""Of a node that nothing else is said of: the coins of its first block are ripe."""


class Processes:
    """The nodes and wallets of one fixture.

    Args:
        folder: for their files.
        snapshots: chains to be copied.
    """

    def __init__(self, folder: Path, snapshots: Snapshots) -> None:
        self._folder = folder
        self._snapshots = snapshots
        self._numbers = itertools.count(1)
        self.stack = ExitStack()
        self.running: list[RegtestNode | RegtestWallet] = []

    def node(
        self, program: str = "axon", *, blocks: int = BLOCKS, options: tuple[str, ...] = ()
    ) -> RegtestNode:
        """A node that answers; see `axon.testing.node`."""
        from axon.testing.nodes import MissingProgram, node

        name = f"n{next(self._numbers)}"
        try:
            if blocks:
                self._snapshots.copy(program, blocks, self._folder / name)
            made = self.stack.enter_context(
                node(program, name=name, folder=self._folder, options=options)
            )
        except MissingProgram as missing:
            pytest.skip(str(missing))
        self.running.append(made)
        return made

    def wallet(self, *nodes: RegtestNode, funded: Decimal | str = "0") -> RegtestWallet:
        """A wallet that answers; see `axon.testing.wallet`."""
        from axon.testing.wallets import wallet

        name = f"w{next(self._numbers)}"
        made = self.stack.enter_context(
            wallet(*nodes, name=name, funded=funded, folder=self._folder)
        )
        self.running.append(made)
        return made

    def network(
        self, count: int, topology: str = "mesh", *, program: str = "axon", blocks: int = BLOCKS
    ) -> list[RegtestNode]:
        """Nodes that are connected and agree; see `axon.testing.network`."""
        from axon.testing.networks import join, read_shape

        shape = read_shape(count, topology)
        nodes = [self.node(program, blocks=blocks) for _ in range(count)]
        join(nodes, shape)
        return nodes


_PROCESSES = pytest.StashKey[Processes]()
"""Where a test, or the whole run, keeps what was started for it."""


@pytest.fixture(scope="session")
def axon_snapshots(tmp_path_factory: pytest.TempPathFactory) -> Snapshots:
    """Chains that were mined once, for this worker."""
    from axon.testing.snapshots import Snapshots

    return Snapshots(tmp_path_factory.mktemp("axon-snapshots"))


@pytest.fixture(scope="session")
def axon_session_processes(
    request: pytest.FixtureRequest,
    axon_snapshots: Snapshots,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Processes]:
    """The nodes and wallets that live for the whole run of this worker."""
    processes = Processes(tmp_path_factory.mktemp("axon-session"), axon_snapshots)
    request.node.stash[_PROCESSES] = processes
    with processes.stack:
        yield processes


@pytest.fixture
def axon_processes(
    request: pytest.FixtureRequest,
    axon_snapshots: Snapshots,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Processes]:
    """The nodes and wallets of one test."""
    processes = Processes(tmp_path_factory.mktemp("axon"), axon_snapshots)
    request.node.stash[_PROCESSES] = processes
    with processes.stack:
        yield processes


@pytest.fixture
def axon_node(axon_processes: Processes) -> Callable[..., RegtestNode]:
    """Makes nodes for one test."""
    return axon_processes.node


@pytest.fixture
def axon_wallet(axon_processes: Processes) -> Callable[..., RegtestWallet]:
    """Makes wallets for one test."""
    return axon_processes.wallet


@pytest.fixture
def axon_network(axon_processes: Processes) -> Callable[..., list[RegtestNode]]:
    """Makes networks for one test."""
    return axon_processes.network


@pytest.fixture(scope="session")
def axon_session_node(axon_session_processes: Processes) -> Callable[..., RegtestNode]:
    """Makes nodes for the whole run of this worker."""
    return axon_session_processes.node


@pytest.fixture(scope="session")
def axon_session_wallet(axon_session_processes: Processes) -> Callable[..., RegtestWallet]:
    """Makes wallets for the whole run of this worker."""
    return axon_session_processes.wallet


@pytest.fixture(scope="session")
def axon_session_network(axon_session_processes: Processes) -> Callable[..., list[RegtestNode]]:
    """Makes networks for the whole run of this worker."""
    return axon_session_processes.network


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Put the end of each log into the report of a test that failed."""
    report = yield
    if report.failed:
        for each in _running(item):
            report.sections.append((f"log of {each.name}", _log_tail(each)))
    return report


def _running(item: pytest.Item) -> list[RegtestNode | RegtestWallet]:
    """What fixtures have started for a test, also where one of them failed."""
    found = [item.stash.get(_PROCESSES, None)]
    if "axon_session_processes" in getattr(item, "fixturenames", ()):
        found.append(item.session.stash.get(_PROCESSES, None))
    return [each for processes in found if processes is not None for each in processes.running]


def _log_tail(process: RegtestNode | RegtestWallet) -> str:
    from axon.testing.nodes import log_tail

    return log_tail(process, process.log)
