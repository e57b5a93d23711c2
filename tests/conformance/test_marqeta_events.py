"""What the Marqeta adapter asks where notifications are to be sent again, held against the description, and its examples read
as notifications."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from cardctl.domain.events import Expected
from cardctl.errors import BadEvent
from cardctl.providers.base import require
from cardctl.providers.marqeta.provider import build
from cardctl.providers.marqeta.webhooks import MarqetaWebhooks
from cardctl.providers.notifying import ResendsEvents
from tests.conformance.openapi import Nonconforming, check_request, check_response, load, operation
from tests.providers.conftest import Hand, hand
from tests.providers.marqeta import objects
from tests.providers.marqeta.far import Far

__all__ = ["hand"]

SPEC = "marqeta-core-3.0.39"
HOOK = {
    "token": "wh_1",
    "name": "ours",
    "active": True,
    "events": ["*"],
    "config": {
        "url": "https://example.test/webhooks/marqeta",
        "basic_auth_username": "o**********s",
        "basic_auth_password": "p**********d",
        "secret": "s**********t",
    },
    "created_time": objects.CREATED,
    "last_modified_time": objects.CREATED,
}
STEP = objects.card_transition()


def test_what_is_asked_is_described(hand: Hand) -> None:
    far = Far(
        {
            "GET /webhooks": objects.listed(HOOK),
            "GET /cardtransitions/card/card_1": objects.listed(STEP),
            "POST /webhooks/wh_1/transaction/t_1": {"transactions": [objects.transaction()]},
            "POST /webhooks/wh_1/cardtransition/op_1": {},
            "GET /cardtransitions/op_1": STEP,
            "GET /transactions": objects.listed(objects.transaction()),
        }
    )
    provider = require(build(hand(far)), ResendsEvents)
    pages = list(provider.expected(datetime(2026, 1, 1, tzinfo=UTC), ["card_1"]))
    for expected in (one for page in pages for one in page):
        provider.resend(expected)
    assert len(far.requests) == 6
    spec = load(SPEC)
    for request in far.requests:
        path = request.url.path.removeprefix("/v3")
        if request.method == "GET":
            check_request(spec, "GET", path, request.url.query)
        else:
            described = operation(spec, "POST", path)
            assert "requestBody" not in described
            assert (request.content, request.url.query) == (b"", b"")


def test_the_kinds_of_a_resend_are_words_of_its_path(hand: Hand) -> None:
    described = operation(load(SPEC), "POST", "/webhooks/{token}/{event_type}/{event_token}")
    words = next(one["schema"]["enum"] for one in described["parameters"] if one["name"] == "event_type")
    far = Far({"GET /webhooks": objects.listed(HOOK), "POST /webhooks/wh_1/transaction/t_1": objects.transaction()})
    require(build(hand(far)), ResendsEvents).resend(Expected("transactions/t_1/PENDING", "transaction", "t_1"))
    assert far.requests[-1].url.path.split("/")[-2] in words
    assert "cardtransition" in words


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/webhooks", objects.listed(HOOK)),
        ("/cardtransitions/card/card_1", objects.listed(STEP)),
        ("/cardtransitions/op_1", STEP),
    ],
)
def test_the_answers_that_it_is_tried_with_are_described(path: str, answer: dict[str, Any]) -> None:
    check_response(load(SPEC), "GET", path, 200, answer)
    with pytest.raises(Nonconforming):
        check_response(load(SPEC), "GET", path, 200, {**answer, "colour": "red"})


def test_every_type_of_transaction_that_is_described_is_told() -> None:
    webhooks = MarqetaWebhooks()
    kinds = load(SPEC)["components"]["schemas"]["transaction_model"]["properties"]["type"]["enum"]
    for kind in kinds:
        (notice,) = webhooks.notices(json.dumps({"transactions": [objects.transaction(kind, "COMPLETION")]}).encode())
        assert notice.type == f"transactions.{kind.lower()}"
        (told,) = webhooks.told(notice).transactions
        assert told.ref == "t_1"


def test_the_descriptions_own_examples_are_read() -> None:
    webhooks = MarqetaWebhooks()
    example = operation(load(SPEC), "GET", "/transactions")["responses"]["200"]["content"]["application/json"]["example"]
    read = 0
    for row in example["data"]:
        (notice,) = webhooks.notices(json.dumps({"transactions": [row]}).encode())
        try:
            read += bool(webhooks.told(notice).look)
        except BadEvent:
            assert "amount" not in row
    assert read
