"""What every provider that keeps buyers' cards must tell: whole lists part by part, and notifications that agree with them."""

from __future__ import annotations

import json
import random
from datetime import timedelta
from typing import Any

import pytest

from cardctl.domain.payments import PaymentState
from cardctl.errors import Unsupported
from cardctl.providers.paging import ISSUED, SAVED, Source
from cardctl.simulator.control import Control
from tests.contract.ground import PAGE_AND_MORE, usd
from tests.contract.ground_saving import SavingContract
from tests.contract.suite_events import ListsEventsContract, Notified, ReceivesWebhooksContract
from tests.contract.suite_whole import Others, ReadsWholeContract
from tests.contract.turning import bare, openings, read


class ReadsSavedWholeContract(SavingContract, ReadsWholeContract):
    sources = SAVED
    many = Source.PAYMENTS

    @pytest.fixture
    def names(self, provider: Any, far_side: Control) -> dict[Source, list[str]]:
        """More cards and payments than a page holds, and refunds, spread over two days; their names by source."""
        owner = self.a_customer(provider)
        self.cards = [self.a_saved_card(provider, owner) for _ in range(27)]
        self.do(provider, lambda operation: provider.draft_disable(self.cards[0].ref, operation))
        paid, given = [], []
        for number in range(PAGE_AND_MORE):
            payment = self.pay(provider, self.cards[1 + number % 26], 500 + number, hold=number % 3 == 0)
            paid.append(payment.ref)
            if payment.state is PaymentState.COMPLETED and number % 5 == 0:
                given.append(self.refund(provider, payment, 100).ref)
            far_side.advance(timedelta(minutes=0 if number % 4 else 100))
        return {Source.SAVED_CARDS: [card.ref for card in self.cards], Source.PAYMENTS: paid, Source.REFUNDS: given}

    def listed(self, provider: Any, source: Source, names: list[str], since: Any = None) -> dict[str, Any]:
        """As each is read by its name; `since` leaves out what was made before."""
        one = {Source.SAVED_CARDS: provider.saved_card, Source.PAYMENTS: provider.payment, Source.REFUNDS: provider.refund}
        found = {name: bare(one[source](name)) for name in [*names, *self.newer(source)]}
        if since is None or source is Source.SAVED_CARDS:
            return found
        return {name: item for name, item in found.items() if item.created_at >= since}

    def newer(self, source: Source) -> list[str]:
        """Names of what was made meanwhile."""
        made: dict[Source, list[str]] = self.__dict__.setdefault("_newer", {})
        return made.setdefault(source, [])

    def live(self, provider: Any, far_side: Control, names: dict[Source, list[str]], dice: random.Random) -> None:
        if dice.random() < 0.5:
            payment = self.pay(provider, dice.choice(self.cards[1:]), 100)
            self.newer(Source.PAYMENTS).append(payment.ref)
            if dice.random() < 0.3:
                self.newer(Source.REFUNDS).append(self.refund(provider, payment, 10).ref)
        if dice.random() < 0.2:
            self.newer(Source.SAVED_CARDS).append(self.a_saved_card(provider).ref)

    def test_it_says_what_it_lists_and_asks_nothing_first(self, others: Others) -> None:
        assert [others.turner.lists(source) for source in SAVED] == [True] * 3
        assert [others.turner.lists(source) for source in ISSUED] == [False] * 3
        for source in SAVED:
            assert openings(others.turner, source)
        for source in ISSUED:
            with pytest.raises(Unsupported):
                openings(others.turner, source, ["somebody"])
        assert others.calls == 0

    def test_a_spot_tells_nobodys_name(self, provider: Any, names: dict[Source, list[str]]) -> None:
        """A spot is kept in clear; the names of customers and cards are not."""
        secrets = [*names[Source.SAVED_CARDS], str(self.cards[0].customer_ref)]
        for source in SAVED:
            left = openings(provider, source, names[source])
            while left:
                text = json.dumps([dict(spot.position) for spot in left])
                assert not any(secret in text for secret in secrets)
                left += provider.turn(left.pop(), share=len(left) < 8).then

    def test_the_parts_have_every_field_that_a_reading_has(self, provider: Any, names: dict[Source, list[str]]) -> None:
        for source in SAVED:
            found = read(provider, openings(provider, source), random.Random(1), kills=0).by_ref
            assert found == self.listed(provider, source, names[source])
        assert sum(item.refunded.minor for item in self.listed(provider, Source.PAYMENTS, names[Source.PAYMENTS]).values()) == (
            100 * len(names[Source.REFUNDS])
        )


class NotifiedOfSaved(SavingContract, Notified):
    def lived(self, provider: Any, far_side: Control) -> Any:
        """A card with something of everything behind it."""
        card = self.a_saved_card(provider)
        paid = self.pay(provider, card, 2_500, tip=usd(100), invoice="A-17")
        self.refund(provider, paid, 1_000)
        self.capture(provider, self.hold(provider, card), usd(4_210))
        self.cancel(provider, self.hold(provider, card))
        self.do(provider, lambda operation: provider.draft_disable(card.ref, operation))
        return provider.saved_card(card.ref)


class ReceivesSavedWebhooksContract(NotifiedOfSaved, ReceivesWebhooksContract):
    def test_a_notification_names_its_card(self, provider: Any, far_side: Control) -> None:
        """What it is about is named only where that is no secret."""
        card = self.lived(provider, far_side)
        found = self.notices(far_side)
        assert {notice.card_ref for notice in found} == {None}
        named = {notice.object_ref for notice in found} - {None}
        assert named
        assert named.isdisjoint({card.ref, card.customer_ref})
        for ref in named:
            assert ref in {payment.ref for told in self.told(far_side) for payment in told.saved.payments} | {
                refund.ref for told in self.told(far_side) for refund in told.saved.refunds
            }

    def test_what_is_told_leads_to_what_is_read(self, provider: Any, far_side: Control) -> None:
        """The last word about each thing, by the provider's own order, is what a reading gives."""
        card = self.lived(provider, far_side)
        told = [one.saved for one in self.told(far_side)]
        assert max((one for each in told for one in each.cards if one.ref == card.ref), key=lambda one: one.version) == card
        payments = {one.ref for each in told for one in each.payments}
        assert len(payments) == 3
        for ref in payments:
            last = max((one for each in told for one in each.payments if one.ref == ref), key=lambda one: one.updated_at)
            assert bare(last) == bare(provider.payment(ref))
        for ref in {one.ref for each in told for one in each.refunds}:
            last_refund = max((one for each in told for one in each.refunds if one.ref == ref), key=lambda one: one.updated_at)
            assert bare(last_refund) == bare(provider.refund(ref))
        assert card.customer_ref in {one.ref for each in told for one in each.customers}

    def test_what_is_told_and_not_decided_is_in_the_reading_too(self, provider: Any, far_side: Control) -> None:
        card = self.a_saved_card(provider)
        held = self.hold(provider, card)
        words = [one for told in self.told(far_side) for one in told.saved.payments]
        assert {one.ref for one in words} == {held.ref}
        assert words[-1].state is PaymentState.APPROVED
        assert bare(words[-1]) == bare(provider.payment(held.ref))


class ListsSavedEventsContract(NotifiedOfSaved, ListsEventsContract):
    def test_a_long_list_is_complete(self, provider: Any, far_side: Control) -> None:
        card = self.a_saved_card(provider)
        for _ in range(60):
            self.pay(provider, card, 10)
        pages = list(provider.events())
        assert len(pages) > 1
        ids = [notice.event_id for page in pages for body in page for notice in provider.webhooks.notices(body)]
        assert len(set(ids)) == len(ids) > 100
