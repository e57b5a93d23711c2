"""/v2/locations: a seller's main location, and every other by its `L…` name; none is made or changed here."""

from __future__ import annotations

from cardctl.simulator.faces.square.calls import Call, Endpoint
from cardctl.simulator.rows import Record
from cardctl.simulator.square.sellers import check_location, locations, main_location

_PATH = "/v2/locations"


def _list(call: Call) -> Record:
    return {"locations": [_shown(call, ref) for ref in locations(call.desk, call.merchant)]}


def _retrieve(call: Call) -> Record:
    """CONFIRMED for older versions: `main` is the main one's other name."""
    if call.ref == "main":
        return {"location": _shown(call, main_location(call.merchant))}
    check_location(call.ref)
    return {"location": _shown(call, call.ref)}


def _shown(call: Call, ref: str) -> Record:
    """Of the United States and its dollar, whatever was paid here."""
    name = "Default Test Account" if ref == main_location(call.merchant) else f"Simulated location {ref}"
    return {
        "id": ref,
        "name": name,
        "address": {"address_line_1": "1600 Pennsylvania Ave NW", "locality": "Washington", "country": "US"},
        "timezone": "America/New_York",
        "capabilities": ["CREDIT_CARD_PROCESSING", "AUTOMATIC_TRANSFERS"],
        "status": "ACTIVE",
        "created_at": "2020-01-01T00:00:00Z",
        "merchant_id": call.merchant,
        "country": "US",
        "language_code": "en-US",
        "currency": "USD",
        "business_name": "Default Test Account",
        "type": "PHYSICAL",
        "mcc": "7299",
    }


ENDPOINTS = (Endpoint("GET", _PATH, _list), Endpoint("GET", f"{_PATH}/{{location_id}}", _retrieve))
