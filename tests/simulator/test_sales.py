"""A stranger's shop at the simulated Stripe: pages that are paid, money that goes back, and where it is at each moment."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from cardctl.domain.money import Money
from cardctl.errors import BadInput, NotFound
from cardctl.simulator import schema
from cardctl.simulator.books import OPENING_FLOAT
from cardctl.simulator.control import Control
from tests.simulator.shop import CHARGES, CHECKOUTS, INTENTS, REFUNDS, page, purse, sale, told
from tests.simulator.stranger import Stranger

ORDER = {"metadata[offerId]": "ESIM-TR-7D-1GB", "payment_intent_data[metadata][offerId]": "ESIM-TR-7D-1GB"}


def test_a_page_is_paid(stranger: Stranger, control: Control) -> None:
    made = page(stranger, **ORDER)
    path = f"{CHECKOUTS}/{made['id']}"
    assert (made["status"], made["payment_status"], made["payment_intent"]) == ("open", "unpaid", None)
    assert made["url"].startswith("https://")
    assert purse(stranger) == 0
    paid = control.pay(made["id"], email="ada@example.com")
    assert (paid.status, paid.amount, paid.checkout_ref) == ("succeeded", Money(1250, "USD"), made["id"])
    done = stranger.seen(path, **{"expand[]": ["payment_intent.latest_charge", "line_items"]})
    assert (done["status"], done["payment_status"], done["url"]) == ("complete", "paid", None)
    assert done["customer_details"]["email"] == "ada@example.com"
    intent = done["payment_intent"]
    assert (intent["id"], intent["amount_received"], intent["metadata"]) == (
        paid.payment_ref,
        1250,
        {"offerId": "ESIM-TR-7D-1GB"},
    )
    assert intent["latest_charge"]["billing_details"]["email"] == "ada@example.com"
    (item,) = done["line_items"]["data"]
    assert (item["description"], item["amount_total"]) == ("eSIM Turkey 1 GB", 1250)
    assert [one["id"] for one in stranger.seen(CHECKOUTS, payment_intent=intent["id"])["data"]] == [made["id"]]
    assert purse(stranger) == 1250
    assert stranger.balance() == OPENING_FLOAT
    assert told(stranger) == [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
        "checkout.session.completed",
    ]
    with pytest.raises(BadInput):
        control.pay(made["id"])
    assert purse(stranger) == 1250


def test_a_declined_customer_tries_again(stranger: Stranger, control: Control) -> None:
    made = page(stranger, **ORDER)
    refused = control.pay(made["id"], declined=True)
    assert (refused.status, refused.reason) == ("requires_payment_method", "generic_decline")
    assert stranger.seen(f"{CHECKOUTS}/{made['id']}")["status"] == "open"
    assert purse(stranger) == 0
    paid = control.pay(made["id"])
    assert (paid.payment_ref, paid.status) == (refused.payment_ref, "succeeded")
    assert [one["status"] for one in stranger.seen(CHARGES, payment_intent=paid.payment_ref)["data"]] == ["succeeded", "failed"]
    assert purse(stranger) == 1250


@pytest.mark.parametrize(("declined", "there", "word"), [(False, 1250, "succeeded"), (True, 0, "failed")])
def test_a_bank_debit_answers_late(stranger: Stranger, control: Control, declined: bool, there: int, word: str) -> None:
    made = page(stranger)["id"]
    on_its_way = control.pay(made, later=True, email="ada@example.com")
    session = stranger.seen(f"{CHECKOUTS}/{made}")
    assert (on_its_way.status, session["status"], session["payment_status"]) == ("processing", "complete", "unpaid")
    stranger.refused(REFUNDS, {"payment_intent": on_its_way.payment_ref})
    assert purse(stranger) == 0
    control.pay(made, declined=declined)
    assert stranger.seen(f"{CHECKOUTS}/{made}")["payment_status"] == ("unpaid" if declined else "paid")
    assert purse(stranger) == there
    assert told(stranger)[-1] == f"checkout.session.async_payment_{word}"
    with pytest.raises(BadInput):
        control.pay(made)


def test_a_page_expires(stranger: Stranger, control: Control) -> None:
    first, second = page(stranger)["id"], page(stranger)["id"]
    assert stranger.done(f"{CHECKOUTS}/{first}/expire")["status"] == "expired"
    control.advance(timedelta(hours=23))
    assert stranger.seen(f"{CHECKOUTS}/{second}")["status"] == "open"
    control.advance(timedelta(hours=2))
    assert stranger.seen(f"{CHECKOUTS}/{second}")["status"] == "expired"
    assert told(stranger) == ["checkout.session.expired"] * 2
    for gone in (first, second):
        with pytest.raises(BadInput):
            control.pay(gone)
        stranger.refused(f"{CHECKOUTS}/{gone}/expire")
    with pytest.raises(NotFound):
        control.pay("cs_test_none")
    assert purse(stranger) == 0


def test_what_no_page_can_ask(stranger: Stranger) -> None:
    item = "line_items[0][price_data]"
    whole = {"mode": "payment", "success_url": "https://x.example", f"{item}[currency]": "usd", f"{item}[unit_amount]": "900"}
    whole |= {f"{item}[product_data][name]": "eSIM"}
    wrong = [
        ({**whole, "mode": "subscription"}, "mode"),
        ({name: value for name, value in whole.items() if name != "success_url"}, "success_url"),
        ({name: value for name, value in whole.items() if "product_data" not in name}, "product_data"),
        ({**whole, f"{item}[unit_amount]": "49"}, "50 usd"),
        ({**whole, "expires_at": "5"}, "expires_at"),
        ({**whole, "line_items[0][quantity]": "0"}, "quantity"),
        ({**whole, f"{item}[colour]": "red"}, "colour"),
        ({"mode": "payment", "success_url": "https://x.example"}, "line_items"),
    ]
    for form, words in wrong:
        error = stranger.refused(CHECKOUTS, form)
        assert words in error["message"] + str(error.get("param"))
    assert stranger.seen(CHECKOUTS)["data"] == []
    assert stranger.done(CHECKOUTS, whole)["amount_total"] == 900


def test_a_decline_is_kept_under_its_key(stranger: Stranger) -> None:
    form = {"amount": "900", "currency": "usd", "confirm": "true", "payment_method": "pm_card_chargeDeclined"}
    first, second = (stranger.post(INTENTS, form, key="op_1") for _ in range(2))
    assert (first.status_code, first.json()) == (402, second.json())
    error = first.json()["error"]
    assert (error["code"], error["decline_code"]) == ("card_declined", "generic_decline")
    assert stranger.seen(f"{INTENTS}/{error['payment_intent']['id']}")["status"] == "requires_payment_method"
    assert len(stranger.seen(INTENTS)["data"]) == len(stranger.seen(CHARGES)["data"]) == 1
    stranger.refused(REFUNDS, {"payment_intent": error["payment_intent"]["id"]})
    assert purse(stranger) == 0


def test_the_balance_is_edited(stranger: Stranger, control: Control) -> None:
    sale(stranger, 900)
    assert control.edit("stripe", {"payments.USD": 850}) == ({"payments.USD": 900}, {"payments.USD": 850})
    assert (purse(stranger), stranger.balance()) == (850, OPENING_FLOAT)
    with pytest.raises(BadInput):
        control.edit("marqeta", {"payments.USD": 850})


def test_a_file_of_before_sells(path: Path) -> None:
    """A file of the fourth version gets what it lacks and keeps what it has, also when it is looked at as of before."""
    path.parent.mkdir()
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        for statement in (*schema.STATEMENTS, *(one for version in (2, 3, 4) for one in schema.ADDED[version])):
            db.execute(statement)
        db.execute("INSERT INTO floats VALUES ('stripe', 'payments', 'usd', 5)")
        db.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
        db.execute("PRAGMA user_version = 4")
    with Stranger(path) as one, closing(Control(path)) as control:
        sale(one, 900)
        control.fault("stale-read")
        assert (purse(one), purse(one)) == (5, 905)


def test_intents_move_as_far_as_they_may(stranger: Stranger, control: Control) -> None:
    waiting = stranger.done(INTENTS, {"amount": "900", "currency": "usd", "metadata[a]": "b"})
    path = f"{INTENTS}/{waiting['id']}"
    stranger.refused(f"{path}/confirm")
    assert stranger.done(path, {"amount": "800", "metadata[a]": ""})["amount"] == 800
    assert control.pay(waiting["id"]).status == "succeeded"
    for verb, form in (("confirm", {"payment_method": "pm_card_visa"}), ("cancel", {})):
        error = stranger.refused(f"{path}/{verb}", form)
        assert (error["code"], error["payment_intent"]["status"]) == ("payment_intent_unexpected_state", "succeeded")
    other = stranger.done(INTENTS, {"amount": "900", "currency": "usd"})["id"]
    assert stranger.done(f"{INTENTS}/{other}/cancel")["status"] == "canceled"
    with pytest.raises(BadInput):
        control.pay(other)
    stranger.refused(INTENTS, {"amount": "900", "currency": "usd", "confirm": "true", "payment_method": "pm_none"})
    made = page(stranger)["id"]
    tried = control.pay(made, declined=True).payment_ref
    stranger.refused(f"{INTENTS}/{tried}/cancel")
    assert control.pay(tried).checkout_ref == made
    assert purse(stranger) == 800 + 1250
