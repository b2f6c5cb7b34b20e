"""Whether a peer is still there: the ping clock (BIP 31) and the two inactivity limits.

One for each peer, from the end of its handshake on; the first ping goes out at once, which is how
callers know that both sides are ready.

    resting --due, or asked by the operator--> waiting --matching pong--> resting
                                               waiting --20 minutes--> PeerSilent

Independently of pings, a connection on which nothing came or nothing could be sent for 20 minutes
ends. None of this happens within the grace that `-peertimeout` gives a connection, as in Bitcoin
Core: a test that jumps hours ahead sets it high and keeps its peers.
"""

from __future__ import annotations

from random import Random
from typing import Final

from axon.machine import MINUTE, SECOND, Instant
from axon.p2p.faults import PeerSilent
from axon.wire.messages import Message, Ping, Pong

PING_INTERVAL: Final = 2 * MINUTE
SILENCE_LIMIT: Final = 20 * MINUTE
"""For an awaited pong, for anything received, and for anything sent."""


class KeepAlive:
    """The ping clock of one peer.

    Args:
        rng: draws the nonces.
        now: when the handshake completed; a ping is due at once.
        patient_until: no silence counts before; the opening plus `-peertimeout`.
        echoes: the peer answers pings, as all do whose version is above 60000.
    """

    __slots__ = (
        "_awaited",
        "_echoes",
        "_next_ping",
        "_patient_until",
        "_received_at",
        "_rng",
        "_sent_at",
        "latency_us",
        "min_latency_us",
    )

    def __init__(
        self, rng: Random, now: Instant, patient_until: Instant = 0, echoes: bool = True
    ) -> None:
        self._rng = rng
        self._echoes = echoes
        self._patient_until = patient_until
        self._awaited: tuple[int, Instant] | None = None  # Nonce and send time, while waiting.
        self._next_ping = now
        self._received_at = now
        self._sent_at = now
        self.latency_us: int | None = None
        """Of the last ping that was answered; None before the first."""
        self.min_latency_us: int | None = None
        """The shortest so far; None before the first."""

    def waiting_us(self, now: Instant) -> int | None:
        """How long the awaited pong has been on its way; None while none is."""
        return None if self._awaited is None else max(0, now - self._awaited[1])

    def data_received(self, now: Instant) -> None:
        """Bytes came in, whatever they say: the peer is not silent."""
        self._received_at = now

    def data_sent(self, now: Instant) -> None:
        """The network took bytes from us."""
        self._sent_at = now

    def deadline(self) -> Instant:
        """When `tick` is due: the next ping, or the moment at which silence becomes a fault."""
        since = min(self._received_at, self._sent_at)
        if self._awaited is not None:
            since = min(since, self._awaited[1])
        limit = max(since + SILENCE_LIMIT, self._patient_until)
        return limit if self._awaited is not None else min(self._next_ping, limit)

    def tick(self, now: Instant) -> list[Message]:
        """The ping that is due, if one is.

        Raises:
            PeerSilent: no pong, nothing received or nothing sent for 20 minutes.
        """
        if now >= self._patient_until:
            self._check_silence(now)
        if self._awaited is None and now >= self._next_ping:
            return self.ping(now)
        return []

    def _check_silence(self, now: Instant) -> None:
        minutes = SILENCE_LIMIT // MINUTE
        if self._awaited is not None and now - self._awaited[1] >= SILENCE_LIMIT:
            waited_s = (now - self._awaited[1]) // SECOND
            raise PeerSilent(f"no pong within {minutes} minutes ({waited_s} s)")
        if now - self._received_at >= SILENCE_LIMIT:
            raise PeerSilent(f"nothing received for {minutes} minutes")
        if now - self._sent_at >= SILENCE_LIMIT:
            raise PeerSilent(f"nothing could be sent for {minutes} minutes")

    def ping(self, now: Instant) -> list[Message]:
        """A ping at once, as the operator asks; an earlier one is no longer waited for."""
        self._next_ping = now + PING_INTERVAL
        if not self._echoes:
            return [Ping(None)]
        nonce = 0
        while not nonce:  # A pong with nonce zero means that the peer cannot echo.
            nonce = self._rng.getrandbits(64)
        self._awaited = (nonce, now)
        return [Ping(nonce)]

    def received(self, message: Ping | Pong, now: Instant) -> list[Message]:
        """Answer a ping of a peer that knows `pong`, or measure by a pong.

        A pong that does not match is the answer to an earlier ping and changes nothing; one with
        nonce zero, or none at all, comes from a peer that cannot echo and ends the wait without a
        measurement.
        """
        match message:
            case Ping(nonce) if nonce is not None and self._echoes:
                return [Pong(nonce)]
            case Pong(nonce) if self._awaited is not None:
                if nonce == self._awaited[0]:
                    self._measure(max(0, now - self._awaited[1]))
                    self._awaited = None
                elif not nonce:
                    self._awaited = None
        return []

    def _measure(self, latency_us: int) -> None:
        self.latency_us = latency_us
        if self.min_latency_us is None or latency_us < self.min_latency_us:
            self.min_latency_us = latency_us
