"""`cardctl saved-card add|list|show|disable|sync`: the whole document, the table, what is sent, and what is refused."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from cardctl.simulator.control import Control
from tests.commands.buyers import BUYER, GOOD, save, secret_refs
from tests.commands.runner import Cardctl, Ran
from tests.commands.terminal import on_terminal
from tests.contract.seller import Seller

CARD_FIELDS = [
    "id", "provider", "programme", "environment", "person", "email", "brand", "last4", "exp_month", "exp_year", "state",
    "created_at", "updated_at", "synced_at",
]  # fmt: skip
ADD = ("saved-card", "add", "--person", BUYER, "--nonce", "-")
VERBS = ("add", "list", "show", "charge", "preauth", "capture", "cancel", "refund", "disable", "sync")


@pytest.fixture
def seller(cardctl: Cardctl) -> Iterator[Seller]:
    """The built-in profile's seller, seen from Square."""
    cardctl.simulator.parent.mkdir(parents=True, exist_ok=True)
    seller = Seller(cardctl.simulator)
    yield seller
    seller.close()


def refused(ran: Ran, code: int, error: str) -> dict[str, Any]:
    """A failure: its exit code, an envelope that is all of stdout, nothing on stderr but the notice of the profile."""
    assert (ran.code, ran.error) == (code, error), ran
    assert list(ran.json)[:6] == ["schema_version", "success", "error_code", "message", "hint", "retryable"]
    assert quiet(ran)
    return ran.json


def quiet(ran: Ran) -> bool:
    """Nothing on stderr but that no profile is chosen."""
    return [line for line in ran.stderr.splitlines() if not line.startswith("using the built-in")] == []


def dump(file: Path) -> list[str]:
    """All but the call log, which hears of reads too."""
    with closing(sqlite3.connect(file)) as database:
        return [line for line in database.iterdump() if not line.startswith(('INSERT INTO "calls"', 'INSERT INTO "sqlite_seq'))]


def enabled(seller: Seller) -> list[bool]:
    """Which cards can be charged, oldest first."""
    return [card["enabled"] for card in seller.cards()]


# --- add


def test_add(cardctl: Cardctl, seller: Seller) -> None:
    ran = cardctl(
        *ADD, "--name", "Jenny Rosen", "--holder", "J ROSEN", "--postal-code", "94103", "-o", "json", stdin=f"{GOOD}\n"
    )
    assert (ran.code, ran.warnings, quiet(ran)) == (0, [], True)
    assert list(ran.data) == ["saved_card", "operation"]
    card = ran.data["saved_card"]
    assert list(card) == CARD_FIELDS
    assert {name: card[name] for name in CARD_FIELDS[1:11]} == {
        "provider": "square",
        "programme": "square/default",
        "environment": "simulator",
        "person": BUYER,
        "email": BUYER,
        "brand": "VISA",
        "last4": "1111",
        "exp_month": 12,
        "exp_year": card["exp_year"],
        "state": "active",
    }
    assert ran.data["operation"]["kind"] == "saved_card.add"
    assert ran.data["operation"]["target"] == card["id"]
    (there,) = seller.cards()
    assert (there["last_4"], there["exp_year"], there["enabled"]) == ("1111", card["exp_year"], True)
    assert cardctl("saved-card", "show", BUYER, "-o", "json").data["id"] == card["id"]


def test_add_in_words(cardctl: Cardctl) -> None:
    ran = cardctl(*ADD, stdin=f"{GOOD}\n")
    (line,) = ran.lines
    assert ran.code == 0
    assert line.startswith("saved: sc_")
    assert line.endswith(f" {BUYER} VISA ending in 1111 active")


