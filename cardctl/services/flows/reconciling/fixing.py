"""Mending breaks: the provider's word is taken into the books, audited; what would move money is proposed, and never done.

What is mended counts as resolved until the next run, which proves it, or opens it again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from cardctl.domain.breaks import KINDS, Break, BreakState, BreakType, Remedy
from cardctl.domain.cards import Card
from cardctl.errors import CardctlError, OutcomeUnknown, ProviderHasNot
from cardctl.services.deeds.pulling import (
    BEGINNING,
    bring_account,
    bring_card,
    mark_gone,
    pull_transactions,
    sync_card,
)
from cardctl.services.deeds.yielding import take_word, void
from cardctl.services.desk import Desk
from cardctl.services.flows.reconciling import fixing_orders as orders
from cardctl.services.flows.reconciling import fixing_saved as saved
from cardctl.services.flows.reconciling.moving import Hand, move
from cardctl.services.resuming import resume
from cardctl.sidebyside import side_by_side

WORKERS = 16
_FIXED = "fixed by reconcile"
_PROPOSED = "proposed: a person must act, see its proposed fix"
_T = BreakType
Left = frozenset[BreakType]
_NONE: Left = frozenset()
_OBJECTS = {
    "operation": {_T.OPERATION_IN_DOUBT},
    "account": {_T.ACCOUNT_MISSING_HERE, _T.ACCOUNT_STATE, _T.ACCOUNT_KYC},
    "stranger": {_T.CARD_MISSING_HERE},
    "saved card": saved.CARDS,
    "purchase": orders.PURCHASES,
}
_VOIDS = frozenset({_T.TRANSACTION_MISSING_THERE, _T.TRANSACTION_DUPLICATE})


@dataclass(frozen=True, slots=True)
class Planned:
    """What would be done about one break."""

    fingerprint: str
    remedy: Remedy
    words: str


@dataclass(slots=True)
class Fixed:
    """What became of each break, by its fingerprint: `fixed`; `proposed` to a person; `failed`, with why; `chores` wait for
    what other commands do (a backfill, a replay)."""

    fixed: list[str] = field(default_factory=list)
    proposed: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    chores: dict[Remedy, list[str]] = field(default_factory=lambda: defaultdict(list))


def remedy_of(one: Break) -> Remedy:
    """What mends it: its kind's remedy, but for what only one side of it allows."""
    if one.type is _T.TRANSACTION_DUPLICATE and one.local and "missing" not in one.local:
        return Remedy.TAKE  # the books have it twice, and the provider once
    if one.type is _T.TRANSACTION_ORPHAN and one.local:
        return Remedy.TAKE
    if one.type is _T.FUNDING_UNMATCHED and not one.local:
        return Remedy.TAKE
    if orders.is_unmendable(one):
        return Remedy.PROPOSE
    return KINDS[one.type].remedy


def plan(breaks: Iterable[Break]) -> list[Planned]:
    """What `fix` would do about each."""
    return [Planned(one.fingerprint, remedy_of(one), _WORDS[remedy_of(one)]) for one in breaks]


def fix(
    desk: Desk,
    breaks: Sequence[Break],
    *,
    run_id: str | None = None,
    explicit: bool = False,
    reason: str | None = None,
    late: Callable[[], bool] = lambda: False,
) -> Fixed:
    """Mend breaks of one programme. `explicit`: a person named them, with a `reason`, and means what only a person may decide:
    that a card which was closed here is open again."""
    done = Fixed()
    for one in breaks:
        if remedy_of(one) in (Remedy.BACKFILL, Remedy.REPLAY):
            done.chores[remedy_of(one)].append(one.fingerprint)
    works = _works(desk, [one for one in breaks if remedy_of(one) not in (Remedy.BACKFILL, Remedy.REPLAY)], explicit=explicit)
    waiting = (work for work in works if not late())
    for work, answer in side_by_side(lambda work: work.act(), waiting, workers=WORKERS):
        if isinstance(answer, CardctlError):
            done.failed |= dict.fromkeys((one.fingerprint for one in work.breaks), answer.message)
        elif isinstance(answer, Exception):
            raise answer
        else:
            _count(done, work, answer, explicit=explicit)
    _note(desk, done, run_id, reason)
    return done


def settled(desk: Desk, fingerprints: Sequence[str], run_id: str | None, reason: str | None = None) -> None:
    """Breaks whose chore is done."""
    _move(desk, fingerprints, BreakState.RESOLVED, reason or _FIXED, run_id)


@dataclass(frozen=True, slots=True)
class _Work:
    """What is done at once, for all breaks of one card or one account; `act` gives the types of those that it left."""

    breaks: list[Break]
    act: Callable[[], Left]


