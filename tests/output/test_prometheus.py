"""The page for Prometheus, whole and exact; the dashboard and the rules, which speak of nothing that the page has not."""

from __future__ import annotations

import json
import os
import re
import resource
import stat
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from cardctl.domain.audit import AuditHead
from cardctl.domain.breaks import RunState
from cardctl.domain.days import Day
from cardctl.domain.money import MAX_MINOR, Money
from cardctl.domain.order_figures import NO_ORDERS, OrderFigures
from cardctl.domain.orders import OrderState
from cardctl.domain.standing import Answers, LastRun, Standing
from cardctl.domain.targets import CARD_CREATION, PROVIDER_ANSWERS, TARGETS, Measure, Verdict, share, span
from cardctl.errors import BadFile, DiskFull, Refused
from cardctl.output.prometheus import DASHBOARD, RULES, page, shipped, write_page, write_shipped
from tests.output.promtool import promtool

NOW = datetime(2026, 11, 21, 0, 57, 43, 123456, UTC)
RUN = LastRun("run_1", RunState.PARTIAL, NOW - timedelta(seconds=90), NOW - timedelta(seconds=30), 7, 2, NOW)
STANDING = Standing(
    cards={("stripe", "active"): 3},
    operations={("stripe", "in_doubt"): 2},
    events={},
    breaks={("marqeta", "open", "critical"): 1},
    alerts={("firing", "warning"): 1},
    last_run=RUN,
    oldest_unapplied_at=NOW - timedelta(hours=1),
    audit=AuditHead(21, "ab" * 32),
)
NOTHING = Standing({}, {}, {}, {}, {}, None, None, AuditHead(0, "00" * 32))
SOLD = OrderFigures(97, 100, 97, 97 * 8_500_000, 61_000_000, 2, 4, 1, {"delivered": 250, "stuck": 1})
ANSWERS = Answers("stripe", 90, 5, 4, 1, 99_000_000, 1_500_000)


def day(**fields: Any) -> Day:
    moved = {name: Money(number, "USD") for number, name in enumerate(("volume", "refunded", "funded", "withdrawn"), 100)}
    given: dict[str, Any] = {"programme": "stripe/acct_1", "day": NOW.date(), "currency": "USD", "provider": "stripe"}
    given |= {"purchases": 1, "refunds": 2, "declines": 3, "active_cards": 4, "final": False, "written_at": NOW}
    return Day(**given | moved | fields)


def the_page(standing: Standing = STANDING, *, profile: str = "acme", **more: Any) -> str:
    measures = more.get("measures") or [share(CARD_CREATION, 199, 200), span(PROVIDER_ANSWERS, 2_500_000, 1)]
    days = more.get("days", [day()])
    answers = more.get("answers", [ANSWERS])
    orders, since = more.get("orders", NO_ORDERS), NOW - timedelta(days=30)
    named = {"profile": profile, "environment": "sandbox"}
    return page(measures, answers, standing, days, orders=orders, since=since, now=NOW, **named)


def samples(text: str) -> dict[str, float]:
    """Every sample of a page by its name and labels, but for the profile that it must have."""
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = dict(sample.labels)
            assert labels.pop("profile") == "acme"
            name = sample.name + "".join(f" {value}" for _, value in sorted(labels.items()))
            assert name not in found
            found[name] = sample.value
    return found


def full_page() -> str:
    """A page on which every figure stands."""
    every = [Measure(target, target.bound, Verdict.MISSED, 1) for target in TARGETS]
    return the_page(measures=every, orders=SOLD)


def named_in(text: str) -> set[str]:
    """The metrics of ours that are named in expressions."""
    return set(re.findall(r"\bcardctl_[a-z0-9_]+", text))


