"""The pages of the guide that are made from the program: they fit a terminal, and lead somewhere."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def pages() -> ModuleType:
    """`docs/build/pages.py`, which is in no package."""
    from importlib.util import module_from_spec, spec_from_file_location

    spec = spec_from_file_location("guide_pages", ROOT / "docs" / "build" / "pages.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules["guide_pages"] = module
    spec.loader.exec_module(module)
    return module


def test_every_help_text_fits_80_columns(pages: ModuleType) -> None:
    text = pages.commands_page()
    assert text.count("\n### axon wallet ") > 20
    assert text.count("\n### axon swarm ") > 15
    assert [line for line in text.splitlines() if len(line) > 80] == []


def test_every_call_is_shown_with_its_help(pages: ModuleType) -> None:
    text = pages.calls_page("RPC", pages.MODULES)
    for name in ("getblock", "getpeerinfo", "sendrawtransaction"):
        assert re.search(rf"^### {name}\n\n```text\n{name}\b", text, re.MULTILINE)


def test_links_of_pages_beside_the_folder_are_those_from_within(pages: ModuleType) -> None:
    text = pages.page("README.md")
    assert "](bitcoind.md)" in text
    assert "](contributing.md)" in text
    assert "](docs/" not in text


def test_the_navigation_names_pages_that_there_are(pages: ModuleType) -> None:
    navigation = (ROOT / "mkdocs.yml").read_text().partition("\nnav:\n")[2]
    named = re.findall(r": (\S+\.md)$", navigation, re.MULTILINE)
    made = {*pages.BESIDE.values(), *(f"reference/{each}.md" for each in ("commands", "rpc", "walletrpc"))}
    assert [name for name in named if not (ROOT / "docs" / name).exists() and name not in made] == []
    assert set(pages.BESIDE.values()) <= set(named)
