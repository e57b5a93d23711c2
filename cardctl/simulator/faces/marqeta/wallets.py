"""/digitalwalletprovisionrequests and /ping: answers that leave nothing behind."""

from __future__ import annotations

import base64
import secrets

from cardctl.simulator.faces.marqeta import tables
from cardctl.simulator.faces.marqeta.calls import Call, Endpoint
from cardctl.simulator.faces.marqeta.objects import present, time
from cardctl.simulator.marqeta.lists import get, new_token
from cardctl.simulator.rows import Record

_REQUESTS = "/digitalwalletprovisionrequests"
_VERSION = "3.0.39"


def _apple_pay(call: Call) -> Record:
    """What is encrypted is so at Apple's and the network's ends; here it is random."""
    card = get(call.desk, "marqeta_cards", call.body["card_token"])
    names = ("activation_data", "encrypted_pass_data", "ephemeral_public_key")
    return {"card_token": card["ref"], **{name: _opaque() for name in names}, **_now(call)}


def _google_pay(call: Call) -> Record:
    card = get(call.desk, "marqeta_cards", call.body["card_token"])
    user = get(call.desk, "marqeta_users", card["user_token"])
    names = ("address1", "address2", "city", "country", "phone", "postal_code", "state")
    full_name = " ".join(filter(None, (user["first_name"], user["last_name"])))
    pushed = {
        "display_name": f"Visa {card['last_four']}",
        "last_digits": card["last_four"],
        "network": "Visa",
        "token_service_provider": "TOKEN_PROVIDER_VISA",
        "opaque_payment_card": _opaque(),
        "user_address": present({"name": full_name or None, **{name: user[name] for name in names}}),
    }
    return {"card_token": card["ref"], "push_tokenize_request_data": pushed, **_now(call)}


def _ping(call: Call) -> Record:
    about = {"success": True, "version": _VERSION, "revision": "simulator", "env": "simulator"}
    return {**about, "timestamp": time(call.desk.now), "id": new_token()}


def _echo(call: Call) -> Record:
    return present({"success": True, "id": call.body.get("token"), "payload": call.body.get("payload")})


def _opaque() -> str:
    return base64.b64encode(secrets.token_bytes(96)).decode()


def _now(call: Call) -> Record:
    return {"created_time": time(call.desk.now), "last_modified_time": time(call.desk.now)}


ENDPOINTS = (
    Endpoint("POST", f"{_REQUESTS}/applepay", _apple_pay, body=tables.APPLE_PAY, status=201),
    Endpoint("POST", f"{_REQUESTS}/androidpay", _google_pay, body=tables.GOOGLE_PAY, status=201),
    Endpoint("GET", "/ping", _ping),
    Endpoint("POST", "/ping", _echo, body=tables.PING),
)
