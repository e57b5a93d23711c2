"""What customers are told: the supplier's own words about an eSIM's use, and why money goes back; the former sealed at rest."""

from __future__ import annotations

import pytest

from cardctl.domain.letters import LetterKind
from cardctl.domain.orders import OrderState
from tests.services.orders import Ground


@pytest.mark.parametrize("offer", ["ESIM-TR-7D-1GB", "ESIM-NOCODE"])
def test_the_supplier_s_words_are_in_the_mail_and_sealed(ground: Ground, offer: str) -> None:
    order = ground.bring(ground.sell(offer=offer))
    assert order.state is OrderState.DELIVERED
    (letter,) = ground.mails
    said = ground.purchase(order.purchase_ref or "")["confirmation"]["redemptionInstructions"]
    assert said
    assert letter.instructions == said
    with ground.shop.books.read() as unit:
        assert unit.orders.instructions(order.id) == said
        kept = unit._connection.exec_driver_sql("SELECT instructions FROM orders").scalar_one()
    assert kept.startswith("v1.")
    assert said not in repr(letter)


@pytest.mark.parametrize(
    ("offer", "reason"), [("ESIM-DISABLED", "it is not sold any more"), ("ESIM-FAIL", "the operator could not provide it")]
)
def test_why_money_goes_back_is_told_in_plain_words(ground: Ground, offer: str, reason: str) -> None:
    order = ground.bring(ground.sell(offer=offer))
    assert order.state is OrderState.REFUNDED
    (letter,) = ground.mails
    assert (letter.kind, letter.reason) == (LetterKind.REFUND, reason)
