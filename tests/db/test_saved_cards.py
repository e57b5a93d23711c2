"""Saved cards, payments, refunds and disputes in the books, on both databases; the provider's names of a buyer are sealed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError

from cardctl.db.payments import PaymentFilter
from cardctl.db.saved_cards import SavedCardFilter
from cardctl.db.unit import Books, Unit
from cardctl.domain.payments import PaymentKind, PaymentState, RefundState
from cardctl.domain.saved_cards import SavedCardState, saved_card_id
from cardctl.errors import BooksCorrupt, NotFound, WrongEncryptionKey
from tests.db.builders import later, usd
from tests.db.conftest import Opener, keys_of
from tests.db.saved_builders import BUYER, OTHER_SELLER, SELLER, dispute, payment, refund, saved_card, with_saved

STATE = SavedCardState


def _connection(unit: Unit) -> Connection:
    return unit.box._connection


def _found(books: Books, name: str, **how: Any) -> list[str]:
    with books.read() as unit:
        return [card.id for card in unit.saved_cards.find(name, **how)]


# --- saved cards


def test_what_is_put_comes_back_whole(books: Books) -> None:
    whole = saved_card()
    nothing: dict[str, Any] = dict.fromkeys(("email", "ref", "brand", "last4", "exp_month", "exp_year"))
    bare = saved_card("nobody@example.com", state=STATE.PENDING, **nothing, version=0)
    with_saved(books, whole, bare)
    with books.read() as unit:
        assert unit.saved_cards.named(whole.id) == whole
        assert unit.saved_cards.named(bare.id) == bare
        assert unit.saved_cards.get("sc_nobody") is None
        with pytest.raises(NotFound) as told:
            unit.saved_cards.named("sc_nobody")
    assert told.value.code == "SAVED_CARD_NOT_FOUND"


def test_a_change_takes_the_place_of_what_was_and_keeps_the_raw_json(books: Books) -> None:
    with_saved(books)
    changed = saved_card(ref="ccof:new", last4="1111", state=STATE.DISABLED, version=8)
    with books.write() as unit:
        before = _connection(unit).execute(text("SELECT raw FROM saved_cards")).scalar_one()
        unit.saved_cards.put(changed)
        assert _connection(unit).execute(text("SELECT raw FROM saved_cards")).scalar_one() == before
        assert list(unit.saved_cards.rows()) == [changed]
        assert unit.saved_cards.by_ref(SELLER, "ccof:new") == changed
        assert unit.saved_cards.by_ref(SELLER, str(saved_card().ref)) is None
        unit.saved_cards.put(changed, raw={"id": "ccof:new"})
        assert _connection(unit).execute(text("SELECT raw FROM saved_cards")).scalar_one() != before


def test_a_person_has_one_saved_card_with_each_seller(books: Books) -> None:
    here, there = saved_card(), saved_card(programme=OTHER_SELLER)
    assert here.id != there.id
    with_saved(books, here, there)
    with books.read() as unit:
        assert unit.saved_cards.of_person(SELLER, BUYER) == here
        assert unit.saved_cards.of_person(OTHER_SELLER, BUYER) == there
        assert unit.saved_cards.of_person("square/default", BUYER) is None
        assert {card.id for card in unit.saved_cards.rows(SavedCardFilter(person=BUYER))} == {here.id, there.id}
    with pytest.raises(IntegrityError), books.write() as unit:
        unit.saved_cards.put(replace(here, id="sc_another"))


def test_the_providers_names_find_within_a_seller_alone(books: Books) -> None:
    """Two sellers' refs are different worlds: one and the same name may stand in both."""
    here = saved_card(ref="ccof:same", customer_ref="SAME")
    there = saved_card(programme=OTHER_SELLER, ref="ccof:same", customer_ref="SAME")
    with_saved(books, here, there, saved_card("third@example.com"))
    with books.read() as unit:
        assert unit.saved_cards.by_refs(SELLER, ["ccof:same", "ccof:none"]) == {"ccof:same": here}
        assert unit.saved_cards.by_refs(OTHER_SELLER, iter(["ccof:same"])) == {"ccof:same": there}
        assert unit.saved_cards.of_customers(SELLER, ["SAME", "NONE"]) == [here]
        assert unit.saved_cards.of_customers(SELLER, []) == []
        assert unit.saved_cards.by_refs(SELLER, ["SAME"]) == {}, "a customer's name is no card's"


