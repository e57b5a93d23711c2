"""`cardctl saved-card charge|preauth|capture|cancel|refund`: the document, consent, guards, doubt; the money on both sides."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from cardctl.simulator.control import Control
from tests.commands.buyers import BUYER, doubtful, newest, save
from tests.commands.runner import Cardctl
from tests.commands.terminal import on_terminal
from tests.commands.test_saved_card import dump, quiet, refused
from tests.contract.seller import Seller

PAYMENT_FIELDS = [
    "id", "ref", "provider", "programme", "saved_card_id", "invoice", "kind", "state", "amount", "tip", "captured", "refunded",
    "expires_at", "created_at", "updated_at",
]  # fmt: skip
USD = ("--currency", "USD")


@pytest.fixture
def card(cardctl: Cardctl) -> str:
    return save(cardctl)


@pytest.fixture
def seller(cardctl: Cardctl, card: str) -> Iterator[Seller]:
    seller = Seller(cardctl.simulator)
    yield seller
    seller.close()


def usd(minor: int) -> dict[str, Any]:
    return {"minor": minor, "currency": "USD", "amount": f"{minor // 100}.{minor % 100:02d}"}


def held(cardctl: Cardctl, *words: str) -> dict[str, Any]:
    """A hold of 50.00 for the invoice A-17."""
    ran = cardctl("saved-card", "preauth", BUYER, "--amount", "50", *USD, "--invoice", "A-17", *words, "-o", "json")
    assert ran.code == 0, ran
    payment: dict[str, Any] = ran.data["payment"]
    return payment


def test_charge(cardctl: Cardctl, card: str, seller: Seller) -> None:
    words = ("saved-card", "charge", BUYER, "--amount", "25", *USD, "--tip", "3", "--invoice", "A-17")
    ran = cardctl(*words, "-o", "json")
    assert (ran.code, ran.warnings, quiet(ran), list(ran.data)) == (0, [], True, ["payment", "operation"])
    payment, operation = ran.data["payment"], ran.data["operation"]
    assert list(payment) == PAYMENT_FIELDS
    assert {name: payment[name] for name in PAYMENT_FIELDS[2:13]} == {
        "provider": "square",
        "programme": "square/default",
        "saved_card_id": card,
        "invoice": "A-17",
        "kind": "charge",
        "state": "completed",
        "amount": usd(2_500),
        "tip": usd(300),
        "captured": usd(2_800),
        "refunded": usd(0),
        "expires_at": None,
    }
    assert (operation["kind"], operation["target"], operation["amount"]) == ("saved_card.charge", card, usd(2_500))
    assert seller.taken() == (2_800, 0, 0)
    again = cardctl(*words, "-o", "json")
    assert (again.code, again.data, again.warnings) == (0, {"payment": payment, "operation": None}, ["ALREADY"])
    refused(cardctl(*words[:5], *USD, "--invoice", "A-17", "-o", "json"), 6, "STATE_FORBIDS")
    assert seller.taken() == (2_800, 0, 0)


def test_in_words(cardctl: Cardctl, card: str) -> None:
    pays = ("--amount", "50", *USD)
    told = cardctl("saved-card", "charge", card, *pays).lines + cardctl("saved-card", "preauth", card, *pays).lines
    assert [line.split(": ")[0] for line in told] == ["charged 50.00 USD", "held 50.00 USD"]
    assert told[0].endswith("completed, captured 50.00 USD, refunded 0.00 USD")
    assert told[1].endswith("approved, 50.00 USD")


def test_a_hold_captured_in_part_with_a_tip(cardctl: Cardctl, card: str, seller: Seller) -> None:
    hold = held(cardctl, "--hold-for", "36h")
    assert (hold["kind"], hold["state"], hold["captured"], seller.taken()) == ("preauth", "approved", usd(0), (0, 5_000, 0))
    assert hold["expires_at"] is not None
    for name in (hold["id"], card, BUYER):
        ran = cardctl("saved-card", "capture", name, "--invoice", "A-17", "--amount", "42.10", "--tip", "2", "-o", "json")
        assert (ran.code, ran.data["payment"]["captured"], seller.taken()) == (0, usd(4_410), (4_410, 0, 0))
        assert ran.warnings == ([] if name == hold["id"] else ["ALREADY"])
    ran = cardctl("saved-card", "capture", card, "--invoice", "A-17", "--amount", "43", "-o", "json")
    refused(ran, 6, "STATE_FORBIDS")
    assert seller.taken() == (4_410, 0, 0)


def test_a_hold_is_released(cardctl: Cardctl, card: str, seller: Seller) -> None:
    hold = held(cardctl)
    ran = cardctl("saved-card", "cancel", card, "--reason", "outbid", "-o", "json")
    assert (ran.code, ran.data["payment"]["state"], seller.taken()) == (0, "canceled", (0, 0, 0))
    assert cardctl("saved-card", "cancel", hold["id"], "-o", "json").warnings == ["ALREADY"]
    refused(cardctl("saved-card", "cancel", card, "-o", "json"), 6, "STATE_FORBIDS")
    refused(cardctl("saved-card", "capture", hold["id"], "-o", "json"), 6, "STATE_FORBIDS")
    again = held(cardctl)
    assert (again["id"] == hold["id"], seller.taken()) == (False, (0, 5_000, 0))


def test_a_hold_ends_by_itself(cardctl: Cardctl, card: str, seller: Seller, far_side: Control) -> None:
    held(cardctl, "--hold-for", "90m", "--then-capture")
    cardctl("saved-card", "preauth", card, "--amount", "7", *USD, "--hold-for", "90m")
    far_side.advance(timedelta(hours=2))
    assert seller.taken() == (5_000, 0, 0)
    cardctl("saved-card", "sync", card)
    states = {
        one["amount"]["minor"]: one["state"] for one in cardctl("saved-card", "show", card, "-o", "json").data["payments"]
    }
    assert states == {5_000: "completed", 700: "canceled"}


def test_refunds(cardctl: Cardctl, card: str, seller: Seller) -> None:
    cardctl("saved-card", "charge", card, "--amount", "50", *USD, "--invoice", "A-17")
    ran = cardctl("saved-card", "refund", card, "--amount", "10", "--reason", "late", "-o", "json")
    assert (ran.code, ran.data["payment"]["refunded"], ran.data["operation"]["amount"]) == (0, usd(1_000), usd(1_000))
    payment = ran.data["payment"]["id"]
    refused(cardctl("saved-card", "refund", payment, "--amount", "40.01", "-o", "json"), 2, "INVALID_AMOUNT")
    ran = cardctl("saved-card", "refund", payment, "--idempotency-key", "rest", "-o", "json")
    assert (ran.data["payment"]["refunded"], seller.taken()) == (usd(5_000), (5_000, 0, 5_000))
    again = cardctl("saved-card", "refund", payment, "--idempotency-key", "rest", "-o", "json")
    assert (again.code, again.warnings, seller.taken()) == (0, ["REPEATED"], (5_000, 0, 5_000))
    refused(cardctl("saved-card", "refund", payment, "-o", "json"), 6, "STATE_FORBIDS")


def test_another_part_of_an_invoice_is_refunded_under_a_name_of_its_own(cardctl: Cardctl, card: str, seller: Seller) -> None:
    cardctl("saved-card", "charge", card, "--amount", "50", *USD, "--invoice", "A-17")
    assert cardctl("saved-card", "refund", card, "--amount", "10", "--invoice", "A-17").code == 0
    told = refused(
        cardctl("saved-card", "refund", card, "--amount", "5", "--invoice", "A-17/2", "-o", "json"), 5, "PAYMENT_NOT_FOUND"
    )
    assert "`cardctl saved-card refund pay_… --invoice A-17/2`" in told["hint"]
    (payment,) = cardctl("saved-card", "show", card, "-o", "json").data["payments"]
    for _ in range(2):
        assert cardctl("saved-card", "refund", payment["id"], "--amount", "5", "--invoice", "A-17/2").code == 0
    assert seller.taken() == (5_000, 0, 1_500)


def test_a_refund_under_way_stands_in_the_table(cardctl: Cardctl, card: str, far_side: Control) -> None:
    cardctl("saved-card", "charge", card, "--amount", "50", *USD, "--invoice", "A-17")
    far_side.fault("delayed-refund")
    cardctl("saved-card", "refund", card, "--amount", "10", "--invoice", "A-17")
    lines = cardctl("saved-card", "show", card).lines
    assert "payments     1" in lines
    assert sum("refund of 10.00 pending" in line for line in lines) == 1


def test_a_hold_is_not_refunded(cardctl: Cardctl, card: str, seller: Seller) -> None:
    hold = held(cardctl)
    told = refused(cardctl("saved-card", "refund", hold["id"], "--amount", "1", "-o", "json"), 6, "STATE_FORBIDS")
    assert "saved-card cancel" in told["hint"]
    refused(cardctl("saved-card", "refund", card, "-o", "json"), 6, "STATE_FORBIDS")
    assert seller.taken() == (0, 5_000, 0)


@pytest.mark.parametrize(
    ("words", "code", "error"),
    [
        (["--amount", "0", *USD], 2, "INVALID_AMOUNT"),
        (["--amount", "-5", *USD], 2, "INVALID_AMOUNT"),
        (["--amount", "1e3", *USD], 2, "INVALID_AMOUNT"),
        (["--amount", "5.001", *USD], 2, "INVALID_AMOUNT"),
        (["--amount", "5", "--currency", "XXX"], 2, "INVALID_INPUT"),
        (["--amount", "5", *USD, "--invoice", "x" * 41], 2, "INVALID_INPUT"),
        (["--amount", "5", *USD, "--invoice", ""], 2, "INVALID_INPUT"),
    ],
)
@pytest.mark.parametrize("verb", ["charge", "preauth"])
def test_what_cannot_be_paid(
    cardctl: Cardctl, card: str, seller: Seller, verb: str, words: list[str], code: int, error: str
) -> None:
    refused(cardctl("saved-card", verb, card, *words, "-o", "json"), code, error)
    assert seller.payments() == {}


@pytest.mark.parametrize(("verb", "error"), [("charge", "USAGE"), ("preauth", "INVALID_INPUT")])
@pytest.mark.parametrize("words", [["--amount", "5"], [*USD]])
def test_what_must_be_said(cardctl: Cardctl, card: str, seller: Seller, verb: str, error: str, words: list[str]) -> None:
    refused(cardctl("saved-card", verb, card, *words, "-o", "json"), 2, error)
    assert seller.payments() == {}


@pytest.mark.parametrize("text", ["36", "h", "1.5h", "0h", "-1h", "8y", "", "9999999s"])
def test_what_is_no_time_to_hold_for(cardctl: Cardctl, card: str, seller: Seller, text: str) -> None:
    ran = cardctl("saved-card", "preauth", card, "--amount", "5", *USD, "--hold-for", text, "-o", "json")
    refused(ran, 2, "INVALID_INPUT")
    assert seller.payments() == {}


def test_a_decline_in_json_and_in_words(cardctl: Cardctl) -> None:
    save_with(cardctl, "poor@example.com", "cnon:card-nonce-insufficient-funds")
    words = ("saved-card", "charge", "poor@example.com", "--amount", "5", *USD)
    told = refused(cardctl(*words, "-o", "json"), 7, "PROVIDER_REFUSED")
    assert "INSUFFICIENT_FUNDS" in told["message"]
    assert told["hint"]
    spoken = cardctl(*words)
    assert (spoken.code, spoken.stdout) == (7, "")
    assert "INSUFFICIENT_FUNDS" in spoken.stderr


def save_with(cardctl: Cardctl, person: str, nonce: str) -> None:
    assert cardctl("saved-card", "add", "--person", person, "--nonce", "-", stdin=nonce).code == 0


def test_dry_runs_send_and_write_nothing(cardctl: Cardctl, card: str, seller: Seller) -> None:
    hold = held(cardctl)
    paid = cardctl("saved-card", "charge", card, "--amount", "20", *USD, "-o", "json").data["payment"]
    before = dump(cardctl.books), dump(cardctl.simulator)
    pays = ("--amount", "5", *USD)
    for words, paths in (
        (("charge", card, *pays), ["/v2/payments"]),
        (("preauth", card, *pays), ["/v2/payments"]),
        (("capture", hold["id"]), [f"/v2/payments/{hold['ref']}/complete"]),
        (("capture", hold["id"], "--amount", "5"), [f"/v2/payments/{hold['ref']}", f"/v2/payments/{hold['ref']}/complete"]),
        (("cancel", hold["id"]), [f"/v2/payments/{hold['ref']}/cancel"]),
        (("refund", paid["id"]), ["/v2/refunds"]),
        (("charge", card, "--amount", "20", *USD), ["/v2/payments"]),
        (("preauth", card, "--amount", "50", *USD, "--invoice", "A-17"), []),
    ):
        ran = cardctl("saved-card", *words, "--dry-run", "-o", "json")
        assert (ran.code, [each["path"] for each in ran.data["would_send"]]) == (0, paths), words
    assert (dump(cardctl.books), dump(cardctl.simulator)) == before


def test_much_money_asks_for_the_amount(cardctl: Cardctl, card: str, seller: Seller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARDCTL_CONFIRM_OVER", "100.00 USD")
    for words in (
        ("charge", card, "--amount", "100.01", *USD),
        ("charge", card, "--amount", "99", *USD, "--tip", "1.01"),
        ("preauth", card, "--amount", "100.01", *USD),
        ("charge", card, "--amount", "1", "--currency", "EUR"),
    ):
        refused(cardctl("saved-card", *words, "-o", "json"), 6, "CONSENT_MISSING")
    assert seller.payments() == {}
    assert cardctl("saved-card", "charge", card, "--amount", "100", *USD).code == 0, "not over it"
    assert cardctl("saved-card", "preauth", card, "--amount", "200", *USD, "--yes").code == 0
    refused(cardctl("saved-card", "capture", card, "-o", "json"), 6, "CONSENT_MISSING")
    assert cardctl("saved-card", "capture", card, "--amount", "100").code == 0
    assert seller.taken() == (20_000, 0, 0)
    code, _, asked = on_terminal(cardctl, "saved-card", "charge", card, "--amount", "150", *USD, typed="150.00\n")
    assert (code, "Type 150.00 to go on:" in asked, seller.taken()) == (0, True, (35_000, 0, 0))


def test_an_ambiguous_name(cardctl: Cardctl, card: str, seller: Seller) -> None:
    held(cardctl)
    assert cardctl("saved-card", "preauth", card, "--amount", "7", *USD, "--invoice", "A-18").code == 0
    told = refused(cardctl("saved-card", "capture", card, "-o", "json"), 2, "AMBIGUOUS_NAME")
    assert "A-17" in told["hint"]
    assert seller.taken() == (0, 5_700, 0)
    assert cardctl("saved-card", "capture", card, "--invoice", "A-18").code == 0
    assert seller.taken() == (700, 5_000, 0)


@pytest.mark.parametrize("verb", ["charge", "capture", "cancel", "refund"])
def test_nobody_answers_to_a_wrong_name(cardctl: Cardctl, card: str, verb: str) -> None:
    pays = ("--amount", "5", *USD) if verb == "charge" else ()
    ran = cardctl("saved-card", verb, "pay_nothing", *pays, "-o", "json")
    assert ran.code == 5
    assert ran.error.endswith("_NOT_FOUND")


# --- in doubt


def test_what_is_in_doubt_is_listed_shown_and_settled(cardctl: Cardctl, card: str, seller: Seller, far_side: Control) -> None:
    charge = ("saved-card", "charge", card, "--amount", "5", *USD, "--invoice", "A-17")
    waiting = doubtful(cardctl, far_side, *charge)
    (listed,) = cardctl("operation", "list", "--state", "in_doubt", "-o", "json").data
    assert (listed["id"], listed["kind"], listed["target"], listed["amount"]) == (waiting, "saved_card.charge", card, usd(500))
    shown = cardctl("operation", "show", waiting, "-o", "json").data
    assert (shown["request"]["path"], shown["request"]["body"]["amount_money"]["amount"]) == ("/v2/payments", 500)
    refused(cardctl(*charge, "-o", "json"), 9, "OUTCOME_UNKNOWN")
    assert cardctl("saved-card", "disable", card, "--yes").code == 0, "a stop does not wait"
    ran = cardctl("operation", "resume", waiting, "-o", "json")
    assert (ran.code, [one["state"] for one in ran.data["settled"]]) == (0, ["done"])
    assert (seller.taken(), newest(cardctl, "--kind", "saved_card.charge")) == ((500, 0, 0), waiting)
    assert cardctl(*charge, "-o", "json").warnings == ["ALREADY"]
    assert cardctl("audit", "verify").code == 0
