"""Purchases at the counter, declines and their fee, and what staff can set."""

from __future__ import annotations

from typing import Any

import pytest

from cardctl.simulator.books import FarSide
from cardctl.simulator.rows import select
from cardctl.simulator.strowallet import counter
from cardctl.simulator.strowallet.tables import JSON_COLUMNS, LISTED, MESSAGES
from tests.simulator.strowallet.client import Nfc, Virtual

MERCHANT = {"name": "EXAMPLE SHOP", "country": "US"}


def swipe(far_side: FarSide, card: str, amount: int, hold: bool = False) -> dict[str, Any]:
    with far_side.transaction() as desk:
        done = counter.swipe(desk, card, amount, MERCHANT, hold)
    assert done is not None
    return done


def test_a_purchase_leaves_the_card_for_good(virtual: Virtual, far_side: FarSide) -> None:
    card, before = virtual.card("30"), virtual.float()
    done = swipe(far_side, card, 2500)
    (row,) = virtual.rows(card)
    assert (row["amount"], row["centAmount"], row["type"], row["status"]) == ("-25.00", "-2500", "debit", "success")
    assert (row["narrative"], row["cardId"], row["currency"]) == ("EXAMPLE SHOP", card, "usd")
    assert done == {
        "approved": True,
        "reason": "card_active",
        "message": None,
        "authorization_ref": row["reference"],
        "transaction_ref": row["id"],
    }
    assert (virtual.balance(card), virtual.float()) == (5, before)


def test_a_hold_takes_the_balance_and_stays_pending(virtual: Virtual, far_side: FarSide) -> None:
    card = virtual.card("30")
    done = swipe(far_side, card, 3000, hold=True)
    assert (done["approved"], done["transaction_ref"]) == (True, None)
    with far_side.transaction() as desk:
        assert counter.settle_pending(desk) == 0
    far_side.advance(3600)
    (row,) = virtual.rows(card)
    assert (row["status"], row["reference"], virtual.balance(card)) == ("pending", done["authorization_ref"], 0)


@pytest.mark.parametrize(("held", "fee"), [("30", 50), ("0.20", 20)])
def test_a_decline_for_want_of_money_costs_a_fee(virtual: Virtual, far_side: FarSide, held: str, fee: int) -> None:
    card, before = virtual.card(held), virtual.float()
    cents = int(virtual.balance(card) * 100)
    done = swipe(far_side, card, 3001)
    assert (done["approved"], done["reason"], done["message"]) == (False, "insufficient_funds", "Insufficient funds")
    assert done["transaction_ref"] is None
    charged, declined = virtual.rows(card)
    assert (declined["status"], declined["amount"], declined["reference"]) == ("failed", "-30.01", done["authorization_ref"])
    assert (charged["status"], charged["centAmount"]) == ("success", str(-fee))
    assert "decline fee" in charged["narrative"].lower()
    assert virtual.balance(card) * 100 == cents - fee
    assert virtual.float() == before


def test_a_card_without_a_cent_pays_no_fee(virtual: Virtual, far_side: FarSide) -> None:
    card = virtual.card("1")
    virtual.withdraw(card, "1")
    swipe(far_side, card, 1)
    assert [row["status"] for row in virtual.rows(card)] == ["failed", "success"]
    assert virtual.balance(card) == 0


def test_a_frozen_card_declines_without_a_fee(virtual: Virtual, far_side: FarSide) -> None:
    card = virtual.card("30")
    virtual.act(card, "freeze")
    done = swipe(far_side, card, 100)
    assert (done["approved"], done["reason"], done["message"]) == (False, "card_inactive", "Card is frozen")
    assert (len(virtual.rows(card)), virtual.balance(card)) == (1, 30)
    virtual.act(card, "unfreeze")
    assert swipe(far_side, card, 100)["approved"]


def test_every_cent_is_somewhere(virtual: Virtual, nfc: Nfc, far_side: FarSide) -> None:
    opening = virtual.float()
    card, other = virtual.card("40"), nfc.card("60")
    virtual.fund(card, "12.34")
    nfc.move(other, "20", "withdraw")
    spent = 0
    for ref, amount in ((card, 999), (other, 4000), (other, 1), (card, 1_000_00)):
        spent += amount if swipe(far_side, ref, amount)["approved"] else 0
    with far_side.transaction() as desk:
        counter.delay_next(desk, 1)
    virtual.withdraw(card, "3")
    spent += 50  # the fee of the one decline
    assert (virtual.float() + virtual.balance(card) + nfc.balance(other) + 3) * 100 == opening * 100 - spent
    with far_side.transaction() as desk:
        counter.settle_pending(desk)
    assert (virtual.float() + virtual.balance(card) + nfc.balance(other)) * 100 == opening * 100 - spent


def test_who_is_not_of_this_bank_is_left_to_others(far_side: FarSide) -> None:
    with far_side.transaction() as desk:
        assert counter.swipe(desk, "ic_1", 5, MERCHANT, hold=False) is None
        assert counter.card_currency(desk, "ic_1") is None
        assert not counter.set_kyc(desk, "ich_1", "pending")
        assert not counter.terminate(desk, "ic_1")


def test_the_currency_of_a_card(virtual: Virtual, nfc: Nfc, far_side: FarSide) -> None:
    made = virtual.card(), nfc.card()
    with far_side.reading() as desk:
        assert [counter.card_currency(desk, ref) for ref in made] == ["usd", "usd"]


def test_kyc_is_set_in_the_words_of_each_product(virtual: Virtual, nfc: Nfc, far_side: FarSide) -> None:
    person, other = virtual.customer(), nfc.customer()
    seen = []
    for word in ("pending", "rejected", "verified"):
        with far_side.transaction() as desk:
            assert counter.set_kyc(desk, person, word)
            assert counter.set_kyc(desk, other, word)
        status = virtual.done("GET", "bitvcard/getcardholder/", customerId=person)["data"]["status"]
        seen.append((status, nfc.done("GET", "bitvcard/cardkycstatus", email="ada@example.test")["status"]))
    assert seen == [("unreview kyc", "pending"), ("rejected", "rejected"), ("high kyc", "approved")]


def test_every_editable_field_is_a_column(far_side: FarSide) -> None:
    readers = {"word", "maybe", "whole", "maybe_whole", "flag", "list", "amount"}
    assert set(counter.FIELDS) == set(LISTED) == set(JSON_COLUMNS) - {MESSAGES}
    for table, fields in counter.FIELDS.items():
        with far_side.reading("strowallet") as desk:
            assert select(desk, table, "1", ()) == []
            columns = {row[1] for row in desk.db.execute(f"PRAGMA table_info({table})")}
        assert set(fields) <= columns
        assert set(fields.values()) <= readers