def test_many_refs_at_once(books: Books) -> None:
    cards = [saved_card(f"p{number}@example.com") for number in range(1_200)]
    with_saved(books, *cards)
    with books.read() as unit:
        assert unit.saved_cards.by_refs(SELLER, [str(card.ref) for card in cards]) == {card.ref: card for card in cards}
        assert len(unit.saved_cards.of_customers(SELLER, [str(card.customer_ref) for card in cards])) == 1_200
        assert [card.id for card in unit.saved_cards.rows()] == sorted((card.id for card in cards), reverse=True)


def test_a_saved_card_answers_to_its_id_its_person_its_ref_and_a_prefix(books: Books) -> None:
    here, there = saved_card(), saved_card(programme=OTHER_SELLER)
    with_saved(books, here, there, saved_card("third@example.com"))
    assert _found(books, here.id) == [here.id]
    assert sorted(_found(books, BUYER)) == sorted([here.id, there.id])
    assert _found(books, BUYER, programme=SELLER) == [here.id]
    assert _found(books, str(here.ref)) == [here.id]
    assert _found(books, str(here.ref), programme=OTHER_SELLER) == []
    assert _found(books, here.id[:12]) == [here.id]
    assert _found(books, here.id[:12], prefix=False) == []
    assert _found(books, here.id[:7]) == [], "too short a prefix"
    assert _found(books, str(here.customer_ref)) == [], "nobody is shown a customer's name, nor asked for it"
    for strange in ("", "%", "sc_%", "ccof:", "ccof:'; DROP TABLE saved_cards", "sc_\U0010ffff"):
        assert _found(books, strange) == []


@pytest.mark.parametrize(
    ("state", "past", "expected"),
    [
        (STATE.ACTIVE, None, {"good", "this-month", "undated", "last-month", "last-year"}),
        (STATE.ACTIVE, (2026, 11), {"good", "this-month"}),
        (STATE.EXPIRED, None, {"marked"}),
        (STATE.EXPIRED, (2026, 11), {"marked", "last-month", "last-year"}),
        (STATE.DISABLED, (2026, 11), {"off"}),
        (STATE.GONE, None, set()),
        (None, (2026, 11), {"good", "this-month", "undated", "last-month", "last-year", "marked", "off"}),
    ],
)
def test_an_active_card_of_a_month_that_is_over_is_listed_as_expired(
    books: Books, state: STATE | None, past: tuple[int, int] | None, expected: set[str]
) -> None:
    with_saved(
        books,
        saved_card("good", exp_year=2029, exp_month=1),
        saved_card("this-month", exp_year=2026, exp_month=11),
        saved_card("last-month", exp_year=2026, exp_month=10),
        saved_card("last-year", exp_year=2025, exp_month=12),
        saved_card("undated", exp_year=None, exp_month=None),
        saved_card("marked", exp_year=2025, exp_month=12, state=STATE.EXPIRED),
        saved_card("off", exp_year=2025, exp_month=12, state=STATE.DISABLED),
    )
    wanted = SavedCardFilter(state=state, past=past)
    with books.read() as unit:
        found = {card.person for card in unit.saved_cards.rows(wanted)}
    assert found == expected


def test_lists_are_narrowed_cut_and_newest_first(books: Books) -> None:
    one, two = saved_card("one"), saved_card("two", programme=OTHER_SELLER, created_at=later(10))
    with_saved(books, one, two)
    with books.read() as unit:
        assert list(unit.saved_cards.rows()) == [two, one]
        assert list(unit.saved_cards.rows(SavedCardFilter(limit=1))) == [two]
        assert list(unit.saved_cards.rows(SavedCardFilter(programme=SELLER, provider="square"))) == [one]
        assert list(unit.saved_cards.rows(SavedCardFilter(since=later(10)))) == [two]
        assert list(unit.saved_cards.rows(SavedCardFilter(until=later(10)))) == [one]


