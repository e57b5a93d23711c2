"""What keeping an event needs, read out of its body without building the rest; what it says is translated elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
import orjson

from cardctl.domain.events import Notice

_LONGEST = 255
_DISPUTE = "issuing_dispute."


class _Ref(msgspec.Struct):
    id: str


class _Object(msgspec.Struct):
    id: str
    card: _Ref | str | None = None


class _Data(msgspec.Struct):
    object: _Object


class _Event(msgspec.Struct):
    id: str
    type: str
    object: str
    created: int
    livemode: bool
    data: _Data


class Unread(Mapping[str, Any]):
    """An event's JSON, parsed when somebody first looks into it."""

    __slots__ = ("_body", "_whole")

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._whole: dict[str, Any] | None = None

    def __getitem__(self, name: str) -> Any:
        return self._read()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._read())

    def __len__(self) -> int:
        return len(self._read())

    def _read(self) -> dict[str, Any]:
        if self._whole is None:
            self._whole = orjson.loads(self._body)
        return self._whole


_DECODER = msgspec.json.Decoder(_Event)


def skim(body: bytes) -> Notice | None:
    """The notice of an event that has all that it should, of the types that it should; any other (None) is read whole."""
    try:
        event = _DECODER.decode(body if body.isascii() else body.decode())  # it does not look into text that it passes over
        at = datetime.fromtimestamp(event.created, UTC)
    except (msgspec.MsgspecError, UnicodeDecodeError, ValueError, ArithmeticError, OSError, RecursionError):
        return None
    told, card = event.data.object, event.data.object.card
    named = told.id if event.type.startswith("issuing_card.") else card.id if isinstance(card, _Ref) else card
    whole = event.object == "event" and not event.type.startswith(_DISPUTE)  # which may name its card further down
    if not whole or not all(map(_is_name, (event.id, event.type, told.id, told.id if named is None else named))):
        return None
    return Notice(event.id, event.type, told.id, named, at, Unread(body), 0, event.livemode)


def _is_name(value: str) -> bool:
    return 0 < len(value) <= _LONGEST and value.isprintable()
