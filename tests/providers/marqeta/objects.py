"""Marqeta's objects as its description has them, composed for cardctl; each test names what it changes."""

from __future__ import annotations

from typing import Any

CREATED = "2026-01-15T10:00:00Z"
NUMBER = "4111111111111111"
MASKED = "411111______1111"


def user(**fields: Any) -> dict[str, Any]:
    return {
        "token": "user_1",
        "status": "ACTIVE",
        "active": True,
        "first_name": "Ada",
        "last_name": "Lovelace",
        "email": "ada@example.test",
        "uses_parent_account": False,
        "corporate_card_holder": False,
        "account_holder_group_token": "DEFAULT_AHG",
        "metadata": {},
        "created_time": "2026-01-15T09:00:00Z",
        "last_modified_time": "2026-01-15T09:00:00Z",
        **fields,
    }


def card(**fields: Any) -> dict[str, Any]:
    return {
        "token": "card_1",
        "user_token": "user_1",
        "card_product_token": "cp_1",
        "last_four": "1111",
        "pan": MASKED,
        "expiration": "0130",
        "expiration_time": "2030-01-31T23:59:59Z",
        "barcode": "12345678901234567890",
        "pin_is_set": False,
        "state": "ACTIVE",
        "state_reason": "Card activated",
        "fulfillment_status": "ISSUED",
        "instrument_type": "VIRTUAL_PAN",
        "expedite": False,
        "metadata": {},
        "created_time": CREATED,
        "last_modified_time": CREATED,
        **fields,
    }


def card_transition(**fields: Any) -> dict[str, Any]:
    return {
        "token": "op_1",
        "card_token": "card_1",
        "user_token": "user_1",
        "card_product_token": "cp_1",
        "state": "SUSPENDED",
        "type": "state.suspended",
        "channel": "API",
        "reason_code": "01",
        "fulfillment_status": "ISSUED",
        "last_four": "1111",
        "pan": MASKED,
        "expiration": "0130",
        "expiration_time": "2030-01-31T23:59:59Z",
        "barcode": "12345678901234567890",
        "pin_is_set": False,
        "created_time": CREATED,
        **fields,
    }


def user_transition(**fields: Any) -> dict[str, Any]:
    return {
        "token": "op_1",
        "user_token": "user_1",
        "status": "SUSPENDED",
        "reason_code": "01",
        "channel": "API",
        "created_time": CREATED,
        "last_modified_time": CREATED,
        **fields,
    }


def purse(available: float, currency: str = "USD", **fields: Any) -> dict[str, Any]:
    return {
        "currency_code": currency,
        "ledger_balance": available,
        "available_balance": available,
        "credit_balance": 0,
        "pending_credits": 0,
        "impacted_amount": 0,
        "last_updated_time": CREATED,
        "balances": {},
        **fields,
    }


def balance(*purses: dict[str, Any]) -> dict[str, Any]:
    held = purses or (purse(75),)
    gpa = {**held[0], "balances": {one["currency_code"]: one for one in held}}
    return {"gpa": gpa, "links": [{"rel": "gpa", "method": "GET", "href": "/v3/balances/user_1/gpa"}]}


def control(window: str, amount: Any, **fields: Any) -> dict[str, Any]:
    return {
        "token": f"vc_{window}",
        "active": True,
        "amount_limit": amount,
        "usage_limit": -1,
        "currency_code": "USD",
        "velocity_window": window,
        "association": {"user_token": "user_1"},
        "merchant_scope": {},
        "approvals_only": True,
        "include_purchases": True,
        "include_withdrawals": True,
        "include_cashback": True,
        "include_transfers": True,
        "include_credits": False,
        **fields,
    }


def source() -> dict[str, Any]:
    return {
        "amount": 25,
        "source": {
            "type": "program",
            "token": "**********e_01",
            "active": True,
            "is_default_account": False,
            "created_time": CREATED,
            "last_modified_time": CREATED,
        },
    }


def order(**fields: Any) -> dict[str, Any]:
    return {
        "token": "op_1",
        "amount": 25,
        "currency_code": "USD",
        "user_token": "user_1",
        "state": "COMPLETION",
        "response": {"code": "0000", "memo": "Approved or completed successfully"},
        "funding_source_token": "**********e_01",
        "transaction_token": "8f2f",
        "funding": source(),
        "created_time": CREATED,
        "last_modified_time": CREATED,
        **fields,
    }


def unload(**fields: Any) -> dict[str, Any]:
    plain = {name: value for name, value in order().items() if name not in ("currency_code", "user_token")}
    return {**plain, "original_order_token": "op_0", **fields}


def product(**fields: Any) -> dict[str, Any]:
    return {
        "token": "cp_1",
        "name": "Virtual",
        "active": True,
        "start_date": "2026-01-01",
        "config": {"fulfillment": {"payment_instrument": "VIRTUAL_PAN", "allow_card_creation": True}},
        "created_time": CREATED,
        "last_modified_time": CREATED,
        **fields,
    }


def transaction(kind: str = "authorization", state: str = "PENDING", amount: Any = 25, **fields: Any) -> dict[str, Any]:
    return {
        "token": "t_1",
        "type": kind,
        "state": state,
        "identifier": "4101",
        "user_token": "user_1",
        "acting_user_token": "user_1",
        "card_token": "card_1",
        "amount": amount,
        "request_amount": amount,
        "currency_code": "USD",
        "approval_code": "534165",
        "network": "VISA",
        "response": {"code": "0000", "memo": "Approved or completed successfully"},
        "card_acceptor": {"mid": "123", "mcc": "5734", "name": "EXAMPLE SAAS", "city": "Oakland", "country_code": "USA"},
        "created_time": "2026-01-15T11:00:00Z",
        "user_transaction_time": "2026-01-15T11:00:00Z",
        **fields,
    }


def listed(*items: dict[str, Any], start: int = 0, more: bool = False) -> dict[str, Any]:
    """A page; an empty one has no counters."""
    if not items:
        return {"is_more": False, "data": []}
    return {
        "count": len(items),
        "start_index": start,
        "end_index": start + len(items) - 1,
        "is_more": more,
        "data": list(items),
    }
