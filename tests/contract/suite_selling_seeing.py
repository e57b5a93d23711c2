"""What every provider that sells eSIMs must tell: whole lists part by part, and notifications that lead to a reading."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from cardctl.domain.events import Signature
from cardctl.domain.things import Kind, Named
from cardctl.providers.paging import BOUGHT, ISSUED, SAVED, Source
from cardctl.simulator.control import Control
from tests.contract.ground import PAGE_AND_MORE
from tests.contract.suite_events import ReceivesWebhooksContract
from tests.contract.suite_selling import SellingContract
from tests.contract.suite_whole import Others, ReadsWholeContract
from tests.contract.turning import openings, read


class ReadsBoughtWholeContract(SellingContract, ReadsWholeContract):
    sources = BOUGHT
    many = Source.PURCHASES

    @pytest.fixture
    def names(self, provider: Any, far_side: Control) -> dict[Source, list[str]]:
        """More purchases than a page holds, and some money put in, spread over two days."""
        refs = []
        for number in range(PAGE_AND_MORE):
            refs.append(self.buy(provider, self.fails if number % 9 == 0 else self.offer))
            if number % 20 == 0:
                self.refund(provider, provider.purchase(self.buy(provider)).ref)
            far_side.advance(timedelta(minutes=0 if number % 4 else 100))
        return dict.fromkeys(BOUGHT, refs)

    def listed(self, provider: Any, source: Source, names: list[str], since: Any = None) -> dict[str, Any]:
        """The ledger as its list gives it, and each purchase of it as it is read by its name."""
        entries = [entry for page in provider.ledger() for entry in page if since is None or entry.created_at >= since]
        if source is Source.LEDGER:
            return {entry.ref: entry for entry in entries}
        bought = [provider.purchase(entry.ref) for entry in entries if not entry.credit]
        return {one.ref: replace(one, raw={}, activation=None, instructions=None) for one in bought}

    def live(self, provider: Any, far_side: Control, names: dict[Source, list[str]], dice: random.Random) -> None:
        if dice.random() < 0.5:
            provider.purchase(self.buy(provider))

    def test_it_says_what_it_lists_and_asks_nothing_first(self, others: Others) -> None:
        lists = {source: others.turner.lists(source) for source in (*BOUGHT, *ISSUED, *SAVED)}
        assert lists == dict.fromkeys(BOUGHT, True) | dict.fromkeys((*ISSUED, *SAVED), False)
        for source in BOUGHT:
            assert len(openings(others.turner, source)) == 1
        assert others.calls == 0

    def test_what_is_made_meanwhile_moves_nothing(
        self, provider: Any, others: Others, far_side: Control, names: dict[Source, list[str]]
    ) -> None:
        """Pages are counted by rows: what is new may push some on, so that they come twice; none is missed."""
        dice = random.Random(3)

        def life() -> None:
            self.live(provider, far_side, names, dice)
            far_side.advance(timedelta(seconds=dice.randrange(3)))

        for source in self.sources:
            before = self.listed(provider, source, names[source])
            done = read(others, openings(provider, source, names[source]), dice, between=life)
            assert before.keys() <= done.by_ref.keys() <= self.listed(provider, source, names[source]).keys()


class ReceivesSoldWebhooksContract(SellingContract, ReceivesWebhooksContract):
    covered = False

    def lived(self, provider: Any, far_side: Control) -> Any:
        """Purchases that ended in each way, and one that is under way."""
        far_side.set_esim_pace(1)
        refs = [self.buy(provider, offer) for offer in (self.offer, self.fails, self.codeless, self.slow)]
        for _ in range(8):
            far_side.advance(timedelta(seconds=2))
        return [provider.purchase(ref) for ref in refs]

    def test_every_delivery_is_genuine_and_understood(self, provider: Any, far_side: Control) -> None:
        """What is kept of one has no code in it, and is the same notification still."""
        codes = [one.activation.rpartition("$")[2] for one in self.lived(provider, far_side) if one.activation]
        webhooks, keys, sent = provider.webhooks, self.keys(far_side), self.sent(far_side)
        assert codes
        assert keys.keys() == set(webhooks.secret_names)
        assert any(code.encode() in incoming.body for code in codes for incoming in sent)
        for incoming in sent:
            assert webhooks.verify(incoming, keys) is Signature.VALID
            kept = webhooks.kept_body(incoming.body)
            assert not any(code.encode() in kept for code in codes)
            before, after = webhooks.notices(incoming.body), webhooks.notices(kept)
            assert [one.event_id for one in before] == [one.event_id for one in after]
            assert all(webhooks.told(notice).known and notice.live is not True for notice in before)

    def test_a_notification_names_its_card(self, provider: Any, far_side: Control) -> None:
        """Its purchase; no card is concerned."""
        bought = {one.ref for one in self.lived(provider, far_side)}
        found = self.notices(far_side)
        assert {notice.card_ref for notice in found} == {None}
        assert {notice.object_ref for notice in found} == bought

    def test_what_is_told_leads_to_what_is_read(self, provider: Any, far_side: Control) -> None:
        """Nothing but the names of what is to be read, whatever a body says."""
        bought = self.lived(provider, far_side)
        told = list(self.told(far_side))
        assert {named for one in told for named in one.sold.look} == {Named(Kind.PURCHASE, one.ref) for one in bought}
        for one in told:
            assert (one.sold.sales, one.sold.checkouts, one.sold.refunds, one.cards, one.transactions) == ((),) * 5

    def test_what_is_told_and_not_decided_is_in_the_reading_too(self, provider: Any, far_side: Control) -> None:
        """Each state that it went through is told once, the last one among them."""
        bought = self.lived(provider, far_side)
        types = [(notice.object_ref, notice.type) for notice in self.notices(far_side)]
        assert len(set(types)) == len(types)
        assert {(one.ref, f"esim.{one.state}") for one in bought} <= set(types)
