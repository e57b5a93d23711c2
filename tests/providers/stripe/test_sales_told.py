"""What events say of customers' payments: an order's at once, a charge's and a refund's by name, other business not at all."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cardctl.domain.events import NOTHING, Notice, Told
from cardctl.domain.money import Money
from cardctl.domain.sales import NOTHING_SOLD, OrderData, SaleState, SoldTold
from cardctl.domain.things import Kind, Named
from cardctl.errors import BadEvent
from cardctl.providers import registry
from cardctl.providers.base import require
from cardctl.providers.notifying import ReceivesWebhooks
from cardctl.providers.stripe_issuing.webhooks import StripeWebhooks
from tests.providers.conftest import Hand
from tests.providers.scripted import Script
from tests.providers.stripe import objects
from tests.providers.stripe.test_sales import DATA
from tests.providers.stripe.test_webhooks import event

OWN = {"order_names": {"offer": "sku", "recipient": "mail", "full_name": "who", "transaction": "no"}}
PAID = ["checkout.session.completed", "checkout.session.async_payment_succeeded", "payment_intent.succeeded"]


def told(kind: str, about: Any, settings: dict[str, Any] | None = None, **more: Any) -> Told:
    webhooks = StripeWebhooks(settings)
    (notice,) = webhooks.notices(event(kind, about, **more))
    return webhooks.told(notice)


def of(kind: str, **fields: Any) -> dict[str, Any]:
    return objects.sale(**fields) if kind.startswith("payment_intent") else objects.checkout(**fields)


def test_a_payment_of_an_order_is_told_at_once() -> None:
    found = told("payment_intent.succeeded", objects.sale(latest_charge="ch_1"))
    (sale,) = found.sold.sales
    assert found == Told(sold=SoldTold(sales=(sale,)))
    assert (sale.ref, sale.state, sale.amount, sale.data) == ("pi_1", SaleState.PAID, Money(1500, "USD"), DATA)
    assert (sale.refunded, sale.disputed, sale.raw) == (None, None, {})
    assert not found.informs


@pytest.mark.parametrize("kind", PAID[:2])
def test_a_checkout_of_an_order_is_told_at_once(kind: str) -> None:
    found = told(kind, objects.checkout())
    (checkout,) = found.sold.checkouts
    assert found == Told(sold=SoldTold(checkouts=(checkout,)))
    assert (checkout.ref, checkout.paid, checkout.sale_ref, checkout.data) == ("cs_test_1", True, "pi_1", DATA)


def test_a_checkout_whose_money_is_on_its_way_is_not_paid() -> None:
    (checkout,) = told("checkout.session.completed", objects.checkout(payment_status="unpaid")).sold.checkouts
    assert not checkout.paid


@pytest.mark.parametrize(
    ("kind", "about", "name"),
    [
        ("charge.refunded", objects.charge(amount_refunded=1), Named(Kind.SALE, "pi_1")),
        ("charge.refunded", objects.charge(payment_intent=objects.sale()), Named(Kind.SALE, "pi_1")),
        ("charge.dispute.created", {"id": "dp_1", "payment_intent": "pi_1"}, Named(Kind.SALE, "pi_1")),
        ("charge.dispute.closed", {"id": "dp_1", "payment_intent": "pi_1"}, Named(Kind.SALE, "pi_1")),
        ("charge.dispute.reopened", {"id": "dp_1", "payment_intent": "pi_1"}, Named(Kind.SALE, "pi_1")),
    ],
)
def test_what_only_a_reading_tells(kind: str, about: dict[str, Any], name: Named) -> None:
    found = told(kind, about)
    assert found == Told(sold=SoldTold(look=(name,)))
    assert not found.informs


@pytest.mark.parametrize("kind", ["charge.refund.updated", "refund.created", "refund.updated", "refund.failed"])
def test_a_refund_is_read_and_its_payment(kind: str) -> None:
    """What others gave back is known by the payment alone, and so is that it came to nothing."""
    found = told(kind, objects.sale_refund(status="failed"))
    assert found == Told(sold=SoldTold(look=(Named(Kind.SALE, "pi_1"), Named(Kind.SALE_REFUND, "re_1"))))


@pytest.mark.parametrize("settings", [None, {"account": "acct_1"}])
@pytest.mark.parametrize(
    ("kind", "about"),
    [
        *((kind, of(kind)) for kind in PAID),
        ("charge.refunded", objects.charge(amount_refunded=1)),
        ("charge.dispute.created", {"id": "dp_1", "payment_intent": "pi_1"}),
        ("refund.failed", objects.sale_refund(status="failed")),
    ],
)
def test_what_a_connected_account_sells_is_not_ours(kind: str, about: dict[str, Any], settings: dict[str, Any] | None) -> None:
    assert told(kind, about, settings, account="acct_2") == NOTHING
    assert told(kind, about, {"account": "acct_2"}, account="acct_2").sold


def test_a_card_of_a_connected_account_is_told() -> None:
    """Whose cards these are is the books' to say."""
    assert told("issuing_card.updated", objects.card(), {"account": "acct_1"}, account="acct_2").cards


