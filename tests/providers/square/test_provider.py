"""What becomes of a write whose answer was lost, and of a change that was made already."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from cardctl.domain.money import Money
from cardctl.domain.payments import NewPayment, PaymentState, RemotePayment, RemoteRefund
from cardctl.domain.saved_cards import NewCustomer, NewSavedCard, RemoteCustomer, RemoteSavedCard
from cardctl.errors import (
    CardctlError,
    ProviderHasNot,
    ProviderRefused,
    ProviderUnavailable,
    ReplyLost,
    StateForbids,
    Unsupported,
)
from cardctl.providers.base import capabilities
from cardctl.providers.square.provider import SquareProvider, build
from tests.providers.conftest import Hand
from tests.providers.square import objects
from tests.providers.square.far import Far, refused
from tests.providers.square.objects import CARD, CUSTOMER, LOCATION, MARK, PAYMENT, REFUND, money

_PAYMENT = f"/v2/payments/{PAYMENT}"
OTHER = "op_another0000000000000"


def usd(minor: int) -> Money:
    return Money(minor, "USD")


def at(hand: Hand, answers: dict[str, Any] | None = None, **settings: Any) -> tuple[SquareProvider, Far]:
    far = Far(answers)
    return build(hand(far, settings=settings)), far


def test_what_it_can_do() -> None:
    assert set(capabilities(SquareProvider)) == {
        "reads_whole",
        "saves_cards",
        "reads_saved_cards",
        "charges_saved_cards",
        "reads_payments",
        "cancels_by_key",
        "receives_webhooks",
        "lists_events",
    }


def test_the_key_stands_in_the_body_of_what_makes_something_and_nowhere_else(hand: Hand) -> None:
    provider, far = at(hand)
    made = provider.send(provider.draft_customer(NewCustomer("emp-7"), MARK), MARK)
    card = provider.send(provider.draft_saved_card(NewSavedCard(CUSTOMER, "cnon:ok"), MARK), MARK)
    paid = provider.send(provider.draft_payment(NewPayment(CUSTOMER, CARD, usd(5000)), MARK), MARK)
    back = provider.send(provider.draft_refund(PAYMENT, usd(1000), MARK, reason=None), MARK)
    assert isinstance(made, RemoteCustomer)
    assert isinstance(card, RemoteSavedCard)
    assert isinstance(paid, RemotePayment)
    assert isinstance(back, RemoteRefund)
    assert [body["idempotency_key"] for body in far.bodies] == [MARK] * 4
    provider.send(provider.draft_disable(CARD, MARK), MARK)
    provider.send(provider.draft_cancel(PAYMENT, MARK), MARK)
    assert far.bodies[4:] == [None, None]
    assert all("content-type" not in request.headers for request in far.requests[4:])


def test_a_part_is_captured_after_the_hold_was_made_smaller(hand: Hand) -> None:
    smaller = {"payment": objects.hold(4210, version_token="v2")}
    told = {f"PUT {_PAYMENT}": smaller, f"POST {_PAYMENT}/complete": {"payment": objects.payment(amount=4210)}}
    provider, far = at(hand, told)
    draft = provider.draft_capture(PAYMENT, MARK, amount=usd(4210), tip=None)
    captured = provider.send(draft, MARK)
    assert isinstance(captured, RemotePayment)
    assert (captured.state, captured.captured) == (PaymentState.COMPLETED, usd(4210))
    assert far.calls == [f"GET {_PAYMENT}", f"PUT {_PAYMENT}", f"POST {_PAYMENT}/complete"]
    changed, completed = far.bodies
    assert changed["idempotency_key"] == f"{MARK}.1"
    assert changed["payment"]["amount_money"] == money(4210)
    assert completed == {"version_token": "v2"}, "this one and no other"


def test_a_hold_that_somebody_changes_meanwhile_is_not_captured(hand: Hand) -> None:
    told = {
        f"GET {_PAYMENT}": {"payment": objects.hold()},
        f"PUT {_PAYMENT}": {"payment": objects.hold(4210, version_token="v2")},
        f"POST {_PAYMENT}/complete": refused(400, "VERSION_MISMATCH"),
    }
    provider, far = at(hand, told)
    draft = provider.draft_capture(PAYMENT, MARK, amount=usd(4210), tip=None)
    with pytest.raises(ProviderRefused) as caught:
        provider.send(draft, MARK)
    assert caught.value.vendor_code == "VERSION_MISMATCH"
    assert far.calls.count(f"POST {_PAYMENT}/complete") == 1


def test_a_hold_whose_version_alone_is_another_is_captured_in_that_one(hand: Hand) -> None:
    told = {
        f"GET {_PAYMENT}": [{"payment": objects.hold()}, {"payment": objects.hold(4210, version_token="v3")}],
        f"PUT {_PAYMENT}": {"payment": objects.hold(4210, version_token="v2")},
        f"POST {_PAYMENT}/complete": [refused(400, "VERSION_MISMATCH"), {"payment": objects.payment(amount=4210)}],
    }
    provider, far = at(hand, told)
    captured = provider.send(provider.draft_capture(PAYMENT, MARK, amount=usd(4210), tip=None), MARK)
    assert isinstance(captured, RemotePayment)
    assert captured.captured == usd(4210)
    assert far.bodies[1:] == [{"version_token": "v2"}, {"version_token": "v3"}]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ({"payment": objects.hold(4999)}, ProviderRefused),
        ({"payment": objects.hold(4210, tip_money=money(1))}, ProviderRefused),
        ({"payment": None}, ReplyLost),
        ({}, ReplyLost),
    ],
)
def test_a_change_that_was_not_made_as_wanted_is_followed_by_no_capture(
    hand: Hand, answer: dict[str, Any], kind: type[CardctlError]
) -> None:
    provider, far = at(hand, {f"PUT {_PAYMENT}": answer})
    draft = provider.draft_capture(PAYMENT, MARK, amount=usd(4210), tip=None)
    with pytest.raises(kind):
        provider.send(draft, MARK)
    assert f"POST {_PAYMENT}/complete" not in far.calls


def test_a_whole_hold_is_captured_in_whatever_version_it_is(hand: Hand) -> None:
    """Square may change the version itself."""
    provider, far = at(hand)
    provider.send(provider.draft_capture(PAYMENT, MARK, amount=None, tip=None), MARK)
    assert far.bodies == [{}]


def test_a_hold_that_cannot_be_made_smaller_is_not_captured(hand: Hand) -> None:
    provider, far = at(hand, {f"PUT {_PAYMENT}": refused(400, "VERSION_MISMATCH")})
    draft = provider.draft_capture(PAYMENT, MARK, amount=usd(4210), tip=None)
    with pytest.raises(ProviderRefused) as caught:
        provider.send(draft, MARK)
    assert caught.value.vendor_code == "VERSION_MISMATCH"
    assert f"POST {_PAYMENT}/complete" not in far.calls


def test_a_hold_that_was_made_smaller_before_is_captured_all_the_same(hand: Hand) -> None:
    """The first attempt died between its two requests, so long ago that Square has forgotten the key."""
    now = [{"payment": objects.hold()}, {"payment": objects.hold(4210, version_token="v2")}]
    provider, far = at(hand, {f"PUT {_PAYMENT}": refused(400, "VERSION_MISMATCH"), f"GET {_PAYMENT}": now})
    draft = provider.draft_capture(PAYMENT, MARK, amount=usd(4210), tip=None)
    assert isinstance(provider.send(draft, MARK), RemotePayment)
    assert far.calls[-1] == f"POST {_PAYMENT}/complete"


@pytest.mark.parametrize("now", [objects.hold(4210), objects.hold()])
def test_a_change_whose_key_was_used_was_made_or_nobody_knows(hand: Hand, now: dict[str, Any]) -> None:
    told = {
        f"PUT {_PAYMENT}": refused(400, "IDEMPOTENCY_KEY_REUSED"),
        f"GET {_PAYMENT}": [{"payment": objects.hold()}, {"payment": now}],
    }
    told |= {f"POST {_PAYMENT}/complete": {"payment": objects.payment(amount=4210)}}
    provider, far = at(hand, told)
    draft = provider.draft_capture(PAYMENT, MARK, amount=usd(4210), tip=None)
    if now["amount_money"] == money(4210):
        assert isinstance(provider.send(draft, MARK), RemotePayment)
    else:
        with pytest.raises(ReplyLost):
            provider.send(draft, MARK)
        assert f"POST {_PAYMENT}/complete" not in far.calls


@pytest.mark.parametrize(
    ("end", "code", "now", "fine"),
    [
        ("complete", "DELAYED_TRANSACTION_CAPTURED", objects.payment(), True),
        ("complete", "DELAYED_TRANSACTION_CAPTURED", objects.payment(amount=4000), False),
        ("complete", "DELAYED_TRANSACTION_CAPTURED", objects.payment(tip_money=money(1)), False),
        ("complete", "DELAYED_TRANSACTION_CANCELED", objects.payment("CANCELED"), False),
        ("complete", "BAD_REQUEST", objects.hold(), False),
        ("cancel", "DELAYED_TRANSACTION_CANCELED", objects.payment("CANCELED"), True),
        ("cancel", "DELAYED_TRANSACTION_CAPTURED", objects.payment(), False),
        ("cancel", "DELAYED_TRANSACTION_EXPIRED", objects.payment("CANCELED"), True),
    ],
)
def test_what_is_already_as_wanted_is_an_answer(hand: Hand, end: str, code: str, now: dict[str, Any], fine: bool) -> None:
    told = {f"POST {_PAYMENT}/{end}": refused(400, code), f"GET {_PAYMENT}": [{"payment": objects.hold()}, {"payment": now}]}
    provider, _ = at(hand, told)
    provider.payment(PAYMENT) if end == "cancel" else None
    draft = (
        provider.draft_cancel(PAYMENT, MARK)
        if end == "cancel"
        else provider.draft_capture(PAYMENT, MARK, amount=None, tip=None)
    )
    if fine:
        remote = provider.send(draft, MARK)
        assert isinstance(remote, RemotePayment)
        assert remote.word == now["status"]
    else:
        with pytest.raises(ProviderRefused) as caught:
            provider.send(draft, MARK)
        assert caught.value.vendor_code == code
    assert provider.look_up(draft, MARK).happened is fine


def test_a_captured_payment_is_given_back_not_cancelled(hand: Hand) -> None:
    provider, _ = at(
        hand,
        {
            f"POST {_PAYMENT}/cancel": refused(400, "DELAYED_TRANSACTION_CAPTURED"),
            f"GET {_PAYMENT}": {"payment": objects.payment()},
        },
    )
    with pytest.raises(ProviderRefused) as caught:
        provider.send(provider.draft_cancel(PAYMENT, MARK), MARK)
    assert "saved-card refund" in str(caught.value.hint)
    with pytest.raises(StateForbids):
        provider.draft_capture(PAYMENT, MARK, amount=None, tip=None)


@pytest.mark.parametrize("status", ["REJECTED", "FAILED"])
def test_a_refund_that_comes_to_nothing_at_once_is_a_no(hand: Hand, status: str) -> None:
    provider, _ = at(hand, {"POST /v2/refunds": {"refund": objects.refund(status=status)}})
    with pytest.raises(ProviderRefused):
        provider.send(provider.draft_refund(PAYMENT, usd(1000), MARK, reason=None), MARK)


@pytest.mark.parametrize(
    "answer", [{"payment": objects.hold()}, {"payment": objects.payment("PENDING")}, {"payment": None}, {}, {"payment": []}]
)
def test_a_capture_that_is_not_one_is_in_doubt(hand: Hand, answer: dict[str, Any]) -> None:
    provider, _ = at(hand, {f"POST {_PAYMENT}/complete": answer})
    draft = provider.draft_capture(PAYMENT, MARK, amount=None, tip=None)
    with pytest.raises(ReplyLost):
        provider.send(draft, MARK)


class TestLookingFor:
    """A lost answer, and what is there."""

    def test_a_customer(self, hand: Hand) -> None:
        strangers = [objects.customer(id="other", reference_id="BUYER@example.com")]
        for rows, happened in ((strangers, False), ([*strangers, objects.customer()], True), ([], False)):
            provider, far = at(hand, {"POST /v2/customers/search": {"customers": rows}})
            draft = provider.draft_customer(NewCustomer("buyer@example.com"), MARK)
            assert provider.look_up(draft, MARK).happened is happened
            assert far.bodies[0]["query"]["filter"] == {"reference_id": {"exact": "buyer@example.com"}}
            found = provider.find_customer("buyer@example.com")
            assert (found.ref if found else None) == (CUSTOMER if happened else None)

    def test_a_customer_on_a_later_page(self, hand: Hand) -> None:
        pages = [{"customers": [objects.customer(reference_id="x")], "cursor": "c1"}, {"customers": [objects.customer()]}]
        provider, far = at(hand, {"POST /v2/customers/search": pages})
        found = provider.find_customer("buyer@example.com")
        assert found is not None
        assert far.bodies[1]["cursor"] == "c1"

    def test_a_card(self, hand: Hand) -> None:
        for rows, happened in (([objects.card()], True), ([objects.card(reference_id=OTHER)], False), ([], False)):
            provider, far = at(hand, {"GET /v2/cards": {"cards": rows}})
            draft = provider.draft_saved_card(NewSavedCard(CUSTOMER, "cnon:ok"), MARK)
            assert provider.look_up(draft, MARK).happened is happened
            assert dict(far.requests[0].url.params) == {"include_disabled": "true", "reference_id": MARK}

    @pytest.mark.parametrize(
        ("rows", "happened"),
        [
            ([objects.payment()], True),
            ([objects.payment("CANCELED")], True),
            ([objects.payment("FAILED")], False),
            ([objects.payment("FAILED", id="f"), objects.payment()], True),
            ([objects.payment(note=f"cardctl {OTHER}")], False),
            ([{"id": "cash", "amount_money": money(5000), "status": "COMPLETED"}], False),
            ([], False),
        ],
    )
    def test_a_payment(self, hand: Hand, rows: list[dict[str, Any]], happened: bool) -> None:
        provider, far = at(hand, {"GET /v2/payments": {"payments": rows}}, location=LOCATION)
        draft = provider.draft_payment(NewPayment(CUSTOMER, CARD, usd(5000), tip=usd(100)), MARK)
        sighting = provider.look_up(draft, MARK)
        assert sighting.happened is happened
        assert (sighting.remote is not None) is happened
        asked = dict(far.requests[0].url.params)
        assert asked == {"location_id": LOCATION, "total": "5100", "sort_order": "DESC", "limit": "100"}

    def test_a_payment_is_told_as_it_is_and_not_as_the_list_has_it(self, hand: Hand) -> None:
        """Square's lists are seconds behind: it was cancelled meanwhile."""
        told = {"GET /v2/payments": {"payments": [objects.hold()]}, f"GET {_PAYMENT}": {"payment": objects.payment("CANCELED")}}
        provider, _ = at(hand, told)
        draft = provider.draft_payment(NewPayment(CUSTOMER, CARD, usd(5000), hold=True), MARK)
        remote = provider.look_up(draft, MARK).remote
        assert isinstance(remote, RemotePayment)
        assert remote.state is PaymentState.CANCELED

    def test_a_payment_that_only_the_list_has_is_told_as_that_has_it(self, hand: Hand) -> None:
        provider, _ = at(hand, {f"GET {_PAYMENT}": refused(404, "NOT_FOUND")})
        sighting = provider.look_up(provider.draft_payment(NewPayment(CUSTOMER, CARD, usd(5000)), MARK), MARK)
        assert isinstance(sighting.remote, RemotePayment)
        assert sighting.remote.state is PaymentState.COMPLETED

    def test_a_payment_whose_amount_is_another_by_now(self, hand: Hand) -> None:
        provider, far = at(hand, {"GET /v2/payments": [{}, {"payments": [objects.payment(amount=1)]}]})
        draft = provider.draft_payment(NewPayment(CUSTOMER, CARD, usd(5000), hold=True), MARK)
        assert provider.look_up(draft, MARK).happened is True
        assert "total" not in far.requests[1].url.params

    def test_a_payment_among_too_many(self, hand: Hand, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("cardctl.providers.square.answering.LOOK_PAGES", 2)
        pages = [{}, {"payments": [], "cursor": "1"}, {"payments": [], "cursor": "2"}]
        provider, far = at(hand, {"GET /v2/payments": pages})
        draft = provider.draft_payment(NewPayment(CUSTOMER, CARD, usd(5000)), MARK)
        assert provider.look_up(draft, MARK).happened is None
        assert len(far.requests) == 3

    def test_a_refund_by_its_payment(self, hand: Hand) -> None:
        held = {"payment": objects.payment(refund_ids=[REFUND])}
        for refund, happened in (
            (objects.refund(), True),
            (objects.refund(status="FAILED"), False),
            (objects.refund(reason=f"[{OTHER}]"), False),
        ):
            told = {f"GET {_PAYMENT}": held, f"GET /v2/refunds/{REFUND}": {"refund": refund}, "GET /v2/refunds": {}}
            provider, _ = at(hand, told)
            draft = provider.draft_refund(PAYMENT, usd(1000), MARK, reason="broken")
            assert provider.look_up(draft, MARK).happened is happened

    @pytest.mark.parametrize("there", [True, False])
    def test_a_refund_among_others_that_square_names_and_does_not_know(self, hand: Hand, there: bool) -> None:
        named = {"payment": objects.payment(refund_ids=["gone", REFUND] if there else ["gone"])}
        provider, far = at(hand, {f"GET {_PAYMENT}": named, "GET /v2/refunds": {}})
        sighting = provider.look_up(provider.draft_refund(PAYMENT, usd(1000), MARK, reason="broken"), MARK)
        assert sighting.happened is there
        assert "GET /v2/refunds/gone" in far.calls

    def test_a_refund_that_its_payment_does_not_name_yet(self, hand: Hand) -> None:
        for rows, happened in (
            ([objects.refund()], True),
            ([objects.refund(payment_id="p2")], False),
            ([objects.refund(reason=None)], False),
            ([], False),
        ):
            provider, far = at(hand, {f"GET {_PAYMENT}": {"payment": objects.payment()}, "GET /v2/refunds": {"refunds": rows}})
            draft = provider.draft_refund(PAYMENT, usd(1000), MARK, reason="broken")
            assert provider.look_up(draft, MARK).happened is happened
            assert far.requests[1].url.params["begin_time"] == objects.CREATED

    def test_a_disabled_card(self, hand: Hand) -> None:
        for answer, happened in (
            ({"card": objects.card()}, False),
            ({"card": objects.card(enabled=False)}, True),
            (refused(404, "NOT_FOUND"), None),
        ):
            provider, _ = at(hand, {f"GET /v2/cards/{CARD}": answer})
            assert provider.look_up(provider.draft_disable(CARD, MARK), MARK).happened is happened

    def test_what_is_not_there_at_all_tells_nothing(self, hand: Hand) -> None:
        provider, _ = at(hand, {f"GET {_PAYMENT}": refused(404, "NOT_FOUND")})
        for draft in (provider.draft_cancel(PAYMENT, MARK), provider.draft_refund(PAYMENT, usd(1), MARK, reason=None)):
            assert provider.look_up(draft, MARK).happened is None
        with pytest.raises(ProviderHasNot):
            provider.payment(PAYMENT)

    def test_an_answer_that_is_none_is_no_sighting(self, hand: Hand) -> None:
        provider, _ = at(hand, {f"GET {_PAYMENT}": {"payment": {"id": PAYMENT}}})
        with pytest.raises(ProviderUnavailable):
            provider.look_up(provider.draft_cancel(PAYMENT, MARK), MARK)


def test_a_payment_is_cancelled_by_its_key(hand: Hand) -> None:
    provider, far = at(hand)
    provider.cancel_by_key(MARK)
    assert (far.calls, far.bodies) == (["POST /v2/payments/cancel"], [{"idempotency_key": MARK}])


def test_events_are_given_as_the_bodies_that_they_were(hand: Hand) -> None:
    pages = [{"events": [objects.event("card.updated", objects.card())], "cursor": "c"}, {"events": []}]
    provider, _ = at(hand, {"POST /v2/events": pages})
    ((body,),) = provider.events()
    (notice,) = provider.webhooks.notices(body)
    assert notice.type == "card.updated"


@pytest.mark.parametrize("answer", [refused(403, "FORBIDDEN"), refused(400, "BAD_REQUEST"), refused(404, "NOT_FOUND")])
def test_where_events_are_not_searchable_it_says_so(hand: Hand, answer: httpx.Response) -> None:
    provider, _ = at(hand, {"POST /v2/events": answer})
    with pytest.raises(Unsupported, match="square lists no events") as caught:
        list(provider.events())
    assert "events/enable" in str(caught.value.hint)
