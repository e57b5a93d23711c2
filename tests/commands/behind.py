"""The far side as its own staff sees it, bank by bank: what is edited there, and what each card can spend there."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.commands.runner import Cardctl, Ran


@dataclass(frozen=True, slots=True)
class Staff:
    """How the staff of one bank writes things: a card that is halted, a daily limit of 50.00 (None: it has none), an expiry in
    2039. `heard`: the bank lists what it told, so that what was lost is missed; `told`: it tells of refunds."""

    halted: str
    limited: str | None
    renewed: str
    heard: bool = False
    told: bool = True


STAFF = {
    "stripe": Staff("status=inactive", "spending_controls.spending_limits.daily=5000", "exp_year=2039", heard=True),
    "marqeta": Staff("state=SUSPENDED", "velocity_controls.DAY=5000", "expiration=0139"),
    "strowallet": Staff("card_status=frozen", None, "expiry=01/2039", told=False),
}


def there(cardctl: Cardctl, bank: str) -> dict[str, int]:
    """What each card can spend by the bank's own file, by the bank's name for the card, in minor units."""
    return dict(_rows(cardctl.simulator, _SPENDABLE[bank]))


def here(cardctl: Cardctl, bank: str) -> dict[str, int]:
    """The same by our books, which ask nobody."""
    return {each["ref"]: each["balance"]["minor"] for each in listed(cardctl, bank)}


def listed(cardctl: Cardctl, bank: str) -> list[dict[str, Any]]:
    """`card list` of one bank."""
    cards: list[dict[str, Any]] = cardctl("card", "list", "--provider", bank, "-o", "json").data
    return cards


def counted(cardctl: Cardctl, bank: str) -> dict[str, int]:
    """How many objects of each kind the bank has."""
    found: dict[str, int] = cardctl("simulator", "status", "-o", "json").data["providers"][bank]
    return found


def done(ran: Ran) -> Any:
    """The data of a run that must go well."""
    assert ran.code == 0, ran.stdout + ran.stderr
    return ran.data


def provisioned(cardctl: Cardctl, bank: str) -> list[dict[str, Any]]:
    """Three cards of a bank, with a million on each."""
    cards: list[dict[str, Any]] = done(cardctl("provision", "--dev", "--provider", bank, "-o", "json"))["cards"]
    return cards


def bought(cardctl: Cardctl, card: dict[str, Any], amount: str, *more: str, merchant: str = "Blue Bottle") -> str:
    """A purchase; the bank's name for the settled transaction."""
    words = ["simulator", "swipe", card["id"], "--amount", amount, "--merchant", merchant, *more, "-o", "json"]
    ref: str = done(cardctl(*words))["transaction_ref"]
    return ref


def edited(cardctl: Cardctl, ref: str, *changes: str) -> None:
    """What staff does, and nobody hears of."""
    done(cardctl("simulator", "edit", ref, *changes, "-o", "json"))


def named(breaks: list[dict[str, Any]]) -> set[tuple[str, str]]:
    """Each break by what it is and what it is about."""
    return {(each["type"], each["subject"]) for each in breaks}


def found(cardctl: Cardctl, *more: str) -> tuple[int, set[tuple[str, str]]]:
    """One run of reconcile: its exit code, and the breaks that it names."""
    ran = cardctl("reconcile", *more, "-o", "json")
    return ran.code, named(ran.data["breaks"])


def calls(cardctl: Cardctl) -> int:
    """How many requests were sent, ever, by the log of calls in the books."""
    return int(_rows(cardctl.books, "SELECT count(*), 0 FROM calls")[0][0])


_SPENDABLE = {
    "marqeta": """SELECT cards.ref, ledger_balance - held FROM marqeta_cards AS cards
        JOIN marqeta_users ON marqeta_users.ref = user_token""",
    "strowallet": "SELECT ref, balance FROM strowallet_cards",
    "stripe": """SELECT ref, (SELECT json_extract(value, '$.amount') FROM json_each(spending_controls, '$.spending_limits')
            WHERE json_extract(value, '$.interval') = 'all_time')
        + (SELECT coalesce(sum(amount), 0) FROM transactions WHERE card = cards.ref AND deleted = 0)
        - (SELECT coalesce(sum(held), 0) FROM authorizations WHERE card = cards.ref AND deleted = 0) FROM cards""",
}


def _rows(file: Path, query: str) -> list[tuple[Any, Any]]:
    with closing(sqlite3.connect(file)) as database:
        return database.execute(query).fetchall()
