"""JSON as it stands: every number to its last digit, and what is none is said to be none."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardctl.providers.attempts import Fate, judged

_TEXTS = st.text(st.characters(codec="utf-8"))
_SCALARS = st.none() | st.booleans() | st.integers() | _TEXTS
_VALUES = st.recursive(
    _SCALARS | st.decimals(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner) | st.dictionaries(_TEXTS, inner),
    max_leaves=20,
)


def read(body: bytes) -> Any:
    """What an answer says; LookupError where it was torn."""
    attempt = judged(200, httpx.Headers(), body, 1, ())
    if attempt.fate is not Fate.ANSWERED:
        raise LookupError
    assert attempt.reply is not None
    return attempt.reply.data


def text(value: Any) -> str:
    """JSON with every decimal as its own digits."""
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, list):
        return f"[{', '.join(map(text, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{json.dumps(name)}: {text(item)}' for name, item in value.items())}}}"
    return json.dumps(value)


@given(_VALUES)
def test_every_number_is_what_was_written(value: Any) -> None:
    body = text(value).encode()
    found = read(body)
    assert found == json.loads(body, parse_float=Decimal)
    assert text(found) == text(json.loads(body, parse_float=Decimal))


@pytest.mark.parametrize(
    "body",
    [b"", b'{"a": 1', b'{"a": NaN}', b'{"a": 01}', b"[1] x", b'"\xff"', b'{"a": 1e9999999999999999999}', b"[" * 200_000],
)
def test_what_is_no_json_was_torn(body: bytes) -> None:
    with pytest.raises(LookupError):
        read(body)


def test_a_name_that_was_cut_in_a_letter_spoils_no_amount() -> None:
    assert read(b'{"name": "Caf\\ud83d", "amount": 12.30}') == {"name": "Caf\ud83d", "amount": Decimal("12.30")}
