"""A seller's access token: the one that was given, or one that is renewed by OAuth; where secrets lie is not known here.

The endpoint is not in the description that the rest is held against. POST /oauth2/token with `grant_type` refresh_token gives a
new access token, and in the code flow the same refresh token again (Square's reference of ObtainToken; SDK 46.0.0). Its errors
are UNCONFIRMED: `errors` as elsewhere, or an older `{message, type}`.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock

import orjson

from cardctl.domain.redaction import Secret
from cardctl.errors import ProviderUnavailable, ReplyLost, SecretMissing, SecretProblem, SecretRefused
from cardctl.providers.http import Http, Reply
from cardctl.providers.square.judging import errors_of, scrubbed
from cardctl.providers.square.wire import TOKEN, VERSION

ACCESS, CLIENT, REFRESH = "square.access_token", "square.client_secret", "square.refresh_token"
_HINT = "the seller has to connect anew: then store square.refresh_token again"


class Tokens:
    """One seller's token, for all threads. `client_id` None: the seller did not connect by OAuth, and nothing is renewed.

    `secret` gives a secret or raises SecretMissing, `fresh` likewise what lies there now; `keep` is handed each new one, for
    later runs.
    """

    def __init__(
        self,
        http: Http,
        base_url: str,
        secret: Callable[[str], Secret],
        client_id: str | None,
        keep: Callable[[str, Secret], None] | None,
        fresh: Callable[[str], Secret] | None = None,
    ) -> None:
        self._http = http
        self._url = base_url + TOKEN
        self._secret = secret
        self._fresh = fresh or secret
        self._client_id = client_id
        self._keep = keep
        self._guard = Lock()
        self._refused: list[Secret] = []
        self._access = self._given()

    def current(self) -> Secret:
        """The token to send; SecretRefused or ProviderUnavailable where there is none yet and none could be had."""
        if self._access is not None:
            return self._access
        renewed = self.renewed(None)
        assert renewed is not None
        return renewed

    def renewed(self, refused: Secret | None) -> Secret | None:
        """A newer token than the one that was `refused`; None where nothing can be renewed. Whoever comes meanwhile waits, and
        gets the same one."""
        if self._client_id is None:
            return None
        with self._guard:
            if self._access is refused:
                newer = self._newer()
                if newer is None:
                    return None
                self._access = newer
            return self._access

    def _newer(self) -> Secret | None:
        """What another process has stored meanwhile, else what is had by renewing. Of two that renew at once Square may refuse
        the second, whose refresh token the first has used up; then the first has stored a good token."""
        if self._access is not None:
            self._refused.append(self._access)
        stored = self._stored()
        told = self._connected() if stored is None else None
        if told is None:
            return stored
        try:
            return self._renew(*told)
        except SecretRefused:
            stored = self._stored()
            if stored is None:
                raise
            return stored

    def _stored(self) -> Secret | None:
        """The token that lies there now, unless it is one that was refused."""
        try:
            found = self._fresh(ACCESS)
        except SecretProblem:
            return None
        return None if any(one.reveal() == found.reveal() for one in self._refused) else found

    def _given(self) -> Secret | None:
        """SecretMissing where there is no token, nor what one could be had with."""
        try:
            return self._secret(ACCESS)
        except SecretMissing:
            if self._client_id is None or self._connected() is None:
                raise
            return None

    def _connected(self) -> tuple[Secret, Secret] | None:
        try:
            return self._secret(CLIENT), self._fresh(REFRESH)
        except SecretMissing:
            return None

    def _renew(self, client: Secret, refresh: Secret) -> Secret:
        body = {
            "client_id": self._client_id,
            "client_secret": client.reveal(),
            "grant_type": "refresh_token",
            "refresh_token": refresh.reveal(),
        }
        headers = {"square-version": VERSION, "accept": "application/json", "content-type": "application/json"}
        try:
            reply = self._http.send("POST", self._url, headers=headers, content=orjson.dumps(body), keyed=True)
        except ReplyLost as error:
            raise ProviderUnavailable(f"the access token could not be renewed: {error.message}") from error
        access = _token(reply, "access_token")
        if access is None:
            raise _no(reply, client, refresh)
        following = _token(reply, "refresh_token")
        if following is not None and following.reveal() != refresh.reveal():  # some flows give a new one each time
            self._put(REFRESH, following)  # first: without it there would be no way to another access token
        self._put(ACCESS, access)
        return access

    def _put(self, name: str, secret: Secret) -> None:
        if self._keep is not None:
            self._keep(name, secret)


def _token(reply: Reply, name: str) -> Secret | None:
    value = reply.data.get(name) if reply.status < 300 and isinstance(reply.data, dict) else None
    return Secret(value) if isinstance(value, str) and value.strip() and value.isprintable() else None


def _no(reply: Reply, *sent: Secret) -> SecretRefused:
    told = reply.data if isinstance(reply.data, dict) else {}
    said = next((each.get("detail") or each.get("code") for each in errors_of(reply)), told.get("message")) or "no reason"
    reason = scrubbed(str(said), [secret.reveal() for secret in sent])
    return SecretRefused(f"square did not renew the access token ({reply.status}): {reason}", hint=_HINT)
