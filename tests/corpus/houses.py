"""What sets three providers' records apart, as far as comparing minds: who keeps a balance, who links, who lists fundings."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum

from cardctl.db.columns import moment_to_text
from cardctl.domain.comparing.sides import Rules

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
BEGUN = NOW - timedelta(hours=1)
"""When reading began."""
CUTOFF = BEGUN - timedelta(minutes=10)
"""What happened from then on is still moving."""


class Keeping(Enum):
    """What a card can spend is told by its allowance, by the balance of its holder, or by its own."""

    ALLOWANCE = "allowance"
    SHARED = "shared"
    OWN = "own"


@dataclass(frozen=True, slots=True)
class House:
    """One programme. `messages`: a release is an event of its own; `share` is its part of all cards, in percent."""

    provider: str
    keeping: Keeping
    links: bool
    fundings: bool
    messages: bool
    currencies: tuple[str, ...]
    share: int

    @property
    def programme(self) -> str:
        return f"{self.provider}/corpus"

    @property
    def rules(self) -> Rules:
        begun, cutoff = moment_to_text(BEGUN), moment_to_text(CUTOFF)
        return Rules(self.provider, self.programme, NOW, self.fundings, self.links, begun, cutoff)


_MANY = ("USD",) * 6 + ("EUR", "EUR", "JPY", "KWD")
STRIPE = House("stripe", Keeping.ALLOWANCE, links=True, fundings=False, messages=False, currencies=_MANY, share=50)
MARQETA = House("marqeta", Keeping.SHARED, links=True, fundings=True, messages=True, currencies=_MANY, share=30)
STROWALLET = House("strowallet", Keeping.OWN, links=False, fundings=True, messages=False, currencies=("USD",), share=20)
HOUSES = STRIPE, MARQETA, STROWALLET
