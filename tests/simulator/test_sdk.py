"""Stripe's own SDK, unchanged, over the simulator: a stranger's program works."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
import stripe

from cardctl.simulator.books import OPENING_FLOAT
from cardctl.simulator.control import Control
from cardctl.simulator.transport import SimulatorTransport


class OverHttpx(stripe.HTTPClient):
    """The least that the SDK needs of an HTTP client."""

    name = "httpx"

    def __init__(self, client: httpx.Client) -> None:
        super().__init__()
        self.client = client

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        *,
        _usage: list[str] | None = None,
    ) -> tuple[str, int, Mapping[str, str]]:
        try:
            reply = self.client.request(method, url, headers=dict(headers or {}), content=post_data)
        except httpx.TransportError as error:
            raise stripe.APIConnectionError(str(error), should_retry=True) from error  # type: ignore[no-untyped-call]
        return reply.text, reply.status_code, reply.headers

    def _sleep_time_seconds(self, num_retries: int, response: Any = None) -> float:
        return 0

    def close(self) -> None:
        self.client.close()


@pytest.fixture
def sdk(path: Path) -> Iterator[stripe.StripeClient]:
    client = httpx.Client(transport=SimulatorTransport(path))
    yield stripe.StripeClient("sk_test_stranger", http_client=OverHttpx(client), max_network_retries=2)
    client.close()


def card(sdk: stripe.StripeClient) -> stripe.issuing.Card:
    address = {"line1": "1 Main St", "city": "Oakland", "state": "CA", "postal_code": "94612", "country": "US"}
    holder = sdk.v1.issuing.cardholders.create(
        {"name": "Ada Lovelace", "type": "individual", "billing": {"address": address}, "metadata": {"key": "a"}}  # type: ignore[typeddict-item]
    )
    return sdk.v1.issuing.cards.create(
        {
            "cardholder": holder.id,
            "currency": "usd",
            "type": "virtual",
            "status": "active",
            "spending_controls": {
                "spending_limits": [{"amount": 5000, "interval": "all_time"}, {"amount": 900, "interval": "daily"}],
                "blocked_categories": ["bakeries", "florists"],
            },
        }
    )


def test_a_programme_from_end_to_end(sdk: stripe.StripeClient) -> None:
    made = card(sdk)
    assert [(one.amount, one.interval) for one in made.spending_controls.spending_limits or []] == [
        (5000, "all_time"),
        (900, "daily"),
    ]
    assert made.spending_controls.blocked_categories == ["bakeries", "florists"]
    revealed = sdk.v1.issuing.cards.retrieve(made.id, {"expand": ["number", "cvc"]})
    assert revealed.number
    assert revealed.number.endswith(made.last4)
    held = sdk.v1.test_helpers.issuing.authorizations.create({"card": made.id, "amount": 800})
    assert held.approved
    sdk.v1.test_helpers.issuing.authorizations.capture(held.id, {"capture_amount": 700})
    declined = sdk.v1.test_helpers.issuing.authorizations.create({"card": made.id, "amount": 201})
    assert (declined.approved, declined.request_history[0].reason) == (False, "spending_controls")
    (taken,) = sdk.v1.issuing.transactions.list({"card": made.id}).data
    assert taken.amount == -700
    sdk.v1.test_helpers.issuing.transactions.refund(taken.id)
    balance = sdk.v1.balance.retrieve()
    assert balance.issuing
    assert balance.issuing.available[0].amount == OPENING_FLOAT
    assert sdk.v1.issuing.cards.update(made.id, {"status": "canceled"}).status == "canceled"
    with pytest.raises(stripe.InvalidRequestError) as refused:
        sdk.v1.issuing.cards.update(made.id, {"status": "active"})
    assert refused.value.http_status == 400


def test_auto_paging(sdk: stripe.StripeClient) -> None:
    made = {card(sdk).id for _ in range(7)}
    listed = [one.id for one in sdk.v1.issuing.cards.list({"limit": 3}).auto_paging_iter()]
    assert len(listed) == 7
    assert set(listed) == made


def test_errors_become_the_sdk_s_own(sdk: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError) as missing:
        sdk.v1.issuing.cards.retrieve("ic_none")
    assert (missing.value.code, missing.value.http_status) == ("resource_missing", 404)
    assert missing.value.request_id
    with pytest.raises(stripe.InvalidRequestError) as unknown:
        sdk.raw_request("post", "/v1/issuing/cards", colour="red")
    assert (unknown.value.code, unknown.value.param) == ("parameter_unknown", "colour")
    made = card(sdk)
    sdk.v1.issuing.cards.update(made.id, {"metadata": {"a": "1"}}, {"idempotency_key": "k1"})
    with pytest.raises(stripe.IdempotencyError):
        sdk.v1.issuing.cards.update(made.id, {"metadata": {"a": "2"}}, {"idempotency_key": "k1"})


def test_the_sdk_s_retries_buy_once(sdk: stripe.StripeClient, control: Control) -> None:
    made = card(sdk)
    control.fault("lost-reply")
    control.fault("500")
    held = sdk.v1.test_helpers.issuing.authorizations.create({"card": made.id, "amount": 800})
    assert held.approved
    assert control.status()["objects"]["authorizations"] == 1
    control.fault("429")
    with pytest.raises(stripe.RateLimitError):
        sdk.v1.issuing.cards.update(made.id, {"status": "inactive"})


def test_a_wrong_key(path: Path) -> None:
    with httpx.Client(transport=SimulatorTransport(path)) as client:
        sdk = stripe.StripeClient("sk_live_0123456789", http_client=OverHttpx(client))
        with pytest.raises(stripe.AuthenticationError):
            sdk.v1.balance.retrieve()
