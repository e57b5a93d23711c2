"""Every way in which cardctl fails, each with its error_code, exit code and hint.

    CardctlError
    ├── BadInput                2  INVALID_INPUT        the command line, a file or an amount was wrong
    │   ├── BadAmount              INVALID_AMOUNT
    │   ├── BadFile                INVALID_FILE
    │   ├── BadConfig              INVALID_CONFIG
    │   ├── BadEvent               INVALID_EVENT        what came is no event of this provider's
    │   ├── AmbiguousName          AMBIGUOUS_NAME       more than one thing answers to the name
    │   └── KeyReused              IDEMPOTENCY_MISMATCH the same key came with other arguments
    ├── SecretProblem           4  SECRET_UNUSABLE
    │   ├── SecretMissing          SECRET_MISSING
    │   ├── SecretRefused          SECRET_REFUSED       the provider answered 401
    │   ├── SecretWrongMode        SECRET_WRONG_MODE    a live key in a sandbox profile, or the reverse
    │   └── WrongEncryptionKey     WRONG_ENCRYPTION_KEY
    ├── NotFound                5  NOT_FOUND            (CARD_NOT_FOUND, ACCOUNT_NOT_FOUND, … by noun)
    ├── Refused                 6  REFUSED              the state forbids it, or consent is missing
    │   ├── StateForbids           STATE_FORBIDS
    │   ├── ConsentMissing         CONSENT_MISSING
    │   ├── CardUnlimited          CARD_UNLIMITED       a Stripe card without an allowance cannot be funded
    │   ├── InsufficientBalance    INSUFFICIENT_BALANCE
    │   ├── LiveNotSaid            LIVE_NOT_SAID        a live write without --live
    │   ├── RemoteSuddenlyEmpty    REMOTE_SUDDENLY_EMPTY the provider lists nothing of what it had
    │   ├── TooMuchDiffers         TOO_MUCH_DIFFERS     more than a third of the cards: hardly the cards' fault
    │   └── DevelopmentOnly        DEVELOPMENT_ONLY
    ├── ProviderRefused         7  PROVIDER_REFUSED     the provider said no
    │   ├── CardExpired            CARD_EXPIRED         the buyer's card is out of date
    │   ├── ProviderHasNot         PROVIDER_HAS_NOT     it answered 404: it has no such object
    │   └── Unsupported            NOT_SUPPORTED        it cannot do this at all
    ├── ProviderUnavailable     8  PROVIDER_UNAVAILABLE surely nothing ran; try again later
    │   ├── RateLimited            RATE_LIMITED
    │   └── CircuitOpen            CIRCUIT_OPEN         it failed so often that it is not asked for a while
    ├── ReplyLost               9  REPLY_LOST           a request may have run; its reply did not arrive whole
    │   └── ServerFailed           SERVER_FAILED        … or was a 5xx
    ├── OutcomeUnknown          9  OUTCOME_UNKNOWN      a journalled write is in doubt
    ├── Busy                   11  BUSY                 another run holds the lock
    │   ├── TargetBusy             TARGET_BUSY
    │   └── BooksLocked            BOOKS_LOCKED
    └── BooksUnusable          12  BOOKS_UNUSABLE
        ├── DiskFull               DISK_FULL
        ├── BooksReadOnly          BOOKS_READ_ONLY
        ├── BooksCorrupt           BOOKS_CORRUPT        (also a file that is no database, or not ours)
        ├── BooksForeign           BOOKS_FOREIGN        another environment's
        ├── SchemaNewer            SCHEMA_NEWER
        └── SchemaOlder            SCHEMA_OLDER

Errors carry data; they are turned into an exit code, an envelope and one line of advice by cli.py alone.
Codes 0 (done), 1 (a bug), 3 (findings), 10 (some items done, some not) and 130 (interrupted) are not errors of this tree.
"""

from __future__ import annotations

from typing import ClassVar

from cardctl.exits import ExitCode as ExitCode  # noqa: PLC0414 - handed on: whoever knows the errors knows the codes


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


class ProviderRefused(CardctlError):
    """The provider's explicit no. `vendor_code` and `request_id` are its own words, where it gave them."""

    error_code = "PROVIDER_REFUSED"
    exit_code = ExitCode.PROVIDER_SAID_NO

    def __init__(
        self, message: str, *, hint: str | None = None, vendor_code: str | None = None, request_id: str | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.vendor_code = vendor_code
        self.request_id = request_id


class CardExpired(ProviderRefused):
    """A buyer's card is out of date."""

    error_code = "CARD_EXPIRED"
    default_hint = "ask the buyer for a new card, and save it: `cardctl saved-card add --replace`"


class ProviderHasNot(ProviderRefused):
    error_code = "PROVIDER_HAS_NOT"


class Unsupported(ProviderRefused):
    error_code = "NOT_SUPPORTED"


class ProviderUnavailable(CardctlError):
    """Surely nothing ran: the connection was refused, the name not found, or every attempt was turned away."""

    error_code = "PROVIDER_UNAVAILABLE"
    exit_code = ExitCode.UNAVAILABLE
    retryable = True


class RateLimited(ProviderUnavailable):
    error_code = "RATE_LIMITED"


class CircuitOpen(ProviderUnavailable):
    error_code = "CIRCUIT_OPEN"
    default_hint = (
        "try again later; what our books know can still be read (`cardctl card show`), and freeze and close go through"
    )


class ReplyLost(CardctlError):
    """A request may have run, and its reply did not arrive whole. Never 'failed'."""

    error_code = "REPLY_LOST"
    exit_code = ExitCode.IN_DOUBT
    retryable = True


class ServerFailed(ReplyLost):
    """The last reply was a 5xx. `saved`: the provider replays it under the key, so asking again tells nothing new."""

    error_code = "SERVER_FAILED"

    def __init__(self, message: str, *, saved: bool = False) -> None:
        super().__init__(message)
        self.saved = saved


class OutcomeUnknown(CardctlError):
    """A journalled write is in doubt; `operation_id` names it."""

    error_code = "OUTCOME_UNKNOWN"
    exit_code = ExitCode.IN_DOUBT
    default_hint = "settle it with `cardctl operation resume`; see `cardctl operation list --state in_doubt`"

    def __init__(self, message: str, *, operation_id: str, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.operation_id = operation_id


class Busy(CardctlError):
    error_code = "BUSY"
    exit_code = ExitCode.BUSY
    retryable = True


class TargetBusy(Busy):
    error_code = "TARGET_BUSY"


class BooksLocked(Busy):
    error_code = "BOOKS_LOCKED"


class BooksUnusable(CardctlError):
    error_code = "BOOKS_UNUSABLE"
    exit_code = ExitCode.BOOKS


class DiskFull(BooksUnusable):
    error_code = "DISK_FULL"
    default_hint = "free some room; nothing was lost: what was under way is in the journal, see `cardctl operation list`"


class BooksReadOnly(BooksUnusable):
    error_code = "BOOKS_READ_ONLY"


class BooksCorrupt(BooksUnusable):
    error_code = "BOOKS_CORRUPT"
    default_hint = "bring back the last good copy with `cardctl db restore FILE`"


class BooksForeign(BooksUnusable):
    error_code = "BOOKS_FOREIGN"


class SchemaNewer(BooksUnusable):
    error_code = "SCHEMA_NEWER"
    default_hint = "these books were written by a newer cardctl; use that one"


class SchemaOlder(BooksUnusable):
    error_code = "SCHEMA_OLDER"
    default_hint = "run `cardctl db upgrade`, which makes a backup first"
