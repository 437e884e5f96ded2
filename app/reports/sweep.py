"""What time alone does to reports: warning before and at the due time, resuming after 24 hours, closing after seven days.

Each sweep is one bounded statement, safe to run twice: the change, its timeline entry and its promise stand or fall
together, rows that somebody else holds are left for the next run.
"""

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.reports.workflow import CLOSE_AFTER
from app.targets.stopwatch import LONGEST_STOP

_TRACE = """
    , entry as (
        insert into timeline (report_id, entry_id, at, type, by_role, unit_id, from_state, to_state, shown_to, data)
        select id, gen_random_uuid(), :now, :move, 'system', unit_id, from_state, state, 'all', '{}' from swept
        returning report_id, entry_id, unit_id
    ), promise as (
        insert into outbox (topic, payload, at)
        select 'report.moved', jsonb_build_object('report_id', report_id, 'entry_id', entry_id, 'move', :move,
            'units', jsonb_build_array(unit_id)), :now
        from entry
    )
    select count(*) from swept
"""

_CLOSE = text(
    """
    with due as (
        select id from reports where state = 'concluded' and concluded_at <= :before
            -- A duplicate is over with its root: until then its resident may not agree with how that ends.
            and not exists (
                select from reports root where root.id = reports.original_id and root.state not in ('closed', 'withdrawn')
            )
        order by concluded_at limit :limit for update skip locked
    ), swept as (
        update reports r set state = 'closed', version = version + 1, updated_at = :now
        from due where r.id = due.id
        returning r.id, r.unit_id, r.state, 'concluded' as from_state
    )"""
    + _TRACE
)

# Due moves by 24 hours exactly, however late the sweep comes: an outage of ours gives a unit no time and takes none. By
# the calendar of the case that was reckoned when its clock was stopped (`handling._ask`); where it was not, by a program
# that knew nothing of rungs, round the clock.
_RESUME = text(
    """
    with due as (
        select id from reports where state = 'awaiting_resident' and stopped_at <= :before
        order by stopped_at limit :limit for update skip locked
    ), swept as (
        update reports r set state = coalesce(r.left_state, 'accepted'), left_state = null, stopped_at = null,
            due_at = coalesce(r.rungs_if_unanswered[3], r.due_at + :stop),
            rungs = coalesce(r.rungs_if_unanswered,
                array(select rung + :stop from unnest(r.rungs) with ordinality as old (rung, place) order by place)),
            rungs_if_unanswered = null, stopped_s = r.stopped_s + extract(epoch from cast(:stop as interval))::int,
            version = version + 1, updated_at = :now
        from due where r.id = due.id
        returning r.id, r.unit_id, r.state, 'awaiting_resident' as from_state
    )"""
    + _TRACE
)


# Several rungs may have fallen due in an outage: the highest is told, and the ones below it never are. A case may reach
# a rung once more in the same unit, when it comes back, or when the promise found it stopped (`actions.warn_again`). It is
# promised each time: an inbox takes it once. On its course it stands once, by an id made of case, unit, rung and the
# due time it belongs to. The id is of version 5, which no request may carry (`forms.ActionId`).
_WARN = text("""
    with due as (
        select id from reports
        where state in ('received', 'accepted', 'on_site', 'awaiting_resident', 'contested')
            and stopped_at is null and warned < 3 and rungs[warned + 1] <= :now
        order by rungs[warned + 1] limit :limit for update skip locked
    ), swept as (
        update reports r
        set warned = greatest(r.warned + 1, (select count(*) from unnest(r.rungs) as rung where rung <= :now))
        from due where r.id = due.id
        returning r.id, r.unit_id, r.warned,
            md5(concat_ws(' ', 'warned', r.id, r.unit_id, r.warned, nullif(r.due_corrections, 0))) as digest
    ), named as (
        select *, cast(overlay(overlay(digest placing '5' from 13) placing '8' from 17) as uuid) as entry_id from swept
    ), entry as (
        insert into timeline (report_id, entry_id, at, type, by_role, unit_id, shown_to, data)
        select id, entry_id, :now, 'warned', 'system', unit_id, 'unit', jsonb_build_object('rung', warned, 'unit', unit_id)
        from named
        on conflict (report_id, entry_id) do nothing
    ), promise as (
        insert into outbox (topic, payload, at)
        select 'report.warned', jsonb_build_object('report_id', id, 'entry_id', entry_id, 'unit_id', unit_id,
            'rung', warned, 'units', jsonb_build_array(unit_id)), :now
        from named
    )
    select count(*) from swept
""")

# While a deploy is under way, programs that know nothing of rungs take cases in and move their clocks round the clock.
_COMPLETE = text("""
    with astray as (
        select id from reports
        where state in ('received', 'accepted', 'on_site', 'awaiting_resident', 'contested')
            and rungs[3] is distinct from due_at
        limit :limit for update skip locked
    ), completed as (
        -- What such a program handed over or gave more time is warned of anew; an inbox takes nothing twice.
        update reports r set rungs_if_unanswered = null, warned = 0,
            rungs = array[due_at - target_s * interval '0.5 s', due_at - target_s * interval '0.2 s', due_at]
        from astray where r.id = astray.id
        returning r.id
    )
    select count(*) from completed
""")


def warn_due(session: Session, now: datetime, limit: int = 1000) -> int:
    """Promise a warning for every open case that reached another rung of its time; return how many there were."""
    return int(session.execute(_WARN, {"now": now, "limit": limit}).scalar_one())


def complete_rungs(session: Session, limit: int = 1000) -> int:
    """Reckon, round the clock, the rungs of open cases that are not those of their due time; return how many there were."""
    return int(session.execute(_COMPLETE, {"limit": limit}).scalar_one())


def close_due(session: Session, now: datetime, limit: int = 1000) -> int:
    """Close what was concluded seven days ago or earlier; return how many were closed."""
    values = {"now": now, "before": now - CLOSE_AFTER, "limit": limit, "move": "close"}
    return int(session.execute(_CLOSE, values).scalar_one())


def resume_due(session: Session, now: datetime, limit: int = 1000) -> int:
    """Let the clocks run again that were stopped 24 hours ago or earlier; return how many did."""
    values = {"now": now, "before": now - LONGEST_STOP, "limit": limit, "move": "resume", "stop": LONGEST_STOP}
    return int(session.execute(_RESUME, values).scalar_one())
