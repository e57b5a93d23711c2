"""Funding sources, loads, unloads, balances, shared accounts: what moves, what is masked, what is refused."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest

from cardctl.simulator.books import OPENING_FLOAT, FarSide
from tests.simulator.marqeta.stranger import SANDBOX, Stranger, refusal

Float = Callable[[], int]


def test_funding_sources(one: Stranger) -> None:
    wish = {"name": "ops", "token": "s1"}
    source = one.done("/fundingsources/program", wish)
    assert (source["active"], source["name"]) == (True, "ops")
    assert one.done("/fundingsources/program", wish) == source
    one.refused("/fundingsources/program", {**wish, "name": "other"}, 409)
    assert one.get("/fundingsources/program/s1").json() == source
    assert one.get(f"/fundingsources/program/{SANDBOX}").json()["token"] == SANDBOX
    refusal(one.get("/fundingsources/program/none"), 404)


def test_a_load_draws_the_float(one: Stranger, float_now: Float) -> None:
    user = one.user()
    order = one.load(user, 100, memo="rent", tags="a,b")
    expected = {"amount": Decimal("100.00"), "state": "COMPLETION", "user_token": user, "memo": "rent", "tags": "a,b"}
    assert order.items() >= expected.items()
    assert order["response"] == {"code": "0000", "memo": "Approved or completed successfully"}
    assert one.seen(f"/gpaorders/{order['token']}") == order
    assert one.gpa(user) == (100, 100)
    assert float_now() == OPENING_FLOAT - 100_00
    booked = one.seen(f"/transactions/{order['transaction_token']}")
    assert (booked["type"], booked["state"], booked["gpa"]["impacted_amount"]) == ("gpa.credit", "COMPLETION", 100)
    assert booked["gpa_order"] == order


def test_the_source_is_masked(one: Stranger) -> None:
    one.done("/fundingsources/program", {"name": "ops", "token": "my_funding_source_01"})
    order = one.load(one.user(), 5, funding_source_token="my_funding_source_01")
    assert order["funding_source_token"] == order["funding"]["source"]["token"] == "**********e_01"
    back = one.done("/gpaorders/unloads", {"original_order_token": order["token"], "amount": 1})
    assert back["funding_source_token"] == back["funding"]["source"]["token"] == "**********e_01"


def test_the_same_load_again_moves_nothing(one: Stranger, float_now: Float) -> None:
    user = one.user()
    first = one.load(user, 10, token="g1")
    assert one.load(user, 10.00, token="g1") == first
    assert one.load(user, 10.0, token="g1") == first
    wish = {"user_token": user, "amount": 11, "currency_code": "USD", "funding_source_token": SANDBOX, "token": "g1"}
    one.refused("/gpaorders", wish, 409)
    assert one.gpa(user) == (10, 10)
    assert float_now() == OPENING_FLOAT - 10_00


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"amount": 0}, 400),
        ({"amount": -1}, 400),
        ({"amount": "5"}, 400),
        ({"amount": 0.001}, 400),
        ({"currency_code": "EUR"}, 400),
        ({"currency_code": "dollars"}, 400),
        ({"user_token": "none"}, 400),
        ({"funding_source_token": "none"}, 400),
        ({"business_token": "b"}, 400),
        ({"fees": []}, 400),
        ({"amount": OPENING_FLOAT // 100 + 0.01}, 422),
        ({"funding_source_token": "asleep"}, 422),
    ],
)
def test_loads_that_are_refused(one: Stranger, float_now: Float, wrong: dict[str, object], status: int) -> None:
    one.done("/fundingsources/program", {"name": "asleep", "token": "asleep", "active": False})
    user = one.user()
    wish = {"user_token": user, "amount": 5, "currency_code": "USD", "funding_source_token": SANDBOX, "token": "g1"}
    one.refused("/gpaorders", {**wish, **wrong}, status)
    assert one.gpa(user) == (0, 0)
    assert float_now() == OPENING_FLOAT
    assert one.listed("/transactions") == []
    one.done("/gpaorders", wish)  # a refusal uses no token up


def test_the_whole_float_can_be_loaded(one: Stranger, float_now: Float) -> None:
    one.load(one.user(), OPENING_FLOAT // 100)
    assert float_now() == 0


def test_an_unload_names_its_order_and_never_exceeds_it(one: Stranger, float_now: Float) -> None:
    user = one.user()
    order, other = one.load(user, 100)["token"], one.load(user, 50)["token"]
    back = one.done("/gpaorders/unloads", {"original_order_token": order, "amount": 60, "token": "n1"})
    assert (back["original_order_token"], back["amount"], back["state"]) == (order, 60, "COMPLETION")
    assert one.gpa(user) == (90, 90)
    assert float_now() == OPENING_FLOAT - 90_00
    one.refused("/gpaorders/unloads", {"original_order_token": order, "amount": 40.01}, 412)
    one.refused("/gpaorders/unloads", {"original_order_token": "none", "amount": 1}, 404)
    one.refused("/gpaorders/unloads", {"original_order_token": order, "amount": 0})
    assert one.done("/gpaorders/unloads", {"original_order_token": order, "amount": 60, "token": "n1"}) == back
    one.refused("/gpaorders/unloads", {"original_order_token": order, "amount": 5, "token": "n1"}, 409)
    one.done("/gpaorders/unloads", {"original_order_token": order, "amount": 40})
    assert one.gpa(user) == (50, 50)
    booked = one.seen(f"/transactions/{back['transaction_token']}")
    assert (booked["type"], booked["gpa"]["impacted_amount"]) == ("gpa.debit", -60)
    assert booked["gpa_order_unload"] == back
    assert one.seen("/gpaorders/unloads/n1") == back
    assert len(one.listed("/gpaorders/unloads", original_order_token=order)) == 2
    assert len(one.listed("/gpaorders/unloads", user_token=user)) == 2
    assert one.listed("/gpaorders/unloads", original_order_token=other) == []
    assert one.listed("/gpaorders/unloads", business_token=user) == []


def test_money_that_is_held_or_spent_cannot_be_unloaded(one: Stranger, float_now: Float) -> None:
    user = one.user()
    order = one.load(user, 100)["token"]
    one.authorise(one.card(user), 30)
    one.refused("/gpaorders/unloads", {"original_order_token": order, "amount": 70.01}, 422)
    one.done("/gpaorders/unloads", {"original_order_token": order, "amount": 70})
    assert one.gpa(user) == (30, 0)
    assert float_now() == OPENING_FLOAT - 30_00


def test_a_balance(one: Stranger) -> None:
    user = one.user()
    one.load(user, 100)
    one.authorise(one.card(user), 25)
    shown = one.seen(f"/balances/{user}")
    gpa = shown["gpa"]
    figures = {"ledger_balance": 100, "available_balance": 75, "credit_balance": 0, "pending_credits": 0, "impacted_amount": 0}
    assert gpa.items() >= {**figures, "currency_code": "USD"}.items()
    assert gpa["balances"].keys() == {"USD"}
    assert gpa["balances"]["USD"].items() >= figures.items()
    assert shown["links"] == [{"rel": "gpa", "method": "GET", "href": f"/v3/balances/{user}/gpa"}]
    assert refusal(one.get("/balances/none"), 404)["error_code"] == "404004"


def test_a_child_shares_its_parents_account(one: Stranger) -> None:
    parent = one.user()
    sharing = one.user(parent_token=parent, uses_parent_account=True)
    grandchild = one.user(parent_token=sharing, uses_parent_account=True)
    alone = one.user(parent_token=parent)
    one.load(grandchild, 100)
    assert [one.gpa(user) for user in (parent, sharing, grandchild, alone)] == [(100, 100)] * 3 + [(0, 0)]
    bought = one.authorise(one.card(grandchild), 40)
    assert (bought["user_token"], bought["acting_user_token"]) == (parent, grandchild)
    assert one.gpa(parent) == (100, 60)
    assert len(one.listed("/transactions", user_token=parent)) == 2
    assert len(one.listed("/transactions", acting_user_token=grandchild)) == 2
    assert one.listed("/transactions", acting_user_token=parent) == []


def test_a_child_cannot_spend_while_its_parent_sleeps(one: Stranger) -> None:
    parent = one.user()
    child = one.user(parent_token=parent, uses_parent_account=True)
    one.load(parent, 100)
    card = one.card(child)
    one.done("/usertransitions", {"user_token": parent, "status": "SUSPENDED", "reason_code": "02", "channel": "API"})
    assert one.authorise(card, 5)["response"]["code"] == "1813"


def test_the_float_of_another_face_is_not_touched(one: Stranger, far_side: FarSide) -> None:
    one.load(one.user(), 100)
    with far_side.reading() as desk:
        floats = dict(desk.db.execute("SELECT face, available FROM floats WHERE purse = 'issuing'").fetchall())
    assert floats["stripe"] == OPENING_FLOAT
    assert floats["marqeta"] == OPENING_FLOAT - 100_00
