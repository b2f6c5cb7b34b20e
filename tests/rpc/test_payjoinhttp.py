"""BIP 78 over HTTP: both sides against each other, and each against what is none."""

from __future__ import annotations

import asyncio
import datetime
import http.client
import ipaddress
import json
import ssl
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from axon.drivers.aio.routes import DIRECT, Proxy, Routes
from axon.errors import ConfigError
from axon.machine import Endpoint
from axon.payments.payjoin import SHOWN, Declined, Offer, Proposal, Trouble
from axon.payments.payjoinparameters import Parameters
from axon.payments.payjoinsender import check_answer, sign_answer
from axon.payments.payjoinurl import PayjoinUrl, parse_payjoin_url
from axon.primitives.transaction import Transaction
from axon.rpc import payjoinserver
from axon.rpc.payjoinclient import MAX_ANSWER_BYTES, request_payjoin
from axon.rpc.payjoinserver import MAX_BODY_BYTES, MAX_CONNECTIONS, PayjoinServer
from axon.wallet.psbt import Psbt
from tests.payments.payjoinscene import Join, scripts_hold
from tests.socksserver import SocksServer
from tests.wallet.scene import PASSPHRASE

ANYWHERE = Endpoint("127.0.0.1", 0)


@pytest.fixture(scope="module")
def offered() -> Offer:
    """An offer that is as good as any."""
    return Join().offer()


def url_of(server: PayjoinServer, name: str = "invoice-1") -> PayjoinUrl:
    return parse_payjoin_url(f"http://{server.endpoint}/pj/{name}")


def says(answer: Proposal | Declined) -> payjoinserver.Join:
    """A wallet that always says the same."""

    async def join(_name: str, _offer: Offer) -> Proposal | Declined:
        return answer

    return join


def play(act: Callable[[], Awaitable[Any]]) -> Any:
    """Run one act."""

    async def run() -> Any:
        return await asyncio.wait_for(act(), 20)

    return asyncio.run(run())


def posted(
    server: PayjoinServer, path: str, body: bytes, method: str = "POST"
) -> tuple[int, dict[str, str], bytes]:
    """A plain request: status, headers and body of its answer."""
    connection = http.client.HTTPConnection(server.endpoint.host, server.endpoint.port, timeout=10)
    try:
        connection.request(method, path, body)
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        connection.close()


def test_two_wallets_join_over_http() -> None:
    join = Join()
    offer = join.offer()
    heard: list[str] = []

    async def answers(name: str, heard_offer: Offer) -> Proposal | Declined:
        heard.append(name)
        assert heard_offer == offer
        return join.ask(heard_offer)

    async def act() -> object:
        async with PayjoinServer(ANYWHERE, answers) as server:
            first = await request_payjoin(url_of(server), offer, DIRECT)
            assert await request_payjoin(url_of(server), offer, DIRECT) == first
            return first

    text = play(act)
    assert heard == ["invoice-1"] * 2
    assert isinstance(text, str)
    checked = check_answer(join.alice.wallet, offer, text, join.script)
    assert isinstance(checked, Psbt)
    signed = sign_answer(join.alice.wallet, offer, checked, PASSPHRASE, scripts_hold)
    assert isinstance(signed, Transaction)


@pytest.mark.parametrize("trouble", Trouble)
def test_each_word_comes_over_and_no_other_text(trouble: Trouble, offered: Offer) -> None:
    async def act() -> object:
        async with PayjoinServer(ANYWHERE, says(Declined(trouble, "call 555-0100"))) as server:
            status, headers, body = await asyncio.to_thread(
                posted, server, "/pj/a?v=1", b64encode(offered.psbt)
            )
            assert status >= 400
            assert headers["Access-Control-Allow-Origin"] == "*"
            told = json.loads(body)
            assert (told["errorCode"], told["message"]) == (trouble, "call 555-0100")
            assert told.get("supported") == (
                [1] if trouble is Trouble.VERSION_UNSUPPORTED else None
            )
            return await request_payjoin(url_of(server), offered, DIRECT)

    assert play(act) == Declined(trouble, SHOWN[trouble])


