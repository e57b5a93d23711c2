"""A card's history: its rows as our transactions, and whether one of them is a movement of money that was asked for."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from typing import Any

from cardctl.domain.money import Money
from cardctl.domain.redaction import redact_json
from cardctl.domain.transactions import Merchant, RemoteTransaction, TransactionKind, TransactionState
from cardctl.providers.strowallet import translate, wire

_K, _S = TransactionKind, TransactionState
_FEE = re.compile(r"decline[\s_-]*fees?|\bfees?\b", re.I)
_REFUND = re.compile(r"refund|revers|chargeback|cash ?back", re.I)
_REFUND_OF = re.compile(r"refund(?:ed)?\b\s*(?::|-|(?:of|from|for)\b)?\s*", re.I)
_TOP_UP = re.compile(r"top[\s_-]?up|\bfund|\bload|deposit|\bcreat", re.I)
_WITHDRAWAL = re.compile(r"withdr[ae]w|unload", re.I)
_OURS = (_K.FUNDING, _K.WITHDRAWAL)


def transaction_from_row(row: wire.StrowalletRow, card_ref: str) -> RemoteTransaction:
    """One row. LookupError, ValueError or BadAmount where it lacks an id, an amount or a time.

    UNCONFIRMED which words rows use beside `debit` and `credit`: what is not understood counts as the poorer reading, and a
    status that no table lists is UNKNOWN.
    """
    ref = str(row.get("id") or row.get("reference") or "")
    if not ref:
        raise LookupError("a row without an id")
    amount, signed = _amount(row)
    debit = _is_debit(row, signed)
    state = _state(row)
    kind = _kind(row, debit=debit, state=state)
    if state is _S.PENDING and kind is _K.SETTLEMENT:
        kind, state = _K.AUTHORIZATION, _S.APPROVED  # it holds the money, and is not captured yet
    return RemoteTransaction(
        ref=ref,
        card_ref=card_ref,
        kind=kind,
        state=state,
        amount=amount,
        impact=_impact(amount, kind, state, debit=debit),
        occurred_at=_moment(row),
        raw=redact_json(wire.harmless(dict(row))),
        merchant=Merchant() if kind in _OURS else Merchant(name=_merchant(row, kind)),
        reference=str(row["reference"]) if row.get("reference") else None,
    )


def ids_of(rows: Iterable[dict[str, Any]]) -> set[str]:
    """The names of rows as they came, to know which ones are new."""
    return {str(row.get("id") or row.get("reference") or "") for row in rows}


def found_movement(
    rows: Iterable[RemoteTransaction], known: Collection[str], kind: TransactionKind, amount: Money
) -> RemoteTransaction | None:
    """The row that a funding or withdrawal has left: a new one of that kind and amount that has not failed."""
    for row in rows:
        if row.ref not in known and row.kind is kind and row.amount == amount and row.state is not _S.DECLINED:
            return row
    return None


def _amount(row: wire.StrowalletRow) -> tuple[Money, int]:
    """The amount without its sign, and the sign."""
    currency = str(row.get("currency") or translate.CURRENCY).upper()
    cents = row.get("amount") in (None, "")
    money = Money(int(str(row["centAmount"])), currency) if cents else translate.money_of(row["amount"], currency)
    return Money(abs(money.minor), money.currency), money.minor


def _is_debit(row: wire.StrowalletRow, signed: int) -> bool:
    kind, words = str(row.get("type") or "").lower(), _words(row)
    if "credit" in kind or "debit" in kind:
        return "debit" in kind
    if signed < 0 or _WITHDRAWAL.search(words) or _FEE.search(words):
        return True
    return not (_TOP_UP.search(words) or _REFUND.search(words))


def _kind(row: wire.StrowalletRow, *, debit: bool, state: TransactionState) -> TransactionKind:
    words = _words(row)
    if debit and _FEE.search(words):
        return _K.FEE
    if debit and _WITHDRAWAL.search(words):
        return _K.WITHDRAWAL
    if not debit:
        return _K.FUNDING if _TOP_UP.search(words) and not _REFUND.search(words) else _K.REFUND
    return _K.DECLINE if state is _S.DECLINED else _K.SETTLEMENT


def _state(row: wire.StrowalletRow) -> TransactionState:
    """A row without a status stands in the history, so it has happened; `decline` may also be its type."""
    word = str(row.get("status") or "").strip().lower()
    if word in translate.FAILED or str(row.get("type") or "").lower() in translate.FAILED:
        return _S.DECLINED
    if word in translate.PENDING:
        return _S.PENDING
    return _S.SETTLED if not word or word in translate.DONE else _S.UNKNOWN


def _impact(amount: Money, kind: TransactionKind, state: TransactionState, *, debit: bool) -> Money:
    none = state is _S.DECLINED or kind is _K.DECLINE or (state is _S.UNKNOWN and not debit)
    return Money(0, amount.currency) if none else -amount if debit else amount


def _merchant(row: wire.StrowalletRow, kind: TransactionKind) -> str | None:
    """A refund's may say that it is one; its merchant is the purchase's."""
    merchant = row.get("merchant")
    name = merchant if isinstance(merchant, str) and merchant else row.get("narrative")
    said = _REFUND_OF.match(name or "") if kind is _K.REFUND else None
    return (name or "")[said.end() :] or name if said else name


def _words(row: wire.StrowalletRow) -> str:
    return " ".join(str(row.get(name) or "") for name in ("type", "narrative", "description"))


def _moment(row: wire.StrowalletRow) -> datetime:
    moment = datetime.fromisoformat(str(row["createdAt"] if "createdAt" in row else row["created_at"]))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
