"""`cardctl simulator …`: what the far side's own staff, merchants and bad luck do to it; development only."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cardctl.commands._options import CardArgument, OutputOption, ProfileOption
from cardctl.errors import BadInput
from cardctl.output.console import Output

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cardctl.runtime import Run
    from cardctl.simulator.control import Control

app = typer.Typer(add_completion=False)

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_SPAN = re.compile(r"([0-9]{1,9})([smhdw])\Z", re.ASCII)
_LONGEST = timedelta(days=3660)


def _fault_kinds(incomplete: str) -> list[str]:
    from cardctl.simulator.faults import FAULTS  # noqa: PLC0415

    return [kind for kind in FAULTS if kind.startswith(incomplete)]


AmountOption = Annotated[str, typer.Option("--amount", metavar="AMOUNT", help="How much, such as 12.50.")]
CurrencyOption = Annotated[
    str | None, typer.Option("--currency", metavar="CODE", help="ISO 4217; the card's own where it is left out.")
]
MerchantOption = Annotated[str, typer.Option("--merchant", metavar="NAME", help="Who takes the money.")]
CategoryOption = Annotated[
    str | None, typer.Option("--category", metavar="NAME", help="The merchant's category, such as eating_places_restaurants.")
]
MccOption = Annotated[str | None, typer.Option("--mcc", metavar="CODE", help="The category by its four digits.")]
CountryOption = Annotated[str, typer.Option("--country", metavar="CODE", help="Where the merchant is.")]
HoldOption = Annotated[bool, typer.Option("--hold", help="Authorise only: nothing is captured.")]
NextOption = Annotated[
    str | None,
    typer.Option("--next", metavar="KIND", help="What the next writes meet; see --list.", autocompletion=_fault_kinds),
]
TimesOption = Annotated[int, typer.Option("--times", metavar="N", min=1, help="How many writes, of any process, meet it.")]
DelayOption = Annotated[
    float | None, typer.Option("--delay", metavar="SECONDS", min=0, max=3600, help="How late a slow reply comes.")
]
SeedOption = Annotated[int | None, typer.Option("--seed", metavar="N", help="Random faults, the same for the same seed.")]
RateOption = Annotated[
    float | None, typer.Option("--rate", metavar="SHARE", min=0, max=1, help="Which share of requests meets a random fault.")
]
ClearOption = Annotated[bool, typer.Option("--clear", help="Nothing goes wrong any more.")]
ListOption = Annotated[bool, typer.Option("--list", help="The kinds of faults, and what each does.")]
FarSideOnlyOption = Annotated[bool, typer.Option("--far-side-only", help="Leave our own books as they are.")]


@app.command()
def swipe(
    card: CardArgument,
    amount: AmountOption,
    currency: CurrencyOption = None,
    merchant: MerchantOption = "Rocket Rides",
    category: CategoryOption = None,
    mcc: MccOption = None,
    country: CountryOption = "US",
    hold: HoldOption = False,
    profile: ProfileOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Make a purchase at the far side: authorised and captured. A decline is a result too, with its reason.

    Example: cardctl simulator swipe card_7f3a9k2m --amount 12.50 --merchant "Blue Bottle"
    """
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.commands._frame import amount_of  # noqa: PLC0415

    with runtime.opened(output=output, profile=profile) as run:
        far_side = run.far_side
        ref, spends = _card(run, card)
        money = amount_of(amount, currency or spends)
        made = far_side.swipe(ref, money, merchant=merchant, category=category, mcc=mcc, country=country, hold=hold)
        data = {
            "approved": made.approved,
            "reason": made.reason,
            "message": made.message,
            "amount": _money(made.amount),
            "card_ref": ref,
            "authorization_ref": made.authorization_ref,
            "transaction_ref": made.transaction_ref,
        }
        became = ("held" if hold else "captured") if made.approved else f"declined ({made.message or made.reason})"
        run.console.done(data, [f"{became}: {made.amount} at {merchant}, {made.transaction_ref or made.authorization_ref}"])


