"""What of a case everybody may see (design 3.6). Pure.

    Public = concluded as true or closed, not contested, 24 h old, public photo copy made, not held by an officer.

Where the sentence leaves a choice:

- *24 h old* counts from the conclusion: until then nobody can have looked at what would be shown, and a contest that comes
  at once is in time. Whatever was received is older.
- *Closed*, whatever was found: that a report was not true is part of the honest figure. But nobody is shown in a photo of
  which it was found that there was nothing wrong, or which nobody went to see: photos are shown of true cases alone.
- A duplicate is not public. Its root is, and one incident is shown once.
- *Public photo copy made* asks for one of them. A case that was sent without photos has none to be made; neither has one
  whose photos never came, cannot be opened, are videos, or are erased. While one is still to be made there is nothing.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from app.reports.workflow import TRUE, Outcome, State

SHOWN_AFTER: Final = timedelta(hours=24)


@dataclass(frozen=True)
class PhotoState:
    """A photo as far as it concerns the public: its state, and whether its public copy is in the store."""

    state: str
    has_public_copy: bool

    @property
    def is_shown(self) -> bool:
        """Whether there is something of it to show."""
        return self.state == "ready" and self.has_public_copy

    @property
    def is_to_come(self) -> bool:
        """Whether its public copy can still be made: its bytes are here, and can be opened as far as is known."""
        return self.state in {"received", "ready"} and not self.has_public_copy


@dataclass(frozen=True)
class Case:
    """A case as far as it concerns the public. `withheld`: an officer keeps it from them."""

    state: str
    outcome: str | None
    concluded_at: datetime | None
    withheld: bool


def is_public(case: Case, photos: Collection[PhotoState], now: datetime) -> bool:
    """Whether everybody may see the case at this instant."""
    if case.withheld or case.outcome is None or case.concluded_at is None or case.outcome == Outcome.DUPLICATE:
        return False
    is_over = case.state == State.CLOSED or (case.state == State.CONCLUDED and case.outcome in TRUE)
    is_old = now >= case.concluded_at + SHOWN_AFTER
    has_copies = any(photo.is_shown for photo in photos) or not any(photo.is_to_come for photo in photos)
    return is_over and is_old and has_copies


def shows_photos(case: Case) -> bool:
    """Whether the photos of a public case are public too: of places where something was wrong."""
    return case.outcome in TRUE
