"""What becomes of a write: from its answer and what is read after it, and by looking where the answer is missing."""

from __future__ import annotations

from typing import Any

import pytest

from cardctl.domain.accounts import AccountChange, AccountState, Kyc, RemoteAccount
from cardctl.domain.cards import CardNews, NewCard, RemoteCard
from cardctl.domain.operations import Draft
from cardctl.domain.states import CardState, Move
from cardctl.errors import CardctlError, ProviderHasNot, ProviderRefused, ProviderUnavailable, ReplyLost
from tests.providers.scripted import Step, torn
from tests.providers.strowallet import objects
from tests.providers.strowallet.objects import ADA, answer, no, strowallet, usd

PUT = Draft("PUT", "/bitvcard/updateCardCustomer/", "account", {"customerId": "cus-1", "phoneNumber": "234801"})
YES = answer({"success": True, "message": "done"})


def move(kind: Move, *, nfc: bool = False) -> Draft:
    return strowallet(nfc=nfc)[0].draft_move("card-1", kind, "op_1", None)


def money(verb: str, *, nfc: bool = False, known: tuple[str, ...] = ("t-1",)) -> Draft:
    steps = objects.card(), objects.recent(*(objects.row(ref) for ref in known))
    provider = strowallet(*steps, nfc=nfc)[0]
    drafted: Draft = getattr(provider, f"draft_{verb}")("card-1", usd(500), "op_1", account_ref="cus-1")
    return drafted


def enrolment(*, nfc: bool = False) -> Draft:
    return strowallet(objects.nobody(), nfc=nfc)[0].draft_account(ADA, "op_1")


def test_a_customer_is_read_once_for_its_kyc() -> None:
    made = strowallet(objects.made_customer(), objects.customer())[0].send(enrolment(), "op_1")
    assert isinstance(made, RemoteAccount)
    assert (made.ref, made.name, made.email) == ("cus-1", "ADA OBI", "ada@example.test")
    assert (made.state, made.kyc, made.external_id) == (AccountState.ACTIVE, Kyc.VERIFIED, None)


@pytest.mark.parametrize("step", [no("Customer not found"), no("down", 500), torn(), objects.page()])
def test_a_customer_that_cannot_be_read_yet_is_pending(step: Step) -> None:
    made = strowallet(objects.made_customer(), *[step] * 4)[0].send(enrolment(), "op_1")
    assert isinstance(made, RemoteAccount)
    assert (made.ref, made.kyc, made.compliance_flags) == ("cus-1", Kyc.PENDING, ("kyc_status_missing",))


def test_an_nfc_customer_goes_by_the_email() -> None:
    status = answer({"success": True, "data": {"status": "approved", "customer_id": "n-1"}})
    made = strowallet(answer({"success": True, "message": "submitted"}), status, nfc=True)[0].send(enrolment(nfc=True), "op_1")
    assert isinstance(made, RemoteAccount)
    assert (made.ref, made.name, made.kyc) == ("ada@example.test", "Ada Ngozi Obi", Kyc.VERIFIED)


def test_a_customer_without_an_id_is_in_doubt() -> None:
    with pytest.raises(ReplyLost):
        strowallet(objects.made_customer(customerId=None))[0].send(enrolment(), "op_1")


@pytest.mark.parametrize(
    ("step", "happened"),
    [(objects.customer(), True), (objects.nobody(), False), (answer({"success": True, "data": None}), False)],
)
def test_looking_for_a_customer(step: Step, happened: bool) -> None:
    sighting = strowallet(step)[0].look_up(enrolment(), "op_1")
    assert sighting.happened is happened
    assert (sighting.remote is not None) is happened


@pytest.mark.parametrize("step", [no("Something is wrong"), objects.customer(customerEmail="b@example.test"), objects.page()])
def test_looking_for_a_customer_may_tell_nothing(step: Step) -> None:
    with pytest.raises(CardctlError) as caught:
        strowallet(step)[0].look_up(enrolment(), "op_1")
    assert not isinstance(caught.value, ProviderHasNot)


def test_a_change_is_read_back() -> None:
    changed = strowallet(YES, objects.customer(phoneNumber="234801"))[0].send(PUT, "op_1")
    assert isinstance(changed, RemoteAccount)
    assert changed.kyc is Kyc.VERIFIED
    with pytest.raises(ReplyLost):
        strowallet(YES, objects.page())[0].send(PUT, "op_1")


