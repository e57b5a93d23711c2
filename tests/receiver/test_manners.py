"""How the port behaves: paths and methods, sizes, slow clients, too many of them, and a stop in the midst of requests."""

from __future__ import annotations

import socket
import threading
import time
from pathlib import Path

import pytest

from cardctl.db.unit import Books
from cardctl.errors import BadInput
from cardctl.receiver import Limits
from cardctl.receiver.serving import bound, is_loopback
from tests.receiver.world import World, answer_on, event, serving, signed


def head(body: bytes, **more: str) -> bytes:
    """The head of a genuine request."""
    headers = {"Host": "x", "Content-Length": str(len(body)), **signed(body), **more}
    return b"POST /webhooks/stripe HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in headers.items()).encode() + b"\r\n"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("HEAD", "/webhooks/stripe", 200),
        ("HEAD", "/api/webhooks/stripe-issuing", 200),
        ("GET", "/webhooks/stripe", 405),
        ("PUT", "/webhooks/stripe", 405),
        ("GET", "/healthz", 200),
        ("HEAD", "/healthz", 200),
        ("POST", "/healthz", 405),
        ("GET", "/metrics", 200),
        ("GET", "/", 404),
        ("POST", "/webhooks/marqeta", 404),
        ("POST", "/webhooks/stripe/authorization", 404),
        ("GET", "/webhooks/%73tripe", 404),
    ],
)
def test_paths_and_methods(world: World, method: str, path: str, status: int) -> None:
    with world.client() as client:
        assert client(method, path).status == status
        assert client("GET", "/healthz").status == 200, "the connection lives on"


def test_both_paths_are_the_same_inbox(world: World) -> None:
    with world.client() as client:
        for path in ("/webhooks/stripe", "/api/webhooks/stripe-issuing"):
            assert client.post(event(1), path=path).status == 200
    assert [each.times for each in world.kept()] == [2]


def test_a_body_in_chunks(world: World) -> None:
    body = event(1)
    with world.client() as client:
        assert client("POST", "/webhooks/stripe", iter([body[:10], body[10:]]), signed(body)).status == 200
    assert len(world.kept()) == 1


def test_a_body_that_is_too_large(books: Books, tmp_path: Path) -> None:
    body = b" " * 200_000 + event(1)
    with serving(books, tmp_path, limits=Limits(body=100_000)) as world:
        with world.raw(head(body)) as connection:  # refused by its length, before a byte of it is sent
            assert answer_on(connection).startswith(b"HTTP/1.1 413")
        with world.client() as client:
            assert client("POST", "/webhooks/stripe", iter([body[:120_000], body[120_000:]]), signed(body)).status == 413
        with world.client() as client:
            small = b" " * 90_000 + event(1)
            assert client.post(small).status == 200


def test_a_client_that_waits_to_be_asked_for_its_body(world: World) -> None:
    body = event(1)
    with world.raw(head(body, Expect="100-continue")) as connection:
        assert connection.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body)
        assert connection.recv(1000).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"POST /webhooks/stripe HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        b"POST /webhooks/stripe HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /webhooks/stripe HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET /healthz HTTP/1.1\r\nX: " + b"y" * 20_000 + b"\r\n\r\n",
    ],
    ids=["tls", "length", "both", "chunk", "long"],
)
def test_what_is_no_request(world: World, sent: bytes) -> None:
    with world.raw(sent) as connection:
        assert answer_on(connection)[:12] in (b"HTTP/1.0 400", b"HTTP/1.1 400")
    with world.client() as client:
        assert client("GET", "/healthz").status == 200


def test_slow_clients_are_cut_off(books: Books, tmp_path: Path) -> None:
    body = event(1)
    with serving(books, tmp_path, limits=Limits(header_seconds=0.4, body_seconds=0.4)) as world:
        for sent, answer in ((b"", b""), (b"POST /webhooks/str", b""), (head(body) + body[:20], b"HTTP/1.1 408")):
            begun = time.monotonic()
            with world.raw(sent, timeout=10) as connection:
                assert answer_on(connection)[: len(answer) or None] == answer
            assert 0.2 < time.monotonic() - begun < 5
        with world.client() as client:
            assert client.post(body).status == 200


