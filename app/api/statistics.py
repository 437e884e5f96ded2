"""The figures over HTTP: for leaders, as JSON, and as CSV for their spreadsheets."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from flask import Response
from flask.views import MethodView
from marshmallow import Schema, fields

from app.api.viewing import answer
from app.core.errors import Invalid
from app.http import access
from app.http.access import needs
from app.http.blueprint import Blueprint
from app.http.container import container
from app.identity.permissions import Do
from app.statistics import queries
from app.statistics.queries import By, ByNotOffered, Figures, Period, ResponseTimes, Seconds, Summary
from app.statistics.tables import response_times_csv

blueprint = Blueprint("statistics", __name__, description="Số liệu / Figures")

FORMATS = ("json", "csv")

_BY = (
    "ward, field, and at most one of day, week, month, with commas between them: ward,month. "
    f"By day, from and to are needed, at most {queries.MOST_DAYS} days apart"
)


class FormatNotOffered(Invalid):
    """The figures do not come in this format."""

    code = "format_not_offered"
    vi = "Không có định dạng “{format}”; hiện có json và csv."
    en = "The format “{format}” is not offered; there are json and csv."


class PeriodSchema(Schema):
    """Local days on which the reports were received, half-open; a side that is not given is unbounded."""

    first = fields.Date(data_key="from", load_default=None)
    until = fields.Date(data_key="to", load_default=None)


class ResponseTimesQuerySchema(PeriodSchema):
    """Told apart by what, and in which format."""

    by = fields.String(load_default="ward", metadata={"description": _BY})
    format = fields.String(load_default="json", metadata={"description": "json or csv"})


class SecondsSchema(Schema):
    """Wall seconds from receipt, null when nothing was measured; `paused_share` of them the clock stood still."""

    p50_s = fields.Float(allow_none=True)
    p90_s = fields.Float(allow_none=True)
    mean_s = fields.Float(allow_none=True)
    paused_share = fields.Float(allow_none=True)


class FiguresSchema(Schema):
    """What a summary and an item of the response times share. Shares are 0 to 1, null when there is nothing to share."""

    reports = fields.Integer()
    concluded = fields.Integer()
    open = fields.Integer()
    overdue = fields.Integer()
    on_time = fields.Integer(metadata={"description": "Concluded on time: the numerator of on_time_share"})
    late = fields.Integer(
        metadata={"description": "Concluded late, overdue now, or withdrawn after due: the rest of its denominator"}
    )
    on_time_share = fields.Float(allow_none=True)
    first_response = fields.Nested(SecondsSchema)
    arrival = fields.Nested(SecondsSchema)
    conclusion = fields.Nested(SecondsSchema)


class ByFieldSchema(Schema):
    """Reports by field."""

    sidewalk = fields.Integer()
    environment = fields.Integer()
    construction = fields.Integer()


class SummarySchema(FiguresSchema):
    """The whole of a period on one page."""

    as_of = fields.AwareDateTime()
    by_field = fields.Nested(ByFieldSchema)
    concluded_share = fields.Float(allow_none=True)
    true_share = fields.Float(allow_none=True)
    sanctioned = fields.Integer()
    fines_vnd = fields.Integer()
    nobody_on_duty = fields.Integer(
        metadata={"description": "Reports of which a warning found nobody on duty, and went to the chair alone"}
    )


class WardVersionSchema(Schema):
    """A ward version; a code alone has been several wards."""

    code = fields.String()
    name = fields.String()
    valid_from = fields.Date(allow_none=True)


class DaysSchema(Schema):
    """Local days, half-open: `to` is the day after the last."""

    first = fields.Date(data_key="from")
    until = fields.Date(data_key="to")


class ResponseTimesItemSchema(FiguresSchema):
    """One ward version, one field, one day, week or month, or one of several; null what was not told apart.

    `period` is the days whose reports are counted: a week or month of which only a part was asked for is that part.
    """

    ward = fields.Nested(WardVersionSchema, allow_none=True)
    field = fields.String(allow_none=True)
    period = fields.Nested(DaysSchema, allow_none=True)


class ResponseTimesSchema(Schema):
    """Items in the order of periods, ward codes and their days, fields; what no report belongs to is not listed."""

    as_of = fields.AwareDateTime()
    items = fields.List(fields.Nested(ResponseTimesItemSchema))


@blueprint.route("/statistics/summary")
class SummaryView(MethodView):
    """The summary."""

    @needs(Do.READ_FIGURES)
    @blueprint.arguments(PeriodSchema, location="query")
    @blueprint.response(200, SummarySchema)
    def get(self, asked: Mapping[str, Any]) -> Response:
        """Reports, outcomes, fines and times of a period

        On time counts open cases past their due time as late; withdrawn reports count only when they were withdrawn
        after it. A contested case is open.
        """
        period, as_of = Period(asked["first"], asked["until"]), access.now()
        return answer(_summary(queries.summary(access.session(), container().settings.city_id, period, as_of)))


@blueprint.route("/statistics/response-times")
class ResponseTimesView(MethodView):
    """Response times."""

    @needs(Do.READ_FIGURES)
    @blueprint.arguments(ResponseTimesQuerySchema, location="query")
    @blueprint.response(200, ResponseTimesSchema)
    def get(self, asked: Mapping[str, Any]) -> Response:
        """How fast the reports of a period were dealt with, by ward version, by field, by day, week or month

        Days are local (Asia/Ho_Chi_Minh) and those of the receipt; weeks begin on Monday. Open and
        overdue are as of `as_of`, not as of that day. A day, week or month in which no report was received is not listed.

        As CSV: one header row and one row an item; when the figures were drawn is in the header `X-As-Of`.
        """
        if asked["format"] not in FORMATS:
            raise FormatNotOffered(at="format", format=asked["format"])
        period, as_of = Period(asked["first"], asked["until"]), access.now()
        items = queries.response_times(access.session(), container().settings.city_id, period, _by(asked["by"]), as_of)
        if asked["format"] == "csv":
            headers = {
                "X-As-Of": as_of.isoformat(),
                "Content-Disposition": 'attachment; filename="response-times.csv"',
            }
            return Response(response_times_csv(items), 200, headers, mimetype="text/csv")
        return answer({"as_of": as_of.isoformat(), "items": [_item(item) for item in items]})


def _by(asked: str) -> list[By]:
    """What to tell apart by, each once. Raises ByNotOffered."""
    try:
        return list(dict.fromkeys(By(word.strip()) for word in asked.split(",")))
    except ValueError:
        raise ByNotOffered(at="by") from None


def _summary(found: Summary) -> dict[str, Any]:
    return {
        **_figures(found),
        "as_of": found.as_of.isoformat(),
        "by_field": dict(found.by_field),
        "concluded_share": found.concluded_share,
        "true_share": found.true_share,
        "sanctioned": found.sanctioned,
        "fines_vnd": found.fines_vnd,
        "nobody_on_duty": found.nobody_on_duty,
    }


def _item(found: ResponseTimes) -> dict[str, Any]:
    ward, days = found.ward, found.period
    return {
        **_figures(found),
        "ward": ward
        and {
            "code": ward.code,
            "name": ward.name,
            "valid_from": ward.valid_from.isoformat() if ward.valid_from else None,
        },
        "field": found.field,
        "period": days and {"from": f"{days.first}", "to": f"{days.until}"},
    }


def _figures(found: Figures) -> dict[str, Any]:
    return {
        "reports": found.reports,
        "concluded": found.concluded,
        "open": found.open,
        "overdue": found.overdue,
        "on_time": found.on_time,
        "late": found.late,
        "on_time_share": found.on_time_share,
        "first_response": _seconds(found.first_response),
        "arrival": _seconds(found.arrival),
        "conclusion": _seconds(found.conclusion),
    }


def _seconds(found: Seconds) -> dict[str, float | None]:
    return asdict(found)
