"""Three issuers in one home, as a user meets them: one verb set, and an honest no where one of them cannot."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import Any

import pytest

from tests.commands.runner import Cardctl

ISSUERS = ("stripe", "marqeta", "strowallet")


@pytest.fixture
def cards(cardctl: Cardctl) -> dict[str, dict[str, Any]]:
    """One card of each issuer, from `provision --dev` on each."""
    made = {name: cardctl("provision", "--dev", "--provider", name, "-o", "json").data for name in ISSUERS}
    assert [len(one["cards"]) for one in made.values()] == [3, 3, 3]
    assert {one["provider"] for data in made.values() for one in data["accounts"]} == set(ISSUERS)
    return {name: data["cards"][0] for name, data in made.items()}


def shown(cardctl: Cardctl, card: dict[str, Any]) -> dict[str, Any]:
    data: dict[str, Any] = cardctl("card", "show", card["id"], "--fresh", "-o", "json").data
    return data


def test_the_same_verbs_on_each(cardctl: Cardctl, cards: dict[str, dict[str, Any]]) -> None:
    for card in cards.values():
        words = [("freeze", "frozen"), ("unfreeze", "active")]
        for verb, state in words:
            assert cardctl("card", verb, card["id"], "-o", "json").data["card"]["state"] == state
        assert cardctl("card", "fund", card["id"], "--amount", "10").code == 0
        assert cardctl("card", "withdraw", card["id"], "--amount", "4.50").code == 0
        assert shown(cardctl, card)["balance"]["minor"] == 100_000_550
        assert cardctl("card", "sync", card["id"]).code == 0
        assert cardctl("card", "reveal", card["id"], "--yes").code == 6  # a pipe is no terminal


def test_what_one_of_them_cannot_do_changes_nothing(cardctl: Cardctl, cards: dict[str, dict[str, Any]]) -> None:
    card = cards["strowallet"]
    for words in (["close", card["id"], "--yes"], ["limits", card["id"], "--daily", "5"], ["replace", card["id"], "--yes"]):
        ran = cardctl("card", *words, "-o", "json")
        assert (ran.code, ran.error) == (7, "NOT_SUPPORTED")
    assert shown(cardctl, card)["state"] == "active"
    assert cardctl("card", "limits", cards["marqeta"]["id"], "--daily", "5", "-o", "json").warnings == ["LIMITS_SHARED"]


def test_a_resume_covers_every_programme(cardctl: Cardctl, cards: dict[str, dict[str, Any]]) -> None:
    cardctl("simulator", "fault", "--next", "lost-reply", "--times", "20")
    for name in ("stripe", "marqeta"):
        assert cardctl("card", "fund", cards[name]["id"], "--amount", "25").code == 9
    cardctl("simulator", "fault", "--clear")
    assert len(cardctl("operation", "resume", "--dry-run", "-o", "json").data["would_settle"]) == 2
    ran = cardctl("operation", "resume", "-o", "json")
    assert (ran.code, len(ran.data["settled"]), ran.data["left"]) == (0, 2, [])
    for name in ("stripe", "marqeta"):
        assert shown(cardctl, cards[name])["balance"]["minor"] == 100_002_500


def test_a_card_in_doubt_is_adopted_by_its_name(cardctl: Cardctl, cards: dict[str, dict[str, Any]]) -> None:
    cardctl("simulator", "fault", "--next", "lost-reply")
    words = ["--provider", "strowallet", "--account", "acct_user1", "--fund", "20", "--key", "travel"]
    ran = cardctl("card", "issue", *words, "-o", "json")
    assert (ran.code, ran.error) == (9, "OUTCOME_UNKNOWN")
    doubtful = cardctl("operation", "list", "--state", "in_doubt", "-o", "json").data[0]
    assert cardctl("operation", "resume").code == 9  # no list shows the card: only a person can tell
    with closing(sqlite3.connect(cardctl.simulator)) as far:
        ref = far.execute("SELECT ref FROM strowallet_cards ORDER BY seq DESC").fetchone()[0]
    word = ["operation", "resolve", doubtful["id"], "--as", "done", "--reason", "seen in the dashboard", "--ref"]
    assert cardctl(*word, "nothing-like-it").code == 7
    assert cardctl(*word, ref, "-o", "json").data["operation"]["state"] == "done"
    (card,) = [one for one in cardctl("card", "list", "-o", "json").data if one["ref"] == ref]
    assert (card["id"], card["state"], card["balance"]["minor"]) == (doubtful["target"], "active", 2_000)
    assert cardctl("card", "issue", *words).code == 6  # the key names the living card
    assert cardctl("audit", "verify").code == 0


def test_a_wallets_request_is_handed_on(cardctl: Cardctl, cards: dict[str, dict[str, Any]], tmp_path: Any) -> None:
    asked = {"device_type": "MOBILE_PHONE", "provisioning_app_version": "1.0", "device_id": "d1", "wallet_account_id": "w1"}
    file = tmp_path / "asked.json"
    file.write_text(json.dumps(asked))
    words = ["--wallet", "google", "--relay", str(file), "-o", "json"]
    ran = cardctl("card", "wallet-payload", cards["marqeta"]["id"], *words)
    assert ran.data["answer"]["push_tokenize_request_data"]["last_digits"] == cards["marqeta"]["last4"]
    refused = cardctl("card", "wallet-payload", cards["stripe"]["id"], *words)
    assert (refused.code, refused.error) == (7, "NOT_SUPPORTED")
    file.write_text("[]")
    assert cardctl("card", "wallet-payload", cards["marqeta"]["id"], *words).code == 2
    assert cardctl("card", "wallet-payload", cards["marqeta"]["id"], "--wallet", "google").code == 2
    entry = cardctl("audit", "list", "--limit", "1", "-o", "json").data[0]
    assert (entry["action"], entry["after"]) == ("card.relay_wallet", {"wallet": "google"})


def test_a_name_in_several_programmes_needs_its_provider(cardctl: Cardctl, cards: dict[str, dict[str, Any]]) -> None:
    ran = cardctl("account", "show", "acct_user1", "-o", "json")
    assert (ran.code, ran.error) == (2, "AMBIGUOUS_NAME")
    for name in ISSUERS:
        assert cardctl("account", "show", "acct_user1", "--provider", name, "-o", "json").data["provider"] == name


def test_kyc_decides_who_gets_a_card(cardctl: Cardctl) -> None:
    for name in ISSUERS:
        words = ["--name", "Ada King", "--external-id", f"k-{name}", "--email", f"{name}@example.com", "--provider", name]
        made = cardctl("account", "create", *words, "--kyc", "pending", "-o", "json").data["account"]
        assert made["kyc"] == "pending"
        assert made["compliance_flags"]
        assert cardctl("card", "issue", "--account", f"k-{name}", "--fund", "5").code == 6
    assert cardctl("card", "list", "-o", "json").data == []


def test_a_simulated_provider_is_asked_for_here_alone(cardctl: Cardctl) -> None:
    config = cardctl.home / "config" / "config.toml"
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text('[profiles.dev.stripe]\nbase_url = "https://api.stripe.example"\n')
    ran = cardctl("card", "list", "-o", "json")
    assert (ran.code, ran.error) == (2, "INVALID_CONFIG")
