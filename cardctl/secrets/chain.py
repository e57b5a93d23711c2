"""The order in which sources are asked for a secret, what each one said, and the words when none has it."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from cardctl.domain.redaction import Secret
from cardctl.errors import BadInput, NotFound, Refused, SecretMissing, SecretProblem
from cardctl.secrets.development import KeyFile, is_encryption_key
from cardctl.secrets.names import ENCRYPTION_KEY, MADE_UP, NAMES, PREVIOUS, Unfit, base_of, fit, variables
from cardctl.secrets.sources import Command, from_file
from cardctl.secrets.vault import NoAnswer, Vault

CREDENTIALS, COMMAND, ENVIRONMENT, KEYRING = "credentials directory", "secret_command", "environment", "keyring"
MADE, DEVELOPMENT = "made up for the simulator", "development key"


@dataclass(frozen=True, slots=True)
class Found:
    """A secret and who had it; `detail` is the path, the command line, the variable or the keyring's entry."""

    name: str
    secret: Secret
    source: str
    detail: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """What one source said: "found", "absent", "no: …" with the reason, "not asked", or "made on first use"."""

    source: str
    detail: str
    outcome: str


@dataclass(frozen=True, slots=True)
class Present:
    """A secret that is there, without it."""

    name: str
    source: str
    detail: str


@dataclass(frozen=True, slots=True)
class _Source:
    label: str
    detail: str
    ask: Callable[[], Secret | None]


