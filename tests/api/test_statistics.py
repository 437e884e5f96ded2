import csv
import io
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import text

from app.identity.permissions import Role
from app.reports.models import Report

RECEIVED = datetime(2026, 3, 2, 2, tzinfo=UTC)
SUMMARY = "/api/v1/statistics/summary"
TIMES = "/api/v1/statistics/response-times"


@pytest.fixture
def leader(district, as_):
    return as_(district.staff(Role.LEADER))


@pytest.fixture
def reports(session, district):
    """In Phường An one sidewalk report on time and one late, in Phường Bình one of the environment that is overdue."""
    ward_of = dict(session.execute(text("select code, id from ward_versions")).all())

    def put(number, ward, field, kind, minutes):
        at = None if minutes is None else RECEIVED + timedelta(minutes=minutes)
        session.add(
            Report(
                id=uuid4(), city_id=1, number=f"BT-2603-{number:04}", channel="app", kind_code=kind, field=field,
                lat=10.805, lon=106.705, anonymous=False, urgent=False, about_unit=False, received_at=RECEIVED,
                ward_version_id=ward_of[ward], routing={}, unit_id=district.units[ward], target_s=7200,
                state="received" if at is None else "concluded", outcome=None if at is None else "recorded",
                due_at=RECEIVED + timedelta(minutes=120), first_response_at=at and RECEIVED + timedelta(minutes=5),
                concluded_at=at, ended_at=at, updated_at=RECEIVED,
            )
        )  # fmt: skip

    put(1, "90001", "sidewalk", "SW01", 60)
    put(2, "90001", "sidewalk", "SW01", 180)
    put(3, "90002", "environment", "EN01", None)
    session.flush()


@pytest.mark.usefixtures("reports")
def test_the_summary(leader):
    body = leader.get(SUMMARY).json
    assert datetime.fromisoformat(body.pop("as_of")).tzinfo is not None
    assert body == {
        "reports": 3,
        "by_field": {"sidewalk": 2, "environment": 1, "construction": 0},
        "concluded": 2,
        "concluded_share": 0.666667,
        "true_share": 1,
        "sanctioned": 0,
        "fines_vnd": 0,
        "nobody_on_duty": 0,
        "on_time": 1,
        "late": 2,
        "on_time_share": 0.333333,
        "open": 1,
        "overdue": 1,
        "first_response": {"p50_s": 300, "p90_s": 300, "mean_s": 300, "paused_share": 0},
        "arrival": {"p50_s": None, "p90_s": None, "mean_s": None, "paused_share": None},
        "conclusion": {"p50_s": 7200, "p90_s": 10080, "mean_s": 7200, "paused_share": 0},
    }


@pytest.mark.usefixtures("reports")
def test_a_period_is_half_open_local_days(leader):
    assert leader.get(SUMMARY, query_string={"from": "2026-03-02", "to": "2026-03-03"}).json["reports"] == 3
    assert leader.get(SUMMARY, query_string={"from": "2026-03-03"}).json["reports"] == 0
    assert leader.get(SUMMARY, query_string={"to": "2026-03-02"}).json["reports"] == 0


@pytest.mark.usefixtures("reports")
def test_response_times_by_ward_version_and_field(leader):
    body = leader.get(TIMES, query_string={"by": "ward,field"}).json
    first, second = body["items"]
    assert first["ward"] == {"code": "90001", "name": "Phường An", "valid_from": "2024-01-01"}
    assert (first["field"], first["reports"], first["concluded"]) == ("sidewalk", 2, 2)
    assert (first["on_time"], first["late"], first["on_time_share"]) == (1, 1, 0.5)
    assert first["conclusion"]["p50_s"] == 7200
    assert (second["ward"]["code"], second["field"], second["overdue"]) == ("90002", "environment", 1)
    assert second["on_time_share"] == 0
    assert second["conclusion"]["mean_s"] is None
    by_ward = leader.get(TIMES).json["items"]
    assert [(item["ward"]["code"], item["field"]) for item in by_ward] == [("90001", None), ("90002", None)]
    by_field = leader.get(TIMES, query_string={"by": "field"}).json["items"]
    assert [(item["ward"], item["field"]) for item in by_field] == [(None, "sidewalk"), (None, "environment")]


