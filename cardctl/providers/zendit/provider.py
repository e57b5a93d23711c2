"""The provider class: each method is a client call and a translation; it keeps no state and journals nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import copy
from datetime import datetime, timedelta
from functools import partial
from typing import Any, ClassVar, Self, TypeVar

from cardctl.domain.cards import Credentials
from cardctl.domain.esims import LedgerEntry, NewPurchase, Offer, Plan, RemotePurchase
from cardctl.domain.money import Money
from cardctl.domain.operations import Draft
from cardctl.errors import ProviderRefused, ProviderUnavailable
from cardctl.providers.base import Handed, Ping, Remote, Sighting
from cardctl.providers.http import Http
from cardctl.providers.paging import BOUGHT, Leaf, Source, Spot
from cardctl.providers.zendit import drafting, translate, whole, wire
from cardctl.providers.zendit.answering import Answering
from cardctl.providers.zendit.client import ZenditClient
from cardctl.providers.zendit.keys import API_KEY, host_for, is_test
from cardctl.providers.zendit.topping_up import WALLET_TOPUP, TopUps, url_for
from cardctl.providers.zendit.webhooks import ZenditWebhooks

W = TypeVar("W")
R = TypeVar("R")
_SLOW = (408,)
"""UNCONFIRMED what it says of the request, so that it may have run."""
_TOPUPS = "topup"
"""What the call log calls the endpoint that takes cards: it is not Zendit's, whose breaker and rate limit it has no part in."""


def build(handed: Handed) -> ZenditProvider:
    """SecretMissing, or SecretWrongMode (before anything is sent) where the key is not for this environment and host."""
    key = handed.secret(API_KEY)
    base = host_for(key, handed.environment, handed.settings.get("base_url"))
    client = ZenditClient(_http(handed), _http(handed, any_text=True), base, key, handed.sleep)
    url = url_for(handed.environment, handed.settings.get("topup_url"), handed.settings.get("base_url"))
    elsewhere = Http(
        _TOPUPS,
        transport=handed.transport,
        timeout=handed.timeout,
        sleep=handed.sleep,
        random=handed.random,
        busy=_SLOW,
        on_call=handed.on_call,
    )
    return ZenditProvider(client, TopUps(elsewhere, url, handed.secret), handed, tested=is_test(key))


def _http(handed: Handed, *, any_text: bool = False) -> Http:
    return Http(
        ZenditProvider.name,
        transport=handed.transport,
        timeout=handed.timeout,
        sleep=handed.sleep,
        random=handed.random,
        busy=_SLOW,
        on_call=handed.on_call,
        budget=handed.budget,
        breaker=handed.breaker,
        any_text=any_text,
        shown_path=wire.shown_path,
    )


