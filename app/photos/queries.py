"""What is known of photos."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.photos.models import PhotoBlur


def blurs(session: Session, report_id: UUID, sha256: str) -> Sequence[PhotoBlur]:
    """The places in a photo that are hidden from the public, and those that were; the oldest first."""
    of_photo = (PhotoBlur.report_id == report_id, PhotoBlur.sha256 == sha256)
    return session.scalars(select(PhotoBlur).where(*of_photo).order_by(PhotoBlur.added_at, PhotoBlur.id)).all()
