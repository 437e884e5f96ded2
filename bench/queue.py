"""A page of a unit's queue among five million reports of which ten thousand are open, beside `select 1`.

    bench/run queue [--reports 5000000]

Both are timed in turns on one connection, as the application sends them (prepared), from sending to having received
every row; what Python then spends on making objects of the rows is told beside it. The figure is the ratio of the
medians. Wanted: at most 4 times `select 1`. The first page and a page in the middle are both told, and the first page of
whoever watches the whole city.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, create_engine, event, text
from sqlalchemy.orm import Session

from app.reports import queries
from bench.running import database, told, url

OPEN = 10_000
PAGE = 50
TURNS = 400

# Five wards, two and a half years, every field and outcome; one report in five hundred is open, spread over the units
# and over the hours around now. References are not checked while this is written: they are right by construction.
GENERATE = """
insert into reports (id, city_id, number, channel, kind_code, field, lat, lon, accuracy_m, address, note, anonymous, urgent,
    about_unit, received_at, ward_version_id, routing, unit_id, state, target_s, due_at, first_response_at, concluded_at,
    ended_at, outcome, updated_at)
select gen_random_uuid(), 1, 'BX-' || n, 'demo', 'SW01', 'sidewalk', w.lat + (n %% 89) * 0.00001, w.lon + (n %% 97) * 0.00001,
    15, 'Hẻm ' || n %% 400, 'Bàn ghế choán hết vỉa hè', false, false, false, t.at, w.version,
    '{"how": "inside", "border_m": 210.4, "accuracy_m": 15, "neighbours": [], "reason": {"vi": "Trong phường.", "en": "Inside."}}',
    w.unit, case when o.open then 'accepted' else 'closed' end, 7200, t.at + interval '2 hours', t.at + interval '6 minutes',
    case when o.open then null else t.at + interval '70 minutes' end,
    case when o.open then null else t.at + interval '70 minutes' end,
    case when o.open then null else 'recorded' end, t.at
from generate_series(%(first)s::int, %(last)s::int) n
cross join lateral (select n %% %(every)s::int = 0 as open, n / %(total)s::float8 as part) o
cross join lateral (select case when o.open then now() - part * interval '2 hours'
    else now() - interval '2 years' + part * interval '700 days' end as at) t
join lateral (
    select v.id as version, c.unit_id as unit, st_y(p) as lat, st_x(p) as lon
    from ward_versions v join unit_coverage c on c.ward_version_id = v.id
    cross join lateral (select st_pointonsurface(v.geom) as p) s
    order by v.id offset (n / %(every)s::int) %% 5 limit 1
) w on true
"""
PHOTOS = """
insert into photos (report_id, sha256, role, state, added_at, received_at, ready_at)
select id, md5(id::text) || md5(number), 'before', 'ready', received_at, received_at, received_at
from reports where state = 'accepted'
"""


def generate(superuser_url: str, total: int) -> None:
    """Fill the database with `total` reports, without checking references, and let the planner know."""
    engine = create_engine(superuser_url)
    every = total // OPEN
    with engine.connect() as connection:
        connection.exec_driver_sql("set session_replication_role = replica")
        connection.exec_driver_sql("set synchronous_commit = off")
        wards = connection.exec_driver_sql("select id from ward_versions order by id").scalars().all()
        assert len(wards) == 5, wards
        for first in range(1, total + 1, 250_000):
            last = min(first + 249_999, total)
            values = {"first": first, "last": last, "every": every, "total": total}
            connection.exec_driver_sql(GENERATE, values)
            connection.commit()
            print(f"\r  {last:,} reports", end="", flush=True)
        connection.exec_driver_sql(PHOTOS)
        connection.commit()
        print()
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("vacuum analyze")
    engine.dispose()


def page_statement(connection: Connection, read: Callable[..., Any], whose: Any, after: Any) -> tuple[str, Any]:
    """The very statement that the application sends for a page, and its values."""
    seen: list[tuple[str, Any]] = []

    def catch(*args: Any) -> None:
        seen.append((args[2], args[3]))

    event.listen(connection, "before_cursor_execute", catch)
    read(Session(connection), whose, limit=PAGE + 1, after=after)
    event.remove(connection, "before_cursor_execute", catch)
    return seen[-1]


def seconds(cursor: Any, statement: str, values: Any) -> tuple[float, float]:
    """How long one round trip takes until all rows are here, and how long it then takes to make objects of them."""
    began = time.perf_counter()
    cursor.execute(statement, values, prepare=True)
    received = time.perf_counter()
    cursor.fetchall()
    return received - began, time.perf_counter() - received


def main() -> None:
    """Fill, time in turns, tell."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--reports", type=int, default=5_000_000)
    asked = parser.parse_args()
    with database("haigio_bench_queue") as environment:
        generate(url("HAIGIO_SUPERUSER_DATABASE_URL", "haigio_bench_queue"), asked.reports)
        engine = create_engine(environment["HAIGIO_DATABASE_URL"])
        with engine.connect() as connection:
            unit = connection.execute(
                text(
                    "select unit_id from reports where state = 'accepted' group by unit_id order by count(*) desc limit 1"
                )
            ).scalar_one()
            middle = connection.execute(
                text(
                    "select due_at, id from reports where unit_id = :unit and state = 'accepted' order by 1, 2 offset 1000 limit 1"
                ),
                {"unit": unit},
            ).one()
            pages = {
                "first page": page_statement(connection, queries.queue, [unit], None),
                "page after 1,000": page_statement(connection, queries.queue, [unit], tuple(middle)),
                "first page of every unit": page_statement(connection, queries.queue_of_city, 1, None),
            }
            cursor = connection.connection.cursor()
            for name, (statement, values) in pages.items():
                one, page, objects = [], [], []
                for _ in range(TURNS):
                    one.append(seconds(cursor, "select 1", None)[0])
                    sql, python = seconds(cursor, statement, values)
                    page.append(sql)
                    objects.append(python)
                told(
                    f"queue: {name} of {PAGE}",
                    statistics.median(page) / statistics.median(one),
                    "at most 4",
                    page_us=round(statistics.median(page) * 1e6),
                    select_1_us=round(statistics.median(one) * 1e6),
                    objects_us=round(statistics.median(objects) * 1e6),
                )
        engine.dispose()


if __name__ == "__main__":
    main()
