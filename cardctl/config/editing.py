"""config.toml rewritten: its comments kept, whole or not at all; what may stand in it is judged by `profile`."""

from __future__ import annotations

import os
import tempfile
import tomllib
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import tomlkit
from filelock import FileLock, Timeout

from cardctl.config import document as config_toml
from cardctl.config.document import BUILT_IN, Sourced
from cardctl.config.paths import Paths, private_dir, unwritable
from cardctl.config.profile import validated
from cardctl.domain.money import Money
from cardctl.errors import Busy, StateForbids


def create_profile(paths: Paths, name: str, values: Mapping[str, Any]) -> bool:
    """Adds a profile; `values` are named and nested as in the file (None is left out, Money becomes text).

    False where the very same profile is there already; StateForbids where another of that name is; BadConfig for wrong values.
    """
    config_toml.check_name(name)
    table = _writable(values)
    database = Sourced(validated(name, table, {}, paths.config_file).database, "config.toml")
    config_toml.database_of(database, name, paths, {})
    if name == BUILT_IN:
        raise StateForbids(f"{BUILT_IN} is the built-in profile", hint=f"settings of it go into {paths.config_file} by hand")

    def add(document: tomlkit.TOMLDocument, known: Mapping[str, Any]) -> bool:
        if name in known.get("profiles", {}):
            if known["profiles"][name] == _parsed(tomlkit.dumps(table)):
                return False
            raise StateForbids(
                f"the profile {name} is there already, with other settings", hint=f"change it in {paths.config_file}"
            )
        if "profiles" not in document:
            document["profiles"] = tomlkit.table(is_super_table=True)
        document["profiles"][name] = table
        return True

    return _edit(paths, add)


def use_profile(paths: Paths, name: str) -> bool:
    """Makes the profile the default one: False where it is already; NotFound where there is none of that name."""

    def point(document: tomlkit.TOMLDocument, known: Mapping[str, Any]) -> bool:
        config_toml.existing(known, name)
        if known.get("default_profile") == name:
            return False
        document["default_profile"] = name
        return True

    return _edit(paths, point)


def _edit(paths: Paths, change: Callable[[tomlkit.TOMLDocument, Mapping[str, Any]], bool]) -> bool:
    private_dir(paths.leases_dir)
    try:
        with FileLock(paths.leases_dir / "config.lock", timeout=10, mode=0o600):
            known = config_toml.read(paths.config_file)
            document = tomlkit.parse(paths.config_file.read_text(encoding="utf-8") if paths.config_file.exists() else "")
            if not change(document, known):
                return False
            text = tomlkit.dumps(document)
            config_toml.check_outline(_parsed(text), paths.config_file)
            _write(paths.config_file, text)
    except Timeout:
        raise Busy(f"another process is editing {paths.config_file}") from None
    return True


def _write(file: Path, text: str) -> None:
    """0600, through a file beside it, so that a crash leaves the old text or the new one; a symbolic link stays one."""
    target = file.resolve()
    private_dir(target.parent)
    try:
        handle, beside = tempfile.mkstemp(dir=target.parent, prefix=".config-")
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="") as out:
                out.write(text)
                out.flush()
                os.fsync(out.fileno())
            os.replace(beside, target)
        except BaseException:
            os.unlink(beside)
            raise
    except OSError as error:
        raise unwritable(target, error) from None


def _parsed(text: str) -> dict[str, Any]:
    return tomllib.loads(text, parse_float=Decimal)


def _writable(values: Mapping[str, Any]) -> dict[str, Any]:
    table: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            table[key] = _writable(value)
        elif value is not None:
            table[key] = str(value) if isinstance(value, Money) else list(value) if isinstance(value, tuple) else value
    return table
