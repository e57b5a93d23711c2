"""Webhook subscriptions at the face: what is asked of them, what is hidden, what can be asked for again."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest

from cardctl.simulator.books import FarSide
from cardctl.simulator.faces.marqeta import notices
from cardctl.simulator.marqeta import counter
from tests.simulator.marqeta.receiver import Receiver
from tests.simulator.marqeta.stranger import Stranger, refusal

CONFIG = {
    "url": "https://receiver.example.test/hook",
    "basic_auth_username": "marqeta",
    "basic_auth_password": "Str0ng&long&enough!!",
    "secret": "a-secret-of-twenty-c",
}
WISH = {"name": "mine", "events": ["*"], "config": CONFIG}


def wish(**more: Any) -> dict[str, Any]:
    config = {**CONFIG, **more.pop("config", {})}
    return {**WISH, **more, "config": {name: value for name, value in config.items() if value is not None}}


def test_secrets_are_hidden(one: Stranger, far_side: FarSide) -> None:
    made = one.done("/webhooks", {**wish(), "token": "w1"})
    assert made["config"] == {
        "url": CONFIG["url"],
        "basic_auth_username": "m**********a",
        "basic_auth_password": "S**********!",
        "secret": "a**********c",
    }
    assert made == one.seen("/webhooks/w1") == one.listed("/webhooks")[0] == one.done("/webhooks", {**wish(), "token": "w1"})
    one.refused("/webhooks", {**wish(name="other"), "token": "w1"}, 409)
    with far_side.reading() as desk:
        (kept,) = counter.webhook_endpoints(desk)
        (registered,) = notices.registered(desk)
    assert (kept["password"], kept["secret"], kept["algorithm"]) == (
        CONFIG["basic_auth_password"],
        CONFIG["secret"],
        "HMAC_SHA_256",
    )
    assert (registered.ref, registered.url, registered.types) == ("w1", CONFIG["url"], ("*",))
    assert registered.secrets[notices.SECRET] == [CONFIG["secret"]]


def test_it_is_switched_off_and_changed(one: Stranger, far_side: FarSide) -> None:
    token = one.done("/webhooks", wish())["token"]
    config = {"signature_algorithm": "HMAC_SHA_1", "secret": "another-secret-of-mine"}
    changed = one.changed(f"/webhooks/{token}", wish(active=False, events=["transaction.*"], config=config))
    assert (changed["active"], changed["events"]) == (False, ["transaction.*"])
    assert one.listed("/webhooks", active="true") == []
    assert len(one.listed("/webhooks", active="false")) == 1
    one.changed(f"/webhooks/customheaders/{token}", {"custom_header": {"X-A": "1"}})
    headed = one.changed(f"/webhooks/customheaders/{token}", {"custom_header": {"X-B": "2"}})
    assert headed["config"]["custom_header"] == {"X-A": "1", "X-B": "2"}
    with far_side.reading() as desk:
        assert notices.registered(desk) == []
        (kept,) = counter.webhook_endpoints(desk)
    assert (kept["algorithm"], kept["active"], kept["headers"]) == ("HMAC_SHA_1", False, {"X-A": "1", "X-B": "2"})
    refusal(one.put("/webhooks/none", wish()), 404)
    refusal(one.get("/webhooks/none"), 404)


@pytest.mark.parametrize(
    "wrong",
    [
        {"config": {"basic_auth_password": "short1A!"}},
        {"config": {"basic_auth_password": "nodigitsbutCAPITALS!!"}},
        {"config": {"basic_auth_password": "no-capitals-but-digits-1"}},
        {"config": {"basic_auth_password": "NO-SMALL-ONES-BUT-1-DIGIT"}},
        {"config": {"basic_auth_password": "NoSymbolAtAllBut1Digit"}},
        {"config": {"basic_auth_password": None}},
        {"config": {"secret": "too-short"}},
        {"config": {"signature_algorithm": "HMAC_MD5"}},
        {"config": {"url": "receiver.example.test"}},
        {"events": []},
        {"events": ["cards.*"]},
        {"events": ["cardtransition"]},
        {"events": ["cardtransition.fulfillment.*"]},
        {"name": ""},
    ],
)
def test_what_is_refused(one: Stranger, wrong: dict[str, Any]) -> None:
    one.refused("/webhooks", wish(**wrong))
    assert one.listed("/webhooks") == []


def test_five_are_active_at_most(one: Stranger) -> None:
    tokens = [one.done("/webhooks", wish(name=f"w{number}"))["token"] for number in range(5)]
    one.refused("/webhooks", wish())
    off = one.done("/webhooks", wish(active=False))["token"]
    refusal(one.put(f"/webhooks/{off}", wish()), 400)
    one.changed(f"/webhooks/{tokens[0]}", wish(active=False))
    assert one.changed(f"/webhooks/{off}", wish())["active"] is True


@pytest.mark.parametrize(
    ("events", "kind", "heard"),
    [
        (["*"], "transaction.refund", True),
        (["transaction.*"], "transaction.authorization.clearing", True),
        (["transaction.authorization"], "transaction.authorization.clearing", False),
        (["cardtransition.state.suspended"], "cardtransition.state.suspended", True),
        (["cardtransition.*", "usertransition.active"], "usertransition.closed", False),
    ],
)
def test_who_listens(events: list[str], kind: str, heard: bool) -> None:
    assert counter.listens(events, kind) is heard


def test_events_again(one: Stranger, far_side: FarSide) -> None:
    hook = one.done("/webhooks", wish())["token"]
    user = one.user()
    one.load(user, 100)
    card = one.card(user)
    with far_side.transaction() as desk:
        bought = counter.swipe(desk, card, 5_00, {"name": "Shop"}, False)
        assert bought is not None
        charged = counter.charge_back(desk, bought["transaction_ref"], 5_00)
        counter.add_wallet_token(desk, card)
    assert charged is not None
    seen = 0
    with far_side.reading() as desk:
        rows = desk.db.execute("SELECT type, object_ref FROM events WHERE face = 'marqeta'").fetchall()
    for kind, ref in rows:
        again = one.post(f"/webhooks/{hook}/{kind.partition('.')[0]}/{ref}")
        assert again.status_code == 200, again.text
        assert again.json()["token"] == ref
        seen += 1
    assert seen == 11
    refusal(one.post(f"/webhooks/{hook}/transaction/none"), 404)
    refusal(one.post(f"/webhooks/{hook}/threedstransition/none"), 404)
    refusal(one.post(f"/webhooks/none/transaction/{bought['transaction_ref']}"), 404)
    refusal(one.post(f"/webhooks/{hook}/receipt/none"), 400)
    assert one.get(f"/webhooks/{hook}/transaction/none").status_code == 405


def test_a_ping_reaches_its_receiver(one: Stranger) -> None:
    with Receiver() as receiver:
        hook = one.done("/webhooks", wish(config={"url": receiver.url}))["token"]
        assert one.post(f"/webhooks/{hook}/ping").json() == {"pings": [{"token": "marqeta", "payload": "healthcheck"}]}
    ((headers, body),) = receiver.got
    assert json.loads(body) == {"pings": [{"token": "marqeta", "payload": "healthcheck"}]}
    signature = hmac.new(CONFIG["secret"].encode(), body, hashlib.sha256).hexdigest()
    assert headers["X-Marqeta-Signature"] == signature
    credentials = f"{CONFIG['basic_auth_username']}:{CONFIG['basic_auth_password']}"
    assert headers["Authorization"] == f"Basic {base64.b64encode(credentials.encode()).decode()}"
    refusal(one.post("/webhooks/none/ping"), 404)


def test_a_ping_that_fails(one: Stranger) -> None:
    with Receiver(status=500) as receiver:
        hook = one.done("/webhooks", wish(config={"url": receiver.url}))["token"]
        error = refusal(one.post(f"/webhooks/{hook}/ping"), 422)
    assert (error["error_code"], len(receiver.got)) == ("422600", 1)
    refusal(one.post(f"/webhooks/{hook}/ping"), 422)  # nobody is there any more
    elsewhere = one.done("/webhooks", wish())["token"]
    refusal(one.post(f"/webhooks/{elsewhere}/ping"), 422)  # simulated events leave no machine


def test_an_event_again_reaches_its_receiver(one: Stranger) -> None:
    moved = one.move(one.card(one.user()), "SUSPENDED")
    with Receiver() as receiver:
        hook = one.done("/webhooks", wish(config={"url": receiver.url}))["token"]
        again = one.post(f"/webhooks/{hook}/cardtransition/{moved['token']}").json()
    ((_, body),) = receiver.got
    assert json.loads(body) == {"cards": [again]}
