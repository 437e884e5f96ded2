"""The shape of a report and of its course, for the API's description."""

from marshmallow import Schema, fields

from app.photos.errors import REFUSALS
from app.photos.hints import Edited, Place, Time
from app.reports.entries import RULES


class ReportPlaceSchema(Schema):
    """Degrees, WGS 84; metres."""

    lat = fields.Float()
    lon = fields.Float()
    accuracy_m = fields.Float(allow_none=True)


class ReportWardSchema(Schema):
    """A ward version."""

    code = fields.String()
    name = fields.String()
    valid_from = fields.Date(allow_none=True)


class UnitSchema(Schema):
    """Who acts."""

    id = fields.Integer()
    name = fields.String()


class NeighbourSchema(Schema):
    """A ward that the circle of accuracy touches, with its share of it."""

    code = fields.String()
    name = fields.String()
    share = fields.Float()


class RoutingSchema(Schema):
    """How the ward was found, and why this unit."""

    how = fields.String(metadata={"enum": ["inside", "near_border", "nearest", "desk"]})
    border_m = fields.Float()
    neighbours = fields.List(fields.Nested(NeighbourSchema))
    reason = fields.String()


class DecisionSchema(Schema):
    """A sanction decision."""

    number = fields.String()
    decided_on = fields.Date()
    fine_vnd = fields.Integer()
    paid_on = fields.Date(allow_none=True)


class PhotoUrlsSchema(Schema):
    """Links to the copies of a photo, good for some minutes."""

    display = fields.String()
    thumb = fields.String()


class RefusalSchema(Schema):
    """Why a photo that was received cannot be shown."""

    code = fields.String(metadata={"enum": sorted(REFUSALS)})
    detail = fields.String()


class OtherReportSchema(Schema):
    """A report, by the number that people know."""

    id = fields.UUID()
    number = fields.String()


class UsedSchema(Schema):
    """An earlier report with the same photo, or one that is nearly the same; which one, for who may read that one too."""

    how = fields.String(metadata={"enum": ["same", "near"]})
    report = fields.Nested(OtherReportSchema, allow_none=True)


class HintsSchema(Schema):
    """What a photo says against its report. Hints: messengers take every mark off a photo, clocks are wrong."""

    place = fields.String(metadata={"enum": list(Place), "description": "taken near the stated place or far from it"})
    time = fields.String(metadata={"enum": list(Time), "description": "taken when it was sent, or long before"})
    edited = fields.String(metadata={"enum": list(Edited), "description": "as a camera wrote it, or changed since"})
    used = fields.Nested(UsedSchema, allow_none=True)


class PhotoSchema(Schema):
    """A photo: awaited, received, ready (it has `urls`), refused (`refusal` says why; the original is kept) or erased.

    A video is `kept`: it has a duration and no copies. `placeholder` is a data address of some 16 pixels. `hints` and
    `look` (to be posted to, for the full size) are for who works on the case.
    """

    sha256 = fields.String()
    role = fields.String(metadata={"enum": ["before", "after"]})
    state = fields.String(metadata={"enum": ["awaited", "received", "ready", "refused", "kept", "erased"]})
    urls = fields.Nested(PhotoUrlsSchema, allow_none=True)
    placeholder = fields.String(allow_none=True)
    duration_ms = fields.Integer(allow_none=True)
    refusal = fields.Nested(RefusalSchema, allow_none=True)
    hints = fields.Nested(HintsSchema, allow_none=True)
    look = fields.String(allow_none=True)


class OpenMoveSchema(Schema):
    """A move that the asker could make, and what must be given."""

    to = fields.String()
    needs = fields.List(fields.String())


class OpenEntrySchema(Schema):
    """An entry that the asker could add, and what must be given."""

    type = fields.String(metadata={"enum": list(RULES)})
    needs = fields.List(fields.String())


class PersonSchema(Schema):
    """A colleague."""

    id = fields.UUID()
    name = fields.String()


class LinksSchema(Schema):
    """Where to go from here; null where the asker may not, or not now."""

    self = fields.String()
    timeline = fields.String()
    moves = fields.String()
    entries = fields.String()
    decisions = fields.String(allow_none=True)
    evidence = fields.String(allow_none=True)
    blurs = fields.String(allow_none=True, metadata={"description": "Of each photo: {sha256} stands for its name."})
    members = fields.String(allow_none=True)
    author = fields.String(allow_none=True)
    alike = fields.String(allow_none=True)
    join = fields.String(allow_none=True)
    looks = fields.String(allow_none=True)


