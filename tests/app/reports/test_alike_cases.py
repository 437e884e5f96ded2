"""What may be of one incident: shown to the officer who could join it, told to the resident who is about to send it."""

import hashlib

import pytest
from sqlalchemy import text

from app.reports import alike
from app.reports.duplicates import Pictures
from district import IN_AN, NEAR_AN
from incident import MINUTE
from story import HOUR, NOW


def photo(incident, report_id, *, sha256=None, dhash=None, role="before"):
    sha256 = sha256 or hashlib.sha256(f"{report_id}".encode()).hexdigest()
    incident.session.execute(
        text("""
            insert into photos (report_id, sha256, role, state, added_at, received_at, dhash)
            values (:id, :sha256, :role, 'ready', :at, :at, :dhash)
        """),
        {"id": report_id, "sha256": sha256, "role": role, "at": NOW, "dhash": dhash},
    )
    return sha256


STRIPES = 0x5555555555555555
METRE = 1 / 110_610


def found(incident, report_id):
    return [
        (row["id"], "photo" if row["shown"] else "place", row["is_earlier"])
        for row in alike.alike(incident.session, report_id)
    ]


def test_by_place_it_is_the_same_kind_within_thirty_metres(incident):
    here = incident.reported(lat=IN_AN["lat"])
    incident.reported(1, lat=IN_AN["lat"] - 20 * METRE)
    incident.story.received(kind="EN01", lat=IN_AN["lat"] + 20 * METRE, lon=IN_AN["lon"], now=NOW + 2 * MINUTE)
    near = incident.reported(3, lat=IN_AN["lat"] + 20 * METRE)

    assert found(incident, near) == [(here, "place", True)]


def test_who_opens_the_earlier_one_sees_what_came_later(incident):
    first, second = incident.reported(), incident.reported(1)

    assert found(incident, first) == [(second, "place", False)]


@pytest.mark.parametrize(
    ("other", "is_found"),
    [
        ({"dhash": STRIPES ^ 0b11111_11111}, True),
        ({"dhash": STRIPES ^ 0b111111_11111}, False),
        ({"dhash": None}, False),
        ({"sha256": "a" * 64}, True),
    ],
)
def test_by_photo_it_is_the_same_file_or_ten_bits_apart(incident, other, is_found):
    first = incident.reported(lat=IN_AN["lat"] + 100 * METRE)
    second = incident.reported(1)
    photo(
        incident, first, **{"sha256": "a" * 64, "dhash": STRIPES, **({"sha256": "c" * 64} if "dhash" in other else {})}
    )
    photo(incident, second, **{"sha256": "b" * 64, **other})

    assert found(incident, second) == ([(first, "photo", True)] if is_found else [])


def test_two_photos_of_the_night_sky_are_nothing_alike(incident):
    first, second = incident.reported(lat=IN_AN["lat"] + 100 * METRE), incident.reported(1)
    photo(incident, first, dhash=0)
    photo(incident, second, dhash=0)

    assert found(incident, second) == []


def test_by_photo_no_further_than_what_can_be_joined(incident):
    first, second = incident.reported(lat=IN_AN["lat"] + 250 * METRE), incident.reported(1)
    for one in (first, second):
        photo(incident, one, sha256="a" * 64)

    assert found(incident, second) == []


def test_the_root_stands_for_all_that_count_with_it(incident):
    """The photo is that of a duplicate, 100 m off; what is offered is its root, once."""
    root, again = (
        incident.reported(lat=IN_AN["lat"] + 100 * METRE),
        incident.reported(1, lat=IN_AN["lat"] + 100 * METRE),
    )
    incident.join(again, root)
    photo(incident, again, dhash=STRIPES)
    later = incident.reported(20)
    photo(incident, later, dhash=STRIPES)

    (row,) = alike.alike(incident.session, later)
    assert (row["id"], row["shown"], row["duplicates"]) == (root, True, 1)


