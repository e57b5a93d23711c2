"""The secrets that the far side's webhooks are signed with: made on first use, two at a time after a rotation; no signing."""

from __future__ import annotations

import secrets
import string
from collections.abc import Callable

import orjson

from cardctl.simulator.books import FarSide
from cardctl.simulator.desk import Desk

_PREFIX = "webhook_secret:"
_SYMBOLS = "!#$%&*+-.:=?@_~"
_KINDS = (string.digits, string.ascii_lowercase, string.ascii_uppercase, _SYMBOLS)


def _stripe() -> str:
    return f"whsec_{secrets.token_hex(16)}"


def _password() -> str:
    """32 characters with a digit, a lower-case and an upper-case letter and a symbol, as Marqeta asks for."""
    letters = [secrets.choice(kind) for kind in _KINDS] + [secrets.choice("".join(_KINDS)) for _ in range(28)]
    secrets.SystemRandom().shuffle(letters)
    return "".join(letters)


def _token() -> str:
    return secrets.token_urlsafe(24)


MADE: dict[str, Callable[[], str]] = {
    "stripe.webhook_secret": _stripe,
    "stripe.authorization_secret": _stripe,
    "marqeta.webhook_username": lambda: f"user_{secrets.token_hex(8)}",
    "marqeta.webhook_password": _password,
    "marqeta.webhook_secret": _password,
    "strowallet.webhook_secret": _token,
    "square.webhook_signature_key": _token,
    "zendit.webhook_secret": _token,
}
"""Every name, and how its secret is made."""


def known(far_side: FarSide) -> dict[str, list[str]]:
    """By name, the one in use first, then the one before it if there was one."""
    with far_side.reading() as desk:
        found = _read(desk)
    if found.keys() == MADE.keys():
        return found
    with far_side.transaction() as desk:
        return _complete(desk)


def rotate(far_side: FarSide) -> dict[str, list[str]]:
    """New ones in use; what was in use is the one before."""
    with far_side.transaction() as desk:
        rotated = {name: [MADE[name](), kept[0]] for name, kept in _complete(desk).items()}
        _write(desk, rotated)
    return rotated


def _complete(desk: Desk) -> dict[str, list[str]]:
    found = _read(desk)
    _write(desk, {name: [make()] for name, make in MADE.items() if name not in found})
    return _read(desk)


def _read(desk: Desk) -> dict[str, list[str]]:
    rows = dict(desk.db.execute("SELECT key, value FROM meta WHERE key LIKE ?", (f"{_PREFIX}%",)).fetchall())
    return {name: orjson.loads(rows[_PREFIX + name]) for name in MADE if _PREFIX + name in rows}


def _write(desk: Desk, secrets_by_name: dict[str, list[str]]) -> None:
    rows = [(_PREFIX + name, orjson.dumps(values).decode()) for name, values in secrets_by_name.items()]
    desk.db.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", rows)
