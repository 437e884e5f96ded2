"""Two years of reports, all closed: loaded in seconds, as if they had been taken in and dealt with one by one."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from psycopg import Connection, sql
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.commands.demo.course import SEED, courses
from app.commands.demo.ground import Ground
from app.commands.demo.story import COLUMNS, Officer, Story
from app.core.audit import AuditEntry, record
from app.identity.models import Membership
from app.reports.models import ReportNumber
from geo.validity import Days

MARK = "demo:history"


def load(session: Session, city_id: int, now: datetime) -> str:
    """Load the history, once; everything or nothing, in the caller's transaction.

    Raises:
        Refused: there are no wards on the days of the history.
        KindUnknown: there are no kinds on those days.
    """
    session.execute(select(func.pg_advisory_xact_lock(SEED)))
    if session.scalar(select(AuditEntry.id).where(AuditEntry.subject == f"{MARK}/{city_id}").limit(1)):
        return "two years of reports, as they were"
    story = Story(Ground(session, city_id), _officers(session), _last_numbers(session, city_id))
    for number, course in enumerate(courses()):
        story.tell(number, course)
    connection = session.connection().connection.driver_connection
    if not isinstance(connection, Connection):
        raise TypeError("the history is loaded over psycopg")
    for table, columns in COLUMNS.items():
        _copy(connection, table, columns, story.rows[table])
    _keep_numbers(session, city_id, story.numbers)
    record(session, by=None, action=MARK, subject=f"{MARK}/{city_id}", at=now, data={"seed": SEED})
    return f"{len(story.rows['reports']):,} reports, {len(story.rows['decisions']):,} decisions"


def _officers(session: Session) -> list[Officer]:
    rows = session.execute(
        select(Membership.person_id, Membership.unit_id, Membership.valid_from, Membership.valid_to)
        .where(Membership.role == "officer")
        .order_by(Membership.id)
    )
    return [Officer(person, unit, Days(first, until)) for person, unit, first, until in rows if unit is not None]


def _last_numbers(session: Session, city_id: int) -> dict[date, int]:
    rows = session.execute(select(ReportNumber.month, ReportNumber.last).where(ReportNumber.city_id == city_id))
    return dict(rows.all())


def _keep_numbers(session: Session, city_id: int, numbers: Mapping[date, int]) -> None:
    """The next real report of a month goes on where the history ends."""
    rows = insert(ReportNumber).values(
        [{"city_id": city_id, "month": month, "last": last} for month, last in numbers.items()]
    )
    session.execute(
        rows.on_conflict_do_update(
            index_elements=[ReportNumber.city_id, ReportNumber.month], set_={"last": rows.excluded.last}
        )
    )


def _copy(connection: Connection[Any], table: str, columns: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> None:
    statement = sql.SQL("copy {} ({}) from stdin").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)
