"""Customers' payments over the wire: what is asked for, in how many requests, and what an answer or none at all comes to."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest

from cardctl.domain.money import Money
from cardctl.domain.operations import Draft
from cardctl.domain.payments import RefundState
from cardctl.domain.sales import CheckoutState, NewCheckout, OrderData, RemoteSaleRefund, SaleState
from cardctl.errors import BadAmount, BadInput, CardctlError, ProviderHasNot, ProviderRefused, ProviderUnavailable, ReplyLost
from cardctl.providers.base import Sighting
from cardctl.providers.stripe_issuing.provider import StripeProvider, build
from tests.providers.conftest import Hand
from tests.providers.scripted import Script, Step, ok, status
from tests.providers.stripe import objects
from tests.providers.stripe.test_sales import DATA

SUCCESS = "https://shop.example/thanks"
MISSING = {"type": "invalid_request_error", "message": "No such thing.", "code": "resource_missing"}
SPENT = {"type": "invalid_request_error", "message": "Charge ch_1 has been refunded.", "code": "charge_already_refunded"}


def usd(minor: int) -> Money:
    return Money(minor, "USD")


def wanted(**fields: Any) -> NewCheckout:
    return NewCheckout(**{"data": DATA, "price": usd(1500), "title": "Turkey, 1 GB", "success_url": SUCCESS, **fields})


def over(hand: Hand, *steps: Step, **parts: Any) -> tuple[StripeProvider, Script]:
    script = Script(*steps)
    return build(hand(script, **parts)), script


def form(request: httpx.Request) -> dict[str, str]:
    return dict(parse_qsl(request.content.decode() or request.url.query.decode()))


def test_a_checkout_carries_the_order_in_itself_and_in_its_payment(hand: Hand) -> None:
    provider, script = over(hand, ok(objects.checkout(status="open", payment_status="unpaid", url="https://pay.example/c")))
    draft = provider.draft_checkout(wanted(cancel_url="https://shop.example/cart"), "op_1")
    assert not script.requests
    made: Any = provider.send(draft, "op_1")
    (request,) = script.requests
    said = {**objects.ORDER, "cardctl_operation": "op_1"}
    assert (request.method, request.url.path, request.headers["idempotency-key"]) == ("POST", "/v1/checkout/sessions", "op_1")
    assert form(request) == {
        "mode": "payment",
        "line_items[0][price_data][currency]": "usd",
        "line_items[0][price_data][unit_amount]": "1500",
        "line_items[0][price_data][product_data][name]": "Turkey, 1 GB",
        "line_items[0][quantity]": "1",
        **{f"metadata[{name}]": value for name, value in said.items()},
        **{f"payment_intent_data[metadata][{name}]": value for name, value in said.items()},
        "customer_email": "ada@example.com",
        "success_url": SUCCESS,
        "cancel_url": "https://shop.example/cart",
    }
    assert (made.ref, made.state, made.url) == ("cs_test_1", CheckoutState.OPEN, "https://pay.example/c")


def test_an_order_that_knows_little_sends_little(hand: Hand) -> None:
    provider, _ = over(hand)
    draft = provider.draft_checkout(wanted(data=OrderData("ESIM"), price=Money(500, "JPY")), "op_1")
    assert draft.body["metadata"] == {"offerId": "ESIM", "cardctl_operation": "op_1"}
    assert draft.body["line_items"][0]["price_data"]["unit_amount"] == 500
    assert {"customer_email", "cancel_url"}.isdisjoint(draft.body)


def test_names_and_addresses_come_from_the_settings(hand: Hand) -> None:
    names = {"offer": "sku", "recipient": "mail", "full_name": "who", "transaction": "no"}
    settings = {"order_names": names, "success_url": "https://a.example/y", "cancel_url": "https://a.example/n"}
    provider, _ = over(hand, settings=settings)
    body = provider.draft_checkout(wanted(success_url=""), "op_1").body
    wished = {"sku": "ESIM-TR-7D-1GB", "mail": "ada@example.com", "who": "Ada L.", "no": "txn-1", "cardctl_operation": "op_1"}
    assert body["metadata"] == body["payment_intent_data"]["metadata"] == wished
    assert (body["success_url"], body["cancel_url"]) == ("https://a.example/y", "https://a.example/n")
    assert provider.draft_checkout(wanted(), "op_1").body["success_url"] == SUCCESS


def test_a_customer_who_has_paid_must_go_somewhere(hand: Hand) -> None:
    simulated, _ = over(hand)
    assert simulated.draft_checkout(wanted(success_url=""), "op_1").body["success_url"].startswith("https://example.com/")
    sandbox, _ = over(hand, environment="sandbox")
    with pytest.raises(BadInput) as caught:
        sandbox.draft_checkout(wanted(success_url=""), "op_1")
    assert "stripe.success_url" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"price": usd(0)}, BadAmount),
        ({"price": Money(5121, "KWD")}, BadAmount),
        ({"price": Money(500, "UGX")}, BadInput),
        ({"data": OrderData("E" * 501)}, BadInput),
    ],
)
def test_a_checkout_that_stripe_could_not_keep_is_not_drafted(
    hand: Hand, fields: dict[str, Any], kind: type[CardctlError]
) -> None:
    provider, _ = over(hand)
    with pytest.raises(kind):
        provider.draft_checkout(wanted(**fields), "op_1")


@pytest.mark.parametrize(("duplicate", "reason"), [(False, "requested_by_customer"), (True, "duplicate")])
def test_a_refund(hand: Hand, duplicate: bool, reason: str) -> None:
    provider, script = over(hand, ok(objects.sale_refund(amount=700, status="pending")))
    draft = provider.draft_sale_refund("pi_1", usd(700), "op_1", duplicate=duplicate)
    made: Any = provider.send(draft, "op_1")
    (request,) = script.requests
    sent = {"payment_intent": "pi_1", "amount": "700", "reason": reason, "metadata[cardctl_operation]": "op_1"}
    assert (request.url.path, request.headers["idempotency-key"], form(request)) == ("/v1/refunds", "op_1", sent)
    assert (made.ref, made.sale_ref, made.state, made.amount, made.mark) == (
        "re_1",
        "pi_1",
        RefundState.PENDING,
        usd(700),
        "op_1",
    )


def test_nothing_cannot_be_given_back(hand: Hand) -> None:
    provider, _ = over(hand)
    with pytest.raises(BadAmount):
        provider.draft_sale_refund("pi_1", usd(0), "op_1")


def drafted(provider: StripeProvider, subject: str) -> Draft:
    if subject == "checkout":
        return provider.draft_checkout(wanted(), "op_1")
    return provider.draft_sale_refund("pi_1", usd(1500), "op_1")


@pytest.mark.parametrize("subject", ["checkout", "sale_refund"])
@pytest.mark.parametrize(
    ("step", "kind"),
    [
        (status(400, **SPENT), ProviderRefused),
        (status(404, **MISSING), ProviderHasNot),
        (ok({}), ReplyLost),
        (ok({"id": "re_1"}), ReplyLost),
        (ok(objects.checkout(currency="ugx")), ReplyLost),
        (ok([]), ReplyLost),
    ],
)
def test_what_an_answer_to_a_write_means(hand: Hand, subject: str, step: Step, kind: type[CardctlError]) -> None:
    provider, _ = over(hand, step)
    with pytest.raises(CardctlError) as caught:
        provider.send(drafted(provider, subject), "op_1")
    assert type(caught.value) is kind


def test_a_refusal_keeps_stripes_own_word(hand: Hand) -> None:
    provider, _ = over(hand, status(400, **SPENT))
    with pytest.raises(ProviderRefused) as caught:
        provider.send(drafted(provider, "sale_refund"), "op_1")
    assert caught.value.vendor_code == "charge_already_refunded"


@pytest.mark.parametrize("subject", ["checkout", "sale_refund"])
def test_a_lost_reply_is_asked_for_under_the_same_key(hand: Hand, subject: str) -> None:
    answer = objects.checkout() if subject == "checkout" else objects.sale_refund()
    provider, script = over(hand, httpx.ReadTimeout("timed out"), status(500), ok(answer))
    made: Any = provider.send(drafted(provider, subject), "op_1")
    assert made.ref == answer["id"]
    assert {request.headers["idempotency-key"] for request in script.requests} == {"op_1"}
    assert len({request.content for request in script.requests}) == 1


def marked(mark: str, **fields: Any) -> dict[str, Any]:
    return {"metadata": {"cardctl_operation": mark}, **fields}


def test_a_refund_is_looked_for_among_its_payments(hand: Hand) -> None:
    others = objects.listed(objects.sale_refund(**marked("op_0", id="re_0")), more=True)
    provider, script = over(hand, ok(others), ok(objects.listed(objects.sale_refund(**marked("op_1")))))
    sighting = provider.look_up(drafted(provider, "sale_refund"), "op_1")
    assert sighting.happened
    assert isinstance(sighting.remote, RemoteSaleRefund)
    assert (sighting.remote.ref, sighting.remote.mark) == ("re_1", "op_1")
    assert [form(request)["payment_intent"] for request in script.requests] == ["pi_1", "pi_1"]
    assert form(script.requests[1])["starting_after"] == "re_0"


def test_a_checkout_is_looked_for_newest_first(hand: Hand) -> None:
    foreign = [objects.checkout(id="cs_3", metadata=None), objects.checkout(id="cs_2", metadata={}, amount_total=None)]
    provider, script = over(hand, ok(objects.listed(*foreign, objects.checkout(**marked("op_1")), more=True)))
    sighting = provider.look_up(drafted(provider, "checkout"), "op_1")
    assert (sighting.happened, getattr(sighting.remote, "ref", None)) == (True, "cs_test_1")
    assert [request.url.path for request in script.requests] == ["/v1/checkout/sessions"]


@pytest.mark.parametrize("subject", ["checkout", "sale_refund"])
def test_what_is_not_found_has_not_run_so_far(hand: Hand, subject: str) -> None:
    provider, _ = over(hand, ok(objects.listed()))
    assert provider.look_up(drafted(provider, subject), "op_1") == Sighting(False)


def test_what_is_found_and_strange_is_not_taken_for_nothing(hand: Hand) -> None:
    provider, _ = over(hand, ok(objects.listed(objects.sale_refund(**marked("op_1"), amount=None))))
    with pytest.raises(ProviderUnavailable):
        provider.look_up(drafted(provider, "sale_refund"), "op_1")


def test_a_payment_is_one_request(hand: Hand) -> None:
    provider, script = over(hand, ok(objects.sale(latest_charge=objects.charge(amount_refunded=400))))
    sale = provider.sale("pi_1")
    assert (sale.state, sale.amount, sale.refunded, sale.data) == (SaleState.PAID, usd(1500), usd(400), DATA)
    (request,) = script.requests
    assert (request.url.path, form(request)) == ("/v1/payment_intents/pi_1", {"expand[0]": "latest_charge"})


def test_a_paid_payment_that_names_no_order_may_have_a_checkout_that_does(hand: Hand) -> None:
    provider, script = over(hand, ok(objects.sale(metadata={})), ok(objects.listed(objects.checkout())))
    assert provider.sale("pi_1").data == DATA
    assert [request.url.path for request in script.requests] == ["/v1/payment_intents/pi_1", "/v1/checkout/sessions"]
    assert form(script.requests[1]) == {"payment_intent": "pi_1"}


NOBODY = {"offerId": "ESIM-TR-7D-1GB"}


@pytest.mark.parametrize(
    ("page", "address"),
    [
        ({"metadata": NOBODY, "customer_details": {"email": "ada@example.com"}}, "ada@example.com"),
        ({"metadata": {}, "customer_details": None, "customer_email": "ada@example.com"}, "ada@example.com"),
        ({"metadata": NOBODY | {"recipientEmail": "eve@example.com"}}, "eve@example.com"),
        ({"metadata": NOBODY, "customer_details": {"email": "nobody"}, "customer_email": None}, None),
    ],
)
def test_who_gets_it_may_stand_on_the_page_alone(hand: Hand, page: dict[str, Any], address: str | None) -> None:
    paid = objects.sale(metadata=NOBODY, receipt_email=None, latest_charge=objects.charge(billing_details={"email": None}))
    provider, script = over(hand, ok(paid), ok(objects.listed(objects.checkout(**page))))
    sale = provider.sale("pi_1")
    assert (sale.email, sale.data and sale.data.offer_id) == (address, "ESIM-TR-7D-1GB")
    assert len(script.requests) == 2


@pytest.mark.parametrize("sessions", [[], [objects.checkout(metadata={"invoice": "7"})], [objects.checkout(metadata=None)]])
def test_or_none(hand: Hand, sessions: list[dict[str, Any]]) -> None:
    provider, _ = over(hand, ok(objects.sale(metadata={})), ok(objects.listed(*sessions)))
    assert provider.sale("pi_1").data is None


def test_what_nobody_has_paid_is_not_asked_further(hand: Hand) -> None:
    provider, _ = over(hand, ok(objects.sale(metadata={}, status="processing")))
    assert provider.sale("pi_1").state is SaleState.OPEN


def test_a_checkout_and_refunds_are_read(hand: Hand) -> None:
    pages = [objects.listed(objects.sale_refund(), more=True), objects.listed(objects.sale_refund(id="re_0"))]
    provider, script = over(hand, ok(objects.checkout()), ok(objects.sale_refund()), *map(ok, pages))
    assert provider.checkout("cs_test_1").sale_ref == "pi_1"
    assert provider.sale_refund("re_1").state is RefundState.COMPLETED
    assert [refund.ref for refund in provider.sale_refunds("pi_1")] == ["re_1", "re_0"]
    paths = ["/v1/checkout/sessions/cs_test_1", "/v1/refunds/re_1", "/v1/refunds", "/v1/refunds"]
    assert [request.url.path for request in script.requests] == paths


READS = [
    lambda provider: provider.sale("pi_1"),
    lambda provider: provider.checkout("cs_1"),
    lambda provider: provider.sale_refund("re_1"),
]


@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize(
    ("step", "kind"),
    [
        (status(404, **MISSING), ProviderHasNot),
        (ok({"id": "x"}), ProviderUnavailable),
        (ok(objects.sale(currency="ugx")), ProviderUnavailable),
    ],
)
def test_what_an_answer_to_a_read_means(hand: Hand, read: Any, step: Step, kind: type[CardctlError]) -> None:
    provider, _ = over(hand, step)
    with pytest.raises(CardctlError) as caught:
        read(provider)
    assert type(caught.value) is kind
