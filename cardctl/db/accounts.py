"""The repository of accounts: rows of `accounts` ⇄ `Account`; a balance that is not the account's own is its cards' sum."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import EllipsisType
from typing import Any

from sqlalchemy import Connection, Select, String, bindparam, case, cast, func, null, select, update

from cardctl.db.columns import Raw, canonical, exact_value, free, moment_to_text, raw_text
from cardctl.db.many import Values, chunks, insert_rows, save_rows
from cardctl.db.sealed import Box, Place
from cardctl.db.selecting import find_by_name, found, narrowed, plain_columns, stream, within
from cardctl.db.tables import AccountRow, CardRow, table_of
from cardctl.domain.accounts import Account, AccountState, Kyc
from cardctl.domain.money import Money
from cardctl.domain.states import FINAL
from cardctl.errors import NotFound

_A = table_of(AccountRow)
_C = table_of(CardRow)
_NEWEST = _A.c.created_at.desc(), _A.c.id.desc()

_sums = (
    select(_C.c.balance_currency.label("currency"), func.sum(_C.c.balance_minor).label("minor"))
    .where(_C.c.account_id == _A.c.id, _C.c.balance_minor.is_not(None), _C.c.state.not_in(FINAL))
    .group_by(_C.c.balance_currency)
    .correlate(_A)
    .subquery("sums")
)
_BALANCES = select(func.aggregate_strings(_sums.c.currency + ":" + cast(_sums.c.minor, String), " ")).scalar_subquery()
_ACCOUNT = select(*plain_columns(_A), case((_A.c.own_balances.is_(None), _BALANCES)).label("sums"))
_UNSUMMED = select(*plain_columns(_A), null().label("sums"))
_GET = _ACCOUNT.where(_A.c.id == bindparam("id"))
_HOLDER = _UNSUMMED.where(_A.c.id == bindparam("id"))
_FIELDS = [column.name for column in plain_columns(_A) if column.name != "own_balances"]
Own = tuple[Money, ...] | None
"""Balances of the account's own, one per currency; None where the provider keeps no money on accounts."""


@dataclass(frozen=True, slots=True)
class AccountFilter:
    """Which accounts; made from `since` on and before `until`."""

    provider: str | None = None
    programme: str | None = None
    state: AccountState | None = None
    since: datetime | None = None
    until: datetime | None = None
    limit: int | None = None


