"""What the tests of reports share: rules in memory, and somebody who submits and moves with little writing."""

import pytest

from app.reports.rulebook import RulebookCache
from incident import Incident
from story import Story


@pytest.fixture
def cache() -> RulebookCache:
    return RulebookCache(1)


@pytest.fixture
def story(session, district, cache) -> Story:
    return Story(session, district, cache)


@pytest.fixture
def incident(story) -> Incident:
    return Incident(story)
