"""One connection of the Electrum server: lines in, lines out, one request after the other.

    made --> reading --a line is whole--> answering --all are answered--> reading
    any --a line too long, faults, silence, a slow reader--> closed

It has its place before it is made (`listening`). While a client does not take what was sent,
nothing more is answered to it, and what changed for it is noted and told later, once for each
script; who takes nothing for `SLOW_S` is dropped.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from typing import Final, cast

from axon.chain.headertree import HeaderEntry
from axon.drivers.aio.driver import Stopped
from axon.electrum.budget import BYTES_A_UNIT, ENTRIES_A_UNIT, SMALL_UNITS, Credit
from axon.electrum.client import Client
from axon.electrum.errors import ElectrumCode, ElectrumError
from axon.electrum.following import FOLDER
from axon.electrum.lines import LineBuffer, LineRefused
from axon.electrum.methodtable import ElectrumMethod, find, run
from axon.electrum.news import TOLD_UNITS, News
from axon.electrum.places import holder_of, networks_of
from axon.electrum.session import (
    AskedLine,
    ElectrumCall,
    RefusedCall,
    has_too_many_values,
    refusal_of,
    refused_call,
    result_of,
)
from axon.electrum.shared import Shared
from axon.electrum.statuses import StatusChange
from axon.errors import AxonError, DamageError
from axon.machine import SECOND

GREETING_S: Final = 30.0
"""A client has to ask something in this time."""

IDLE_S: Final = 600.0
"""After so long without a request a connection is closed, as the protocol says; wallets ping."""

SLOW_S: Final = 60.0
"""A client that takes nothing of what was sent for so long is dropped."""

MAX_SENT_BYTES: Final = 64_000_000
"""Of all clients together, of long answers, what is not taken yet; each has its share of it, and
what is beyond is refused."""

FREE_ANSWER_BYTES: Final = 65_536
"""A shorter answer does not count: no client has two of them."""

CLOSING_S: Final = 10.0
"""So long may a client still take what was sent when its connection ends."""

MAX_BATCH_BYTES: Final = 8_000_000
"""Of the answers to one line; what it asks beyond that is refused."""

_log: Final = logging.getLogger("axon")


class ElectrumConnection(asyncio.Protocol):
    """One client.

    Args:
        shared: with all others.
        origin: where it comes from; it has a place, which it leaves at its end.
    """

    def __init__(self, shared: Shared, origin: str) -> None:
        self._shared = shared
        self._service = shared.service
        self._loop = asyncio.get_running_loop()
        self._origin = origin
        shared.numbers += 1
        self._holder = holder_of(origin, shared.numbers)
        self.client = Client(shared.numbers, self._holder)
        self.credit: Credit = shared.budgets.of(self._holder, shared.now())
        self._slots = shared.slots.of(networks_of(origin)[0])
        self.is_made = False
        self._lines = LineBuffer(shared.unfinished, self._holder)
        self._asked = asyncio.Event()
        self._taken = asyncio.Event()  # Set while the client takes what is sent.
        self._taken.set()
        self._news = News()
        self._telling: asyncio.TimerHandle | None = None  # Where there are news to be told later.
        self._is_answering = False  # News wait: a status in an answer may be older than they are.
        self._sent_bytes = 0  # Taken of the shares, for what is sent.
        self._made_bytes = 0  # Likewise, for the answer that is being made.
        self._transport: asyncio.Transport | None = None
        self._work: asyncio.Task[None] | None = None

    # What the loop tells.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Serve the client."""
        # No assertion here: the loop's own transports share no class with the standard library's.
        self._transport = cast(asyncio.Transport, transport)
        self.is_made = True
        self._shared.connections[self.client.number] = self
        self._service.clients[self.client.number] = self
        self._work = self._shared.tasks.create_task(self._serve())

    def data_received(self, data: bytes) -> None:
        """Bytes have come."""
        try:
            self._lines.received(data)
        except LineRefused as refused:
            self._drop(str(refused))
            return
        if self._lines.has_line:
            self._asked.set()
            if self._transport is not None:
                self._transport.pause_reading()  # Until it is answered.

    def pause_writing(self) -> None:
        """The client takes what is sent slowly."""
        self._taken.clear()

    def resume_writing(self) -> None:
        """It has taken most of it."""
        self._taken.set()
        self._give_back()
        self._tell()

    def connection_lost(self, exc: BaseException | None) -> None:  # noqa: ARG002
        """The client has gone."""
        self._shared.places.leave(self._origin)
        self._lines.close()
        self._sent_bytes += self._made_bytes
        self._made_bytes = 0
        self._give_back()
        number, service = self.client.number, self._service
        self._transport = None
        del self._shared.connections[number], service.clients[number]
        service.header_clients.pop(number, None)
        service.left(self.client)
        if self._telling is not None:
            self._telling.cancel()
        if self._work is not None:
            self._work.cancel()

    def _give_back(self) -> None:
        self._shared.sent.give_back(self._holder, self._sent_bytes)
        self._sent_bytes = 0

    def _drop(self, why: str) -> None:
        if self._transport is not None:
            _log.debug("Electrum: client %d is dropped: %s", self.client.number, why)
            self._transport.abort()

    def close(self) -> None:
        """Close it in order, if the client takes what was sent."""
        if self._transport is not None:
            self._transport.close()
            self._loop.call_later(CLOSING_S, self._drop, "it does not take the last answer")

    # Requests.

    async def _serve(self) -> None:
        """Answer requests, one after the other, as long as the client is there."""
        with suppress(Stopped):
            await self._serve_on()

    async def _serve_on(self) -> None:
        patience = GREETING_S
        while self._transport is not None and not self._transport.is_closing():
            try:
                async with asyncio.timeout(patience):
                    await self._asked.wait()
            except TimeoutError:
                self.close()
                return
            patience = IDLE_S
            self._is_answering = True
            if not await self._answer_all():
                return
            self._is_answering = False
            self._asked.clear()
            self._tell()
            if self._transport is not None:
                self._transport.resume_reading()

    async def _answer_all(self) -> bool:
        """Answer all lines that have come; whether the connection goes on."""
        while True:
            try:
                line = self._lines.next()
            except LineRefused as refused:
                self._drop(str(refused))
                return False
            if line is None:
                return True
            if line and not (await self._answer(line) and await self._is_taken()):
                return False
            await asyncio.sleep(0)  # Others have a turn, however quick that was.

    async def _is_taken(self) -> bool:
        """Wait until the client takes what was sent; False if it does not, and is dropped."""
        try:
            async with asyncio.timeout(SLOW_S):
                await self._taken.wait()
        except TimeoutError:
            self._drop("it takes nothing")
            return False
        return self._transport is not None

    async def _answer(self, line: bytes) -> bool:
        """Answer one line; whether the connection goes on."""
        line_units = len(line) / BYTES_A_UNIT
        await self._wait_for_credit(line_units)
        self._charge(line_units)
        asked = await self._read(line)
        chunks: list[bytes] = []
        size, goes_on = 0, True
        for call in asked.calls:
            if size > MAX_BATCH_BYTES:
                call = refused_call(call, "the answers to this batch are too long")
            encoded, goes_on = await self._one(call, line_units)
            if encoded and not self._has_room(size + sum(map(len, encoded))):
                busy = refused_call(call, "too many long answers at once", ElectrumCode.SERVER_BUSY)
                encoded, _ = await self._one(busy, 0)
            if encoded:
                chunks += (b"," if chunks else b"", *encoded)
                size += sum(map(len, encoded))
            if not goes_on:
                break
            if asked.is_batch:
                await asyncio.sleep(0)
        if chunks:
            self._charge(size / BYTES_A_UNIT)
            self._send([b"[", *chunks, b"]\n"] if asked.is_batch else [*chunks, b"\n"])
        if not goes_on or self.client.session.is_over:
            self.close()
            return False
        return True

    async def _read(self, line: bytes) -> AskedLine:
        """What a line asks."""
        session = self.client.session
        if has_too_many_values(line):
            return AskedLine((session.too_many(),), False)
        try:
            return session.read(await self._shared.codec.decode([line]))
        except ValueError:
            return AskedLine((session.not_json(),), False)

    def _has_room(self, size: int) -> bool:
        """Whether there is room for an answer of so many bytes; then it is taken."""
        wanted = size - FREE_ANSWER_BYTES - self._made_bytes
        if wanted > 0:
            if not self._shared.sent.take(self._holder, wanted):
                return False
            self._made_bytes += wanted
        return True

    def _charge(self, units: float) -> None:
        self.credit.charge(units, self._shared.now())

    async def _wait_for_credit(self, units: float) -> None:
        wait_us = self.credit.wait_us(units, self._shared.now())
        if wait_us:
            await asyncio.sleep(wait_us / SECOND)

    async def _one(
        self, call: ElectrumCall | RefusedCall, line_units: float
    ) -> tuple[list[bytes], bool]:
        """The answer to one request, if somebody waits for it; whether the connection goes on.

        Args:
            line_units: what its line cost, which may come back as its id.
        """
        if isinstance(call, RefusedCall):
            self._charge(1)
            return await self._shared.codec.encode(refusal_of(call.call, call.error)), True
        try:
            method = find(call, self.client.session.protocol)
        except ElectrumError as error:
            self._charge(1)
            return await self._encoded(call, refusal_of(call, error)), True
        units = max(method.units, line_units)
        await self._wait_for_credit(units)
        if units < SMALL_UNITS:
            answer, goes_on = await self._done(method, call)
            encoded = await self._encoded(call, answer)
        else:
            async with self._slots:
                answer, goes_on = await self._done(method, call)
                encoded = await self._encoded(call, answer)
        return encoded, goes_on

    async def _encoded(self, call: ElectrumCall, answer: object) -> list[bytes]:
        return [] if call.is_notification else await self._shared.codec.encode(answer)

    async def _done(self, method: ElectrumMethod, call: ElectrumCall) -> tuple[object, bool]:
        """Do what is asked: the answer, and whether the connection goes on."""
        try:
            self._charge(method.units)
            return result_of(call, await run(method, self._service, self.client, call)), True
        except Stopped:
            raise
        except ElectrumError as error:
            refused = error
        except AxonError as error:  # The node stops, or its disk refuses.
            if isinstance(error, DamageError) and error.of == FOLDER:
                raise  # It is built anew.
            refused = ElectrumError(str(error), ElectrumCode.DAEMON_ERROR)
        except Exception:  # noqa: BLE001 One method's bug must not end the node.
            _log.exception("Electrum method %s failed", call.method)
            refused = ElectrumError("internal server error", ElectrumCode.INTERNAL_ERROR)
        finally:  # Also what is refused may have been much to read.
            self._charge(self.client.caused_units)
            self.client.caused_units = 0.0
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

    def statuses(self, changed: Sequence[StatusChange]) -> None:
        """Scripts that it is subscribed to have new statuses."""
        self._charge(sum([change.entries for change in changed]) / ENTRIES_A_UNIT)
        self._news.statuses(changed)
        self._tell()

    def superseded(self, script: bytes) -> None:
        """An answer says the status of a script; what was to be told of it is older."""
        self._news.superseded(script)

    def header(self, tip: HeaderEntry) -> None:
        """The chain has a new tip."""
        self._news.tip(tip)
        self._tell()

    def _tell(self) -> None:
        """Tell some of what is new, if the client can be told now and has credit for it."""
        if self._telling is not None or not self._news or self._transport is None:
            return
        if self._is_answering or not self._taken.is_set():
            return
        wait_us = self.credit.wait_us(TOLD_UNITS, self._shared.now())
        if not wait_us:
            lines = self._news.next(self.client.scripts)
            self._charge(TOLD_UNITS * len(lines))
            if lines:
                self._transport.write("".join([f"{line}\n" for line in lines]).encode())
        if self._news:
            self._telling = self._loop.call_later(wait_us / SECOND, self._tell_later)

    def _tell_later(self) -> None:
        self._telling = None
        self._tell()
