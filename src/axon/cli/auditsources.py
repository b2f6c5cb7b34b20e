"""Where an audit gets the answers of nodes: from nodes that run, or from files with their answers.

Nodes are asked all at once, each with a limit of time and size; only calls that change nothing are
made. A file is read no further than an answer may be long.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from axon.cli.conf import load_settings
from axon.cli.options import Value
from axon.cli.rpc import CLI_OPTIONS, RpcLogin, find_login
from axon.errors import AxonError, ConfigError
from axon.primitives.network import NETWORKS
from axon.rpc.asyncclient import AsyncRpcClient
from axon.rpc.client import Unauthorized, Unreachable
from axon.rpc.errors import Code, RpcError
from axon.swarm.audit.auditreport import MAX_NODES_READ
from axon.swarm.audit.jsonfields import printable
from axon.swarm.audit.nodereading import CALLS, NEEDED

MAX_ANSWER_BYTES: Final = 16 << 20
"""Of one answer, and of one file; `getpeerinfo` has about 2,000 bytes for each peer."""

MAX_REFUSAL_SIZE: Final = 300
"""Characters that are shown of what a node says of its refusal."""

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,39}", re.ASCII)

Answers = Mapping[str, object]
"""What a node said, by call."""


class SourceError(AxonError):
    """A node does not answer, or a file is not what it should be; the text names it."""


@dataclass(frozen=True, slots=True)
class AskedNode:
    """A node that runs.

    Args:
        name: what the person calls it.
        login: where its RPC is, and what lets us in.
    """

    name: str
    login: RpcLogin = field(repr=False)


def check_name(name: str) -> str:
    """The name of a node or wallet.

    Raises:
        ConfigError: it is none.
    """
    if _NAME.fullmatch(name) is None:
        raise ConfigError(f"{name[:60]!r} is no name: letters, digits, - _ and ., 40 at most")
    return name


def find_node(name: str, where: str, cookie: Path | None, chain: str, home: Path) -> AskedNode:
    """Where a node's RPC is.

    Args:
        where: `http://USER:PASSWORD@HOST:PORT`, `http://HOST:PORT`, a data directory, or a
            configuration file; the latter two are read as `axon rpc` and `bitcoin-cli` do.
        cookie: the cookie file for a URL.
        chain: of a data directory whose configuration names none.
        home: in which the default data directory lies.

    Raises:
        ConfigError: it is none of these, or has no credentials.
    """
    check_name(name)
    if where.startswith(("http://", "https://")):
        return AskedNode(name, RpcLogin(where, cookie, "", ""))
    path = Path(where).expanduser()
    if not path.exists():
        raise ConfigError(
            f"{name}: {where!r} is no URL (http://HOST:PORT), no data directory and no "
            "configuration file"
        )
    options: dict[str, list[Value]] = {
        "datadir" if path.is_dir() else "conf": [str(path.absolute())]
    }
    if cookie is not None:
        options["rpccookiefile"] = [str(cookie.absolute())]
    if chain:
        options["chain"] = [chain]
    try:
        settings, datadir = load_settings(CLI_OPTIONS, options, home)
        return AskedNode(name, find_login(settings, datadir / NETWORKS[settings.chain].folder))
    except ConfigError as error:
        raise ConfigError(f"{name}: {error}") from error


def ask_nodes(nodes: Sequence[AskedNode], limit_s: float) -> dict[str, Answers]:
    """Ask all nodes at once.

    Args:
        limit_s: for each answer.

    Raises:
        SourceError: a node does not answer what must be known.
    """
    return asyncio.run(_ask_nodes(nodes, limit_s))


async def _ask_nodes(nodes: Sequence[AskedNode], limit_s: float) -> dict[str, Answers]:
    found = await asyncio.gather(*(_ask(node, limit_s) for node in nodes))
    return {node.name: answers for node, answers in zip(nodes, found, strict=True)}


async def _ask(node: AskedNode, limit_s: float) -> Answers:
    login = node.login
    answers: dict[str, object] = {}
    client = AsyncRpcClient(
        login.url,
        cookie=login.cookie,
        user=login.user,
        password=login.password,
        timeout_s=limit_s,
        max_answer_bytes=MAX_ANSWER_BYTES,
    )
    async with client:
        for call, params in CALLS.items():
            try:
                answers[call] = await client.call(call, *params)
            except (RpcError, Unauthorized) as error:
                warming = isinstance(error, RpcError) and error.code == Code.WARMUP
                if warming or call in NEEDED:
                    raise _refused(node, call, error) from error
            except Unreachable as error:
                raise _refused(node, call, error) from error
    return answers


def _refused(node: AskedNode, call: str, error: AxonError) -> SourceError:
    """What a stranger says of its refusal, short and without what a terminal would obey."""
    return SourceError(f"{node.name}: {call}: {printable(str(error)[:MAX_REFUSAL_SIZE])}")


def read_saved(path: Path) -> dict[str, Answers]:
    """The answers that were saved, by node.

    Args:
        path: a folder of a node with a file `CALL.json` for each call, a folder with such a folder
            for each node, or a JSON file: an object with an object for each node.

    Raises:
        SourceError: it is none of these.
    """
    if not path.is_dir():
        saved = _decoded(path)
        if not isinstance(saved, dict) or not all(
            isinstance(each, dict) for each in saved.values()
        ):
            raise SourceError(f"{path}: expected an object with an object of answers for each node")
        return {check_name(name): answers for name, answers in saved.items()}
    if any((path / f"{call}.json").exists() for call in NEEDED):
        return {check_name(path.absolute().name): _folder(path)}
    folders = sorted(
        each for each in path.iterdir() if each.is_dir() and (each / f"{NEEDED[0]}.json").exists()
    )
    if not folders:
        raise SourceError(f"{path}: expected {NEEDED[0]}.json, in it or in a folder for each node")
    if len(folders) > MAX_NODES_READ:
        raise SourceError(
            f"{path}: expected at most {MAX_NODES_READ} nodes, found {len(folders):,}"
        )
    return {check_name(folder.name): _folder(folder) for folder in folders}


def _folder(folder: Path) -> Answers:
    answers = {}
    for call in CALLS:
        path = folder / f"{call}.json"
        if path.exists() and (path.stat().st_size or call in NEEDED):
            answers[call] = _decoded(path)  # An empty file is a call that was refused.
    return answers


def _decoded(path: Path) -> object:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_ANSWER_BYTES + 1)
    except OSError as error:
        raise SourceError(f"{path}: cannot be read: {error.strerror or error}") from error
    if len(data) > MAX_ANSWER_BYTES:
        raise SourceError(f"{path}: expected at most {MAX_ANSWER_BYTES:,} bytes")
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise SourceError(f"{path}: expected JSON: {str(error)[:80]}") from error
