"""`cardctl webhook serve`: providers' notifications on a port, kept before they are answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cardctl.commands._options import OutputOption, ProfileOption
from cardctl.errors import BadInput, SecretMissing
from cardctl.output.console import Output

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cardctl.domain.events import Incoming
    from cardctl.receiver import Answer, Rules
    from cardctl.runtime import Run
    from cardctl.services.deeds.inbox import Reception

PortOption = Annotated[
    int, typer.Option("--port", metavar="N", min=0, max=65535, help="Where to listen; 0 picks a port and says which.")
]
HostOption = Annotated[
    str, typer.Option("--host", metavar="ADDRESS", help="Where to listen; any other than 127.0.0.1 needs TLS in front of it.")
]
ProvidersOption = Annotated[
    str | None, typer.Option("--providers", metavar="A,B", help="Only these; else every provider that notifies.")
]
BodyOption = Annotated[
    int, typer.Option("--max-body", metavar="BYTES", min=1_024, max=32 << 20, help="Larger bodies are answered 413.")
]
NoApplyOption = Annotated[bool, typer.Option("--no-apply", help="Only keep events; `webhook replay` applies them.")]


def serve(
    port: PortOption = 8421,
    host: HostOption = "127.0.0.1",
    providers: ProvidersOption = None,
    max_body: BodyOption = 1 << 20,
    no_apply: NoApplyOption = False,
    profile: ProfileOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Receive notifications at /webhooks/PROVIDER until Ctrl-C or SIGTERM. 200 is answered once an event is durable.

    What nothing proves goes into quarantine. Events are applied as they come. Where the profile turns it on, Stripe's questions
    about purchases are answered at /webhooks/stripe/authorization. GET /healthz tells whether the books can be
    written, GET /metrics is for Prometheus; both are for this machine, so let a proxy pass /webhooks/ alone.

    Example: cardctl webhook serve --port 8421
    """
    from cardctl import receiver, runtime  # noqa: PLC0415

    with runtime.opened(output=output, profile=profile) as run:
        receptions = _receptions(run, providers)
        setup = receiver.Setup(
            receptions=receptions,
            books=run.books,
            quarantine=run.quarantine,
            log=run.log.write,
            clock=runtime.now,
            desk=None if no_apply else run.desk,
            limits=receiver.Limits(body=max_body),
            rules=_rules(run),
        )
        with receiver.running(setup, host, port) as served:
            if not receiver.is_loopback(host):
                run.console.notice(f"warning: {host} is reached from outside in plain HTTP: put TLS in front of it")
            told = {name: url for name, url in served.paths.items() if receptions[name].can_prove}
            run.console.notice("receiving: " + ", ".join(f"{name} {url}" for name, url in told.items()))
            run.console.done({"base_url": served.base_url, "urls": told}, [])
            served.wait()


def _rules(run: Run) -> Rules | None:
    """How questions about purchases are answered; None where the profile leaves that off."""
    from cardctl.receiver import Answer, Rules  # noqa: PLC0415

    authorizer = run.authorizer("stripe")
    if authorizer is None:
        return None
    if not authorizer.secrets:
        run.console.notice(f"warning: no question about a purchase can be believed: set {authorizer.questions.secret_name}")
    headers, settings = authorizer.questions.headers, run.settings.profile.authorizations

    def decide(incoming: Incoming) -> Answer | None:
        decision = authorizer.answer(incoming)
        return None if decision is None else Answer(decision.approved, headers=headers)

    return Rules(decide, Answer(settings.default == "approve", headers=headers), settings.deadline_ms / 1000)


def _receptions(run: Run, providers: str | None) -> Mapping[str, Reception]:
    """By provider; those without a secret are told, and answer 503. SecretMissing where none has any."""
    from cardctl.providers import registry  # noqa: PLC0415

    names = [name.strip() for name in providers.split(",")] if providers else list(registry.NAMES)
    if not all(names):
        raise BadInput("--providers names them, with commas between", hint=f"there are: {', '.join(registry.NAMES)}")
    receptions = {name: run.reception(name) for name in names}
    for name, reception in receptions.items():
        if reception.can_prove:
            reception.check()
        else:
            wanted = " or ".join(reception.webhooks.secret_names)
            run.console.notice(f"warning: {name} cannot be received, no secret proves its events: set {wanted}")
    if not any(reception.can_prove for reception in receptions.values()):
        raise SecretMissing("no secret proves any provider's events", hint="set one with `cardctl secret set`")
    return receptions
