"""`cardctl simulator serve`: the far side on a port of this machine, for programs that are not cardctl."""

from __future__ import annotations

from typing import Annotated

import typer

from cardctl.commands._options import OutputOption, ProfileOption
from cardctl.output.console import Output

PortOption = Annotated[
    int, typer.Option("--port", metavar="N", min=0, max=65535, help="Where to listen; 0 picks a port and says which.")
]
HostOption = Annotated[str, typer.Option("--host", metavar="ADDRESS", help="An address of this machine's own.")]
RateLimitOption = Annotated[
    int | None,
    typer.Option("--rate-limit", metavar="N", min=1, help="Answer 429 above N requests a second, for each provider."),
]
LatencyOption = Annotated[
    int, typer.Option("--latency", metavar="MS", min=0, max=600_000, help="How late every answer comes, in milliseconds.")
]


def serve(
    port: PortOption = 8420,
    host: HostOption = "127.0.0.1",
    rate_limit: RateLimitOption = None,
    latency: LatencyOption = 0,
    profile: ProfileOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Serve the simulated providers over HTTP until Ctrl-C or SIGTERM: DEVELOPMENT ONLY, and for this machine alone.

    Any `sk_test_…` key is taken. Faults strike these requests too. GET /health tells that it lives.

    Example: cardctl simulator serve --port 8420
    """
    from cardctl import __version__, runtime  # noqa: PLC0415

    with runtime.opened(output=output, profile=profile) as run:
        far_side = run.far_side
        with far_side.serving(host, port, rate_limit=rate_limit, latency=latency / 1000, version=__version__) as served:
            told = ", ".join(f"{name} {url}" for name, url in served.base_urls.items())
            run.console.notice(f"DEVELOPMENT ONLY: the simulator serves {told}")
            run.console.done({"base_url": served.base_url, "base_urls": served.base_urls}, [])
            served.wait()