class ZenditProvider:
    """Zendit: sells eSIMs out of a prepaid wallet; nothing is issued, funded or frozen. Purchases are drafted, sent and looked
    for by our own names for them; the wallet is topped up elsewhere, if anywhere."""

    name: ClassVar[str] = "zendit"
    key_life: ClassVar[timedelta | None] = None
    issue_carries: ClassVar[frozenset[str]] = frozenset()
    limits_together: ClassVar[bool] = False
    needs_load: ClassVar[bool] = False
    starts_itself: ClassVar[bool] = False
    lists_fundings: ClassVar[bool] = False
    links_captures: ClassVar[bool] = False
    rates: ClassVar[Mapping[str, float]] = {"live": 10, "sandbox": 10}  # UNCONFIRMED: none is published; a careful figure

    def __init__(self, client: ZenditClient, topups: TopUps, handed: Handed, *, tested: bool) -> None:
        self._client = client
        self._topups = topups
        self._answering = Answering(client)
        self._settings = handed.settings
        self._tested = tested
        self._card: Credentials | None = None
        self.environment = handed.environment
        self.programme = handed.programme

    def ping(self) -> Ping:
        """A key of the test mode shows in itself; how one of production does is UNCONFIRMED."""
        _, reply = self._client.balance()
        return Ping(latency_ms=reply.latency_ms, mode="test" if self._tested else None, clock=reply.date)

    def close(self) -> None:
        self._client.close()
        self._topups.close()

    def send(self, draft: Draft, key: str) -> Remote:
        """`key` is not sent: a purchase has its name for that. A no is believed where nothing is there under that name."""
        if draft.subject == WALLET_TOPUP:
            card, self._card = self._card, None
            return self._topups.send(draft, card)
        try:
            answer = self._client.write(draft.path, draft.body or None)
        except ProviderRefused as refused:
            return self._answering.after_no(draft, refused)
        return self._answering.read(draft, answer)

    def look_up(self, draft: Draft, mark: str) -> Sighting:
        return self._topups.look_up(draft) if draft.subject == WALLET_TOPUP else self._answering.look(draft)

    def float_balances(self) -> tuple[Money, ...]:
        return (_translated("balance", translate.balance_from_wire, lambda: self._client.balance()[0]),)

    def offers(self, *, country: str | None = None, region: str | None = None) -> Iterator[list[Offer]]:
        told = {"country": country.upper() if country else None, "regions": region}
        query = {name: value for name, value in told.items() if value}
        for page in self._pages(wire.OFFERS, query):
            yield _translated("list of offers", _offers, partial(list, page))

    def offer(self, offer_id: str) -> Offer:
        return _translated("offer", translate.offer_from_wire, lambda: self._client.offer(offer_id))

    def draft_purchase(self, wanted: NewPurchase, mark: str) -> Draft:
        return drafting.purchase_draft(wanted)

    def purchase(self, ref: str) -> RemotePurchase:
        return self._answering.purchase(ref)

    def qr_code(self, ref: str) -> bytes:
        return self._client.qr_code(ref)

    def plans(self, iccid: str) -> list[Plan]:
        return _translated("list of plans", _plans, lambda: self._client.plans(iccid))

    def draft_purchase_refund(self, ref: str, mark: str) -> Draft:
        return drafting.refund_draft(ref)

    def purchase_refund(self, ref: str) -> LedgerEntry:
        return _translated("refund", translate.entry_from_wire, lambda: self._client.refund(ref))

    def ledger(self, *, since: datetime | None = None) -> Iterator[list[LedgerEntry]]:
        for page in self._pages(wire.TRANSACTIONS, whole.since_query(since)):
            yield list(whole.entries(page, since))

    def report(self, since: datetime, until: datetime) -> bytes:
        try:
            return self._client.report(translate.moment_to_wire(since), translate.moment_to_wire(until))
        except translate.STRANGE:
            raise _strange("report") from None

    def draft_wallet_topup(self, amount: Money, mark: str) -> Draft:
        return self._topups.draft(amount, mark)

    def paying_with(self, credentials: Credentials) -> Self:
        paying = copy(self)
        paying._card = credentials
        return paying

    def lists(self, source: Source) -> bool:
        return source in BOUGHT

    def openings(self, source: Source, *, known: Iterable[str], since: datetime | None) -> Iterator[Spot]:
        return whole.openings(source, since)

    def turn(self, spot: Spot, *, share: bool) -> Leaf:
        return whole.turn(self._client, spot)

    @property
    def webhooks(self) -> ZenditWebhooks:
        return ZenditWebhooks(self._settings, simulated=self.environment == "simulator")

    def _pages(self, path: str, query: Mapping[str, str]) -> Iterator[list[Any]]:
        offset: int | None = 0
        while offset is not None:
            part = self._client.part(path, query, offset)
            yield part.rows
            offset = part.following


def _offers(rows: list[Any]) -> list[Offer]:
    return [translate.offer_from_wire(row) for row in rows]


def _plans(plans: list[wire.ZenditPlan]) -> list[Plan]:
    return [translate.plan_from_wire(plan) for plan in plans]


def _translated(noun: str, translated: Callable[[W], R], ask: Callable[[], W]) -> R:
    """What Zendit has, in our words."""
    try:
        return translated(ask())
    except translate.STRANGE:
        raise _strange(noun) from None


def _strange(noun: str) -> ProviderUnavailable:
    return ProviderUnavailable(f"zendit answered with something that is no {noun}")
