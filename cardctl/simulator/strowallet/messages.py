"""What this bank says that changes no balance: one-time codes, and the events of Naira cards; how it reaches anybody is not
known here.

Naira cards are a product that this bank does not keep: their events are made up on request, so that a receiver can be tried.
"""

from __future__ import annotations

import secrets

from cardctl.errors import BadInput
from cardctl.simulator.desk import Desk
from cardctl.simulator.rows import Record, insert
from cardctl.simulator.strowallet.tables import MESSAGES
from cardctl.simulator.strowallet.words import SUCCESS, VIRTUAL

OTP = "otp.code"
NAIRA = ("authorization.request", "transaction.created", "transaction.refund", "card.balance")
"""Events of Naira cards (CONFIRMED by two handlers): each is a key at the top whose value is the reference."""

_CURRENCY = "NGN"


def one_time_code(desk: Desk, card: Record) -> Record:
    """A code for a purchase with `card`, valid for about ten minutes; the row."""
    reference = secrets.token_hex(10)
    body = {
        "event": OTP,
        "cardId": card["ref"],
        "authorizationCode": f"{secrets.randbelow(10**6):06d}",
        "last4": card["last4"],
        "cardBrand": card["card_brand"].title(),
        "reference": reference,
    }
    return _said(desk, OTP, card["ref"], reference, body, card["world"])


def naira(desk: Desk, event: str, card_ref: str, amount: str, fee: str, merchant: str) -> Record:
    """An event of a Naira card; amounts are major units as text. BadInput for a word that is none of `NAIRA`.

    CONFIRMED: the names of the fields. UNCONFIRMED: which event has which; card.balance is shown with the card alone.
    """
    if event not in NAIRA:
        raise BadInput(f"no Naira card tells {event!r}", hint=f"there are {', '.join(NAIRA)}")
    reference = secrets.token_hex(10)
    body: Record = {event: reference, "card_Id": card_ref, "currency": _CURRENCY}
    if event != "card.balance":
        body |= {
            "merchantAmount": amount,
            "amount": amount,
            "fee": fee,
            "merchant": {"name": merchant},
            "status": SUCCESS,
            "narrative": merchant,
        }
    return _said(desk, event, card_ref, reference, body, VIRTUAL)


def _said(desk: Desk, event: str, card_ref: str, reference: str, body: Record, world: str) -> Record:
    row = {"ref": f"evt-{reference}", "world": world, "cardId": card_ref, "event": event, "body": body}
    return insert(desk, MESSAGES, row)
