"""Bank rules of users: opening, changing, moving their status, verifying who they are; their money lives in accounts.py."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cardctl.simulator.desk import Desk
from cardctl.simulator.marqeta.lists import changed, get, known, made
from cardctl.simulator.marqeta.refusals import Kind, Refuses
from cardctl.simulator.rows import Record, select

ACTIVE = ("ACTIVE", "LIMITED")
"""Statuses in which `active` is true; others load nothing, activate no card and buy nothing."""

ALLOWED = {
    "UNVERIFIED": ("ACTIVE", "CLOSED", "TERMINATED"),
    "LIMITED": ("ACTIVE", "SUSPENDED", "CLOSED"),
    "ACTIVE": ("SUSPENDED", "CLOSED", "UNVERIFIED"),
    "SUSPENDED": ("ACTIVE", "LIMITED", "UNVERIFIED", "CLOSED", "TERMINATED"),
    "CLOSED": (),  # restricted to roles that an API user of a sandbox does not have
    "TERMINATED": (),
}

_NEEDED = ("first_name", "last_name", "address1", "city", "state", "postal_code", "country", "birth_date", "identifications")


def open_user(desk: Desk, wish: Mapping[str, Any]) -> Record:
    """A new user, ACTIVE: this programme asks for no KYC. The beginning of the history is a transition too."""
    _check_email(desk, wish.get("email"), None)
    if wish.get("uses_parent_account") and not wish.get("parent_token"):
        raise Refuses(Kind.INVALID, "Invalid input(s): parent_token is required when uses_parent_account is true")
    if wish.get("parent_token"):
        get(desk, "marqeta_users", wish["parent_token"], Kind.PRECONDITION)
    defaults = {
        "status": "ACTIVE",
        "account_holder_group_token": "DEFAULT_AHG",
        "uses_parent_account": False,
        "corporate_card_holder": False,
        "identifications": [],
        "metadata": {},
    }
    user = made(desk, "marqeta_users", {**defaults, **_masked(wish), "balance_changed": desk.now})
    _record(desk, user, "ACTIVE", {"channel": "SYSTEM", "reason": "Cardholder creation", "reason_code": "14"})
    return user


def change_user(desk: Desk, ref: str, changes: Mapping[str, Any]) -> Record:
    """New values for some fields. Whose account a child spends from is decided for good when it is made."""
    user = get(desk, "marqeta_users", ref)
    _check_email(desk, changes.get("email"), ref)
    if changes.get("uses_parent_account", bool(user["uses_parent_account"])) != bool(user["uses_parent_account"]):
        raise Refuses(Kind.INVALID, "Invalid input(s): uses_parent_account cannot be updated")
    if changes.get("parent_token"):
        _check_parent(desk, ref, changes["parent_token"])
    return changed(desk, "marqeta_users", ref, _masked(changes))


def move_user(desk: Desk, wish: Mapping[str, Any]) -> Record:
    """Another status; returns the transition. UNCONFIRMED: that a move which is not allowed is a 412 and no 400."""
    user = get(desk, "marqeta_users", wish["user_token"], Kind.INVALID)
    if wish["status"] not in ALLOWED.get(user["status"], ()):
        raise Refuses(Kind.PRECONDITION, f"A user cannot go from {user['status']} to {wish['status']}")
    changed(desk, "marqeta_users", user["ref"], {"status": wish["status"]})
    return _record(desk, user, wish["status"], wish)


def verify(desk: Desk, wish: Mapping[str, Any]) -> Record:
    """Checks who a user is; a pass activates. UNCONFIRMED: the words `success` and `failure`, and the codes."""
    user = get(desk, "marqeta_users", wish["user_token"], Kind.INVALID)
    failures = [name for name in _NEEDED if not user[name]] + (["identity"] if user["kyc"] == "rejected" else [])
    passed = bool(wish.get("manual_override")) or not failures
    codes = [] if passed else [{"code": f"{name}Failure", "message": f"{name} not verified"} for name in failures]
    result = {"status": "success" if passed else "failure", "codes": codes}
    if passed and user["status"] == "UNVERIFIED":
        changed(desk, "marqeta_users", user["ref"], {"status": "ACTIVE", "kyc": "verified"})
        _record(desk, user, "ACTIVE", {"channel": "SYSTEM", "reason": "KYC passed", "reason_code": "18"})
    return made(desk, "marqeta_kyc", {"manual_override": False, **wish, "result": result})


def decide_kyc(desk: Desk, ref: str, word: str) -> bool:
    """What Marqeta's staff decides, asking no rule: pending → UNVERIFIED, verified → ACTIVE, rejected → SUSPENDED for reason 17
    (failed KYC), with the result that belongs to it. False where there is no such user."""
    user = known(desk, "marqeta_users", ref)
    if user is None:
        return False
    status, code, reason = {
        "pending": ("UNVERIFIED", "05", "KYC under review"),
        "verified": ("ACTIVE", "18", "KYC passed"),
        "rejected": ("SUSPENDED", "17", "KYC failed"),
    }[word]
    changed(desk, "marqeta_users", ref, {"status": status, "kyc": word})
    _record(desk, user, status, {"channel": "ADMIN", "reason": reason, "reason_code": code})
    if word != "pending":
        result: Record = {"status": "success" if word == "verified" else "failure", "codes": []}
        made(desk, "marqeta_kyc", {"user_token": ref, "manual_override": True, "result": result})
    return True


def _record(desk: Desk, user: Record, status: str, why: Mapping[str, Any]) -> Record:
    given = {**why, "user_token": user["ref"], "status": status, "metadata": user["metadata"]}
    return made(desk, "marqeta_user_transitions", given)


def _check_parent(desk: Desk, ref: str, parent: str | None) -> None:
    while parent is not None:
        if parent == ref:
            raise Refuses(Kind.INVALID, "Invalid input(s): a user cannot be above itself")
        parent = get(desk, "marqeta_users", parent, Kind.PRECONDITION)["parent_token"]


def _check_email(desk: Desk, email: str | None, own: str | None) -> None:
    if email is None:
        return
    taken = select(desk, "marqeta_users", "email = ? AND deleted = 0 AND ref IS NOT ? LIMIT 1", (email, own))
    if taken:
        raise Refuses(Kind.EMAIL_TAKEN, "A card holder with the same email already exist")


def _masked(wish: Mapping[str, Any]) -> Record:
    """Of a number that identifies a person only the last four digits are kept, as in the description's examples."""
    kept = dict(wish)
    if kept.get("ssn"):
        kept["ssn"] = kept["ssn"][-4:]
    if kept.get("identifications"):
        kept["identifications"] = [
            {**one, "value": one["value"][-4:]} if "value" in one else one for one in kept["identifications"]
        ]
    return kept
