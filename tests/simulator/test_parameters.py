"""What the face refuses before anything runs, in Stripe's words; and who may ask at all."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from tests.simulator.stranger import ADA, CARDS, HOLDERS, Stranger

CARD = {"cardholder": "ich_x", "currency": "usd", "type": "virtual"}
LIMIT = "spending_controls[spending_limits][0]"

REFUSALS = [
    (HOLDERS, {"name": "A"}, "parameter_missing", "billing"),
    (
        HOLDERS,
        {name: value for name, value in ADA.items() if "city" not in name},
        "parameter_missing",
        "billing[address][city]",
    ),
    (HOLDERS, ADA | {"name": ""}, "parameter_invalid_empty", "name"),
    (HOLDERS, ADA | {"name": "x" * 5001}, None, "name"),
    (HOLDERS, ADA | {"individual[dob][day]": "1"}, "parameter_missing", "individual[dob][month]"),
    (HOLDERS, ADA | {"individual": "Ada"}, None, "individual"),
    (HOLDERS, ADA | {"metadata[a][b]": "c"}, None, "metadata"),
    (HOLDERS, ADA | {"preferred_locales[]": "tlh"}, None, "preferred_locales[0]"),
    (CARDS, {"currency": "usd", "type": "virtual"}, "parameter_missing", "cardholder"),
    (CARDS, CARD | {"colour": "red"}, "parameter_unknown", "colour"),
    (CARDS, CARD | {"spending_controls[limits][0][amount]": "1"}, "parameter_unknown", "spending_controls[limits]"),
    (CARDS, CARD | {"type": "imaginary"}, None, "type"),
    (CARDS, CARD | {"status": "canceled"}, None, "status"),
    (CARDS, CARD | {"currency": "dollars"}, None, "currency"),
    (CARDS, CARD | {f"{LIMIT}[amount]": "5.5", f"{LIMIT}[interval]": "daily"}, "parameter_invalid_integer", f"{LIMIT}[amount]"),
    (CARDS, CARD | {f"{LIMIT}[amount]": "٢٥", f"{LIMIT}[interval]": "daily"}, "parameter_invalid_integer", f"{LIMIT}[amount]"),
    (
        CARDS,
        CARD | {f"{LIMIT}[amount]": "1" * 40, f"{LIMIT}[interval]": "daily"},
        "parameter_invalid_integer",
        f"{LIMIT}[amount]",
    ),
    (CARDS, CARD | {f"{LIMIT}[amount]": "-1", f"{LIMIT}[interval]": "daily"}, "parameter_invalid_integer", f"{LIMIT}[amount]"),
    (CARDS, CARD | {f"{LIMIT}[amount]": "5"}, "parameter_missing", f"{LIMIT}[interval]"),
    (CARDS, CARD | {f"{LIMIT}[amount]": "5", f"{LIMIT}[interval]": "hourly"}, None, f"{LIMIT}[interval]"),
    (CARDS, CARD | {"spending_controls[spending_limits]": "5"}, None, "spending_controls[spending_limits]"),
    (CARDS, CARD | {"spending_controls[allowed_categories][]": "toys"}, None, "spending_controls[allowed_categories][0]"),
    (CARDS, CARD | {"type[x]": "virtual"}, None, "type"),
    (CARDS, CARD, "resource_missing", "cardholder"),
    ("/v1/topups", {"amount": "0", "currency": "usd"}, None, "amount"),
    ("/v1/test_helpers/issuing/authorizations", {"card": "ic_x", "amount": "5"}, "resource_missing", "card"),
    (
        "/v1/test_helpers/issuing/authorizations",
        {"card": "ic_x", "is_amount_controllable": "yes"},
        None,
        "is_amount_controllable",
    ),
]


@pytest.mark.parametrize(("endpoint", "form", "code", "param"), REFUSALS)
def test_refused_with_the_parameter_s_name(
    stranger: Stranger, endpoint: str, form: dict[str, str], code: str | None, param: str
) -> None:
    reply = stranger.post(endpoint, form)
    error = reply.json()["error"]
    assert reply.status_code == 400
    assert (error["type"], error.get("code"), error["param"]) == ("invalid_request_error", code, param)
    assert error["message"]
    assert error["request_log_url"].split("?")[0].endswith(reply.headers["Request-Id"])
    assert error.get("doc_url") == (code and f"https://stripe.com/docs/error-codes/{code.replace('_', '-')}")
    assert stranger.seen(HOLDERS)["data"] == stranger.seen(CARDS)["data"] == []


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "101"}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"status": "frozen"}, "status"),
        ({"created[after]": "5"}, "created[after]"),
        ({"created": "yesterday"}, "created"),
        ({"colour": "red"}, "colour"),
        ({"starting_after": "ic_none"}, "starting_after"),
        ({"starting_after": "ic_a", "ending_before": "ic_b"}, "starting_after"),
    ],
)
def test_lists_are_strict_too(stranger: Stranger, query: dict[str, str], param: str) -> None:
    reply = stranger.get(CARDS, **query)
    assert (reply.status_code, reply.json()["error"]["param"]) == (400, param)


def test_what_does_not_exist(stranger: Stranger) -> None:
    missing = stranger.get(f"{CARDS}/ic_none")
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "resource_missing")
    assert missing.json()["error"]["message"] == "No such issuing card: 'ic_none'"
    assert stranger.post(f"{CARDS}/ic_none", {"status": "active"}).status_code == 404
    for reply in (
        stranger.get("/v1/issuing/fortunes"),
        stranger.post("/v1/balance"),
        stranger.get("/"),
        stranger.get(f"{CARDS}//x"),
    ):
        assert reply.status_code == 404
        assert "Unrecognized request URL" in reply.json()["error"]["message"]


@pytest.mark.parametrize("key", ["sk_live_51Habcdefghijklmnop", "pk_test_1", "rubbish", ""])
def test_other_keys_are_refused(path: Path, key: str) -> None:
    with Stranger(path, key=key) as one:
        reply = one.get("/v1/balance")
        assert reply.status_code == 401
        assert reply.json()["error"]["type"] == "invalid_request_error"
        assert key == "" or key not in reply.text
        assert one.post(HOLDERS, ADA).status_code == 401


@pytest.mark.parametrize("key", ["sk_test_1", "sk_test_anything_at_all", "rk_test_restricted"])
def test_any_test_key_will_do(path: Path, key: str) -> None:
    basic = base64.b64encode(f"{key}:".encode()).decode()
    with Stranger(path, key=key) as one:
        assert one.get("/v1/balance").status_code == 200
        assert one.http.get("/v1/balance", headers={"Authorization": f"Basic {basic}"}).status_code == 200
        assert one.http.get("/v1/balance", headers={"Authorization": "Basic ???"}).status_code == 401


def test_every_reply_names_its_request_and_version(stranger: Stranger) -> None:
    replies = [stranger.get("/v1/balance"), stranger.get("/v1/nothing"), stranger.post(HOLDERS, ADA), stranger.post(HOLDERS)]
    ids = {reply.headers["Request-Id"] for reply in replies}
    assert len(ids) == 4
    assert all(name.startswith("req_") for name in ids)
    assert {reply.headers["Stripe-Version"] for reply in replies} == {"2026-10-28.endive"}
    older = stranger.http.get("/v1/balance", headers={"Stripe-Version": "2023-08-16"})
    assert older.headers["Stripe-Version"] == "2023-08-16"


def test_bodies_of_another_kind(stranger: Stranger) -> None:
    json_body = stranger.http.post(HOLDERS, json=ADA)
    assert (json_body.status_code, "content type" in json_body.json()["error"]["message"]) == (400, True)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    for body in (b"name=%ff%fe", b"name=\xff"):
        assert stranger.http.post(HOLDERS, content=body, headers=form).status_code == 400


def test_unusual_names_survive(stranger: Stranger) -> None:
    for name in ("Zoë 🚀", "line\nbreak", "\x1b[31mred\x1b[0m", "a&b=c[d]"):
        made = stranger.done(HOLDERS, ADA | {"name": name})
        assert stranger.seen(f"{HOLDERS}/{made['id']}")["name"] == name
