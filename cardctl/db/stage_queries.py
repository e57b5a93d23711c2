"""Joins within a stage: what was read beside what was claimed, and the wallet's top-ups beside what came in; no connection."""

from __future__ import annotations

CLAIMED = (
    "SELECT {words}, COALESCE(c.id, m.id, '') FROM payments p LEFT JOIN claims c ON c.name = p.card"
    " LEFT JOIN claims m ON m.name = p.mark ORDER BY p.ref, p.rowid"
)
_RECHARGES = "(SELECT *, max(rowid) FROM ledger WHERE kind = 'recharge' GROUP BY ref)"
"""Of what was read twice the later word."""
_SAME = "l.ref = w.far_ref AND l.amount = w.amount AND l.currency = w.currency AND l.state = 'done'"
CAME_IN = (
    f"SELECT {{words}} FROM {_RECHARGES} l LEFT JOIN our_wallet_topups w ON {_SAME}"  # noqa: S608 - no text of anybody's
    " WHERE w.ref IS NULL AND l.state = 'done' ORDER BY l.currency, l.amount, l.created_at"
)
TOPPED_UP = (
    f"SELECT {{words}} FROM our_wallet_topups w LEFT JOIN {_RECHARGES} l ON {_SAME}"  # noqa: S608 - no text of anybody's
    " WHERE l.ref IS NULL ORDER BY w.currency, w.amount, w.created_at, w.ref"
)
CLAIMED_CARDS = "SELECT {words} FROM saved_cards s JOIN claims c ON c.name = s.ref ORDER BY s.ref, s.rowid"