def test_the_token_is_never_shown_or_kept_in_clear(cardctl: Cardctl, seller: Seller) -> None:
    """What is typed in clear is a one-time token all the same."""
    token = "cnon:card-nonce-mastercard"
    texts = [cardctl(*ADD, *words, stdin=token) for words in (("--dry-run",), ("--dry-run", "-o", "json"), ("-o", "json"))]
    operation = texts[-1].data["operation"]["id"]
    texts += [cardctl("operation", "show", operation, *words) for words in ((), ("-o", "json"))]
    texts += [cardctl("-v", "saved-card", "show", BUYER), cardctl("audit", "list", "-o", "json")]
    for ran in texts:
        assert token not in ran.stdout + ran.stderr
        assert not any(ref in ran.stdout + ran.stderr for ref in secret_refs(cardctl.simulator))
    for file in cardctl.home.rglob("*"):
        if file.is_file() and not file.name.startswith("simulator.db"):
            assert token.encode() not in file.read_bytes(), file


@pytest.mark.parametrize("stdin", ["", "\n", "   \n", "x" * 16_385])
def test_a_token_must_come(cardctl: Cardctl, seller: Seller, stdin: str) -> None:
    refused(cardctl(*ADD, "-o", "json", stdin=stdin), 2, "INVALID_INPUT")
    assert (seller.listed("customers"), cardctl("operation", "list", "-o", "json").data) == ([], [])


def test_a_token_that_is_no_good_is_explained(cardctl: Cardctl, seller: Seller) -> None:
    told = refused(cardctl(*ADD, "-o", "json", stdin="cnon:card-nonce-declined"), 7, "PROVIDER_REFUSED")
    assert "CARD_DECLINED" in told["message"]
    (card,) = cardctl("saved-card", "list", "-o", "json").data
    assert (card["state"], card["last4"], seller.cards()) == ("pending", None, [])
    assert cardctl(*ADD, stdin=GOOD).code == 0
    assert (cardctl("saved-card", "show", BUYER, "-o", "json").data["state"], enabled(seller)) == ("active", [True])


def test_who_has_a_good_card_needs_to_say_replace(cardctl: Cardctl, seller: Seller) -> None:
    card = save(cardctl)
    told = refused(cardctl(*ADD, "-o", "json", stdin=GOOD), 6, "STATE_FORBIDS")
    assert "--replace" in told["hint"]
    ran = cardctl(*ADD, "--replace", "-o", "json", stdin="cnon:card-nonce-mastercard")
    assert (ran.code, ran.data["saved_card"]["id"], ran.data["saved_card"]["last4"]) == (0, card, "5100")
    assert (enabled(seller), len(seller.listed("customers"))) == ([False, True], 1)


def test_add_again_with_the_same_key(cardctl: Cardctl, seller: Seller) -> None:
    words = (*ADD, "--idempotency-key", "mine", "-o", "json")
    first, again = (cardctl(*words, stdin=GOOD) for _ in range(2))
    assert (again.code, again.data, again.warnings) == (0, first.data, ["REPEATED"])
    refused(cardctl(*words, stdin="cnon:card-nonce-mastercard"), 2, "IDEMPOTENCY_MISMATCH")
    assert enabled(seller) == [True]


def test_a_dry_run_sends_and_writes_nothing(cardctl: Cardctl, seller: Seller) -> None:
    save(cardctl, "other@example.com")
    before = dump(cardctl.books), dump(cardctl.simulator)
    ran = cardctl(*ADD, "--dry-run", "-o", "json", stdin=GOOD)
    assert (ran.code, [each["path"] for each in ran.data["would_send"]]) == (0, ["/v2/customers"])
    ran = cardctl("saved-card", "disable", "other@example.com", "--dry-run", "-o", "json")
    ((method, path, body),) = [tuple(each.values()) for each in ran.data["would_send"]]
    assert (ran.code, method, path.startswith("/v2/cards/"), path.endswith("/disable"), body) == (0, "POST", True, True, {})
    assert (dump(cardctl.books), dump(cardctl.simulator)) == before


def test_another_provider_saves_no_cards(cardctl: Cardctl) -> None:
    refused(cardctl(*ADD, "--provider", "stripe", "-o", "json", stdin=GOOD), 7, "NOT_SUPPORTED")


