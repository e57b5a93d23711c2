"""What the books prove of orders: exact figures, the same on both databases."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from cardctl.db.figures import Share, Stuck
from cardctl.db.unit import Books
from cardctl.domain.esims import PurchaseState
from cardctl.domain.fulfilment import FOREVER, Why
from cardctl.domain.order_figures import NO_ORDERS, OrderFigures, WalletNeed
from cardctl.domain.orders import Order, OrderState, SaleRefund, WalletTopUp
from cardctl.domain.payments import RefundState
from cardctl.domain.topups import TopUpState
from tests.db.builders import NOW, PROGRAMME, usd

ZENDIT = "zendit/default"
DAY = timedelta(days=1)


def order(number: int, state: OrderState, **fields: Any) -> Order:
    given: dict[str, Any] = {
        "id": f"order_{number:08d}",
        "programme": PROGRAMME,
        "environment": "simulator",
        "transaction_id": f"A-{number}",
        "state": state,
        "offer_id": "ESIM-TR-7D-1GB",
        "created_at": NOW,
        "updated_at": NOW,
        "due_at": FOREVER,
        "payment_ref": f"pi_{number}",
        "price": usd(300),
        "paid_at": NOW,
        "supplier": ZENDIT,
        "cost": usd(150),
    }
    return Order(**given | fields)


def delivered(number: int, seconds: float, **fields: Any) -> Order:
    return order(number, OrderState.DELIVERED, delivered_at=NOW + timedelta(seconds=seconds), **fields)


def kept(books: Books, *orders: Order) -> None:
    with books.write() as unit:
        for each in orders:
            unit.orders.put(each)


def figures(books: Books, provider: str | None = None, **ago: float) -> OrderFigures:
    with books.read() as unit:
        return unit.order_measures.figures(NOW - timedelta(**ago), provider)


def test_books_without_orders(books: Books) -> None:
    assert figures(books) == NO_ORDERS
    assert (NO_ORDERS.success_rate, NO_ORDERS.mean_ms, NO_ORDERS.p95_ms) == (None, None, None)


def test_a_purchase_that_failed_counts_whatever_became_of_its_refund(books: Books) -> None:
    failed = {"purchase": PurchaseState.FAILED, "purchase_ref": "A-1"}
    kept(
        books,
        order(1, OrderState.STUCK, reason_code=Why.REFUND_FAILED, **failed),
        order(2, OrderState.REFUNDED, reason_code=Why.PURCHASE_FAILED, **failed | {"purchase_ref": "A-2"}),
        order(3, OrderState.REFUNDED, reason_code=Why.PURCHASE_REFUSED),
        order(4, OrderState.REFUNDED, reason_code=Why.OFFER_GONE),
        delivered(5, 1, attempt=2),
    )
    assert figures(books, seconds=1).failed_purchases == 4


def test_success_counts_what_ended_and_was_ours_to_deliver(books: Books) -> None:
    kept(
        books,
        delivered(1, 2),
        delivered(2, 4),
        order(3, OrderState.REFUNDED, reason_code=Why.PURCHASE_FAILED),
        order(4, OrderState.STUCK, reason_code=Why.REFUND_REFUSED),
        order(5, OrderState.REFUNDED, reason_code=Why.PAID_TWICE),
        order(6, OrderState.REFUNDED, reason_code=Why.REFUNDED_ELSEWHERE),
        order(7, OrderState.ORDERED),
        order(8, OrderState.UNPAID, paid_at=None, payment_ref=None),
        delivered(9, 1, paid_at=NOW - DAY),
    )
    told = figures(books, seconds=1)
    assert (told.delivered, told.ended, told.success_rate) == (2, 4, Decimal("0.5000"))
    assert (told.issued, told.micros, told.mean_ms) == (2, 6_000_000, 3000)
    assert figures(books, days=2).ended == 5
    assert told.states == {"delivered": 3, "ordered": 1, "refunded": 3, "stuck": 1, "unpaid": 1}, "whenever they were paid"
    assert figures(books, "zendit", seconds=1) == figures(books, "stripe", seconds=1) == told
    assert figures(books, "square", days=2) == NO_ORDERS


def test_ninety_five_of_a_hundred_within(books: Books) -> None:
    kept(books, *(delivered(number, number) for number in range(1, 21)))
    told = figures(books, seconds=1)
    assert (told.p95_ms, told.mean_ms, told.issued) == (19_000, 10_500, 20)


def test_a_payment_whose_clock_is_ahead_took_no_time(books: Books) -> None:
    kept(books, delivered(1, -50), delivered(2, 4))
    assert (figures(books, seconds=1).mean_ms, figures(books, seconds=1).p95_ms) == (2000, 4000)


def test_every_purchase_that_failed_counts(books: Books) -> None:
    kept(
        books,
        delivered(1, 1, attempt=3),
        order(2, OrderState.REFUNDED, reason_code=Why.PURCHASE_FAILED, attempt=2),
        order(3, OrderState.REFUNDED, reason_code=Why.PURCHASE_REFUSED),
        order(4, OrderState.REFUNDED, reason_code=Why.OFFER_GONE),
    )
    assert figures(books, seconds=1).failed_purchases == 2 + 2 + 1


def test_refunds_and_top_ups(books: Books) -> None:
    kept(books, order(1, OrderState.REFUNDED))
    with books.write() as unit:
        for number, state in enumerate(RefundState):
            made = SaleRefund(f"srf_{number}", f"re_{number}", PROGRAMME, "order_00000001", usd(1), state, NOW, NOW)
            unit.order_money.put_refund(made)
        for number, topped in enumerate(TopUpState):
            top = WalletTopUp(f"op_{number}", "order_00000001", ZENDIT, None, None, usd(1), topped, NOW, NOW)
            unit.order_money.put_topup(top)
    told = figures(books, seconds=1)
    assert told.refunds == len(RefundState) - 2, "rejected and failed ones gave nothing back"
    assert told.failed_topups == 2, "failed, and reversed"
    assert (figures(books, "zendit", seconds=1).refunds, figures(books, "stripe", seconds=1).failed_topups) == (0, 0)
    with books.read() as unit:
        assert [top.id for top in unit.order_money.topups_of_many(["order_00000001"])["order_00000001"]] == [
            f"op_{number}" for number in range(len(TopUpState))
        ]
        assert len(unit.order_money.refunds_of_many(["order_00000001", "order_none"])["order_00000001"]) == len(RefundState)


def test_what_alerts_are_judged_by(books: Books) -> None:
    kept(
        books,
        *(order(number, OrderState.STUCK) for number in range(12)),
        order(20, OrderState.FUNDING, created_at=NOW - DAY),
        order(21, OrderState.FUNDING),
        order(22, OrderState.BUYING, reserved=usd(40)),
        delivered(23, 1),
        order(24, OrderState.STUCK, programme="stripe/other"),
    )
    with books.read() as unit:
        found = unit.order_measures
        first = tuple(f"order_{number:08d}" for number in range(10))
        assert found.stuck([PROGRAMME], NOW - DAY) == [Stuck(PROGRAMME, 12, first)]
        assert found.shares([PROGRAMME], NOW) == [Share(PROGRAMME, 12, 13)]
        assert found.shares([PROGRAMME], NOW + DAY) == []
        ids = "order_00000020", "order_00000021"
        assert found.needs([ZENDIT]) == [WalletNeed(ZENDIT, 2, usd(300), usd(40), ids)]
        assert found.stuck(["square/x"], NOW) == []
        assert found.needs(["square/x"]) == []
