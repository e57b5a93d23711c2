"""The client: what an answer of Square's means, what is sent again, and that no name of a card gets out of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from cardctl.domain.money import Money
from cardctl.domain.payments import NewPayment
from cardctl.domain.saved_cards import NewSavedCard
from cardctl.errors import (
    CardctlError,
    CardExpired,
    ProviderHasNot,
    ProviderRefused,
    ProviderUnavailable,
    RateLimited,
    ReplyLost,
    SecretRefused,
    ServerFailed,
)
from cardctl.providers.guarding import Call
from cardctl.providers.square.declines import DECLINES
from cardctl.providers.square.judging import RefusedAgain
from cardctl.providers.square.provider import build
from tests.providers.conftest import KEY, Hand
from tests.providers.scripted import Script, broken, ok, torn
from tests.providers.square import objects
from tests.providers.square.far import Far, refused
from tests.providers.square.objects import CARD, CUSTOMER, MARK, PAYMENT

CHARGE = "POST /v2/payments"
PAID = {"payment": objects.payment()}


def charge(hand: Hand, *steps: Any, **parts: Any) -> Any:
    """One charge, answered step by step; the result, and what was sent."""
    script = Script(*steps)
    provider = build(hand(script, **parts))
    draft = provider.draft_payment(NewPayment(CUSTOMER, CARD, Money(5000, "USD")), MARK)
    try:
        return provider.send(draft, MARK), script.requests
    except CardctlError as error:
        return error, script.requests


@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        (refused(400, "BAD_REQUEST"), ProviderRefused, "BAD_REQUEST"),
        (refused(402, "INSUFFICIENT_FUNDS", category="PAYMENT_METHOD_ERROR"), ProviderRefused, "INSUFFICIENT_FUNDS"),
        (refused(402, "CARD_EXPIRED", category="PAYMENT_METHOD_ERROR"), CardExpired, "CARD_EXPIRED"),
        (refused(200, "GENERIC_DECLINE"), ProviderRefused, "GENERIC_DECLINE"),
        (refused(403, "INSUFFICIENT_SCOPES"), ProviderRefused, "INSUFFICIENT_SCOPES"),
        (refused(400, "IDEMPOTENCY_KEY_REUSED"), RefusedAgain, None),
        (refused(409, "IDEMPOTENCY_KEY_REUSED"), RefusedAgain, None),
        (refused(409, "VERSION_MISMATCH"), ProviderRefused, "VERSION_MISMATCH"),
        (refused(404, "NOT_FOUND"), ProviderHasNot, "NOT_FOUND"),
        (refused(400, "CUSTOMER_NOT_FOUND"), ProviderHasNot, "CUSTOMER_NOT_FOUND"),
        (refused(401, "UNAUTHORIZED"), SecretRefused, None),
        (refused(401, "ACCESS_TOKEN_EXPIRED"), SecretRefused, None),
        (refused(401, "ACCESS_TOKEN_REVOKED"), SecretRefused, None),
        (refused(400, "RATE_LIMITED", category="RATE_LIMIT_ERROR"), RateLimited, None),
        (refused(402, "TEMPORARY_ERROR", category="PAYMENT_METHOD_ERROR"), ServerFailed, None),
        (refused(400, "INTERNAL_SERVER_ERROR", category="API_ERROR"), ServerFailed, None),
        (refused(409, "CONFLICT"), ReplyLost, None),
        (httpx.Response(200, json={"payment": {"id": "x"}}), ReplyLost, None),
        (httpx.Response(200, json={}), ReplyLost, None),
        (httpx.Response(200, json=[1]), ReplyLost, None),
        (httpx.Response(400, text="<html>no</html>"), ReplyLost, None),
        (httpx.Response(400, json={"errors": "no"}), ReplyLost, None),
        (httpx.Response(302, headers={"location": "https://evil.example/"}), ReplyLost, None),
    ],
)
def test_what_an_answer_means(hand: Hand, answer: httpx.Response, kind: type[CardctlError], code: str | None) -> None:
    error, requests = charge(hand, answer)
    assert type(error) is kind
    assert getattr(error, "vendor_code", None) == code
    assert len(requests) == 1


@pytest.mark.parametrize(("step", "tries"), [(broken(), 2), (torn(), 2), (httpx.Response(500), 2), (httpx.Response(408), 2)])
def test_a_charge_that_may_have_run_is_sent_again_as_it_was(hand: Hand, step: Any, tries: int) -> None:
    """Same key, same body: Square gives its first answer again."""
    paid, requests = charge(hand, step, ok(PAID))
    assert paid.ref == PAYMENT
    assert len(requests) == tries
    assert len({request.content for request in requests}) == 1
    assert b'"idempotency_key":"' + MARK.encode() + b'"' in requests[0].content


def test_when_no_answer_comes_at_all_nobody_knows(hand: Hand) -> None:
    error, requests = charge(hand, *[httpx.ReadTimeout("slow")] * 4)
    assert type(error) is ReplyLost
    assert len({request.content for request in requests}) == 1


@pytest.mark.parametrize("answer", [refused(402, "CARD_DECLINED"), refused(401, "UNAUTHORIZED"), refused(404, "NOT_FOUND")])
def test_a_no_to_the_repetition_says_nothing_of_the_first(hand: Hand, answer: httpx.Response) -> None:
    error, _ = charge(hand, broken(), answer)
    assert isinstance(error, ReplyLost)


def test_turned_away_has_not_run(hand: Hand) -> None:
    error, requests = charge(hand, *[httpx.Response(429)] * 4)
    assert type(error) is RateLimited
    assert len(requests) == 4


@pytest.mark.parametrize("code", sorted(DECLINES))
def test_every_decline_is_said_in_plain_words_with_its_code(hand: Hand, code: str) -> None:
    error, _ = charge(hand, refused(402, code, f"Authorization error: '{code}'", "PAYMENT_METHOD_ERROR"))
    assert isinstance(error, ProviderRefused)
    assert error.message == f"square declined it: {DECLINES[code].words} ({code})"
    assert error.hint == DECLINES[code].hint
    assert error.vendor_code == code


def test_of_several_errors_the_one_that_can_be_explained_is_told(hand: Hand) -> None:
    both = {"errors": [{"category": "API_ERROR", "code": "WHATEVER"}, {"category": "X", "code": "CVV_FAILURE"}]}
    error, _ = charge(hand, httpx.Response(400, json=both))
    assert error.vendor_code == "CVV_FAILURE"


@pytest.mark.parametrize("errors", [[{"code": "INSUFFICIENT_FUNDS", "category": "PAYMENT_METHOD_ERROR"}], [], None])
def test_a_payment_that_comes_back_failed_is_a_decline(hand: Hand, errors: Any) -> None:
    details = {"status": "FAILED"} | ({} if errors is None else {"errors": errors})
    error, _ = charge(hand, ok({"payment": objects.payment("FAILED", card_details=details)}))
    assert isinstance(error, ProviderRefused)
    assert error.vendor_code == ("INSUFFICIENT_FUNDS" if errors else "GENERIC_DECLINE")


@pytest.mark.parametrize(
    "detail",
    [
        f"Card with id `{CARD}` not found.",
        f"Invalid card: {CARD}, of customer {CUSTOMER}",
        f"Customer with ID `{CUSTOMER}` not found.",
        f"nonce cnon:CBASEGlvZ2V0aGVyMTIz and {CUSTOMER.lower()}",
        f"https://x/{CUSTOMER}/y?card={CARD.removeprefix('ccof:')}",
    ],
)
@pytest.mark.parametrize("status", [400, 404])
def test_no_message_has_a_name_of_a_card_or_customer_in_it(hand: Hand, detail: str, status: int) -> None:
    told: list[Call] = []
    far = Far(
        {
            CHARGE: refused(status, "BAD_REQUEST", detail),
            f"GET /v2/cards/{CARD}": refused(status, "BAD_REQUEST", detail),
            f"GET /v2/customers/{CUSTOMER}": refused(status, "BAD_REQUEST", detail),
            f"POST /v2/cards/{CARD}/disable": refused(status, "BAD_REQUEST", detail),
            "POST /v2/cards": refused(status, "BAD_REQUEST", detail),
        }
    )
    provider = build(hand(far, on_call=told.append))
    asked: list[Callable[[], Any]] = [
        lambda: provider.send(provider.draft_payment(NewPayment(CUSTOMER, CARD, Money(1, "USD")), MARK), MARK),
        lambda: provider.saved_card(CARD),
        lambda: provider.customer(CUSTOMER),
        lambda: provider.send(provider.draft_disable(CARD, MARK), MARK),
        lambda: provider.send(provider.draft_saved_card(NewSavedCard(CUSTOMER, "cnon:CBASEGlvZ2V0aGVyMTIz"), MARK), MARK),
    ]
    for ask in asked:
        with pytest.raises(ProviderRefused) as caught:
            ask()
        said = f"{caught.value.message} {caught.value.hint}".lower()
        for name in (CARD, CUSTOMER, CARD.removeprefix("ccof:"), "CBASEGlvZ2V0aGVyMTIz", KEY):
            assert name.lower() not in said
    assert [call.path for call in told] == [
        "/v2/payments",
        "/v2/cards/{id}",
        "/v2/customers/{id}",
        "/v2/cards/{id}/disable",
        "/v2/cards",
    ]


def test_short_names_of_a_customer_are_cut_out_too(hand: Hand) -> None:
    far = Far({"GET /v2/customers/ABCD": refused(400, "BAD_REQUEST", "no ABCD here")})
    with pytest.raises(ProviderRefused) as caught:
        build(hand(far)).customer("ABCD")
    assert "ABCD" not in caught.value.message


def test_a_served_square_is_named_in_the_call_log_without_names(hand: Hand) -> None:
    told: list[Call] = []
    script = Script(ok({"card": objects.card()}))
    provider = build(hand(script, on_call=told.append, settings={"base_url": "http://127.0.0.1:8420/square"}))
    provider.saved_card(CARD)
    assert str(script.requests[0].url) == f"http://127.0.0.1:8420/square/v2/cards/{CARD.replace(':', '%3A')}"
    assert told[0].path == "/square/v2/cards/{id}"


@pytest.mark.parametrize(
    ("environment", "host"),
    [
        ("live", "connect.squareup.com"),
        ("sandbox", "connect.squareupsandbox.com"),
        ("simulator", "connect.squareupsandbox.com"),
    ],
)
def test_each_environment_has_its_host(hand: Hand, environment: str, host: str) -> None:
    script = Script(ok({"locations": []}, headers={"date": "Sun, 22 Nov 2026 21:16:51 GMT"}))
    ping = build(hand(script, environment=environment)).ping()
    assert script.requests[0].url.host == host
    assert ping.clock is not None
    assert ping.mode is None


@pytest.mark.parametrize("answer", [httpx.Response(404, text="nothing here"), ok({})])
def test_a_read_that_is_not_understood_is_no_answer(hand: Hand, answer: httpx.Response) -> None:
    with pytest.raises(ProviderUnavailable):
        build(hand(Script(answer))).payment(PAYMENT)


def test_a_list_that_does_not_go_on_is_given_up(hand: Hand) -> None:
    page = ok({"customers": [objects.customer(reference_id="another")], "cursor": "same"})
    with pytest.raises(ProviderUnavailable, match="does not go on"):
        build(hand(Script(page, page))).find_customer("buyer@example.com")
