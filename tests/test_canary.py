"""A tour of every command in one home; afterwards no number, no code and no secret of it lies anywhere but at the bank."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from cardctl.errors import ExitCode
from cardctl.providers.stripe_issuing import client
from tests import canary
from tests.commands.runner import Cardctl
from tests.commands.terminal import on_terminal

SECRETS = {
    "CARDCTL_STRIPE_API_KEY": "sk_test_Canary0000111122223333",
    "CARDCTL_STRIPE_WEBHOOK_SECRET": "whsec_Canary0000111122223333",
    "CARDCTL_DB_ENCRYPTION_KEY": "canary-key-canary-key-canary-key-canary",
    "CARDCTL_DB_URL": "postgresql://canary:canary-password@nowhere/cards",
}
PAN = "4242 4242 4242 4242"


@pytest.fixture
def cardctl(home: Path, monkeypatch: pytest.MonkeyPatch) -> Cardctl:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    return Cardctl(home)


def numbers_and_codes(cardctl: Cardctl) -> list[tuple[str, str]]:
    """Every number and its code that the bank has given out."""
    with closing(sqlite3.connect(cardctl.simulator)) as database:
        return [(str(number), str(cvc)) for number, cvc in database.execute("SELECT number, cvc FROM cards")]


def activation_codes(cardctl: Cardctl) -> list[str]:
    """Every one that the supplier has given out."""
    with closing(sqlite3.connect(cardctl.simulator)) as database:
        query = "SELECT activationCode FROM zendit_purchases WHERE activationCode IS NOT NULL"
        return [str(code) for (code,) in database.execute(query)]


def places(cardctl: Cardctl, needles: list[str]) -> Iterator[str]:
    """Where any of the needles stands below the home, outside the bank's own files."""
    for file in cardctl.home.rglob("*"):
        if file.is_file() and not file.name.startswith(canary.FAR_SIDE):
            data = file.read_bytes()
            yield from (f"{file}: {needle}" for needle in needles if needle.encode() in data)


def tour(cardctl: Cardctl, out: Path) -> tuple[list[str], str]:
    """Every noun and verb, well and badly; all that was said, and what was shown on the terminal by a reveal."""
    said: list[str] = []

    def run(*words: str, code: int | None = 0, stdin: str = "") -> Any:
        ran = cardctl(*words, stdin=stdin)
        assert code is None or ran.code == code, (words, ran)
        said.append(ran.stdout + ran.stderr)
        return ran

    made = run("provision", "--dev", "-o", "json").data
    one, other, third = made["cards"]
    card, account = one["id"], made["accounts"][0]["id"]
    run("card", "issue", "--account", "acct_user1", "--fund", "5", "--key", "k")
    run("account", "create", "--name", f"Ada {PAN}", "--external-id", "odd", "--email", "a@example.com")
    run("card", "issue", "--account", "odd", "--no-limits")
    run("account", "list", "-o", "ndjson")
    run("account", "show", account)
    run("account", "update", "odd", "--email", "b@example.com")
    run("account", "sync")
    run("simulator", "swipe", card, "--amount", "12.50", "--merchant", f"Shop {PAN}")
    run("simulator", "swipe", card, "--amount", "3", "--hold")
    run("simulator", "swipe", card, "--amount", "99999999")
    for words in (["card", "fund", card, "--amount", "5"], ["card", "withdraw", card, "--amount", "1"]):
        run(*words)
    run("card", "limits", card, "--daily", "100")
    run("card", "freeze", card, "--reason", f"he read out {PAN} 123")
    run("card", "unfreeze", card, "--reason", "sk_live_Canary4444555566667777")
    run("card", "sync")
    run("card", "show", card, "--fresh", "-o", "json")
    run("card", "wallet-payload", card, other["id"], "-o", "json")
    run("card", "reveal", card, "--yes", code=6)
    run("card", "replace", other["id"], "--yes", "--why", "stolen")
    run("card", "close", third["id"], "--yes", "--dry-run", "-o", "json")
    run("card", "list", "-o", "csv")
    run("transaction", "pull")
    run("transaction", "list", "-o", "json")
    run("transaction", "export", str(out / "transactions.csv"), "-o", "csv", code=None)
    for fault, code in (("lost-reply", 9), ("500-after-commit", None), ("429", 8), ("torn-body", None)):
        run("simulator", "fault", "--next", fault, "--times", "50")
        run("card", "fund", third["id"], "--amount", "1", code=code)
        run("simulator", "fault", "--clear")
        run("operation", "resume", code=None)
    listed = run("operation", "list", "-o", "json").data
    run("operation", "show", listed[0]["id"], "-o", "json")
    run("card", "show", PAN, code=5)
    run("card", "fund", card, "--amount", PAN, code=2)
    run("nonsense", PAN, code=2)
    run("audit", "list", "-o", "json")
    run("audit", "verify")
    run("audit", "export", str(out / "audit.ndjson"))
    for words in (["secret", "check"], ["secret", "list"], ["profile", "list"], ["profile", "show"], ["provider", "list"]):
        run(*words, code=None)
    for words in (["provider", "check"], ["provider", "balance"], ["db", "status"], ["db", "backup"], ["doctor"]):
        run(*words, code=None)
    order = run("esim", "fulfil", "--demo", "-o", "json").data["order"]["id"]
    for words in (["list"], ["show", order], ["retry"], ["offers"], ["balance"], ["reconcile", "--report"]):
        run("esim", *words)
    run("-v", "card", "show", card, "--fresh", code=None)
    run("--debug", "card", "freeze", card, code=None)
    code, shown, asked = on_terminal(cardctl, "card", "reveal", card, "--reason", PAN, typed=f"{one['last4']}\n")
    assert code == 0
    return [*said, asked], shown


