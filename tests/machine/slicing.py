"""Which points a killing test takes today: a slice that moves on from day to day, and with --whole every one.

After as many days as a slice has steps, every point has been killed at. A failure is repeated with the number that the head of
the run tells, in CARDCTL_SLICE.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from zlib import crc32

OFFSET = "CARDCTL_SLICE"


def offset() -> int:
    """Where the slices of this run begin: what the environment says, or the day of the year."""
    return int(os.environ.get(OFFSET) or datetime.now(UTC).timetuple().tm_yday)


def chosen(points: Sequence[str], salt: str, step: int, *, whole: bool, kinds: Sequence[str] = ()) -> list[int]:
    """Numbers of points, in order: every `step`th, from a start that differs from salt to salt and day to day; and in any case
    one of each of `kinds`, another one every day. All of them where it is the `whole`."""
    if whole:
        return list(range(1, len(points) + 1))
    start = crc32(salt.encode()) + offset()
    taken = set(range(1 + start % step, len(points) + 1, step))
    for kind in kinds:
        same = [number for number, name in enumerate(points, 1) if name == kind]
        if same and taken.isdisjoint(same):
            taken.add(same[start // step % len(same)])
    return sorted(taken)


def of_each_kind(points: Sequence[str], salt: str, step: int, *, whole: bool) -> list[int]:
    """The same, with one of each kind that there is, and the first and the last."""
    return sorted({1, len(points), *chosen(points, salt, step, whole=whole, kinds=list(dict.fromkeys(points)))})
