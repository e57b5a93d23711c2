"""What `doctor` looks at, and how a look that fails is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from cardctl.config import Settings
from cardctl.db.unit import Books
from cardctl.domain.checks import Check, Outcome
from cardctl.errors import CardctlError
from cardctl.output.mail import Mailer
from cardctl.providers.base import Provider
from cardctl.secrets import Secrets

NOT_MADE = "not made yet: the first command that needs it makes it"
ELSE = {
    "profile": "mend config.toml, or name another profile: see `cardctl profile list`",
    "permissions": "let the user that runs cardctl read its files and directories",
    "secrets": "see `cardctl secret check`",
    "database": "see `cardctl db status`; `cardctl db restore FILE` brings back a copy",
    "provider": "see `cardctl provider check`; try again later",
    "float": "see `cardctl provider balance`",
    "mail": "see [profiles.….mail] in config.toml",
    **dict.fromkeys(("topup", "delivery", "orders"), "see zendit.topup in config.toml"),
    "scope": "give the key the rights to read and write Issuing, at the provider",
}
"""What to do where the error itself does not say."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What is looked at. `target` (of the books), `books` and `provider` are asked for only where opening makes nothing."""

    settings: Settings
    secrets: Secrets
    target: Callable[[], str]
    books: Callable[[], Books]
    provider: Callable[[], Provider]
    clock: Callable[[], datetime]
    mailer: Callable[[], Mailer | None] = lambda: None

    @property
    def simulated(self) -> bool:
        return self.settings.profile.environment == "simulator"


Look = Callable[[Subject], Iterator[Check]]
S = TypeVar("S")


def looked(name: str, look: Callable[[S], Iterator[Check]], subject: S) -> Iterator[Check]:
    """One look at whatever is looked at; what it cannot do is its own failure."""
    try:
        yield from look(subject)
    except CardctlError as error:
        yield Check(name, Outcome.FAIL, error.message, error.hint or ELSE.get(name, ELSE["database"]))
    except OSError as error:
        detail = f"{error.filename or 'a file'} cannot be looked at: {error.strerror}"
        yield Check(name, Outcome.FAIL, detail, ELSE["permissions"])
