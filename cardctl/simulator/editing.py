"""Silent changes by the provider's own staff: which fields there are and how a value is read; no rule is asked."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from typing import Any

from cardctl.domain.money import MAX_MINOR, exponent
from cardctl.errors import BadInput, NotFound
from cardctl.simulator.books import FACES
from cardctl.simulator.desk import Desk
from cardctl.simulator.marqeta import counter as marqeta
from cardctl.simulator.marqeta import velocity
from cardctl.simulator.rows import Record, select, write
from cardctl.simulator.sales import counter as sales
from cardctl.simulator.schema import OBJECTS
from cardctl.simulator.square import counter as square
from cardctl.simulator.strowallet import counter as strowallet
from cardctl.simulator.zendit import counter as zendit

Reader = Callable[[str], Any]

_PURSES = {"float": "issuing", "payments": "payments"}
"""Of a provider's money, by the field's name: `payments` is what customers have paid at Stripe."""
_LIMITS = "spending_controls.spending_limits."
_ALIASES = {"cardholder": "holder", "lifecycle_controls.cancel_after.payment_count": "payment_count"}


def edit(desk: Desk, ref: str, fields: Mapping[str, Any]) -> tuple[Record, Record]:
    """The edited fields before and after.

    `ref` is an object's, or a provider's name for its float. Amounts are minor units; an empty value or `null` empties a field.
    Any word is taken, known or not. NotFound for an unknown ref, BadInput for an unknown field or a value of the wrong type.
    """
    if ref in FACES:
        return _edit_float(desk, ref, fields)
    table, row = _locate(desk, ref)
    if owned := {name: value for name, value in fields.items() if table == square.OWNED and name.startswith(square.OWNER)}:
        return _edit_owner(desk, row, fields, owned)
    was, before, after, columns = dict(row), {}, {}, {}
    for name, value in fields.items():
        reader = _reader(table, name)
        read = reader(_text_of(value))
        if name.startswith(velocity.FAMILY):
            before[name], after[name] = _edit_velocity(desk, row, name, read), read
            continue
        path = _path(table, name)
        before[name] = _shown(reader, _get(row, path))
        _set(row, path, read)
        after[name] = _shown(reader, _get(row, path))
        column = path.split(".")[0]
        columns[column] = row[column]
    if columns:
        followed = square.follow(desk, table, was, columns) | sales.follow(desk, table, was, columns)
        followed |= zendit.follow(desk, table, was, columns)
        write(desk, table, row["ref"], columns | followed)
    return before, after


def _edit_velocity(desk: Desk, row: Record, name: str, amount: int | None) -> int | None:
    """The limit belongs to the user, whichever of the user's cards is named."""
    visit = Desk(desk.db, row["face"], desk.now)
    return velocity.set_limit(visit, row.get("user_token") or row["ref"], name.removeprefix(velocity.FAMILY), amount)


def _path(table: str, name: str) -> str:
    own = next((bank.ALIASES for bank in (square, zendit) if table in bank.FIELDS), _ALIASES)
    return own.get(name, name)


def _edit_owner(desk: Desk, card: Record, fields: Mapping[str, Any], owned: Mapping[str, Any]) -> tuple[Record, Record]:
    """Fields of a card's customer, whose name nobody is told, beside the card's own."""
    cut = {name.removeprefix(square.OWNER): value for name, value in owned.items()}
    customer = edit(desk, card["customer_id"], cut)
    own = edit(desk, card["ref"], {name: value for name, value in fields.items() if name not in owned})
    first, last = (
        side | {f"{square.OWNER}{name}": value for name, value in other.items()}
        for side, other in zip(own, customer, strict=True)
    )
    return first, last


def _edit_float(desk: Desk, face: str, fields: Mapping[str, Any]) -> tuple[Record, Record]:
    before: Record = {}
    after: Record = {}
    for name, value in fields.items():
        if face == zendit.FACE and name in zendit.SETTINGS:
            before[name], after[name] = zendit.set_up(desk, name, _text_of(value))
            continue
        family, _, currency = name.partition(".")
        if family not in _PURSES or (family == "payments" and face != "stripe"):
            raise BadInput(f"{face} has no field {name!r}", hint="a provider has `float.<currency>`, such as float.USD")
        exponent(currency.upper())
        key = (face, _PURSES[family], currency.lower())
        row = desk.db.execute("SELECT available FROM floats WHERE face = ? AND purse = ? AND currency = ?", key).fetchone()
        before[name], after[name] = row and row[0], _whole(_text_of(value))
        desk.db.execute("INSERT OR REPLACE INTO floats VALUES (?, ?, ?, ?)", (*key, after[name]))
    return before, after


def _locate(desk: Desk, ref: str) -> tuple[str, Record]:
    for table in OBJECTS:
        rows = select(desk, table, "ref = ?", (ref,))
        if rows:
            return table, rows[0]
    if row := strowallet.told_as(desk, ref):
        return row
    raise NotFound("simulated object", ref)


def _reader(table: str, name: str) -> Reader:
    known = FIELDS.get(table, {})
    family = f"{name.rpartition('.')[0]}.*"
    if name in known:
        return known[name]
    if family in known and not name.endswith("."):
        return known[family]
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
    hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}"
    raise BadInput(f"{table} have no field {name!r}", hint=hint)


def _get(row: Record, path: str) -> Any:
    if path.startswith(_LIMITS):
        return next((limit["amount"] for limit in _plain_limits(row, path)), None)
    node: Any = row
    for part in path.split("."):
        node = node.get(part) if isinstance(node, dict) else None
    return node


