"""A run's figures and its watermark: how much was compared, what it comes to in each currency, and of when it is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cardctl.db.comparable import Comparable
from cardctl.db.comparable_saved import ComparableSaved
from cardctl.db.stage import Stage
from cardctl.domain.money import Money
from cardctl.services.flows.reconciling.comparing import Counts
from cardctl.services.flows.reconciling.comparing_saved import SavedCounts

Figures = dict[str, Any]

_SHARED = (
    "SELECT currency, sum(held) FROM (SELECT currency, account_ref, max(balance) AS held FROM cards"
    " WHERE shared AND state NOT IN ('closed', 'failed') GROUP BY currency, account_ref) GROUP BY currency"
)


def programme_figures(stage: Stage, comparable: Comparable, programme: str, counts: Counts) -> Figures:
    """Of one programme: objects here and there, requests, cards by state."""
    states = comparable.states(programme)
    return {
        "provider": stage.fact("provider"),
        "accounts": {"here": counts.accounts_here, "there": counts.accounts_there},
        "cards": {"here": counts.cards_here, "there": counts.cards_there, "differing": counts.differing},
        "transactions": {"here": counts.money_here, "there": counts.money_there},
        "moving": counts.moving,
        "requests": stage.fact("requests") or 0,
        "frozen": states.get("frozen", 0),
        "states": states,
    }


def totals(
    stage: Stage, comparable: Comparable, programme: str, counts: Counts, floats: Iterable[Money]
) -> list[dict[str, Any]]:
    """Of one programme, one for each currency, in minor units: what all cards can spend here and there, and what was held,
    settled and refunded by the provider's word. Two currencies never net."""
    shared = {str(currency): int(held or 0) for currency, held in stage.rows(_SHARED)}
    here = comparable.balances(programme, shared=bool(shared))
    there = {**counts.available}
    for currency, held in shared.items():
        there[currency] = there.get(currency, 0) + held
    held_in = {money.currency: money.minor for money in floats}
    found = []
    for currency in sorted({*here, *there, *held_in, *(currency for currency, _ in counts.moved)}):
        balance_here, balance_there = here.get(currency, 0), there.get(currency, 0)
        found.append(
            {
                "programme": programme,
                "currency": currency,
                "balance_here": balance_here,
                "balance_there": balance_there,
                "drift": balance_here - balance_there,
                "held": counts.moved.get((currency, "authorization"), (0, 0))[1],
                "settled": counts.moved.get((currency, "settlement"), (0, 0))[0],
                "refunded": counts.moved.get((currency, "refund"), (0, 0))[0],
                "float": held_in.get(currency),
            }
        )
    return found


def saved_figures(stage: Stage, comparable: ComparableSaved, programme: str, counts: SavedCounts) -> Figures:
    """Of one seller: saved cards, payments and refunds here and there, and what else the provider has."""
    cards = {"here": counts.cards_here, "there": counts.cards_there, "differing": counts.differing_cards}
    payments = {"here": counts.payments_here, "there": counts.payments_there, "differing": counts.differing_payments}
    return {
        "provider": stage.fact("provider"),
        "saved_cards": cards | {"others_there": counts.other_cards},
        "payments": payments | {"others_there": counts.other_payments},
        "refunds": {"here": counts.refunds_here, "there": counts.refunds_there},
        "moving": counts.moving,
        "requests": stage.fact("requests") or 0,
        "states": comparable.states(programme),
    }


def saved_totals(comparable: ComparableSaved, programme: str, counts: SavedCounts) -> list[dict[str, Any]]:
    """Of one seller, one for each currency, in minor units: what is held, was captured (`settled`) and went back, by the
    provider's word and, all that was ever paid, by our books'. A saved card has no balance, and a seller no float."""
    here = comparable.sums(programme)
    found = []
    for currency in sorted({*here, *counts.sums}):
        told = dict(zip(("held", "settled", "refunded"), counts.sums.get(currency, (0, 0, 0)), strict=True))
        ours = dict(zip(("held_here", "settled_here", "refunded_here"), here.get(currency, (0, 0, 0)), strict=True))
        found.append({"programme": programme, "currency": currency, **told, **ours})
    return found


def watermark(stage: Stage, cutoff: str | None) -> dict[str, Any]:
    """What was read, from when to when, and up to when money events were compared."""
    read = {"read_from": stage.fact("begun_here"), "read_to": stage.fact("read_at")}
    if stage.is_suppliers:
        newest = stage.rows("SELECT max(created_at) FROM ledger")[0][0]
        moved = read | {"since": stage.fact("since"), "cutoff": cutoff, "newest": newest}
        return {"purchases": moved, "ledger": moved, "provider_clock": stage.fact("begun")}
    saved = stage.is_sellers
    newest = stage.rows("SELECT max(created_at) FROM payments" if saved else "SELECT max(occurred_at) FROM money")[0][0]
    money = read | {"since": stage.fact("since"), "cutoff": cutoff, "newest": newest}
    sources = (
        {"saved_cards": read, "payments": money, "refunds": money}
        if saved
        else {"accounts": read, "cards": read, "transactions": money}
    )
    if stage.has_sales:
        newest = stage.rows("SELECT max(created_at) FROM sales")[0][0]
        sources |= {"sales": read | {"since": stage.fact("since"), "cutoff": cutoff, "newest": newest}}
    return {**sources, "provider_clock": stage.fact("begun")}
