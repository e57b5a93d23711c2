"""How a span of time is read."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cardctl.domain.spans import span
from cardctl.errors import BadInput

READ = {
    "90s": timedelta(seconds=90),
    "20m": timedelta(minutes=20),
    "36h": timedelta(hours=36),
    "1d": timedelta(days=1),
    "2w": timedelta(days=14),
    "3660d": timedelta(days=3660),
}
NONE = ["", "0s", "00m", "20", "m", "-5m", "1.5h", "20M", "1h30m", " 5m", "5m\n", "٣m", "1234567s", "3661d", "999999w"]


@pytest.mark.parametrize("text", READ)
def test_a_span(text: str) -> None:
    assert span(text) == READ[text]


@pytest.mark.parametrize("text", NONE)
def test_no_span(text: str) -> None:
    with pytest.raises(BadInput):
        span(text)
