"""The repository of the journal: rows of `operations` ⇄ `Operation`. Arguments and draft hold names and are sealed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, bindparam, insert, or_, select, update

from cardctl.db.columns import (
    exact_json,
    exact_value,
    free,
    moment_from_text,
    moment_or_none,
    moment_to_text,
    money_from_row,
    money_to_row,
)
from cardctl.db.many import chunks
from cardctl.db.sealed import Box, Place
from cardctl.db.selecting import find_by_name, found, narrowed, plain_columns, stream, within
from cardctl.db.tables import CardRow, OperationRow, table_of
from cardctl.domain.operations import OPEN, Draft, Operation, OperationState
from cardctl.errors import NotFound

_O = table_of(OperationRow)
_C = table_of(CardRow)
_LISTED = select(*plain_columns(_O))
_WHOLE = select(*plain_columns(_O), _O.c.arguments, _O.c.draft)
_NEWEST = _O.c.created_at.desc(), _O.c.id.desc()
_LATEST = 50
_OLDEST = _O.c.entered, _O.c.id  # the audit's numbers, which no clock moves
_OPEN = _WHOLE.where(or_(*(_O.c.state == str(state) for state in sorted(OPEN)))).order_by(*_OLDEST)
_GET = _WHOLE.where(_O.c.id == bindparam("id"))
_STANDING = select(_O.c.state, _O.c.lease).where(_O.c.id == bindparam("id"))
_BY_CALLER_KEY = _WHOLE.where(_O.c.programme == bindparam("programme"), _O.c.caller_key == bindparam("key"))
_OPEN_FOR = _OPEN.where(_O.c.target == bindparam("target"))
# No index answers this: by the programme's SQLite would walk all that it ever did, where by the state's it meets only the open.
_OPEN_IN = _OPEN.where(_O.c.programme.concat("") == bindparam("programme"))
_OPEN_ABOUT = _OPEN_IN.where(_O.c.kind == bindparam("kind"), (_O.c.about == bindparam("about")) | _O.c.about.is_(None))
_FOR_TARGET = (
    _LISTED.where(_O.c.target == bindparam("target"), _O.c.entered > bindparam("after"))
    .order_by(_O.c.entered.desc())
    .limit(_LATEST)
)
_FIXED = frozenset(
    ("id", "kind", "target", "provider", "programme", "digest", "idempotency_key", "created_at", "entered", "actor")
) | {"correlation_id", "amount_minor", "amount_currency", "about"}
"""What an operation is; SQLite would write every index of a column anew that is named in a change."""
_ADD = insert(_O)
_SAVE = update(_O).where(_O.c.id == bindparam("which"))


@dataclass(frozen=True, slots=True)
class OperationFilter:
    """Which operations; made from `since` on and before `until`. `account_id`: on that account and on the cards it has."""

    state: OperationState | None = None
    kind: str | None = None
    target: str | None = None
    account_id: str | None = None
    provider: str | None = None
    programme: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    limit: int | None = None


class Operations:
    """The journal. `rows` and `for_target` leave arguments and draft out (a list never decrypts); all else gives whole ones."""

    def __init__(self, connection: Connection, box: Box) -> None:
        self._connection = connection
        self._box = box

    def get(self, id: str) -> Operation | None:  # noqa: A002
        return self._one(_GET, {"id": id})

    def named(self, id: str) -> Operation:  # noqa: A002
        """The operation with our id; NotFound where there is none."""
        return found(self.get(id), "operation", id)

    def standing(self, id: str) -> tuple[OperationState, str]:  # noqa: A002
        """Its state and lease alone, for which nothing is opened; NotFound where there is none."""
        state, lease = found(self._connection.execute(_STANDING, {"id": id}).one_or_none(), "operation", id)
        return OperationState(state), lease

    def get_many(self, ids: Iterable[str]) -> list[Operation]:
        """Those of the operations that are in the books, oldest first within each chunk of names."""
        return [each for chunk in chunks(ids) for each in self._all(_WHOLE.where(_O.c.id.in_(chunk)).order_by(*_OLDEST))]

    def by_caller_key(self, programme: str, key: str) -> Operation | None:
        return self._one(_BY_CALLER_KEY, {"programme": programme, "key": key})

    def find(self, name: str, *, programme: str | None = None, prefix: bool = True) -> list[Operation]:
        """Up to three operations: the id, else the idempotency key, else a prefix (8 or more) of the id."""
        keys = [_O.c.id, _O.c.idempotency_key]
        found = find_by_name(self._connection, _WHOLE, keys, name, programme=programme, prefix=prefix)
        return [self._whole(row) for row in found]

    def open_for(self, target: str) -> list[Operation]:
        """What is intended, sent or in doubt for a target, oldest first."""
        return self._all(_OPEN_FOR, {"target": target})

    def open_about(self, programme: str, kind: str, about: str) -> list[Operation]:
        """What of one kind is intended, sent or in doubt about one thing, oldest first; and what does not say what it is about:
        before there was the column, nothing did."""
        return self._all(_OPEN_ABOUT, {"programme": programme, "kind": kind, "about": about})

    def for_target(self, target: str, *, after: int = -1) -> list[Operation]:
        """The latest 50 operations on a target that were entered after `after`, oldest first; like `rows`, nothing sealed."""
        rows = self._connection.execute(_FOR_TARGET, {"target": target, "after": after})
        found = [operation_from_row(row, {}, None) for row in rows]
        return found[::-1]

    def open_all(self, programme: str | None = None) -> list[Operation]:
        """What is intended, sent or in doubt, oldest first."""
        return self._all(_OPEN) if programme is None else self._all(_OPEN_IN, {"programme": programme})

    def rows(self, filter: OperationFilter = OperationFilter()) -> Iterator[Operation]:  # noqa: A002
        """The operations, newest first, streamed, WITHOUT arguments and draft (empty and None here; `get` has them)."""
        query = narrowed(
            _LISTED,
            (_O.c.state, filter.state),
            (_O.c.kind, filter.kind),
            (_O.c.target, filter.target),
            (_O.c.provider, filter.provider),
            (_O.c.programme, filter.programme),
        )
        if filter.account_id is not None:
            cards = select(_C.c.id).where(_C.c.account_id == filter.account_id)
            query = query.where((_O.c.target == filter.account_id) | _O.c.target.in_(cards))
        query = within(query, _O.c.created_at, filter.since, filter.until).order_by(*_NEWEST).limit(filter.limit)
        return (operation_from_row(row, {}, None) for row in stream(self._connection, query))

    def add(self, operation: Operation) -> None:
        """A new operation; its caller_key must be free in its programme (see `by_caller_key`)."""
        sealed = {"arguments": self._seal(operation.id, "arguments", operation.arguments), "draft": self._draft(operation)}
        self._connection.execute(_ADD, operation_to_row(operation) | sealed)

    def save(self, operation: Operation) -> None:
        """What may change of it: its state and its end, its lease, its caller's key. What it is, arguments and draft stay."""
        self._change(operation, {})

    def keep_draft(self, operation: Operation, draft: Draft) -> Operation:
        """The same, and the draft, which is kept once; the operation with the draft as everybody will read it."""
        text = exact_json(asdict(draft))
        self._change(operation, {"draft": self._box.seal(Place("operations", "draft", operation.id), text)})
        return replace(operation, draft=Draft(**exact_value(text)))

    def _change(self, operation: Operation, more: dict[str, str]) -> None:
        row = {column: value for column, value in operation_to_row(operation).items() if column not in _FIXED}
        if not self._connection.execute(_SAVE, {**row, **more, "which": operation.id}).rowcount:
            raise NotFound("operation", operation.id)

    def _one(self, query: Select[Any], values: dict[str, str]) -> Operation | None:
        row = self._connection.execute(query, values).one_or_none()
        return None if row is None else self._whole(row)

    def _all(self, query: Select[Any], values: dict[str, str] | None = None) -> list[Operation]:
        return [self._whole(row) for row in self._connection.execute(query, values).all()]

    def _whole(self, row: Any) -> Operation:
        *plain, arguments, draft = row
        opened = exact_value(self._box.open(Place("operations", "arguments", row.id), arguments))
        kept = None if draft is None else exact_value(self._box.open(Place("operations", "draft", row.id), draft))
        return operation_from_row(plain, opened, None if kept is None else Draft(**kept))

    def _draft(self, operation: Operation) -> str | None:
        return None if operation.draft is None else self._seal(operation.id, "draft", asdict(operation.draft))

    def _seal(self, id: str, column: str, value: dict[str, Any]) -> str:  # noqa: A002
        return self._box.seal(Place("operations", column, id), exact_json(value))


