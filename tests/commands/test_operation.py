"""`cardctl operation …`: the journal read, what is in doubt settled once, and a person's word kept."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from cardctl.simulator.control import Control
from tests.commands.runner import Cardctl, Ran
from tests.commands.terminal import on_terminal

FIELDS = {
    "id", "kind", "target", "amount", "provider", "programme", "state", "idempotency_key", "created_at", "finished_at",
    "error",
}  # fmt: skip
NOTHING_LEFT: dict[str, Any] = {"settled": [], "left": [], "not_reached": 0}
LIVE = """
[profiles.real]
environment = "live"
provider = "stripe"
"""


def listed(cardctl: Cardctl, *filters: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = cardctl("operation", "list", *filters, "-o", "json").data
    return found


def doubtful(cardctl: Cardctl, far_side: Control, name: str = "Ada", *words: str) -> str:
    """The id of an account.create whose replies were all lost, although the far side did it."""
    far_side.fault("lost-reply", times=20)
    ran = cardctl("account", "create", "--name", name, *words, "-o", "json")
    far_side.clear_faults()
    assert ran.code == 9
    operation_id: str = ran.json["operation_id"]
    return operation_id


def never_sent(cardctl: Cardctl, far_side: Control) -> str:
    """The id of one whose requests the far side failed before doing anything."""
    far_side.fault("500", times=20)
    ran = cardctl("account", "create", "--name", "Grace", "-o", "json")
    far_side.clear_faults()
    assert ran.code == 9
    operation_id: str = ran.json["operation_id"]
    return operation_id


def holders(far_side: Control) -> int:
    count = far_side.status()["objects"]["cardholders"]
    assert isinstance(count, int)
    return count


def test_list_filters(cardctl: Cardctl, programme: dict[str, Any], far_side: Control) -> None:
    card, account = programme["cards"][0], programme["accounts"][0]
    waiting = doubtful(cardctl, far_side)
    every = listed(cardctl)
    assert len(every) == 7
    assert all(set(found) == FIELDS for found in every)
    assert every[0]["id"] == waiting  # newest first
    assert [found["id"] for found in listed(cardctl, "--state", "in_doubt")] == [waiting]
    assert {found["kind"] for found in listed(cardctl, "--kind", "card.issue")} == {"card.issue"}
    assert [found["target"] for found in listed(cardctl, "--card", card["id"][:14])] == [card["id"]]
    assert [found["target"] for found in listed(cardctl, "--target", account["id"])] == [account["id"]]
    assert {found["target"] for found in listed(cardctl, "--account", "acct_user1")} == {account["id"], card["id"]}
    assert listed(cardctl, "--provider", "zendit") == []
    assert listed(cardctl, "--target", "nothing") == []
    assert listed(cardctl, "--until", "2000-01-01") == []
    assert len(listed(cardctl, "--since", "1h")) == 7
    issued = listed(cardctl, "--kind", "card.issue")[0]
    assert issued["amount"] == {"minor": 100_000_000, "currency": "USD", "amount": "1000000.00"}
    cut = cardctl("operation", "list", "--limit", "6", "-o", "json")
    assert (len(cut.data), cut.warnings) == (6, ["LIMIT_CUT"])


def test_show_has_the_request_as_it_was_sent(cardctl: Cardctl, far_side: Control) -> None:
    made = cardctl(
        "account",
        "create",
        "--name",
        "Ada 4242424242424242",
        "--external-id",
        "emp-1",
        "--email",
        "ada@example.com",
        "-o",
        "json",
    ).data["operation"]
    shown = cardctl("operation", "show", made["id"], "-o", "json").data
    assert {name: shown[name] for name in FIELDS} == made
    assert (shown["actor"], shown["reason"]) == ("tester", None)
    assert shown["created_at"] <= shown["sent_at"] <= shown["finished_at"]
    request = shown["request"]
    assert (request["method"], request["path"]) == ("POST", "/v1/issuing/cardholders")
    assert request["body"]["email"] == "ada@example.com"
    assert request["body"]["metadata"]["cardctl_operation"] == made["id"]
    for words in (("-o", "json"), (), ("-o", "csv")):
        out = cardctl("operation", "show", made["id"], *words).stdout
        assert "4242424242424242" not in out
        assert "sk_test" not in out
    assert cardctl("operation", "show", made["id"][:11], "-o", "json").data == shown


@pytest.mark.parametrize("verb", ["show", "resume", "resolve"])
@pytest.mark.parametrize("name", ["op_nosuchthing", "no\nsuch\x1b[2J", "", "op_", "😀" * 300])
def test_nobody_answers_to_a_wrong_name(cardctl: Cardctl, far_side: Control, verb: str, name: str) -> None:
    waiting = doubtful(cardctl, far_side)
    more = ("--as", "done", "--reason", "seen") if verb == "resolve" else ()
    ran = cardctl("operation", verb, name, *more, "-o", "json")
    assert (ran.code, ran.error) == (5, "OPERATION_NOT_FOUND")
    spoken = cardctl("operation", verb, name, *more)
    assert (spoken.code, spoken.stdout) == (5, "")
    assert "\x1b" not in spoken.stderr
    assert [found["id"] for found in listed(cardctl, "--state", "in_doubt")] == [waiting]


def test_a_name_that_two_answer_to_settles_none(cardctl: Cardctl, far_side: Control) -> None:
    waiting = doubtful(cardctl, far_side)
    cardctl("account", "create", "--name", "Grace")
    with sqlite3.connect(cardctl.books) as books:
        books.execute("UPDATE operations SET idempotency_key = 'twins'")
    books.close()
    for verb in (("show",), ("resume",), ("resolve", "--as", "done", "--reason", "seen")):
        ran = cardctl("operation", *verb, "twins", "-o", "json")
        assert (ran.code, ran.error) == (2, "AMBIGUOUS_NAME")
    assert cardctl("operation", "show", waiting, "-o", "json").data["state"] == "in_doubt"


def test_resume_settles_what_happened_once(cardctl: Cardctl, far_side: Control) -> None:
    waiting = doubtful(cardctl, far_side, "Ada", "--external-id", "emp-1")
    assert holders(far_side) == 1
    dry = cardctl("operation", "resume", "--dry-run", "-o", "json")
    assert (dry.code, [found["id"] for found in dry.data["would_settle"]]) == (0, [waiting])
    assert [found["id"] for found in listed(cardctl, "--state", "in_doubt")] == [waiting]
    ran = cardctl("operation", "resume", "-o", "json")
    assert ran.code == 0
    assert [(found["id"], found["state"]) for found in ran.data["settled"]] == [(waiting, "done")]
    assert ran.data["left"] == []
    assert holders(far_side) == 1
    assert cardctl("account", "show", "emp-1", "-o", "json").code == 0
    assert cardctl("operation", "resume", "-o", "json").data == NOTHING_LEFT
    assert cardctl("audit", "verify").code == 0


def test_resume_sends_what_never_ran(cardctl: Cardctl, far_side: Control) -> None:
    waiting = never_sent(cardctl, far_side)
    assert holders(far_side) == 0
    ran = cardctl("operation", "resume", waiting[:10])
    assert ran.code == 0
    assert ran.lines[-1] == "1 settled, 0 left in doubt"
    assert ran.lines[0].startswith(f"{waiting} account.create ")
    assert holders(far_side) == 1


def test_resume_leaves_in_doubt_what_it_cannot_tell(cardctl: Cardctl, far_side: Control) -> None:
    first, second = doubtful(cardctl, far_side), never_sent(cardctl, far_side)
    far_side.fault("500", times=20)
    ran = cardctl("operation", "resume", "-o", "json")
    assert ran.code == 9
    assert [found["id"] for found in ran.data["settled"]] == [first]
    assert [(found["id"], found["state"]) for found in ran.data["left"]] == [(second, "in_doubt")]
    far_side.clear_faults()
    assert cardctl("operation", "resume", second).code == 0
    assert listed(cardctl, "--state", "in_doubt") == []
    assert holders(far_side) == 2


def test_only_the_named_are_resumed(cardctl: Cardctl, far_side: Control) -> None:
    first, second = doubtful(cardctl, far_side, "Ada"), doubtful(cardctl, far_side, "Grace")
    assert [found["id"] for found in cardctl("operation", "resume", first, "-o", "json").data["settled"]] == [first]
    assert [found["id"] for found in listed(cardctl, "--state", "in_doubt")] == [second]


def test_two_resumes_do_not_run_at_once(cardctl: Cardctl, far_side: Control) -> None:
    from filelock import FileLock

    doubtful(cardctl, far_side)
    with FileLock(cardctl.home / "state" / "leases" / "dev.resume.job"):
        ran = cardctl("operation", "resume", "-o", "json")
    assert (ran.code, ran.error) == (11, "BUSY")
    assert cardctl("operation", "resume").code == 0


def test_another_programmes_operation_is_left_alone(
    cardctl: Cardctl, far_side: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = never_sent(cardctl, far_side)
    config = cardctl.home / "config" / "config.toml"
    config.parent.mkdir()
    config.write_text(
        f'[profiles.other]\nenvironment = "simulator"\nprovider = "stripe"\ndatabase = "{cardctl.books}"\n'
        '[profiles.other.stripe]\naccount = "acct_other"\n'
    )
    key = cardctl.home / "state" / "keys"
    (key / "other.key").write_bytes((key / "dev.key").read_bytes())
    (key / "other.key").chmod(0o600)
    ran = cardctl("operation", "resume", waiting, "--profile", "other", "-o", "json")
    assert (ran.code, ran.error) == (6, "REFUSED")
    assert cardctl("operation", "resume", "--profile", "other", "-o", "json").data == NOTHING_LEFT
    assert holders(far_side) == 0


def test_resuming_on_live_must_be_said_aloud(cardctl: Cardctl, monkeypatch: pytest.MonkeyPatch) -> None:
    config = cardctl.home / "config" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text(LIVE)
    monkeypatch.setenv("CARDCTL_STRIPE_API_KEY", "sk_live_" + "x" * 24)
    ran = cardctl("operation", "resume", "--profile", "real", "-o", "json")
    assert (ran.code, ran.error) == (6, "LIVE_NOT_SAID")


@pytest.mark.parametrize("outcome", ["done", "refused"])
def test_a_persons_word_is_kept(cardctl: Cardctl, far_side: Control, outcome: str) -> None:
    waiting = doubtful(cardctl, far_side, "Ada", "--external-id", "emp-1")
    ran = cardctl("operation", "resolve", waiting, "--as", outcome, "--reason", "seen in the\x1b[2J dashboard", "-o", "json")
    assert ran.code == 0
    resolved = ran.data["operation"]
    assert (resolved["id"], resolved["state"]) == (waiting, outcome)
    assert "tester" in resolved["error"]
    assert resolved["finished_at"] is not None
    entry = cardctl("audit", "list", "--object", waiting, "-o", "json").data[0]
    assert (entry["action"], entry["actor"]) == (f"operation.{outcome}", "tester")
    assert entry["reason"] == "seen in the\x1b[2J dashboard"
    assert (entry["before"]["state"], entry["after"]["state"]) == ("in_doubt", outcome)
    assert "\x1b" not in cardctl("audit", "list").stdout
    assert cardctl("account", "list", "-o", "json").data == []  # a word is no provider's: the books follow at the next sync
    assert cardctl("account", "sync", "-o", "json").data["new"] == 1
    assert cardctl("operation", "resume", "-o", "json").data == NOTHING_LEFT
    again = cardctl("operation", "resolve", waiting, "--as", "done", "--reason", "sure", "-o", "json")
    assert (again.code, again.error) == (6, "STATE_FORBIDS")
    assert cardctl("audit", "verify").code == 0


@pytest.mark.parametrize(
    "words",
    [
        ("--as", "done"),
        ("--reason", "seen"),
        ("--as", "done", "--reason", "  "),
        ("--as", "in_doubt", "--reason", "seen"),
        (),
    ],
)
def test_a_word_without_a_reason_is_none(cardctl: Cardctl, far_side: Control, words: tuple[str, ...]) -> None:
    waiting = doubtful(cardctl, far_side)
    ran = cardctl("operation", "resolve", waiting, *words, "-o", "json")
    assert ran.code == 2
    assert ran.json["success"] is False
    assert [found["id"] for found in listed(cardctl, "--state", "in_doubt")] == [waiting]


def test_resolve_takes_no_prefix_and_nothing_that_has_ended(cardctl: Cardctl, far_side: Control) -> None:
    waiting = doubtful(cardctl, far_side)
    words = ("--as", "done", "--reason", "seen", "-o", "json")
    assert cardctl("operation", "resolve", waiting[:12], *words).error == "OPERATION_NOT_FOUND"
    ended = cardctl("account", "create", "--name", "Grace", "-o", "json").data["operation"]["id"]
    ran = cardctl("operation", "resolve", ended, *words)
    assert (ran.code, ran.error) == (6, "STATE_FORBIDS")


def test_an_error_never_moves_a_terminals_cursor(cardctl: Cardctl, far_side: Control) -> None:
    waiting = doubtful(cardctl, far_side)
    cardctl("operation", "resolve", waiting, "--as", "refused", "--reason", "no\x1b]0;owned\x07\nsuch")
    for words in (("list",), ("show", waiting)):
        for ran in (cardctl("operation", *words), Ran(*on_terminal(cardctl, "operation", *words))):
            assert ran.code == 0
            for raw in ("\x1b]0", "\x07"):
                assert raw not in ran.stdout + ran.stderr


@pytest.mark.parametrize(
    "words", [("--state", "lost"), ("--since", "soon"), ("--target", "a", "--card", "b"), ("--limit", "-1")]
)
def test_a_filter_that_cannot_be_read_is_exit_2(cardctl: Cardctl, words: tuple[str, ...]) -> None:
    ran = cardctl("operation", "list", *words, "-o", "json")
    assert ran.code == 2
    assert ran.json["success"] is False


def test_ids_complete_in_the_shell(cardctl: Cardctl) -> None:
    made = cardctl("account", "create", "--name", "Ada", "-o", "json").data["operation"]["id"]
    for verb in ("show", "resume", "resolve"):
        asked = {"_CARDCTL_COMPLETE": "complete_bash", "COMP_WORDS": f"cardctl operation {verb} op_", "COMP_CWORD": "3"}
        assert made in cardctl.process(**asked).stdout


def test_every_verb_has_an_example(cardctl: Cardctl, tmp_path: Path) -> None:
    for verb in ("list", "show", "resume", "resolve"):
        assert "Example: cardctl operation " + verb in cardctl("operation", verb, "--help").stdout
