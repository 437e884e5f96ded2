"""Texts to phone numbers, over an HTTP gateway that a file describes: SMS brandname, Zalo ZNS, whatever comes next.

The file (TOML, `HAIGIO_GATEWAY`) says where to post, which JSON, and how to read the answer, because gateways in
Vietnam agree on none of it: many answer 200 with an error code. examples/ has two. Secrets are named in it as
`${NAME}` and read from the environment.
"""

import json
import re
import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from app.config import SettingsError
from app.notifications.channels import Gone, Message, Refused, Unreachable
from app.notifications.channels.outgoing import Answer, Outgoing, parse_url

# Three text messages in one; a gateway charges for each.
MOST_LETTERS: Final = 3 * 160

_PLACEHOLDER: Final = re.compile(r"\{([a-z_]+)\}")
_SECRET: Final = re.compile(r"\$\{([A-Z][A-Z0-9_]*)\}")
_PLACES: Final = frozenset({"to", "to_local", "to_bare", "text", "template_id", "params", "key"})
_MEMBERS: Final = frozenset({"url", "marks", "headers", "body", "templates", "answer"})

# What is wrong is our account there, not the message: a person must mend it, and then it can go out.
_OURS: Final = frozenset({401, 402, 403, 404, 405, 407})

# Signs that text messages without marks do not know.
_PLAIN: Final = str.maketrans("đĐ“”„‘’–—−…·•₫", 'dD"""\'\'---.-*d')


@dataclass(frozen=True)
class Template:
    """A text that the gateway's operator has approved: its id, and which of our values fills which of its gaps."""

    id: str
    params: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Form:
    """A gateway as its file describes it."""

    url: str = field(repr=False)
    body: Mapping[str, Any] = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    templates: Mapping[str, Template] | None = None  # by topic; None: the gateway takes free text
    marks: bool = True
    code: str | None = None  # the member of the answer that says how it went; None: its status does
    taken: frozenset[str] = frozenset()
    refused: frozenset[str] = frozenset()
    gone: frozenset[str] = frozenset()


def simple(url: str) -> Form:
    """The form of `HAIGIO_SMS_URL`: `{"to", "text"}`, with the key as `Idempotency-Key`."""
    return Form(_checked_url(url, "HAIGIO_SMS_URL"), {"to": "{to}", "text": "{text}"}, {"Idempotency-Key": "{key}"})


def read_form(path: Path, environ: Mapping[str, str]) -> Form:
    """The gateway that a file describes. Raises SettingsError naming what is wrong in it, and never a value."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise _wrong("must be a readable TOML file") from None
    unknown = document.keys() - _MEMBERS
    if unknown:
        raise _wrong(f"{', '.join(sorted(unknown))} means nothing there")
    try:
        _check_places(document)
        return _form(_with_secrets(document, environ))
    except KeyError as error:
        raise _wrong(f"{error.args[0]} is missing") from None
    except (TypeError, AttributeError):
        raise _wrong("a member has the wrong type") from None


def _form(document: dict[str, Any]) -> Form:
    templates, answer = document.get("templates"), document.get("answer", {})
    if answer.keys() - {"code", "taken", "refused", "gone"} or ("code" in answer) != ("taken" in answer):
        raise _wrong("[answer] has code and taken, and may have refused and gone")
    return Form(
        url=_checked_url(document["url"], "HAIGIO_GATEWAY: url"),
        headers={name: str(value) for name, value in document.get("headers", {}).items()},
        body=dict(document["body"]),
        templates=None
        if templates is None
        else {topic: Template(str(one["id"]), dict(one.get("params", {}))) for topic, one in templates.items()},
        marks=bool(document.get("marks", True)),
        code=answer.get("code"),
        **{name: frozenset(map(_told, answer.get(name, []))) for name in ("taken", "refused", "gone")},
    )


class Gateway:
    """The channel to phone numbers. `to` is a number in E.164."""

    def __init__(self, form: Form, outgoing: Outgoing) -> None:
        self._form, self._outgoing = form, outgoing

    def send(self, to: str, message: Message, *, key: str) -> None:
        """Hand it to the gateway.

        Raises Gone, Refused, Unreachable as every channel: Refused also for a topic without an approved template.
        """
        form = self._form
        values = _values(form, to, message, key)
        headers = {"Content-Type": "application/json"}
        headers |= {name: _header(str(_filled(value, values))) for name, value in form.headers.items()}
        body = json.dumps(_filled(form.body, values), ensure_ascii=False).encode()
        answer = self._outgoing.post(form.url, body, headers)
        answer.accept(later=_OURS)
        if form.code is not None:
            _read(form, answer)


def _read(form: Form, answer: Answer) -> None:
    """Go on if the answer's code says that the text was taken; what no list names may pass, so it is tried again."""
    code = answer.member(str(form.code))
    told = _told(code)
    if told in form.taken:
        return
    if told in form.gone:
        raise Gone("the gateway knows no such number")
    if told in form.refused:
        raise Refused("the gateway refuses it")
    raise Unreachable("the gateway did not take it")


