"""The provider class: each method is a client call and a translation; it keeps no state and journals nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar, TypeVar

import orjson

from cardctl.domain.money import Money
from cardctl.domain.operations import Draft
from cardctl.domain.payments import NewPayment, RemotePayment, RemoteRefund
from cardctl.domain.saved_cards import NewCustomer, NewSavedCard, RemoteCustomer, RemoteSavedCard
from cardctl.errors import ProviderRefused, ProviderUnavailable, ReplyLost, Unsupported
from cardctl.providers.base import Handed, Ping, Remote, Sighting
from cardctl.providers.http import Http
from cardctl.providers.paging import SAVED, Leaf, Source, Spot
from cardctl.providers.square import drafting, translate, whole, wire
from cardctl.providers.square.answering import Answering
from cardctl.providers.square.client import SquareClient
from cardctl.providers.square.judging import VERSION_MISMATCH, RefusedAgain
from cardctl.providers.square.oauth import Tokens
from cardctl.providers.square.webhooks import TYPES, SquareWebhooks

W = TypeVar("W")
R = TypeVar("R")
_SLOW = (408,)
"""UNCONFIRMED what it says of the request: the SDK (46.0.0) sends it again under the same key, and so do we."""


def build(handed: Handed) -> SquareProvider:
    """SecretMissing where there is no access token, nor what a seller's could be renewed with."""
    http = Http(
        SquareProvider.name,
        transport=handed.transport,
        timeout=handed.timeout,
        sleep=handed.sleep,
        random=handed.random,
        busy=_SLOW,
        on_call=handed.on_call,
        budget=handed.budget,
        breaker=handed.breaker,
        shown_path=wire.shown_path,
    )
    base = (handed.settings.get("base_url") or (wire.LIVE if handed.environment == "live" else wire.SANDBOX)).rstrip("/")
    tokens = Tokens(http, base, handed.secret, handed.settings.get("client_id"), handed.keep, handed.fresh)
    return SquareProvider(SquareClient(http, base, tokens), handed)


