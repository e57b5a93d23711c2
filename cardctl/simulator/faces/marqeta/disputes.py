"""/chargebacks, /digitalwallettokens and the transitions of both, as far as they are read: staff alone make them here."""

from __future__ import annotations

from collections.abc import Callable

from cardctl.simulator.faces.marqeta import objects, queries
from cardctl.simulator.faces.marqeta.calls import Call, Endpoint, Show, listed, retrieve
from cardctl.simulator.marqeta.lists import get
from cardctl.simulator.rows import Record

_CHARGEBACKS, _STEPS = "marqeta_chargebacks", "marqeta_chargeback_transitions"
_TOKENS, _MOVES = "marqeta_wallet_tokens", "marqeta_wallet_token_transitions"


def _of(owners: str, table: str, column: str, show: Show, sort: str) -> Callable[[Call], Record]:
    def answer(call: Call) -> Record:
        get(call.desk, owners, call.ref)
        return listed(call, table, show, [(f"{column} = ?", (call.ref,))], sort)

    return answer


ENDPOINTS = (
    Endpoint("GET", "/chargebacks/{token}", retrieve(_CHARGEBACKS, objects.chargebacks)),
    Endpoint("GET", "/chargebacks/transitions/{token}", retrieve(_STEPS, objects.chargeback_transitions)),
    Endpoint(
        "GET",
        "/chargebacks/{chargeback_token}/transitions",
        _of(_CHARGEBACKS, _STEPS, "chargeback_token", objects.chargeback_transitions, "-lastModifiedTime"),
        queries.PRODUCT_LIST,
    ),
    Endpoint("GET", "/digitalwallettokens/{token}", retrieve(_TOKENS, objects.wallet_tokens)),
    Endpoint(
        "GET",
        "/digitalwallettokens/card/{card_token}",
        _of("marqeta_cards", _TOKENS, "card_token", objects.wallet_tokens, "-id"),
        queries.PRODUCT_LIST,
    ),
    Endpoint(
        "GET",
        "/digitalwallettokentransitions/{token}",
        retrieve(_MOVES, objects.wallet_token_transitions),
        queries.FIELDS,
    ),
    Endpoint(
        "GET",
        "/digitalwallettokentransitions/digitalwallettoken/{token}",
        _of(_TOKENS, _MOVES, "wallet_token", objects.wallet_token_transitions, "-id"),
        queries.LIST,
    ),
)
