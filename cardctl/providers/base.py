"""What a provider is: one small base class, capability protocols, and the one place that says no."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar, runtime_checkable

from cardctl.domain.accounts import AccountChange, NewAccount, RemoteAccount
from cardctl.domain.cards import CardNews, Credentials, NewCard, RemoteCard
from cardctl.domain.esims import RemotePurchase, RemoteWalletTopUp
from cardctl.domain.money import Money
from cardctl.domain.operations import Draft
from cardctl.domain.redaction import Secret
from cardctl.domain.sales import RemoteCheckout, RemoteSale, RemoteSaleRefund
from cardctl.domain.saved_cards import RemoteSaved
from cardctl.domain.states import Move
from cardctl.domain.transactions import RemoteTransaction
from cardctl.errors import Unsupported
from cardctl.providers.guarding import Breaker, Budget, Call
from cardctl.providers.notifying import ListsEvents, ReceivesWebhooks, ResendsEvents
from cardctl.providers.paging import ReadsWhole
from cardctl.providers.relaying import ProvisionsWallets, RelaysWallets
from cardctl.providers.saving import CancelsByKey, ChargesSavedCards, ReadsPayments, ReadsSavedCards, SavesCards
from cardctl.providers.selling import KeepsWallet, ReadsSales, RefundsPurchases, SellsEsims, TakesPayments, TopsUpWallet

if TYPE_CHECKING:
    import httpx

RemoteSold = RemoteCheckout | RemoteSale | RemoteSaleRefund | RemotePurchase
"""What is sold to customers, and what is bought for them."""
Remote = RemoteCard | RemoteAccount | CardNews | RemoteSaved | RemoteSold | RemoteWalletTopUp


@dataclass(frozen=True, slots=True)
class Handed:
    """What the composition root hands to a provider: it reads no settings, secrets, environment, clock or database itself.

    `secret` gives a secret by its name (`stripe.api_key`) or raises SecretMissing. `transport` None is the real network.
    `timeout` is seconds for one attempt; `sleep` and `random` (0 to 1) serve the waits between attempts. `on_call` hears of
    every attempt, when it has ended. `document` gives a document by its name (domain.accounts.DOCUMENTS), None: not at hand.
    `keep` takes a secret that the provider has renewed, by its name, for later runs; it raises nothing. `fresh` gives a secret
    as `secret` does, asking where it lies anew: another process may have renewed it."""

    environment: str
    programme: str
    settings: Mapping[str, Any]
    secret: Callable[[str], Secret]
    transport: httpx.BaseTransport | None
    timeout: float
    sleep: Callable[[float], None]
    random: Callable[[], float]
    on_call: Callable[[Call], None] | None = None
    document: Callable[[str], str | None] = lambda _name: None
    keep: Callable[[str, Secret], None] | None = None
    fresh: Callable[[str], Secret] | None = None
    budget: Budget | None = None
    breaker: Breaker | None = None


@dataclass(frozen=True, slots=True)
class Sighting:
    """What looking tells of a write whose reply is missing.

    happened True: it surely took effect, and `remote` is the object now. False: it has not taken effect so far (conclusive only
    when the request can no longer be on its way). None: looking cannot tell."""

    happened: bool | None
    remote: Remote | None = None


@dataclass(frozen=True, slots=True)
class Purchase:
    """What became of a test purchase; `reason` is the provider's word, `settlement` None where nothing was captured."""

    approved: bool
    reason: str
    authorization: str
    settlement: str | None = None


@dataclass(frozen=True, slots=True)
class Ping:
    """The provider answered and took the key. `mode` is "test" or "live" where it can be proven; `clock` its Date header."""

    latency_ms: int
    mode: str | None = None
    clock: datetime | None = None


class Provider(Protocol):
    """Every provider. Writes are made in two steps, so that the journal can keep the exact request between them:

    a `draft_…` method (may read, writes nothing) gives a Draft; `send(draft, key)` sends it, once decided. `mark` is the
    operation's id, left at the provider where it keeps such things, so that `look_up(draft, mark)` can settle a lost reply.
    Errors of send: ProviderRefused (its explicit no), ProviderUnavailable (surely nothing ran), ReplyLost/ServerFailed (may
    have run), SecretRefused (401). `key_life` is how long the provider remembers a key, None where it takes none.

    Facts that decide how many requests a wish needs: `issue_carries` names what the making of a card brings along (of "limits",
    "active", "allowance"; the rest are writes of their own, in that order); `limits_together`: one request sets several limits;
    `needs_load`: money is taken back by the name of the funding that brought it; `starts_itself`: a new card becomes active by
    the provider's own doing, a while after it was made. `lists_fundings`: its history has a row for what we put on a card or
    take off; `links_captures`: a capture names its authorization, so that one without is a forced one. `rates`: requests a
    second by environment, where its limit is known.
    """

    name: ClassVar[str]
    key_life: ClassVar[timedelta | None]
    issue_carries: ClassVar[frozenset[str]]
    limits_together: ClassVar[bool]
    needs_load: ClassVar[bool]
    starts_itself: ClassVar[bool]
    lists_fundings: ClassVar[bool]
    links_captures: ClassVar[bool]
    rates: ClassVar[Mapping[str, float]]
    environment: str
    programme: str

    def ping(self) -> Ping: ...
    def close(self) -> None: ...
    def send(self, draft: Draft, key: str) -> Remote: ...
    def look_up(self, draft: Draft, mark: str) -> Sighting: ...


@runtime_checkable
class IssuesCards(Protocol):
    """Makes accounts and cards."""

    def draft_account(self, wanted: NewAccount, mark: str) -> Draft: ...
    def draft_account_change(self, ref: str, change: AccountChange, mark: str) -> Draft: ...
    def draft_card(self, wanted: NewCard, mark: str) -> Draft: ...


