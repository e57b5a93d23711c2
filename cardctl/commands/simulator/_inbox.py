"""What the far side has to tell, straight into a profile's own inbox: no port, no file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cardctl.runtime import Run
    from cardctl.services.flows.ingesting.taking import Ingested
    from cardctl.simulator.delivering import Posted


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