class Accounts:
    """Accounts of our books.

    `balances` of one that is given is ignored; `own` beside it is kept. Those of one that comes back are its own, where the
    provider keeps money on accounts, else its cards' sum.
    """

    def __init__(self, connection: Connection, box: Box) -> None:
        self._connection = connection
        self._box = box

    def get(self, id: str) -> Account | None:  # noqa: A002
        return self._one(_GET, {"id": id})

    def named(self, id: str) -> Account:  # noqa: A002
        """The account with our id; NotFound where there is none."""
        return found(self.get(id), "account", id)

    def holder(self, id: str) -> Account:  # noqa: A002
        """The same WITHOUT its cards' sum, for whoever makes its thousandth card: NotFound where there is none."""
        return found(self._one(_HOLDER, {"id": id}), "account", id)

    def by_ref(self, programme: str, ref: str) -> Account | None:
        return self._one(_ACCOUNT.where(_A.c.programme == programme, _A.c.ref == ref))

    def by_refs(self, programme: str, refs: Iterable[str]) -> dict[str, Account]:
        """Those of the accounts that are in the books, by their ref; WITHOUT their cards' sum, which `get` has.

        A page of cards asks for its holders, and one of them may hold every card that there is.
        """
        known: dict[str, Account] = {}
        for chunk in chunks(refs):
            rows = self._connection.execute(_UNSUMMED.where(_A.c.programme == programme, _A.c.ref.in_(chunk)))
            known.update((account.ref or "", account) for account in map(account_from_row, rows))
        return known

    def by_external_id(self, programme: str, external_id: str) -> Account | None:
        return self._one(_ACCOUNT.where(_A.c.programme == programme, _A.c.external_id == external_id))

    def by_external_ids(self, programme: str, external_ids: Iterable[str]) -> dict[str, Account]:
        """The same by the caller's own keys; WITHOUT their cards' sum too."""
        known: dict[str, Account] = {}
        for chunk in chunks(external_ids):
            rows = self._connection.execute(_UNSUMMED.where(_A.c.programme == programme, _A.c.external_id.in_(chunk)))
            known.update((account.external_id or "", account) for account in map(account_from_row, rows))
        return known

    def find(self, name: str, *, programme: str | None = None, prefix: bool = True) -> list[Account]:
        """Up to three accounts: our id, else the caller's external_id, else the ref, else a prefix (8 or more) of the id."""
        keys = [_A.c.id, _A.c.external_id, _A.c.ref]
        found = find_by_name(self._connection, _ACCOUNT, keys, name, programme=programme, prefix=prefix)
        return [account_from_row(row) for row in found]

    def rows(self, filter: AccountFilter = AccountFilter()) -> Iterator[Account]:  # noqa: A002
        """The accounts, newest first, streamed."""
        query = narrowed(
            _ACCOUNT,
            (_A.c.provider, filter.provider),
            (_A.c.programme, filter.programme),
            (_A.c.state, filter.state),
        )
        query = within(query, _A.c.created_at, filter.since, filter.until).order_by(*_NEWEST).limit(filter.limit)
        return map(account_from_row, stream(self._connection, query))

    def add(self, account: Account, *, raw: Raw, own: Own = None) -> None:
        """A new account, with the provider's JSON, and the balances of its own."""
        self.add_many([(account, raw, own)])

    def add_many(self, accounts: Iterable[tuple[Account, Raw, Own]]) -> None:
        """New accounts, each with the provider's JSON, and the balances of its own."""
        rows = ((*_values(account), self._seal(account.id, raw), _own_to_text(own)) for account, raw, own in accounts)
        insert_rows(self._connection, _A, [*_FIELDS, "raw", "own_balances"], rows)

    def save(self, account: Account, *, raw: Raw | None = None, own: Own | EllipsisType = ...) -> None:
        """Every field of an account that is in the books; `raw` and `own` stay where nothing new is given."""
        row = account_to_row(account)
        if raw is not None:
            row["raw"] = self._seal(account.id, raw)
        if not isinstance(own, EllipsisType):
            row["own_balances"] = _own_to_text(own)
        if not self._connection.execute(update(_A).where(_A.c.id == account.id).values(row)).rowcount:
            raise NotFound("account", account.id)

    def save_many(self, accounts: Iterable[tuple[Account, Raw, Own]]) -> None:
        """Every field of accounts that are in the books, and the provider's JSON; own balances stay where None are given."""
        told: list[Values] = []
        silent: list[Values] = []
        for account, raw, own in accounts:
            row = *_values(account), self._seal(account.id, raw)
            silent.append(row) if own is None else told.append((*row, _own_to_text(own)))
        columns = [*_FIELDS, "raw"]
        absent = save_rows(self._connection, _A, columns, silent)
        absent = absent or save_rows(self._connection, _A, [*columns, "own_balances"], told)
        if absent is not None:
            raise NotFound("account", absent)

    def raw(self, id: str) -> dict[str, Any]:  # noqa: A002
        """The provider's JSON as it was last given, decimals as Decimal."""
        sealed = self._connection.execute(select(_A.c.raw).where(_A.c.id == id)).scalar_one_or_none()
        if sealed is None:
            raise NotFound("account", id)
        value = exact_value(self._box.open(Place("accounts", "raw", id), sealed))
        assert isinstance(value, dict)
        return value

    def _one(self, query: Select[Any], values: dict[str, str] | None = None) -> Account | None:
        row = self._connection.execute(query, values).one_or_none()
        return None if row is None else account_from_row(row)

    def _seal(self, id: str, raw: Raw) -> str:  # noqa: A002
        return self._box.seal(Place("accounts", "raw", id), raw_text(raw))


def account_to_row(account: Account) -> dict[str, Any]:
    """The plain columns of an account, as they are stored; own balances go beside them."""
    return dict(zip(_FIELDS, _values(account), strict=True))


def _values(account: Account) -> Values:
    """The same without their names, in the table's order."""
    return (
        account.id,
        account.ref,
        account.external_id,
        account.provider,
        account.programme,
        account.environment,
        free(account.name),
        account.email,
        str(account.state),
        str(account.kyc),
        canonical(account.compliance_flags),
        moment_to_text(account.created_at),
        moment_to_text(account.updated_at),
    )


def account_from_row(row: Sequence[Any]) -> Account:
    """An account of the plain columns in the table's order, and the sums of its cards as `USD:100 EUR:5`."""
    # fmt: off
    (
        id_, ref, external_id, provider, programme, environment, name, email, state, kyc, flags, created_at, updated_at,
        own, sums,
    ) = row
    # fmt: on
    return Account(
        id_,
        ref,
        external_id,
        provider,
        programme,
        environment,
        name,
        email,
        AccountState(state),
        Kyc(kyc),
        tuple(json.loads(flags)),
        _summed(sums) if own is None else _own_from_text(own),
        datetime.fromisoformat(created_at),
        datetime.fromisoformat(updated_at),
    )


def _summed(text: str | None) -> tuple[Money, ...]:
    sums = (item.partition(":") for item in (text or "").split())
    return _sorted(Money(int(minor), currency) for currency, _, minor in sums)


def _own_to_text(own: Own) -> str | None:
    return None if own is None else canonical([[money.minor, money.currency] for money in _sorted(own)])


def _own_from_text(text: str) -> tuple[Money, ...]:
    return tuple(Money(minor, currency) for minor, currency in json.loads(text))


def _sorted(balances: Iterable[Money]) -> tuple[Money, ...]:
    return tuple(sorted(balances, key=lambda money: money.currency))