@runtime_checkable
class ClosesAccounts(Protocol):
    """Closes an account for good."""

    def draft_account_close(self, ref: str, mark: str) -> Draft: ...


@runtime_checkable
class ControlsCards(Protocol):
    """Activates, freezes and unfreezes a card; reads nothing first. `move` is none of CLOSE."""

    def draft_move(self, ref: str, move: Move, mark: str, reason: str | None) -> Draft: ...


@runtime_checkable
class ClosesCards(Protocol):
    """Closes a card for good; reads nothing first."""

    def draft_close(self, ref: str, mark: str, reason: str | None) -> Draft: ...


@runtime_checkable
class LimitsCards(Protocol):
    """Changes the limits named in `changes` (words of domain.cards.Limits); None takes one off, all others stay as they are.
    `limits_shared`: they are the holder's, and hold for all cards of the account together."""

    @property
    def limits_shared(self) -> bool: ...

    def draft_limits(self, ref: str, changes: Mapping[str, Money | None], mark: str) -> Draft: ...


@runtime_checkable
class FundsCards(Protocol):
    """Moves money onto and off a card. Errors: CardUnlimited, InsufficientBalance (withdrawing more than is unspent).
    `account_ref` is the holder's; `load` the funding that is taken back, where the provider wants its name (`needs_load`)."""

    def draft_fund(self, ref: str, amount: Money, mark: str, *, account_ref: str, set_allowance: bool = False) -> Draft: ...
    def draft_withdraw(self, ref: str, amount: Money, mark: str, *, account_ref: str, load: str | None = None) -> Draft: ...


@runtime_checkable
class ReportsBalance(Protocol):
    """The float: what the programme has at the provider, one Money per currency."""

    def float_balances(self) -> tuple[Money, ...]: ...


@runtime_checkable
class ReadsCards(Protocol):
    """Reads one account or card. ProviderHasNot where there is none."""

    def card(self, ref: str) -> RemoteCard: ...
    def account(self, ref: str) -> RemoteAccount: ...


@runtime_checkable
class ListsCards(Protocol):
    """Lists all accounts and cards of the programme, or the cards of one account, page by page, each once, in any order."""

    def cards(self, *, account_ref: str | None = None) -> Iterator[list[RemoteCard]]: ...
    def accounts(self) -> Iterator[list[RemoteAccount]]: ...


@runtime_checkable
class ReadsTransactions(Protocol):
    """Reads the money events of one card, page by page; `since` is when the event was made."""

    def transactions_of(self, card_ref: str, *, since: datetime | None = None) -> Iterator[list[RemoteTransaction]]: ...


@runtime_checkable
class ListsTransactions(Protocol):
    """Lists the money events of the whole programme, page by page; `since` is when the event was made."""

    def transactions(self, *, since: datetime | None = None) -> Iterator[list[RemoteTransaction]]: ...


@runtime_checkable
class RevealsCredentials(Protocol):
    """Gives a card's numbers, for one look."""

    def reveal(self, ref: str) -> Credentials: ...


@runtime_checkable
class SimulatesPurchases(Protocol):
    """Makes a purchase in the provider's own test mode: authorised and, unless `hold`, captured. Gives the provider's refs."""

    def test_purchase(self, ref: str, amount: Money, merchant: str, *, hold: bool = False) -> Purchase: ...


CAPABILITIES: dict[str, type] = {
    "issues_cards": IssuesCards,
    "closes_accounts": ClosesAccounts,
    "controls_cards": ControlsCards,
    "closes_cards": ClosesCards,
    "limits_cards": LimitsCards,
    "funds_cards": FundsCards,
    "reports_balance": ReportsBalance,
    "reads_cards": ReadsCards,
    "lists_cards": ListsCards,
    "reads_transactions": ReadsTransactions,
    "lists_transactions": ListsTransactions,
    "reads_whole": ReadsWhole,
    "reveals_credentials": RevealsCredentials,
    "provisions_wallets": ProvisionsWallets,
    "relays_wallets": RelaysWallets,
    "simulates_purchases": SimulatesPurchases,
    "saves_cards": SavesCards,
    "reads_saved_cards": ReadsSavedCards,
    "charges_saved_cards": ChargesSavedCards,
    "reads_payments": ReadsPayments,
    "cancels_by_key": CancelsByKey,
    "takes_payments": TakesPayments,
    "reads_sales": ReadsSales,
    "sells_esims": SellsEsims,
    "refunds_purchases": RefundsPurchases,
    "keeps_wallet": KeepsWallet,
    "tops_up_wallet": TopsUpWallet,
    "receives_webhooks": ReceivesWebhooks,
    "lists_events": ListsEvents,
    "resends_events": ResendsEvents,
}
"""Every capability by the name that `provider list` and the README show."""
C = TypeVar("C")


def capabilities(provider: object) -> tuple[str, ...]:
    """The names of what `provider` (an instance or a class) can do."""
    return tuple(name for name, protocol in CAPABILITIES.items() if all(hasattr(provider, m) for m in _methods(protocol)))


def require(provider: Provider, capability: type[C]) -> C:
    """`provider`, narrowed to `capability`; Unsupported, naming the wish, where it cannot."""
    if isinstance(provider, capability):
        return provider
    wish = next(name.replace("_", " ") for name, protocol in CAPABILITIES.items() if protocol is capability)
    raise Unsupported(f"{provider.name} cannot do this: {wish}", hint="see who can with `cardctl provider list`")


def _methods(protocol: type) -> set[str]:
    members = vars(protocol).items()
    return {name for name, member in members if not name.startswith("_") and (callable(member) or isinstance(member, property))}
