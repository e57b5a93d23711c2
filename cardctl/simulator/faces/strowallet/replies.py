"""Whole answers: JSON with exact numbers, HTML pages, redirects; what stands in them is decided elsewhere."""

from __future__ import annotations

import json
from decimal import Decimal
from http import HTTPStatus
from typing import Any

from cardctl.simulator.wire import Reply


def in_json(status: int, body: Any) -> Reply:
    """A JSON answer; a Decimal is written as a number, digit for digit."""
    return Reply(status, {"Content-Type": "application/json"}, _written(body).encode())


def in_html(status: int) -> Reply:
    """What the web server itself answers: wrong path or method, a URL that is too long, an outage."""
    title = f"{status} {HTTPStatus(status).phrase}"
    page = f"<!DOCTYPE html>\n<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>\n"
    return Reply(status, {"Content-Type": "text/html; charset=UTF-8"}, page.encode())


def moved(location: str) -> Reply:
    """301, which most clients follow with a GET and without their body."""
    page = in_html(301)
    return Reply(301, {**page.headers, "Location": location}, page.body)


def _written(value: Any) -> str:
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(name)}:{_written(inner)}" for name, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_written, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
