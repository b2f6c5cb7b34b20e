"""Pages that are made from the program itself when the guide is built (`make docs`).

Commands and options come from `--help`, calls from `help`: what a page says is what the program
says. The first page is the README.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from axon.cli.demo import main as demo
from axon.cli.main import main as axon
from axon.cli.node import main as node
from axon.cli.peers import main as peers
from axon.cli.rpc import main as rpc
from axon.cli.sim import main as sim
from axon.cli.swarm import main as swarm
from axon.cli.wallet import main as wallet
from axon.rpc.corewallet.modules import CORE_WALLET_MODULES
from axon.rpc.dispatch import HIDDEN, Registry
from axon.rpc.methods import MODULES
from axon.rpc.walletmethods import WALLET_MODULES

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

ROOT: Final = Path(__file__).parents[2]

_SUBCOMMAND: Final = re.compile(r"^    ([a-z][a-z-]*)(?:  |$)", re.MULTILINE)
BESIDE: Final = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changes.md",
}
"""Pages that lie elsewhere, and their names among the others."""

WORKER: Final = "assets/fileworker.js"
_FETCHED_WORKER: Final = '<script src="https://unpkg.com/iframe-worker/shim">'

_LINK: Final = re.compile(r"\]\((?:docs/)?(?P<path>[^)#:]+)(?P<anchor>#[^)]*)?\)")

Main = Callable[[Sequence[str]], int | None]


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that no file holds."""
    from mkdocs.structure.files import File

    made = {
        **{made_as: page(name) for name, made_as in BESIDE.items()},
        "reference/commands.md": commands_page(),
        "reference/rpc.md": calls_page("RPC of a node", (*MODULES, *CORE_WALLET_MODULES)),
        "reference/walletrpc.md": calls_page("RPC of a wallet", WALLET_MODULES),
    }
    for name, text in made.items():
        files.append(File.generated(config, name, content=text))
    worker = (ROOT / "docs" / "build" / "fileworker.js").read_text()
    files.append(File.generated(config, WORKER, content=worker))
    return files


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:  # noqa: ARG001
    """Have the search of pages that are opened as files load nothing from elsewhere."""
    return _without_fetching(output, "../" * page.url.count("/"))


def on_post_template(output: str, template_name: str, config: MkDocsConfig) -> str:  # noqa: ARG001
    """The same for the page that says there is no such page."""
    return _without_fetching(output, "")


def _without_fetching(output: str, root: str) -> str:
    return output.replace(_FETCHED_WORKER, f'<script src="{root}{WORKER}">')


def page(name: str) -> str:
    """A page that lies beside the folder of pages, its links as seen from within."""
    folders = (ROOT / "docs", ROOT)

    def moved(link: re.Match[str]) -> str:
        path, anchor = link["path"], link["anchor"] or ""
        if path in BESIDE:
            return f"]({BESIDE[path]}{anchor})"
        return f"]({path}{anchor})" if any((each / path).exists() for each in folders) else link[0]

    return _LINK.sub(moved, (ROOT / name).read_text())


def commands_page() -> str:
    """What `--help` says of every command."""
    parts = ["# Commands\n", _block("axon --help", axon, ["--help"])]
    for name, main in {"node": node, "rpc": rpc, "peers": peers, "demo": demo}.items():
        parts += [f"## axon {name}\n", _block(f"axon {name} --help", main, ["--help"])]
    for name, main in {"wallet": wallet, "swarm": swarm, "sim": sim}.items():
        overview = said(main, ["--help"])
        parts += [f"## axon {name}\n", _fenced(f"axon {name} --help", overview)]
        names = _SUBCOMMAND.findall(overview) if name != "sim" else ["attack", "replay", "shrink"]
        for each in names:
            title = f"axon {name} {each}"
            parts += [f"### {title}\n", _block(f"{title} --help", main, [each, "--help"])]
    return "\n".join(parts)


def calls_page(title: str, modules: Sequence[object]) -> str:
    """What `help` says of every call."""
    registry = Registry(modules)  # type: ignore[arg-type]
    parts, group = [f"# {title}\n"], ""
    shown = [each for each in registry.methods.values() if each.group != HIDDEN]
    for each in sorted(shown, key=lambda one: (one.group, one.name)):
        if each.group != group:
            group = each.group
            parts.append(f"## {group[:1].upper()}{group[1:]}\n")
        parts += [f"### {each.name}\n", f"```text\n{each.help.rstrip()}\n```\n"]
    return "\n".join(parts)


def _block(command: str, main: Main, arguments: Sequence[str]) -> str:
    return _fenced(command, said(main, arguments))


def _fenced(command: str, text: str) -> str:
    return f"```text\n$ {command}\n{text.rstrip()}\n```\n"


def said(main: Main, arguments: Sequence[str]) -> str:
    """What a command prints for a help text, at 80 columns."""
    with _columns(80), contextlib.redirect_stdout(io.StringIO()) as out:
        with contextlib.suppress(SystemExit):
            main(arguments)
    return out.getvalue()


@contextlib.contextmanager
def _columns(number: int) -> Iterator[None]:
    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = str(number)
    try:
        yield
    finally:
        if before is None:
            del os.environ["COLUMNS"]
        else:
            os.environ["COLUMNS"] = before


if __name__ == "__main__":
    sys.stdout.write(commands_page())
