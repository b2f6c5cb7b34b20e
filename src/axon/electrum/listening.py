"""Taking connections in: a place first, then TLS, then questions.

    waiting --accepted--> placed --TLS is agreed on--> made --it ends--> left
    waiting --accepted, no place--> closed
    placed --TLS fails, or takes too long--> left

Who has no place is closed at once, so descriptors are held by no more than there are places, in
whatever state a connection is. To agree on TLS costs credit, so nobody has the server do that over
and over again.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import ssl
from contextlib import suppress
from typing import Final

from axon.electrum.connection import ElectrumConnection
from axon.electrum.places import MAX_CLIENTS, origin_of
from axon.electrum.shared import Shared
from axon.machine import SECOND, Endpoint

HANDSHAKE_S: Final = 10.0
"""A client has to be done with the TLS handshake in this time, at the end with its goodbye."""

PLAIN_UNITS: Final = 0.2
TLS_UNITS: Final = 3.0
"""What it costs to take a client in."""

ACCEPTED_AT_ONCE: Final = 16
"""Connections that are accepted before others have a turn."""

NO_ROOM: Final = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
NO_ROOM_S: Final = 1.0
"""The system has no descriptor: it may have one after so long."""

_log: Final = logging.getLogger("axon")


async def listen(bound: socket.socket, context: ssl.SSLContext | None, shared: Shared) -> None:
    """Take clients in at one socket, until cancelled.

    Args:
        bound: to where they connect.
        context: of TLS; None for none.
        shared: what their connections share.
    """
    bound.setblocking(False)
    bound.listen(MAX_CLIENTS)
    kind = "" if context is None else " with TLS"
    _log.info("Electrum server at %s%s", Endpoint(*bound.getsockname()[:2]), kind)
    try:
        while True:
            for _ in range(ACCEPTED_AT_ONCE):
                await _accept(bound, context, shared)
            await asyncio.sleep(0)
    finally:
        with suppress(OSError):  # Not every system knows that: there a client has to wait.
            bound.shutdown(socket.SHUT_RDWR)


async def _accept(bound: socket.socket, context: ssl.SSLContext | None, shared: Shared) -> None:
    try:
        accepted, name = await asyncio.get_running_loop().sock_accept(bound)
    except OSError as error:
        if error.errno in NO_ROOM:
            await asyncio.sleep(NO_ROOM_S)
        return  # Else it has gone already.
    _take_in(accepted, str(name[0]), context, shared)


def _take_in(
    accepted: socket.socket, host: str, context: ssl.SSLContext | None, shared: Shared
) -> None:
    origin = origin_of(host)
    if not shared.places.take(origin):
        _log.debug("Electrum: no place for a client from %s", host)
        accepted.close()
        return
    connection = ElectrumConnection(shared, origin)

    def ended(_: asyncio.Task[None]) -> None:
        if not connection.is_made:
            accepted.close()
            shared.places.leave(origin)

    # Not at the end of the task itself: it may be cancelled before it begins.
    shared.tasks.create_task(_begin(accepted, connection, context, shared)).add_done_callback(ended)


async def _begin(
    accepted: socket.socket,
    connection: ElectrumConnection,
    context: ssl.SSLContext | None,
    shared: Shared,
) -> None:
    """Have a connection begin, if that can be."""
    units = PLAIN_UNITS if context is None else TLS_UNITS
    limit_s = None if context is None else HANDSHAKE_S
    wait_us = connection.credit.wait_us(0, shared.now())  # Not for others: it may be the owner.
    connection.credit.charge(units, shared.now())
    try:
        if wait_us:
            await asyncio.sleep(wait_us / SECOND)
        await asyncio.get_running_loop().connect_accepted_socket(
            lambda: connection,
            accepted,
            ssl=context,
            ssl_handshake_timeout=limit_s,
            ssl_shutdown_timeout=limit_s,
        )
    except OSError as error:  # Also what TLS complains of.
        _log.debug("Electrum: a client could not be taken in: %s", error)
