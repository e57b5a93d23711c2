"""The options that only saved cards have, as `Annotated` aliases."""

from __future__ import annotations

from typing import Annotated

import typer

from cardctl.commands._options import _offers
from cardctl.domain.saved_cards import SavedCardState

PROVIDER = "square"
"""Who saves cards, where nobody said otherwise."""

SavedCardArgument = Annotated[
    str,
    typer.Argument(
        metavar="SAVED_CARD",
        help="Our id, 8 or more of its first characters, or the person.",
        autocompletion=_offers("saved_cards"),
    ),
]
OptionalSavedCardArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="SAVED_CARD",
        help="Our id, 8 or more of its first characters, or the person.",
        autocompletion=_offers("saved_cards"),
    ),
]
PaymentArgument = Annotated[
    str,
    typer.Argument(
        metavar="PAYMENT",
        help="A payment's id, or a saved card's: then its only one, or that of --invoice.",
        autocompletion=_offers("saved_cards"),
    ),
]
PersonOption = Annotated[str, typer.Option("--person", metavar="NAME", help="The buyer: an email, or your own id for them.")]
OnlyPersonOption = Annotated[str | None, typer.Option("--person", metavar="NAME", help="Only this person's.")]
NonceOption = Annotated[
    str,
    typer.Option("--nonce", metavar="TOKEN", help="The one-time token of the seller's payment page; - reads it from stdin."),
]
SellerOption = Annotated[str, typer.Option("--provider", metavar="NAME", help="Who keeps the card.")]
EmailOption = Annotated[str | None, typer.Option("--email", metavar="ADDRESS", help="Default: the person, where that is one.")]
NameOption = Annotated[str | None, typer.Option("--name", metavar="NAME", help="The person's name, for the seller.")]
HolderOption = Annotated[str | None, typer.Option("--holder", metavar="NAME", help="The name on the card.")]
PostalCodeOption = Annotated[str | None, typer.Option("--postal-code", metavar="CODE", help="As the buyer gave it.")]
VerificationOption = Annotated[
    str | None,
    typer.Option("--verification-token", metavar="TOKEN", help="Square's verifyBuyer token, where the bank asks for it."),
]
ReplaceOption = Annotated[bool, typer.Option("--replace", help="In the place of the card that the person has.")]
StateOption = Annotated[SavedCardState | None, typer.Option("--state", help="Only saved cards in this state.")]
AmountOption = Annotated[str, typer.Option("--amount", metavar="AMOUNT", help="Such as 25 or 25.00.")]
OptionalAmountOption = Annotated[str | None, typer.Option("--amount", metavar="AMOUNT", help="Such as 25 or 25.00.")]
PartOption = Annotated[str | None, typer.Option("--amount", metavar="AMOUNT", help="Only so much; default: all of it.")]
TipOption = Annotated[str | None, typer.Option("--tip", metavar="AMOUNT", help="On top of --amount.")]
CurrencyOption = Annotated[str, typer.Option("--currency", metavar="CODE", help="ISO 4217, such as USD.")]
OptionalCurrencyOption = Annotated[str | None, typer.Option("--currency", metavar="CODE", help="ISO 4217, such as USD.")]
InvoiceOption = Annotated[
    str | None,
    typer.Option("--invoice", metavar="NAME", help="What it is for, at most 40 characters; an invoice is paid once."),
]
WhichInvoiceOption = Annotated[str | None, typer.Option("--invoice", metavar="NAME", help="The payment of this invoice.")]
RefundInvoiceOption = Annotated[
    str | None,
    typer.Option(
        "--invoice",
        metavar="NAME",
        help="With a saved card: the payment of this invoice. With a payment: the refund's own name, such as A-17/2. Under a "
        "name a part is given back once.",
    ),
]
HoldOption = Annotated[
    str | None, typer.Option("--hold-for", metavar="SPAN", help="Such as 36h or 6d; default: as long as the provider does.")
]
ThenCaptureOption = Annotated[bool, typer.Option("--then-capture", help="At the hold's end it is captured, not released.")]
