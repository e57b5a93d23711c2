"""The provider class: each method is a client call and a translation; it keeps no state and journals nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, cast

from cardctl.domain.accounts import AccountChange, Address, NewAccount, RemoteAccount
from cardctl.domain.cards import Credentials, NewCard, RemoteCard, WalletEligibility
from cardctl.domain.money import Money
from cardctl.domain.operations import Draft
from cardctl.domain.states import CardState, Move
from cardctl.domain.transactions import RemoteTransaction, TransactionState
from cardctl.errors import (
    BadAmount,
    BadConfig,
    BadInput,
    CardUnlimited,
    InsufficientBalance,
    ProviderRefused,
    ReplyLost,
    StateForbids,
)
from cardctl.providers.base import Handed, Ping, Purchase, Remote, Sighting
from cardctl.providers.http import Http
from cardctl.providers.paging import Leaf, Source, Spot
from cardctl.providers.stripe_issuing import drafting, translate, whole
from cardctl.providers.stripe_issuing.looking import look, made_from_wire
from cardctl.providers.stripe_issuing.sales import STRANGE
from cardctl.providers.stripe_issuing.selling import CHECKOUT, SALE_REFUND, Sells
from cardctl.providers.stripe_issuing.spending import replaced_by, spent
from cardctl.providers.stripe_issuing.wire import CARDHOLDERS, CARDS, StripeBalance, StripeCard, one_of

if TYPE_CHECKING:
    from cardctl.providers.stripe_issuing.client import StripeIssuingClient
    from cardctl.providers.stripe_issuing.webhooks import StripeWebhooks

_SKEW = 600
"""Seconds; how far Stripe's own clocks may disagree when a lost creation is looked for."""
_DEVELOPMENT_ADDRESS = Address(line1="1 Development Way", city="San Francisco", postal_code="94107", country="US", state="CA")


def build(handed: Handed) -> StripeProvider:
    """SecretMissing, SecretWrongMode (before anything is sent) or BadConfig where it cannot be used."""
    from cardctl.providers.stripe_issuing.client import StripeIssuingClient, mode_of  # noqa: PLC0415 - the SDK takes 0.1 s to import

    key = handed.secret("stripe.api_key").reveal()
    mode = mode_of(key, handed.environment)
    account = handed.settings.get("account")
    if account is not None and not str(account).startswith("acct_"):
        raise BadConfig(f"the setting stripe.account is {account!r}; a Stripe account is called acct_…")
    http = Http(
        StripeProvider.name,
        transport=handed.transport,
        timeout=handed.timeout,
        sleep=handed.sleep,
        random=handed.random,
        busy=(409,),  # a request under the same key is running (docs.stripe.com/error-low-level)
        on_call=handed.on_call,
        budget=handed.budget,
        breaker=handed.breaker,
    )
    client = StripeIssuingClient(http, key, account, handed.settings.get("base_url"))
    return StripeProvider(client, handed.environment, handed.programme, mode, handed.settings)


