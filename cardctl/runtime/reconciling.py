"""What a reconcile run works with: the programmes of the profile, where stages lie, and seconds that only grow."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from cardctl import config
from cardctl.errors import BadInput
from cardctl.runtime.fulfilling import sells
from cardctl.runtime.means import now

if TYPE_CHECKING:
    from cardctl.runtime.run import Run
    from cardctl.services.desk import Desk
    from cardctl.services.flows.reconciling.moving import Hand
    from cardctl.services.flows.reconciling.places import Places
    from cardctl.services.flows.reconciling.starting import Means, Part


def parts(run: Run, provider: str | None) -> list[Part]:
    """Every programme of the profile that has cards in the books, issued or saved, or orders, and the profile's own; or that of
    one provider."""
    from cardctl.providers import registry  # noqa: PLC0415
    from cardctl.services.flows.finding import concerned  # noqa: PLC0415
    from cardctl.services.flows.reconciling.starting import Part  # noqa: PLC0415

    settings = run.settings
    names = [provider] if provider is not None else concerned(run.books, settings.provider_name, settings.programme)
    if unknown := [name for name in names if name not in registry.NAMES]:
        raise BadInput(f"this cardctl cannot reconcile {unknown[0]} yet", hint="see who can with `cardctl provider list`")
    desks = [(run.desk(provider=name), registry.webhooks(name)) for name in names]
    return [Part(desk, webhooks, sales=_sells(run, desk)) for desk, webhooks in desks]


def _sells(run: Run, desk: Desk) -> bool:
    """Whether customers pay there for orders: the books have some, or the profile says how they are bought. Of who sells none,
    no payment is asked for."""
    from cardctl.providers.selling import ReadsSales  # noqa: PLC0415

    if not isinstance(desk.provider, ReadsSales):
        return False
    if sells(run.settings.profile):
        return True
    with run.books.read() as unit:
        return desk.programme in unit.comparable_orders.programmes()


def places(run: Run) -> Places:
    """Where the profile's stages lie."""
    from cardctl.services.flows.reconciling.places import Places  # noqa: PLC0415

    return Places(run.settings.paths.state_dir / "reconcile" / run.settings.profile.name)


def chains_place(run: Run) -> Path:
    """Where orders are joined into chains, by one process of the profile at a time; what a kill has left there is removed."""
    place = config.private_dir(run.settings.paths.state_dir / "chains" / run.settings.profile.name)
    for left in place.iterdir():
        shutil.rmtree(left, ignore_errors=True)
    return place


def means(run: Run, late: Callable[[], bool], progress: Callable[[int], None]) -> Means:
    """What a run needs beside its programmes."""
    from cardctl.services.flows.reconciling.starting import Means  # noqa: PLC0415

    return Means(places(run), late, progress, time.monotonic)


def hand(run: Run) -> Hand:
    """Who moves a break."""
    from cardctl.services.flows.reconciling.moving import Hand  # noqa: PLC0415

    return Hand(run.books, now, run.settings.actor, run.correlation_id)
