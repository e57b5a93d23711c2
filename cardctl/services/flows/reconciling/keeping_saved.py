"""Our side of saved cards and payments as a piece of evidence has it: as it was kept where it differed, else theirs."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import merge
from operator import itemgetter
from typing import Any

from cardctl.db.stage import Stage
from cardctl.domain.comparing.saved import same_card
from cardctl.domain.comparing.sides import Rules, SavedCardSide
from cardctl.services.flows.reconciling.comparing_saved import OurSaved


def kept_saved(stage: Stage, rules: Rules) -> OurSaved:
    """What is none of ours stays so: a card that nobody claimed, a payment with one."""
    apart = stage.apart("payments")
    payments = (row for row in stage.claimed() if row[-1] and row[0] not in apart)
    refunds = (row for row in stage.sides("refunds") if row[-1] not in apart)
    return OurSaved(
        merge(_same_cards(stage, rules), stage.sides("saved_cards", ours=True), key=itemgetter(0)),
        merge(payments, stage.sides("payments", ours=True), key=itemgetter(0)),
        merge(refunds, stage.sides("refunds", ours=True), key=itemgetter(-1)),
        lambda _stage: iter([stage.claims()]),
    )


def _same_cards(stage: Stage, rules: Rules) -> Iterator[tuple[Any, ...]]:
    apart = stage.apart("saved_cards")
    return (same_card(SavedCardSide._make(row), rules) for row in stage.claimed_cards() if row[0] not in apart)