# --- list, show


def test_list(cardctl: Cardctl, far_side: Control) -> None:
    first, second = save(cardctl), save(cardctl, "other@example.com")
    cardctl("saved-card", "disable", second, "--yes")
    ran = cardctl("saved-card", "list", "-o", "json")
    assert (ran.code, quiet(ran), [card["id"] for card in ran.data]) == (0, True, [second, first])
    assert all(list(card) == CARD_FIELDS for card in ran.data)
    for words, ids in (
        (("--state", "active"), [first]),
        (("--state", "disabled"), [second]),
        (("--state", "expired"), []),
        (("--person", "other@example.com"), [second]),
        (("--provider", "square"), [second, first]),
        (("--provider", "stripe"), []),
        (("--until", "2000-01-01"), []),
        (("--since", "1h"), [second, first]),
    ):
        assert [card["id"] for card in cardctl("saved-card", "list", *words, "-o", "json").data] == ids, words
    cut = cardctl("saved-card", "list", "--limit", "1", "-o", "json")
    assert ([card["id"] for card in cut.data], cut.warnings) == ([second], ["LIMIT_CUT"])


def test_list_as_a_table_and_as_rows(cardctl: Cardctl) -> None:
    card = save(cardctl)
    head, line = cardctl("saved-card", "list").lines
    assert head.split() == [
        "id",
        "person",
        "brand",
        "last4",
        "exp",
        "month",
        "exp",
        "year",
        "state",
        "programme",
        "created",
        "at",
    ]
    assert line.split()[:4] == [card, BUYER, "VISA", "1111"]
    (row,) = csv.DictReader(io.StringIO(cardctl("saved-card", "list", "-o", "csv").stdout))
    assert (list(row), row["id"]) == (CARD_FIELDS, card)
    (text,) = cardctl("saved-card", "list", "-o", "ndjson").lines
    assert json.loads(text)["id"] == card
    assert cardctl("saved-card", "list", "--person", "nobody", "-o", "json").data == []


def test_show_has_what_was_paid(cardctl: Cardctl) -> None:
    card = save(cardctl)
    cardctl("saved-card", "charge", card, "--amount", "25", "--currency", "USD", "--invoice", "A-17")
    cardctl("saved-card", "refund", card, "--amount", "10", "--invoice", "A-17", "--reason", "late")
    ran = cardctl("saved-card", "show", card, "-o", "json")
    assert (ran.code, quiet(ran), list(ran.data)) == (0, True, [*CARD_FIELDS, "payments", "age_seconds"])
    (payment,) = ran.data["payments"]
    (refund,) = payment["refunds"]
    assert (payment["invoice"], payment["captured"]["minor"], payment["refunded"]["minor"]) == ("A-17", 2_500, 1_000)
    assert (refund["amount"]["minor"], refund["reason"], refund["state"], refund["invoice"]) == (
        1_000,
        "late",
        "completed",
        "A-17",
    )
    assert payment["disputes"] == []
    for name in (card[:11], BUYER):
        assert cardctl("saved-card", "show", name, "-o", "json").data["id"] == card
    assert f"id           {card}" in cardctl("saved-card", "show", card).lines


@pytest.mark.parametrize("verb", ["show", "sync", "disable"])
@pytest.mark.parametrize("name", ["nobody@example.com", "sc_nothing", "", "no\nsuch\x1b[2J"])
def test_nobody_answers_to_a_wrong_name(cardctl: Cardctl, verb: str, name: str) -> None:
    save(cardctl)
    ran = cardctl("saved-card", verb, name, "-o", "json")
    assert (ran.code, ran.error) == (5, "SAVED_CARD_NOT_FOUND")
    spoken = cardctl("saved-card", verb, name)
    assert (spoken.code, spoken.stdout, "\x1b" in spoken.stderr) == (5, "", False)


# --- disable, sync


