"""The options and arguments of `cardctl esim`, as `Annotated` aliases. Runs no command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cardctl.domain.orders import OrderState

SALES, SUPPLY = "stripe", "zendit"
OfferArgument = Annotated[str, typer.Argument(metavar="OFFER", help="The supplier's name of the offer.")]
OrderArgument = Annotated[
    str,
    typer.Argument(metavar="ORDER", help="Our id, its first characters, the payment, the checkout, your own name, the ICCID."),
]
OrdersArgument = Annotated[list[str] | None, typer.Argument(metavar="ORDER...", help="Else all that are due.")]
CountryOption = Annotated[str | None, typer.Option("--country", metavar="CODE", help="Sold for it: TR, US, DE.")]
RegionOption = Annotated[str | None, typer.Option("--region", metavar="NAME", help="Sold for it: Europe, Global.")]
BrandOption = Annotated[str | None, typer.Option("--brand", metavar="NAME", help="Of this brand.")]
AllOption = Annotated[bool, typer.Option("--all", help="Also those that are not sold any more.")]
RecipientOption = Annotated[str, typer.Option("--recipient", metavar="EMAIL", help="Who gets the eSIM.")]
OnlyRecipientOption = Annotated[str | None, typer.Option("--recipient", metavar="EMAIL", help="Only theirs.")]
NewRecipientOption = Annotated[
    str | None, typer.Option("--recipient", metavar="EMAIL", help="Send the eSIM of this one order there instead.")
]
NameOption = Annotated[str | None, typer.Option("--name", metavar="NAME", help="The recipient's name.")]
PriceOption = Annotated[str | None, typer.Option("--price", metavar="AMOUNT", help="Else what the supplier proposes.")]
CurrencyOption = Annotated[str | None, typer.Option("--currency", metavar="CODE", help="Of --price.")]
TransactionOption = Annotated[
    str | None, typer.Option("--transaction-id", metavar="ID", help="Your own name of the order; it is paid and bought once.")
]
SuccessUrlOption = Annotated[str | None, typer.Option("--success-url", metavar="URL", help="Where a customer who paid goes.")]
CancelUrlOption = Annotated[str | None, typer.Option("--cancel-url", metavar="URL", help="Where one who did not goes.")]
PaymentOption = Annotated[str | None, typer.Option("--payment", metavar="PI", help="The payment: pi_…")]
SessionOption = Annotated[str | None, typer.Option("--session", metavar="CS", help="The checkout: cs_…")]
OrderFileOption = Annotated[
    Path | None, typer.Option("--order", metavar="FILE", help="JSON that names the payment and what was bought with it.")
]
DemoOption = Annotated[bool, typer.Option("--demo", help="Simulator only: a customer pays, and gets the eSIM.")]
DemoOfferOption = Annotated[str | None, typer.Option("--offer", metavar="OFFER", help="With --demo: what is bought.")]
WaitOption = Annotated[str, typer.Option("--wait", metavar="SPAN", help="Wait so long for what is under way: 30s, 5m, 0s.")]
SaveOption = Annotated[Path | None, typer.Option("--save", metavar="FILE", help="Save the QR code: .png or .svg, 0600.")]
QrOption = Annotated[bool, typer.Option("--qr/--no-qr", help="Show the QR code, on a terminal alone.")]
ShowQrOption = Annotated[bool, typer.Option("--qr", help="Show the QR code, on a terminal alone; leaves an audit entry.")]
PlansOption = Annotated[bool, typer.Option("--plans", help="Ask the supplier what is left on the eSIM.")]
FailedOption = Annotated[
    bool, typer.Option("--failed", help="Also those that nobody goes on with: stuck ones, and mails that were refused.")
]
WorkersOption = Annotated[int, typer.Option("--workers", metavar="N", min=1, max=64, help="So many orders at a time.")]
StateOption = Annotated[OrderState | None, typer.Option("--state", help="Only those in this state.")]
