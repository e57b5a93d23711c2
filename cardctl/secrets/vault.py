"""The OS keyring within a hard limit: a backend that hangs, prompts or breaks is a quick no; names are not known here."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

SERVICE = "cardctl"

T = TypeVar("T")

_LASTING = {
    "NoKeyringError": "no keyring here",
    "ImportError": "no keyring here",
    "KeyringLocked": "the keyring is locked",
    "LockedException": "the keyring is locked",
}
"""Answers, by the name of the error, that will not change while this process lives."""


class NoAnswer(Exception):
    """The keyring cannot be used; the message says why. `unknown`: it was cut off at work, which may have taken effect."""

    def __init__(self, reason: str, *, unknown: bool = False) -> None:
        super().__init__(reason)
        self.unknown = unknown


class Vault:
    """The keyring. After a timeout, or where there is none, it is not asked again in this process."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._gone: str | None = None

    def get(self, user: str) -> str | None:
        """The entry, None where there is none; NoAnswer where nobody can tell."""
        return self._bounded(lambda backend: backend.get_password(SERVICE, user))

    def set(self, user: str, value: str) -> bool:
        """Stores and reads back: False where the backend took the entry and did not keep it."""

        def store(backend: KeyringBackend) -> bool:
            backend.set_password(SERVICE, user, value)
            return backend.get_password(SERVICE, user) == value

        return self._bounded(store)

    def delete(self, user: str) -> bool:
        """False where there was no such entry."""

        def remove(backend: KeyringBackend) -> bool:
            if backend.get_password(SERVICE, user) is None:
                return False
            backend.delete_password(SERVICE, user)
            return True

        return self._bounded(remove)

    def _bounded(self, work: Callable[[KeyringBackend], T]) -> T:
        """In a daemon thread, which never holds the exit; the import too, since choosing a backend already talks to D-Bus."""
        if self._gone:
            raise NoAnswer(self._gone)
        answers: SimpleQueue[tuple[T, None] | tuple[None, BaseException]] = SimpleQueue()

        def run() -> None:
            try:
                answers.put((work(_backend()), None))
            except BaseException as error:
                answers.put((None, error))

        Thread(target=run, name="keyring", daemon=True).start()
        try:
            answer, error = answers.get(timeout=self._seconds)
        except Empty:
            self._gone = f"timed out after {self._seconds:g} s"
            raise NoAnswer(self._gone, unknown=True) from None
        if error is None:
            return answer  # type: ignore[return-value]  # the pair's other half says so
        raise NoAnswer(self._reason(error)) from None

    def _reason(self, error: BaseException) -> str:
        """Only the kind of error: its message is the backend's, and may hold what was to be stored."""
        for kind in type(error).__mro__:
            if reason := _LASTING.get(kind.__name__):
                self._gone = reason
                return reason
        return f"the keyring failed with {type(error).__name__}"


def _backend() -> KeyringBackend:
    import keyring  # noqa: PLC0415 - inside the limit

    logging.getLogger("keyring").addHandler(logging.NullHandler())  # else a backend's log lines reach stderr
    backend = keyring.get_keyring()
    _refuse_prompt(backend)
    return backend


def _refuse_prompt(backend: KeyringBackend) -> None:
    """A locked Secret Service would put its prompt before whoever sits there, for one second: KeyringLocked instead."""
    from keyring.backends import SecretService  # noqa: PLC0415 - inside the limit
    from keyring.errors import KeyringLocked  # noqa: PLC0415

    if not any(isinstance(each, SecretService.Keyring) for each in getattr(backend, "backends", (backend,))):
        return
    import secretstorage  # noqa: PLC0415 - only there where a Secret Service can be

    # no default collection yet is no lock: the backend makes one
    with contextlib.closing(secretstorage.dbus_init()) as bus, contextlib.suppress(secretstorage.ItemNotFoundException):
        if secretstorage.Collection(bus).is_locked():
            raise KeyringLocked
