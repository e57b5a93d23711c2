"""Stripe's answers as our errors, and what the SDK is made to send."""

from __future__ import annotations

import logging

import httpx
import pytest

from cardctl.domain.operations import Draft
from cardctl.errors import (
    CardctlError,
    ProviderHasNot,
    ProviderRefused,
    ProviderUnavailable,
    RateLimited,
    ReplyLost,
    SecretRefused,
    SecretWrongMode,
    ServerFailed,
)
from cardctl.providers.stripe_issuing.client import API_VERSION, mode_of
from cardctl.providers.stripe_issuing.provider import StripeProvider, build
from tests.providers.conftest import KEY, Hand
from tests.providers.scripted import Script, Step, broken, ok, status, torn
from tests.providers.stripe import objects

FREEZE = Draft("POST", "/v1/issuing/cards/ic_1", "card", {"status": "inactive", "metadata": {"cardctl_operation": "op_1"}})
PAGE = httpx.Response(403, html="<h1>Blocked by your administrator</h1>")
INVALID = {"type": "invalid_request_error", "message": "No.", "code": "parameter_invalid"}
MISSING = {"type": "invalid_request_error", "message": "No such card.", "code": "resource_missing"}


def write(hand: Hand, *steps: Step) -> object:
    return build(hand(Script(*steps))).send(FREEZE, "key_1")


@pytest.mark.parametrize(
    ("step", "kind"),
    [
        (status(400, **INVALID), ProviderRefused),
        (status(402, type="card_error", code="card_declined", decline_code="do_not_honor"), ProviderRefused),
        (status(403, type="invalid_request_error"), ProviderRefused),
        (status(404, **MISSING), ProviderHasNot),
        (status(401, type="invalid_request_error", message=f"Invalid API Key provided: {KEY}"), SecretRefused),
        (status(400, type="idempotency_error"), ReplyLost),
        (status(418, type="api_error"), ProviderRefused),
        (PAGE, ReplyLost),
        (httpx.Response(302, headers={"location": "https://portal.example/"}), ReplyLost),
        (httpx.Response(404, json={"error": "not here"}), ReplyLost),
        (ok([]), ReplyLost),
        (ok({"object": "list"}), ReplyLost),
        (ok({"id": "ic_1", "currency": None}), ReplyLost),
        (ok({"id": "ic_1", "currency": "usd", "created": "yesterday"}), ReplyLost),
    ],
)
def test_what_an_answer_to_a_write_means(hand: Hand, step: httpx.Response, kind: type[CardctlError]) -> None:
    with pytest.raises(CardctlError) as caught:
        write(hand, step)
    assert type(caught.value) is kind
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    ("step", "kind"),
    [
        (status(400, **INVALID), ProviderRefused),
        (status(404, **MISSING), ProviderHasNot),
        (status(401), SecretRefused),
        (PAGE, ProviderUnavailable),
        (ok([]), ProviderUnavailable),
    ],
)
def test_what_an_answer_to_a_read_means(hand: Hand, step: httpx.Response, kind: type[CardctlError]) -> None:
    with pytest.raises(CardctlError) as caught:
        build(hand(Script(step))).card("ic_1")
    assert type(caught.value) is kind


@pytest.mark.parametrize("lost", [torn(), broken(), httpx.ReadTimeout("timed out"), status(500), status(409)])
@pytest.mark.parametrize(
    ("step", "kind"),
    [
        # The key would have brought back the first answer, so these are it.
        (status(400, **INVALID), ProviderRefused),
        (status(402, type="card_error", code="card_declined"), ProviderRefused),
        (status(404, **MISSING), ProviderHasNot),
        # These say nothing of what the lost attempt did.
        (status(401), ReplyLost),
        (status(403), ReplyLost),
        (status(400, type="idempotency_error"), ReplyLost),
        (status(418), ReplyLost),
        (PAGE, ReplyLost),
    ],
)
def test_a_refusal_after_a_lost_reply(hand: Hand, lost: Step, step: httpx.Response, kind: type[CardctlError]) -> None:
    with pytest.raises(CardctlError) as caught:
        write(hand, lost, step)
    assert type(caught.value) is kind


def test_a_lost_reply_is_fetched_again_under_the_same_key(hand: Hand) -> None:
    script = Script(torn(), ok(objects.card()))
    build(hand(script)).send(FREEZE, "key_1")
    first, second = script.requests
    assert first.content == second.content
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"] == "key_1"


def test_rate_limits_and_outages_keep_their_names(hand: Hand) -> None:
    with pytest.raises(RateLimited):
        write(hand, *[status(429)] * 4)
    with pytest.raises(ProviderUnavailable):
        write(hand, *[httpx.ConnectError("refused")] * 4)
    with pytest.raises(ServerFailed) as caught:
        write(hand, status(500, {"Idempotent-Replayed": "true"}))
    assert caught.value.saved


