"""Merchants by trade, as their category codes tell it."""

from __future__ import annotations

from tests.corpus.pen import Dice, Shop

COMMON = "5411", "5734", "5942", "7372", "5999", "5651"
TIPPED = "5812", "5813", "5814", "4121", "7230"
FUEL = "5541", "5542"
TRAVEL = "7011", "3501", "3640", "7512", "3351", "4511", "3000", "4411"
"""Where a capture may come a month late."""
TRANSIT = "4111", "4131"
_NAMES = "Rocket Rides", "Bäckerei Süß", "ACME GmbH & Co", "Café Noir", "山田商店", "SQ *Corner Shop", "AMZN Mktp", "Hotel Zoë"


def usual(dice: Dice, codes: tuple[str, ...] = COMMON) -> Shop:
    """One where people go again and again."""
    mcc = dice.choice(codes)
    return Shop(f"{dice.choice(_NAMES)} {mcc}", mcc)


def new(dice: Dice, codes: tuple[str, ...] = COMMON) -> Shop:
    """One where nobody has been before."""
    return Shop(f"{dice.choice(_NAMES)} {dice.getrandbits(40):010x}", dice.choice(codes))
