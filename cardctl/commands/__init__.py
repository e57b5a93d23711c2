"""One module per noun, each with `app`, a `typer.Typer()` with its verbs; a lone noun (`provision`, `doctor`) has just one.

cli.py alone lists them. A module is imported when its noun is used, for help and completion too: what only a running verb
needs is imported inside it. A group's help stands in cli.py's list, a verb's in its docstring.
"""
