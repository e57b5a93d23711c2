"""Velocity controls: making and changing them, what they forbid in which window, what they leave."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from cardctl.simulator.books import FarSide
from cardctl.simulator.marqeta.velocity import days_remaining, window_start
from tests.simulator.marqeta.stranger import Stranger, refusal

DAY = 86400


@pytest.fixture
def user(one: Stranger) -> str:
    token = one.user()
    one.load(token, 10_000)
    return token


@pytest.fixture
def card(one: Stranger, user: str) -> str:
    return one.card(user)


def approved(one: Stranger, card: str, amount: object, **more: object) -> bool:
    bought = one.authorise(card, amount, **more)
    if bought["state"] == "DECLINED":
        assert bought["response"]["additional_information"].startswith("Velocity control ")
    return bool(bought["state"] == "PENDING")


def test_a_new_control(one: Stranger, user: str) -> None:
    wish = {"association": {"user_token": user}, "velocity_window": "MONTH", "amount_limit": 500.5, "currency_code": "USD"}
    control = one.done("/velocitycontrols", {**wish, "token": "vc1"})
    expected = {"token": "vc1", "amount_limit": Decimal("500.50"), "usage_limit": -1, "approvals_only": True, "active": False}
    assert control.items() >= expected.items()
    assert (control["association"], control["merchant_scope"]) == ({"user_token": user}, {})
    assert one.done("/velocitycontrols", {**wish, "token": "vc1"}) == control
    one.refused("/velocitycontrols", {**wish, "token": "vc1", "amount_limit": 500}, 409)
    assert one.seen("/velocitycontrols/vc1") == control


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"association": None}, 403),
        ({"association": {}}, 403),
        ({"association": {"card_token": "c"}}, 400),
        ({"association": {"user_token": "none"}}, 400),
        ({"velocity_window": "YEAR"}, 400),
        ({"velocity_window": "TRANSACTION", "usage_limit": 3}, 400),
        ({"amount_limit": -1}, 400),
        ({"amount_limit": "5"}, 400),
        ({"amount_limit": None}, 400),
        ({"currency_code": "XXX"}, 400),
        ({"merchant_scope": {"mcc": "5812", "mid": "1"}}, 400),
    ],
)
def test_controls_that_are_refused(one: Stranger, user: str, wrong: dict[str, object], status: int) -> None:
    wish = {"association": {"user_token": user}, "velocity_window": "DAY", "amount_limit": 5, "currency_code": "USD"}
    one.refused("/velocitycontrols", {**wish, **wrong}, status)
    assert one.seen("/velocitycontrols") == {"data": []}


def test_a_control_is_of_a_user_or_of_a_product(one: Stranger, user: str) -> None:
    product = one.product()
    both = {"user_token": user, "card_product_token": product}
    wish = {"association": both, "velocity_window": "DAY", "amount_limit": 5, "currency_code": "USD"}
    one.refused("/velocitycontrols", wish)
    of_user = one.limit({"user_token": user}, "DAY", 5)["token"]
    of_product = one.limit({"card_product_token": product}, "DAY", 5)["token"]
    found = {
        query: [control["token"] for control in one.listed("/velocitycontrols", **{query.split("=")[0]: query.split("=")[1]})]
        for query in (f"user={user}", f"card_product={product}", "user=null", "card_product=null", "user=none")
    }
    assert list(found.values()) == [[of_user], [of_product], [of_product], [of_user], []]
    refusal(one.get("/velocitycontrols", user=user, card_product=product), 400)
    moved = one.changed(f"/velocitycontrols/{of_user}", {"token": of_user, "association": {"card_product_token": product}})
    assert moved["association"] == {"card_product_token": product}


def test_changes(one: Stranger, user: str, card: str) -> None:
    control = one.limit({"user_token": user}, "TRANSACTION", 5)["token"]
    assert not approved(one, card, 6)
    changed = one.changed(f"/velocitycontrols/{control}", {"token": control, "amount_limit": 6.5})
    assert (changed["amount_limit"], changed["velocity_window"]) == (Decimal("6.50"), "TRANSACTION")
    assert approved(one, card, 6)
    for wrong, status in (({}, 400), ({"token": "x"}, 400), ({"token": control, "association": None}, 403)):
        refusal(one.put(f"/velocitycontrols/{control}", wrong), status)
    refusal(one.put("/velocitycontrols/none", {"token": "none"}), 404)


def test_a_deleted_control_stays_and_forbids_nothing(one: Stranger, user: str, card: str) -> None:
    control = one.limit({"user_token": user}, "DAY", 5)["token"]
    reply = one.http.delete(f"/velocitycontrols/{control}")
    assert (reply.status_code, reply.json()["active"]) == (200, False)
    assert one.seen(f"/velocitycontrols/{control}")["active"] is False
    assert approved(one, card, 6)
    refusal(one.http.delete("/velocitycontrols/none"), 404)


def test_a_transaction_window_looks_at_one_purchase(one: Stranger, user: str, card: str) -> None:
    one.limit({"user_token": user}, "TRANSACTION", 5)
    assert [approved(one, card, amount) for amount in (5, 5.01, 5)] == [True, False, True]
    assert one.seen(f"/velocitycontrols/user/{user}/available") == {"data": []}


def test_a_window_counts_from_its_beginning(one: Stranger, user: str, card: str, far_side: FarSide) -> None:
    assert approved(one, card, 30)
    control = one.limit({"user_token": user}, "DAY", 50)["token"]  # counts what the day had before it
    assert [approved(one, card, amount) for amount in (20.01, 20, 0.01)] == [False, True, False]
    (left,) = one.listed(f"/velocitycontrols/user/{user}/available")
    assert (left["token"], left["available"]) == (control, {"amount": 0, "uses": -1, "days_remaining": 1})
    far_side.advance(DAY)
    assert one.listed(f"/velocitycontrols/user/{user}/available")[0]["available"]["amount"] == 50
    assert approved(one, card, 50)


def test_a_lifetime_counts_from_the_control_on(one: Stranger, user: str, card: str, far_side: FarSide) -> None:
    assert approved(one, card, 30)
    far_side.advance(2)
    one.limit({"user_token": user}, "LIFETIME", 50)
    assert [approved(one, card, amount) for amount in (50.01, 50)] == [False, True]
    far_side.advance(400 * DAY)
    assert not approved(one, card, 0.01)
    assert "days_remaining" not in one.listed(f"/velocitycontrols/user/{user}/available")[0]["available"]


def test_what_was_given_back_counts_no_more(one: Stranger, user: str, card: str) -> None:
    one.limit({"user_token": user}, "MONTH", 50)
    bought = one.authorise(card, 50)["token"]
    assert not approved(one, card, 10)
    one.reverse(bought, 10)
    one.clear(bought, 40)
    assert approved(one, card, 10)
    one.clear(bought, 5, is_refund=True)
    assert [approved(one, card, amount) for amount in (5.01, 5)] == [False, True]


def test_uses_are_counted_too(one: Stranger, user: str, card: str) -> None:
    one.limit({"user_token": user}, "DAY", 1000, usage_limit=2)
    first = one.authorise(card, 1)["token"]
    assert approved(one, card, 1)
    assert one.authorise(card, 1)["response"]["code"] == "1888"
    assert one.listed(f"/velocitycontrols/user/{user}/available")[0]["available"]["uses"] == 0
    one.reverse(first, 1)
    assert approved(one, card, 1)


def test_a_users_control_spans_its_cards(one: Stranger, user: str, card: str) -> None:
    one.limit({"user_token": user}, "DAY", 50)
    assert approved(one, card, 30)
    assert not approved(one, one.card(user), 30)


def test_a_products_control_spans_the_products_cards_of_a_user(one: Stranger, user: str) -> None:
    product = one.product()
    one.limit({"card_product_token": product}, "DAY", 50)
    first, second, other_product = one.card(user, product), one.card(user, product), one.card(user)
    stranger = one.user()
    one.load(stranger, 100)
    assert approved(one, first, 30)
    assert not approved(one, second, 30)
    assert approved(one, other_product, 30)
    assert approved(one, one.card(stranger, product), 30)


def test_all_controls_apply(one: Stranger, user: str, card: str) -> None:
    one.limit({"user_token": user}, "DAY", 50)
    one.limit({"user_token": user}, "MONTH", 20, name="tight")
    refused = one.authorise(card, 30)
    assert refused["response"] == {
        "code": "1887",
        "memo": "Amount limit reached",
        "additional_information": "Velocity control tight",
    }


def test_a_merchants_scope(one: Stranger, user: str, card: str) -> None:
    one.limit({"user_token": user}, "DAY", 10, merchant_scope={"mcc": "5812"})
    one.limit({"user_token": user}, "DAY", 20, merchant_scope={"mid": "999"})
    eat = {"card_acceptor": {"mcc": "5812"}}
    assert approved(one, card, 100)
    assert [approved(one, card, 10, **eat), approved(one, card, 1, **eat)] == [True, False]
    assert [approved(one, card, 20, mid="999"), approved(one, card, 1, mid="999")] == [True, False]


def test_controls_that_forbid_no_purchase(one: Stranger, user: str, card: str) -> None:
    for more in ({"active": False}, {"include_purchases": False}, {"approvals_only": False}, {"currency_code": "EUR"}):
        one.limit({"user_token": user}, "DAY", 1, **more)
    assert approved(one, card, 100)


def test_a_childs_control_is_its_own(one: Stranger, user: str) -> None:
    children = [one.user(parent_token=user, uses_parent_account=True) for _ in range(2)]
    first, second = (one.card(child) for child in children)
    one.limit({"user_token": children[0]}, "DAY", 10)
    assert [approved(one, first, 11), approved(one, first, 10), approved(one, second, 500)] == [False, True, True]


@pytest.mark.parametrize(
    ("moment", "starts", "left"),
    [
        ("2026-01-15T23:59:59", {"DAY": "2026-01-15", "WEEK": "2026-01-11", "MONTH": "2026-01-01"}, (1, 3, 17)),
        ("2026-01-18T00:00:00", {"DAY": "2026-01-18", "WEEK": "2026-01-18", "MONTH": "2026-01-01"}, (1, 7, 14)),
        ("2026-01-31T12:00:00", {"DAY": "2026-01-31", "WEEK": "2026-01-25", "MONTH": "2026-01-01"}, (1, 1, 1)),
        ("2028-02-29T12:00:00", {"DAY": "2028-02-29", "WEEK": "2028-02-27", "MONTH": "2028-02-01"}, (1, 5, 1)),
    ],
)
def test_windows_are_utc_and_weeks_begin_on_sunday(moment: str, starts: dict[str, str], left: tuple[int, ...]) -> None:
    now = int(datetime.fromisoformat(moment).replace(tzinfo=UTC).timestamp())
    for window, start in starts.items():
        assert window_start(window, now) == int(datetime.fromisoformat(start).replace(tzinfo=UTC).timestamp())
    assert tuple(days_remaining(window, now) for window in starts) == left
    assert window_start("LIFETIME", now) is None
    assert days_remaining("LIFETIME", now) is None
