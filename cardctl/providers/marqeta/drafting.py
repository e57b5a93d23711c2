"""Our wishes as Marqeta's requests: pure functions that give the bodies and drafts; the other direction is translate.py."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

from cardctl.domain.accounts import AccountChange, Address, NewAccount
from cardctl.domain.cards import NewCard
from cardctl.domain.money import Money
from cardctl.domain.operations import Draft
from cardctl.domain.states import Move
from cardctl.errors import BadAmount, BadInput, StateForbids
from cardctl.providers.marqeta import translate, wire
from cardctl.providers.marqeta.translate import (
    ACCOUNT,
    CARD_USER,
    CREATED_BY,
    CURRENCY,
    EXTERNAL_ID,
    LIMIT_NAMES,
    MARK,
    REPLACES,
    plain,
)
from cardctl.providers.marqeta.wire import MarqetaCard, MarqetaControl, MarqetaUser

DOCUMENT = "$document"
"""Stands in a draft, which is kept, for a document, which is not."""
VIRTUAL_PRODUCT = "cardctl_virtual"
OUTDATED = "our books are outdated: `cardctl card sync` brings them up to date"
_ID_TYPES = (
    "SSN",
    "TIN",
    "SIN",
    "NIN",
    "PASSPORT_NUMBER",
    "DRIVERS_LICENSE",
    "BUSINESS_NUMBER",
    "BUSINESS_TAX_ID",
    "TAXPAYER_REFERENCE",
)
_COUNTRIES = {"US": "USA"}
"""Free text of up to 40 characters, and `USA` in every example of Marqeta's; other countries are sent as they are."""
_STATES = {Move.ACTIVATE: "ACTIVE", Move.UNFREEZE: "ACTIVE", Move.FREEZE: "SUSPENDED", Move.CLOSE: "TERMINATED"}
_REASONS = {"lost": "10", "stolen": "23", "fraud": "08", "cloned": "11", "compromised": "12", "expired": "16"}
_REQUESTED = "01"
_STARTS = {Move.ACTIVATE: "00", Move.UNFREEZE: "19"}
"""Marqeta's reason codes: for stopping a card by the word that a person gave, for starting it always the same."""


def account_to_wire(wanted: NewAccount, mark: str) -> dict[str, Any]:
    """A company is a user with a `company` (businesses are another resource, with a KYC of their own). BadInput for any other
    type, and for a document without its kind, or a kind without its document."""
    if wanted.type not in ("individual", "company"):
        raise BadInput(f"marqeta has no accounts of type {wanted.type!r}", hint="one of individual, company")
    name = " ".join(wanted.name.split())
    first, _, last = name.rpartition(" ") if " " in name else (name, "", "")
    return _present(
        token=mark,
        first_name=first if wanted.type == "individual" else None,
        last_name=(last or None) if wanted.type == "individual" else None,
        company=name if wanted.type == "company" else None,
        email=wanted.email,
        phone=wanted.phone,
        **(_present(**_address_to_wire(wanted.address)) if wanted.address else {}),
        birth_date=wanted.birth_date,
        identifications=_identifications(wanted),
        metadata=_present(**{EXTERNAL_ID: wanted.external_id, MARK: mark, CREATED_BY: mark}),
    )


def with_documents(value: Any, document: Callable[[str], str | None]) -> Any:
    """A body with the documents themselves; BadInput where one is not at hand."""
    if isinstance(value, list):
        return [with_documents(item, document) for item in value]
    if not isinstance(value, dict):
        return value
    if value.keys() != {DOCUMENT}:
        return {name: with_documents(item, document) for name, item in value.items()}
    found = document(value[DOCUMENT])
    if found is None:
        raise BadInput(f"the document {value[DOCUMENT]} is not at hand, and cardctl does not keep it")
    return found


def change_to_wire(change: AccountChange, user: MarqetaUser, mark: str) -> dict[str, Any]:
    """The data of a change; empty where none is to be changed. UNCONFIRMED whether metadata is merged, so all of it is sent; of
    an old address nothing stays."""
    fields = _present(email=change.email, phone=change.phone)
    if change.address:
        fields |= {name: value or "" for name, value in _address_to_wire(change.address).items()}
    return {**fields, "metadata": {**(user.get("metadata") or {}), MARK: mark}} if fields else {}