def test_a_tour_leaves_nothing_behind(cardctl: Cardctl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = cardctl.home / "out"
    out.mkdir(parents=True)
    said, shown = tour(cardctl, out)
    given = numbers_and_codes(cardctl)
    assert len(given) >= 6
    assert any(number in shown for number, _ in given), "the tour did reveal one: the search below can find what is there"

    def broken(*_: object) -> object:
        number, cvc = given[0]
        raise RuntimeError(f"number {number} cvc={cvc}, key {SECRETS['CARDCTL_STRIPE_API_KEY']}, {PAN} 123")

    monkeypatch.setattr(client.StripeIssuingClient, "card", broken)
    crashed = cardctl("card", "sync", "--last4", given[0][0][-4:], "-o", "json")
    assert (crashed.code, crashed.error) == (1, "BUG")
    log = (cardctl.home / "logs" / "cardctl.log").read_text()
    assert "RuntimeError" in log, "the traceback is there"

    spoken = "\n".join([*said, crashed.stdout, crashed.stderr])
    needles = activation_codes(cardctl)
    assert len(needles) == 1
    needles += [number for number, _ in given]
    needles += [" ".join(number[i : i + 4] for i in range(0, 16, 4)) for number, _ in given]
    needles += [PAN, PAN.replace(" ", ""), "sk_live_Canary4444555566667777", "canary-password", *SECRETS.values()]
    assert list(places(cardctl, needles)) == []
    assert [needle for needle in needles if needle in spoken] == []
    assert canary.look(cardctl.home) == []
    assert f"cvc={given[0][1]}" not in log


def test_the_search_finds_what_is_there(cardctl: Cardctl) -> None:
    """A canary that cannot die proves nothing."""
    cardctl("provision", "--dev")
    cardctl("esim", "fulfil", "--demo")
    number, cvc = numbers_and_codes(cardctl)[0]
    (activation,) = activation_codes(cardctl)
    file = cardctl.home / "logs" / "leak.log"
    file.parent.mkdir(exist_ok=True)
    try:
        for text in (number, f'"cvc": "{cvc}"', f"LPA:1$host${activation}", SECRETS["CARDCTL_STRIPE_API_KEY"]):
            file.write_text(f"oh no: {text}")
            assert len(canary.look(cardctl.home)) == 1, text
        assert list(places(cardctl, [SECRETS["CARDCTL_STRIPE_API_KEY"]]))
    finally:
        file.unlink()  # the look at the end of the whole session is not to find it


def test_a_number_is_found_though_its_place_is_gone(cardctl: Cardctl, tmp_path: Path) -> None:
    """Of a test that has passed nothing is left; the bank that gave the number out may lie elsewhere, and be seen later."""
    cardctl("provision", "--dev")
    number, _ = numbers_and_codes(cardctl)[0]
    leak = tmp_path / "out" / "leak.txt"
    leak.parent.mkdir()
    leak.write_text(f"oh no: {number}")
    watch = canary.Watch()
    assert watch.look(leak.parent) == []
    leak.unlink()
    assert watch.late() == []
    assert watch.look(tmp_path) == []
    assert watch.late() == [f"{leak}: a card number"]


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("4000009990000011", True),
        ("x4000009990000011y", True),
        ("14000009990000011", False),
        ("40000099900000112", False),
        ("4000009990000012", False),
    ],
)
def test_what_is_a_number_is_a_whole_run_of_digits(text: str, seen: bool, tmp_path: Path) -> None:
    bank = tmp_path / "bank" / canary.FAR_SIDE
    bank.parent.mkdir()
    with closing(sqlite3.connect(bank)) as database:
        database.execute("CREATE TABLE cards (number TEXT)")
        database.execute("INSERT INTO cards VALUES ('4000009990000011')")
        database.commit()
    file = tmp_path / "any.bin"
    file.write_bytes(b"\x00" + text.encode() + b"\xff")
    assert bool(canary.look(tmp_path)) is seen
    file.unlink()


def test_a_bug_anywhere_says_one_line(cardctl: Cardctl, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cardctl.services.flows.finding", None)
    ran = cardctl("card", "show", "card_1", "-o", "json")
    assert (ran.code, ran.error) == (ExitCode.BUG, "BUG")
    assert "Traceback" not in ran.stdout + ran.stderr
