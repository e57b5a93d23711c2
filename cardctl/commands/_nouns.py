"""The root of the command line over nouns that are imported when they are used. Which nouns there are, cli.py says."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from keyword import iskeyword
from typing import Annotated, Any

import typer
from typer._completion_classes import completion_init
from typer.completion import install_callback, show_callback
from typer.core import TyperGroup
from typer.main import get_command, get_group

from cardctl import __version__, flags

PROGRAM = "cardctl"
COMPLETE_VARIABLE = "_CARDCTL_COMPLETE"


def module_of(noun: str) -> str:
    """Where the verbs of a noun are; one that is a word of Python's own has a line after its name."""
    return f"cardctl.commands.{noun.replace('-', '_')}{'_' if iskeyword(noun) else ''}"


class Light(TyperGroup):
    """A group whose help option is False where it is not given: Typer 0.29.2 loads pydantic for a None, 55 ms."""

    def get_help_option(self, ctx: Any) -> Any:
        option = super().get_help_option(ctx)
        if option is not None:
            option.default = False
        return option


class Stub(TyperGroup):
    """A noun by name and help alone. Whoever wants to know more gets the real one, from `app` in its module."""

    def __init__(self, name: str, *, help: str, lone: bool) -> None:  # noqa: A002 - Typer's word
        super().__init__(name=name, help=help, short_help=help, rich_markup_mode=None)
        self._lone = lone
        self._real: Any = None

    def real(self) -> Any:
        """The imported group, or the one command of a lone noun. Plain help whatever the module asks: rich costs 50 ms."""
        if self._real is None:
            app: typer.Typer = import_module(module_of(self.name or "")).app
            app.rich_markup_mode, app.info.cls = None, Light
            group = get_group(app)
            group.help, group.no_args_is_help = self.help, True
            for command in group.commands.values():
                command.params.extend(_everywhere())
            self._real = next(iter(group.commands.values())) if self._lone else group
        return self._real

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        return self.real().make_context(info_name, args, parent=parent, **extra)

    def list_commands(self, ctx: Any) -> list[str]:
        return [] if self._lone else list(self.real().list_commands(ctx))

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        return None if self._lone else self.real().get_command(ctx, cmd_name)


def _everywhere() -> list[Any]:
    """The options that every command has; each is kept in `flags`, and reaches no command."""

    def everywhere(
        db: Annotated[
            str,
            typer.Option(
                "--db", metavar="BOOKS", help="Other books: a path or a postgresql:// URL.", callback=_db, expose_value=False
            ),
        ] = "",
        verbose: Annotated[
            bool,
            typer.Option("--verbose", "-v", help="Tell every request.", callback=_verbose, expose_value=False),
        ] = False,
        debug: Annotated[
            bool, typer.Option("--debug", help="Tell every line of the log.", callback=_debug, expose_value=False)
        ] = False,
    ) -> None: ...

    app = typer.Typer(add_completion=False)
    app.command()(everywhere)
    return list(get_command(app).params)


def _verbose(value: bool) -> None:
    if value:
        flags.tell(flags.Verbosity.CALLS)


def _debug(value: bool) -> None:
    if value:
        flags.tell(flags.Verbosity.LOG)


def _db(value: str) -> None:
    if value:
        flags.use_database(value)


def root(nouns: Mapping[str, str], lone: frozenset[str], *, epilog: str) -> TyperGroup:
    """The whole command line: `nouns` with their help, of which `lone` are commands without verbs."""
    completion_init()
    app = typer.Typer(
        name=PROGRAM,
        cls=Light,
        rich_markup_mode=None,
        no_args_is_help=True,
        epilog=epilog,
        context_settings={"help_option_names": ["--help", "-h"], "max_content_width": 100},
    )
    app.callback()(_cardctl)
    group = get_group(app)
    for name, text in nouns.items():
        group.add_command(Stub(name, help=text, lone=name in lone))
    return group


def complete(group: TyperGroup) -> None:
    """Answer the shell and exit, where it asks for completions; else do nothing."""
    group._main_shell_completion({}, PROGRAM, COMPLETE_VARIABLE)


def _version(value: bool) -> None:
    if value:
        typer.echo(f"{PROGRAM} {__version__}")
        raise typer.Exit


# Typer's own two completion options default to None too: these are the same, but False.
def _cardctl(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")] = False,
    install_completion: Annotated[
        bool, typer.Option("--install-completion", callback=install_callback, help="Install completion for this shell.")
    ] = False,
    show_completion: Annotated[
        bool, typer.Option("--show-completion", callback=show_callback, help="Show completion for this shell.")
    ] = False,
) -> None:
    """Operate virtual-card programmes: issue, freeze, fund, reconcile, replay; local-first and crash-safe."""
