"""What a letter says: the templates, our own and those that take their place, and the finding of what is wrong with them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cardctl.domain.letters import Letter, LetterKind, manual
from cardctl.domain.money import Money
from cardctl.domain.redaction import Secret
from cardctl.errors import BadConfig

if TYPE_CHECKING:
    import jinja2

QR_NAME = "esim-qr"
"""What the HTML part calls the picture: `cid:` and this."""
NAMES = tuple(f"{kind.value}.{form}" for kind in LetterKind for form in ("txt", "html"))
_SUBJECT, _BODY = "subject", "body"
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_LONGEST_SUBJECT, _LONGEST_NAME = 150, 100


@dataclass(frozen=True, slots=True)
class Words:
    """A letter in words. In no repr: they say the activation code."""

    subject: str
    text: str = field(repr=False)
    html: str = field(repr=False)


class Wording:
    """The templates of one profile. `directory` is of templates that take the place of ours, each by its name; ours are to be
    had as `builtin/…` for an `extends`. `shop` and `reply_to` are told to every template."""

    def __init__(self, directory: Path | None, *, shop: str, reply_to: str) -> None:
        self._directory = directory
        self._letterhead = {"shop": shop, "reply_to": reply_to}

    def words(self, letter: Letter) -> Words:
        """A letter in words. BadConfig where a template fails, which `check` finds out beforehand."""
        return self._worded(letter, sample=False)

    def check(self) -> None:
        """BadConfig, with file and line, where a template of the directory is broken; what is checked are letters with much in
        them and letters with little."""
        if self._directory is None:
            return
        if not self._directory.is_dir():
            raise BadConfig(f"mail.templates names no directory: {self._directory}")
        if not any((self._directory / name).is_file() for name in NAMES):
            raise BadConfig(f"{self._directory} has no template", hint=f"it may have {', '.join(NAMES)}")
        for letter in _SAMPLES:
            self._worded(letter, sample=True)

    def _worded(self, letter: Letter, *, sample: bool) -> Words:
        said = self._letterhead | _said(letter)
        text = self._parts(f"{letter.kind.value}.txt", said, sample)
        html = self._parts(f"{letter.kind.value}.html", said, sample)
        subject = " ".join(_plain(text[_SUBJECT]).split())[:_LONGEST_SUBJECT]
        return Words(subject, _plain(text[_BODY]).strip() + "\n", _plain(html[""]))

    def _parts(self, name: str, said: dict[str, Any], sample: bool) -> dict[str, str]:
        """What the template says as a whole, under "", and each of its blocks, inherited ones too."""
        try:
            template = self._room.get_template(name)
            context = template.new_context(said)
            parts = {"": "".join(template.root_render_func(context))}
            wanted = (_SUBJECT, _BODY) if name.endswith(".txt") else ()
            parts |= {block: "".join(context.blocks[block][0](context)) for block in wanted if block in context.blocks}
        except Exception as error:  # a template may fail in any way that Python can
            raise self._broken(name, error, sample) from None
        if missing := [block for block in wanted if not parts.get(block, "").strip()]:
            raise BadConfig(f"{self._where(name)} has no block {' and no block '.join(missing)}, or an empty one")
        return parts

    def _broken(self, name: str, error: Exception, sample: bool) -> BadConfig:
        """Of a real letter no more is told than what kind of error it was: its text may have the code in it."""
        import jinja2  # noqa: PLC0415

        where, line = _last_of(error) or (self._where(name), None)
        why = f"{type(error).__name__}: {error}" if sample else type(error).__name__
        if isinstance(error, jinja2.TemplateSyntaxError):
            where, line, why = error.filename or where, error.lineno, error.message or why
        at = f", line {line}" if line else ""
        return BadConfig(f"the template {where}{at} is broken: {why}", hint="see mail.templates in config.toml")

    def _where(self, name: str) -> str:
        return next((f"{each}/{name}" for each in self._files if (Path(each) / name).is_file()), name)

    @cached_property
    def _files(self) -> tuple[str, ...]:
        """Where templates are, the first that has one counts."""
        ours = Path(__file__).parent / "templates"
        return (str(self._directory), str(ours)) if self._directory else (str(ours),)

    @cached_property
    def _room(self) -> jinja2.Environment:
        """Templates that somebody wrote reach nothing but the words they are given; HTML escapes all of those."""
        import jinja2  # noqa: PLC0415 - only who writes a letter needs it
        from jinja2.sandbox import ImmutableSandboxedEnvironment  # noqa: PLC0415

        ours = jinja2.FileSystemLoader(self._files[-1])
        return ImmutableSandboxedEnvironment(
            loader=jinja2.ChoiceLoader([jinja2.FileSystemLoader(self._files), jinja2.PrefixLoader({"builtin": ours})]),
            autoescape=lambda name: name is not None and name.endswith(".html"),
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )


def _said(letter: Letter) -> dict[str, Any]:
    """What a template may say. Texts, None, yes or no; nothing that can be called."""
    typed = manual(letter.activation) if letter.activation else None
    name = " ".join(_plain(letter.name or "").split())[:_LONGEST_NAME]
    return {
        "name": name or None,
        "title": letter.title,
        "order": letter.order_id,
        "code": letter.activation.reveal() if letter.activation else None,
        "address": typed.address if typed else None,
        "matching_id": typed.code if typed else None,
        "confirmed": bool(typed and typed.confirmed),
        "iccid": letter.iccid,
        "instructions": letter.instructions,
        "amount": str(letter.amount) if letter.amount else None,
        "reason": letter.reason,
        "twice": letter.twice,
        "qr": f"cid:{QR_NAME}",
    }


def _plain(text: str) -> str:
    """Text without halves of characters, which no mail can hold, and without control characters that are no white space."""
    return _CONTROL.sub("", text.encode("utf-8", "replace").decode())


def _last_of(error: Exception) -> tuple[str, int | None] | None:
    """File and line of the template in which an error rose: the frames in the middle are of the code made of it."""
    found: tuple[str, int | None] | None = None
    trace = error.__traceback__
    while trace is not None:
        template = trace.tb_frame.f_globals.get("__jinja_template__")
        if template is not None:
            found = (template.filename, template.get_corresponding_lineno(trace.tb_lineno))
        trace = trace.tb_next
    return found


def _sample(kind: LetterKind, **more: Any) -> Letter:
    return Letter(kind, "sample@example.com", "<sample@example.com>", "order_sample", "eSIM TR, 1 GB, 7 days", **more)


_SAMPLES = (
    _sample(
        LetterKind.DELIVERY,
        name="Ada Lovelace",
        activation=Secret("LPA:1$smdp.example.com$SAMPLE"),
        iccid="8900000000000000001",
        instructions="Turn data roaming on.",
    ),
    _sample(LetterKind.DELIVERY, qr_png=b""),
    _sample(LetterKind.REFUND, name="Ada Lovelace", amount=Money(2500, "USD"), reason="it is sold out"),
    _sample(LetterKind.REFUND, amount=Money(2500, "USD"), twice=True),
    _sample(LetterKind.REFUND),
)
