"""A supplier that seems to sell nothing at all: nobody is refunded for that, and orders go on when it sells again."""

from __future__ import annotations

from cardctl.domain.fulfilment import Why
from cardctl.domain.orders import OrderState
from cardctl.providers.base import require
from cardctl.providers.selling import SellsEsims
from tests.services.orders import PRICE, Ground


def everything(ground: Ground, *, enabled: str) -> None:
    seller = require(ground.supply.desk.provider, SellsEsims)
    for offer in [one.id for page in seller.offers() for one in page]:
        ground.control.edit(offer, {"enabled": enabled})


def test_an_empty_catalogue_refunds_nobody(ground: Ground) -> None:
    everything(ground, enabled="false")
    order = ground.bring(ground.sell())
    assert (order.state, order.reason_code) == (OrderState.PAID, Why.UNAVAILABLE)
    assert "lists no offer" in (order.reason or "")
    assert (ground.paid, ground.letters(), ground.purchases()) == (PRICE, [], [])
    everything(ground, enabled="true")
    ground.later(hours=1)
    assert ground.go_on(order).state is OrderState.DELIVERED
    assert ground.paid == PRICE
    assert len(ground.purchases()) == 1


def test_one_offer_that_is_gone_among_others_is_given_back(ground: Ground) -> None:
    ground.control.edit("ESIM-TR-7D-1GB", {"enabled": "false"})
    order = ground.bring(ground.sell())
    assert (order.state, order.reason_code) == (OrderState.REFUNDED, Why.OFFER_GONE)
    assert (ground.paid, ground.purchases()) == (0, [])
