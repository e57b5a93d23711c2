"""How each kind of endpoint says no; there are no error codes, and no two clients saw the same shape.

UNCONFIRMED: which endpoint answers which shape and status, beyond what is said beside it; each shape was seen somewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cardctl.simulator.faces.strowallet.replies import in_json
from cardctl.simulator.rows import NoSuch
from cardctl.simulator.strowallet.tables import CARDS, CUSTOMERS, TRANSACTIONS
from cardctl.simulator.wire import Reply

Errors = Mapping[str, list[str]]

_NOUNS = {CUSTOMERS: "Customer", CARDS: "Card", TRANSACTIONS: "Withdrawal"}


@dataclass(frozen=True, slots=True)
class Manner:
    """The answers to wrong parameters and to a refusal of the bank."""

    invalid: Callable[[Errors], Reply]
    refused: Callable[[str], Reply]


def wrong_key() -> Reply:
    """No key, one of no known shape, or the other product's."""
    return _plain(401, "Invalid public key.")


def throttled() -> Reply:
    """429, before anything was looked at."""
    return in_json(429, {"message": "Too Many Attempts."})


def nothing_such(none: NoSuch) -> str:
    """What is said of an object that this world does not have."""
    return f"{_NOUNS[none.table]} not found"


def _plain(status: int, message: str) -> Reply:
    return in_json(status, {"success": False, "message": message})


def _with_errors(errors: Errors) -> Reply:
    first = next(iter(errors.values()))[0]
    return in_json(422, {"success": False, "message": first, "errors": dict(errors)})


READS = Manner(_with_errors, lambda message: _plain(400, message))
FUNDS = Manner(_with_errors, lambda message: _plain(200, message))  # a logical failure with 200
PEOPLE = Manner(  # `message` is an object
    lambda errors: in_json(422, {"success": False, "message": dict(errors)}), lambda message: _plain(400, message)
)
CREATES = Manner(_with_errors, lambda message: in_json(200, {"error": message}))  # CONFIRMED for create-card
WITHDRAWS = Manner(  # 400 "Validation Error" is CONFIRMED
    lambda errors: in_json(400, {"success": False, "message": "Validation Error", "errors": dict(errors)}),
    lambda message: _plain(400, message),
)
ACTS = Manner(  # CONFIRMED for action/status: `error` with 200, `message` may be a list
    lambda errors: in_json(200, {"error": "error", "message": [each for some in errors.values() for each in some]}),
    lambda message: in_json(200, {"error": "error", "message": [message]}),
)
NFC = Manner(  # CONFIRMED: 422 with `errors` alone
    lambda errors: in_json(422, {"errors": dict(errors)}), lambda message: _plain(400, message)
)
ASKS_FLOAT = Manner(  # CONFIRMED: `message`, and no `success`
    lambda errors: in_json(400, {"message": next(iter(errors.values()))[0]}), lambda message: in_json(400, {"message": message})
)
