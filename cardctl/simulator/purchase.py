"""What a purchase is, before any bank has decided on it; no rules."""

from __future__ import annotations

from dataclasses import dataclass, field

from cardctl.simulator.rows import Record


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of asking the account's own server about the authorization `ref`, in the words of the request history; it is
    asked after the bank's own rules, and may give the authorization metadata."""

    approved: bool
    reason: str
    ref: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Purchase:
    """What a merchant wants of a card, in minor units of the card's currency; `merchant_amount` where they count in another."""

    amount: int
    merchant: Record = field(default_factory=dict)
    merchant_amount: int | None = None
    merchant_currency: str | None = None
    method: str = "online"
    wallet: str | None = None
    verification: Record = field(default_factory=dict)
    amount_details: Record | None = None
    network_data: Record | None = None
    verdict: Verdict | None = None
