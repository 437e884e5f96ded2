"""Reports put straight into the tables, as tests of figures need them: any state, any instant."""

from datetime import timedelta
from uuid import UUID, uuid4

from sqlalchemy import text

from app.enforcement.models import Decision
from app.reports.models import Report, TimelineEntry

SQUARE = "MULTIPOLYGON(((106.7 10.8, 106.72 10.8, 106.72 10.82, 106.7 10.82, 106.7 10.8)))"


class Town:
    """Two versions of one ward code, one after the other, and the unit of each."""

    def __init__(self, session):
        self.session = session
        self.count = 0
        imported = session.scalar(
            text(
                "insert into ward_imports (at, file, sha256, summary) "
                "values (now(), 'test', repeat('0', 64), '{}') returning id"
            )
        )
        self.old, self.new = (
            session.scalar(
                text(
                    "insert into ward_versions (city_id, code, name, type, valid_from, valid_to, geom, area_m2, import_id) "
                    "values (1, '26929', :name, 'phường', cast(:first as date), cast(:until as date), "
                    "st_geomfromtext(:square, 4326), 1, :imported) returning id"
                ),
                {"name": name, "first": first, "until": until, "square": SQUARE, "imported": imported},
            )
            for name, first, until in (
                ("Phường 14", None, "2025-07-01"),
                ("Phường Bình Thạnh", "2025-07-01", None),
            )
        )
        self.unit = session.scalar(
            text("insert into units (city_id, kind, code, name) values (1, 'ward', '26929', 'Đội') returning id")
        )

    def report(self, received_at, *, kind="SW01", ward=None, fines=(), awaited=(), alone=(), **columns):
        """One report; `fines` become decisions, `awaited` pairs of minutes from receipt at which the clock stood.

        `alone` is the minutes at which a warning found nobody on duty.
        """
        self.count += 1
        fields = {"SW": "sidewalk", "EN": "environment", "CO": "construction"}
        values = {
            "id": uuid4(),
            "city_id": 1,
            "number": f"BT-{self.count:05}",
            "channel": "app",
            "kind_code": kind,
            "field": fields[kind[:2]],
            "lat": 10.81,
            "lon": 106.71,
            "anonymous": False,
            "urgent": False,
            "about_unit": False,
            "received_at": received_at,
            "ward_version_id": ward or self.new,
            "routing": {},
            "unit_id": self.unit,
            "state": "received",
            "target_s": 7200,
            "due_at": received_at + timedelta(minutes=120),
            "updated_at": received_at,
        }
        report = Report(**{**values, **columns})
        self.session.add(report)
        self.session.flush()
        for place, fine in enumerate(fines):
            self._decide(report, place, fine)
        for begun, ended in awaited:
            self._move(report, begun, "accepted", "awaiting_resident")
            self._move(report, ended, "awaiting_resident", "accepted")
        for at in alone:
            self._enter(report, at, "nobody_on_duty")
        return report

    def concluded(self, received_at, minutes, outcome="recorded", *, state="concluded", **columns):
        """One report that was concluded so many minutes after its receipt."""
        at = received_at + timedelta(minutes=minutes)
        return self.report(received_at, state=state, outcome=outcome, concluded_at=at, ended_at=at, **columns)

    def _decide(self, report: Report, place: int, fine: int) -> None:
        self.session.add(
            Decision(
                id=uuid4(),
                report_id=report.id,
                unit_id=self.unit,
                number=f"{report.number}/{place}",
                decided_on=report.received_at.date(),
                fine_vnd=fine,
                entered_at=report.received_at,
            )
        )
        self.session.flush()

    def _move(self, report: Report, minutes: int, from_state: str, to_state: str) -> None:
        self._enter(report, minutes, "move", from_state, to_state)

    def _enter(
        self, report: Report, minutes: int, type_: str, from_state: str | None = None, to_state: str | None = None
    ) -> None:
        self.session.add(
            TimelineEntry(
                report_id=report.id,
                entry_id=UUID(int=uuid4().int),
                at=report.received_at + timedelta(minutes=minutes),
                type=type_,
                by_role="officer",
                from_state=from_state,
                to_state=to_state,
                shown_to="all",
                data={},
            )
        )
        self.session.flush()
