"""`cardctl account …`: accounts as the provider has them, hostile names, lost replies, and what nothing may change."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest

from cardctl.simulator.control import Control
from tests.commands.runner import Cardctl, Ran
from tests.commands.terminal import on_terminal

FIELDS = {
    "id", "ref", "external_id", "provider", "programme", "environment", "name", "email", "state", "kyc",
    "compliance_flags", "balance", "balances", "created_at", "updated_at",
}  # fmt: skip
ADDRESS = ("--line1", "1 Main St", "--city", "Oakland", "--state", "CA", "--postal-code", "94612", "--country", "us")
HOSTILE = "Zoë 😀\n\x1b[31mred\x1b]0;owned\x07 \u202egnp.exe"


@pytest.fixture
def ada(cardctl: Cardctl) -> dict[str, Any]:
    """An account that was just made."""
    return made(cardctl("account", "create", "--name", "Ada Lovelace", "--external-id", "emp-1", "-o", "json"))


def made(ran: Ran) -> dict[str, Any]:
    assert ran.code == 0, ran
    account: dict[str, Any] = ran.data["account"]
    return account


def holders(far_side: Control) -> int:
    count = far_side.status()["objects"]["cardholders"]
    assert isinstance(count, int)
    return count


def operations(cardctl: Cardctl, *filters: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = cardctl("operation", "list", *filters, "-o", "json").data
    return found


def test_create_makes_one_and_says_all_of_it(cardctl: Cardctl, far_side: Control) -> None:
    ran = cardctl(
        "account", "create", "--name", "Ada Lovelace", "--external-id", "emp-0042", "--email", "ada@example.com",
        "--phone", "+14155550100", *ADDRESS, "-o", "json",
    )  # fmt: skip
    account = made(ran)
    assert set(ran.data) == {"account", "operation"}
    assert set(account) == FIELDS
    assert (account["name"], account["email"], account["external_id"]) == ("Ada Lovelace", "ada@example.com", "emp-0042")
    assert (account["state"], account["kyc"], account["environment"]) == ("active", "verified", "simulator")
    assert account["balance"] is None
    assert ran.data["operation"]["kind"] == "account.create"
    assert ran.data["operation"]["target"] == account["id"]
    assert ran.data["operation"]["state"] == "done"
    assert holders(far_side) == 1
    sent = cardctl("operation", "show", ran.data["operation"]["id"], "-o", "json").data["request"]
    assert sent["body"]["billing"]["address"] == {
        "line1": "1 Main St", "city": "Oakland", "state": "CA", "postal_code": "94612", "country": "US",
    }  # fmt: skip
    assert sent["body"]["phone_number"] == "+14155550100"


def test_a_company(cardctl: Cardctl) -> None:
    account = made(cardctl("account", "create", "--name", "Analytical Engines Ltd", "--type", "company", "-o", "json"))
    sent = operations(cardctl, "--target", account["id"])[0]["id"]
    assert cardctl("operation", "show", sent, "-o", "json").data["request"]["body"]["type"] == "company"


def test_a_taken_external_id_is_refused(cardctl: Cardctl, ada: dict[str, Any], far_side: Control) -> None:
    again = cardctl("account", "create", "--name", "Somebody Else", "--external-id", "emp-1", "-o", "json")
    assert (again.code, again.error) == (6, "REFUSED")
    assert ada["id"] in again.json["message"]
    spoken = cardctl("account", "create", "--name", "Somebody Else", "--external-id", "emp-1")
    assert (spoken.code, spoken.stdout) == (6, "")
    assert "emp-1" in spoken.stderr
    assert holders(far_side) == 1


def test_the_same_key_gives_the_first_result_again(cardctl: Cardctl, far_side: Control) -> None:
    words = ("account", "create", "--name", "Ada", "--idempotency-key", "k1", "-o", "json")
    first, second = cardctl(*words), cardctl(*words)
    assert made(second)["id"] == made(first)["id"]
    assert second.warnings == ["REPEATED"]
    assert holders(far_side) == 1
    other = cardctl("account", "create", "--name", "Grace", "--idempotency-key", "k1", "-o", "json")
    assert (other.code, other.error) == (2, "IDEMPOTENCY_MISMATCH")
    assert holders(far_side) == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--name", "   "), "needs a name"),
        (("--name", "Ada", "--external-id", ""), "--external-id"),
        (("--name", "Ada", "--line1", "1 Main St"), "--city, --postal-code, --country"),
        (("--name", "Ada", *ADDRESS[:-1], "USA"), "USA"),
        (("--name", "Ada", "--type", "alien"), "alien"),
        (("--name", "Ada", "--timeout", "0"), "--timeout"),
        (("--name", "Ada", "--provider", "acme"), "acme"),
        ((), "--name"),
    ],
)
def test_what_cannot_be_is_exit_2_and_sends_nothing(
    cardctl: Cardctl, far_side: Control, words: tuple[str, ...], said: str
) -> None:
    ran = cardctl("account", "create", *words, "-o", "json")
    assert ran.code == 2
    assert ran.json["success"] is False
    assert said in ran.json["message"]
    assert holders(far_side) == 0


def test_a_dry_run_shows_the_request_and_does_nothing(cardctl: Cardctl, ada: dict[str, Any], far_side: Control) -> None:
    seen = cardctl("audit", "list", "-o", "json").data
    for words in (
        ("create", "--name", "Grace"),
        ("update", "emp-1", "--email", "new@example.com"),
        ("suspend", "emp-1"),
    ):
        ran = cardctl("account", *words, "--dry-run", "-o", "json")
        assert ran.code == 0
        assert [request["method"] for request in ran.data["would_send"]] == ["POST"]
        assert cardctl("account", *words, "--dry-run").lines[0].startswith("would send POST /v1/issuing/cardholders")
    assert cardctl("account", "activate", "emp-1", "--dry-run", "-o", "json").data == {"would_send": []}
    assert cardctl("account", "show", "emp-1", "-o", "json").data == ada
    assert cardctl("audit", "list", "-o", "json").data == seen
    assert holders(far_side) == 1


def test_a_dry_run_refuses_what_would_be_refused(cardctl: Cardctl, ada: dict[str, Any]) -> None:
    taken = cardctl("account", "create", "--name", "X", "--external-id", ada["external_id"], "--dry-run", "-o", "json")
    assert (taken.code, taken.error) == (6, "REFUSED")


def test_a_hostile_name_is_kept_and_never_raw_on_a_terminal(cardctl: Cardctl) -> None:
    account = made(cardctl("account", "create", "--name", HOSTILE, "--external-id", "\x1b[2J\nx", "-o", "json"))
    assert account["name"] == " ".join(HOSTILE.split())  # the adapter sends one line
    assert account["external_id"] == "\x1b[2J\nx"
    for words in (("account", "list"), ("account", "show", account["id"]), ("account", "suspend", account["id"])):
        for ran in (cardctl(*words), Ran(*on_terminal(cardctl, *words))):
            assert ran.code == 0
            text = ran.stdout + ran.stderr
            assert "Zoë 😀" in text
            for raw in ("\x1b[31m", "\x1b]0", "\x07", "\u202e", "\x1b[2J"):
                assert raw not in text
    raw = cardctl("account", "list", "-o", "json").stdout
    assert not any(character in raw for character in ("\x1b", "\x07", "\u202e"))
    rows = cardctl("account", "list", "-o", "csv").lines
    assert len(rows) == 2  # the newline within the name makes no second row


def test_a_card_number_in_a_name_is_masked(cardctl: Cardctl) -> None:
    ran = cardctl("account", "create", "--name", "Ada 4242 4242 4242 4242", "-o", "json")
    assert ran.code == 0
    assert "4242 4242 4242 4242" not in ran.stdout + cardctl("account", "list").stdout


def test_an_account_is_found_by_every_name(cardctl: Cardctl, ada: dict[str, Any]) -> None:
    for name in (ada["id"], ada["id"][:16], ada["external_id"], ada["ref"]):
        assert cardctl("account", "show", name, "-o", "json").data == ada


@pytest.mark.parametrize(
    "name", ["nobody", "", "'; DROP TABLE accounts; --", "no\nsuch\x1b[31m", "%", "account_zzzzzzzz", "é" * 5000]
)
@pytest.mark.parametrize("verb", ["show", "suspend", "activate", "close", "sync"])
def test_nobody_answers_to_a_wrong_name(cardctl: Cardctl, ada: dict[str, Any], verb: str, name: str) -> None:
    ran = cardctl("account", verb, name, "-o", "json")
    assert (ran.code, ran.error) == (5, "ACCOUNT_NOT_FOUND")
    spoken = cardctl("account", verb, name)
    assert (spoken.code, spoken.stdout) == (5, "")
    assert "\x1b" not in spoken.stderr


def test_two_that_answer_are_none(cardctl: Cardctl, ada: dict[str, Any]) -> None:
    made(cardctl("account", "create", "--name", "Grace", "-o", "json"))
    ran = cardctl("account", "suspend", "account_", "-o", "json")
    assert (ran.code, ran.error) == (2, "AMBIGUOUS_NAME")
    assert {account["state"] for account in cardctl("account", "list", "-o", "json").data} == {"active"}


def test_update_changes_what_was_named(cardctl: Cardctl, ada: dict[str, Any], far_side: Control) -> None:
    ran = cardctl("account", "update", "emp-1", "--email", "ada@example.org", *ADDRESS, "--reason", "moved", "-o", "json")
    changed = made(ran)
    assert changed["email"] == "ada@example.org"
    assert {name for name in FIELDS if changed[name] != ada[name]} == {"email", "updated_at"}
    assert cardctl("account", "show", "emp-1", "--fresh", "-o", "json").data == changed
    entry = cardctl("audit", "list", "--action", "account.update", "-o", "json").data[0]
    assert (entry["object"], entry["reason"]) == (ada["id"], "moved")
    assert entry["after"]["email"] == "ada@example.org"


def test_update_of_nothing_is_exit_2(cardctl: Cardctl, ada: dict[str, Any]) -> None:
    ran = cardctl("account", "update", "emp-1", "-o", "json")
    assert (ran.code, ran.error) == (2, "INVALID_INPUT")
    assert operations(cardctl, "--kind", "account.update") == []


def test_suspend_and_activate(cardctl: Cardctl, ada: dict[str, Any]) -> None:
    suspended = cardctl("account", "suspend", "emp-1", "--reason", "on leave", "-o", "json")
    assert made(suspended)["state"] == "suspended"
    again = cardctl("account", "suspend", "emp-1", "-o", "json")
    assert (made(again)["state"], again.data["operation"], again.warnings) == ("suspended", None, ["ALREADY"])
    assert len(operations(cardctl, "--kind", "account.suspend")) == 1
    assert made(cardctl("account", "activate", "emp-1", "-o", "json"))["state"] == "active"
    assert cardctl("account", "show", "emp-1", "--fresh", "-o", "json").data["state"] == "active"
    entry = cardctl("audit", "list", "--action", "account.suspend", "-o", "json").data[0]
    assert (entry["before"]["state"], entry["after"]["state"], entry["reason"]) == ("active", "suspended", "on leave")


@pytest.mark.parametrize("flags", [(), ("--yes",), ("--dry-run",)])
def test_stripe_cannot_close_an_account(
    cardctl: Cardctl, ada: dict[str, Any], far_side: Control, flags: tuple[str, ...]
) -> None:
    seen = cardctl("audit", "list", "-o", "json").data
    ran = cardctl("account", "close", "emp-1", *flags, "-o", "json")
    assert (ran.code, ran.error) == (7, "NOT_SUPPORTED")
    code, _, said = on_terminal(cardctl, "account", "close", "emp-1", *flags)
    assert code == 7
    assert "Type" not in said  # nobody is asked for consent to what cannot be done
    assert cardctl("account", "show", "emp-1", "--fresh", "-o", "json").data == ada
    assert cardctl("audit", "list", "-o", "json").data == seen


def test_close_takes_no_prefix(cardctl: Cardctl, ada: dict[str, Any]) -> None:
    ran = cardctl("account", "close", ada["id"][:20], "-o", "json")
    assert (ran.code, ran.error) == (5, "ACCOUNT_NOT_FOUND")


def test_list_filters_and_says_what_it_cut(cardctl: Cardctl, programme: dict[str, Any]) -> None:
    cardctl("account", "suspend", "acct_user2")
    listed = {account["external_id"] for account in cardctl("account", "list", "-o", "json").data}
    assert listed == {"acct_user1", "acct_user2", "acct_user3"}
    assert [a["external_id"] for a in cardctl("account", "list", "--state", "suspended", "-o", "json").data] == ["acct_user2"]
    assert cardctl("account", "list", "--provider", "marqeta", "-o", "json").data == []
    assert cardctl("account", "list", "--since", "2999-01-01", "-o", "json").data == []
    assert len(cardctl("account", "list", "--since", "1h", "--until", "2999-01-01T00:00:00Z", "-o", "json").data) == 3
    cut = cardctl("account", "list", "--limit", "2", "-o", "json")
    assert (len(cut.data), cut.warnings) == (2, ["LIMIT_CUT"])
    whole = cardctl("account", "list", "--limit", "3", "-o", "json")
    assert (len(whole.data), whole.warnings) == (3, [])
    table = cardctl("account", "list", "--limit", "2")
    assert len(table.lines) == 3
    assert "there is more" in table.stderr


@pytest.mark.parametrize(
    "words", [("--since", "yesterday"), ("--limit", "0"), ("--state", "asleep"), ("--until", "2026-13-01")]
)
def test_a_filter_that_cannot_be_read_is_exit_2(cardctl: Cardctl, words: tuple[str, str]) -> None:
    ran = cardctl("account", "list", *words, "-o", "json")
    assert ran.code == 2
    assert ran.json["success"] is False


def test_money_is_the_sum_of_the_cards(cardctl: Cardctl, programme: dict[str, Any]) -> None:
    shown = cardctl("account", "show", "acct_user1", "-o", "json").data
    assert shown["balance"] == {"minor": 100_000_000, "currency": "USD", "amount": "1000000.00"}
    assert shown["balances"] == [shown["balance"]]


def test_fresh_and_sync_take_the_providers_word(cardctl: Cardctl, ada: dict[str, Any], far_side: Control) -> None:
    far_side.edit(ada["ref"], {"email": "other@example.com"})
    assert cardctl("account", "show", "emp-1", "-o", "json").data["email"] is None
    assert cardctl("account", "show", "emp-1", "--fresh", "-o", "json").data["email"] == "other@example.com"
    far_side.edit(ada["ref"], {"status": "inactive"})
    assert cardctl("account", "sync", "emp-1", "-o", "json").data["account"]["state"] == "suspended"
    far_side.edit(ada["ref"], {"status": "active"})
    assert cardctl("account", "sync", "-o", "json").data == {"read": 1, "new": 0, "changed": 1}
    assert cardctl("account", "sync", "-o", "json").data == {"read": 1, "new": 0, "changed": 0}
    assert cardctl("account", "sync").lines == ["1 accounts read, 0 new, 0 changed"]


def test_sync_brings_in_what_we_did_not_make(cardctl: Cardctl, ada: dict[str, Any]) -> None:
    with sqlite3.connect(cardctl.books) as books:
        books.execute("DELETE FROM accounts")
    books.close()
    assert cardctl("account", "sync", "-o", "json").data == {"read": 1, "new": 1, "changed": 0}
    again = cardctl("account", "show", "emp-1", "-o", "json").data
    assert (again["id"], again["ref"], again["name"]) == (ada["id"], ada["ref"], ada["name"])


def test_what_the_provider_has_lost_is_exit_7(cardctl: Cardctl, ada: dict[str, Any], far_side: Control) -> None:
    far_side.reset()
    for words in (("show", "emp-1", "--fresh"), ("sync", "emp-1"), ("suspend", "emp-1")):
        ran = cardctl("account", *words, "-o", "json")
        assert (ran.code, ran.error) == (7, "PROVIDER_HAS_NOT")
    assert cardctl("account", "show", "emp-1", "-o", "json").data["state"] == "active"


@pytest.mark.parametrize("fault", ["lost-reply", "torn-body", "500", "429"])
def test_one_fault_is_settled_at_once(cardctl: Cardctl, far_side: Control, fault: str) -> None:
    far_side.fault(fault)
    account = made(cardctl("account", "create", "--name", "Ada", "--external-id", "emp-1", "-o", "json"))
    assert account["state"] == "active"
    assert holders(far_side) == 1
    far_side.fault(fault)
    assert made(cardctl("account", "suspend", "emp-1", "-o", "json"))["state"] == "suspended"
    assert cardctl("audit", "verify").code == 0


def test_a_reply_lost_for_good_is_in_doubt_and_never_failed(cardctl: Cardctl, far_side: Control) -> None:
    far_side.fault("lost-reply", times=20)
    words = ("account", "create", "--name", "Ada", "--external-id", "emp-1", "-o", "json")
    ran = cardctl(*words)
    assert (ran.code, ran.error) == (9, "OUTCOME_UNKNOWN")
    doubtful = ran.json["operation_id"]
    assert [found["id"] for found in operations(cardctl, "--state", "in_doubt")] == [doubtful]
    assert cardctl("account", "list", "-o", "json").data == []
    again = cardctl(*words)
    assert (again.code, again.json["operation_id"]) == (9, doubtful)  # it waits for the first, and sends no second
    far_side.clear_faults()
    resumed = cardctl("operation", "resume", "-o", "json")
    assert resumed.code == 0
    assert [found["id"] for found in resumed.data["settled"]] == [doubtful]
    assert holders(far_side) == 1
    assert cardctl("account", "show", "emp-1", "--fresh", "-o", "json").data["name"] == "Ada"


def test_a_suspension_in_doubt_changes_nothing_here(cardctl: Cardctl, ada: dict[str, Any], far_side: Control) -> None:
    far_side.fault("lost-reply", times=20)
    assert cardctl("account", "suspend", "emp-1", "-o", "json").code == 9
    far_side.clear_faults()
    assert cardctl("account", "show", "emp-1", "-o", "json").data["state"] == "active"  # not before the provider says so
    assert cardctl("account", "activate", "emp-1", "-o", "json").code == 9  # what is in doubt comes first
    assert cardctl("operation", "resume").code == 0
    assert cardctl("account", "show", "emp-1", "-o", "json").data["state"] == "suspended"


def test_nobody_is_there(cardctl: Cardctl, far_side: Control) -> None:
    far_side.fault("refused", times=20)
    ran = cardctl("account", "create", "--name", "Ada", "--external-id", "emp-1", "-o", "json")
    assert (ran.code, ran.error, ran.json["retryable"]) == (8, "PROVIDER_UNAVAILABLE", True)
    far_side.clear_faults()
    assert holders(far_side) == 0
    assert cardctl("account", "create", "--name", "Ada", "--external-id", "emp-1").code == 0


def test_every_verb_has_an_example(cardctl: Cardctl) -> None:
    for verb in ("create", "list", "show", "update", "activate", "suspend", "close", "sync"):
        assert "Example: cardctl account " + verb in cardctl("account", verb, "--help").stdout
