"""What the simulated Marqeta tells, and its webhook, chargeback and wallet-token calls, against the official description."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cardctl.simulator.books import FarSide
from cardctl.simulator.faces.marqeta import disputes, webhooks
from cardctl.simulator.marqeta import counter
from cardctl.simulator.marqeta.webhooks import BASES, SILENT
from tests.conformance.openapi import Nonconforming, check_response, load, operation
from tests.conformance.test_marqeta_face import CORE, Witness, corrected
from tests.simulator.marqeta.receiver import Receiver

ITEMS = {
    "transactions": "/transactions/{token}",
    "cards": "/cardtransitions/{token}",
    "usertransitions": "/usertransitions/{token}",
    "digitalwallettokentransitions": "/digitalwallettokentransitions/{token}",
    "chargebacktransitions": "/chargebacks/transitions/{token}",
}
"""The key of an array to the call that shows one of its items: an event has the object's own shape."""

CONFIG = {
    "url": "https://receiver.example.test/hook",
    "basic_auth_username": "marqeta",
    "basic_auth_password": "Str0ng&long&enough!!",
    "secret": "a-secret-of-twenty-c",
    "signature_algorithm": "HMAC_SHA_256",
    "custom_header": {"X-Mine": "1"},
    "use_mtls": False,
}
SHOP = {"name": "Shop", "mcc": "5812", "country": "US", "city": "Oakland"}


def story(one: Witness, far_side: FarSide) -> None:
    """Every kind of thing that is told, and every call of these two files."""
    user = one.user(metadata={"a": "b"})
    one.done("/usertransitions", {"user_token": user, "status": "SUSPENDED", "reason_code": "02", "channel": "API"})
    one.done("/usertransitions", {"user_token": user, "status": "ACTIVE", "reason_code": "19", "channel": "API"})
    order = one.load(user, 100)
    one.done("/gpaorders/unloads", {"original_order_token": order["token"], "amount": 5})
    card = one.card(user, one.product(active=False))
    for state in ("ACTIVE", "SUSPENDED", "LIMITED", "ACTIVE"):
        one.move(card, state, reason="so", reason_code="01")
    charged, token = staff(one, far_side, card)
    subscribed(one)
    one.seen(f"/chargebacks/{charged}")
    assert [step["state"] for step in one.listed(f"/chargebacks/{charged}/transitions")] == ["CASE_LOST", "INITIATED"]
    assert [held["token"] for held in one.listed(f"/digitalwallettokens/card/{card}")] == [token]
    one.seen(f"/digitalwallettokens/{token}")
    assert len(one.listed(f"/digitalwallettokentransitions/digitalwallettoken/{token}")) == 3


def staff(one: Witness, far_side: FarSide, card: str) -> tuple[str, str]:
    """A chargeback that is lost (and one that is won), and a wallet token that is ended."""
    bought = one.authorise(card, 30)["token"]
    one.reverse(bought, 5)
    one.clear(bought, 4, is_refund=True)
    one.authorise(card, 1000)
    opened = []
    for won in (True, False):
        with far_side.transaction() as desk:
            swiped = counter.swipe(desk, card, 10_00, SHOP, False)
            assert swiped is not None
            opened.append(counter.charge_back(desk, swiped["transaction_ref"], 10_00))
            counter.decide_chargeback(desk, (opened[-1] or {})["chargeback_ref"], won=won)
    with far_side.transaction() as desk:
        token = counter.add_wallet_token(desk, card)
        assert token is not None
        counter.move_wallet_token(desk, token, "TERMINATED")
    return str((opened[-1] or {})["chargeback_ref"]), token


def subscribed(one: Witness) -> None:
    wish = {"name": "mine", "events": ["*", "cardtransition.*"], "config": CONFIG}
    hook = one.done("/webhooks", {**wish, "token": "hook", "active": True})["token"]
    one.seen(f"/webhooks/{hook}")
    assert one.listed("/webhooks", active="true")
    one.changed(f"/webhooks/customheaders/{hook}", {"custom_header": {"X-Other": "2"}})
    with Receiver() as receiver:
        one.changed(f"/webhooks/{hook}", {**wish, "active": False, "config": {**CONFIG, "url": receiver.url}})
        assert one.post(f"/webhooks/{hook}/ping").status_code == 200


def told(far_side: FarSide) -> list[tuple[str, dict[str, Any]]]:
    with far_side.reading() as desk:
        rows = desk.db.execute("SELECT key, body FROM events WHERE face = 'marqeta' ORDER BY seq").fetchall()
    return [(key, json.loads(body)) for key, body in rows]


def test_every_call_and_every_event_conforms(tmp_path: Path) -> None:
    far_side = FarSide(tmp_path / "simulator.db")
    with Witness(tmp_path / "simulator.db") as one:
        story(one, far_side)
        events = told(far_side)
        assert {key for key, _ in events} == set(ITEMS)
        for key, body in events:
            check_response(corrected(), "GET", ITEMS[key], 200, body)
            one.seen(ITEMS[key].replace("{token}", body["token"]))
        mine = {(endpoint.method, endpoint.path) for endpoint in (*webhooks.ENDPOINTS, *disputes.ENDPOINTS)}
        # the description gives a resent event no shape: it is held against its object's below
        assert mine - one.visited == {("POST", "/webhooks/{token}/{event_type}/{event_token}")}
    far_side.close()


def test_an_event_again_has_its_object_s_shape(tmp_path: Path) -> None:
    far_side = FarSide(tmp_path / "simulator.db")
    with Witness(tmp_path / "simulator.db") as one:
        story(one, far_side)
        one.http.event_hooks = {}
        with far_side.reading() as desk:
            rows = desk.db.execute("SELECT key, type, object_ref FROM events WHERE face = 'marqeta'").fetchall()
        for key, kind, ref in rows:
            again = one.post(f"/webhooks/hook/{kind.partition('.')[0]}/{ref}")
            assert again.status_code == 200
            check_response(corrected(), "GET", ITEMS[key], 200, again.content)
    far_side.close()


def test_what_can_be_asked_for_again_is_the_description_s() -> None:
    described = operation(load(CORE), "POST", "/webhooks/{token}/{event_type}/{event_token}")
    (words,) = [one["schema"]["enum"] for one in described["parameters"] if one["name"] == "event_type"]
    assert {*BASES, *SILENT} == set(words)


def test_every_transaction_told_is_of_a_described_type(tmp_path: Path) -> None:
    far_side = FarSide(tmp_path / "simulator.db")
    with Witness(tmp_path / "simulator.db") as one:
        story(one, far_side)
    types = {body["type"] for key, body in told(far_side) if key == "transactions"}
    prefix = "authorization.clearing.chargeback"
    assert {kind for kind in types if "chargeback" in kind} == {prefix, f"{prefix}.completed", f"{prefix}.reversal"}
    assert types <= set(corrected()["components"]["schemas"]["transaction_model"]["properties"]["type"]["enum"])
    far_side.close()


def test_a_wrong_event_is_found(tmp_path: Path) -> None:
    far_side = FarSide(tmp_path / "simulator.db")
    with Witness(tmp_path / "simulator.db") as one:
        story(one, far_side)
    step = next(body for key, body in told(far_side) if key == "chargebacktransitions")
    for wrong in ({"state": "LOST"}, {"amount": "10.00"}, {"colour": "red"}):
        with pytest.raises(Nonconforming):
            check_response(corrected(), "GET", ITEMS["chargebacktransitions"], 200, step | wrong)
    far_side.close()