def _told(code: Any) -> str:
    """A code as text: gateways write 0 and "0" for the same."""
    return json.dumps(code) if isinstance(code, bool | None) else str(code)


def _values(form: Form, to: str, message: Message, key: str) -> dict[str, Any]:
    values: dict[str, Any] = {
        "to": to,
        "to_bare": to.removeprefix("+"),
        "to_local": "0" + to[3:] if to.startswith("+84") else to,
        "text": text_of(message, marks=form.marks),
        "key": key,
    }
    if form.templates is not None:
        template = form.templates.get(message.topic)
        if template is None:
            raise Refused("no approved template for this topic")
        lacking = set(template.params.values()) - message.params.keys()
        if lacking:
            raise Refused(f"the template asks for {', '.join(sorted(lacking))}, which this message has not")
        values["template_id"] = template.id
        values["params"] = {theirs: message.params[ours] for theirs, ours in template.params.items()}
    return values


def text_of(message: Message, *, marks: bool) -> str:
    """Body and link as one text of at most three messages; the link stays whole, the body gives way."""
    tail = f" {message.link}" if message.link else ""
    body = message.body if marks else without_marks(message.body)
    room = max(MOST_LETTERS - len(tail), 0)
    if len(body) > room:
        body = body[: max(room - 3, 0)].rstrip() + "..."
    return body + tail


def without_marks(text: str) -> str:
    """The text in ASCII, as "Đã xử lý" becomes "Da xu ly": with marks it costs twice as much, and old phones show boxes.

    What has no likeness in ASCII is left out.
    """
    apart = unicodedata.normalize("NFKD", text.replace("…", "...").translate(_PLAIN))
    return apart.encode("ascii", "ignore").decode()


def _filled(template: Any, values: Mapping[str, Any]) -> Any:
    """The template with its placeholders filled. A text that is nothing but `{params}` becomes that object.

    What looks like one and is none came with a secret, and stays.
    """
    if isinstance(template, Mapping):
        return {name: _filled(value, values) for name, value in template.items()}
    if isinstance(template, list):
        return [_filled(value, values) for value in template]
    if not isinstance(template, str):
        return template
    whole = _PLACEHOLDER.fullmatch(template)
    if whole is not None:
        return values.get(whole[1], template)
    return _PLACEHOLDER.sub(lambda found: str(values.get(found[1], found[0])), template)


def _header(value: str) -> str:
    return re.sub(r"[^\x20-\x7e]", "", value)


def _places(template: Any) -> set[str]:
    return set(_PLACEHOLDER.findall(json.dumps(template, ensure_ascii=False)))


def _check_places(document: dict[str, Any]) -> None:
    """Raises SettingsError for a placeholder that nothing fills."""
    named = _places([document["body"], document.get("headers")])
    if "templates" not in document and {"template_id", "params"} & named:
        raise _wrong("{template_id} and {params} need [templates]")
    unknown = named - _PLACES
    if unknown:
        raise _wrong(f"nothing fills {', '.join(sorted(f'{{{name}}}' for name in unknown))}")


def _with_secrets(document: Any, environ: Mapping[str, str]) -> Any:
    """The document with every `${NAME}` replaced by that variable. Raises SettingsError for one that is not set."""
    if isinstance(document, dict):
        return {name: _with_secrets(value, environ) for name, value in document.items()}
    if isinstance(document, list):
        return [_with_secrets(value, environ) for value in document]
    if not isinstance(document, str):
        return document
    for name in _SECRET.findall(document):
        if not environ.get(name):
            raise _wrong(f"it names {name}, which is not set")
    return _SECRET.sub(lambda found: environ[found[1]], document)


def _checked_url(url: str, name: str) -> str:
    try:
        return parse_url(url, https_only=False).geturl()
    except (ValueError, TypeError):
        raise SettingsError(f"Hai Giờ cannot start: {name} must be an http(s) address") from None


def _wrong(what: str) -> SettingsError:
    return SettingsError(f"Hai Giờ cannot start: HAIGIO_GATEWAY: {what}")