def test_what_is_no_offer_is_refused(offered: Offer) -> None:
    good = b64encode(offered.psbt)

    async def act() -> None:
        async with PayjoinServer(ANYWHERE, says(Declined(Trouble.UNAVAILABLE, ""))) as server:
            for path, body, method, status in [
                ("/", good, "POST", 404),
                ("/pj/", good, "POST", 404),
                ("/pj/a/b", good, "POST", 404),
                ("/pj/" + "a" * 101, good, "POST", 404),
                ("/pj/a", b"", "GET", 405),
                ("/pj/a", b"", "POST", 400),
                ("/pj/a", b"\xff\xfe", "POST", 400),
                ("/pj/a", good[:-40], "POST", 400),
                ("/pj/a", b"A" * (MAX_BODY_BYTES + 1), "POST", 400),
                ("/pj/a", good, "POST", 503),
            ]:
                answer = await asyncio.to_thread(posted, server, path, body, method)
                assert (path, answer[0]) == (path, status)
                assert answer[1]["Access-Control-Allow-Origin"] == "*"

    play(act)


def test_offers_at_once_are_few(offered: Offer) -> None:
    async def act() -> None:
        inside, going = asyncio.Semaphore(0), asyncio.Event()

        async def waits(_name: str, _offer: Offer) -> Proposal | Declined:
            inside.release()
            await going.wait()
            return Declined(Trouble.REJECTED, "")

        async with PayjoinServer(ANYWHERE, waits) as server:
            url = url_of(server)
            calls = [
                asyncio.create_task(request_payjoin(url, offered, DIRECT))
                for _ in range(payjoinserver.MAX_JOINS)
            ]
            for _ in calls:
                await inside.acquire()
            extra = await request_payjoin(url, offered, DIRECT)
            assert extra == Declined(Trouble.UNAVAILABLE, SHOWN[Trouble.UNAVAILABLE])
            going.set()
            rejected = Declined(Trouble.REJECTED, SHOWN[Trouble.REJECTED])
            assert await asyncio.gather(*calls) == [rejected] * len(calls)

    play(act)