def test_the_figures() -> None:
    found = samples(the_page())
    wanted = {
        "cardctl_info sandbox 0.1.0": 1,
        "cardctl_metrics_written_timestamp_seconds": 1795222663.123,
        "cardctl_window_seconds": 30 * 86_400,
        "cardctl_target_ratio card_creation": 0.99,
        "cardctl_measured_ratio card_creation": 0.995,
        "cardctl_measured_sample card_creation": 200,
        "cardctl_target_verdict card_creation met": 1,
        "cardctl_target_verdict card_creation missed": 0,
        "cardctl_target_verdict card_creation no_data": 0,
        "cardctl_target_seconds provider_answers": 2,
        "cardctl_measured_seconds provider_answers": 2.5,
        "cardctl_target_verdict provider_answers missed": 1,
        "cardctl_provider_calls answered stripe": 90,
        "cardctl_provider_calls refused stripe": 5,
        "cardctl_provider_calls failed stripe": 4,
        "cardctl_provider_calls silent stripe": 1,
        "cardctl_provider_answer_mean_seconds stripe": 1,
        "cardctl_provider_answer_p95_seconds stripe": 1.5,
        "cardctl_cards stripe active": 3,
        "cardctl_cards stripe frozen": 0,
        "cardctl_cards marqeta active": 0,
        "cardctl_operations stripe in_doubt": 2,
        "cardctl_events stripe failed": 0,
        "cardctl_breaks marqeta critical open": 1,
        "cardctl_alerts warning firing": 1,
        "cardctl_alerts critical firing": 0,
        "cardctl_events_oldest_unapplied_timestamp_seconds": 1795219063.123,
        "cardctl_audit_entries": 21,
        "cardctl_reconcile_last_started_timestamp_seconds": 1795222573.123,
        "cardctl_reconcile_last_done_timestamp_seconds": 1795222663.123,
        "cardctl_reconcile_last_duration_seconds": 60,
        "cardctl_reconcile_last_state partial": 1,
        "cardctl_reconcile_last_state done": 0,
        "cardctl_reconcile_last_breaks": 7,
        "cardctl_reconcile_last_fixes": 2,
        "cardctl_day_purchases USD today stripe/acct_1 stripe": 1,
        "cardctl_day_refunds USD today stripe/acct_1 stripe": 2,
        "cardctl_day_declines USD today stripe/acct_1 stripe": 3,
        "cardctl_day_active_cards USD today stripe/acct_1 stripe": 4,
        "cardctl_day_volume USD today stripe/acct_1 stripe minor": 100,
        "cardctl_day_refunded USD today stripe/acct_1 stripe minor": 101,
        "cardctl_day_funded USD today stripe/acct_1 stripe minor": 102,
        "cardctl_day_withdrawn USD today stripe/acct_1 stripe minor": 103,
    }
    assert {name: found.get(name) for name in wanted} == wanted


def test_what_nobody_knows_is_left_out_and_never_zero() -> None:
    nothing = [share(CARD_CREATION, 0, 0), span(PROVIDER_ANSWERS, None, 0)]
    found = samples(the_page(NOTHING, measures=nothing, answers=[Answers("stripe", 0, 0, 0, 3, None, None)], days=[]))
    assert found["cardctl_target_verdict card_creation no_data"] == 1
    assert found["cardctl_measured_sample card_creation"] == 0
    gone = ("cardctl_measured_r", "cardctl_measured_seconds", "cardctl_provider_answer", "cardctl_reconcile", "cardctl_day")
    assert [name for name in found if name.startswith((*gone, "cardctl_events_oldest"))] == []


def test_a_run_that_goes_on_has_no_duration() -> None:
    going = replace(RUN, state=RunState.RUNNING, finished_at=None, done_at=None)
    found = samples(the_page(replace(STANDING, last_run=going)))
    assert found["cardctl_reconcile_last_state running"] == 1
    assert not [name for name in found if "duration" in name or "last_done" in name]


def test_money_is_exact_to_the_largest_amount() -> None:
    text = the_page(days=[day(volume=Money(MAX_MINOR, "USD"), funded=Money(123_456_789_012_345, "USD"))])
    found = samples(text)
    assert int(found["cardctl_day_volume USD today stripe/acct_1 stripe minor"]) == MAX_MINOR
    assert int(found["cardctl_day_funded USD today stripe/acct_1 stripe minor"]) == 123_456_789_012_345


def test_days_before_yesterday_are_not_on_the_page() -> None:
    yesterday = day(day=NOW.date() - timedelta(days=1), purchases=8)
    found = samples(the_page(days=[day(), yesterday, day(day=NOW.date() - timedelta(days=2))]))
    told = {name: value for name, value in found.items() if name.startswith("cardctl_day_purchases")}
    of = "stripe/acct_1 stripe"
    assert told == {f"cardctl_day_purchases USD today {of}": 1, f"cardctl_day_purchases USD yesterday {of}": 8}


def test_a_strange_profile_name_is_escaped() -> None:
    (family, *_) = text_string_to_metric_families(the_page(profile='a"b\\c\nd'))
    assert family.samples[0].labels["profile"] == 'a"b\\c\nd'


def test_promtool_has_nothing_to_remark_on_the_page() -> None:
    assert promtool("check", "metrics", stdin=full_page()) == ""


def test_promtool_takes_the_rules(tmp_path: Path) -> None:
    write_shipped(RULES, tmp_path / "rules.yml", 0o600, force=False)
    said = promtool("check", "rules", "--lint-fatal", str(tmp_path / "rules.yml"))
    assert "SUCCESS: 12 rules found" in said


def test_the_rules_fire_when_they_should_and_not_before(tmp_path: Path) -> None:
    (tmp_path / RULES).write_text(shipped(RULES))
    told = Path(__file__).with_name("rules_test.yml").read_text("utf-8")
    (tmp_path / "rules_test.yml").write_text(told)
    assert "SUCCESS" in promtool("test", "rules", "rules_test.yml", cwd=tmp_path)
    alerts = set(re.findall(r"- alert: (\w+)", shipped(RULES)))
    assert alerts == set(re.findall(r"alertname: (\w+)", told)), "every rule is tried"


