"""Purchases: every message a transaction of its own, holds, declines, clearings, reversals, refunds, both simulations."""

from __future__ import annotations

from decimal import Decimal

import pytest

from cardctl.simulator.books import FarSide
from tests.simulator.marqeta.stranger import SIMULATIONS, Stranger


@pytest.fixture
def user(one: Stranger) -> str:
    token = one.user()
    one.load(token, 100)
    return token


@pytest.fixture
def card(one: Stranger, user: str) -> str:
    return one.card(user)


def test_an_authorization_holds(one: Stranger, user: str, card: str) -> None:
    bought = one.authorise(card, 25.15)
    expected = {"type": "authorization", "state": "PENDING", "amount": Decimal("25.15"), "card_token": card, "user_token": user}
    assert bought.items() >= expected.items()
    assert bought["response"]["code"] == "0000"
    assert len(bought["approval_code"]) == 6
    assert (bought["gpa"]["impacted_amount"], bought["gpa"]["available_balance"]) == (Decimal("-25.15"), Decimal("74.85"))
    assert bought["gpa"]["balances"]["USD"]["ledger_balance"] == 100
    assert one.gpa(user) == (100, Decimal("74.85"))
    assert one.seen(f"/transactions/{bought['token']}") == bought


def test_a_clearing_takes_and_ends_the_hold(one: Stranger, user: str, card: str) -> None:
    bought = one.authorise(card, 25)
    taken = one.clear(bought["token"], 25)
    assert (taken["type"], taken["state"], taken["amount"]) == ("authorization.clearing", "COMPLETION", 25)
    assert taken["preceding_related_transaction_token"] == bought["token"] != taken["token"]
    assert (taken["gpa"]["impacted_amount"], taken["card_acceptor"]) == (-25, bought["card_acceptor"])
    assert one.seen(f"/transactions/{bought['token']}")["state"] == "CLEARED"
    assert one.gpa(user) == (75, 75)
    one.refused("/simulate/clearing", {"original_transaction_token": bought["token"], "amount": 1})
    one.clear(bought["token"], 1, force_post=True)
    assert one.gpa(user) == (74, 74)


def test_a_partial_clearing_leaves_the_rest_held(one: Stranger, user: str, card: str) -> None:
    bought = one.authorise(card, 25)["token"]
    one.clear(bought, 10)
    assert one.seen(f"/transactions/{bought}")["state"] == "PENDING"
    assert one.gpa(user) == (90, 75)
    one.clear(bought, 20)  # five more than was held
    assert one.seen(f"/transactions/{bought}")["state"] == "CLEARED"
    assert one.gpa(user) == (70, 70)


def test_reversals(one: Stranger, user: str, card: str) -> None:
    bought = one.authorise(card, 25)["token"]
    part = one.reverse(bought, 10)
    assert (part["type"], part["state"], part["amount"]) == ("authorization.reversal", "PENDING", 10)
    assert (part["request_amount"], part["gpa"]["impacted_amount"]) == (25, 10)
    assert part["preceding_related_transaction_token"] == bought
    assert one.gpa(user) == (100, 85)
    one.refused("/simulate/reversal", {"original_transaction_token": bought, "amount": 15.01})
    assert one.reverse(bought, 15)["state"] == "CLEARED"
    assert one.seen(f"/transactions/{bought}")["state"] == "CLEARED"
    assert one.gpa(user) == (100, 100)


def test_the_same_simulation_twice_is_two_purchases(one: Stranger, user: str, card: str) -> None:
    assert one.authorise(card, 10)["token"] != one.authorise(card, 10)["token"]
    assert one.gpa(user) == (100, 80)


def test_a_refund_is_a_clearing_with_a_flag(one: Stranger, user: str, card: str) -> None:
    bought = one.authorise(card, 25)["token"]
    one.clear(bought, 25)
    back = one.clear(bought, 5, is_refund=True)
    assert (back["type"], back["state"], back["gpa"]["impacted_amount"]) == ("refund", "COMPLETION", 5)
    assert one.gpa(user) == (80, 80)


def test_a_decline_is_a_201(one: Stranger, user: str, card: str) -> None:
    refused = one.authorise(card, 100.01)
    assert (refused["state"], refused["response"]["code"]) == ("DECLINED", "1016")
    assert refused["gpa"]["impacted_amount"] == 0
    assert one.gpa(user) == (100, 100)
    one.refused("/simulate/clearing", {"original_transaction_token": refused["token"], "amount": 1})


