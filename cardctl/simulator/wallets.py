"""What a phone's wallet is told of a simulated card, whichever bank issued it; the token is made up, once for each card."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from cardctl.simulator.desk import Desk
from cardctl.simulator.rows import Record, select

_INSTRUCTIONS = "DEVELOPMENT ONLY: this is a simulated payload. Use the provider's own tokens for a real wallet."


def payload(desk: Desk, ref: str) -> Record | None:
    """The payload of a card by its provider's name for it; None where no bank has it. Its token stays the same."""
    for provider, (table, facts) in _CARDS.items():
        for card in select(desk, table, "ref = ? AND deleted = 0", (ref,)):
            return {
                "card_id": ref,
                "provider": provider,
                **facts(desk, card),
                "provisioning_token": _token(desk, ref),
                "wallet_instructions": _INSTRUCTIONS,
                "development_only": True,
            }
    return None


def _token(desk: Desk, ref: str) -> str:
    made = f"sim-token-{secrets.token_hex(16)}"
    desk.db.execute("INSERT OR IGNORE INTO wallet_tokens VALUES (?, ?)", (ref, made))
    return str(desk.db.execute("SELECT token FROM wallet_tokens WHERE card = ?", (ref,)).fetchone()[0])


def _stripe(desk: Desk, card: Record) -> Record:
    holder = select(desk, "holders", "ref = ?", (card["holder"],))[0]
    return _facts(holder["name"], card["last4"], card["exp_month"], card["exp_year"])


def _marqeta(desk: Desk, card: Record) -> Record:
    user = select(desk, "marqeta_users", "ref = ?", (card["user_token"],))[0]
    name = " ".join(part for part in (user["first_name"], user["last_name"]) if part)
    return _facts(name, card["last_four"], *_expiry(card["expiration"]))


def _strowallet(_desk: Desk, card: Record) -> Record:
    return _facts(card["name_on_card"], card["last4"], *_expiry(card["expiry"]))


def _expiry(text: str) -> tuple[int | None, int | None]:
    """Month and year of MMYY or MM/YYYY; None twice where staff have edited it into something else."""
    digits = text.replace("/", "")
    if not (digits.isascii() and digits.isdigit() and len(digits) in (4, 6)):
        return None, None
    return int(digits[:2]), int(digits[2:]) if len(digits) == 6 else 2000 + int(digits[2:])


def _facts(name: str, last4: str, month: int | None, year: int | None) -> Record:
    return {"cardholder_name": name, "last4": last4, "exp_month": month, "exp_year": year}


_CARDS: dict[str, tuple[str, Callable[[Desk, Record], Record]]] = {
    "stripe": ("cards", _stripe),
    "marqeta": ("marqeta_cards", _marqeta),
    "strowallet": ("strowallet_cards", _strowallet),
}
