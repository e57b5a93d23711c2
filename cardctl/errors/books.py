"""Books that cannot be used, and locks that another process holds."""

from __future__ import annotations

from cardctl.errors.root import CardctlError
from cardctl.exits import ExitCode


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
