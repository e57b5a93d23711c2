"""JSON as cardctl writes it: the envelope of a success or a failure, one object a line. Loaded only when JSON is wanted."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import orjson

from cardctl.errors import CardctlError
from cardctl.output.guard import clean
from cardctl.output.stream import Spool, Stream

SCHEMA_VERSION = 1
_HEAD = b'{"schema_version":%d,"success":true,"data":' % SCHEMA_VERSION
_RESTLESS = re.compile("[\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069]")  # JSON itself escapes only what is below a space
_EXTRA = ("operation_id", "vendor_code", "request_id")


def encode(data: dict[str, Any]) -> bytes:
    """One object as one line of UTF-8 without its newline; free text redacted, control and direction characters escaped."""
    return _dumps(clean(data))


def success(data: dict[str, Any], warnings: list[dict[str, str]]) -> bytes:
    """The envelope of one object."""
    return _HEAD + encode(data) + _tail(warnings)


def write_list(stream: Stream, items: Iterable[dict[str, Any]], warnings: list[dict[str, str]]) -> None:
    """The envelope of a list, which waits in a spool until the last item came; `warnings` are read after that."""
    with Spool() as spool:
        separator = b""
        for item in items:
            spool.write_bytes(separator + encode(item))
            separator = b","
        stream.write_bytes(_HEAD + b"[")
        spool.pour(stream)
        stream.write_bytes(b"]" + _tail(warnings))


def failed(error: CardctlError) -> bytes:
    """The envelope of a failure, with what the error knows besides (`operation_id`, the provider's own code and request)."""
    envelope: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "success": False,
        "error_code": error.code,
        "message": error.message,
        "hint": error.hint,
        "retryable": error.retryable,
    }
    known = {name: getattr(error, name, None) for name in _EXTRA}
    return encode(envelope | {name: value for name, value in known.items() if value is not None}) + b"\n"


def _tail(warnings: list[dict[str, str]]) -> bytes:
    return b',"warnings":[' + b",".join(encode(dict(warning)) for warning in warnings) + b"]}\n"


def _dumps(data: Any) -> bytes:
    try:
        text = orjson.dumps(data, default=_exact)
    except TypeError:  # half a surrogate pair: bytes of the command line that are no UTF-8
        text = orjson.dumps(_without_surrogates(data), default=_exact)
    if text.isascii() and b"\x7f" not in text:
        return text
    return _RESTLESS.sub(lambda match: f"\\u{ord(match[0]):04x}", text.decode()).encode()


def _exact(value: Any) -> Any:
    """A decimal of a request keeps its digits."""
    if isinstance(value, Decimal):
        return orjson.Fragment(format(value, "f"))
    raise TypeError


def _without_surrogates(data: Any) -> Any:
    if isinstance(data, str):
        return data.encode("utf-8", "backslashreplace").decode()
    if isinstance(data, dict):
        return {_without_surrogates(name): _without_surrogates(value) for name, value in data.items()}
    if isinstance(data, list | tuple):
        return [_without_surrogates(item) for item in data]
    return data
