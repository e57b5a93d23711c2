"""Encryption at rest and keyed hashes; the keys are handed in. Which columns are sealed is said in tables.py.

A sealed text is `v1.<key id>.<base64 of nonce and ciphertext>` (sealed bytes: without the base64), AES-256-GCM, bound to its
table, column and row, so that it opens nowhere else. Subkeys come from the given key by HKDF-SHA256.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

from sqlalchemy import Column, ColumnElement, Connection, LargeBinary, Table, bindparam, func, or_, select, update

from cardctl.db.meta import Meta
from cardctl.db.selecting import sealed_columns
from cardctl.db.tables import Row
from cardctl.domain.redaction import Secret
from cardctl.entropy import random_bytes
from cardctl.errors import BooksCorrupt, WrongEncryptionKey

T = TypeVar("T")

_CHECK = "encryption_check"
_SHORTEST = 32
_BATCH = 500


@dataclass(frozen=True, slots=True)
class EncryptionKeys:
    """The key that seals, and during a rotation the one before it; texts of at least 32 random characters."""

    current: Secret
    previous: Secret | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sealed text stands."""

    table: str
    column: str
    row: str

    @property
    def bound(self) -> bytes:
        return "\x1f".join((self.table, self.column, self.row)).encode()


class _Key:
    """One key's subkeys: for sealing, for hashing, and the short name it goes by in a sealed text."""

    def __init__(self, secret: Secret) -> None:
        # Only now: lists never seal, and this import costs more than they do.
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415

        text = secret.reveal().strip()
        if len(text) < _SHORTEST:
            raise WrongEncryptionKey(
                f"the encryption key is shorter than {_SHORTEST} characters", hint="make one with `openssl rand -base64 32`"
            )
        self.id = _hkdf(text.encode(), b"cardctl key id")[:4].hex()
        self.prefix = f"v1.{self.id}."
        self._cipher = AESGCM(_hkdf(text.encode(), b"cardctl seal"))
        self._hash_key = _hkdf(text.encode(), b"cardctl lookup")

    def seal(self, place: Place, data: bytes) -> bytes:
        """The nonce and the ciphertext."""
        nonce = random_bytes(12)
        return nonce + self._cipher.encrypt(nonce, data, place.bound)

    def open(self, place: Place, sealed: bytes) -> bytes:
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415

        try:
            return self._cipher.decrypt(sealed[:12], sealed[12:], place.bound)
        except (InvalidTag, ValueError) as error:
            raise BooksCorrupt(f"what is sealed in {place.table}.{place.column} of {place.row} was changed") from error

    def digest(self, table: str, column: str, text: str) -> str:
        return hmac.digest(self._hash_key, "\x1f".join((table, column, text)).encode(), "sha256").hex()


class Ring:
    """The keys at hand, pure cryptography: no database. `before` is a ring whose keys still open what they sealed."""

    def __init__(self, keys: EncryptionKeys, before: Ring | None = None) -> None:
        self.proven: set[str] = set()
        """Check values of books that a key at hand has opened; one that was sealed anew is another text."""
        self.current = _Key(keys.current)
        self._keys = {self.current.id: self.current}
        if keys.previous is not None:
            previous = _Key(keys.previous)
            self._keys.setdefault(previous.id, previous)
        self._keys |= {id_: key for id_, key in (before._keys if before else {}).items() if id_ not in self._keys}

    def same_as(self, other: Ring) -> bool:
        """Whether both seal alike and open the same."""
        return self.current.id == other.current.id and self._keys.keys() == other._keys.keys()

    def seal(self, place: Place, text: str) -> str:
        """The sealed form of a text, under the current key."""
        return self.current.prefix + urlsafe_b64encode(self.current.seal(place, text.encode())).decode()

    def open(self, place: Place, sealed: str) -> str:
        """The text; WrongEncryptionKey where no key at hand sealed it, BooksCorrupt where it was changed or moved."""
        version, _, rest = sealed.partition(".")
        key_id, _, body = rest.partition(".")
        key = self._key(place, version, key_id)
        try:
            return key.open(place, urlsafe_b64decode(body)).decode()
        except ValueError as error:
            raise BooksCorrupt(f"what is sealed in {place.table}.{place.column} of {place.row} is no text") from error

    def seal_bytes(self, place: Place, data: bytes) -> bytes:
        """The same of bytes, which stay bytes: they may be many."""
        return self.current.prefix.encode() + self.current.seal(place, data)

    def open_bytes(self, place: Place, sealed: bytes) -> bytes:
        """What `seal_bytes` was given; errors as of `open`."""
        version, _, rest = sealed.partition(b".")
        key_id, _, body = rest.partition(b".")
        return self._key(place, version.decode("latin-1"), key_id.decode("latin-1")).open(place, body)

    def _key(self, place: Place, version: str, key_id: str) -> _Key:
        if version != "v1":
            raise BooksCorrupt(f"{place.table}.{place.column} of {place.row} is not sealed as it should be")
        if key_id not in self._keys:
            raise WrongEncryptionKey(f"these books are sealed with another key ({key_id}, given: {', '.join(self._keys)})")
        return self._keys[key_id]

    def digests(self, table: str, column: str, text: str) -> list[str]:
        """Keyed hashes of a text by which its row is found, the current key's first; hex, HMAC-SHA256."""
        return [key.digest(table, column, text) for key in self._keys.values()]