@pytest.mark.parametrize(
    ("fields", "happened"),
    [({"phoneNumber": "234801"}, True), ({"phoneNumber": "234802"}, False), ({}, None)],
)
def test_looking_for_a_change(fields: dict[str, str], happened: bool | None) -> None:
    step = objects.customer(**fields)
    assert strowallet(step, step)[0].look_up(PUT, "op_1").happened is happened


def test_a_card_is_still_being_made_when_it_is_answered() -> None:
    draft = strowallet(objects.customer())[0].draft_card(NewCard("cus-1", "USD", allowance=usd(500), holder="Ada Obi"), "op_1")
    made = strowallet(objects.made_card())[0].send(draft, "op_1")
    assert isinstance(made, RemoteCard)
    assert (made.ref, made.account_ref, made.state, made.last4, made.balance) == (
        "card-1",
        "cus-1",
        CardState.PENDING,
        "",
        None,
    )
    assert strowallet()[0].look_up(draft, "op_1").happened is None
    for step in (objects.made_card(card_id=None), YES):
        with pytest.raises(ReplyLost):
            strowallet(step)[0].send(draft, "op_1")


@pytest.mark.parametrize("place", ["response", "data", None])
def test_an_nfc_card_in_every_envelope(place: str | None) -> None:
    customer = answer({"success": True, "data": {"customer_id": "n-1", "status": "approved"}})
    wanted = NewCard("ada.obi@example.test", "USD", allowance=usd(500), holder="Ada Obi")
    draft = strowallet(customer, nfc=True)[0].draft_card(wanted, "op_1")
    assert draft.body["name"] == "Ada Obi"
    data = {"card_id": "card-1"}
    made = strowallet(answer({"success": True, **({place: data} if place else data)}), nfc=True)[0].send(draft, "op_1")
    assert isinstance(made, RemoteCard)
    assert (made.ref, made.account_ref, made.holder, made.state) == (
        "card-1",
        "ada.obi@example.test",
        "Ada Obi",
        CardState.PENDING,
    )


def test_an_nfc_card_waits_for_the_kyc() -> None:
    pending = answer({"success": True, "data": {"status": "pending"}})
    with pytest.raises(ProviderRefused, match="customer id"):
        strowallet(pending, nfc=True)[0].draft_card(
            NewCard("ada@example.test", "USD", allowance=usd(500), holder="Ada Obi"), "op_1"
        )


@pytest.mark.parametrize("nfc", [False, True])
@pytest.mark.parametrize(
    ("kind", "word", "state"), [(Move.FREEZE, "frozen", CardState.FROZEN), (Move.UNFREEZE, "active", CardState.ACTIVE)]
)
def test_a_move_is_looked_at_until_it_shows(kind: Move, word: str, state: CardState, nfc: bool) -> None:
    waits: list[float] = []
    other = objects.card(card_status="pending")
    provider, script = strowallet(YES, other, no("odd"), objects.card(card_status=word), nfc=nfc, sleep=waits.append)
    moved = provider.send(move(kind, nfc=nfc), "op_1")
    assert isinstance(moved, CardNews)
    assert (moved.state, moved.word) == (state, word)
    assert len(script.requests) == 4
    assert waits[0] == 0


@pytest.mark.parametrize("reply", [YES, answer({"status": True}), answer({"message": ["Card frozen"]})])
def test_a_yes_that_does_not_show_is_in_doubt(reply: Step) -> None:
    provider, script = strowallet(reply, *[objects.card()] * 4)
    with pytest.raises(ReplyLost, match="shows the card as active"):
        provider.send(move(Move.FREEZE), "op_1")
    assert len(script.requests) == 5


@pytest.mark.parametrize(
    ("kind", "word", "happened"),
    [
        (Move.FREEZE, "frozen", True),
        (Move.FREEZE, "active", False),
        (Move.UNFREEZE, "active", True),
        (Move.UNFREEZE, "frozen", False),
        (Move.UNFREEZE, "terminated", False),
    ],
)
def test_looking_for_a_move(kind: Move, word: str, happened: bool) -> None:
    sighting = strowallet(objects.card(card_status=word))[0].look_up(move(kind), "op_1")
    assert sighting.happened is happened
    assert isinstance(sighting.remote, CardNews)


