"""What a file of calendars must say, and what the one that ships does say."""

from datetime import date, timedelta

import pytest
from weeks import days

from app.targets import actions
from app.targets.calendar_file import CalendarFileRefused, Day, read

GOOD = """
[calendars.market]
name_vi = "Giờ chợ"
name_en = "Market hours"
sunday = ["04:00-10:00"]

[years.2028]
source = "invented"
off = [{ day = 2028-01-01, vi = "Tết Dương lịch", en = "New Year's Day" }]
working = [{ day = 2028-01-08, like = "friday", vi = "Làm bù", en = "Made up" }]
"""


def test_a_file_gives_calendars_and_years():
    edition = read(GOOD.encode())

    assert edition.calendars["market"] == ("Giờ chợ", "Market hours", {"7": ["04:00-10:00"]})
    assert edition.years[2028].source == "invented"
    assert edition.years[2028].days == {
        date(2028, 1, 1): Day(None, "Tết Dương lịch", "New Year's Day"),
        date(2028, 1, 8): Day(5, "Làm bù", "Made up"),
    }


@pytest.mark.parametrize(
    ("was", "becomes", "why"),
    [
        ("2028-01-08", "2027-01-08", "2027-01-08 is no day of 2028"),
        ("2028-01-08", "2028-01-01", "2028-01-01 is given twice"),
        ("2028-01-08", "2028-02-30", "Invalid date"),
        ("2028-01-08", "2028-01-08T00:00:00", "is no day"),
        ("2028-01-08", '"2028-01-08"', "is no day"),
        ('"friday"', '"freitag"', "is like no weekday"),
        ("years.2028", "years.28", "28 is no year"),
        ("years.2028", "years.next", "next"),
        ('source = "invented"', "", "2028 has no source"),
        (', en = "Made up"', "", "has no en"),
        ("working =", "workdays =", "nobody knows workdays"),
        ("sunday", "sontag", "nobody knows sontag"),
        ('sunday = ["04:00-10:00"]', "", "market has no hours"),
        ("04:00-10:00", "10:00-04:00", "ends before it begins"),
        ("calendars.market", 'calendars."Chợ"', "small letters"),
        ("[calendars.market]", "[calendars", "line 2"),
        (GOOD, "", "neither calendars nor years"),
    ],
)
def test_a_file_that_cannot_be_reckoned_with_is_refused_with_the_reason(was, becomes, why):
    with pytest.raises(CalendarFileRefused) as refused:
        read(GOOD.replace(was, becomes).encode())

    assert why in refused.value.detail("en")


def test_a_year_without_any_day_off_is_taken_for_a_mistake():
    start = GOOD.index("off = [")
    with pytest.raises(CalendarFileRefused, match="calendar_file_refused"):
        read((GOOD[:start] + GOOD[GOOD.index("working") :]).encode())


def test_bytes_that_are_no_text_are_refused():
    with pytest.raises(CalendarFileRefused):
        read(b"\xff\xfe")


def off(year: int) -> set[date]:
    return {day for day, said in actions.shipped().years[year].days.items() if said.like_weekday is None}


def test_the_shipped_days_of_2026():
    assert off(2026) == {
        date(2026, 1, 1),
        date(2026, 1, 2),
        *days(date(2026, 2, 16), date(2026, 2, 20)),  # Tết Bính Ngọ: its first day is 17 February
        date(2026, 4, 26),
        date(2026, 4, 27),  # Hùng Kings' Day is a Sunday
        date(2026, 4, 30),
        date(2026, 5, 1),
        date(2026, 8, 31),
        date(2026, 9, 1),
        date(2026, 9, 2),
    }


def test_the_shipped_days_of_2027():
    assert off(2027) == {
        date(2027, 1, 1),
        *days(date(2027, 2, 5), date(2027, 2, 10)),  # Tết Đinh Mùi: its first day is 6 February
        date(2027, 4, 16),
        date(2027, 4, 30),
        date(2027, 5, 1),
        date(2027, 5, 3),  # Labour Day is a Saturday
        date(2027, 9, 2),
    }


def test_for_every_day_that_was_swapped_another_is_made_up():
    working = {day: said for day, said in actions.shipped().years[2026].days.items() if said.like_weekday}

    assert {day: said.like_weekday for day, said in working.items()} == {date(2026, 1, 10): 5, date(2026, 8, 22): 1}
    assert all(day.isoweekday() == 6 for day in working)
    assert not [said for said in actions.shipped().years[2027].days.values() if said.like_weekday]


def test_a_shipped_holiday_at_a_weekend_gives_a_free_working_day():
    for year in (2026, 2027):
        free = off(year)
        for day in sorted(free):
            if day.isoweekday() >= 6:
                after = next(day + timedelta(days=n) for n in range(1, 8) if (day + timedelta(days=n)).isoweekday() < 6)
                assert after in free, day


def test_every_shipped_year_says_what_is_not_certain():
    assert "24 November" in actions.shipped().years[2026].source
    assert "no announcement for 2027 was found" in actions.shipped().years[2027].source


def test_a_shipped_office_works_eight_hours_on_five_days():
    assert actions.shipped().calendars["office"].hours == {
        str(weekday): ["07:30-11:30", "13:00-17:00"] for weekday in range(1, 6)
    }