def test_orders_are_there_where_anybody_sells_esims() -> None:
    assert "cardctl_orders" not in the_page()
    assert "esim" not in the_page()
    found = samples(the_page(orders=SOLD))
    assert {name: value for name, value in found.items() if "order" in name or "esim" in name or "_topup_" in name} == {
        **{f"cardctl_orders {state}": 0 for state in OrderState},
        "cardctl_orders delivered": 250,
        "cardctl_orders stuck": 1,
        "cardctl_esim_orders_ended": 100,
        "cardctl_esim_orders_delivered": 97,
        "cardctl_esim_failed_purchases": 4,
        "cardctl_zendit_topup_failures": 1,
        "cardctl_esim_success_rate": 0.97,
        "cardctl_esim_time_to_issue_mean_seconds": 8.5,
        "cardctl_esim_time_to_issue_p95_seconds": 61,
    }
    assert found["cardctl_stripe_refunds_issued"] == 2
    unknown = samples(the_page(orders=OrderFigures(states={"paid": 1})))
    assert "cardctl_esim_success_rate" not in unknown, "nothing has ended: nobody knows"


def test_the_rules_speak_of_what_the_page_has() -> None:
    expressions = re.findall(r"expr: (.+)", shipped(RULES))
    assert len(expressions) == 12
    assert named_in("\n".join(expressions)) - named_in(full_page()) == set()


def test_the_dashboard_is_one_and_speaks_of_what_the_page_has() -> None:
    dashboard = json.loads(shipped(DASHBOARD))
    assert dashboard["uid"]
    assert dashboard["schemaVersion"] >= 39
    panels = dashboard["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels) >= 10
    variable = dashboard["templating"]["list"][1]["query"]["query"]
    expressions = [target["expr"] for panel in panels for target in panel["targets"]]
    assert all("cardctl_" in expression for expression in expressions)
    assert named_in("\n".join([*expressions, variable])) - named_in(full_page()) == set()
    assert not _overlapping([panel["gridPos"] for panel in panels])


def test_promtool_can_read_every_expression_of_the_dashboard(tmp_path: Path) -> None:
    targets = [target["expr"] for panel in json.loads(shipped(DASHBOARD))["panels"] for target in panel["targets"]]
    rules = [{"record": f"dashboard:{number}", "expr": expr.replace("$profile", ".*")} for number, expr in enumerate(targets)]
    (tmp_path / "panels.json").write_text(json.dumps({"groups": [{"name": "panels", "rules": rules}]}))
    assert f"{len(targets)} rules found" in promtool("check", "rules", str(tmp_path / "panels.json"))


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644])
def test_who_may_read_it_is_said(tmp_path: Path, mode: int) -> None:
    before = os.umask(0o077)
    try:
        write_page(the_page(), tmp_path / "m.prom", mode, force=False)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "m.prom").stat().st_mode) == mode
    assert [path.name for path in tmp_path.iterdir()] == ["m.prom"]


def test_a_page_takes_the_place_of_a_page_and_of_nothing_else(tmp_path: Path) -> None:
    place, books = tmp_path / "m.prom", tmp_path / "books.db"
    write_page(the_page(), place, 0o600, force=False)
    write_page(the_page(NOTHING), place, 0o600, force=False)
    assert place.read_text() == the_page(NOTHING)
    books.write_bytes(b"SQLite format 3\0")
    with pytest.raises(Refused):
        write_page(the_page(), books, 0o600, force=False)
    assert books.read_bytes() == b"SQLite format 3\0"
    write_page(the_page(), books, 0o600, force=True)
    with pytest.raises(BadFile):
        write_page(the_page(), tmp_path, 0o600, force=True)


def test_the_shipped_files_replace_nothing_unasked(tmp_path: Path) -> None:
    write_shipped(RULES, tmp_path / "rules.yml", 0o644, force=False)
    with pytest.raises(Refused):
        write_shipped(DASHBOARD, tmp_path / "rules.yml", 0o644, force=False)
    assert (tmp_path / "rules.yml").read_text() == shipped(RULES)


def test_a_full_disk_leaves_the_old_page(tmp_path: Path) -> None:
    place = tmp_path / "m.prom"
    write_page(the_page(NOTHING), place, 0o600, force=False)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        with pytest.raises(DiskFull):
            write_page(full_page(), place, 0o600, force=False)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert place.read_text() == the_page(NOTHING)
    assert [path.name for path in tmp_path.iterdir()] == ["m.prom"]


def test_a_reader_finds_one_page_or_the_other(tmp_path: Path) -> None:
    place, pages = tmp_path / "m.prom", (the_page(NOTHING), full_page())
    write_page(pages[0], place, 0o600, force=False)
    seen: set[str] = set()
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            seen.add(place.read_text())

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for number in range(200):
            write_page(pages[number % 2], place, 0o600, force=False)
    finally:
        done.set()
        reader.join()
    assert seen <= set(pages)
    assert seen


def _overlapping(places: list[dict[str, int]]) -> bool:
    cells = [
        (x, y)
        for place in places
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    return len(cells) != len(set(cells)) or max(x for x, _ in cells) > 23