@pytest.mark.parametrize(
    ("status", "settled"), [("pending", False), ("success", True), ("Completed", True), ("odd", False), (None, False)]
)
def test_a_funding_settles_by_its_word(status: str | None, settled: bool) -> None:
    funded = strowallet(objects.funded(status=status))[0].send(money("fund"), "op_1")
    assert isinstance(funded, CardNews)
    assert (funded.ref, funded.settled, funded.reference, funded.balance) == ("card-1", settled, "ref-1", None)


def test_a_funding_that_came_to_nothing() -> None:
    with pytest.raises(ProviderRefused):
        strowallet(objects.funded(status="failed"))[0].send(money("fund"), "op_1")


@pytest.mark.parametrize(
    ("status", "settled"),
    [
        (answer({"success": True, "data": {"status": "approved"}}), True),
        (answer({"status": "completed"}), True),
        (answer({"success": True, "data": {"status": "pending"}}), False),
        (no("Unknown reference"), False),
    ],
)
@pytest.mark.parametrize("place", ["apiresponse", "data"])
def test_a_withdrawal_is_asked_after_by_its_reference(place: str, status: Step, settled: bool) -> None:
    told = {"status": "pending", "reference": "ref-1"}
    reply = answer({"success": True, place: {"data": told} if place == "apiresponse" else told})
    provider, script = strowallet(reply, status)
    news = provider.send(money("withdraw"), "op_1")
    assert isinstance(news, CardNews)
    assert (news.settled, news.reference) == (settled, "ref-1")
    assert "reference=ref-1" in str(script.requests[1].url)


def test_a_withdrawal_that_came_to_nothing() -> None:
    reply = answer({"success": True, "data": {"status": "pending", "reference": "ref-1"}})
    with pytest.raises(ProviderRefused):
        strowallet(reply, answer({"data": {"status": "declined"}}))[0].send(money("withdraw"), "op_1")


TOP_UP = objects.row("t-2", type="credit", amount="5.00", narrative="Card top-up", reference="ref-1")
TAKEN = objects.row("t-2", amount="-5.00", narrative="Card withdrawal")


@pytest.mark.parametrize("nfc", [False, True])
@pytest.mark.parametrize(
    ("verb", "row", "happened", "settled"),
    [
        ("fund", TOP_UP, True, True),
        ("fund", {**TOP_UP, "status": "pending"}, True, False),
        ("fund", {**TOP_UP, "status": "odd"}, True, False),
        ("fund", {**TOP_UP, "status": "failed"}, None, None),
        ("fund", {**TOP_UP, "amount": "5.01"}, None, None),
        ("fund", {**TOP_UP, "id": "t-1"}, None, None),
        ("fund", {**TOP_UP, "narrative": "Refund"}, None, None),
        ("fund", TAKEN, None, None),
        ("withdraw", TAKEN, True, True),
        ("withdraw", {**TAKEN, "narrative": "EXAMPLE SHOP"}, None, None),
        ("withdraw", TOP_UP, None, None),
    ],
)
def test_looking_for_money(verb: str, row: dict[str, Any], happened: bool | None, settled: bool | None, nfc: bool) -> None:
    provider, _ = strowallet(objects.recent(objects.row("t-1"), row), objects.card(balance="17.50"), nfc=nfc)
    sighting = provider.look_up(money(verb, nfc=nfc), "op_1")
    assert sighting.happened is happened
    assert isinstance(sighting.remote, CardNews)
    assert sighting.remote.balance == usd(1750)
    assert happened is None or sighting.remote.settled is settled


def test_no_row_tells_nothing_even_where_the_balance_has_moved() -> None:
    provider, _ = strowallet(objects.recent(), objects.card(balance="17.50"))
    assert provider.look_up(money("fund"), "op_1").happened is None


def test_looking_needs_both_answers() -> None:
    with pytest.raises(ProviderUnavailable):
        strowallet(objects.page())[0].look_up(money("fund"), "op_1")


def test_a_phone_is_all_that_is_sent_of_a_change_of_phone() -> None:
    draft = strowallet()[0].draft_account_change("cus-1", AccountChange(phone="+234 801"), "op_1")
    assert draft == PUT
