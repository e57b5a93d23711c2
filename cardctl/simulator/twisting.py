"""What a fault makes of a whole reply: rows repeated or left out, JSON cut or called something else, a clock ahead."""

from __future__ import annotations

import json
import re
from email.utils import formatdate

from cardctl.simulator.faults import Fault, Pause, Twist
from cardctl.simulator.wire import Reply

ELSEWHERE = "https://elsewhere.invalid/"
"""Where a redirect leads: a name that nobody can ever have (RFC 2606)."""

SKEW = 3600
"""Seconds by which a skewed Date header is ahead."""

_HTML = "text/html; charset=utf-8"
_PAUSE = 1
_SQUARE = "cards|customers|disputes|events|locations|payments|refunds|subscriptions"
_LIST = re.compile(rf'"(?:data|response|card_transactions|list)"\s*:\s*(?=\[)|\A\{{"(?:{_SQUARE})":(?=\[)')
_SHALLOW = 2
"""How deep a list of rows lies in the documents of the providers: `data`, `list`, or `response.card_transactions`; Square's, by
their noun, come first in the document."""

_Span = tuple[int, int]


def page_of_html(fault: Fault, status: int) -> Reply:
    """What a proxy or a captive portal says in the bank's place."""
    body = f"<!doctype html><html><head><title>{status}</title></head><body><h1>{status}</h1><p>{fault.name}</p></body></html>"
    away = {"Location": ELSEWHERE} if 300 <= status < 400 else {}
    return Reply(status, {"Content-Type": _HTML, **away}, body.encode())


def paused(reply: Reply, fault: Fault, now: int) -> Reply:
    """With a Retry-After, where the fault has one; `now` in Unix seconds."""
    if fault.pause is None:
        return reply
    wait = str(_PAUSE) if fault.pause is Pause.SECONDS else formatdate(now + _PAUSE, usegmt=True)
    return Reply(reply.status, reply.headers | {"Retry-After": wait}, reply.body)


def is_list(reply: Reply) -> bool:
    """Whether the reply is a page of rows, with one row at least."""
    return reply.status == 200 and bool(_rows(reply.body.decode("utf-8", "replace")))


def twisted(reply: Reply, twist: Twist | None, before: Reply | None) -> Reply:
    """The reply as the client gets it; `before` is the page that went out before it, if any."""
    match twist:
        case Twist.WRONG_TYPE:
            return Reply(reply.status, reply.headers | {"Content-Type": _HTML}, reply.body)
        case Twist.EMPTY:
            return Reply(reply.status, reply.headers, b"")
        case Twist.TORN_PAGE:
            return Reply(reply.status, reply.headers, reply.body[: len(reply.body) // 2])
        case Twist.REPEATED_ROW:
            return Reply(reply.status, reply.headers, _repeated(reply.body.decode(), before).encode())
        case Twist.SKIPPED_ROW:
            return Reply(reply.status, reply.headers, _skipped(reply.body.decode()).encode())
    return reply


def _repeated(text: str, before: Reply | None) -> str:
    """The last row of the page before comes again as this one's first; without such a page, its own first comes twice."""
    start, end = _rows(text)[0]
    earlier = "" if before is None else before.body.decode()
    spans = _rows(earlier)
    again = earlier[slice(*spans[-1])] if spans else text[start:end]
    return f"{text[:start]}{again},{text[start:]}"


def _skipped(text: str) -> str:
    """Without the row in the middle; never the last of several, since a client goes on from there."""
    spans = _rows(text)
    place = (len(spans) - 1) // 2
    start, end = spans[place]
    return text[:start] + text[spans[place + 1][0] if place + 1 < len(spans) else end :]


def _rows(text: str) -> list[_Span]:
    """Where each row stands in the text, which is spliced and never written anew: numbers stay exact."""
    found = _LIST.search(text)
    if found is None or text.count("{", 0, found.start()) - text.count("}", 0, found.start()) > _SHALLOW:
        return []
    return _spans(text, found.end() + 1)


def _spans(text: str, place: int) -> list[_Span]:
    spans = []
    decoder = json.JSONDecoder()
    while (place := _past(text, place, " \t\r\n,")) < len(text) and text[place] == "{":
        try:
            _, end = decoder.raw_decode(text, place)
        except json.JSONDecodeError:
            return []
        spans.append((place, end))
        place = end
    return spans


def _past(text: str, place: int, skipped: str) -> int:
    while place < len(text) and text[place] in skipped:
        place += 1
    return place
