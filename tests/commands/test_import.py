"""`cardctl import cards|events`: a Laravel system's cards and webhook history, as it exported them."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from tests.commands.runner import Cardctl

CARDS = "card_id,user_id,balance,status,currency,expiry,last4\n"
EVENTS = "event_id,card_id,event_type,payload,signature_valid,inserted_at\n"
NUMBER = "4242424242424242"


@pytest.fixture
def cardctl(cardctl: Cardctl, monkeypatch: pytest.MonkeyPatch) -> Cardctl:
    monkeypatch.setenv("CARDCTL_PROFILE", "dev")
    return cardctl


@pytest.fixture
def there(cardctl: Cardctl) -> list[dict[str, Any]]:
    """Three cards that the provider has and our books do not: they are a new system's."""
    made = cardctl("provision", "--dev", "--provider", "strowallet", "-o", "json").data
    for file in cardctl.books.parent.glob("dev.db*"):
        file.unlink()
    cards: list[dict[str, Any]] = made["cards"]
    return cards


def written(path: Path, text: str, encoding: str = "utf-8") -> str:
    path.write_bytes(text.encode(encoding))
    return str(path)


def exported(cards: list[dict[str, Any]], **changed: str) -> str:
    """As Laravel had them; balances are behind the times."""
    rows = [
        f"{card['ref']},user-{index},1.50,{changed.get('status', 'active')},USD,"
        f"{card['exp_month']:02}/{card['exp_year'] % 100:02},{card['last4']}"
        for index, card in enumerate(cards)
    ]
    return CARDS + "\n".join(rows) + "\n"


def done(cardctl: Cardctl, *argv: str, code: int = 0, stdin: str = "") -> dict[str, Any]:
    ran = cardctl("import", *argv, "-o", "json", stdin=stdin)
    assert (ran.code, ran.stderr) == (code, ""), ran.stdout
    data: dict[str, Any] = ran.data
    return data


