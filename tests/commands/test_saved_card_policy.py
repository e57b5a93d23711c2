"""`saved-card preauth --policy`: an auction from its window to its end; what the far side holds and has taken at each step."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cardctl import runtime
from cardctl.simulator.control import Control
from tests.commands.runner import Cardctl, Ran
from tests.contract.seller import Seller

HOUR = timedelta(hours=1)
Auction = Callable[..., Ran]


@pytest.fixture
def ann(cardctl: Cardctl) -> str:
    """A buyer with a saved card that is good."""
    save(cardctl, "ann")
    return "ann"


def save(cardctl: Cardctl, person: str, nonce: str = "cnon:card-nonce-ok", *more: str) -> None:
    ran = cardctl("saved-card", "add", "--person", person, "--nonce", "-", *more, stdin=nonce)
    assert ran.code == 0, ran.stderr


def lot(person: str = "ann", *, starts: timedelta = 2 * HOUR, lasts: timedelta = 4 * HOUR, **more: str) -> str:
    """One lot, which starts so long from now."""
    start = datetime.now(UTC).replace(microsecond=0) + starts
    told = {"person": person, "amount": "50.00", "invoice": f"A/{person}"} | more
    lines = [f'{key} = "{value}"' for key, value in told.items()]
    times = [f"start = {start.isoformat()}", f"end = {(start + lasts).isoformat()}"]
    return "\n".join(["[[lots]]", *lines, *times, ""])


@pytest.fixture
def auction(cardctl: Cardctl, tmp_path: Path) -> Auction:
    """Runs the policy of these lots; JSON unless `table`."""

    def run(*lots: str, options: tuple[str, ...] = (), top: str = 'hold = "6d"\n', table: bool = False) -> Ran:
        file = tmp_path / "auction.toml"
        file.write_text(f'currency = "USD"\n{top}' + "".join(lots), "utf-8")
        shown = () if table else ("-o", "json")
        return cardctl("saved-card", "preauth", "--policy", str(file), *options, *shown)

    return run


def far(cardctl: Cardctl) -> list[tuple[str, str, int]]:
    """The far side's payments: invoice, status and amount, oldest first."""
    with closing(sqlite3.connect(cardctl.simulator)) as db:
        return list(db.execute("SELECT reference_id, status, amount FROM square_payments ORDER BY seq"))


def steps(ran: Ran) -> list[tuple[str, str | None]]:
    return [(step["action"], step["error_code"]) for step in ran.data["steps"]]


def states(ran: Ran) -> list[str]:
    return [each["state"] for each in ran.data["lots"]]


@contextmanager
def later(monkeypatch: pytest.MonkeyPatch, by: timedelta) -> Iterator[None]:
    """Our own clock, so much later."""
    with monkeypatch.context() as patch:
        patch.setattr("cardctl.runtime.run.now", lambda: datetime.now(UTC) + by)
        yield


def test_an_auction(cardctl: Cardctl, ann: str, auction: Auction) -> None:
    before = auction(lot(starts=5 * HOUR))
    assert (before.code, states(before), steps(before), far(cardctl)) == (0, ["waiting"], [], [])
    inside = auction(lot())
    assert (inside.code, states(inside), steps(inside)) == (0, ["covered"], [("hold", None)])
    assert far(cardctl) == [("A/ann", "APPROVED", 5000)]
    again = auction(lot())
    assert (again.code, states(again), steps(again), far(cardctl)) == (0, ["covered"], [], [("A/ann", "APPROVED", 5000)])
    over = auction(lot(status="completed", final="42.10"))
    assert (over.code, states(over), steps(over)) == (0, ["paid"], [("capture", None)])
    assert far(cardctl) == [("A/ann", "COMPLETED", 4210)]
    again = auction(lot(status="completed", final="42.10"))
    assert (again.code, states(again), steps(again), far(cardctl)) == (0, ["paid"], [], [("A/ann", "COMPLETED", 4210)])


