"""What each figure counts, as SQL over one row of `reports` (design 3.8). Every figure is built from these and no other.

The words: *concluded* is a case with a result, closed or not. A *contested* case is open again and has neither result
nor place in the true share. *Withdrawn* reports count nowhere but here: withdrawn after the due time is late, or a unit
could wait until a resident gives up. `:as_of` is the instant at which the figures are drawn.
"""

# 3.8: "Withdrawn reports count only where said."
COUNTED = "state <> 'withdrawn'"

# 3.8: "A closed case is a concluded one."
CONCLUDED = "state in ('concluded', 'closed')"

# 3.8: "A contested case is open."
OPEN = "state in ('received', 'accepted', 'on_site', 'awaiting_resident', 'contested')"

# 3.8: "open past due and not stopped". The due instant itself is still on time.
OVERDUE = f"{OPEN} and stopped_at is null and :as_of > due_at"

# 3.5: "withdrawn ... after due it counts as late". A clock that stood still has been wound on before it ended.
WITHDRAWN_LATE = "state = 'withdrawn' and ended_at > due_at"

# 3.8: "duplicates, referred and out_of_scope are left out" of the on-time share, above and below the line.
JUDGED = "coalesce(outcome not in ('duplicate', 'referred', 'out_of_scope'), true)"

# 3.8: "On time = concluded on time (at the last conclusion)": whoever reopens a case moves its due time on.
ON_TIME = f"{CONCLUDED} and {JUDGED} and concluded_at <= due_at"

# 3.8: "÷ (concluded + open past due and not stopped)". A figure that leaves out open overdue cases lies.
TO_BE_ON_TIME = f"(({CONCLUDED} and {JUDGED}) or ({OVERDUE}) or ({WITHDRAWN_LATE}))"

# 3.8: "True share = true / (true + false), originals only."
TRUE = f"{CONCLUDED} and original_id is null and outcome in ('recorded', 'remedied', 'gone')"
TRUE_OR_FALSE = (
    f"{CONCLUDED} and original_id is null and outcome in ('recorded', 'remedied', 'gone', 'no_violation', 'unfounded')"
)

# A warning of the case found its unit with nobody on duty, and went to the chair alone.
NOBODY_ON_DUTY = "exists (select from timeline t where t.report_id = cases.id and t.type = 'nobody_on_duty')"

# 3.8: "Response times are wall seconds from receipt (first response, arrival, conclusion)".
FIRST_RESPONSE_S = f"case when {COUNTED} then extract(epoch from first_response_at - received_at)::float8 end"
ARRIVAL_S = f"case when {COUNTED} then extract(epoch from on_site_at - received_at)::float8 end"
CONCLUSION_S = f"case when {CONCLUDED} then extract(epoch from concluded_at - received_at)::float8 end"

# 3.8: "with the paused share beside them". A clock can be stopped only after the first acceptance (3.5), so that no
# first response was ever paused; all of what stood still lies before the last conclusion.
CONCLUSION_PAUSED_S = "stopped_s"

# What stood still before the officers came is read off the timeline: from a question to its answer (24 h at most, as on
# the stopwatch), from a conclusion to its contest, or until a duplicate took its withdrawn root's place, closed or not.
ARRIVAL_PAUSED_S = f"""
    case when {COUNTED} and stopped_s > 0 and on_site_at is not null then (
        select sum(case begun.to_state when 'awaiting_resident' then least(stood.s, 86400) else stood.s end)
        from timeline begun
        cross join lateral (
            select extract(epoch from ended.at - begun.at)::float8 as s from timeline ended
            where ended.report_id = begun.report_id and ended.id > begun.id and ended.from_state = begun.to_state
            order by ended.id limit 1
        ) stood
        where begun.report_id = reports.id and begun.to_state in ('awaiting_resident', 'concluded', 'closed')
            and begun.at < reports.on_site_at
    ) end"""
