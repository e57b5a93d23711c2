"""What is usual in which trade, by merchant category code (ISO 18245): how late a capture may come, how much it may add.

Networks' own rules differ by region and year; these are their common ground, on the generous side, so that nothing normal is
called a break: a week for a capture, a month where people travel; tips on top; a pump that asks for one unit and takes a tank.
"""

from __future__ import annotations

from datetime import timedelta
from functools import lru_cache

from cardctl.domain.comparing.sides import Trade

_MONTH = timedelta(days=31)

_COMMON = Trade("common")
_LODGING = Trade("lodging", _MONTH, percent=15)
_CAR_RENTAL = Trade("car rental", _MONTH, percent=15)
_AIRLINE = Trade("airline", _MONTH, percent=15)
_CRUISE = Trade("cruise", _MONTH, percent=15)
_TIPPED = Trade("tipped service", percent=30)
_FUEL = Trade("fuel", most=500_00)
_TRANSIT = Trade("transit", timedelta(days=14), percent=15)

_CODES: dict[str, Trade] = {
    **dict.fromkeys(("5811", "5812", "5813", "5814", "4121", "7230", "7297", "7298", "7299"), _TIPPED),
    **dict.fromkeys(("5541", "5542", "5552", "5983"), _FUEL),
    **dict.fromkeys(("7011", "7012", "7032", "7033"), _LODGING),
    **dict.fromkeys(("7512", "7513", "7519"), _CAR_RENTAL),
    **dict.fromkeys(("4411",), _CRUISE),
    **dict.fromkeys(("4511",), _AIRLINE),
    **dict.fromkeys(("4111", "4112", "4131", "4789"), _TRANSIT),
}
_RANGES = (("3000", "3350", _AIRLINE), ("3351", "3500", _CAR_RENTAL), ("3501", "3999", _LODGING))
"""Codes of single companies."""
SHORTEST = min(trade.window for trade in (_COMMON, *_CODES.values()))
"""No hold is old before that."""


@lru_cache(maxsize=4096)
def trade_of(mcc: str | None) -> Trade:
    """The trade of a category code; the common one where it is not known."""
    if mcc is None:
        return _COMMON
    if mcc in _CODES:
        return _CODES[mcc]
    return next((trade for first, last, trade in _RANGES if first <= mcc <= last and len(mcc) == 4), _COMMON)


def most_captured(authorized: int, mcc: str | None) -> int:
    """The largest sum of captures that is usual for so much authorised, in minor units."""
    trade = trade_of(mcc)
    return max(authorized + authorized * trade.percent // 100, trade.most)
