"""Marqeta's answers as our errors, and what every request says."""

from __future__ import annotations

import base64
import logging
from decimal import Decimal
from typing import Any

import httpx
import pytest

from cardctl.domain.cards import CardNews
from cardctl.domain.operations import Draft
from cardctl.domain.redaction import Secret
from cardctl.errors import (
    BadConfig,
    CardctlError,
    ProviderHasNot,
    ProviderRefused,
    ProviderUnavailable,
    RateLimited,
    ReplyLost,
    SecretRefused,
    ServerFailed,
)
from cardctl.providers.base import Handed
from cardctl.providers.marqeta.provider import build
from tests.providers.conftest import Hand
from tests.providers.marqeta import objects
from tests.providers.marqeta.far import Answer, Far, refused
from tests.providers.scripted import Script, broken

FUND = Draft(
    "POST",
    "/gpaorders",
    "card",
    {"token": "op_1", "amount": Decimal("25.10")},
    {"card": "card_1", "user": "user_1", "currency": "USD"},
)
UNLOAD = Draft("POST", "/gpaorders/unloads", "card", {"token": "op_1", "amount": Decimal("25.10")}, FUND.before)
PAGE = httpx.Response(403, html="<h1>Blocked by your administrator</h1>")
TORN = httpx.Response(201, content=b'{"token": "op_1", "sta')


def write(hand: Hand, *answers: Answer, draft: Draft = FUND) -> Any:
    return build(hand(Far({f"POST {draft.path}": list(answers)}))).send(draft, "op_1")


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (refused(400), ProviderRefused),
        (refused(403), ProviderRefused),
        (refused(404), ProviderHasNot),
        (refused(405), ProviderRefused),
        (refused(412), ProviderRefused),
        (refused(413), ProviderRefused),
        (refused(422), ProviderRefused),
        (refused(401), SecretRefused),
        (refused(409), ReplyLost),
        (httpx.Response(400, json={"error_message": "no code"}), ProviderRefused),
        (httpx.Response(400, json={"code": 400, "message": "newer words"}), ProviderRefused),
        (httpx.Response(403, json={"message": "Forbidden"}), ReplyLost),  # a gateway's word
        (PAGE, ReplyLost),
        (httpx.Response(302, headers={"location": "https://portal.example/"}), ReplyLost),
        (httpx.Response(404), ReplyLost),
        (httpx.Response(201, json=[]), ReplyLost),
        ({}, ReplyLost),
        (objects.order(state="REVERSED"), ReplyLost),
        (objects.order(state="DREAMING"), ReplyLost),
        (objects.order(state="DECLINED"), ProviderRefused),
    ],
)
def test_what_an_answer_to_a_write_means(hand: Hand, answer: Answer, kind: type[CardctlError]) -> None:
    with pytest.raises(CardctlError) as caught:
        write(hand, answer)
    assert type(caught.value) is kind


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (refused(400), ProviderRefused),
        (refused(404), ProviderHasNot),
        (refused(401), SecretRefused),
        (refused(409), ProviderRefused),
        (PAGE, ProviderUnavailable),
        (httpx.Response(200, json=[]), ProviderUnavailable),
    ],
)
def test_what_an_answer_to_a_read_means(hand: Hand, answer: Answer, kind: type[CardctlError]) -> None:
    with pytest.raises(CardctlError) as caught:
        build(hand(Far({"GET /cards/card_1": answer}))).card("card_1")
    assert type(caught.value) is kind


@pytest.mark.parametrize("lost", [TORN, httpx.ReadTimeout("timed out"), httpx.Response(500)])
@pytest.mark.parametrize("code", [400, 401, 403, 404, 409, 412, 422])
def test_no_refusal_answers_for_an_attempt_before_it(hand: Hand, lost: Answer, code: int) -> None:
    with pytest.raises(ReplyLost):
        write(hand, lost, refused(code))


def test_a_lost_reply_is_fetched_again_by_the_same_bytes(hand: Hand) -> None:
    far = Far({"POST /gpaorders": [TORN, httpx.ReadTimeout("timed out"), objects.order()]})
    news = build(hand(far)).send(FUND, "op_1")
    bodies = [one.content for one in far.requests if one.method == "POST"]
    assert len(bodies) == 3
    assert len(set(bodies)) == 1
    assert isinstance(news, CardNews)
    assert news.mark == "op_1"


def test_a_body_that_stops_in_its_middle_is_a_lost_reply(hand: Hand) -> None:
    with pytest.raises(ReplyLost):
        build(hand(Script(*[broken()] * 4))).send(FUND, "op_1")


@pytest.mark.parametrize("lost", [TORN, httpx.ReadTimeout("timed out"), httpx.Response(503)])
def test_an_unload_is_never_sent_twice(hand: Hand, lost: Answer) -> None:
    far = Far({"POST /gpaorders/unloads": [lost, objects.unload()]})
    with pytest.raises(ReplyLost):
        build(hand(far)).send(UNLOAD, "op_1")
    assert far.calls == ["POST /gpaorders/unloads"]


def test_an_unload_that_surely_did_not_run_goes_again(hand: Hand) -> None:
    assert write(hand, httpx.ConnectError("refused"), refused(429), objects.unload(), draft=UNLOAD).mark == "op_1"


def test_rate_limits_and_outages_keep_their_names(hand: Hand) -> None:
    with pytest.raises(RateLimited):
        write(hand, httpx.Response(429))
    with pytest.raises(ProviderUnavailable):
        write(hand, httpx.ConnectError("refused"))
    with pytest.raises(ServerFailed):
        write(hand, httpx.Response(500, html="<h1>Internal Server Error</h1>"))


