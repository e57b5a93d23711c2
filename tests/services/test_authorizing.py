"""Questions about purchases: who asks, what the rules say, and what the bank makes of the answer."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from cardctl.domain.authorizations import Asked, Rules, decide
from cardctl.domain.cards import Card, Limits
from cardctl.domain.events import Incoming
from cardctl.domain.money import Money
from cardctl.domain.redaction import Secret
from cardctl.domain.states import CardState, Move
from cardctl.domain.transactions import Merchant
from cardctl.providers import registry
from cardctl.services.deeds.controls import move_card
from cardctl.services.flows.authorizing import Authorizer
from cardctl.simulator.delivering import Posted
from tests.services import mail
from tests.services.world import World, usd

RULES = Rules(approve_by_default=False)


def authorizer(world: World, rules: Rules = RULES) -> Authorizer:
    questions = registry.questions("stripe")
    assert questions is not None
    secrets = [Secret(value) for value in world.control.webhook_secrets()[questions.secret_name]]
    desk = world.desk
    return Authorizer(questions, secrets, world.books, desk.programme, rules, desk.clock, desk.log)


def swipe(world: World, card: Card, amount: str, rules: Rules = RULES, **where: Any) -> str:
    """The bank's reason, after it asked."""
    answers = authorizer(world, rules)

    def asked(posted: Posted) -> Mapping[str, Any]:
        headers = {name.lower(): value for name, value in posted.posting.headers.items()}
        decision = answers.answer(Incoming(posted.posting.body, headers, posted.at))
        return {"approved": decision.approved} if decision else {}

    return world.control.swipe(card.ref, usd(amount), decide=asked, **where).reason


def test_a_purchase_within_the_rules_is_approved(each_world: World) -> None:
    card = each_world.a_card()
    assert swipe(each_world, card, "5") == "webhook_approved"
    mail.deliver(each_world, mail.posts(each_world))
    assert each_world.card(card).balance == usd("95")


def test_our_books_decline_what_the_bank_would_approve(world: World) -> None:
    card = world.a_card()
    move_card(world.desk, card, Move.FREEZE)
    world.control.edit(card.ref, {"status": "active"})  # behind our back
    assert swipe(world, card, "5") == "webhook_declined"


def test_limits_count_what_was_spent_in_their_time(world: World) -> None:
    card = world.a_card(limits=Limits(daily=usd("20")))
    world.merchant.done(f"/v1/issuing/cards/{card.ref}", {"spending_controls[spending_limits]": ""})  # the bank has none now
    assert swipe(world, card, "15") == "webhook_approved"
    mail.deliver(world, [one for one in mail.posts(world) if b"issuing_card" not in one.posting.body])
    assert swipe(world, card, "6") == "webhook_declined"
    assert swipe(world, card, "5") == "webhook_approved"


def test_categories_and_countries(world: World) -> None:
    card = world.a_card()
    no_bars = Rules(False, blocked_categories=frozenset({"drinking_places"}))
    assert swipe(world, card, "1", no_bars, category="drinking_places") == "webhook_declined"
    assert swipe(world, card, "1", no_bars, category="bakeries") == "webhook_approved"
    by_code = Rules(False, allowed_categories=frozenset({"5812"}))
    assert swipe(world, card, "1", by_code, mcc="5812") == "webhook_approved"
    assert swipe(world, card, "1", by_code, category="bakeries") == "webhook_declined"
    at_home = Rules(False, allowed_countries=frozenset({"US"}))
    assert swipe(world, card, "1", at_home, country="FR") == "webhook_declined"
    assert swipe(world, card, "1", at_home) == "webhook_approved"


@pytest.mark.parametrize(("default", "reason"), [(True, "webhook_approved"), (False, "webhook_declined")])
def test_a_card_that_the_books_do_not_have_is_for_the_default(world: World, default: bool, reason: str) -> None:
    ref = world.merchant.card()
    answers = authorizer(world, Rules(default))

    def asked(posted: Posted) -> Mapping[str, Any]:
        headers = {name.lower(): value for name, value in posted.posting.headers.items()}
        decision = answers.answer(Incoming(posted.posting.body, headers, posted.at))
        assert decision is not None
        return {"approved": decision.approved}

    assert world.control.swipe(ref, usd("1"), decide=asked).reason == reason


def test_who_cannot_prove_that_the_provider_asks_gets_no_answer(world: World) -> None:
    card = world.a_card()
    answers = authorizer(world)
    heard: list[object] = []

    def asked(posted: Posted) -> Mapping[str, Any]:
        headers = {name.lower(): value for name, value in posted.posting.headers.items()}
        body = posted.posting.body.replace(b'"amount": 500', b'"amount": 1')
        heard.append(answers.answer(Incoming(body + b" ", headers, posted.at)))
        heard.append(answers.answer(Incoming(posted.posting.body, {}, posted.at)))
        return {}

    world.control.swipe(card.ref, usd("5"), decide=asked)
    assert heard == [None, None]


def _card(**fields: Any) -> Card:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    base: dict[str, Any] = {
        "id": "card_1", "ref": "ic_1", "provider": "stripe", "programme": "stripe/x", "account_id": "account_1", "holder": "A",
        "brand": "Visa", "type": "virtual", "last4": "4242", "exp_month": 1, "exp_year": 2030, "currency": "USD",
        "state": CardState.ACTIVE, "state_reason": None, "balance": None, "limits": Limits(), "created_at": at,
        "updated_at": at, "synced_at": at, "ever_active": True, "allowance": None,
    }  # fmt: skip
    return Card(**{**base, **fields})


@pytest.mark.parametrize(
    ("card", "amount", "reason"),
    [
        (_card(state=CardState.FROZEN), "1.00", "card_frozen"),
        (_card(state=CardState.CLOSED), "1.00", "card_closed"),
        (_card(state=CardState.UNKNOWN), "1.00", "card_unknown"),
        (_card(limits=Limits(per_transaction=usd("5"))), "5.00", "rules_kept"),
        (_card(limits=Limits(per_transaction=usd("5"))), "5.01", "limit_per_transaction"),
        (_card(limits=Limits(weekly=usd("5"))), "4.00", "limit_weekly"),
        (_card(limits=Limits(monthly=usd("5"))), "2.00", "rules_kept"),
        (_card(balance=usd("1")), "1.01", "balance"),
        (_card(limits=Limits(daily=Money(500, "EUR"))), "1.00", "limit_daily"),
    ],
)
def test_the_table_of_rules(card: Card, amount: str, reason: str) -> None:
    spent = dict.fromkeys(("daily", "weekly", "monthly"), usd("3"))
    asked = Asked("iauth_1", "ic_1", usd(amount), Merchant())
    decision = decide(asked, card, spent, RULES)
    assert (decision.reason, decision.approved) == (reason, reason == "rules_kept")
