"""`cardctl simulator …`: what staff, merchants and bad luck do to the far side, and a beginning anew that harms nobody else."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from cardctl import runtime
from cardctl.domain.money import Money
from cardctl.errors import DevelopmentOnly
from cardctl.services.deeds.purchasing import check_development, purchase
from cardctl.services.flows.finding import find_card
from cardctl.simulator.control import Control
from cardctl.simulator.faults import FAULTS
from tests.commands.runner import Cardctl
from tests.machine.processes import Processes, Wanted

OPENING = 1_000_000_000
MILLION = 100_000_000


@pytest.fixture
def card(programme: dict[str, Any]) -> dict[str, Any]:
    one: dict[str, Any] = programme["cards"][0]
    return one


def status(cardctl: Cardctl) -> dict[str, Any]:
    data: dict[str, Any] = cardctl("simulator", "status", "-o", "json").data
    return data


def far_float(cardctl: Cardctl) -> int:
    minor: int = status(cardctl)["float"]["stripe"][0]["minor"]
    return minor


def there(objects: dict[str, int]) -> dict[str, int]:
    return {noun: many for noun, many in objects.items() if many}


def rows(books: Path) -> dict[str, int]:
    with closing(sqlite3.connect(books)) as db:
        tables = ("accounts", "cards", "transactions", "operations", "audit")
        return {table: db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables}


# --- swipe


def test_a_purchase_is_authorised_and_captured(cardctl: Cardctl, card: dict[str, Any]) -> None:
    assert far_float(cardctl) == OPENING
    ran = cardctl("simulator", "swipe", card["id"], "--amount", "12.50", "--merchant", "Blue Bottle", "-o", "json")
    assert ran.code == 0
    authorization, transaction = ran.data.pop("authorization_ref"), ran.data["transaction_ref"]
    assert authorization.startswith("iauth_")
    assert {key: value for key, value in ran.data.items() if key != "authorization_ref"} == {
        "approved": True,
        "reason": "card_active",
        "message": None,
        "amount": {"minor": 1250, "currency": "USD", "amount": "12.50"},
        "card_ref": card["ref"],
        "transaction_ref": transaction,
    }
    assert far_float(cardctl) == OPENING - 1250
    assert there(status(cardctl)["objects"]) == {"cardholders": 3, "cards": 3, "authorizations": 1, "transactions": 1}
    assert cardctl("transaction", "pull", "-o", "json").code == 0
    shown = cardctl("card", "show", card["id"], "-o", "json").data
    assert shown["balance"]["minor"] == MILLION - 1250


def test_a_hold_is_no_capture(cardctl: Cardctl, card: dict[str, Any]) -> None:
    ran = cardctl("simulator", "swipe", card["ref"], "--amount", "40", "--hold", "-o", "json")
    assert (ran.code, ran.data["approved"], ran.data["transaction_ref"]) == (0, True, None)
    assert status(cardctl)["objects"]["transactions"] == 0
    assert far_float(cardctl) == OPENING - 4000, "held money cannot be spent twice"


def test_a_decline_is_a_result(cardctl: Cardctl, card: dict[str, Any]) -> None:
    assert cardctl("card", "freeze", card["id"]).code == 0
    ran = cardctl("simulator", "swipe", card["id"], "--amount", "1", "-o", "json")
    assert (ran.code, ran.data["approved"], ran.data["reason"], ran.data["transaction_ref"]) == (
        0,
        False,
        "card_inactive",
        None,
    )
    told = cardctl("simulator", "swipe", card["id"], "--amount", "1")
    assert (told.code, told.stdout[:8]) == (0, "declined")
    assert far_float(cardctl) == OPENING


def test_a_card_goes_by_a_prefix_of_its_id(cardctl: Cardctl, card: dict[str, Any]) -> None:
    ran = cardctl("simulator", "swipe", card["id"][:15], "--amount", "1", "--category", "bakeries", "-o", "json")
    assert (ran.code, ran.data["card_ref"]) == (0, card["ref"])


@pytest.mark.parametrize("amount", ["1e3", "-5", "25.005", "٢٥", "1,000.00", "0", "", "1" * 31])
def test_what_is_no_amount_is_refused(cardctl: Cardctl, card: dict[str, Any], amount: str) -> None:
    ran = cardctl("simulator", "swipe", card["id"], f"--amount={amount}", "-o", "json")
    assert (ran.code, ran.json["success"]) == (2, False)
    assert far_float(cardctl) == OPENING


@pytest.mark.parametrize(
    ("argv", "code", "error"),
    [
        (["--currency", "EUR"], 2, "INVALID_INPUT"),
        (["--category", "bakery"], 2, "INVALID_INPUT"),
        (["--mcc", "99999"], 2, "INVALID_INPUT"),
    ],
)
def test_what_no_merchant_is_is_refused(cardctl: Cardctl, card: dict[str, Any], argv: list[str], code: int, error: str) -> None:
    ran = cardctl("simulator", "swipe", card["id"], "--amount", "1", *argv, "-o", "json")
    assert (ran.code, ran.error) == (code, error)
    assert far_float(cardctl) == OPENING


def test_a_sandbox_knows_no_category_of_a_merchant(cardctl: Cardctl) -> None:
    assert cardctl("profile", "create", "acme", "--environment", "sandbox", "--provider", "stripe").code == 0
    argv = ["simulator", "swipe", "ic_x", "--amount", "1", "--profile", "acme", "-o", "json"]
    assert (cardctl(*argv, "--category", "bakeries").error) == "INVALID_INPUT"


def test_no_purchase_is_simulated_in_live(cardctl: Cardctl) -> None:
    assert cardctl("profile", "create", "real", "--environment", "live", "--provider", "stripe").code == 0
    ran = cardctl("simulator", "swipe", "ic_x", "--amount", "1", "--profile", "real", "-o", "json")
    assert (ran.code, ran.error) == (6, "DEVELOPMENT_ONLY")
    assert not (cardctl.home / "state" / "books" / "real.db").exists()


def test_a_purchase_in_a_provider_s_own_test_mode(cardctl: Cardctl, programme: dict[str, Any]) -> None:
    """The service that a sandbox's swipe hands over to, with the adapter of the development programme."""
    with runtime.opened() as run:
        card = find_card(run.books, programme["cards"][0]["id"])
        held = purchase(run.desk(card), card, Money(700, "USD"), "Corner Shop", hold=True)
        taken = purchase(run.desk(card), card, Money(1250, "USD"), "Corner Shop")
        assert (held.approved, held.settlement) == (True, None)
        assert taken.approved
    assert far_float(cardctl) == OPENING - 1950
    assert there(status(cardctl)["objects"])["transactions"] == 1
    with pytest.raises(DevelopmentOnly):
        check_development("live")


