"""What every provider that notifies must do: genuine deliveries are known, read and agree with what is read; lost ones are had
again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest

from cardctl.domain.cards import RemoteCard
from cardctl.domain.events import Expected, Incoming, Notice, Signature, Told
from cardctl.domain.redaction import Secret
from cardctl.domain.states import Move
from cardctl.domain.transactions import OURS, RemoteTransaction
from cardctl.errors import BadEvent, ProviderHasNot
from cardctl.providers import registry
from cardctl.simulator.control import Control
from tests.contract.ground import Contract, usd

BEGINNING = datetime(2020, 1, 1, tzinfo=UTC)


class Notified(Contract):
    """Ground: what the far side sends, as it comes in, and the secrets that it proves it by."""

    def lived(self, provider: Any, far_side: Control) -> RemoteCard:
        """A card with something of everything behind it."""
        card = self.a_card(provider)
        far_side.swipe(card.ref, usd(300))
        far_side.swipe(card.ref, usd(120), hold=True)
        far_side.swipe(card.ref, usd(100_000_00))
        self.move(provider, card, Move.FREEZE)
        self.move(provider, card, Move.UNFREEZE)
        return self.read(provider, card.ref)

    def sent(self, far_side: Control, **manner: Any) -> list[Incoming]:
        """In the order of sending; forgeries among them where `manner` asks for those."""
        return [_incoming(one) for one in far_side.deliveries(face=self.name, **manner)]

    def keys(self, far_side: Control) -> dict[str, list[Secret]]:
        known = far_side.webhook_secrets()
        names = registry.webhooks(self.name).secret_names
        return {name: [Secret(value) for value in known[name]] for name in names if known.get(name)}

    def notices(self, far_side: Control) -> list[Notice]:
        webhooks = registry.webhooks(self.name)
        return [notice for incoming in self.sent(far_side) for notice in webhooks.notices(incoming.body)]

    def told(self, far_side: Control) -> Iterator[Told]:
        webhooks = registry.webhooks(self.name)
        return (webhooks.told(notice) for notice in self.notices(far_side))


def _incoming(posted: Any) -> Incoming:
    headers = {name.lower(): text for name, text in posted.posting.headers.items()}
    return Incoming(posted.posting.body, headers, posted.at, posted.posting.query)


class ReceivesWebhooksContract(Notified):
    ages: ClassVar[bool] = False
    """A delivery tells when it was signed, in what is signed."""
    covered: ClassVar[bool] = True
    """What proves a delivery covers its body; elsewhere it proves the sender alone."""

    def test_every_delivery_is_genuine_and_understood(self, provider: Any, far_side: Control) -> None:
        self.lived(provider, far_side)
        webhooks, keys, sent = provider.webhooks, self.keys(far_side), self.sent(far_side)
        assert sent
        assert keys.keys() == set(webhooks.secret_names)
        for incoming in sent:
            assert webhooks.verify(incoming, keys) is Signature.VALID
            assert webhooks.kept_body(incoming.body) == incoming.body
            for notice in webhooks.notices(incoming.body):
                assert webhooks.told(notice).known, notice.type
                assert notice.live is not True

    def test_another_body_or_secret_is_not_genuine(self, provider: Any, far_side: Control) -> None:
        self.lived(provider, far_side)
        webhooks, keys = provider.webhooks, self.keys(far_side)
        others = {name: [Secret(f"another-{number}") for number, _ in enumerate(told)] for name, told in keys.items()}
        for incoming in self.sent(far_side):
            assert webhooks.verify(incoming, others) is Signature.INVALID
            assert webhooks.verify(incoming, {}) in (Signature.INVALID, Signature.ABSENT)
            assert webhooks.verify(replace(incoming, headers={}, query=""), keys) is Signature.ABSENT
            other = replace(incoming, body=incoming.body.replace(b"1", b"2"))
            assert webhooks.verify(other, keys) is (Signature.INVALID if self.covered else Signature.VALID)

    def test_a_forgery_is_not_genuine(self, provider: Any, far_side: Control) -> None:
        self.lived(provider, far_side)
        webhooks, keys = provider.webhooks, self.keys(far_side)
        forged = [one for one in far_side.deliveries(face=self.name, kinds=("forged",), seed=7) if one.forged]
        assert forged
        for one in forged:
            assert webhooks.verify(_incoming(one), keys) in (Signature.INVALID, Signature.ABSENT)
            try:
                assert webhooks.notices(one.posting.body)
            except BadEvent:
                continue

    def test_after_a_rotation_both_secrets_are_good(self, provider: Any, far_side: Control) -> None:
        self.lived(provider, far_side)
        before = self.sent(far_side)
        far_side.rotate_webhook_secrets()
        keys, after = self.keys(far_side), self.sent(far_side)
        assert [one.body for one in after] == [one.body for one in before]
        assert all(provider.webhooks.verify(one, keys) is Signature.VALID for one in [*before, *after])

    def test_age_is_judged_as_of_receipt(self, provider: Any, far_side: Control) -> None:
        self.lived(provider, far_side)
        late = [replace(one, received_at=one.received_at + timedelta(minutes=6)) for one in self.sent(far_side)]
        wanted = Signature.STALE if self.ages else Signature.VALID
        assert {provider.webhooks.verify(one, self.keys(far_side)) for one in late} == {wanted}

    def test_the_same_notification_is_the_same_and_no_other(self, provider: Any, far_side: Control) -> None:
        self.lived(provider, far_side)
        once, again = ([notice.event_id for notice in self.notices(far_side)] for _ in range(2))
        assert once == again
        assert len(set(once)) == len(once)

    def test_a_notification_names_its_card(self, provider: Any, far_side: Control) -> None:
        card, other = self.lived(provider, far_side), self.lived(provider, far_side)
        found = self.notices(far_side)
        assert {notice.card_ref for notice in found} - {None} == {card.ref, other.ref}
        assert all(notice.occurred_at is None or notice.occurred_at.tzinfo is UTC for notice in found)

    def test_what_is_told_leads_to_what_is_read(self, provider: Any, far_side: Control) -> None:
        """Either by itself, or because the card is named that must be read."""
        card = self.lived(provider, far_side)
        told = list(self.told(far_side))
        looked = {ref for one in told for ref in one.look}
        words = _latest([word for one in told for word in one.transactions if one.decided])
        for event in self.events(provider, card.ref):
            assert card.ref in looked or replace(words[event.ref], raw={}) == replace(event, raw={})
        snapshots = [snapshot for one in told for snapshot in one.cards if snapshot.ref == card.ref]
        assert card.ref in looked or replace(snapshots[-1], raw={}) == replace(card, raw={})

    def test_what_is_told_and_not_decided_is_in_the_reading_too(self, provider: Any, far_side: Control) -> None:
        """Under its own name, or under the reference that the reading has for it."""
        card = self.lived(provider, far_side)
        read = {name for event in self.events(provider, card.ref) for name in (event.ref, event.reference)}
        told = {word.ref for one in self.told(far_side) for word in one.transactions if word.card_ref}
        assert told
        assert told <= read

    def events(self, provider: Any, card_ref: str) -> list[RemoteTransaction]:
        return [event for page in provider.transactions_of(card_ref) for event in page if event.kind not in OURS]


def _latest(words: list[RemoteTransaction]) -> dict[str, RemoteTransaction]:
    """By what is ahead, whatever came first."""
    found: dict[str, RemoteTransaction] = {}
    for word in words:
        known = found.setdefault(word.ref, word)
        if all(one >= other for one, other in zip(word.progress, known.progress, strict=True)):
            found[word.ref] = word
    return found


class ListsEventsContract(Notified):
    def bodies(self, provider: Any, **bounds: Any) -> list[bytes]:
        return [body for page in provider.events(**bounds) for body in page]

    def test_what_was_sent_is_listed_newest_first(self, provider: Any, far_side: Control) -> None:
        self.lived(provider, far_side)
        sent = {notice.event_id: notice for notice in self.notices(far_side)}
        listed = [notice for body in self.bodies(provider) for notice in provider.webhooks.notices(body)]
        assert {notice.event_id: notice.item for notice in listed} == {
            ref: notice.item for ref, notice in sent.items() if not provider.webhooks.told(notice).informs
        }
        times = [notice.occurred_at for notice in listed]
        assert times == sorted(times, reverse=True)

    def test_a_list_has_bounds(self, provider: Any, far_side: Control) -> None:
        self.lived(provider, far_side)
        before = len(self.bodies(provider))
        between = far_side.advance(timedelta(hours=1))
        far_side.advance(timedelta(hours=1))
        self.lived(provider, far_side)
        assert len(self.bodies(provider, until=between)) == before
        assert len(self.bodies(provider, since=between)) == len(self.bodies(provider)) - before > 0

    def test_a_long_list_is_complete(self, provider: Any, far_side: Control) -> None:
        card = self.a_card(provider, funds=usd(100_000))
        for _ in range(40):
            far_side.swipe(card.ref, usd(10))
        pages = list(provider.events())
        assert len(pages) > 1
        ids = [notice.event_id for page in pages for body in page for notice in provider.webhooks.notices(body)]
        assert len(set(ids)) == len(ids) > 100

    def test_it_says_how_far_back_it_goes(self, provider: Any) -> None:
        assert provider.events_kept >= timedelta(days=1)


class ResendsEventsContract(Notified):
    def register(self, provider: Any) -> None:
        """Registers an endpoint to send to."""
        raise NotImplementedError

    def expected(self, provider: Any, card: RemoteCard, since: datetime = BEGINNING) -> list[Expected]:
        return [one for page in provider.expected(since, [card.ref]) for one in page]

    def test_what_is_expected_is_what_was_sent(self, provider: Any, far_side: Control) -> None:
        """Of the card; a state that has passed since then is in no list any more."""
        card = self.lived(provider, far_side)
        sent = {notice.event_id for notice in self.notices(far_side)}
        expected = [one.event_id for one in self.expected(provider, card)]
        assert len(set(expected)) == len(expected)
        assert set(expected) <= sent
        of_card = {notice.event_id for notice in self.notices(far_side) if notice.card_ref == card.ref}
        tokens = {event_id.split("/")[1] for event_id in of_card}
        assert tokens <= {event_id.split("/")[1] for event_id in expected}

    def test_nothing_is_expected_of_other_cards_or_of_before(self, provider: Any, far_side: Control) -> None:
        card, other = self.lived(provider, far_side), self.lived(provider, far_side)
        of_other = {notice.event_id for notice in self.notices(far_side) if notice.card_ref == other.ref}
        assert of_other.isdisjoint(one.event_id for one in self.expected(provider, card))
        since = far_side.advance(timedelta(hours=1))
        assert self.expected(provider, card, since) == []
        far_side.swipe(card.ref, usd(10))
        assert self.expected(provider, card, since)

    def test_what_is_sent_again_reads_like_a_delivery(self, provider: Any, far_side: Control) -> None:
        card = self.lived(provider, far_side)
        self.register(provider)
        sent = {notice.event_id: notice for notice in self.notices(far_side)}
        for expected in self.expected(provider, card):
            (again,) = provider.webhooks.notices(provider.resend(expected))
            before = sent[expected.event_id]
            assert (again.event_id, again.type, again.object_ref) == (before.event_id, before.type, before.object_ref)
            assert provider.webhooks.told(again) == provider.webhooks.told(before)

    def test_without_an_endpoint_or_a_thing_there_is_nothing_to_send(self, provider: Any, far_side: Control) -> None:
        expected = self.expected(provider, self.lived(provider, far_side))
        with pytest.raises(ProviderHasNot):
            provider.resend(expected[0])
        self.register(provider)
        with pytest.raises(ProviderHasNot):
            provider.resend(replace(expected[0], token="nothing"))