def test_a_card_is_marked_as_expired(books: Books) -> None:
    with_saved(books)
    card = saved_card()
    with books.write() as unit:
        unit.saved_cards.expire(card.id, later(5))
        assert unit.saved_cards.named(card.id) == replace(card, state=STATE.EXPIRED, updated_at=later(5))
        with pytest.raises(NotFound):
            unit.saved_cards.expire("sc_nobody", later(5))


# --- sealed


def test_no_name_of_a_buyer_stands_in_the_files(tmp_path: Path, opened: Opener) -> None:
    books = opened(tmp_path / "books.db")
    with_saved(books)
    with books.write() as unit:
        unit.payments.put(payment(), raw={"card_details": {"card": {"id": saved_card().ref}}})
        unit.payments.put_refund(refund(), raw={"customer_id": saved_card().customer_ref})
    stored = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert b"sq_pay_00000001" in stored, "the search itself works"
    assert b"ccof:" not in stored
    assert b"CUSTOMER_" not in stored


def test_a_wrong_key_opens_nothing_and_finds_nothing_quietly(target: str, opened: Opener) -> None:
    with_saved(opened(target))
    wrong = opened(target, keys=keys_of("other-" * 10))
    reads: list[Callable[[Unit], object]] = [
        lambda unit: unit.saved_cards.get(saved_card().id),
        lambda unit: list(unit.saved_cards.rows()),
        lambda unit: unit.saved_cards.by_ref(SELLER, "ccof:none"),
        lambda unit: unit.saved_cards.find("ccof:none"),
    ]
    for read in reads:
        with pytest.raises(WrongEncryptionKey), wrong.read() as unit:
            read(unit)
    with pytest.raises(WrongEncryptionKey), wrong.write() as unit:
        unit.saved_cards.put(saved_card("second"))
    with opened(target).read() as unit:
        assert list(unit.saved_cards.rows()) == [saved_card()]


@pytest.mark.parametrize("column", ["ref", "customer_ref"])
def test_a_sealed_name_that_was_moved_to_another_row_is_told(books: Books, column: str) -> None:
    """Who may write the file must not make a buyer pay with another one's card."""
    with_saved(books, saved_card("one"), saved_card("two"))
    one, two = (saved_card_id(SELLER, person) for person in ("one", "two"))
    move = f"UPDATE saved_cards SET {column} = (SELECT s.{column} FROM saved_cards s WHERE s.id = :two) WHERE id = :one"
    with books.write() as unit:
        _connection(unit).execute(text(move), {"one": one, "two": two})
    with pytest.raises(BooksCorrupt, match=one), books.read() as unit:
        unit.saved_cards.get(one)
    with books.read() as unit:
        assert unit.saved_cards.named(two).person == "two"


@pytest.mark.parametrize("person", ["one", "two"])
def test_a_hash_that_was_moved_to_another_row_finds_nobody_else(books: Books, person: str) -> None:
    with_saved(books, saved_card("one"), saved_card("two"))
    meant = saved_card(person)
    with books.write() as unit:
        same = "UPDATE saved_cards SET ref_digest = (SELECT s.ref_digest FROM saved_cards s WHERE s.person = :person)"
        _connection(unit).execute(text(same), {"person": person})
    with books.read() as unit:
        assert unit.saved_cards.by_ref(SELLER, str(meant.ref)) == meant, "what a row says of itself is what counts"


# --- payments, refunds, disputes


