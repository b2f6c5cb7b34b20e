"""The page of a node (`-dash`) in a real browser, with real nodes: by keys, at both widths, in
light and dark.

Skipped where there is no Chromium on the PATH.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from axon.dash.nodepage import URL_FILE
from axon.primitives.network import REGTEST
from axon.swarm.lab.nodeprocess import NodeProcess
from axon.swarm.lab.processes import free_port
from tests.interop.chromium import Page, chromium, require
from tests.interop.pagelooks import looks

pytestmark = [pytest.mark.interop, pytest.mark.process]

MINER = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"


@pytest.fixture(name="nodes")
def nodes_fixture(tmp_path: Path) -> Iterator[list[NodeProcess]]:
    """Three nodes in a row; the one in the middle has a page."""
    require()
    nodes = [
        NodeProcess("left", tmp_path / "left"),
        NodeProcess("middle", tmp_path / "middle", options=(f"-dash={free_port()}",)),
        NodeProcess("right", tmp_path / "right"),
    ]
    with ExitStack() as stack:
        for node in nodes:
            stack.enter_context(node.start())
        nodes[0].connect(nodes[1])
        nodes[1].connect(nodes[2])
        yield nodes


def test_a_person_looks_at_a_node(nodes: list[NodeProcess], tmp_path: Path) -> None:
    left, middle, right = nodes
    left.rpc("generatetoaddress", 2, MINER)

    async def visit() -> None:
        url = (middle.folder / REGTEST.folder / URL_FILE).read_text().strip()
        async with chromium(require(), tmp_path / "browser") as page:
            await page.look(1280, 900)
            await page.open(url)
            await page.until("document.querySelectorAll('.ring .peer').length === 2")
            assert await page.ask("location.hash") == "", "the token is not left in the address"
            assert await page.ask("document.querySelectorAll('.peer rect').length") == 1
            await page.until("document.querySelectorAll('.newest button').length === 2")
            right.rpc("generatetoaddress", 1, MINER)
            await page.until("document.querySelectorAll('.newest button').length === 3")
            await _keys(page)
            assert [width async for width in looks(page)] == [1280, 1280, 400, 400]
            middle.stop()
            await page.until("document.body.textContent.includes('The node does not answer')")
            assert [each for each in page.complaints if "ERR_CONNECTION_REFUSED" not in each] == []
            ours = url.partition("#")[0]
            assert all(asked.startswith(ours) for asked in page.asked if asked != "about:blank")

    asyncio.run(visit())


async def _keys(page: Page) -> None:
    """A peer is selected, and the coins of a block are opened and closed, by keys alone."""
    await page.ask("document.querySelector('.peer[tabindex=\"0\"]').focus()")
    await page.press("ArrowRight", "Enter")
    await page.until("document.querySelector('.chosen').textContent.includes('encrypted (v2)')")
    assert await page.ask("document.activeElement.getAttribute('aria-pressed')") == "true"
    await page.ask("document.querySelector('.newest button').focus()")
    await page.press("Enter")
    await page.until("document.querySelector('.coins h3').textContent === 'Coins of block 3'")
    await page.until("document.querySelectorAll('.flow .tx').length === 1")
    assert await page.ask("document.querySelector('.flow text.after').textContent") == "50"
    await page.press("Enter")
    await page.until("document.querySelector('.coins').hidden")
    await page.press("Enter")
