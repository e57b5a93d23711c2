"""Whether the requests in a file are genuine; opens no books and keeps nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from cardctl.domain.events import Signature, Source
from cardctl.errors import BadInput
from cardctl.services.deeds.inbox import Reception
from cardctl.services.flows.ingesting.files import Found
from cardctl.services.flows.ingesting.taking import judged_as


@dataclass(frozen=True, slots=True)
class Verdict:
    """What can be said of one request; `signature` None: there is nothing that could be verified. `genuine`: proven, and an
    event for this profile."""

    file: str
    line: int
    provider: str
    signature: Signature | None
    genuine: bool
    reason: str | None
    types: tuple[str, ...] = ()


def verdicts(found: Iterable[Found], reception: Callable[[str], Reception]) -> Iterator[Verdict]:
    """One by one, as they are read. SecretMissing where no secret is set that could tell."""
    for one in found:
        if one.incoming is None:
            yield Verdict(one.file, one.line, one.provider, None, False, one.fault)
            continue
        try:
            judged = judged_as(reception(one.provider), one.incoming, Source.SERVED)
        except BadInput as error:
            yield Verdict(one.file, one.line, one.provider, None, False, error.message)
            continue
        genuine = judged.signature is Signature.VALID and judged.arrival is not None
        yield Verdict(one.file, one.line, one.provider, judged.signature, genuine, judged.reason, judged.types)
