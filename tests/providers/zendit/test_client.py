"""The client: what an answer of Zendit's means in either of its shapes, what is sent again, and how a list ends."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from cardctl.domain.esims import NewPurchase
from cardctl.domain.money import Money
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
from cardctl.providers.guarding import Call
from cardctl.providers.zendit.judging import ALLOW_LIST
from cardctl.providers.zendit.provider import ZenditProvider, build
from tests.providers.scripted import broken, torn
from tests.providers.zendit import objects
from tests.providers.zendit.far import BUY, PNG, READ, Far, handed, refused
from tests.providers.zendit.objects import CODE, ICCID, KEY, MARK, OFFER, REF, SMDP

_REPORTS = "/v1/reports/transactions"
_SINCE, _UNTIL = datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 2, 2, tzinfo=UTC)


def at(answers: dict[str, Any] | None = None, **parts: Any) -> tuple[ZenditProvider, Far]:
    far = Far(answers)
    return build(handed(far, **parts)), far


def nested(status: int, code: str, message: str = "No.") -> httpx.Response:
    """The shape that an error has in a transaction."""
    return httpx.Response(status, json={"error": {"code": code, "message": message, "description": "More."}})


@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        (refused(400, "INVALID_REQUEST"), ProviderRefused, "INVALID_REQUEST"),
        (nested(400, "INVALID_REQUEST"), ProviderRefused, "INVALID_REQUEST"),
        (refused(404, "NOT_FOUND"), ProviderHasNot, "NOT_FOUND"),
        (nested(404, "NOT_FOUND"), ProviderHasNot, "NOT_FOUND"),
        (refused(401, "NOT_AUTHORIZED"), SecretRefused, None),
        (httpx.Response(401), SecretRefused, None),
        (refused(403, "FORBIDDEN"), SecretRefused, None),
        (httpx.Response(403, text="<html>go away</html>"), SecretRefused, None),
        (refused(402, "SYSTEM_UNAVAILABLE"), ProviderUnavailable, None),
        (refused(503, "SYSTEM_UNAVAILABLE"), ProviderUnavailable, None),
        (refused(429, "TOO_MANY"), RateLimited, None),
        (refused(418, "SOMETHING_NEW"), ProviderRefused, "SOMETHING_NEW"),
        (httpx.Response(404, text="<html>nothing here</html>"), ProviderUnavailable, None),
        (httpx.Response(404, json={"message": "Not Found"}), ProviderUnavailable, None),
        (httpx.Response(404, json=["NOT_FOUND"]), ProviderUnavailable, None),
        (httpx.Response(302, headers={"location": "https://evil.example/"}), ProviderUnavailable, None),
        (httpx.Response(200, json=[1]), ProviderUnavailable, None),
        (httpx.Response(200, json={}), ProviderUnavailable, None),
        (httpx.Response(200, json={"transactionId": "another", "status": "DONE"}), ProviderUnavailable, None),
        (httpx.ConnectError("no"), ProviderUnavailable, None),
        (httpx.ReadTimeout("slow"), ProviderUnavailable, None),
    ],
)
def test_what_an_answer_to_a_read_means(answer: Any, kind: type[CardctlError], code: str | None) -> None:
    """That nothing was bought is concluded only from Zendit's own word."""
    provider, _ = at({READ: answer})
    with pytest.raises(kind) as caught:
        provider.purchase(REF)
    assert type(caught.value) is kind
    assert getattr(caught.value, "vendor_code", None) == code