def _works(desk: Desk, breaks: Sequence[Break], *, explicit: bool) -> list[_Work]:
    by_object: dict[tuple[str, str], list[Break]] = defaultdict(list)
    for one in breaks:
        by_object[_object_of(one)].append(one)
    return [_Work(group, _act(desk, kind, name, group, explicit=explicit)) for (kind, name), group in by_object.items()]


def _object_of(one: Break) -> tuple[str, str]:
    """What it is mended with, and that one's name."""
    if one.type in saved.PAYMENTS:
        return "payment", saved.payment_of(one)
    if one.type in orders.SALES and not orders.is_unmendable(one):
        return "sale", orders.payment_of(one)
    kind = next((kind for kind, types in _OBJECTS.items() if one.type in types), None)
    if kind is not None:
        return kind, one.subject
    return ("card", one.card_id) if one.card_id is not None else ("nothing", one.fingerprint)


def _act(desk: Desk, kind: str, name: str, group: list[Break], *, explicit: bool) -> Callable[[], Left]:
    whole: dict[str, Callable[[], Left]] = {
        "operation": lambda: _resume(desk, name),
        "account": lambda: _bring(desk, name, bring_account),
        "stranger": lambda: _bring(desk, name, bring_card),
        "saved card": lambda: saved.mend_card(desk, name, group),
        "sale": lambda: orders.mend_sale(desk, name),
        "purchase": lambda: orders.mend_purchase(desk, name),
    }
    if kind in whole:
        return whole[kind]
    takes = [one for one in group if _takes(one)]
    if kind == "payment" and takes:
        return lambda: saved.mend_payment(desk, name, takes)
    if kind == "card" and (takes or (explicit and any(one.type is _T.REOPENED_CLOSED for one in group))):
        return lambda: _mend_card(desk, name, group, explicit=explicit)
    return lambda: _NONE


def _bring(desk: Desk, ref: str, bring: Callable[[Desk, str], object]) -> Left:
    bring(desk, ref)
    return _NONE


def _takes(one: Break) -> bool:
    """Whether something of it is in the provider's word: also of what is out of order in itself, and missing here too."""
    return remedy_of(one) is Remedy.TAKE or bool(one.local.get("missing"))


def _mend_card(desk: Desk, card_id: str, group: list[Break], *, explicit: bool) -> Left:
    """A card that is not listed, and answers all the same when it is read by itself, is for a person to look at."""
    card = _card(desk, card_id)
    try:
        if explicit and any(one.type is _T.REOPENED_CLOSED for one in group):
            take_word(desk, card)
        pull_transactions(desk, card=card, since=BEGINNING)
        voids = {one.subject for one in group if one.type in _VOIDS and remedy_of(one) is Remedy.TAKE}
        if voids:
            void(desk, card, voids)
        sync_card(desk, card)
    except ProviderHasNot:
        mark_gone(desk, card)
        return _NONE
    return frozenset({_T.CARD_MISSING_THERE})


def _card(desk: Desk, card_id: str) -> Card:
    with desk.books.read() as unit:
        return unit.cards.named(card_id)


def _resume(desk: Desk, operation_id: str) -> Left:
    if resume(desk, [operation_id]).left:
        raise OutcomeUnknown(f"{operation_id} is still in doubt", operation_id=operation_id)
    return _NONE


def _count(done: Fixed, work: _Work, left: Left, *, explicit: bool) -> None:
    for one in work.breaks:
        taken = remedy_of(one) is not Remedy.PROPOSE or (explicit and one.type is _T.REOPENED_CLOSED)
        taken = taken and one.type not in left
        (done.fixed if taken else done.proposed).append(one.fingerprint)


def _note(desk: Desk, done: Fixed, run_id: str | None, reason: str | None) -> None:
    _move(desk, done.fixed, BreakState.RESOLVED, reason or _FIXED, run_id)
    _move(desk, done.proposed, BreakState.ACKNOWLEDGED, reason or _PROPOSED, run_id)


def _move(desk: Desk, fingerprints: Sequence[str], to: BreakState, reason: str, run_id: str | None) -> None:
    if fingerprints:
        hand = Hand(desk.books, desk.clock, desk.actor, desk.correlation_id)
        action = "break.fix" if to is BreakState.RESOLVED else "break.propose"
        move(hand, fingerprints, to, reason, run_id=run_id, action=action)


_WORDS = {
    Remedy.TAKE: "take the provider's word into the books",
    Remedy.BACKFILL: "fetch the missing events",
    Remedy.REPLAY: "apply the failed events again",
    Remedy.RESUME: "settle the operation",
    Remedy.PROPOSE: "propose it to a person",
}
