"""The members that several requests share: text with a bound, hashes of photos, times of the day."""

import re
import unicodedata
from typing import Any
from uuid import UUID

from marshmallow import fields, validate

SHA256 = re.compile(r"\A[0-9a-f]{64}\Z")

_TIME = re.compile(r"\A([01][0-9]|2[0-3]):[0-5][0-9]\Z")

# Line breaks and tabs are writing; other control characters are not, and the database refuses the first of them.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


class ActionId(fields.UUID):
    """The id that a phone gives a move or an entry: a UUID of version 4 or 7, which nobody else comes upon.

    Ids of other versions are the service's own: it makes them of what everybody knows, and nobody may be there first.
    """

    default_error_messages = {  # noqa: RUF012 -- marshmallow's own form
        "version": "Must be a UUID of version 4 or 7.",
    }

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> UUID | None:  # type: ignore[override]
        said = super()._deserialize(value, attr, data, **kwargs)
        if said is not None and said.version not in {4, 7}:
            raise self.make_error("version")
        return said


class Text(fields.String):
    """Words of a person, of at most `longest` characters: composed (NFC) and trimmed.

    Only white space is nothing: None, or missing where words are required.
    """

    default_error_messages = {  # noqa: RUF012 -- marshmallow's own form
        "control": "Must not contain control characters.",
    }

    def __init__(self, longest: int, **kwargs: Any) -> None:
        super().__init__(validate=validate.Length(max=longest), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str | None:  # type: ignore[override]
        said = super()._deserialize(value, attr, data, **kwargs)
        if _CONTROL.search(said):
            raise self.make_error("control")
        words = unicodedata.normalize("NFC", said).strip()
        if self.required and not words:
            raise self.make_error("required")
        return words or None

    def _validate(self, value: Any) -> None:
        if value is not None:  # nothing was said, which is not too long
            super()._validate(value)


def time_of_day(**kwargs: Any) -> fields.String:
    """A local time of the day, HH:MM."""
    return fields.String(validate=validate.Regexp(_TIME), **kwargs)


def photo_hash(**kwargs: Any) -> fields.String:
    """The SHA-256 of a photo's bytes, 64 lower-case hex digits."""
    return fields.String(validate=validate.Regexp(SHA256), **kwargs)


def photo_hashes(**kwargs: Any) -> fields.List[Any]:
    """At most ten photos by their hashes."""
    return fields.List(photo_hash(), validate=validate.Length(max=10), **kwargs)
