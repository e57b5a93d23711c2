"""Zendit's JSON ⇄ our words: status tables and pure functions; nothing is asked for or sent here.

Each function raises one of STRANGE where an object is not what the SDK (1.9.0) says.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

from cardctl.domain.esims import LedgerEntry, Offer, Plan, PurchaseState, RemotePurchase
from cardctl.domain.money import Money, zero
from cardctl.domain.redaction import redact_json
from cardctl.domain.states import CardState
from cardctl.errors import BadInput
from cardctl.providers.zendit.judging import error_of
from cardctl.providers.zendit.wire import (
    ZenditConfirmation,
    ZenditCost,
    ZenditOffer,
    ZenditPlan,
    ZenditPurchase,
    ZenditTransaction,
)

STRANGE = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError, BadInput)
"""What the translation of an object raises that is not what it should be."""
STATES = {
    "ACCEPTED": PurchaseState.ACCEPTED,
    "PENDING": PurchaseState.PENDING,
    "AUTHORIZED": PurchaseState.AUTHORIZED,
    "IN_PROGRESS": PurchaseState.IN_PROGRESS,
    "DONE": PurchaseState.DONE,
    "FAILED": PurchaseState.FAILED,
    "FAIL": PurchaseState.FAILED,  # the SDK's guide writes so, its enumeration FAILED
}
ESIM = "ESIM"
CREDIT, DEBIT = "CREDIT", "DEBIT"
_RECHARGE = "RECHARGE"
"""WALLET_RECHARGE; RECHARGE_SANDBOX and RECHARGE_WITH_CREDIT_CARD in older documentation."""
_DIVISOR = 100
_ACTIVATION = "LPA:"


def card_state_of(_word: str) -> CardState:
    """Zendit issues no cards, so none of its words is a state of one."""
    return CardState.UNKNOWN


def normal(word: str) -> str:
    """A status as the SDK's enumeration writes it: prose has other letters, and spaces."""
    return word.strip().upper().replace(" ", "_").replace("-", "_")


def state_of(word: str) -> PurchaseState:
    return STATES.get(normal(word), PurchaseState.UNKNOWN)


def money_from_wire(amount: Any, currency: Any, divisor: Any, *, ours: bool = False) -> Money:
    """An integer that is `divisor` times the amount in major units; without a divisor it is 100 (older documentation).

    A fraction of a minor unit, which the wallet does not hold, is one more that we pay (UNCONFIRMED how Zendit rounds), and
    none where the money is `ours`; which alone may be less than nothing.
    """
    whole, scale = _whole(amount), _DIVISOR if divisor is None else _whole(divisor)
    if scale < 1 or (whole < 0 and not ours) or not isinstance(currency, str):
        raise ValueError("an amount is a number of minor units, of a currency, with its divisor")
    unit = Decimal(zero(currency).amount)
    value = (Decimal(whole) / Decimal(scale)).quantize(unit, ROUND_FLOOR if ours else ROUND_CEILING)
    return Money.of_decimal(value, currency)


def cost_from_wire(cost: ZenditCost) -> Money:
    """All that an offer may cost: whether `fixed` has the fee in it is told in two ways, and the unit of `feePct` not at all
    (UNCONFIRMED: a fraction below 1, else percent); here it is the dearer reading."""
    fixed = _whole(cost["fixed"] if cost.get("fixed") is not None else cost["max"])
    share = _number(cost.get("feePct")) or Decimal(0)
    rate = share if share < 1 else share / 100
    part = int((fixed * rate).to_integral_value(ROUND_CEILING))
    fees = (_whole(cost.get("fee") or 0), part)
    if any(each < 0 for each in fees):
        raise ValueError("a fee is not negative")
    return money_from_wire(fixed + sum(fees), cost.get("currency"), cost.get("currencyDivisor"))


def offer_from_wire(offer: ZenditOffer) -> Offer:
    """Whoever has no `enabled` can be bought: buying tells."""
    return Offer(
        id=_name(offer["offerId"]),
        brand=offer.get("brandName") or offer.get("brand") or "",
        enabled=offer.get("enabled", True) is True,
        cost=cost_from_wire(offer["cost"]),
        raw=_kept(offer),
        price=_price(offer.get("price")),
        country=offer.get("country") or None,
        regions=tuple(offer.get("regions") or ()),
        roaming=tuple(each["country"] for each in offer.get("roaming") or () if each.get("country")),
        days=_whole(offer["durationDays"]) if offer.get("durationDays") else None,
        data_gb=_number(offer.get("dataGB")),
        data_unlimited=offer.get("dataUnlimited") is True,
        speeds=tuple(offer.get("dataSpeeds") or ()),
        notes=offer.get("shortNotes") or offer.get("notes") or None,
    )


