"""The provider class: wishes are drafted, sent and read by the rooms beside it; it keeps no state and journals nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import ClassVar

from cardctl.domain.accounts import AccountChange, NewAccount, RemoteAccount
from cardctl.domain.cards import Credentials, NewCard, RemoteCard
from cardctl.domain.money import Money
from cardctl.domain.operations import Draft
from cardctl.domain.states import Move
from cardctl.domain.transactions import RemoteTransaction
from cardctl.errors import BadConfig, BadInput, ProviderRefused, ReplyLost, Unsupported
from cardctl.providers.base import Handed, Ping, Remote, Sighting
from cardctl.providers.http import Http
from cardctl.providers.paging import Leaf, Source, Spot
from cardctl.providers.strowallet import drafting, enrolling, rows, whole, wire
from cardctl.providers.strowallet.client import StrowalletClient
from cardctl.providers.strowallet.outcomes import Outcomes
from cardctl.providers.strowallet.reading import STRANGE, Reader
from cardctl.providers.strowallet.webhooks import StrowalletWebhooks


def build(handed: Handed) -> StrowalletProvider:
    """SecretMissing, or BadConfig where the product is none."""
    product = handed.settings.get("product") or wire.BITVCARD
    if product not in wire.BASE_URLS:
        raise BadConfig(f"the setting strowallet.product is {product!r}", hint=f"one of {', '.join(wire.BASE_URLS)}")
    nfc, sandbox = product == wire.NFC, handed.environment == "sandbox"
    slash = not nfc and handed.settings.get("trailing_slash") is not False
    http = Http(
        StrowalletProvider.name,
        transport=handed.transport,
        timeout=handed.timeout,
        sleep=handed.sleep,
        random=handed.random,
        on_call=handed.on_call,
        budget=handed.budget,
        breaker=handed.breaker,
    )
    base, key = handed.settings.get("base_url") or wire.BASE_URLS[product], handed.secret("strowallet.public_key").reveal()
    # The NFC product refuses a `mode`, and has no other sandbox either.
    client = StrowalletClient(http, base.rstrip("/"), key, nfc=nfc, slash=slash, sandbox=sandbox and not nfc)
    return StrowalletProvider(client, drafting.Drafter(nfc=nfc, slash=slash, sandbox=sandbox), handed)


class StrowalletProvider:
    """Strowallet: a customer's cards are funded as they are made, and hold their own balances in dollars."""

    name: ClassVar[str] = "strowallet"
    key_life: ClassVar[timedelta | None] = None
    issue_carries: ClassVar[frozenset[str]] = frozenset({"active", "allowance"})
    limits_together: ClassVar[bool] = True
    needs_load: ClassVar[bool] = False
    starts_itself: ClassVar[bool] = True
    lists_fundings: ClassVar[bool] = True
    links_captures: ClassVar[bool] = False
    rates: ClassVar[Mapping[str, float]] = {"live": 5, "sandbox": 5}  # UNCONFIRMED: no figure is published

    def __init__(self, client: StrowalletClient, drafter: drafting.Drafter, handed: Handed) -> None:
        self._client = client
        self._drafter = drafter
        self._document = handed.document
        self._history = handed.environment != "sandbox"
        self._reader = Reader(client, whole=self._history)
        self._outcomes = Outcomes(self._reader, handed.sleep, nfc=client.nfc)
        self.environment = handed.environment
        self.programme = handed.programme

    def ping(self) -> Ping:
        """Its keys have no mode that could be proven."""
        _, reply = self._client.wallet()
        return Ping(latency_ms=reply.latency_ms, clock=reply.date)

    def close(self) -> None:
        self._client.close()

    def send(self, draft: Draft, key: str) -> Remote:
        """`key` is not sent: Strowallet takes none."""
        body = enrolling.with_documents(draft.body, self._document)
        answer = self._client.write(draft.method, draft.path, body, repeatable=draft.repeatable, urgent=draft.urgent)
        try:
            return self._outcomes.told(draft, answer)
        except STRANGE:
            raise ReplyLost(
                f"strowallet answered with something that is no {draft.subject}; the request may have run"
            ) from None

    def look_up(self, draft: Draft, mark: str) -> Sighting:
        return self._outcomes.seen(draft)

    def draft_account(self, wanted: NewAccount, mark: str) -> Draft:
        """BadInput naming everything that is missing (in the simulator it is made up), or where the email is taken."""
        making = enrolling.nfc_customer_body if self._client.nfc else enrolling.customer_body
        body = making(wanted, made_up=mark if self.environment == "simulator" else None)
        email = enrolling.email_of(body)
        if self._knows(email):
            raise BadInput(f"strowallet has a customer {email} already", hint="an email names one customer; choose another")
        endpoint = wire.NFC_KYC if self._client.nfc else wire.CREATE_USER
        return self._drafter.draft(endpoint, "account", body, before={"known": False})

    def draft_account_change(self, ref: str, change: AccountChange, mark: str) -> Draft:
        """A phone and an address, of product bitvcard alone."""
        body = enrolling.change_body(ref, change)
        if self._client.nfc:
            raise Unsupported("strowallet cannot change a customer of its NFC product")
        return self._drafter.draft(wire.UPDATE_USER, "account", body, method="PUT")

    def draft_card(self, wanted: NewCard, mark: str) -> Draft:
        drafting.check_card(wanted)
        return self._drafter.card(wanted, self._reader.customer(wanted.account_ref))

    def draft_move(self, ref: str, move: Move, mark: str, reason: str | None) -> Draft:
        """Strowallet takes no reason."""
        return self._drafter.move(ref, move)

    def draft_fund(self, ref: str, amount: Money, mark: str, *, account_ref: str, set_allowance: bool = False) -> Draft:
        drafting.check_amount(amount)
        return self._drafter.fund(self._reader.card(ref), amount, self._rows(ref))

    def draft_withdraw(self, ref: str, amount: Money, mark: str, *, account_ref: str, load: str | None = None) -> Draft:
        drafting.check_amount(amount)
        return self._drafter.withdraw(self._reader.card(ref), amount, self._rows(ref))

    def float_balances(self) -> tuple[Money, ...]:
        return self._reader.float_balances()

    def card(self, ref: str) -> RemoteCard:
        return self._reader.card(ref)

    def account(self, ref: str) -> RemoteAccount:
        return self._reader.account(ref)

    def transactions_of(self, card_ref: str, *, since: datetime | None = None) -> Iterator[list[RemoteTransaction]]:
        return self._reader.transactions(card_ref, since)

    def lists(self, source: Source) -> bool:
        return False

    def openings(self, source: Source, *, known: Iterable[str], since: datetime | None) -> Iterator[Spot]:
        return whole.openings(source, known, since)

    def turn(self, spot: Spot, *, share: bool) -> Leaf:
        return whole.turn(self._client, spot, history=self._history)

    @property
    def webhooks(self) -> StrowalletWebhooks:
        return StrowalletWebhooks()

    def reveal(self, ref: str) -> Credentials:
        return self._reader.credentials(ref)

    def _knows(self, email: str) -> bool:
        """UNCONFIRMED in which words it says that it knows nobody, so any no is taken for that."""
        with suppress(ProviderRefused):
            self._reader.account_by_email(email)
            return True
        return False

    def _rows(self, ref: str) -> list[str]:
        return sorted(rows.ids_of(self._client.recent(ref)))
