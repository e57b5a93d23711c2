"""/cardproducts, /cards and /cardtransitions; a card's transactions are with the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from cardctl.simulator.desk import Desk
from cardctl.simulator.faces.marqeta import objects, queries, tables
from cardctl.simulator.faces.marqeta.calls import (
    Call,
    Condition,
    Endpoint,
    Show,
    created,
    listed,
    picked,
    retrieve,
    same_token,
    shown,
)
from cardctl.simulator.faces.marqeta.errors import invalid
from cardctl.simulator.marqeta import cards
from cardctl.simulator.marqeta.lists import get
from cardctl.simulator.rows import Record, find_all

_CARDS = "marqeta_cards"


def _create_product(call: Call) -> Record:
    for name in ("start_date", "end_date"):
        _check_date(name, call.body.get(name))
    return shown(call, objects.products, created(call, "marqeta_products", cards.make_product, dict(call.body)))


def _list_products(call: Call) -> Record:
    return listed(call, "marqeta_products", objects.products, sort="-createdTime")  # the description's own default


def _create(call: Call) -> Record:
    card = created(call, _CARDS, cards.issue_card, dict(call.body))
    return {**objects.cards(call.desk, [card])[0], **_secrets(card, call.query, pan=bool(call.query.get("show_pan")))}


def _show(call: Call) -> Record:
    return shown(call, _shower(call), get(call.desk, _CARDS, call.ref))


def _show_pan(call: Call) -> Record:
    """The only GET that changes something: the card counts as presented."""
    card = cards.present(call.desk, call.ref)
    return picked(call, {**objects.cards(call.desk, [card])[0], **_secrets(card, call.query, pan=True)})


def _update(call: Call) -> Record:
    return shown(call, objects.cards, cards.change_card(call.desk, call.ref, same_token(call)))


def _of_user(call: Call) -> Record:
    get(call.desk, "marqeta_users", call.ref)
    return _listed(call, [("user_token = ?", (call.ref,))])


def _by_last_four(call: Call) -> Record:
    return _listed(call, [("last_four = ?", (call.query["last_four"],))])


def _move(call: Call) -> Record:
    unkept = ("sync_state_with_dwts", "validations")
    wish = {name: value for name, value in call.body.items() if name not in unkept}
    return shown(call, objects.card_transitions, created(call, "marqeta_card_transitions", cards.move_card, wish))


def _history(call: Call) -> Record:
    get(call.desk, _CARDS, call.ref)
    where: list[Condition] = [("card_token = ?", (call.ref,))]
    return listed(call, "marqeta_card_transitions", objects.card_transitions, where, "-createdTime")


def _listed(call: Call, where: list[Condition]) -> Record:
    return listed(call, _CARDS, _shower(call), where)


def _shower(call: Call) -> Show:
    """`expand=user` puts the whole user into its cards; nothing else can be expanded."""
    asked = [name.strip() for name in call.query.get("expand", "").split(",") if name.strip()]
    if not set(asked) <= {"user"}:
        raise invalid(f"expand ({', '.join(asked)})")
    return _with_users if asked else objects.cards


def _with_users(desk: Desk, rows: Sequence[Record]) -> list[Record]:
    owners = find_all(desk, "marqeta_users", "ref", (row["user_token"] for row in rows))
    by_token = {user["token"]: user for user in objects.users(desk, owners)}
    return [{**card, "user": by_token[card["user_token"]]} for card in objects.cards(desk, rows)]


def _secrets(card: Record, query: Mapping[str, Any], *, pan: bool) -> Record:
    given = {"pan": card["pan"]} if pan else {}
    return given | ({"cvv_number": card["cvv_number"]} if query.get("show_cvv_number") else {})


def _check_date(name: str, given: str | None) -> None:
    try:
        date.fromisoformat(given or "2000-01-01")
    except ValueError:
        raise invalid(f"{name} is yyyy-MM-dd") from None


ENDPOINTS = (
    Endpoint("POST", "/cardproducts", _create_product, body=tables.PRODUCT_CREATE, status=201),
    Endpoint("GET", "/cardproducts", _list_products, queries.PRODUCT_LIST),
    Endpoint("GET", "/cardproducts/{token}", retrieve("marqeta_products", objects.products)),
    Endpoint("POST", "/cards", _create, queries.CARD_SHOWING, tables.CARD_CREATE, status=201),
    Endpoint("GET", "/cards", _by_last_four, queries.LAST_FOUR),
    Endpoint("GET", "/cards/user/{token}", _of_user, queries.CARD_LIST),
    Endpoint("GET", "/cards/{token}", _show, queries.SHOWN),
    Endpoint("PUT", "/cards/{token}", _update, body=tables.CARD_UPDATE),
    Endpoint("GET", "/cards/{token}/showpan", _show_pan, queries.PAN_SHOWING),
    Endpoint("POST", "/cardtransitions", _move, body=tables.CARD_TRANSITION, status=201),
    Endpoint("GET", "/cardtransitions/card/{token}", _history, queries.LIST),
    Endpoint("GET", "/cardtransitions/{token}", retrieve("marqeta_card_transitions", objects.card_transitions), queries.FIELDS),
)
