"""Saved cards outside the built-in profile: nothing is written to a live seller unless that was said aloud."""

from __future__ import annotations

import httpx
import pytest

from cardctl.db.sealed import EncryptionKeys
from cardctl.db.unit import Books
from cardctl.domain.redaction import Secret
from tests.commands.runner import Cardctl
from tests.db import saved_builders
from tests.db.builders import usd

CONFIG = """
[profiles.acme]
environment = "live"
provider = "square"

[profiles.try]
environment = "sandbox"
provider = "square"
"""
PROGRAMME = "square/default"
CARD = saved_builders.saved_card(programme=PROGRAMME).id
HOLD, PAID = "pay_held0001", "pay_paid0001"
PAYS = ["--amount", "5", "--currency", "USD"]
WRITES = [
    ["add", "--person", "new@example.com", "--nonce", "cnon:1"],
    ["add", "--person", saved_builders.BUYER, "--nonce", "cnon:1", "--replace"],
    ["charge", CARD, *PAYS],
    ["preauth", CARD, *PAYS],
    ["capture", HOLD],
    ["cancel", HOLD],
    ["refund", PAID],
    ["disable", CARD, "--yes"],
]


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What reached the network; nothing gets further."""
    calls: list[str] = []

    def refuse(_: object, request: httpx.Request) -> httpx.Response:
        calls.append(f"{request.method} {request.url.host}{request.url.path}")
        raise httpx.ConnectError("nobody is there")

    monkeypatch.setattr(httpx.HTTPTransport, "handle_request", refuse)
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    return calls


@pytest.fixture
def live(cardctl: Cardctl, called: list[str], monkeypatch: pytest.MonkeyPatch) -> Cardctl:
    """A live and a sandbox seller with a saved card, a hold and a charge in the books of each."""
    config = cardctl.home / "config"
    config.mkdir(parents=True)
    (config / "config.toml").write_text(CONFIG)
    monkeypatch.setenv("CARDCTL_DB_ENCRYPTION_KEY", "k" * 40)
    monkeypatch.setenv("CARDCTL_SQUARE_ACCESS_TOKEN", "EAAAabcdefghijklmnop")
    for profile, environment in (("acme", "live"), ("try", "sandbox")):
        file = cardctl.home / "state" / "books" / f"{profile}.db"
        file.parent.mkdir(parents=True, exist_ok=True)
        books = Books(str(file), environment=environment, keys=lambda: EncryptionKeys(Secret("k" * 40), None))
        card = saved_builders.saved_card(programme=PROGRAMME, environment=environment)
        of_card = {"programme": PROGRAMME, "saved_card_id": card.id}
        paid = {"state": "completed", "captured": usd(5000), "expires_at": None, "invoice": "lot-8"}
        with books.write() as unit:
            unit.saved_cards.put(card)
            unit.payments.put(saved_builders.payment(HOLD, **of_card))
            unit.payments.put(saved_builders.payment(PAID, **of_card, **paid))
        books.close()
    return cardctl


@pytest.mark.parametrize("words", WRITES, ids=lambda words: " ".join(words[:2]))
def test_a_live_write_that_was_not_said_aloud(live: Cardctl, called: list[str], words: list[str]) -> None:
    before = live("saved-card", "show", CARD, "--profile", "acme", "-o", "json").data
    ran = live("saved-card", *words, "--profile", "acme", "-o", "json")
    assert (ran.code, ran.error, called) == (6, "LIVE_NOT_SAID", []), "nothing was sent and nothing written"
    assert "--live" in ran.json["hint"]
    after = live("saved-card", "show", CARD, "--profile", "acme", "-o", "json").data
    assert before | {"age_seconds": 0} == after | {"age_seconds": 0}
    assert live("operation", "list", "--profile", "acme", "-o", "json").data == []


def test_said_aloud_it_is_sent(live: Cardctl, called: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    ran = live("saved-card", "charge", CARD, *PAYS, "--profile", "acme", "--live", "-o", "json")
    assert (ran.code, ran.error) == (8, "PROVIDER_UNAVAILABLE")
    assert set(called) == {"POST connect.squareup.com/v2/payments"}
    called.clear()
    monkeypatch.setenv("CARDCTL_LIVE", "1")
    assert live("saved-card", "cancel", HOLD, "--profile", "acme").code == 8, "a scheduled job says it by the environment"
    assert set(called) == {f"POST connect.squareup.com/v2/payments/sq_{HOLD}/cancel"}


def test_a_sandbox_needs_nothing_said(live: Cardctl, called: list[str]) -> None:
    assert live("saved-card", "refund", PAID, "--profile", "try").code == 8
    assert set(called) == {"POST connect.squareupsandbox.com/v2/refunds"}
