"""The simulator's Marqeta face against the official descriptions: what it takes, and every reply of every state it knows."""

from __future__ import annotations

import copy
import functools
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from cardctl.simulator.books import FarSide
from cardctl.simulator.faces.marqeta import disputes, webhooks
from cardctl.simulator.faces.marqeta.calls import Endpoint
from cardctl.simulator.faces.marqeta.face import ENDPOINTS
from cardctl.simulator.faces.marqeta.parameters import Amount, Each, Flag, Group, Kind, Metadata, OneOf, Text, Whole
from cardctl.simulator.marqeta import counter
from tests.conformance.openapi import Nonconforming, check_response, load, operation
from tests.simulator.marqeta.stranger import SANDBOX, SIMULATIONS, Stranger

CORE, SIMULATED = "marqeta-core-3.0.39", "marqeta-simulations-2.0"

HTTP = {400, 401, 403, 404, 405, 409, 412, 413, 422, 429, 500}
"""Statuses that the documentation names for every call; the description names only some of them at each."""


_NOT_TAKEN = """
    account_token account_template_token business_token bulk_issuance_token copy_pin_from_source_card generate_new_pan
    translate_pin_from_card_token mcc_group money_in_transaction idempotentHash fees funding_source_address_token

    shipping carrier images perso_type clearing_and_settlement digital_wallet_tokenization jit_funding selective_auth special
    all_zero_card_security_code bin_issue_country bin_prefixes enable_offline_pin fulfillment_provider pan_length min_offset
    other
    account_funding account_name_verification card_options cash_back_amount currency_conversion event_type original_credit pos
    sub_network network_fees network_metadata pin transaction_options vcn_data webhook poi business_registration_id
    business_registration_id_type customer_service_phone ecommerce_security_level_indicator geographic_coordinates
    legal_business_name service_geographic_coordinates is_preauthorization force_post
"""
NOT_TAKEN = set(_NOT_TAKEN.split())
"""Described fields that the face refuses, on purpose: of businesses, groups, bulk orders and fees; of what is printed, shipped
or decides nothing here; details of a simulated message."""

UNHEEDED = "config.transaction_controls."
"""An object of whose settings the face takes only those that decide something."""

FILLED_IN = {"config.fulfillment.card_personalization"}
"""Required by the description, not by the face."""

UNWORDED = {"currency_code"}
"""A closed list of words in one description, any text in the other; the programme has one currency anyway."""

REQUIRED_HERE_ONLY = {"user_token", "amount", "preceding_related_transaction_token"}
"""A user where the other choice is a business; the amount of an authorization."""

BEYOND = {
    # of Simulations 2.0 the schemas lack what the examples (and the fact that a clearing clears something) have
    "preceding_related_transaction_token",
    "card_token",
    "amount",
    "country_code",
    # lists of cards could expand users in older descriptions
    "expand",
}
"""Taken by the face though not described at that place."""


@functools.cache
def corrected() -> dict[str, Any]:
    """The Core description where the fact sheet, or the description's own examples, contradict its schemas; these win."""
    spec = copy.deepcopy(load(CORE))
    schemas = spec["components"]["schemas"]
    # An update and a list show users as they are shown one by one: the examples have status and times, the schema has not.
    schemas["UserCardHolderListResponse"]["properties"]["data"]["items"] = {
        "$ref": "#/components/schemas/user_card_holder_response"
    }
    updated = spec["paths"]["/users/{token}"]["put"]["responses"]["200"]["content"]["application/json"]
    updated["schema"] = {"$ref": "#/components/schemas/user_card_holder_response"}
    # A balance under its currency holds no balances of its own: the schema is bottomless, the examples are not.
    inner = copy.deepcopy(schemas["cardholder_balance"])
    del inner["properties"]["balances"]
    inner["required"].remove("balances")
    schemas["balance_of_a_currency"] = inner
    schemas["cardholder_balance"]["properties"]["balances"]["additionalProperties"] = {
        "$ref": "#/components/schemas/balance_of_a_currency"
    }
    # A transaction's card is its metadata, as its user is: a whole card is in no example.
    schemas["transaction_model"]["properties"]["card"] = {"$ref": "#/components/schemas/card_metadata"}
    # LIMITED may be asked for, so it can be answered.
    schemas["card_transition_response"]["properties"]["state"]["enum"].append("LIMITED")
    # The fields of a raw message are text in every payload seen; the description says objects.
    schemas["simulation_response_model"]["properties"]["raw_iso8583"]["additionalProperties"] = {"type": "string"}
    return spec


