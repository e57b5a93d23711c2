"""What merchants give back at each bank: where the money goes, who is told, and how often they may."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cardctl.domain.money import Money
from cardctl.errors import BadInput, NotFound
from cardctl.simulator.books import OPENING_FLOAT
from cardctl.simulator.control import Control
from tests.simulator.marqeta import stranger as marqeta
from tests.simulator.stranger import TRANSACTIONS, Stranger
from tests.simulator.strowallet.client import Virtual

BANKS = ("stripe", "marqeta", "strowallet")


def usd(minor: int) -> Money:
    return Money(minor, "USD")


@pytest.fixture
def cards(stranger: Stranger, marqeta_card: tuple[str, str], strowallet_card: tuple[str, str]) -> dict[str, str]:
    return {"stripe": stranger.card(), "marqeta": marqeta_card[0], "strowallet": strowallet_card[0]}


def told(control: Control, since: int) -> list[dict[str, Any]]:
    """The bodies of what was told since then, in order."""
    posted = control.deliveries(since_seq=since, undelivered=False)
    return [json.loads(one.posting.body) for one in posted]


@pytest.mark.parametrize("bank", BANKS)
def test_a_purchase_is_given_back_once(control: Control, cards: dict[str, str], bank: str) -> None:
    bought = control.swipe(cards[bank], usd(1250), merchant="Blue Bottle").transaction_ref
    assert bought
    assert control.captured(bought) == usd(1250)
    first = control.refund(bought, usd(250))
    assert (first.card_ref, first.amount, first.merchant, len(first.transaction_refs)) == (
        cards[bank],
        usd(250),
        "Blue Bottle",
        1,
    )
    with pytest.raises(BadInput) as refused:
        control.refund(bought, usd(1001))
    assert "only 10.00 USD" in refused.value.message
    assert control.refund(bought).amount == usd(1000), "what was left of it"
    for amount in (None, usd(1)):
        with pytest.raises(BadInput):
            control.refund(bought, amount)


@pytest.mark.parametrize("bank", BANKS)
def test_a_merchant_gives_back_twice(control: Control, cards: dict[str, str], bank: str) -> None:
    bought = control.swipe(cards[bank], usd(1250)).transaction_ref
    assert bought
    twice = control.refund(bought, times=2)
    assert (twice.amount, len(set(twice.transaction_refs))) == (usd(1250), 2)
    assert control.refund(bought, usd(100), times=3).amount == usd(100)


@pytest.mark.parametrize("bank", BANKS)
def test_what_took_nothing_is_not_given_back(control: Control, cards: dict[str, str], bank: str) -> None:
    bought = control.swipe(cards[bank], usd(1250)).transaction_ref
    assert bought
    refund = control.refund(bought).transaction_refs[0]
    for ref, amount in ((refund, None), (bought, usd(0)), (bought, Money(5, "EUR"))):
        with pytest.raises(BadInput):
            control.refund(ref, amount, times=2)
    with pytest.raises(NotFound) as missing:
        control.refund("nothing-such")
    assert missing.value.code == "TRANSACTION_NOT_FOUND"


def test_stripe_takes_it_into_the_float_and_tells_of_each(stranger: Stranger, control: Control) -> None:
    bought = control.swipe(stranger.card(), usd(1250))
    before = control.last_told()
    made = control.refund(bought.transaction_ref or "", times=2)
    assert stranger.balance() == OPENING_FLOAT + 1250
    shown = [stranger.seen(f"{TRANSACTIONS}/{ref}") for ref in made.transaction_refs]
    assert [(one["type"], one["amount"], one["authorization"]) for one in shown] == [
        ("refund", 1250, bought.authorization_ref)
    ] * 2
    events = told(control, before)
    created = [one for one in events if one["type"] == "issuing_transaction.created"]
    assert [one["data"]["object"]["id"] for one in created] == list(made.transaction_refs)


def test_stripe_s_own_helper_still_counts(stranger: Stranger, control: Control) -> None:
    bought = control.swipe(stranger.card(), usd(1250)).transaction_ref
    control.refund(bought or "", times=2)
    stranger.refused(f"/v1/test_helpers/issuing/transactions/{bought}/refund", {"refund_amount": 1})


def test_marqeta_puts_it_on_the_account_and_names_the_authorization(
    path: Path, control: Control, marqeta_card: tuple[str, str]
) -> None:
    card, user = marqeta_card
    bought = control.swipe(card, usd(1250))
    before = control.last_told()
    made = control.refund(bought.transaction_ref or "", times=2)
    with marqeta.Stranger(path) as one:
        assert [float(each) for each in one.gpa(user)] == [62.5, 62.5]
        shown = [one.seen(f"/transactions/{ref}") for ref in made.transaction_refs]
    assert [(each["type"], each["state"], each["preceding_related_transaction_token"]) for each in shown] == [
        ("refund", "COMPLETION", bought.authorization_ref)
    ] * 2
    bodies = told(control, before)
    assert [each["token"] for body in bodies for each in body["transactions"]] == list(made.transaction_refs)


def test_marqeta_gives_back_what_was_never_authorised(path: Path, control: Control, marqeta_card: tuple[str, str]) -> None:
    card, user = marqeta_card
    with marqeta.Stranger(path) as one:
        forced = {"amount": 20, "card_token": card, "card_acceptor": {"mid": "m1", "name": "Kiosk"}}
        clearing = one.done("/simulations/cardtransactions/authorization.clearing", forced)["transaction"]["token"]
        assert control.refund(clearing).amount == usd(2000)
        with pytest.raises(BadInput):
            control.refund(clearing)
        assert float(one.gpa(user)[0]) == 50


def test_strowallet_puts_it_on_the_card_and_tells_nobody(
    path: Path, control: Control, strowallet_card: tuple[str, str]
) -> None:
    card = strowallet_card[0]
    with Virtual(path) as one:
        held = one.balance(card)
        bought = control.swipe(card, usd(1250), merchant="Blue Bottle")
        before = control.last_told()
        made = control.refund(bought.authorization_ref, times=2)  # by the row's reference, as its event names it
        assert float(one.balance(card)) == float(held) + 12.5
        rows = {row["id"]: row for row in one.rows(card)}
        assert sorted(rows[ref]["narrative"] for ref in made.transaction_refs) == ["Blue Bottle", "Refund: Blue Bottle"]
        assert {(rows[ref]["type"], rows[ref]["amount"], rows[ref]["status"]) for ref in made.transaction_refs} == {
            ("credit", "12.50", "success")
        }
    assert control.last_told() == before


def test_a_row_of_strowallet_is_edited_by_its_reference_too(
    path: Path, control: Control, strowallet_card: tuple[str, str]
) -> None:
    card = strowallet_card[0]
    held = control.swipe(card, usd(600), hold=True).authorization_ref
    assert control.edit(held, {"status": "success"}) == ({"status": "pending"}, {"status": "success"})
    with Virtual(path) as one:
        assert one.rows(card)[0]["status"] == "success"


def test_a_card_that_has_ended_takes_no_money(path: Path, control: Control, strowallet_card: tuple[str, str]) -> None:
    card = strowallet_card[0]
    bought = control.swipe(card, usd(1250)).transaction_ref
    control.edit(card, {"card_status": "terminated"})
    (held,) = control.status()["float"]["strowallet"]
    control.refund(bought or "")
    assert control.status()["float"]["strowallet"] == [held + usd(1250)]
    with Virtual(path) as one:
        assert one.rows(card)[0]["status"] == "failed"


def test_a_holder_s_limit_is_edited_through_any_of_its_cards(
    path: Path, control: Control, marqeta_card: tuple[str, str]
) -> None:
    card, user = marqeta_card
    assert control.edit(card, {"velocity_controls.DAY": "1000"}) == (
        {"velocity_controls.DAY": None},
        {"velocity_controls.DAY": 1000},
    )
    assert control.swipe(card, usd(1001)).reason == "1887"
    assert control.edit(user, {"velocity_controls.DAY": 2000})[0] == {"velocity_controls.DAY": 1000}
    with marqeta.Stranger(path) as one:
        (found,) = one.listed("/velocitycontrols", user=user)
        assert (float(found["amount_limit"]), found["velocity_window"], found["active"]) == (20, "DAY", True)
        assert control.swipe(card, usd(1500)).approved
        control.edit(card, {"velocity_controls.DAY": ""})
        assert control.swipe(card, usd(1500)).approved, "there is no limit any more"
        assert not one.listed("/velocitycontrols", user=user)[0]["active"]
    for field in ("velocity_controls.YEAR", "velocity_controls.day"):
        with pytest.raises(BadInput):
            control.edit(card, {field: "5"})
