"""One command's world: settings, books, secrets, providers, console; each part opened when it is first used."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from cardctl import config, flags
from cardctl.errors import Busy, Refused, Unsupported
from cardctl.output.console import Console
from cardctl.runtime.means import new_id, now

if TYPE_CHECKING:
    from cardctl.db.leases import FileLease
    from cardctl.db.machine import Machine
    from cardctl.db.quarantine import Quarantine
    from cardctl.db.sealed import EncryptionKeys
    from cardctl.db.unit import Books
    from cardctl.domain.accounts import Account
    from cardctl.domain.cards import Card
    from cardctl.domain.events import Event
    from cardctl.domain.operations import Operation
    from cardctl.domain.payments import Payment
    from cardctl.domain.redaction import Secret
    from cardctl.domain.saved_cards import SavedCard
    from cardctl.output.log import Log
    from cardctl.providers.base import Provider
    from cardctl.secrets import Secrets
    from cardctl.services.deeds.inbox import Reception
    from cardctl.services.desk import Desk
    from cardctl.services.flows.authorizing import Authorizer
    from cardctl.services.flows.calling import CallLog
    from cardctl.simulator.control import Control


class Run:
    """One command's world. `settings` say what was chosen; everything else is opened when it is first asked for."""

    def __init__(self, settings: config.Settings, console: Console, timeout: float) -> None:
        self.settings = settings
        self.console = console
        self.correlation_id = new_id("run")
        self._timeout = timeout
        self._providers: dict[str, Provider] = {}
        self.documents: dict[str, str] = {}
        """What a command was given to hand on to a provider, by its name; kept nowhere."""

    @cached_property
    def secrets(self) -> Secrets:
        from cardctl.secrets import Secrets  # noqa: PLC0415 - and so below: a command loads what it uses

        settings = self.settings
        return Secrets(
            profile=settings.profile.name,
            environment=settings.profile.environment,
            secret_command=settings.secret_command,
            environ_lookup=settings.secret_environ,
            credentials_directory=settings.credentials_directory,
            development_key_file=settings.paths.development_key_file(settings.books_name),
            development_key_before=settings.paths.development_key_file(settings.profile.name),
        )

    @cached_property
    def database(self) -> str:
        """What the books open: a path, or a URL complete with its password."""
        database = self.settings.database
        if database.path is not None:
            return str(database.path)
        found = self.secrets.find("db.url")
        return database.complete(found.secret if found else None)

    @cached_property
    def books(self) -> Books:
        return self.books_anew()

    def books_anew(self) -> Books:
        """The books with the keys as they are now, after a change of them; for the caller to close."""
        from cardctl.db.unit import Books  # noqa: PLC0415

        return Books(self.database, environment=self.settings.profile.environment, keys=self.encryption_keys)

    def encryption_keys(self) -> EncryptionKeys:
        from cardctl.db.sealed import EncryptionKeys  # noqa: PLC0415

        self.secrets.forget("db.encryption_key")  # who asks again has met a key that is not among those it was told before
        # the current one first: a rotation keeps the old key as the previous before it has another
        current = self.secrets.get("db.encryption_key")
        previous = self.secrets.find("db.encryption_key_previous")
        return EncryptionKeys(current, previous.secret if previous else None)

    @cached_property
    def log(self) -> Log:
        from cardctl.output.log import Log  # noqa: PLC0415

        mirror = self.console.notice if flags.told(flags.Verbosity.LOG) else None
        return Log(self.settings.paths.log_dir, correlation_id=self.correlation_id, mirror=mirror)

    @cached_property
    def _calls(self) -> CallLog:
        from cardctl.services.flows.calling import CallLog  # noqa: PLC0415

        aloud = flags.told(flags.Verbosity.CALLS) and not flags.told(flags.Verbosity.LOG)
        tell = self.console.notice if aloud else None
        return CallLog(
            log=self.log.write,
            tell=tell,
            programme=self.settings.programme,
            target=lambda: self.database,
            books=lambda: self.books,
            clock=now,
        )

    @cached_property
    def _machine(self) -> Machine:
        from cardctl.db.machine import Machine  # noqa: PLC0415

        return Machine(self.settings.paths.machine_file, clock=now, warn=lambda text: self.console.warn("NOT_SHARED", text))

    @cached_property
    def far_side(self) -> Control:
        """The simulator's controls; Refused in any other environment."""
        from cardctl.simulator.control import Control  # noqa: PLC0415

        if self.settings.profile.environment != "simulator":
            raise Refused(f"the profile {self.settings.profile.name} is {self.settings.profile.environment}, not the simulator")
        return Control(self._simulator_file())

    def provider(self, name: str | None = None) -> Provider:
        """The adapter of a provider (default: the profile's), made once."""
        from cardctl.providers import registry  # noqa: PLC0415
        from cardctl.runtime.adapters import adapter, keeper  # noqa: PLC0415

        name = name or self.settings.provider_name
        if name not in registry.NAMES:
            raise Unsupported(f"this cardctl has no adapter for {name} yet", hint="see who can with `cardctl provider list`")
        if name not in self._providers:
            self._providers[name] = adapter(
                name,
                settings=self.settings,
                secret=self.secrets.get,
                keep=keeper(self.secrets, self.console.warn),
                fresh=self.secrets.fresh,
                on_call=self._calls.hear,
                document=self.documents.get,
                machine=lambda: self._machine,
                far_side=self._simulator_file,
                timeout=self._timeout,
            )
        return self._providers[name]

    def desk(
        self, about: Card | Account | Operation | Event | SavedCard | Payment | None = None, *, provider: str | None = None
    ) -> Desk:
        """What services work with: for the programme of what it is about, else of a provider, else of the profile's."""
        from cardctl.services.desk import Desk  # noqa: PLC0415

        adapter = self.provider(about.provider if about else provider)
        if about is not None and about.programme != adapter.programme:
            hint = "choose the profile of that programme"
            raise Refused(f"{about.id} belongs to {about.programme}, this profile works on {adapter.programme}", hint=hint)
        return Desk(
            books=self.books,
            provider=adapter,
            clock=now,
            new_id=new_id,
            sleep=time.sleep,
            lease=self.lease,
            actor=self.settings.actor,
            correlation_id=self.correlation_id,
            live=self.settings.live,
            log=self.log.write,
        )

    def reception(self, name: str) -> Reception:
        """How notifications of a provider are received; needs none of its API keys. In the simulator the far side's own webhook
        secrets are valid beside those of the chain."""
        from cardctl.providers import registry  # noqa: PLC0415
        from cardctl.services.deeds.inbox import Reception  # noqa: PLC0415

        environment = self.settings.profile.environment
        settings = self.settings.provider_settings(name) if name in registry.NAMES else None
        webhooks = registry.webhooks(name, settings, simulated=environment == "simulator")
        secrets = {secret: self.valid_secrets(secret) for secret in webhooks.secret_names}
        return Reception(webhooks, self.settings.programme(name), secrets, live=environment == "live")

    def valid_secrets(self, name: str) -> list[Secret]:
        """Every value that a secret may have now: the one in use, the one before it in a rotation, and the far side's own."""
        from cardctl.domain.redaction import Secret  # noqa: PLC0415

        found = [self.secrets.find(each) for each in (name, f"{name}_previous")]
        valid = [each.secret for each in found if each is not None]
        if self.settings.profile.environment == "simulator":
            valid += [Secret(value) for value in self.far_side.webhook_secrets().get(name, [])]
        return valid

    def authorizer(self, name: str) -> Authorizer | None:
        """Who answers a provider's questions about purchases; None where the profile leaves that off, or it asks none."""
        from cardctl.providers import registry  # noqa: PLC0415
        from cardctl.services.flows.authorizing import Authorizer  # noqa: PLC0415

        rules, questions = self.settings.profile.authorizations, registry.questions(name)
        if not rules.enabled or questions is None:
            return None
        secrets, programme = self.valid_secrets(questions.secret_name), self.settings.programme(name)
        return Authorizer(questions, secrets, self.books, programme, rules.rules, now, self.log.write)

    @cached_property
    def quarantine(self) -> Quarantine:
        """What came and was not believed, apart from the books."""
        from cardctl.db.quarantine import Quarantine  # noqa: PLC0415

        path = self.settings.paths.quarantine_file(self.settings.profile.name)
        config.private_dir(path.parent)
        return Quarantine(path, keys=self.encryption_keys, warn=lambda text: self.console.warn("QUARANTINE", text))

    @cached_property
    def lease(self) -> FileLease:
        from cardctl.db.leases import FileLease  # noqa: PLC0415

        return FileLease(config.private_dir(self.settings.paths.leases_dir))

    @contextmanager
    def lock(self, job: str, *, whose: str | None = None) -> Iterator[None]:
        """Keep a second run of the same job of this profile out: Busy (11). `whose`: of what several profiles have."""
        from filelock import FileLock, Timeout  # noqa: PLC0415

        directory = config.private_dir(self.settings.paths.leases_dir)
        lock = FileLock(directory / f"{whose or self.settings.profile.name}.{job}.job", mode=0o600)
        try:
            lock.acquire(blocking=False)
        except Timeout:
            raise Busy(f"another `{job}` is running on the profile {self.settings.profile.name}") from None
        try:
            yield
        finally:
            lock.release()

    def close(self) -> None:
        """Give back what was opened."""
        for provider in self._providers.values():
            provider.close()
        if "_calls" in self.__dict__:
            self._calls.flush()
        for part in ("books", "quarantine", "far_side", "log", "lease", "_machine"):
            if part in self.__dict__:
                getattr(self, part).release() if part == "lease" else getattr(self, part).close()

    def _simulator_file(self) -> Path:
        config.private_dir(self.settings.paths.state_dir)
        return self.settings.paths.simulator_file