def test_an_unknown_card_is_said(cardctl: Cardctl, programme: dict[str, Any]) -> None:
    ran = cardctl("simulator", "swipe", "card_nothere00", "--amount", "1")
    assert (ran.code, ran.stdout) == (5, "")
    assert "card_nothere00" in ran.stderr


# --- refund


def bought(cardctl: Cardctl, card: dict[str, Any]) -> str:
    ran = cardctl("simulator", "swipe", card["id"], "--amount", "12.50", "--merchant", "Blue Bottle", "-o", "json")
    ref: str = ran.data["transaction_ref"]
    return ref


def test_a_refund_comes_into_the_books(cardctl: Cardctl, card: dict[str, Any]) -> None:
    ref = bought(cardctl, card)
    (ours,) = [one for one in cardctl("transaction", "list", "-o", "json").data if one["ref"] == ref]
    ran = cardctl("simulator", "refund", ours["id"], "--amount", "2.50", "-o", "json")
    assert (ran.code, ran.warnings) == (0, [])
    assert {name: ran.data[name] for name in ("card_ref", "purchase_ref", "amount")} == {
        "card_ref": card["ref"],
        "purchase_ref": ref,
        "amount": {"minor": 250, "currency": "USD", "amount": "2.50"},
    }
    (refund,) = [one for one in cardctl("transaction", "list", "-o", "json").data if one["kind"] == "refund"]
    assert (refund["ref"], refund["impact"]["minor"]) == (ran.data["transaction_refs"][0], 250)
    assert cardctl("card", "show", card["id"], "-o", "json").data["balance"]["minor"] == MILLION - 1000
    assert far_float(cardctl) == OPENING - 1000


