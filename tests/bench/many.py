"""What a sync costs the books, by part, in microseconds a card: `python -m tests.bench.many [RUNS] [CARDS] [PAGE]`.

A page of cards is one unit, as a sync writes it. First the cards are new, then known and changed.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from cardctl.db.columns import exact_json
from cardctl.db.sealed import EncryptionKeys
from cardctl.db.unit import Books, Unit
from cardctl.domain.cards import Card
from cardctl.domain.money import Money
from cardctl.domain.redaction import Secret
from tests.bench.seed import account, accounts_of, card

RUNS, CARDS, PAGE = 3, 10_000, 1_000
_PROGRAMME = card(0).programme
_RAW = exact_json({"object": "seeded", "spending_controls": [{"amount": n, "interval": "daily"} for n in range(36)]})
_WANTED = 60

Page = list[Card]
Parts = dict[str, float]


def main(runs: int = RUNS, cards: int = CARDS, page: int = PAGE) -> None:
    """Print the table."""
    taken = [_once(cards, page) for _ in range(runs)]
    print(f"{cards} cards, {page} in a unit, {len(_RAW)} characters of raw JSON each")
    print(f"microseconds of processor a card, least of {runs}")
    for name in taken[0]:
        wanted = f"   wanted: {_WANTED}" if name.startswith("all") else ""
        print(f"{name:32} {min(each[name] for each in taken):8.1f}{wanted}")


def _once(cards: int, page: int) -> Parts:
    with tempfile.TemporaryDirectory() as place, _opened(Path(place, "books.db")) as books:
        with books.write() as unit:
            unit.accounts.add_many((account(number), _RAW, None) for number in range(accounts_of(cards)))
        known = [card(number) for number in range(cards)]
        changed = [replace(each, balance=Money(1, "USD"), updated_at=each.synced_at) for each in known]
        new = _walk("new: ", books, known, page, _NEW)
        return new | _walk("known: ", books, changed, page, _KNOWN)


def _walk(said: str, books: Books, cards: Page, page: int, parts: dict[str, Callable[[Unit, Page], Any]]) -> Parts:
    """Every part over every page, each page a unit; what is left of the whole is its begin and its commit."""
    spent = dict.fromkeys([f"{said}{name}" for name in parts], 0.0)
    begun = time.process_time()
    for start in range(0, len(cards), page):
        with books.write() as unit:
            for name, part in parts.items():
                before = time.process_time()
                part(unit, cards[start : start + page])
                spent[f"{said}{name}"] += time.process_time() - before
    whole = time.process_time() - begun
    spent[f"{said}begin and commit"] = whole - sum(spent.values())
    spent[f"all that are {said[:-2]}"] = whole
    return {name: seconds * 1_000_000 / len(cards) for name, seconds in spent.items()}


def _entries(cards: Page) -> list[dict[str, Any]]:
    fields = {"actor": "ada", "action": "card.sync", "reason": None, "correlation_id": "cor_0123456789abcdef"}
    return [
        {
            "at": each.synced_at,
            "object": each.id,
            "before": {"state": "inactive"},
            "after": {"state": str(each.state)},
            **fields,
        }
        for each in cards
    ]


_NEW: dict[str, Callable[[Unit, Page], Any]] = {
    "cards.by_refs": lambda unit, cards: unit.cards.by_refs(_PROGRAMME, [each.ref for each in cards]),
    "accounts.by_refs": lambda unit, cards: unit.accounts.by_refs(
        _PROGRAMME, [f"ich_{each.account_id[-16:]}" for each in cards]
    ),
    "operations.get_many": lambda unit, cards: unit.operations.get_many([f"op_{each.id}" for each in cards]),
    "cards.add_many": lambda unit, cards: unit.cards.add_many([(each, _RAW, None) for each in cards]),
    "audit.append_many": lambda unit, cards: unit.audit.append_many(_entries(cards)),
}
_KNOWN: dict[str, Callable[[Unit, Page], Any]] = {
    "cards.by_refs": lambda unit, cards: unit.cards.by_refs(_PROGRAMME, [each.ref for each in cards]),
    "audit.touched_any": lambda unit, cards: unit.audit.touched_any([each.id for each in cards], after=0, but="card.sync"),
    "cards.spends": lambda unit, cards: unit.cards.spends([each.id for each in cards]),
    "cards.save_many": lambda unit, cards: unit.cards.save_many([(each, _RAW) for each in cards]),
    "audit.append_many": lambda unit, cards: unit.audit.append_many(_entries(cards)),
}


@contextmanager
def _opened(path: Path) -> Iterator[Books]:
    books = Books(str(path), environment="simulator", keys=lambda: EncryptionKeys(Secret("k" * 40)))
    try:
        yield books
    finally:
        books.close()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:4]))
