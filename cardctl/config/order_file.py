"""order.json of `esim fulfil --order`: which payment, and what was bought with it. It is checked, and nothing is looked up."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

from pydantic import ConfigDict, Field, ValidationError

from cardctl.config.document import nearest
from cardctl.config.values import Section
from cardctl.domain.sales import OrderData
from cardctl.errors import BadFile

_LARGEST = 64 * 1024
Text = Annotated[str, Field(min_length=1, max_length=500)]


class OrderFile(Section):
    """One order, as the format's example has it."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, str_strip_whitespace=True)

    payment: Annotated[str, Field(pattern="^pi_[A-Za-z0-9_]+$")]
    offer_id: Text
    recipient_email: Annotated[str, Field(pattern="^[^@\\s]+@[^@\\s]+$", max_length=320)]
    full_name: Text | None = None
    transaction_id: Text | None = None

    @property
    def data(self) -> OrderData:
        return OrderData(self.offer_id, self.recipient_email, self.full_name, self.transaction_id)


def read_order(file: Path) -> OrderFile:
    """The order in `file`. BadFile (2) naming what is wrong with it."""
    try:
        text = file.read_bytes()
    except OSError as error:
        raise BadFile(f"{file} cannot be read: {error.strerror or error}") from None
    if len(text) > _LARGEST:
        raise BadFile(f"{file} is too large to be an order")
    try:
        told: Any = json.loads(text)
    except ValueError:
        raise BadFile(f"{file} is no JSON") from None
    try:
        return OrderFile.model_validate(told)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False, include_input=False)
        raise BadFile(f"{file}: " + "; ".join(_fault(each["type"], each["loc"], each["msg"]) for each in faults)) from None


def _fault(kind: str, at: tuple[int | str, ...], said: str) -> str:
    key = ".".join(map(str, at))
    if kind == "extra_forbidden":
        return f"unknown key {key}{nearest(key, tuple(OrderFile.model_fields))}"
    return f"{key} is missing" if kind == "missing" else f"{key}: {said}" if key else "an object with the order is wanted"
