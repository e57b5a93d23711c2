"""`cardctl card …`: every verb through the real command line: its document, its table, what it sends, and what it refuses."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from cardctl.simulator.control import Control
from tests.commands.runner import Cardctl, Ran

MILLION = 100_000_000
CARD_FIELDS = [
    "id", "ref", "provider", "programme", "account_id", "holder", "brand", "type", "last4", "exp_month", "exp_year", "currency",
    "state", "state_reason", "balance", "limits", "created_at", "updated_at", "synced_at",
]  # fmt: skip
OPERATION_FIELDS = [
    "id", "kind", "target", "amount", "provider", "programme", "state", "idempotency_key", "created_at", "finished_at", "error",
]  # fmt: skip


def usd(minor: int) -> dict[str, Any]:
    return {"minor": minor, "currency": "USD", "amount": f"{minor // 100}.{minor % 100:02d}"}


@pytest.fixture
def card(programme: dict[str, Any]) -> dict[str, Any]:
    """One active card with a million dollars."""
    one: dict[str, Any] = programme["cards"][0]
    return one


def dump(file: Path) -> list[str]:
    """All but the call log, which hears of reads too."""
    with closing(sqlite3.connect(file)) as database:
        return [line for line in database.iterdump() if not line.startswith(('INSERT INTO "calls"', 'INSERT INTO "sqlite_seq'))]


def both_sides(cardctl: Cardctl) -> tuple[list[str], list[str]]:
    """All that our books and the far side hold."""
    return dump(cardctl.books), dump(cardctl.simulator)


def shown(cardctl: Cardctl, card: dict[str, Any], *more: str) -> dict[str, Any]:
    data: dict[str, Any] = cardctl("card", "show", card["id"], "-o", "json", *more).data
    assert data.pop("age_seconds") >= 0
    return data


def far_limit(cardctl: Cardctl, card: dict[str, Any]) -> int:
    """The card's allowance as the far side's own file has it."""
    with closing(sqlite3.connect(cardctl.simulator)) as database:
        (text,) = database.execute("SELECT spending_controls FROM cards WHERE ref = ?", (card["ref"],)).fetchone()
    limits = json.loads(text)["spending_limits"]
    return next(int(limit["amount"]) for limit in limits if limit["interval"] == "all_time")


def far_status(cardctl: Cardctl, card: dict[str, Any]) -> str:
    with closing(sqlite3.connect(cardctl.simulator)) as database:
        (word,) = database.execute("SELECT status FROM cards WHERE ref = ?", (card["ref"],)).fetchone()
    return str(word)


def refused(ran: Ran, code: int, error: str) -> dict[str, Any]:
    """A failure: its exit code, an envelope that is all of stdout, nothing on stderr but the notice of the profile."""
    assert (ran.code, ran.error) == (code, error), ran
    assert list(ran.json)[:6] == ["schema_version", "success", "error_code", "message", "hint", "retryable"]
    assert [line for line in ran.stderr.splitlines() if not line.startswith("using the built-in")] == []
    return ran.json


def in_words(ran: Ran, code: int) -> str:
    """The same failure for a person: stdout empty, an error and perhaps a hint on stderr, and no raw escapes."""
    assert (ran.code, ran.stdout) == (code, ""), ran
    assert not {"\x1b", "\x9b", "\r", "\u202e"} & set(ran.stderr)
    lines = [line for line in ran.stderr.splitlines() if not line.startswith("using the built-in")]
    assert lines[0].startswith("error: ")
    return lines[0]


# --- issue


def test_issue(cardctl: Cardctl, programme: dict[str, Any]) -> None:
    account = programme["accounts"][0]
    ran = cardctl("card", "issue", "--account", "acct_user1", "--fund", "250.00", "--daily", "100", "-o", "json")
    assert (ran.code, ran.json["warnings"]) == (0, [])
    assert list(ran.data) == ["card", "operation"]
    made, operation = ran.data["card"], ran.data["operation"]
    assert (list(made), list(operation)) == (CARD_FIELDS, OPERATION_FIELDS)
    assert {name: made[name] for name in ("account_id", "state", "type", "currency", "balance", "holder", "provider")} == {
        "account_id": account["id"],
        "state": "active",
        "type": "virtual",
        "currency": "USD",
        "balance": usd(25000),
        "holder": account["name"],
        "provider": "stripe",
    }
    assert made["limits"] == {
        "per_transaction": usd(50000),
        "daily": usd(10000),
        "weekly": None,
        "monthly": usd(500000),
    }, "the profile's defaults, and what was named instead"
    assert {name: operation[name] for name in ("kind", "target", "state", "amount", "error")} == {
        "kind": "card.issue",
        "target": made["id"],
        "state": "done",
        "amount": usd(25000),
        "error": None,
    }
    assert (far_limit(cardctl, made), far_status(cardctl, made)) == (25000, "active")
    assert cardctl("account", "show", "acct_user1", "-o", "json").data["balance"] == usd(MILLION + 25000)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--no-limits"], {"state": "active", "balance": None, "type": "virtual"}),
        (["--inactive", "--fund", "5"], {"state": "inactive", "balance": usd(500)}),
        (["--type", "physical"], {"type": "physical"}),
        (["--currency", "eur", "--no-limits"], {"currency": "EUR"}),
        (["--currency", "jpy", "--fund", "25"], {"balance": {"minor": 25, "currency": "JPY", "amount": "25"}}),
        (["--daily", "none", "--monthly", "7"], {}),
    ],
)
def test_issue_variants(cardctl: Cardctl, programme: dict[str, Any], words: list[str], expected: dict[str, Any]) -> None:
    made = cardctl("card", "issue", "--account", "acct_user2", *words, "-o", "json").data["card"]
    assert {name: made[name] for name in expected} == expected
    if "--no-limits" in words:
        assert set(made["limits"].values()) == {None}
    if "--monthly" in words:
        assert (made["limits"]["daily"], made["limits"]["monthly"]) == (None, usd(700))


@pytest.mark.parametrize(
    ("words", "code", "error"),
    [
        (["--account", "nobody"], 5, "ACCOUNT_NOT_FOUND"),
        (["--account", "acct_user1", "--type", "golden"], 2, "INVALID_INPUT"),
        (["--account", "acct_user1", "--currency", "XXX"], 2, "INVALID_INPUT"),
        (["--account", "acct_user1", "--fund", "0"], 2, "INVALID_AMOUNT"),
        (["--account", "acct_user1", "--daily", "1e3"], 2, "INVALID_AMOUNT"),
        (["--account", "acct_user1", "--daily", "0"], 2, "INVALID_AMOUNT"),
        ([], 2, "USAGE"),
    ],
)
def test_issue_refused(cardctl: Cardctl, programme: dict[str, Any], words: list[str], code: int, error: str) -> None:
    before = both_sides(cardctl)
    refused(cardctl("card", "issue", *words, "-o", "json"), code, error)
    assert both_sides(cardctl) == before


def test_issue_to_a_suspended_account(cardctl: Cardctl, programme: dict[str, Any]) -> None:
    assert cardctl("account", "suspend", "acct_user1").code == 0
    before = both_sides(cardctl)
    refused(cardctl("card", "issue", "--account", "acct_user1", "-o", "json"), 6, "STATE_FORBIDS")
    assert both_sides(cardctl) == before


# --- list and show


def test_list(cardctl: Cardctl, programme: dict[str, Any]) -> None:
    ran = cardctl("card", "list", "-o", "json")
    assert (ran.code, {card["id"] for card in ran.data}) == (0, {card["id"] for card in programme["cards"]})
    assert [list(card) for card in ran.data] == [CARD_FIELDS] * 3
    table = cardctl("card", "list")
    assert table.code == 0
    assert table.lines[0].split() == ["id", "holder", "last4", "state", "balance", "provider", "created", "at"]
    assert len(table.lines) == 4
    assert table.stdout.count("1000000.00 USD") == 3
    assert [json.loads(line)["id"] for line in cardctl("card", "list", "-o", "ndjson").lines] == [
        card["id"] for card in ran.data
    ]
    csv = cardctl("card", "list", "-o", "csv").lines
    assert csv[0].startswith("id,ref,provider,")
    assert "balance_minor" in csv[0]
    assert len(csv) == 4


def test_list_filters(cardctl: Cardctl, programme: dict[str, Any]) -> None:
    one, other, third = (card["id"] for card in programme["cards"])
    cardctl("card", "freeze", other)

    def listed(*words: str) -> set[str]:
        return {card["id"] for card in cardctl("card", "list", *words, "-o", "json").data}

    assert listed("--state", "frozen") == {other}
    assert listed("--state", "active") == {one, third}
    assert listed("--account", "acct_user1") == {one}
    assert listed("--provider", "stripe") == {one, other, third}
    assert listed("--provider", "square") == set()
    assert listed("--since", "1h") == {one, other, third}
    assert listed("--until", "2026-01-01") == set()
    cut = cardctl("card", "list", "--limit", "2", "-o", "json")
    assert (len(cut.data), cut.warnings) == (2, ["LIMIT_CUT"])
    assert cardctl("card", "list", "--limit", "3", "-o", "json").warnings == []
    refused(cardctl("card", "list", "--account", "nobody", "-o", "json"), 5, "ACCOUNT_NOT_FOUND")
    refused(cardctl("card", "list", "--since", "yesterday", "-o", "json"), 2, "INVALID_INPUT")
    refused(cardctl("card", "list", "--state", "melted", "-o", "json"), 2, "USAGE")


def test_empty_list(cardctl: Cardctl) -> None:
    ran = cardctl("card", "list", "-o", "json")
    assert (ran.code, ran.data) == (0, [])


def test_show_by_every_name(cardctl: Cardctl, card: dict[str, Any]) -> None:
    for words in ([card["id"]], [card["id"][:10]], [card["ref"]], ["--last4", card["last4"]]):
        found = cardctl("card", "show", *words, "-o", "json").data
        assert found | {"age_seconds": 0} == card | {"age_seconds": 0}
    told = cardctl("card", "show", card["id"])
    assert told.code == 0
    assert dict(line.split(None, 1) for line in told.lines if len(line.split()) > 1)["state"] == "active"
    assert "1000000.00 USD" in told.stdout


@pytest.mark.parametrize(
    ("words", "code", "error"),
    [
        (["card_00000000000000000000"], 5, "CARD_NOT_FOUND"),
        (["card_"], 5, "CARD_NOT_FOUND"),
        ([""], 5, "CARD_NOT_FOUND"),
        (["%"], 5, "CARD_NOT_FOUND"),
        (["card_%%%%%%%"], 5, "CARD_NOT_FOUND"),
        (["' OR 1=1 --"], 5, "CARD_NOT_FOUND"),
        (["\x1b[2J\u202e🙂"], 5, "CARD_NOT_FOUND"),
        (["\udcff\udcfe"], 5, "CARD_NOT_FOUND"),
        (["--last4", "000"], 5, "CARD_NOT_FOUND"),
        ([], 2, "INVALID_INPUT"),
        (["card_1", "--last4", "1234"], 2, "INVALID_INPUT"),
        (["a", "b"], 2, "USAGE"),
    ],
)
def test_cards_that_nobody_knows(cardctl: Cardctl, programme: dict[str, Any], words: list[str], code: int, error: str) -> None:
    refused(cardctl("card", "show", *words, "-o", "json"), code, error)
    if error != "USAGE":
        in_words(cardctl("card", "show", *words), code)
    refused(cardctl("card", "freeze", *words, "-o", "json"), code, error)


def test_show_fresh_asks_the_provider(cardctl: Cardctl, card: dict[str, Any], far_side: Control) -> None:
    far_side.edit(card["ref"], {"status": "inactive", "spending_controls.spending_limits.all_time": 5000})
    assert shown(cardctl, card) == card
    fresh = shown(cardctl, card, "--fresh")
    assert (fresh["state"], fresh["balance"]) == ("frozen", usd(5000))
    assert shown(cardctl, card) == fresh
    far_side.edit(card["ref"], {"deleted": True})
    refused(cardctl("card", "show", card["id"], "--fresh", "-o", "json"), 7, "PROVIDER_HAS_NOT")


def test_two_cards_with_the_same_last_four(cardctl: Cardctl, programme: dict[str, Any], far_side: Control) -> None:
    one, other, _ = programme["cards"]
    far_side.edit(other["ref"], {"last4": one["last4"]})
    cardctl("card", "sync", other["id"])
    before = both_sides(cardctl)
    for verb, words in (("show", []), ("freeze", []), ("close", ["--yes"])):
        refused(cardctl("card", verb, "--last4", one["last4"], *words, "-o", "json"), 2, "AMBIGUOUS_NAME")
    assert both_sides(cardctl) == before


def test_a_prefix_that_two_cards_have(cardctl: Cardctl, programme: dict[str, Any]) -> None:
    ids = ["card_twin1000000000000000", "card_twin2000000000000000"]
    with closing(sqlite3.connect(cardctl.books)) as database:
        for card, wanted in zip(programme["cards"], ids, strict=False):
            database.execute("UPDATE cards SET id = ? WHERE id = ?", (wanted, card["id"]))
        database.commit()
    refused(cardctl("card", "freeze", "card_twin", "-o", "json"), 2, "AMBIGUOUS_NAME")
    assert cardctl("card", "freeze", "card_twin1").code == 0


@pytest.mark.parametrize("verb", ["close", "replace"])
def test_a_prefix_never_names_a_card_for_good(cardctl: Cardctl, card: dict[str, Any], verb: str) -> None:
    refused(cardctl("card", verb, card["id"][:20], "--yes", "-o", "json"), 5, "CARD_NOT_FOUND")
    assert far_status(cardctl, card) == "active"
    for name in ([card["ref"]],):
        assert cardctl("card", verb, *name, "--yes").code == 0
    assert far_status(cardctl, card) == "canceled"


# --- states


def test_every_state_and_back(cardctl: Cardctl, programme: dict[str, Any]) -> None:
    made = cardctl("card", "issue", "--account", "acct_user1", "--inactive", "-o", "json").data["card"]
    for verb, state, word in (
        ("activate", "active", "active"),
        ("freeze", "frozen", "inactive"),
        ("unfreeze", "active", "active"),
        ("freeze", "frozen", "inactive"),
        ("close", "closed", "canceled"),
    ):
        words = ["--yes"] if verb == "close" else []
        ran = cardctl("card", verb, made["id"], *words, "--reason", "as planned", "-o", "json")
        assert (ran.code, ran.json["warnings"]) == (0, [])
        assert (ran.data["card"]["state"], ran.data["card"]["state_reason"]) == (state, "as planned")
        assert (ran.data["operation"]["kind"], ran.data["operation"]["state"]) == (f"card.{verb}", "done")
        assert far_status(cardctl, made) == word
        books = both_sides(cardctl)
        again = cardctl("card", verb, made["id"], *words, "-o", "json")
        assert (again.code, again.warnings, again.data["operation"]) == (0, ["ALREADY"], None)
        assert both_sides(cardctl) == books, "nothing was sent or written"
    audit = cardctl("audit", "list", "--object", made["id"], "-o", "json").data
    assert [(entry["action"], entry["reason"]) for entry in audit[:2]] == [
        ("card.close", "as planned"),
        ("card.freeze", "as planned"),
    ]


def test_states_in_words(cardctl: Cardctl, card: dict[str, Any]) -> None:
    ran = cardctl("card", "freeze", card["id"])
    assert ran.lines == [f"frozen: {card['id']} **** **** **** {card['last4']} frozen, balance 1000000.00 USD"]
    again = cardctl("card", "freeze", card["id"])
    assert (again.code, "warning: nothing to do" in again.stderr) == (0, True)


@pytest.mark.parametrize("verb", ["activate", "freeze", "unfreeze", "fund", "withdraw", "limits"])
def test_nothing_moves_a_closed_card(cardctl: Cardctl, card: dict[str, Any], verb: str) -> None:
    assert cardctl("card", "close", card["id"], "--yes").code == 0
    words = {"fund": ["--amount", "5"], "withdraw": ["--amount", "5"], "limits": ["--daily", "5"]}.get(verb, [])
    before = both_sides(cardctl)
    told = refused(cardctl("card", verb, card["id"], *words, "-o", "json"), 6, "STATE_FORBIDS")
    assert "closed" in told["message"]
    assert both_sides(cardctl) == before


# --- money


def test_fund_and_withdraw(cardctl: Cardctl, card: dict[str, Any]) -> None:
    ran = cardctl("card", "fund", card["id"], "--amount", "25.00", "--currency", "usd", "-o", "json")
    assert (ran.code, ran.data["card"]["balance"]) == (0, usd(MILLION + 2500))
    assert (ran.data["operation"]["amount"], ran.data["operation"]["kind"]) == (usd(2500), "card.fund")
    assert far_limit(cardctl, card) == MILLION + 2500
    taken = cardctl("card", "withdraw", "--last4", card["last4"], "--amount", "1000025", "-o", "json")
    assert (taken.code, taken.data["card"]["balance"]) == (0, usd(0))
    assert far_limit(cardctl, card) == 0
    refused(cardctl("card", "withdraw", card["id"], "--amount", "0.01", "-o", "json"), 6, "INSUFFICIENT_BALANCE")
    assert far_limit(cardctl, card) == 0
    assert cardctl("card", "fund", card["id"], "--amount", "1").lines == [
        f"funded 1.00 USD: {card['id']} **** **** **** {card['last4']} active, balance 1.00 USD"
    ]


def test_money_while_frozen(cardctl: Cardctl, card: dict[str, Any]) -> None:
    cardctl("card", "freeze", card["id"])
    refused(cardctl("card", "fund", card["id"], "--amount", "1", "-o", "json"), 6, "STATE_FORBIDS")
    assert cardctl("card", "withdraw", card["id"], "--amount", "1", "-o", "json").data["card"]["balance"] == usd(MILLION - 100)
    assert far_limit(cardctl, card) == MILLION - 100


HOSTILE = [
    "1e3", "-5", "25.005", "25.000", "٢٥", "1,000.00", "1" + "0" * 30, "10^30", "1_000", "+5", " 5", ".5", "5.", "", "0",
    "0.00", "NaN", "inf", "9" * 5000, "90071992547409.92", "5 USD", "$5", "\x1b[1m5", "5\n", "🙂", "\udcff",
]  # fmt: skip


@pytest.mark.parametrize("amount", HOSTILE, ids=lambda amount: ascii(amount[:20]))
def test_amounts_that_are_none(cardctl: Cardctl, card: dict[str, Any], amount: str) -> None:
    before = both_sides(cardctl)
    for verb in ("fund", "withdraw"):
        refused(cardctl("card", verb, card["id"], f"--amount={amount}", "-o", "json"), 2, "INVALID_AMOUNT")
    in_words(cardctl("card", "fund", card["id"], f"--amount={amount}"), 2)
    refused(cardctl("card", "limits", card["id"], f"--daily={amount}", "-o", "json"), 2, "INVALID_AMOUNT")
    assert both_sides(cardctl) == before


def test_amounts_at_the_edge_of_what_is_exact(cardctl: Cardctl, card: dict[str, Any]) -> None:
    most = 2**53 - 1
    refused(cardctl("card", "fund", card["id"], "--amount", "90071992547409.91", "-o", "json"), 2, "INVALID_AMOUNT")
    left = most - MILLION
    ran = cardctl("card", "fund", card["id"], "--amount", f"{left // 100}.{left % 100:02d}", "-o", "json")
    assert (ran.code, ran.data["card"]["balance"]["minor"]) == (0, most)
    assert far_limit(cardctl, card) == most
    refused(cardctl("card", "fund", card["id"], "--amount", "0.01", "-o", "json"), 2, "INVALID_AMOUNT")
    assert shown(cardctl, card)["balance"]["minor"] == most


@pytest.mark.parametrize("currency", ["EUR", "XXX", "", "US", "🙂", "\x1b[1m"])
def test_other_currencies(cardctl: Cardctl, card: dict[str, Any], currency: str) -> None:
    refused(cardctl("card", "fund", card["id"], "--amount", "5", f"--currency={currency}", "-o", "json"), 2, "INVALID_INPUT")
    assert far_limit(cardctl, card) == MILLION


def test_an_unlimited_card(cardctl: Cardctl, programme: dict[str, Any]) -> None:
    made = cardctl("card", "issue", "--account", "acct_user1", "--no-limits", "-o", "json").data["card"]
    for verb in ("fund", "withdraw"):
        refused(cardctl("card", verb, made["id"], "--amount", "5", "-o", "json"), 6, "CARD_UNLIMITED")
    ran = cardctl("card", "fund", made["id"], "--amount", "5", "--set-allowance", "-o", "json")
    assert (ran.code, ran.data["card"]["balance"]) == (0, usd(500))


def test_limits(cardctl: Cardctl, card: dict[str, Any]) -> None:
    ran = cardctl("card", "limits", card["id"], "--daily", "100", "--weekly", "200", "-o", "json")
    assert ran.data["card"]["limits"] == {"per_transaction": None, "daily": usd(10000), "weekly": usd(20000), "monthly": None}
    assert far_limit(cardctl, card) == MILLION, "every other limit is as it was"
    again = cardctl("card", "limits", card["id"], "--weekly", "200", "-o", "json")
    assert (again.warnings, again.data["operation"]) == (["ALREADY"], None)
    off = cardctl("card", "limits", card["id"], "--daily", "none", "--weekly", "none", "-o", "json")
    assert set(off.data["card"]["limits"].values()) == {None}
    refused(cardctl("card", "limits", card["id"], "-o", "json"), 2, "INVALID_INPUT")
    assert cardctl("card", "limits", card["id"], "--daily", "7").lines[0].startswith("limited: card_")


# --- the same key again


@pytest.mark.parametrize("verb", ["fund", "withdraw"])
def test_the_same_key_moves_money_once(cardctl: Cardctl, card: dict[str, Any], verb: str) -> None:
    words = ["card", verb, card["id"], "--amount", "5", "--idempotency-key", "salary-11", "-o", "json"]
    moved = MILLION + (500 if verb == "fund" else -500)
    first, again = cardctl(*words), cardctl(*words)
    assert (first.code, again.code, again.warnings) == (0, 0, ["REPEATED"])
    assert first.data["operation"] == again.data["operation"]
    assert (again.data["card"]["balance"], far_limit(cardctl, card)) == (usd(moved), moved)
    other = [word if word != "5" else "6" for word in words]
    refused(cardctl(*other), 2, "IDEMPOTENCY_MISMATCH")
    elsewhere = "withdraw" if verb == "fund" else "fund"
    refused(cardctl("card", elsewhere, *words[2:]), 2, "IDEMPOTENCY_MISMATCH")
    assert far_limit(cardctl, card) == moved


def test_the_same_key_issues_once(cardctl: Cardctl, programme: dict[str, Any]) -> None:
    words = ["card", "issue", "--account", "acct_user1", "--fund", "5", "--idempotency-key", "k", "-o", "json"]
    first, again = cardctl(*words), cardctl(*words)
    assert first.data == again.data
    assert again.warnings == ["REPEATED"]
    assert len(cardctl("card", "list", "-o", "json").data) == 4
    refused(cardctl(*words, "--daily", "1"), 2, "IDEMPOTENCY_MISMATCH")
    assert len(cardctl("card", "list", "-o", "json").data) == 4


def test_a_key_that_surely_did_not_run_may_be_used_again(
    cardctl: Cardctl, card: dict[str, Any], far_side: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["card", "fund", card["id"], "--amount", "5", "--idempotency-key", "k", "-o", "json"]
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    far_side.fault("refused", times=50)
    told = refused(cardctl(*words), 8, "PROVIDER_UNAVAILABLE")
    assert told["retryable"] is True
    far_side.clear_faults()
    assert cardctl(*words).data["card"]["balance"] == usd(MILLION + 500)


# --- dry runs


def dry_runs(card: dict[str, Any]) -> dict[str, list[str]]:
    own = card["id"]
    return {
        "issue": ["issue", "--account", "acct_user1", "--fund", "5", "--daily", "1"],
        "freeze": ["freeze", own, "--reason", "lost"],
        "close": ["close", own, "--reason", "stolen"],
        "fund": ["fund", own, "--amount", "5"],
        "withdraw": ["withdraw", own, "--amount", "5"],
        "limits": ["limits", own, "--daily", "5", "--monthly", "9"],
        "replace": ["replace", own, "--why", "stolen"],
    }


def unmarked(body: dict[str, Any]) -> dict[str, Any]:
    metadata = {name: value for name, value in body.get("metadata", {}).items() if not str(value).startswith("op_")}
    return {**body, "metadata": metadata}


@pytest.mark.parametrize("verb", ["issue", "freeze", "close", "fund", "withdraw", "limits", "replace"])
def test_a_dry_run_sends_nothing_and_shows_what_is_then_sent(cardctl: Cardctl, card: dict[str, Any], verb: str) -> None:
    words = ["card", *dry_runs(card)[verb]]
    before = both_sides(cardctl)
    dry = cardctl(*words, "--dry-run", "-o", "json")
    told = cardctl(*words, "--dry-run")
    assert both_sides(cardctl) == before
    assert (dry.code, told.code, list(dry.data)) == (0, 0, ["would_send"])
    assert told.lines[0].startswith("would send POST /v1/issuing/cards")
    wet = cardctl(*words, *(["--yes"] if verb in ("close", "replace") else []), "-o", "json")
    assert wet.code == 0, wet
    kinds = ["card.close", "card.issue"] if verb == "replace" else [f"card.{verb}"]
    sent = [sent_by(cardctl, kind) for kind in kinds]
    assert [(draft["method"], draft["path"], unmarked(draft["body"])) for draft in dry.data["would_send"]] == sent


def sent_by(cardctl: Cardctl, kind: str) -> tuple[str, str, dict[str, Any]]:
    """The newest request of that kind as the journal kept it."""
    newest = cardctl("operation", "list", "--kind", kind, "-o", "json").data[0]["id"]
    draft = cardctl("operation", "show", newest, "-o", "json").data["request"]
    return draft["method"], draft["path"], unmarked(draft["body"])


def test_a_dry_run_of_what_is_so_already(cardctl: Cardctl, card: dict[str, Any]) -> None:
    ran = cardctl("card", "unfreeze", card["id"], "--dry-run", "-o", "json")
    assert (ran.code, ran.data, ran.warnings) == (0, {"would_send": []}, ["ALREADY"])
    cardctl("card", "freeze", card["id"])
    refused(cardctl("card", "fund", card["id"], "--amount", "5", "--dry-run", "-o", "json"), 6, "STATE_FORBIDS")


# --- what the provider says


@pytest.mark.parametrize(
    ("fault", "times", "code", "error"),
    [
        ("429", 50, 8, "RATE_LIMITED"),
        ("refused", 50, 8, "PROVIDER_UNAVAILABLE"),
        ("lost-reply", 50, 9, "OUTCOME_UNKNOWN"),
        ("500", 50, 9, "OUTCOME_UNKNOWN"),
    ],
)
def test_faults_that_last(
    cardctl: Cardctl,
    card: dict[str, Any],
    far_side: Control,
    monkeypatch: pytest.MonkeyPatch,
    fault: str,
    times: int,
    code: int,
    error: str,
) -> None:
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    far_side.fault(fault, times=times)
    refused(cardctl("card", "fund", card["id"], "--amount", "5", "-o", "json"), code, error)
    far_side.clear_faults()
    open_ = cardctl("operation", "list", "--state", "in_doubt", "-o", "json").data
    if code == 8:
        assert (open_, far_limit(cardctl, card)) == ([], MILLION)
        return
    assert [operation["kind"] for operation in open_] == ["card.fund"]
    refused(cardctl("card", "fund", card["id"], "--amount", "5", "-o", "json"), 9, "OUTCOME_UNKNOWN")
    assert cardctl("card", "freeze", card["id"]).code == 0, "a stolen card must stop"
    assert cardctl("operation", "resume").code == 0
    assert shown(cardctl, card, "--fresh")["balance"] == usd(far_limit(cardctl, card))
    assert far_limit(cardctl, card) in (MILLION, MILLION + 500)


def test_the_providers_own_no(cardctl: Cardctl, card: dict[str, Any], far_side: Control) -> None:
    far_side.edit(card["ref"], {"status": "canceled"})
    ran = cardctl("card", "freeze", card["id"], "-o", "json")
    assert ran.code == 7, "the books believe it is active; the provider says no"
    assert cardctl("operation", "list", "--state", "refused", "-o", "json").data[0]["kind"] == "card.freeze"
    assert shown(cardctl, card, "--fresh")["state"] == "closed"


# --- sync, wallet-payload


def test_sync_one_and_all(cardctl: Cardctl, card: dict[str, Any], far_side: Control) -> None:
    far_side.edit(card["ref"], {"status": "inactive"})
    one = cardctl("card", "sync", card["id"], "-o", "json")
    assert (one.code, one.data["card"]["state"]) == (0, "frozen")
    far_side.edit(card["ref"], {"status": "active"})
    assert cardctl("card", "sync", "-o", "json").data == {"read": 3, "new": 0, "changed": 1}
    assert cardctl("card", "sync").lines == ["3 cards read, 0 new, 0 changed"]


def test_wallet_payload(cardctl: Cardctl, programme: dict[str, Any]) -> None:
    one, other, _ = programme["cards"]
    ran = cardctl("card", "wallet-payload", one["id"], other["id"][:12], "-o", "json")
    assert (ran.code, [payload["card_id"] for payload in ran.data]) == (0, [one["id"], other["id"]])
    payload = ran.data[0]
    wanted = ["card_id", "cardholder_name", "last4", "exp_month", "exp_year", "provisioning_token", "wallet_instructions"]
    assert list(payload)[:7] == wanted
    assert payload["provisioning_token"].startswith("sim_token_")
    assert (payload["cardholder_name"], payload["last4"]) == (one["holder"], one["last4"])
    assert cardctl("card", "wallet-payload", one["id"], "-o", "json").data == [payload], "the same token again"
    assert payload["provisioning_token"] in cardctl("card", "wallet-payload", one["id"]).stdout
    refused(cardctl("card", "wallet-payload", one["id"], "nobody", "-o", "json"), 5, "CARD_NOT_FOUND")
    refused(cardctl("card", "wallet-payload", "-o", "json"), 2, "USAGE")


# --- hostile names


@pytest.mark.parametrize(
    "name", ["Zoë 🙂", "two\nlines", "\x1b[31mred\x1b[0m", "a\u202eb", "x" * 300, "\udcff", "4242 4242 4242 4242"]
)
def test_hostile_names(cardctl: Cardctl, name: str) -> None:
    ran = cardctl("account", "create", "--name", name, "--external-id", "odd", "-o", "json")
    if name == "\udcff":
        refused(ran, 2, "INVALID_INPUT")
        assert cardctl("operation", "list", "-o", "json").data == [], "refused before anything was journalled"
        return
    assert ran.code == 0, ran
    made = cardctl("card", "issue", "--account", "odd", "--no-limits", "-o", "json")
    assert made.code == 0, made
    for words in (
        ["card", "list"],
        ["card", "show", made.data["card"]["id"]],
        ["account", "list"],
        ["card", "list", "-o", "csv"],
    ):
        told = cardctl(*words)
        assert told.code == 0
        assert "4242 4242 4242 4242" not in told.stdout
        if "csv" not in words:
            assert not {"\x1b", "\u202e", "\r"} & set(told.stdout)
    assert len(cardctl("card", "list").lines) == 2
    assert cardctl("card", "freeze", made.data["card"]["id"], "--reason", name).code == 0


def test_a_key_names_one_living_card(cardctl: Cardctl, programme: dict[str, Any]) -> None:
    issue = ["card", "issue", "--account", "acct_user1", "--key", "travel", "-o", "json"]
    first = cardctl(*issue).data["card"]["id"]
    refused = cardctl(*issue)
    assert (refused.code, refused.error) == (6, "REFUSED")
    assert cardctl("card", "close", first, "--yes").code == 0
    assert cardctl(*issue).data["card"]["id"] != first