@pytest.mark.parametrize(
    ("kind", "about"),
    [
        *((kind, of(kind, metadata={"invoice": "7"})) for kind in PAID),
        *((kind, of(kind, metadata=None)) for kind in PAID),
        *((kind, {"id": "x", "amount": "strange", "currency": 7}) for kind in PAID),
        ("checkout.session.completed", objects.checkout(mode="setup", metadata={}, currency=None, amount_total=None)),
        ("payment_intent.created", objects.sale(status="requires_payment_method")),
        ("payment_intent.payment_failed", objects.sale(status="requires_payment_method")),
        ("payment_intent.canceled", objects.sale(status="canceled")),
        ("checkout.session.expired", objects.checkout(status="expired")),
        ("checkout.session.async_payment_failed", objects.checkout(payment_status="unpaid")),
        ("charge.succeeded", objects.charge()),
        ("charge.updated", objects.charge()),
        ("charge.refunded", objects.charge(payment_intent=None)),
        ("charge.dispute.created", {"id": "dp_1", "payment_intent": None}),
        ("refund.created", objects.sale_refund(payment_intent=None)),
    ],
)
def test_what_says_nothing_of_an_order(kind: str, about: dict[str, Any]) -> None:
    assert told(kind, about) == NOTHING
    assert NOTHING.sold == NOTHING_SOLD


@pytest.mark.parametrize(
    ("kind", "about"),
    [
        *((kind, None) for kind in PAID),
        *((kind, [objects.sale()]) for kind in PAID),
        *((kind, of(kind, metadata="offerId")) for kind in PAID),
        *((kind, of(kind, currency="ugx")) for kind in PAID),
        *((kind, of(kind, created="now")) for kind in PAID),
        ("payment_intent.succeeded", objects.sale(amount_received=15.5)),
        ("payment_intent.succeeded", objects.sale(id=None)),
        ("refund.created", objects.sale_refund(id=None)),
        ("charge.refunded", None),
    ],
)
def test_an_order_that_is_not_what_it_must_be_is_no_news(kind: str, about: Any) -> None:
    with pytest.raises(BadEvent):
        told(kind, about)


def test_the_profile_says_how_an_order_is_called(hand: Hand) -> None:
    said = {"sku": "ESIM", "offerId": "OTHER"}
    assert told("payment_intent.succeeded", objects.sale(metadata={"offerId": "OTHER"}), OWN) == NOTHING
    of_registry = registry.webhooks("stripe", OWN, simulated=False)
    of_provider = require(registry.build("stripe", hand(Script(), settings=OWN)), ReceivesWebhooks).webhooks
    for webhooks in (of_registry, of_provider):
        (notice,) = webhooks.notices(event("payment_intent.succeeded", objects.sale(metadata=said)))
        (sale,) = webhooks.told(notice).sold.sales
        assert sale.data == OrderData("ESIM")


@pytest.mark.parametrize(
    ("kind", "about", "ref"),
    [
        ("payment_intent.succeeded", objects.sale(), "pi_1"),
        ("checkout.session.completed", objects.checkout(), "cs_test_1"),
        ("charge.refunded", objects.charge(), "ch_1"),
        ("refund.created", objects.sale_refund(), "re_1"),
    ],
)
def test_what_such_a_notice_is_about(kind: str, about: dict[str, Any], ref: str) -> None:
    (notice,) = StripeWebhooks().notices(event(kind, about))
    assert (notice.object_ref, notice.card_ref, notice.live) == (ref, None, False)


@pytest.mark.parametrize("kind", ["payment_intent.created", "charge.succeeded", "checkout.session.expired", "charge.updated"])
def test_other_types_are_passed_over_unread(kind: str) -> None:
    class Closed(dict[str, Any]):
        def __getitem__(self, name: str) -> Any:
            raise AssertionError("it was looked into")

        get = __getitem__  # type: ignore[assignment]

    notice = Notice("evt_1", kind, "x", None, None, Closed())
    assert StripeWebhooks().told(notice) == NOTHING


def test_what_is_told_of_a_payment_has_no_secret() -> None:
    kinds = [*PAID, "charge.refunded", "refund.created"]
    everything = [
        told(kind, objects.sale(latest_charge="ch_1") if "intent" in kind else objects.checkout()) for kind in kinds[:3]
    ]
    assert "secret" not in json.dumps([str(one) for one in everything])
