"""What the far side has to tell, brought to who listens, or straight into a profile's own inbox: no port, no file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cardctl.runtime import Run
    from cardctl.services.flows.ingesting.taking import Ingested
    from cardctl.simulator.delivering import Posted


def hand_out(run: Run, since: int) -> None:
    """What was told since then, to who wants to hear it. One who does not take it is a warning: what was done is done."""
    from cardctl.simulator.posting import deliver_to  # noqa: PLC0415

    registered = run.far_side.registered_urls()
    for face, addresses in registered.items():
        for address in addresses:
            posted = run.far_side.deliveries(face=face, since_seq=since, undelivered=False, to=address, live=True)
            tally = deliver_to(address.url, posted, workers=1)
            if tally.accepted < tally.sent:
                run.console.warn("NOT_DELIVERED", f"{address.url} took {tally.accepted} of {tally.sent} notifications")
    for face in (face for face, addresses in registered.items() if not addresses):
        total = into_inbox(run, run.far_side.deliveries(face=face, since_seq=since)) if _any(run, face, since) else None
        if total is not None and (total.quarantined or total.failed or total.later):
            run.console.warn("NOT_APPLIED", f"not everything that {face} told is in the books: see `cardctl webhook list`")


def into_inbox(run: Run, posted: Iterable[Posted]) -> Ingested:
    """Straight into this profile's books: verified, kept and applied like anything that comes."""
    from cardctl.domain.events import Incoming  # noqa: PLC0415
    from cardctl.services.flows.ingesting.files import Found  # noqa: PLC0415
    from cardctl.services.flows.ingesting.taking import How, ingest  # noqa: PLC0415

    def found() -> Iterator[Found]:
        for number, one in enumerate(posted, 1):
            headers = {name.lower(): value for name, value in one.posting.headers.items()}
            incoming = Incoming(one.posting.body, headers, one.at, one.posting.query)
            yield Found("the simulator", number, one.face, incoming)
            if not one.forged:
                run.far_side.mark_delivered(one.event_ids)

    return ingest(found(), How(run.books, run.quarantine, cache(run.reception), run.desk))


def _any(run: Run, face: str, since: int) -> bool:
    return next(iter(run.far_side.deliveries(face=face, since_seq=since)), None) is not None
