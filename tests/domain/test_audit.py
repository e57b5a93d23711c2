"""The audit's hash: every field counts, and no two sets of fields look alike."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardctl.domain.audit import GENESIS, chain_hash

ENTRY: dict[str, Any] = {
    "seq": 1,
    "at": "2026-11-21T00:57:43.123456Z",
    "actor": "ada",
    "action": "card.freeze",
    "object": "card_1",
    "before": '{"state":"active"}',
    "after": '{"state":"frozen"}',
    "reason": None,
    "correlation_id": "run_1",
}


def test_the_hash_is_what_anybody_can_compute() -> None:
    text = (
        f'["{GENESIS}",1,"2026-11-21T00:57:43.123456Z","ada","card.freeze","card_1",'
        '"{\\"state\\":\\"active\\"}","{\\"state\\":\\"frozen\\"}",null,"run_1"]'
    )
    assert chain_hash(GENESIS, **ENTRY) == hashlib.sha256(text.encode()).hexdigest()
    assert GENESIS == "0" * 64


@pytest.mark.parametrize("field", ENTRY)
def test_every_field_counts(field: str) -> None:
    changed = 2 if field == "seq" else "other"
    assert chain_hash(GENESIS, **ENTRY | {field: changed}) != chain_hash(GENESIS, **ENTRY)


def test_what_came_before_counts() -> None:
    assert chain_hash("1" * 64, **ENTRY) != chain_hash(GENESIS, **ENTRY)


@given(st.text(), st.text(), st.text(), st.text())
def test_texts_do_not_run_into_one_another(actor: str, action: str, other_actor: str, other_action: str) -> None:
    one = chain_hash(GENESIS, **ENTRY | {"actor": actor, "action": action})
    other = chain_hash(GENESIS, **ENTRY | {"actor": other_actor, "action": other_action})
    assert (one == other) is ((actor, action) == (other_actor, other_action))


def test_no_reason_is_not_an_empty_one() -> None:
    assert chain_hash(GENESIS, **ENTRY | {"reason": ""}) != chain_hash(GENESIS, **ENTRY)
