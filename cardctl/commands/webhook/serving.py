"""`cardctl webhook serve`: providers' notifications on a port, kept before they are answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cardctl.commands._options import LiveOption, OutputOption, ProfileOption
from cardctl.errors import BadInput, SecretMissing
from cardctl.output.console import Output

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cardctl.domain.events import Incoming
    from cardctl.receiver import Answer, Rules
    from cardctl.runtime import Run
    from cardctl.services.deeds.inbox import Reception

_WORKERS = 4
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
FulfilOption = Annotated[
    bool, typer.Option("--fulfil", help="Also take paid orders further, as `esim retry` does; with --live where money is real.")
]
NoApplyOption = Annotated[bool, typer.Option("--no-apply", help="Only keep events; `webhook replay` applies them.")]


def serve(
    port: PortOption = 8421,
    host: HostOption = "127.0.0.1",
    providers: ProvidersOption = None,
    max_body: BodyOption = 1 << 20,
    no_apply: NoApplyOption = False,
    fulfil: FulfilOption = False,
    live: LiveOption = False,
    profile: ProfileOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Receive notifications at /webhooks/PROVIDER until Ctrl-C or SIGTERM. 200 is answered once an event is durable.

    What nothing proves goes into quarantine. Events are applied as they come; with --fulfil an order that they bring is
    fulfilled at once. Where the profile turns that on, Stripe's questions about purchases are answered at
    /webhooks/stripe/authorization, and Zendit's at /webhooks/zendit/shieldwall. GET /healthz tells whether the books can be
    written, GET /metrics is for Prometheus; both are for this machine, so let a proxy pass /webhooks/ alone.

    Example: cardctl webhook serve --port 8421

    Example: cardctl webhook serve --providers stripe,zendit --fulfil
    """
    from cardctl import receiver, runtime  # noqa: PLC0415

    if fulfil and no_apply:
        raise BadInput("--fulfil needs events to be applied: leave out --no-apply")
    with runtime.opened(output=output, profile=profile, live=live) as run:
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
            recognises=_recognises(run, receptions),
            orders=_orders(run) if fulfil else None,
        )
        with receiver.running(setup, host, port) as served:
            if not receiver.is_loopback(host):
                run.console.notice(f"warning: {host} is reached from outside in plain HTTP: put TLS in front of it")
            told = {name: url for name, url in served.paths.items() if receptions[name].can_prove}
            _say(run, told, fulfil=fulfil)
            run.console.done({"base_url": served.base_url, "urls": told}, [])
            served.wait()


def _say(run: Run, urls: Mapping[str, str], *, fulfil: bool) -> None:
    run.console.notice("receiving: " + ", ".join(f"{name} {url}" for name, url in urls.items()))
    if fulfil:
        run.console.notice("paid orders are taken further as they come")


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


def _recognises(run: Run, receptions: Mapping[str, Reception]) -> Callable[[Incoming], bool] | None:
    """Who tells Zendit whether a purchase is ours; None where the profile leaves that off."""
    from cardctl.providers import registry  # noqa: PLC0415
    from cardctl.runtime.fulfilling import SUPPLY  # noqa: PLC0415
    from cardctl.services.flows.confirming import Confirmer  # noqa: PLC0415

    reception, asked_about = receptions.get(SUPPLY), registry.asked_about(SUPPLY)
    if reception is None or asked_about is None or not run.settings.profile.zendit.shieldwall:
        return None
    told = Confirmer(reception.webhooks, asked_about, reception.secrets, run.books, reception.programme, run.log.write)
    return told.recognises


def _orders(run: Run) -> Callable[[Callable[[], bool]], object]:
    """Takes the orders that are due further. Everything that could be wrong with the profile is told now."""
    from cardctl.runtime.fulfilling import shop  # noqa: PLC0415
    from cardctl.services.flows.fulfilling import running  # noqa: PLC0415
    from cardctl.services.operations import guard_live  # noqa: PLC0415

    made = shop(run)
    guard_live(made.sales)
    guard_live(made.supply)
    return lambda late: running.run(made, workers=_WORKERS, late=late)


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