def test_a_refusal_carries_marqetas_words_without_numbers(hand: Hand) -> None:
    with pytest.raises(ProviderRefused) as caught:
        write(hand, refused(400, "400057", f"taken: {objects.NUMBER}"))
    assert caught.value.vendor_code == "400057"
    assert "taken" in str(caught.value)
    assert objects.NUMBER not in str(caught.value)


def test_what_every_request_says(hand: Hand) -> None:
    far = Far()
    handed = hand(far)
    tokens = {"marqeta.application_token": "app", "marqeta.admin_access_token": "admin"}
    told = {"environment": "sandbox", "programme": "p", "settings": {}, "secret": lambda name: Secret(tokens[name])}
    provider = build(Handed(**{**{name: getattr(handed, name) for name in Handed.__slots__}, **told}))
    provider.card("card_1")
    provider.send(FUND, "op_1")
    for request in far.requests:
        assert request.headers["authorization"] == f"Basic {base64.b64encode(b'app:admin').decode()}"
        assert str(request.url).startswith("https://sandbox-api.marqeta.com/v3/")
    sent = next(one for one in far.requests if one.method == "POST")
    assert sent.headers["content-type"] == "application/json"
    assert sent.content == b'{"amount":25.10,"token":"op_1"}'
    shown = repr(vars(provider)) + repr(vars(vars(provider)["_client"]))
    assert "admin" not in shown
    assert base64.b64encode(b"app:admin").decode() not in shown


@pytest.mark.parametrize("amount", ["90071992547409.91", "0.01", "25.00", "1000000"])
def test_amounts_are_sent_digit_for_digit(hand: Hand, amount: str) -> None:
    far = Far()
    build(hand(far)).send(Draft("POST", "/gpaorders", "card", {"amount": Decimal(amount)}, FUND.before), "op_1")
    assert far.requests[0].content == f'{{"amount":{amount}}}'.encode()


def test_a_ref_cannot_lead_elsewhere(hand: Hand) -> None:
    far = Far()
    with pytest.raises(ProviderHasNot):
        build(hand(far)).account("../balances?a=1#b")
    assert far.requests[0].url.raw_path == b"/v3/users/..%2Fbalances%3Fa%3D1%23b"


@pytest.mark.parametrize("environment", ["simulator", "sandbox"])
def test_the_host_of_a_programme_can_be_set(hand: Hand, environment: str) -> None:
    far = Far()
    build(hand(far, environment=environment, settings={"base_url": "https://acme-dev.marqeta.com/v3/"})).ping()
    assert str(far.requests[0].url) == "https://acme-dev.marqeta.com/v3/ping"


def test_a_live_programme_must_name_its_host(hand: Hand) -> None:
    with pytest.raises(BadConfig, match="base_url"):
        build(hand(Far(), environment="live"))


def test_a_ping_proves_no_mode(hand: Hand) -> None:
    answer = httpx.Response(200, json={"success": True}, headers={"date": "Thu, 15 Jan 2026 10:00:00 GMT"})
    ping = build(hand(Far({"GET /ping": answer}))).ping()
    assert ping.mode is None
    assert ping.clock is not None
    with pytest.raises(SecretRefused):
        build(hand(Far({"GET /ping": refused(401)}))).ping()
    with pytest.raises(ProviderUnavailable):
        build(hand(Far({"GET /ping": {"success": False}}))).ping()


def test_lists_go_on_to_the_end_and_repeat_nothing(hand: Hand) -> None:
    first, second, third = (objects.user(token=f"user_{number}") for number in (1, 2, 3))
    pages: list[Answer] = [objects.listed(first, second, more=True), objects.listed(second, third, start=2), objects.listed()]
    far = Far({"GET /users": pages})
    found = [[account.ref for account in page] for page in build(hand(far)).accounts()]
    assert found == [["user_1", "user_2"], ["user_3"]]
    assert [dict(one.url.params) for one in far.requests] == [
        {"sort_by": "createdTime", "count": "100", "start_index": "0"},
        {"sort_by": "createdTime", "count": "100", "start_index": "2"},
    ]


def test_a_page_without_counters_still_leads_on(hand: Hand) -> None:
    page = {"is_more": True, "data": [objects.user()]}
    far = Far({"GET /users": [page, objects.listed(objects.user(token="user_2"))]})
    assert [len(found) for found in build(hand(far)).accounts()] == [1, 1]
    assert far.requests[1].url.params["start_index"] == "1"


@pytest.mark.parametrize("second", [{"is_more": True, "data": []}, objects.listed(objects.user(token="user_2"), more=True)])
def test_a_list_that_does_not_go_on_is_no_complete_list(hand: Hand, second: dict[str, Any]) -> None:
    stuck = {**second, "end_index": 0}
    far = Far({"GET /users": [objects.listed(objects.user(), more=True), stuck]})
    with pytest.raises(ProviderUnavailable):
        list(build(hand(far)).accounts())


def test_no_log_holds_a_number(hand: Hand, caplog: pytest.LogCaptureFixture) -> None:
    for logger in ("", "httpx", "httpcore"):  # as loud as anybody could turn them
        caplog.set_level(logging.DEBUG, logger=logger)
    credentials = build(hand(Far())).reveal("card_1")
    assert (credentials.number, credentials.cvc) == (objects.NUMBER, "123")
    assert objects.NUMBER not in caplog.text + repr(credentials)
