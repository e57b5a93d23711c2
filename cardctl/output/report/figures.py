"""What a run counted and how far it read, as tables for people; whatever is missing in its JSON is shown as missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cardctl.domain.breaks import ReconcileRun
from cardctl.domain.money import Money
from cardctl.output.report.wording import NONE, amount, count, said, shown, words

MEASURES = (
    ("balance_here", "Our balance"),
    ("balance_there", "Provider's balance"),
    ("drift", "Drift"),
    ("held", "Held"),
    ("settled", "Settled"),
    ("refunded", "Refunded"),
    ("float", "Float"),
)


_SAVED = ("saved_cards", "payments", "refunds")
_SOLD = {"paid": "paid", "refunded": "given back"}
_WALLET = {
    "settled": "paid for eSIMs",
    "held": "held",
    "refunded": "got back",
    "topped_up": "topped up",
    "float": "in the wallet",
}


@dataclass(frozen=True, slots=True)
class Totals:
    """One currency: a row per programme, and their sums where there are several. `drifts` says of each row whether it does."""

    currency: str
    rows: list[tuple[str, list[str]]]
    drifts: list[bool]
    sums: list[str] | None


@dataclass(frozen=True, slots=True)
class ComparedSaved:
    """What was compared of one seller's saved cards, every number as text; `others`: what else the provider has."""

    programme: str
    saved_cards: str
    payments: str
    refunds: str
    others: str
    states: str
    requests: str


@dataclass(frozen=True, slots=True)
class Ordered:
    """What was compared of one programme's orders, or of the purchases for them, every number as text; `others` are none of
    ours, `money` is what moved for them."""

    programme: str
    compared: str
    others: str
    states: str
    money: str


@dataclass(frozen=True, slots=True)
class Compared:
    """What was compared of one programme, every number as text."""

    programme: str
    accounts: str
    cards: str
    transactions: str
    frozen: str
    states: str
    requests: str


def totals(run: ReconcileRun) -> list[Totals]:
    """Per currency, in the alphabet's order; two currencies never net."""
    lines = [line for line in _list(run.figures.get("totals")) if isinstance(line, dict)]
    by_currency: dict[str, list[dict[str, Any]]] = {}
    for line in lines:
        by_currency.setdefault(shown(str(line.get("currency") or "?")), []).append(line)
    return [_of_currency(currency, by_currency[currency]) for currency in sorted(by_currency)]


def compared(run: ReconcileRun) -> list[Compared]:
    """One line per programme that was read, and has cards of its own."""
    return [_compared(name, figures) for name, figures in _programmes(run) if _is_issuer(figures)]


def compared_saved(run: ReconcileRun) -> list[ComparedSaved]:
    """One line per seller that was read."""
    return [_compared_saved(name, figures) for name, figures in _programmes(run) if _is_seller(figures)]


def frozen(run: ReconcileRun) -> int | None:
    """How many cards are frozen in all programmes; None where no programme says."""
    told = [_int(figures.get("frozen")) for _, figures in _programmes(run)]
    known = [number for number in told if number is not None]
    return sum(known) if known else None


def sums(run: ReconcileRun, noun: str) -> tuple[int | None, int | None]:
    """How many accounts, cards, payments… (`noun`) all programmes that have such have here and there."""
    saved = noun in _SAVED
    wanted = _is_seller if saved else _is_issuer
    sides = [_dict(figures.get(noun)) for _, figures in _programmes(run) if wanted(figures)]
    here, there = ([_int(side.get(name)) for side in sides] for name in ("here", "there"))
    return _sum(here), _sum(there)


def has_sellers(run: ReconcileRun) -> bool:
    """Whether a programme was read that keeps buyers' cards."""
    return any(_is_seller(figures) for _, figures in _programmes(run))


def has_issuers(run: ReconcileRun) -> bool:
    """Whether a programme was read that issues cards, or none at all was."""
    told = _programmes(run)
    return not told or any(_is_issuer(figures) for _, figures in told)


def ordered(run: ReconcileRun) -> list[Ordered]:
    """One line per programme of which orders were compared, or the purchases for them."""
    lines = [line for line in _list(run.figures.get("totals")) if isinstance(line, dict)]
    return [
        _ordered(name, figures, lines) for name, figures in _programmes(run) if "orders" in figures or "purchases" in figures
    ]


def watermark(run: ReconcileRun) -> list[tuple[str, str, list[tuple[str, str]]]]:
    """Per programme and source, what the run says of how far it read."""
    return [
        (shown(programme), words(source), _marks(source, marks))
        for programme, sources in sorted(run.watermark.items())
        for source, marks in _dict(sources).items()
    ]