def purchase_from_wire(purchase: ZenditPurchase, *, keep: bool = True) -> RemotePurchase:
    """A purchase, or the answer to one, which has only its name and its state. Without `keep` it has nothing that is secret,
    and no JSON."""
    confirmation = purchase.get("confirmation") or {}
    code, said = error_of({"error": purchase.get("error")})
    return RemotePurchase(
        ref=_name(purchase["transactionId"]),
        state=state_of(_name(purchase["status"])),
        raw=_kept(purchase) if keep else {},
        offer_id=purchase.get("offerId") or None,
        cost=_charged(purchase),
        iccid=confirmation.get("iccid") or None,
        activation=activation_of(confirmation) if keep else None,
        instructions=(confirmation.get("redemptionInstructions") or None) if keep else None,
        error_code=code,
        error=said,
        created_at=_moment_or_none(purchase.get("createdAt")),
        updated_at=_moment_or_none(purchase.get("updatedAt")),
    )


def activation_of(confirmation: ZenditConfirmation) -> str | None:
    """The text of the QR code, `LPA:1$address$code`; some codes are that already (seen by one client)."""
    code, address = (confirmation.get(name) for name in ("activationCode", "smdpAddress"))
    if not isinstance(code, str) or not code.strip():
        return None
    if code.strip().upper().startswith(_ACTIVATION):
        return code.strip()
    return f"LPA:1${address.strip()}${code.strip()}" if isinstance(address, str) and address.strip() else None


def entry_from_wire(item: ZenditTransaction) -> LedgerEntry:
    """A movement of the wallet, or a refund of a purchase: `amount` is what we are charged or given."""
    product, direction = _name(item["productType"]), normal(item["type"])
    if direction not in (CREDIT, DEBIT):
        raise ValueError("a movement is a credit or a debit")
    made = moment(item["createdAt"])
    return LedgerEntry(
        ref=_name(item["transactionId"]),
        product=product,
        credit=direction == CREDIT,
        state=state_of(item["status"]),
        amount=money_from_wire(item["amount"], item.get("currency"), item.get("currencyDivisor")),
        created_at=made,
        updated_at=_moment_or_none(item.get("updatedAt")) or made,
        recharge=_RECHARGE in normal(product),
    )


def balance_from_wire(balance: Mapping[str, Any]) -> Money:
    """What can be spent. That it leaves out what is held for purchases under way is UNCONFIRMED: its name says so."""
    return money_from_wire(balance["availableBalance"], balance["currency"], balance.get("currencyDivisor"), ours=True)


def plan_from_wire(plan: ZenditPlan) -> Plan:
    left = plan.get("remainingDataGB")
    return Plan(
        iccid=_name(plan["iccid"]),
        offer_id=plan.get("offerId") or "",
        state=_name(plan["status"]).lower(),
        unlimited=plan.get("unlimited") is True,
        initial_gb=_number(plan.get("initialDataGB")),
        remaining_gb=_number(plan.get("reamainingDataGB") if left is None else left),
        starts_at=_moment_or_none(plan.get("startAt")),
        ends_at=_moment_or_none(plan.get("endAt")),
    )


def moment(text: str) -> datetime:
    """RFC 3339, aware, in UTC."""
    found = datetime.fromisoformat(text)
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)


def moment_to_wire(at: datetime) -> str:
    """RFC 3339 in UTC; the second that has begun, as the documentation writes it."""
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _charged(purchase: ZenditPurchase) -> Money | None:
    """What the wallet is charged. Whether `cost` has the fee in it is told in two ways; `costBase` and `costFee` together are
    right in both."""
    base, fee = purchase.get("costBase"), purchase.get("costFee")
    amount = purchase.get("cost") if base is None or fee is None else _whole(base) + _whole(fee)
    if amount is None:
        return None
    return money_from_wire(amount, purchase.get("costCurrency"), purchase.get("costCurrencyDivisor"))


def _price(price: ZenditCost | None) -> Money | None:
    """What it is proposed to be sold for: advice, so one that is not understood is none."""
    try:
        fixed = _whole((price or {})["fixed"]) + _whole((price or {}).get("fee") or 0)
        return money_from_wire(fixed, (price or {}).get("currency"), (price or {}).get("currencyDivisor"))
    except STRANGE:
        return None


def _moment_or_none(text: Any) -> datetime | None:
    return moment(text) if text else None


def _name(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError("an object has a name")
    return value


def _whole(value: Any) -> int:
    """A whole number, though it be written with a point (the PHP SDK has floats)."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal) or value != int(value):
        raise TypeError("a whole number is wanted")
    return int(value)


def _number(value: Any) -> Decimal | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise TypeError("a number is wanted")
    return Decimal(value)


def _kept(wire: Mapping[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = redact_json(dict(wire))
    return kept
