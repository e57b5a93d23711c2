"""Our side of saved cards, payments and refunds as a comparison reads it, on both databases."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from cardctl.db.columns import moment_to_text
from cardctl.db.comparable_saved import ComparableSaved
from cardctl.db.unit import Books
from cardctl.domain.comparing.sides import PaymentSide, RefundSide, SavedCardSide
from cardctl.domain.operations import OperationState
from cardctl.domain.payments import PaymentState
from cardctl.domain.saved_cards import SavedCardState
from tests.db.builders import NOW, later, operation, usd
from tests.db.conftest import Opener, keys_of
from tests.db.saved_builders import OTHER_SELLER, SELLER, payment, refund, saved_card, with_saved

OLD, NEW = "k" * 40, "n" * 40


def cards_of(unit: Any) -> list[SavedCardSide]:
    return [SavedCardSide._make(row) for row in unit.comparable_saved.cards(SELLER)]


def test_a_seller_alone(target: str, opened: Opener) -> None:
    books = opened(target)
    ours = saved_card(state=SavedCardState.DISABLED)
    without = saved_card("new@example.com", ref=None, customer_ref=None, state=SavedCardState.PENDING)
    with_saved(books, ours, saved_card("other@example.com", programme=OTHER_SELLER))
    with books.write() as unit:
        unit.saved_cards.put(without)
    with books.read() as unit:
        comparable, hasher = unit.comparable_saved, unit.comparable_saved.hasher()
        assert cards_of(unit) == [
            SavedCardSide(hasher(str(ours.ref)), "disabled", "visa", "5858", 11, 2029, "", ours.id, moment_to_text(NOW))
        ]
        assert comparable.sellers() == [("square", SELLER), ("square", OTHER_SELLER)]
        assert comparable.states(SELLER) == {"disabled": 1, "pending": 1}
    assert hasher(str(ours.ref)) != hasher(str(ours.customer_ref)), "it needs no books"


def test_both_keys_of_a_rotation_come_to_one_name(target: str, opened: Opener) -> None:
    """Cards that the key before has sealed still stand among those of the key in use, in order."""
    people = [f"{n}@example.com" for n in range(12)]
    with_saved(opened(target, keys=keys_of(OLD)), *(saved_card(each) for each in people[:6]))
    books = opened(target, keys=keys_of(NEW, OLD))
    with_saved(books, *(saved_card(each) for each in people[6:]))
    with books.read() as unit:
        key, hasher = unit.comparable_saved.key, unit.comparable_saved.hasher()
        mixed = cards_of(unit)
    assert [each.ref for each in mixed] == sorted(hasher(str(saved_card(each).ref)) for each in people)
    with books.write() as unit:
        unit.box.reseal()
    after = opened(target, keys=keys_of(NEW))
    with after.read() as unit:
        assert (unit.comparable_saved.key, cards_of(unit)) == (key, mixed)


def _paid(books: Books) -> None:
    with books.write() as unit:
        unit.saved_cards.put(saved_card())
        unit.payments.put(payment("pay_2", ref="B", created_at=later(10), told_at=later(20)))
        done = {"state": PaymentState.COMPLETED, "captured": usd(5000), "refunded": usd(1000), "expires_at": None}
        unit.payments.put(payment("pay_1", ref="A", tip=usd(100), **done))
        unit.payments.put_refund(refund("rfd_1", ref="r1", payment_id="pay_1", created_at=later(30)))


def test_payments_and_refunds(target: str, opened: Opener) -> None:
    books = opened(target)
    _paid(books)
    with books.read() as unit:
        comparable: ComparableSaved = unit.comparable_saved
        first, second = map(PaymentSide._make, comparable.payments(SELLER, None))
        assert first[:7] == ("A", "completed", 5000, 100, 5000, 1000, "USD")
        assert (second.ref, second.state, second.expires_at) == ("B", "approved", moment_to_text(NOW + timedelta(days=7)))
        assert (second.updated_at, second.id, second.saved_card_id) == (moment_to_text(later(20)), "pay_2", saved_card().id)
        (given,) = map(RefundSide._make, comparable.refunds(SELLER, None))
        assert given[:4] == ("r1", "pending", 1000, "USD")
        assert given.payment_ref == "A"
        assert [row[0] for row in comparable.payments(SELLER, moment_to_text(later(5)))] == ["B"]
        assert [row[0] for row in comparable.refunds(SELLER, moment_to_text(later(31)))] == []
        assert list(comparable.payments(OTHER_SELLER, None)) == list(comparable.refunds(OTHER_SELLER, None)) == []
        assert comparable.sums(SELLER) == {"USD": (5000, 5000, 1000)}
        assert comparable.cards_of_payments(SELLER, ["A", "B", "C"]) == dict.fromkeys(["A", "B"], saved_card().id)
        assert comparable.payment_refs(SELLER, ["pay_1", "pay_9"]) == {"pay_1": "A"}


def test_operations_that_are_not_over(target: str, opened: Opener) -> None:
    books = opened(target)
    with books.write() as unit:
        unit.saved_cards.put(saved_card())
        words: dict[str, Any] = {"provider": "square", "programme": SELLER, "target": saved_card().id}
        unit.operations.add(operation("op_1", kind="saved_card.charge", state=OperationState.IN_DOUBT, **words))
        unit.operations.add(operation("op_2", kind="saved_card.preauth", state=OperationState.DONE, **words))
        unit.operations.add(operation("op_3", kind="saved_card.add", state=OperationState.DONE, **words))
    with books.read() as unit:
        assert unit.comparable_saved.open_operations(SELLER) == [("op_1", "saved_card.charge", saved_card().id)]
        assert dict(unit.comparable_saved.makers(SELLER, ["op_1", "op_2", "op_3", "op_4"])) == dict.fromkeys(
            ["op_1", "op_2"], saved_card().id
        )
        assert list(unit.comparable_saved.makers(OTHER_SELLER, ["op_1"])) == []