class Secrets:
    """The secrets of one profile. An answer holds for the life of this object, or until `set` or `delete` changes it."""

    def __init__(
        self,
        *,
        profile: str,
        environment: str,
        secret_command: Sequence[str] | None,
        environ_lookup: Callable[[str, str], tuple[str, str] | None],
        credentials_directory: Path | None,
        keyring_timeout: float = 1.0,
        development_key_file: Path | None,
        development_key_before: Path | None = None,
    ) -> None:
        self._profile = profile
        self._simulated = environment == "simulator"
        self._command = Command(secret_command) if secret_command else None
        self._lookup = environ_lookup
        self._credentials = credentials_directory
        self._vault = Vault(keyring_timeout)
        self._key_file = development_key_file
        self._key_before = development_key_before
        self._answers: dict[str, tuple[Sequence[Attempt], Found | None]] = {}

    def get(self, name: str) -> Secret:
        """The secret, or SecretMissing with the four ways to provide it. BadInput for an unknown name."""
        found = self.find(name)
        if found:
            return found.secret
        refusals = [f"{each.source}: {each.outcome[4:]}" for each in self.explain(name) if each.outcome.startswith("no: ")]
        reasons = f" ({'; '.join(refusals)})" if refusals else ""
        raise SecretMissing(f"no source has the secret {name} for profile {self._profile}{reasons}", hint=self._ways(name))

    def find(self, name: str) -> Found | None:
        """The secret from the first source that has it. In the simulator the encryption key is made when it is asked for."""
        key = self._development_key(name)
        if key is None:
            return self._answer(name)[1]
        secret = key.read() if name.endswith(PREVIOUS) else key.obtain()
        return Found(name, secret, DEVELOPMENT, str(key.file)) if secret else None

    def explain(self, name: str) -> Sequence[Attempt]:
        """What every source says or would not be asked any more; nothing is made."""
        key = self._development_key(name)
        if key is None:
            return self._answer(name)[0]
        return [
            Attempt(DEVELOPMENT, str(key.file), _state_of(key, "absent" if name.endswith(PREVIOUS) else "made on first use"))
        ]

    def list(self) -> Sequence[Present]:
        """The known names that some source has, without their values; nothing is made."""
        names = [each for base in NAMES for each in (base, base + PREVIOUS)]
        tries = [(name, attempt) for name in names for attempt in self.explain(name) if attempt.outcome == "found"]
        return [Present(name, attempt.source, attempt.detail) for name, attempt in tries]

    def set(self, name: str, secret: Secret) -> None:
        """Stores in the keyring (the simulator's encryption key: in its file). SecretProblem where that cannot be done."""
        self._check_writable(name, secret)
        self._answers.pop(name, None)
        if key := self._development_key(name):
            key.replace(secret)
            return
        try:
            kept = self._vault.set(self._entry(name), secret.reveal())
        except NoAnswer as no:
            raise self._keyring_problem(name, no, "stored") from None
        if not kept:
            raise SecretProblem(f"the keyring took {name} and did not keep it", hint=self._ways(name))

    def delete(self, name: str) -> None:
        """Removes it from the keyring (the simulator's encryption key: its file). NotFound where it is not there."""
        base_of(name)
        self._answers.pop(name, None)
        try:
            key = self._development_key(name)
            gone = key.remove() if key else self._vault.delete(self._entry(name))
        except NoAnswer as no:
            raise self._keyring_problem(name, no, "deleted") from None
        if not gone:
            raise NotFound(
                "secret", name, hint="only what `cardctl secret set` stored can be deleted; see `cardctl secret check`"
            )

    def fresh(self, name: str) -> Secret:
        """As `get`, asking the sources again."""
        self.forget(name)
        return self.get(name)

    def forget(self, name: str) -> None:
        """Ask the sources again next time for a secret and the one before it: they may have been changed by another process."""
        for each in (name, name + PREVIOUS):
            self._answers.pop(each, None)

    def _answer(self, name: str) -> tuple[Sequence[Attempt], Found | None]:
        if name not in self._answers:
            self._answers[name] = self._search(name)
        return self._answers[name]

    def _search(self, name: str) -> tuple[Sequence[Attempt], Found | None]:
        attempts: list[Attempt] = []
        found: Found | None = None
        for source in self._sources(name):
            outcome = "not asked"
            if not found:
                try:
                    secret = source.ask()
                    outcome = "found" if secret else "absent"
                    found = Found(name, secret, source.label, source.detail) if secret else None
                except (Unfit, NoAnswer) as no:
                    outcome = f"no: {no}"
            attempts.append(Attempt(source.label, source.detail, outcome))
        return attempts, found

    def _sources(self, name: str) -> Iterator[_Source]:
        base = base_of(name)
        if self._simulated and base in MADE_UP:
            made = Secret(MADE_UP[name]) if name == base else None
            yield _Source(MADE, "", lambda: made)
        else:
            yield from self._chain(name)

    def _chain(self, name: str) -> Iterator[_Source]:
        file, command = self._file(name), self._command
        yield _Source(CREDENTIALS, str(file or "CREDENTIALS_DIRECTORY is not set"), lambda: from_file(file) if file else None)
        shown = shlex.join(command.line(name)) if command else "not set in the profile"
        yield _Source(COMMAND, shown, lambda: command.ask(name) if command else None)
        told = self._lookup(self._profile, name)
        variable = told[1] if told else " or ".join(variables(self._profile, name))
        yield _Source(ENVIRONMENT, variable, lambda: fit(told[0]) if told else None)
        yield _Source(KEYRING, f"cardctl {self._entry(name)}", lambda: self._from_vault(name))

    def _from_vault(self, name: str) -> Secret | None:
        value = self._vault.get(self._entry(name))
        return None if value is None else fit(value)

    def _file(self, name: str) -> Path | None:
        return self._credentials / f"cardctl.{self._entry(name)}" if self._credentials else None

    def _entry(self, name: str) -> str:
        return f"{self._profile}.{name}"

    def _development_key(self, name: str) -> KeyFile | None:
        """Where the simulator keeps this secret, if it does: the encryption key, and beside it the one before."""
        if not (self._simulated and self._key_file and base_of(name) == ENCRYPTION_KEY):
            return None
        return KeyFile(self._key_file.with_name(self._key_file.name + name[len(ENCRYPTION_KEY) :]), self._key_before)

    def _check_writable(self, name: str, secret: Secret) -> None:
        base = base_of(name)
        if self._simulated and base in MADE_UP:
            raise Refused(f"{name} is made up in the simulator, which would not ask for this one", hint="name another profile")
        try:
            same = fit(secret.reveal()).reveal() == secret.reveal()
        except Unfit as unfit:
            raise BadInput(f"{name}: {unfit}") from None
        if not same:
            raise BadInput(f"{name}: a newline at its end")
        if base == ENCRYPTION_KEY and not is_encryption_key(secret.reveal()):
            raise BadInput(f"{name} is 32 bytes in base64", hint="for example from `openssl rand -base64 32`")

    def _keyring_problem(self, name: str, no: NoAnswer, done: str) -> SecretProblem:
        if no.unknown:
            return SecretProblem(
                f"the keyring {no}; whether {name} was {done} is unknown", hint=f"look with `cardctl secret check {name}`"
            )
        return SecretProblem(f"{name} was not {done}: {no}", hint=self._ways(name) if done == "stored" else None)

    def _ways(self, name: str) -> str:
        own, common = variables(self._profile, name)
        file = self._file(name) or f"$CREDENTIALS_DIRECTORY/cardctl.{self._entry(name)}"
        command = shlex.join(self._command.line(name)) if self._command else 'such as ["pass", "show", "cardctl/{name}"]'
        return (
            f"one of: the file {file}; the profile's secret_command ({command}); the variable {own} or {common}; "
            f"the keyring, with `cardctl secret set {name} --profile {self._profile}`"
        )


def _state_of(key: KeyFile, otherwise: str) -> str:
    try:
        return "found" if key.read() else otherwise
    except SecretProblem as problem:
        return f"no: {problem.message}"
