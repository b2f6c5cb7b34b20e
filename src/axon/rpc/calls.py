"""Calls, from the body of a request to the JSON of its answer: one, or many in a batch.

Before the node is ready every call is answered -28, with what the node is doing. While it stops,
calls under way are answered first, but for those that wait for something: they, and all that come
later, are answered -9.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from axon.drivers.aio.driver import Stopped
from axon.errors import AxonError
from axon.rpc.amounts import Json
from axon.rpc.auth import Whitelist
from axon.rpc.dispatch import Call, Registry
from axon.rpc.errors import Code, RpcError, shutting_down
from axon.rpc.jsoncodec import JsonCodec
from axon.rpc.jsonrpc import Request, http_status, parse_request, reply
from axon.rpc.sparselog import SparseLog

STOP_GRACE_S: Final = 10.0
"""How long a stopping server lets the calls under way finish."""

LOOKED_THROUGH: Final = 250
"""Calls of a batch that are looked at before others have a turn."""

_log: Final = logging.getLogger("axon.rpc")
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class RpcAnswer:
    """What goes back: HTTP's status, and JSON in chunks; none where the answer is empty."""

    status: int
    chunks: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls.

    Args:
        call: the circumstances.
        wait: entered while the call waits for something to happen.
        stays: whether the task that runs the call is one of `CallRunner.begin`, which ends only
            when the call does, whatever becomes of the caller.
    """

    call: Call
    wait: Callable[[], AbstractContextManager[None]] = nullcontext
    stays: bool = False


class CallRunner:
    """Runs the calls of one server, on the event loop on which it was made.

    warming up --ready()--> answering --stop()--> stopping, stopped
    """

    def __init__(self, registry: Registry, whitelist: Whitelist, warnings: SparseLog) -> None:
        self._registry = registry
        self._warnings = warnings
        self._whitelist = whitelist
        self._context: object = None
        self._status: str | None = "RPC server started"
        self.is_stopping = False
        self._codec = JsonCodec()
        self._tasks = asyncio.TaskGroup()
        self._waiting: dict[asyncio.Task[object], None] = {}
        self._working: dict[asyncio.Task[object], None] = {}

    def warming(self, status: str) -> None:
        """Answer every call with -28 and this status."""
        self._status = status

    def ready(self, context: object) -> None:
        """Answer calls from now on.

        Args:
            context: what the methods get as their first argument.
        """
        self._context, self._status = context, None

    async def start(self) -> None:
        """Be ready to run them."""
        await self._tasks.__aenter__()

    async def stop(self) -> None:
        """Waiting and later calls are answered -9, others with their result."""
        self.is_stopping = True
        for task in self._waiting:
            task.cancel()
        if self._working:
            await asyncio.wait(self._working, timeout=STOP_GRACE_S)
        for task in self._working:
            task.cancel()
        await self._tasks.__aexit__(None, None, None)

    def close(self) -> None:
        """End the work on requests and answers; whoever waits for it is told -9."""
        self._codec.close()

    async def respond(self, body: Sequence[bytes], caller: Caller) -> RpcAnswer:
        """Run what a body asks for.

        Args:
            body: in chunks, cut anywhere.
        """
        if not self._whitelist.allows_any(caller.call.user):
            return RpcAnswer(403)
        try:
            asked = await self._codec.decode(body)
        except ValueError:
            return await self._reply(None, None, RpcError(Code.PARSE_ERROR, "Parse error"))
        except Stopped:
            return await self._reply(None, None, shutting_down())
        if isinstance(asked, list):
            return await self._respond_batch(asked, caller)
        if not isinstance(asked, dict):
            error = RpcError(Code.PARSE_ERROR, "Top-level object parse error")
            return await self._reply(None, None, error)
        request, error_or_none = parse_request(asked)
        if error_or_none is not None:
            answer = await self._reply(request, None, error_or_none)
            return RpcAnswer(http_status(error_or_none), answer.chunks)
        if not self._whitelist.allows(caller.call.user, request.method):
            self._warnings.warning(
                "RPC: user %s is not allowed to call %s",
                caller.call.user,
                repr(request.method[:100]),
            )
            return RpcAnswer(403)
        result, error_or_none = await self.run(request, caller)
        if request.is_notification:
            return RpcAnswer(204)
        return await self._reply(request, result, error_or_none)

    async def _respond_batch(self, asked: list[Json], caller: Caller) -> RpcAnswer:
        """One call after the other; each answer is encoded at once, and then others have a turn.

        A method that is no coroutine, and one that finds all it needs, never give way to the peers
        and callers that share the loop, so it is done here, however long the batch is.
        """
        for place, each in enumerate(asked, 1):
            request, error = parse_request(each)
            if error is None and not self._whitelist.allows(caller.call.user, request.method):
                return RpcAnswer(403)
            if place % LOOKED_THROUGH == 0:
                await asyncio.sleep(0)
        chunks: list[bytes] = []
        is_empty = not asked
        asked.reverse()
        while asked:  # What is done is forgotten at once: a long batch is no heap to sweep up.
            request, error = parse_request(asked.pop())
            result = None
            if error is None:
                result, error = await self.run(request, caller)
            if not request.is_notification:
                answer = await self._reply(request, result, error)
                chunks += (b"," if chunks else b"[", *answer.chunks)
            await asyncio.sleep(0)
        if chunks or is_empty:
            return RpcAnswer(200, (*chunks, b"]") if chunks else (b"[]",))
        return RpcAnswer(204)

    async def run(self, request: Request, caller: Caller) -> tuple[Json, RpcError | None]:
        """Run one method; a method that waits ends when its caller hangs up, others never do."""
        if self._status is not None:
            return None, RpcError(Code.WARMUP, self._status)
        if self.is_stopping:  # What the methods use may be gone, and so may the group of tasks.
            return None, shutting_down()
        method = self._registry.methods.get(request.method)
        work = self._settled(request, caller.call)
        if method is None or not method.is_async or (caller.stays and not method.waits):
            return await work
        running = self._waiting if method.waits else self._working
        task = self._tasks.create_task(work)
        running[task] = None
        task.add_done_callback(lambda done: running.pop(done, None))
        try:
            if not method.waits:
                return await asyncio.shield(task)
            with caller.wait():
                return await task
        except asyncio.CancelledError:
            if self.is_stopping and task.cancelled():
                return None, shutting_down()
            raise

    def begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Have a task of its own for a call, from its body to the sending of its answer.

        Args:
            work: it raises nothing.
        """
        task = self._tasks.create_task(work)
        self._working[task] = None
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._working.pop(task, None)

    async def attend(
        self, work: Coroutine[Any, Any, _T], unwanted: Callable[[_T], object]
    ) -> _T | None:
        """The outcome of what is no call, and is done to its end like one; None if all stops.

        Args:
            work: it raises nothing.
            unwanted: gets the outcome if nobody waits for it any more.
        """
        if self.is_stopping:
            work.close()
            return None
        task = self._tasks.create_task(work)
        self._working[task] = None
        task.add_done_callback(self._ended)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if self.is_stopping and task.cancelled():
                return None
            task.add_done_callback(lambda done: done.cancelled() or unwanted(done.result()))
            raise

    async def _settled(self, request: Request, call: Call) -> tuple[Json, RpcError | None]:
        """The outcome of a method, its errors as values; a bug in one is logged."""
        try:
            result = await self._registry.execute(
                self._context, request.method, request.params, call
            )
        except RpcError as error:
            return None, error
        except Stopped:
            return None, shutting_down()
        except AxonError as error:
            return None, RpcError(Code.MISC, str(error))
        except Exception as error:  # noqa: BLE001 One method's bug must not end the node.
            _log.exception("RPC method %s failed", request.method)
            return None, RpcError(Code.INTERNAL_ERROR, f"Internal error: {error!r}")
        return result, None

    async def _reply(
        self, request: Request | None, result: Json, error: RpcError | None
    ) -> RpcAnswer:
        """One answer; a result that JSON cannot say is an error of ours."""
        try:
            chunks = await self._codec.encode(reply(request, result, error))
        except (TypeError, RecursionError):
            _log.exception("RPC: an answer that JSON cannot say")
            error = RpcError(Code.INTERNAL_ERROR, "Internal error: the result is not JSON")
            chunks = await self._codec.encode(reply(request, None, error))
        except Stopped:
            error = shutting_down()
            chunks = await self._codec.encode(reply(request, None, error))
        if error is None or (request is not None and request.is_v2):
            return RpcAnswer(200, tuple(chunks))
        return RpcAnswer(http_status(error), tuple(chunks))
