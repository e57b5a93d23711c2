"""The exact requests that our wishes become."""

from __future__ import annotations

from typing import Any

import pytest

from cardctl.domain.accounts import AccountChange, Address, NewAccount
from cardctl.domain.cards import Limits, NewCard
from cardctl.domain.money import Money
from cardctl.domain.states import Move
from cardctl.errors import BadConfig, BadInput, ReplyLost
from cardctl.providers.stripe_issuing.provider import StripeProvider, build
from tests.providers.conftest import Hand
from tests.providers.scripted import Script, Step, ok, torn
from tests.providers.stripe import objects
from tests.providers.stripe.objects import limit

ADDRESS = Address(line1="123 Fake St", city="Beverly Hills", postal_code="90210", country="US")
MARK = {"cardctl_operation": "op_1"}
MOVED = {"cardctl_moved_by": "op_1"}


def usd(minor: int) -> Money:
    return Money(minor, "USD")


def stripe(hand: Hand, *steps: Step, **parts: Any) -> StripeProvider:
    return build(hand(Script(*steps), **parts))


def nothing() -> Step:
    return ok(objects.listed())


def test_an_account(hand: Hand) -> None:
    wanted = NewAccount("  Jenny\n Rosen ", external_id="acct_user1", email="j@example.com", phone="+1800", address=ADDRESS)
    draft = stripe(hand, ok(objects.listed(objects.cardholder()))).draft_account(wanted, "op_1")
    assert (draft.method, draft.path, draft.subject) == ("POST", "/v1/issuing/cardholders", "account")
    address = {"line1": "123 Fake St", "city": "Beverly Hills", "postal_code": "90210", "country": "US"}
    assert draft.body == {
        "name": "Jenny Rosen",
        "type": "individual",
        "email": "j@example.com",
        "phone_number": "+1800",
        "billing": {"address": address},
        "metadata": {**MARK, "cardctl_created_by": "op_1", "cardctl_external_id": "acct_user1"},
    }
    assert draft.before == {"since": objects.CREATED - 600}


def test_an_address_is_made_up_in_the_simulator_alone(hand: Hand) -> None:
    wanted = NewAccount("Jenny Rosen")
    assert stripe(hand, nothing()).draft_account(wanted, "op_1").body["billing"]["address"]["country"] == "US"
    for environment, key in (("sandbox", "sk_test_1"), ("live", "sk_live_1")):
        with pytest.raises(BadInput):
            stripe(hand, environment=environment, key=key).draft_account(wanted, "op_1")


def test_an_account_of_no_known_type(hand: Hand) -> None:
    with pytest.raises(BadInput):
        stripe(hand).draft_account(NewAccount("Jenny Rosen", type="robot"), "op_1")


def test_an_account_change_sends_only_what_changes(hand: Hand) -> None:
    provider = stripe(hand, ok(objects.cardholder(metadata={"cardctl_operation": "op_0"})))
    draft = provider.draft_account_change("ich_1", AccountChange(active=False), "op_1")
    assert (draft.path, draft.body) == ("/v1/issuing/cardholders/ich_1", {"status": "inactive", "metadata": MARK})
    assert draft.before == {"mark": "op_0", "status": "active"}


def test_a_card(hand: Hand) -> None:
    limits = Limits(per_transaction=usd(1), monthly=usd(4))
    draft = stripe(hand).draft_card(NewCard("ich_1", "USD", limits=limits, allowance=usd(9)), "op_1")
    assert draft.body == {
        "cardholder": "ich_1",
        "currency": "usd",
        "type": "virtual",
        "status": "active",
        "spending_controls": {
            "spending_limits": [
                {"amount": 1, "interval": "per_authorization"},
                {"amount": 4, "interval": "monthly"},
                {"amount": 9, "interval": "all_time"},
            ]
        },
        "metadata": {**MARK, "cardctl_created_by": "op_1", "cardctl_activated": "true"},
    }


def test_a_replacement_stands_on_what_the_whole_chain_has_spent(hand: Hand) -> None:
    provider = stripe(
        hand,
        ok(objects.card(id="ic_2", replacement_for="ic_1")),
        ok(objects.card(id="ic_1")),
        ok(objects.listed()),
        ok(objects.listed(objects.transaction(amount=-30))),
        ok(objects.listed(objects.authorization(amount=5))),
        ok(objects.listed(objects.transaction(amount=-12), objects.transaction(type="refund", amount=2))),
    )
    wanted = NewCard("ich_1", "USD", allowance=usd(70), replaces_ref="ic_2", replaces_reason="damaged")
    draft = provider.draft_card(wanted, "op_1")
    assert draft.body["spending_controls"]["spending_limits"] == [{"amount": 115, "interval": "all_time"}]
    assert (draft.body["replacement_for"], draft.body["replacement_reason"]) == ("ic_2", "damaged")
    assert draft.body["metadata"]["cardctl_inherited"] == "45"


@pytest.mark.parametrize("reason", [None, "boredom"])
def test_a_replacement_needs_a_reason_that_stripe_knows(hand: Hand, reason: str | None) -> None:
    with pytest.raises(BadInput):
        stripe(hand).draft_card(NewCard("ich_1", "USD", replaces_ref="ic_1", replaces_reason=reason), "op_1")


