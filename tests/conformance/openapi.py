"""Loads the official OpenAPI descriptions and checks requests and replies against them; knows nothing of providers or faces."""

from __future__ import annotations

import functools
import json
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match
from referencing import Registry
from referencing.jsonschema import DRAFT202012

Form = bytes | str | Mapping[str, str] | Iterable[tuple[str, str]]
"""A form body or a query: encoded, or as pairs."""

_KEY = re.compile(r"\[([^\[\]]*)\]")
_WHOLE = re.compile(r"-?[0-9]+\Z", re.ASCII)


class Nonconforming(AssertionError):
    """A request or a reply is not what the official description allows."""


@functools.cache
def load(name: str) -> dict[str, Any]:
    """The description `name` (without .json) from the directory CARDCTL_SPECS; skips the test by name where it is not there."""
    directory = os.environ.get("CARDCTL_SPECS")
    if not directory:
        pytest.skip("official descriptions not here: set CARDCTL_SPECS")
    spec: dict[str, Any] = json.loads((Path(directory) / f"{name}.json").read_bytes())
    return spec


def operation(spec: dict[str, Any], method: str, path: str) -> dict[str, Any]:
    """The description of one operation; `path` is a template or a real path, Nonconforming when there is none."""
    for template in sorted(spec["paths"], key=lambda known: known.count("{")):  # literal paths win over templates
        pattern = re.sub(r"\\\{[^/]+?\\\}", "[^/]+", re.escape(template))
        if (path == template or re.fullmatch(pattern, path)) and method.lower() in spec["paths"][template]:
            found: dict[str, Any] = spec["paths"][template][method.lower()]
            return found
    raise Nonconforming(f"{method.upper()} {path}: the description has no such operation")


def request_schema(spec: dict[str, Any], method: str, path: str) -> dict[str, Any]:
    """One object schema of everything the operation takes: the form body of a write, the query of a read."""
    described = operation(spec, method, path)
    if method.upper() != "GET":
        content = described.get("requestBody", {}).get("content", {})
        body: dict[str, Any] = content.get("application/x-www-form-urlencoded", {}).get("schema") or {"type": "object"}
        return {**body, "additionalProperties": False}
    query = [one for one in described.get("parameters", []) if one["in"] == "query"]
    return {
        "type": "object",
        "properties": {one["name"]: one["schema"] for one in query},
        "required": [one["name"] for one in query if one.get("required")],
        "additionalProperties": False,
    }


def check_request(spec: dict[str, Any], method: str, path: str, form: Form = b"") -> dict[str, Any]:
    """The decoded request; Nonconforming for an unknown, missing or mistyped parameter or a word outside its enum."""
    schema = request_schema(spec, method, path)
    decoded = typed(schema, decode(form))
    _validate(spec, schema, decoded, f"request {method.upper()} {path}", closed=True)
    assert isinstance(decoded, dict)
    return decoded


def check_response(
    spec: dict[str, Any], method: str, path: str, status: int, body: bytes | str | dict[str, Any], *, closed: bool = True
) -> None:
    """Nonconforming unless `body` has the described shape.

    `closed`: no other fields and no other words than described; turn it off for a description older than the reply.
    """
    answers = operation(spec, method, path)["responses"]
    content = (answers.get(str(status)) or answers["default"])["content"]["application/json"]
    value = json.loads(body) if isinstance(body, bytes | str) else body
    _validate(spec, content["schema"], value, f"reply {status} to {method.upper()} {path}", closed=closed)


def decode(form: Form) -> dict[str, Any]:
    """`a[b][0][c]=x` as nested objects and lists of text."""
    if isinstance(form, bytes | str):
        text = form.decode() if isinstance(form, bytes) else form
        pairs: Iterable[tuple[str, str]] = parse_qsl(text, keep_blank_values=True, strict_parsing=bool(text))
    else:
        pairs = form.items() if isinstance(form, Mapping) else form
    root: dict[str, Any] = {}
    for key, value in pairs:
        names = [key.split("[", 1)[0], *_KEY.findall(key)]
        node = root
        for name in names[:-1]:
            node = node.setdefault(name, {})
        last = names[-1] or str(len(node))
        if last in node:
            raise Nonconforming(f"{key} is given twice")
        node[last] = value
    return {name: _listed(value) for name, value in root.items()}


def typed(schema: dict[str, Any], value: Any) -> Any:
    """The text of a form read with the types that `schema` expects; what cannot be read stays text, and fails later."""
    if "anyOf" in schema:
        readings = [typed(choice, value) for choice in schema["anyOf"]]
        return next((read for read in readings if read != value), value)
    match schema.get("type"), value:
        case "object", dict():
            extra = schema.get("additionalProperties")
            known = schema.get("properties", {})
            default = extra if isinstance(extra, dict) else {}
            return {name: typed(known.get(name, default), inner) for name, inner in value.items()}
        case "array", list():
            return [typed(schema.get("items", {}), inner) for inner in value]
        case "array", "":
            return []  # the form encoding of an empty list
    return _scalar(str(schema.get("type")), value)


def _scalar(kind: str, value: Any) -> Any:
    if kind == "integer" and isinstance(value, str) and _WHOLE.match(value):
        return int(value)
    if kind == "boolean" and value in ("true", "false"):
        return value == "true"
    return value


def _listed(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    inner = {name: _listed(one) for name, one in value.items()}
    if inner and list(inner) == [str(index) for index in range(len(inner))]:
        return list(inner.values())
    return inner


_DOCUMENT = "urn:description"
_schemas: dict[tuple[int, bool], Registry[Any]] = {}


def _validate(spec: dict[str, Any], schema: dict[str, Any], value: Any, what: str, *, closed: bool) -> None:
    key = (id(spec), closed)
    if key not in _schemas:
        document = {"components": _plain(spec["components"], closed)}
        _schemas[key] = Registry().with_resource(_DOCUMENT, DRAFT202012.create_resource(document))
    validator = Draft202012Validator(_plain(schema, closed), registry=_schemas[key])
    problem = best_match(validator.iter_errors(value))
    if problem is not None:
        raise Nonconforming(f"{what}: at {problem.json_path}: {_said(problem)}")


def _said(problem: ValidationError) -> str:
    return problem.message if len(problem.message) < 500 else f"{problem.message[:500]}…"


def _plain(node: Any, closed: bool) -> Any:
    """OpenAPI 3.0 as JSON Schema: `nullable` becomes a type, and an object is closed (or its words are opened)."""
    if isinstance(node, list):
        return [_plain(one, closed) for one in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return {"$ref": f"{_DOCUMENT}{node['$ref']}"}
    plain = {name: _plain(one, closed) for name, one in node.items()}
    if isinstance(plain.get("enum"), list):
        if closed:
            plain["enum"] = [*plain["enum"], *([None] if node.get("nullable") is True else [])]
        else:
            del plain["enum"]
    if closed and isinstance(plain.get("properties"), dict) and node.get("type") == "object":
        plain.setdefault("additionalProperties", False)
    if node.get("nullable") is not True:
        return plain
    del plain["nullable"]
    if isinstance(plain.get("type"), str):
        return {**plain, "type": [plain["type"], "null"]}
    return {"anyOf": [plain, {"type": "null"}]}
