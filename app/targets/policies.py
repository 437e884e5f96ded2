"""Which target judges a case, and by when: of the dated rows in force at receipt, the most specific one."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.targets.calendar import Calendar, YearMissing

# When no row says anything: the promise that gave the service its name.
USUAL_MINUTES = 120


@dataclass(frozen=True)
class Case:
    """What of a case a target may depend on."""

    field: str
    kind_code: str
    unit_id: int
    urgent: bool


@dataclass(frozen=True)
class Policy:
    """Minutes for the cases it describes, from one instant until before another; None describes every case.

    With a calendar they are minutes of its working time, without one of any time.
    """

    minutes: int
    valid_from: datetime
    valid_to: datetime | None = None
    field: str | None = None
    kind_code: str | None = None
    unit_id: int | None = None
    urgent: bool | None = None
    calendar_code: str | None = None

    def applies(self, case: Case, at: datetime) -> bool:
        """Whether the row is in force at `at` and describes the case."""
        return (
            self.valid_from <= at
            and (self.valid_to is None or at < self.valid_to)
            and self.field in {None, case.field}
            and self.kind_code in {None, case.kind_code}
            and self.unit_id in {None, case.unit_id}
            and self.urgent in {None, case.urgent}
        )

    @property
    def specificity(self) -> tuple[bool, bool, bool, bool, datetime]:
        """Order of preference: a kind beats a unit, a unit beats urgency, urgency beats a field; then the newest."""
        return (
            self.kind_code is not None,
            self.unit_id is not None,
            self.urgent is not None,
            self.field is not None,
            self.valid_from,
        )


@dataclass(frozen=True)
class Target:
    """What judges a case: how much time it may take, and on which calendar that time counts (None: round the clock)."""

    allowed: timedelta
    calendar_code: str | None = None


@dataclass(frozen=True)
class Due:
    """By when a case must be dealt with, and the calendar that said so (None: round the clock).

    `missing_year`: the target asks for a calendar that has not this year, so that none was used. Somebody must be told.
    """

    due_at: datetime
    calendar_code: str | None = None
    missing_year: int | None = None


def target(case: Case, policies: Iterable[Policy], received_at: datetime) -> Target:
    """What judges the case: the policy in force when it was received, whatever came into force since."""
    fitting = [policy for policy in policies if policy.applies(case, received_at)]
    if not fitting:
        return Target(timedelta(minutes=USUAL_MINUTES))
    policy = max(fitting, key=lambda policy: policy.specificity)
    return Target(timedelta(minutes=policy.minutes), policy.calendar_code)


def due(received_at: datetime, target: Target, calendars: Mapping[str, Calendar]) -> Due:
    """By when a case received at an instant must be dealt with.

    Where a year is missing the case is judged round the clock, the promise that needs no calendar: which days are
    free is not guessed, and the resident waits no longer than the minutes say.
    """
    if target.calendar_code is None:
        return Due(received_at + target.allowed)
    # A calendar that nobody brought in is one without years.
    calendar = calendars.get(target.calendar_code, Calendar(target.calendar_code, {}))
    try:
        return Due(calendar.add(received_at, target.allowed), target.calendar_code)
    except YearMissing as missing:
        return Due(received_at + target.allowed, missing_year=missing.year)
