"""POST /v1/topups and GET /v1/topups/<reference>: what a request may hold, how it is answered; who pays is not known here."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

import orjson

from cardctl.simulator.books import FarSide
from cardctl.simulator.rows import Record
from cardctl.simulator.wire import Reply, Spoil
from cardctl.simulator.zendit import settling, topping_up

FACE = "topup"

_PATH = "/v1/topups"
_REFERENCE = re.compile(r"[A-Za-z0-9_-]{1,100}\Z", re.ASCII)
_NUMBER = re.compile(r"[0-9]{12,19}\Z", re.ASCII)
_CVC = re.compile(r"[0-9]{3,4}\Z", re.ASCII)
_MOST = 10**9
_SHOWN = ("reference", "status", "amount", "currency")


class _No(Exception):
    """A refusal: its status and its code."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.reply = _json(status, {"error": {"code": code, "message": message}})


class TopUpFace:
    """topup.simulator.invalid over the far side's books. Whoever calls is believed: a bearer token is taken, and not looked
    at."""

    def __init__(self, far_side: FarSide) -> None:
        self._far_side = far_side

    def handle(
        self, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes, *, spoil: Spoil = Spoil.NOTHING
    ) -> Reply:
        """Serves one request. A reference is one top-up for good, however often it comes; with another body it is a 409."""
        del query
        try:
            if spoil is Spoil.EFFECT:
                return self.turn_away(500)
            self._settle()
            if method == "POST" and path == _PATH:
                answer = self._topped_up(_wish(body, headers.get("idempotency-key", "")))
            elif method == "GET" and path.startswith(f"{_PATH}/"):
                answer = self._shown(path.removeprefix(f"{_PATH}/"))
            else:
                raise _No(404, "not_found", f"There is nothing at {path}.")
        except _No as refusal:
            return refusal.reply
        return self.turn_away(500) if spoil is Spoil.ANSWER else answer

    def writes(self, method: str, path: str) -> bool:
        """Whatever is no GET."""
        del path
        return method != "GET"

    def turn_away(self, status: int) -> Reply:
        return _json(status, {"error": {"code": "unavailable", "message": f"The server says {status}."}})

    def _topped_up(self, wish: Mapping[str, Any]) -> Reply:
        """The card's charge and the wallet's credit are in one transaction."""
        fingerprint = hashlib.sha256(orjson.dumps(wish, option=orjson.OPT_SORT_KEYS)).hexdigest()
        with self._far_side.transaction(FACE) as desk:
            before = topping_up.of_reference(desk, wish["reference"])
            if before is not None and before["fingerprint"] != fingerprint:
                raise _No(409, "reference_reused", "This reference was used for another top-up.")
            row = before or topping_up.top_up(desk, wish, fingerprint)
        if row["status"] == topping_up.FELL and row["code"]:
            return _json(402, {"error": {"code": row["code"], "message": row["failure_reason"]}})
        return _json(201 if before is None else 200, _object(row))

    def _shown(self, reference: str) -> Reply:
        with self._far_side.reading(FACE) as desk:
            row = topping_up.of_reference(desk, reference)
        if row is None:
            raise _No(404, "not_found", "No top-up has this reference.")
        return _json(200, _object(row))

    def _settle(self) -> None:
        with self._far_side.reading(FACE) as desk:
            waiting = settling.any_due(desk)
        if waiting:
            with self._far_side.transaction(FACE) as desk:
                settling.settle(desk)


def _object(row: Record) -> Record:
    reason = {"failure_reason": row["failure_reason"]} if row["failure_reason"] else {}
    return {"id": row["ref"], **{name: row[name] for name in _SHOWN}, **reason}


def _wish(body: bytes, key: str) -> Mapping[str, Any]:
    """{reference, amount, currency, card: {number, exp_month, exp_year, cvc}}, and a key that is the reference."""
    try:
        sent = orjson.loads(body)
    except orjson.JSONDecodeError:
        sent = None
    card = sent.get("card") if isinstance(sent, dict) else None
    if not isinstance(sent, dict) or not isinstance(card, dict):
        raise _No(400, "invalid_request", "The body is no top-up.")
    checks = {
        "reference": _fits(_REFERENCE, sent.get("reference")),
        "Idempotency-Key": key == sent.get("reference"),
        "amount": _whole(sent.get("amount")) and 0 < sent["amount"] <= _MOST,
        "currency": sent.get("currency") == "USD",
        "card.number": _fits(_NUMBER, card.get("number")),
        "card.cvc": _fits(_CVC, card.get("cvc")),
        "card.exp_month": _whole(card.get("exp_month")),
        "card.exp_year": _whole(card.get("exp_year")),
    }
    if wrong := [name for name, right in checks.items() if not right]:
        raise _No(400, "invalid_request", f"Not valid: {', '.join(wrong)}.")
    return sent


def _fits(pattern: re.Pattern[str], value: object) -> bool:
    return isinstance(value, str) and pattern.match(value) is not None


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _json(status: int, body: Record) -> Reply:
    return Reply(status, {"Content-Type": "application/json"}, orjson.dumps(body))
