"""One connection of the Electrum server: lines in, lines out, one request after the other.

    made --place taken--> reading --a line is whole--> answering --all are answered--> reading
    any --a line too long, faults, silence, a slow reader--> closed

While a client does not take what was sent, nothing more is answered to it, and what changed for it
is noted and told later, once for each script; who takes nothing for `SLOW_S` is dropped.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, cast

from axon.chain.headertree import HeaderEntry
from axon.drivers.aio.driver import Stopped
from axon.electrum.budget import BYTES_A_UNIT, Budget, Budgets
from axon.electrum.client import Client
from axon.electrum.errors import ElectrumCode, ElectrumError
from axon.electrum.lines import ByteAllowance, LineBuffer, LineRefused
from axon.electrum.methods.headers import shown_tip
from axon.electrum.methodtable import find, run
from axon.electrum.places import LOCAL, ClientPlaces, origin_of
from axon.electrum.service import ElectrumService
from axon.electrum.session import (
    AskedLine,
    ElectrumCall,
    RefusedCall,
    has_too_many_values,
    notification,
    refusal_of,
    result_of,
)
from axon.errors import AxonError
from axon.machine import SECOND
from axon.primitives.hashes import to_hex
from axon.rpc.amounts import encode_json
from axon.rpc.jsoncodec import JsonCodec

GREETING_S: Final = 30.0
"""A client has to ask something in this time."""

IDLE_S: Final = 600.0
"""After so long without a request a connection is closed, as the protocol says; wallets ping."""

SLOW_S: Final = 60.0
"""A client that takes nothing of what was sent for so long is dropped."""

MAX_SENT_BYTES: Final = 64_000_000
"""Of all clients together, of long answers, what is not taken yet; what is beyond is refused."""

FREE_ANSWER_BYTES: Final = 65_536
"""A shorter answer does not count: no client has two of them."""

MAX_REFUSED_ID: Final = 1_000
"""Characters of an id that comes back where there is no room for an answer."""

WORKING: Final = 16
"""Questions of all clients together that are worked on at once: each may take some megabytes."""

MAX_BATCH_BYTES: Final = 8_000_000
"""Of the answers to one line; what it asks beyond that is refused."""

_log: Final = logging.getLogger("axon")


@dataclass(slots=True, eq=False)
class Shared:
    """What all connections of a server share.

    Args:
        service: what their methods are given.
        codec: reads and writes JSON.
        unfinished: of lines whose end has not come.
        sent: of answers that are not taken.
        tasks: one for each connection.
        slots: for what is worked on at once.
        connections: all of them, by the numbers of their clients.
        numbers: how many clients there have been.
    """

    service: ElectrumService
    codec: JsonCodec
    places: ClientPlaces
    budgets: Budgets
    unfinished: ByteAllowance
    sent: ByteAllowance
    tasks: asyncio.TaskGroup
    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(WORKING))
    connections: dict[int, ElectrumConnection] = field(default_factory=dict)
    numbers: int = 0


def _refused(
    call: ElectrumCall | RefusedCall, why: str, code: ElectrumCode = ElectrumCode.BAD_REQUEST
) -> RefusedCall:
    """The refusal of a call; its id comes back only if it is short."""
    asked = call if isinstance(call, ElectrumCall) and not call.is_notification else None
    if asked is not None and len(str(asked.id)) > MAX_REFUSED_ID:
        asked = None
    return RefusedCall(ElectrumError(why, code), asked)


class ElectrumConnection(asyncio.Protocol):
    """One client.

    Args:
        shared: with all others.
    """

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._service = shared.service
        self._loop = asyncio.get_running_loop()
        shared.numbers += 1
        self.client = Client(shared.numbers)
        self._lines = LineBuffer(shared.unfinished)
        self._news = asyncio.Event()
        self._taken = asyncio.Event()  # Set while the client takes what is sent.
        self._taken.set()
        self._untold: dict[bytes, str | None] = {}
        self._untold_tip: HeaderEntry | None = None
        self._is_answering = False  # News wait: a status in an answer may be older than they are.
        self._sent_bytes = 0  # Taken of the allowance, for what is sent.
        self._made_bytes = 0  # Likewise, for the answer that is being made.
        self._origin: str | None = None
        self._transport: asyncio.Transport | None = None
        self._work: asyncio.Task[None] | None = None

    # What the loop tells.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the client in, or not."""
        # No assertion here: the loop's own transports share no class with the standard library's.
        stream = cast(asyncio.Transport, transport)
        name = stream.get_extra_info("peername") or ("::1",)
        origin = origin_of(str(name[0]))
        if not self._shared.places.take(origin):
            _log.debug("Electrum: no place for a client from %s", name[0])
            stream.abort()
            return
        self._origin, self._transport = origin, stream
        self._shared.connections[self.client.number] = self
        self._service.clients[self.client.number] = self
        self._work = self._shared.tasks.create_task(self._serve(self._budget(origin)))

    def _budget(self, origin: str) -> Budget:
        """All that come from one address share one; what comes from this machine may be anybody."""
        key = f"{origin}{self.client.number}" if origin == LOCAL else origin
        return self._shared.budgets.of(key, self._service.daemon.clock.now())

    def data_received(self, data: bytes) -> None:
        """Bytes have come."""
        try:
            self._lines.received(data)
        except LineRefused as refused:
            self._drop(str(refused))
            return
        if self._lines.has_line:
            self._news.set()
            if self._transport is not None:
                self._transport.pause_reading()  # Until it is answered.

    def pause_writing(self) -> None:
        """The client takes what is sent slowly."""
        self._taken.clear()

    def resume_writing(self) -> None:
        """It has taken most of it."""
        self._taken.set()
        self._give_back()
        self._tell_untold()

    def connection_lost(self, exc: BaseException | None) -> None:  # noqa: ARG002
        """The client has gone."""
        if self._origin is None:
            return
        self._shared.places.leave(self._origin)
        self._lines.close()
        self._give_back()
        self._shared.sent.give_back(self._made_bytes)
        number, service = self.client.number, self._service
        self._transport = None
        del self._shared.connections[number], service.clients[number]
        service.header_clients.pop(number, None)
        for script in list(self.client.scripts):
            service.unsubscribe(self.client, script)
        if self._work is not None:
            self._work.cancel()

    def _give_back(self) -> None:
        self._shared.sent.give_back(self._sent_bytes)
        self._sent_bytes = 0

    def _drop(self, why: str) -> None:
        _log.debug("Electrum: client %d is dropped: %s", self.client.number, why)
        if self._transport is not None:
            self._transport.abort()

    def close(self) -> None:
        """Close it in order."""
        if self._transport is not None:
            self._transport.close()

    # Requests.

    async def _serve(self, budget: Budget) -> None:
        """Answer requests, one after the other, as long as the client is there."""
        with suppress(Stopped):
            await self._serve_on(budget)

    async def _serve_on(self, budget: Budget) -> None:
        patience = GREETING_S
        while self._transport is not None and not self._transport.is_closing():
            try:
                async with asyncio.timeout(patience):
                    await self._news.wait()
            except TimeoutError:
                self.close()
                return
            patience = IDLE_S
            self._is_answering = True
            if not await self._answer_all(budget):
                return
            self._is_answering = False
            self._news.clear()
            self._tell_untold()
            if self._transport is not None:
                self._transport.resume_reading()

    async def _answer_all(self, budget: Budget) -> bool:
        """Answer all lines that have come; whether the connection goes on."""
        while True:
            try:
                line = self._lines.next()
            except LineRefused as refused:
                self._drop(str(refused))
                return False
            if line is None:
                return True
            if line and not (await self._answer(line, budget) and await self._is_taken()):
                return False

    async def _is_taken(self) -> bool:
        """Wait until the client takes what was sent; False if it does not, and is dropped."""
        try:
            async with asyncio.timeout(SLOW_S):
                await self._taken.wait()
        except TimeoutError:
            self._drop("it takes nothing")
            return False
        return self._transport is not None

    async def _answer(self, line: bytes, budget: Budget) -> bool:
        """Answer one line; whether the connection goes on."""
        session, codec = self.client.session, self._shared.codec
        try:
            if has_too_many_values(line):
                asked = AskedLine((session.too_many(),), False)
            else:
                asked = session.read(await codec.decode([line]))
        except ValueError:
            asked = AskedLine((session.not_json(),), False)
        chunks: list[bytes] = []
        size, goes_on = 0, True
        for call in asked.calls:
            if size > MAX_BATCH_BYTES:
                call = _refused(call, "the answers to this batch are too long")
            encoded, goes_on = await self._one(call, budget)
            if encoded and not self._has_room(size + sum(map(len, encoded))):
                busy = _refused(call, "too many long answers at once", ElectrumCode.SERVER_BUSY)
                encoded, _ = await self._one(busy, budget)
            if encoded:
                chunks += (b"," if chunks else b"", *encoded)
                size += sum(map(len, encoded))
            if not goes_on:
                break
        if chunks:
            budget.charge(size / BYTES_A_UNIT, self._service.daemon.clock.now())
            self._send([b"[", *chunks, b"]\n"] if asked.is_batch else [*chunks, b"\n"])
        if not goes_on or session.is_over:
            self.close()
            return False
        return True

    def _has_room(self, size: int) -> bool:
        """Whether there is room for an answer of so many bytes; then it is taken."""
        wanted = size - FREE_ANSWER_BYTES - self._made_bytes
        if wanted > 0:
            if not self._shared.sent.take(wanted):
                return False
            self._made_bytes += wanted
        return True

    async def _one(
        self, call: ElectrumCall | RefusedCall, budget: Budget
    ) -> tuple[list[bytes], bool]:
        """The answer to one request, if somebody waits for it; whether the connection goes on."""
        clock, codec = self._service.daemon.clock, self._shared.codec
        if isinstance(call, RefusedCall):
            budget.charge(1, clock.now())
            return await codec.encode(refusal_of(call.call, call.error)), True
        wait_us = budget.wait_us(clock.now())
        if wait_us:
            await asyncio.sleep(wait_us / SECOND)
        async with self._shared.slots:
            answer, goes_on = await self._done(call, budget)
            encoded = [] if call.is_notification else await codec.encode(answer)
        await asyncio.sleep(0)  # Others have a turn, however quick that was.
        return encoded, goes_on

    async def _done(self, call: ElectrumCall, budget: Budget) -> tuple[object, bool]:
        """Do what is asked: the answer, and whether the connection goes on."""
        try:
            method = find(call, self.client.session.protocol)
            budget.charge(method.units, self._service.daemon.clock.now())
            return result_of(call, await run(method, self._service, self.client, call)), True
        except Stopped:
            raise
        except ElectrumError as error:
            refused = error
        except AxonError as error:  # The node stops, or its disk refuses.
            refused = ElectrumError(str(error), ElectrumCode.DAEMON_ERROR)
        except Exception:  # noqa: BLE001 One method's bug must not end the node.
            _log.exception("Electrum method %s failed", call.method)
            refused = ElectrumError("internal server error", ElectrumCode.INTERNAL_ERROR)
        return refusal_of(call, refused), not refused.ends

    def _send(self, chunks: Sequence[bytes]) -> None:
        """Send an answer; what was taken for it is given back when the client has taken it."""
        if self._transport is None:
            return
        self._sent_bytes += self._made_bytes
        self._made_bytes = 0
        # Not `writelines`: CPython 3.12.0-8 and 3.13.0-1 never pause its writer (CVE-2024-12254).
        self._transport.write(b"".join(chunks))
        if self._taken.is_set():
            self._give_back()

    # What changes.

    def statuses(self, changed: Sequence[tuple[bytes, str | None]]) -> None:
        """Scripts that it is subscribed to have new statuses."""
        self._untold.update(changed)
        self._tell_untold()

    def superseded(self, script: bytes) -> None:
        """An answer says the status of a script; what was to be told of it is older."""
        self._untold.pop(script, None)

    def header(self, tip: HeaderEntry) -> None:
        """The chain has a new tip."""
        self._untold_tip = tip
        self._tell_untold()

    def _tell_untold(self) -> None:
        if self._transport is None or self._is_answering or not self._taken.is_set():
            return
        lines: list[str] = []
        if self._untold_tip is not None:
            told = notification("blockchain.headers.subscribe", [shown_tip(self._untold_tip)])
            lines.append(encode_json(told))
            self._untold_tip = None
        for script, status in self._untold.items():
            if script in self.client.scripts:
                params: list[object] = [to_hex(script), status]
                lines.append(encode_json(notification("blockchain.scripthash.subscribe", params)))
        self._untold.clear()
        if lines:
            self._transport.write("".join([f"{line}\n" for line in lines]).encode())
