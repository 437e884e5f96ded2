"""What is hidden of a photo from the public: found by a detector, added and released by officers. The only writer of it."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, tuple_, update
from sqlalchemy.orm import Session

from app.core.db import new_id
from app.photos import queries
from app.photos.actions import tell
from app.photos.errors import BlurIdTaken, BlurNotFound, PhotoNotFound, TooManyBlurs
from app.photos.models import Photo, PhotoBlur
from app.photos.regions import Region

# In one photo, by people: what a detector found does not count.
MOST_ADDED_BLURS = 100


def settle_blurs(
    session: Session, report_id: UUID, sha256: str, found: Sequence[Region], now: datetime
) -> Sequence[Region] | None:
    """Lock a photo and say what is to be hidden in it; None when nobody is to see it any more.

    What a detector found is written down the first time. From then on an officer's word counts: what was released is
    shown whatever is found again, what was added is hidden. The photo stays locked until the public copy that is made
    of this lies in the store, so that no copy of an older word can take its place.
    """
    if _locked(session, report_id, sha256) is None:
        return None
    known = queries.blurs(session, report_id, sha256)
    if not any(blur.added_by is None for blur in known):
        known = [*known, *(_blur(report_id, sha256, region, new_id(), now) for region in found)]
        session.add_all(known)
        session.flush()
    return [blur.region for blur in known if blur.released_at is None]


def promise_missing(session: Session, after: tuple[UUID, str], limit: int, now: datetime) -> Sequence[tuple[UUID, str]]:
    """Promise the second pair of copies of photos that have none, after the position `after` (report, hash); which these are.

    Those were ready before there were such copies, or an officer's word of them is being carried out: once more does no
    harm.
    """
    position = tuple_(Photo.report_id, Photo.sha256)
    missing = (
        select(Photo.report_id, Photo.sha256)
        .where(Photo.state == "ready", Photo.blurred_at.is_(None), position > after)
        .order_by(Photo.report_id, Photo.sha256)
        .limit(limit)
    )
    found = [(report_id, sha256) for report_id, sha256 in session.execute(missing)]
    for report_id, sha256 in found:
        tell(session, "photo.blur", report_id, sha256, now)
    return found


def public_copy_made(session: Session, report_id: UUID, sha256: str, now: datetime) -> None:
    """Write that the public copy is in the store, made as `settle_blurs` said, and the full-size one too."""
    session.execute(update(Photo).where(Photo.report_id == report_id, Photo.sha256 == sha256).values(blurred_at=now))


def add_blur(
    session: Session, report_id: UUID, sha256: str, region: Region, *, blur_id: UUID, by: UUID, now: datetime
) -> bool:
    """Hide one more place from the public. The public copy counts as none until it is made anew, which is promised.

    False when this very place was added before. Raises PhotoNotFound, BlurIdTaken and TooManyBlurs.
    """
    photo = _locked(session, report_id, sha256)
    if photo is None:
        raise PhotoNotFound
    before = session.get(PhotoBlur, blur_id)
    if before is not None:
        known = before.report_id, before.sha256, before.added_by
        if known != (report_id, sha256, by) or not before.region.is_near(region):
            raise BlurIdTaken(at="id")
        return False
    added = [blur for blur in queries.blurs(session, report_id, sha256) if blur.added_by and not blur.released_at]
    if len(added) >= MOST_ADDED_BLURS:
        raise TooManyBlurs(limit=MOST_ADDED_BLURS)
    blur = _blur(report_id, sha256, region, blur_id, now)
    blur.added_by = by
    photo.blurred_at = None
    session.add(blur)
    session.flush()
    tell(session, "photo.blur", report_id, sha256, now)
    return True


def release_blur(session: Session, report_id: UUID, sha256: str, blur_id: UUID, *, by: UUID, now: datetime) -> bool:
    """Hide a place no more, once the public copy is made anew; until then the old one hides too much, and stays.

    False when it was released before. Raises PhotoNotFound and BlurNotFound.
    """
    if _locked(session, report_id, sha256) is None:
        raise PhotoNotFound
    blur = session.get(PhotoBlur, blur_id, populate_existing=True)
    if blur is None or (blur.report_id, blur.sha256) != (report_id, sha256):
        raise BlurNotFound
    if blur.released_at is not None:
        return False
    blur.released_at, blur.released_by = now, by
    session.flush()
    tell(session, "photo.blur", report_id, sha256, now)
    return True


def _locked(session: Session, report_id: UUID, sha256: str) -> Photo | None:
    """The locked row of a photo that people can look at; None of any other."""
    photo = session.get(Photo, (report_id, sha256), populate_existing=True, with_for_update={"key_share": True})
    return photo if photo is not None and photo.state == "ready" else None


def _blur(report_id: UUID, sha256: str, region: Region, blur_id: UUID, now: datetime) -> PhotoBlur:
    return PhotoBlur(
        id=blur_id,
        report_id=report_id,
        sha256=sha256,
        what=region.what,
        left=region.left,
        top=region.top,
        width=region.width,
        height=region.height,
        score=region.score,
        added_at=now,
    )
