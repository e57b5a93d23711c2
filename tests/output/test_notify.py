"""Telling somebody, at a real port of this machine: what arrives, who did not take it, and that no address is ever said."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from cardctl.domain.breaks import Severity
from cardctl.domain.redaction import Secret
from cardctl.output.notify import Notifier
from tests.simulator.receiving import receiver


class Post:
    """A receiver: what it got, and what it answers."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        self.headers: list[Mapping[str, str]] = []
        self.status = 200

    def answer(self, _target: str, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
        self.headers.append(headers)
        self.got.append(json.loads(body))
        return self.status, b""


@pytest.fixture
def post() -> Post:
    return Post()


@pytest.fixture
def address(post: Post) -> Iterator[str]:
    with receiver(post.answer) as url:
        yield url.replace("http://", "json://ops:s3cretword@")


def nobody() -> str:
    """An address at which nobody listens."""
    with socket.socket() as port:
        port.bind(("127.0.0.1", 0))
        return f"json://ops:s3cretword@127.0.0.1:{port.getsockname()[1]}"


def test_what_is_told_arrives_with_its_weight(post: Post, address: str) -> None:
    assert Notifier(Secret(address)).send("cardctl dev: critical: latency", "first\nsecond <b>", Severity.CRITICAL) == (1, [])
    (got,) = post.got
    assert (got["title"], got["message"], got["type"]) == ("cardctl dev: critical: latency", "first\nsecond <b>", "failure")
    assert "Authorization" in post.headers[0]


def test_every_address_is_tried_and_those_that_fail_are_numbered(post: Post, address: str, capfd: Any) -> None:
    took, refused = Notifier(Secret(f"{nobody()}  {address} nonsense://x y")).send("t", "b", Severity.INFO)
    assert (took, len(post.got)) == (1, 1)
    assert refused == [
        "address 1 of notify.url (json) did not take it",
        "address 3 of notify.url (nonsense) is no address that can be sent to",
        "address 4 of notify.url is no address that can be sent to",
    ]
    assert capfd.readouterr() == ("", ""), "the library said something itself"


def test_a_refusal_is_one(post: Post, address: str) -> None:
    post.status = 500
    assert Notifier(Secret(address)).send("t", "b", Severity.WARNING) == (0, ["address 1 of notify.url (json) did not take it"])


def test_it_prints_without_its_address() -> None:
    assert "s3cretword" not in f"{Notifier(Secret(nobody()))!r}{vars(Notifier(Secret(nobody())))}"
