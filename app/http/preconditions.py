"""ETag, If-None-Match and If-Match, for views that know the tag of what they show."""

import re
from typing import Final

from flask import Response, request

# As many digits as a version, an integer of the database, can have.
_VERSION: Final = re.compile(r"[0-9]{1,10}")


def not_modified(tag: str) -> Response | None:
    """A 304 when the asker has this state already, else None."""
    if not request.if_none_match.contains_weak(tag):
        return None
    response = Response(status=304)
    response.set_etag(tag, weak=True)
    return response


def expected_version() -> int | None:
    """The version that the asker believes the report to have (If-Match), None when nothing was said.

    A tag begins with the version; what follows (how far the photos are) does not make the asker's view of the case
    old. A tag that is none of ours fits no version.
    """
    tags = request.if_match.as_set(include_weak=True)
    if not tags or request.if_match.star_tag:
        return None
    version = min(tags).removeprefix("W/").strip('"').partition("-")[0]
    return int(version) if _VERSION.fullmatch(version) else -1
