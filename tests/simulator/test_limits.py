"""Spending controls over the wire: each interval, each scope, each kind of merchant."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from cardctl.simulator.books import OPENING_FLOAT
from cardctl.simulator.control import Control
from cardctl.simulator.limits import interval_start
from tests.simulator.stranger import CARDS, HOLDERS, TEST_AUTHORIZATIONS, TEST_TRANSACTIONS, Stranger, limits, reason


@pytest.fixture(autouse=True)
def noon(control: Control) -> None:
    """No test straddles a midnight."""
    now = control.status()["clock"]
    control.advance(now.replace(hour=12, minute=0, second=0) + timedelta(days=1) - now)


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    ("interval", "start"),
    [
        ("daily", "2026-11-18T00:00"),
        ("weekly", "2026-11-15T00:00"),
        ("monthly", "2026-11-01T00:00"),
        ("yearly", "2026-01-01T00:00"),
        ("all_time", "1970-01-01T00:00"),
    ],
)
def test_intervals_begin_at_midnight_utc(interval: str, start: str) -> None:
    assert interval_start(interval, at("2026-11-18T23:59")) == at(start)  # a Wednesday
    assert interval_start(interval, at(start)) == at(start)


def declined(stranger: Stranger, card: str, amount: int, **more: str) -> bool:
    before = stranger.balance()
    answer = stranger.authorise(card, amount, **more)
    assert stranger.balance() == before - (amount if answer["approved"] else 0)
    assert answer["approved"] or (reason(answer), answer["status"]) == ("spending_controls", "closed")
    return not answer["approved"]


def test_each_authorization(stranger: Stranger) -> None:
    card = stranger.card(**limits(per_authorization=1000))
    assert declined(stranger, card, 1001)
    assert not declined(stranger, card, 1000)
    assert not declined(stranger, card, 1000)
    held = stranger.authorise(card, 900)
    stranger.done(f"{TEST_AUTHORIZATIONS}/{held['id']}/increment", {"increment_amount": "100"})
    over = stranger.done(f"{TEST_AUTHORIZATIONS}/{held['id']}/increment", {"increment_amount": "1"})
    assert (over["amount"], reason(over)) == (1000, "spending_controls")


@pytest.mark.parametrize(("interval", "days"), [("daily", 1), ("weekly", 7), ("monthly", 31), ("yearly", 366)])
def test_each_interval_ends(stranger: Stranger, control: Control, interval: str, days: int) -> None:
    card = stranger.card(exp_year="2060", **limits(**{interval: 1000}))
    assert not declined(stranger, card, 700)
    assert declined(stranger, card, 301)
    assert not declined(stranger, card, 300)
    assert declined(stranger, card, 1)
    control.advance(timedelta(days=days))
    assert not declined(stranger, card, 1000)


def test_all_time_never_ends_and_can_be_raised(stranger: Stranger, control: Control) -> None:
    card = stranger.card(exp_year="2060", **limits(all_time=1000))
    assert not declined(stranger, card, 1000)
    control.advance(timedelta(days=2000))
    assert declined(stranger, card, 1)
    stranger.done(f"{CARDS}/{card}", limits(all_time=1500))
    assert declined(stranger, card, 501)
    assert not declined(stranger, card, 500)


def test_what_comes_back_can_be_spent_again(stranger: Stranger) -> None:
    card = stranger.card(**limits(all_time=1000))
    held = stranger.authorise(card, 1000)
    stranger.done(f"{TEST_AUTHORIZATIONS}/{held['id']}/reverse", {"reverse_amount": "400"})
    assert not declined(stranger, card, 400)
    assert declined(stranger, card, 1)
    (taken,) = stranger.done(f"{TEST_AUTHORIZATIONS}/{held['id']}/capture")["transactions"]
    stranger.done(f"{TEST_TRANSACTIONS}/{taken['id']}/refund", {"refund_amount": "250"})
    assert declined(stranger, card, 251)
    assert not declined(stranger, card, 250)


def test_a_refund_gives_no_more_than_the_day_s_spending(stranger: Stranger, control: Control) -> None:
    card = stranger.card(**limits(daily=1000))
    held = stranger.authorise(card, 1000)
    (taken,) = stranger.done(f"{TEST_AUTHORIZATIONS}/{held['id']}/capture")["transactions"]
    control.advance(timedelta(days=1))
    stranger.done(f"{TEST_TRANSACTIONS}/{taken['id']}/refund")
    assert stranger.balance() == OPENING_FLOAT
    assert declined(stranger, card, 1001)
    assert not declined(stranger, card, 1000)


def test_over_and_forced_captures_count(stranger: Stranger) -> None:
    card = stranger.card(**limits(all_time=1000))
    held = stranger.authorise(card, 500)
    stranger.done(f"{TEST_AUTHORIZATIONS}/{held['id']}/capture", {"capture_amount": "800"})
    stranger.done(f"{TEST_TRANSACTIONS}/create_force_capture", {"card": card, "amount": "150"})
    assert declined(stranger, card, 51)
    assert not declined(stranger, card, 50)


def test_several_limits_all_hold(stranger: Stranger) -> None:
    card = stranger.card(**limits(per_authorization=600, daily=1000, all_time=1200))
    assert declined(stranger, card, 601)
    assert not declined(stranger, card, 600)
    assert declined(stranger, card, 401)
    assert not declined(stranger, card, 400)


def test_a_limit_of_some_categories(stranger: Stranger) -> None:
    some = {"spending_controls[spending_limits][0][categories][]": "bakeries"}
    card = stranger.card(**limits(all_time=500), **some)
    bakery, hotel = ({"merchant_data[category]": name} for name in ("bakeries", "hotels_motels_and_resorts"))
    assert not declined(stranger, card, 5000, **hotel)
    assert not declined(stranger, card, 500, **bakery)
    assert declined(stranger, card, 1, **bakery)
    assert not declined(stranger, card, 5000, **hotel)


def test_a_limit_counts_what_the_replaced_card_spent(stranger: Stranger) -> None:
    holder = stranger.holder()
    old = stranger.card(holder, **limits(all_time=500))
    assert not declined(stranger, old, 300)
    stranger.done(f"{CARDS}/{old}", {"status": "canceled"})
    new = stranger.card(holder, **limits(all_time=500), replacement_for=old, replacement_reason="lost")
    assert declined(stranger, new, 201)
    assert not declined(stranger, new, 200)


def test_a_cardholder_s_limit_covers_all_their_cards(stranger: Stranger) -> None:
    holder = stranger.holder(**limits(daily=1000))
    first, second, other = stranger.card(holder), stranger.card(holder), stranger.card()
    assert not declined(stranger, first, 600)
    assert declined(stranger, second, 401)
    assert not declined(stranger, second, 400)
    assert not declined(stranger, other, 5000)
    stranger.done(f"{HOLDERS}/{holder}", {"spending_controls[spending_limits]": ""})
    assert not declined(stranger, first, 5000)


@pytest.mark.parametrize(
    ("rule", "refused", "taken"),
    [
        ("allowed_categories", {"merchant_data[category]": "florists"}, {"merchant_data[category]": "bakeries"}),
        ("blocked_categories", {"merchant_data[category]": "bakeries"}, {"merchant_data[category]": "florists"}),
        ("allowed_merchant_countries", {"merchant_data[country]": "FR"}, {"merchant_data[country]": "US"}),
        ("blocked_merchant_countries", {"merchant_data[country]": "US"}, {"merchant_data[country]": "FR"}),
        ("allowed_card_presences", {"authorization_method": "chip"}, {"authorization_method": "online"}),
        ("blocked_card_presences", {"authorization_method": "keyed_in"}, {"authorization_method": "chip"}),
    ],
)
def test_kinds_of_merchants(stranger: Stranger, rule: str, refused: dict[str, str], taken: dict[str, str]) -> None:
    value = "bakeries" if "categories" in rule else "US" if "countries" in rule else "not_present"
    card = stranger.card(**{f"spending_controls[{rule}][]": value})
    assert declined(stranger, card, 5, **refused)
    assert not declined(stranger, card, 5, **taken)