@pytest.mark.parametrize("step", [broken(), torn(), httpx.Response(500), httpx.Response(503), httpx.Response(429)])
def test_a_read_is_asked_again(step: httpx.Response) -> None:
    answers = [step, httpx.Response(200, json=objects.purchase())]

    class Twice(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            one = answers.pop(0)
            return httpx.Response(one.status_code, headers=one.headers, stream=one.stream)

    assert build(handed(Twice())).purchase(REF).ref == REF


def test_a_403_says_what_is_to_be_done() -> None:
    provider, _ = at({"GET /v1/balance": refused(403, "FORBIDDEN", "Not from there.")})
    with pytest.raises(SecretRefused) as caught:
        provider.ping()
    assert caught.value.hint == ALLOW_LIST
    assert caught.value.message == "zendit does not let this machine in (403 FORBIDDEN): Not from there."


def test_a_refusal_names_the_fields() -> None:
    fields = {"transactionId": "too long", "offerId": "is missing"}
    provider, _ = at({READ: refused(400, "INVALID_REQUEST", "Bad.", fields=fields)})
    with pytest.raises(ProviderRefused) as caught:
        provider.purchase(REF)
    assert caught.value.message == ("zendit said no (400 INVALID_REQUEST): Bad. (offerId: is missing; transactionId: too long)")


@pytest.mark.parametrize(
    "said",
    [f"no LPA:1${SMDP}${CODE}", f"x lpa:1${SMDP}${CODE}, y", f"Bearer {KEY}", "card 4242424242424242"],
)
@pytest.mark.parametrize("shape", [refused, nested])
def test_no_message_has_a_secret_in_it(said: str, shape: Callable[..., httpx.Response]) -> None:
    provider, _ = at({READ: shape(400, "INVALID_REQUEST", said)})
    with pytest.raises(ProviderRefused) as caught:
        provider.purchase(REF)
    for secret in (CODE, KEY, "4242424242424242"):
        assert secret not in f"{caught.value.message} {caught.value.hint}"


def test_the_call_log_has_no_number_of_an_esim() -> None:
    told: list[Call] = []
    provider, _ = at(on_call=told.append)
    provider.plans(ICCID)
    provider.purchase(REF)
    assert [(call.provider, call.path) for call in told] == [
        ("zendit", "/v1/esim/{iccid}/plans"),
        ("zendit", f"/v1/esim/purchases/{REF}"),
    ]


def test_names_in_a_path_are_quoted() -> None:
    provider, far = at({"GET /v1/esim/offers/a/../b?c": objects.offer()})
    assert provider.offer("a/../b?c").id == OFFER
    assert far.requests[0].url.raw_path == b"/v1/esim/offers/a%2F..%2Fb%3Fc"


def test_offers_of_a_country_and_of_a_region() -> None:
    provider, far = at()
    assert [[one.id for one in page] for page in provider.offers(country="tr")] == [[OFFER]]
    assert [[one.id for one in page] for page in provider.offers(region="South Asia")] == [[OFFER]]
    assert [dict(request.url.params) for request in far.requests] == [
        {"country": "TR", "_limit": "500", "_offset": "0"},
        {"regions": "South Asia", "_limit": "500", "_offset": "0"},
    ]


def test_a_list_is_read_to_its_total() -> None:
    pages = [objects.page(*[objects.offer(offerId=f"o-{at}")] * 3, offset=at, total=7) for at in (0, 3)]
    provider, far = at({"GET /v1/esim/offers": [*pages, objects.page(objects.offer(), offset=6, total=7)]})
    assert [len(page) for page in provider.offers()] == [3, 3, 1]
    assert [request.url.params["_offset"] for request in far.requests] == ["0", "3", "6"]


def test_an_empty_list_has_an_end() -> None:
    provider, far = at({"GET /v1/esim/offers": objects.page()})
    assert list(provider.offers()) == [[]]
    assert len(far.requests) == 1


@pytest.mark.parametrize(
    "page",
    [
        objects.page(total=7),
        objects.page(objects.offer(), offset=500),
        {"list": [objects.offer()]},
        {"list": None, "total": 0, "offset": 0},
        {"list": [objects.offer()], "total": "1", "offset": 0},
        {"list": ["no"], "total": 1, "offset": 0},
        objects.page(objects.offer(cost=None)),
    ],
)
def test_a_list_that_lies_is_given_up(page: Any) -> None:
    provider, far = at({"GET /v1/esim/offers": page})
    with pytest.raises(ProviderUnavailable):
        list(provider.offers())
    assert len(far.requests) == 1


def test_the_ledger_is_read_from_a_time_on() -> None:
    old = objects.transaction(transactionId="old", createdAt="2026-04-30T23:59:59Z")
    provider, far = at({"GET /v1/transactions": objects.page(objects.transaction(), old)})
    found = [entry.ref for page in provider.ledger(since=datetime(2026, 5, 1, tzinfo=UTC)) for entry in page]
    assert found == [REF]
    assert far.requests[0].url.params["createdAt"] == "gte2026-05-01T00:00:00Z"


def test_a_balance() -> None:
    provider, _ = at()
    assert provider.float_balances() == (Money(125050, "USD"),)


@pytest.mark.parametrize("told", [{}, {"availableBalance": "1250", "currency": "USD"}, {"availableBalance": 1}])
def test_a_balance_that_is_none_is_no_answer(told: Any) -> None:
    provider, _ = at({"GET /v1/balance": told})
    with pytest.raises(ProviderUnavailable):
        provider.float_balances()


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, content=PNG, headers={"content-type": "image/png"}),
        httpx.Response(200, json={"imageBase64": base64.b64encode(PNG).decode()}),
        httpx.Response(200, json={"imageBase64": "data:image/png;base64," + base64.b64encode(PNG).decode()}),
    ],
)
def test_a_qr_code_is_a_png_in_either_form(answer: httpx.Response) -> None:
    provider, far = at({f"{READ}/qrcode": answer})
    assert provider.qr_code(REF) == PNG
    assert far.requests[0].headers["accept"] == "application/json"


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (refused(404, "NOT_FOUND"), ProviderHasNot),
        (refused(401, "NOT_AUTHORIZED"), SecretRefused),
        (httpx.Response(404, text="<html></html>"), ProviderUnavailable),
        (httpx.Response(200, content=PNG[:-9]), ProviderUnavailable),
        (httpx.Response(200, content=b""), ProviderUnavailable),
        (httpx.Response(200, text="<html>a portal</html>"), ProviderUnavailable),
        (httpx.Response(200, json={"imageBase64": "not base64"}), ProviderUnavailable),
        (httpx.Response(200, json={"imageBase64": base64.b64encode(b"no picture").decode()}), ProviderUnavailable),
        (httpx.Response(200, json={}), ProviderUnavailable),
        (httpx.Response(500), ProviderUnavailable),
    ],
)
def test_what_is_no_qr_code(answer: httpx.Response, kind: type[CardctlError]) -> None:
    provider, _ = at({f"{READ}/qrcode": answer})
    with pytest.raises(kind) as caught:
        provider.qr_code(REF)
    assert type(caught.value) is kind


