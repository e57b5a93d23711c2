"""Topping the wallet up with a card, at an endpoint that takes one; Zendit itself has no such call.

The protocol is cardctl's own, and the README has it. A card's numbers are in the body of one request, and nowhere else: in no
draft, log, message or answer that is kept, though the endpoint repeat them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import orjson

from cardctl.domain.cards import Credentials
from cardctl.domain.esims import RemoteWalletTopUp
from cardctl.domain.money import Money
from cardctl.domain.operations import Draft
from cardctl.domain.redaction import Secret, redact
from cardctl.domain.topups import TopUpState
from cardctl.errors import (
    BadAmount,
    CardctlError,
    ProviderHasNot,
    ProviderRefused,
    ProviderUnavailable,
    ReplyLost,
    SecretMissing,
    SecretRefused,
    Unsupported,
)
from cardctl.providers.base import Sighting
from cardctl.providers.http import Http, Reply
from cardctl.providers.zendit.judging import error_of
from cardctl.providers.zendit.translate import STRANGE
from cardctl.providers.zendit.wire import OWN_DOMAIN, one_of

TOKEN = "zendit.topup_token"  # noqa: S105 - a name
WALLET_TOPUP = "wallet_topup"
SIMULATED_URL = "https://topup.simulator.invalid/v1/topups"
_SERVED_ZENDIT, _SERVED_TOPUPS = "/zendit/v1", "/topup/v1/topups"
_STATES = {"succeeded": TopUpState.SETTLED, "pending": TopUpState.PENDING, "failed": TopUpState.FAILED}
_NOT_THERE = (404, 405)
"""In whoever's words: nothing that takes a card is at that address."""
_LONGEST = 200
_RUN = re.compile(r"[0-9]{3}", re.ASCII)
_DIGITS = re.compile(r"[0-9](?:[ -]?[0-9]){2,}", re.ASCII)


def url_for(environment: str, topup_url: Any, base_url: Any) -> str | None:
    """Where top-ups go: the profile's `topup_url`; in the simulator its own, which a served one has beside its Zendit."""
    if topup_url or environment != "simulator":
        return topup_url or None
    if base_url is None:
        return SIMULATED_URL
    served = str(base_url).rstrip("/")
    return served.removesuffix(_SERVED_ZENDIT) + _SERVED_TOPUPS if served.endswith(_SERVED_ZENDIT) else None


class TopUps:
    """Where `url` None is nobody, who takes no card. `token` gives the endpoint's secret, if there is one."""

    def __init__(self, http: Http, url: str | None, token: Callable[[str], Secret]) -> None:
        self._http = http
        self._url = url
        self._token = token

    def close(self) -> None:
        self._http.close()

    def draft(self, amount: Money, mark: str) -> Draft:
        """Unsupported where nobody takes a card, BadAmount for nothing. It may be repeated, with the card at hand: the endpoint
        takes each reference once."""
        url = _checked(self._url)
        if amount.minor <= 0:
            raise BadAmount(f"{amount} cannot be moved: an amount is more than nothing")
        body = {"reference": mark, "amount": amount.minor, "currency": amount.currency}
        return Draft("POST", url, WALLET_TOPUP, body, repeatable=True)

    def send(self, draft: Draft, card: Credentials | None) -> RemoteWalletTopUp:
        """Errors: ProviderUnavailable without a card at hand, ProviderRefused where the card is; Unsupported where this is no
        endpoint that takes one; ReplyLost or ServerFailed where it may have run."""
        if card is None:
            raise ProviderUnavailable("the numbers of the card are not at hand: nothing was sent")
        reply = self._post(draft, card)
        if reply.status in (200, 201):
            return self._told(reply, draft, card)
        error = _refusal(reply, card)
        if reply.doubtful and isinstance(error, Unsupported):
            raise ReplyLost(f"a top-up may have run; to its repetition {error.message}")
        if reply.doubtful:
            return self._after_no(draft, error)
        raise error

    def look_up(self, draft: Draft) -> Sighting:
        """By the reference. One that failed is there too: its state says so."""
        try:
            reply = self._http.send("GET", one_of(_checked(draft.path), draft.body["reference"]), headers=self._headers())
            if reply.status != 200:
                raise _refusal(reply, None, write=False)
        except ProviderHasNot:
            return Sighting(False)
        return Sighting(True, self._told(reply, draft, None))

    def _post(self, draft: Draft, card: Credentials) -> Reply:
        """The endpoint takes each key once, so that the same again does no harm."""
        numbers = {"number": card.number, "exp_month": card.exp_month, "exp_year": card.exp_year, "cvc": card.cvc}
        content = orjson.dumps({**draft.body, "card": numbers}, option=orjson.OPT_SORT_KEYS)
        headers = self._headers() | {"content-type": "application/json", "idempotency-key": draft.body["reference"]}
        try:
            return self._http.send("POST", _checked(draft.path), headers=headers, content=content, keyed=True)
        except CardctlError as error:  # a protocol's error may quote what the endpoint said
            error.message = _why(error.message, card)
            error.args = (error.message,)
            raise

    def _after_no(self, draft: Draft, error: CardctlError) -> RemoteWalletTopUp:
        """A no to the repetition says nothing of what came before it."""
        try:
            found = self.look_up(draft).remote
        except CardctlError as unseen:
            raise ReplyLost(f"a top-up may have run; to its repetition {error.message}") from unseen
        if isinstance(found, RemoteWalletTopUp) and found.state is not TopUpState.FAILED:
            return found
        raise error

    def _told(self, reply: Reply, draft: Draft, card: Credentials | None) -> RemoteWalletTopUp:
        """`card` is the one that pays; a look has none."""
        try:
            return _from_wire(reply.data, draft.body["reference"], card)
        except STRANGE:
            strange = ProviderUnavailable if card is None else ReplyLost
            raise strange("the top-up endpoint answered with something that is no top-up of ours") from None

    def _headers(self) -> dict[str, str]:
        try:
            return {"accept": "application/json", "authorization": f"Bearer {self._token(TOKEN).reveal()}"}
        except SecretMissing:
            return {"accept": "application/json"}


