"""Encryption at rest: nothing readable in the file, nothing opens elsewhere, a wrong key is told and harms nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from cardctl.db.sealed import EncryptionKeys, Place, Ring
from cardctl.db.unit import Books, Unit
from cardctl.domain.operations import Draft
from cardctl.errors import BooksCorrupt, SecretMissing, WrongEncryptionKey
from tests.db.builders import account, append, card, operation
from tests.db.conftest import Opener, keys_of
from tests.db.saved_builders import SELLER, payment, refund, saved_card, with_saved

PLACE = Place("cards", "raw", "card_1")
OLD, NEW, OTHER = "old-" * 10, "new-" * 10, "other-" * 10


def _fill(books: Books, number: int = 1) -> None:
    with books.write() as unit:
        unit.accounts.add(account(f"acct_{number:08d}"), raw={"email": "secret-mail"})
        one = card(f"card_{number:08d}", account_id=f"acct_{number:08d}")
        unit.cards.add(one, raw={"marker": "secret-raw"}, token="secret-token")
        draft = Draft("POST", "/v1/x", "card", {"name": "secret-draft"})
        unit.operations.add(operation(f"op_{number:08d}", arguments={"name": "secret-argument"}, draft=draft))


def _check(unit: Unit, number: int = 1) -> None:
    assert unit.accounts.raw(f"acct_{number:08d}") == {"email": "secret-mail"}
    assert unit.cards.raw(f"card_{number:08d}") == {"marker": "secret-raw"}
    assert unit.cards.token(f"card_{number:08d}") == "secret-token"
    kept = unit.operations.named(f"op_{number:08d}")
    assert kept.arguments == {"name": "secret-argument"}
    assert kept.draft == Draft("POST", "/v1/x", "card", {"name": "secret-draft"})


def _connection(unit: Unit) -> Connection:
    return unit.box._connection


def test_nothing_sealed_can_be_read_in_the_files(tmp_path: Path, opened: Opener) -> None:
    books = opened(tmp_path / "books.db")
    _fill(books)
    stored = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert b"Ada Lovelace" in stored  # the search itself works
    assert b"secret-" not in stored


def test_a_sealed_text_opens_only_where_it_stands() -> None:
    ring = Ring(keys_of())
    sealed = ring.seal(PLACE, "zoë")
    assert sealed.startswith(f"v1.{ring.current.id}.")
    assert ring.open(PLACE, sealed) == "zoë"
    assert ring.seal(PLACE, "zoë") != sealed
    for elsewhere in (Place("cards", "raw", "card_2"), Place("cards", "token", "card_1"), Place("accounts", "raw", "card_1")):
        with pytest.raises(BooksCorrupt):
            ring.open(elsewhere, sealed)


@pytest.mark.parametrize("at", [0, 4, 12, 16, 30, -1])
def test_a_changed_sealed_text_does_not_open(at: int) -> None:
    ring = Ring(keys_of())
    sealed = ring.seal(PLACE, "a secret of some length")
    at = at % len(sealed)
    changed = sealed[:at] + ("B" if sealed[at] != "B" else "C") + sealed[at + 1 :]
    with pytest.raises((BooksCorrupt, WrongEncryptionKey)):
        ring.open(PLACE, changed)
    for damaged in ("", "v1.", "v1.x.y", sealed[:-8], f"v1.{ring.current.id}.%%%"):
        with pytest.raises((BooksCorrupt, WrongEncryptionKey)):
            ring.open(PLACE, damaged)


def test_keyed_hashes_find_by_either_key_and_by_nothing_else() -> None:
    old, both, new = (Ring(keys) for keys in (keys_of(OLD), keys_of(NEW, OLD), keys_of(NEW)))
    assert both.digests("t", "c", "x") == [*new.digests("t", "c", "x"), *old.digests("t", "c", "x")]
    assert len({old.digests("t", "c", "x")[0], old.digests("t", "d", "x")[0], old.digests("t", "c", "y")[0]}) == 3


def test_a_short_key_is_refused() -> None:
    with pytest.raises(WrongEncryptionKey, match="shorter"):
        Ring(keys_of("k" * 31 + "\n"))


def test_a_wrong_key_is_told_before_anything_is_written(target: str, opened: Opener) -> None:
    _fill(opened(target, keys=keys_of(OLD)))
    wrong = opened(target, keys=keys_of(NEW))
    with pytest.raises(WrongEncryptionKey), wrong.read() as unit:
        unit.cards.raw("card_00000001")

    def write() -> None:
        with wrong.write() as unit:
            append(unit)
            unit.operations.add(operation("op_00000002"))

    with pytest.raises(WrongEncryptionKey):
        write()
    with wrong.read() as unit:  # lists need no key
        assert len(list(unit.cards.rows())) == len(list(unit.operations.rows())) == 1
        assert unit.audit.head().seq == 0
    with opened(target, keys=keys_of(OLD)).read() as unit:
        _check(unit)


def test_a_missing_key_is_asked_for_only_when_it_is_needed(target: str) -> None:
    def missing() -> object:
        raise SecretMissing("no db.encryption_key")

    books = Books(target, environment="simulator", keys=missing)  # type: ignore[arg-type]
    with books.write() as unit:
        append(unit)
        assert list(unit.cards.rows()) == []
        assert unit.operations.open_for("card_1") == []
    with pytest.raises(SecretMissing), books.write() as unit:
        unit.accounts.add(account(), raw={})
    books.close()


def test_a_key_that_was_never_committed_binds_nobody(target: str, opened: Opener) -> None:
    first = opened(target, keys=keys_of(OLD))

    def interrupted() -> None:
        with first.write() as unit:
            unit.accounts.add(account(), raw={})
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    _fill(opened(target, keys=keys_of(NEW)))
    with pytest.raises(WrongEncryptionKey), first.write() as unit:
        unit.accounts.add(account("acct_00000002"), raw={})


def test_rotation(target: str, opened: Opener) -> None:
    _fill(opened(target, keys=keys_of(OLD)), 1)
    both = opened(target, keys=keys_of(NEW, OLD))
    _fill(both, 2)  # sealed with the new key already
    with both.write() as unit:
        assert unit.box.reseal() == 3
        assert unit.box.reseal() == 0
        _check(unit, 1)
    with opened(target, keys=keys_of(NEW)).read() as unit:
        _check(unit, 1)
        _check(unit, 2)
    with pytest.raises(WrongEncryptionKey), opened(target, keys=keys_of(OLD)).read() as unit:
        unit.cards.raw("card_00000001")


class Changing:
    """Keys that are changed while books are open, as another process's rotation does."""

    def __init__(self, target: str) -> None:
        self.keys = keys_of(OLD)
        self.asked = 0
        self.books = Books(target, environment="simulator", keys=self._told)

    def _told(self) -> EncryptionKeys:
        self.asked += 1
        return self.keys


