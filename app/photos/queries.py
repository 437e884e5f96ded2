"""What is known of photos."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.photos.models import Photo

# States in which the original is in the store and can be looked at, now or soon.
_HERE = ("received", "ready")


def of_reports(session: Session, report_ids: Collection[UUID]) -> Mapping[UUID, Sequence[Photo]]:
    """The photos of many reports in one statement, in the order in which they came; nothing for those without."""
    found = session.scalars(select(Photo).where(Photo.report_id.in_(report_ids)).order_by(Photo.added_at, Photo.sha256))
    by_report: dict[UUID, list[Photo]] = defaultdict(list)
    for photo in found:
        by_report[photo.report_id].append(photo)
    return by_report


def arrived(session: Session, report_id: UUID, role: str) -> frozenset[str]:
    """The SHA-256 of the photos of a report, in a role (before, after), that have come and are not refused."""
    return frozenset(
        session.scalars(
            select(Photo.sha256).where(Photo.report_id == report_id, Photo.role == role, Photo.state.in_(_HERE))
        )
    )