def test_another_units_cases_are_not_shown(incident):
    """22 m apart, on either side of a border: each officer sees their own."""
    here = incident.reported(lat=IN_AN["lat"], lon=106.70995)
    incident.reported(1, **{**NEAR_AN, "lon": 106.71015})

    assert found(incident, here) == []


def test_what_is_about_a_unit_is_shown_to_none_but_the_desk(incident):
    incident.reported(about_unit=True)
    ordinary = incident.reported(1)

    assert found(incident, ordinary) == []


def test_whatever_is_offered_can_be_joined(story, incident):
    first, over, second = incident.reported(), incident.reported(1), incident.reported(2)
    incident.concluded(over, minute=3)

    for row in alike.alike(incident.session, second):
        assert row["is_earlier"]
        with incident.session.begin_nested() as attempt:
            incident.join(second, row["id"])
            attempt.rollback()
    assert {row["id"] for row in alike.alike(incident.session, second)} == {first, over}
    # Nothing is joined from what is over.
    assert found(incident, first) == [(second, "place", False)]


# What a resident is told before sending.


def near(incident, *, photos=(), hashes=(), asker=None, **place):
    asker = incident.story.person(asker or incident.story.district.resident()).asker
    place = {**IN_AN, **place}
    return alike.nearby(
        incident.session, "EN08", asker=asker, pictures=Pictures(frozenset(photos), hashes), now=NOW + HOUR, **place
    )


def test_a_resident_is_told_of_a_case_with_the_same_photo_a_little_way_off(incident):
    report_id = incident.reported(5, lat=IN_AN["lat"] + 100 * METRE)
    sha256 = photo(incident, report_id, dhash=STRIPES)

    for known in ({"photos": [sha256]}, {"hashes": [STRIPES ^ 0b11111]}):
        answer = near(incident, **known)
        assert (answer.count, answer.how, answer.follow) == (0, "photo", report_id)
        assert answer.received_at == NOW + 5 * MINUTE


def test_the_case_with_the_photo_comes_before_one_at_the_spot(incident):
    at_the_spot, with_photo = incident.reported(), incident.reported(1, lat=IN_AN["lat"] + 100 * METRE)
    sha256 = photo(incident, with_photo)

    assert (near(incident).how, near(incident).follow) == ("place", at_the_spot)
    answer = near(incident, photos=[sha256])
    assert (answer.count, answer.how, answer.follow) == (1, "photo", with_photo)


@pytest.mark.parametrize(
    "said",
    [
        {"lat": IN_AN["lat"] + 250 * METRE},  # elsewhere in the ward
        {"about_unit": True},
    ],
)
def test_whoever_holds_a_photo_learns_nothing_of_cases_elsewhere_or_about_a_unit(incident, said):
    sha256 = photo(incident, incident.reported(**said), dhash=STRIPES)

    answer = near(incident, photos=[sha256], hashes=[STRIPES])

    assert (answer.count, answer.how, answer.follow) == (0, None, None)


def test_a_photo_that_was_only_named_or_is_from_afterwards_or_of_a_case_that_is_over_is_no_match(incident):
    named, handled, over = (incident.reported(lat=IN_AN["lat"] + (50 + place) * METRE) for place in range(3))
    awaited = photo(incident, named)
    incident.session.execute(
        text("update photos set state = 'awaited', received_at = null where sha256 = :s"), {"s": awaited}
    )
    after = photo(incident, handled, role="after")
    gone = photo(incident, over)
    incident.concluded(over)

    assert near(incident, photos=[awaited, after, gone]).how is None


@pytest.mark.parametrize("anonymous", [False, True])
def test_who_sent_it_themselves_is_told_so_and_nobody_else(incident, anonymous):
    report_id = incident.reported(anonymous=anonymous)

    assert near(incident, asker=incident.residents[report_id]).is_mine
    assert not near(incident).is_mine
