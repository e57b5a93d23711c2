"""A whole check: every rule asked, what was found remembered, cards frozen where the profile says so, somebody told, once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from cardctl.db.unit import Unit
from cardctl.domain.alerts import FREEZE, Alert, AlertState, Rule
from cardctl.domain.breaks import Severity
from cardctl.domain.states import Move
from cardctl.errors import CardctlError, StateForbids
from cardctl.services.deeds.controls import move_card, would_move
from cardctl.services.desk import Warned
from cardctl.services.flows.alerting import moving, watching
from cardctl.services.flows.alerting.telling import told_in
from cardctl.services.flows.alerting.watching import Watch
from cardctl.stopping import never

_CATEGORIES = {
    Rule.BALANCE_DRIFT: "balance_reconcile",
    Rule.BREAKS_CRITICAL: "balance_reconcile",
    Rule.RECONCILE_OLD: "balance_reconcile",
    Rule.WEBHOOK_FAILURES: "webhook_ingest",
    Rule.EVENTS_FAILED: "webhook_ingest",
    Rule.LATENCY: "provider_call",
    Rule.RATE_LIMIT: "provider_call",
    Rule.CARD_CREATION: "card_lifecycle",
    Rule.OPERATIONS_IN_DOUBT: "card_lifecycle",
    Rule.FROZEN_CARDS: "card_lifecycle",
    Rule.CARD_STOPPED: "card_lifecycle",
    Rule.ORDERS_STUCK: "balance_reconcile",
    Rule.ORDERS_UNFUNDED: "balance_reconcile",
    Rule.ORDER_SUCCESS: "balance_reconcile",
}
"""Where a rule's line goes in the log; all others are about security."""


@dataclass(slots=True)
class Checked:
    """What a check came to. `alerts` are all that are not cleared, the firing ones first; `frozen` the ids of cards that were;
    `failed` says that a card could not be frozen, or an address not told."""

    alerts: list[Alert] = field(default_factory=list)
    cleared: int = 0
    notified: int = 0
    frozen: list[str] = field(default_factory=list)
    warnings: list[Warned] = field(default_factory=list)
    failed: bool = False

    @property
    def firing(self) -> list[Alert]:
        return [alert for alert in self.alerts if alert.firing]

    @property
    def untold(self) -> list[Alert]:
        """Those that somebody should hear of, and nobody did."""
        return [alert for alert in self.alerts if alert.untold]


def rehearse(watch: Watch) -> Checked:
    """What a check would find now; nothing is written, frozen or sent."""
    now = watch.clock()
    with watch.books.read() as unit:
        seen = watching.look(watch, unit, now)
        return _judged(watch, unit, seen, now)[0]


def check(watch: Watch, *, late: Callable[[], bool] = never) -> Checked:
    """Ask every rule; remember; freeze; tell, until it is `late`. One at a time: the caller holds the lock.

    What was found is in the books before anything is done about it, and what was done right after it: a check that is killed is
    completed by the next, for all that still goes on. A message may then be sent twice.
    """
    now = watch.clock()
    with watch.books.read() as unit:  # the long part holds up no writer
        seen = watching.look(watch, unit, now)
    with watch.books.write() as unit:
        checked, changed = _judged(watch, unit, seen, now)
        unit.alerts.save_many(changed)
    for alert in checked.firing:
        if alert.first_at == now:
            _log(watch, alert)
    _freeze(watch, checked, late)
    _tell(watch, checked, late)
    return checked


def _judged(watch: Watch, unit: Unit, seen: watching.Seen, now: datetime) -> tuple[Checked, list[Alert]]:
    """What the alerts are after what was seen; and those of them that are to be saved."""
    kept = {alert.fingerprint: alert for alert in unit.alerts.living(watch.programmes, general=watch.whole)}
    kept |= unit.alerts.by_fingerprints(each.fingerprint for each in seen.fired)
    after = moving.after_check(kept, seen.fired, watch.limits, now, unsure=seen.cut)
    living = [alert for alert in after if alert.state is not AlertState.CLEARED]
    living.sort(key=lambda alert: (not alert.firing, _GRAVITY[alert.severity], alert.rule, alert.fingerprint))
    checked = Checked(living, cleared=len(after) - len(living))
    for rule in sorted(seen.cut):
        checked.warnings.append(Warned("ALERTS_CUT", f"{rule} fires for more than {watching.MOST} cards; the others follow"))
    return checked, [alert for alert in after if alert != kept.get(alert.fingerprint)]


def _freeze(watch: Watch, checked: Checked, late: Callable[[], bool]) -> None:
    """Stop the cards that the profile wants stopped, once for each time that an alert fires."""
    for at, alert in enumerate(checked.alerts):
        if not alert.unfrozen or alert.card_id is None:
            continue
        if late():
            return
        try:
            said = _frozen(watch, alert, checked)
        except CardctlError as error:
            checked.failed = True
            checked.warnings.append(
                Warned("NOT_FROZEN", f"{alert.card_id} was not frozen ({alert.fingerprint}): {error.message}")
            )
            continue
        checked.alerts[at] = replace(alert, evidence={**alert.evidence, FREEZE: [said]})
        with watch.books.write() as unit:
            unit.alerts.note(alert.fingerprint, checked.alerts[at].evidence)


def _frozen(watch: Watch, alert: Alert, checked: Checked) -> str:
    """Freeze an alert's card: the operation's id, or why there is none."""
    with watch.books.read() as unit:
        card = unit.cards.named(alert.card_id or "")
    try:
        if not would_move(card, Move.FREEZE):
            return f"it was {card.state} already"
    except StateForbids:
        return f"a card that is {card.state} needs no freeze"
    done = move_card(watch.desk_for(card), card, Move.FREEZE, reason=f"alert {alert.rule} {alert.fingerprint}")
    if done.operation is None:
        return "it was frozen already"
    checked.frozen.append(card.id)
    return done.operation.id


def _tell(watch: Watch, checked: Checked, late: Callable[[], bool]) -> None:
    """Tell of what nobody was told of yet; what nobody took is told by the next check."""
    untold = checked.untold
    if not untold:
        return
    if watch.notify is None:
        said = f"nobody was told of {len(untold)}: set the secret notify.url"
        checked.warnings.append(Warned("NOBODY_TOLD", said))
        return
    for message, some in told_in(untold, watch.profile):
        if late():
            return
        took, refused = watch.notify(message)
        checked.failed |= bool(refused)
        checked.warnings += [Warned("NOT_NOTIFIED", f"{message.title}: {why}") for why in refused]
        if took:
            _remember_told(watch, checked, {alert.fingerprint for alert in some})


def _remember_told(watch: Watch, checked: Checked, fingerprints: set[str]) -> None:
    now = watch.clock()
    with watch.books.write() as unit:
        unit.alerts.told(fingerprints, now)
    checked.notified += len(fingerprints)
    checked.alerts = [replace(each, notified_at=now) if each.fingerprint in fingerprints else each for each in checked.alerts]


def _log(watch: Watch, alert: Alert) -> None:
    told = {
        "object": alert.card_id or "",
        "fingerprint": alert.fingerprint,
        "rule": str(alert.rule),
        "severity": str(alert.severity),
        "programme": alert.programme,
        "subject": alert.subject,
        "text": alert.text,
        "value": alert.value,
        "threshold": alert.threshold,
    }
    watch.log(_CATEGORIES.get(alert.rule, "security"), "alert", told)


_GRAVITY = {Severity.CRITICAL: 0, Severity.WARNING: 1, Severity.INFO: 2}
