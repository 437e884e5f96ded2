"""What is hidden from the public in the photos of a report: changed by its unit, each change on its course."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from app.identity import permissions
from app.identity.permissions import Do
from app.photos import blurring
from app.photos.regions import Region
from app.reports import timeline
from app.reports.actions import Person, open_for, subject_of, writer
from app.reports.timeline import Step


@dataclass(frozen=True)
class PhotoOf:
    """One photo of one report."""

    report_id: UUID
    sha256: str


def hide(session: Session, photo: PhotoOf, region: Region, *, blur_id: UUID, by: Person, now: datetime) -> bool:
    """Hide a place from the public. False when this very place was hidden by this person before.

    Raises ReportNotFound, NotPermitted, PhotoNotFound, BlurIdTaken and TooManyBlurs.
    """
    report, is_author, _ = open_for(session, photo.report_id, by, now=now)
    subject = subject_of(report, is_author=is_author)
    permissions.require(by.actor, Do.BLUR, subject)
    person_id = by.actor.person_id
    if not blurring.add_blur(session, report.id, photo.sha256, region, blur_id=blur_id, by=person_id, now=now):
        return False
    report.change({}, now)
    step = Step("blur_added", {"sha256": photo.sha256, "blur": str(blur_id)}, shown_to="unit")
    timeline.record(session, report, step, by=writer(by.actor, subject), now=now)
    return True


def show(session: Session, photo: PhotoOf, blur_id: UUID, *, by: Person, now: datetime) -> None:
    """Hide a place no more. Repeated with no effect.

    Raises ReportNotFound, NotPermitted, PhotoNotFound and BlurNotFound.
    """
    report, is_author, _ = open_for(session, photo.report_id, by, now=now)
    subject = subject_of(report, is_author=is_author)
    permissions.require(by.actor, Do.BLUR, subject)
    if not blurring.release_blur(session, report.id, photo.sha256, blur_id, by=by.actor.person_id, now=now):
        return
    report.change({}, now)
    step = Step("blur_released", {"sha256": photo.sha256, "blur": str(blur_id)}, shown_to="unit")
    timeline.record(session, report, step, by=writer(by.actor, subject), now=now)
