"""A receiver on a port of this machine, over real books, and those who send to it: genuine, forged, slow."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import socket
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cardctl.db.events import EventFilter
from cardctl.db.quarantine import Quarantine
from cardctl.db.sealed import EncryptionKeys
from cardctl.db.unit import Books
from cardctl.domain.events import Event
from cardctl.domain.redaction import Secret
from cardctl.providers import registry
from cardctl.receiver import Limits, Setup, running
from cardctl.services.deeds.inbox import Reception

SECRET = "whsec_receiving0000000000000000"
PROGRAMME = "stripe:acct_receiving"
SETS = {
    "stripe": {"stripe.webhook_secret": SECRET},
    "marqeta": {"marqeta.webhook_username": "receiver", "marqeta.webhook_password": "p" * 20},
    "strowallet": {"strowallet.webhook_secret": "s" * 20},
}


def keys() -> EncryptionKeys:
    return EncryptionKeys(Secret("k" * 40))


def reception(provider: str = "stripe", *, proves: bool = True) -> Reception:
    """How a provider of the tests is received."""
    secrets: dict[str, Sequence[Secret]] = {name: [Secret(value)] for name, value in SETS[provider].items()} if proves else {}
    return Reception(registry.webhooks(provider), PROGRAMME.replace("stripe", provider), secrets, live=False)


def event(number: int | str, kind: str = "issuing_card.updated") -> bytes:
    """A body as Stripe sends one."""
    told = {"id": f"ic_{number}", "object": "issuing.card", "status": "active"}
    whole = {"id": f"evt_{number}", "object": "event", "type": kind, "created": 1_790_000_000, "livemode": False}
    return json.dumps({**whole, "data": {"object": told}}, indent=2).encode()


def signed(body: bytes, secret: str = SECRET, at: int | None = None) -> dict[str, str]:
    """The headers that prove a body."""
    at = int(datetime.now(UTC).timestamp()) if at is None else at
    proof = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return {"Stripe-Signature": f"t={at},v1={proof}", "Content-Type": "application/json"}


@dataclass(frozen=True, slots=True)
class Answered:
    status: int
    headers: dict[str, str]
    body: bytes


class Client:
    """One connection; opened anew where the receiver closed it."""

    def __init__(self, port: int) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def __call__(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Answered:
        self.connection.request(method, path, body, headers or {}, encode_chunked=not isinstance(body, bytes | None))
        answer = self.connection.getresponse()
        return Answered(answer.status, dict(answer.getheaders()), answer.read())

    def post(self, body: bytes, headers: dict[str, str] | None = None, path: str = "/webhooks/stripe") -> Answered:
        return self("POST", path, body, signed(body) if headers is None else headers)

    def close(self) -> None:
        self.connection.close()


@dataclass(slots=True)
class World:
    """What a test may look at. `log` is what the receiver said."""

    books: Books
    quarantine: Quarantine
    log: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    port: int = 0

    def kept(self) -> list[Event]:
        with self.books.read() as unit:
            return list(unit.events.rows(EventFilter()))

    def said(self, event_type: str) -> list[dict[str, Any]]:
        return [fields for kind, fields in self.log if kind == event_type]

    @contextmanager
    def client(self) -> Iterator[Client]:
        client = Client(self.port)
        try:
            yield client
        finally:
            client.close()

    @contextmanager
    def raw(self, *sent: bytes, timeout: float = 30) -> Iterator[socket.socket]:
        """A bare connection that has sent something."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=timeout) as connection:
            for part in sent:
                connection.sendall(part)
            yield connection

    def together(self, bodies: Iterable[bytes], threads: int = 16) -> list[int]:
        """All of them, over so many connections at a time; the statuses, in order."""
        bodies = list(bodies)
        statuses = [0] * len(bodies)

        def send(first: int) -> None:
            with self.client() as client:
                for place in range(first, len(bodies), threads):
                    statuses[place] = client.post(bodies[place]).status

        workers = [threading.Thread(target=send, args=(first,)) for first in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        return statuses


@contextmanager
def serving(books: Books, place: Path, **setup: Any) -> Iterator[World]:
    """A receiver for as long as the block lasts."""
    quarantine = setup.pop("quarantine", None) or Quarantine(place / "quarantine.db", keys=keys)
    world = World(books, quarantine)

    def log(category: str, event_type: str, fields: dict[str, object], *, level: int = 20) -> None:
        assert category == "webhook_ingest"
        world.log.append((event_type, {**fields, "level": level}))

    receptions = setup.pop("receptions", None) or {"stripe": reception()}
    made = Setup(receptions, books, quarantine, log, lambda: datetime.now(UTC), **{"limits": Limits(), **setup})
    with running(made, "127.0.0.1", 0) as served:
        world.port = urlsplit(served.base_url).port or 0
        yield world


def answer_on(connection: socket.socket) -> bytes:
    """All that comes until the other side closes."""
    told = b""
    while part := connection.recv(65_536):
        told += part
    return told
