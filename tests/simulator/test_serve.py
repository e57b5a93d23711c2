"""The faces on a port: what is served, what is refused, how faults look on a socket, and who may listen where."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from cardctl.errors import BadInput
from cardctl.simulator.control import Control
from cardctl.simulator.faults import FAULTS, On
from cardctl.simulator.server import LARGEST_BODY, MOST_THREADS, Bucket, Manner, Server
from tests.simulator.served import port
from tests.simulator.stranger import ADA, CARDS, HOLDERS, Stranger

KEY = {"Authorization": "Bearer sk_test_served"}


@pytest.fixture
def server(path: Path) -> Iterator[Server]:
    with port(path) as one:
        yield one


@pytest.fixture
def client(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.base_url, headers=KEY) as one:
        yield one


def raw(server: Server, text: bytes) -> bytes:
    """All that the port answers to these bytes, until it closes."""
    with socket.create_connection((str(server.server_address[0]), server.server_port), 10) as one:
        one.sendall(text)
        taken = b""
        while part := one.recv(65536):
            taken += part
        return taken


def test_every_face_is_mounted(server: Server, client: httpx.Client) -> None:
    assert {name: url.removeprefix(server.base_url) for name, url in server.base_urls.items()} == {
        "stripe": "/stripe",
        "marqeta": "/marqeta/v3",
        "strowallet": "/strowallet/api",
        "square": "/square",
        "zendit": "/zendit/v1",
        "topup": "/topup",
    }
    assert client.get("/stripe/v1/balance").json()["object"] == "balance"
    assert client.get("/marqeta/v3/users").status_code == 401
    assert client.get("/strowallet/api/bitvcard/nothing/").status_code >= 400
    assert client.get("/square/v2/nothing").json()["errors"][0]["code"] == "NOT_FOUND"
    assert client.get("/zendit/v1/balance").json()["errorCode"] == "NOT_AUTHORIZED"
    assert client.get("/topup/v1/topups/nobody").json()["error"]["code"] == "not_found"
    assert client.get("/stripe/v1/nothing").json()["error"]["type"] == "invalid_request_error"


def test_it_is_the_same_bank(path: Path, client: httpx.Client, stranger: Stranger) -> None:
    made = client.post(f"/stripe{HOLDERS}", data=ADA, headers={"Idempotency-Key": "k1"})
    again = client.post(f"/stripe{HOLDERS}", data=ADA, headers={"Idempotency-Key": "k1"})
    assert (made.status_code, again.json(), again.headers["Idempotent-Replayed"]) == (200, made.json(), "true")
    assert stranger.seen(HOLDERS)["data"] == [made.json()]
    assert client.get(f"/stripe{HOLDERS}?limit=1&email=ada%40example.com").json()["data"] == [made.json()]


def test_health_for_programs_and_for_people(server: Server, client: httpx.Client) -> None:
    health = client.get("/health").json()
    assert health.pop("clock").endswith("Z")
    assert (health["status"], health["version"], health["faces"]) == ("ok", "1.2.3", server.base_urls)
    assert health["notice"].startswith("DEVELOPMENT ONLY")
    page = client.get("/")
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert all(told in page.text for told in ("DEVELOPMENT ONLY", *server.base_urls.values()))
    assert "src=" not in page.text
    assert client.head("/health").content == b""


def test_what_is_nowhere(client: httpx.Client) -> None:
    for path in ("/nothing", "/stripe", "/stripes/v1/balance", "/cards/ic_none", "/%2e%2e/health"):
        reply = client.get(path)
        assert (reply.status_code, reply.headers["Content-Type"]) == (404, "application/json")
        assert path.replace("%2e%2e", "..") in reply.json()["error"]
    assert client.post("/health").status_code == 405


def test_a_wallet_payload(client: httpx.Client, stranger: Stranger, control: Control) -> None:
    card = stranger.card(exp_month="3", exp_year="2040")
    first, again = (client.get(f"/cards/{card}/wallet_payload/").json() for _ in range(2))
    assert first == again
    token = first.pop("provisioning_token")
    assert token.startswith("sim-token-")
    assert "simulated" in first.pop("wallet_instructions")
    assert first == {
        "card_id": card,
        "provider": "stripe",
        "cardholder_name": "Ada Lovelace",
        "last4": stranger.seen(f"{CARDS}/{card}")["last4"],
        "exp_month": 3,
        "exp_year": 2040,
        "development_only": True,
    }
    other = client.get(f"/cards/{stranger.card()}/wallet_payload").json()
    assert other["provisioning_token"] != token
    missing = client.get("/cards/ic_none/wallet_payload/")
    assert (missing.status_code, missing.json()) == (404, {"error": "No card is called ic_none."})
    control.edit(card, {"deleted": True})
    assert client.get(f"/cards/{card}/wallet_payload/").status_code == 404


def test_one_connection_serves_many_requests(server: Server) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    sockets = []
    for _ in range(5):
        connection.request("GET", "/stripe/v1/balance", headers=KEY)
        assert json.loads(connection.getresponse().read())["object"] == "balance"
        sockets.append(connection.sock)
    assert len(set(map(id, sockets))) == 1
    connection.close()


SEEN: dict[str, type[Exception] | int] = {
    "refused": httpx.TransportError,
    "dns": httpx.TransportError,
    "tls": httpx.TransportError,
    "lost-reply": httpx.TransportError,
    "torn-body": httpx.TransportError,
    "429": 429,
    "429-retry-after": 429,
    "429-retry-date": 429,
    "401": 401,
    "redirect": 302,
    "redirect-forever": 301,
    "503-html": 503,
    "500": 500,
    "500-after-commit": 500,
    "500-saved": 500,
}
"""What meets the client, where that is no 200."""


@pytest.mark.parametrize("kind", [name for name, fault in FAULTS.items() if On.WRITES in fault.on])
def test_faults_strike_on_a_socket_too(client: httpx.Client, stranger: Stranger, control: Control, kind: str) -> None:
    control.fault(kind, delay=0.01 if FAULTS[kind].delay else None)
    seen = SEEN.get(kind, 200)
    if isinstance(seen, int):
        assert client.post(f"/stripe{HOLDERS}", data=ADA).status_code == seen
    else:
        with pytest.raises(seen):
            client.post(f"/stripe{HOLDERS}", data=ADA)
    assert control.status()["faults"] == []
    assert len(stranger.seen(HOLDERS)["data"]) == FAULTS[kind].committed
    assert client.post(f"/stripe{HOLDERS}", data=ADA).status_code == 200, "the next one is well"


def test_torn_bodies_and_trickles(server: Server, client: httpx.Client, control: Control) -> None:
    lines = [b"POST /stripe/v1/issuing/cards HTTP/1.1", b"Host: x", b"Authorization: Bearer sk_test_x", b"Content-Length: 0"]
    asked = b"\r\n".join([*lines, b"", b""])
    control.fault("torn-body")
    head, _, body = raw(server, asked).partition(b"\r\n\r\n")
    told = int(next(line for line in head.split(b"\r\n") if line.startswith(b"Content-Length")).split(b":")[1])
    assert 0 < len(body) < told
    control.fault("lost-reply")
    assert raw(server, asked) == b""
    control.fault("trickle", delay=0.2)
    assert client.post(f"/stripe{HOLDERS}", data=ADA).json()["name"] == "Ada Lovelace"


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"POST /stripe/v1/issuing/cards HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (LARGEST_BODY + 1), b"413"),
        (b"POST /stripe/v1/issuing/cards HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", b"400"),
        (b"POST /stripe/v1/issuing/cards HTTP/1.1\r\nHost: x\r\nContent-Length: 1_0\r\n\r\n", b"400"),
        (b"POST /stripe/v1/issuing/cards HTTP/1.1\r\nHost: x\r\nContent-Length: " + b"9" * 40 + b"\r\n\r\n", b"413"),
        (b"POST /stripe/v1/issuing/cards HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", b"400"),
        (b"POST /stripe/v1/issuing/cards HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"411"),
        (b"GET / HTTP/1.1\r\n" + b"X-Many: 1\r\n" * 101 + b"\r\n", b"431"),
        (b"GET / HTTP/1.1\r\nX-Long: " + b"a" * 70_000 + b"\r\n\r\n", b"431"),
        (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n", b"414"),
        (b"BREW / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", b"501"),
        (b"nonsense\r\n\r\n", b"400"),
    ],
)
def test_requests_that_no_face_gets_to_see(server: Server, stranger: Stranger, request_: bytes, status: bytes) -> None:
    assert status in raw(server, request_).split(b"\r\n", 1)[0]
    assert stranger.seen(CARDS)["data"] == []


def test_a_body_that_ends_too_soon_does_nothing(server: Server, stranger: Stranger) -> None:
    with socket.create_connection(("127.0.0.1", server.server_port), 10) as one:
        one.sendall(b"POST /stripe/v1/issuing/cardholders HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\nname=Ada")
        one.shutdown(socket.SHUT_WR)
        assert b" 400 " in one.recv(4096)
    assert stranger.seen(HOLDERS)["data"] == []


def test_a_rate_limit_is_each_face_s_own(path: Path) -> None:
    with port(path, rate_limit=3) as server, httpx.Client(base_url=server.base_url, headers=KEY) as client:
        replies = [client.get("/stripe/v1/balance") for _ in range(30)]
        turned = [reply for reply in replies if reply.status_code == 429]
        assert turned
        assert turned[0].json()["error"]["code"] == "rate_limit"
        assert sum(reply.status_code == 200 for reply in replies) >= 3
        assert client.get("/marqeta/v3/users").status_code == 401
        assert client.get("/health").status_code == 200


def test_a_bucket_holds_one_second() -> None:
    now = [100.0]
    bucket = Bucket(4, clock=lambda: now[0])
    assert [bucket.take() for _ in range(6)] == [True] * 4 + [False] * 2
    now[0] += 0.25
    assert [bucket.take() for _ in range(2)] == [True, False]
    now[0] += 60
    assert [bucket.take() for _ in range(6)] == [True] * 4 + [False] * 2


def test_latency_is_each_request_s_own(path: Path) -> None:
    """Twenty at once, each half a second late, are answered by threads that wait side by side."""
    with port(path, latency=0.5) as server:
        outcomes: list[int] = []

        def ask() -> None:
            outcomes.append(httpx.get(f"{server.base_urls['stripe']}/v1/balance", headers=KEY, timeout=8).status_code)

        threads = [threading.Thread(target=ask) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert outcomes == [200] * 20, "one after the other they would have run out of patience"


def test_threads_are_bounded(server: Server) -> None:
    held = [socket.create_connection(("127.0.0.1", server.server_port), 10) for _ in range(MOST_THREADS + 5)]
    try:
        for one in held[-5:]:
            assert one.recv(1) == b"", "closed at once"
    finally:
        for one in held:
            one.close()


def test_many_clients_write_at_once(server: Server, stranger: Stranger) -> None:
    def work() -> None:
        with httpx.Client(base_url=server.base_url, headers=KEY) as client:
            for _ in range(5):
                assert client.post(f"/stripe{HOLDERS}", data=ADA).status_code == 200

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(stranger.seen(HOLDERS, limit=100)["data"]) == 40


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com", ""])
def test_it_listens_on_this_machine_alone(path: Path, host: str) -> None:
    with pytest.raises(BadInput) as refused:
        Server(path, host, 0, Manner())
    assert "127.0.0.1" in (refused.value.hint or "")


def test_a_port_that_is_taken(path: Path, server: Server) -> None:
    with pytest.raises(BadInput, match="cannot be used"):
        Server(path, "127.0.0.1", server.server_port, Manner())


def test_a_broken_file_is_an_answer(path: Path, server: Server, client: httpx.Client) -> None:
    assert client.get("/health").status_code == 200
    server.far_side.close()
    for end in ("-wal", "-shm"):
        Path(f"{path}{end}").unlink(missing_ok=True)
    path.write_text("this is no database, and was never one")
    reply = client.get("/stripe/v1/balance")
    assert (reply.status_code, list(reply.json())) == (500, ["error"])