def described(path: str) -> tuple[dict[str, Any], str]:
    """The description that a path (with or without /v3) belongs to, and the path in it."""
    below = path.removeprefix("/v3")
    return (load(SIMULATED) if below.startswith("/simulations") else corrected()), below


def resolved(spec: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """A schema with its references and its allOf followed, one level deep."""
    if "$ref" in schema:
        return resolved(spec, spec["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    merged = {**schema, "properties": dict(schema.get("properties", {}))}
    for part in schema.get("allOf", ()):
        whole = resolved(spec, part)
        merged = {**whole, **merged, "properties": {**whole["properties"], **merged["properties"]}}
    return merged


def strays(spec: dict[str, Any], kind: Kind, schema: dict[str, Any], name: str) -> list[str]:
    """Where a table of the face says something that the description does not."""
    schema = resolved(spec, schema)
    if isinstance(kind, Group):
        return stray_fields(spec, kind, schema, f"{name}." if name else "")
    if isinstance(kind, Each):
        return (
            strays(spec, kind.item, schema["items"], f"{name}[]") if schema.get("type") == "array" else [f"{name} is no list"]
        )
    return [] if same(kind, schema, name) else [f"{name} is no {kind}"]


def same(kind: Kind, schema: dict[str, Any], name: str) -> bool:
    words = set(schema.get("enum", ()))
    match kind:
        case Text():
            bounds = schema.get("maxLength", kind.most), schema.get("minLength", kind.least)
            return schema["type"] == "string" and (not words or name in UNWORDED) and bounds == (kind.most, kind.least)
        case OneOf():
            beyond = {"QUARTER", "YEAR"} if name == "velocity_window" else set()
            return kind.words == words - beyond
        case Flag():
            return bool(schema["type"] == "boolean")
        case Whole():
            return bool(schema["type"] == "integer")
        case Amount():
            return bool(schema["type"] == "number")
    return isinstance(kind, Metadata) and schema.get("additionalProperties") == {"type": "string"}


def stray_fields(spec: dict[str, Any], group: Group, schema: dict[str, Any], prefix: str) -> list[str]:
    properties, required = schema["properties"], set(schema.get("required", ()))
    found = [f"{prefix}{name} is not described" for name in group.known if name not in properties and name not in BEYOND]
    untaken = [name for name in properties if name not in group.known and name not in NOT_TAKEN and prefix != UNHEEDED]
    found += [f"{prefix}{name} is not taken" for name in untaken]
    found += [f"{prefix}{name} is required" for name in required - set(group.required) if f"{prefix}{name}" not in FILLED_IN]
    found += [f"{prefix}{name} is not required" for name in set(group.required) - required - REQUIRED_HERE_ONLY]
    for name, kind in group.known.items():
        if name in properties and name not in ("last_four",):
            found += strays(spec, kind, properties[name], f"{prefix}{name}")
    return found


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: f"{endpoint.method} {endpoint.path}")
def test_every_parameter_is_the_description_s(endpoint: Endpoint) -> None:
    spec, path = described(endpoint.path)
    known = operation(spec, endpoint.method, path)
    queries = [one for one in known.get("parameters", []) if one["in"] == "query"]
    query = {
        "properties": {one["name"]: {name: rule for name, rule in one["schema"].items() if name != "enum"} for one in queries},
        "required": [one["name"] for one in queries if one.get("required")],
    }
    assert strays(spec, endpoint.query, query, "") == []
    content = known.get("requestBody", {}).get("content", {}).get("application/json")
    assert (content is None) == (endpoint.body is None)
    if endpoint.body is not None:
        assert strays(spec, endpoint.body, content["schema"], "") == []


def test_a_wrong_table_is_found() -> None:
    spec = corrected()
    schema = {"$ref": "#/components/schemas/gpa_request"}
    taken = next(one.body for one in ENDPOINTS if (one.method, one.path) == ("POST", "/gpaorders"))
    assert taken is not None
    for name, wrong in (("colour", Text()), ("amount", Text()), ("memo", Text(100)), ("tags", Flag())):
        assert strays(spec, Group({**taken.known, name: wrong}, required=taken.required), schema, "") != []
    missing = [f"{name} is required" for name in ("amount", "currency_code", "funding_source_token")]
    assert sorted(strays(spec, Group(taken.known), schema, "")) == missing


class Witness(Stranger):
    """A stranger whose every reply is held against the description."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.visited: set[tuple[str, str]] = set()
        self.http.event_hooks = {"response": [self.check]}

    def check(self, reply: httpx.Response) -> None:
        method, path = reply.request.method, reply.request.url.path
        body = reply.read()
        if reply.status_code >= 400:
            self.check_error(method, path, reply.status_code, body)
            return
        spec, below = described(path)
        check_response(spec, method, below, reply.status_code, body)
        for endpoint in ENDPOINTS:
            near = endpoint.method == method and below.split("/")[1] == endpoint.path.split("/")[1]
            if near and operation(spec, method, below) is operation(spec, method, endpoint.path):
                self.visited.add((method, endpoint.path))

    def check_error(self, method: str, path: str, status: int, body: bytes) -> None:
        """Errors have no schema in the Core description; Simulations 2.0 has theirs."""
        assert status in HTTP, (method, path, status)
        error = json.loads(body)
        assert error.keys() == {"error_code", "error_message"}
        assert all(isinstance(text, str) for text in error.values())
        assert error["error_code"].startswith(str(status))
        if path.removeprefix("/v3").startswith("/simulations") and status == 404:
            check_response(load(SIMULATED), method, path.removeprefix("/v3"), status, body)


def story(one: Witness, far_side: FarSide) -> None:
    """Every endpoint, every status, every kind of decline, and things that are not there."""
    person = {"email": "ada@example.com", "address1": "1 Main St", "city": "Oakland", "state": "CA", "postal_code": "94612"}
    person |= {"country": "USA", "birth_date": "1990-01-01", "phone": "+15105551212", "gender": "F", "password": "S3cret!x"}
    papers = [{"type": "SSN", "value": "123456789"}]
    user = one.user(**person, ssn="123456789", identifications=papers, metadata={"a": "b"})
    child = one.user(parent_token=user, uses_parent_account=True)
    people(one, far_side, user, child)
    card = cards(one, user)
    money(one, user, card)
    limits(one, user, card)
    messages(one, card)
    lists(one, user, child, card)
    wallets(one, card)
    refusals(one, far_side)


def people(one: Witness, far_side: FarSide, user: str, child: str) -> None:
    one.changed(f"/users/{user}", {"first_name": "Augusta", "metadata": {"c": "d"}})
    assert one.post("/users/lookup", {"email": "ada@example.com"}).json()["data"]
    assert one.listed(f"/users/{user}/children")[0]["token"] == child
    assert one.listed("/users/phonenumber/+15105551212")
    wish = {"user_token": child, "status": "SUSPENDED", "reason_code": "02", "channel": "API", "reason": "asleep"}
    moved = one.done("/usertransitions", wish)
    one.seen(f"/usertransitions/{moved['token']}")
    assert len(one.listed(f"/usertransitions/user/{child}")) == 2
    for word in ("pending", "rejected", "verified"):
        with far_side.transaction("marqeta") as desk:
            assert counter.set_kyc(desk, user, word)
        one.seen(f"/users/{user}")
        checked = one.done("/kyc", {"user_token": user, "notes": word, "reference_id": "r"})
        one.seen(f"/kyc/{checked['token']}")
    assert one.listed(f"/kyc/user/{user}", count=100)


def cards(one: Witness, user: str) -> str:
    product = one.product(active=False, transaction_controls={"accepted_countries_token": "everywhere"})
    one.seen(f"/cardproducts/{product}")
    assert one.listed("/cardproducts")
    names = {"card_personalization": {"text": {"name_line_1": {"value": "ADA"}}}, "card_fulfillment_reason": "NEW"}
    wish = {"user_token": user, "card_product_token": product, "fulfillment": names, "metadata": {"x": "y"}}
    first = one.done("/cards", wish, show_pan=True, show_cvv_number=True)["token"]
    one.done("/cards", {**wish, "expiration_offset": {"unit": "DAYS", "value": 3}})
    for state in ("ACTIVE", "SUSPENDED", "LIMITED", "ACTIVE", "TERMINATED"):
        moved = one.move(first, state, reason="so", reason_code="01")
        one.seen(f"/cardtransitions/{moved['token']}")
        one.authorise(first, 1)
    second = str(one.done("/cards", {**wish, "new_pan_from_card_token": first})["token"])
    third = one.done("/cards", {**wish, "reissue_pan_from_card_token": second, "activation_actions": {}})["token"]
    one.move(second, "ACTIVE")
    one.changed(f"/cards/{third}", {"token": third, "metadata": {"e": "f"}, "expedite": True})
    one.seen(f"/cards/{third}", expand="user")
    shown = one.seen(f"/cards/{third}/showpan", show_cvv_number=True)
    assert one.listed("/cards", last_four=shown["last_four"], expand="user")
    assert one.listed(f"/cards/user/{user}", count=2)
    assert one.listed(f"/cardtransitions/card/{first}", count=100)
    return second


def money(one: Witness, user: str, card: str) -> None:
    made = one.done("/fundingsources/program", {"name": "ops"})
    for source in (made["token"], SANDBOX):
        assert one.get(f"/fundingsources/program/{source}").status_code == 201
    order = one.load(user, 100, memo="m", tags="t", funding_source_token=made["token"])
    one.load(user, 50)
    one.seen(f"/gpaorders/{order['token']}")
    back = one.done("/gpaorders/unloads", {"original_order_token": order["token"], "amount": 5, "memo": "m", "tags": "t"})
    one.seen(f"/gpaorders/unloads/{back['token']}")
    assert one.listed("/gpaorders/unloads", original_order_token=order["token"])
    one.seen(f"/balances/{user}")
    one.authorise(card, 1)
    one.seen(f"/balances/{user}")


def limits(one: Witness, user: str, card: str) -> None:
    for window in ("DAY", "WEEK", "MONTH", "LIFETIME"):
        made = one.limit({"user_token": user}, window, 60, usage_limit=3, name=window)
    one.limit({"user_token": user}, "TRANSACTION", 60, merchant_scope={"mcc": "6411"})
    product = one.seen(f"/cards/{card}")["card_product_token"]
    one.limit({"card_product_token": product}, "DAY", 60)
    assert len(one.listed(f"/velocitycontrols/user/{user}/available")) == 4
    assert one.listed("/velocitycontrols", user=user)
    assert one.listed("/velocitycontrols", card_product="null")
    assert one.authorise(card, 61)["response"]["additional_information"]
    one.seen(f"/velocitycontrols/{made['token']}")
    for control in one.listed("/velocitycontrols", count=100):
        one.changed(f"/velocitycontrols/{control['token']}", {"token": control["token"], "amount_limit": 1000.25})
        assert one.http.delete(f"/velocitycontrols/{control['token']}").json()["active"] is False


def messages(one: Witness, card: str) -> None:
    merchant = {"name": "Shop", "mcc": "5812", "city": "Oakland", "zip": "94612", "country": "USA", "state": "CA"}
    bought = one.authorise(card, 20, card_acceptor=merchant, is_pre_auth=True)["token"]
    one.clear(bought, 5.5)
    one.reverse(bought, 4)
    one.reverse(bought, 10.5)
    one.clear(bought, 2, is_refund=True)
    assert one.authorise(card, 100000)["state"] == "DECLINED"
    one.seen(f"/transactions/{bought}")
    assert len(one.listed(f"/transactions/{bought}/related")) == 4
    new = {"mid": "11111", "mcc": "5812", "name": "Shop", "country_code": "USA"}
    for base in ("", "/v3"):
        url = f"https://sandbox-api.marqeta.com{base}{SIMULATIONS}"
        wish = {"card_token": card, "amount": 10, "card_acceptor": new, "network": "MASTERCARD"}
        held = one.done(f"{url}/authorization", wish)["transaction"]["token"]
        one.done(f"{url}/authorization.clearing", {"preceding_related_transaction_token": held, "amount": 4})
        one.done(f"{url}/authorization.reversal", {"preceding_related_transaction_token": held})
        one.done(f"{url}/refund", wish)
        one.refused(f"{url}/authorization", {**wish, "card_token": "none"}, 404)
        one.refused(f"{url}/authorization.reversal", {"preceding_related_transaction_token": "none"}, 404)


def lists(one: Witness, user: str, child: str, card: str) -> None:
    states = "PENDING,CLEARED,COMPLETION,DECLINED,ERROR"
    assert len(one.listed("/transactions", state=states, count=100)) > 20
    assert one.listed("/transactions", user_token=user, card_token=card, type="authorization,refund", sort_by="created_time")
    assert one.listed("/transactions", acting_user_token=child) == []
    assert one.listed(f"/cards/{card}/transactions")
    assert one.listed("/users", count=1, sort_by="createdTime")


def wallets(one: Witness, card: str) -> None:
    phone = {"card_token": card, "device_type": "MOBILE_PHONE", "provisioning_app_version": "1"}
    one.done(
        "/digitalwalletprovisionrequests/applepay",
        {**phone, "certificates": ["bGVhZg==", "Y2E="], "nonce": "n", "nonce_signature": "s"},
    )
    one.done("/digitalwalletprovisionrequests/androidpay", {**phone, "device_id": "d", "wallet_account_id": "w"})
    one.seen("/ping")
    assert one.post("/ping", {"token": "t", "payload": "p"}).json()["payload"] == "p"


def refusals(one: Witness, far_side: FarSide) -> None:
    one.refused("/users", {"colour": "red"})
    one.refused("/cards", {})
    one.refused("/usertransitions", {"user_token": "none", "status": "ACTIVE", "channel": "API", "reason_code": "00"})
    for path in ("/users/none", "/cards/none", "/balances/none", "/gpaorders/none", "/transactions/none", "/nowhere"):
        assert one.get(path).status_code == 404
    assert one.get("/users", count=101).status_code == 413
    assert one.http.delete("/users").status_code == 405
    assert one.http.post("/users", content=b"").status_code == 500
    assert one.http.get("/users", auth=("", "")).status_code == 401


def test_every_reply_conforms(tmp_path: Path) -> None:
    path = tmp_path / "simulator.db"
    far_side = FarSide(path)
    with Witness(path) as one:
        story(one, far_side)
        elsewhere = (*webhooks.ENDPOINTS, *disputes.ENDPOINTS)  # test_marqeta_events_face.py
        assert one.visited == {(endpoint.method, endpoint.path) for endpoint in ENDPOINTS if endpoint not in elsewhere}
    far_side.close()


def test_the_checker_finds_bad_replies(tmp_path: Path) -> None:
    with Stranger(tmp_path / "simulator.db") as one:
        card = one.get(f"/cards/{one.card(one.user())}").json()
    check_response(corrected(), "GET", "/cards/x", 200, card)
    for wrong in ({"state": "FROZEN"}, {"pin_is_set": "no"}, {"colour": "red"}, {"expiration_time": 5}):
        with pytest.raises(Nonconforming):
            check_response(corrected(), "GET", "/cards/x", 200, card | wrong)
    del card["barcode"]
    with pytest.raises(Nonconforming):
        check_response(corrected(), "GET", "/cards/x", 200, card)
