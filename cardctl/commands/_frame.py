"""What the commands share between parsing and rendering: consent, amounts, the result of a write or of a dry run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cardctl.domain.money import Money
from cardctl.errors import BadAmount, ConsentMissing
from cardctl.output import shapes

if TYPE_CHECKING:
    from cardctl.domain.accounts import Account
    from cardctl.domain.cards import Card
    from cardctl.domain.operations import Draft
    from cardctl.runtime import Run
    from cardctl.services.desk import Done


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
    """Ask where an amount is over the profile's `confirm_over`; another currency than that of the setting always asks."""
    limit = run.settings.profile.confirm_over
    if limit is not None and (amount.currency != limit.currency or amount > limit):
        consent(run, f"{amount} is over what this profile moves without asking ({limit}).", amount.amount, yes=yes)


def show_write(run: Run, noun: str, done: Done, verb: str) -> None:
    """The result of a write: `{noun: …, operation: …}`, or a line for a person."""
    for warned in done.warnings:
        run.console.warn(warned.code, warned.text)
    shape = shapes.write(noun, done.object, done.operation)
    run.console.done(shape, [f"{verb}: {one_line(done.object)}"])


def show_rehearsal(run: Run, noun: str, result: Draft | Card | Account) -> None:
    """What a dry run found: the request exactly as it would be sent, or that nothing would."""
    from cardctl.domain.operations import Draft  # noqa: PLC0415

    if isinstance(result, Draft):
        shape = shapes.draft(result)
        run.console.done({"would_send": shape}, [f"would send {result.method} {result.path}", *_lines(result.body)])
    else:
        run.console.warn("ALREADY", "nothing to do: it is already so")
        run.console.done({"would_send": None}, [f"would send nothing: {one_line(result)}"])


def one_line(thing: Card | Account) -> str:
    """A card or an account in one line."""
    from cardctl.domain.cards import Card  # noqa: PLC0415

    if isinstance(thing, Card):
        balance = f", balance {thing.balance}" if thing.balance is not None else ""
        return f"{thing.id} {thing.masked} {thing.state}{balance}"
    return f"{thing.id} {thing.external_id or ''} {thing.name} {thing.state}".replace("  ", " ")


def _lines(body: dict[str, object], at: str = "  ") -> list[str]:
    lines = []
    for key, value in body.items():
        if isinstance(value, dict):
            lines += [f"{at}{key}:", *_lines(value, at + "  ")]
        else:
            lines.append(f"{at}{key}: {value}")
    return lines
