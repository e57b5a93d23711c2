"""Stripe's own SDK as it is installed, with its own HTTP client and retries, against `cardctl simulator serve` in a process."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import stripe

from cardctl.simulator.books import OPENING_FLOAT
from cardctl.simulator.control import Control
from tests.simulator.served import command


@pytest.fixture
def told(home: Path) -> Iterator[dict[str, Any]]:
    with command(environ=dict(os.environ)) as (_, said):
        yield said


@pytest.fixture
def sdk(told: dict[str, Any]) -> stripe.StripeClient:
    return stripe.StripeClient("sk_test_stranger", base_addresses={"api": told["base_urls"]["stripe"]})


@pytest.fixture
def staff(sdk: stripe.StripeClient, home: Path) -> Iterator[Control]:
    control = Control(home / "state" / "simulator.db")
    yield control
    control.close()


def holder(sdk: stripe.StripeClient, key: str | None = None) -> stripe.issuing.Cardholder:
    address = {"line1": "1 Main St", "city": "Oakland", "state": "CA", "postal_code": "94612", "country": "US"}
    return sdk.v1.issuing.cardholders.create(
        {"name": "Ada Lovelace", "type": "individual", "billing": {"address": address}},  # type: ignore[typeddict-item]
        {"idempotency_key": key} if key else {},
    )


def card(sdk: stripe.StripeClient, of: stripe.issuing.Cardholder) -> stripe.issuing.Card:
    return sdk.v1.issuing.cards.create({"cardholder": of.id, "currency": "usd", "type": "virtual", "status": "active"})


def test_a_programme(sdk: stripe.StripeClient, staff: Control) -> None:
    ada = holder(sdk)
    made = [card(sdk, ada).id for _ in range(7)][::-1]
    assert [one.id for one in sdk.v1.issuing.cards.list({"limit": 3}).auto_paging_iter()] == made
    frozen = sdk.v1.issuing.cards.update(made[0], {"status": "inactive", "metadata": {"why": "lost at sea"}})
    assert (frozen.status, frozen.metadata["why"]) == ("inactive", "lost at sea")
    bought = sdk.v1.test_helpers.issuing.authorizations.create({"card": made[1], "amount": 1250})
    assert bought.approved
    sdk.v1.test_helpers.issuing.authorizations.capture(bought.id)
    balance = sdk.v1.balance.retrieve()
    assert balance.issuing
    assert balance.issuing.available[0].amount == OPENING_FLOAT - 1250
    assert staff.status()["objects"]["transactions"] == 1


def test_errors(sdk: stripe.StripeClient, told: dict[str, Any]) -> None:
    with pytest.raises(stripe.InvalidRequestError) as missing:
        sdk.v1.issuing.cards.retrieve("ic_none")
    assert (missing.value.code, missing.value.http_status) == ("resource_missing", 404)
    assert missing.value.request_id
    wrong = stripe.StripeClient("sk_live_stranger", base_addresses={"api": told["base_urls"]["stripe"]})
    with pytest.raises(stripe.AuthenticationError):
        wrong.v1.balance.retrieve()


def test_a_key_is_one_write(sdk: stripe.StripeClient) -> None:
    first, again = holder(sdk, "k1"), holder(sdk, "k1")
    assert first.id == again.id
    assert again.last_response
    assert again.last_response.headers["Idempotent-Replayed"] == "true"
    assert len(sdk.v1.issuing.cardholders.list().data) == 1
    with pytest.raises(stripe.IdempotencyError):
        sdk.v1.issuing.cardholders.update(first.id, {"email": "ada@example.com"}, {"idempotency_key": "k1"})


def test_its_own_retries_make_one_thing(sdk: stripe.StripeClient, told: dict[str, Any], staff: Control) -> None:
    addresses = {"api": told["base_urls"]["stripe"]}
    patient = stripe.StripeClient("sk_test_stranger", base_addresses=addresses, max_network_retries=2)  # type: ignore[arg-type]
    staff.fault("lost-reply")
    staff.fault("500")
    assert holder(patient).name == "Ada Lovelace"
    assert staff.status()["objects"]["cardholders"] == 1
    staff.fault("429")
    with pytest.raises(stripe.RateLimitError):
        holder(sdk)
    assert staff.status()["objects"]["cardholders"] == 1
