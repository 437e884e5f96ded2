"""Keyset pages: `limit`, and a `cursor` that is a position in the order, not a number of rows to skip."""

import base64
import binascii
import json
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any, Final
from uuid import UUID

from marshmallow import Schema, fields, validate

from app.core.errors import Invalid

USUAL: Final = 50
MOST: Final = 200


class CursorInvalid(Invalid):
    """Not a cursor that one of our pages gave."""

    code = "cursor_invalid"
    vi = "Vị trí trang (cursor) không hợp lệ; hãy bắt đầu lại từ trang đầu."
    en = "The cursor is not valid; please begin again with the first page."


class PageSchema(Schema):
    """Which page: at most `limit` items (50 if not given, clamped to 200) after `cursor`."""

    limit = fields.Integer(load_default=USUAL)
    cursor = fields.String(load_default=None, validate=validate.Length(max=200))


@cache  # one shape, one name in the API's description
def page_of(item: type[Schema]) -> type[Schema]:
    """The shape of a page of items: `next` is the cursor of the page after it, null on the last one."""
    return Schema.from_dict(
        {
            "items": fields.List(fields.Nested(item)),
            "next": fields.String(allow_none=True),
            "as_of": fields.AwareDateTime(),
        },
        name=item.__name__.removesuffix("Schema") + "PageSchema",
    )


def limit(asked: Mapping[str, Any]) -> int:
    """How many items to show: what was asked for, within 1 and 200."""
    return min(max(int(asked["limit"]), 1), MOST)


def cursor(instant: datetime, identifier: UUID) -> str:
    """The position behind an item that is ordered by an instant and its id."""
    position = json.dumps([instant.isoformat(), str(identifier)], separators=(",", ":"))
    return base64.urlsafe_b64encode(position.encode()).decode().rstrip("=")


def position(asked: Mapping[str, Any]) -> tuple[datetime, UUID] | None:
    """The position that the asked cursor stands for, None for the first page. Raises CursorInvalid."""
    given = asked["cursor"]
    if not given:
        return None
    try:
        instant, identifier = json.loads(
            base64.b64decode(given + "=" * (-len(given) % 4), altchars=b"-_", validate=True)
        )
        found = datetime.fromisoformat(instant), UUID(identifier)
    except (ValueError, TypeError, AttributeError, binascii.Error) as error:
        raise CursorInvalid(at="cursor") from error
    if found[0].tzinfo is None:
        raise CursorInvalid(at="cursor")
    return found
