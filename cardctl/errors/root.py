"""What every failure of cardctl is: a message, a hint, a code and an exit code; which there are, the package says."""

from __future__ import annotations

from typing import ClassVar

from cardctl.exits import ExitCode


class CardctlError(Exception):
    """The root: `message` is one line for a person, `hint` says what to do next."""

    error_code: ClassVar[str] = "ERROR"
    exit_code: ClassVar[ExitCode] = ExitCode.BUG
    retryable: ClassVar[bool] = False
    default_hint: ClassVar[str | None] = None

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint or self.default_hint
        self.code = self.error_code
