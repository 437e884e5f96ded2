import re
from datetime import UTC, datetime, timedelta

import pytest

from app.photos.errors import PhotoLinkExpired, PhotoNotFound
from app.photos.links import require_valid, urls
from app.photos.storage import Copy

KEY, OTHER_KEY = b"k" * 32, b"o" * 32
NAME = "ab" * 32
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def parts(now=NOON, copy="display"):
    """Until and signature of a link made at `now`."""
    found = re.fullmatch(
        rf"/api/v1/photos/{NAME}/{copy}\?until=(\d+)&signature=([0-9a-f]{{32}})", urls(KEY, NAME, now=now)[copy]
    )
    return int(found[1]), found[2]


def opens(now, *, until, signature, key=KEY, name=NAME, copy=Copy.DISPLAY):
    require_valid(key, name, copy, until=until, signature=signature, now=now)


def test_a_link_lives_ten_to_fifteen_minutes():
    until, signature = parts(NOON + timedelta(seconds=299))

    assert datetime.fromtimestamp(until, UTC) == NOON + timedelta(minutes=15)
    opens(NOON + timedelta(minutes=14, seconds=59), until=until, signature=signature)
    with pytest.raises(PhotoLinkExpired):
        opens(NOON + timedelta(minutes=15), until=until, signature=signature)


def test_a_link_stays_the_same_for_five_minutes_so_that_caches_work():
    assert parts(NOON) == parts(NOON + timedelta(seconds=299.9))
    assert parts(NOON) != parts(NOON + timedelta(seconds=300))


@pytest.mark.parametrize(
    "change",
    [
        {"until": parts()[0] + 300},
        {"until": -1},
        {"until": 10**30},
        {"signature": ""},
        {"signature": "0" * 32},
        {"signature": "ảnh"},
        {"signature": parts(copy="thumb")[1]},
        {"copy": Copy.THUMB},
        {"name": "cd" * 32},
        {"key": OTHER_KEY},
    ],
)
def test_a_changed_link_opens_nothing(change):
    until, signature = parts()

    with pytest.raises(PhotoNotFound):
        opens(NOON, **({"until": until, "signature": signature} | change))


def test_a_link_may_name_its_host():
    assert urls(KEY, NAME, now=NOON, base="https://example.vn")["thumb"].startswith("https://example.vn/api/v1/photos/")
