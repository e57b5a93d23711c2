"""What Marqeta must have notified, by its lists; and a notification once more, in the form of a delivery."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import httpx
import pytest

from cardctl.domain.events import Expected
from cardctl.errors import ProviderHasNot, ProviderUnavailable
from cardctl.providers.base import require
from cardctl.providers.marqeta.provider import build
from cardctl.providers.marqeta.webhooks import MarqetaWebhooks
from cardctl.providers.notifying import ResendsEvents
from tests.providers.conftest import Hand
from tests.providers.marqeta import objects
from tests.providers.marqeta.far import Far, refused

SINCE = datetime(2026, 1, 10, tzinfo=UTC)
HOOKS = {"GET /webhooks": objects.listed({"token": "wh_1", "active": True, "name": "n"})}
SENT = "POST /webhooks/wh_1/transaction/t_1"
STEPS = "GET /cardtransitions/card/card_1"


def provider(hand: Hand, answers: dict[str, Any]) -> tuple[ResendsEvents, Far]:
    far = Far(answers)
    return require(build(hand(far)), ResendsEvents), far


def expected(hand: Hand, answers: dict[str, Any], *cards: str) -> list[Expected]:
    found, _ = provider(hand, answers)
    return [one for page in found.expected(SINCE, cards) for one in page]


def test_transactions_and_then_transitions(hand: Hand) -> None:
    answers = {
        "GET /transactions": objects.listed(objects.transaction(), objects.transaction(token="t_2", state="DECLINED")),
        STEPS: objects.listed(objects.card_transition(token="ct_1", state="ACTIVE"), objects.card_transition(token="ct_2")),
    }
    assert expected(hand, answers, "card_1") == [
        Expected("transactions/t_1/PENDING", "transaction", "t_1"),
        Expected("transactions/t_2/DECLINED", "transaction", "t_2"),
        Expected("cards/ct_1/ACTIVE", "cardtransition", "ct_1"),
        Expected("cards/ct_2/SUSPENDED", "cardtransition", "ct_2"),
    ]


def test_what_is_expected_is_named_as_a_delivery_names_it(hand: Hand) -> None:
    row, step = objects.transaction(), objects.card_transition()
    found = expected(hand, {"GET /transactions": objects.listed(row), STEPS: objects.listed(step)}, "card_1")
    delivered = [*json_notices(transactions=[row]), *json_notices(cards=[step])]
    assert [one.event_id for one in found] == delivered


def json_notices(**lists: Any) -> list[str]:
    return [notice.event_id for notice in MarqetaWebhooks().notices(json.dumps(lists).encode())]


def test_only_of_the_cards_named_or_of_none_and_only_since_then(hand: Hand) -> None:
    rows = [
        objects.transaction(token="early", created_time="2026-01-09T23:59:59Z"),
        objects.transaction(token="other", card_token="card_2"),
        objects.transaction(token="load", card_token=None),
        objects.transaction(token="just", created_time="2026-01-10T00:00:00Z"),
        {name: value for name, value in objects.transaction(token="timeless").items() if name != "created_time"},
    ]
    steps = [
        objects.card_transition(created_time="2026-01-09T00:00:00Z"),
        objects.card_transition(token="ct_2"),
    ]
    found = expected(hand, {"GET /transactions": objects.listed(*rows), STEPS: objects.listed(*steps)}, "card_1")
    assert [one.token for one in found] == ["load", "just", "timeless", "ct_2"]


def test_every_state_and_both_dates_are_asked_for(hand: Hand) -> None:
    resending, far = provider(hand, {})
    list(resending.expected(SINCE, []))
    query = far.requests[0].url.params
    assert set(query["state"].split(",")) == {"PENDING", "CLEARED", "COMPLETION", "DECLINED", "ERROR"}
    assert query["start_date"] <= "2026-01-10" < query["end_date"]


def test_of_a_card_that_is_gone_nothing_is_owed(hand: Hand) -> None:
    assert expected(hand, {STEPS: refused(404)}, "card_1", "card_9") == []


@pytest.mark.parametrize(
    "answer",
    [
        {"transactions": [objects.transaction(amount=25.1)]},
        objects.transaction(amount=25.1),
        {"transaction": objects.transaction(amount=25.1)},
        {"unused": [objects.transaction(amount=25.1)]},
    ],
    ids=["a body", "the item", "wrapped", "in a list of another name"],
)
def test_the_body_is_that_of_a_delivery(hand: Hand, answer: dict[str, Any]) -> None:
    resending, far = provider(hand, {**HOOKS, SENT: answer})
    body = resending.resend(Expected("transactions/t_1/PENDING", "transaction", "t_1"))
    assert json.loads(body, parse_float=Decimal) == {"transactions": [objects.transaction(amount=Decimal("25.1"))]}
    assert far.calls == ["GET /webhooks", SENT]
    assert far.requests[1].content == b""
    (notice,) = MarqetaWebhooks().notices(body)
    assert notice.event_id == "transactions/t_1/PENDING"


@pytest.mark.parametrize("answer", [{}, {"success": True}, {"token": "wh_1", "name": "n"}, {"transactions": []}])
def test_where_the_answer_does_not_have_it_the_thing_itself_is_read(hand: Hand, answer: dict[str, Any]) -> None:
    resending, far = provider(hand, {**HOOKS, SENT: answer, "GET /transactions/t_1": objects.transaction()})
    body = resending.resend(Expected("transactions/t_1/PENDING", "transaction", "t_1"))
    assert json.loads(body) == {"transactions": [objects.transaction()]}
    assert far.calls[-1] == "GET /transactions/t_1"


def test_a_transition_comes_under_cards_and_without_any_number(hand: Hand) -> None:
    sent = {"POST /webhooks/wh_1/cardtransition/ct_1": {"cards": [objects.card_transition(token="ct_1")]}}
    resending, _ = provider(hand, {**HOOKS, **sent})
    body = resending.resend(Expected("cards/ct_1/SUSPENDED", "cardtransition", "ct_1"))
    (item,) = json.loads(body)["cards"]
    assert (item["token"], item["card_token"], "pan" in item) == ("ct_1", "card_1", False)


def test_an_endpoint_is_asked_for_once_and_must_be_active(hand: Hand) -> None:
    hooks = objects.listed({"token": "off", "active": False}, {"token": "wh_1"}, {"token": "wh_2", "active": True})
    resending, far = provider(hand, {"GET /webhooks": hooks, SENT: objects.transaction()})
    for _ in range(2):
        resending.resend(Expected("transactions/t_1/PENDING", "transaction", "t_1"))
    assert far.calls == ["GET /webhooks", SENT, SENT]
    assert far.requests[0].url.params["active"] == "true"


@pytest.mark.parametrize("hooks", [objects.listed(), objects.listed({"token": "off", "active": False})])
def test_without_an_endpoint_nothing_can_be_sent_again(hand: Hand, hooks: dict[str, Any]) -> None:
    resending, far = provider(hand, {"GET /webhooks": hooks})
    with pytest.raises(ProviderHasNot):
        resending.resend(Expected("transactions/t_1/PENDING", "transaction", "t_1"))
    assert far.calls == ["GET /webhooks"]


def test_what_is_not_there_cannot_be_sent_again(hand: Hand) -> None:
    resending, _ = provider(hand, {**HOOKS, SENT: refused(404)})
    with pytest.raises(ProviderHasNot):
        resending.resend(Expected("transactions/t_1/PENDING", "transaction", "t_1"))


def test_a_list_that_is_no_list_is_no_answer(hand: Hand) -> None:
    resending, _ = provider(hand, {"GET /webhooks": httpx.Response(200, content=b"<html>")})
    with pytest.raises(ProviderUnavailable):
        resending.resend(Expected("transactions/t_1/PENDING", "transaction", "t_1"))
