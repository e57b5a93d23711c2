"""Zendit's endpoints over our HTTP client, wire in and wire out; what an answer means is judging.py, and no domain words."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlencode

import orjson

from cardctl.domain.redaction import Secret
from cardctl.errors import ProviderUnavailable
from cardctl.providers.http import Http, Reply
from cardctl.providers.zendit import judging, wire
from cardctl.providers.zendit.wire import ZenditOffer, ZenditPlan, ZenditPurchase, ZenditReport, ZenditTransaction, one_of

_PNG, _END = b"\x89PNG\r\n\x1a\n", b"IEND\xaeB`\x82"
_POLLS = 300
"""So often a report is looked at, a second apart (documentation: no faster than that), before it is given up."""


@dataclass(frozen=True, slots=True)
class Part:
    """A page of a list; `following` is the row with which the next one begins, None after the last."""

    rows: list[dict[str, Any]]
    following: int | None


class ZenditClient:
    """What cardctl asks of Zendit. Errors: those of http.Http.send and of judging.answered. `files` takes answers that are no
    JSON."""

    def __init__(self, http: Http, files: Http, base_url: str, key: Secret, sleep: Callable[[float], None]) -> None:
        self._http = http
        self._files = files
        self._base = base_url
        self._key = key
        self._sleep = sleep

    def close(self) -> None:
        self._http.close()
        self._files.close()

    def write(self, path: str, body: Mapping[str, Any] | None) -> dict[str, Any]:
        """The answer to one write, sent once unless it surely did not run. `body` None sends none at all."""
        return judging.answered(self._post(path, body, keyed=False), write=True)

    def get(self, path: str, query: Mapping[str, str] | None = None) -> dict[str, Any]:
        return judging.answered(self._get(path, query), write=False)

    def balance(self) -> tuple[dict[str, Any], Reply]:
        """The wallet, and the whole reply for its latency and clock."""
        reply = self._get(wire.BALANCE)
        return judging.answered(reply, write=False), reply

    def offer(self, ref: str) -> ZenditOffer:
        return cast(ZenditOffer, self.get(one_of(wire.OFFERS, ref)))

    def purchase(self, ref: str) -> ZenditPurchase:
        return cast(ZenditPurchase, self.get(one_of(wire.PURCHASES, ref)))

    def refund(self, ref: str) -> ZenditTransaction:
        return cast(ZenditTransaction, self.get(one_of(wire.PURCHASES, ref) + wire.REFUND))

    def plans(self, iccid: str) -> list[ZenditPlan]:
        return cast(list[ZenditPlan], self.get(wire.plans_of(iccid))["list"])

    def qr_code(self, ref: str) -> bytes:
        """The PNG. It is asked for as JSON, and may come as bytes all the same: `Accept` decides (SDK), if anything does."""
        reply = self._file(one_of(wire.PURCHASES, ref) + wire.QR_CODE, "application/json")
        image = _image(reply) if reply.status == 200 else None
        if image is not None:
            return image
        judging.answered(reply, write=False)
        raise ProviderUnavailable("zendit answered with something that is no QR code")

    def part(self, path: str, query: Mapping[str, str], offset: int) -> Part:
        """One page of a list, which is at its end where `offset + len(list) >= total`. ProviderUnavailable where it is another
        page than was asked for, or an empty one that says that more comes."""
        page = self.get(path, {**query, "_limit": str(wire.PAGE), "_offset": str(offset)})
        rows, total, given = page.get("list"), page.get("total"), page.get("offset", offset)
        if not isinstance(rows, list) or not isinstance(total, int) or not all(isinstance(row, dict) for row in rows):
            raise ProviderUnavailable(f"a page of zendit's {path} came that is none")
        if given != offset or (not rows and offset < total):
            raise ProviderUnavailable(f"zendit's list {path} does not go on, though it says that there is more")
        following = offset + min(len(rows), _limit_of(page))
        return Part(rows, None if following >= total else following)

    def report(self, since: str, until: str) -> bytes:
        """The CSV of what ended from `since` on and before `until`, waited for. The file is asked for by its name, at Zendit,
        not at whatever address the report gives."""
        asked = {"startGte": since, "endLt": until}
        # Asked for twice it is made twice, which costs nothing.
        report = cast(ZenditReport, judging.answered(self._post(wire.REPORTS, asked, keyed=True), write=False))
        path = one_of(wire.REPORTS, str(report["reportId"]))
        for _ in range(_POLLS):
            if report["status"] == "FAILED":
                _, message = judging.error_of(report)
                raise ProviderUnavailable(f"zendit could not make the report: {message or 'no reason'}")
            if report["status"] == "READY":
                return self._csv(one_of(path, str((report["file"] or {})["name"])))
            self._sleep(1.0)
            report = cast(ZenditReport, self.get(path))
        raise ProviderUnavailable("zendit is still at work on the report", hint="ask for fewer days, or try again later")

    def _csv(self, path: str) -> bytes:
        reply = self._file(path, "text/csv, */*")
        if reply.status == 200 and not reply.body.lstrip().startswith((b"<", b"{")):
            return reply.body
        judging.answered(reply, write=False)
        raise ProviderUnavailable("zendit answered with something that is no report")

    def _get(self, path: str, query: Mapping[str, str] | None = None) -> Reply:
        url = self._base + (f"{path}?{urlencode(query)}" if query else path)
        return self._http.send("GET", url, headers=self._headers())

    def _post(self, path: str, body: Mapping[str, Any] | None, *, keyed: bool) -> Reply:
        content = None if body is None else orjson.dumps(body, option=orjson.OPT_SORT_KEYS)
        more = {} if body is None else {"content-type": "application/json"}
        return self._http.send("POST", self._base + path, headers=self._headers() | more, content=content, keyed=keyed)

    def _file(self, path: str, accept: str) -> Reply:
        return self._files.send("GET", self._base + path, headers=self._headers() | {"accept": accept})

    def _headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self._key.reveal()}", "accept": "application/json"}


def _limit_of(page: Mapping[str, Any]) -> int:
    """How many rows a page may have; a list may give fewer than were asked for. One with more has some that it should not."""
    limit = page.get("limit")
    return min(limit, wire.PAGE) if isinstance(limit, int) and limit > 0 else wire.PAGE


def _image(reply: Reply) -> bytes | None:
    """A whole PNG, as it stands or in JSON; None where it is none."""
    image = reply.body
    if isinstance(reply.data, dict):
        text = str(reply.data.get("imageBase64") or "")
        try:
            image = base64.b64decode(
                text.rpartition(",")[2], validate=True
            )  # some such texts have `data:image/png;base64,` first
        except (binascii.Error, ValueError):
            return None
    return image if image.startswith(_PNG) and image.endswith(_END) else None
