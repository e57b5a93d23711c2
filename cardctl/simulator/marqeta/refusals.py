"""How Marqeta says no: what kind of no it is, and its sentence; statuses and codes are the wire's."""

from __future__ import annotations

from enum import Enum


class Kind(Enum):
    """Why the bank refuses."""

    INVALID = "invalid"
    EMAIL_TAKEN = "email taken"
    FORBIDDEN = "forbidden"
    MISSING = "missing"
    DIFFERENT = "different"  # the token was used with another payload
    PRECONDITION = "precondition"
    RULE = "rule"  # a rule, or the money that is there, does not allow it


class Refuses(Exception):
    """The bank's no."""

    def __init__(self, kind: Kind, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