@app.command()
def fault(
    next_: NextOption = None,
    times: TimesOption = 1,
    delay: DelayOption = None,
    seed: SeedOption = None,
    rate: RateOption = None,
    clear: ClearOption = False,
    list_: ListOption = False,
    profile: ProfileOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Let something go wrong: for the next writes, or at random by a seed; --clear ends it all.

    Example: cardctl simulator fault --next lost-reply --times 3
    """
    from cardctl import runtime  # noqa: PLC0415

    chosen = [next_ is not None, seed is not None or rate is not None, clear, list_]
    if sum(chosen) != 1 or (seed is None) != (rate is None):
        raise BadInput("say what is to go wrong", hint="--next KIND, --seed N with --rate SHARE, --clear, or --list")
    if next_ is None and (times != 1 or delay is not None):
        raise BadInput("--times and --delay belong to --next")
    with runtime.opened(output=output, profile=profile) as run:
        far_side = run.far_side
        if list_:
            _list_faults(run)
            return
        if next_ is not None:
            far_side.fault(next_, times, delay)
        elif seed is not None and rate is not None:
            far_side.fault_random(seed, rate)
        else:
            far_side.clear_faults()
        _show_faults(run, far_side)


@app.command()
def edit(
    ref: Annotated[str, typer.Argument(metavar="REF", help="The far side's name for it, our id, or `stripe` for its float.")],
    changes: Annotated[list[str], typer.Argument(metavar="FIELD=VALUE…", help="Amounts in minor units; empty empties.")],
    profile: ProfileOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Change the far side silently, as the provider's own staff would: no rule is asked, and nobody is told.

    Example: cardctl simulator edit card_7f3a9k2m status=inactive
    """
    from cardctl import runtime  # noqa: PLC0415

    fields = _assignments(changes)
    with runtime.opened(output=output, profile=profile) as run:
        far_side = run.far_side
        ref = _ref(run, ref)
        before, after = far_side.edit(ref, fields)
        lines = [f"{ref} {name}: {before[name]} → {after[name]}" for name in fields]
        run.console.done({"ref": ref, "before": before, "after": after}, lines)


@app.command()
def advance(
    by: Annotated[str, typer.Argument(metavar="SPAN", help="How far: 8d, 3h, 90m, 30s or 2w.")],
    profile: ProfileOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Move the far side's clock on. It never goes back, but for a reset.

    Example: cardctl simulator advance 8d
    """
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.output.shapes import instant  # noqa: PLC0415

    span = _span(by)
    with runtime.opened(output=output, profile=profile) as run:
        clock = instant(run.far_side.advance(span))
        run.console.done({"advanced_seconds": int(span.total_seconds()), "clock": clock}, [f"the far side's clock is {clock}"])


@app.command()
def status(profile: ProfileOption = None, output: OutputOption = Output.TABLE) -> None:
    """Show the far side: its file and clock, base URLs, float, how many objects there are, which faults wait.

    Example: cardctl simulator status -o json
    """
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.output.shapes import instant  # noqa: PLC0415

    with runtime.opened(output=output, profile=profile) as run:
        found = run.far_side.status()
        floats = {face: [_money(each) for each in money] for face, money in found["float"].items()}
        run.console.show({**found, "clock": instant(found["clock"]), "float": floats})


@app.command()
def reset(far_side_only: FarSideOnlyOption = False, profile: ProfileOption = None, output: OutputOption = Output.TABLE) -> None:
    """Begin anew: the far side and this profile's own books are emptied together. Nothing else is touched.

    Example: cardctl simulator reset
    """
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.services.flows.keeping import begin_anew, drop_damaged_key  # noqa: PLC0415

    with runtime.opened(output=output, profile=profile) as run, run.lock("provision"):
        far_side = run.far_side
        objects = far_side.status()["objects"]
        data: dict[str, Any] = {"far_side": objects, "books": None, "replaced": None}
        lines = [f"emptied the far side: {_counted(objects)}"]
        if far_side_only:
            far_side.reset()
        else:
            begun = begin_anew(run.books, run.database, then=far_side.reset)
            data |= {"books": begun.rows, "replaced": begun.replaced and str(begun.replaced)}
            lines.append(f"emptied {run.settings.database.shown}: {_counted(begun.rows)}")
            if begun.replaced:
                run.console.warn("BOOKS_REPLACED", f"the books could not be read: they are kept as {begun.replaced}")
            if drop_damaged_key(run.secrets):
                run.console.warn("KEY_DROPPED", "the development key was damaged: another is made when it is needed")
        run.console.done(data, lines)


def _list_faults(run: Run) -> None:
    from cardctl.simulator.faults import FAULTS  # noqa: PLC0415

    run.console.rows(({"kind": fault.name, "does": fault.does} for fault in FAULTS.values()), ("kind", "does"))


def _show_faults(run: Run, far_side: Control) -> None:
    found = far_side.status()
    waiting, random = found["faults"], found["random_faults"]
    lines = [f"waits for the next {each['remaining']} writes: {each['kind']}" for each in waiting]
    lines += [f"random: seed {random['seed']}, rate {random['rate']}"] if random else []
    run.console.done({"faults": waiting, "random_faults": random}, lines or ["no fault waits"])


def _card(run: Run, name: str) -> tuple[str, str]:
    """The far side's ref of a card and its currency; a card that only the far side knows goes by its ref."""
    from cardctl.errors import NotFound  # noqa: PLC0415
    from cardctl.services.flows.finding import find_card  # noqa: PLC0415

    try:
        card = find_card(run.books, name)
    except NotFound:
        return name, "USD"
    return card.ref, card.currency


def _ref(run: Run, name: str) -> str:
    """The far side's ref behind our id of a card, an account or a transaction; anything else is a ref already."""
    from cardctl.errors import NotFound  # noqa: PLC0415
    from cardctl.services.flows import finding  # noqa: PLC0415

    for find in (finding.find_card, finding.find_account, finding.find_transaction):
        try:
            return find(run.books, name).ref or name
        except NotFound:
            continue
    return name


def _assignments(changes: Sequence[str]) -> dict[str, str]:
    fields = dict(text.partition("=")[::2] for text in changes)
    for text in changes:
        if "=" not in text or text.startswith("="):
            raise BadInput(f"{text!r} changes nothing", hint="write FIELD=VALUE, such as status=inactive")
    if len(fields) != len(changes):
        raise BadInput("a field is named twice")
    return fields


def _span(text: str) -> timedelta:
    found = _SPAN.match(text)
    span = timedelta(**{_UNITS[found[2]]: int(found[1])}) if found else timedelta(0)
    if not timedelta(0) < span <= _LONGEST:
        raise BadInput(f"{text!r} is no time to move on by", hint="8d, 3h, 90m, 30s or 2w; ten years at most")
    return span


def _counted(rows: dict[str, int]) -> str:
    return ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in rows.items() if count) or "nothing was there"


def _money(value: Any) -> dict[str, Any] | None:
    from cardctl.output.shapes import money  # noqa: PLC0415

    return money(value)
