"""Cards outside the built-in profile: the live guard, keys of the wrong mode, other profiles, books on PostgreSQL."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from cardctl.db.sealed import EncryptionKeys
from cardctl.db.unit import Books
from cardctl.domain.redaction import Secret
from tests.commands.runner import Cardctl
from tests.db import builders
from tests.db.conftest import new_postgres, postgres

__all__ = ["new_postgres", "postgres"]

CONFIG = """
[profiles.acme]
environment = "live"
provider = "stripe"

[profiles.try]
environment = "sandbox"

[profiles.other]
environment = "simulator"
"""
CARD = "card_live000000000000000"
WRITES = [
    ["card", "freeze", CARD],
    ["card", "unfreeze", CARD],
    ["card", "close", CARD, "--yes"],
    ["card", "fund", CARD, "--amount", "5", "--yes"],
    ["card", "withdraw", CARD, "--amount", "5", "--yes"],
    ["card", "limits", CARD, "--daily", "5"],
    ["card", "replace", CARD, "--yes"],
    ["card", "issue", "--account", "acct_live", "--fund", "5"],
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
    """A live and a sandbox programme with one card each in their books, and a key for both."""
    config = cardctl.home / "config"
    config.mkdir(parents=True)
    (config / "config.toml").write_text(CONFIG)
    monkeypatch.setenv("CARDCTL_DB_ENCRYPTION_KEY", "k" * 40)
    monkeypatch.setenv("CARDCTL_ACME__STRIPE_API_KEY", "sk_live_abcdefghijklmnop")
    monkeypatch.setenv("CARDCTL_TRY__STRIPE_API_KEY", "sk_test_abcdefghijklmnop")
    for profile, environment in (("acme", "live"), ("try", "sandbox")):
        file = cardctl.home / "state" / "books" / f"{profile}.db"
        file.parent.mkdir(parents=True, exist_ok=True)
        books = Books(str(file), environment=environment, keys=lambda: EncryptionKeys(Secret("k" * 40), None))
        programme = {"programme": "stripe/default"}
        account = builders.account("acct_live", environment=environment, **programme)
        with books.write() as unit:
            unit.accounts.add(account, raw={})
            unit.cards.add(builders.card(CARD, account_id="acct_live", **programme), raw={})
        books.close()
    return cardctl


def state(cardctl: Cardctl) -> list[dict[str, Any]]:
    cards: list[dict[str, Any]] = cardctl("card", "list", "--profile", "acme", "-o", "json").data
    assert cardctl("operation", "list", "--profile", "acme", "-o", "json").data == []
    return cards


@pytest.mark.parametrize("words", WRITES, ids=lambda words: words[1])
def test_a_live_write_that_was_not_said_aloud(live: Cardctl, called: list[str], words: list[str]) -> None:
    before = state(live)
    ran = live(*words, "--profile", "acme", "-o", "json")
    assert (ran.code, ran.error) == (6, "LIVE_NOT_SAID")
    assert "--live" in ran.json["hint"]
    assert (state(live), called) == (before, []), "nothing was sent and nothing written"


def test_said_aloud_it_is_sent(live: Cardctl, called: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    ran = live("card", "freeze", CARD, "--profile", "acme", "--live", "-o", "json")
    assert (ran.code, ran.error) == (8, "PROVIDER_UNAVAILABLE")
    assert set(called) == {"POST api.stripe.com/v1/issuing/cards/ic_" + CARD}
    called.clear()
    monkeypatch.setenv("CARDCTL_LIVE", "1")
    assert live("card", "freeze", CARD, "--profile", "acme").code == 8, "a scheduled job says it by the environment"
    assert called


def test_a_sandbox_needs_nothing_said(live: Cardctl, called: list[str]) -> None:
    assert live("card", "freeze", CARD, "--profile", "try").code == 8
    assert called


def test_reading_live_needs_nothing_said(live: Cardctl, called: list[str]) -> None:
    old = live("card", "show", CARD, "--profile", "acme", "-o", "json")
    assert (old.code, old.warnings) == (0, ["STALE"])
    assert called
    called.clear()
    assert live("card", "show", CARD, "--fresh", "--profile", "acme").code == 8
    assert called


@pytest.mark.parametrize(("profile", "key"), [("acme", "sk_test_abcdefghijklmnop"), ("try", "sk_live_abcdefghijklmnop")])
def test_a_key_of_the_wrong_mode(
    live: Cardctl, called: list[str], monkeypatch: pytest.MonkeyPatch, profile: str, key: str
) -> None:
    monkeypatch.setenv(f"CARDCTL_{profile.upper()}__STRIPE_API_KEY", key)
    for words in (["freeze", CARD, "--live"], ["show", CARD, "--fresh"]):
        ran = live("card", *words, "--profile", profile, "-o", "json")
        assert (ran.code, ran.error) == (4, "SECRET_WRONG_MODE")
        assert key not in ran.stdout + ran.stderr
    assert called == []


def test_no_key_at_all(live: Cardctl, called: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CARDCTL_ACME__STRIPE_API_KEY")
    ran = live("card", "freeze", CARD, "--profile", "acme", "--live", "-o", "json")
    assert (ran.code, ran.error, called) == (4, "SECRET_MISSING", [])
    assert "CARDCTL_ACME__STRIPE_API_KEY" in ran.json["hint"] + ran.json["message"]


def test_wallet_payload_makes_no_token_up(live: Cardctl, monkeypatch: pytest.MonkeyPatch) -> None:
    told = {"id": f"ic_{CARD}", "object": "issuing.card", "currency": "usd", "status": "active", "livemode": False}
    wallets = {"apple_pay": {"eligible": True, "ineligible_reason": None}}
    wallets["google_pay"] = {"eligible": False, "ineligible_reason": "unsupported_region"}  # type: ignore[dict-item]
    reply = httpx.Response(200, json={**told, "wallets": wallets})
    monkeypatch.setattr(httpx.HTTPTransport, "handle_request", lambda _self, _request: replace_stream(reply))
    ran = live("card", "wallet-payload", CARD, "--profile", "try", "-o", "json")
    (payload,) = ran.data
    assert payload["provisioning_token"] is None
    assert payload["eligibility"] == [
        {"wallet": "apple_pay", "eligible": True, "reason": None},
        {"wallet": "google_pay", "eligible": False, "reason": "unsupported_region"},
    ]


def replace_stream(reply: httpx.Response) -> httpx.Response:
    """The same reply, to be read again."""
    return httpx.Response(reply.status_code, headers=reply.headers, content=reply.content)


def test_provision_dev_is_refused_elsewhere(live: Cardctl, called: list[str]) -> None:
    for profile in ("acme", "try"):
        ran = live("provision", "--dev", "--profile", profile, "--live", "-o", "json")
        assert (ran.code, ran.error) == (6, "DEVELOPMENT_ONLY")
    assert called == []


def test_the_profile_by_the_environment(live: Cardctl, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARDCTL_PROFILE", "other")
    ran = live("provision", "--dev", "-o", "json")
    assert ran.code == 0
    assert "built-in profile" not in ran.stderr, "somebody chose it"
    assert len(live("card", "list", "-o", "json").data) == 3
    assert live("card", "list", "--profile", "dev", "-o", "json").data == [], "books of its own"
    assert [card["id"] for card in live("card", "list", "--profile", "acme", "-o", "json").data] == [CARD]
    monkeypatch.setenv("CARDCTL_PROFILE", "nobody")
    ran = live("card", "list", "-o", "json")
    assert (ran.code, ran.error) == (5, "PROFILE_NOT_FOUND")


def test_another_environments_books_are_refused(live: Cardctl, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARDCTL_DB", str(live.home / "state" / "books" / "acme.db"))
    ran = live("card", "list", "-o", "json")
    assert (ran.code, ran.error) == (12, "BOOKS_FOREIGN")


def test_a_card_of_another_programme(live: Cardctl, called: list[str]) -> None:
    books = Books(
        str(live.home / "state" / "books" / "acme.db"),
        environment="live",
        keys=lambda: EncryptionKeys(Secret("k" * 40), None),
    )
    with books.write() as unit:
        other = replace(unit.cards.named(CARD), id="card_other00000000000000", programme="stripe/acct_2")
        unit.cards.add(other, raw={})
    books.close()
    ran = live("card", "freeze", "card_other00000000000000", "--profile", "acme", "--live", "-o", "json")
    assert (ran.code, ran.error, called) == (6, "REFUSED", [])


def test_a_tour_on_postgresql(cardctl: Cardctl, new_postgres: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CARDCTL_DB", new_postgres)
    made = cardctl("provision", "--dev", "-o", "json")
    assert made.code == 0, made
    again = cardctl("provision", "--dev", "-o", "json").data
    assert (again["created"], again["changed"]) == (0, 0)
    card = made.data["cards"][0]["id"]
    for words, code in (
        (["freeze", card], 0),
        (["fund", card, "--amount", "10"], 6),
        (["unfreeze", card], 0),
        (["fund", card, "--amount", "10", "--idempotency-key", "k"], 0),
        (["fund", card, "--amount", "10", "--idempotency-key", "k"], 0),
        (["withdraw", card, "--amount", "4"], 0),
        (["limits", card, "--daily", "7"], 0),
        (["wallet-payload", card], 0),
    ):
        assert cardctl("card", *words).code == code, words
    assert cardctl("simulator", "swipe", card, "--amount", "5").code == 0
    fresh = cardctl("card", "show", card[:12], "--fresh", "-o", "json").data
    assert fresh["balance"]["amount"] == "1000001.00"
    replaced = cardctl("card", "replace", card, "--why", "lost", "--yes", "-o", "json").data["card"]
    assert (replaced["balance"], replaced["limits"]["daily"]["minor"]) == (fresh["balance"], 700)
    listed = cardctl("card", "list", "--state", "closed", "-o", "json").data
    assert [one["id"] for one in listed] == [card]
    assert cardctl("audit", "verify").code == 0
    assert not cardctl.books.exists(), "nothing of it went to a file"