@pytest.mark.usefixtures("reports")
def test_response_times_by_day_week_and_month(leader):
    whole = {"from": "2026-03-01", "to": "2026-04-01"}
    (day,) = leader.get(TIMES, query_string={"by": "day", **whole}).json["items"]
    assert (day["ward"], day["field"]) == (None, None)
    assert (day["period"], day["reports"]) == ({"from": "2026-03-02", "to": "2026-03-03"}, 3)
    assert (day["on_time"], day["late"], day["overdue"]) == (1, 2, 1)
    (week,) = leader.get(TIMES, query_string={"by": "week"}).json["items"]
    assert week["period"] == {"from": "2026-03-02", "to": "2026-03-09"}
    months = leader.get(TIMES, query_string={"by": "month,ward"}).json["items"]
    assert [(item["period"], item["ward"]["code"], item["reports"]) for item in months] == [
        (whole, "90001", 2),
        (whole, "90002", 1),
    ]
    assert [item["period"] for item in leader.get(TIMES).json["items"]] == [None, None]


@pytest.mark.usefixtures("reports")
def test_by_day_at_most_400_days(leader):
    asked = {"by": "day", "from": "2025-02-01", "to": "2026-03-08"}
    assert len(leader.get(TIMES, query_string=asked).json["items"]) == 1
    problem = leader.get(TIMES, query_string={**asked, "to": "2026-03-09"}, headers={"Accept-Language": "en"})
    assert (problem.status_code, problem.json["code"]) == (422, "period_too_long")
    assert problem.json["detail"] == "Figures by day need both “from” and “to”, at most 400 days apart."


@pytest.mark.usefixtures("reports")
def test_csv_is_a_header_row_and_a_row_an_item(leader):
    answer = leader.get(TIMES, query_string={"by": "ward,field", "format": "csv"})
    assert answer.mimetype == "text/csv"
    assert datetime.fromisoformat(answer.headers["X-As-Of"]).tzinfo is not None
    header, *rows = csv.reader(io.StringIO(answer.text))
    assert [dict(zip(header, row, strict=True))["ward_name"] for row in rows] == ["Phường An", "Phường Bình"]
    first = dict(zip(header, rows[0], strict=True))
    assert (first["conclusion_p50_s"], first["on_time"], first["late"]) == ("7200.0", "1", "1")
    assert (first["period_from"], first["period_to"]) == ("", "")
    by_month = leader.get(TIMES, query_string={"by": "month", "format": "csv"})
    header, row = csv.reader(io.StringIO(by_month.text))
    month = dict(zip(header, row, strict=True))
    assert (month["period_from"], month["period_to"], month["reports"]) == ("2026-03-01", "2026-04-01", "3")


@pytest.mark.parametrize(
    ("path", "query", "code", "at"),
    [
        (TIMES, {"format": "xlsx"}, "format_not_offered", "format"),
        (TIMES, {"by": "officer"}, "by_not_offered", "by"),
        (TIMES, {"by": ""}, "by_not_offered", "by"),
        (TIMES, {"by": "year"}, "by_not_offered", "by"),
        (TIMES, {"by": "week,month"}, "by_not_offered", "by"),
        (TIMES, {"by": "day,ward,week", "from": "2026-03-02", "to": "2026-03-03"}, "by_not_offered", "by"),
        (TIMES, {"by": "day"}, "period_too_long", "from"),
        (TIMES, {"by": "ward,day", "from": "2026-03-02"}, "period_too_long", "from"),
        (TIMES, {"by": "day", "to": "2026-03-02", "format": "csv"}, "period_too_long", "from"),
        (SUMMARY, {"from": "2026-03-02", "to": "2026-03-02"}, "period_invalid", "to"),
        (SUMMARY, {"from": "0001-01-01"}, "period_invalid", "from"),
        (SUMMARY, {"to": "9999-12-31"}, "period_invalid", "to"),
        (SUMMARY, {"from": "2026-02-30"}, "input_invalid", "from"),
        (SUMMARY, {"from": "yesterday"}, "input_invalid", "from"),
    ],
)
def test_what_cannot_be_asked_is_told_which(leader, path, query, code, at):
    problem = leader.get(path, query_string=query)
    assert (problem.status_code, problem.json["code"], problem.json["errors"][0]["at"]) == (422, code, at)


@pytest.mark.parametrize("path", [SUMMARY, TIMES])
def test_figures_are_for_those_who_answer_for_them(district, as_, path):
    assert as_().get(path).status_code == 401
    assert as_(district.resident()).get(path).status_code == 403
    assert as_(district.staff(Role.VOLUNTEER)).get(path).status_code == 403
    for role, unit in ((Role.OFFICER, "90001"), (Role.CHAIR, "90001"), (Role.LEADER, None), (Role.ADMIN, None)):
        assert as_(district.staff(role, unit)).get(path).status_code == 200
