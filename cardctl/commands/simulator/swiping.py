"""`cardctl simulator swipe`: a purchase at the far side, or in a sandbox's own test mode."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cardctl.commands._options import CardArgument, OutputOption, ProfileOption
from cardctl.errors import BadInput
from cardctl.output.console import Output

if TYPE_CHECKING:
    from collections.abc import Callable

    from cardctl.domain.money import Money
    from cardctl.runtime import Run
    from cardctl.simulator.delivering import Posted

AmountOption = Annotated[str, typer.Option("--amount", metavar="AMOUNT", help="How much, such as 12.50.")]
CurrencyOption = Annotated[
    str | None, typer.Option("--currency", metavar="CODE", help="ISO 4217; the card's own where it is left out.")
]
MerchantOption = Annotated[str, typer.Option("--merchant", metavar="NAME", help="Who takes the money.")]
CategoryOption = Annotated[
    str | None, typer.Option("--category", metavar="NAME", help="The merchant's category, such as eating_places_restaurants.")
]
MccOption = Annotated[str | None, typer.Option("--mcc", metavar="CODE", help="The category by its four digits.")]
CountryOption = Annotated[
    str | None, typer.Option("--country", metavar="CODE", help="Where the merchant is; US where left out.")
]
HoldOption = Annotated[bool, typer.Option("--hold", help="Authorise only: nothing is captured.")]
NoDeliverOption = Annotated[
    bool, typer.Option("--no-deliver", help="Nobody is told of it, until `simulator deliver` or `transaction pull`.")
]


def swipe(
    card: CardArgument,
    amount: AmountOption,
    currency: CurrencyOption = None,
    merchant: MerchantOption = "Rocket Rides",
    category: CategoryOption = None,
    mcc: MccOption = None,
    country: CountryOption = None,
    hold: HoldOption = False,
    no_deliver: NoDeliverOption = False,
    profile: ProfileOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Make a purchase: authorised and captured. A decline is a result too, with its reason.

    The simulator tells of it as the provider would: to the addresses that were registered there, else straight into this
    profile's inbox. In a sandbox profile the provider's own test mode makes it; never in a live one.

    Example: cardctl simulator swipe card_7f3a9k2m --amount 12.50 --merchant "Blue Bottle"
    """
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.commands.simulator._inbox import hand_out  # noqa: PLC0415

    with runtime.opened(output=output, profile=profile) as run:
        where = {"category": category, "mcc": mcc, "country": country}
        if run.settings.profile.environment == "simulator":
            told = run.far_side.last_told()
            data, money = _at_the_far_side(run, card, (amount, currency), merchant, where, hold=hold)
            if not no_deliver:
                hand_out(run, told)
        else:
            data, money = _in_test_mode(run, card, (amount, currency), merchant, where, hold=hold)
        declined = f"declined ({data['message'] or data['reason']})"
        became = ("held" if hold else "captured") if data["approved"] else declined
        run.console.done(data, [f"{became}: {money} at {merchant}, {data['transaction_ref'] or data['authorization_ref']}"])


def _at_the_far_side(
    run: Run, name: str, asked: tuple[str, str | None], merchant: str, where: dict[str, str | None], *, hold: bool
) -> tuple[dict[str, Any], Money]:
    from cardctl.commands._frame import amount_of  # noqa: PLC0415
    from cardctl.commands.simulator._naming import far_name  # noqa: PLC0415

    named = far_name(run, name)
    ref = named.ref
    money = amount_of(asked[0], asked[1] or run.far_side.card_currency(ref))
    told = {key: value for key, value in where.items() if value is not None}
    made = run.far_side.swipe(ref, money, merchant=merchant, hold=hold, decide=_decide(run), **told)
    refs = {"authorization_ref": made.authorization_ref, "transaction_ref": made.transaction_ref}
    return _shown(named.shown, money, made.approved, made.reason, made.message) | refs, money


def _decide(run: Run) -> Callable[[Posted], dict[str, Any]] | None:
    """The profile's own rules are asked, where it has any."""
    from cardctl.domain.events import Incoming  # noqa: PLC0415

    authorizer = run.authorizer("stripe")
    if authorizer is None:
        return None

    def decide(posted: Posted) -> dict[str, Any]:
        headers = {name.lower(): value for name, value in posted.posting.headers.items()}
        decision = authorizer.answer(Incoming(posted.posting.body, headers, posted.at))
        return {"approved": decision.approved} if decision else {}

    return decide


def _in_test_mode(
    run: Run, name: str, asked: tuple[str, str | None], merchant: str, where: dict[str, str | None], *, hold: bool
) -> tuple[dict[str, Any], Money]:
    from cardctl.commands._frame import amount_of  # noqa: PLC0415
    from cardctl.services.deeds.purchasing import check_development, purchase  # noqa: PLC0415
    from cardctl.services.flows.finding import find_card  # noqa: PLC0415

    check_development(run.settings.profile.environment)
    if any(where.values()):
        raise BadInput("a sandbox takes the merchant's name alone", hint="leave out --category, --mcc and --country")
    card = find_card(run.books, name)
    money = amount_of(asked[0], asked[1] or card.currency)
    made = purchase(run.desk(card), card, money, merchant, hold=hold)
    refs = {"authorization_ref": made.authorization, "transaction_ref": made.settlement}
    return _shown(card.ref, money, made.approved, made.reason, None) | refs, money


def _shown(ref: str, money: Money, approved: bool, reason: str, message: str | None) -> dict[str, Any]:
    from cardctl.output.shapes import money as shape  # noqa: PLC0415

    return {"approved": approved, "reason": reason, "message": message, "amount": shape(money), "card_ref": ref}
