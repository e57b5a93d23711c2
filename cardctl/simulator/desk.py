"""One visit to the bank, as everybody in it is handed on; opening and committing it is books.py's."""

from __future__ import annotations

from dataclasses import dataclass

from cardctl.simulator.touching import Listening


@dataclass(frozen=True, slots=True)
class Desk:
    """One visit to the bank: an open transaction, the face that the visitor came through, the far side's time."""

    db: Listening
    face: str
    now: int