def test_payments_come_back_whole_and_are_found(books: Books) -> None:
    with_saved(books)
    hold = payment()
    charge = payment(
        "pay_00000002",
        kind=PaymentKind.CHARGE,
        state=PaymentState.COMPLETED,
        amount=usd(900),
        tip=usd(50),
        captured=usd(950),
        refunded=usd(100),
        expires_at=None,
        invoice=None,
        created_at=later(10),
        asked=None,
    )
    with books.write() as unit:
        for each in (hold, charge):
            unit.payments.put(each, raw={"id": each.ref})
    with books.read() as unit:
        payments = unit.payments
        assert payments.named(hold.id) == hold
        assert payments.get("pay_none") is None
        assert payments.by_refs(SELLER, [hold.ref, charge.ref, "none"]) == {hold.ref: hold, charge.ref: charge}
        assert payments.by_refs(OTHER_SELLER, [hold.ref]) == {}
        assert payments.of_invoice(SELLER, "lot-7") == [hold]
        assert payments.find(hold.id) == payments.find(hold.ref) == [hold]
        assert payments.find("pay_0000") == [hold, charge]
        assert payments.find(hold.ref, programme=OTHER_SELLER) == []
        assert list(payments.rows()) == [charge, hold]
        for told, expected in (
            (PaymentFilter(state=PaymentState.APPROVED), [hold]),
            (PaymentFilter(kind=PaymentKind.CHARGE), [charge]),
            (PaymentFilter(saved_card_id=hold.saved_card_id, invoice="lot-7"), [hold]),
            (PaymentFilter(programme=OTHER_SELLER), []),
            (PaymentFilter(since=later(10)), [charge]),
            (PaymentFilter(limit=1), [charge]),
        ):
            assert list(payments.rows(told)) == expected, told
        with pytest.raises(NotFound) as missing:
            payments.named("pay_none")
    assert missing.value.code == "PAYMENT_NOT_FOUND"


def test_a_payment_changes_in_its_place(books: Books) -> None:
    with_saved(books)
    with books.write() as unit:
        unit.payments.put(payment(), raw={"id": 1})
        captured = payment(state=PaymentState.COMPLETED, amount=usd(4210), captured=usd(4210), updated_at=later(60))
        unit.payments.put(captured)
        assert list(unit.payments.rows()) == [captured]
        assert captured.refundable == usd(4210)
        assert captured.first_asked == usd(5000)
    with pytest.raises(IntegrityError), books.write() as unit:
        unit.payments.put(payment("pay_00000002", ref="sq_pay_00000001"))
    with pytest.raises(IntegrityError), books.write() as unit:
        unit.payments.put(payment("pay_00000002", saved_card_id="sc_nobody"))
    with pytest.raises(IntegrityError), books.write() as unit:
        unit.payments.put(payment("pay_00000002", captured=usd(-1)))
    with books.read() as unit:
        assert list(unit.payments.rows()) == [captured]


def test_refunds_belong_to_a_payment(books: Books) -> None:
    with_saved(books)
    with books.write() as unit:
        unit.payments.put(payment())
        one, two = refund(), refund("rfd_00000002", reason=None, invoice=None, created_at=later(1))
        for each in (two, one):
            unit.payments.put_refund(each, raw={"id": each.ref})
        assert unit.payments.refunds_of("pay_00000001") == [one, two]
        done = replace(one, state=RefundState.COMPLETED)
        unit.payments.put_refund(done)
        assert unit.payments.refunds_by_refs(SELLER, [one.ref, "none"]) == {one.ref: done}
        assert unit.payments.refunds_by_refs(OTHER_SELLER, [one.ref]) == {}
    with pytest.raises(IntegrityError), books.write() as unit:
        unit.payments.put_refund(refund("rfd_00000003", payment_id="pay_none"))


def test_a_dispute_may_come_before_its_payment_is_known(books: Books) -> None:
    with books.write() as unit:
        unit.payments.put_dispute(dispute())
        lost = dispute(state="lost", due_at=None, reason=None, version=3)
        unit.payments.put_dispute(lost)
        unit.payments.put_dispute(dispute("dts_2", programme=OTHER_SELLER))
        assert unit.payments.dispute(SELLER, "dts_1") == lost
        assert unit.payments.dispute(OTHER_SELLER, "dts_1") is None
        assert unit.payments.disputes_of(SELLER, "sq_pay_00000001") == [lost]
        assert unit.payments.disputes_of(SELLER, "none") == []


def test_an_emptied_simulator_keeps_none_of_them(books: Books) -> None:
    with_saved(books)
    with books.write() as unit:
        unit.payments.put(payment())
        unit.payments.put_refund(refund())
        unit.payments.put_dispute(dispute())
        emptied = unit.empty()
    assert {name: emptied[name] for name in ("saved_cards", "payments", "refunds", "disputes")} == dict.fromkeys(
        ("saved_cards", "payments", "refunds", "disputes"), 1
    )
    with books.read() as unit:
        assert [*unit.saved_cards.rows(), *unit.payments.rows()] == []
