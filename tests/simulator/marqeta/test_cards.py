"""Card products and cards: making, finding, showing, moving, replacing."""

from __future__ import annotations

import itertools

import pytest

from cardctl.simulator.books import FarSide
from cardctl.simulator.marqeta.cards import ALLOWED
from tests.simulator.marqeta.stranger import Stranger, refusal


def test_a_new_card_waits_to_be_activated(one: Stranger) -> None:
    user, product = one.user(), one.product(active=False)
    card = one.done("/cards", {"user_token": user, "card_product_token": product, "metadata": {"a": "b"}})
    assert (card["state"], card["state_reason"], card["fulfillment_status"]) == ("UNACTIVATED", "New card", "ISSUED")
    assert card["pan"] == f"111111______{card['last_four']}"
    assert card["expiration_time"].endswith("T23:59:59Z")
    assert (card["instrument_type"], card["metadata"], card["pin_is_set"]) == ("VIRTUAL_PAN", {"a": "b"}, False)
    assert "cvv_number" not in card
    assert one.seen(f"/cards/{card['token']}") == card


def test_a_product_may_activate_upon_issue(one: Stranger) -> None:
    user = one.user()
    card = one.card(user, one.product(active=True))
    assert one.seen(f"/cards/{card}")["state"] == "ACTIVE"
    history = one.listed(f"/cardtransitions/card/{card}")
    assert [entry["type"] for entry in history] == ["state.activated", "fulfillment.issued"]


def test_products(one: Stranger) -> None:
    wish = {"name": "P", "start_date": "2026-01-01", "token": "p1"}
    product = one.done("/cardproducts", wish)
    assert product["active"] is False
    assert product["config"]["fulfillment"]["payment_instrument"] == "PHYSICAL_MSR"
    assert one.done("/cardproducts", wish) == product
    one.refused("/cardproducts", {**wish, "name": "Q"}, 409)
    for wrong in ({"start_date": "soon"}, {"name": ""}, {"name": "x" * 41}):
        one.refused("/cardproducts", {**wish, "token": "p2", **wrong})
    closed = one.product(fulfillment={"allow_card_creation": False})
    one.refused("/cards", {"user_token": one.user(), "card_product_token": closed})
    assert [one["token"] for one in one.listed("/cardproducts")] == [closed, "p1"]


def test_the_same_token_again(one: Stranger) -> None:
    wish = {"user_token": one.user(), "card_product_token": one.product(), "token": "c1", "metadata": {"a": "b"}}
    card = one.done("/cards", wish)
    assert one.done("/cards", wish) == card
    one.refused("/cards", {**wish, "metadata": {}}, 409)
    assert len(one.listed(f"/cards/user/{wish['user_token']}")) == 1


def test_who_and_what_a_card_is_for_must_exist(one: Stranger) -> None:
    user, product = one.user(), one.product()
    one.refused("/cards", {"user_token": "none", "card_product_token": product})
    one.refused("/cards", {"user_token": user, "card_product_token": "none"})
    assert one.listed(f"/cards/user/{user}") == []
    refusal(one.get("/cards/user/none"), 404)


def test_the_number_is_shown_on_request_only(one: Stranger) -> None:
    wish = {"user_token": one.user(), "card_product_token": one.product(), "token": "c1"}
    card = one.done("/cards", wish, show_pan=True, show_cvv_number=True)
    assert card["pan"].startswith("111111")
    assert card["pan"].isdigit()
    assert len(card["pan"]) == 16
    assert len(card["cvv_number"]) == 3
    assert "______" in one.seen("/cards/c1")["pan"]
    assert one.seen("/cards/c1")["fulfillment_status"] == "ISSUED"
    shown = one.seen("/cards/c1/showpan", show_cvv_number=True)
    assert (shown["pan"], shown["cvv_number"]) == (card["pan"], card["cvv_number"])
    assert "cvv_number" not in one.seen("/cards/c1/showpan")
    assert one.seen("/cards/c1")["fulfillment_status"] == "DIGITALLY_PRESENTED"


def test_last_four_is_required(one: Stranger) -> None:
    card = one.seen(f"/cards/{one.card(one.user())}")
    assert "last_four" in refusal(one.get("/cards"), 400)["error_message"]
    assert one.listed("/cards", last_four=card["last_four"]) == [card]
    assert one.seen("/cards", last_four="x000") == {"data": []}


def test_a_user_is_expanded(one: Stranger) -> None:
    user = one.user(city="Oakland")
    card = one.card(user)
    assert one.seen(f"/cards/{card}", expand="user")["user"] == one.seen(f"/users/{user}")
    assert one.listed(f"/cards/user/{user}", expand="user", fields="user")[0]["user"]["city"] == "Oakland"
    refusal(one.get(f"/cards/{card}", expand="merchant"), 400)