@pytest.mark.parametrize(
    ("state", "reason_code", "code"),
    [
        ("SUSPENDED", "01", "1003"),
        ("LIMITED", "01", "1806"),
        ("TERMINATED", "01", "1806"),
        ("TERMINATED", "10", "1005"),
        ("TERMINATED", "23", "1004"),
    ],
)
def test_a_card_that_is_not_active_declines(
    one: Stranger, user: str, card: str, state: str, reason_code: str, code: str
) -> None:
    one.move(card, state, reason_code=reason_code)
    assert one.authorise(card, 5)["response"]["code"] == code
    assert one.gpa(user) == (100, 100)


def test_other_declines(one: Stranger, user: str, far_side: FarSide) -> None:
    assert one.authorise(one.card(user, one.product(active=False)), 5)["response"]["code"] == "1806"
    card = one.card(user)
    assert one.authorise(card, 5, card_acceptor={"country": "FRA"})["response"]["code"] == "1864"
    abroad = one.card(user, one.product(transaction_controls={"accepted_countries_token": "europe"}))
    assert one.authorise(abroad, 5, card_acceptor={"country": "FRA"})["state"] == "PENDING"
    bold = one.card(user, one.product(transaction_controls={"ignore_card_suspended_state": True}))
    one.move(bold, "SUSPENDED")
    assert one.authorise(bold, 5)["state"] == "PENDING"
    brief = one.card(user, expiration_offset={"unit": "HOURS", "value": 1})
    far_side.advance(3601)
    assert one.authorise(brief, 5)["response"]["code"] == "1001"
    one.done("/usertransitions", {"user_token": user, "status": "CLOSED", "reason_code": "01", "channel": "API"})
    assert one.authorise(card, 5)["response"]["code"] == "1813"


def test_a_clearing_goes_through_whatever_became_of_the_card(one: Stranger, user: str, card: str) -> None:
    bought = one.authorise(card, 25)["token"]
    one.move(card, "TERMINATED")
    one.clear(bought, 200)
    assert one.gpa(user) == (-100, -100)


def test_simulations_of_what_is_not_there(one: Stranger, card: str) -> None:
    one.refused("/simulate/authorization", {"card_token": "none", "amount": 1, "mid": "1"})
    for verb in ("clearing", "reversal"):
        one.refused(f"/simulate/{verb}", {"original_transaction_token": "none", "amount": 1}, 404)
    load = one.listed("/transactions", type="gpa.credit")[0]["token"]
    one.refused("/simulate/clearing", {"original_transaction_token": load, "amount": 1})
    one.refused("/simulate/authorization", {"card_token": card, "amount": -1, "mid": "1"})


def test_the_older_way_sends_the_raw_message_along(one: Stranger, card: str) -> None:
    reply = one.done("/simulate/authorization", {"card_token": card, "amount": 5, "mid": "123456890"})
    assert reply["raw_iso8583"]["2"] == one.seen(f"/cards/{card}/showpan")["pan"]
    assert reply["transaction"]["card_acceptor"]["mid"] == "123456890"


@pytest.mark.parametrize("base", ["https://sandbox-api.marqeta.com", "https://sandbox-api.marqeta.com/v3"])
def test_simulations_2(one: Stranger, user: str, card: str, base: str) -> None:
    path = f"{base}{SIMULATIONS}"
    shop = {"mid": "11111", "mcc": "5812", "country_code": "USA"}
    reply = one.done(f"{path}/authorization", {"card_token": card, "amount": 10, "card_acceptor": shop, "network": "DISCOVER"})
    assert reply.keys() == {"transaction"}
    bought = reply["transaction"]
    assert (bought["state"], bought["network"], bought["gpa"]["impacted_amount"]) == ("PENDING", "DISCOVER", -10)
    assert bought["card_acceptor"].items() >= shop.items()
    preceding = {"preceding_related_transaction_token": bought["token"]}
    assert one.done(f"{path}/authorization.clearing", {**preceding, "amount": 4})["transaction"]["state"] == "COMPLETION"
    assert one.done(f"{path}/authorization.reversal", preceding)["transaction"]["amount"] == 6
    assert one.gpa(user) == (96, 96)
    back = one.done(f"{path}/refund", {"card_token": card, "amount": 3})["transaction"]
    assert (back["type"], "preceding_related_transaction_token" in back) == ("refund", False)
    offline = one.done(f"{path}/authorization.clearing", {"card_token": card, "amount": 1})["transaction"]
    assert (offline["type"], offline["state"]) == ("authorization.clearing", "COMPLETION")
    assert one.gpa(user) == (98, 98)
    for wrong in ({"currency_code": "EUR"}, {"network": "AMEX"}, {"amount": None}):
        one.refused(f"{path}/authorization", {"card_token": card, "amount": 1, **wrong})
    one.refused(f"{path}/authorization", {"card_token": "none", "amount": 1}, 404)
    one.refused(f"{path}/authorization.clearing", {"preceding_related_transaction_token": "none", "amount": 1}, 404)
