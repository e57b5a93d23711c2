"""The mailer of a profile, from its settings and secrets; a command that sends no mail loads none of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from cardctl.config.paths import expanded
from cardctl.runtime.means import now

if TYPE_CHECKING:
    from cardctl.domain.letters import Letter
    from cardctl.output.mail import Mailer
    from cardctl.runtime.run import Run


def mailer(run: Run) -> Callable[[Letter], None] | None:
    """How the profile sends letters; None where it names no mail server. BadConfig, with file and line, for a template that is
    broken, so that it shows before money moves. The password is asked for when the first letter is sent."""
    made = post(run)
    if made is None:
        return None
    made.check()
    return made.send


def post(run: Run) -> Mailer | None:
    """The mailer itself, unchecked; None where the profile names no mail server."""
    from cardctl.output.mail import Mailer, Server  # noqa: PLC0415

    table = run.settings.profile.mail
    if table.host is None or table.sender is None:
        return None
    server = Server(
        host=table.host,
        sender=table.sender,
        security=table.security,
        port=table.port,
        user=table.user,
        reply_to=table.reply_to,
        templates=run.settings.paths.config_dir / expanded(table.templates, {}) if table.templates else None,
    )
    return Mailer(server, lambda: run.secrets.get("smtp.password"), now)
