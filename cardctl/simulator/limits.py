"""Spending controls: which purchase they forbid, and what was spent in an interval; holds and captures live elsewhere.

UNCONFIRMED: that refunds give back (inside an interval never more than was spent in it), and that a new card has no limit
unless it is given one. Intervals begin at midnight UTC, weeks on Sunday (docs.stripe.com/issuing/controls/spending-controls).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cardctl.simulator.desk import Desk
from cardctl.simulator.rows import Record


@dataclass(frozen=True, slots=True)
class Asked:
    """What a merchant asks for: `more` minor units on top of the `already` held by the same authorization."""

    more: int
    already: int
    currency: str
    category: str
    country: str | None
    presence: str


def forbidden(desk: Desk, card: Record, holder: Record, asked: Asked) -> str | None:
    """Why the controls of the card or of its holder forbid it; None when they do not."""
    scopes = (("card", card, card["currency"]), ("holder", holder, None))
    for column, owner, currency in scopes:
        controls = owner["spending_controls"]
        why = _forbidden_kind(controls, asked)
        if why is None and (currency or controls.get("spending_limits_currency") or asked.currency) == asked.currency:
            why = _over_limit(desk, column, owner["ref"], controls.get("spending_limits") or [], asked)
        if why is not None:
            return why
    return None


def spent(desk: Desk, column: str, ref: str, currency: str, *, since: int = 0, categories: Sequence[str] = ()) -> int:
    """Held + captured − refunded since then, in minor units, of one `holder`, or of one `card` and of every card that it
    replaced, up the chain (the description of `spending_limits` in Stripe's own specification)."""
    refs = _replaced(desk, ref) if column == "card" else [ref]
    within = f'"{column}" IN ({", ".join("?" * len(refs))}) AND currency = ? AND created >= ? AND deleted = 0'
    values: list[str | int] = [*refs, currency, since]
    if categories:
        within += f" AND category IN ({', '.join('?' * len(categories))})"
        values.extend(categories)
    held = desk.db.execute(f"SELECT coalesce(sum(held), 0) FROM authorizations WHERE {within}", values)  # noqa: S608  (our words)
    moved = desk.db.execute(f"SELECT coalesce(sum(-amount), 0) FROM transactions WHERE {within}", values)  # noqa: S608  (our words)
    net = moved.fetchone()[0]
    return int(held.fetchone()[0]) + int(net if since == 0 else max(net, 0))


def interval_start(interval: str, now: int) -> int:
    """When the interval that holds `now` began."""
    today = datetime.fromtimestamp(now, UTC).replace(hour=0, minute=0, second=0)
    starts = {
        "daily": today,
        "weekly": today - timedelta(days=(today.weekday() + 1) % 7),
        "monthly": today.replace(day=1),
        "yearly": today.replace(month=1, day=1),
    }
    return int(starts[interval].timestamp()) if interval in starts else 0


def _replaced(desk: Desk, ref: str) -> list[str]:
    """A card and every card that it replaced."""
    chain = """
        WITH RECURSIVE chain(ref) AS (
            SELECT ? UNION SELECT cards.replacement_for FROM cards JOIN chain ON cards.ref = chain.ref
            WHERE cards.replacement_for IS NOT NULL
        ) SELECT ref FROM chain"""
    return [row[0] for row in desk.db.execute(chain, [ref])]


def _forbidden_kind(controls: Record, asked: Asked) -> str | None:
    for name, value in (
        ("categories", asked.category),
        ("merchant_countries", asked.country),
        ("card_presences", asked.presence),
    ):
        allowed, blocked = controls.get(f"allowed_{name}"), controls.get(f"blocked_{name}")
        if allowed and value not in allowed:
            return f"{value} is not among allowed_{name}"
        if blocked and value in blocked:
            return f"{value} is among blocked_{name}"
    return None


def _over_limit(desk: Desk, column: str, ref: str, limits: Sequence[Record], asked: Asked) -> str | None:
    for limit in limits:
        categories = limit.get("categories") or []
        if categories and asked.category not in categories:
            continue
        interval = limit["interval"]
        if interval == "per_authorization":
            before = asked.already
        else:
            since = interval_start(interval, desk.now)
            before = spent(desk, column, ref, asked.currency, since=since, categories=categories)
        if asked.more and before + asked.more > limit["amount"]:
            return f"{before + asked.more} would be over the {interval} limit of {limit['amount']}"
    return None
