"""Square's own SDK as it is installed, with its own HTTP client and retries, against `cardctl simulator serve` in a process."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from square import Square
from square.core.api_error import ApiError

from cardctl.simulator.control import Control
from tests.simulator.served import command


@pytest.fixture
def told(home: Path) -> Iterator[dict[str, Any]]:
    with command(environ=dict(os.environ)) as (_, said):
        yield said


@pytest.fixture
def sdk(told: dict[str, Any]) -> Iterator[Square]:
    one = Square(token="EAAA-sdk", base_url=told["base_urls"]["square"])
    yield one
    one._client_wrapper.httpx_client.httpx_client.close()


@pytest.fixture
def staff(sdk: Square, home: Path) -> Iterator[Control]:
    control = Control(home / "state" / "simulator.db")
    yield control
    control.close()


def buyer(sdk: Square, nonce: str = "cnon:card-nonce-ok") -> tuple[str, str]:
    made = sdk.customers.create(idempotency_key=f"c {nonce}", given_name="Ada", reference_id="ada").customer
    assert made
    assert made.id
    saved = sdk.cards.create(idempotency_key=f"s {nonce}", source_id=nonce, card={"customer_id": made.id}).card
    assert saved
    assert saved.id
    return made.id, saved.id


def pay(sdk: Square, who: tuple[str, str], key: str, amount: int, **wish: Any) -> Any:
    money = {"amount": amount, "currency": "USD"}
    return sdk.payments.create(
        idempotency_key=key,
        source_id=who[1],
        customer_id=who[0],
        amount_money=money,
        **wish,
    ).payment


def test_a_shop(sdk: Square) -> None:
    who = buyer(sdk)
    card = sdk.cards.get(who[1]).card
    assert card
    assert (card.last4, card.card_brand, card.enabled, card.customer_id) == ("1111", "VISA", True, who[0])
    held = pay(sdk, who, "h", 5000, autocomplete=False, delay_duration="P3D", reference_id="inv-1")
    assert (held.status, held.card_details.status, held.delay_duration) == ("APPROVED", "AUTHORIZED", "PT72H")
    lowered = sdk.payments.update(
        held.id, idempotency_key="u", payment={"amount_money": {"amount": 4210, "currency": "USD"}}
    ).payment
    assert lowered
    taken = sdk.payments.complete(held.id, version_token=lowered.version_token).payment
    assert taken
    assert taken.total_money
    assert (taken.status, taken.total_money.amount) == ("COMPLETED", 4210)
    back = sdk.refunds.refund_payment(
        idempotency_key="r", payment_id=held.id, amount_money={"amount": 1000, "currency": "USD"}, reason="late"
    ).refund
    assert back
    assert (back.status, back.payment_id) == ("COMPLETED", held.id)
    other = pay(sdk, who, "h2", 700, autocomplete=False)
    gone = sdk.payments.cancel(other.id).payment
    assert gone
    assert gone.status == "CANCELED"
    pay(sdk, who, "h3", 800, autocomplete=False)
    sdk.payments.cancel_by_idempotency_key(idempotency_key="h3")
    assert [one.status for one in sdk.payments.list(sort_order="ASC", limit=2)] == ["COMPLETED", "CANCELED", "CANCELED"]
    assert [one.id for one in sdk.refunds.list()] == [back.id]
    assert len(sdk.locations.list().locations or []) == 1
    found = sdk.customers.search(query={"filter": {"reference_id": {"exact": "ada"}}}).customers
    assert [one.id for one in found or []] == [who[0]]
    disabled = sdk.cards.disable(who[1]).card
    assert disabled
    assert disabled.enabled is False


def test_errors(sdk: Square, told: dict[str, Any]) -> None:
    with pytest.raises(ApiError) as missing:
        sdk.payments.get("nothing")
    assert (missing.value.status_code, missing.value.body["errors"][0]["code"]) == (404, "NOT_FOUND")
    with pytest.raises(ApiError) as declined:
        pay(sdk, buyer(sdk, "cnon:card-nonce-insufficient-funds"), "p", 500)
    assert (declined.value.status_code, declined.value.body["errors"][0]["code"]) == (402, "INSUFFICIENT_FUNDS")
    assert [one.status for one in sdk.payments.list()] == ["FAILED"]


def test_its_own_retries_make_one_payment(sdk: Square, staff: Control) -> None:
    who = buyer(sdk)
    staff.fault("429-retry-after")
    staff.fault("500-after-commit")
    assert pay(sdk, who, "p", 500).status == "COMPLETED"
    assert staff.status()["providers"]["square"]["payments"] == 1
    assert pay(sdk, who, "p", 500).id == next(iter(sdk.payments.list())).id


def test_webhooks_and_events(sdk: Square) -> None:
    wish = {"name": "mine", "event_types": ["payment.updated"], "notification_url": "http://127.0.0.1:9/"}
    made = sdk.webhooks.subscriptions.create(subscription=wish, idempotency_key="w").subscription
    assert made
    assert made.id
    assert [one.id for one in sdk.webhooks.subscriptions.list()] == [made.id]
    sdk.events.enable_events()
    pay(sdk, buyer(sdk), "p", 500)
    told = sdk.events.search_events(limit=3).events
    assert [event.type for event in told or []] == ["payment.updated", "payment.created", "card.created"]
