"""Square signs the address that it notifies: without that setting nothing could be proven, and that is said at once."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from pathlib import Path

import pytest

from tests.commands.runner import Cardctl

URL = "https://example.com/hooks/square"
BODY = json.dumps(
    {
        "type": "location.updated",
        "event_id": "e1",
        "merchant_id": "M",
        "created_at": "2026-11-22T21:16:51Z",
        "data": {"type": "location", "id": "L1"},
    }
)
SIGNATURE = base64.b64encode(hmac.new(b"key-of-a-test", (URL + BODY).encode(), hashlib.sha256).digest()).decode()


@pytest.fixture
def seller(cardctl: Cardctl, monkeypatch: pytest.MonkeyPatch) -> Cardctl:
    monkeypatch.setenv("CARDCTL_SQUARE_WEBHOOK_SIGNATURE_KEY", "key-of-a-test")
    monkeypatch.setenv("CARDCTL_DB_ENCRYPTION_KEY", base64.b64encode(bytes(32)).decode())
    return cardctl


def configure(cardctl: Cardctl, *lines: str) -> None:
    file = cardctl.home / "config" / "config.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(('[profiles.acme]\nenvironment = "sandbox"\nprovider = "square"', *lines)) + "\n")


def event(tmp_path: Path) -> str:
    (tmp_path / "event.json").write_text(BODY)
    return str(tmp_path / "event.json")


def verify(cardctl: Cardctl, tmp_path: Path, signature: str = SIGNATURE) -> int:
    header = ("--header", f"x-square-hmacsha256-signature: {signature}")
    return cardctl("webhook", "verify", event(tmp_path), "--provider", "square", "--profile", "acme", *header).code


def test_an_event_is_genuine_at_the_address_that_is_registered(seller: Cardctl, tmp_path: Path) -> None:
    configure(seller, "[profiles.acme.square]", f'notification_url = "{URL}"')
    assert verify(seller, tmp_path) == 0
    assert verify(seller, tmp_path, SIGNATURE.swapcase()) == 3
    configure(seller, "[profiles.acme.square]", f'notification_url = "{URL}s"')
    assert verify(seller, tmp_path) == 3


def test_without_an_address_nothing_is_judged(seller: Cardctl, tmp_path: Path) -> None:
    configure(seller)
    assert verify(seller, tmp_path) == 2


def test_a_receiver_that_could_prove_nothing_does_not_begin(seller: Cardctl) -> None:
    configure(seller)
    ran = seller("webhook", "serve", "--port", "0", "--providers", "square", "--profile", "acme")
    assert ran.code == 2
    assert "square.notification_url" in ran.stderr
