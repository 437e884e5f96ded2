"""Recurrence (tái diễn): the same kind within 30 m of a true conclusion, in the 30 days after it."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.reports.duplicates import SAME_SPOT_M

WITHIN = timedelta(days=30)

_MARK = text("""
    update reports r
    set recurrence_of = (
        select earlier.id from reports earlier
        where earlier.outcome in ('recorded', 'remedied', 'gone')
          and earlier.kind_code = r.kind_code and earlier.id <> r.id
          and earlier.concluded_at <= r.received_at and r.received_at < earlier.concluded_at + :within
          and earlier.point && st_expand(r.point, :box_degrees)
          and st_dwithin(earlier.point::geography, r.point::geography, :metres)
        order by earlier.concluded_at desc, earlier.id limit 1
    )
    where r.id = :id
    returning recurrence_of
""")


def mark(session: Session, report_id: UUID) -> UUID | None:
    """Link a report to the latest true conclusion that it repeats, if there is one; the same however often it runs."""
    values = {"id": report_id, "within": WITHIN, "metres": SAME_SPOT_M, "box_degrees": SAME_SPOT_M / 100_000}
    return session.execute(_MARK, values).scalar()