def _report(status: str, name: str | None = None, **more: Any) -> dict[str, Any]:
    file = {"name": name, "downloadUrl": "https://elsewhere.example/steal"} if name else None
    return {"reportId": "r 1", "status": status, "file": file, "error": None} | more


def test_a_report_is_waited_for_and_fetched_from_zendit_alone() -> None:
    """Whatever address a report gives, the key is shown to Zendit."""
    pauses: list[float] = []
    csv = "transactionId,amount\nfulfil-0001,150\n"
    provider, far = at(
        {
            f"POST {_REPORTS}": _report("REQUESTED"),
            f"GET {_REPORTS}/r 1": [_report("IN_PROGRESS"), _report("READY", "a b.csv")],
            f"GET {_REPORTS}/r 1/a b.csv": httpx.Response(200, text=csv, headers={"content-type": "text/csv"}),
        },
        sleep=pauses.append,
    )
    assert provider.report(_SINCE, _UNTIL) == csv.encode()
    assert far.bodies == [{"startGte": "2026-02-01T00:00:00Z", "endLt": "2026-02-02T00:00:00Z"}]
    assert {request.url.host for request in far.requests} == {"test-api.zendit.io"}
    assert pauses == [1.0, 1.0]


@pytest.mark.parametrize(
    ("answers", "says"),
    [
        ({"POST": _report("FAILED", error={"code": "X", "message": "Too long."})}, "Too long"),
        ({"POST": _report("REQUESTED"), "GET": _report("REQUESTED")}, "still at work"),
        ({"POST": _report("READY", "a.csv"), "FILE": httpx.Response(200, text="<html></html>")}, "not in Zendit's words"),
        ({"POST": _report("READY", "a.csv"), "FILE": httpx.Response(200, json={"x": 1})}, "no report"),
        ({"POST": _report("READY")}, "no report"),
        ({"POST": {}}, "no report"),
    ],
)
def test_a_report_that_does_not_come(answers: dict[str, Any], says: str) -> None:
    places = {"POST": f"POST {_REPORTS}", "GET": f"GET {_REPORTS}/r 1", "FILE": f"GET {_REPORTS}/r 1/a.csv"}
    provider, _ = at({places[name]: answer for name, answer in answers.items()})
    with pytest.raises(ProviderUnavailable, match=says):
        provider.report(_SINCE, _UNTIL + timedelta(days=1))


def bought(answer: Any, *, read: Any = None) -> tuple[Any, Far]:
    """One purchase, answered so; the result, and what was sent."""
    provider, far = at({BUY: answer} | ({READ: read} if read is not None else {}))
    draft = provider.draft_purchase(NewPurchase(OFFER, REF), MARK)
    try:
        return provider.send(draft, MARK), far
    except CardctlError as error:
        return error, far


@pytest.mark.parametrize(
    ("answer", "kind", "tries"),
    [
        (httpx.ReadTimeout("slow"), ReplyLost, 1),
        (httpx.Response(500), ServerFailed, 1),
        (httpx.Response(503, text="<html></html>"), ServerFailed, 1),
        (httpx.Response(408), ReplyLost, 1),
        (httpx.Response(200, content=b'{"status": "ACC'), ReplyLost, 1),
        (httpx.Response(200, json={}), ReplyLost, 1),
        (httpx.Response(200, json=[1]), ReplyLost, 1),
        (httpx.Response(200, json=objects.accepted("another")), ReplyLost, 1),
        (httpx.Response(200, text="<html>a portal</html>"), ReplyLost, 1),
        (httpx.Response(302, headers={"location": "https://evil.example/"}), ReplyLost, 1),
        (httpx.Response(400, text="<html>no</html>"), ReplyLost, 1),
        (httpx.Response(400, json={"message": "no code"}), ReplyLost, 1),
        (refused(400, "SYSTEM_UNAVAILABLE"), ServerFailed, 1),
        (httpx.ConnectError("no"), ProviderUnavailable, 4),
        (httpx.Response(429), RateLimited, 4),
        (refused(401, "NOT_AUTHORIZED"), SecretRefused, 1),
        (refused(403, "FORBIDDEN"), SecretRefused, 1),
    ],
)
def test_a_purchase_is_never_sent_blindly_again(answer: Any, kind: type[CardctlError], tries: int) -> None:
    """What may have run is the journal's to settle; what surely has not is tried again."""
    error, far = bought(answer)
    assert type(error) is kind
    assert far.calls == [BUY] * tries


def test_what_is_sent_for_a_purchase() -> None:
    told, far = bought(objects.accepted())
    assert (told.ref, str(told.state)) == (REF, "accepted")
    assert far.bodies == [{"offerId": OFFER, "transactionId": REF}]
    assert far.requests[0].headers["content-type"] == "application/json"
