"""Whose report it is: a resident's own, an anonymous one, or one that staff file for somebody who cannot."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from app.core.errors import Invalid
from app.identity import actions as identity
from app.identity import queries as people
from app.identity.permissions import Actor
from app.reports import actions
from app.reports.intake import Author, author_tag

OF_RESIDENTS = frozenset({"app", "web"})
OF_STAFF = frozenset({"assisted", "hotline"})


class ChannelNotSuitable(Invalid):
    """Residents send by app or web, staff file what was told at a counter or by telephone."""

    code = "channel_not_suitable"
    vi = "Kênh “{channel}” không phù hợp với người gửi."
    en = "The channel “{channel}” is not for this sender."


class NotForOthers(Invalid):
    """Only staff and volunteers file for somebody else."""

    code = "not_for_others"
    vi = "Chỉ cán bộ và tình nguyện viên được gửi thay người khác."
    en = "Only staff and volunteers file for others."


def author_of(session: Session, actor: Actor, given: Mapping[str, Any], *, tag_key: bytes, now: datetime) -> Author:
    """Who the author of a submission is.

    Filed by staff for a phone number, it is that resident's, who finds it when they first sign in; without a number
    it is nobody's, and only whoever filed it can follow it.

    Raises ChannelNotSuitable, NotForOthers, and PhoneInvalid of a number that is none.
    """
    channel, behalf = given["channel"], given["on_behalf"]
    if channel is not None and channel not in (OF_STAFF if actor.is_staff else OF_RESIDENTS):
        raise ChannelNotSuitable(at="channel", channel=channel)
    if not actor.is_staff:
        if behalf is not None:
            raise NotForOthers(at="on_behalf")
        return _named(actor.person_id, given, tag_key, filed_by=None)
    if not behalf or not behalf["phone"]:
        return Author(None, None, filed_by=actor.person_id)
    resident = identity.resident_of(session, behalf["phone"], now=now)
    return _named(resident, given, tag_key, filed_by=actor.person_id)


def reveal(
    session: Session, report_id: UUID, *, by: actions.Person, reason: str, now: datetime
) -> dict[str, str | None]:
    """The phone number of whoever reported, for the city's desk, with a reason, on record.

    Raises ReportNotFound, NotPermitted.
    """
    person_id = actions.reveal_author(session, report_id, by=by, reason=reason, now=now)
    return {"phone": None if person_id is None else people.phone_of(session, person_id)}


def _named(person_id: UUID, given: Mapping[str, Any], tag_key: bytes, *, filed_by: UUID | None) -> Author:
    return Author(person_id, author_tag(tag_key, person_id) if given["anonymous"] else None, filed_by)
