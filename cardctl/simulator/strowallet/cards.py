"""Bank rules of cards: making, finding, freezing, ending them; money moves in `funding.py` and `purchases.py`."""

from __future__ import annotations

import secrets
import time
from uuid import uuid4

from cardctl.simulator.desk import Desk
from cardctl.simulator.issuing import luhn_digit
from cardctl.simulator.rows import NoSuch, Record, change, find, insert
from cardctl.simulator.strowallet import wallet
from cardctl.simulator.strowallet.customers import usable
from cardctl.simulator.strowallet.tables import CARDS
from cardctl.simulator.strowallet.words import ACTIVE, FROZEN, HALTED, TERMINATED, VIRTUAL, Refused

_STARTS = {"visa": "400000", "mastercard": "510510"}  # ranges of test numbers, which are never issued
_YEARS_VALID = 3


def issue(desk: Desk, holder: Record, *, name: str, brand: str, amount: int) -> Record:
    """A new card that holds `amount` cents of the float, active at once.

    Refused where the customer is not verified or the float is short. No fee: what one costs differs by account.
    """
    if not usable(holder):
        raise Refused("Customer KYC is not approved")
    wallet.draw(desk, amount)
    digits = _STARTS[brand] + "".join(str(secrets.randbelow(10)) for _ in range(9))
    number = digits + luhn_digit(digits)
    card = {
        "ref": _new_ref(holder["world"]),
        "world": holder["world"],
        "customer_id": holder["ref"],
        "card_user_id": secrets.token_hex(12),
        "name_on_card": name,
        "card_brand": brand,
        "card_status": ACTIVE,
        "currency": wallet.CURRENCY,
        "card_number": number,
        "cvv": f"{secrets.randbelow(1000):03d}",
        "last4": number[-4:],
        "expiry": _expiry(desk.now),
        "balance": amount,
        "reference": f"CARD_CR{secrets.token_hex(6).upper()}",
    }
    return insert(desk, CARDS, card)


def card_of(desk: Desk, world: str, ref: str) -> Record:
    """NoSuch where this world has none."""
    found = find(desk, CARDS, ref)
    if found["world"] != world:
        raise NoSuch(CARDS, ref)
    return found


def freeze(desk: Desk, card: Record) -> Record:
    """Active to frozen; a frozen one stays so. Refused in any other status."""
    return _turn(desk, card, (ACTIVE, FROZEN), FROZEN)


def unfreeze(desk: Desk, card: Record) -> Record:
    """Frozen, inactive or blocked to active; an active one stays so. Refused in any other status."""
    return _turn(desk, card, (*HALTED, ACTIVE), ACTIVE)


def end(desk: Desk, card: Record) -> Record:
    """Terminated, for good. What was on the card stays on it: UNCONFIRMED where it goes, and nobody can move it."""
    return change(desk, CARDS, card["ref"], {"card_status": TERMINATED})


def check_open(card: Record) -> None:
    """Refused for a terminated card."""
    if card["card_status"] == TERMINATED:
        raise Refused("Card has been terminated")


def _turn(desk: Desk, card: Record, allowed: tuple[str, ...], status: str) -> Record:
    check_open(card)
    if card["card_status"] not in allowed:
        raise Refused(f"Card is {card['card_status']}")
    return change(desk, CARDS, card["ref"], {"card_status": status})


def _new_ref(world: str) -> str:
    """Both forms that were seen: UUID-like for virtual cards, 24 hexadecimal digits for NFC ones."""
    return str(uuid4()) if world == VIRTUAL else secrets.token_hex(12)


def _expiry(now: int) -> str:
    today = time.gmtime(now)
    return f"{today.tm_mon:02d}/{today.tm_year + _YEARS_VALID}"
