"""Marqeta's error bodies; who raises them decides when."""

from __future__ import annotations

from cardctl.simulator.faces.marqeta.numbers import encode
from cardctl.simulator.marqeta.refusals import Kind, Refuses

MALFORMED = "400037"
GATEWAY_PAGE = b"<html><head><title>500 Internal Server Error</title></head><body><h1>Internal Server Error</h1></body></html>"
"""What a gateway in front of Marqeta may answer: a page, and no JSON (seen by a client's author)."""

_STATUS = {
    Kind.INVALID: 400,
    Kind.EMAIL_TAKEN: 400,
    Kind.FORBIDDEN: 403,
    Kind.MISSING: 404,
    Kind.DIFFERENT: 409,
    Kind.PRECONDITION: 412,
    Kind.RULE: 422,
}
_CODES = {Kind.EMAIL_TAKEN: "400057"}
_CARDHOLDER_NOT_FOUND = "404004"


class Problem(Exception):
    """An answer that is not 2xx: `{error_code, error_message}`.

    Of a code's six digits the first three are the status. The last three are known for a few errors alone; all others
    have 000 here, which is no code of Marqeta's.
    """

    def __init__(self, status: int, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code or f"{status}000"

    def body(self) -> bytes:
        return encode({"error_code": self.code, "error_message": self.message})


def problem_of(refusal: Refuses) -> Problem:
    """What the bank's no is on the wire."""
    code = _CODES.get(refusal.kind)
    if refusal.kind is Kind.MISSING and refusal.message.startswith("Cardholder "):
        code = _CARDHOLDER_NOT_FOUND
    return Problem(_STATUS[refusal.kind], refusal.message, code=code)


def malformed(why: str) -> Problem:
    """A body that is no JSON, or has a value of the wrong type or outside its enum."""
    return Problem(400, f"Malformed JSON request received: {why}", code=MALFORMED)


def invalid(names: str) -> Problem:
    """A field that is missing, blank, too long, or not there at all."""
    return Problem(400, f"Invalid input(s): {names}")


def server_error() -> Problem:
    """Also what an empty body gets."""
    return Problem(500, "Internal server error")