def test_the_whole_document(cardctl: Cardctl, ann: str, auction: Auction) -> None:
    ran = auction(lot(), lot("zoe"))
    assert (ran.code, ran.stderr.count("\n")) == (3, 1)
    data = ran.data
    assert set(data) == {"lots", "steps", "counts", "wanting"}
    assert {key: value for key, value in data["lots"][0].items() if key not in ("start", "end")} == {
        "person": "ann",
        "invoice": "A/ann",
        "status": "open",
        "amount": {"minor": 5000, "currency": "USD", "amount": "50.00"},
        "due": {"minor": 0, "currency": "USD", "amount": "0.00"},
        "state": "covered",
        "held": {"minor": 5000, "currency": "USD", "amount": "50.00"},
        "captured": {"minor": 0, "currency": "USD", "amount": "0.00"},
        "reason": None,
    }
    assert data["lots"][1]["reason"] == "no card of this person is saved"
    [step] = data["steps"]
    assert step["payment_id"].startswith("pay_")
    assert {**step, "payment_id": "pay_1"} == {
        "action": "hold",
        "person": "ann",
        "invoice": "A/ann",
        "amount": {"minor": 5000, "currency": "USD", "amount": "50.00"},
        "tip": None,
        "payment_id": "pay_1",
        "state": "approved",
        "error_code": None,
        "message": None,
    }
    assert data["wanting"] == data["counts"]["missing"] == data["counts"]["covered"] == 1


def test_the_report_tells_of_every_lot(cardctl: Cardctl, ann: str, auction: Auction) -> None:
    told = auction(lot(), lot("zoe"), options=("--report",), table=True)
    assert told.lines == [
        "hold 50.00 USD  A/ann  ann",
        "A/ann  ann  50.00 USD: covered; held 50.00 USD, captured 0.00 USD",
        "A/zoe  zoe  50.00 USD: NOT COVERED (no card of this person is saved); held 0.00 USD, captured 0.00 USD",
        "2 lots: 1 covered, 1 missing",
    ]
    quiet = auction(lot(), lot("zoe"), table=True)
    assert quiet.lines == told.lines[2:]
    assert told.code == quiet.code == 3


def test_a_dry_run_sends_nothing(cardctl: Cardctl, ann: str, auction: Auction) -> None:
    ran = auction(lot(), options=("--dry-run",))
    assert (ran.code, steps(ran), far(cardctl)) == (3, [("hold", None)], [])
    assert cardctl("operation", "list", "--kind", "saved_card.preauth", "-o", "json").data == []


