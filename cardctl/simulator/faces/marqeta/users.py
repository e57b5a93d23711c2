"""/users, /usertransitions and /kyc."""

from __future__ import annotations

from collections.abc import Callable

from cardctl.simulator.faces.marqeta import objects, queries, tables
from cardctl.simulator.faces.marqeta.calls import Call, Condition, Endpoint, Show, created, listed, retrieve, shown
from cardctl.simulator.faces.marqeta.errors import invalid
from cardctl.simulator.marqeta import users
from cardctl.simulator.marqeta.lists import get
from cardctl.simulator.rows import Record

_USERS = "marqeta_users"
_UNKEPT = ("active", "password")
"""`active` follows the status, and is not to be set; a password is nobody's business here."""


def _create(call: Call) -> Record:
    return shown(call, objects.users, created(call, _USERS, users.open_user, _wish(call)))


def _update(call: Call) -> Record:
    wish = _wish(call)
    if wish.pop("token", call.ref) != call.ref:
        raise invalid("token")
    return shown(call, objects.users, users.change_user(call.desk, call.ref, wish))


def _list(call: Call) -> Record:
    return listed(call, _USERS, objects.users)


def _children(call: Call) -> Record:
    get(call.desk, _USERS, call.ref)
    return listed(call, _USERS, objects.users, [("parent_token = ?", (call.ref,))])


def _by_phone(call: Call) -> Record:
    return listed(call, _USERS, objects.users, [("phone = ?", (call.ref,))])


def _lookup(call: Call) -> Record:
    """Names match from their beginning, all without regard to case; what is asked for must all be met."""
    conditions: list[Condition] = []
    for name, value in call.body.items():
        if name in ("first_name", "last_name"):
            conditions.append((f"substr({name}, 1, length(?)) = ? COLLATE NOCASE", (value, value)))
        elif name == "dda":
            conditions.append(("0", ()))  # nobody has a deposit account here
        else:
            conditions.append((f"{name} = ?", (value[-4:] if name == "ssn" else value,)))
    return listed(call, _USERS, objects.users, conditions)


def _move(call: Call) -> Record:
    made = created(call, "marqeta_user_transitions", users.move_user, dict(call.body))
    return shown(call, objects.user_transitions, made)


def _verify(call: Call) -> Record:
    return shown(call, objects.kyc, created(call, "marqeta_kyc", users.verify, dict(call.body)))


def _of_user(table: str, show: Show, sort: str) -> Callable[[Call], Record]:
    def answer(call: Call) -> Record:
        get(call.desk, _USERS, call.ref)
        return listed(call, table, show, [("user_token = ?", (call.ref,))], sort)

    return answer


def _wish(call: Call) -> Record:
    return {name: value for name, value in call.body.items() if name not in _UNKEPT}


ENDPOINTS = (
    Endpoint("POST", "/users", _create, body=tables.USER_CREATE, status=201),
    Endpoint("GET", "/users", _list, queries.USER_LIST),
    Endpoint("POST", "/users/lookup", _lookup, queries.USER_LIST, tables.USER_LOOKUP),
    Endpoint("GET", "/users/phonenumber/{phone_number}", _by_phone, queries.LIST),
    Endpoint("GET", "/users/{parent_token}/children", _children, queries.LIST),
    Endpoint("GET", "/users/{token}", retrieve(_USERS, objects.users), queries.FIELDS),
    Endpoint("PUT", "/users/{token}", _update, body=tables.USER_UPDATE),
    Endpoint("POST", "/usertransitions", _move, body=tables.USER_TRANSITION, status=201),
    Endpoint(
        "GET",
        "/usertransitions/user/{user_token}",
        _of_user("marqeta_user_transitions", objects.user_transitions, "-id"),
        queries.LIST,
    ),
    Endpoint("GET", "/usertransitions/{token}", retrieve("marqeta_user_transitions", objects.user_transitions), queries.FIELDS),
    Endpoint("POST", "/kyc", _verify, body=tables.KYC, status=201),
    Endpoint("GET", "/kyc/user/{user_token}", _of_user("marqeta_kyc", objects.kyc, "-createdTime"), queries.LIST),
    Endpoint("GET", "/kyc/{token}", retrieve("marqeta_kyc", objects.kyc)),
)
