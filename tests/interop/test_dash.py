"""The live page in a real browser: drawn, pressed by keys, at both widths, in light and dark.

Skipped where there is no Chromium on the PATH.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from axon.swarm.lab.lifecycle import down
from axon.swarm.lab.manifest import Manifest
from tests.interop.chromium import Page, chromium, require
from tests.interop.pagelooks import looks
from tests.process.dashpage import DashPage, dash_page
from tests.process.lab import Lab

pytestmark = [pytest.mark.interop, pytest.mark.process]

_ACTORS: Final = "document.querySelectorAll('.actor').length"
_CHOSEN: Final = "document.getElementById('panel-title').textContent"
_COLOURS: Final = (
    "[...new Set([...document.querySelectorAll('.actor.node')]"
    ".map(each => each.getAttribute('class').match(/tip\\d/)[0]))].join()"
)


@pytest.fixture(name="lab")
def lab_fixture(tmp_path: Path) -> Iterator[Lab]:
    """A network of three nodes and two wallets."""
    require()
    lab = Lab(tmp_path / "run")
    try:
        lab.run("up", "3", "--wallets", "2")
        yield lab
    finally:
        manifest = Manifest.load(lab.folder)
        if manifest is not None:
            down(manifest)


def test_a_person_at_the_page(lab: Lab, tmp_path: Path) -> None:
    async def visit() -> None:
        async with dash_page(lab) as dash, chromium(require(), tmp_path / "browser") as page:
            await page.look(1280, 900)
            await page.open(dash.url)
            await page.until(f"{_ACTORS} === 5")
            assert await page.ask("location.hash") == "", "the token is not left in the address"
            await _lesson(page, dash)
            await _looks(page)
            lab.run("down")
            await page.until("document.body.textContent.includes('This run is gone')")
            # A question about a node may meet a run that has just gone.
            assert [said for said in page.complaints if "/inside/" not in said] == []
            assert await dash.left() == 0
            await page.until("document.body.textContent.includes('does not answer')")
            ours = dash.url.partition("#")[0]
            assert all(url.startswith(ours) for url in page.asked if url != "about:blank")

    asyncio.run(visit())


async def _lesson(page: Page, dash: DashPage) -> None:
    """By keys alone: n2 is selected and killed; a block is found, and travels; n2 comes back."""
    await page.ask("document.querySelector('.actor[tabindex=\"0\"]').focus()")
    await page.press("ArrowRight", "Enter")
    await page.until(f"{_CHOSEN} === 'n2, node'")
    await page.until("document.querySelectorAll('#within .ring .peer').length >= 2")
    await page.until("document.getElementById('within-said').textContent.includes('on regtest')")
    await page.press("Tab")
    assert await page.ask("document.activeElement.textContent") == "Kill"
    await page.press("Enter")
    await page.until("document.querySelector('.actor.ended .name')?.textContent === 'n2'")
    await page.until("document.getElementById('within').hidden")
    before = await page.ask("document.getElementById('tips').textContent")
    await page.ask("document.querySelector('[data-do=mine]').click()")
    await page.until("document.querySelector('.parcel.block') !== null")
    await page.until(f"document.getElementById('tips').textContent !== {before!r}")
    await page.until("document.querySelectorAll('.parcel').length === 0")
    await page.ask("[...document.querySelectorAll('#deeds button')].at(3).click()")
    await page.until("document.querySelectorAll('.actor.ended').length === 0")
    await page.until("!document.getElementById('check').disabled")
    await page.ask("document.getElementById('check').click()")
    await page.until("document.querySelectorAll('#rows td.good').length >= 2")
    await page.ask("document.getElementById('check').click()")
    await page.until("document.getElementById('check').textContent === 'Check now'")
    assert await page.ask("document.getElementById('sentence').textContent") == ""


async def _looks(page: Page) -> None:
    """Nothing is wider than the window, and all can be read; without motion nothing moves."""
    box = "document.getElementById('net').viewBox.baseVal.width"
    async for width in looks(page):
        assert await page.ask(box) == (860 if width == 1280 else 360)
    await page.ask("window.moved = 0")
    await page.ask(
        "new MutationObserver((all) => window.moved += all.length)"
        ".observe(document.querySelector('#net > g:last-child'), {childList: true})"
    )
    tip = await page.ask(_COLOURS)
    await page.ask("document.querySelector('[data-do=mine]').click()")
    await page.until(f"{_COLOURS}.length === 4 && {_COLOURS} !== {tip!r}")
    assert await page.ask("window.moved") == 0