def test_a_doubled_refund_that_nobody_hears_of(cardctl: Cardctl, card: dict[str, Any]) -> None:
    ref = bought(cardctl, card)
    ran = cardctl("simulator", "refund", ref, "--times", "2", "--no-deliver")
    assert (ran.code, [line.startswith("refunded: 12.50 USD by Blue Bottle, ipi_") for line in ran.lines]) == (0, [True] * 2)
    assert not [one for one in cardctl("transaction", "list", "-o", "json").data if one["kind"] == "refund"]
    assert far_float(cardctl) == OPENING + 1250
    assert cardctl("simulator", "deliver").code == 0
    assert len([one for one in cardctl("transaction", "list", "-o", "json").data if one["kind"] == "refund"]) == 2
    assert cardctl("card", "show", card["id"], "-o", "json").data["balance"]["minor"] == MILLION + 1250


def test_a_provider_that_tells_nobody(cardctl: Cardctl) -> None:
    card = cardctl("provision", "--dev", "--provider", "strowallet", "-o", "json").data["cards"][0]
    ran = cardctl("simulator", "refund", bought(cardctl, card), "-o", "json")
    assert (ran.code, ran.warnings) == (0, ["NOT_TOLD"])
    cardctl("transaction", "pull", "--provider", "strowallet")
    found = [one for one in cardctl("transaction", "list", "-o", "json").data if one["kind"] in ("settlement", "refund")]
    assert sorted((one["kind"], one["impact"]["minor"], one["merchant"]["name"]) for one in found) == [
        ("refund", 1250, "Blue Bottle"),
        ("settlement", -1250, "Blue Bottle"),
    ]


@pytest.mark.parametrize(
    ("argv", "code"),
    [
        (["--amount", "12.51"], 2),
        (["--amount", "0"], 2),
        (["--amount", "1e1"], 2),
        (["--times", "0"], 2),
        (["--times", "101"], 2),
    ],
)
def test_what_no_merchant_gives_back(cardctl: Cardctl, card: dict[str, Any], argv: list[str], code: int) -> None:
    ref = bought(cardctl, card)
    ran = cardctl("simulator", "refund", ref, *argv, "-o", "json")
    assert (ran.code, ran.json["success"]) == (code, False)
    assert cardctl("simulator", "refund", "ipi_nothing_here").code == 5
    assert far_float(cardctl) == OPENING - 1250


# --- faults


def test_the_kinds_of_faults_are_listed(cardctl: Cardctl) -> None:
    listed = cardctl("simulator", "fault", "--list", "-o", "json").data
    assert [(each["kind"], each["does"], each["committed"]) for each in listed] == [
        (fault.name, fault.does, fault.committed) for fault in FAULTS.values()
    ]
    assert {each["kind"]: each["strikes"] for each in listed}["torn-page"] == ["lists"]
    told = "".join(cardctl("simulator", "fault", "--help").stdout.split())  # it wraps at hyphens
    assert all(kind in told for kind in FAULTS)
    assert not cardctl.books.exists(), "the far side alone was asked"


def test_an_unknown_fault_names_the_nearest(cardctl: Cardctl) -> None:
    ran = cardctl("simulator", "fault", "--next", "lost-replies", "-o", "json")
    assert (ran.code, ran.error) == (2, "INVALID_INPUT")
    assert "'lost-reply'" in ran.json["hint"]
    assert status(cardctl)["faults"] == []


