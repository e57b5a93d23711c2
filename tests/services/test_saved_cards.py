"""Saving a buyer's card and stopping it: one customer and one good card for each person, whatever was there and who dies."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from cardctl import runtime
from cardctl.domain.operations import Draft, OperationState
from cardctl.domain.redaction import Secret
from cardctl.domain.saved_cards import SavedCard, SavedCardState
from cardctl.errors import (
    BadInput,
    CardctlError,
    KeyReused,
    LiveNotSaid,
    OutcomeUnknown,
    ProviderRefused,
    StateForbids,
)
from cardctl.providers import registry
from cardctl.providers.base import Handed
from cardctl.services.deeds.charging import charge
from cardctl.services.deeds.refreshing import sync_saved
from cardctl.services.deeds.saved_cards import (
    SaveWish,
    disable_card,
    rehearse_disable,
    rehearse_save,
    save_card,
)
from cardctl.services.flows.finding_saved import list_saved_cards
from cardctl.services.resuming import resume
from tests.services.selling import BUYER, Selling
from tests.services.world import Wire, World, at, strike, usd

OK = "cnon:card-nonce-ok"
OTHER = "cnon:card-nonce-mastercard"
_S = SavedCardState


class Killed(BaseException):
    """The process is gone."""


def kill() -> None:
    raise Killed


def save(selling: Selling, nonce: str = OK, **wish: Any) -> SavedCard:
    made = save_card(selling.world.desk, SaveWish(**{"person": BUYER, "nonce": nonce, **wish})).object
    assert isinstance(made, SavedCard)
    return made


def far(selling: Selling) -> tuple[int, list[bool]]:
    """How many customers there are, and which cards can be charged, oldest first."""
    return len(selling.far.listed("customers")), [card["enabled"] for card in selling.far.cards()]


def kinds(selling: Selling) -> list[tuple[str, str]]:
    """The journal, oldest first."""
    return [(one.kind, str(one.state)) for one in reversed(selling.world.operations())]


def only(selling: Selling) -> SavedCard:
    with selling.world.books.read() as unit:
        (card,) = unit.saved_cards.rows()
    return card


def test_a_new_person_becomes_a_customer_and_then_has_a_card(selling: Selling) -> None:
    card = save(selling, name="Jenny Rosen", holder="J Rosen", postal_code="94103")
    assert (card.person, card.email, card.state) == (BUYER, BUYER, _S.ACTIVE)
    assert (card.brand, card.last4, card.exp_month) == ("VISA", "1111", 12)
    (customer,) = selling.far.listed("customers")
    (there,) = selling.far.cards()
    assert (customer["reference_id"], customer["email_address"]) == (BUYER, BUYER)
    assert (there["id"], there["customer_id"], there["cardholder_name"]) == (card.ref, customer["id"], "J Rosen")
    assert there["billing_address"]["postal_code"] == "94103"
    assert kinds(selling) == [("customer.create", "done"), ("saved_card.add", "done")]
    made = selling.world.operations()[0]
    assert there["reference_id"] == made.id
    assert [action for action, target in selling.world.audit() if target == card.id] == ["customer.create", "saved_card.add"]


@pytest.mark.parametrize("person", ["17", "x" * 190, "Zoë Ōkami"])
def test_a_person_may_be_called_anything(selling: Selling, person: str) -> None:
    card = save(selling, person=person)
    assert (card.person, card.email) == (person, None)
    save(selling, person=person, nonce=OTHER, replace=True)
    assert far(selling) == (1, [False, True])


@pytest.mark.parametrize(
    "wish",
    [
        {"person": ""},
        {"person": " x"},
        {"person": "x" * 191},
        {"person": "4242424242424242"},
        {"nonce": " "},
        {"nonce": "\x00"},
    ],
)
def test_what_cannot_be_kept_is_not_begun(selling: Selling, wish: dict[str, str]) -> None:
    with pytest.raises(BadInput):
        save(selling, **wish)
    assert (far(selling), selling.world.operations()) == ((0, []), [])


def test_who_has_a_good_card_needs_no_other(selling: Selling) -> None:
    card = save(selling)
    asked = len(selling.world.wire.asked)
    with pytest.raises(StateForbids, match="1111") as caught:
        save(selling, OTHER)
    assert "--replace" in str(caught.value.hint)
    assert (len(selling.world.wire.asked), far(selling), only(selling)) == (asked, (1, [True]), card)


def test_a_card_takes_the_place_of_another(selling: Selling) -> None:
    old = save(selling)
    new = save(selling, OTHER, replace=True)
    assert (new.id, new.customer_ref, new.last4, new.state) == (old.id, old.customer_ref, "5100", _S.ACTIVE)
    assert new.ref != old.ref
    assert {card["id"]: card["enabled"] for card in selling.far.cards()} == {old.ref: False, new.ref: True}
    assert kinds(selling)[2:] == [("saved_card.add", "done"), ("saved_card.disable", "done")]
    assert charge(selling.world.desk, new, usd("5")).operation is not None
    assert selling.far.taken() == (500, 0, 0)


def test_a_replacement_that_is_declined_leaves_the_old_card_good(selling: Selling) -> None:
    old = save(selling)
    with pytest.raises(ProviderRefused):
        save(selling, "cnon:card-nonce-declined", replace=True)
    assert (only(selling), far(selling)) == (old, (1, [True]))
    assert charge(selling.world.desk, old, usd("5")).operation is not None


def test_a_disabled_card_has_a_successor_unasked(selling: Selling) -> None:
    old = save(selling)
    disable_card(selling.world.desk, old)
    new = save(selling)
    assert (new.id, new.state, new.ref == old.ref) == (old.id, _S.ACTIVE, False)
    assert far(selling) == (1, [False, True])


def test_a_customer_who_is_gone_is_made_anew(selling: Selling) -> None:
    old = save(selling)
    selling.far.delete_customer(str(old.customer_ref))
    new = save(selling, replace=True)
    assert (new.id, new.state) == (old.id, _S.ACTIVE)
    assert new.customer_ref != old.customer_ref
    assert [one["id"] for one in selling.far.listed("customers")] == [new.customer_ref]
    assert selling.far.card(str(new.ref))["enabled"]


def test_a_customer_who_is_there_for_books_that_are_new(selling: Selling, worlds: Callable[..., World], tmp_path: Path) -> None:
    first = save(selling)
    fresh = Selling(worlds(str(tmp_path / "other.db"), provider="square"), selling.far)
    found = save(fresh, OTHER)
    assert (found.customer_ref, found.id) == (first.customer_ref, first.id)
    assert far(selling) == (1, [True, True])
    assert fresh.world.audit()[0] == ("customer.found", found.id)
    assert [kind for kind, _ in kinds(fresh)] == ["saved_card.add"]


@pytest.mark.parametrize(
    ("nonce", "code"),
    [
        ("cnon:card-nonce-declined", "CARD_DECLINED"),
        ("cnon:card-nonce-rejected-cvv", "VERIFY_CVV_FAILURE"),
        ("cnon:card-nonce-rejected-postalcode", "VERIFY_AVS_FAILURE"),
        ("cnon:card-nonce-rejected-expiration", "INVALID_EXPIRATION"),
        ("cnon:card-nonce-already-used", "SOURCE_USED"),
    ],
)
def test_a_token_that_is_no_good_leaves_a_customer_and_the_next_one_works(selling: Selling, nonce: str, code: str) -> None:
    with pytest.raises(ProviderRefused, match=code) as caught:
        save(selling, nonce)
    pending = only(selling)
    assert (pending.state, pending.ref, far(selling)) == (_S.PENDING, None, (1, []))
    assert str(pending.customer_ref) not in caught.value.message
    assert nonce not in caught.value.message
    with pytest.raises(StateForbids):
        charge(selling.world.desk, pending, usd("5"))
    with pytest.raises(StateForbids):
        disable_card(selling.world.desk, pending)
    card = save(selling)
    assert (card.id, card.customer_ref, card.state, far(selling)) == (pending.id, pending.customer_ref, _S.ACTIVE, (1, [True]))


# --- what dies in between


@pytest.mark.parametrize("after", [False, True])
def test_killed_while_the_customer_was_made(selling: Selling, after: bool) -> None:
    at(selling.world, "/v2/customers", kill, after=after)
    with pytest.raises(Killed):
        save(selling)
    with pytest.raises(OutcomeUnknown):
        save(selling)
    assert [one.state for one in resume(selling.world.desk).settled] == [OperationState.DONE]
    assert far(selling) == (1, [])
    assert (save(selling).state, far(selling)) == (_S.ACTIVE, (1, [True]))


@pytest.mark.parametrize("after", [False, True])
def test_killed_while_the_card_was_saved(selling: Selling, after: bool) -> None:
    at(selling.world, "/v2/cards", kill, after=after)
    with pytest.raises(Killed):
        save(selling)
    assert only(selling).state is _S.PENDING
    assert [one.state for one in resume(selling.world.desk).settled] == [OperationState.DONE]
    assert (only(selling).state, far(selling)) == (_S.ACTIVE, (1, [True]))
    with pytest.raises(StateForbids):
        save(selling)


def test_killed_between_the_new_card_and_the_old_one(selling: Selling) -> None:
    old = save(selling)
    at(selling.world, f"/v2/cards/{old.ref}/disable", kill)
    with pytest.raises(Killed):
        save(selling, OTHER, replace=True)
    assert far(selling) == (1, [True, True])
    resume(selling.world.desk)
    assert (far(selling), only(selling).state) == ((1, [False, True]), _S.ACTIVE)
    assert only(selling).ref != old.ref


@pytest.mark.parametrize("path", ["/v2/customers", "/v2/cards"])
def test_a_reply_that_is_lost_for_good_is_found_again(selling: Selling, path: str) -> None:
    strike(selling.world, path, "lost-reply", 20)
    with pytest.raises(OutcomeUnknown):
        save(selling)
    selling.world.control.clear_faults()
    assert not resume(selling.world.desk).left
    if path == "/v2/customers":
        save(selling)
    assert (only(selling).state, far(selling)) == (_S.ACTIVE, (1, [True]))


@pytest.mark.parametrize("path", ["/v2/customers", "/v2/cards"])
def test_a_reply_that_is_lost_once_is_not_noticed(selling: Selling, path: str) -> None:
    strike(selling.world, path, "lost-reply")
    assert (save(selling).state, far(selling)) == (_S.ACTIVE, (1, [True]))


def test_two_who_save_at_once_make_one_customer_and_one_card(selling: Selling) -> None:
    ended: list[str] = []

    def one() -> None:
        desk = selling.world.desk_with(sleep=lambda _seconds: threading.Event().wait(0.01))
        try:
            save_card(desk, SaveWish(BUYER, OK))
            ended.append("saved")
        except CardctlError as error:
            ended.append(error.code)

    threads = [threading.Thread(target=one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert ended.count("saved") == 1
    assert set(ended) - {"saved"} <= {"STATE_FORBIDS", "OUTCOME_UNKNOWN", "TARGET_BUSY"}
    assert (far(selling), only(selling).state) == ((1, [True]), _S.ACTIVE)


# --- said again


def test_the_same_key_gives_the_same_card(selling: Selling) -> None:
    wish, desk = SaveWish(BUYER, OK), selling.world.desk
    first = save_card(desk, wish, caller_key="mine")
    again = save_card(desk, wish, caller_key="mine")
    assert (again.object, again.operation) == (first.object, first.operation)
    assert [warned.code for warned in again.warnings] == ["REPEATED"]
    with pytest.raises(KeyReused):
        save_card(desk, replace(wish, nonce=OTHER), caller_key="mine")
    replaced = save_card(desk, replace(wish, nonce=OTHER, replace=True), caller_key="next")
    again = save_card(desk, replace(wish, nonce=OTHER, replace=True), caller_key="next")
    assert (again.object, far(selling)) == (replaced.object, (1, [False, True]))


def test_a_key_whose_card_was_declined_says_the_same_again(selling: Selling) -> None:
    desk = selling.world.desk
    for _ in range(2):
        with pytest.raises(ProviderRefused, match="CARD_DECLINED"):
            save_card(desk, SaveWish(BUYER, "cnon:card-nonce-declined"), caller_key="mine")
    assert kinds(selling) == [("customer.create", "done"), ("saved_card.add", "refused")]


# --- rehearsed


def test_a_rehearsal_sends_and_writes_nothing(selling: Selling) -> None:
    desk, wish = selling.world.desk, SaveWish(BUYER, OK)
    assert paths(*rehearse_save(desk, wish)) == ["/v2/customers"]
    assert (far(selling), selling.world.operations()) == ((0, []), [])
    card = save(selling)
    before = selling.world.audit()
    with pytest.raises(StateForbids):
        rehearse_save(desk, wish)
    adding, stopping = paths(*rehearse_save(desk, replace(wish, replace=True)))
    assert (adding, stopping) == ("/v2/cards", f"/v2/cards/{card.ref}/disable")
    assert paths(rehearse_disable(desk, card)) == [stopping]
    assert (far(selling), selling.world.audit()) == ((1, [True]), before)


def paths(*drafts: object) -> list[str]:
    """As they would be asked for, their names not quoted."""
    return [unquote(draft.path) for draft in drafts if isinstance(draft, Draft)]


def test_a_live_seller_is_not_written_to_unsaid(worlds: Callable[..., World]) -> None:
    world = worlds(provider="square", environment="live")
    with pytest.raises(LiveNotSaid):
        save_card(world.desk, SaveWish(BUYER, OK))
    assert [asked for asked in world.wire.asked if not asked.startswith("GET") and not asked.endswith("/search")] == []


# --- stopped, renewed, over


def test_a_stopped_card_is_stopped_once(selling: Selling) -> None:
    card = save(selling)
    stopped = disable_card(selling.world.desk, card, reason="asked for it").object
    assert (stopped.state, far(selling)) == (_S.DISABLED, (1, [False]))
    again = disable_card(selling.world.desk, only(selling))
    assert (again.operation, [warned.code for warned in again.warnings]) == (None, ["ALREADY"])
    with pytest.raises(StateForbids, match="disabled"):
        charge(selling.world.desk, only(selling), usd("5"))
    assert selling.far.taken() == (0, 0, 0)


def test_a_stop_waits_for_no_doubt(selling: Selling) -> None:
    card = save(selling)
    strike(selling.world, "/v2/payments", "lost-reply", 20)
    with pytest.raises(OutcomeUnknown):
        charge(selling.world.desk, card, usd("5"))
    selling.world.control.clear_faults()
    assert disable_card(selling.world.desk, card).object.state is _S.DISABLED
    assert far(selling) == (1, [False])
    assert [(one.kind, str(one.state)) for one in resume(selling.world.desk).settled] == [("saved_card.charge", "done")]
    assert selling.far.taken() == (500, 0, 0)
    assert only(selling).state is _S.DISABLED


def test_a_card_whose_time_is_over_is_found_as_such_and_works_again_once_renewed(selling: Selling) -> None:
    world, card = selling.world, save(selling, "cnon:card-nonce-expires-this-month")
    later = runtime.now() + timedelta(days=40)
    desk = world.desk_with(clock=lambda: later)
    assert [one.id for one in list_saved_cards(world.books, later, state=_S.EXPIRED)] == [card.id]
    assert list(list_saved_cards(world.books, later, state=_S.ACTIVE)) == []
    assert list(list_saved_cards(world.books, runtime.now(), state=_S.EXPIRED)) == []
    world.control.edit(str(card.ref), {"exp_year": later.year + 3})
    renewed = sync_saved(desk, card)
    assert (renewed.state, renewed.exp_year) == (_S.ACTIVE, later.year + 3)
    charge(desk, renewed, usd("5"))
    assert selling.far.taken() == (500, 0, 0)


def test_an_expired_card_may_be_replaced_unasked(selling: Selling) -> None:
    old = save(selling, "cnon:card-nonce-expires-this-month")
    later = runtime.now() + timedelta(days=40)
    made = save_card(selling.world.desk_with(clock=lambda: later), SaveWish(BUYER, OK)).object
    assert isinstance(made, SavedCard)
    assert (made.id, made.state, made.ref == old.ref) == (old.id, _S.ACTIVE, False)


def test_sellers_keep_a_card_each(selling: Selling, worlds: Callable[..., World], tmp_path: Path) -> None:
    """Two sellers in one set of books: a record for each, and nobody pays the other."""
    ours = save(selling)
    desk = replace(selling.world.desk, provider=other_seller(tmp_path))
    theirs = save_card(desk, SaveWish(BUYER, OK)).object
    assert isinstance(theirs, SavedCard)
    assert (theirs.id == ours.id, theirs.programme) == (False, "square/L2")
    with selling.world.books.read() as unit:
        assert {card.id for card in unit.saved_cards.rows()} == {ours.id, theirs.id}
    assert far(selling) == (1, [True])
    desk.provider.close()


def other_seller(home: Path) -> Any:
    """Another token, and so another seller, at the same Square."""
    handed = Handed(
        environment="simulator",
        programme="square/L2",
        settings={},
        secret=lambda _name: Secret("another"),
        transport=Wire(home / "simulator.db"),
        timeout=60.0,
        sleep=lambda _seconds: None,
        random=lambda: 0.0,
    )
    return registry.build("square", handed)
