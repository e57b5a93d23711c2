"""The endpoint that tops the wallet up with a card: who pays, what the wallet has, and that one reference is one top-up."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest

from cardctl.domain.money import Money
from cardctl.simulator.books import OPENING_FLOAT
from cardctl.simulator.control import Control
from tests.simulator.stranger import Stranger, limits
from tests.simulator.zendit.client import OPENING, Partner, TopUps

PAID = 2500


def money(partner: Partner, control: Control) -> tuple[int, int]:
    """What the wallet has more, and what the float of the cards has less."""
    (left,) = control.status()["float"]["stripe"]
    return partner.balance() - OPENING, OPENING_FLOAT - left.minor


def test_a_card_pays_and_the_wallet_has_it(
    partner: Partner, topups: TopUps, control: Control, card: dict[str, Any], card_ref: str, stranger: Stranger
) -> None:
    assert money(partner, control) == (0, 0)
    made = topups.send("op-1", PAID, card)
    assert made.status_code == 201
    assert made.json() == {
        "id": made.json()["id"],
        "reference": "op-1",
        "status": "succeeded",
        "amount": PAID,
        "currency": "USD",
    }
    assert topups.find("op-1").json() == made.json()
    assert money(partner, control) == (PAID, PAID)
    (entry,) = partner.ledger()
    booked = (entry["transactionId"], entry["productType"], entry["type"], entry["status"], entry["amount"])
    assert booked == (made.json()["id"], "WALLET_RECHARGE", "CREDIT", "DONE", PAID)
    (spent,) = stranger.seen("/v1/issuing/transactions", card=card_ref)["data"]
    assert (spent["amount"], spent["type"], spent["merchant_data"]["name"]) == (-PAID, "capture", "Zendit Wallet")


def test_one_reference_is_one_top_up(partner: Partner, topups: TopUps, control: Control, card: dict[str, Any]) -> None:
    first = topups.send("op-1", PAID, card)
    again = topups.send("op-1", PAID, card)
    assert (again.status_code, again.json()) == (200, first.json())
    for changed in ((PAID + 1, card), (PAID, {**card, "cvc": "000"})):
        other = topups.send("op-1", *changed)
        assert (other.status_code, other.json()["error"]["code"]) == (409, "reference_reused")
    assert money(partner, control) == (PAID, PAID)


@pytest.mark.parametrize(
    "why", ["number", "cvc", "exp_month", "exp_year", "frozen", "canceled", "limit", "allowance", "float", "holder"]
)
def test_a_card_declines_for_a_cards_reasons(
    partner: Partner,
    topups: TopUps,
    control: Control,
    card: dict[str, Any],
    card_ref: str,
    stranger: Stranger,
    why: str,
) -> None:
    path = f"/v1/issuing/cards/{card_ref}"
    match why:
        case "number":
            card = {**card, "number": "4000009990000013"}
        case "cvc":
            card = {**card, "cvc": "999" if card["cvc"] != "999" else "998"}
        case "exp_month" | "exp_year":
            card = {**card, why: card[why] + 1}
        case "frozen":
            assert stranger.post(path, {"status": "inactive"}).status_code == 200
        case "canceled":
            assert stranger.post(path, {"status": "canceled"}).status_code == 200
        case "limit":
            assert stranger.post(path, limits(per_authorization=PAID - 1)).status_code == 200
        case "allowance":
            assert stranger.post(path, limits(all_time=PAID + 1)).status_code == 200
            assert topups.send("op-0", 2, card).status_code == 201
        case "float":
            control.edit("stripe", {"float.USD": PAID - 1})
        case "holder":
            holder = stranger.get(path).json()["cardholder"]["id"]
            assert stranger.post(f"/v1/issuing/cardholders/{holder}", {"status": "inactive"}).status_code == 200
    before, entries = money(partner, control), len(partner.ledger())
    declined = topups.send("op-1", PAID, card)
    assert declined.status_code == 402
    assert set(declined.json()["error"]) == {"code", "message"}
    assert declined.json()["error"]["code"] == ("incorrect_number" if why == "number" else "card_declined")
    assert money(partner, control) == before
    assert len(partner.ledger()) == entries
    kept = topups.find("op-1").json()
    assert (kept["status"], kept["failure_reason"]) == ("failed", declined.json()["error"]["message"])
    again = topups.send("op-1", PAID, card)
    assert (again.status_code, again.json()) == (402, declined.json())


def test_a_decline_is_told_by_the_bank(topups: TopUps, card: dict[str, Any], card_ref: str, stranger: Stranger) -> None:
    assert topups.send("op-1", PAID, {**card, "cvc": "999" if card["cvc"] != "999" else "998"}).status_code == 402
    (asked,) = stranger.seen("/v1/issuing/authorizations", card=card_ref)["data"]
    assert (asked["approved"], asked["request_history"][0]["reason"]) == (False, "verification_failed")
    assert asked["verification_data"]["cvc_check"] == "mismatch"


def test_the_money_may_come_later(partner: Partner, topups: TopUps, control: Control, card: dict[str, Any]) -> None:
    control.set_esim_pace(0, topups=600)
    assert topups.send("op-1", PAID, card).json()["status"] == "pending"
    assert money(partner, control) == (0, PAID)
    assert topups.send("op-1", PAID, card).json()["status"] == "pending"
    control.advance(timedelta(seconds=600))
    assert topups.find("op-1").json()["status"] == "succeeded"
    assert money(partner, control) == (PAID, PAID)


def test_a_top_up_saves_a_purchase_that_waits(partner: Partner, topups: TopUps, control: Control, card: dict[str, Any]) -> None:
    """What comes in is there before what goes out in the same moment."""
    control.set_wallet(Money(0, "USD"))
    control.set_esim_pace(60, topups=120)
    topups.send("op-1", 150, card)
    name = partner.buy()
    control.advance(timedelta(seconds=600))
    assert (partner.state(name), partner.balance()) == ("DONE", 0)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"amount": 0}, "amount"),
        ({"amount": "5"}, "amount"),
        ({"amount": True}, "amount"),
        ({"currency": "EUR"}, "currency"),
        ({"reference": "a b"}, "reference"),
        ({"card": None}, "no top-up"),
        ({"card": {"number": "1"}}, "card.number"),
    ],
)
def test_what_is_no_top_up(topups: TopUps, control: Control, card: dict[str, Any], change: dict[str, Any], named: str) -> None:
    body = {"reference": "op-1", "amount": PAID, "currency": "USD", "card": card} | change
    reply = topups.http.post("/topups", json=body, headers={"Idempotency-Key": str(body["reference"])})
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "invalid_request")
    assert named in reply.json()["error"]["message"]
    assert control.status()["providers"]["zendit"]["wallet_topups"] == 0


def test_the_key_is_the_reference(topups: TopUps, card: dict[str, Any]) -> None:
    body = {"reference": "op-1", "amount": PAID, "currency": "USD", "card": card}
    assert topups.http.post("/topups", json=body, headers={"Idempotency-Key": "op-2"}).status_code == 400
    assert topups.http.post("/topups", content=b"[]").status_code == 400
    assert topups.find("op-1").status_code == 404
    assert topups.http.get("/topups").status_code == 404


@pytest.mark.parametrize(
    ("kind", "seen", "done"),
    [
        ("refused", httpx.ConnectError, False),
        ("500", 500, False),
        ("500-saved", 500, False),
        ("500-after-commit", 500, True),
        ("lost-reply", httpx.RemoteProtocolError, True),
        ("torn-body", httpx.RemoteProtocolError, True),
        ("429", 429, False),
    ],
)
def test_a_lost_reply_is_found_again(
    partner: Partner,
    topups: TopUps,
    control: Control,
    card: dict[str, Any],
    kind: str,
    seen: type[Exception] | int,
    done: bool,
) -> None:
    control.fault(kind)
    if isinstance(seen, int):
        assert topups.send("op-1", PAID, card).status_code == seen
    else:
        with pytest.raises(seen):
            topups.send("op-1", PAID, card)
    assert topups.find("op-1").status_code == (200 if done else 404)
    assert money(partner, control) == ((PAID, PAID) if done else (0, 0))
    assert topups.send("op-1", PAID, card).json()["status"] == "succeeded"
    assert money(partner, control) == (PAID, PAID)


def test_no_number_is_kept(topups: TopUps, control: Control, card: dict[str, Any]) -> None:
    """Beside the bank's own."""
    topups.send("op-1", PAID, card)
    with control._far_side.reading() as desk:
        rows = desk.db.execute("SELECT * FROM zendit_wallet_topups").fetchall()
        told = desk.db.execute("SELECT body FROM events").fetchall()
    assert rows
    assert card["number"] not in repr(rows) + repr(told)
