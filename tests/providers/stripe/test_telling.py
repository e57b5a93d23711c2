"""What Stripe's events say, as tables: every type that is known, fields that are missing, and what it must not cost."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from cardctl.domain.cards import RemoteCard
from cardctl.domain.events import NOTHING, UNHEARD, Told
from cardctl.domain.money import Money
from cardctl.domain.states import CardState
from cardctl.domain.topups import RemoteTopUp, TopUpState
from cardctl.domain.transactions import TransactionKind, TransactionState
from cardctl.errors import BadEvent
from cardctl.providers.stripe_issuing import translate
from cardctl.providers.stripe_issuing.event_lists import EVENT_TYPES, SALE_EVENT_TYPES
from cardctl.providers.stripe_issuing.webhooks import StripeWebhooks
from tests.providers.stripe import objects
from tests.providers.stripe.test_webhooks import event

K, S = TransactionKind, TransactionState
CREATED = datetime.fromtimestamp(objects.CREATED, UTC)


def told(kind: str, about: Any) -> Told:
    webhooks = StripeWebhooks()
    (notice,) = webhooks.notices(event(kind, about))
    return webhooks.told(notice)


def dispute(**fields: Any) -> dict[str, Any]:
    return {
        "id": "idp_1",
        "object": "issuing.dispute",
        "amount": 700,
        "created": objects.CREATED,
        "currency": "usd",
        "status": "unsubmitted",
        "transaction": "ipi_1",
        **fields,
    }


def top_up(**fields: Any) -> dict[str, Any]:
    return {"id": "tu_1", "amount": 900, "created": objects.CREATED, "currency": "usd", "status": "pending", **fields}


OBJECTS: dict[str, dict[str, Any]] = {
    "issuing_card": objects.card(),
    "issuing_cardholder": objects.cardholder(),
    "issuing_authorization": objects.authorization(),
    "issuing_transaction": objects.transaction(),
    "issuing_dispute": dispute(),
    "topup": top_up(),
}


@pytest.mark.parametrize("kind", [*EVENT_TYPES, "issuing_card.shredded", "issuing_authorization.slept_over"])
def test_every_type_of_a_known_family_tells_of_its_object(kind: str) -> None:
    family = kind.partition(".")[0]
    found = told(kind, OBJECTS[family])
    assert found.known
    assert found.decided
    assert not found.informs
    said: list[Any] = [*found.cards, *found.accounts, *found.transactions, *found.topups]
    assert [one.ref for one in said] == [OBJECTS[family]["id"]]


@pytest.mark.parametrize("types", [EVENT_TYPES, SALE_EVENT_TYPES])
def test_twenty_types_are_asked_for_at_most(types: tuple[str, ...]) -> None:
    assert len(set(types)) == len(types) <= 20
    assert set(EVENT_TYPES).isdisjoint(SALE_EVENT_TYPES)


@pytest.mark.parametrize(
    "kind",
    [
        "issuing_authorization.request",
        "issuing_token.created",
        "issuing_personalization_design.activated",
        "balance.available",
        "payment_intent.created",
        "checkout.session.expired",
        "charge.succeeded",
    ],
)
def test_what_informs_only(kind: str) -> None:
    assert told(kind, objects.authorization()) == NOTHING
    assert told(kind, None) == NOTHING


@pytest.mark.parametrize("kind", ["issuing_dream.created", "invoice.paid", "issuing_cards.created", "x", "."])
def test_what_nobody_has_heard_of(kind: str) -> None:
    assert told(kind, objects.card()) == UNHEARD


def test_a_snapshot_is_what_a_reading_would_have_given() -> None:
    """But for the raw JSON: an event is kept as it came, so that nothing is looked through here."""
    (card,) = told("issuing_card.updated", objects.card(objects.limit(500, "daily"), status="inactive")).cards
    wire: Any = objects.card(objects.limit(500, "daily"), status="inactive")
    assert card == translate.card_from_wire(wire, raw="{}")
    assert isinstance(card, RemoteCard)
    assert (card.state, card.limits.daily) == (CardState.INACTIVE, Money(500, "USD"))
    (account,) = told("issuing_cardholder.updated", objects.cardholder(email="a@b.co")).accounts
    assert (account.ref, account.email, account.raw) == ("ich_1", "a@b.co", {})
    (held,) = told("issuing_authorization.created", objects.authorization()).transactions
    assert (held.kind, held.impact, held.raw, held.progress) == (K.AUTHORIZATION, Money(-700, "USD"), {}, (0, 1, 0, 0))
    (settled,) = told("issuing_transaction.created", objects.transaction()).transactions
    assert (settled.kind, settled.parent_ref, settled.raw, settled.progress) == (K.SETTLEMENT, "iauth_1", {}, (1,))


@pytest.mark.parametrize(
    ("status", "state", "progress"),
    [
        ("unsubmitted", S.PENDING, (1,)),
        ("submitted", S.PENDING, (2,)),
        ("won", S.SETTLED, (3,)),
        ("lost", S.DECLINED, (3,)),
        ("expired", S.DECLINED, (3,)),
        ("dreaming", S.UNKNOWN, (0,)),
        (None, S.UNKNOWN, (0,)),
    ],
)
def test_disputes(status: str | None, state: TransactionState, progress: tuple[int, ...]) -> None:
    (found,) = told("issuing_dispute.updated", dispute(status=status)).transactions
    assert (found.kind, found.state, found.progress) == (K.CHARGEBACK, state, progress)
    assert (found.ref, found.parent_ref, found.card_ref) == ("idp_1", "ipi_1", "")
    assert (found.amount, found.impact, found.occurred_at) == (Money(700, "USD"), Money(0, "USD"), CREATED)


@pytest.mark.parametrize(
    ("disputed", "parent", "card"),
    [
        (objects.transaction(), "ipi_1", "ic_1"),
        (objects.transaction(card=objects.card()), "ipi_1", "ic_1"),
        ({"id": "ipi_1"}, "ipi_1", ""),
        (None, None, ""),
    ],
)
def test_a_dispute_names_its_card_where_its_transaction_does(disputed: Any, parent: str | None, card: str) -> None:
    (found,) = told("issuing_dispute.created", dispute(transaction=disputed)).transactions
    assert (found.parent_ref, found.card_ref) == (parent, card)


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("pending", TopUpState.PENDING),
        ("succeeded", TopUpState.SETTLED),
        ("failed", TopUpState.FAILED),
        ("canceled", TopUpState.FAILED),
        ("reversed", TopUpState.REVERSED),
        ("dreaming", TopUpState.UNKNOWN),
        (None, TopUpState.UNKNOWN),
    ],
)
def test_top_ups(status: str | None, state: TopUpState) -> None:
    assert told("topup.succeeded", top_up(status=status)).topups == (RemoteTopUp("tu_1", Money(900, "USD"), state, CREATED),)


@pytest.mark.parametrize(
    ("kind", "about"),
    [
        ("issuing_card.updated", None),
        ("issuing_card.updated", "ic_1"),
        ("issuing_card.updated", {"id": "ic_1"}),
        ("issuing_cardholder.updated", {"name": "Jenny"}),
        ("issuing_authorization.created", objects.authorization(amount=None)),
        ("issuing_authorization.created", objects.authorization(amount=7.5)),
        ("issuing_authorization.created", objects.authorization(amount=True)),
        ("issuing_authorization.created", objects.authorization(amount=10**18)),
        ("issuing_authorization.created", objects.authorization(currency="zzz")),
        ("issuing_authorization.created", objects.authorization(created=10**30)),
        ("issuing_authorization.created", {"id": "iauth_1"}),
        ("issuing_transaction.created", objects.transaction(card=None)),
        ("issuing_transaction.created", objects.transaction(amount="7")),
        ("issuing_dispute.created", dispute(amount=7.5)),
        ("issuing_dispute.created", {"id": "idp_1"}),
        ("topup.created", top_up(amount=7.5)),
        ("topup.created", {"id": "tu_1"}),
    ],
)
def test_what_a_known_type_must_have(kind: str, about: Any) -> None:
    with pytest.raises(BadEvent, match="evt_1"):
        told(kind, about)


def test_the_numbers_of_a_card_are_told_by_nobody() -> None:
    said = told("issuing_card.updated", objects.card(number="4000009990000005", cvc="123"))
    assert "4000009990000005" not in json.dumps(said, default=str)
