"""The guide that `make docs` makes, opened as a file in Chromium: its search works without network.

It waits for a browser; each wait has a limit.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.interop.chromium import chromium, require

pytestmark = [pytest.mark.interop, pytest.mark.process]

SITE = Path(__file__).parents[2] / ".cache" / "site"
_RESULTS = 'document.querySelectorAll(".md-search-result__link").length > 0'


def test_what_is_searched_is_found_and_nothing_is_fetched(tmp_path: Path) -> None:
    import asyncio

    program = require()
    if not (SITE / "index.html").exists():
        pytest.skip(f"no guide in {SITE}; run make docs")

    async def scene() -> None:
        async with chromium(program, tmp_path / "browser") as page:
            await page.look(1280, 800)
            await page.open((SITE / "reference" / "commands.html").as_uri())
            await page.until('document.readyState === "complete"')
            await page.until('!document.querySelector(".md-search").hidden')
            await page.ask('document.querySelector(".md-search__input").focus()')
            await page.call("Input.insertText", text="chainwork")
            await page.until(_RESULTS)
            links = (
                "[...document.querySelectorAll('.md-search-result__link')].map(each => each.href)"
            )
            assert any("words.html" in link for link in await page.ask(links))
            assert all(url.startswith(("file:", "about:", "data:")) for url in page.asked)
            assert page.complaints == []
            await page.picture(tmp_path / "search.png", whole=False)

    asyncio.run(scene())
