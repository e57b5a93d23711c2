"""The bank's own counter: swipes, silent edits, status."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cardctl.domain.money import Money
from cardctl.errors import BadInput, NotFound
from cardctl.simulator.books import OPENING_FLOAT
from cardctl.simulator.control import Control
from tests.simulator.stranger import AUTHORIZATIONS, CARDS, HOLDERS, TRANSACTIONS, Stranger, limits, reason


def usd(minor: int) -> Money:
    return Money(minor, "USD")


def test_a_swipe_buys(stranger: Stranger, control: Control) -> None:
    card = stranger.card()
    done = control.swipe(card, usd(2500), merchant="Corner Shop", category="bakeries", city="Paris", country="FR")
    assert (done.approved, done.reason, done.amount) == (True, "card_active", usd(2500))
    authorization = stranger.seen(f"{AUTHORIZATIONS}/{done.authorization_ref}")
    transaction = stranger.seen(f"{TRANSACTIONS}/{done.transaction_ref}")
    assert (authorization["status"], transaction["amount"]) == ("closed", -2500)
    merchant = {name: transaction["merchant_data"][name] for name in ("name", "category", "category_code", "city", "country")}
    assert list(merchant.values()) == ["Corner Shop", "bakeries", "5462", "Paris", "FR"]
    assert stranger.balance() == OPENING_FLOAT - 2500


def test_a_hold_only_holds(stranger: Stranger, control: Control) -> None:
    card = stranger.card()
    held = control.swipe(card, usd(2500), mcc="7011", hold=True)
    assert (held.approved, held.transaction_ref) == (True, None)
    authorization = stranger.seen(f"{AUTHORIZATIONS}/{held.authorization_ref}")
    assert (authorization["status"], authorization["merchant_data"]["category"]) == ("pending", "hotels_motels_and_resorts")
    assert stranger.seen(TRANSACTIONS)["data"] == []


def test_a_declined_swipe_says_why(stranger: Stranger, control: Control) -> None:
    card = stranger.card(**limits(all_time=100))
    declined = control.swipe(card, usd(101))
    assert (declined.approved, declined.reason, declined.transaction_ref) == (False, "spending_controls", None)
    assert "101" in (declined.message or "")
    assert stranger.balance() == OPENING_FLOAT
    stranger.done(f"{CARDS}/{card}", {"status": "inactive"})
    assert control.swipe(card, usd(1)).reason == "card_inactive"


def test_swipes_that_make_no_sense(stranger: Stranger, control: Control) -> None:
    card = stranger.card()
    with pytest.raises(NotFound) as missing:
        control.swipe("ic_none", usd(1))
    assert missing.value.code == "CARD_NOT_FOUND"
    wrong: list[tuple[Money, dict[str, str]]] = [
        (usd(0), {}),
        (Money(5, "EUR"), {}),
        (usd(1), {"category": "bakery"}),
        (usd(1), {"mcc": "0000"}),
        (usd(1), {"mcc": "5462", "category": "florists"}),
    ]
    for amount, kind in wrong:
        with pytest.raises(BadInput):
            control.swipe(card, amount, **kind)  # type: ignore[arg-type]
    assert stranger.balance() == OPENING_FLOAT
    assert stranger.seen(AUTHORIZATIONS)["data"] == []


@pytest.mark.parametrize(
    ("field", "value", "where", "expected"),
    [
        ("status", "inactive", "status", "inactive"),
        ("status", "frobnicated", "status", "frobnicated"),
        ("last4", "0000", "last4", "0000"),
        ("exp_year", "2031", "exp_year", 2031),
        ("currency", "eur", "currency", "eur"),
        ("cancellation_reason", "lost", "cancellation_reason", "lost"),
        ("metadata.ours", "5", "metadata.ours", "5"),
        (
            "spending_controls.blocked_categories",
            "bakeries, florists",
            "spending_controls.blocked_categories",
            ["bakeries", "florists"],
        ),
    ],
)
def test_editing_a_card(stranger: Stranger, control: Control, field: str, value: str, where: str, expected: Any) -> None:
    card = stranger.card(**{"metadata[kept]": "1"})
    before, after = control.edit(card, {field: value})
    assert after == {field: expected} != before
    shown: Any = stranger.seen(f"{CARDS}/{card}")
    for part in where.split("."):
        shown = shown[part]
    assert shown == expected
    assert stranger.seen(f"{CARDS}/{card}")["metadata"]["kept"] == "1"


def test_editing_limits(stranger: Stranger, control: Control) -> None:
    card = stranger.card(**limits(all_time=1000, daily=70))
    name = "spending_controls.spending_limits.all_time"
    assert control.edit(card, {name: "5000"}) == ({name: 1000}, {name: 5000})
    shown = stranger.seen(f"{CARDS}/{card}")["spending_controls"]["spending_limits"]
    assert {limit["interval"]: limit["amount"] for limit in shown} == {"daily": 70, "all_time": 5000}
    assert control.edit(card, {name: ""}) == ({name: 5000}, {name: None})
    assert control.edit(card, {"spending_controls.spending_limits.weekly": 9})[1] == {
        "spending_controls.spending_limits.weekly": 9
    }
    shown = stranger.seen(f"{CARDS}/{card}")["spending_controls"]["spending_limits"]
    assert {limit["interval"]: limit["amount"] for limit in shown} == {"daily": 70, "weekly": 9}


def test_editing_a_cardholder(stranger: Stranger, control: Control) -> None:
    holder = stranger.holder()
    fields = {"name": "Somebody", "email": "null", "individual.first_name": "Some", "billing.address.city": "Rome"}
    control.edit(holder, fields | {"requirements.disabled_reason": "listed", "requirements.past_due": "individual.dob.day"})
    shown = stranger.seen(f"{HOLDERS}/{holder}")
    assert (shown["name"], shown["email"], shown["individual"]["first_name"]) == ("Somebody", None, "Some")
    assert shown["billing"]["address"]["city"] == "Rome"
    assert shown["requirements"] == {"disabled_reason": "listed", "past_due": ["individual.dob.day"]}
    control.edit(holder, {"requirements.disabled_reason": "", "requirements.past_due": ""})
    assert stranger.seen(f"{HOLDERS}/{holder}")["requirements"] == {"disabled_reason": None, "past_due": []}


def test_editing_money(stranger: Stranger, control: Control) -> None:
    bought = control.swipe(stranger.card(), usd(2500))
    assert bought.transaction_ref
    assert control.edit(bought.transaction_ref, {"amount": "-2600"}) == ({"amount": -2500}, {"amount": -2600})
    assert stranger.seen(f"{TRANSACTIONS}/{bought.transaction_ref}")["amount"] == -2600
    control.edit(bought.authorization_ref, {"status": "reversed", "approved": "false"})
    shown = stranger.seen(f"{AUTHORIZATIONS}/{bought.authorization_ref}")
    assert (shown["status"], shown["approved"], reason(shown)) == ("reversed", False, "card_active")
    assert control.edit("stripe", {"float.USD": "500"}) == ({"float.USD": OPENING_FLOAT - 2500}, {"float.USD": 500})
    assert control.edit("stripe", {"float.EUR": 7}) == ({"float.EUR": None}, {"float.EUR": 7})
    assert control.status()["float"]["stripe"] == [Money(7, "EUR"), usd(500)]


def test_what_is_deleted_is_gone_until_it_is_not(stranger: Stranger, control: Control) -> None:
    card = stranger.card()
    bought = control.swipe(card, usd(5))
    assert control.edit(card, {"deleted": "true"}) == ({"deleted": False}, {"deleted": True})
    assert stranger.get(f"{CARDS}/{card}").status_code == 404
    assert stranger.seen(CARDS)["data"] == []
    assert stranger.seen(f"{AUTHORIZATIONS}/{bought.authorization_ref}")["card"]["id"] == card
    with pytest.raises(NotFound):
        control.swipe(card, usd(5))
    control.edit(card, {"deleted": False})
    holder = stranger.seen(f"{CARDS}/{card}")["cardholder"]["id"]
    control.edit(holder, {"deleted": True})
    with pytest.raises(NotFound) as missing:
        control.swipe(card, usd(5))
    assert missing.value.code == "CARDHOLDER_NOT_FOUND"
    control.edit(holder, {"deleted": False})
    assert stranger.seen(CARDS)["data"][0]["id"] == card
    control.edit(bought.transaction_ref or "", {"deleted": True})
    assert stranger.seen(f"{AUTHORIZATIONS}/{bought.authorization_ref}")["transactions"] == []


def test_edits_that_make_no_sense_change_nothing(stranger: Stranger, control: Control) -> None:
    card = stranger.card()
    before = stranger.seen(f"{CARDS}/{card}")
    for fields, words in (
        ({"statu": "inactive"}, "'status'"),
        ({"billing": "x"}, "there are"),
        ({"status": ""}, "emptied"),
        ({"exp_year": "soon"}, "whole number"),
        ({"exp_year": str(10**30)}, "range"),
        ({"deleted": "maybe"}, "neither"),
        ({"metadata.": "x"}, "no field"),
        ({"status": "inactive", "colour": "red"}, "colour"),
    ):
        with pytest.raises(BadInput) as refused:
            control.edit(card, fields)
        assert words in f"{refused.value.message} {refused.value.hint}"
    with pytest.raises(BadInput):
        control.edit("stripe", {"status": "x"})
    with pytest.raises(BadInput):
        control.edit("stripe", {"float.XXQ": "5"})
    with pytest.raises(NotFound):
        control.edit("ic_none", {"status": "inactive"})
    assert stranger.seen(f"{CARDS}/{card}") == before


def test_status(path: Path, stranger: Stranger, control: Control) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    control.swipe(stranger.card(), usd(2500))
    control.fault("slow", 2, 0.5)
    moved = control.advance(timedelta(days=8))
    assert before + timedelta(days=8) <= moved <= datetime.now(UTC) + timedelta(days=8)
    with pytest.raises(BadInput):
        control.advance(timedelta(seconds=-1))
    with pytest.raises(BadInput):
        control.advance(timedelta.max)
    status = control.status()
    assert status.pop("clock") >= moved
    objects = status.pop("objects")
    assert {noun: many for noun, many in objects.items() if many} == {
        "cardholders": 1,
        "cards": 1,
        "authorizations": 1,
        "transactions": 1,
    }
    providers = status.pop("providers")
    assert {noun: many for noun, many in providers["stripe"].items() if many} == dict.fromkeys(
        ("cardholders", "cards", "authorizations", "transactions"), 1
    )
    assert {name: set(each.values()) for name, each in providers.items() if name != "stripe"} == {
        "marqeta": {0},
        "strowallet": {0},
        "square": {0},
        "zendit": {0},
    }
    opening = [usd(OPENING_FLOAT)]
    assert status == {
        "path": str(path),
        "float": {"stripe": [usd(OPENING_FLOAT - 2500)], "marqeta": opening, "strowallet": opening, "zendit": opening},
        "faults": [{"kind": "slow", "remaining": 2, "delay": 0.5}],
        "random_faults": None,
        "base_urls": {
            "stripe": "https://api.stripe.com",
            "marqeta": "https://sandbox-api.marqeta.com/v3",
            "strowallet": "https://strowallet.com/api",
            "square": "https://connect.squareupsandbox.com",
            "zendit": "https://test-api.zendit.io/v1",
            "topup": "https://topup.simulator.invalid",
        },
        "served": [],
    }
