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
    ├── MailRefused             7  MAIL_REFUSED         the mail server said no for good
    ├── MailUnavailable         8  MAIL_UNAVAILABLE     try again later; sent twice, it is the same mail
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

from cardctl.errors.books import (
    BooksCorrupt,
    BooksForeign,
    BooksLocked,
    BooksReadOnly,
    BooksUnusable,
    Busy,
    DiskFull,
    SchemaNewer,
    SchemaOlder,
    TargetBusy,
)
from cardctl.errors.ours import (
    AmbiguousName,
    BadAmount,
    BadConfig,
    BadEvent,
    BadFile,
    BadInput,
    CardUnlimited,
    ConsentMissing,
    DevelopmentOnly,
    InsufficientBalance,
    KeyReused,
    LiveNotSaid,
    NotFound,
    Refused,
    RemoteSuddenlyEmpty,
    SecretMissing,
    SecretProblem,
    SecretRefused,
    SecretWrongMode,
    StateForbids,
    TooMuchDiffers,
    WrongEncryptionKey,
)
from cardctl.errors.root import CardctlError
from cardctl.errors.theirs import (
    CardExpired,
    CircuitOpen,
    MailRefused,
    MailUnavailable,
    OutcomeUnknown,
    ProviderHasNot,
    ProviderRefused,
    ProviderUnavailable,
    RateLimited,
    ReplyLost,
    ServerFailed,
    Unsupported,
)
from cardctl.exits import ExitCode  # whoever knows the errors knows the codes

__all__ = [
    "AmbiguousName",
    "BadAmount",
    "BadConfig",
    "BadEvent",
    "BadFile",
    "BadInput",
    "BooksCorrupt",
    "BooksForeign",
    "BooksLocked",
    "BooksReadOnly",
    "BooksUnusable",
    "Busy",
    "CardExpired",
    "CardUnlimited",
    "CardctlError",
    "CircuitOpen",
    "ConsentMissing",
    "DevelopmentOnly",
    "DiskFull",
    "ExitCode",
    "InsufficientBalance",
    "KeyReused",
    "LiveNotSaid",
    "MailRefused",
    "MailUnavailable",
    "NotFound",
    "OutcomeUnknown",
    "ProviderHasNot",
    "ProviderRefused",
    "ProviderUnavailable",
    "RateLimited",
    "Refused",
    "RemoteSuddenlyEmpty",
    "ReplyLost",
    "SchemaNewer",
    "SchemaOlder",
    "SecretMissing",
    "SecretProblem",
    "SecretRefused",
    "SecretWrongMode",
    "ServerFailed",
    "StateForbids",
    "TargetBusy",
    "TooMuchDiffers",
    "Unsupported",
    "WrongEncryptionKey",
]
