"""Telling somebody who does not look at a terminal: mail, chat, webhook, by the addresses of the secret notify.url, through
Apprise, which is loaded when something is sent. The addresses hold passwords: none of them is ever shown or logged."""

from __future__ import annotations

import re
import warnings

from cardctl.domain.breaks import Severity
from cardctl.domain.redaction import Secret

_SECONDS = 20
"""At most so long for one address; each of the library's own waits is shorter."""
_SCHEME = re.compile(r"([a-z][a-z0-9]{1,15})://", re.ASCII)


class Notifier:
    """Sends to every address of `url`, which blanks part. An address is what Apprise takes: `mailto://`, `slack://`, `json://`…"""

    def __init__(self, url: Secret) -> None:
        self._url = url

    def send(self, title: str, body: str, severity: Severity) -> tuple[int, list[str]]:
        """How many addresses took it; and for each that did not, why, without what it is."""
        took, refused = 0, []
        for number, address in enumerate(self._url.reveal().split(), start=1):
            why = _sent(address, title, body, severity)
            took += why is None
            if why is not None:
                refused.append(f"address {number} of notify.url{_kind(address)} {why}")
        return took, refused


def _sent(address: str, title: str, body: str, severity: Severity) -> str | None:
    """None where it was taken, else why not."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of Python's, about modules that the library still looks for
        from apprise import Apprise, AppriseAsset, NotifyFormat, NotifyType  # noqa: PLC0415 - half a second; few checks send

        apprise = Apprise(asset=AppriseAsset(app_id="cardctl", app_desc="cardctl", async_mode=False))
        if not apprise.add([address]):
            return "is no address that can be sent to"
    types = {Severity.INFO: NotifyType.INFO, Severity.WARNING: NotifyType.WARNING, Severity.CRITICAL: NotifyType.FAILURE}
    told = apprise.notify(body, title=title, notify_type=types[severity], body_format=NotifyFormat.TEXT, timeout=_SECONDS)
    return None if told else "did not take it"


def _kind(address: str) -> str:
    found = _SCHEME.match(address)
    return f" ({found[1]})" if found else ""