@pytest.fixture
def changing(target: str) -> Iterator[Changing]:
    made = Changing(target)
    yield made
    made.books.close()


def test_who_has_the_books_open_goes_on_after_a_rotation(target: str, changing: Changing, opened: Opener) -> None:
    """A receiver runs for months: it reads and writes before, while and after another process seals everything anew."""
    _fill(changing.books, 1)
    with_saved(changing.books)
    with changing.books.read() as unit:
        _check(unit, 1)
    assert changing.asked == 1
    changing.keys = keys_of(NEW, OLD)  # kept, and nothing sealed anew yet
    _fill(changing.books, 2)
    with changing.books.read() as before, opened(target, keys=keys_of(NEW, OLD)).write() as unit:
        _check(before, 1)
        assert unit.box.reseal() == 7
        _check(before, 2)
        assert before.saved_cards.by_ref(SELLER, str(saved_card().ref)) == saved_card()
    changing.keys = keys_of(NEW)
    _fill(changing.books, 3)
    with changing.books.read() as unit:
        for number in (1, 2, 3):
            _check(unit, number)
        assert unit.saved_cards.by_ref(SELLER, str(saved_card().ref)) == saved_card()
        assert unit.saved_cards.of_customers(SELLER, [str(saved_card().customer_ref)])
        assert unit.saved_cards.find(str(saved_card().ref)) == [saved_card()]
    assert changing.asked == 2
    with opened(target, keys=keys_of(NEW)).read() as unit:
        _check(unit, 3)


def test_a_snapshot_from_before_a_rotation_is_read_to_its_end_although_the_keys_were_changed_meanwhile(
    target: str, changing: Changing, opened: Opener
) -> None:
    _fill(changing.books, 1)
    with changing.books.read() as before:
        assert before.cards.count() == 1  # the snapshot begins
        with opened(target, keys=keys_of(NEW, OLD)).write() as unit:
            unit.box.reseal()
        changing.keys = keys_of(NEW)
        with changing.books.read() as after:  # another thread's unit
            _check(after, 1)
        _check(before, 1)


def test_keys_that_nobody_changed_are_asked_for_no_more_than_once_a_time(changing: Changing, target: str) -> None:
    _fill(changing.books, 1)
    changing.books.close()
    wrong = Changing(target)
    wrong.keys = keys_of(OTHER)
    for times in (1, 2):
        with pytest.raises(WrongEncryptionKey), wrong.books.read() as unit:
            unit.cards.raw("card_00000001")
        assert wrong.asked == times + 1
    wrong.books.close()


