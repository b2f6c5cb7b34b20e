"""Strangers at a wallet that listens: they know no invoice, and are many."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable
from random import Random
from typing import Final

from attacks.linkstrangers import LinkGone, LinkStranger
from attacks.strangers import Strangers, stranger_host
from attacks.walletattack import WalletAttack
from attacks.walletvictim import Scene
from axon.payments.linkmessages import Hello
from axon.primitives.network import REGTEST
from axon.wire.transport import MAX_PAYLOAD_SIZE
from axon.wire.v1 import V1Transport
from axon.wire.v2 import MAX_GARBAGE_SIZE

CROWD: Final = 100

CONNECTIONS: Final = 100_000
"""No more than so many, however long it may take."""

SETTLED_S: Final = 70.0
"""Where strangers take all seats and all work that strangers may cause, a payer may not get
through; after a minute he settles the payment without the payee, who finds it in a block."""

_LIMIT_S: Final = 5.0


def silent(scene: Scene, seconds: float) -> str:
    """A hundred at a time dial, and say nothing; they are renewed all the time."""
    dialled, until = 0, time.monotonic() + seconds
    with Strangers(scene.endpoint) as crowd:
        while time.monotonic() < until:
            crowd.connect(CROWD // 10)
            dialled += CROWD // 10
            for mute in crowd.mute[:-CROWD]:
                mute.close()
            del crowd.mute[:-CROWD]
            time.sleep(0.05)
    return f"{dialled} connections"


def connections(scene: Scene, seconds: float) -> str:
    """Connect and leave, as fast as it goes."""
    done, until = 0, time.monotonic() + seconds
    while done < CONNECTIONS and time.monotonic() < until:
        with socket.socket() as link, contextlib.suppress(OSError):
            link.settimeout(_LIMIT_S)
            link.bind((stranger_host(), 0))
            link.connect((scene.endpoint.host, scene.endpoint.port))
            done += 1
    return f"{done} connections"


def garbage(scene: Scene, seconds: float) -> str:
    """Bytes that are no key and no packet, a node's first message, a key with garbage behind it."""
    rng = Random(7)
    node = V1Transport(REGTEST.magic).encode("version", bytes(100))
    kinds: tuple[Callable[[], bytes], ...] = (
        lambda: rng.randbytes(rng.randrange(1, 10_000)),
        lambda: node * 20,
        lambda: rng.randbytes(64) + bytes(MAX_GARBAGE_SIZE + 16),
        lambda: b"GET / HTTP/1.1\r\n\r\n",
    )
    return _each(scene, seconds, lambda: rng.choice(kinds)())


def slow(scene: Scene, seconds: float) -> str:
    """Fifty say a key, byte by byte, and never end it."""
    until, said = time.monotonic() + seconds, 0
    with Strangers(scene.endpoint) as crowd:
        while time.monotonic() < until:
            crowd.connect(CROWD // 2 - len(crowd.mute))
            left = []
            for mute in crowd.mute:
                try:
                    said += mute.send(b"\x07")
                    left.append(mute)
                except BlockingIOError:
                    left.append(mute)
                except OSError:
                    mute.close()
            crowd.mute[:] = left
            time.sleep(0.1)
    return f"{said} bytes"


def hints(scene: Scene, seconds: float) -> str:
    """The whole greeting, with hints of no invoice."""

    def greet(link: LinkStranger, number: int) -> None:
        link.agree().say(Hello(hint=number.to_bytes(32, "big")))

    return f"{_again_and_again(scene, seconds, greet)} hints"


def announced(scene: Scene, seconds: float) -> str:
    """Keys, and then a packet that is said to be as long as one can be."""

    def announce(link: LinkStranger, _number: int) -> None:
        link.send(link.agree().hand.packet(bytes(MAX_PAYLOAD_SIZE // 2)))

    tried = _again_and_again(scene, seconds, announce)
    return f"{tried} packets of {MAX_PAYLOAD_SIZE // 2:,} bytes"


def _again_and_again(scene: Scene, seconds: float, act: Callable[[LinkStranger, int], None]) -> int:
    """Dial, do something and leave, as often as there is time; how often."""
    tried, until = 0, time.monotonic() + seconds
    while time.monotonic() < until:
        tried += 1
        with (
            contextlib.suppress(LinkGone, OSError),
            LinkStranger.dial(scene.endpoint, number=tried) as link,
        ):
            act(link, tried)
    return tried


def _each(scene: Scene, seconds: float, data: Callable[[], bytes]) -> str:
    """Dial, say something, wait until the wallet has hung up or a moment; again and again."""
    done, until = 0, time.monotonic() + seconds
    while time.monotonic() < until:
        with socket.socket() as link, contextlib.suppress(OSError):
            link.settimeout(_LIMIT_S)
            link.bind((stranger_host(), 0))
            link.connect((scene.endpoint.host, scene.endpoint.port))
            link.sendall(data())
            done += 1
    return f"{done} connections"


ATTACKS: Final = (
    WalletAttack("wallet-calm", lambda _scene, seconds: time.sleep(seconds)),
    WalletAttack("wallet-silent", silent, SETTLED_S),
    WalletAttack("wallet-connections", connections, SETTLED_S),
    WalletAttack("wallet-garbage", garbage, SETTLED_S),
    WalletAttack("wallet-slow", slow, SETTLED_S),
    WalletAttack("wallet-hints", hints, SETTLED_S),
    WalletAttack("wallet-announced", announced, SETTLED_S),
)