class StripeProvider(Sells):
    """Stripe Issuing: cardholders are accounts, and funding a card is raising its `all_time` spending limit. What customers pay
    is in selling.py."""

    name: ClassVar[str] = "stripe"
    key_life: ClassVar[timedelta | None] = timedelta(hours=24)  # docs.stripe.com/api/idempotent_requests
    issue_carries: ClassVar[frozenset[str]] = frozenset({"active", "limits", "allowance"})
    limits_together: ClassVar[bool] = True
    needs_load: ClassVar[bool] = False
    starts_itself: ClassVar[bool] = False
    lists_fundings: ClassVar[bool] = False
    links_captures: ClassVar[bool] = True
    rates: ClassVar[Mapping[str, float]] = {"live": 100, "sandbox": 25}  # docs.stripe.com/rate-limits
    events_kept: ClassVar[timedelta] = timedelta(days=30)  # docs.stripe.com/webhooks/process-undelivered-events
    lists_every_event: ClassVar[bool] = True
    limits_shared = False

    def __init__(
        self, client: StripeIssuingClient, environment: str, programme: str, mode: str, settings: Mapping[str, Any]
    ) -> None:
        self._client = client
        self._settings = settings
        self._mode = mode
        self.environment = environment
        self.programme = programme

    def ping(self) -> Ping:
        reply = self._client.balance()
        live = reply.data.get("livemode")
        mode = self._mode if live is None else "live" if live else "test"
        return Ping(latency_ms=reply.latency_ms, mode=mode, clock=reply.date)

    def close(self) -> None:
        self._client.close()

    def send(self, draft: Draft, key: str) -> Remote:
        wire = self._client.post(draft.path, draft.body, key, urgent=draft.urgent)
        try:
            return self._made(draft, wire) if draft.subject in (CHECKOUT, SALE_REFUND) else made_from_wire(draft, wire)
        except STRANGE:
            raise ReplyLost(f"stripe answered with something that is no {draft.subject}; the request may have run") from None

    def look_up(self, draft: Draft, mark: str) -> Sighting:
        if draft.subject not in (CHECKOUT, SALE_REFUND):
            return look(self._client, draft, mark)
        made = self._find_made(draft, mark)
        return Sighting(made is not None, made)

    def draft_account(self, wanted: NewAccount, mark: str) -> Draft:
        """BadInput without an address, which Stripe requires (SDK); in the simulator one is made up."""
        address = wanted.address or (_DEVELOPMENT_ADDRESS if self.environment == "simulator" else None)
        if address is None:
            raise BadInput("stripe needs the account's billing address")
        body = drafting.account_to_wire(wanted, address, mark)
        newest = self._client.newest_cardholder()
        before = {"since": newest["created"] - _SKEW} if newest else {}
        return Draft("POST", CARDHOLDERS, "account", body, before)

    def draft_account_change(self, ref: str, change: AccountChange, mark: str) -> Draft:
        """Stripe cannot change a name or a type (SDK), and neither can an AccountChange."""
        body = drafting.change_to_wire(change)
        if not body:
            raise BadInput("nothing is to be changed")
        now = self.account(ref)
        before = {"mark": now.mark, "status": now.raw.get("status")}
        return Draft("POST", one_of(CARDHOLDERS, ref), "account", {**body, "metadata": {translate.MARK: mark}}, before)

    def draft_card(self, wanted: NewCard, mark: str) -> Draft:
        """What replaced cards have spent counts against the new card's limits, so its allowance is put on top of that."""
        inherited = None
        if wanted.replaces_ref and wanted.allowance:
            replaced = self._client.card(wanted.replaces_ref)
            inherited = spent(self, [wanted.replaces_ref, *replaced_by(self._client, replaced)], wanted.currency)
        return Draft("POST", CARDS, "card", drafting.new_card_to_wire(wanted, inherited, mark))

    def draft_move(self, ref: str, move: Move, mark: str, reason: str | None) -> Draft:
        """Reads nothing: a freeze must not wait for a read. The metadata tells any other cardctl that the card was active."""
        body = drafting.move_to_wire(move, mark, reason)
        return Draft("POST", one_of(CARDS, ref), "card", body, urgent=move is Move.FREEZE)

    def draft_close(self, ref: str, mark: str, reason: str | None) -> Draft:
        body = drafting.move_to_wire(Move.CLOSE, mark, reason)
        return Draft("POST", one_of(CARDS, ref), "card", body, urgent=True)

    def draft_limits(self, ref: str, changes: Mapping[str, Money | None], mark: str) -> Draft:
        card = self._open_card(ref, "have its limits changed")
        drafting.currency_check(changes.values(), card["currency"].upper())
        return drafting.limits_draft(card, mark, changes=changes)

    def draft_fund(self, ref: str, amount: Money, mark: str, *, account_ref: str, set_allowance: bool = False) -> Draft:
        """`set_allowance` begins an allowance where there is none: `amount` over what was already spent, which an `all_time`
        limit counts too."""
        card = self._open_card(ref, "be funded")
        if card.get("status") != "active":
            hint = "our books are outdated: `cardctl card sync` brings them up to date"
            raise StateForbids(f"stripe has this card as {card.get('status')}: it must be active to be funded", hint=hint)
        allowance = self._allowance(card, amount)
        if allowance is not None:
            return drafting.limits_draft(card, mark, allowance=allowance + amount)
        if not set_allowance:
            raise CardUnlimited("this card has no allowance: nothing limits it, so there is nothing to raise")
        replaced = replaced_by(self._client, card)
        inherited = spent(self, replaced, amount.currency) if replaced else None
        return drafting.limits_draft(card, mark, allowance=spent(self, [ref], amount.currency) + amount, inherited=inherited)

    def draft_withdraw(self, ref: str, amount: Money, mark: str, *, account_ref: str, load: str | None = None) -> Draft:
        card = self._open_card(ref, "be withdrawn from")
        allowance = self._allowance(card, amount)
        if allowance is None:
            raise CardUnlimited("this card has no allowance: nothing limits it, so there is nothing to withdraw")
        gone = spent(self, [ref, *replaced_by(self._client, card)], amount.currency) - translate.inherited_from_wire(card)
        if amount > allowance - gone:
            raise InsufficientBalance(f"only {allowance - gone} of this card is unspent: {amount} cannot be withdrawn")
        return drafting.limits_draft(card, mark, allowance=allowance - amount)

    def float_balances(self) -> tuple[Money, ...]:
        return translate.float_from_wire(cast(StripeBalance, self._client.balance().data))

    def card(self, ref: str) -> RemoteCard:
        return translate.card_from_wire(self._client.card(ref))

    def cards(self, *, account_ref: str | None = None) -> Iterator[list[RemoteCard]]:
        for page in self._client.cards(cardholder=account_ref):
            yield [translate.listed_card_from_wire(card) for card in page]

    def account(self, ref: str) -> RemoteAccount:
        return translate.account_from_wire(self._client.cardholder(ref))

    def accounts(self) -> Iterator[list[RemoteAccount]]:
        for page in self._client.cardholders():
            yield [translate.account_from_wire(holder) for holder in page]

    def transactions(self, *, since: datetime | None = None) -> Iterator[list[RemoteTransaction]]:
        return self._events(None, since)

    def transactions_of(self, card_ref: str, *, since: datetime | None = None) -> Iterator[list[RemoteTransaction]]:
        return self._events(card_ref, since)

    def _events(self, card_ref: str | None, since: datetime | None) -> Iterator[list[RemoteTransaction]]:
        """Authorizations first, then transactions; newest first within each."""
        start = None if since is None else int(since.timestamp())
        for authorizations in self._client.authorizations(card=card_ref, since=start):
            yield [translate.authorization_from_wire(one) for one in authorizations]
        for transactions in self._client.transactions(card=card_ref, since=start):
            yield [translate.transaction_from_wire(one) for one in transactions]

    def lists(self, source: Source) -> bool:
        return source in whole.LISTED

    def openings(self, source: Source, *, known: Iterable[str], since: datetime | None) -> Iterator[Spot]:
        return whole.openings(source, since)

    def turn(self, spot: Spot, *, share: bool) -> Leaf:
        return whole.turn(self._client, spot, self._names, share=share)

    @property
    def webhooks(self) -> StripeWebhooks:
        from cardctl.providers.stripe_issuing.webhooks import StripeWebhooks  # noqa: PLC0415 - the SDK takes 0.1 s to import

        return StripeWebhooks(self._settings)

    def events(self, *, since: datetime | None = None, until: datetime | None = None) -> Iterator[list[bytes]]:
        """As bodies whose signature is gone; those in the second of `until` are among them."""
        start = None if since is None else int(since.timestamp())
        end = None if until is None else int(until.timestamp()) + 1
        return self._client.events(since=start, until=end)

    def reveal(self, ref: str) -> Credentials:
        credentials = translate.credentials_from_wire(self._client.revealed(ref))
        if credentials is None:
            raise ProviderRefused(
                "stripe did not give this card's number", hint="in live mode only virtual cards have one to give"
            )
        return credentials

    def wallet_eligibility(self, ref: str) -> tuple[WalletEligibility, ...]:
        return translate.wallets_from_wire(self._client.card(ref))

    def test_purchase(self, ref: str, amount: Money, merchant: str, *, hold: bool = False) -> Purchase:
        """Stripe's test helpers (SDK 16.1.0). ProviderRefused by a live key, which Stripe does not let near them."""
        opened = self._client.authorise(ref, amount.minor, amount.currency.lower(), merchant)
        authorization = translate.authorization_from_wire(opened)
        if authorization.state is not TransactionState.DECLINED and not hold:
            opened = self._client.capture(authorization.ref)
        return translate.purchase_from_wire(opened)

    def _open_card(self, ref: str, wish: str) -> StripeCard:
        card = self._client.card(ref)
        if translate.card_from_wire(card).state is CardState.CLOSED:
            raise StateForbids(f"a card that is closed cannot {wish}")
        return card

    def _allowance(self, card: StripeCard, amount: Money) -> Money | None:
        currency = card["currency"].upper()
        if amount.currency != currency:
            raise BadInput(f"{amount} is not in the card's currency, {currency}")
        if amount.minor <= 0:
            raise BadAmount(f"{amount} cannot be moved: an amount is more than nothing")
        return translate.allowance_from_wire(card)