def test_faults_wait_for_writes_until_they_are_cleared(cardctl: Cardctl, card: dict[str, Any]) -> None:
    armed = cardctl("simulator", "fault", "--next", "slow", "--times", "2", "--delay", "0.01", "-o", "json").data
    assert armed == {"faults": [{"kind": "slow", "remaining": 2, "delay": 0.01}], "random_faults": None}
    assert cardctl("card", "freeze", card["id"]).code == 0
    assert status(cardctl)["faults"] == [{"kind": "slow", "remaining": 1, "delay": 0.01}]
    drawn = cardctl("simulator", "fault", "--seed", "7", "--rate", "0.2", "-o", "json").data
    assert drawn["random_faults"] == {"seed": 7, "rate": 0.2}
    assert cardctl("simulator", "fault", "--clear", "-o", "json").data == {"faults": [], "random_faults": None}
    assert (status(cardctl)["faults"], status(cardctl)["random_faults"]) == ([], None)


def test_a_lost_reply_is_settled_at_once(cardctl: Cardctl, card: dict[str, Any]) -> None:
    assert cardctl("simulator", "fault", "--next", "lost-reply").code == 0
    assert cardctl("card", "fund", card["id"], "--amount", "10", "--currency", "USD").code == 0
    shown = cardctl("card", "show", card["id"], "--fresh", "-o", "json").data
    assert shown["balance"]["minor"] == MILLION + 1000


@pytest.mark.parametrize(
    "argv",
    [
        [],
        ["--clear", "--list"],
        ["--next", "slow", "--clear"],
        ["--seed", "7"],
        ["--rate", "0.5"],
        ["--clear", "--times", "2"],
        ["--next", "500", "--delay", "1"],
        ["--next", "slow", "--times", "0"],
        ["--seed", "1", "--rate", "1.5"],
    ],
)
def test_a_fault_is_said_plainly(cardctl: Cardctl, argv: list[str]) -> None:
    ran = cardctl("simulator", "fault", *argv, "-o", "json")
    assert (ran.code, ran.json["success"]) == (2, False)
    found = status(cardctl)
    assert (found["faults"], found["random_faults"]) == ([], None)


# --- edit, advance, status


def test_the_far_side_is_edited_silently(cardctl: Cardctl, card: dict[str, Any], programme: dict[str, Any]) -> None:
    ran = cardctl(
        "simulator", "edit", card["id"], "status=inactive", "spending_controls.spending_limits.daily=500", "-o", "json"
    )
    assert ran.data == {
        "ref": card["ref"],
        "before": {"status": "active", "spending_controls.spending_limits.daily": None},
        "after": {"status": "inactive", "spending_controls.spending_limits.daily": 500},
    }
    listed = {one["id"]: one["state"] for one in cardctl("card", "list", "-o", "json").data}  # which never asks anybody
    assert listed[card["id"]] == "active", "nobody told us"
    fresh = cardctl("card", "show", card["id"], "--fresh", "-o", "json").data
    assert (fresh["state"], fresh["limits"]["daily"]["minor"]) == ("frozen", 500)
    account = programme["accounts"][0]
    assert cardctl("simulator", "edit", account["id"], "email=new@example.com", "-o", "json").data["ref"] == account["ref"]


def test_the_float_is_edited_by_the_providers_name(cardctl: Cardctl) -> None:
    assert cardctl("simulator", "edit", "stripe", "float.USD=-100").code == 0
    assert far_float(cardctl) == -100
    assert cardctl("provider", "balance", "-o", "json").data[0]["float"]["amount"] == "-1.00"


@pytest.mark.parametrize(
    ("changes", "code"),
    [(["status"], 2), (["=x"], 2), (["stauts=inactive"], 2), (["exp_year=soon"], 2), (["status=a", "status=b"], 2)],
)
def test_what_changes_nothing_is_refused(cardctl: Cardctl, card: dict[str, Any], changes: list[str], code: int) -> None:
    ran = cardctl("simulator", "edit", card["id"], *changes, "-o", "json")
    assert (ran.code, ran.json["success"]) == (code, False)
    assert cardctl("card", "show", card["id"], "--fresh", "-o", "json").data["state"] == "active"


