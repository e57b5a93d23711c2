"""What Marqeta tells by webhook: which rows, under which key, and how a request with up to ten of them is signed.

There is no envelope: one key names an array of objects in their own wire shape. Who stores and sends is elsewhere.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from cardctl.simulator.desk import Desk
from cardctl.simulator.faces.marqeta import objects
from cardctl.simulator.faces.marqeta.calls import Show
from cardctl.simulator.faces.marqeta.numbers import encode
from cardctl.simulator.faces.marqeta.statements import transactions
from cardctl.simulator.marqeta import webhooks
from cardctl.simulator.marqeta.lists import new_token
from cardctl.simulator.outbox import Notice, Posting, Registered, Touched
from cardctl.simulator.rows import Record

USERNAME, PASSWORD = "marqeta.webhook_username", "marqeta.webhook_password"
SECRET, ALGORITHM = "marqeta.webhook_secret", "marqeta.signature_algorithm"
"""Names of `secrets`; without a secret nothing is signed, without an algorithm it is SHA-256."""

_DIGESTS = {webhooks.SHA_256: hashlib.sha256, webhooks.SHA_1: hashlib.sha1}


@dataclass(frozen=True, slots=True)
class Subject:
    """How rows of one table are told: the array's key, the first word of the event's name and how it goes on, the item."""

    key: str
    base: str
    kind: Callable[[Record], str]
    show: Show
    state: str = "state"


SUBJECTS = {
    "marqeta_transactions": Subject("transactions", "transaction", lambda row: str(row["type"]), transactions),
    # CONFIRMED: card transitions come under `cards`, though they are subscribed to as cardtransition.
    "marqeta_card_transitions": Subject("cards", "cardtransition", lambda row: str(row["type"]), objects.card_transitions),
    "marqeta_user_transitions": Subject(
        "usertransitions", "usertransition", lambda row: str(row["status"]).lower(), objects.user_transitions, "status"
    ),
    "marqeta_wallet_token_transitions": Subject(
        "digitalwallettokentransitions",
        "digitalwallettokentransition",
        lambda row: str(row["type"]),
        objects.wallet_token_transitions,
    ),
    "marqeta_chargeback_transitions": Subject(
        "chargebacktransitions", "chargebacktransition", lambda row: str(row["type"]), objects.chargeback_transitions
    ),
}
"""Table to how its rows are told; of the others (users, cards, orders …) nothing is told but their transitions."""


def notices(desk: Desk, touched: Sequence[Touched]) -> list[Notice]:
    """New rows, and transactions whose state changed, in order.

    UNCONFIRMED: that a transaction is told again then, under the same token: its state is documented as what changes.
    """
    return [_notice(desk, each) for each in touched if _is_told(each)]


def posted(notices: Sequence[Notice], secrets: Mapping[str, Sequence[str]], at: int) -> Posting:
    """The notices of one key. CONFIRMED: Basic credentials always; with a secret the lowercase hex HMAC of the raw body alone,
    without the time (`at`), address or prefix."""
    body = encode({notices[0].key: [notice.body for notice in notices]})
    credentials = f"{_first(secrets, USERNAME)}:{_first(secrets, PASSWORD)}"
    headers = {
        "Content-Type": "application/json",
        "Authorization": f"Basic {base64.b64encode(credentials.encode()).decode()}",
    }
    secret = _first(secrets, SECRET)
    if secret:
        digest = _DIGESTS[_first(secrets, ALGORITHM) or webhooks.SHA_256]
        headers["X-Marqeta-Signature"] = hmac.new(secret.encode(), body, digest).hexdigest()
    return Posting(headers, body)


def registered(desk: Desk) -> list[Registered]:
    """Webhooks that are active. Their types may end in `.*`, behind a first word."""
    return [address(endpoint) for endpoint in webhooks.endpoints(desk) if endpoint["active"]]


def ping() -> Notice:
    """What a receiver is asked to answer with a 200; signed like everything else (CONFIRMED)."""
    return Notice(new_token(), "ping", "marqeta", None, {"token": "marqeta", "payload": "healthcheck"}, "pings")


def again(desk: Desk, table: str, row: Record) -> Notice:
    """A row as it is told now, under the name that it has then."""
    subject = SUBJECTS[table]
    kind, name = f"{subject.base}.{subject.kind(row)}", f"{row['ref']}:{row[subject.state]}"
    item = _plain(subject.show(desk, [row])[0])
    return Notice(name, kind, row["ref"], row.get("card_token"), item, subject.key)


def address(endpoint: Record) -> Registered:
    """Where and under which secrets a webhook of `webhooks.endpoints` is told. Its own headers are not among them."""
    secrets = {USERNAME: [endpoint["username"]], PASSWORD: [endpoint["password"]], ALGORITHM: [endpoint["algorithm"]]}
    if endpoint["secret"]:
        secrets[SECRET] = [endpoint["secret"]]
    return Registered(endpoint["ref"], endpoint["url"], secrets, tuple(endpoint["events"]))


def _is_told(touched: Touched) -> bool:
    subject = SUBJECTS.get(touched.table)
    if subject is None or touched.after["deleted"]:
        return False
    return touched.before is None or touched.before[subject.state] != touched.after[subject.state]


def _notice(desk: Desk, touched: Touched) -> Notice:
    notice = again(desk, touched.table, touched.after)
    return replace(notice, event_id=_unused(desk, notice.event_id))


def _unused(desk: Desk, name: str) -> str:
    """A name of its own: clients may call a card's and a user's transition alike, and staff may turn a state back that is then
    told a second time."""
    free, times = name, 1
    while desk.db.execute("SELECT 1 FROM events WHERE event_id = ?", (free,)).fetchone():
        times += 1
        free = f"{name}:{times}"
    return free


def _first(secrets: Mapping[str, Sequence[str]], name: str) -> str:
    return next(iter(secrets.get(name, ())), "")


def _plain(value: Any) -> Any:
    """As any JSON writer can keep it: 25.00 becomes 25.0, which is how Marqeta writes amounts too."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list) else value
