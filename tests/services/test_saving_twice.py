"""What comes twice of one request: a decline, and what its repetition under the same key came to. The books mean the money."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from pathlib import Path

import pytest

from cardctl.domain.operations import OperationState
from cardctl.domain.payments import PaymentState, RefundState, RemoteRefund
from cardctl.domain.saved_cards import SavedTold
from tests.db.builders import NOW, later, operation, usd
from tests.db.saved_builders import SELLER
from tests.services.shop import Shop, desk_at, tell, tell_all


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_late_decline_takes_no_paid_invoice_back(tmp_path: Path, order: tuple[int, ...]) -> None:
    desk, shop = desk_at(tmp_path / "books.db"), Shop()
    shop.pay("SECOND", 5000, mark="op_charge")
    paid = shop.payments["SECOND"]
    declined = replace(paid, ref="FIRST", state=PaymentState.FAILED, captured=usd(0), raw={"id": "FIRST"})
    words = [paid, declined, replace(declined, ref="ZEROTH", raw={"id": "ZEROTH"})]
    for place in order:
        tell(desk, SavedTold(payments=(words[place],)), shop.shelf)
    with desk.books.read() as unit:
        living = [one for one in unit.payments.of_invoice(SELLER, "lot-7") if one.state is PaymentState.COMPLETED]
        mine = unit.payments.named("pay_charge")
    assert [(one.id, one.ref, one.captured) for one in living] == [("pay_charge", "SECOND", usd(5000))]
    assert (mine.ref, mine.invoice, mine.asked) == ("SECOND", "lot-7", usd(5000))


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_late_refusal_takes_no_refund_back(tmp_path: Path, order: tuple[int, int]) -> None:
    desk, shop = desk_at(tmp_path / "books.db"), Shop()
    shop.pay("P", 5000, mark="op_charge")
    tell_all(desk, shop)
    making = {"kind": "saved_card.refund", "target": "pay_charge", "provider": "square", "programme": SELLER, "about": "lot-7"}
    with desk.books.write() as unit:
        unit.operations.add(operation("op_ref", state=OperationState.SENT, amount=usd(1000), **making))
    given = RemoteRefund("R2", {"id": "R2"}, "P", RefundState.COMPLETED, usd(1000), None, "op_ref", NOW, later(5))
    words = [given, replace(given, ref="R1", raw={"id": "R1"}, state=RefundState.FAILED, updated_at=later(4))]
    for place in order:
        tell(desk, SavedTold(refunds=(words[place],)), shop.shelf)
    with desk.books.read() as unit:
        mine, payment = unit.payments.refund("rfd_ref"), unit.payments.named("pay_charge")
    assert mine is not None
    assert (mine.ref, mine.state, mine.invoice, payment.refunded) == ("R2", RefundState.COMPLETED, "lot-7", usd(1000))