def test_an_unknown_ref_is_said(cardctl: Cardctl) -> None:
    assert cardctl("simulator", "edit", "ic_nothing_here", "status=active").code == 5


def test_the_clock_goes_forward(cardctl: Cardctl) -> None:
    before = datetime.fromisoformat(status(cardctl)["clock"])
    for span, seconds in (("8d", 691_200), ("3h", 10_800), ("90m", 5_400)):
        assert cardctl("simulator", "advance", span, "-o", "json").data["advanced_seconds"] == seconds
    moved = datetime.fromisoformat(status(cardctl)["clock"]) - before
    assert timedelta(seconds=707_400) <= moved < timedelta(seconds=707_700)


@pytest.mark.parametrize("span", ["8", "d", "-3d", "0d", "1.5h", "3660d1", "99999d", "٣d", "8 d"])
def test_what_is_no_span_is_refused(cardctl: Cardctl, span: str) -> None:
    ran = cardctl("simulator", "advance", "-o", "json", "--", span)
    assert (ran.code, ran.error) == (2, "INVALID_INPUT")


def test_status_names_everything(cardctl: Cardctl) -> None:
    found = status(cardctl)
    clock = found.pop("clock")
    assert clock.endswith("Z")
    assert set(found.pop("objects").values()) == {0}
    nouns = ["cardholders", "cards", "authorizations", "transactions", "topups", "disputes"]
    nouns += ["payment_intents", "charges", "checkout_sessions", "refunds", "payment_disputes"]
    assert found.pop("providers")["stripe"] == dict.fromkeys(nouns, 0)
    opening = [{"minor": OPENING, "currency": "USD", "amount": "10000000.00"}]
    assert found == {
        "path": str(cardctl.simulator),
        "float": {"stripe": opening, "marqeta": opening, "strowallet": opening, "zendit": opening},
        "faults": [],
        "random_faults": None,
        "base_urls": {
            "stripe": "https://api.stripe.com",
            "marqeta": "https://sandbox-api.marqeta.com/v3",
            "strowallet": "https://strowallet.com/api",
            "square": "https://connect.squareupsandbox.com",
            "zendit": "https://test-api.zendit.io/v1",
            "topup": "https://topup.simulator.invalid",
        },
        "served": [],
    }
    assert "objects.cards" in cardctl("simulator", "status").stdout


# --- reset


def test_reset_begins_anew_on_both_sides(cardctl: Cardctl, programme: dict[str, Any]) -> None:
    card = programme["cards"][0]
    cardctl("simulator", "swipe", card["id"], "--amount", "5")
    cardctl("simulator", "fault", "--next", "500", "--times", "9")
    before = rows(cardctl.books)
    assert before["cards"] == before["accounts"] == 3
    ran = cardctl("simulator", "reset", "-o", "json")
    assert ran.code == 0
    assert ran.data.keys() == {"far_side", "books", "replaced"}
    assert there(ran.data["far_side"]) == {"cardholders": 3, "cards": 3, "authorizations": 1, "transactions": 1}
    assert ran.data["books"].items() >= before.items()
    assert ran.data["replaced"] is None
    assert (far_float(cardctl), status(cardctl)["objects"]["cards"], status(cardctl)["faults"]) == (OPENING, 0, [])
    assert set(rows(cardctl.books).values()) == {0}
    assert cardctl("audit", "verify").code == 0, "the chain begins anew, whole"
    again = cardctl("provision", "--dev", "-o", "json")
    assert (again.code, again.data["created"]) == (0, 6)
    assert [card["balance"]["minor"] for card in again.data["cards"]] == [MILLION] * 3
    assert cardctl("audit", "verify").code == 0


