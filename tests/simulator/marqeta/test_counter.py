"""Behind the counter: swipes, KYC decisions, the fields that can be edited."""

from __future__ import annotations

import pytest

from cardctl.simulator import schema
from cardctl.simulator.books import FarSide
from cardctl.simulator.marqeta import counter, tables
from cardctl.simulator.rows import select
from tests.simulator.marqeta.stranger import Stranger

READERS = {"word", "maybe", "whole", "maybe_whole", "flag", "list", "amount"}
SHOP = {"name": "Rocket Rides", "category": "eating_places_restaurants", "country": "US", "city": "Oakland"}


def test_a_swipe(one: Stranger, far_side: FarSide) -> None:
    user = one.user()
    one.load(user, 100)
    card = one.card(user)
    with far_side.transaction() as desk:
        bought = counter.swipe(desk, card, 25_00, SHOP, False)
    assert bought is not None
    assert (bought["approved"], bought["reason"], bought["message"]) == (True, "card_active", None)
    assert one.gpa(user) == (75, 75)
    taken = one.seen(f"/transactions/{bought['transaction_ref']}")
    assert taken["preceding_related_transaction_token"] == bought["authorization_ref"]
    expected = {"name": "Rocket Rides", "mcc": "5812", "country_code": "US", "city": "Oakland"}
    assert taken["card_acceptor"].items() >= expected.items()


def test_a_hold_and_a_decline(one: Stranger, far_side: FarSide) -> None:
    user = one.user()
    one.load(user, 100)
    card = one.card(user)
    with far_side.transaction() as desk:
        held = counter.swipe(desk, card, 60_00, {"mcc": "5999"}, True)
        refused = counter.swipe(desk, card, 60_00, {}, False)
    assert held is not None
    assert held["transaction_ref"] is None
    assert one.gpa(user) == (100, 40)
    assert refused is not None
    assert refused["transaction_ref"] is None
    assert (refused["approved"], refused["reason"], refused["message"]) == (False, "1016", "Not sufficient funds")


def test_somebody_elses_card(one: Stranger, far_side: FarSide) -> None:
    card = one.card(one.user())
    with far_side.transaction() as desk:
        assert counter.swipe(desk, "ic_1", 5, SHOP, False) is None
        assert counter.card_currency(desk, "ic_1") is None
        assert counter.card_currency(desk, card) == "usd"
        assert counter.set_kyc(desk, "ich_1", "verified") is False


def test_a_card_of_nobody(one: Stranger, far_side: FarSide) -> None:
    card = one.card(one.user())
    with far_side.transaction() as desk:
        desk.db.execute("UPDATE marqeta_users SET deleted = 1")
        assert counter.swipe(desk, card, 5, SHOP, False) is None
    one.refused("/simulate/authorization", {"card_token": card, "amount": 1, "mid": "1"}, 404)


@pytest.mark.parametrize(
    ("word", "status", "reason_code"),
    [("pending", "UNVERIFIED", "05"), ("verified", "ACTIVE", "18"), ("rejected", "SUSPENDED", "17")],
)
def test_kyc_decisions(one: Stranger, far_side: FarSide, word: str, status: str, reason_code: str) -> None:
    user = one.user()
    with far_side.transaction() as desk:
        assert counter.set_kyc(desk, user, word) is True
    seen = one.seen(f"/users/{user}")
    assert (seen["status"], seen["active"]) == (status, status == "ACTIVE")
    assert one.listed(f"/usertransitions/user/{user}")[0]["reason_code"] == reason_code
    results = [check["result"]["status"] for check in one.listed(f"/kyc/user/{user}")]
    assert results == {"pending": [], "verified": ["success"], "rejected": ["failure"]}[word]


def test_who_was_rejected_fails_again(one: Stranger, far_side: FarSide) -> None:
    address = dict.fromkeys(("address1", "city", "state", "postal_code", "country"), "CA")
    user = one.user(**address, birth_date="1990-01-01", identifications=[{"type": "SSN", "value": "123456789"}])
    assert one.done("/kyc", {"user_token": user})["result"]["status"] == "success"
    with far_side.transaction() as desk:
        counter.set_kyc(desk, user, "rejected")
    assert one.done("/kyc", {"user_token": user})["result"]["status"] == "failure"


def test_every_table_can_be_edited(one: Stranger, far_side: FarSide) -> None:
    assert set(counter.FIELDS) == set(tables.LISTED)
    with far_side.reading() as desk:
        for table, fields in counter.FIELDS.items():
            columns = {row[1] for row in desk.db.execute(f"PRAGMA table_info({table})")}
            packed = set(schema.JSON_COLUMNS[table])
            assert set(fields.values()) <= READERS
            for name in fields:
                column, dot, _ = name.partition(".")
                assert column in columns, f"{table}.{name}"
                assert bool(dot) == (column in packed), f"{table}.{name}"
            assert select(desk, table, "1 = 0", ()) == []
