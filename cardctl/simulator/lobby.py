"""The pages beside the faces on a served port: health, wallet payloads, and what is nowhere; no provider's wire."""

from __future__ import annotations

import html
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

import orjson

from cardctl.simulator.books import FarSide
from cardctl.simulator.wallets import payload
from cardctl.simulator.wire import Reply

LOUD = "DEVELOPMENT ONLY: a simulated bank. No money, no cards, no real wallet."


class Lobby:
    """Answers for `/`, `/health` and `/cards/<ref>/wallet_payload/`."""

    def __init__(self, far_side: FarSide, version: str, base_urls: Mapping[str, str]) -> None:
        self._far_side, self._version, self._base_urls = far_side, version, base_urls

    def answer(self, method: str, path: str) -> Reply:
        """`path` unquoted."""
        parts = path.strip("/").split("/")
        if method not in ("GET", "HEAD"):
            return problem(405, "Only GET is served here.")
        if path == "/":
            return Reply(200, {"Content-Type": "text/html; charset=utf-8"}, self._page())
        if parts == ["health"]:
            return _json(200, self._health())
        if len(parts) == 3 and (parts[0], parts[2]) == ("cards", "wallet_payload"):
            return self._wallet_payload(unquote(parts[1]))
        return problem(404, f"There is nothing at {path}.")

    def _health(self) -> dict[str, Any]:
        clock = datetime.fromtimestamp(self._far_side.now(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return {"status": "ok", "version": self._version, "faces": dict(self._base_urls), "clock": clock, "notice": LOUD}

    def _page(self) -> bytes:
        health = self._health()
        rows = [(name, value) for name, value in health.items() if isinstance(value, str)] + list(self._base_urls.items())
        told = "".join(f"<tr><th>{html.escape(name)}</th><td>{html.escape(value)}</td></tr>" for name, value in rows)
        title = "cardctl simulator"
        style = "body{font:16px system-ui;margin:3rem}th{text-align:left;padding-right:2rem}"
        head = f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>{style}</style></head>'
        return f"{head}<body><h1>{title}</h1><table>{told}</table></body></html>".encode()

    def _wallet_payload(self, ref: str) -> Reply:
        with self._far_side.transaction(silent=True) as desk:
            found = payload(desk, ref)
        return problem(404, f"No card is called {ref}.") if found is None else _json(200, found)


def problem(status: int, message: str) -> Reply:
    """A refusal of the port itself."""
    return _json(status, {"error": message})


def _json(status: int, value: Mapping[str, Any]) -> Reply:
    return Reply(status, {"Content-Type": "application/json"}, orjson.dumps(value))