def operation_to_row(operation: Operation) -> dict[str, Any]:
    """The plain columns of an operation, as they are stored."""
    return {
        "id": operation.id,
        "kind": operation.kind,
        "target": operation.target,
        "provider": operation.provider,
        "programme": operation.programme,
        "state": operation.state,
        "digest": operation.digest,
        "idempotency_key": operation.idempotency_key,
        "created_at": moment_to_text(operation.created_at),
        "entered": operation.entered,
        "lease": operation.lease,
        "leased_until": moment_to_text(operation.leased_until),
        "actor": operation.actor,
        "correlation_id": operation.correlation_id,
        "caller_key": operation.caller_key,
        **money_to_row("amount", operation.amount),
        "reason": free(operation.reason),
        "sent_at": moment_or_none(operation.sent_at),
        "finished_at": moment_or_none(operation.finished_at),
        "error_code": operation.error_code,
        "error": free(operation.error),
        "about": operation.about,
    }


def operation_from_row(row: Sequence[Any], arguments: dict[str, Any], draft: Draft | None) -> Operation:
    """An operation of the plain columns in the table's order, with what was opened beside them."""
    # fmt: off
    (
        id_, kind, target, provider, programme, state, digest, idempotency_key, created_at, entered, lease, leased_until, actor,
        correlation_id, caller_key, amount, amount_in, reason, sent_at, finished_at, error_code, error, about,
    ) = row
    # fmt: on
    return Operation(
        id=id_,
        kind=kind,
        target=target,
        provider=provider,
        programme=programme,
        state=OperationState(state),
        arguments=arguments,
        digest=digest,
        idempotency_key=idempotency_key,
        created_at=datetime.fromisoformat(created_at),
        entered=entered,
        lease=lease,
        leased_until=datetime.fromisoformat(leased_until),
        actor=actor,
        correlation_id=correlation_id,
        caller_key=caller_key,
        amount=money_from_row(amount, amount_in),
        reason=reason,
        draft=draft,
        sent_at=moment_from_text(sent_at),
        finished_at=moment_from_text(finished_at),
        error_code=error_code,
        error=error,
        about=about,
    )
