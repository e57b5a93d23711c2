"""Deliveries: credentials and signature, and what the absence of either means; what is in a body, and what it says."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from cardctl.domain.events import NOTHING, UNHEARD, Claim, Incoming, Notice, Signature, Told
from cardctl.domain.money import Money
from cardctl.domain.redaction import Secret
from cardctl.domain.states import CardState
from cardctl.domain.transactions import TransactionKind, TransactionState
from cardctl.errors import BadEvent
from cardctl.providers import registry
from cardctl.providers.marqeta.webhooks import PASSWORD, SECRET, USERNAME, MarqetaWebhooks
from tests.providers.marqeta import objects

WEBHOOKS = MarqetaWebhooks()
NOW = datetime(2026, 1, 15, 12, tzinfo=UTC)
KEY = "cardctl-test-secret-0001"
BODY = (
    b'{"cards":[{"token":"ct_0001","card_token":"card_0001","user_token":"user_0001","state":"SUSPENDED",'
    b'"type":"state.suspended","channel":"API","created_time":"2026-01-15T10:00:00Z"}]}'
)
SHA1 = "dde0617fab96b250f3a23000319e0b083045094c"
SHA256 = "da0e058f3731b23512076fe5fb9d1b212340bb4239ec2e9efddde4ec0abfeb65"
"""Computed once, by the documented rule, with another tool."""
V, N, A = Signature.VALID, Signature.INVALID, Signature.ABSENT


def basic(username: str = "ops", password: str = "Pa$$w0rd-of-twenty-letters") -> str:
    return f"Basic {base64.b64encode(f'{username}:{password}'.encode()).decode()}"


CREDENTIALS = {USERNAME: [Secret("ops")], PASSWORD: [Secret("Pa$$w0rd-of-twenty-letters")]}
SIGNING = {SECRET: [Secret(KEY)]}
BOTH = {**CREDENTIALS, **SIGNING}


def verdict(secrets: dict[str, list[Secret]], body: bytes = BODY, **headers: str | None) -> Signature:
    told = {"authorization": headers.get("basic"), "x-marqeta-signature": headers.get("signature")}
    return WEBHOOKS.verify(Incoming(body, {name: text for name, text in told.items() if text is not None}, NOW), secrets)


@pytest.mark.parametrize(
    ("secrets", "credentials", "signature", "wanted"),
    [
        # credentials alone
        (CREDENTIALS, basic(), None, V),
        (CREDENTIALS, basic(), "ab" * 32, V),
        (CREDENTIALS, basic().replace("Basic", "basic"), None, V),
        (CREDENTIALS, basic("Ops"), None, N),
        (CREDENTIALS, basic(password="Pa$$w0rd"), None, N),
        (CREDENTIALS, basic("", ""), None, N),
        (CREDENTIALS, basic("ops:Pa$$w0rd-of-twenty-letters", ""), None, N),
        (CREDENTIALS, basic().replace("Basic", "Bearer"), None, N),
        (CREDENTIALS, basic().removeprefix("Basic "), None, N),
        (CREDENTIALS, f"{basic()}, {basic()}", None, N),
        (CREDENTIALS, "Basic é\ud800", None, N),
        (CREDENTIALS, None, None, A),
        (CREDENTIALS, "", None, A),
        (CREDENTIALS, None, SHA256, A),
        # a signature too
        (BOTH, basic(), SHA256, V),
        (BOTH, basic(), SHA1, V),
        (BOTH, basic(), None, N),
        (BOTH, basic(), SHA256.upper(), N),
        (BOTH, basic(), SHA256[:-1] + "0", N),
        (BOTH, basic(), SHA256[:40], N),
        (BOTH, basic(), SHA1 + SHA256[:24], N),
        (BOTH, basic(), f"{SHA256},{SHA256}", N),
        (BOTH, basic(), "é" * 64, N),
        (BOTH, basic("Ops"), SHA256, N),
        (BOTH, None, SHA256, V),
        (BOTH, None, SHA256[::-1], N),
        (BOTH, None, None, A),
        # what is not set proves nothing
        ({}, basic(), SHA256, N),
        ({}, None, SHA256, A),
        ({}, None, None, A),
        ({USERNAME: [Secret("ops")]}, basic("ops", ""), None, N),
        ({PASSWORD: CREDENTIALS[PASSWORD]}, basic(""), None, N),
        ({USERNAME: [Secret(" ")], PASSWORD: [Secret(" ")]}, basic(" ", " "), None, N),
        (SIGNING, None, SHA1, V),
        (SIGNING, basic(), SHA1, N),
        ({SECRET: [Secret(" ")]}, None, hmac.new(b" ", BODY, hashlib.sha256).hexdigest(), A),
    ],
)
def test_verdicts(secrets: dict[str, list[Secret]], credentials: str | None, signature: str | None, wanted: Signature) -> None:
    assert verdict(secrets, basic=credentials, signature=signature) is wanted


@pytest.mark.parametrize("body", [BODY + b" ", BODY[:-1], BODY.replace(b"SUSPENDED", b"ACTIVE"), b"", b"\xff"])
def test_another_body_is_not_what_was_signed(body: bytes) -> None:
    assert verdict(BOTH, body, basic=basic(), signature=SHA256) is N
    assert verdict(BOTH, body, signature=SHA1) is N


def test_during_a_rotation_the_one_before_is_good_too() -> None:
    rotating = {
        USERNAME: [Secret("ops")],
        PASSWORD: [Secret("The-new-passw0rd-of-all"), *CREDENTIALS[PASSWORD]],
        SECRET: [Secret("the-new-secret-of-all"), Secret(KEY)],
    }
    assert verdict(rotating, basic=basic(), signature=SHA256) is V
    assert verdict(rotating, basic=basic(password="The-new-passw0rd-of-all"), signature=SHA1) is V
    assert verdict(rotating, basic=basic(password="The-passw0rd-before-that"), signature=SHA1) is N


def body(**lists: Any) -> bytes:
    return json.dumps(lists).encode()


def one(key: str, **item: Any) -> Notice:
    (found,) = WEBHOOKS.notices(body(**{key: [item]}))
    return found


def test_ten_to_a_post() -> None:
    rows = [objects.transaction(token=f"t_{number}") for number in range(10)]
    found = WEBHOOKS.notices(body(transactions=rows))
    assert [notice.event_id for notice in found] == [f"transactions/t_{number}/PENDING" for number in range(10)]
    assert [notice.position for notice in found] == list(range(10))
    assert {notice.live for notice in found} == {None}


@pytest.mark.parametrize(
    ("key", "item", "event_id", "kind", "object_ref", "card_ref"),
    [
        (
            "transactions",
            objects.transaction("authorization.clearing", "COMPLETION"),
            "transactions/t_1/COMPLETION",
            "transactions.authorization.clearing",
            "t_1",
            "card_1",
        ),
        ("cards", objects.card_transition(), "cards/op_1/SUSPENDED", "cards.state.suspended", "card_1", "card_1"),
        ("cardtransitions", objects.card_transition(), "cards/op_1/SUSPENDED", "cards.state.suspended", "card_1", "card_1"),
        (
            "usertransitions",
            objects.user_transition(),
            "usertransitions/op_1/SUSPENDED",
            "usertransitions.suspended",
            "user_1",
            None,
        ),
        (
            "chargebacktransitions",
            {"token": "cbt_1", "chargeback_token": "cb_1", "state": "CASE_WON", "transaction_token": "t_1"},
            "chargebacktransitions/cbt_1/CASE_WON",
            "chargebacktransitions.case_won",
            "cb_1",
            None,
        ),
        (
            "digitalwallettokentransitions",
            {"token": "dt_1", "state": "ACTIVE", "digital_wallet_token": {"token": "dw_1", "card_token": "card_1"}},
            "digitalwallettokentransitions/dt_1/ACTIVE",
            "digitalwallettokentransitions.active",
            "dt_1",
            "card_1",
        ),
        ("pings", {"token": "marqeta", "payload": "healthcheck"}, "pings/marqeta/", "pings", "marqeta", None),
        ("dreams", {"token": "d_1", "type": "Long"}, "dreams/d_1/", "dreams.long", "d_1", None),
    ],
)
def test_notices(
    key: str, item: dict[str, Any], event_id: str, kind: str, object_ref: str | None, card_ref: str | None
) -> None:
    found = one(key, **item)
    assert (found.event_id, found.type, found.object_ref, found.card_ref) == (event_id, kind, object_ref, card_ref)


def test_a_changed_state_is_another_notification_and_the_same_one_is_the_same() -> None:
    pending, cleared = objects.transaction(), objects.transaction(state="CLEARED")
    ids = [one("transactions", **item).event_id for item in (pending, cleared, pending)]
    assert ids[0] == ids[2] != ids[1]


def test_an_item_without_a_token_is_known_by_what_it_says() -> None:
    ids = {one("cardactions", type="pin.set", card_token=card).event_id for card in ("card_1", "card_2", "card_1")}
    assert len(ids) == 2


def test_amounts_are_exact_and_numbers_of_cards_do_not_come_in() -> None:
    found = WEBHOOKS.notices(b'{"transactions":[{"token":"t_1","amount":0.10,"card_token":"c","pan":"4111111111111111"}]}')
    assert found[0].item == {"token": "t_1", "amount": Decimal("0.10"), "card_token": "c"}


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-15T10:00:00Z", datetime(2026, 1, 15, 10, tzinfo=UTC)),
        ("2026-01-15T10:00:00.123+02:00", datetime(2026, 1, 15, 8, 0, 0, 123000, tzinfo=UTC)),
        ("2026-01-15 10:00:00", datetime(2026, 1, 15, 10, tzinfo=UTC)),
        ("0001-01-01T00:00:00+23:00", None),
        ("yesterday", None),
        (7, None),
        (None, None),
    ],
)
def test_when_it_happened(text: Any, moment: datetime | None) -> None:
    assert one("cards", token="ct_1", created_time=text).occurred_at == moment


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff",
        b"[]",
        b"7",
        b"{}",
        b'{"cards": []}',
        b'{"cards": {"token": "ct_1"}}',
        b'{"cards": ["ct_1"]}',
        b'{"cards": [{"token": "ct_1"}, null]}',
        b'{"\\u0000": [{"token": "ct_1"}]}',
        b'{"cards": [{"amount": NaN}]}',
        b'{"cards": [{"amount": ' + b"9" * 5000 + b"}]}",
        b"[" * 100_000,
        b'{"cards": [{"token": ' + b"[" * 400 + b"]" * 400 + b"}]}" + b"x",
    ],
)
def test_what_is_no_notification(body: bytes) -> None:
    with pytest.raises(BadEvent):
        WEBHOOKS.notices(body)


@pytest.mark.parametrize("depth", [200, 400, 600, 900, 5000])
def test_a_body_of_any_depth_is_read_or_refused(depth: int) -> None:
    deep = b'{"cards": [{"token": "ct_1", "card": ' + b'{"a":' * depth + b"1" + b"}" * depth + b"}]}"
    try:
        assert len(WEBHOOKS.notices(deep)) == 1
    except BadEvent:
        assert depth > 200


def told(key: str, **item: Any) -> Told:
    return WEBHOOKS.told(one(key, **item))


def test_a_transaction_is_told_and_its_card_is_read() -> None:
    found = told("transactions", **objects.transaction("authorization", "PENDING", 25.1))
    (transaction,) = found.transactions
    assert (found.look, found.decided, found.known) == (("card_1",), False, True)
    assert (transaction.kind, transaction.state) == (TransactionKind.AUTHORIZATION, TransactionState.APPROVED)
    assert (transaction.impact, transaction.raw, transaction.progress) == (Money(-2510, "USD"), {}, (0,))


@pytest.mark.parametrize(
    ("state", "progress"),
    [("PENDING", 0), ("CLEARED", 1), ("COMPLETION", 1), ("DECLINED", 1), ("ERROR", 1), ("DREAMING", 1), (None, 0)],
)
def test_how_far_a_transaction_is(state: str | None, progress: int) -> None:
    (transaction,) = told("transactions", **objects.transaction(state=state or "")).transactions
    assert transaction.progress == (progress,)


def test_a_release_alone_gives_no_room_back() -> None:
    """What its authorization still holds only a reading can tell."""
    wire = objects.transaction("authorization.reversal", "CLEARED", 25, preceding_related_transaction_token="t_0")
    (transaction,) = told("transactions", **wire).transactions
    assert (transaction.impact, transaction.parent_ref) == (Money(0, "USD"), "t_0")


def test_what_has_no_card_is_the_holders() -> None:
    assert told("transactions", **objects.transaction("gpa.credit", "COMPLETION", card_token=None)) == Told(
        look_accounts=("user_1",), decided=False
    )
    assert told("transactions", token="t_1", type="gpa.credit", state="COMPLETION", amount=1) == NOTHING


@pytest.mark.parametrize(
    ("state", "claimed"),
    [
        ("ACTIVE", CardState.ACTIVE),
        ("SUSPENDED", CardState.FROZEN),
        ("LIMITED", CardState.SUSPENDED),
        ("TERMINATED", CardState.CLOSED),
        ("UNACTIVATED", CardState.PENDING),
    ],
)
def test_a_transition_is_a_hint_and_a_claim(state: str, claimed: CardState) -> None:
    found = told("cards", **objects.card_transition(state=state, reason="frozen by ops"))
    assert found == Told(look=("card_1",), claims=(Claim("card_1", claimed, "frozen by ops"),), decided=False)


@pytest.mark.parametrize("state", ["DREAMING", None])
def test_an_unknown_state_is_claimed_by_nobody(state: str | None) -> None:
    assert told("cards", **objects.card_transition(state=state)) == Told(look=("card_1",), decided=False)


def test_users_and_chargebacks() -> None:
    assert told("usertransitions", **objects.user_transition()) == Told(look_accounts=("user_1",), decided=False)
    chargeback = {"token": "cbt_1", "state": "INITIATED", "transaction_token": "t_1"}
    assert told("chargebacktransitions", **chargeback) == NOTHING
    assert told("chargebacktransitions", **chargeback, card_token="card_1").look == ("card_1",)
    assert told("chargebacktransitions", **chargeback, transaction={"card_token": "card_2"}).look == ("card_2",)


@pytest.mark.parametrize(
    "key",
    [
        "pings",
        "digitalwallettokentransitions",
        "cardactions",
        "threedstransitions",
        "businesstransitions",
        "banktransfertransitions",
        "directdepositaccounttransitions",
    ],
)
def test_what_informs_only(key: str) -> None:
    assert told(key, token="x", type="state.activated", card_token="card_1") == NOTHING


def test_what_nobody_has_heard_of() -> None:
    assert told("dreams", token="d_1", card_token="card_1") == UNHEARD


@pytest.mark.parametrize(
    ("key", "item"),
    [
        ("transactions", {"token": "t_1", "card_token": "card_1"}),
        ("transactions", objects.transaction(amount="much")),
        ("transactions", objects.transaction(amount=[1])),
        ("transactions", objects.transaction(amount=1e40)),
        ("transactions", objects.transaction(amount=0.001)),
        ("transactions", objects.transaction(currency_code="ZZZ")),
        ("transactions", objects.transaction(created_time="yesterday")),
        ("cards", {"token": "ct_1", "state": "ACTIVE"}),
        ("cards", {"token": "ct_1", "state": "ACTIVE", "card_token": ["card_1"]}),
        ("usertransitions", {"token": "ut_1", "status": "ACTIVE"}),
    ],
)
def test_what_a_known_key_must_have(key: str, item: dict[str, Any]) -> None:
    with pytest.raises(BadEvent):
        told(key, **item)


def test_the_registry_leads_here() -> None:
    found = registry.webhooks("marqeta")
    assert (found.name, found.secret_names) == ("marqeta", (USERNAME, PASSWORD, SECRET))
    assert found.kept_body(b"x") == b"x"