def test_saved_cards_are_found_throughout_a_rotation(target: str, opened: Opener) -> None:
    """By either key's hash while both are at hand; and every hash is the new key's afterwards."""
    customers = [str(saved_card(person).customer_ref) for person in ("old", "new")]
    old, both, new = (opened(target, keys=keys) for keys in (keys_of(OLD), keys_of(NEW, OLD), keys_of(NEW)))
    with_saved(old, saved_card("old"))
    with old.write() as unit:
        unit.payments.put(payment(saved_card_id=saved_card("old").id), raw={"id": "p"})
        unit.payments.put_refund(refund(), raw={"id": "r"})
    with_saved(both, saved_card("new"))
    with both.write() as unit:
        assert {card.customer_ref for card in unit.saved_cards.of_customers(SELLER, customers)} == set(customers)
        unit.saved_cards.put(
            saved_card("old", version=9)
        )  # looked up by the old hash, kept under the new one; its raw JSON is old
        assert {card.customer_ref for card in unit.saved_cards.of_customers(SELLER, customers)} == set(customers)
        assert unit.box.reseal() == 3
        assert unit.box.reseal() == 0
    with new.read() as unit:
        assert {card.customer_ref for card in unit.saved_cards.of_customers(SELLER, customers)} == set(customers)
        assert unit.saved_cards.named(saved_card("old").id) == saved_card("old", version=9)
    assert not _digests_not_of(new)


def test_a_rotation_leaves_no_hash_behind(target: str, opened: Opener) -> None:
    with_saved(opened(target, keys=keys_of(OLD)), *(saved_card(f"p{number}") for number in range(1_100)))
    with opened(target, keys=keys_of(NEW, OLD)).write() as unit:
        assert unit.box.reseal() == 1_100
    assert not _digests_not_of(opened(target, keys=keys_of(NEW)))


def _digests_not_of(books: Books) -> list[str]:
    """Saved cards whose hash is not the one that the books' own key makes."""
    with books.read() as unit:
        stored = {
            row.id: row for row in _connection(unit).execute(text("SELECT id, ref_digest, customer_digest FROM saved_cards"))
        }
        return [
            card.id
            for card in unit.saved_cards.rows()
            if (stored[card.id].ref_digest, stored[card.id].customer_digest)
            != (
                unit.box.digest("saved_cards", "ref", str(card.ref)),
                unit.box.digest("saved_cards", "customer_ref", str(card.customer_ref)),
            )
        ]


def test_a_rotation_goes_through_many_rows(tmp_path: Path, opened: Opener) -> None:
    old = opened(tmp_path / "books.db", keys=keys_of(OLD))
    with old.write() as unit:
        for number in range(1201):
            unit.accounts.add(account(f"acct_{number:08d}"), raw={"n": number})
    with opened(tmp_path / "books.db", keys=keys_of(NEW, OLD)).write() as unit:
        assert unit.box.reseal() == 1201
    with opened(tmp_path / "books.db", keys=keys_of(NEW)).read() as unit:
        assert [unit.accounts.raw(f"acct_{number:08d}")["n"] for number in range(1201)] == list(range(1201))


def test_a_rotation_that_meets_a_third_key_changes_nothing(target: str, opened: Opener) -> None:
    _fill(opened(target, keys=keys_of(OLD)), 1)
    stray = Ring(keys_of(OTHER)).seal(Place("operations", "draft", "op_00000001"), "{}")
    both = opened(target, keys=keys_of(NEW, OLD))
    with both.write() as unit:
        _connection(unit).execute(text("UPDATE operations SET draft = :stray"), {"stray": stray})
    with pytest.raises(WrongEncryptionKey), both.write() as unit:
        unit.box.reseal()
    with opened(target, keys=keys_of(OLD)).read() as unit:
        assert unit.cards.raw("card_00000001") == {"marker": "secret-raw"}


def test_what_was_tampered_with_is_told(target: str, opened: Opener) -> None:
    books = opened(target)
    _fill(books, 1)
    _fill(books, 2)
    with books.write() as unit:
        query = "UPDATE cards SET raw = (SELECT c.raw FROM cards c WHERE c.id = 'card_00000002') WHERE id = 'card_00000001'"
        _connection(unit).execute(text(query))
    with pytest.raises(BooksCorrupt, match="card_00000001"), books.read() as unit:
        unit.cards.raw("card_00000001")
