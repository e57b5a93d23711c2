"""What a check of the alerts works with: the profile's thresholds and programmes, whom to tell, and where a card is frozen."""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING

from cardctl import config
from cardctl.runtime.means import now

if TYPE_CHECKING:
    from collections.abc import Callable

    from cardctl.runtime.run import Run
    from cardctl.services.flows.alerting.moving import Person
    from cardctl.services.flows.alerting.watching import Message, Watch


def watch(run: Run, provider: str | None) -> Watch:
    """All programmes of the profile, or that of one provider."""
    from cardctl.services.flows.alerting.watching import Watch  # noqa: PLC0415

    settings = run.settings
    names = config.PROVIDERS if provider is None else (provider,)
    return Watch(
        books=run.books,
        clock=now,
        profile=settings.profile.name,
        log=run.log.write,
        limits=settings.profile.alerts.thresholds,
        programmes=tuple(settings.programme(name) for name in names),
        whole=provider is None,
        rate=_rates(run),
        notify=_notify(run),
        desk_for=run.desk,
    )


def person(run: Run) -> Person:
    """Who moves an alert."""
    from cardctl.services.flows.alerting.moving import Person  # noqa: PLC0415

    return Person(run.books, now(), run.settings.actor, run.correlation_id)


def _notify(run: Run) -> Callable[[Message], tuple[int, list[str]]] | None:
    from cardctl.output.notify import Notifier  # noqa: PLC0415

    found = run.secrets.find("notify.url")
    if found is None:
        return None
    notifier = Notifier(found.secret)
    return lambda message: notifier.send(message.title, message.body, message.severity)


def _rates(run: Run) -> Callable[[str], Decimal | None]:
    """Requests a second that a programme's limit allows: the profile's own figure, or else what its provider is known for."""
    from cardctl.providers import registry  # noqa: PLC0415

    @cache
    def rate(programme: str) -> Decimal | None:
        name = programme.partition("/")[0]
        told = run.settings.provider_settings(name)["rate_limit"]
        if told is None and name in registry.NAMES:
            told = registry.provider_class(name).rates.get(run.settings.profile.environment)
        return None if told is None else Decimal(str(told))

    return rate
