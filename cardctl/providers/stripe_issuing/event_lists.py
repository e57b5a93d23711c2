"""Which events are asked for in Stripe's list of them, and how two such lists become one; nothing is asked for here."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from decimal import Decimal
from itertools import chain, islice
from typing import Any

import orjson

from cardctl.providers.stripe_issuing.windows import PAGE, Row

EVENT_TYPES = (
    *(f"issuing_authorization.{what}" for what in ("created", "updated")),
    *(f"issuing_card.{what}" for what in ("created", "updated")),
    *(f"issuing_cardholder.{what}" for what in ("created", "updated")),
    *(f"issuing_transaction.{what}" for what in ("created", "updated", "purchase_details_receipt_updated")),
    *(f"issuing_dispute.{what}" for what in ("created", "updated", "submitted", "closed")),
    *(f"issuing_dispute.{what}" for what in ("funds_reinstated", "funds_rescinded")),
    *(f"topup.{what}" for what in ("created", "succeeded", "failed", "canceled", "reversed")),
)
"""Those that say something of cards; the list takes 20 names at most (SDK 16.1.0), which these are."""
SALE_EVENT_TYPES = (
    *(f"checkout.session.{what}" for what in ("completed", "async_payment_succeeded")),
    "payment_intent.succeeded",
    "charge.refunded",
    "charge.refund.updated",
    *(f"charge.dispute.{what}" for what in ("created", "updated", "closed", "funds_reinstated", "funds_withdrawn")),
    *(f"refund.{what}" for what in ("created", "updated", "failed")),
)
"""Those that say something of what customers paid: a list of its own."""


def newest_first(*lists: Iterator[list[Row]]) -> Iterator[list[Row]]:
    """Lists that go newest first, page by page, as one that does; of each no more is read than was taken."""
    rows = heapq.merge(*map(chain.from_iterable, lists), key=_age)
    while page := list(islice(rows, PAGE)):
        yield page


def body_of(event: Row) -> bytes:
    """The row as the body that it was."""
    return orjson.dumps(event, default=_exact)


def _age(event: Row) -> int:
    made = event.get("created")
    return -made if isinstance(made, int) else 0


def _exact(value: Any) -> orjson.Fragment:
    """A number with decimals as the JSON number that it was."""
    if isinstance(value, Decimal):
        return orjson.Fragment(str(value))
    raise TypeError(f"{type(value).__name__} is no JSON")
