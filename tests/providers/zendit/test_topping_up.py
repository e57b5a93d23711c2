"""Topping the wallet up: who takes a card, what an answer means, and that a card's numbers are nowhere but in one request."""

from __future__ import annotations

import json
import logging
import traceback
from dataclasses import asdict
from typing import Any

import httpx
import pytest

from cardctl.domain.esims import RemoteWalletTopUp
from cardctl.domain.money import Money
from cardctl.domain.operations import Draft
from cardctl.domain.topups import TopUpState
from cardctl.errors import (
    BadAmount,
    CardctlError,
    ProviderRefused,
    ProviderUnavailable,
    RateLimited,
    ReplyLost,
    SecretRefused,
    ServerFailed,
    Unsupported,
)
from cardctl.providers.guarding import Call
from cardctl.providers.zendit.provider import ZenditProvider, build
from tests.providers.zendit import objects
from tests.providers.zendit.far import CARD, TOPUP_URL, Far, handed
from tests.providers.zendit.objects import MARK

POST, LOOK = "POST /topups", f"GET /topups/{MARK}"
AMOUNT = Money(2500, "USD")
_MISSING = httpx.Response(404, json={"error": {"code": "NOT_FOUND", "message": "No such top-up."}})


def at(answers: dict[str, Any] | None = None, *, url: str | None = TOPUP_URL, **parts: Any) -> tuple[ZenditProvider, Far]:
    far = Far(answers)
    return build(handed(far, **{"settings": {"topup_url": url}, **parts})), far


def declined(status: int = 402, code: str = "CARD_DECLINED", message: str = "The card was declined.") -> httpx.Response:
    return httpx.Response(status, json={"error": {"code": code, "message": message}})


def sent(answers: dict[str, Any], **parts: Any) -> tuple[Any, Far]:
    provider, far = at(answers, **parts)
    try:
        return provider.paying_with(CARD).send(provider.draft_wallet_topup(AMOUNT, MARK), MARK), far
    except CardctlError as error:
        return error, far


def test_what_is_sent() -> None:
    told, far = sent({POST: httpx.Response(201, json=objects.topup())}, token="a-token-of-theirs")
    (request,) = far.requests
    assert str(request.url) == TOPUP_URL
    assert (request.headers["idempotency-key"], request.headers["authorization"]) == (MARK, "Bearer a-token-of-theirs")
    card = {"number": "4242424242424242", "exp_month": 11, "exp_year": 2029, "cvc": "987"}
    assert far.bodies == [{"reference": MARK, "amount": 2500, "currency": "USD", "card": card}]
    assert told == RemoteWalletTopUp("tu_1", MARK, TopUpState.SETTLED, AMOUNT, objects.topup())


def test_without_a_token_none_is_sent_and_never_zendits_key() -> None:
    _, far = sent({POST: objects.topup()})
    assert "authorization" not in far.requests[0].headers


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("succeeded", TopUpState.SETTLED),
        ("pending", TopUpState.PENDING),
        ("failed", TopUpState.FAILED),
        ("new", TopUpState.UNKNOWN),
    ],
)
def test_a_state_is_told_by_the_answer_and_by_a_look(status: str, state: TopUpState) -> None:
    answer = objects.topup(status=status, failure_reason="The bank said no." if status == "failed" else None)
    told, _ = sent({POST: answer})
    provider, _ = at({LOOK: answer})
    sighting = provider.look_up(provider.draft_wallet_topup(AMOUNT, MARK), MARK)
    assert told.state is state
    assert told.reason == ("The bank said no." if status == "failed" else None)
    assert (sighting.happened, sighting.remote) == (True, told)