def test_a_far_side_alone_is_healed(cardctl: Cardctl, programme: dict[str, Any]) -> None:
    before = rows(cardctl.books)
    ran = cardctl("simulator", "reset", "--far-side-only", "-o", "json")
    assert (ran.code, ran.data["books"]) == (0, None)
    assert rows(cardctl.books) == before
    assert cardctl("card", "show", programme["cards"][0]["id"], "--fresh").code != 0, "a dead reference"
    healed = cardctl("provision", "--dev", "-o", "json")
    assert (healed.code, [card["state"] for card in healed.data["cards"]]) == (0, ["active"] * 3)
    assert [account["id"] for account in healed.data["accounts"]] == [account["id"] for account in programme["accounts"]]
    assert status(cardctl)["objects"]["cards"] == 3
    assert cardctl("provision", "--dev", "-o", "json").data["changed"] == 0


def test_it_says_what_it_cleared(cardctl: Cardctl, programme: dict[str, Any]) -> None:
    lines = cardctl("simulator", "reset").lines
    assert lines[0] == "emptied the far side: 3 cardholders, 3 cards"
    assert lines[1].startswith(f"emptied {cardctl.books}: 3 accounts, ")
    assert cardctl("simulator", "reset").lines[0] == "emptied the far side: nothing was there"


def test_another_profiles_books_are_left_alone(cardctl: Cardctl, programme: dict[str, Any]) -> None:
    assert cardctl("profile", "create", "other", "--environment", "simulator", "--provider", "stripe").code == 0
    assert cardctl("account", "list", "--profile", "other").code == 0
    before = rows(cardctl.books)
    assert cardctl("simulator", "reset", "--profile", "other").code == 0
    assert rows(cardctl.books) == before


@pytest.mark.parametrize(
    "argv",
    [
        ["serve", "--port", "0"],
        ["fault", "--clear"],
        ["edit", "ic_1", "status=x"],
        ["refund", "ipi_1"],
        ["advance", "1d"],
        ["status"],
        ["reset"],
        ["reset", "--far-side-only"],
    ],
)
def test_it_is_for_simulator_profiles_alone(cardctl: Cardctl, programme: dict[str, Any], argv: list[str]) -> None:
    assert cardctl("profile", "create", "acme", "--environment", "sandbox", "--provider", "stripe").code == 0
    before = cardctl.simulator.read_bytes()
    ran = cardctl("simulator", *argv, "--profile", "acme", "-o", "json")
    assert (ran.code, ran.error) == (6, "REFUSED")
    assert not (cardctl.home / "state" / "books" / "acme.db").exists()
    assert cardctl.simulator.read_bytes() == before


