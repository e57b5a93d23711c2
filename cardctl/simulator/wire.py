"""What a face answers, and what a fault may do to it; shared by all faces and by whatever carries their replies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Reply:
    """One whole HTTP answer."""

    status: int
    headers: dict[str, str]
    body: bytes


class Spoil(Enum):
    """What goes wrong inside the bank while it handles a write."""

    NOTHING = "nothing"
    ANSWER = "answer"  # the effect stays, but a 500 is what is saved and answered
    EFFECT = "effect"  # nothing is done, and a 500 is saved and answered


class Face(Protocol):
    """One provider's wire."""

    def handle(
        self, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes, *, spoil: Spoil = Spoil.NOTHING
    ) -> Reply:
        """Serves one request; `headers` is looked up by lower-case names."""

    def writes(self, method: str, path: str) -> bool:
        """Whether a request changes anything; some providers read by POST."""

    def turn_away(self, status: int) -> Reply:
        """The answer of a front end that never passed the request on: 401, 429 or 5xx."""
