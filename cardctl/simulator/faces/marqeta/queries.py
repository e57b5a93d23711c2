"""The parameters of every query, by hand; a test holds them against the official description."""

from __future__ import annotations

from cardctl.simulator.faces.marqeta.parameters import Flag, Group, Kind, Text, Whole

TEXT, FLAG = Text(), Flag()

FIELDS = Group({"fields": TEXT})
SHOWN = Group({"fields": TEXT, "expand": TEXT})
LIST = Group({"count": Whole(), "start_index": Whole(), "fields": TEXT, "sort_by": TEXT})
PRODUCT_LIST = Group({"count": Whole(), "start_index": Whole(), "sort_by": TEXT})
CARD_LIST = Group({**LIST.known, "expand": TEXT})
LAST_FOUR = Group({**CARD_LIST.known, "last_four": Text(4, least=4)}, required=("last_four",))
WEBHOOK_LIST = Group({**LIST.known, "active": FLAG})
USER_LIST = Group({**LIST.known, "search_type": TEXT})
CONTROL_LIST = Group({**LIST.known, "user": TEXT, "card_product": TEXT})
UNLOAD_LIST = Group({**LIST.known, "user_token": TEXT, "business_token": TEXT, "original_order_token": TEXT})
CARD_SHOWING = Group({"show_pan": FLAG, "show_cvv_number": FLAG})
PAN_SHOWING = Group({"fields": TEXT, "show_cvv_number": FLAG})
_SPAN: dict[str, Kind] = {"start_date": TEXT, "end_date": TEXT}
RELATED = Group({**LIST.known, **_SPAN, "type": TEXT, "state": TEXT, "version": TEXT})
TRANSACTION_LIST = Group(
    {
        **RELATED.known,
        **dict.fromkeys(("user_token", "business_token", "acting_user_token", "card_token", "account_token"), TEXT),
        "start_identifier": Whole(),
    }
)
CARD_TRANSACTIONS = Group(
    {"count": Whole(), "start_index": Whole(), **_SPAN, "user_token": TEXT, "is_recurring": FLAG},
)
TRANSACTION = Group({"fields": TEXT, "version": TEXT})
