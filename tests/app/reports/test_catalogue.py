import copy
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import func, select, text

from app.reports import catalogue
from app.reports.catalogue import Edition
from app.reports.models import Kind
from geo.validity import day_start

pytestmark = pytest.mark.usefixtures("loaded")

CITY = 1
NOW = datetime(2026, 4, 1, 5, tzinfo=UTC)


@pytest.fixture
def loaded(session):
    return catalogue.load(session, CITY, catalogue.shipped(), NOW)


def edition(change):
    members = copy.deepcopy(catalogue.shipped().members)
    change({kind["code"]: kind for kind in members["kinds"]}, members)
    return Edition("changed", members)


def test_the_shipped_edition(session):
    today = catalogue.in_force(session, CITY, NOW)
    fields = [item.kind.field for item in today.kinds]
    assert [fields.count(field) for field in ("sidewalk", "environment", "construction")] == [10, 11, 10]
    assert [item.kind.code for item in today.kinds if not item.kind.photo_required] == ["EN08", "EN09", "CO10"]
    assert {item.kind.valid_from for item in today.kinds} == {date(2024, 1, 1)}
    assert [(target.minutes, target.field, target.kind_code, target.unit_id) for target in today.targets] == [
        (120, None, None, None)
    ]
    assert today.targets[0].valid_from == day_start(date(2024, 1, 1))
    assert 6 <= len(today.questions) <= 10
    assert "ward_police" in {body.code for body in today.bodies}


def test_every_text_is_there_in_both_languages():
    for item in (entry for part in ("kinds", "bodies", "questions") for entry in catalogue.shipped().members[part]):
        texts = [value for name, value in item.items() if name.endswith(("_vi", "_en"))]
        assert len(texts) in {2, 4}
        assert all(value.strip() for value in texts)


@pytest.mark.parametrize(
    ("day", "kind", "decrees"),
    [
        (date(2024, 12, 31), "SW01", ["100/2019/NĐ-CP"]),
        (date(2025, 1, 1), "SW01", ["168/2024/NĐ-CP"]),
        (date(2025, 12, 14), "EN08", ["144/2021/NĐ-CP"]),
        (date(2025, 12, 15), "EN08", ["282/2025/NĐ-CP"]),
        (date(2026, 11, 1), "CO01", ["16/2022/NĐ-CP"]),
        (date(2026, 11, 1), "EN07", ["45/2022/NĐ-CP"]),
    ],
)
def test_what_a_kind_rests_on_depends_on_the_day(session, day, kind, decrees):
    found = {item.kind.code: item.legal for item in catalogue.in_force(session, CITY, day_start(day)).kinds}
    assert [basis.decree for basis in found[kind]] == decrees


def test_an_edition_is_brought_in_once(session, loaded):
    assert loaded.begun > 31
    again = catalogue.load(session, CITY, catalogue.shipped(), NOW)
    assert (again.begun, again.ended) == (0, 0)


def test_what_an_administrator_changed_stays_at_the_next_start(session):
    session.execute(text("update kinds set valid_to = '2026-05-01' where code = 'SW02'"))
    catalogue.load(session, CITY, catalogue.shipped(), NOW)
    assert session.scalar(select(Kind.valid_to).where(Kind.code == "SW02")) == date(2026, 5, 1)


def test_a_changed_kind_begins_anew_tomorrow_and_the_old_row_only_ends(session):
    def change(kinds, _):
        kinds["SW01"]["name_en"] = "Another name"

    result = catalogue.load(session, CITY, edition(change), NOW)
    assert (result.begun, result.ended) == (1, 1)
    rows = session.execute(
        select(Kind.name_en, Kind.valid_from, Kind.valid_to).where(Kind.code == "SW01").order_by(Kind.valid_from)
    ).all()
    old = {kind["code"]: kind for kind in catalogue.shipped().members["kinds"]}["SW01"]["name_en"]
    assert rows == [
        (old, date(2024, 1, 1), date(2026, 4, 2)),
        ("Another name", date(2026, 4, 2), None),
    ]


def test_a_decree_that_is_replaced_gets_its_last_day(session):
    def change(kinds, _):
        kinds["CO01"]["legal"] = [
            {"decree": "16/2022/NĐ-CP", "article": "Điều 16 khoản 7", "fine_min_vnd": 60000000,
             "fine_max_vnd": 80000000, "valid_from": "2022-01-28", "valid_to": "2026-07-01"},
            {"decree": "1/2026/NĐ-CP", "article": "Điều 1", "valid_from": "2026-07-01"},
        ]  # fmt: skip

    catalogue.load(session, CITY, edition(change), NOW)
    for day, decree in ((date(2026, 6, 30), "16/2022/NĐ-CP"), (date(2026, 7, 1), "1/2026/NĐ-CP")):
        found = {item.kind.code: item.legal for item in catalogue.in_force(session, CITY, day_start(day)).kinds}
        assert [basis.decree for basis in found["CO01"]] == [decree]


def test_names_of_bodies_and_questions_are_replaced_and_no_body_is_lost(session):
    def change(_, members):
        members["bodies"] = [{"code": "ward_police", "name_vi": "Công an", "name_en": "Police"}]
        members["questions"] = members["questions"][:1]

    bodies = len(catalogue.in_force(session, CITY, NOW).bodies)
    catalogue.load(session, CITY, edition(change), NOW)
    session.expire_all()
    after = catalogue.in_force(session, CITY, NOW)
    assert len(after.bodies) == bodies
    assert {body.code: body.name_en for body in after.bodies}["ward_police"] == "Police"
    assert len(after.questions) == 1


def test_a_load_is_told_to_every_process(session):
    revision = text("select revision from rulebook_revision")
    before = session.scalar(revision)
    catalogue.load(session, CITY, edition(lambda kinds, _: kinds["SW01"].update(name_en="x")), NOW)
    assert session.scalar(revision) > before
    assert session.scalar(select(func.count()).select_from(Kind).where(Kind.code == "SW01")) == 2
