"""The second pair of copies: in full size for the unit, blurred for the public.

Apart from the first ones, with a queue and a worker of its own: it takes several times as long, and loads two networks.
"""

from typing import Any
from uuid import UUID

import structlog

from app.core import clock, outbox
from app.photos import blurring, detectors, erasing, images, queries, redaction
from app.photos.links import public_name
from app.photos.models import Photo
from app.photos.storage import Copy
from workers.context import context

log = structlog.get_logger("blurs")


def prepare() -> None:
    """Load the networks once, in the worker that forks for each job. Where that fails each job will say so, and fail."""
    try:
        detectors.load()
    except detectors.ModelBroken as broken:
        log.error("photos cannot be blurred", reason=str(broken))  # noqa: TRY400 -- where is known


def make_public_copy(message_id: int, payload: dict[str, Any]) -> None:
    """Make both copies of the photo `sha256` of the report `report_id`, anew if they were made before.

    A detector that cannot look is a failure to be tried again, and never a public copy of what it did not see.
    """
    report_id, sha256, store = UUID(payload["report_id"]), payload["sha256"], context().photos
    with context().database.unit_of_work() as session:
        photo = session.get(Photo, (report_id, sha256))
        known = queries.blurs(session, report_id, sha256)
        if photo is None or photo.state != "ready":  # erased meanwhile
            outbox.done(session, message_id, at=clock.now())
            return
        looked = any(blur.added_by is None for blur in known)
    with store.open(sha256) as original:
        picture = images.whole(original)
    store.put_copy(sha256, Copy.FULL, images.jpeg(picture, quality=90))
    shown = images.shown(picture)
    del picture  # a hundred megabytes that the networks need
    found = [] if looked else redaction.find(shown)
    now = clock.now()
    with context().database.unit_of_work() as session:
        if not outbox.done(session, message_id, at=now):
            return
        regions = blurring.settle_blurs(session, report_id, sha256, found, now)
        if regions is None:
            erasing.leave_nothing(session, store, report_id, sha256)
            return
        public = images.jpeg(redaction.hidden(shown, regions))
        store.put_copy(public_name(report_id, sha256), Copy.PUBLIC, public)
        blurring.public_copy_made(session, report_id, sha256, now)