@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        (declined(), ProviderRefused, "CARD_DECLINED"),
        (declined(400, "BAD_AMOUNT"), Unsupported, None),
        (declined(404, "NOT_FOUND"), Unsupported, None),
        (declined(422, "X"), Unsupported, None),
        (httpx.Response(404, text="<html>nothing here</html>"), Unsupported, None),
        (httpx.Response(405), Unsupported, None),
        (httpx.Response(400, text="<html>bad</html>"), ReplyLost, None),
        (httpx.Response(200, json=objects.topup(amount=-1)), ReplyLost, None),
        (httpx.Response(402, json={"errorCode": "CARD_DECLINED", "message": "No."}), ProviderRefused, "CARD_DECLINED"),
        (httpx.Response(402, json={"message": "No."}), ProviderRefused, None),
        (httpx.Response(401), SecretRefused, None),
        (httpx.Response(403, json={"error": {"code": "FORBIDDEN"}}), SecretRefused, None),
        (declined(409, "REFERENCE_TAKEN"), ReplyLost, None),
        (httpx.Response(402, text="<html>no</html>"), ReplyLost, None),
        (httpx.Response(302, headers={"location": "https://evil.example/"}), ReplyLost, None),
        (httpx.Response(202, json=objects.topup()), ReplyLost, None),
        (httpx.Response(200, json={}), ReplyLost, None),
        (httpx.Response(200, json=objects.topup("op_another")), ReplyLost, None),
        (httpx.Response(200, json=objects.topup(amount="25.00")), ReplyLost, None),
        (httpx.Response(200, json=objects.topup(id=None)), ReplyLost, None),
        (httpx.Response(429), RateLimited, None),
        (httpx.Response(500), ServerFailed, None),
        (httpx.ReadTimeout("slow"), ReplyLost, None),
        (httpx.ConnectError("no"), ProviderUnavailable, None),
    ],
)
def test_what_an_answer_means(answer: Any, kind: type[CardctlError], code: str | None) -> None:
    error, _ = sent({POST: answer})
    assert type(error) is kind
    assert getattr(error, "vendor_code", None) == code


def test_a_lost_answer_is_asked_for_again_under_the_same_key() -> None:
    told, far = sent({POST: [httpx.ReadTimeout("slow"), httpx.Response(500), objects.topup()]})
    assert told.state is TopUpState.SETTLED
    assert len({(one.content, one.headers["idempotency-key"]) for one in far.requests}) == 1


@pytest.mark.parametrize(
    ("look", "kind"),
    [
        (objects.topup(), RemoteWalletTopUp),
        (_MISSING, ProviderRefused),
        (objects.topup(status="failed"), ProviderRefused),
        (httpx.Response(500), ReplyLost),
        (httpx.Response(404, text="<html></html>"), ReplyLost),
    ],
)
def test_a_no_to_the_repetition_says_nothing_of_the_first(look: Any, kind: type) -> None:
    told, far = sent({POST: [httpx.ReadTimeout("slow"), declined()], LOOK: look})
    assert type(told) is kind
    assert LOOK in far.calls


def test_looking_needs_no_card_and_tells_what_is_not_there() -> None:
    provider, _ = at({LOOK: _MISSING})
    draft = provider.draft_wallet_topup(AMOUNT, MARK)
    assert provider.look_up(draft, MARK).happened is False
    strange, _ = at({LOOK: httpx.Response(404, text="<html></html>")})
    with pytest.raises(ProviderUnavailable):
        strange.look_up(draft, MARK)


def test_without_a_card_at_hand_nothing_is_sent() -> None:
    """One send, and the numbers are gone."""
    provider, far = at({POST: objects.topup()})
    draft = provider.draft_wallet_topup(AMOUNT, MARK)
    assert draft.repeatable
    with pytest.raises(ProviderUnavailable):
        provider.send(draft, MARK)
    assert far.requests == []
    paying = provider.paying_with(CARD)
    paying.send(draft, MARK)
    for one in (paying, provider):
        with pytest.raises(ProviderUnavailable):
            one.send(draft, MARK)
    assert far.calls == [POST]


@pytest.mark.parametrize("minor", [0, -1])
def test_nothing_is_no_amount(minor: int) -> None:
    provider, _ = at()
    with pytest.raises(BadAmount):
        provider.draft_wallet_topup(Money(minor, "USD"), MARK)


@pytest.mark.parametrize("environment", ["sandbox", "live"])
def test_the_real_zendit_takes_no_card_and_the_reason_is_said(environment: str) -> None:
    key = objects.LIVE_KEY if environment == "live" else objects.KEY
    provider, far = at(url=None, environment=environment, key=key)
    with pytest.raises(Unsupported, match="no call that fills the wallet"):
        provider.draft_wallet_topup(AMOUNT, MARK)
    assert far.requests == []


