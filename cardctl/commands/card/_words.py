"""The options that only cards have, as `Annotated` aliases."""

from __future__ import annotations

from typing import Annotated

import typer

from cardctl.domain.states import CardState

AmountOption = Annotated[str, typer.Option("--amount", metavar="AMOUNT", help="Such as 25 or 25.00.")]
CurrencyOption = Annotated[str | None, typer.Option("--currency", metavar="CODE", help="ISO 4217; default: the card's own.")]
StateOption = Annotated[CardState | None, typer.Option("--state", help="Only cards in this state.")]
FreshOption = Annotated[bool, typer.Option("--fresh", help="Ask the provider, and update the books.")]
WaitOption = Annotated[
    float, typer.Option("--wait", metavar="SECONDS", min=0, max=600, help="How long to wait for what settles later.")
]
WAIT = 30.0
PerTransactionOption = Annotated[
    str | None, typer.Option("--per-transaction", metavar="AMOUNT", help="At most so much a purchase, or `none`.")
]
DailyOption = Annotated[str | None, typer.Option("--daily", metavar="AMOUNT", help="At most so much a day, or `none`.")]
WeeklyOption = Annotated[str | None, typer.Option("--weekly", metavar="AMOUNT", help="At most so much a week, or `none`.")]
MonthlyOption = Annotated[str | None, typer.Option("--monthly", metavar="AMOUNT", help="At most so much a month, or `none`.")]
