"""How a span of time is read, in every option and file that takes one; what a span is for, and its bounds, stand there."""

from __future__ import annotations

import re
from datetime import timedelta

from cardctl.errors import BadInput

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_SPAN = re.compile(r"([1-9][0-9]{0,5})([smhdw])\Z", re.ASCII)
_LONGEST = timedelta(days=3660)


def span(text: str) -> timedelta:
    """`90s`, `20m`, `36h`, `6d`, `2w`: never none, ten years at most. BadInput otherwise."""
    match = _SPAN.match(text)
    found = timedelta(**{_UNITS[match[2]]: int(match[1])}) if match else None
    if found is None or found > _LONGEST:
        raise BadInput(f"{text!r} is not a span of time", hint="such as 90s, 20m, 36h, 6d or 2w; ten years at most")
    return found