def user_transition(ref: str, status: str, mark: str, prelude: Iterable[dict[str, Any]] = ()) -> Draft:
    body = {"token": mark, "user_token": ref, "status": status, "reason_code": _REQUESTED, "channel": "API"}
    return Draft("POST", wire.USER_TRANSITIONS, "account", body, prelude=list(prelude))


def card_user(parent: MarqetaUser, mark: str) -> dict[str, Any]:
    """The request that makes a user for one card, who spends from the parent's account."""
    body = _present(
        token=f"{mark}u",
        parent_token=parent["token"],
        uses_parent_account=True,
        first_name=parent.get("first_name"),
        last_name=parent.get("last_name"),
        company=parent.get("company"),
        metadata={CARD_USER: mark, CREATED_BY: mark},
    )
    return {"method": "POST", "path": wire.USERS, "body": body}


def virtual_product() -> dict[str, Any]:
    """The request that makes a card product for virtual cards: always the same, so that whoever is second makes nothing."""
    body = {
        "token": VIRTUAL_PRODUCT,
        "name": "cardctl virtual",
        "start_date": "2020-01-01",
        "active": True,
        "config": {
            "fulfillment": {
                "payment_instrument": "VIRTUAL_PAN",
                "card_personalization": {"text": {"name_line_1": {"value": "cardctl"}}},
            },
            "card_life_cycle": {"activate_upon_issue": False},
            "transaction_controls": {"allow_gpa_auth": True},
        },
    }
    return {"method": "POST", "path": wire.CARD_PRODUCTS, "body": body}


def card_to_wire(wanted: NewCard, user: str, product: str, mark: str) -> dict[str, Any]:
    """Limits, allowance and activation are no part of it: they are writes of their own.

    A replacement is a card with a number of its own: UNCONFIRMED that Marqeta carries anything (`new_pan_from_card_token`,
    `reissue_pan_from_card_token`) over from a card that is closed, as the replaced one is by then.
    """
    told = {MARK: mark, CREATED_BY: mark, ACCOUNT: wanted.account_ref, CURRENCY: wanted.currency}
    told |= {REPLACES: wanted.replaces_ref} if wanted.replaces_ref else {}
    return {"token": mark, "user_token": user, "card_product_token": product, "metadata": told}


def move_draft(ref: str, move: Move, mark: str, reason: str | None) -> Draft:
    """A reason_code is always sent: some programmes require it, and the API does not show which. Tokens in phones follow the
    card only where that is asked for; they are there once it was active."""
    word = (reason or "").strip().lower()
    body = _present(
        token=mark,
        card_token=ref,
        state=_STATES[move],
        channel="API",
        reason_code=_STARTS.get(move) or _REASONS.get(word, _REQUESTED),
        reason=reason[:255] if reason else None,
        sync_state_with_dwts=True if move is not Move.ACTIVATE else None,
    )
    return Draft("POST", wire.CARD_TRANSITIONS, "card", body, urgent=move not in _STARTS)


def limit_draft(
    card: MarqetaCard, controls: Iterable[MarqetaControl], name: str, wanted: Money | None, currency: str, mark: str
) -> Draft:
    """One limit of the card's user set, changed or taken off. Of several of one kind the tightest holds, so the others are
    switched off first: until the last request everything is as it was. StateForbids where there is none to take off."""
    controls = list(controls)
    before = {"card": card["token"], "user": card["user_token"], "currency": currency, "limits": _limits(controls, currency)}
    mine = [one for one in controls if plain(one) and LIMIT_NAMES.get(one["velocity_window"]) == name]
    mine = [one for one in mine if translate.currency_of(one.get("currency_code")) == currency]
    if not mine:
        return Draft("POST", wire.CONTROLS, "card", _control(card["user_token"], name, wanted, mark), before)
    tightest, *others = sorted(mine, key=lambda one: one["amount_limit"])
    before["control"] = {"active": True, "amount_limit": tightest["amount_limit"]}
    prelude = [{"method": "PUT", **_switched(other["token"], {"active": False})} for other in others]
    told = {"active": True, "amount_limit": amount_of(wanted)} if wanted else {"active": False}
    return Draft("PUT", subject="card", before=before, prelude=prelude, **_switched(tightest["token"], told))


