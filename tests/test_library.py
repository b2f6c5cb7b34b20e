"""What `import axon` gives: all that it promises, and nothing before it is asked for."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import axon

SOURCE = Path(axon.__file__)
PAGE = Path(__file__).parent.parent / "docs" / "library.md"


@pytest.mark.parametrize("name", axon.__all__)
def test_each_name_is_there_and_documented(name: str) -> None:
    assert getattr(axon, name) is not None
    assert f"`{name}`" in PAGE.read_text() or name == "__version__"


def test_the_surface_is_small() -> None:
    assert 15 <= len(axon.__all__) <= 30
    assert set(axon.__all__) <= set(dir(axon))


def test_types_and_modules_agree() -> None:
    """What a type checker reads under TYPE_CHECKING is what is loaded."""
    homes = {
        alias.asname or alias.name: node.module
        for node in ast.walk(ast.parse(SOURCE.read_text()))
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("axon.")
        for alias in node.names
        if alias.name != "VERSION"
    }
    assert set(homes) | {"__version__"} == set(axon.__all__)
    for name, module in homes.items():
        assert getattr(axon, name) is getattr(sys.modules[module], name)


LOADED = """
import sys, axon
print([name for name in sys.modules if "axon" in name or name in ("asyncio", "aiohttp", "pbk")])
"""


def test_importing_it_loads_nothing() -> None:
    told = subprocess.run(
        [sys.executable, "-c", LOADED], capture_output=True, text=True, check=True
    )
    assert told.stdout == "['axon.compiled', 'axon']\n"


def test_other_names_are_not_there() -> None:
    with pytest.raises(AttributeError, match="nothing_of_this_name"):
        getattr(axon, "nothing_of_this_name")  # noqa: B009