def test_a_body_that_ends_early_is_no_event(world: World) -> None:
    body = event(1)
    with world.raw(head(body) + body[:20]) as connection:
        connection.shutdown(socket.SHUT_WR)
        answer_on(connection)
    with world.client() as client:
        assert client("GET", "/healthz").status == 200
    assert world.kept() == []


def test_one_connection_too_many(books: Books, tmp_path: Path) -> None:
    with serving(books, tmp_path, limits=Limits(connections=2)) as world, world.client() as one:
        with world.client() as two:
            assert (one("GET", "/healthz").status, two("GET", "/healthz").status) == (200, 200)
            with world.raw() as third:
                assert answer_on(third).startswith(b"HTTP/1.1 503")
        time.sleep(0.3)
        with world.client() as again:
            assert again.post(event(1)).status == 200


def test_a_stop_answers_what_came(books: Books, tmp_path: Path) -> None:
    statuses: list[int] = []
    with serving(books, tmp_path) as world:
        idle = socket.create_connection(("127.0.0.1", world.port))

        def send(first: int) -> None:
            with world.client() as client:
                for number in range(first, 10_000, 8):
                    try:
                        statuses.append(client.post(event(number)).status)
                    except OSError:  # it was never sent, or never answered
                        return
                    except Exception:
                        return

        senders = [threading.Thread(target=send, args=(first,)) for first in range(8)]
        for sender in senders:
            sender.start()
        while len(statuses) < 50:
            time.sleep(0.01)
        stopping = time.monotonic()
    assert time.monotonic() - stopping < 10
    for sender in senders:
        sender.join()
    idle.close()
    assert set(statuses) == {200}
    assert len(world.kept()) >= len(statuses), "every one that was acknowledged"
    with pytest.raises(ConnectionRefusedError), world.raw():
        pass


def test_a_stop_does_not_wait_for_half_a_request(books: Books, tmp_path: Path) -> None:
    body = event(1)
    with serving(books, tmp_path) as world:
        half = socket.create_connection(("127.0.0.1", world.port))
        half.sendall(head(body) + body[:20])
        time.sleep(0.2)
        stopping = time.monotonic()
    assert time.monotonic() - stopping < 5
    assert answer_on(half).startswith(b"HTTP/1.1 408")
    half.close()


def test_where_it_listens() -> None:
    with bound("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with pytest.raises(BadInput, match="cannot be used"):
            bound("127.0.0.1", port)
    with pytest.raises(BadInput, match="is no address"):
        bound("example.com", 0)
    assert [is_loopback(host) for host in ("127.0.0.1", "::1", "localhost", "0.0.0.0")] == [True, True, True, False]


def test_the_page_for_prometheus(world: World) -> None:
    body = event(1)
    with world.client() as client:
        client.post(body)
        client.post(body)
        client.post(body, signed(body, "whsec_other"))
        told = client("GET", "/metrics")
    assert told.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    lines = dict(line.rsplit(" ", 1) for line in told.body.decode().splitlines() if not line.startswith("#"))
    of = {
        name: float(lines[f'cardctl_webhook_{name}_total{{provider="stripe"}}'])
        for name in ("requests_received", "requests_accepted", "requests_refused", "events_new", "events_duplicate")
    }
    assert of == {"requests_received": 3, "requests_accepted": 2, "requests_refused": 1, "events_new": 1, "events_duplicate": 1}
    assert float(lines["cardctl_webhook_commit_requests_sum"]) == 2
    assert float(lines["cardctl_webhook_queue_length"]) == 0
    assert float(lines["cardctl_webhook_oldest_unapplied_seconds"]) > 0
