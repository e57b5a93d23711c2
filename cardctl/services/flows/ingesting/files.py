"""What is in a file of events: a raw body, JSON lines, an array or an export; each request in it, or why a place holds none.

Believes nothing and keeps nothing. Lines are streamed; a document that is no line is read whole.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from typing import Any, BinaryIO

import orjson

from cardctl.domain.events import Incoming

LONGEST = 16 * 1024 * 1024
"""Bytes of one line; no provider sends anything near it."""
_BOM = b"\xef\xbb\xbf"
_OPEN_ENDS = (b"{", b"[", b",", b":")
"""What a line ends with that is not whole on purpose."""
_NO_JSON = "it is no JSON"
_NO_EVENT = "it is JSON, but neither an event nor a stored one"


@dataclass(frozen=True, slots=True)
class Said:
    """What the command line says of a file: whose events they are and when they came, where the file does not tell, and the
    headers that all of it, as one body, came with."""

    provider: str
    received_at: datetime
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Found:
    """One request at a place in a file; or, in `fault`, why there is none."""

    file: str
    line: int
    provider: str
    incoming: Incoming | None
    fault: str | None = None


def found_in(file: str, stream: BinaryIO, said: Said) -> Iterator[Found]:
    """Every request in a file, in its order. A file is one of

    * one raw body, exactly as it came (with headers said, always);
    * JSON lines, each `{"provider", "headers", "body" | "body_base64", "received_at", "query"}`, or an event as it is;
    * one JSON document, or several on end: an event, an array of events or of stored ones, or a list `{"data": […]}` of them.
    """
    if said.headers:
        yield _whole(file, stream.read(), said)
        return
    lines = _first(stream)
    head = lines[-1] if lines else b""
    if head.strip().startswith((b"{", b"[")) and _is_open(head):
        yield from _documents(file, b"".join(lines) + stream.read(), said)
        return
    while line := stream.readline(LONGEST + 1):
        lines.append(line)
        if not line.isspace():
            yield from _lines(file, chain(lines, iter(lambda: stream.readline(LONGEST + 1), b"")), said)
            return
    if head:
        yield from _documents(file, b"".join(lines), said)


def _first(stream: BinaryIO) -> list[bytes]:
    """The first line that has something on it, which may be all of a document, and the empty ones before it."""
    lines = list[bytes]()
    for line in iter(stream.readline, b""):
        lines.append(line if lines else line.removeprefix(_BOM))
        if not line.isspace():
            break
    return lines


def _is_open(line: bytes) -> bool:
    """Whether a document goes on after this line. One that was torn seldom ends like this."""
    return line.strip().endswith(_OPEN_ENDS)


def _whole(file: str, data: bytes, said: Said) -> Found:
    if _is_stored(_json(data)):
        return Found(file, 1, said.provider, None, "it has its own headers: --header is for a raw body")
    return Found(file, 1, said.provider, Incoming(data, said.headers, said.received_at))


def _lines(file: str, lines: Iterable[bytes], said: Said) -> Iterator[Found]:
    too_long = False
    number = 0
    for line in lines:
        rest, too_long = too_long, len(line) > LONGEST and not line.endswith(b"\n")
        if rest:
            continue
        number += 1
        if too_long:
            yield Found(file, number, said.provider, None, f"it is longer than {LONGEST} bytes")
        elif not line.isspace():
            yield _of_line(file, number, line, said)


def _of_line(file: str, number: int, line: bytes, said: Said) -> Found:
    try:
        told = orjson.loads(line)
    except ValueError:
        return Found(file, number, said.provider, None, _NO_JSON)
    if not isinstance(told, dict):
        return Found(file, number, said.provider, None, _NO_EVENT)
    if "body" in told or "body_base64" in told:
        return _stored(file, number, told, said)
    return Found(file, number, said.provider, Incoming(line.strip(), {}, said.received_at))


def _stored(file: str, number: int, told: Mapping[str, Any], said: Said) -> Found:
    """An event as `webhook show --raw` and the simulator write it."""
    provider = told.get("provider") or said.provider
    try:
        if not isinstance(provider, str):
            raise ValueError("its provider is no name")
        incoming = Incoming(_body(told), _headers(told), _received_at(told) or said.received_at, _query(told))
    except ValueError as error:
        return Found(file, number, said.provider, None, str(error))
    return Found(file, number, provider, incoming)


def _body(told: Mapping[str, Any]) -> bytes:
    text, encoded = told.get("body"), told.get("body_base64")
    if isinstance(text, str):
        return text.encode()
    if isinstance(encoded, str):
        try:
            return base64.b64decode(encoded, validate=True)
        except ValueError:
            raise ValueError("its body_base64 is no base64") from None
    raise ValueError("its body is not the text that came, which alone can be verified")


def _headers(told: Mapping[str, Any]) -> dict[str, str]:
    headers = told.get("headers") or {}
    if not isinstance(headers, dict) or not all(isinstance(value, str) for value in headers.values()):
        raise ValueError("its headers are not names with texts")
    return {name.lower(): value for name, value in headers.items()}


def _received_at(told: Mapping[str, Any]) -> datetime | None:
    text = told.get("received_at")
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except (ValueError, TypeError):
        raise ValueError("its received_at is no time") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _query(told: Mapping[str, Any]) -> str:
    query = told.get("query") or ""
    if not isinstance(query, str):
        raise ValueError("its query is no text")
    return query


def _documents(file: str, data: bytes, said: Said) -> Iterator[Found]:
    """One document, or several on end; one that is an event is the very bytes of the file."""
    place, count = 1, 0
    for text, told, place in _decoded(data):
        count += 1
        items = _items(told)
        if items is not None:
            for item in items:
                yield _item(file, place, item, said)
        elif _is_stored(told):
            yield _stored(file, place, told, said)
        elif len(text.encode()) == len(data.strip()):
            yield Found(file, place, said.provider, Incoming(data, {}, said.received_at))
        else:
            yield _item(file, place, told, said, text)
    if not count:
        yield Found(file, 1, said.provider, None, _NO_JSON)


def _decoded(data: bytes) -> Iterator[tuple[str, Any, int]]:
    """Each document with its text and the line that it begins on, up to the first place that is none (which is given too)."""
    try:
        text = data.removeprefix(_BOM).decode()
    except UnicodeDecodeError:
        return
    at, line = 0, 1
    while at < len(text):
        start = at + len(text[at:]) - len(text[at:].lstrip()) if text[at].isspace() else at
        line += text.count("\n", at, start)
        if start == len(text):
            return
        try:
            told, end = _EXACT.raw_decode(text, start)
        except (ValueError, RecursionError):
            if start:
                yield text[start:], None, line
            return
        yield text[start:end], told, line
        line += text.count("\n", start, end)
        at = end


def _items(told: Any) -> list[Any] | None:
    """What a document lists, where it is a list of some kind (our own envelope is one)."""
    if isinstance(told, list):
        return told
    if not isinstance(told, dict) or told.get("object") not in (None, "list"):
        return None
    listed = told.get("data")
    if "schema_version" in told and isinstance(listed, dict):
        return [listed]
    return listed if isinstance(listed, list) and not ({"type", "event"} & told.keys()) else None


def _item(file: str, place: int, item: Any, said: Said, text: str | None = None) -> Found:
    if not isinstance(item, dict):
        return Found(file, place, said.provider, None, _NO_EVENT if item is not None else _NO_JSON)
    if _is_stored(item):
        return _stored(file, place, item, said)
    body = orjson.dumps(item) if text is None else text.encode()
    return Found(file, place, said.provider, Incoming(body, {}, said.received_at))


def _is_stored(told: Any) -> bool:
    return isinstance(told, dict) and ("body" in told or "body_base64" in told)


def _json(data: bytes) -> Any:
    try:
        return orjson.loads(data)
    except ValueError:
        return None


def _no_number(word: str) -> Any:
    raise ValueError(f"{word} is no JSON")


_EXACT = json.JSONDecoder(parse_float=orjson.Fragment, parse_int=orjson.Fragment, parse_constant=_no_number)
"""Numbers stay the text that they were: what is taken out of a list is written anew."""
