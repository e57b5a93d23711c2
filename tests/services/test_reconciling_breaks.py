"""Breaks as they come about at each provider or in the books: found, priced, mended with the provider's word, and gone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from cardctl.domain.accounts import Kyc
from cardctl.domain.breaks import KINDS, BreakState, BreakType
from cardctl.domain.cards import Card, Limits
from cardctl.domain.money import Money
from cardctl.domain.states import CardState
from cardctl.domain.transactions import Merchant, Transaction, TransactionKind, TransactionState
from cardctl.services.deeds.pulling import sync_card
from tests.services import reconciled as r
from tests.services.world import World, usd

T = BreakType
Worlds = Callable[..., World]
EVERY = ("stripe", "marqeta", "strowallet")


@dataclass(frozen=True)
class Case:
    """How a break comes about on a synced card of 100 with a purchase of 20 in it: `plant` gives the subjects by type. `risk`
    is the money at risk of each in that order (None: none is told), `balance` what the card can spend here after mending."""

    name: str
    plant: Callable[[World, Card], dict[BreakType, str]]
    risk: tuple[str | None, ...] = (None,)
    balance: str | None = "80"
    providers: tuple[str, ...] = EVERY


def _state(world: World, card: Card) -> dict[BreakType, str]:
    r.amend(world, "UPDATE cards SET state = 'frozen' WHERE id = ?", card.id)
    return {T.CARD_STATE: card.ref}


def _limits(world: World, card: Card) -> dict[BreakType, str]:
    r.amend(world, "UPDATE cards SET daily_minor = 5000, daily_currency = 'USD' WHERE id = ?", card.id)
    return {T.CARD_LIMITS: card.ref}


def _details(world: World, card: Card) -> dict[BreakType, str]:
    r.amend(world, "UPDATE cards SET exp_year = 2001, last4 = '0000', holder = 'Somebody' WHERE id = ?", card.id)
    return {T.CARD_DETAILS: card.ref}


def _balance(world: World, card: Card) -> dict[BreakType, str]:
    r.amend(world, "UPDATE cards SET balance_minor = balance_minor + 700 WHERE id = ?", card.id)
    shared = world.desk.provider.name == "marqeta"
    return {T.BALANCE: r.holder(world, card).ref or "" if shared else card.ref}


def _allowance(world: World, card: Card) -> dict[BreakType, str]:
    world.control.edit(card.ref, {"spending_controls.spending_limits.all_time": 12_000})
    return {T.BALANCE: card.ref}


def _silent_balance(world: World, card: Card) -> dict[BreakType, str]:
    world.control.edit(card.ref, {"balance": 7_250})
    return {T.BALANCE: card.ref}


def _missed(world: World, card: Card) -> dict[BreakType, str]:
    done = world.control.swipe(card.ref, usd("12.50"), hold=True)
    ref = done.authorization_ref
    if world.desk.provider.name == "strowallet":
        ref = str(next(row["id"] for row in world.customer.rows(card.ref) if row["status"] == "pending"))
    return {T.TRANSACTION_MISSING_HERE: ref}


def _invented(world: World, card: Card) -> dict[BreakType, str]:
    """An event from a file that the provider does not stand by."""
    _put(world, card, "made_up", 1_111, Merchant("Nowhere", "5411", None, None, None))
    return {T.TRANSACTION_MISSING_THERE: "made_up"}


def _twice_here(world: World, card: Card) -> dict[BreakType, str]:
    """The same purchase under two names."""
    bought = next(one for one in world.events(card) if one.kind is TransactionKind.SETTLEMENT)
    with world.books.write() as unit:
        unit.transactions.upsert(
            replace(bought, id="txn_again", ref="again", parent_id=None, parent_ref=None), programme=card.programme
        )
        unit.cards.rebalance(card.id)
    return {T.TRANSACTION_DUPLICATE: "again"}


def _amount(world: World, card: Card) -> dict[BreakType, str]:
    bought = next(one for one in world.events(card) if one.kind is TransactionKind.SETTLEMENT)
    r.amend(world, "UPDATE transactions SET amount_minor = 1500, impact_minor = -1500 WHERE id = ?", bought.id)
    with world.books.write() as unit:
        unit.cards.rebalance(card.id)
    return {T.TRANSACTION_AMOUNT: bought.ref}


def _kyc(world: World, card: Card) -> dict[BreakType, str]:
    r.amend(world, "UPDATE accounts SET kyc = 'rejected' WHERE id = ?", card.account_id)
    return {T.ACCOUNT_KYC: r.holder(world, card).ref or ""}


def _account_state(world: World, card: Card) -> dict[BreakType, str]:
    r.amend(world, "UPDATE accounts SET state = 'suspended' WHERE id = ?", card.account_id)
    return {T.ACCOUNT_STATE: r.holder(world, card).ref or ""}


def _currency(world: World, card: Card) -> dict[BreakType, str]:
    r.amend(world, "UPDATE cards SET currency = 'EUR' WHERE id = ?", card.id)
    return {T.CARD_CURRENCY: card.ref}


def _put(world: World, card: Card, ref: str, minor: int, merchant: Merchant) -> None:
    event = Transaction(
        id=f"txn_{ref}",
        ref=ref,
        provider=card.provider,
        card_id=card.id,
        kind=TransactionKind.SETTLEMENT,
        state=TransactionState.SETTLED,
        amount=Money(minor, card.currency),
        impact=Money(-minor, card.currency),
        merchant=merchant,
        authorization_code=None,
        parent_id=None,
        occurred_at=world.desk.clock() - timedelta(days=1),
    )
    with world.books.write() as unit:
        unit.transactions.upsert(event, programme=card.programme)
        unit.cards.rebalance(card.id)


CASES = [
    Case("state", _state, ("80",)),
    Case("limits", _limits),
    Case("details", _details),
    Case("balance", _balance, ("7",)),
    Case("allowance raised there", _allowance, ("20",), "100", ("stripe",)),
    Case("balance changed there", _silent_balance, ("7.50",), "72.50", ("strowallet",)),
    Case("lost event", _missed, ("12.50",), "67.50"),
    Case("made up here", _invented, ("11.11",)),
    Case("twice here", _twice_here, ("20",)),
    Case("another amount", _amount, ("5",)),
    Case("kyc", _kyc),
    Case("account state", _account_state),
    Case("currency", _currency),
]


@pytest.mark.parametrize(
    ("case", "provider"),
    [pytest.param(case, name, id=f"{case.name} {name}") for case in CASES for name in case.providers],
)
def test_found_priced_mended_and_gone(worlds: Worlds, case: Case, provider: str) -> None:
    world = worlds(provider=provider)
    card, bystander = world.a_card("100"), world.a_card("50")
    world.control.swipe(card.ref, usd("20"))
    sync_card(world.desk, card)
    r.clean(world)
    wanted = case.plant(world, world.card(card))
    before = world.card(card)

    first = r.ran(world)
    breaks = r.found(world, first)
    assert r.told(breaks) == sorted((type_, subject) for type_, subject in wanted.items())
    assert [one.at_risk for one in breaks if one.at_risk is None or one.at_risk.minor] == [
        None if risk is None else usd(risk) for risk in case.risk
    ]
    for one in breaks:
        assert (one.cause and one.proposed_fix, one.occurrences, one.state) == (one.proposed_fix, 1, BreakState.OPEN)
        assert one.first_seen_at == one.last_seen_at == first.run.started_at
        assert one.local or one.remote
        assert one.evidence["objects"]
        assert one.severity is KINDS[one.type].severity
    assert first.waiting == len(breaks)
    assert world.card(card) == before, "a run changes nothing"

    again = r.ran(world)
    seen = r.found(world, again)
    assert [one.fingerprint for one in seen] == [one.fingerprint for one in breaks]
    assert {(one.occurrences, one.first_seen_at, one.last_seen_at) for one in seen} == {
        (2, first.run.started_at, again.run.started_at)
    }
    assert again.run.digest == first.run.digest

    audited = len(world.audit())
    done = r.mended(world, seen, run_id=again.run.id)
    assert (sorted(done.fixed), done.proposed, done.failed) == (sorted(one.fingerprint for one in breaks), [], {})
    now = world.card(card)
    assert now.balance == (usd(case.balance) if case.balance else None)
    assert (now.state, now.currency, now.limits) == (CardState.ACTIVE, "USD", Limits())
    assert world.card(bystander).balance == usd("50")
    assert len(world.audit()) > audited
    assert ("break.fix", breaks[0].fingerprint) in world.audit()[audited:]
    assert r.holder(world, card).kyc is not Kyc.REJECTED

    last = r.clean(world)
    assert {one.state for one in r.broken(world).values()} == {BreakState.RESOLVED}
    assert last.remembered.gone == 0, "what was mended was resolved at once"


@pytest.mark.parametrize("provider", ["stripe", "marqeta"])
def test_a_card_that_is_nowhere_in_the_books(worlds: Worlds, provider: str) -> None:
    world = worlds(provider=provider)
    card = world.a_card("100")
    world.control.swipe(card.ref, usd("30"))
    sync_card(world.desk, card)
    for table, column, value in (("transactions", "card_id", card.id), ("cards", "id", card.id)):
        r.amend(world, f"DELETE FROM {table} WHERE {column} = ?", value)
    one = r.only(world)
    assert (one.type, one.subject, one.card_id, one.at_risk) == (T.CARD_MISSING_HERE, card.ref, None, usd("70"))
    assert r.mended(world, [one]).fixed == [one.fingerprint]
    with world.books.read() as unit:
        found = unit.cards.by_ref(card.programme, card.ref)
    assert found is not None
    assert (found.balance, found.state, found.account_id) == (usd("70"), CardState.ACTIVE, card.account_id)
    r.clean(world)


def test_an_account_that_is_nowhere_in_the_books(worlds: Worlds) -> None:
    world = worlds()
    holder = world.merchant.holder()
    one = r.only(world)
    assert (one.type, one.subject, one.card_id) == (T.ACCOUNT_MISSING_HERE, holder, None)
    assert one.remote["state"] == "active"
    assert r.mended(world, [one]).fixed == [one.fingerprint]
    r.clean(world)


@pytest.mark.parametrize("provider", EVERY)
def test_an_account_that_is_nowhere_there(worlds: Worlds, provider: str) -> None:
    """Its cards are another matter; what becomes of them a person decides."""
    world = worlds(provider=provider)
    gone, kept = world.an_account(), world.a_card("50")
    table = {"stripe": "holders", "marqeta": "marqeta_users", "strowallet": "strowallet_customers"}[provider]
    r.behind(world, f"UPDATE {table} SET deleted = 1 WHERE ref = ?", gone.ref)
    one = r.only(world)
    assert (one.type, one.subject, one.card_id, one.at_risk) == (T.ACCOUNT_MISSING_THERE, gone.ref, None, None)
    assert one.local["id"] == gone.id
    assert r.mended(world, [one]).proposed == [one.fingerprint]
    assert world.account(gone).state == gone.state
    assert world.card(kept).state is CardState.ACTIVE
    outcome = r.ran(world)
    assert outcome.waiting == 0


@pytest.mark.parametrize("provider", EVERY)
def test_a_card_that_is_nowhere_there(worlds: Worlds, provider: str) -> None:
    world = worlds(provider=provider)
    card, kept = world.a_card("100"), world.a_card("50")
    table = {"stripe": "cards", "marqeta": "marqeta_cards", "strowallet": "strowallet_cards"}[provider]
    r.behind(world, f"UPDATE {table} SET deleted = 1 WHERE ref = ?", card.ref)
    world.control.advance(timedelta(seconds=2))  # of one that was made this very second nothing is said yet
    one = r.only(world)
    assert (one.type, one.subject, one.card_id) == (T.CARD_MISSING_THERE, card.ref, card.id)
    assert one.at_risk == usd("100")
    assert r.mended(world, [one]).fixed == [one.fingerprint]
    now = world.card(card)
    assert (now.state, now.state_reason) == (CardState.CLOSED, "gone at the provider")
    assert ("card.gone", card.id) in world.audit()
    assert world.card(kept).state is CardState.ACTIVE
    r.clean(world)
