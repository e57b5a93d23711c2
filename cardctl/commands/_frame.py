"""What the commands share between parsing and rendering: consent, amounts, the result of a write or of a dry run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from cardctl.domain.cards import NO_LIMITS, Limits
from cardctl.domain.money import Money
from cardctl.errors import BadAmount, BadInput, ConsentMissing
from cardctl.output import shapes

if TYPE_CHECKING:
    from cardctl.domain.accounts import Account
    from cardctl.domain.operations import Draft
    from cardctl.runtime import Run
    from cardctl.services.desk import Done, Thing

T = TypeVar("T")


def amount_of(text: str, currency: str) -> Money:
    """An amount to move: more than zero. BadAmount (2) otherwise."""
    amount = Money.parse(text, currency)
    if not amount.minor:
        raise BadAmount(f"{amount} is not an amount to move: it must be more than zero")
    return amount


def consent(run: Run, question: str, expected: str, *, yes: bool) -> None:
    """Go on only where `--yes` was given, or a person at the terminal types `expected`. ConsentMissing (6) otherwise."""
    if yes or run.console.ask(f"{question} Type {expected} to go on:", expected):
        return
    raise ConsentMissing(f"{question} Nothing was sent.", hint="--yes answers beforehand, for scripts")


def consent_to_amount(run: Run, amount: Money, *, yes: bool) -> None:
    """Ask where an amount is over what the profile moves without asking."""
    if is_much(run, amount):
        limit = run.settings.profile.confirm_over
        consent(run, f"{amount} is over what this profile moves without asking ({limit}).", amount.amount, yes=yes)


def is_much(run: Run, amount: Money) -> bool:
    """Whether an amount is over the profile's `confirm_over`; another currency than that setting's always is."""
    limit = run.settings.profile.confirm_over
    return limit is not None and (amount.currency != limit.currency or amount > limit)


def limit_changes(told: dict[str, str | None], currency: str) -> dict[str, int | None]:
    """The limits that were named, in minor units; `none` takes one off. BadInput where none was named."""
    named = {name: text for name, text in told.items() if text is not None}
    if not named:
        raise BadInput("no limit was named", hint="--per-transaction, --daily, --weekly or --monthly, each an amount or `none`")
    return {name: None if text == "none" else amount_of(text, currency).minor for name, text in named.items()}


def limits_for(run: Run, currency: str, told: dict[str, str | None], *, defaults: bool) -> Limits:
    """The limits of a new card: the profile's defaults where wanted, and what was named instead of them."""
    base = run.settings.profile.limits.in_currency(currency) if defaults else NO_LIMITS
    named = {name: text for name, text in told.items() if text is not None}
    return replace(base, **{name: None if text == "none" else amount_of(text, currency) for name, text in named.items()})


def account_named(run: Run, name: str, provider: str | None, *, prefix: bool = True) -> Account:
    """The account of that name, in the programme of `provider` where one was named."""
    from cardctl.services.flows.finding import find_account  # noqa: PLC0415

    return find_account(run.books, name, programme=run.settings.programme(provider) if provider else None, prefix=prefix)


def limited(items: Iterator[T], limit: int | None) -> tuple[Iterator[T], Callable[[], bool]]:
    """At most `limit` of the items, and a question to ask afterwards: whether there was more. Ask the books for one more."""
    cut = [False]

    def some() -> Iterator[T]:
        for count, item in enumerate(items):
            if count == limit:
                cut[0] = True
                return
            yield item

    return some(), lambda: cut[0]


def one_more(limit: int | None) -> int | None:
    """What to ask the books for, so that a cut can be told."""
    return None if limit is None else limit + 1


def show_write(run: Run, noun: str, done: Done, verb: str) -> None:
    """The result of a write: `{noun: …, operation: …}`, or a line for a person."""
    from cardctl.output import writes  # noqa: PLC0415

    for warned in done.warnings:
        run.console.warn(warned.code, warned.text)
    shape = writes.write(noun, done.object, done.operation)
    run.console.done(shape, [f"{verb}: {one_line(done.object)}"])


def show_rehearsal(run: Run, *results: Draft | Thing, then: Sequence[str] = ()) -> None:
    """What a dry run found: the requests exactly as they would be sent, or that nothing would; `then` are writes that would
    follow and need the first to be done, in words."""
    from cardctl.domain.operations import Draft  # noqa: PLC0415

    drafts = [result for result in results if isinstance(result, Draft)]
    requests = [request for draft in drafts for request in shapes.requests(draft)]
    lines = [line for each in requests for line in (f"would send {each['method']} {each['path']}", *_lines(each["body"]))]
    if not drafts and not then:
        run.console.warn("ALREADY", "nothing to do: it is already so")
    told = {"would_send": requests} | ({"would_follow": list(then)} if then else {})
    run.console.done(told, [*lines, *(f"then {step}" for step in then)] or ["would send nothing"])


def one_line(thing: Thing) -> str:
    """What a write was about, in one line."""
    from cardctl.domain.cards import Card  # noqa: PLC0415
    from cardctl.domain.orders import Order  # noqa: PLC0415
    from cardctl.domain.payments import Payment  # noqa: PLC0415
    from cardctl.domain.saved_cards import SavedCard  # noqa: PLC0415

    if isinstance(thing, Card):
        balance = f", balance {thing.balance}" if thing.balance is not None else ""
        return f"{thing.id} {thing.masked} {thing.state}{balance}"
    if isinstance(thing, SavedCard):
        card = f" {thing.brand or 'card'} ending in {thing.last4}" if thing.last4 else ""
        return f"{thing.id} {thing.person}{card} {thing.state}"
    if isinstance(thing, Payment):
        told = f"captured {thing.captured}, refunded {thing.refunded}" if thing.captured.minor else f"{thing.amount}"
        return f"{thing.id} {thing.state}, {told}"
    if isinstance(thing, Order):
        return f"{thing.id} {thing.offer_id} {thing.state}" + (f", {thing.price}" if thing.price else "")
    return f"{thing.id} {thing.external_id or ''} {thing.name} {thing.state}".replace("  ", " ")


def _lines(body: dict[str, object], at: str = "  ") -> list[str]:
    lines = []
    for key, held in body.items():
        value = _numbered(held)
        if isinstance(value, dict):
            lines += [f"{at}{key}:", *_lines(value, at + "  ")]
        else:
            lines.append(f"{at}{key}: {value}")
    return lines


def _numbered(value: object) -> object:
    """A list of objects as one object with numbers for names."""
    if isinstance(value, list) and any(isinstance(each, dict) for each in value):
        return {str(place): each for place, each in enumerate(value)}
    return value
