"""One counter for three banks: whoever's card it is, a swipe, a verdict, an edit and a wallet's payload find it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from cardctl.domain.money import Money
from cardctl.errors import BadInput, NotFound
from cardctl.simulator.books import OPENING_FLOAT, FarSide
from cardctl.simulator.control import Control
from cardctl.simulator.editing import FIELDS
from cardctl.simulator.network import KYC
from cardctl.simulator.schema import OBJECTS, REMEMBERED
from tests.simulator.served import port
from tests.simulator.stranger import HOLDERS, TEST_AUTHORIZATIONS, Stranger, reason


def usd(minor: int) -> Money:
    return Money(minor, "USD")


@pytest.fixture
def far_cards(
    stranger: Stranger, marqeta_card: tuple[str, str], strowallet_card: tuple[str, str]
) -> dict[str, tuple[str, str]]:
    """Provider → a card of it, and its holder."""
    holder = stranger.holder()
    return {"stripe": (stranger.card(holder), holder), "marqeta": marqeta_card, "strowallet": strowallet_card}


@pytest.mark.parametrize("bank", ["stripe", "marqeta", "strowallet"])
def test_a_swipe_finds_its_bank(control: Control, far_cards: dict[str, tuple[str, str]], bank: str) -> None:
    card = far_cards[bank][0]
    assert control.card_currency(card) == "USD"
    before = {name: sum(each.values()) for name, each in control.status()["providers"].items()}
    held, taken = control.swipe(card, usd(100), hold=True), control.swipe(card, usd(150), merchant="Corner Shop", mcc="5462")
    assert (held.approved, held.transaction_ref, taken.approved) == (True, None, True)
    assert taken.transaction_ref
    declined = control.swipe(card, usd(OPENING_FLOAT * 2))
    assert (declined.approved, declined.transaction_ref) == (False, None)
    assert declined.reason
    after = {name: sum(each.values()) for name, each in control.status()["providers"].items()}
    assert {name for name in after if after[name] != before[name]} == {bank}
    with pytest.raises(BadInput):
        control.swipe(card, Money(100, "EUR"))


@pytest.mark.parametrize("bank", ["stripe", "marqeta", "strowallet"])
def test_a_stale_read_of_every_bank(path: Path, control: Control, far_cards: dict[str, tuple[str, str]], bank: str) -> None:
    """What the last write of any bank did is taken back for the length of a look, to the last cell."""
    far_side = FarSide(path)

    def cells() -> dict[str, list[Any]]:
        with far_side.reading() as desk:
            return {table: desk.db.execute(f"SELECT * FROM {table}").fetchall() for table in REMEMBERED}

    before = cells()
    control.swipe(far_cards[bank][0], usd(150))
    after = cells()
    assert after != before
    with far_side.before_the_last_write():
        looked = cells()
    assert looked == before
    assert cells() == after
    far_side.close()


@pytest.mark.parametrize("bank", ["stripe", "marqeta", "strowallet"])
def test_every_bank_decides_on_its_holders(control: Control, far_cards: dict[str, tuple[str, str]], bank: str) -> None:
    for word in (*KYC, "verified"):
        control.set_kyc(far_cards[bank][1], word)
    with pytest.raises(BadInput):
        control.set_kyc(far_cards[bank][1], "maybe")
    with pytest.raises(NotFound):
        control.set_kyc("ich_none", "verified")


def test_what_a_verdict_means_at_stripe(stranger: Stranger, control: Control) -> None:
    holder = stranger.holder()
    card = stranger.card(holder)
    for word, disabled, due in (
        ("pending", "under_review", ["individual.verification.document"]),
        ("rejected", "rejected.listed", []),
        ("verified", None, []),
    ):
        control.set_kyc(holder, word)
        assert stranger.seen(f"{HOLDERS}/{holder}")["requirements"] == {"disabled_reason": disabled, "past_due": due}
        told = reason(stranger.done(TEST_AUTHORIZATIONS, {"card": card, "amount": "5"}))
        assert told == ("card_active" if disabled is None else "cardholder_verification_required")


def test_fields_of_every_bank_are_edited(control: Control, far_cards: dict[str, tuple[str, str]]) -> None:
    assert set(FIELDS) <= set(OBJECTS)
    for bank, field, value in (("marqeta", "state", "SUSPENDED"), ("strowallet", "card_status", "frozen")):
        before, after = control.edit(far_cards[bank][0], {field: value})
        assert after == {field: value} != before
        assert not control.swipe(far_cards[bank][0], usd(5)).approved
        assert control.edit(far_cards[bank][0], {"deleted": "true"}) == ({"deleted": False}, {"deleted": True})
        with pytest.raises(NotFound):
            control.swipe(far_cards[bank][0], usd(5))
    assert control.edit("marqeta", {"float.USD": "7"})[1] == {"float.USD": 7}
    assert control.status()["float"]["marqeta"] == [usd(7)]


def test_wallet_payloads_of_every_bank(path: Path, far_cards: dict[str, tuple[str, str]]) -> None:
    with port(path) as server, httpx.Client(base_url=server.base_url) as client:
        told = {bank: client.get(f"/cards/{card}/wallet_payload/").json() for bank, (card, _) in far_cards.items()}
    assert {bank: payload["provider"] for bank, payload in told.items()} == {bank: bank for bank in far_cards}
    assert len({payload["provisioning_token"] for payload in told.values()}) == 3
    for payload in told.values():
        assert payload["cardholder_name"]
        assert len(payload["last4"]) == 4
        assert 1 <= payload["exp_month"] <= 12
        assert 2026 <= payload["exp_year"] <= 2040


def test_counts_of_every_bank(control: Control, far_cards: dict[str, tuple[str, str]]) -> None:
    found = control.status()
    assert found["objects"]["cards"] == 3
    issuers = {bank: each for bank, each in found["providers"].items() if "cards" in each and bank != "square"}
    assert {bank: each["cards"] for bank, each in issuers.items()} == dict.fromkeys(far_cards, 1)
    control.reset()
    assert set(control.status()["objects"].values()) == {0}
