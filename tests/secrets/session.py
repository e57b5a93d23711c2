"""A process of its own that does with `Secrets` what its arguments say, and prints what came of it as JSON.

Arguments: the environment, the development key's file or -, then `verb:name[:value]` each.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cardctl.config import load
from cardctl.domain.redaction import Secret
from cardctl.errors import CardctlError
from cardctl.secrets import Secrets


def main(environment: str, key_file: str, *wishes: str) -> None:
    settings = load(profile="dev")
    secrets = Secrets(
        profile="acme",
        environment=environment,
        secret_command=None,
        environ_lookup=settings.secret_environ,
        credentials_directory=settings.credentials_directory,
        development_key_file=None if key_file == "-" else Path(key_file),
    )
    print(json.dumps([done(secrets, *wish.split(":")) for wish in wishes]))


def done(secrets: Secrets, verb: str, name: str = "", value: str = "") -> Any:
    verbs: dict[str, Callable[[], Any]] = {
        "get": lambda: secrets.get(name).reveal(),
        "set": lambda: secrets.set(name, Secret(value)),
        "delete": lambda: secrets.delete(name),
        "check": lambda: [[each.source, each.outcome] for each in secrets.explain(name)],
        "list": lambda: [[each.name, each.source] for each in secrets.list()],
        "lock": lock,
    }
    try:
        return verbs[verb]()
    except CardctlError as error:
        return {"code": error.code, "exit": int(error.exit_code), "message": error.message, "hint": error.hint}


def lock() -> None:
    import secretstorage

    secretstorage.Collection(secretstorage.dbus_init()).lock()


if __name__ == "__main__":
    main(*sys.argv[1:])
