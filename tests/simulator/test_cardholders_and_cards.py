"""Making and changing cardholders and cards, over the wire."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.simulator.stranger import ADA, CARDS, HOLDERS, Stranger, limits


def luhn(number: str) -> bool:
    digits = [int(digit) for digit in reversed(number)]
    return sum(digits[0::2] + [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]) % 10 == 0


def test_a_cardholder_comes_back_as_it_was_made(stranger: Stranger) -> None:
    form = ADA | {"phone_number": "+15105550100", "individual[first_name]": "Ada", "individual[dob][year]": "1985"}
    form |= {
        "individual[dob][month]": "12",
        "individual[dob][day]": "10",
        "metadata[team]": "engines",
        "preferred_locales[]": "en",
    }
    made = stranger.done(HOLDERS, form)
    assert made["id"].startswith("ich_")
    assert made["object"] == "issuing.cardholder"
    assert (made["type"], made["status"], made["livemode"]) == ("individual", "active", False)
    assert made["requirements"] == {"disabled_reason": None, "past_due": []}
    assert made["billing"]["address"]["postal_code"] == "94612"
    assert made["individual"]["dob"] == {"year": 1985, "month": 12, "day": 10}
    assert made["metadata"] == {"team": "engines"}
    assert made["preferred_locales"] == ["en"]
    assert stranger.seen(f"{HOLDERS}/{made['id']}") == made


def test_a_cardholder_s_name_and_type_are_fixed(stranger: Stranger) -> None:
    holder = stranger.holder()
    assert stranger.refused(f"{HOLDERS}/{holder}", {"name": "Charles"})["code"] == "parameter_unknown"
    assert stranger.refused(f"{HOLDERS}/{holder}", {"type": "company"})["param"] == "type"
    assert stranger.refused(f"{HOLDERS}/{holder}", {"status": "blocked"})["param"] == "status"


def test_updating_a_cardholder_changes_what_was_sent(stranger: Stranger) -> None:
    holder = stranger.holder(**{"individual[first_name]": "Ada", "individual[last_name]": "Byron", "metadata[a]": "1"})
    form = {"individual[last_name]": "Lovelace", "email": "", "status": "inactive", "metadata[b]": "2", **limits(daily=500)}
    changed = stranger.done(f"{HOLDERS}/{holder}", form)
    assert (changed["individual"]["first_name"], changed["individual"]["last_name"]) == ("Ada", "Lovelace")
    assert (changed["email"], changed["status"]) == (None, "inactive")
    assert changed["metadata"] == {"a": "1", "b": "2"}
    assert changed["spending_controls"]["spending_limits"] == [{"amount": 500, "interval": "daily", "categories": []}]


def test_metadata_merges_and_empties(stranger: Stranger) -> None:
    card = stranger.card(**{"metadata[a]": "1", "metadata[b]": "2"})
    assert stranger.done(f"{CARDS}/{card}", {"metadata[a]": "9", "metadata[b]": "", "metadata[c]": "3"})["metadata"] == {
        "a": "9",
        "c": "3",
    }
    assert stranger.done(f"{CARDS}/{card}", {"status": "active"})["metadata"] == {"a": "9", "c": "3"}
    assert stranger.done(f"{CARDS}/{card}", {"metadata": ""})["metadata"] == {}
    assert stranger.refused(f"{CARDS}/{card}", {f"metadata[{'k' * 41}]": "x"})["param"] == "metadata"
    assert stranger.refused(f"{CARDS}/{card}", {"metadata[k]": "x" * 501})["param"] == "metadata[k]"
    assert "50" in stranger.refused(f"{CARDS}/{card}", {f"metadata[{place}]": "x" for place in range(51)})["message"]
    assert stranger.seen(f"{CARDS}/{card}")["metadata"] == {}


def test_a_new_card_is_inactive_and_carries_its_cardholder(stranger: Stranger) -> None:
    holder = stranger.done(HOLDERS, ADA)
    made = stranger.done(CARDS, {"cardholder": holder["id"], "currency": "USD", "type": "virtual"})
    assert made["id"].startswith("ic_")
    assert (made["status"], made["currency"], made["brand"], made["type"]) == ("inactive", "usd", "Visa", "virtual")
    assert made["cardholder"] == holder
    assert made["spending_controls"]["spending_limits"] == []
    assert made["wallets"]["apple_pay"] == {"eligible": True, "ineligible_reason": None}
    assert "number" not in made
    assert "cvc" not in made


def test_a_wallet_needs_somebody_to_write_to(stranger: Stranger) -> None:
    holder = stranger.done(HOLDERS, {name: value for name, value in ADA.items() if name != "email"})["id"]
    wallets = stranger.seen(f"{CARDS}/{stranger.card(holder)}")["wallets"]
    assert wallets["google_pay"] == {"eligible": False, "ineligible_reason": "missing_cardholder_contact"}


def test_number_and_cvc_only_where_one_card_is_retrieved(stranger: Stranger) -> None:
    card = stranger.card()
    revealed = stranger.seen(f"{CARDS}/{card}", **{"expand[]": ["number", "cvc"]})
    assert len(revealed["number"]) == 16
    assert luhn(revealed["number"])
    assert revealed["number"][-4:] == revealed["last4"]
    assert len(revealed["cvc"]) == 3
    assert stranger.seen(f"{CARDS}/{card}", **{"expand[0]": "number"})["number"] == revealed["number"]
    assert stranger.get(CARDS, **{"expand[]": "data.number"}).json()["error"]["param"] == "expand"
    assert stranger.refused(f"{CARDS}/{card}", {"expand[]": "number", "status": "active"})["param"] == "expand"
    assert stranger.get(f"{CARDS}/{card}", **{"expand[]": "secrets"}).json()["error"]["param"] == "expand"
    assert stranger.seen(f"{CARDS}/{card}", **{"expand[]": "cardholder"}) == stranger.seen(f"{CARDS}/{card}")


def test_numbers_differ(stranger: Stranger) -> None:
    holder = stranger.holder()
    cards = [stranger.card(holder) for _ in range(20)]
    numbers = {stranger.seen(f"{CARDS}/{card}", **{"expand[]": "number"})["number"] for card in cards}
    assert len(numbers) == 20


def test_freeze_unfreeze_and_cancel(stranger: Stranger) -> None:
    card = f"{CARDS}/{stranger.card()}"
    assert stranger.done(card, {"status": "inactive"})["status"] == "inactive"
    assert stranger.done(card, {"status": "active"})["status"] == "active"
    assert stranger.refused(card, {"cancellation_reason": "lost"})["param"] == "cancellation_reason"
    canceled = stranger.done(card, {"status": "canceled", "cancellation_reason": "stolen"})
    assert (canceled["status"], canceled["cancellation_reason"]) == ("canceled", "stolen")


@pytest.mark.parametrize(
    "form", [{"status": "active"}, {"status": "inactive"}, {"status": "canceled"}, {"metadata[a]": "1"}, limits(daily=1)]
)
def test_canceled_is_final(stranger: Stranger, form: dict[str, str]) -> None:
    card = f"{CARDS}/{stranger.card()}"
    before = stranger.done(card, {"status": "canceled"})
    assert stranger.refused(card, form)["type"] == "invalid_request_error"
    assert stranger.seen(card) == before


def test_spending_limits_are_replaced_as_a_whole(stranger: Stranger) -> None:
    blocked = {"spending_controls[blocked_categories][]": "bakeries"}
    card = f"{CARDS}/{stranger.card(**limits(all_time=5000, daily=100), **blocked)}"
    controls = stranger.done(card, limits(weekly=70))["spending_controls"]
    assert controls["spending_limits"] == [{"amount": 70, "interval": "weekly", "categories": []}]
    assert controls["spending_limits_currency"] == "usd"
    assert controls["blocked_categories"] == ["bakeries"]
    emptied = stranger.done(card, {"spending_controls[spending_limits]": ""})["spending_controls"]
    assert (emptied["spending_limits"], emptied["spending_limits_currency"]) == ([], None)


def test_expiry(stranger: Stranger) -> None:
    holder = stranger.holder()
    today = time.gmtime()
    default = stranger.seen(f"{CARDS}/{stranger.card(holder)}")
    assert (default["exp_year"], default["exp_month"]) == (today.tm_year + 3, today.tm_mon)
    chosen = stranger.seen(f"{CARDS}/{stranger.card(holder, exp_month='7', exp_year=str(today.tm_year + 1))}")
    assert (chosen["exp_year"], chosen["exp_month"]) == (today.tm_year + 1, 7)
    past = {"cardholder": holder, "currency": "usd", "type": "virtual", "exp_month": "1", "exp_year": "2001"}
    assert stranger.refused(CARDS, past)["param"] == "exp_year"
    assert stranger.refused(CARDS, past | {"exp_month": "13", "exp_year": "2999"})["param"] == "exp_month"


def replaced(stranger: Stranger, reason: str, status: str | None = None) -> tuple[dict[str, Any], dict[str, Any]]:
    first = stranger.card()
    holder = stranger.seen(f"{CARDS}/{first}")["cardholder"]["id"]
    if status:
        stranger.done(f"{CARDS}/{first}", {"status": status, "cancellation_reason": reason})
    second = stranger.card(holder, "inactive", replacement_for=first, replacement_reason=reason)
    expand = {"expand[]": "number"}
    return stranger.seen(f"{CARDS}/{first}", **expand), stranger.seen(f"{CARDS}/{second}", **expand)


def test_a_stolen_card_is_replaced_under_a_new_number(stranger: Stranger) -> None:
    first, second = replaced(stranger, "stolen", "canceled")
    assert (first["replaced_by"], second["replacement_for"]) == (second["id"], first["id"])
    assert second["replacement_reason"] == "stolen"
    assert first["number"] != second["number"]


def test_a_damaged_card_keeps_its_number_and_goes_when_the_new_one_works(stranger: Stranger) -> None:
    first, second = replaced(stranger, "damaged")
    assert first["number"] == second["number"]
    assert first["status"] == "active"
    stranger.done(f"{CARDS}/{second['id']}", {"status": "active"})
    assert stranger.seen(f"{CARDS}/{first['id']}")["status"] == "canceled"


def test_replacements_that_cannot_be(stranger: Stranger) -> None:
    first = stranger.card()
    form = {"cardholder": stranger.holder(), "currency": "usd", "type": "virtual", "replacement_for": first}
    assert stranger.refused(CARDS, form)["param"] == "replacement_reason"
    assert stranger.refused(CARDS, form | {"replacement_reason": "lost"})["param"] == "replacement_for"
    stranger.done(CARDS, form | {"replacement_reason": "expired"})
    assert "already" in stranger.refused(CARDS, form | {"replacement_reason": "expired"})["message"]
    assert (
        stranger.refused(CARDS, form | {"replacement_for": "ic_none", "replacement_reason": "lost"})["code"]
        == "resource_missing"
    )
    assert len(stranger.seen(CARDS)["data"]) == 2


def test_a_physical_card_is_shipped(stranger: Stranger) -> None:
    address = {
        f"shipping[address][{name}]": value
        for name, value in {"line1": "1", "city": "x", "postal_code": "1", "country": "US"}.items()
    }
    form = {"cardholder": stranger.holder(), "currency": "usd", "type": "physical", "shipping[name]": "Ada", **address}
    shipping = stranger.done(CARDS, form)["shipping"]
    assert (shipping["name"], shipping["status"], shipping["service"]) == ("Ada", "pending", "standard")


def test_a_blocked_cardholder_stays_blocked(stranger: Stranger, control: Any) -> None:
    holder = stranger.holder()
    control.edit(holder, {"status": "blocked"})
    assert stranger.refused(f"{HOLDERS}/{holder}", {"status": "active"})["param"] == "status"