def test_a_refusal_carries_stripes_words_without_numbers(hand: Hand) -> None:
    refusal = {**INVALID, "message": "Not a token: 4000009990000005"}
    with pytest.raises(ProviderRefused) as caught:
        write(hand, httpx.Response(400, json={"error": refusal}, headers={"Request-Id": "req_1"}))
    assert (caught.value.vendor_code, caught.value.request_id) == ("parameter_invalid", "req_1")
    assert "Not a token" in str(caught.value)
    assert "4000009990000005" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_what_every_request_says(hand: Hand) -> None:
    script = Script(ok(objects.card()), ok(objects.card()))
    provider = build(hand(script, settings={"account": "acct_7"}))
    provider.card("ic_1")
    provider.send(FREEZE, "key_1")
    read, sent = script.requests
    for request in (read, sent):
        assert request.headers["authorization"] == f"Bearer {KEY}"
        assert request.headers["stripe-version"] == API_VERSION
        assert request.headers["stripe-account"] == "acct_7"
        assert "x-stripe-client-telemetry" not in request.headers
        assert request.url.host == "api.stripe.com"
    assert "idempotency-key" not in read.headers
    assert sent.content == b"status=inactive&metadata[cardctl_operation]=op_1"


def test_a_ref_cannot_lead_elsewhere(hand: Hand) -> None:
    script = Script(ok(objects.card()))
    build(hand(script)).card("../balance?a=1#b")
    assert script.requests[0].url.raw_path == b"/v1/issuing/cards/..%2Fbalance%3Fa%3D1%23b"


def test_lists_follow_the_cursor_to_the_end(hand: Hand) -> None:
    script = Script(
        ok(objects.listed(objects.card(id="ic_3"), objects.card(id="ic_2"), more=True)),
        ok(objects.listed(objects.card(id="ic_1"))),
    )
    pages = list(build(hand(script)).cards(account_ref="ich_1"))
    assert [[card.ref for card in page] for page in pages] == [["ic_3", "ic_2"], ["ic_1"]]
    queries = [dict(request.url.params) for request in script.requests]
    assert queries == [
        {"cardholder": "ich_1", "limit": "100"},
        {"cardholder": "ich_1", "limit": "100", "starting_after": "ic_2"},
    ]


@pytest.mark.parametrize("second", [objects.listed(more=True), objects.listed(objects.card(id="ic_3"), more=True)])
def test_a_list_that_does_not_go_on_is_no_complete_list(hand: Hand, second: dict[str, object]) -> None:
    provider = build(hand(Script(ok(objects.listed(objects.card(id="ic_3"), more=True)), ok(second))))
    with pytest.raises(ProviderUnavailable):
        list(provider.cards(account_ref="ich_1"))


def test_no_log_holds_a_number_or_the_key(hand: Hand, caplog: pytest.LogCaptureFixture) -> None:
    for logger in ("", "stripe", "httpx", "httpcore"):  # as loud as anybody could turn them
        caplog.set_level(logging.DEBUG, logger=logger)
    numbers = objects.card(number="4000009990000005", cvc="735")
    provider = build(hand(Script(ok(numbers), status(400, **INVALID))))
    credentials = provider.reveal("ic_1")
    with pytest.raises(ProviderRefused):
        provider.send(FREEZE, "key_1")
    assert (credentials.number, credentials.cvc) == ("4000009990000005", "735")
    assert "4000009990000005" not in caplog.text + repr(credentials)
    assert KEY not in caplog.text
    assert "ic_1" in caplog.text


@pytest.mark.parametrize(
    ("environment", "key"),
    [
        ("live", "sk_live_abc123"),
        ("live", "rk_live_abc123"),
        ("sandbox", "sk_test_abc123"),
        ("sandbox", "rk_test_abc123"),
        ("simulator", "sk_test_abc123"),
    ],
)
def test_a_key_of_the_right_mode_is_taken(environment: str, key: str) -> None:
    assert mode_of(key, environment) == ("live" if environment == "live" else "test")


@pytest.mark.parametrize(
    ("environment", "key"),
    [
        ("live", "sk_test_abc123"),
        ("sandbox", "sk_live_abc123"),
        ("sandbox", "rk_live_abc123"),
        ("simulator", "sk_live_abc123"),
        ("sandbox", "pk_test_abc123"),
        ("sandbox", "sk_test_abc\n123"),
        ("sandbox", "sk_test_"),
        ("sandbox", ""),
    ],
)
def test_any_other_key_is_refused_before_anything_is_sent(hand: Hand, environment: str, key: str) -> None:
    script = Script()
    with pytest.raises(SecretWrongMode) as caught:
        build(hand(script, environment=environment, key=key))
    assert script.requests == []
    assert not key or key not in str(caught.value)


def test_the_provider_does_not_print_its_key(hand: Hand) -> None:
    provider = build(hand(Script()))
    assert isinstance(provider, StripeProvider)
    assert KEY not in repr(vars(provider)) + repr(vars(vars(provider)["_client"]))
