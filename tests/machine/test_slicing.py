"""The slices of the killing tests: every point comes up within so many days, and the kinds that are asked for every day."""

from __future__ import annotations

import pytest

from tests.machine import slicing

POINTS = ["books before", "books after"] * 5 + ["POST before", "bank before", "bank after", "POST after", "result before"]


@pytest.mark.parametrize("step", [1, 2, 7, 12, 40])
def test_every_point_comes_up(step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: set[int] = set()
    for day in range(360, 360 + step):
        monkeypatch.setenv(slicing.OFFSET, str(day))
        today = slicing.chosen(POINTS, "salt", step, whole=False)
        assert len(today) <= len(POINTS) // step + 1
        seen |= set(today)
    assert seen == set(range(1, len(POINTS) + 1))


def test_each_kind_comes_up_every_day(monkeypatch: pytest.MonkeyPatch) -> None:
    for day in range(30):
        monkeypatch.setenv(slicing.OFFSET, str(day))
        today = slicing.of_each_kind(POINTS, "salt", 20, whole=False)
        assert {POINTS[number - 1] for number in today} == set(POINTS)
        assert {1, len(POINTS)} <= set(today)
        assert len(today) <= len(set(POINTS)) + 3
        assert slicing.chosen(POINTS, "salt", 20, whole=False, kinds=["bank after", "none such"])[-1] >= 13


def test_the_whole_is_every_point() -> None:
    every = list(range(1, len(POINTS) + 1))
    assert slicing.chosen(POINTS, "salt", 7, whole=True) == every
    assert slicing.of_each_kind(POINTS, "salt", 7, whole=True) == every
