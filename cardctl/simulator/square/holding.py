"""How long a payment may wait for its capture, as Square writes it: RFC 3339 durations read, checked and written."""

from __future__ import annotations

import re

from cardctl.simulator.square.words import Refused

LONGEST = 7 * 86400
"""Seconds; the default of a payment whose card is not present (CONFIRMED: P7D)."""
SHORTEST = 60

_SPAN = re.compile(r"P(?:(\d{1,5})D)?(?:T(?:(\d{1,6})H)?(?:(\d{1,8})M)?(?:(\d{1,9})S)?)?\Z", re.ASCII)
_SECONDS = (86400, 3600, 60, 1)


def read(text: str) -> int:
    """Seconds; Refused outside of a minute to the default (CONFIRMED for older versions by Square's staff)."""
    found = _SPAN.match(text)
    if found is None or not any(found.groups()) or text.endswith("T"):
        raise Refused("INVALID_VALUE", f"`{text}` is not an RFC 3339 duration.", "delay_duration")
    seconds = sum(int(part) * unit for part, unit in zip(found.groups(), _SECONDS, strict=True) if part)
    if not SHORTEST <= seconds <= LONGEST:
        raise Refused("INVALID_VALUE", "delay_duration must be between one minute and seven days.", "delay_duration")
    return seconds


def written(seconds: int) -> str:
    """As answers have it: `PT168H`, with minutes and seconds where there are some."""
    hours, rest = divmod(seconds, 3600)
    parts = [f"{count}{unit}" for count, unit in ((hours, "H"), (rest // 60, "M"), (rest % 60, "S")) if count]
    return f"PT{''.join(parts)}"