class SquareProvider:
    """Square: keeps a buyer's own card for a seller, who charges it; nothing is issued, funded or frozen."""

    name: ClassVar[str] = "square"
    key_life: ClassVar[timedelta | None] = timedelta(hours=24)  # UNCONFIRMED: Square does not say how long it keeps a key
    issue_carries: ClassVar[frozenset[str]] = frozenset()
    limits_together: ClassVar[bool] = False
    needs_load: ClassVar[bool] = False
    starts_itself: ClassVar[bool] = False
    lists_fundings: ClassVar[bool] = False
    links_captures: ClassVar[bool] = False
    rates: ClassVar[Mapping[str, float]] = {"live": 10, "sandbox": 10}  # UNCONFIRMED: none is published; a careful figure
    events_kept: ClassVar[timedelta] = timedelta(days=28)
    lists_every_event: ClassVar[bool] = False  # only what happened while search was enabled

    def __init__(self, client: SquareClient, handed: Handed) -> None:
        self._client = client
        self._settings = handed.settings
        self._location: str | None = handed.settings.get("location")
        self._answering = Answering(client, self._location)
        self.environment = handed.environment
        self.programme = handed.programme

    def ping(self) -> Ping:
        """No answer of Square's proves the mode: sandbox and live are two hosts with keys of their own."""
        reply = self._client.ping(self._location)
        return Ping(latency_ms=reply.latency_ms, clock=reply.date)

    def close(self) -> None:
        self._client.close()

    def send(self, draft: Draft, key: str) -> Remote:
        """The key goes into the body of what makes something; what changes something says what shall be."""
        try:
            answer = self._answer(draft, key, self._prepare(draft, key))
        except (ProviderRefused, RefusedAgain):
            already = self._answering.already(draft)
            if already is None:
                raise
            return already
        try:
            return self._answering.read(draft, answer)
        except translate.STRANGE:
            raise ReplyLost(f"square answered with something that is no {draft.subject}; the request may have run") from None

    def look_up(self, draft: Draft, mark: str) -> Sighting:
        try:
            return self._answering.look(draft, mark)
        except translate.STRANGE:
            raise _strange(draft.subject) from None

    def draft_customer(self, wanted: NewCustomer, mark: str) -> Draft:
        return drafting.customer_draft(wanted)

    def draft_saved_card(self, wanted: NewSavedCard, mark: str) -> Draft:
        return drafting.saved_card_draft(wanted, mark)

    def draft_disable(self, ref: str, mark: str) -> Draft:
        return drafting.disable_draft(ref)

    def draft_payment(self, wanted: NewPayment, mark: str) -> Draft:
        return drafting.payment_draft(wanted, self._location, mark)

    def draft_capture(self, ref: str, mark: str, *, amount: Money | None, tip: Money | None) -> Draft:
        return drafting.capture_draft(self.payment(ref), amount, tip)

    def draft_cancel(self, ref: str, mark: str) -> Draft:
        return drafting.cancel_draft(ref)

    def draft_refund(self, ref: str, amount: Money, mark: str, *, reason: str | None) -> Draft:
        return drafting.refund_draft(ref, amount, mark, reason)

    def customer(self, ref: str) -> RemoteCustomer:
        return _translated("customer", translate.customer_from_wire, self._client.customer, ref)

    def find_customer(self, person: str) -> RemoteCustomer | None:
        """Square finds a new customer only after up to a minute (SPEC)."""
        try:
            return self._answering.customer_called(translate.reference_of(person))
        except translate.STRANGE:
            raise _strange("customer") from None

    def saved_card(self, ref: str) -> RemoteSavedCard:
        return _translated("card", translate.card_from_wire, self._client.card, ref)

    def payment(self, ref: str) -> RemotePayment:
        return _translated("payment", translate.payment_from_wire, self._client.payment, ref)

    def refund(self, ref: str) -> RemoteRefund:
        return _translated("refund", translate.refund_from_wire, self._client.refund, ref)

    def cancel_by_key(self, key: str) -> None:
        self._client.cancel_by_key(key)

    def lists(self, source: Source) -> bool:
        return source in SAVED

    def openings(self, source: Source, *, known: Iterable[str], since: datetime | None) -> Iterator[Spot]:
        return whole.openings(source, since)

    def turn(self, spot: Spot, *, share: bool) -> Leaf:
        return whole.turn(self._client, self._location, spot, share=share)

    @property
    def webhooks(self) -> SquareWebhooks:
        return SquareWebhooks(self._settings, simulated=self.environment == "simulator")

    def events(self, *, since: datetime | None = None, until: datetime | None = None) -> Iterator[list[bytes]]:
        """As bodies whose signature is gone; their order is UNCONFIRMED. Unsupported where search is not enabled: UNCONFIRMED
        how that is said, so any refusal is taken for it."""
        bounds: dict[str, Any] = {"start_at": since, "end_at": until}
        told = {name: translate.moment_to_wire(at) for name, at in bounds.items() if at is not None}
        query = {"filter": {"event_types": list(TYPES)} | ({"created_at": told} if told else {})}
        try:
            for page in self._client.events({**query, "sort": {"field": "DEFAULT", "order": "DESC"}}):
                if page:
                    yield [orjson.dumps(event) for event in page]
        except ProviderRefused as error:
            hint = "search of events is a beta that is off by default: enable it in Square's API (PUT /v2/events/enable)"
            raise Unsupported(f"square lists no events: {error.message}", hint=hint, vendor_code=error.vendor_code) from error

    def _answer(self, draft: Draft, key: str, hold: RemotePayment | None) -> dict[str, Any]:
        """The answer to the draft itself. A hold that was changed for it is captured in that version and no other, which
        somebody may have made meanwhile; in a later one only where the amounts are still those."""
        named = key if draft.path in drafting.KEYED else None
        try:
            return self._client.write(
                draft.method, draft.path, drafting.body_of(draft, hold), key=named, urgent=draft.urgent, secret=draft.secret
            )
        except ProviderRefused as error:
            newer = self._answering.prepared(draft) if hold and error.vendor_code == VERSION_MISMATCH else None
            if newer is None:
                raise
        return self._client.write(draft.method, draft.path, drafting.body_of(draft, newer), key=named, secret=draft.secret)

    def _prepare(self, draft: Draft, key: str) -> RemotePayment | None:
        """What goes before, each under a key of its own; the hold as that leaves it, None where nothing goes before. A change
        that is refused since it has been made already is made."""
        hold: RemotePayment | None = None
        for number, step in enumerate(draft.prelude):
            try:
                named = drafting.prelude_key(key, number)
                answer = self._client.write(step["method"], step["path"], step["body"], key=named, secret=draft.secret)
                hold = self._answering.changed(draft, answer)
            except (ProviderRefused, RefusedAgain):
                hold = self._answering.prepared(draft)
                if hold is None:
                    raise
        return hold


def _translated(noun: str, translated: Callable[[W], R], ask: Callable[[str], W], name: str) -> R:
    """What Square has under a name, in our words."""
    try:
        return translated(ask(name))
    except translate.STRANGE:
        raise _strange(noun) from None


def _strange(noun: str) -> ProviderUnavailable:
    return ProviderUnavailable(f"square answered with something that is no {noun}")