def listed(cardctl: Cardctl, noun: str, *argv: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = cardctl(noun, "list", *argv, "-o", "json").data
    return found


class TestCards:
    def test_they_are_in_the_books_as_their_provider_has_them(
        self, cardctl: Cardctl, there: list[dict[str, Any]], tmp_path: Path
    ) -> None:
        file = written(tmp_path / "cards.csv", exported(there))
        assert done(cardctl, "cards", file) == {
            "dry_run": False, "rows": 3, "new": 3, "known": 0, "accounts": 3, "bad_rows": 0, "bad": [], "read": 3, "unread": 0,
            "missing_there": [],
        }  # fmt: skip
        cards = {card["ref"]: card for card in listed(cardctl, "card")}
        assert {ref: card["balance"] for ref, card in cards.items()} == {card["ref"]: card["balance"] for card in there}
        assert {card["last4"] for card in cards.values()} == {card["last4"] for card in there}
        accounts = {account["id"]: account for account in listed(cardctl, "account")}
        assert len(accounts) == 3  # the provider's customers are the file's users, not three more
        first = accounts[cards[there[0]["ref"]]["account_id"]]
        assert first["external_id"] == "user-0"
        assert first["ref"]
        actions = [entry["action"] for entry in cardctl("audit", "list", "-o", "json").data]
        assert actions.count("card.import") == actions.count("account.import") == 3
        assert cardctl("audit", "verify").code == 0

    def test_again_nothing_is_new_and_nothing_is_overwritten(
        self, cardctl: Cardctl, there: list[dict[str, Any]], tmp_path: Path
    ) -> None:
        done(cardctl, "cards", written(tmp_path / "cards.csv", exported(there)))
        before = listed(cardctl, "card"), listed(cardctl, "account")
        told = done(cardctl, "cards", written(tmp_path / "later.csv", exported(there, status="terminated")))
        assert (told["new"], told["known"], told["read"]) == (0, 3, 0)
        assert (listed(cardctl, "card"), listed(cardctl, "account")) == before

    def test_without_reading_the_file_is_believed_until_it_is_read(
        self, cardctl: Cardctl, there: list[dict[str, Any]], tmp_path: Path
    ) -> None:
        file = written(tmp_path / "cards.csv", exported(there, status="frozen"))
        assert done(cardctl, "cards", file, "--no-read")["read"] == 0
        assert {(card["state"], card["balance"]["minor"]) for card in listed(cardctl, "card")} == {("frozen", 150)}
        assert done(cardctl, "cards", file)["read"] == 3
        assert {card["state"] for card in listed(cardctl, "card")} == {"active"}

    def test_a_card_that_the_provider_does_not_have_is_said_and_stays(self, cardctl: Cardctl, tmp_path: Path) -> None:
        file = written(tmp_path / "cards.csv", CARDS + "gone-1,7,12.30,active,USD,09/27,0042\n")
        ran = cardctl("import", "cards", file, "-o", "json")
        (card,) = listed(cardctl, "card")
        assert (ran.code, ran.data["missing_there"], ran.warnings) == (0, [card["id"]], ["MISSING_THERE"])
        assert (card["state"], card["balance"]["amount"], card["last4"], card["exp_month"], card["exp_year"]) == (
            "active", "12.30", "0042", 9, 2027,
        )  # fmt: skip

    def test_the_provider_s_words_and_no_others(self, cardctl: Cardctl, tmp_path: Path) -> None:
        words = {"active": "active", "Frozen": "frozen", "terminated": "closed", "pending": "pending", "wobbly": "unknown"}
        rows = "".join(f"c{index},u,1,{word},USD,1/2030,1111\n" for index, word in enumerate(words))
        done(cardctl, "cards", written(tmp_path / "cards.csv", CARDS + rows), "--no-read")
        assert {card["ref"]: card["state"] for card in listed(cardctl, "card")} == {
            f"c{index}": state for index, state in enumerate(words.values())
        }
        assert len(listed(cardctl, "account")) == 1

    def test_bad_rows_are_told_by_line_and_column_and_the_rest_is_taken(self, cardctl: Cardctl, tmp_path: Path) -> None:
        rows = {
            "good,u1,12.5,active,USD,09/27,0042": None,
            "c1,u1,12.345,active,USD,09/27,0042": "balance",
            "c2,u1,-1,active,USD,09/27,0042": "balance",
            "c3,u1,,active,USD,09/27,0042": "balance",
            "c4,u1,1,active,XXX,09/27,0042": "currency",
            "c5,u1,1,active,USD,13/27,0042": "expiry",
            "c6,u1,1,active,USD,2027-09,0042": "expiry",
            "c7,u1,1,active,USD,09/27,42": "last4",
            "c8,u1,1,active,USD,09/27,": "last4",
            "c9,,1,active,USD,09/27,0042": "user_id",
            ",u1,1,active,USD,09/27,0042": "card_id",
            "good,u1,1,active,USD,09/27,0042": "card_id",
            "c10,u1,1,,USD,09/27,0042": "status",
            f"c11,{NUMBER},1,active,USD,09/27,0042": "user_id",
            "c12,u1,1,active": None,
        }
        file = written(tmp_path / "cards.csv", CARDS + "\n".join(rows) + "\n")
        rehearsed = done(cardctl, "cards", file, "--dry-run", code=10)
        assert not listed(cardctl, "card")
        assert [(one["line"], one["card_id"], one["user_id"]) for one in rehearsed["first"]] == [(2, "good", "u1")]
        told = done(cardctl, "cards", file, "--no-read", code=10)
        assert told["bad"] == rehearsed["bad"]
        assert [(one["line"], one["column"]) for one in told["bad"]] == [
            (line, column) for line, column in enumerate(rows.values(), 2) if line != 2
        ]
        assert (told["rows"], told["new"], told["bad_rows"]) == (15, 1, 14)
        shown = cardctl("import", "cards", file, "--no-read")
        assert NUMBER not in shown.stdout + shown.stderr + json.dumps(told)
        assert shown.lines[0] == "15 rows: 0 cards new with 0 new accounts, 1 already here, 14 bad"

    def test_a_number_in_a_column_that_nobody_asked_for(self, cardctl: Cardctl, tmp_path: Path) -> None:
        text = f"{CARDS.strip()},pan\nc1,u1,1,active,USD,09/27,4242,4242 4242 4242 4242\nc2,u1,1,active,USD,09/27,4242,none\n"
        told = done(cardctl, "cards", written(tmp_path / "cards.csv", text), "--no-read", code=10)
        assert (told["new"], told["bad"][0]["line"], told["bad"][0]["column"]) == (1, 2, None)

    def test_when_nothing_is_good(self, cardctl: Cardctl, tmp_path: Path) -> None:
        for text in (CARDS + "c1,u1,x,active,USD,09/27,0042\n", "identifier,user_id\nc1,u1\n", ""):
            ran = cardctl("import", "cards", written(tmp_path / "cards.csv", text), "-o", "json")
            assert (ran.code, ran.error) == (2, "INVALID_FILE")
        assert done(cardctl, "cards", written(tmp_path / "none.csv", CARDS))["rows"] == 0
        assert cardctl("import", "cards", str(tmp_path / "gone.csv")).code == 5

    def test_columns_by_other_names_and_another_currency(self, cardctl: Cardctl, tmp_path: Path) -> None:
        text = "\ufeffIdentifiant;solde;user_id;status;expiry;last4\r\nc1;7;u1;active;09/27;0042\r\n"
        argv = ("cards", written(tmp_path / "cards.csv", text), "--no-read", "--currency", "JPY")
        assert cardctl("import", *argv).code == 2
        maps = ("--map", "identifiant=card_id", "--map", "solde=balance")
        assert done(cardctl, *argv, *maps)["new"] == 1
        assert listed(cardctl, "card")[0]["balance"] == {"minor": 7, "currency": "JPY", "amount": "7"}
        for bad in ("nonsense", "solde=balnce", "missing=card_id"):
            assert cardctl("import", *argv, "--map", bad).code == 2


class TestEvents:
    def test_history_is_kept_and_neither_believed_nor_applied(self, cardctl: Cardctl, tmp_path: Path) -> None:
        payload = {"event": "virtualcard.transaction.authorization", "id": "t1", "amount": 5}
        out = io.StringIO()
        csv.writer(out).writerow(["e1", "c1", "transaction.posted", json.dumps(payload, indent=1), "1", "2024-05-01 10:00:00"])
        file = written(tmp_path / "events.csv", EVENTS + out.getvalue())
        first = done(cardctl, "events", file)
        assert first == {"dry_run": False, "rows": 1, "new": 1, "known": 0, "dropped": 0, "bad_rows": 0, "bad": []}
        (one,) = listed(cardctl, "webhook")
        assert (one["event_id"], one["type"], one["card_ref"], one["received_at"]) == (
            "e1", "transaction.posted", "c1", "2024-05-01T10:00:00.000000Z",
        )  # fmt: skip
        assert (one["signature"], one["source"], one["state"], one["error"]) == (
            "absent", "imported", "ignored", "imported history, not applied",
        )  # fmt: skip
        assert cardctl("webhook", "show", "e1", "--raw", "-o", "json").data["body"] == json.dumps(payload, indent=1)
        again = done(cardctl, "events", file)
        assert (again["new"], again["known"]) == (0, 1)
        assert len(listed(cardctl, "webhook")) == 1
        assert listed(cardctl, "transaction") == []

    def test_what_a_stranger_kept_of_cards_is_taken_out(self, cardctl: Cardctl, tmp_path: Path) -> None:
        rows = io.StringIO()
        told = {"note": f"card {NUMBER}", "cvv": "123", "card_number": NUMBER, "plain": int(NUMBER), "amount": 1.10}
        csv.writer(rows).writerow(["e1", "c1", "card.created", json.dumps(told), "1", "2024-05-01 10:00:00"])
        code = json.dumps({"event": "otp.code", "authorizationCode": "918273"})
        csv.writer(rows).writerow(["e2", "c1", "otp.code", code, "1", "2024-05-01 10:00:00"])
        done_so = done(cardctl, "events", written(tmp_path / "events.csv", EVENTS + rows.getvalue()))
        assert (done_so["new"], done_so["dropped"]) == (2, 1)
        kept = json.loads(cardctl("webhook", "show", "e1", "--raw", "-o", "json").data["body"])
        masked = "**** **** **** 4242"
        assert kept == {"note": f"card {masked}", "plain": masked, "amount": 1.1}
        assert cardctl("webhook", "show", "e2", "--raw", "-o", "json").data["body"] is None

    def test_bad_rows_and_rows_without_an_id(self, cardctl: Cardctl, tmp_path: Path) -> None:
        rows = [
            ',c1,card.funded,"{""a"":1}",1,2024-05-01T10:00:00+02:00',
            ',c1,card.funded,"{""a"":1}",1,2024-05-01T10:00:00+02:00',
            'e2,c1,card.funded,"{""a"":',
            '2}",1,2024-05-01',
            "e3,c1,card.funded,{torn,1,2024-05-01",
            "e4,c1,,{},1,2024-05-01",
            "e5,c1,card.funded,{},1,yesterday",
            f"{NUMBER},c1,card.funded,{{}},1,2024-05-01",
            "e7,c1",
        ]
        file = written(tmp_path / "events.csv", (EVENTS + "\n".join(rows) + "\n").replace("\n", "\r\n"))
        rehearsed = done(cardctl, "events", file, "--dry-run", code=10)
        assert not listed(cardctl, "webhook")
        told = done(cardctl, "events", file, code=10)
        assert told == rehearsed | {"dry_run": False}
        assert (told["rows"], told["new"], told["known"]) == (8, 2, 1)
        assert [(one["line"], one["column"]) for one in told["bad"]] == [
            (6, "payload"), (7, "event_type"), (8, "inserted_at"), (9, "event_id"), (10, None),
        ]  # fmt: skip
        assert {one["received_at"] for one in listed(cardctl, "webhook")} == {
            "2024-05-01T08:00:00.000000Z", "2024-05-01T00:00:00.000000Z",
        }  # fmt: skip

    def test_another_encoding_is_told_by_line(self, cardctl: Cardctl, tmp_path: Path) -> None:
        text = EVENTS + "e1,c1,card.créée,{},1,2024-05-01\ne2,c1,card.created,{},1,2024-05-01\n"
        told = done(cardctl, "events", written(tmp_path / "events.csv", text, "latin-1"), code=10)
        assert told["bad"] == [{"line": 2, "column": "event_type", "message": "it is not UTF-8"}]
        assert told["new"] == 1

    def test_from_standard_input_with_a_map(self, cardctl: Cardctl) -> None:
        text = EVENTS.replace("inserted_at", "created_at") + "e1,c1,card.created,{},0,2024-05-01\n"
        missing = cardctl("import", "events", "-", "-o", "json", stdin=text)
        assert (missing.code, missing.error) == (2, "INVALID_FILE")
        assert "inserted_at" in missing.json["message"]
        assert done(cardctl, "events", "-", "--map", "created_at=inserted_at", stdin=text)["new"] == 1
        assert cardctl("import", "events", "-", "--provider", "square", stdin=text).code == 2

    def test_proof_that_comes_later_is_taken(self, cardctl: Cardctl, monkeypatch: pytest.MonkeyPatch) -> None:
        """The same notification, delivered with its secret, takes the place of what the file told of it."""
        monkeypatch.setenv("CARDCTL_STROWALLET_WEBHOOK_SECRET", "a-secret-in-the-address")
        body = {"event": "virtualcard.created.complete", "id": "x1", "reference": "r1"}
        text = EVENTS + "virtualcard.created.complete/x1/r1,c1,virtualcard.created.complete,{},1,2024-05-01\n"
        assert done(cardctl, "events", "-", stdin=text)["new"] == 1
        line = {"provider": "strowallet", "body": json.dumps(body), "query": "secret=nobody-knows-it"}
        ingest = ("webhook", "ingest", "-", "--no-apply", "-o", "json")
        assert cardctl(*ingest, stdin=json.dumps(line)).code == 3
        assert cardctl(*ingest, stdin=json.dumps(line | {"query": ""})).data["duplicates"] == 1
        genuine = line | {"query": "secret=a-secret-in-the-address"}
        assert cardctl(*ingest, stdin=json.dumps(genuine)).data["proven"] == 1
        (one,) = listed(cardctl, "webhook")
        assert (one["signature"], one["source"], one["state"], one["error"]) == ("valid", "ingested", "received", None)
