"""One module per noun, each with `app`: a group from `group()`, or for a lone command a `group()` with that one command.

Only cli.py knows the list of them. A module is imported when its noun is used, so it loads at its top what every one of its
verbs needs and nothing heavier; the help of a group stands in cli.py's table, the help of a verb in its docstring.
"""

from __future__ import annotations

import typer


def group() -> typer.Typer:
    """An empty noun: no completion options of its own, plain help, and its help when no verb is given."""
    return typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True, pretty_exceptions_enable=False)
