"""What a provider that notifies is: who reads what it tells and asks, and how it gives again what was missed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import ClassVar, Protocol, runtime_checkable

from cardctl.domain.authorizations import Asked
from cardctl.domain.events import Expected, Incoming, Notice, Signature, Told
from cardctl.domain.redaction import Secret


class Webhooks(Protocol):
    """One provider's notifications: is it genuine, what is in it, what does it say. No state, no request, no clock, no secret
    of its own, so that events can be verified and read where no API key is at hand.

    `secret_names` are the secrets (secrets/names.py) that may prove an event; `verify` is handed those that are set, each with
    the one before it during a rotation, and compares in constant time. Age is judged against `incoming.received_at`.
    """

    name: ClassVar[str]
    secret_names: ClassVar[tuple[str, ...]]

    def verify(self, incoming: Incoming, secrets: Mapping[str, Sequence[Secret]]) -> Signature: ...

    def notices(self, body: bytes) -> list[Notice]:
        """The notifications in a raw body, in its order; BadEvent where it is none of this provider's."""
        ...

    def told(self, notice: Notice) -> Told:
        """What one says; UNHEARD for a type that is not known. BadEvent where a known type lacks what it must have."""
        ...

    def kept_body(self, body: bytes) -> bytes | None:
        """The body as it may be kept: None where it holds what may not be (a one-time code)."""
        ...


@runtime_checkable
class ProvesByHeader(Protocol):
    """Notifications that prove themselves by a secret which stands in a header as it is: `proof_header`, in small letters, is
    kept nowhere."""

    @property
    def proof_header(self) -> str: ...


class Questions(Protocol):
    """A provider that asks, while a merchant waits, whether a purchase may be made. `secret_name` is what proves that it is the
    provider who asks; `headers` stand beside the answer. No state, no request, no clock."""

    secret_name: ClassVar[str]
    headers: ClassVar[Mapping[str, str]]

    def verify(self, incoming: Incoming, secrets: Sequence[Secret]) -> Signature: ...

    def asked(self, body: bytes) -> Asked:
        """What is asked; BadEvent where it is no such question."""
        ...


@runtime_checkable
class ReceivesWebhooks(Protocol):
    """Notifies of what happens."""

    @property
    def webhooks(self) -> Webhooks: ...


@runtime_checkable
class ListsEvents(Protocol):
    """Lists the notifications that it sent, page by page, newest first, each as the raw body that it was; `events_kept` is how
    far back its list goes. `lists_every_event`: it has all of them, whoever asked for them and whenever."""

    events_kept: ClassVar[timedelta]
    lists_every_event: ClassVar[bool]

    def events(self, *, since: datetime | None = None, until: datetime | None = None) -> Iterator[list[bytes]]: ...


@runtime_checkable
class ResendsEvents(Protocol):
    """Sends a notification again, by its name. `expected` reads from its lists what must have been notified since then, of the
    cards named, page by page; `resend` gives the body of one (ProviderHasNot: there is none, or no endpoint is registered)."""

    def expected(self, since: datetime, card_refs: Sequence[str]) -> Iterator[list[Expected]]: ...
    def resend(self, expected: Expected) -> bytes: ...
