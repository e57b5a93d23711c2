"""How a moment is read from --since and --until."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from cardctl.commands._options import moment
from cardctl.errors import BadInput

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=timezone(timedelta(hours=2)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-01", "2026-01-01T00:00:00+00:00"),
        ("2024-02-29", "2024-02-29T00:00:00+00:00"),
        ("2026-01-01T12:00:00Z", "2026-01-01T12:00:00+00:00"),
        ("2026-01-01t12:00:00.5z", "2026-01-01T12:00:00.500000+00:00"),
        ("2026-01-01 12:00:00+05:30", "2026-01-01T06:30:00+00:00"),
        ("24h", "2026-11-20T10:00:00+00:00"),
        ("7d", "2026-11-14T10:00:00+00:00"),
        ("90m", "2026-11-21T08:30:00+00:00"),
        ("2w", "2026-11-07T10:00:00+00:00"),
        ("0h", "2026-11-21T10:00:00+00:00"),
    ],
)
def test_moments(text: str, expected: str) -> None:
    read = moment(text, now=NOW)
    assert read.isoformat() == expected
    assert read.utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "yesterday", "2026", "2026-1-1", "2026-02-30", "20260101", "2026-W01-1", "2026-01-01T12:00:00",
        "2026-01-01T25:00:00Z", "2026-01-01T12:00Z", "24", "h", "-7d", "7 d", "7D ", "1.5h", "٧d", "9" * 30 + "d", "99999999d",
        "0001-01-01T00:00:00+05:00", "2026-01-01\n",
    ],
)  # fmt: skip
def test_what_is_no_moment(text: str) -> None:
    with pytest.raises(BadInput) as caught:
        moment(text, now=NOW)
    assert caught.value.hint