def test_books_of_another_environment_are_never_emptied(
    cardctl: Cardctl, programme: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A variable points the simulator's profile at books that are not its own."""
    assert cardctl("profile", "create", "acme", "--environment", "sandbox", "--provider", "stripe").code == 0
    assert cardctl("card", "list", "--profile", "acme").code == 0
    theirs = cardctl.home / "state" / "books" / "acme.db"
    monkeypatch.setenv("CARDCTL_DB", str(theirs))
    far, before = status(cardctl)["objects"], rows(theirs)
    ran = cardctl("simulator", "reset", "--profile", "dev", "-o", "json")
    assert (ran.code, ran.error) == (12, "BOOKS_FOREIGN")
    assert (status(cardctl)["objects"], rows(theirs)) == (far, before)


def test_a_provision_at_work_is_not_cut_off(cardctl: Cardctl, programme: dict[str, Any]) -> None:
    before = rows(cardctl.books)
    with FileLock(cardctl.home / "state" / "leases" / "dev.provision.job"):
        assert cardctl("simulator", "reset").code == 11
    assert rows(cardctl.books) == before
    assert status(cardctl)["objects"]["cards"] == 3


def test_who_has_the_files_open_goes_on(cardctl: Cardctl, programme: dict[str, Any], far_side: Control) -> None:
    """A reader of our books in the middle of its snapshot, and a far side held open: neither sees half a reset, nor fails."""
    assert far_side.status()["objects"]["cards"] == 3
    with closing(sqlite3.connect(cardctl.books, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM cards").fetchone() == (3,)
        assert cardctl("simulator", "reset").code == 0
        assert reader.execute("SELECT count(*) FROM accounts").fetchone() == (3,), "its own snapshot"
        reader.execute("ROLLBACK")
        assert reader.execute("SELECT count(*) FROM cards").fetchone() == (0,)
    assert far_side.status()["objects"]["cards"] == 0
    assert cardctl("provision", "--dev").code == 0
    assert far_side.status()["objects"]["cards"] == 3


@pytest.fixture(scope="module")
def processes() -> Iterator[Processes]:
    served = Processes()
    yield served
    served.close()


def test_processes_at_work_survive_it(cardctl: Cardctl, programme: dict[str, Any], processes: Processes) -> None:
    """Others write to both sides all the while: each of their commands is done whole or refused, and nothing is a wreck."""
    first, second = (card["id"] for card in programme["cards"][:2])
    work = (
        [["card", "freeze", first], ["card", "unfreeze", first]],
        [["simulator", "swipe", second, "--amount", "1"]],
        [["account", "create", "--name", "Ada", "--email", "ada@example.com"]],
    )
    wanted = [Wanted(cardctl.home, argvs, seconds=1.5) for argvs in work]
    wanted.append(Wanted(cardctl.home, [["card", "list"], ["simulator", "reset"], ["provision", "--dev"]], seconds=1.5))
    *others, resetter = processes.together(wanted)
    assert {ran.code for ran in resetter.runs} == {0}, [ran for ran in resetter.runs if ran.code]
    told = [ran for other in others for ran in other.runs]
    refused = (5, 6, 7)  # gone, forbidden by what was found instead, or gone at the bank alone
    assert {ran.code for ran in told} <= {0, *refused}, [ran for ran in told if ran.code not in (0, *refused)]
    assert any(ran.code == 0 for ran in others[-1].runs), "whoever needs nothing that was emptied goes on"
    assert cardctl("simulator", "reset").code == 0
    assert cardctl("provision", "--dev", "-o", "json").data["created"] == 6
    assert cardctl("audit", "verify").code == 0
    assert cardctl("db", "status", "-o", "json").data["integrity"] == "ok"


def test_a_far_side_that_cannot_be_emptied_leaves_our_books(cardctl: Cardctl, programme: dict[str, Any]) -> None:
    for end in ("", "-wal", "-shm"):
        Path(f"{cardctl.simulator}{end}").unlink(missing_ok=True)
    cardctl.simulator.write_text("this is no database, and was never one")
    before = rows(cardctl.books)
    assert cardctl("simulator", "reset").code == 2
    assert rows(cardctl.books) == before


def test_books_that_cannot_be_read_are_replaced_and_kept(cardctl: Cardctl, programme: dict[str, Any]) -> None:
    wreck = b"SQLite format 3\0" + b"\xff" * 8000
    for end in ("-wal", "-shm"):
        Path(f"{cardctl.books}{end}").unlink(missing_ok=True)
    cardctl.books.write_bytes(wreck)
    ran = cardctl("simulator", "reset", "-o", "json")
    assert (ran.code, ran.warnings) == (0, ["BOOKS_REPLACED"]), ran
    assert Path(ran.data["replaced"]).read_bytes() == wreck
    assert cardctl("provision", "--dev", "-o", "json").data["created"] == 6


def test_books_of_another_schema_are_replaced_and_kept(cardctl: Cardctl, programme: dict[str, Any]) -> None:
    with closing(sqlite3.connect(cardctl.books)) as db:
        db.execute("UPDATE schema_version SET n = 99")
        db.commit()
    assert cardctl("card", "list").code == 12
    ran = cardctl("simulator", "reset", "-o", "json")
    assert (ran.code, ran.warnings) == (0, ["BOOKS_REPLACED"])
    assert cardctl("provision", "--dev").code == 0


def test_a_damaged_development_key_is_replaced(cardctl: Cardctl, programme: dict[str, Any]) -> None:
    key = cardctl.home / "state" / "keys" / "dev.key"
    key.write_text("half a ke")
    assert cardctl("provision", "--dev").code == 4
    ran = cardctl("simulator", "reset", "-o", "json")
    assert (ran.code, ran.warnings) == (0, ["KEY_DROPPED"])
    assert cardctl("provision", "--dev").code == 0
