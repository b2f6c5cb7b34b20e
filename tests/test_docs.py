"""What the documents point at is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
_PATH = re.compile(r"`((?:src|tests|docs|bench)/[\w./-]+)`")
_LINK = re.compile(r"\]\(([^)#:]+)\)")


@pytest.mark.parametrize("page", PAGES, ids=[page.name for page in PAGES])
def test_paths_and_links_lead_somewhere(page: Path) -> None:
    text = page.read_text()
    named = [ROOT / found for found in _PATH.findall(text)]
    linked = [page.parent / found for found in _LINK.findall(text)]
    missing = [str(path) for path in (*named, *linked) if not path.exists()]
    assert not missing
