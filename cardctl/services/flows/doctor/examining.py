"""Every check in turn."""

from __future__ import annotations

from collections.abc import Iterator

from cardctl.domain.checks import Check, Outcome
from cardctl.errors import CardctlError
from cardctl.services.flows.doctor.books import look_at_books
from cardctl.services.flows.doctor.machine import (
    look_at_disk,
    look_at_mail,
    look_at_permissions,
    look_at_profile,
    look_at_secrets,
)
from cardctl.services.flows.doctor.provider import look_at_provider
from cardctl.services.flows.doctor.subject import ELSE, Look, Subject, looked

_LOOKS: dict[str, Look] = {
    "profile": look_at_profile,
    "permissions": look_at_permissions,
    "secrets": look_at_secrets,
    "disk": look_at_disk,
    "mail": look_at_mail,
    "database": look_at_books,
    "provider": look_at_provider,
}


def examine(subject: Subject) -> Iterator[Check]:
    """Every check in turn, as it is done; what one cannot do is its own failure, and the next goes on."""
    for name, look in _LOOKS.items():
        yield from looked(name, look, subject)


def unusable(error: CardctlError) -> Check:
    """What is said where there is no profile to work with: nothing else can be looked at."""
    return Check("profile", Outcome.FAIL, error.message, error.hint or ELSE["profile"])