class ReportSchema(Schema):
    """A report as the asker may see it."""

    id = fields.UUID()
    number = fields.String(metadata={"example": "BT-2611-0047"})
    state = fields.String()
    kind = fields.String()
    field = fields.String()
    location = fields.Nested(ReportPlaceSchema)
    address = fields.String(allow_none=True)
    note = fields.String(allow_none=True)
    anonymous = fields.Boolean()
    ward = fields.Nested(ReportWardSchema)
    unit = fields.Nested(UnitSchema)
    routing = fields.Nested(RoutingSchema)
    captured_at = fields.AwareDateTime(allow_none=True)
    captured_mark = fields.String(allow_none=True)
    received_at = fields.AwareDateTime()
    due_at = fields.AwareDateTime()
    clock = fields.String(metadata={"enum": ["runs", "stopped", "ended"]})
    seconds_left = fields.Integer(metadata={"description": "of the calendar's time"})
    calendar = fields.String(
        allow_none=True, metadata={"description": "working hours by which time runs; null is round the clock"}
    )
    first_response_at = fields.AwareDateTime(allow_none=True)
    on_site_at = fields.AwareDateTime(allow_none=True)
    concluded_at = fields.AwareDateTime(allow_none=True)
    outcome = fields.String(allow_none=True)
    late_reason = fields.String(allow_none=True)
    original = fields.UUID(allow_none=True)
    recurrence_of = fields.UUID(allow_none=True)
    body = fields.String(allow_none=True)
    decisions = fields.List(fields.Nested(DecisionSchema))
    fine_vnd = fields.Integer()
    channel = fields.String()
    urgent = fields.Boolean()
    assignee = fields.Nested(PersonSchema, allow_none=True)
    photos = fields.List(fields.Nested(PhotoSchema))
    moves = fields.List(fields.Nested(OpenMoveSchema))
    entries = fields.List(fields.Nested(OpenEntrySchema))
    version = fields.Integer()
    links = fields.Nested(LinksSchema)


class RatingSchema(Schema):
    """What its resident thought of how it was dealt with: the latest word."""

    stars = fields.Integer()
    text = fields.String(allow_none=True)
    at = fields.AwareDateTime()


class ResultSchema(Schema):
    """How the report stands or ended that this one repeats; nothing of what its resident said or showed."""

    state = fields.String()
    unit = fields.Nested(UnitSchema)
    outcome = fields.String(allow_none=True)
    concluded_at = fields.AwareDateTime(allow_none=True)
    photos = fields.List(fields.Nested(PhotoSchema), metadata={"description": "from afterwards"})


class ContestSchema(Schema):
    """Why the resident of a duplicate does not agree with how its original ended; the words may have been erased."""

    at = fields.AwareDateTime()
    reason = fields.String(allow_none=True)


class JoinedSchema(Schema):
    """One more report of the same incident."""

    id = fields.UUID()
    number = fields.String()
    received_at = fields.AwareDateTime()
    note = fields.String(allow_none=True)
    photos = fields.List(fields.Nested(PhotoSchema))
    contest = fields.Nested(ContestSchema, allow_none=True)


class OneReportSchema(ReportSchema):
    """A report shown by itself: with the one that it repeats, those that repeat it (for the unit), and how it was rated."""

    original_number = fields.String(allow_none=True)
    original_result = fields.Nested(ResultSchema, allow_none=True)
    joined = fields.List(fields.Nested(JoinedSchema), allow_none=True)
    rating = fields.Nested(RatingSchema, allow_none=True)


class HowToJoinSchema(Schema):
    """To which address which `original` is sent."""

    to = fields.String()
    original = fields.String()


class AlikeSchema(Schema):
    """A case that may be of the same incident, found by place or by photo. The later of two is joined to the earlier."""

    id = fields.UUID()
    number = fields.String()
    kind = fields.String()
    state = fields.String()
    unit = fields.Nested(UnitSchema)
    received_at = fields.AwareDateTime()
    age_s = fields.Integer()
    how = fields.String(metadata={"enum": ["place", "photo"]})
    distance_m = fields.Integer()
    is_earlier = fields.Boolean(metadata={"description": "than the report in question"})
    duplicates = fields.Integer()
    join = fields.Nested(HowToJoinSchema, allow_none=True)


class AlikePageSchema(Schema):
    """What may be of the same incident, at most twenty cases."""

    items = fields.List(fields.Nested(AlikeSchema))


class NearbyAnswerSchema(Schema):
    """What was reported already. `age_s` and `how` are of the one to follow; `mine`: the asker sent it."""

    count = fields.Integer(metadata={"description": "open reports of the kind at the spot"})
    how = fields.String(allow_none=True, metadata={"enum": ["place", "photo"]})
    age_s = fields.Integer(allow_none=True)
    follow = fields.UUID(allow_none=True)
    mine = fields.Boolean()


class ByWhomSchema(Schema):
    """In which role, and for colleagues by which name."""

    role = fields.String()
    name = fields.String()


class StepSchema(Schema):
    """One step in the course of a report."""

    id = fields.UUID()
    at = fields.AwareDateTime()
    done_at = fields.AwareDateTime(allow_none=True)
    type = fields.String()
    by = fields.Nested(ByWhomSchema)
    unit = fields.Nested(UnitSchema, allow_none=True)
    from_ = fields.String(data_key="from", allow_none=True)
    to = fields.String(allow_none=True)
    data = fields.Dict()
    texts = fields.Dict(keys=fields.String(), values=fields.String())
    erased = fields.Boolean()


class TimelineSchema(Schema):
    """The course of a report."""

    items = fields.List(fields.Nested(StepSchema))
    as_of = fields.AwareDateTime()
