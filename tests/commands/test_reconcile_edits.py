"""Each thing that a bank's staff may change behind our back: named for what it is, mended, and then proven or proposed."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.commands.behind import bought, done, edited, here, named, provisioned, there
from tests.commands.runner import Cardctl

CARD, HOLDER, TAKEN, HELD = "a card", "its holder", "a purchase", "a hold"
EDITS: dict[str, list[tuple[str, str, set[tuple[str, str]], int]]] = {
    "stripe": [
        (CARD, "status=canceled", {("card_state", CARD)}, 0),
        (CARD, "status=frobnicated", {("unknown_word", CARD)}, 1),
        (CARD, "spending_controls.spending_limits.all_time=5000", {("balance", CARD)}, 0),
        (CARD, "spending_controls.spending_limits.monthly=700", {("card_limits", CARD)}, 0),
        (CARD, "last4=0000,exp_month=1", {("card_details", CARD)}, 0),
        (CARD, "deleted=true", {("card_missing_there", CARD)}, 0),
        (CARD, "currency=eur", {("card_currency", CARD)}, 0),
        (HOLDER, "status=inactive", {("account_state", HOLDER)}, 0),
        (HOLDER, "requirements.disabled_reason=rejected.listed", {("account_kyc", HOLDER)}, 0),
        (HOLDER, "name=Somebody Else", {("card_details", CARD)}, 0),
        (TAKEN, "amount=-2600", {("transaction_amount", TAKEN), ("over_capture", HELD)}, 1),
        (TAKEN, "deleted=true", {("transaction_missing_there", TAKEN)}, 0),
        (TAKEN, "type=refund", {("transaction_state", TAKEN), ("refund_without_purchase", TAKEN)}, 1),
        (HELD, "status=odd", {("unknown_word", HELD)}, 1),
        ("stripe", "float.USD=0", {("float_low", "float:USD")}, 1),
    ],
    "marqeta": [
        (CARD, "state=TERMINATED", {("card_state", CARD)}, 0),
        (CARD, "state=LIMITED", {("card_state", CARD)}, 0),
        (CARD, "velocity_controls.MONTH=700", {("card_limits", CARD)}, 0),
        (CARD, "expiration=0139", {("card_details", CARD)}, 0),
        (CARD, "deleted=true", {("card_missing_there", CARD)}, 0),
        (HOLDER, "status=SUSPENDED", {("account_state", HOLDER)}, 0),
        (HOLDER, "ledger_balance=500", {("balance", HOLDER)}, 0),
        (TAKEN, "amount=2600", {("transaction_amount", TAKEN), ("over_capture", HELD)}, 1),
        (TAKEN, "state=DECLINED", {("transaction_amount", TAKEN)}, 0),
        (TAKEN, "type=odd.word", {("unknown_word", TAKEN)}, 1),
        (TAKEN, "deleted=true", {("transaction_missing_there", TAKEN)}, 0),
    ],
    "strowallet": [
        (CARD, "card_status=terminated", {("card_state", CARD)}, 0),
        (CARD, "card_status=odd", {("unknown_word", CARD)}, 1),
        (CARD, "balance=500", {("balance", CARD)}, 0),
        (CARD, "expiry=01/2039,last4=0000", {("card_details", CARD)}, 0),
        (CARD, "deleted=true", {("card_missing_there", CARD)}, 0),
        (HOLDER, "status=rejected", {("account_kyc", HOLDER), ("account_state", HOLDER)}, 0),
        (TAKEN, "amount=-2600", {("transaction_amount", TAKEN)}, 0),
        (TAKEN, "status=failed", {("transaction_amount", TAKEN)}, 0),
        (TAKEN, "type=credit", {("transaction_amount", TAKEN), ("refund_without_purchase", TAKEN)}, 1),
        (TAKEN, "deleted=true", {("transaction_missing_there", TAKEN)}, 0),
    ],
}
"""What is edited, how, which breaks that is (and of what), and how many of them only a person can settle."""


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Cardctl, str], dict[str, str]]:
    """A home in which a bank has three cards and one purchase, made once for each bank and only ever copied; and the bank's
    names for it all."""
    kept: dict[str, tuple[Path, dict[str, str]]] = {}

    def copied(cardctl: Cardctl, bank: str) -> dict[str, str]:
        if bank not in kept:
            names = _made(cardctl, bank)
            home = tmp_path_factory.mktemp(bank) / "home"
            for file in (cardctl.books, cardctl.simulator):
                with closing(sqlite3.connect(file)) as database:
                    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            shutil.copytree(cardctl.home, home)
            kept[bank] = home, names
        else:
            shutil.copytree(kept[bank][0], cardctl.home)
        return kept[bank][1]

    return copied


def _made(cardctl: Cardctl, bank: str) -> dict[str, str]:
    card: dict[str, Any] = provisioned(cardctl, bank)[0]
    taken = bought(cardctl, card, "20")
    accounts = cardctl("account", "list", "-o", "json").data
    (holder,) = [each["ref"] for each in accounts if each["id"] == card["account_id"]]
    listed = cardctl("transaction", "list", "--card", card["id"], "-o", "json").data
    held = next((each["ref"] for each in listed if each["kind"] == "authorization"), "")
    assert cardctl("reconcile").code == 0
    return {CARD: card["ref"], HOLDER: holder, TAKEN: taken, HELD: held}


@pytest.mark.parametrize(
    ("bank", "what", "change", "breaks", "proposed"),
    [(bank, *each) for bank, edits in EDITS.items() for each in edits],
    ids=[f"{bank}: {what}, {change}" for bank, edits in EDITS.items() for what, change, _, _ in edits],
)
def test_an_edit(
    cardctl: Cardctl,
    founded: Callable[[Cardctl, str], dict[str, str]],
    bank: str,
    what: str,
    change: str,
    breaks: set[tuple[str, str]],
    proposed: int,
) -> None:
    names = founded(cardctl, bank)
    edited(cardctl, names.get(what, what), *change.split(","))
    far_side = there(cardctl, bank)
    ran = cardctl("reconcile", "-o", "json")
    assert (ran.code, named(ran.data["breaks"])) == (3, {(type_, names.get(about, about)) for type_, about in breaks})
    fixed = cardctl("reconcile", "--fix", "--yes", "-o", "json")
    assert (fixed.code, len(fixed.data["fix"]["proposed"])) == (3 if proposed else 0, proposed), fixed.stdout
    assert (len(fixed.data["fix"]["fixed"]), fixed.data["fix"]["failed"]) == (len(breaks) - proposed, [])
    again = cardctl("reconcile", "-o", "json")
    assert (again.code, [each["state"] for each in again.data["breaks"]]) == (0, ["acknowledged"] * proposed)
    assert there(cardctl, bank) == far_side, "mending moves no money"
    if "deleted" not in change:
        assert here(cardctl, bank) == far_side
    assert cardctl("audit", "verify").code == 0


def test_what_cannot_be_read_is_not_concluded_from(cardctl: Cardctl, founded: Callable[[Cardctl, str], dict[str, str]]) -> None:
    names = founded(cardctl, "strowallet")
    edited(cardctl, names[TAKEN], "currency=xxq")
    edited(cardctl, names[CARD], "card_status=frozen")
    ran = cardctl("reconcile", "--provider", "strowallet", "-o", "json")
    assert (ran.code, ran.error) == (8, "PROVIDER_UNAVAILABLE")
    edited(cardctl, names[TAKEN], "currency=usd")
    done(cardctl("simulator", "status", "-o", "json"))
    ran = cardctl("reconcile", "-o", "json")
    assert (ran.code, named(ran.data["breaks"])) == (3, {("card_state", names[CARD])})
