"""How a page of ours looks, whoever reads it: nothing is cut off, and all can be read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from tests.interop.chromium import Page

OVERFLOW: Final = "document.documentElement.scrollWidth - innerWidth"
CONTRASTS: Final = """
(() => {
  const light = (said) => {
    const part = said.match(/[\\d.]+/g).slice(0, 3).map((each) => each / 255)
      .map((each) => each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4);
    return 0.2126 * part[0] + 0.7152 * part[1] + 0.0722 * part[2];
  };
  const between = (one, other) => {
    const [low, high] = [light(one), light(other)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  const paper = getComputedStyle(document.body).backgroundColor;
  return [...document.querySelectorAll('h1, h2, p, li, td, th, summary')]
    .filter((each) => each.offsetParent && each.textContent.trim())
    .map((each) => between(getComputedStyle(each).color, paper))
    .reduce((one, other) => Math.min(one, other));
})()
"""


async def looks(page: Page) -> AsyncIterator[int]:
    """The widths at which it was looked at, in light and dark, and without motion; it stays so."""
    for width in (1280, 400):
        for dark in (False, True):
            await page.look(width, 900, dark=dark, still=True)
            await asyncio.sleep(0.2)
            assert await page.ask(OVERFLOW) <= 0, f"at {width}"
            assert await page.ask(CONTRASTS) >= 4.5, f"at {width}, dark: {dark}"
            yield width
