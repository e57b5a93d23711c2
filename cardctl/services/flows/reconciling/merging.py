"""Both sides of a programme, card by card, in one pass over sorted rows; nothing is kept but the card at hand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Row = tuple[Any, ...]
Rows = dict[str, Row]
Sides = tuple[str, Row | None, Row | None, Rows, Rows]
"""The provider's name of a card; the card here and there (None: it is not), its money events here and there by their names."""


def pairs(ours: Iterator[Row], theirs: Iterator[Row]) -> Iterator[tuple[Row | None, Row | None]]:
    """Rows of two sides that are sorted by their first word, matched by it; of several of one name on a side the last one."""
    here, there = _last_of_each(ours), _last_of_each(theirs)
    our, their = next(here, None), next(there, None)
    while our is not None or their is not None:
        if their is None or (our is not None and our[0] < their[0]):
            yield our, None
            our = next(here, None)
        elif our is None or their[0] < our[0]:
            yield None, their
            their = next(there, None)
        else:
            yield our, their
            our, their = next(here, None), next(there, None)


def merged(
    our_cards: Iterator[Row], their_cards: Iterator[Row], our_money: Iterator[Row], their_money: Iterator[Row]
) -> Iterator[Sides]:
    """Every card that either side has, or has money events of. Cards are sorted by their first word, money events by the last
    of theirs, which is the name of their card."""
    cards = pairs(our_cards, their_cards)
    pair = next(cards, None)
    our, their = next(our_money, None), next(their_money, None)
    while pair is not None or our is not None or their is not None:
        here, there = pair or (None, None)
        name = here[0] if here is not None else there[0] if there is not None else None
        if our is not None and (name is None or our[-1] < name):
            name = our[-1]
        if their is not None and (name is None or their[-1] < name):
            name = their[-1]
        our_rows: Rows = {}
        while our is not None and our[-1] == name:
            our_rows[our[0]] = our
            our = next(our_money, None)
        their_rows: Rows = {}
        while their is not None and their[-1] == name:
            their_rows[their[0]] = their
            their = next(their_money, None)
        if (here is not None and here[0] == name) or (there is not None and there[0] == name):
            pair = next(cards, None)
        else:
            here = there = None
        assert name is not None
        yield name, here, there, our_rows, their_rows


def _last_of_each(rows: Iterator[Row]) -> Iterator[Row]:
    kept = next(rows, None)
    if kept is None:
        return
    for row in rows:
        if row[0] != kept[0]:
            yield kept
        kept = row
    yield kept
