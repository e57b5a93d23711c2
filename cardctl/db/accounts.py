"""The repository of accounts: rows of `accounts` ⇄ `Account`; balances are summed from the cards, never stored."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, String, cast, func, insert, select, update

from cardctl.db.columns import canonical, exact_json, exact_value, free, moment_to_text
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
_ACCOUNT = select(*plain_columns(_A), _BALANCES.label("balances"))


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
    """Accounts of our books. `balances` of one that is given is ignored; of one that comes back it is its cards' sum."""

    def __init__(self, connection: Connection, box: Box) -> None:
        self._connection = connection
        self._box = box

    def get(self, id: str) -> Account | None:  # noqa: A002
        return self._one(_ACCOUNT.where(_A.c.id == id))

    def named(self, id: str) -> Account:  # noqa: A002
        """The account with our id; NotFound where there is none."""
        return found(self.get(id), "account", id)

    def by_ref(self, programme: str, ref: str) -> Account | None:
        return self._one(_ACCOUNT.where(_A.c.programme == programme, _A.c.ref == ref))

    def by_external_id(self, programme: str, external_id: str) -> Account | None:
        return self._one(_ACCOUNT.where(_A.c.programme == programme, _A.c.external_id == external_id))

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

    def add(self, account: Account, *, raw: dict[str, Any]) -> None:
        """A new account, with the provider's JSON."""
        self._connection.execute(insert(_A).values(account_to_row(account) | {"raw": self._seal(account.id, raw)}))

    def save(self, account: Account, *, raw: dict[str, Any] | None = None) -> None:
        """Every field of an account that is in the books; `raw` stays where nothing new is given."""
        row = account_to_row(account)
        if raw is not None:
            row["raw"] = self._seal(account.id, raw)
        if not self._connection.execute(update(_A).where(_A.c.id == account.id).values(row)).rowcount:
            raise NotFound("account", account.id)

    def raw(self, id: str) -> dict[str, Any]:  # noqa: A002
        """The provider's JSON as it was last given, decimals as Decimal."""
        sealed = self._connection.execute(select(_A.c.raw).where(_A.c.id == id)).scalar_one_or_none()
        if sealed is None:
            raise NotFound("account", id)
        value = exact_value(self._box.open(Place("accounts", "raw", id), sealed))
        assert isinstance(value, dict)
        return value

    def _one(self, query: Select[Any]) -> Account | None:
        row = self._connection.execute(query).one_or_none()
        return None if row is None else account_from_row(row)

    def _seal(self, id: str, raw: dict[str, Any]) -> str:  # noqa: A002
        return self._box.seal(Place("accounts", "raw", id), exact_json(raw))


def account_to_row(account: Account) -> dict[str, Any]:
    """The plain columns of an account, as they are stored."""
    return {
        "id": account.id,
        "ref": account.ref,
        "external_id": account.external_id,
        "provider": account.provider,
        "programme": account.programme,
        "environment": account.environment,
        "name": free(account.name),
        "email": account.email,
        "state": account.state,
        "kyc": account.kyc,
        "compliance_flags": canonical(account.compliance_flags),
        "created_at": moment_to_text(account.created_at),
        "updated_at": moment_to_text(account.updated_at),
    }


def account_from_row(row: Sequence[Any]) -> Account:
    """An account of the plain columns in the table's order, and its balances as `USD:100 EUR:5`."""
    # fmt: off
    (
        id_, ref, external_id, provider, programme, environment, name, email, state, kyc, flags, created_at, updated_at,
        balances,
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
        _balances(balances),
        datetime.fromisoformat(created_at),
        datetime.fromisoformat(updated_at),
    )


def _balances(text: str | None) -> tuple[Money, ...]:
    sums = (item.partition(":") for item in (text or "").split())
    return tuple(sorted((Money(int(minor), currency) for currency, _, minor in sums), key=lambda money: money.currency))
