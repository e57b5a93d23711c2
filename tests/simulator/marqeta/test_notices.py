"""What the simulated Marqeta tells of what happens, and how a request with it is signed."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest

from cardctl.errors import BadInput
from cardctl.simulator.books import FarSide
from cardctl.simulator.faces.marqeta import notices
from cardctl.simulator.marqeta import counter
from cardctl.simulator.outbox import Notice
from tests.simulator.marqeta.stranger import Stranger

SHOP = {"name": "Rocket Rides", "mcc": "5812", "country": "US", "city": "Oakland"}
PROVEN = {notices.USERNAME: ["marqeta"], notices.PASSWORD: ["Str0ng&long&enough!!"]}


def told(far_side: FarSide, key: str = "%") -> list[dict[str, Any]]:
    """Everything that was told under a key, in order."""
    with far_side.reading() as desk:
        columns = "event_id, type, object_ref, card_ref, key, body"
        where = "face = 'marqeta' AND key LIKE ? ORDER BY seq"
        found = desk.db.execute(f"SELECT {columns} FROM events WHERE {where}", (key,)).fetchall()
    names = columns.split(", ")
    return [dict(zip(names, row, strict=True)) | {"body": json.loads(row[-1])} for row in found]


def types(far_side: FarSide, key: str = "%") -> list[str]:
    return [each["type"] for each in told(far_side, key)]


def swipe(far_side: FarSide, card: str, amount: int, *, hold: bool = False) -> dict[str, Any]:
    with far_side.transaction() as desk:
        done = counter.swipe(desk, card, amount, SHOP, hold)
    assert done is not None
    return done


@pytest.fixture
def card(one: Stranger) -> str:
    user = one.user()
    one.load(user, 100)
    return one.card(user)


def test_users_loads_and_cards(one: Stranger, far_side: FarSide) -> None:
    user = one.user()
    one.load(user, 100)
    card = one.card(user)
    one.move(card, "SUSPENDED", reason="frozen")
    one.move(card, "ACTIVE")
    one.changed(f"/cards/{card}", {"token": card, "metadata": {"a": "b"}})  # no transition: told to nobody
    assert types(far_side) == [
        "usertransition.active",
        "transaction.gpa.credit",
        "cardtransition.fulfillment.issued",
        "cardtransition.state.activated",
        "cardtransition.state.suspended",
        "cardtransition.state.reinstated",
    ]
    frozen = told(far_side, "cards")[2]
    shown = one.seen(f"/cardtransitions/{frozen['object_ref']}")
    assert frozen["body"] == json.loads(json.dumps(shown))
    assert (frozen["card_ref"], frozen["body"]["card_token"], frozen["body"]["reason"]) == (card, card, "frozen")
    assert frozen["event_id"] == f"{frozen['object_ref']}:SUSPENDED"
    (loaded,) = told(far_side, "transactions")
    assert loaded["body"]["gpa_order"]["user_token"] == user
    assert (loaded["body"]["amount"], loaded["card_ref"]) == (100.0, None)


def test_a_swipe_is_told_as_it_went(one: Stranger, far_side: FarSide, card: str) -> None:
    done = swipe(far_side, card, 25_00)
    bought = told(far_side, "transactions")[1:]
    held, cleared, taken = done["authorization_ref"], done["authorization_ref"], done["transaction_ref"]
    assert [each["event_id"] for each in bought] == [f"{held}:PENDING", f"{cleared}:CLEARED", f"{taken}:COMPLETION"]
    assert [each["body"]["state"] for each in bought] == ["PENDING", "CLEARED", "COMPLETION"]
    assert bought[2]["body"]["preceding_related_transaction_token"] == held
    assert {each["card_ref"] for each in bought} == {card}
    assert bought[2]["body"] | {"amount": 0} == json.loads(one.get(f"/transactions/{taken}").content) | {"amount": 0}


def test_a_hold_a_decline_a_reversal_a_refund(one: Stranger, far_side: FarSide, card: str) -> None:
    held = one.authorise(card, 20)["token"]
    one.reverse(held, 5)
    one.reverse(held, 15)
    one.authorise(card, 1000)
    one.clear(held, 3, is_refund=True)
    assert [(each["type"], each["body"]["state"]) for each in told(far_side, "transactions")[1:]] == [
        ("transaction.authorization", "PENDING"),
        ("transaction.authorization.reversal", "PENDING"),
        ("transaction.authorization", "CLEARED"),
        ("transaction.authorization.reversal", "CLEARED"),
        ("transaction.authorization", "DECLINED"),
        ("transaction.refund", "COMPLETION"),
    ]


def test_what_was_refused_is_not_told(one: Stranger, far_side: FarSide, card: str) -> None:
    before = len(told(far_side))
    one.refused("/cardtransitions", {"card_token": card, "state": "ACTIVE", "channel": "API"})
    one.refused("/simulate/reversal", {"original_transaction_token": "none", "amount": 1}, 404)
    assert len(told(far_side)) == before


def test_a_state_that_comes_again_has_another_name(one: Stranger, far_side: FarSide, card: str) -> None:
    held = one.authorise(card, 20)["token"]
    one.reverse(held, 20)
    with far_side.transaction(silent=True) as desk:
        desk.db.execute("UPDATE marqeta_transactions SET state = 'PENDING', held = 500 WHERE ref = ?", (held,))
    one.reverse(held, 5)
    names = [each["event_id"] for each in told(far_side, "transactions") if each["object_ref"] == held]
    assert names == [f"{held}:PENDING", f"{held}:CLEARED", f"{held}:CLEARED:2"]


def test_two_transitions_that_a_client_calls_alike(one: Stranger, far_side: FarSide) -> None:
    user = one.user()
    card = one.card(user, one.product(active=False))
    why = {"channel": "API", "reason_code": "00"}
    one.done("/usertransitions", {"user_token": user, "status": "SUSPENDED", "token": "mine", **why})
    one.done("/usertransitions", {"user_token": user, "status": "ACTIVE", **why})
    one.done("/cardtransitions", {"card_token": card, "state": "SUSPENDED", "token": "mine", **why})
    mine = [(each["key"], each["event_id"]) for each in told(far_side) if each["object_ref"] == "mine"]
    assert mine == [("usertransitions", "mine:SUSPENDED"), ("cards", "mine:SUSPENDED:2")]


@pytest.mark.parametrize(("won", "state", "left"), [(True, "CASE_WON", 80), (False, "CASE_LOST", 70)])
def test_a_chargeback(one: Stranger, far_side: FarSide, card: str, won: bool, state: str, left: int) -> None:
    user = one.seen(f"/cards/{card}")["user_token"]
    taken = swipe(far_side, card, 30_00)["transaction_ref"]
    with far_side.transaction() as desk:
        assert counter.charge_back(desk, "none", 10_00) is None
        first = counter.charge_back(desk, taken, 10_00)
        with pytest.raises(BadInput):
            counter.charge_back(desk, taken, 20_01)
        with pytest.raises(BadInput):
            counter.charge_back(desk, one_authorization(desk), 10_00)
    assert first is not None
    assert one.gpa(user) == (80, 80)
    with far_side.transaction() as desk:
        last = counter.decide_chargeback(desk, first["chargeback_ref"], won=won)
        with pytest.raises(BadInput):
            counter.decide_chargeback(desk, first["chargeback_ref"], won=won)
        assert counter.decide_chargeback(desk, "none", won=won) is None
    assert last is not None
    assert one.gpa(user) == (left, left)
    assert types(far_side, "chargebacktransitions") == [
        "chargebacktransition.initiated",
        f"chargebacktransition.{last_word(state)}",
    ]
    ended = told(far_side, "chargebacktransitions")[-1]["body"]
    assert (ended["state"], ended["previous_state"], ended["chargeback_token"]) == (state, "INITIATED", first["chargeback_ref"])
    assert ended["transaction_token"] == last["transaction_ref"]
    booked = told(far_side, "transactions")[-1]
    suffix = "completed" if won else "reversal"
    assert booked["type"] == f"transaction.authorization.clearing.chargeback.{suffix}"
    assert booked["body"]["preceding_related_transaction_token"] == taken
    assert booked["body"]["chargeback"]["state"] == state
    assert len(one.listed(f"/transactions/{taken}/related")) == 3


def last_word(state: str) -> str:
    return state.lower().replace("_", ".")


def one_authorization(desk: Any) -> str:
    return str(desk.db.execute("SELECT ref FROM marqeta_transactions WHERE type = 'authorization'").fetchone()[0])


def test_a_wallet_token(one: Stranger, far_side: FarSide, card: str) -> None:
    with far_side.transaction() as desk:
        assert counter.add_wallet_token(desk, "none") is None
        token = counter.add_wallet_token(desk, card, "google")
        assert token is not None
        assert counter.move_wallet_token(desk, token, "SUSPENDED")
        assert not counter.move_wallet_token(desk, "none", "SUSPENDED")
        with pytest.raises(BadInput):
            counter.move_wallet_token(desk, token, "REQUESTED")
        with pytest.raises(BadInput):
            counter.add_wallet_token(desk, card, "purse")
    items = told(far_side, "digitalwallettokentransitions")
    assert [each["body"]["state"] for each in items] == ["REQUESTED", "ACTIVE", "SUSPENDED"]
    assert {each["body"]["digital_wallet_token"]["token"] for each in items} == {token}
    assert {each["card_ref"] for each in items} == {card}
    assert one.seen(f"/digitalwallettokens/{token}")["state"] == "SUSPENDED"


def test_ten_to_a_request(one: Stranger, far_side: FarSide, card: str) -> None:
    for _ in range(10):
        one.authorise(card, 1)
    sent = [Notice(**each) for each in told(far_side, "transactions")[:10]]
    posting = notices.posted(sent, PROVEN, 0)
    assert json.loads(posting.body) == {"transactions": [each.body for each in sent]}
    assert posting.query == ""
    scheme, _, credentials = posting.headers["Authorization"].partition(" ")
    assert (scheme, base64.b64decode(credentials)) == ("Basic", b"marqeta:Str0ng&long&enough!!")
    assert "X-Marqeta-Signature" not in posting.headers


@pytest.mark.parametrize(
    ("algorithm", "digest", "length"),
    [([], hashlib.sha256, 64), (["HMAC_SHA_256"], hashlib.sha256, 64), (["HMAC_SHA_1"], hashlib.sha1, 40)],
)
def test_a_signature(algorithm: list[str], digest: Any, length: int) -> None:
    secrets = {**PROVEN, notices.SECRET: ["cardctl-test-secret-0001", "older"], notices.ALGORITHM: algorithm}
    posting = notices.posted([notices.ping()], secrets, 0)
    assert json.loads(posting.body) == {"pings": [{"token": "marqeta", "payload": "healthcheck"}]}
    given = posting.headers["X-Marqeta-Signature"]
    assert given == hmac.new(b"cardctl-test-secret-0001", posting.body, digest).hexdigest()
    assert len(given) == length


def test_the_fact_sheet_s_vector() -> None:
    body = {"token": "ct_0001", "card_token": "card_0001", "user_token": "user_0001", "state": "SUSPENDED"}
    body |= {"type": "state.suspended", "channel": "API", "created_time": "2026-01-15T10:00:00Z"}
    secrets = {**PROVEN, notices.SECRET: ["cardctl-test-secret-0001"]}
    notice = Notice("ct_0001:SUSPENDED", "cardtransition.state.suspended", "ct_0001", "card_0001", body, "cards")
    signed = notices.posted([notice], secrets, 0).headers["X-Marqeta-Signature"]
    assert signed == "da0e058f3731b23512076fe5fb9d1b212340bb4239ec2e9efddde4ec0abfeb65"
