"""What is wrong on our side of the wire: the command, the settings, a secret, a name, a state that forbids it."""

from __future__ import annotations

from cardctl.errors.root import CardctlError
from cardctl.exits import ExitCode


class BadInput(CardctlError):
    error_code = "INVALID_INPUT"
    exit_code = ExitCode.BAD_INPUT


class BadAmount(BadInput):
    error_code = "INVALID_AMOUNT"


class BadFile(BadInput):
    error_code = "INVALID_FILE"


class BadEvent(BadInput):
    error_code = "INVALID_EVENT"


class BadConfig(BadInput):
    error_code = "INVALID_CONFIG"


class AmbiguousName(BadInput):
    error_code = "AMBIGUOUS_NAME"


class KeyReused(BadInput):
    error_code = "IDEMPOTENCY_MISMATCH"
    default_hint = "an idempotency key belongs to one write with one set of arguments; choose another key"


class SecretProblem(CardctlError):
    error_code = "SECRET_UNUSABLE"
    exit_code = ExitCode.SECRET


class SecretMissing(SecretProblem):
    error_code = "SECRET_MISSING"


class SecretRefused(SecretProblem):
    error_code = "SECRET_REFUSED"
    default_hint = "see which source answered with `cardctl secret check`"


class SecretWrongMode(SecretProblem):
    error_code = "SECRET_WRONG_MODE"


class WrongEncryptionKey(SecretProblem):
    error_code = "WRONG_ENCRYPTION_KEY"
    default_hint = "provide the key these books were sealed with as db.encryption_key, or db.encryption_key_previous"


class NotFound(CardctlError):
    """`noun` makes the code: NotFound('card', …) is CARD_NOT_FOUND."""

    error_code = "NOT_FOUND"
    exit_code = ExitCode.NOT_FOUND

    def __init__(self, noun: str, name: str, *, hint: str | None = None) -> None:
        super().__init__(f"no {noun} answers to {name!r}", hint=hint)
        self.code = f"{noun.upper().replace(' ', '_')}_NOT_FOUND"


class Refused(CardctlError):
    error_code = "REFUSED"
    exit_code = ExitCode.REFUSED


class StateForbids(Refused):
    error_code = "STATE_FORBIDS"


class ConsentMissing(Refused):
    error_code = "CONSENT_MISSING"


class CardUnlimited(Refused):
    error_code = "CARD_UNLIMITED"
    default_hint = "--set-allowance gives the card an allowance, which also begins to limit it"


class InsufficientBalance(Refused):
    error_code = "INSUFFICIENT_BALANCE"


class LiveNotSaid(Refused):
    error_code = "LIVE_NOT_SAID"
    default_hint = "a write to a live programme needs --live, or CARDCTL_LIVE=1 in a scheduled job"


class RemoteSuddenlyEmpty(Refused):
    error_code = "REMOTE_SUDDENLY_EMPTY"
    default_hint = "see that the key and the account are the right ones; --force takes it as it is"


class TooMuchDiffers(Refused):
    error_code = "TOO_MUCH_DIFFERS"
    default_hint = "see that the books are this programme's (`cardctl db status`); --force reports it all the same"


class DevelopmentOnly(Refused):
    error_code = "DEVELOPMENT_ONLY"
