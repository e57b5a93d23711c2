"""Everything that can go wrong between a client and the far side: one table of kinds; which strikes when is in `arming.py`."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from enum import Enum

from cardctl.errors import BadInput
from cardctl.simulator.wire import Spoil


class On(Enum):
    """What a fault strikes. A list is a read too."""

    READS = "reads"
    LISTS = "lists"
    WRITES = "writes"
    FUNDINGS = "fundings"
    REFUNDS = "refunds"
    DELIVERIES = "deliveries"


class Arrival(Enum):
    """How the reply arrives."""

    WHOLE = "whole"
    TORN = "torn"
    TRICKLE = "trickle"
    NONE = "none"


class Connection(Enum):
    """Why there is no connection, in the words of an operating system."""

    REFUSED = "[Errno 111] Connection refused"
    NAMELESS = "[Errno -2] Name or service not known"
    UNTRUSTED = "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate"


class Pause(Enum):
    """How a Retry-After is written (RFC 9110, 10.2.3); either way it means one second."""

    SECONDS = "seconds"
    DATE = "date"


class Twist(Enum):
    """What becomes of a reply that is whole and arrives."""

    STALE = "stale"
    TORN_PAGE = "torn page"
    REPEATED_ROW = "repeated row"
    SKIPPED_ROW = "skipped row"
    WRONG_TYPE = "wrong type"
    EMPTY = "empty"
    SKEWED = "skewed"


ANY = frozenset({On.READS, On.WRITES})
WRITES, LISTS, DELIVERIES = (frozenset({on}) for on in (On.WRITES, On.LISTS, On.DELIVERIES))


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind. `committed`: a write has its effect; `front`: a status answered before the bank sees the request, as a page of
    HTML where `html` says so, else in the face's own words."""

    name: str
    does: str
    committed: bool
    on: frozenset[On] = ANY
    connection: Connection | None = None
    front: int | None = None
    html: bool = False
    pause: Pause | None = None
    spoil: Spoil = Spoil.NOTHING
    arrival: Arrival = Arrival.WHOLE
    twist: Twist | None = None
    delay: float = 0.0

    @property
    def armed_for(self) -> frozenset[On]:
        """What `simulator fault --next` makes it wait for: writes, where it strikes them at all."""
        return WRITES if On.WRITES in self.on else self.on


FAULTS = {
    fault.name: fault
    for fault in (
        Fault("refused", "the connection is refused; nothing runs", False, connection=Connection.REFUSED),
        Fault("dns", "the name is not found; nothing runs", False, connection=Connection.NAMELESS),
        Fault("tls", "the certificate cannot be trusted; nothing runs", False, connection=Connection.UNTRUSTED),
        Fault("429", "rate limited, without Retry-After; nothing runs", False, front=429),
        Fault("429-retry-after", "rate limited, with Retry-After: 1; nothing runs", False, front=429, pause=Pause.SECONDS),
        Fault("429-retry-date", "rate limited, with a date as Retry-After; nothing runs", False, front=429, pause=Pause.DATE),
        Fault("401", "the key is refused in the middle of the work; nothing runs", False, front=401),
        Fault("redirect", "302 to elsewhere, with a page of HTML; nothing runs", False, front=302, html=True),
        Fault("redirect-forever", "301 to elsewhere, with a page of HTML; nothing runs", False, front=301, html=True),
        Fault("portal", "somebody else's page of HTML with a 200; nothing runs", False, front=200, html=True),
        Fault("503-html", "a 503 with a page of HTML; nothing runs", False, front=503, html=True),
        Fault("500", "the front end fails; nothing runs, and the same key works later", False, front=500),
        Fault("500-after-commit", "done, but a 500 is saved under the key and replayed", True, on=WRITES, spoil=Spoil.ANSWER),
        Fault("500-saved", "nothing is done; a 500 is saved under the key and replayed", False, on=WRITES, spoil=Spoil.EFFECT),
        Fault("lost-reply", "done and saved; the connection closes before the reply", True, arrival=Arrival.NONE),
        Fault("torn-body", "done and saved; the reply stops in its middle", True, arrival=Arrival.TORN),
        Fault("slow", "done and saved; the reply comes after a delay (2 s)", True, delay=2.0),
        Fault("trickle", "done and saved; the reply comes byte by byte (2 s)", True, arrival=Arrival.TRICKLE, delay=2.0),
        Fault("wrong-type", "done and saved; the JSON is whole, but is called text/html", True, twist=Twist.WRONG_TYPE),
        Fault("empty-body", "done and saved; the reply has its status and no body", True, twist=Twist.EMPTY),
        Fault("clock-skew", "done and saved; the Date header is an hour ahead", True, twist=Twist.SKEWED),
        Fault("stale-read", "a read answers as of before the last write", False, on=frozenset({On.READS}), twist=Twist.STALE),
        Fault("torn-page", "a list's JSON is cut in its middle, and said to be whole", False, on=LISTS, twist=Twist.TORN_PAGE),
        Fault("repeated-row", "a page repeats a row of the page before, or its own", False, on=LISTS, twist=Twist.REPEATED_ROW),
        Fault("skipped-row", "a page leaves out one of its rows", False, on=LISTS, twist=Twist.SKIPPED_ROW),
        Fault(
            "delayed-funding",
            "money for a card is taken at once and arrives later (Strowallet; never drawn)",
            True,
            on=frozenset({On.FUNDINGS}),
        ),
        Fault(
            "delayed-refund",
            "a refund stays pending, until staff edit it (Square, Stripe's payments; never drawn)",
            True,
            on=frozenset({On.REFUNDS}),
        ),
        Fault("duplicate", "a webhook is delivered twice", True, on=DELIVERIES),
        Fault("reordered", "webhooks are delivered in another order", True, on=DELIVERIES),
        Fault("dropped", "a webhook is never delivered", False, on=DELIVERIES),
        Fault("batched", "several webhooks are delivered in one request, at most ten", True, on=DELIVERIES),
        Fault("late", "a webhook is delivered late (up to an hour)", True, on=DELIVERIES),
        Fault("forged", "beside a webhook comes a forgery of it, changed or wrongly signed", True, on=DELIVERIES),
        Fault("rotated", "a webhook is signed while its secret is rotated, with the one before", True, on=DELIVERIES),
    )
}
"""A read has no effect, so `committed` says nothing of faults that strike reads alone; of a webhook it says that it arrives."""


def named(kind: str) -> Fault:
    """The fault of that name; BadInput names the nearest."""
    if kind in FAULTS:
        return FAULTS[kind]
    near = difflib.get_close_matches(kind, FAULTS, n=1, cutoff=0.3)
    hint = f"did you mean {near[0]!r}? " if near else ""
    raise BadInput(f"there is no fault {kind!r}", hint=f"{hint}there are {', '.join(FAULTS)}")
