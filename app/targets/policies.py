"""Which target judges a case: of the dated rows in force at receipt, the most specific one."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

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
    """Minutes for the cases it describes, from one instant until before another; None describes every case."""

    minutes: int
    valid_from: datetime
    valid_to: datetime | None = None
    field: str | None = None
    kind_code: str | None = None
    unit_id: int | None = None
    urgent: bool | None = None

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


def target(case: Case, policies: Iterable[Policy], received_at: datetime) -> timedelta:
    """How long the case may take, by the policy in force when it was received."""
    fitting = [policy for policy in policies if policy.applies(case, received_at)]
    if not fitting:
        return timedelta(minutes=USUAL_MINUTES)
    return timedelta(minutes=max(fitting, key=lambda policy: policy.specificity).minutes)