def _shown(reader: Reader, value: Any) -> Any:
    """SQLite keeps a flag as 0 or 1. What whoever knows it may use is not shown."""
    if reader is _secret and value is not None:
        return "***"
    return bool(value) if reader is _flag and value is not None else value


def _set(row: Record, path: str, value: Any) -> None:
    if path.startswith(_LIMITS):
        _set_limit(row, path, value)
        return
    *parents, last = path.split(".")
    node = row
    for part in parents:
        if node.get(part) is None:
            node[part] = {}
        node = node[part]
    if parents == ["metadata"] and value is None:
        node.pop(last, None)
    else:
        node[last] = value


def _set_limit(row: Record, path: str, amount: int | None) -> None:
    limits = row["spending_controls"].get("spending_limits") or []
    kept = [limit for limit in limits if limit not in _plain_limits(row, path)]
    added = [] if amount is None else [{"amount": amount, "interval": path.removeprefix(_LIMITS)}]
    row["spending_controls"]["spending_limits"] = kept + added


def _plain_limits(row: Record, path: str) -> list[Record]:
    """Limits of that interval which hold for every category."""
    limits = row["spending_controls"].get("spending_limits") or []
    return [limit for limit in limits if limit["interval"] == path.removeprefix(_LIMITS) and not limit.get("categories")]


def _text_of(value: Any) -> str:
    text = "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    if not text.isprintable() and any("\ud800" <= letter <= "\udfff" for letter in text):
        raise BadInput("a value is no UTF-8")
    return text


def _word(text: str) -> str:
    if not text:
        raise BadInput("this field cannot be emptied")
    return text


def _maybe(text: str) -> str | None:
    return None if text in ("", "null") else text


def _secret(text: str) -> str | None:
    return _maybe(text)


def _list(text: str) -> list[str]:
    return [word.strip() for word in text.split(",")] if _maybe(text) else []


def _flag(text: str) -> bool:
    if text not in ("true", "false"):
        raise BadInput(f"{text!r} is neither true nor false")
    return text == "true"


def _whole(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        raise BadInput(f"{text!r} is not a whole number", hint="amounts are minor units: 5000 is 50.00 USD") from None
    if abs(number) > MAX_MINOR:
        raise BadInput(f"{text} is out of range")
    return number


def _maybe_whole(text: str) -> int | None:
    return None if _maybe(text) is None else _whole(text)


_OBJECT: dict[str, Reader] = {"deleted": _flag, "created": _whole, "metadata.*": _maybe}
_CONTROLS: dict[str, Reader] = {
    **{f"{_LIMITS}{name}": _maybe_whole for name in ["per_authorization", "daily", "weekly", "monthly", "yearly", "all_time"]},
    **{
        f"spending_controls.{side}_{name}": _list
        for side in ("allowed", "blocked")
        for name in ("categories", "merchant_countries", "card_presences")
    },
}
_MERCHANT: dict[str, Reader] = {"merchant_amount": _whole, "merchant_currency": _word, "merchant_data.*": _maybe}

FIELDS: dict[str, dict[str, Reader]] = {
    "holders": {
        **_OBJECT,
        **_CONTROLS,
        **dict.fromkeys(("name", "status", "type"), _word),
        **dict.fromkeys(
            ("email", "phone_number", "billing.address.*", "individual.first_name", "individual.last_name"), _maybe
        ),
        "individual.dob.*": _maybe_whole,
        "company.tax_id_provided": _flag,
        "preferred_locales": _list,
        "requirements.disabled_reason": _maybe,
        "requirements.past_due": _list,
    },
    "cards": {
        **_OBJECT,
        **_CONTROLS,
        **dict.fromkeys(("brand", "cardholder", "currency", "cvc", "last4", "number", "status", "type"), _word),
        **dict.fromkeys(("cancellation_reason", "replaced_by", "replacement_for", "replacement_reason", "second_line"), _maybe),
        **dict.fromkeys(("exp_month", "exp_year"), _whole),
        "lifecycle_controls.cancel_after.payment_count": _maybe_whole,
    },
    "authorizations": {
        **_OBJECT,
        **_MERCHANT,
        **dict.fromkeys(("authorization_method", "card", "cardholder", "currency", "status"), _word),
        **dict.fromkeys(("amount", "held", "captured"), _whole),
        "approved": _flag,
        "wallet": _maybe,
    },
    "transactions": {
        **_OBJECT,
        **_MERCHANT,
        **dict.fromkeys(("card", "cardholder", "currency", "type"), _word),
        "amount": _whole,
        "authorization": _maybe,
        "wallet": _maybe,
    },
    "topups": {**_OBJECT, "amount": _whole, "currency": _word, "status": _word, "description": _maybe},
}
"""Field names as on the wire; `x.*` is any one name under x."""

_READERS: dict[str, Reader] = {
    "word": _word,
    "maybe": _maybe,
    "secret": _secret,
    "whole": _whole,
    "maybe_whole": _maybe_whole,
    "flag": _flag,
    "list": _list,
    "amount": _whole,
}
FIELDS |= {
    table: {name: _READERS[reader] for name, reader in fields.items()}
    for bank in (marqeta, strowallet, square, sales, zendit)
    for table, fields in bank.FIELDS.items()
}
_VELOCITY: dict[str, Reader] = {f"{velocity.FAMILY}{window}": _maybe_whole for window in velocity.WINDOWS}
FIELDS |= {table: {**FIELDS[table], **_VELOCITY} for table in ("marqeta_users", "marqeta_cards")}
