"""The provider class: each method is a client call and a translation; it keeps no state and journals nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, ClassVar, cast

from cardctl.domain.accounts import AccountChange, Address, NewAccount, RemoteAccount
from cardctl.domain.cards import Credentials, NewCard, RemoteCard
from cardctl.domain.events import Expected
from cardctl.domain.money import Money
from cardctl.domain.operations import Draft
from cardctl.domain.redaction import redact_json
from cardctl.domain.states import Move
from cardctl.domain.transactions import RemoteTransaction
from cardctl.errors import (
    BadConfig,
    BadInput,
    InsufficientBalance,
    ProviderRefused,
    ProviderUnavailable,
    ReplyLost,
    StateForbids,
)
from cardctl.providers.base import Handed, Ping, Purchase, Remote, Sighting
from cardctl.providers.http import Http
from cardctl.providers.marqeta import drafting, transactions, translate, whole, wire
from cardctl.providers.marqeta.answering import Answering
from cardctl.providers.marqeta.client import MarqetaClient
from cardctl.providers.marqeta.reading import Reading
from cardctl.providers.marqeta.resending import Resending
from cardctl.providers.marqeta.webhooks import MarqetaWebhooks
from cardctl.providers.marqeta.wire import MarqetaTransaction
from cardctl.providers.paging import Leaf, Source, Spot

SANDBOX = "https://sandbox-api.marqeta.com/v3"
SANDBOX_FUNDING = "sandbox_program_funding"
"""UNCONFIRMED that every public sandbox comes with it; the setting marqeta.funding_source names another."""
_WALLETS = {"apple": "applepay", "google": "androidpay"}
_DEVELOPMENT_ADDRESS = Address(line1="1 Development Way", city="Oakland", postal_code="94612", country="US", state="CA")
_DEVELOPMENT_BIRTH = "1990-01-01"


def build(handed: Handed) -> MarqetaProvider:
    """SecretMissing, or BadConfig where a live programme's host is not set: each has its own."""
    base_url = handed.settings.get("base_url")
    if base_url is None and handed.environment == "live":
        raise BadConfig("the setting marqeta.base_url is missing", hint="a live programme has a host of its own, with /v3")
    http = Http(
        MarqetaProvider.name,
        transport=handed.transport,
        timeout=handed.timeout,
        sleep=handed.sleep,
        random=handed.random,
        on_call=handed.on_call,
        budget=handed.budget,
        breaker=handed.breaker,
    )
    tokens = (handed.secret(f"marqeta.{name}").reveal() for name in ("application_token", "admin_access_token"))
    return MarqetaProvider(MarqetaClient(http, base_url or SANDBOX, *tokens), handed)


