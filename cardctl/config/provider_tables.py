"""What may stand in a profile about each provider, and about the server that mails go through."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from cardctl.config.values import Currencies, Section, Url, Word


class ProviderTable(Section):
    """What every provider's table may hold. `rate_limit` is requests a second; None leaves it to the provider's own figure.
    `base_url` None is the provider's own; in the simulator it may name a `simulator serve`."""

    rate_limit: Annotated[int | None, Field(gt=0)] = None
    base_url: Url = None


class OrderNames(Section):
    """How a payment's metadata calls what an order is made of."""

    offer: Word = "offerId"
    recipient: Word = "recipientEmail"
    full_name: Word = "fullName"
    transaction: Word = "transactionId"


class StripeTable(ProviderTable):
    """`order_names`: how a payment's metadata calls what an order is made of. A customer who has paid, or has not, is sent on
    to `success_url` or `cancel_url`."""

    account: str | None = None
    order_names: OrderNames = OrderNames()
    success_url: Url = None
    cancel_url: Url = None


class MarqetaTable(ProviderTable):
    card_product: str | None = None
    funding_source: str | None = None
    user_per_card: bool = False


class StrowalletTable(ProviderTable):
    product: Literal["bitvcard", "nfc"] = "bitvcard"
    trailing_slash: bool = True


class SquareTable(ProviderTable):
    """`client_id` is the application's that the seller connected to, where the access token is renewed by OAuth."""

    location: str | None = None
    client_id: str | None = None
    notification_url: Url = None


class Cardholder(Section):
    """To whom the cards are issued that top a wallet up; the address as Stripe takes it."""

    name: Word | None = None
    email: str | None = None
    phone: str | None = None
    line1: str | None = None
    city: str | None = None
    state: str | None = None
    postal_code: str | None = None
    country: str | None = None


class ZenditTable(ProviderTable):
    """How the wallet is filled: `topup` "card" needs a `topup_url` that takes one (the simulator has one of its own), with a
    card for each top-up or one that is `reused`. An order whose money does not come within `funds_hours` is given up, and its
    customer refunded. Orders that were paid less than they cost are refunded, unless `sell_below_cost`; those that were paid in
    another currency than they cost are a person's, unless it is one of `accept_currencies`. Notifications prove themselves with
    a header called `webhook_header`, whose value is the secret zendit.webhook_secret. `shieldwall`: confirm purchases that are
    ours when Zendit asks."""

    topup: Literal["card", "request", "prefunded"] = "request"
    topup_url: Url = None
    topup_card: Literal["per_transaction", "reused"] = "per_transaction"
    cardholder: Cardholder = Cardholder()
    funds_hours: Annotated[int, Field(ge=0, le=720)] = 24
    sell_below_cost: bool = False
    accept_currencies: Currencies = ()
    webhook_header: Annotated[str, Field(pattern="^[A-Za-z0-9-]{1,64}$")] = "Authorization"
    shieldwall: bool = False


class MailTable(Section):
    """The server that mails are sent through, and from whom. `security` "none" is for this machine alone; the password of
    `user` is the secret smtp.password. `templates` is a directory whose files take the place of the built-in ones."""

    host: Word | None = None
    port: Annotated[int | None, Field(gt=0, le=65535)] = None
    security: Literal["starttls", "tls", "none"] = "starttls"
    user: str | None = None
    sender: Annotated[str | None, Field(min_length=3)] = None
    reply_to: str | None = None
    templates: Annotated[str | None, Field(min_length=1)] = None

    @model_validator(mode="after")
    def _protected(self) -> MailTable:
        if self.host is not None and self.sender is None:
            raise ValueError('sender is missing: whom mails come from, such as "Acme <esim@example.com>"')
        if self.host is not None and self.security == "none" and self.host not in ("localhost", "127.0.0.1", "::1"):
            raise ValueError('security "none" would send customers\' eSIMs unprotected; "starttls" or "tls" is wanted')
        return self