def test_a_hold_is_renewed_before_it_lapses(
    cardctl: Cardctl, ann: str, auction: Auction, far_side: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = 'hold = "1h"\n'
    assert auction(lot(), top=short).code == 0
    far_side.advance(timedelta(minutes=30))
    with later(monkeypatch, timedelta(minutes=30)):
        assert steps(auction(lot(), top=short)) == []
    far_side.advance(timedelta(minutes=20))
    with later(monkeypatch, timedelta(minutes=50)):
        renewed = auction(lot(), top=short)
        assert (renewed.code, states(renewed), steps(renewed)) == (0, ["covered"], [("renew", None), ("release", None)])
        assert far(cardctl) == [("A/ann", "CANCELED", 5000), ("A/ann~2", "APPROVED", 5000)]
        assert steps(auction(lot(), top=short)) == []
        done = auction(lot(status="completed"), top=short)
    assert (done.code, steps(done)) == (0, [("capture", None)])
    assert far(cardctl) == [("A/ann", "CANCELED", 5000), ("A/ann~2", "COMPLETED", 5000)]


def test_a_hold_that_lapsed_is_placed_anew(
    cardctl: Cardctl, ann: str, auction: Auction, far_side: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody has told these books: they ask, once its time is over."""
    assert auction(lot(), top='hold = "1h"\n').code == 0
    far_side.advance(2 * HOUR)
    with later(monkeypatch, 2 * HOUR):
        ran = auction(lot())
    assert (ran.code, states(ran), steps(ran)) == (0, ["covered"], [("hold", None)])
    assert far(cardctl) == [("A/ann", "CANCELED", 5000), ("A/ann~2", "APPROVED", 5000)]


def test_a_hold_that_ended_unheard_of_is_charged_instead(
    cardctl: Cardctl, ann: str, auction: Auction, far_side: Control
) -> None:
    """By our clock it lives; what is refused is looked at, and is no failure."""
    assert auction(lot()).code == 0
    far_side.advance(timedelta(days=8))
    ran = auction(lot(status="completed"))
    assert (ran.code, states(ran), steps(ran)) == (0, ["paid"], [("charge", None)])
    assert far(cardctl) == [("A/ann", "CANCELED", 5000), ("A/ann~2", "COMPLETED", 5000)]


def test_more_is_required(cardctl: Cardctl, ann: str, auction: Auction) -> None:
    assert auction(lot(amount="40.00")).code == 0
    ran = auction(lot(amount="60.00"))
    assert (ran.code, steps(ran)) == (0, [("top_up", None), ("release", None)])
    assert far(cardctl) == [("A/ann", "CANCELED", 4000), ("A/ann~2", "APPROVED", 6000)]
    assert (auction(lot(amount="30.00")).data["steps"], len(far(cardctl))) == ([], 2)


def test_more_is_due_than_is_held(cardctl: Cardctl, ann: str, auction: Auction) -> None:
    assert auction(lot()).code == 0
    over = lot(status="completed", final="60.00", tip="5.00")
    ran = auction(over)
    assert (ran.code, steps(ran)) == (0, [("capture", None), ("charge", None)])
    assert ran.data["lots"][0]["captured"]["amount"] == "65.00"
    with closing(sqlite3.connect(cardctl.simulator)) as db:
        paid = list(db.execute("SELECT amount, tip, status FROM square_payments ORDER BY seq"))
    assert [(amount, tip or 0, status) for amount, tip, status in paid] == [(5000, 0, "COMPLETED"), (1000, 500, "COMPLETED")]
    assert (steps(auction(over)), len(far(cardctl))) == ([], 2)


def test_a_tip_beyond_what_is_held_is_charged(cardctl: Cardctl, ann: str, auction: Auction) -> None:
    auction(lot())
    ended = lot(status="completed", tip="10.00")
    assert far(cardctl) == [("A/ann", "APPROVED", 5000)]
    over = auction(ended)
    assert (over.code, states(over), steps(over)) == (0, ["paid"], [("capture", None), ("charge", None)])
    assert far(cardctl) == [("A/ann", "COMPLETED", 5000), ("A/ann~2", "COMPLETED", 1000)]
    assert (auction(ended).code, len(far(cardctl))) == (0, 2)


@pytest.mark.parametrize(
    ("changed", "final", "taken"),
    [
        ({"amount": 4000}, "50.00", [5000, 0]),  # made whole again, or the rest charged
        ({"tip": 500}, "50.00", [5000, 0]),
        ({"amount": 4000, "tip": 500}, "42.10", [4210, 0]),
    ],
)
def test_a_hold_that_staff_have_changed_is_captured_for_no_more_than_is_due(
    cardctl: Cardctl, ann: str, auction: Auction, changed: dict[str, int], final: str, taken: list[int]
) -> None:
    auction(lot())
    seller = Seller(cardctl.simulator)
    [hold] = seller.payments()
    money = {f"{name}_money": {"amount": minor, "currency": "USD"} for name, minor in changed.items()}
    seller.done("PUT", f"/v2/payments/{hold}", {"idempotency_key": "staff-1", "payment": money})
    over = auction(lot(status="completed", final=final))
    assert (over.code, states(over)) == (0, ["paid"])
    assert [seller.taken()[0], seller.taken()[1]] == taken
    seller.close()


@pytest.mark.parametrize("ending", [{"status": "cancelled"}, {"status": "completed", "final": "0"}])
def test_what_is_not_due_is_released(cardctl: Cardctl, ann: str, auction: Auction, ending: dict[str, Any]) -> None:
    assert auction(lot()).code == 0
    for done in ([("release", None)], []):
        ran = auction(lot(**ending))
        assert (ran.code, states(ran), steps(ran)) == (0, ["released"], done)
        assert far(cardctl) == [("A/ann", "CANCELED", 5000)]


def test_a_lot_that_left_the_file_stays_as_it_is(cardctl: Cardctl, ann: str, auction: Auction) -> None:
    assert auction(lot()).code == 0
    assert auction(lot("zoe", starts=9 * HOUR)).code == 0
    assert far(cardctl) == [("A/ann", "APPROVED", 5000)]


def test_a_declined_card_is_not_asked_every_five_minutes(
    cardctl: Cardctl, auction: Auction, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(cardctl, "bob", "cnon:card-nonce-insufficient-funds")
    ran = auction(lot("bob"))
    assert (ran.code, states(ran), steps(ran)) == (3, ["missing"], [("hold", "PROVIDER_REFUSED")])
    assert "INSUFFICIENT_FUNDS" in ran.data["lots"][0]["reason"]
    asked = len(far(cardctl))
    again = auction(lot("bob"))
    assert (again.code, steps(again), len(far(cardctl))) == (3, [], asked)
    assert "asked again after" in again.data["lots"][0]["reason"]
    with later(monkeypatch, timedelta(minutes=61)):
        assert steps(auction(lot("bob"))) == [("hold", "PROVIDER_REFUSED")]
        assert steps(auction(lot("bob"))) == []
    save(cardctl, "bob", "cnon:card-nonce-ok", "--replace")
    assert (auction(lot("bob")).code, far(cardctl)[-1][1:]) == (0, ("APPROVED", 5000)), "another card is asked at once"


def test_one_that_is_declined_stops_no_other(cardctl: Cardctl, ann: str, auction: Auction) -> None:
    save(cardctl, "bob", "cnon:card-nonce-declines-charge")
    ran = auction(lot("bob"), lot("ann"))
    assert (ran.code, states(ran)) == (3, ["missing", "covered"])


def test_a_lost_reply_is_settled_and_held_once(cardctl: Cardctl, ann: str, auction: Auction, far_side: Control) -> None:
    far_side.fault("lost-reply", times=40)
    far_side.fault("stale-read", times=40)
    doubtful = auction(lot())
    assert (doubtful.code, states(doubtful)) == (9, ["missing"])
    assert doubtful.data["lots"][0]["reason"].startswith("in doubt: op_")
    held = len(far(cardctl))
    again = auction(lot())
    assert (again.code, states(again), len(far(cardctl))) == (3, ["missing"], held), "no second hold on top of a doubt"
    far_side.clear_faults()
    settled = auction(lot())
    assert (settled.code, states(settled), steps(settled)) == (0, ["covered"], [])
    assert far(cardctl) == [("A/ann", "APPROVED", 5000)]


def test_a_provider_that_is_not_there_is_not_asked_for_every_lot(
    cardctl: Cardctl, ann: str, auction: Auction, far_side: Control
) -> None:
    lots = [lot(invoice=f"A-{number}") for number in range(6)]
    far_side.fault("refused", times=500)
    ran = auction(*lots)
    assert (ran.code, states(ran), ran.warnings) == (10, ["missing"] * 6, ["NOT_REACHED"])
    assert len(steps(ran)) == 3
    far_side.clear_faults()
    assert cardctl("simulator", "status", "-o", "json").code == 0
    assert far(cardctl) == []


def test_much_money_asks(cardctl: Cardctl, ann: str, auction: Auction, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARDCTL_CONFIRM_OVER", "60.00 USD")
    lots = [lot(), lot(invoice="B/ann")]
    refused = auction(*lots)
    assert (refused.code, refused.error, far(cardctl)) == (6, "CONSENT_MISSING", [])
    assert (auction(*lots, options=("--yes",)).code, len(far(cardctl))) == (0, 2)
    assert auction(*lots).code == 0, "nothing more is to be held"


def test_a_second_run_is_kept_out(cardctl: Cardctl, ann: str, auction: Auction) -> None:
    with runtime.opened(profile="dev") as run, run.lock("preauth"):
        busy = auction(lot())
    assert (busy.code, busy.error, far(cardctl)) == (11, "BUSY", [])


def test_a_deadline_leaves_the_rest(cardctl: Cardctl, ann: str, auction: Auction, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cardctl.runtime.jobs.Job.elapsed", property(lambda _: 60.0))
    ran = auction(lot(), options=("--deadline", "30s"))
    assert (ran.code, states(ran), far(cardctl)) == (10, ["missing"], [])
    assert ran.warnings == ["DEADLINE", "NOT_REACHED"]


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("ann", "--policy", "FILE"), "SAVED_CARD exclude each other"),
        (("--policy", "FILE", "--amount", "5", "--invoice", "A"), "--amount, --invoice exclude each other"),
        (("ann", "--amount", "5", "--currency", "USD", "--report"), "--report needs --policy"),
        (("ann", "--amount", "5"), "needs a saved card, --amount and --currency"),
        (("--policy", "none.toml"), "No such file"),
    ],
)
def test_what_does_not_go_together(cardctl: Cardctl, argv: tuple[str, ...], said: str) -> None:
    ran = cardctl("saved-card", "preauth", *argv, "-o", "json")
    assert (ran.code, said in ran.json["message"]) == (2, True), ran.json


def test_csv(cardctl: Cardctl, ann: str, tmp_path: Path) -> None:
    file = tmp_path / "lots.csv"
    start = (datetime.now(UTC) + HOUR).isoformat()
    file.write_text(f"person,amount,start,invoice\nann,50.00,{start},A-1\n", "utf-8")
    how = ["--window", "30m", "--currency", "USD", "-o", "json"]
    assert states(cardctl("saved-card", "preauth", "--policy", str(file), *how)) == ["waiting"]
    how[1] = "90m"
    assert states(cardctl("saved-card", "preauth", "--policy", str(file), *how)) == ["covered"]
    assert far(cardctl) == [("A-1", "APPROVED", 5000)]


def test_a_policy_is_for_who_saves_cards(cardctl: Cardctl, ann: str, auction: Auction) -> None:
    """The profile's own provider (Stripe, here) does not matter."""
    told: dict[str, Any] = cardctl("profile", "show", "-o", "json").data
    assert told["name"] == "dev"
    assert auction(lot()).code == 0
