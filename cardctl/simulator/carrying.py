"""One request to a face and its reply back, with the fault that it meets on the way; knows no wire."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from email.utils import formatdate
from importlib import import_module

from cardctl.simulator import arming, twisting
from cardctl.simulator.books import FarSide
from cardctl.simulator.faults import Arrival, Connection, Fault, On, Twist
from cardctl.simulator.wire import Face, Reply

PLACES = {
    "stripe": "cardctl.simulator.faces.stripe:StripeFace",
    "marqeta": "cardctl.simulator.faces.marqeta:MarqetaFace",
    "strowallet": "cardctl.simulator.faces.strowallet:StrowalletFace",
    "square": "cardctl.simulator.faces.square:SquareFace",
    "zendit": "cardctl.simulator.faces.zendit:ZenditFace",
    "topup": "cardctl.simulator.faces.topup:TopUpFace",
}
"""Every face, imported on first use."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One whole HTTP request; `path` as on the provider's own host, `headers` looked up by lower-case names."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Carried:
    """What comes back: a reply and how it arrives, `delay` seconds late; or the reason why there is no connection."""

    reply: Reply
    arrival: Arrival = Arrival.WHOLE
    delay: float = 0.0


class Carrier:
    """The faces over one far side. An effect is committed before its reply is delayed, torn or lost."""

    def __init__(self, far_side: FarSide) -> None:
        self._far_side = far_side
        self._faces: dict[str, Face] = {}
        self._last: dict[str, tuple[str, Reply]] = {}

    def face(self, name: str) -> Face:
        if name not in self._faces:
            module, kind = PLACES[name].split(":")
            self._faces[name] = getattr(import_module(module), kind)(self._far_side)
        return self._faces[name]

    def carry(self, name: str, asked: Asked) -> Carried | Connection:
        """Serves one request at the face `name`, with whatever fault waits for it."""
        if self.face(name).writes(asked.method, asked.path):
            fault = arming.draw(self._far_side, On.WRITES) if arming.awake(self._far_side, On.WRITES) else None
            return self._met(name, asked, fault)
        if not arming.awake(self._far_side, On.READS, On.LISTS):
            return self._kept(name, asked, Carried(self._dated(self._answer(name, asked, None))))
        lists = twisting.is_list(self._answer(name, asked, None))
        return self._met(name, asked, arming.draw(self._far_side, On.READS, *((On.LISTS,) if lists else ())))

    def _met(self, name: str, asked: Asked, fault: Fault | None) -> Carried | Connection:
        if fault is None:
            return self._kept(name, asked, Carried(self._dated(self._answer(name, asked, None))))
        if fault.connection is not None:
            return fault.connection
        reply = self._twisted(name, asked, self._answer(name, asked, fault), fault.twist)
        return Carried(self._dated(reply, twisting.SKEW if fault.twist is Twist.SKEWED else 0), fault.arrival, fault.delay)

    def _answer(self, name: str, asked: Asked, fault: Fault | None) -> Reply:
        face = self.face(name)
        told = (asked.method, asked.path, asked.query, asked.headers, asked.body)
        if fault is None:
            return face.handle(*told)
        if fault.front is not None:
            reply = twisting.page_of_html(fault, fault.front) if fault.html else face.turn_away(fault.front)
            return twisting.paused(reply, fault, self._far_side.now())
        past = self._far_side.before_the_last_write() if fault.twist is Twist.STALE else nullcontext()
        with past:
            return face.handle(*told, spoil=fault.spoil)

    def _twisted(self, name: str, asked: Asked, reply: Reply, twist: Twist | None) -> Reply:
        path, before = self._last.get(name, ("", None))
        return twisting.twisted(reply, twist, before if path == asked.path else None)

    def _kept(self, name: str, asked: Asked, carried: Carried) -> Carried:
        """Each face's last answer goes on being known, so that a row of it can come again."""
        self._last[name] = asked.path, carried.reply
        return carried

    def _dated(self, reply: Reply, ahead: int = 0) -> Reply:
        """With the far side's clock, as every web server sends its own (RFC 9110, 6.6.1)."""
        date = formatdate(self._far_side.now() + ahead, usegmt=True)
        return Reply(reply.status, reply.headers | {"Date": date}, reply.body)
