"""Keyring backends for PYTHON_KEYRING_BACKEND: one that keeps, and the ways in which others misbehave."""

from __future__ import annotations

import logging
import threading
from typing import ClassVar

from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked, PasswordSetError


class Kept(KeyringBackend):
    """Keeps its entries in this process."""

    priority: ClassVar[float] = 1
    entries: ClassVar[dict[tuple[str, str], str]] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.entries[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.entries[service, username]


class Hanging(Kept):
    """Never answers."""

    def get_password(self, service: str, username: str) -> str | None:
        threading.Event().wait()
        return None

    def set_password(self, service: str, username: str, password: str) -> None:
        threading.Event().wait()

    delete_password = get_password  # type: ignore[assignment]


class Locked(Kept):
    def get_password(self, service: str, username: str) -> str | None:
        raise KeyringLocked("Failed to unlock the collection!")


class Forgetful(Kept):
    """Takes an entry and does not keep it, as keyring's own null backend does."""

    def set_password(self, service: str, username: str, password: str) -> None:
        pass


class Telltale(Kept):
    """Fails with the secret in its message, and logs."""

    def get_password(self, service: str, username: str) -> str | None:
        logging.getLogger("keyring.backends.telltale").warning("looking for %s", username)
        return None

    def set_password(self, service: str, username: str, password: str) -> None:
        logging.getLogger("keyring.backends.telltale").error("cannot store %s", password)
        raise PasswordSetError(f"cannot store {password}")
