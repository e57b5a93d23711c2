"""What is asked of a person before it is done, on a real terminal; what happens without one; and what is shown only there."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

import pytest

from tests.commands.runner import Cardctl
from tests.commands.terminal import on_terminal


@pytest.fixture
def card(programme: dict[str, Any]) -> dict[str, Any]:
    one: dict[str, Any] = programme["cards"][0]
    return one


def far_side(cardctl: Cardctl, card: dict[str, Any]) -> tuple[str, str, str]:
    """Status, number and code of the card, as the bank has them."""
    with closing(sqlite3.connect(cardctl.simulator)) as database:
        found = database.execute("SELECT status, number, cvc FROM cards WHERE ref = ?", (card["ref"],)).fetchone()
    status, number, cvc = found
    return str(status), str(number), str(cvc)


def operations(cardctl: Cardctl) -> int:
    return len(cardctl("operation", "list", "-o", "json").data)


@pytest.mark.parametrize("verb", ["close", "replace"])
def test_the_right_answer_does_it(cardctl: Cardctl, card: dict[str, Any], verb: str) -> None:
    code, told, asked = on_terminal(cardctl, "card", verb, card["id"], typed=f"{card['last4']}\n")
    assert (code, far_side(cardctl, card)[0]) == (0, "canceled")
    assert f"Type {card['last4']} to go on:" in asked
    assert "closed" in told if verb == "close" else "replaced" in told
    assert far_side(cardctl, card)[1] not in told + asked


@pytest.mark.parametrize(("verb", "typed"), [("close", "\n"), ("close", "yes\n"), ("close", ""), ("replace", "0000x\n")])
def test_any_other_answer_does_not(cardctl: Cardctl, card: dict[str, Any], verb: str, typed: str) -> None:
    before = operations(cardctl)
    code, told, asked = on_terminal(cardctl, "card", verb, card["id"], typed=typed)
    assert (code, told, far_side(cardctl, card)[0], operations(cardctl)) == (6, "", "active", before)
    assert "Nothing was sent." in asked
    assert "hint: --yes" in asked


@pytest.mark.parametrize("verb", ["close", "replace"])
def test_without_a_terminal_it_is_refused_unless_said_beforehand(cardctl: Cardctl, card: dict[str, Any], verb: str) -> None:
    before = operations(cardctl)
    ran = cardctl("card", verb, card["id"], "-o", "json", stdin=f"{card['last4']}\n")
    assert (ran.code, ran.error) == (6, "CONSENT_MISSING")
    assert (far_side(cardctl, card)[0], operations(cardctl)) == ("active", before)
    assert cardctl("card", verb, card["id"], "--yes").code == 0
    assert far_side(cardctl, card)[0] == "canceled"


def test_what_is_closed_already_asks_nothing(cardctl: Cardctl, card: dict[str, Any]) -> None:
    cardctl("card", "close", card["id"], "--yes")
    ran = cardctl("card", "close", card["id"], "-o", "json")
    assert (ran.code, ran.warnings) == (0, ["ALREADY"])


def test_much_money_asks_for_the_amount(cardctl: Cardctl, card: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARDCTL_CONFIRM_OVER", "1000.00 USD")

    def balance() -> str:
        return str(cardctl("card", "show", card["id"], "-o", "json").data["balance"]["amount"])

    for verb in ("fund", "withdraw"):
        before = balance()
        ran = cardctl("card", verb, card["id"], "--amount", "1000.01", "-o", "json")
        assert (ran.code, ran.error, balance()) == (6, "CONSENT_MISSING", before)
    assert cardctl("card", "fund", card["id"], "--amount", "1000").code == 0, "not over it"
    assert cardctl("card", "withdraw", card["id"], "--amount", "1000.01", "--yes").code == 0
    code, _, asked = on_terminal(cardctl, "card", "fund", card["id"], "--amount", "2000", typed="2000.00\n")
    assert (code, "Type 2000.00 to go on:" in asked, balance()) == (0, True, "1001999.99")
    assert on_terminal(cardctl, "card", "fund", card["id"], "--amount", "2000", typed="2000\n")[0] == 6
    ran = cardctl("card", "issue", "--account", "acct_user1", "--fund", "5000", "-o", "json")
    assert (ran.code, ran.error) == (6, "CONSENT_MISSING")


def test_a_freeze_never_asks(cardctl: Cardctl, card: dict[str, Any]) -> None:
    assert cardctl("card", "freeze", card["id"]).code == 0
    assert cardctl("card", "unfreeze", card["id"]).code == 0


def test_a_reveal_shows_the_numbers_once_on_a_terminal(cardctl: Cardctl, card: dict[str, Any]) -> None:
    _, number, cvc = far_side(cardctl, card)
    words = ["card", "reveal", card["id"], "--reason", "phone support"]
    code, told, asked = on_terminal(cardctl, *words, typed=f"{card['last4']}\n")
    assert code == 0
    assert (told.count(number), told.count(f"cvc: {cvc}"), number in asked) == (1, 1, False)
    assert f"expires: {card['exp_month']:02d}/{card['exp_year'] % 100:02d}" in told
    entry = cardctl("audit", "list", "--action", "card.reveal", "-o", "json").data
    assert [(one["object"], one["reason"], one["actor"]) for one in entry] == [(card["id"], "phone support", "tester")]
    for file in cardctl.home.rglob("*"):
        if file.is_file() and not file.name.startswith("simulator.db"):
            assert number.encode() not in file.read_bytes(), file


@pytest.mark.parametrize("typed", ["\n", ""])
def test_a_reveal_needs_the_right_answer(cardctl: Cardctl, card: dict[str, Any], typed: str) -> None:
    code, told, asked = on_terminal(cardctl, "card", "reveal", card["id"], typed=typed)
    assert (code, told) == (6, "")
    assert far_side(cardctl, card)[1] not in asked
    assert cardctl("audit", "list", "--action", "card.reveal", "-o", "json").data == []


@pytest.mark.parametrize("output", ["table", "json", "ndjson", "csv"])
def test_a_reveal_refuses_a_pipe(cardctl: Cardctl, card: dict[str, Any], output: str) -> None:
    ran = cardctl("card", "reveal", card["id"], "--yes", "-o", output)
    assert ran.code == 6
    assert far_side(cardctl, card)[1] not in ran.stdout + ran.stderr
    assert cardctl("audit", "list", "--action", "card.reveal", "-o", "json").data == [], "refused before the look"


def test_a_reveal_refuses_json_on_a_terminal(cardctl: Cardctl, card: dict[str, Any]) -> None:
    code, told, _ = on_terminal(cardctl, "card", "reveal", card["id"], "--yes", "-o", "json")
    assert (code, far_side(cardctl, card)[1] in told) == (6, False)
    assert cardctl("card", "reveal", card["id"][:20], "--yes").code == 5, "and never by a prefix"
