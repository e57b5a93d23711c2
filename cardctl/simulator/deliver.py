"""How webhooks reach their receiver: which events go together, how late, how often; signing and sending are not known here."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from cardctl.errors import BadInput
from cardctl.simulator.faults import FAULTS, On

BATCH = 10
"""The most events of one request (Marqeta sends up to ten)."""

LATEST = 3600.0
"""Seconds that a late delivery stays away at most."""

E = TypeVar("E")

KINDS = tuple(name for name, fault in FAULTS.items() if On.DELIVERIES in fault.on)


@dataclass(frozen=True, slots=True)
class Delivery(Generic[E]):
    """One request to the receiver: its events, in order; `delay` seconds after the beginning; which attempt it is, from 1;
    whether it is somebody else's forgery; whether the secret before the one in use proves it."""

    events: tuple[E, ...]
    delay: float = 0.0
    attempt: int = 1
    forged: bool = False
    rotated: bool = False


def planned(events: Sequence[E], seed: int, *, rate: float = 0.0, kinds: Sequence[str] = ()) -> list[Delivery[E]]:
    """How `events` are delivered, in the order of sending; the same for the same seed.

    Each of `kinds` strikes every event (`dropped` only one of them); without them each event meets each kind with probability
    `rate`. Nothing is lost unless `dropped` strikes; a forgery stands beside the genuine one. BadInput for a kind that is no
    webhook's, or a rate beyond 0 to 1.
    """
    if not 0 <= rate <= 1:
        raise BadInput(f"a rate lies between 0 and 1, not {rate}")
    for kind in kinds:
        if kind not in KINDS:
            raise BadInput(f"{kind!r} is no fault of a webhook", hint=f"there are {', '.join(KINDS)}")
    dice = random.Random(seed)  # noqa: S311 - a plan that can be made again is the point
    plan = [Delivery((event,)) for event in events]
    for kind in KINDS:
        share = float(kind in kinds) if kinds else rate
        if share:
            plan = _STRIKE[kind](plan, share, dice)
    return sorted(plan, key=lambda delivery: delivery.delay)


Plan = list[Delivery[E]]


def _duplicate(plan: Plan[E], share: float, dice: random.Random) -> Plan[E]:
    twice = []
    for delivery in plan:
        twice.append(delivery)
        if dice.random() < share:
            twice.append(replace(delivery, attempt=2))
    return twice


def _reordered(plan: Plan[E], share: float, dice: random.Random) -> Plan[E]:
    """Those that are struck change places among themselves."""
    struck = [place for place in range(len(plan)) if dice.random() < share]
    targets = dice.sample(struck, len(struck))
    mixed = list(plan)
    for source, target in zip(struck, targets, strict=True):
        mixed[target] = plan[source]
    return mixed


def _dropped(plan: Plan[E], share: float, dice: random.Random) -> Plan[E]:
    """Where all are struck, one is lost: a receiver that hears nothing at all would notice nothing."""
    if share == 1 and plan:
        lost = dice.randrange(len(plan))
        return plan[:lost] + plan[lost + 1 :]
    return [delivery for delivery in plan if dice.random() >= share]


def _batched(plan: Plan[E], share: float, dice: random.Random) -> Plan[E]:
    """A delivery that is struck joins the one before it, while there is room."""
    joined: Plan[E] = []
    for delivery in plan:
        strikes = dice.random() < share
        if strikes and joined and len(joined[-1].events) < BATCH:
            joined[-1] = replace(joined[-1], events=(*joined[-1].events, *delivery.events))
        else:
            joined.append(delivery)
    return joined


def _late(plan: Plan[E], share: float, dice: random.Random) -> Plan[E]:
    return [replace(each, delay=dice.uniform(1, LATEST)) if dice.random() < share else each for each in plan]


def _forged(plan: Plan[E], share: float, dice: random.Random) -> Plan[E]:
    """Before or after the genuine one, so that a receiver that takes whichever comes first is found out."""
    beside: Plan[E] = []
    for delivery in plan:
        if dice.random() < share:
            beside += dice.sample([delivery, replace(delivery, forged=True, rotated=False)], 2)
        else:
            beside.append(delivery)
    return beside


def _rotated(plan: Plan[E], share: float, dice: random.Random) -> Plan[E]:
    return [replace(each, rotated=True) if dice.random() < share else each for each in plan]


_STRIKE: dict[str, Callable[..., list[Delivery[Any]]]] = {
    "duplicate": _duplicate,
    "reordered": _reordered,
    "dropped": _dropped,
    "batched": _batched,
    "late": _late,
    "forged": _forged,
    "rotated": _rotated,
}
