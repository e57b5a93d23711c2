"""Encryption at rest and keyed hashes; the keys are handed in. Which columns are sealed is said in tables.py.

A sealed text is `v1.<key id>.<base64 of nonce and ciphertext>`, AES-256-GCM, bound to its table, column and row, so that
it opens nowhere else. Subkeys come from the given key by HKDF-SHA256.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from sqlalchemy import Connection, Table, or_, select, update

from cardctl.db.meta import Meta
from cardctl.db.selecting import sealed_columns
from cardctl.db.tables import Row
from cardctl.domain.redaction import Secret
from cardctl.entropy import random_bytes
from cardctl.errors import BooksCorrupt, WrongEncryptionKey

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
        self._cipher = AESGCM(_hkdf(text.encode(), b"cardctl seal"))
        self._hash_key = _hkdf(text.encode(), b"cardctl lookup")

    def seal(self, place: Place, data: bytes) -> str:
        nonce = random_bytes(12)
        sealed = nonce + self._cipher.encrypt(nonce, data, place.bound)
        return f"v1.{self.id}.{urlsafe_b64encode(sealed).decode()}"

    def open(self, place: Place, body: str) -> bytes:
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415

        try:
            sealed = urlsafe_b64decode(body)
            return self._cipher.decrypt(sealed[:12], sealed[12:], place.bound)
        except (InvalidTag, ValueError) as error:
            raise BooksCorrupt(f"what is sealed in {place.table}.{place.column} of {place.row} was changed") from error

    def digest(self, table: str, column: str, text: str) -> str:
        return hmac.digest(self._hash_key, "\x1f".join((table, column, text)).encode(), "sha256").hex()


class Ring:
    """The keys at hand, pure cryptography: no database."""

    def __init__(self, keys: EncryptionKeys) -> None:
        self.proven: set[str] = set()
        """Check values of books that a key at hand has opened; one that was sealed anew is another text."""
        self.current = _Key(keys.current)
        self._keys = {self.current.id: self.current}
        if keys.previous is not None:
            previous = _Key(keys.previous)
            self._keys.setdefault(previous.id, previous)

    def seal(self, place: Place, text: str | bytes) -> str:
        """The sealed form of a text, or of bytes that may be none, under the current key."""
        return self.current.seal(place, text.encode() if isinstance(text, str) else text)

    def open(self, place: Place, sealed: str) -> str:
        """The text; as `open_bytes`."""
        data = self.open_bytes(place, sealed)
        try:
            return data.decode()
        except UnicodeDecodeError as error:
            raise BooksCorrupt(f"what is sealed in {place.table}.{place.column} of {place.row} is no text") from error

    def open_bytes(self, place: Place, sealed: str) -> bytes:
        """What was sealed; WrongEncryptionKey where no key at hand sealed it, BooksCorrupt where it was changed or moved."""
        version, _, rest = sealed.partition(".")
        key_id, _, body = rest.partition(".")
        if version != "v1":
            raise BooksCorrupt(f"{place.table}.{place.column} of {place.row} is not sealed as it should be")
        if key_id not in self._keys:
            raise WrongEncryptionKey(f"these books are sealed with another key ({key_id}, given: {', '.join(self._keys)})")
        return self._keys[key_id].open(place, body)

    def digests(self, table: str, column: str, text: str) -> list[str]:
        """Keyed hashes of a text by which its row is found, the current key's first; hex, HMAC-SHA256."""
        return [key.digest(table, column, text) for key in self._keys.values()]


class Box:
    """The ring over one transaction. It is held against a check value in the books before anything is sealed; what is opened
    proves its key by itself."""

    def __init__(self, connection: Connection, ring: Callable[[], Ring], *, writable: bool) -> None:
        self._connection = connection
        self._ring = ring
        self._writable = writable

    @cached_property
    def ring(self) -> Ring:
        """The keys, proven to be these books' own; WrongEncryptionKey otherwise."""
        ring, meta = self._ring(), Meta(self._connection)
        kept = meta.get(_CHECK)
        if kept is not None and kept in ring.proven:
            return ring
        place = Place("meta", _CHECK, meta.get("database_id") or "")
        if kept is not None:
            ring.open(place, kept)
            ring.proven.add(kept)
        elif self._writable:
            meta.set(_CHECK, ring.seal(place, "cardctl"))
        return ring

    def seal(self, place: Place, text: str | bytes) -> str:
        """See `Ring.seal`."""
        return self.ring.seal(place, text)

    def open(self, place: Place, sealed: str) -> str:
        """See `Ring.open`."""
        return self._ring().open(place, sealed)

    def open_bytes(self, place: Place, sealed: str) -> bytes:
        """See `Ring.open_bytes`."""
        return self._ring().open_bytes(place, sealed)

    def reseal(self) -> int:
        """Everything that the previous key sealed, sealed anew with the current one, in this unit; how many rows that were.

        WrongEncryptionKey, and nothing changed, where something is sealed with neither key.
        """
        tables = [table for table in Row.metadata.sorted_tables if sealed_columns(table)]
        count = sum(self._reseal_table(table) for table in tables)
        meta = Meta(self._connection)
        meta.set(_CHECK, self.ring.seal(Place("meta", _CHECK, meta.get("database_id") or ""), "cardctl"))
        return count

    def _reseal_table(self, table: Table) -> int:
        columns, last, count = sealed_columns(table), "", 0
        old = or_(*(column.not_like(f"v1.{self.ring.current.id}.%") for column in columns))
        while rows := self._connection.execute(
            select(table.c.id, *columns).where(table.c.id > last, old).order_by(table.c.id).limit(_BATCH)
        ).all():
            for id_, *texts in rows:
                places = [Place(table.name, column.name, id_) for column in columns]
                anew = {
                    place.column: self.seal(place, self.open_bytes(place, text))
                    for place, text in zip(places, texts, strict=True)
                    if text is not None
                }
                self._connection.execute(update(table).where(table.c.id == id_).values(anew))
            last, count = rows[-1][0], count + len(rows)
        return count


def _hkdf(secret: bytes, purpose: bytes) -> bytes:
    from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF  # noqa: PLC0415

    return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose).derive(secret)
