"""The guard finds all that redaction finds, and leaves ids alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardctl.domain.redaction import redact
from cardctl.output.guard import clean, line

PAN = "4242424242424242"
SECRETS = ["sk_test_abcdefgh", "whsec_abcdef", "Bearer abcdefghijklm", "Basic YWxhZGRpbjpvcGVu", "postgresql://u:pw@host/db"]
SECRETS += ["ccof:uIbfJXhXETSP197M3GB", "cnon:CBASEBc0", "verf:CBASEL"]


@pytest.mark.parametrize("text", [f"call {PAN}", "4242-4242-4242-4242", *(f"it said {secret}" for secret in SECRETS)])
def test_free_text_is_redacted_at_any_depth(text: str) -> None:
    assert redact(text) != text, "the sample is one"
    data = {"holder": text, "deep": {"list": [{"reason": text}, text], "pair": (text,)}}
    seen = redact(text)
    assert clean(data) == {"holder": seen, "deep": {"list": [{"reason": seen}, seen], "pair": [seen]}}
    assert data["holder"] == text, "what was handed in is not changed"


@pytest.mark.parametrize(
    "name",
    [
        "id",
        "ref",
        "card_id",
        "external_id",
        "object_ref",
        "idempotency_key",
        "hash",
        "fingerprint",
        "iccid",
        "amount",
        "created_at",
    ],
)
def test_ids_hashes_keys_and_amounts_are_left_alone(name: str) -> None:
    data = {name: PAN, "list": [1, None, True], "money": {"minor": int(PAN), "currency": "USD", "amount": PAN}}
    assert clean(data) is data


@given(
    st.lists(
        st.sampled_from(
            [*"0123456789 -_:/@.\n", "Bearer ", "Basic ", "sk_live_", "whsec_", "://", "ccof:", "cnon:", PAN, "Ada", "é"]
        )
    )
)
def test_the_quick_look_never_misses(parts: list[str]) -> None:
    text = "".join(parts)
    assert clean({"name": text})["name"] == redact(text)
    assert clean({"name": "x" * 300 + " " + text})["name"] == redact("x" * 300 + " " + text)


@given(st.text())
def test_a_line_is_one_line(text: str) -> None:
    assert not {"\n", "\r", "\x1b", "\x9b", "\u202e"} & set(line(text))