@pytest.mark.parametrize("host", ["api.zendit.io", "test-api.zendit.io", "zendit.io", "API.Zendit.IO"])
def test_no_numbers_are_sent_to_zendit_itself(host: str) -> None:
    provider, far = at(url=f"https://{host}/v1/wallet/topup")
    with pytest.raises(Unsupported):
        provider.draft_wallet_topup(AMOUNT, MARK)
    with pytest.raises(Unsupported):
        provider.paying_with(CARD).send(Draft("POST", f"https://{host}/x", "wallet_topup", {"reference": MARK}), MARK)
    assert far.requests == []


@pytest.mark.parametrize(
    ("settings", "url"),
    [
        ({}, "https://topup.simulator.invalid/v1/topups"),
        ({"base_url": "http://127.0.0.1:8420/zendit/v1"}, "http://127.0.0.1:8420/topup/v1/topups"),
        ({"topup_url": TOPUP_URL}, TOPUP_URL),
        ({"topup_url": TOPUP_URL, "base_url": "http://127.0.0.1:8420/zendit/v1"}, TOPUP_URL),
    ],
)
def test_the_simulator_has_one_of_its_own(settings: dict[str, Any], url: str) -> None:
    provider, _ = at(environment="simulator", settings=settings)
    assert provider.draft_wallet_topup(AMOUNT, MARK).path == url


def test_a_lost_top_up_is_looked_for_where_it_was_sent() -> None:
    """Another endpoint, set since, knows nothing of it."""
    draft = at()[0].draft_wallet_topup(AMOUNT, MARK)
    moved, far = at({LOOK: objects.topup()}, url="https://new.example.com/v2")
    assert moved.look_up(draft, MARK).happened is True
    assert str(far.requests[0].url) == f"{TOPUP_URL}/{MARK}"


def test_it_has_no_part_in_the_rate_limit_and_the_breaker_of_zendit() -> None:
    class Guard:
        def __getattr__(self, name: str) -> Any:
            raise AssertionError(f"{name} was asked for")

    told: list[Call] = []
    answer, _ = sent({POST: objects.topup()}, budget=Guard(), breaker=Guard(), on_call=told.append)
    assert isinstance(answer, RemoteWalletTopUp)
    assert [(call.provider, call.path) for call in told] == [("topup", "/topups")]


_ECHO = "no: 4242424242424242, 4242 4242 4242 4242, 4242-4242-4242-4242 (cvc 987, 9 8 7) of 11/29"
_ECHOES: list[Any] = [
    declined(message=_ECHO),
    declined(code="4242424242424242", message="987"),
    declined(402, "CVC_987"),
    declined(400, "X", _ECHO),
    declined(409, "X", _ECHO),
    httpx.Response(401, json={"error": {"code": "X", "message": _ECHO}}),
    httpx.Response(402, text=_ECHO),
    httpx.Response(500, json={"error": {"message": _ECHO}}),
    httpx.ReadTimeout(_ECHO),
    httpx.ConnectError(_ECHO),
    objects.topup(status="failed", failure_reason=_ECHO, card={"number": "4242424242424242", "cvc": "987"}),
    objects.topup(id="tu_4242424242424242", note=_ECHO),
    objects.topup("op_another", failure_reason=_ECHO),
]


@pytest.mark.parametrize("answer", _ECHOES)
def test_a_cards_numbers_are_in_one_request_and_nowhere_else(answer: Any, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever the endpoint repeats of them."""
    caplog.set_level(logging.DEBUG)
    calls: list[Call] = []
    provider, far = at({POST: answer}, on_call=calls.append)
    draft = provider.draft_wallet_topup(AMOUNT, MARK)
    paying = provider.paying_with(CARD)
    told: list[Any] = [draft, asdict(draft), paying, vars(paying), provider, vars(provider), CARD]
    try:
        remote = paying.send(draft, MARK)
        told += [remote, asdict(remote)]
    except CardctlError as error:
        told += _chain(error)
    text = "\n".join([*map(repr, told), *map(str, told), *map(repr, calls), caplog.text])
    for secret in ("4242424242424242", "4242 4242 4242 4242", "4242-4242", "987", "9 8 7"):
        assert secret not in text
    assert all(json.loads(one.content)["card"]["number"] == "4242424242424242" for one in far.requests if one.content)


def _chain(error: BaseException | None) -> list[str]:
    told = ["".join(traceback.format_exception(error))] if error else []
    while error is not None:
        told += [repr(error), str(error), repr(vars(error))]
        error = error.__cause__ or error.__context__
    return told
