"""What is skimmed from a body is what reading all of it would tell; what is strange is left to the reading."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardctl.domain.events import Notice
from cardctl.errors import BadEvent
from cardctl.providers.stripe_issuing import webhooks
from cardctl.providers.stripe_issuing.skimming import skim

EVENT: dict[str, Any] = {
    "id": "evt_1",
    "object": "event",
    "type": "issuing_authorization.created",
    "created": 1_790_000_000,
    "livemode": False,
    "data": {
        "object": {"id": "iauth_1", "object": "issuing.authorization", "card": {"id": "ic_1", "last4": "4242"}, "amount": 1}
    },
}


def read_whole(body: bytes) -> Notice | None:
    """Without skimming."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(webhooks, "skim", lambda _body: None)
        try:
            (notice,) = webhooks.StripeWebhooks().notices(body)
        except BadEvent:
            return None
    return notice


def the_same(body: bytes) -> None:
    skimmed, whole = skim(body), read_whole(body)
    if skimmed is None:
        return
    assert whole is not None
    assert {**skimmed.item} == whole.item
    words = ("event_id", "type", "object_ref", "card_ref", "occurred_at", "position", "live")
    assert [getattr(skimmed, word) for word in words] == [getattr(whole, word) for word in words]


def test_an_ordinary_event_is_skimmed() -> None:
    notice = skim(json.dumps(EVENT).encode())
    assert notice is not None
    assert (notice.event_id, notice.object_ref, notice.card_ref, notice.live) == ("evt_1", "iauth_1", "ic_1", False)
    the_same(json.dumps(EVENT).encode())


ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False),
    st.text(max_size=5),
    st.just("x" * 300),
    st.just({"id": "ic_2"}),
    st.just({"id": 7}),
    st.just([]),
)


@given(
    st.dictionaries(st.sampled_from(["id", "object", "type", "created", "livemode", "data"]), ODD),
    st.dictionaries(st.sampled_from(["id", "card", "transaction"]), ODD),
    st.sampled_from(
        [
            *("issuing_card.updated", "issuing_dispute.created", "topup.created", "issuing_transaction.created"),
            *("payment_intent.succeeded", "charge.refunded", "charge.dispute.created", "refund.updated"),
        ]
    ),
)
def test_whatever_stands_in_it(top: dict[str, Any], inside: dict[str, Any], kind: str) -> None:
    event = {**EVENT, "type": kind, "data": {"object": {**EVENT["data"]["object"], **inside}}, **top}
    the_same(json.dumps(event).encode())


@given(st.integers(0, 400), st.binary(min_size=1, max_size=3))
def test_wherever_a_body_is_broken(place: int, piece: bytes) -> None:
    body = json.dumps(EVENT).encode()
    the_same(body[:place] + piece + body[place + len(piece) :])
    the_same(body[:place])