def test_disable_needs_consent_and_is_for_good(cardctl: Cardctl, seller: Seller) -> None:
    card = save(cardctl)
    refused(cardctl("saved-card", "disable", card, "-o", "json"), 6, "CONSENT_MISSING")
    assert enabled(seller) == [True]
    ran = cardctl("saved-card", "disable", card, "--yes", "--reason", "asked for it", "-o", "json")
    assert (ran.code, quiet(ran), ran.data["saved_card"]["state"], enabled(seller)) == (0, True, "disabled", [False])
    assert cardctl("saved-card", "disable", card, "--yes", "-o", "json").warnings == ["ALREADY"]
    ran = cardctl("saved-card", "charge", card, "--amount", "5", "--currency", "USD", "-o", "json")
    refused(ran, 6, "STATE_FORBIDS")
    entry = cardctl("audit", "list", "--action", "saved_card.disable", "-o", "json").data[0]
    assert (entry["object"], entry["reason"], entry["after"]["state"]) == (card, "asked for it", "disabled")


def test_disable_asks_for_the_last_four(cardctl: Cardctl, seller: Seller) -> None:
    card = save(cardctl)
    code, _, asked = on_terminal(cardctl, "saved-card", "disable", card, typed="0000\n")
    assert (code, "Type 1111 to go on:" in asked, enabled(seller)) == (6, True, [True])
    code, told, _ = on_terminal(cardctl, "saved-card", "disable", card, typed="1111\n")
    assert (code, "disabled: " in told, enabled(seller)) == (0, True, [False])


def test_sync_takes_what_is_there_now(cardctl: Cardctl, far_side: Control, seller: Seller) -> None:
    card = save(cardctl)
    held = cardctl("saved-card", "preauth", card, "--amount", "50", "--currency", "USD", "-o", "json").data["payment"]
    (there,) = seller.cards()
    far_side.edit(there["id"], {"exp_year": 2039, "last_4": "4321"})
    seller.done("POST", f"/v2/payments/{held['ref']}/complete", {})
    ran = cardctl("saved-card", "sync", card, "-o", "json")
    assert (ran.code, quiet(ran), list(ran.data)) == (0, True, ["saved_card"])
    assert (ran.data["saved_card"]["exp_year"], ran.data["saved_card"]["last4"]) == (2039, "4321")
    (payment,) = cardctl("saved-card", "show", card, "-o", "json").data["payments"]
    assert (payment["state"], payment["captured"]["minor"]) == ("completed", 5_000)
    seller.done("POST", f"/v2/cards/{there['id']}/disable")
    assert cardctl("saved-card", "sync", card, "-o", "json").data["saved_card"]["state"] == "disabled"
    assert cardctl("saved-card", "sync", card).lines == [f"synced: {card} {BUYER} VISA ending in 4321 disabled"]


def test_a_customer_who_was_deleted_takes_the_card_along(cardctl: Cardctl, seller: Seller) -> None:
    card = save(cardctl)
    (customer,) = seller.listed("customers")
    seller.delete_customer(customer["id"])
    assert cardctl("saved-card", "sync", card, "-o", "json").data["saved_card"]["state"] in ("gone", "disabled")
    assert cardctl(*ADD, stdin=GOOD).code == 0
    assert (len(seller.listed("customers")), enabled(seller)) == (1, [False, True])


# --- help


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_with_an_example(cardctl: Cardctl, verb: str) -> None:
    ran = cardctl("saved-card", verb, "--help")
    assert (ran.code, ran.stderr) == (0, "")
    assert f"cardctl saved-card {verb}" in ran.stdout.partition("Example:")[2]
    assert ran.stdout.startswith(f"Usage: cardctl saved-card {verb} [OPTIONS]")


def test_the_noun_lists_its_verbs(cardctl: Cardctl) -> None:
    ran = cardctl("saved-card", "--help")
    assert ran.code == 0
    listed = [line.split()[0] for line in ran.stdout.partition("Commands:")[2].splitlines() if line.strip()]
    assert [verb for verb in VERBS if verb not in listed] == []
