"""The floor of bench/create.py: the same report taken in with bare psycopg, on the same server, without a framework.

It does the same token check, validation, ward look-up and rows, and has nothing else: no schemas, no permissions page,
no problems, no logs, no limits. Whatever the real route costs above it is the price of those.
"""

import json
import math
import threading
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from sqlalchemy import make_url

from app import create_app
from app.config import read_settings
from app.core.db import Database, new_id
from app.http.container import KEY
from geo.coordinates import LngLat
from geo.validity import local_day

real = create_app()
settings = read_settings()
tokens = real.extensions[KEY].tokens
local = threading.local()
with Database(settings.database_url).unit_of_work() as session:
    book = real.extensions[KEY].rulebook.current(session)

LOOK_UP = """
select (select revision from rulebook_revision), (select s.ended_at is null and p.disabled_at is null
    from sessions s join people p on p.id = s.person_id where s.id = %s), r.id
from (select 1) one left join reports r on r.id = %s
"""
WRITE = """
with numbered as (
    insert into report_numbers as n (city_id, month, last) values (1, %(month)s, 1)
    on conflict (city_id, month) do update set last = n.last + 1
    returning 'BT-' || to_char(month, 'YYMM') || '-' || lpad(last::text, greatest(4, length(last::text)), '0') as number
), report as (
    insert into reports (id, city_id, number, channel, kind_code, field, lat, lon, accuracy_m, note, anonymous, urgent,
        about_unit, received_at, ward_version_id, routing, unit_id, state, target_s, due_at, rungs,
        updated_at)
    select %(id)s, 1, number, 'app', %(kind)s, %(field)s, %(lat)s, %(lon)s, %(accuracy_m)s, %(note)s, false, false, false,
        %(now)s, %(ward)s, %(routing)s::jsonb, %(unit)s, 'received', 7200, %(due)s, %(rungs)s, %(now)s
    from numbered
    on conflict (id) do nothing returning id, number
), author as (
    insert into report_authors (report_id, person_id) select id, %(person)s from report
), entry as (
    insert into timeline (report_id, entry_id, at, type, by_role, unit_id, to_state, shown_to, data)
    select id, %(entry)s, %(now)s, 'received', 'resident', %(unit)s, 'received', 'all', '{}' from report
), promise as (
    insert into outbox (topic, payload, at)
    select 'report.received', jsonb_build_object('report_id', id, 'units', jsonb_build_array(%(unit)s::int)), %(now)s from report
)
select number from report
"""


def connection() -> psycopg.Connection[Any]:
    """This thread's connection."""
    if not hasattr(local, "connection"):
        made = make_url(settings.database_url)
        local.connection = psycopg.connect(
            host=made.query["host"], user=made.username, dbname=made.database, prepare_threshold=2
        )
    return local.connection


def take_in(environ: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Check, look up, write; the answer's status and body."""
    now = datetime.now(UTC)  # noqa: TID251 -- a bench is its own edge
    claims = tokens.read(environ["HTTP_AUTHORIZATION"].removeprefix("Bearer "), now=now)
    said = json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
    place = said["location"]
    lat, lon, accuracy = place["lat"], place["lon"], place.get("accuracy_m")
    note = said.get("note")
    if not (isinstance(lat, float) and isinstance(lon, float) and math.isfinite(lat) and math.isfinite(lon)):
        return "422 Unprocessable Content", {}
    if note is not None and (not isinstance(note, str) or len(note) > 4000):
        return "422 Unprocessable Content", {}
    report_id = uuid.UUID(said["id"])
    with connection().transaction():
        known = connection().execute(LOOK_UP, (claims.session_id, report_id)).fetchone()
        if known is None or known[2] is not None or not known[1]:
            return "409 Conflict", {}
        day = local_day(now)
        kind = book.kind(said["kind"], day)
        located = book.wards.locate(LngLat(lon, lat), day, accuracy)
        unit = book.unit_of_version[located.ward.id]
        routing = {
            "how": located.how.value, "border_m": round(located.border_m, 1), "accuracy_m": located.accuracy_m,
            "neighbours": [], "reason": {"vi": located.ward.name, "en": located.ward.name},
        }  # fmt: skip
        due = now + timedelta(hours=2)
        row = {
            "id": report_id, "month": day.replace(day=1), "kind": kind.code, "field": kind.field, "lat": lat, "lon": lon,
            "accuracy_m": accuracy, "note": note, "now": now, "ward": located.ward.id, "routing": json.dumps(routing),
            "unit": unit, "due": due, "rungs": [now + timedelta(minutes=60), now + timedelta(minutes=96), due], "person": claims.person_id, "entry": new_id(),
        }  # fmt: skip
        number = connection().execute(WRITE, row).fetchone()
    return "201 Created", {
        "id": str(report_id), "number": number and number[0], "state": "received", "ward": located.ward.code,
        "routing": routing, "received_at": now.isoformat(), "due_at": due.isoformat(), "seconds_left": 7200,
    }  # fmt: skip


def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """The real application, and beside it the bare endpoint at /bare."""
    if environ["PATH_INFO"] != "/bare":
        return real(environ, start_response)
    status, body = take_in(environ)
    content = json.dumps(body, ensure_ascii=False).encode()
    start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(content)))])
    return [content]
