"""Whose token it is: one seller for each access token, or the one that OAuth gave it to; its locations; no wire."""

from __future__ import annotations

import base64
import hashlib

from cardctl.simulator.desk import Desk
from cardctl.simulator.square.lists import letters
from cardctl.simulator.square.tables import PAYMENTS, TOKENS
from cardctl.simulator.square.words import Refused

TOKEN_LIFE = 30 * 86400
"""Seconds of an access token that OAuth gave (developer.squareup.com/docs/oauth-api: 30 days)."""

_MERCHANT, _MAIN = 12, 11
"""Letters behind the `M` and the `L`."""


def merchant_of(desk: Desk, token: str) -> str:
    """The seller behind an access token. Any token is somebody's; Refused for one that OAuth gave and that has lapsed."""
    row = desk.db.execute(f"SELECT merchant_id, expires_at, revoked FROM {TOKENS} WHERE token = ?", (_kept(token),)).fetchone()  # noqa: S608
    if row is None:
        return named(token)
    if row[2]:
        raise Refused("ACCESS_TOKEN_REVOKED", "The provided access token has been revoked.")
    if row[1] <= desk.now:
        raise Refused("ACCESS_TOKEN_EXPIRED", "The provided access token has expired.")
    return str(row[0])


def named(secret: str) -> str:
    """The seller who is known by one token, the same each time."""
    return "M" + _spelled(secret, _MERCHANT)


def grant(desk: Desk, merchant: str) -> tuple[str, int]:
    """A new access token of a seller, and the Unix second in which it lapses."""
    token, expires = f"EAAA{letters(60)}", desk.now + TOKEN_LIFE
    desk.db.execute(f"INSERT INTO {TOKENS} VALUES (?, ?, ?, 0)", (_kept(token), merchant, expires))  # noqa: S608
    return token, expires


def lapse(desk: Desk, token: str, *, revoked: bool = False) -> None:
    """The token is taken no more: it has lapsed, or was revoked."""
    row = (_kept(token), named(token), desk.now, int(revoked))
    desk.db.execute(
        f"""INSERT INTO {TOKENS} VALUES (?, ?, ?, ?)
        ON CONFLICT (token) DO UPDATE SET expires_at = excluded.expires_at, revoked = excluded.revoked""",  # noqa: S608
        row,
    )


def main_location(merchant: str) -> str:
    return "L" + _spelled(merchant, _MAIN)


def locations(desk: Desk, merchant: str) -> list[str]:
    """The main one, and each where something was paid."""
    main = main_location(merchant)
    query = f"SELECT DISTINCT location_id FROM {PAYMENTS} WHERE merchant_id = ? AND location_id != ? ORDER BY 1"  # noqa: S608
    return [main, *(row[0] for row in desk.db.execute(query, (merchant, main)))]


def check_location(location: str) -> None:
    """Here any `L…` is a location of the seller's own; at Square only those that the seller has made."""
    if not (location.startswith("L") and location.isascii() and location.isalnum()):
        raise Refused("NOT_FOUND", f"Location `{location}` not found.", "location_id")


def _spelled(text: str, count: int) -> str:
    return base64.b32encode(hashlib.sha256(text.encode()).digest()).decode()[:count]


def _kept(token: str) -> str:
    """A token is a secret even here."""
    return hashlib.sha256(token.encode()).hexdigest()