def test_updates(one: Stranger) -> None:
    user, other = one.user(), one.user()
    card = one.card(user, metadata={"a": "b"})
    assert one.changed(f"/cards/{card}", {"token": card, "metadata": {"c": "d"}})["metadata"] == {"c": "d"}
    assert one.changed(f"/cards/{card}", {"token": card, "user_token": other})["user_token"] == other
    for wrong in ({}, {"token": "none"}, {"token": card, "state": "ACTIVE"}, {"token": card, "user_token": "none"}):
        refusal(one.put(f"/cards/{card}", wrong), 400)
    refusal(one.put("/cards/none", {"token": "none"}), 404)


def test_every_move_between_states(one: Stranger, far_side: FarSide) -> None:
    card = one.card(one.user())
    for before, after in itertools.product(ALLOWED, ("ACTIVE", "SUSPENDED", "LIMITED", "TERMINATED")):
        with far_side.transaction("marqeta") as desk:
            desk.db.execute("UPDATE marqeta_cards SET state = ?", (before,))
        allowed = after in ALLOWED[before]
        reply = one.post("/cardtransitions", {"card_token": card, "state": after, "channel": "API"})
        assert reply.status_code == (201 if allowed else 400), (before, after)
        assert one.seen(f"/cards/{card}")["state"] == (after if allowed else before)


def test_a_transition_shows_the_card_as_it_was(one: Stranger) -> None:
    user = one.user(metadata={"u": "v"})
    card = one.card(user, one.product(active=False), metadata={"a": "b"})
    wish = {"card_token": card, "state": "ACTIVE", "channel": "API", "reason_code": "00", "reason": "first", "token": "ct1"}
    moved = one.done("/cardtransitions", wish)
    assert moved.items() >= wish.items()
    assert (moved["type"], moved["user_token"]) == ("state.activated", user)
    assert (moved["card"], moved["user"]) == ({"metadata": {"a": "b"}}, {"metadata": {"u": "v"}})
    assert "______" in moved["pan"]
    assert one.done("/cardtransitions", wish) == moved
    one.refused("/cardtransitions", {**wish, "reason": "second"}, 409)
    assert one.seen("/cardtransitions/ct1") == moved
    types = [one.move(card, state)["type"] for state in ("SUSPENDED", "ACTIVE", "LIMITED", "TERMINATED")]
    assert types == ["state.suspended", "state.reinstated", "state.limited", "state.terminated"]
    assert one.seen(f"/cards/{card}")["state_reason"] == "Card terminated"


@pytest.mark.parametrize("lacking", ["card_token", "state", "channel"])
def test_a_transition_needs(one: Stranger, lacking: str) -> None:
    wish = {"card_token": one.card(one.user()), "state": "SUSPENDED", "channel": "API"}
    del wish[lacking]
    one.refused("/cardtransitions", wish)


def test_replacements(one: Stranger) -> None:
    user, product = one.user(), one.product(active=False)
    lost = one.card(user, product)
    new = one.card(user, product, new_pan_from_card_token=lost)
    assert one.seen(f"/cards/{lost}")["state"] == "TERMINATED"
    again = one.card(user, product, reissue_pan_from_card_token=new)
    numbers = [one.seen(f"/cards/{card}/showpan")["pan"] for card in (lost, new, again)]
    assert numbers[0] != numbers[1] == numbers[2]
    assert one.seen(f"/cards/{new}")["state"] == "UNACTIVATED"
    one.move(again, "ACTIVE")
    assert one.seen(f"/cards/{new}")["state"] == "TERMINATED"
    one.refused("/cards", {"user_token": user, "card_product_token": product, "new_pan_from_card_token": "none"})


def test_expiry(one: Stranger) -> None:
    user = one.user()
    far = one.product(card_life_cycle={"expiration_offset": {"unit": "MONTHS", "value": 13}, "activate_upon_issue": True})
    by_product, by_card = one.card(user, far), one.card(user, far, expiration_offset={"unit": "YEARS", "value": 2})
    ends = [one.seen(f"/cards/{card}")["expiration_time"] for card in (by_product, by_card)]
    assert ends[0] < ends[1]
    wish = {"user_token": user, "card_product_token": far}
    one.refused("/cards", {**wish, "expiration_offset": {"unit": "YEARS", "value": 2**31 - 1}})
    one.refused("/cards", {**wish, "expiration_offset": {"unit": "DECADES", "value": 1}})
