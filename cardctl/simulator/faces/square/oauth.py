"""/oauth2: access tokens from refresh tokens, and taking them back; the seller's own consent is not simulated.

UNCONFIRMED: shapes, since the official description at hand lacks these endpoints; they are those of the official SDK.
"""

from __future__ import annotations

from cardctl.simulator.faces.square.calls import Call, Endpoint
from cardctl.simulator.faces.square.objects import instant
from cardctl.simulator.faces.square.parameters import Fields, each, flag, one_of, text
from cardctl.simulator.rows import Record
from cardctl.simulator.square import sellers
from cardctl.simulator.square.words import Refused

_GRANTS = ("authorization_code", "refresh_token", "migration_token")
_OBTAIN = Fields(
    {
        **dict.fromkeys(("client_id", "client_secret", "code", "redirect_uri", "refresh_token", "code_verifier"), text(1024)),
        "grant_type": one_of(_GRANTS),
        "scopes": each(text()),
        "short_lived": flag,
    },
    required=("client_id", "grant_type"),
)
_REVOKE = Fields(
    {**dict.fromkeys(("client_id", "access_token", "merchant_id"), text(1024)), "revoke_only_access_token": flag},
    required=("client_id",),
)


def _obtain(call: Call) -> Record:
    """Any refresh token (and any code) is some seller's own. CONFIRMED by the SDK: a refresh token stays as it is."""
    name = "code" if call.body["grant_type"] == "authorization_code" else "refresh_token"
    given = call.body.get(name)
    if not given:
        raise Refused("MISSING_REQUIRED_PARAMETER", f"Missing required parameter: {name}.", name)
    if given.startswith("revoked"):
        raise Refused("UNAUTHORIZED", "The refresh token is not valid.")
    merchant = sellers.named(given)
    token, expires = sellers.grant(call.desk, merchant)
    told = {"access_token": token, "token_type": "bearer", "expires_at": instant(expires * 1000), "merchant_id": merchant}
    return {**told, "refresh_token": given, "short_lived": False}


def _revoke(call: Call) -> Record:
    if token := call.body.get("access_token"):
        sellers.lapse(call.desk, token, revoked=True)
    return {"success": True}


ENDPOINTS = (
    Endpoint("POST", "/oauth2/token", _obtain, body=_OBTAIN),
    Endpoint("POST", "/oauth2/revoke", _revoke, body=_REVOKE),
)