@pytest.mark.parametrize(
    ("move", "reason", "body"),
    [
        (Move.ACTIVATE, None, {"status": "active", "metadata": {**MOVED, "cardctl_activated": "true"}}),
        (Move.UNFREEZE, "found", {"status": "active", "metadata": {**MOVED, "cardctl_activated": "true"}}),
        (Move.FREEZE, "lost", {"status": "inactive", "metadata": {**MOVED, "cardctl_activated": "true"}}),
        (Move.CLOSE, None, {"status": "canceled", "metadata": MOVED}),
        (Move.CLOSE, " Lost", {"status": "canceled", "cancellation_reason": "lost", "metadata": MOVED}),
        (Move.CLOSE, "stolen", {"status": "canceled", "cancellation_reason": "stolen", "metadata": MOVED}),
        (Move.CLOSE, "it was stolen", {"status": "canceled", "metadata": MOVED}),
    ],
)
def test_moves_are_drafted_without_asking(hand: Hand, move: Move, reason: str | None, body: dict[str, Any]) -> None:
    draft = stripe(hand).draft_move("ic_1", move, "op_1", reason)
    assert (draft.path, draft.body, draft.before) == ("/v1/issuing/cards/ic_1", body, {})


LIMITS = [
    limit(50, "daily", "bakeries"),
    limit(20, "daily"),
    limit(7, "yearly"),
    limit(900, "all_time", "florists"),
    limit(1_000, "all_time"),
]


def test_limits_leave_every_other_limit_and_control_alone(hand: Hand) -> None:
    provider = stripe(hand, ok(objects.card(*LIMITS, metadata={"cardctl_operation": "op_0"})))
    draft = provider.draft_limits("ic_1", {"daily": usd(30), "weekly": None}, "op_1")
    assert draft.body["spending_controls"] == {
        "spending_limits": [
            {"amount": 50, "interval": "daily", "categories": ["bakeries"]},
            {"amount": 7, "interval": "yearly"},
            {"amount": 900, "interval": "all_time", "categories": ["florists"]},
            {"amount": 1_000, "interval": "all_time"},
            {"amount": 30, "interval": "daily"},
        ]
    }
    assert draft.before == {"mark": "op_0", "status": "active", "allowance_minor": 1_000, "limits": LIMITS}


def test_funding_raises_the_one_limit(hand: Hand) -> None:
    draft = stripe(hand, ok(objects.card(*LIMITS))).draft_fund("ic_1", usd(25), "op_1", account_ref="")
    assert draft.body["spending_controls"]["spending_limits"] == [
        {"amount": 50, "interval": "daily", "categories": ["bakeries"]},
        {"amount": 20, "interval": "daily"},
        {"amount": 7, "interval": "yearly"},
        {"amount": 900, "interval": "all_time", "categories": ["florists"]},
        {"amount": 1_025, "interval": "all_time"},
    ]
    assert draft.body["metadata"] == MARK


def test_no_limit_at_all_is_sent_as_an_empty_text(hand: Hand) -> None:
    script = Script(ok(objects.card(limit(20, "daily"))), ok(objects.card()))
    provider = build(hand(script))
    provider.send(provider.draft_limits("ic_1", {"daily": None}, "op_1"), "op_1")
    assert script.requests[1].content == b"spending_controls[spending_limits]=&metadata[cardctl_operation]=op_1"


def test_an_inherited_amount_that_is_none_counts_as_nothing(hand: Hand) -> None:
    provider = stripe(hand, ok(objects.card(limit(1_000, "all_time"), metadata={"cardctl_inherited": "1e9"})))
    assert provider.card("ic_1").allowance == usd(1_000)


def test_an_account_setting_that_is_no_account(hand: Hand) -> None:
    with pytest.raises(BadConfig):
        stripe(hand, settings={"account": "ich_1"})


def test_a_lost_write_is_looked_for_until_it_is_found(hand: Hand) -> None:
    made = objects.card(id="ic_9", metadata={"cardctl_operation": "op_5", "cardctl_created_by": "op_1"})
    pages = [ok(objects.listed(objects.card(id="ic_8"), more=True)), ok(objects.listed(made))]
    provider = stripe(hand, *[torn()] * 4, *pages)
    draft = provider.draft_card(NewCard("ich_1", "USD"), "op_1")
    with pytest.raises(ReplyLost):
        provider.send(draft, "op_1")
    sighting = provider.look_up(draft, "op_1")
    assert sighting.happened is True
    assert sighting.remote is not None
    assert sighting.remote.ref == "ic_9"


def test_a_funding_in_doubt_is_still_found_after_a_freeze(hand: Hand) -> None:
    frozen = objects.card(*LIMITS, status="inactive", metadata={"cardctl_operation": "op_1", "cardctl_moved_by": "op_2"})
    provider = stripe(hand, ok(objects.card(*LIMITS)), ok(frozen))
    draft = provider.draft_fund("ic_1", Money(100, "USD"), "op_1", account_ref="")
    assert provider.look_up(draft, "op_1").happened is True


def test_a_limit_changed_by_somebody_else_is_not_overwritten_late(hand: Hand) -> None:
    changed = objects.card({"amount": 1, "interval": "daily"})
    provider = stripe(hand, ok(objects.card(*LIMITS)), ok(changed))
    draft = provider.draft_limits("ic_1", {"daily": Money(100, "USD")}, "op_1")
    assert provider.look_up(draft, "op_1").happened is None
