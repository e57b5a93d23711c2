"""-v tells every request on stderr, --debug every line of the log; stdout stays as it is, and the log has them all."""

from __future__ import annotations

import json
from pathlib import Path

from tests.commands.runner import Cardctl


def _log(home: Path) -> list[dict[str, object]]:
    (file,) = home.rglob("cardctl.log")
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def test_verbose_tells_each_request(cardctl: Cardctl) -> None:
    cardctl("provision", "--dev")
    quiet = cardctl("provider", "balance", "-o", "json")
    told = cardctl("provider", "balance", "-o", "json", "-v")
    assert told.stdout == quiet.stdout
    assert "GET /v1/balance: 200" in told.stderr
    assert "GET /v1/balance" not in quiet.stderr


def test_verbosity_does_not_stay(cardctl: Cardctl) -> None:
    cardctl("provider", "balance", "--debug")
    assert "/v1/balance" not in cardctl("provider", "balance").stderr


def test_debug_tells_what_the_log_gets(cardctl: Cardctl, home: Path) -> None:
    cardctl("provision", "--dev")
    card = cardctl("card", "list", "-o", "json").json["data"][0]["id"]
    told = cardctl("card", "freeze", card, "--debug")
    assert told.code == 0
    assert "card_lifecycle card.freeze operation=op_" in told.stderr
    assert "provider_call attempt provider=stripe method=POST" in told.stderr
    frozen = [line for line in _log(home) if line["event_type"] == "card.freeze"]
    assert [(line["level"], line["category"], line["card_id"]) for line in frozen] == [("INFO", "card_lifecycle", card)]
    assert all(line["timestamp"] and line["correlation_id"] for line in _log(home))


def test_other_books_by_flag(cardctl: Cardctl, tmp_path: Path) -> None:
    cardctl("provision", "--dev")
    books = tmp_path / "other" / "books.db"
    assert cardctl("card", "list", "--db", str(books), "-o", "json").data == []
    assert books.exists()
    assert len(cardctl("card", "list", "-o", "json").data) == 3
    refused = cardctl("card", "list", "--db", "mysql://host/name", "-o", "json")
    assert (refused.code, refused.error) == (2, "INVALID_CONFIG")