def test_silence_keeps_nobody_out(offered: Offer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(payjoinserver, "BODY_LIMIT_S", 0.2)

    async def act() -> None:
        async with PayjoinServer(ANYWHERE, says(Declined(Trouble.REJECTED, ""))) as server:
            end = server.endpoint
            silent = [
                await asyncio.open_connection(end.host, end.port) for _ in range(MAX_CONNECTIONS)
            ]
            said = await request_payjoin(url_of(server), offered, DIRECT)
            assert said == Declined(Trouble.REJECTED, SHOWN[Trouble.REJECTED])
            reader, writer = await asyncio.open_connection(end.host, end.port)
            writer.write(b"POST /pj/a HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf")
            assert (await reader.readline()).startswith(b"HTTP/1.1 400")
            for _, each in [*silent, (reader, writer)]:
                each.close()

    play(act)


def test_a_wallet_that_takes_too_long(offered: Offer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(payjoinserver, "JOIN_LIMIT_S", 0.05)

    async def sleeps(_name: str, _offer: Offer) -> Proposal | Declined:
        await asyncio.sleep(10)
        raise AssertionError

    async def act() -> None:
        async with PayjoinServer(ANYWHERE, sleeps) as server:
            answer = await asyncio.to_thread(posted, server, "/pj/a", b64encode(offered.psbt))
            assert (answer[0], json.loads(answer[2])["errorCode"]) == (503, "unavailable")

    play(act)


def test_a_port_that_is_taken() -> None:
    async def act() -> None:
        says_no = says(Declined(Trouble.UNAVAILABLE, ""))
        async with PayjoinServer(ANYWHERE, says_no) as server:
            with pytest.raises(ConfigError, match="for payjoin"):
                async with PayjoinServer(server.endpoint, says_no):
                    pass

    play(act)


# The sender, against anything.


@asynccontextmanager
async def answering(data: bytes, context: ssl.SSLContext | None = None) -> AsyncIterator[Endpoint]:
    """A server that reads a head and says these bytes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(data)
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass  # The sender has seen enough.
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    async with server:
        yield Endpoint("127.0.0.1", server.sockets[0].getsockname()[1])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: 1\r\n" % n for n in range(500)) + b"\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n" + b"A" * (MAX_ANSWER_BYTES + 1),
        b"HTTP/1.1 200 OK\r\n\r\n\xff\xff",
        b"HTTP/1.1 302 Found\r\nLocation: https://other.example/\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 500 Oops\r\nContent-Length: 2\r\n\r\n[]",
        b"HTTP/1.1 400 No\r\n\r\n" + b"[" * 100_000,
        b'HTTP/1.1 400 No\r\n\r\n{"errorCode": "send-it-elsewhere", "message": "to me"}',
        b'HTTP/1.1 400 No\r\n\r\n{"errorCode": ["unavailable"]}',
    ],
    ids=range(15),
)
def test_whatever_the_receiver_says_there_is_a_sentence(data: bytes, offered: Offer) -> None:
    async def act() -> object:
        async with answering(data) as end:
            return await request_payjoin(
                parse_payjoin_url(f"http://{end}/pj"), offered, DIRECT, limit_s=5
            )

    said = play(act)
    assert isinstance(said, Declined)
    assert said.trouble is Trouble.UNAVAILABLE
    assert "elsewhere" not in said.reason


def test_nobody_there_and_nobody_answering(offered: Offer) -> None:
    async def act() -> None:
        async with answering(b"") as end:
            gone = parse_payjoin_url(f"http://{end}/pj")
        said = await request_payjoin(gone, offered, DIRECT)
        assert isinstance(said, Declined)
        assert "not reached" in said.reason

        async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                await reader.read()
            finally:
                writer.close()

        server = await asyncio.start_server(silent, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            url = parse_payjoin_url(f"http://127.0.0.1:{port}/pj")
            said = await request_payjoin(url, offered, DIRECT, limit_s=0.1)
            assert said == Declined(Trouble.UNAVAILABLE, "the receiver did not answer within 0.1 s")

    play(act)


def test_ways_that_are_closed_stay_closed(offered: Offer) -> None:
    async def act() -> None:
        onion = parse_payjoin_url("http://" + "a" * 56 + ".onion/pj")
        said = await request_payjoin(onion, offered, DIRECT)
        assert said == Declined(
            Trouble.UNAVAILABLE, "the receiver is not reached: no proxy leads there"
        )
        name = parse_payjoin_url("https://shop.example/pj")
        said = await request_payjoin(name, offered, Routes(dns=False))
        assert isinstance(said, Declined)
        assert "names are not looked up" in said.reason

    play(act)


@pytest.mark.process
def test_an_onion_service_is_asked_through_the_proxy() -> None:
    join = Join()
    offer = join.offer()

    async def act() -> None:
        async def answers(_name: str, heard: Offer) -> Proposal | Declined:
            return join.ask(heard)

        async with PayjoinServer(ANYWHERE, answers) as server:
            host = "a" * 56 + ".onion"
            with SocksServer(leads={host: server.endpoint}) as proxy:
                routes = Routes(onion=Proxy(proxy.endpoint))
                url = parse_payjoin_url(f"http://{host}/pj/1")
                assert isinstance(await request_payjoin(url, offer, routes), str)
                assert [(each.host, each.port) for each in proxy.requests()] == [(host, 80)]

    play(act)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate for 127.0.0.1, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    start = datetime.datetime(2020, 1, 1)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=36_500))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


def test_certificates_are_checked(certificate: Path, offered: Offer) -> None:
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(certificate)
    trust = ssl.create_default_context(cafile=str(certificate))

    async def act() -> None:
        data = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ncHNi"
        async with answering(data, served) as end:
            url = parse_payjoin_url(f"https://{end}/pj")
            assert await request_payjoin(url, offered, DIRECT, trust=trust) == "cHNi"
            said = await request_payjoin(url, offered, DIRECT)
            assert isinstance(said, Declined)
            assert "certificate" in said.reason
            other = replace(url, endpoint=Endpoint("127.0.0.2", end.port))
            said = await request_payjoin(other, offered, DIRECT, trust=trust)
            assert isinstance(said, Declined)

    play(act)


def test_the_parameters_travel_in_the_query(offered: Offer) -> None:
    heard: list[Offer] = []

    async def listens(_name: str, offer: Offer) -> Proposal | Declined:
        heard.append(offer)
        return Declined(Trouble.UNAVAILABLE, "")

    async def act() -> None:
        async with PayjoinServer(ANYWHERE, listens) as server:
            parameters = Parameters(1, 1, 200, 1_500, True)
            await request_payjoin(url_of(server), replace(offered, parameters=parameters), DIRECT)
            assert heard == [Offer(offered.psbt, parameters)]

    play(act)
