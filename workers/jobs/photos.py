"""The copies of a photo that people see, and what it says against its report."""

from typing import Any
from uuid import UUID

from app.core import clock, outbox
from app.photos import actions, erasing, exif, images, queries, videos
from app.photos.errors import REFUSALS, VideoNotShown
from app.photos.models import Photo
from app.photos.storage import Copy
from app.reports import actions as reports
from workers.context import context


def make_copies(message_id: int, payload: dict[str, Any]) -> None:
    """Make both copies of the photo `sha256` of the report `report_id`, or write why there can be none.

    Files first: making them again writes the same bytes, and only then does the row say that they are there. A photo
    that cannot be opened is an end like any other, not a failure to be tried again.
    """
    report_id, sha256, store = UUID(payload["report_id"]), payload["sha256"], context().photos
    if _erased_meanwhile(message_id, report_id, sha256):
        return
    try:
        with store.open(sha256) as original:
            said = exif.said_by(original)
            original.seek(0)
            made = images.make_copies(original)
    except tuple(REFUSALS.values()) as refusal:
        with context().database.unit_of_work() as session:
            if outbox.done(session, message_id, at=clock.now()):
                actions.refuse(session, report_id, sha256, refusal=refusal.code, now=clock.now())
                reports.photo_refused(session, report_id, sha256, refusal.code, clock.now())
        return
    store.put_copy(sha256, Copy.DISPLAY, made.display)
    store.put_copy(sha256, Copy.THUMB, made.thumb)
    now = clock.now()
    with context().database.unit_of_work() as session:
        if outbox.done(session, message_id, at=now):
            actions.copies_made(
                session,
                report_id,
                sha256,
                width=made.width,
                height=made.height,
                placeholder=made.placeholder,
                dhash=made.dhash,
                hints=queries.hints_for(session, report_id, sha256, said, made.dhash),
                now=now,
            )
            erasing.leave_nothing(session, store, report_id, sha256)


def examine_video(message_id: int, payload: dict[str, Any]) -> None:
    """Make the copy of a video that the unit looks at, picture and sound alone, or write that there can be none."""
    report_id, sha256, store = UUID(payload["report_id"]), payload["sha256"], context().photos
    if _erased_meanwhile(message_id, report_id, sha256):
        return
    refusal = None
    try:
        with store.open(sha256) as original:
            store.put_copy(sha256, Copy.FULL, videos.without_metadata(original))
    except VideoNotShown as unclear:
        refusal = unclear.code
    now = clock.now()
    with context().database.unit_of_work() as session:
        if outbox.done(session, message_id, at=now):
            hints = queries.hints_for(session, report_id, sha256, exif.Said(), None)
            actions.video_examined(session, report_id, sha256, hints=hints, refusal=refusal, now=now)
            erasing.leave_nothing(session, store, report_id, sha256)


def _erased_meanwhile(message_id: int, report_id: UUID, sha256: str) -> bool:
    """Whether there is nothing to be done any more, as the photo was erased; then the promise is kept."""
    with context().database.unit_of_work() as session:
        photo = session.get(Photo, (report_id, sha256))
        erased = photo is not None and photo.state == "erased"
        if erased:
            outbox.done(session, message_id, at=clock.now())
    return erased
