"""Exit codes: what a script may rely on. Which error ends in which, the package errors says."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What a script may rely on."""

    DONE = 0
    BUG = 1
    BAD_INPUT = 2
    FINDINGS = 3
    SECRET = 4
    NOT_FOUND = 5
    REFUSED = 6
    PROVIDER_SAID_NO = 7
    UNAVAILABLE = 8
    IN_DOUBT = 9
    PARTLY = 10
    BUSY = 11
    BOOKS = 12
    INTERRUPTED = 130
