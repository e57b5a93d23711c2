"""The exact requests that our wishes become, and what is refused before anything is sent."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import Any

import pytest

from cardctl.domain.accounts import AccountChange, NewAccount
from cardctl.domain.cards import Limits, NewCard
from cardctl.domain.money import Money
from cardctl.domain.operations import Draft
from cardctl.domain.states import Move
from cardctl.errors import BadAmount, BadConfig, BadInput, CardctlError, InsufficientBalance, StateForbids, Unsupported
from cardctl.providers.strowallet.provider import StrowalletProvider
from tests.providers.strowallet import objects
from tests.providers.strowallet.objects import ADA, ADDRESS, answer, strowallet, usd

WANTED = NewCard("cus-1", "USD", allowance=usd(500), holder="Ada Obi")
NFC_CUSTOMER = {"success": True, "data": {"customer_id": "n-1", "status": "approved", "name": "Ada Obi"}}


def drafted(*steps: Any, nfc: bool = False, **parts: Any) -> StrowalletProvider:
    return strowallet(*steps, nfc=nfc, **parts)[0]


def test_a_customer() -> None:
    draft = drafted(objects.nobody()).draft_account(ADA, "op_1")
    assert (draft.method, draft.path, draft.subject) == ("POST", "/bitvcard/create-user/", "account")
    assert draft.body == {
        "firstName": "Ada",
        "lastName": "Ngozi Obi",
        "customerEmail": "ada@example.test",
        "phoneNumber": "2348012345678",
        "dateOfBirth": "01/15/1990",
        "idType": "PASSPORT",
        "idNumber": {"$document": "id_number"},
        "idImage": {"$document": "id_image"},
        "userPhoto": {"$document": "photo"},
        "houseNumber": "12B",
        "line1": "1 Test Rd",
        "city": "Ikeja",
        "state": "Lagos",
        "zipCode": "100001",
        "country": "NG",
    }
    assert Draft(**json.loads(json.dumps(asdict(draft)))) == draft


def test_an_nfc_customer() -> None:
    draft = drafted(objects.nobody(), nfc=True).draft_account(ADA, "op_1")
    assert (draft.method, draft.path) == ("POST", "/bitvcard/cardkyc")
    assert draft.body == {
        "first_name": "Ada",
        "last_name": "Ngozi Obi",
        "email": "ada@example.test",
        "phone_number": "2348012345678",
        "date_of_birth": "1990-01-15",
        "id_type": "PASSPORT",
        "id_number": {"$document": "id_number"},
        "id_front_image": {"$document": "id_image"},
        "line1": "1 Test Rd",
        "city": "Ikeja",
        "state": "Lagos",
        "postal_code": "100001",
        "country": "NGA",
    }


@pytest.mark.parametrize("nfc", [False, True])
def test_everything_that_is_missing_is_named_at_once(nfc: bool) -> None:
    with pytest.raises(BadInput) as caught:
        drafted(nfc=nfc, environment="sandbox").draft_account(NewAccount("Ada"), "op_1")
    options = (
        "--name --email --phone --birth-date --id-type --id-number --id-image --line1 --city --state --postal-code --country"
    )
    for option in (*options.split(), *(() if nfc else ("--photo", "--house-number"))):
        assert option in caught.value.message


def test_what_is_missing_is_made_up_in_the_simulator_alone() -> None:
    provider = drafted(objects.nobody(), objects.nobody(), environment="simulator")
    bodies = [provider.draft_account(NewAccount("Jenny", external_id="Emp 42"), mark).body for mark in ("op_1", "op_2")]
    assert all(value and isinstance(value, str) for value in bodies[0].values())
    assert bodies[0]["customerEmail"] == "emp-42.op_1@example.com"
    assert bodies[0]["customerEmail"] != bodies[1]["customerEmail"]
    given = drafted(objects.nobody(), environment="simulator").draft_account(ADA, "op_1").body
    assert (given["customerEmail"], given["idNumber"]) == ("ada@example.test", {"$document": "id_number"})


@pytest.mark.parametrize("wanted", [replace(ADA, birth_date="15.01.1990"), replace(ADA, type="company")])
def test_an_impossible_customer(wanted: NewAccount) -> None:
    with pytest.raises(BadInput):
        drafted().draft_account(wanted, "op_1")


def test_an_email_that_is_taken() -> None:
    with pytest.raises(BadInput, match="already"):
        drafted(objects.customer()).draft_account(ADA, "op_1")
    drafted(answer({"success": True, "data": None})).draft_account(ADA, "op_1")
    drafted(objects.no("Nobody by this email")).draft_account(ADA, "op_1")


def test_a_customer_changes_phone_and_address() -> None:
    draft = drafted().draft_account_change("cus-1", AccountChange(phone="+234801", address=ADDRESS), "op_1")
    assert (draft.method, draft.path) == ("PUT", "/bitvcard/updateCardCustomer/")
    address = {"line1": "1 Test Rd", "city": "Ikeja", "state": "Lagos", "zipCode": "100001", "country": "NG"}
    assert draft.body == {"customerId": "cus-1", "phoneNumber": "234801", **address}


@pytest.mark.parametrize(
    ("change", "nfc", "kind"),
    [
        (AccountChange(email="b@example.test"), False, Unsupported),
        (AccountChange(active=True), False, Unsupported),
        (AccountChange(active=False), False, Unsupported),
        (AccountChange(), False, BadInput),
        (AccountChange(phone="1"), True, Unsupported),
    ],
)
def test_changes_that_cannot_be(change: AccountChange, nfc: bool, kind: type[CardctlError]) -> None:
    with pytest.raises(kind):
        drafted(nfc=nfc).draft_account_change("cus-1", change, "op_1")


def test_a_card() -> None:
    draft = drafted(objects.customer()).draft_card(WANTED, "op_1")
    assert (draft.method, draft.path, draft.subject) == ("POST", "/bitvcard/create-card/", "card")
    body = {"name_on_card": "Ada Obi", "card_type": "visa", "amount": "5.00", "customerEmail": "ada@example.test"}
    assert draft.body == body
    assert (draft.repeatable, draft.urgent, draft.real) == (False, False, False)


def test_an_nfc_card() -> None:
    draft = drafted(answer(NFC_CUSTOMER), nfc=True).draft_card(replace(WANTED, account_ref="ada@example.test"), "op_1")
    assert draft.path == "/bitvcard/create-nfc-card"
    assert draft.body == {"customer_id": "n-1", "name": "Ada Obi", "amount": "5.00"}


@pytest.mark.parametrize(
    ("wanted", "kind"),
    [
        (replace(WANTED, allowance=None), BadInput),
        (replace(WANTED, allowance=usd(0)), BadInput),
        (replace(WANTED, currency="NGN", allowance=Money(500, "NGN")), BadInput),
        (replace(WANTED, allowance=Money(500, "EUR")), BadInput),
        (replace(WANTED, limits=Limits(daily=usd(1))), Unsupported),
        (replace(WANTED, limits=Limits(daily=Money(1, "EUR"))), BadInput),
        (replace(WANTED, active=False), Unsupported),
        (replace(WANTED, type="physical"), Unsupported),
        (replace(WANTED, replaces_ref="card-0"), Unsupported),
    ],
)
def test_cards_that_cannot_be(wanted: NewCard, kind: type[CardctlError]) -> None:
    with pytest.raises(kind):
        drafted().draft_card(wanted, "op_1")


def test_a_card_without_money_names_the_option() -> None:
    with pytest.raises(BadInput, match="--fund is needed"):
        drafted().draft_card(replace(WANTED, allowance=None), "op_1")


@pytest.mark.parametrize(
    ("move", "nfc", "method", "path", "body"),
    [
        (Move.FREEZE, False, "POST", "/bitvcard/action/status/", {"action": "freeze", "card_id": "card-1"}),
        (Move.UNFREEZE, False, "POST", "/bitvcard/action/status/", {"action": "unfreeze", "card_id": "card-1"}),
        (Move.FREEZE, True, "GET", "/bitvcard/freezeactivate-nfc", {"card_id": "card-1", "status": "frozen"}),
        (Move.UNFREEZE, True, "GET", "/bitvcard/freezeactivate-nfc", {"card_id": "card-1", "status": "active"}),
    ],
)
def test_moves_are_drafted_without_asking(move: Move, nfc: bool, method: str, path: str, body: dict[str, str]) -> None:
    draft = drafted(nfc=nfc).draft_move("card-1", move, "op_1", "lost")
    assert (draft.method, draft.path, draft.body) == (method, path, body)
    assert (draft.repeatable, draft.urgent) == (True, move is Move.FREEZE)


def test_a_card_activates_itself() -> None:
    with pytest.raises(Unsupported):
        drafted().draft_move("card-1", Move.ACTIVATE, "op_1", None)


def test_money_is_drafted_with_what_was_there_before() -> None:
    recent = objects.recent(objects.row("t-2"), objects.row("t-1"))
    draft = drafted(objects.card(), recent).draft_fund("card-1", usd(2599), "op_1", account_ref="cus-1")
    assert (draft.path, draft.body) == ("/bitvcard/fund-card/", {"card_id": "card-1", "amount": "25.99"})
    assert draft.before == {"balance": "12.50", "rows": ["t-1", "t-2"]}
    draft = drafted(objects.card(), recent).draft_withdraw("card-1", usd(1250), "op_1", account_ref="cus-1")
    assert (draft.path, draft.body) == ("/bitvcard/card_withdraw/", {"card_id": "card-1", "amount": "12.50"})
    assert not draft.repeatable


@pytest.mark.parametrize(
    ("verb", "path"), [("fund", "/bitvcard/fund-withdraw-nfccard"), ("withdraw", "/bitvcard/fund-withdraw-nfccard")]
)
def test_nfc_money(verb: str, path: str) -> None:
    provider = drafted(objects.card(), objects.recent(), nfc=True)
    draft = getattr(provider, f"draft_{verb}")("card-1", usd(100), "op_1", account_ref="ada@example.test")
    assert (draft.path, draft.body) == (path, {"card_id": "card-1", "amount": "1.00", "type": verb})


@pytest.mark.parametrize(
    ("verb", "amount", "card", "kind"),
    [
        ("withdraw", usd(1251), {}, InsufficientBalance),
        ("withdraw", usd(1), {"card_status": "terminated"}, StateForbids),
        ("fund", usd(1), {"card_status": "frozen"}, StateForbids),
        ("fund", usd(1), {"card_status": "odd"}, StateForbids),
        ("fund", usd(0), {}, BadAmount),
        ("fund", Money(1, "EUR"), {}, BadInput),
    ],
)
def test_money_that_cannot_move(verb: str, amount: Money, card: dict[str, str], kind: type[CardctlError]) -> None:
    provider = drafted(objects.card(**card), objects.recent())
    with pytest.raises(kind):
        getattr(provider, f"draft_{verb}")("card-1", amount, "op_1", account_ref="cus-1")


def test_a_frozen_card_gives_its_money_back() -> None:
    provider = drafted(objects.card(card_status="frozen"), objects.recent())
    assert provider.draft_withdraw("card-1", usd(1), "op_1", account_ref="cus-1").body["amount"] == "0.01"


def all_drafts(environment: str, *, nfc: bool) -> dict[str, Draft]:
    def fresh(*steps: Any) -> StrowalletProvider:
        return drafted(*steps, nfc=nfc, environment=environment)

    holder = answer(NFC_CUSTOMER) if nfc else objects.customer()
    account_ref = "ada@example.test" if nfc else "cus-1"
    drafts = {
        "account": fresh(objects.nobody()).draft_account(ADA, "op_1"),
        "card": fresh(holder).draft_card(replace(WANTED, account_ref=account_ref), "op_1"),
        "freeze": fresh().draft_move("card-1", Move.FREEZE, "op_1", None),
        "fund": fresh(objects.card(), objects.recent()).draft_fund("card-1", usd(1), "op_1", account_ref=account_ref),
        "withdraw": fresh(objects.card(), objects.recent()).draft_withdraw("card-1", usd(1), "op_1", account_ref=account_ref),
    }
    if not nfc:
        drafts["change"] = fresh().draft_account_change("cus-1", AccountChange(phone="1"), "op_1")
    return drafts


def test_a_sandbox_says_what_it_does_for_real() -> None:
    told = {name: (draft.body.get("mode"), draft.real) for name, draft in all_drafts("sandbox", nfc=False).items()}
    real = dict.fromkeys(("account", "freeze", "withdraw", "change"), (None, True))
    assert told == {"card": ("sandbox", False), "fund": ("sandbox", False), **real}


def test_nfc_has_no_sandbox() -> None:
    drafts = all_drafts("sandbox", nfc=True).values()
    assert all(draft.real and "mode" not in draft.body for draft in drafts)


@pytest.mark.parametrize("environment", ["live", "simulator"])
@pytest.mark.parametrize("nfc", [False, True])
def test_no_mode_and_no_warning_elsewhere(environment: str, nfc: bool) -> None:
    for draft in all_drafts(environment, nfc=nfc).values():
        assert "mode" not in draft.body
        assert not draft.real
        assert "public_key" not in json.dumps(asdict(draft))
        assert draft.path.endswith("/") is not nfc


def test_the_slash_can_be_left_out() -> None:
    provider = drafted(settings={"trailing_slash": False})
    assert provider.draft_move("card-1", Move.FREEZE, "op_1", None).path == "/bitvcard/action/status"
    provider = drafted(nfc=True, settings={"trailing_slash": True})
    assert provider.draft_move("card-1", Move.FREEZE, "op_1", None).path == "/bitvcard/freezeactivate-nfc"


def test_a_product_that_is_none() -> None:
    with pytest.raises(BadConfig):
        drafted(settings={"product": "naira"})