def seconds(run: ReconcileRun) -> str:
    """How long each part of the run took."""
    parts = _dict(run.figures.get("seconds")).items()
    return ", ".join(f"{words(name)} {value:,.1f} s" for name, value in parts if isinstance(value, int | float)) or NONE


def _programmes(run: ReconcileRun) -> list[tuple[str, dict[str, Any]]]:
    return [(name, _dict(figures)) for name, figures in sorted(_dict(run.figures.get("programmes")).items())]


def _is_seller(figures: dict[str, Any]) -> bool:
    return "saved_cards" in figures


def _is_issuer(figures: dict[str, Any]) -> bool:
    return not _is_seller(figures) and "purchases" not in figures


def _marks(source: str, marks: Any) -> list[tuple[str, str]]:
    """Every mark with its name; what is one value has no name but its source's."""
    if isinstance(marks, dict):
        return [(words(name), said(name, value)) for name, value in marks.items()]
    return [("", said(source, marks))]


def _of_currency(currency: str, lines: list[dict[str, Any]]) -> Totals:
    rows = [(_programme(line), [_money(line.get(name), currency) for name, _ in MEASURES]) for line in lines]
    drifts = [_int(line.get("drift")) for line in lines]
    together = [_together(name, [_int(line[name]) for line in lines if name in line], currency) for name, _ in MEASURES]
    return Totals(currency, rows, [bool(drift) for drift in drifts], together if len(lines) > 1 else None)


def _programme(line: dict[str, Any]) -> str:
    return shown(str(line.get("programme") or "?"))


def _together(name: str, numbers: list[int | None], currency: str) -> str:
    """A drift upwards in one programme does not make up for one downwards in another."""
    known = [number for number in numbers if number is not None]
    if name == "drift" and known and min(known) < 0 < max(known):
        return "both ways"
    return _money(_sum(numbers), currency)


def _compared(name: str, figures: dict[str, Any]) -> Compared:
    states = _dict(figures.get("states")).items()
    accounts, cards, transactions = (_sides(_dict(figures.get(noun))) for noun in ("accounts", "cards", "transactions"))
    return Compared(
        programme=shown(name),
        accounts=accounts,
        cards=cards,
        transactions=transactions,
        frozen=count(figures.get("frozen")),
        states=", ".join(f"{count(number)} {words(state)}" for state, number in states) or NONE,
        requests=count(figures.get("requests")),
    )


def _compared_saved(name: str, figures: dict[str, Any]) -> ComparedSaved:
    saved, payments, refunds = (_dict(figures.get(noun)) for noun in _SAVED)
    others = f"{count(saved.get('others_there'))} cards, {count(payments.get('others_there'))} payments"
    states = ", ".join(f"{count(number)} {words(state)}" for state, number in _dict(figures.get("states")).items())
    requests = count(figures.get("requests"))
    return ComparedSaved(shown(name), _sides(saved), _sides(payments), _sides(refunds), others, states or NONE, requests)


def _ordered(name: str, figures: dict[str, Any], lines: list[dict[str, Any]]) -> Ordered:
    """Money by the provider's word: of a programme's orders in its own figures, of a wallet in the totals."""
    noun = "purchases" if "purchases" in figures else "orders"
    states = _dict(figures.get("states" if noun == "purchases" else "order_states")).items()
    sums = (
        [line for line in lines if line.get("programme") == name] if noun == "purchases" else _list(figures.get("order_sums"))
    )
    sides = _dict(figures.get(noun))
    return Ordered(
        programme=shown(name),
        compared=f"{_sides(sides)} {noun}",
        others=count(sides.get("others_there")),
        states=", ".join(f"{count(number)} {words(state)}" for state, number in states) or NONE,
        money="; ".join(_moved(each, _WALLET if noun == "purchases" else _SOLD) for each in sums if isinstance(each, dict))
        or NONE,
    )


def _moved(sums: dict[str, Any], said: Mapping[str, str]) -> str:
    currency = shown(str(sums.get("currency") or "?"))
    moved = ", ".join(f"{word} {_money(sums.get(key), currency)}" for key, word in said.items() if _int(sums.get(key)))
    return f"{currency}: {moved or NONE}"


def _sides(figures: dict[str, Any]) -> str:
    """`5` where both sides have as many, else `5 here, 4 there`."""
    here, there = count(figures.get("here")), count(figures.get("there"))
    return here if here == there else f"{here} here, {there} there"


def _sum(numbers: list[int | None]) -> int | None:
    """None where one of them is unknown: a sum without it would look like the whole."""
    known = [number for number in numbers if number is not None]
    return sum(known) if known and len(known) == len(numbers) else None


def _money(minor: Any, currency: str) -> str:
    number = _int(minor)
    return NONE if number is None else amount(Money(number, currency))


def _int(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
