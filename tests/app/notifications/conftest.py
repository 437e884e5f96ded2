"""What the tests of telling share: a story, everybody who could hear of it, and what each of them was told."""

import json

import pytest
from sqlalchemy import select, text

from app.core.db import new_id
from app.core.outbox import OutboxMessage
from app.notifications import actions
from app.notifications.models import Notification
from app.reports.models import TimelineEntry
from app.reports.rulebook import RulebookCache
from incident import Incident
from story import NOW, Story


class Village:
    """A story whose news is told at once, and what came of it."""

    def __init__(self, session, story):
        self.session, self.story = session, story
        self.names = {story.resident.person_id: "resident", story.officer.person_id: "officer",
                      story.chair.person_id: "chair"}  # fmt: skip

    def joined(self, name, role, ward=None):
        """A member of staff of this name."""
        actor = self.story.district.staff(role, ward)
        self.names[actor.person_id] = name
        return actor

    def resident(self, name):
        """Another resident of this name."""
        actor = self.story.district.resident()
        self.names[actor.person_id] = name
        return actor

    def device(self, actor, platform="fcm"):
        """A device that somebody registered."""
        token = str(new_id()) if platform == "fcm" else json.dumps({"endpoint": f"https://push.example/{new_id()}"})
        return actions.register_device(
            self.session, actor.person_id, actor.session_id, platform=platform, token=token, app_version=None, now=NOW
        ).id

    def tell_all(self, report_id, now=NOW):
        """Tell of every entry of a report's course, again and again with no other effect."""
        entries = select(TimelineEntry.entry_id).where(TimelineEntry.report_id == report_id).order_by(TimelineEntry.id)
        for entry_id in self.session.scalars(entries).all():
            actions.tell_news(self.session, report_id, entry_id, now)

    def told(self, topic=None) -> set[tuple[str, str]]:
        """Who was told what, by name; the tag of somebody anonymous counts as `tag`."""
        found = select(Notification.person_id, Notification.topic)
        if topic is not None:
            found = found.where(Notification.topic == topic)
        return {(self.names.get(row.person_id, "tag"), row.topic) for row in self.session.execute(found)}

    def promised(self, topic) -> list[dict]:
        """What was promised on a topic of the outbox."""
        found = select(OutboxMessage.payload).where(OutboxMessage.topic == topic).order_by(OutboxMessage.id)
        return list(self.session.scalars(found))

    def count(self) -> int:
        return self.session.execute(text("select count(*) from notifications")).scalar_one()


@pytest.fixture
def cache() -> RulebookCache:
    return RulebookCache(1)


@pytest.fixture
def story(session, district, cache) -> Story:
    return Story(session, district, cache)


@pytest.fixture
def incident(story) -> Incident:
    return Incident(story)


@pytest.fixture
def village(session, story) -> Village:
    return Village(session, story)
