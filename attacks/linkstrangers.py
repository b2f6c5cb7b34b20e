"""Strangers at a wallet's link: they speak its encryption by hand, and say what they like."""

from __future__ import annotations

import socket
import time
from types import TracebackType
from typing import Final, Self

from attacks.strangers import stranger_host
from axon.machine import Endpoint
from axon.payments.invoice import Invoice, invoice_from_uri, prove_link
from axon.payments.linkfeatures import PAYJOIN
from axon.payments.linkkeys import invoice_hint, wallet_magic
from axon.payments.linkmessages import Auth, Hello
from axon.payments.messages import LinkMessage, decode_link_message
from axon.primitives.network import REGTEST
from axon.wire.v2names import encode_name
from tests.v2peer import HandMadePeer

PATIENCE_S: Final = 20.0

MAGIC: Final = wallet_magic(REGTEST)


class LinkGone(Exception):
    """The wallet has ended the connection."""


def read_invoice(uri: str) -> Invoice:
    """An invoice of this network."""
    found = invoice_from_uri(uri, REGTEST)
    assert isinstance(found, Invoice)
    return found


class LinkStranger:
    """One connection with a wallet.

    Args:
        connection: a socket that is connected.
        payer: we dialled.
        number: of the secret.
    """

    def __init__(self, connection: socket.socket, *, payer: bool, number: int = 7) -> None:
        self.socket = connection
        self.socket.settimeout(PATIENCE_S)
        self.hand = HandMadePeer(MAGIC, initiating=payer, number=number)
        self.heard_bytes = 0
        self._waiting: list[LinkMessage] = []

    @classmethod
    def dial(cls, endpoint: Endpoint, number: int = 7) -> Self:
        """As a payer, from an address of its own."""
        connection = socket.socket()
        connection.bind((stranger_host(), 0))
        connection.settimeout(PATIENCE_S)
        connection.connect((endpoint.host, endpoint.port))
        return cls(connection, payer=True, number=number)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.socket.close()

    def agree(self) -> Self:
        """Keys on both sides.

        Raises:
            LinkGone: the wallet does not want to.
        """
        if self.hand.initiating:
            self.send(self.hand.hello)
        while not self.hand.session_id:
            self._read()
        if not self.hand.initiating:
            self.send(self.hand.hello)
        self.send(self.hand.proof())
        return self

    def open(self, invoice: Invoice, *, joins: bool = True) -> Self:
        """The whole way to an open link about an invoice.

        Raises:
            LinkGone: the wallet says bye.
        """
        self.agree()
        features = (PAYJOIN,) if joins else ()
        self.say(Hello(features=features, hint=invoice_hint(self.hand.session_id, invoice.id)))
        self.hear(Hello)
        self.hear(Auth)
        return self

    def prove(self, secret: bytes, invoice: Invoice) -> None:
        """As the payee of an invoice: a hello, and its signature."""
        proof = prove_link(secret, self.hand.session_id, invoice.id)
        self.say(Hello(features=(PAYJOIN,)), Auth(proof))

    def say(self, *messages: LinkMessage) -> None:
        """Messages as they should be."""
        self.send(
            b"".join(
                self.hand.packet(encode_name(message.command) + message.encode())
                for message in messages
            )
        )

    def send(self, data: bytes) -> None:
        """Any bytes.

        Raises:
            LinkGone: nobody takes them.
        """
        try:
            self.socket.sendall(data)
        except OSError as error:
            raise LinkGone from error

    def hear(self, *kinds: type[LinkMessage], limit_s: float = PATIENCE_S) -> LinkMessage:
        """The next message of these kinds; others before it are dropped.

        Raises:
            LinkGone: the wallet ended the connection first, or nothing came.
        """
        until = time.monotonic() + limit_s
        while True:
            while self._waiting:
                message = self._waiting.pop(0)
                if isinstance(message, kinds):
                    return message
            self.socket.settimeout(max(0.01, until - time.monotonic()))
            self._read()

    def _read(self) -> None:
        try:
            data = self.socket.recv(1 << 16)
        except OSError as error:
            raise LinkGone from error
        if not data:
            raise LinkGone
        self.heard_bytes += len(data)
        self._waiting += [
            decode_link_message(frame.command, frame.payload) for frame in self.hand.received(data)
        ]