class Box:
    """The ring over one transaction. It is held against a check value in the books before anything is sealed; what is opened
    proves its key by itself. `anew` is asked once for the keys as they are now, where those at hand do not fit: another process
    may have rotated them, and this one goes on."""

    def __init__(
        self,
        connection: Connection,
        ring: Callable[[], Ring],
        *,
        writable: bool,
        anew: Callable[[Ring], Ring | None] = lambda _: None,
    ) -> None:
        self._connection = connection
        self._ring = ring
        self._writable = writable
        self._anew = anew

    @cached_property
    def ring(self) -> Ring:
        """The keys, proven to be these books' own; WrongEncryptionKey otherwise."""
        ring, meta = self._ring(), Meta(self._connection)
        kept = meta.get(_CHECK)
        if kept is not None and kept in ring.proven:
            return ring
        place = Place("meta", _CHECK, meta.get("database_id") or "")
        if kept is not None:
            return self._fitting(lambda fitting: _proven(fitting, place, kept))
        if self._writable:
            meta.set(_CHECK, ring.seal(place, "cardctl"))
        return ring

    def seal(self, place: Place, text: str) -> str:
        """See `Ring.seal`."""
        return self.ring.seal(place, text)

    def seal_bytes(self, place: Place, data: bytes) -> bytes:
        """See `Ring.seal_bytes`."""
        return self.ring.seal_bytes(place, data)

    def open(self, place: Place, sealed: str) -> str:
        """See `Ring.open`."""
        return self._fitting(lambda ring: ring.open(place, sealed))

    def open_bytes(self, place: Place, sealed: bytes) -> bytes:
        """See `Ring.open_bytes`."""
        return self._fitting(lambda ring: ring.open_bytes(place, sealed))

    def _fitting(self, act: Callable[[Ring], T]) -> T:
        ring = self._ring()
        try:
            return act(ring)
        except WrongEncryptionKey:
            anew = self._anew(ring)
            if anew is None:
                raise
            return act(anew)

    def reseal(self) -> int:
        """Everything that the previous key sealed, sealed anew with the current one, in this unit; how many rows that were.

        WrongEncryptionKey, and nothing changed, where something is sealed with neither key.
        """
        tables = [table for table in Row.metadata.sorted_tables if sealed_columns(table)]
        count = sum(self._reseal_table(table) for table in tables)
        meta = Meta(self._connection)
        meta.set(_CHECK, self.ring.seal(Place("meta", _CHECK, meta.get("database_id") or ""), "cardctl"))
        return count

    def digest(self, table: str, column: str, text: str) -> str:
        """The keyed hash under which what is sealed from now on is found."""
        return self.ring.current.digest(table, column, text)

    def digests(self, table: str, column: str, text: str) -> list[str]:
        """See `Ring.digests`."""
        return self.ring.digests(table, column, text)

    def _reseal_table(self, table: Table) -> int:
        columns, last, count = sealed_columns(table), "", 0
        digests = [column for column in table.columns if "digest_of" in column.info]
        old = or_(*(_sealed_otherwise(column, self.ring.current.prefix) for column in columns))
        page = select(table.c.id, *columns).where(table.c.id > bindparam("last"), old).order_by(table.c.id).limit(_BATCH)
        anew: dict[str, Any] = {column.name: bindparam(f"new_{column.name}") for column in (*columns, *digests)}
        change = update(table).where(table.c.id == bindparam("row")).values(anew)
        while rows := self._connection.execute(page, {"last": last}).all():
            self._connection.execute(change, [self._anew_row(table, row, columns, digests) for row in rows])
            last, count = rows[-1][0], count + len(rows)
        return count

    def _anew_row(self, table: Table, row: Any, columns: list[Column[Any]], digests: list[Column[Any]]) -> dict[str, Any]:
        """What takes the place of a row's sealed texts, and of the hashes by which it is found."""
        id_, *sealed = row
        opened, changed = {}, {"row": id_}
        for column, kept in zip(columns, sealed, strict=True):
            place = Place(table.name, column.name, id_)
            opened[column.name], changed[f"new_{column.name}"] = self._again(place, kept)
        for column in digests:
            text = opened[column.info["digest_of"]]
            changed[f"new_{column.name}"] = None if text is None else self.digest(table.name, column.info["digest_of"], text)
        return changed

    def _again(self, place: Place, sealed: Any) -> tuple[Any, Any]:
        """What is in a sealed text or in sealed bytes, and the same sealed with the key in use; None is nothing."""
        if sealed is None:
            return None, None
        if isinstance(sealed, str):
            text = self.open(place, sealed)
            return text, self.seal(place, text)
        data = self.open_bytes(place, bytes(sealed))
        return data, self.seal_bytes(place, data)


def _proven(ring: Ring, place: Place, kept: str) -> Ring:
    ring.open(place, kept)
    ring.proven.add(kept)
    return ring


def _sealed_otherwise(column: Column[Any], prefix: str) -> ColumnElement[bool]:
    """Whether a sealed column was not sealed under the key of that prefix."""
    if isinstance(column.type, LargeBinary):
        return func.substr(column, 1, len(prefix)) != prefix.encode()
    return column.not_like(f"{prefix}%")


def _hkdf(secret: bytes, purpose: bytes) -> bytes:
    from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF  # noqa: PLC0415

    return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose).derive(secret)
