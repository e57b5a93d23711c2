"""What is really sent, and what every kind of answer means."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

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
    ServerFailed,
)
from cardctl.providers.base import capabilities
from cardctl.providers.guarding import Call
from cardctl.providers.strowallet.provider import StrowalletProvider
from tests.providers.scripted import Step, broken, torn
from tests.providers.strowallet import objects
from tests.providers.strowallet.objects import CVV, DOCUMENTS, KEY, NUMBER, answer, no, page, strowallet, usd

FUND = Draft("POST", "/bitvcard/fund-card/", "card", {"card_id": "card-1", "amount": "5.00"}, {"balance": "1.00", "rows": []})
FREEZE = Draft(
    "POST", "/bitvcard/action/status/", "card", {"action": "freeze", "card_id": "card-1"}, urgent=True, repeatable=True
)


def test_what_it_is_and_what_it_can_do() -> None:
    assert set(capabilities(StrowalletProvider)) == {
        "issues_cards",
        "controls_cards",
        "funds_cards",
        "reports_balance",
        "reads_cards",
        "reads_transactions",
        "reads_whole",
        "reveals_credentials",
        "receives_webhooks",
    }
    assert StrowalletProvider.key_life is None
    assert StrowalletProvider.issue_carries == {"active", "allowance"}


def test_the_key_goes_into_the_body_of_a_write() -> None:
    provider, script = strowallet(objects.funded())
    provider.send(FUND, "op_1")
    (request,) = script.requests
    assert str(request.url) == "https://strowallet.com/api/bitvcard/fund-card/"
    assert json.loads(request.content) == {"public_key": KEY, "card_id": "card-1", "amount": "5.00"}
    assert request.headers["content-type"] == "application/json"
    assert KEY not in str(request.headers)


def test_the_key_goes_into_the_query_of_a_read() -> None:
    provider, script = strowallet(objects.customer())
    provider.account("cus-1")
    assert parse_qs(script.requests[0].url.query.decode()) == {"public_key": [KEY], "customerId": ["cus-1"]}


@pytest.mark.parametrize(
    ("nfc", "settings", "url"),
    [
        (False, {}, "https://strowallet.com/api/wallet/balance/USD/"),
        (True, {}, "https://ziiropay.com/api/wallet/balance/USD"),
        (False, {"trailing_slash": False}, "https://strowallet.com/api/wallet/balance/USD"),
        (
            False,
            {"base_url": "http://127.0.0.1:8420/strowallet/api/"},
            "http://127.0.0.1:8420/strowallet/api/wallet/balance/USD/",
        ),
        (True, {"base_url": "https://strowallet.com/api"}, "https://strowallet.com/api/wallet/balance/USD"),
    ],
)
def test_addresses(nfc: bool, settings: dict[str, Any], url: str) -> None:
    provider, script = strowallet(answer({"balance": "250.75"}), nfc=nfc, settings=settings)
    assert provider.float_balances() == (usd(25_075),)
    assert str(script.requests[0].url).partition("?")[0] == url


def test_documents_are_put_in_when_they_are_sent() -> None:
    body = {"customerEmail": "ada@example.test", "firstName": "Ada", "lastName": "Obi", "idNumber": {"$document": "id_number"}}
    draft = Draft("POST", "/bitvcard/create-user/", "account", body)
    provider, script = strowallet(objects.made_customer(), objects.customer())
    account = provider.send(draft, "op_1")
    assert json.loads(script.requests[0].content)["idNumber"] == DOCUMENTS["id_number"]
    assert draft.body["idNumber"] == {"$document": "id_number"}
    assert not any(document in json.dumps(account.raw) for document in DOCUMENTS.values())


def test_documents_that_are_gone_send_nothing() -> None:
    draft = Draft("POST", "/bitvcard/create-user/", "account", {"customerEmail": "a", "idImage": {"$document": "id_image"}})
    provider, script = strowallet(document=lambda _name: None)
    with pytest.raises(ProviderUnavailable, match="--id-image"):
        provider.send(draft, "op_1")
    assert script.requests == []


@pytest.mark.parametrize(
    ("step", "kind"),
    [
        (no("Card is closed"), ProviderRefused),
        (no("Card is closed", 400), ProviderRefused),
        (answer({"error": "Insufficient USD balance"}), ProviderRefused),
        (answer({"errors": {"amount": ["too small"]}}, 422), ProviderRefused),
        (no("Card not found", 404), ProviderHasNot),
        (no("Card not found"), ProviderHasNot),
        (no("Invalid public key."), SecretRefused),
        (no("Unauthenticated.", 401), SecretRefused),
        (httpx.Response(301, headers={"location": "https://strowallet.com/elsewhere"}), ProviderRefused),
        (page(404), ReplyLost),
        (page(200), ReplyLost),
        (page(403), ReplyLost),
        (torn(), ReplyLost),
        (broken(), ReplyLost),
        (httpx.ReadTimeout("timed out"), ReplyLost),
        (answer({"message": "Card funding in progress"}), ReplyLost),
        (answer([]), ReplyLost),
        (answer({}, 400), ReplyLost),
        (answer({"success": "perhaps"}), ReplyLost),
        (no("down", 503), ServerFailed),
        (page(502), ServerFailed),
    ],
)
def test_what_an_answer_to_a_write_means(step: Step, kind: type[CardctlError]) -> None:
    provider, script = strowallet(step)
    with pytest.raises(CardctlError) as caught:
        provider.send(FUND, "op_1")
    assert type(caught.value) is kind
    assert len(script.requests) == 1


@pytest.mark.parametrize(
    ("step", "kind"),
    [
        (no("Card not found", 404), ProviderHasNot),
        (no("Invalid public key."), SecretRefused),
        (no("No."), ProviderRefused),
        (httpx.Response(301, headers={"location": "https://strowallet.com/elsewhere"}), ProviderUnavailable),
        (page(404), ProviderUnavailable),
        (page(403), ProviderUnavailable),
        (answer([]), ProviderUnavailable),
        (answer({"message": "hello"}), ProviderUnavailable),
        (answer({"success": True, "response": {}}), ProviderUnavailable),
        (objects.card(card_id="card-2"), ProviderUnavailable),
        (objects.card(balance="much"), ProviderUnavailable),
    ],
)
def test_what_an_answer_to_a_read_means(step: Step, kind: type[CardctlError]) -> None:
    with pytest.raises(CardctlError) as caught:
        strowallet(step)[0].card("card-1")
    assert isinstance(caught.value, kind)
    assert caught.value.error_code == kind.error_code


def test_a_redirect_says_which_setting_is_wrong() -> None:
    redirect = httpx.Response(301, headers={"location": "https://strowallet.com/api/bitvcard/fund-card"})
    for writing in (True, False):
        provider, script = strowallet(redirect)
        with pytest.raises(CardctlError) as caught:
            provider.send(FUND, "op_1") if writing else provider.card("card-1")
        assert "strowallet.trailing_slash" in str(caught.value.hint)
        assert len(script.requests) == 1


def test_a_json_body_that_was_turned_away_unread_goes_as_a_form_once() -> None:
    provider, script = strowallet(no("Validation Error", 400), objects.funded())
    provider.send(FUND, "op_1")
    form = script.requests[1]
    assert form.headers["content-type"] == "application/x-www-form-urlencoded"
    assert parse_qs(form.content.decode()) == {"public_key": [KEY], "card_id": ["card-1"], "amount": ["5.00"]}
    provider, script = strowallet(*[no("Validation Error", 400)] * 2)
    with pytest.raises(ProviderRefused):
        provider.send(FUND, "op_1")
    assert len(script.requests) == 2


def test_a_write_goes_again_only_where_it_did_not_run() -> None:
    provider, script = strowallet(answer({}, 429), httpx.ConnectError("refused"), objects.funded())
    provider.send(FUND, "op_1")
    assert len(script.requests) == 3
    with pytest.raises(RateLimited):
        strowallet(*[answer({}, 429)] * 4)[0].send(FUND, "op_1")


def test_a_read_by_post_goes_again() -> None:
    provider, script = strowallet(torn(), no("down", 503), objects.card())
    assert provider.card("card-1").balance == usd(1250)
    assert [request.method for request in script.requests] == ["POST"] * 3


def test_a_freeze_goes_again_and_a_no_to_its_repetition_decides_nothing() -> None:
    provider, _ = strowallet(torn(), answer({"success": True}), objects.card(card_status="frozen"))
    provider.send(FREEZE, "op_1")
    with pytest.raises(ReplyLost):
        strowallet(torn(), no("Card is frozen already"))[0].send(FREEZE, "op_1")


def test_the_mode_goes_where_it_is_taken() -> None:
    provider, script = strowallet(objects.card(), objects.recent(), objects.customer(), environment="sandbox")
    provider.card("card-1")
    assert list(provider.transactions_of("card-1")) == [[]]
    provider.account("cus-1")
    assert [b"sandbox" in request.content + request.url.query for request in script.requests] == [True, True, False]
    for environment in ("live", "simulator"):
        provider, script = strowallet(objects.card(), environment=environment)
        provider.card("card-1")
        assert json.loads(script.requests[0].content) == {"public_key": KEY, "card_id": "card-1"}
    provider, script = strowallet(objects.card(), nfc=True, environment="sandbox")
    provider.card("card-1")
    assert b"mode" not in script.requests[0].url.query


def test_neither_the_key_nor_a_card_is_told_to_anybody(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    calls: list[Call] = []
    leak = no(f"GET /api/x/?public_key={KEY}&card_number={NUMBER}", 400)
    provider, _ = strowallet(objects.card(), objects.customer(), leak, on_call=calls.append)
    card, account = provider.card("card-1"), provider.account("cus-1")
    with pytest.raises(ProviderRefused) as caught:
        provider.account("cus-1")
    told = f"{card} {account} {calls} {caplog.text} {caught.value} {caught.value.hint}"
    assert KEY not in told
    assert NUMBER not in told
    assert CVV not in json.dumps(card.raw)
    assert calls[0].path == "/api/bitvcard/fetch-card-detail/"


def test_a_reveal() -> None:
    provider, _ = strowallet(
        objects.card(), objects.card(card_number=None, cvv=None, card_number_url="https://x"), objects.card(card_number=None)
    )
    shown = provider.reveal("card-1")
    assert (shown.number, shown.cvc, shown.exp_month, shown.exp_year) == (NUMBER, CVV, 12, 2028)
    assert NUMBER not in f"{shown!r} {shown}"
    with pytest.raises(ProviderRefused) as caught:
        provider.reveal("card-1")
    assert "page" in caught.value.message
    with pytest.raises(ProviderRefused):
        provider.reveal("card-1")


def test_a_ping_proves_no_mode() -> None:
    ping = strowallet(answer({"balance": 1}))[0].ping()
    assert (ping.mode, ping.latency_ms >= 0) == (None, True)
    with pytest.raises(SecretRefused):
        strowallet(no("Invalid public key."))[0].ping()


def test_a_customer_that_is_somebody_else() -> None:
    with pytest.raises(ProviderUnavailable):
        strowallet(objects.customer(customerId="cus-2"))[0].account("cus-1")
    with pytest.raises(ProviderHasNot):
        strowallet(answer({"success": True, "data": []}))[0].account("cus-1")


def rows(count: int, start: int = 0) -> list[dict[str, Any]]:
    return [objects.row(f"t-{number}") for number in range(start, start + count)]


def test_a_history_is_read_to_its_end_and_each_row_once() -> None:
    provider, script = strowallet(
        answer({"success": True, "data": {"transactions": rows(50)}}),
        answer({"success": True, "data": {"transactions": rows(7, 50)}}),
        objects.recent(objects.row("t-new"), *rows(20)),
    )
    refs = [event.ref for page in provider.transactions_of("card-1") for event in page]
    assert len(refs) == len(set(refs)) == 58
    query = parse_qs(script.requests[1].url.query.decode())
    assert script.requests[1].url.path == "/api/apicard-transactions/"
    assert query == {"public_key": [KEY], "card_id": ["card-1"], "page": ["2"], "take": ["50"]}


def test_a_history_that_heeds_no_page_ends() -> None:
    whole = answer({"success": True, "data": rows(50)})
    pages = list(strowallet(whole, whole, objects.recent())[0].transactions_of("card-1"))
    assert [len(page) for page in pages] == [50, 0]


@pytest.mark.parametrize("step", [page(404), no("No.", 405), answer({"hello": "world"})])
def test_without_a_history_there_are_the_newest_rows(step: Step) -> None:
    pages = list(strowallet(step, objects.recent(*rows(3)))[0].transactions_of("card-1"))
    assert [event.ref for page in pages for event in page] == ["t-0", "t-1", "t-2"]


@pytest.mark.parametrize("steps", [[no("down", 503)] * 4, [answer({"success": True, "data": rows(50)}), page(404)]])
def test_a_history_that_breaks_off_is_not_a_whole_one(steps: list[Step]) -> None:
    with pytest.raises(ProviderUnavailable):
        list(strowallet(*steps)[0].transactions_of("card-1"))


def test_since_leaves_out_what_is_older() -> None:
    old, new = objects.row("t-1", createdAt="2024-01-01T00:00:00Z"), objects.row("t-2")
    provider, _ = strowallet(answer({"success": True, "data": [new, old]}), objects.recent(new, old))
    when = datetime(2025, 1, 1, tzinfo=UTC)
    assert [event.ref for page in provider.transactions_of("card-1", since=when) for event in page] == ["t-2"]
