"""`cardctl alert …` from end to end: exit codes, the whole JSON, somebody who is really told, a card that is really frozen."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from cardctl.simulator.control import Control
from tests.commands.runner import Cardctl, Ran
from tests.simulator.receiving import receiver

FIELDS = {
    "fingerprint", "rule", "severity", "state", "provider", "programme", "subject", "card_id", "text", "value", "threshold",
    "evidence", "action", "first_at", "last_at", "occurrences", "notified_at", "snoozed_until", "reason",
}  # fmt: skip
PASSWORD = "s3cretword"


@dataclass
class Chat:
    """Where alerts are told: what came, and what it answers."""

    url: str = ""
    status: int = 200
    got: list[dict[str, Any]] = field(default_factory=list)

    def answer(self, _target: str, _headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
        self.got.append(json.loads(body))
        return self.status, b""


@pytest.fixture
def chat(monkeypatch: pytest.MonkeyPatch) -> Iterator[Chat]:
    made = Chat()
    with receiver(made.answer) as url:
        made.url = url.replace("http://", f"json://ops:{PASSWORD}@")
        monkeypatch.setenv("CARDCTL_NOTIFY_URL", made.url)
        yield made


def configure(cardctl: Cardctl, **actions: str) -> None:
    file = cardctl.home / "config" / "config.toml"
    file.parent.mkdir(exist_ok=True, mode=0o700)
    lines = [f"{rule} = '{action}'" for rule, action in actions.items()]
    text = "[profiles.dev.alerts]\nvelocity_purchases = 3\n[profiles.dev.alerts.actions]\n" + "\n".join(lines)
    file.write_text(text + "\n")


def check(cardctl: Cardctl, *more: str) -> Ran:
    return cardctl("alert", "check", *more, "-o", "json")


@pytest.fixture
def spree(cardctl: Cardctl, programme: dict[str, Any], far_side: Control) -> dict[str, Any]:
    """A card on which three things were bought just now."""
    configure(cardctl)
    card: dict[str, Any] = programme["cards"][0]
    for _ in range(3):
        assert cardctl("simulator", "swipe", card["id"], "--amount", "10").code == 0
    return card


def shown(cardctl: Cardctl, card: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = cardctl("card", "show", card["id"], "-o", "json").data
    return found


def test_quiet(cardctl: Cardctl, programme: dict[str, Any], chat: Chat) -> None:
    ran = check(cardctl)
    assert (ran.code, ran.data, ran.warnings, chat.got) == (
        0, {"alerts": [], "firing": 0, "cleared": 0, "notified": 0, "not_notified": 0, "frozen": []}, [], [],
    )  # fmt: skip
    assert cardctl("alert", "list", "-o", "json").data == []


def test_what_fires_is_told_once_and_shown_whole(cardctl: Cardctl, spree: dict[str, Any], chat: Chat) -> None:
    ran = check(cardctl)
    assert (ran.code, ran.stderr.count("\n"), ran.warnings) == (3, 1, []), ran.stderr
    (alert,) = ran.data["alerts"]
    assert set(alert) == FIELDS
    assert {name: alert[name] for name in ("rule", "severity", "state", "provider", "programme", "subject", "card_id")} == {
        "rule": "velocity",
        "severity": "warning",
        "state": "firing",
        "provider": "stripe",
        "programme": "stripe/default",
        "subject": spree["id"],
        "card_id": spree["id"],
    }
    assert (alert["value"], alert["threshold"], alert["action"]) == ("3", "3 within 10 minutes", "notify")
    assert len(alert["evidence"]["transactions"]) == 3
    assert alert["notified_at"] is not None
    assert {name: ran.data[name] for name in ran.data if name != "alerts"} == {
        "firing": 1, "cleared": 0, "notified": 1, "not_notified": 0, "frozen": [],
    }  # fmt: skip
    (message,) = chat.got
    assert message["title"] == "cardctl dev: warning: velocity"
    assert f"cardctl alert ack {alert['fingerprint']}" in message["message"]

    again = check(cardctl)
    assert (again.code, again.data["notified"], len(chat.got)) == (3, 0, 1)
    (listed,) = cardctl("alert", "list", "-o", "json").data
    assert listed == again.data["alerts"][0]
    assert (listed["occurrences"], listed["first_at"], listed["notified_at"]) == (2, alert["first_at"], alert["notified_at"])

    table = cardctl("alert", "check")
    assert table.lines == [f"{alert['fingerprint']} warning velocity: {alert['text']}", "1 firing, 0 seen to, 0 ended; 0 told"]


def test_an_address_that_does_not_take_it_is_10_and_tried_again(cardctl: Cardctl, spree: dict[str, Any], chat: Chat) -> None:
    chat.status = 500
    ran = check(cardctl)
    assert (ran.code, ran.data["notified"], ran.data["not_notified"], ran.warnings) == (10, 0, 1, ["NOT_NOTIFIED"])
    assert PASSWORD not in ran.stdout + ran.stderr
    chat.status = 200
    assert (check(cardctl).code, check(cardctl).data["notified"]) == (3, 0)
    assert len(chat.got) == 2
    log = "".join(file.read_text() for file in cardctl.home.rglob("cardctl.log*"))
    assert '"event_type": "alert"' in log
    assert PASSWORD not in log


def test_nobody_to_tell(cardctl: Cardctl, spree: dict[str, Any]) -> None:
    ran = check(cardctl)
    assert (ran.code, ran.data["not_notified"], ran.warnings) == (3, 1, ["NOBODY_TOLD"])


def test_a_dry_run_does_nothing(cardctl: Cardctl, spree: dict[str, Any], chat: Chat) -> None:
    configure(cardctl, velocity="freeze")
    ran = check(cardctl, "--dry-run")
    assert (ran.code, ran.data["firing"], ran.data["notified"], ran.data["frozen"], chat.got) == (3, 1, 0, [], [])
    assert cardctl("alert", "list", "--all", "-o", "json").data == []
    assert shown(cardctl, spree)["state"] == "active"


def test_a_fraud_hook_freezes_a_card(cardctl: Cardctl, spree: dict[str, Any], far_side: Control, chat: Chat) -> None:
    configure(cardctl, velocity="freeze")
    before = shown(cardctl, spree)
    ran = check(cardctl)
    (alert,) = ran.data["alerts"]
    assert (ran.code, ran.data["frozen"], alert["action"]) == (3, [spree["id"]], "freeze")
    after = shown(cardctl, spree)
    assert (before["state"], after["state"], after["balance"]) == ("active", "frozen", before["balance"])
    assert not far_side.swipe(spree["ref"], _usd(100)).approved, "the bank itself"
    (operation,) = cardctl("operation", "list", "--kind", "card.freeze", "-o", "json").data
    assert (operation["target"], operation["state"], alert["evidence"]["freeze"]) == (spree["id"], "done", [operation["id"]])
    audited = cardctl("audit", "list", "--object", spree["id"], "--action", "card.freeze", "-o", "json").data
    assert [(entry["actor"], entry["reason"]) for entry in audited] == [("tester", f"alert velocity {alert['fingerprint']}")]
    assert cardctl("audit", "verify").code == 0
    assert check(cardctl).data["frozen"] == []


def test_ack_and_snooze(cardctl: Cardctl, spree: dict[str, Any], chat: Chat) -> None:
    name = check(cardctl).data["alerts"][0]["fingerprint"]
    acked = cardctl("alert", "ack", name[:12], "--reason", "the holder says so", "-o", "json")
    assert acked.code == 0
    assert [(each["state"], each["reason"]) for each in acked.data["alerts"]] == [("acknowledged", "the holder says so")]
    assert (check(cardctl).code, check(cardctl).data["firing"]) == (0, 0)
    assert cardctl("alert", "ack", name, "--reason", "again", "-o", "json").warnings == ["ALREADY"]

    snoozed = cardctl("alert", "snooze", name, "--for", "8h", "--reason", "a test of ours", "-o", "json")
    assert [each["state"] for each in snoozed.data["alerts"]] == ["snoozed"]
    assert check(cardctl).code == 0
    entries = cardctl("audit", "list", "--object", name, "-o", "json").data
    assert [(entry["action"], entry["reason"], entry["after"]["state"]) for entry in reversed(entries)] == [
        ("alert.ack", "the holder says so", "acknowledged"),
        ("alert.snooze", "a test of ours", "snoozed"),
    ]
    assert cardctl("audit", "verify").code == 0
    assert cardctl("alert", "ack", name, "--reason", "x").lines[0].startswith(f"acknowledged: {name} warning velocity")


@pytest.mark.parametrize(
    ("argv", "code", "error"),
    [
        (["ack", "alr_00000000000000000000", "--reason", "x"], 5, "ALERT_NOT_FOUND"),
        (["snooze", "alr_00000000000000000000", "--for", "8h", "--reason", "x"], 5, "ALERT_NOT_FOUND"),
        (["snooze", "alr_1", "--for", "long", "--reason", "x"], 2, "INVALID_INPUT"),
        (["ack", "alr_1", "--reason", ""], 2, "INVALID_INPUT"),
        (["check", "--provider", "nobody"], 2, "INVALID_INPUT"),
    ],
)
def test_what_is_refused(cardctl: Cardctl, programme: dict[str, Any], argv: list[str], code: int, error: str) -> None:
    ran = cardctl("alert", *argv, "-o", "json")
    assert (ran.code, ran.error) == (code, error)


def test_the_list_is_filtered(cardctl: Cardctl, spree: dict[str, Any]) -> None:
    check(cardctl)

    def count(*filters: str) -> int:
        return len(cardctl("alert", "list", *filters, "-o", "json").data)

    assert count() == count("--state", "firing") == count("--rule", "velocity") == count("--provider", "stripe") == 1
    assert count("--card", spree["id"]) == count("--since", "1h") == count("--limit", "1") == 1
    assert count("--state", "cleared") == count("--rule", "latency") == count("--provider", "marqeta") == 0
    assert count("--until", "1h") == 0
    configure(cardctl, velocity="off")
    assert (check(cardctl).code, count(), count("--all"), count("--state", "cleared")) == (0, 0, 1, 1)


def test_one_provider_alone(cardctl: Cardctl, spree: dict[str, Any]) -> None:
    assert check(cardctl, "--provider", "marqeta").code == 0
    assert check(cardctl, "--provider", "stripe").code == 3
    assert check(cardctl, "--provider", "marqeta").code == 0
    assert len(cardctl("alert", "list", "-o", "json").data) == 1, "nobody asked about it, so it goes on"


def test_a_second_check_waits_for_nobody(cardctl: Cardctl, programme: dict[str, Any]) -> None:
    from filelock import FileLock

    directory = cardctl.home / "state" / "leases"
    with FileLock(directory / "dev.alert.job"):
        ran = check(cardctl)
        assert (ran.code, ran.error) == (11, "BUSY")
        assert check(cardctl, "--dry-run").code == 0


def test_an_operation_in_doubt_fires_until_it_is_settled(
    cardctl: Cardctl, programme: dict[str, Any], far_side: Control
) -> None:
    configure(cardctl)
    far_side.fault("lost-reply", times=20)
    assert cardctl("account", "create", "--name", "Ada").code == 9
    far_side.clear_faults()
    (alert,) = check(cardctl).data["alerts"]
    (operation,) = cardctl("operation", "list", "--state", "in_doubt", "-o", "json").data
    assert (alert["rule"], alert["severity"], alert["evidence"]) == (
        "operations_in_doubt", "critical", {"operations": [operation["id"]]},
    )  # fmt: skip
    assert cardctl("operation", "resume").code == 0
    assert (check(cardctl).code, cardctl("alert", "list", "-o", "json").data) == (0, [])


def _usd(minor: int) -> Any:
    from cardctl.domain.money import Money

    return Money(minor, "USD")


def test_what_reconcile_found_fires(cardctl: Cardctl, programme: dict[str, Any]) -> None:
    card = programme["cards"][0]
    assert cardctl("reconcile").code == 0
    assert check(cardctl).data["alerts"] == []
    assert cardctl("simulator", "swipe", card["id"], "--amount", "200000", "--no-deliver").code == 0
    assert cardctl("reconcile").code == 3
    ran = check(cardctl)
    drift, lost = ran.data["alerts"]
    assert (ran.code, drift["rule"], drift["severity"], drift["subject"]) == (3, "balance_drift", "critical", "USD")
    assert (drift["value"], drift["threshold"]) == ("7.1 %", "over 1 %")
    assert drift["text"] == "our books of stripe/default say 3000000.00 USD, the provider 2800000.00 USD"
    assert (lost["rule"], lost["subject"], len(lost["evidence"]["breaks"])) == (
        "breaks_critical",
        "transaction_missing_here",
        1,
    )
    assert cardctl("reconcile", "--fix", "--yes").code == 0
    assert cardctl("reconcile").code == 0
    assert (check(cardctl).code, cardctl("alert", "list", "-o", "json").data) == (0, [])


def test_a_refused_key_fires_until_one_is_taken(cardctl: Cardctl, programme: dict[str, Any], far_side: Control) -> None:
    account = programme["accounts"][0]["id"]
    far_side.fault("401", times=1)
    assert cardctl("account", "create", "--name", "Grace").code == 4
    (alert,) = check(cardctl).data["alerts"]
    assert (alert["rule"], alert["severity"], alert["value"], alert["programme"]) == (
        "keys_refused", "critical", "1 x 401", "stripe/default",
    )  # fmt: skip
    assert cardctl("account", "sync", account).code == 0
    assert check(cardctl).code == 0