def load_draft(ref: str, amount: Money, source: str, mark: str, account_ref: str) -> Draft:
    body = {
        "token": mark,
        "user_token": account_ref,
        "amount": _moved(amount),
        "currency_code": amount.currency,
        "funding_source_token": source,
        "memo": f"cardctl {mark}",
    }
    return Draft("POST", wire.ORDERS, "card", body, _purse(ref, account_ref, amount))


def unload_draft(ref: str, amount: Money, load: str, mark: str, account_ref: str) -> Draft:
    body = {"token": mark, "original_order_token": load, "amount": _moved(amount), "memo": f"cardctl {mark}"}
    return Draft("POST", wire.UNLOADS, "card", body, _purse(ref, account_ref, amount))


def purchase_to_wire(ref: str, amount: Money, merchant: str) -> dict[str, Any]:
    acceptor = {"name": merchant[:50], "country": "USA"}
    return {"card_token": ref, "amount": amount_of(amount), "mid": "cardctl", "card_acceptor": acceptor}


def amount_of(money: Money) -> Decimal:
    """Major units, to be sent digit for digit."""
    return Decimal(money.amount)


def currency_check(amounts: Iterable[Money | None], currency: str) -> None:
    """BadInput where an amount is not in the card's currency."""
    for money in amounts:
        if money is not None and money.currency != currency:
            raise BadInput(f"{money} is not in the card's currency, {currency}")


def _limits(controls: Iterable[MarqetaControl], currency: str) -> dict[str, Decimal | None]:
    """The limits as they are, as plain JSON."""
    limits = translate.limits_from_wire(controls, currency)
    found: dict[str, Money | None] = {name: getattr(limits, name) for name in LIMIT_NAMES.values()}
    return {name: amount_of(limit) if limit else None for name, limit in found.items()}


def _control(user: str, name: str, wanted: Money | None, mark: str) -> dict[str, Any]:
    if wanted is None:
        raise StateForbids(f"marqeta has no {name} limit to take off", hint=OUTDATED)
    return {
        "token": mark,
        "name": f"{name} limit".replace("_", " "),
        "active": True,  # the documents disagree on what it is where it is not said
        "amount_limit": amount_of(wanted),
        "currency_code": wanted.currency,
        "velocity_window": next(window for window, kind in LIMIT_NAMES.items() if kind == name),
        "association": {"user_token": user},
    }


def _switched(token: str, told: Mapping[str, Any]) -> dict[str, Any]:
    """A change of a control says only what changes: with every field in it, it could be read as one for the whole programme."""
    return {"path": wire.one_of(wire.CONTROLS, token), "body": {"token": token, **told}}


def _moved(amount: Money) -> Decimal:
    if amount.minor <= 0:
        raise BadAmount(f"{amount} cannot be moved: an amount is more than nothing")
    return amount_of(amount)


def _purse(ref: str, account_ref: str, amount: Money) -> dict[str, Any]:
    """Whose answer it is: neither order names the card, and an unload no currency."""
    return {"card": ref, "user": account_ref, "currency": amount.currency}


def _identifications(wanted: NewAccount) -> list[dict[str, Any]] | None:
    if wanted.id_type is None and "id_number" not in wanted.documents:
        return None
    if wanted.id_type not in _ID_TYPES:
        raise BadInput(f"marqeta has no document of type {wanted.id_type!r}", hint=f"one of {', '.join(_ID_TYPES)}")
    return [{"type": wanted.id_type, "value": {DOCUMENT: "id_number"}}]


def _address_to_wire(address: Address) -> dict[str, str | None]:
    return {
        "address1": address.line1,
        "address2": address.line2,
        "city": address.city,
        "state": address.state,
        "postal_code": address.postal_code,
        "country": _COUNTRIES.get(address.country, address.country),
    }


def _present(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