def _checked(url: str | None) -> str:
    """The address. Unsupported where there is none, or it is Zendit's, whom nobody sends a card's numbers to."""
    if url is None:
        raise Unsupported(
            "zendit's API has no call that fills the wallet: it is funded in Zendit's console",
            hint='set zendit.topup to "request" or "prefunded", or zendit.topup_url to an endpoint that takes a card',
        )
    host = urlsplit(url).hostname or ""
    if host == OWN_DOMAIN or host.endswith(f".{OWN_DOMAIN}"):
        raise Unsupported(
            f"zendit's API has no call that fills the wallet, so no card's numbers are sent to {host}",
            hint='set zendit.topup to "request" or "prefunded"; zendit.topup_url is for an endpoint of your own',
        )
    return url


def _from_wire(told: Any, mark: str, card: Credentials | None) -> RemoteWalletTopUp:
    """Of what the endpoint says only what a top-up has: it may have said more than anybody may keep."""
    if told["reference"] != mark:
        raise ValueError("another top-up")
    kept = {name: _text(told[name], card) for name in ("id", "reference", "status") if told.get(name)}
    why = _why(told.get("failure_reason"), card) or None
    amount = told["amount"]
    if isinstance(amount, bool) or not isinstance(amount, int) or amount < 0 or not isinstance(told["currency"], str):
        raise TypeError("an amount is a whole number of minor units of a currency")
    return RemoteWalletTopUp(
        ref=kept["id"],
        mark=mark,
        state=_STATES.get(kept["status"], TopUpState.UNKNOWN),
        amount=Money(amount, told["currency"]),
        raw={**kept, "amount": amount, "currency": told["currency"]} | ({"failure_reason": why} if why else {}),
        reason=why,
    )


def _refusal(reply: Reply, card: Credentials | None, *, write: bool = True) -> CardctlError:
    # 401, 403   SecretRefused: nothing ran
    # 402        the card was declined
    # 404        of a look: there is none
    # 409        another top-up has the reference, so that ours may have run
    # other 4xx  of a top-up: this is no endpoint as the README has it, and no card's fault; nothing ran
    told: Mapping[str, Any] = reply.data if isinstance(reply.data, dict) else {}
    code, said = error_of(told)
    code = None if code is None or _RUN.search(code) else code
    message = f"the top-up endpoint said no ({reply.status}{f' {code}' if code else ''}): {_why(said, card) or 'no reason'}"
    if reply.status in (401, 403):
        return SecretRefused(message, hint=f"see the secret {TOKEN}")
    if write and reply.status not in (402, 409) and reply.status >= 400 and (told or reply.status in _NOT_THERE):
        return Unsupported(
            message, hint="see the setting zendit.topup_url: this is no card's fault, and nobody is refunded for it"
        )
    if not told or reply.status < 400:
        return (ReplyLost if write else ProviderUnavailable)(f"an answer of {reply.status} came that is no top-up's")
    if reply.status == 409 and write:
        return ReplyLost(message)
    kind = ProviderHasNot if reply.status == 404 else ProviderRefused
    return kind(message, vendor_code=code)


def _why(said: str | None, card: Credentials | None) -> str:
    """The endpoint's reason, without what may be of the card's numbers in it; empty where it gives none."""
    if not said:
        return ""
    numbers = {card.number, card.cvc} if card else set()
    text = _DIGITS.sub(lambda run: "***" if re.sub(r"[ -]", "", run[0]) in numbers or len(run[0]) > 8 else run[0], said)
    return redact(text)[:_LONGEST]


def _text(value: Any, card: Credentials | None) -> str:
    if not isinstance(value, str):
        raise TypeError("a text is wanted")
    return redact(value.replace(card.number, "***") if card else value)[:_LONGEST]
