"""Targets: no rounding decides, the bound itself is a miss, and no data is no pass."""

from __future__ import annotations

from decimal import Decimal

import pytest

from cardctl.domain.targets import (
    CARD_CREATION,
    PROVIDER_ANSWERS,
    TARGETS,
    TRANSACTION_PROCESSING,
    WEBHOOKS_PROCESSED,
    Target,
    Verdict,
    rank,
    share,
    span,
)


def test_the_targets_are_the_seeds() -> None:
    assert {target.name: target.wanted for target in TARGETS} == {
        "card_creation": "over 99 %",
        "transaction_processing": "under 5 s",
        "provider_answers": "under 2 s",
        "provider_answers_p95": "under 2 s",
        "webhooks_processed": "over 99.9 %",
    }


@pytest.mark.parametrize(
    ("target", "good", "total", "verdict", "told"),
    [
        (CARD_CREATION, 0, 0, Verdict.NO_DATA, "no data"),
        (CARD_CREATION, 99, 100, Verdict.MISSED, "99 %"),
        (CARD_CREATION, 991, 1000, Verdict.MET, "99.1 %"),
        (CARD_CREATION, 0, 1, Verdict.MISSED, "0 %"),
        (WEBHOOKS_PROCESSED, 999, 1000, Verdict.MISSED, "99.9 %"),
        (WEBHOOKS_PROCESSED, 9_990_001, 10_000_000, Verdict.MET, "99.9 %"),
        (WEBHOOKS_PROCESSED, 1_999_999_999, 2_000_000_000, Verdict.MET, "99.9999 %"),
        (WEBHOOKS_PROCESSED, 5, 5, Verdict.MET, "100 %"),
    ],
)
def test_a_share(target: Target, good: int, total: int, verdict: Verdict, told: str) -> None:
    measured = share(target, good, total)
    assert (measured.verdict, measured.told, measured.sample) == (verdict, told, total)


@pytest.mark.parametrize(
    ("target", "micros", "sample", "over", "verdict", "told"),
    [
        (TRANSACTION_PROCESSING, None, 0, 1, Verdict.NO_DATA, "no data"),
        (TRANSACTION_PROCESSING, 5_000_000, 4, 1, Verdict.MISSED, "5 s"),
        (TRANSACTION_PROCESSING, 4_999_999, 4, 1, Verdict.MET, "4.999999 s"),
        (TRANSACTION_PROCESSING, 0, 1, 1, Verdict.MET, "0 s"),
        (PROVIDER_ANSWERS, 0, 0, 0, Verdict.NO_DATA, "no data"),
        (PROVIDER_ANSWERS, 6_000_000, 3, 3, Verdict.MISSED, "2 s"),
        (PROVIDER_ANSWERS, 5_999_999, 3, 3, Verdict.MET, "1.999999 s"),
    ],
)
def test_a_time(target: Target, micros: int | None, sample: int, over: int, verdict: Verdict, told: str) -> None:
    measured = span(target, micros, sample, over=over)
    assert (measured.verdict, measured.told, measured.sample) == (verdict, told, sample)


def test_what_is_shown_is_exact() -> None:
    assert share(CARD_CREATION, 2, 3).measured == Decimal("0.666666")


@pytest.mark.parametrize(("sample", "which"), [(1, 1), (2, 2), (19, 19), (20, 19), (21, 20), (100, 95), (101, 96)])
def test_the_95th_percentile_is_one_of_the_sample(sample: int, which: int) -> None:
    assert rank(sample) == which
