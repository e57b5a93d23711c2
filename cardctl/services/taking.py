"""What events say, taken into the books within one unit: folded where that decides, compared where it is a snapshot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import reduce

from cardctl.db.events import EventFilter, Mark
from cardctl.db.unit import Unit
from cardctl.domain.accounts import RemoteAccount
from cardctl.domain.cards import Card, RemoteCard
from cardctl.domain.events import EventState
from cardctl.domain.states import FINAL, CardState, settle
from cardctl.domain.transactions import RemoteTransaction
from cardctl.providers.notifying import Webhooks
from cardctl.services.desk import Desk
from cardctl.services.entries import audit_change, shown, take_account, taken_card
from cardctl.services.folding import Folded, fold_topups, fold_transactions
from cardctl.services.placing import Placing
from cardctl.services.placing_orders import PlacingOrders
from cardctl.services.rereading import EVER, TRANSIENT, Readings, Wish, Wishes, take
from cardctl.services.telling import Item, failure, translate

_CLOCKS = timedelta(hours=1)
"""By how much a provider's clock and ours may disagree."""
_UNPROVEN = "nothing proves it, and there is nothing to read again"
_NOBODY = "nobody has this card: neither the provider, nor these books"


@dataclass(slots=True)
class Taking:
    """One attempt, with what was read for it by now. Afterwards: `marks` of what is settled, `left` and `wishes` of what has to
    be read first, `later` (among the marks) of what could not be read now, and `brought`, the names of new money events."""

    desk: Desk
    unit: Unit
    webhooks: Webhooks
    readings: Readings
    marks: list[Mark] = field(default_factory=list)
    left: list[Item] = field(default_factory=list)
    later: list[Mark] = field(default_factory=list)
    wishes: Wishes = field(default_factory=Wishes)
    folded: Folded = field(default_factory=Folded)
    warnings: list[str] = field(default_factory=list)
    oldest: dict[str, datetime | None] = field(default_factory=dict)
    """When the oldest hold that is still open was made, by card, as far as somebody asked."""
    placing: Placing = field(init=False)
    placing_orders: PlacingOrders = field(init=False)

    def __post_init__(self) -> None:
        self.placing = Placing(self.desk, self.unit, self.readings)
        self.placing_orders = PlacingOrders(self.desk, self.unit, self.readings)

    @property
    def brought(self) -> list[str]:
        read = [one.ref for each in self.readings.transactions.values() for one in each]
        return [*self.folded.new_refs, *read]

    def run(self, items: Sequence[Item]) -> None:
        """Settle every item that can be settled."""
        take(self.desk, self.unit, self.readings)
        self.placing.forget_older()
        self.folded = fold_transactions(self.desk, self.unit, self._foldable(items))
        refs = {ref for item in items for ref in (*item.told.look, *(card.ref for card in item.told.cards))}
        cards = self.unit.cards.by_refs(self.desk.programme, refs) if refs else {}
        unplaced = {one.ref: one.occurred_at - _CLOCKS for one in self.folded.undecided}
        unplaced |= {one.ref: EVER for one in self.folded.strangers}
        orphans = {one.ref: one.parent_ref for one in self.folded.orphans}
        for item in sorted(items, key=lambda item: bool(item.told.saved.refunds or item.told.saved.disputes)):
            if item.told.topups:
                fold_topups(self.desk, self.unit, item.told.topups)
            wishes = [
                Wish(one.card_ref, unplaced[one.ref]) for one in item.told.transactions if one.ref in unplaced and one.card_ref
            ]
            wishes += [Wish(ref, self._since(item, cards.get(ref))) for ref in item.told.look]
            wishes += [wish for card in item.told.cards if (wish := self._compared(item, card, cards.get(card.ref)))]
            waits_for = next((orphans[one.ref] for one in item.told.transactions if one.ref in orphans), None)
            self._settle(item, wishes, waits_for)

    def _foldable(self, items: Sequence[Item]) -> list[RemoteTransaction]:
        """What decides by itself; and of what does not, what a reading that was made does not have (yet)."""
        told = [one for item in items if item.told.decided for one in item.told.transactions]
        loose = [one for item in items if not item.told.decided for one in item.told.transactions]
        loose = [one for one in loose if one.card_ref in self.readings.cards or one.card_ref in self.readings.gone]
        known = self.unit.transactions.by_refs(self.desk.programme, [one.ref for one in loose]) if loose else {}
        names = {one.reference for each in self.readings.transactions.values() for one in each}
        return [*told, *(one for one in loose if one.ref not in known and one.ref not in names)]

    def _since(self, item: Item, card: Card | None) -> datetime:
        """From when a card's money events are read: an event may also end what was opened long before it."""
        if card is None:
            return EVER
        if card.id not in self.oldest:
            self.oldest[card.id] = self.unit.transactions.oldest_open_at(self.desk.programme, card.id)
        return min(item.at, self.oldest[card.id] or item.at) - _CLOCKS

    def _compared(self, item: Item, told: RemoteCard, card: Card | None) -> Wish | None:
        """What a snapshot leaves to be read: nothing where it is what we have, or where we have read later than that."""
        if card is None:
            return Wish(told.ref, EVER)
        if told.state is CardState.ACTIVE and not card.ever_active:
            card = self._was_active(card)
        _, _, differs = taken_card(card, told, self.desk.clock(), card.balance)
        if not differs or item.at + _CLOCKS < card.synced_at:
            return None
        return Wish(told.ref, None, told.state, item.at)

    def _was_active(self, card: Card) -> Card:
        """What was active once is frozen, not new, where the provider has one word for both."""
        now = replace(card, ever_active=True, state=settle(card.state, ever_active=True))
        self.unit.cards.save(now)
        if now.state is not card.state:
            audit_change(self.desk, self.unit, "card.event", card.id, {"state": str(card.state)}, {"state": str(now.state)})
        return now

    def _settle(self, item: Item, wishes: Sequence[Wish], waits_for: str | None) -> None:
        accounts = [remote.ref for remote in item.told.accounts if self._differs(remote)] + list(item.told.look_accounts)
        things = self.placing.wants(item.told.saved) if item.told.saved else []
        if item.told.sold:
            things += self.placing_orders.wants(item.told.sold, believed=item.event.believed)
        refs = [wish.ref for wish in wishes] + accounts
        broken = next((self.readings.failed[name] for name in (*refs, *things) if name in self.readings.failed), None)
        if broken is not None:
            self._broken(item, broken)
            return
        open_wishes = [wish for wish in wishes if not self.readings.answers(wish)]
        open_accounts = [ref for ref in accounts if not self.readings.has_account(ref)]
        if open_wishes or open_accounts or not all(map(self.readings.has_thing, things)):
            for wish in wishes:  # all of them: what is read next takes the place of what was read
                self.wishes.card(wish)
            self.wishes.accounts.update(accounts)
            self.wishes.things.update(things)
            self.left.append(item)
            return
        gone = [ref for ref in refs if ref in self.readings.gone]
        self.marks.append(self._gone(item, gone) if gone else self._done(item, waits_for))

    def _broken(self, item: Item, error: Exception) -> None:
        """What says nothing about the event leaves it as it is, however often that happens."""
        mark = failure(item.event, getattr(error, "message", str(error)))
        if isinstance(error, TRANSIENT):
            mark = replace(mark, state=item.event.state, attempts=item.event.attempts)
            self.later.append(mark)
        self.marks.append(mark)

    def _done(self, item: Item, waits_for: str | None) -> Mark:
        event = item.event
        if waits_for is not None:
            return failure(event, f"it is about {waits_for}, which these books do not have", waits_for=waits_for)
        saved, sold = item.told.saved, item.told.sold
        ours = not (saved or sold)
        if saved:
            ours |= self.placing.take(saved)
        if sold:
            ours |= self.placing_orders.take(sold, item.at)
        if not item.told.informs:  # a seller also has cards and payments that are nobody's here
            return Mark(event.id, EventState.APPLIED if ours else EventState.IGNORED, event.attempts + 1)
        return Mark(
            event.id, EventState.IGNORED, event.attempts + 1, None if event.believed or not item.told.known else _UNPROVEN
        )

    def _gone(self, item: Item, gone: Sequence[str]) -> Mark:
        """The provider has these no more: then events are all there is, by their own time, then id; without proof, nothing."""
        event = item.event
        if not event.believed:
            return Mark(event.id, EventState.IGNORED, event.attempts + 1, _UNPROVEN)
        for ref in gone:
            if not self._last_word(ref):
                return failure(event, _NOBODY)
        return Mark(event.id, EventState.APPLIED, event.attempts + 1)

    def _last_word(self, ref: str) -> bool:
        """The last word of all events about a card or an account that only these books have; False where they have none."""
        told = f"{self.desk.provider.name} has {ref} no more: its events were applied by their own time"
        self.warnings += [told] if told not in self.warnings else []
        account = self.unit.accounts.by_refs(self.desk.programme, [ref]).get(ref)
        if account is not None:
            said = [remote for item in self._events_of(object_ref=ref) for remote in item.told.accounts if remote.ref == ref]
            if said:
                _, before, after = take_account(self.desk, self.unit, account, said[-1])
                audit_change(self.desk, self.unit, "account.event", account.id, before, after)
            return True
        card = self.unit.cards.by_ref(self.desk.programme, ref)
        if card is None:
            return False
        items = self._events_of(card_ref=ref)
        fold_transactions(self.desk, self.unit, [one for item in items for one in item.told.transactions], in_order=True)
        self._save(card, reduce(self._said, [item for item in items if item.at + _CLOCKS >= card.synced_at], card))
        return True

    def _events_of(self, *, card_ref: str | None = None, object_ref: str | None = None) -> list[Item]:
        wanted = EventFilter(programme=self.desk.programme, card_ref=card_ref, object_ref=object_ref)
        items, _ = translate(self.unit, self.webhooks, list(self.unit.events.rows(wanted)))
        return sorted((item for item in items if item.event.believed), key=lambda item: item.order)

    def _said(self, card: Card, item: Item) -> Card:
        """The card after one more event; what is final stays so."""
        for remote in item.told.cards:
            card, _, _ = taken_card(card, remote, card.synced_at, card.balance)
        for claim in item.told.claims:
            if claim.card_ref == card.ref and card.state not in FINAL:
                card = replace(card, state=claim.state, state_reason=claim.reason)
        return card

    def _save(self, before: Card, now: Card) -> None:
        differs = [word for word in ("state", "holder", "limits", "allowance") if getattr(before, word) != getattr(now, word)]
        if differs:
            self.unit.cards.save(replace(now, balance=before.balance, updated_at=self.desk.clock()))
            told = ({word: shown(getattr(side, word)) for word in differs} for side in (before, now))
            audit_change(self.desk, self.unit, "card.event", before.id, *told)

    def _differs(self, told: RemoteAccount) -> bool:
        known = self.unit.accounts.by_refs(self.desk.programme, [told.ref]).get(told.ref)
        return known is None or any(
            new not in ("", None) and new != getattr(known, word)
            for word, new in ((word, getattr(told, word)) for word in ("name", "email", "state", "kyc", "compliance_flags"))
        )
