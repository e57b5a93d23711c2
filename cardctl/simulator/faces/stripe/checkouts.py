"""/v1/checkout/sessions in mode `payment`; paying one is done behind the counter."""

from __future__ import annotations

from cardctl.simulator.faces.stripe import checkout_objects, sale_tables, tables
from cardctl.simulator.faces.stripe.calls import Call, Endpoint, filters, listed, retrieve, shown, with_metadata
from cardctl.simulator.faces.stripe.errors import Problem
from cardctl.simulator.rows import Record, find
from cardctl.simulator.sales import checkouts
from cardctl.simulator.sales.tables import CHECKOUTS

_PATH = "/v1/checkout/sessions"


def _create(call: Call) -> Record:
    wish = with_metadata(call.wish, {})
    if wish.pop("mode", None) != "payment":
        raise Problem(400, "This simulator makes Checkout Sessions in `payment` mode alone.").about("mode")
    for name in ("success_url", "line_items"):
        if not wish.get(name):
            raise Problem(400, f"Missing required param: {name}.", code="parameter_missing").about(name)
    data = wish.get("payment_intent_data", {})
    wish["payment_intent_data"] = {**data, "metadata": data.get("metadata") or {}}
    items = [_item(place, item) for place, item in enumerate(wish.pop("line_items"))]
    return shown(call, CHECKOUTS, checkouts.open_session(call.desk, wish, items))


def _expire(call: Call) -> Record:
    return shown(call, CHECKOUTS, checkouts.expire(call.desk, call.ref))


def _list(call: Call) -> Record:
    """UNCONFIRMED: that `customer_details[email]` finds what was asked for with that address and is not paid yet."""
    chosen = filters(call)
    details = chosen.pop("customer_details", None)
    return listed(call, CHECKOUTS, chosen if details is None else {**chosen, "email": details["email"]})


def _line_items(call: Call) -> Record:
    """All of them on one page: a page has a hundred, and a session as many."""
    return checkout_objects.line_items(find(call.desk, CHECKOUTS, call.ref))


def _item(place: int, item: Record) -> Record:
    """A line item as the books keep it; what it says under `price` would be an object of Stripe's that does not exist here."""
    price = item.get("price_data")
    name = f"line_items[{place}]"
    if price is None:
        raise Problem(400, f"Missing required param: {name}[price_data].", code="parameter_missing").about(name)
    for needed in ("product_data", "unit_amount"):
        if needed not in price:
            full = f"{name}[price_data][{needed}]"
            raise Problem(400, f"Missing required param: {full}.", code="parameter_missing").about(full)
    product = price["product_data"]
    kept = {"name": product["name"], "description": product.get("description"), "currency": price["currency"]}
    return {
        **kept,
        "unit_amount": price["unit_amount"],
        "quantity": item.get("quantity", 1),
        "metadata": product.get("metadata"),
    }


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint("POST", _PATH, sale_tables.CHECKOUT_CREATE, _create),
    Endpoint("GET", _PATH, sale_tables.CHECKOUT_LIST, _list),
    Endpoint("GET", f"{_PATH}/{{session}}", tables.ONLY_EXPAND, retrieve(CHECKOUTS)),
    Endpoint("POST", f"{_PATH}/{{session}}/expire", tables.ONLY_EXPAND, _expire),
    Endpoint("GET", f"{_PATH}/{{session}}/line_items", sale_tables.LINE_ITEMS, _line_items),
)
