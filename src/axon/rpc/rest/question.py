"""A question over REST, and how what is known answers it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from axon.chain.headertree import HeaderEntry
from axon.primitives.hashes import BlockHash
from axon.rpc.daemon import Daemon
from axon.rpc.rest.answers import (
    BAD_REQUEST,
    NOT_FOUND,
    Octets,
    RestAnswer,
    RestRefusal,
    refuse_format,
)
from axon.rpc.rest.uris import (
    DataFormat,
    parse_hash,
    parse_integer,
    query_parameter,
    split_format,
)

MAX_HEADERS: Final = 2_000
"""Headers, and filter headers, in one answer."""

MAX_SIZE_T: Final = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked.

    Args:
        daemon: the running node.
        uri: the request's, as it came.
        param: the path behind the endpoint's, without format and query.
        format: how the answer is to be shown.
        body: of the request, where the endpoint reads one.
    """

    daemon: Daemon
    uri: str
    param: str
    format: DataFormat
    body: bytes

    @classmethod
    def of(cls, daemon: Daemon, uri: str, rest: str, body: bytes) -> Question:
        """Args: rest: the path behind the endpoint's, with format and query."""
        param, data_format = split_format(rest)
        return cls(daemon, uri, param, data_format, body)

    @property
    def wants_json(self) -> bool:
        """Whether the answer is to be JSON."""
        return self.format is DataFormat.JSON

    def require_json(self) -> None:
        """Of what can be answered in no other way.

        Raises:
            RestRefusal: another format is asked for.
        """
        if not self.wants_json:
            raise refuse_format("json")

    def query(self, name: str, default: str = "") -> str:
        """A parameter from behind the question mark.

        Raises:
            RestRefusal: the URI is none.
        """
        found = query_parameter(self.uri, name)
        return default if found is None else found

    def octets(self, data: bytes | Callable[[], bytes]) -> Octets:
        """An answer as bytes, or in hex.

        Raises:
            RestRefusal: another format is asked for.
        """
        if self.format is DataFormat.UNKNOWN:
            raise refuse_format()
        return Octets(data, self.format is DataFormat.HEX)

    def entry(self, text: str) -> HeaderEntry | None:
        """The header of the hash in a text; None if it is not known.

        Raises:
            RestRefusal: the text is no hash.
        """
        return self.daemon.node.headers.get(read_hash(text))


Endpoint = Callable[[Question], Awaitable[RestAnswer]]


def read_hash(text: str) -> BlockHash:
    """A hash in hex, as it is shown.

    Raises:
        RestRefusal: the text is none.
    """
    found = parse_hash(text)
    if found is None:
        raise RestRefusal(BAD_REQUEST, f"Invalid hash: {text}")
    return BlockHash(found)


def read_count(text: str) -> int:
    """How many headers are wanted.

    Raises:
        RestRefusal: it is no such number.
    """
    count = parse_integer(text, MAX_SIZE_T)
    if count is None or not 1 <= count <= MAX_HEADERS:
        raise RestRefusal(
            BAD_REQUEST,
            f"Header count is invalid or out of acceptable range (1-{MAX_HEADERS}): {text}",
        )
    return count


def not_found(text: str) -> RestRefusal:
    """What was named is not known."""
    return RestRefusal(NOT_FOUND, f"{text} not found")


def run_from(daemon: Daemon, first: HeaderEntry | None, count: int) -> list[HeaderEntry]:
    """So many headers of the active chain from one on; none if that is not in it."""
    active = daemon.node.active
    found: list[HeaderEntry] = []
    entry = first if first is not None and active.contains(first) else None
    while entry is not None and len(found) < count:
        found.append(entry)
        entry = active.next(entry)
    return found