class MarqetaProvider:
    """Marqeta: users are accounts; funding a card is loading its holder's GPA, and limits are the holder's too."""

    name: ClassVar[str] = "marqeta"
    key_life: ClassVar[timedelta | None] = timedelta(days=36500)  # a token names its object for good
    issue_carries: ClassVar[frozenset[str]] = frozenset()
    limits_together: ClassVar[bool] = False
    needs_load: ClassVar[bool] = True
    starts_itself: ClassVar[bool] = False
    lists_fundings: ClassVar[bool] = False  # a load is the holder's, and its message names no card
    links_captures: ClassVar[bool] = False
    rates: ClassVar[Mapping[str, float]] = {"live": 10, "sandbox": 10}  # UNCONFIRMED: each programme has a limit of its own

    def __init__(self, client: MarqetaClient, handed: Handed) -> None:
        self._client = client
        self._reading = Reading(client)
        self._answering = Answering(client, self._reading)
        self._resending = Resending(client)
        self._settings = handed.settings
        self._document: Callable[[str], str | None] = handed.document
        self.environment = handed.environment
        self.programme = handed.programme

    @property
    def limits_shared(self) -> bool:
        return not self._settings.get("user_per_card")

    def ping(self) -> Ping:
        """No answer of Marqeta's proves the mode: the base URL decides."""
        reply = self._client.ping()
        if reply.data.get("success") is False:
            raise ProviderUnavailable("marqeta says that it is not well")
        return Ping(latency_ms=reply.latency_ms, clock=reply.date)

    def close(self) -> None:
        self._client.close()

    def send(self, draft: Draft, key: str) -> Remote:
        """The key is the mark, which the body has as its token."""
        for step in draft.prelude:
            self._client.write(step["method"], step["path"], step["body"], urgent=draft.urgent, preparing=True)
        body = drafting.with_documents(draft.body, self._document)
        keyed = draft.path != wire.UNLOADS  # UNCONFIRMED that an unload's token gives the first answer again
        try:
            answer = self._client.write(draft.method, draft.path, body, keyed=keyed, urgent=draft.urgent)
        except ProviderRefused:
            already = self._answering.already(draft)
            if already is None:
                raise
            return already
        try:
            return self._answering.read(draft, answer, key)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError, BadInput):
            raise ReplyLost(f"marqeta answered with something that is no {draft.subject}; the request may have run") from None

    def look_up(self, draft: Draft, mark: str) -> Sighting:
        return self._answering.look(draft, mark)

    def draft_account(self, wanted: NewAccount, mark: str) -> Draft:
        """What KYC wants is the programme's own affair, so Marqeta's refusal is left to decide; in the simulator an address and
        a date of birth are made up. The draft names a document that is sent, and does not hold it."""
        if self.environment == "simulator":
            address, birth_date = wanted.address or _DEVELOPMENT_ADDRESS, wanted.birth_date or _DEVELOPMENT_BIRTH
            wanted = replace(wanted, address=address, birth_date=birth_date)
        body = drafting.account_to_wire(wanted, mark)
        drafting.with_documents(body, self._document)
        return Draft("POST", wire.USERS, "account", body)

    def draft_account_change(self, ref: str, change: AccountChange, mark: str) -> Draft:
        """Data and status are two requests; of both, the data goes first."""
        status = None if change.active is None else "ACTIVE" if change.active else "SUSPENDED"
        if change == AccountChange(active=change.active):
            if status is None:
                raise BadInput("nothing is to be changed")
            return drafting.user_transition(ref, status, mark)
        user = self._client.user(ref)
        body, path = drafting.change_to_wire(change, user, mark), wire.one_of(wire.USERS, ref)
        if status is not None:
            return drafting.user_transition(ref, status, mark, [{"method": "PUT", "path": path, "body": body}])
        before = {"user": ref, "mark": (user.get("metadata") or {}).get(translate.MARK)}
        return Draft("PUT", path, "account", body, before)

    def draft_account_close(self, ref: str, mark: str) -> Draft:
        return drafting.user_transition(ref, "CLOSED", mark)

    def draft_card(self, wanted: NewCard, mark: str) -> Draft:
        """A replacement is issued to the same user, of the same product, as the card that it replaces."""
        limits = wanted.limits
        drafting.currency_check(
            (*(getattr(limits, name) for name in translate.LIMIT_NAMES.values()), wanted.allowance), wanted.currency
        )
        prelude: list[dict[str, Any]] = []
        if wanted.replaces_ref:
            replaced = self._client.card(wanted.replaces_ref)
            user, product = replaced["user_token"], replaced["card_product_token"]
        else:
            product = self._product(wanted.type, prelude)
            user = self._user_for_card(wanted.account_ref, mark, prelude)
        body = drafting.card_to_wire(wanted, user, product, mark)
        return Draft("POST", wire.CARDS, "card", body, prelude=prelude)

    def draft_move(self, ref: str, move: Move, mark: str, reason: str | None) -> Draft:
        return drafting.move_draft(ref, move, mark, reason)

    def draft_close(self, ref: str, mark: str, reason: str | None) -> Draft:
        return drafting.move_draft(ref, Move.CLOSE, mark, reason)

    def draft_limits(self, ref: str, changes: Mapping[str, Money | None], mark: str) -> Draft:
        """They are the limits of the card's user: of all cards of the account, unless each card has a user of its own."""
        if len(changes) != 1:
            raise BadInput("marqeta sets one limit at a time")
        card = self._client.card(ref)
        if card.get("state") == "TERMINATED":
            raise StateForbids("a card that is closed cannot have its limits changed")
        currency = self._reading.currency(card)
        drafting.currency_check(changes.values(), currency)
        ((name, wanted),) = changes.items()
        return drafting.limit_draft(card, self._client.controls_of(card["user_token"]), name, wanted, currency, mark)

    def draft_fund(self, ref: str, amount: Money, mark: str, *, account_ref: str, set_allowance: bool = False) -> Draft:
        """Loads the holder's GPA from the programme's funding source; a balance is always there, so no allowance is begun."""
        source = self._settings.get("funding_source")
        if source is None and self.environment == "live":
            raise BadConfig("the setting marqeta.funding_source is missing", hint="Marqeta names it to a live programme")
        return drafting.load_draft(ref, amount, source or SANDBOX_FUNDING, mark, account_ref)

    def draft_withdraw(self, ref: str, amount: Money, mark: str, *, account_ref: str, load: str | None = None) -> Draft:
        """Unloads the order that brought the money, of which no more can be taken back than it brought (412)."""
        if load is None:
            raise BadInput("marqeta takes money back by the order that brought it, and none was named")
        draft = drafting.unload_draft(ref, amount, load, mark, account_ref)
        unspent = self._reading.available(account_ref, amount.currency)
        if unspent is not None and amount > unspent:
            raise InsufficientBalance(f"only {unspent} of the holder's balance is unspent: {amount} cannot be withdrawn")
        return draft

    def card(self, ref: str) -> RemoteCard:
        return self._reading.card(ref)

    def account(self, ref: str) -> RemoteAccount:
        return self._reading.account(ref)

    def cards(self, *, account_ref: str | None = None) -> Iterator[list[RemoteCard]]:
        return self._reading.cards(account_ref)

    def accounts(self) -> Iterator[list[RemoteAccount]]:
        return self._reading.accounts()

    def transactions(self, *, since: datetime | None = None) -> Iterator[list[RemoteTransaction]]:
        return self._reading.transactions(None, since)

    def transactions_of(self, card_ref: str, *, since: datetime | None = None) -> Iterator[list[RemoteTransaction]]:
        return self._reading.transactions(card_ref, since)

    def lists(self, source: Source) -> bool:
        return True

    def openings(self, source: Source, *, known: Iterable[str], since: datetime | None) -> Iterator[Spot]:
        return whole.openings(source, since)

    def turn(self, spot: Spot, *, share: bool) -> Leaf:
        return whole.turn(self._client, spot)

    @property
    def webhooks(self) -> MarqetaWebhooks:
        return MarqetaWebhooks()

    def expected(self, since: datetime, card_refs: Sequence[str]) -> Iterator[list[Expected]]:
        return self._resending.expected(since, card_refs)

    def resend(self, expected: Expected) -> bytes:
        return self._resending.resend(expected)

    def reveal(self, ref: str) -> Credentials:
        credentials = translate.credentials_from_wire(self._client.revealed(ref))
        if credentials is None:
            raise ProviderRefused("marqeta did not give this card's number", hint="showing it is a right of its own there")
        return credentials

    def relay_wallet(self, ref: str, wallet: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        """A request to put the card into a phone has no token: what was lost is asked for again by the phone."""
        if wallet not in _WALLETS:
            raise BadInput(f"marqeta knows no wallet {wallet!r}", hint=f"one of {', '.join(_WALLETS)}")
        path = f"/digitalwalletprovisionrequests/{_WALLETS[wallet]}"
        answer: dict[str, Any] = redact_json(self._client.write("POST", path, {**asked, "card_token": ref}, keyed=False))
        return answer

    def test_purchase(self, ref: str, amount: Money, merchant: str, *, hold: bool = False) -> Purchase:
        """By the sandbox's simulation, which live programmes do not have; a repetition would be another purchase."""
        opened = self._simulate("authorization", drafting.purchase_to_wire(ref, amount, merchant))
        held = transactions.purchase_from_wire(opened, None)
        if hold or not held.approved:
            return held
        told = {"original_transaction_token": held.authorization, "amount": drafting.amount_of(amount)}
        return transactions.purchase_from_wire(opened, self._simulate("clearing", told))

    def _simulate(self, what: str, body: Mapping[str, Any]) -> MarqetaTransaction:
        answer = self._client.write("POST", f"/simulate/{what}", body, keyed=False)
        transaction = answer.get("transaction")
        if not isinstance(transaction, dict) or "token" not in transaction:
            raise ReplyLost(f"marqeta answered with something that is no {what}; the purchase may have been made")
        return cast(MarqetaTransaction, transaction)

    def _product(self, kind: str, prelude: list[dict[str, Any]]) -> str:
        """The card product that was set, the first that makes virtual cards, or one that is made on the way."""
        named = self._settings.get("card_product")
        if named:
            return str(named)
        if kind != "virtual":
            raise BadInput(f"a {kind} card needs the setting marqeta.card_product")
        for page in self._client.products():
            for product in page:
                if _makes_virtual_cards(product):
                    return str(product["token"])
        prelude.append(drafting.virtual_product())
        return drafting.VIRTUAL_PRODUCT

    def _user_for_card(self, account_ref: str, mark: str, prelude: list[dict[str, Any]]) -> str:
        if self.limits_shared:
            return account_ref
        child = drafting.card_user(self._client.user(account_ref), mark)
        prelude.append(child)
        return str(child["body"]["token"])


def _makes_virtual_cards(product: Mapping[str, Any]) -> bool:
    fulfilment = (product.get("config") or {}).get("fulfillment") or {}
    allowed = fulfilment.get("allow_card_creation") is not False
    return bool(product.get("active")) and allowed and fulfilment.get("payment_instrument") == "VIRTUAL_PAN"
