"""The story of a report, told to the domain: real PostGIS, no HTTP."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event, text

from app.core.db import new_id
from app.core.errors import NotPermitted, NotSignedIn, Stale, TooMany
from app.identity.permissions import Role
from app.reports import actions, alike, handling, intake, joining, queries, reform, sweep, timeline
from app.reports.duplicates import Pictures
from app.reports.entries import AssigneeNotSuitable, EntryNotAllowed, NothingGiven
from app.reports.models import Report, ReportAuthor
from app.reports.workflow import MoveNotAllowed
from app.routing.actions import cover_wards
from district import IN_AN, IN_BINH, IN_CHAU
from story import HOUR, NOW


def test_a_report_is_with_its_ward_and_due_in_two_hours(story):
    submitted = story.submit(note="Bàn ghế choán hết lối đi", address="12/3 Phan Đăng Lưu")

    report = story.report(submitted.report_id)
    assert report.unit_id == story.district.units["90001"]
    assert (report.state, report.field, report.due_at) == ("received", "sidewalk", NOW + 2 * HOUR)
    assert report.number == "BT-2611-0001"
    assert story.steps(report.id) == [("received", "resident")]
    assert story.promises("report.received") == 1


def test_every_change_names_the_units_whose_queue_it_concerns(story, district):
    an, binh, desk = (district.units[code] for code in ("90001", "90002", "desk"))
    report_id = story.received(kind="EN08")
    assert story.concerned() == [an]

    story.move(report_id, "received", unit=binh, reason="Bên kia đường")
    assert story.concerned() == sorted([an, binh])

    chair = district.staff(Role.CHAIR, "90002")
    story.move(report_id, "accepted", by=chair)
    story.move(report_id, "concluded", by=chair, outcome="remedied", note="Đã nhắc nhở")
    assert story.concerned() == [binh]
    # A chair concluded it, so the desk reviews it: from the contest on until it is over.
    story.move(report_id, "contested", by=story.resident, reason="Vẫn ồn")
    assert story.concerned() == sorted([desk, binh])
    story.enter(report_id, "add", by=story.resident, text="Vẫn ồn lắm")
    assert story.concerned() == sorted([desk, binh])
    story.move(report_id, "accepted", by=district.staff(Role.DISPATCHER, "desk"), reason="Kiểm tra lại")
    assert story.concerned() == sorted([desk, binh])
    story.enter(report_id, "note", by=chair, text="Đến lại")
    assert story.concerned() == [binh]


def test_numbers_count_within_the_local_month(story):
    last_of_october = datetime(2026, 10, 31, 16, 59, tzinfo=UTC)

    october = story.submit(now=last_of_october).number
    november = [story.submit(now=last_of_october + timedelta(minutes=minutes)).number for minutes in (1, 2)]

    assert (october, november) == ("BT-2610-0001", ["BT-2611-0001", "BT-2611-0002"])


def test_however_often_it_is_sent_it_is_one_report(story):
    said = {"report_id": new_id(), "note": "Rác", "captured_at": NOW - HOUR, "accuracy_m": 12.5}
    first = story.submit(**said)
    again = story.submit(**said, now=NOW + 30 * HOUR)

    assert (first.number is None, again.number) == (False, None)
    assert story.session.query(Report).count() == 1
    assert story.steps(first.report_id) == [("received", "resident")]


@pytest.mark.parametrize(
    "other",
    [
        {"kind": "EN01"},
        {"lat": 10.8051},
        {"lon": 106.7051},
        {"accuracy_m": 13.0},
        {"captured_at": NOW},
        {"note": "Rác nhiều"},
        {"address": "Số 1"},
        {"anonymous": True},
    ],
)
def test_other_content_under_a_known_id_is_refused(story, other):
    said = {"report_id": new_id(), "note": "Rác", "captured_at": NOW - HOUR, "accuracy_m": 12.5}
    story.submit(**said)

    with pytest.raises(intake.ReportIdTaken):
        story.submit(**{**said, **other})


def test_another_persons_id_is_refused_without_a_hint(story):
    said = {"report_id": new_id()}
    story.submit(**said)

    with pytest.raises(intake.ReportIdTaken) as refused:
        story.submit(by=story.district.resident(), **said)

    assert refused.value.facts == {}


def test_an_old_retry_is_never_refused_by_limits_or_places_or_corrections(story):
    def spent():
        raise TooMany(retry_after_s=60)

    said = {"report_id": new_id(), "address": "Hẻm 12"}
    story.submit(**said)
    story.move(said["report_id"], "accepted")
    story.enter(
        said["report_id"], "correct", kind="EN01", address="Hẻm 14", reason="Nhầm", location=IN_AN | {"lat": 10.8052}
    )

    assert story.submit(**said, spend=spent).columns is None
    with pytest.raises(TooMany):
        story.submit(spend=spent)


def test_photos_are_a_set_that_may_grow(story):
    report_id = new_id()
    story.submit(report_id=report_id, photos=("a" * 64,))
    story.submit(report_id=report_id, photos=("a" * 64, "b" * 64))

    row = queries.one(story.session, report_id, story.person(story.resident).asker)
    assert [(sha256[0], state) for sha256, _, state, *_ in row["photos"]] == [("a", "awaited"), ("b", "awaited")]


def test_of_an_anonymous_author_only_a_tag_is_kept(story):
    report_id = story.received(anonymous=True)

    author = story.session.get_one(ReportAuthor, report_id)
    mine = queries.mine(story.session, story.person(story.resident).asker, limit=10)
    others = queries.mine(story.session, story.person(story.district.resident()).asker, limit=10)
    assert (author.person_id, len(author.tag)) == (None, 32)
    assert [row["id"] for row in mine] == [report_id]
    assert others == []


def test_a_signed_out_session_sends_nothing(story):
    story.session.execute(text("update sessions set ended_at = now()"))

    with pytest.raises(NotSignedIn):
        story.submit()


def test_a_new_report_costs_two_statements(story):
    story.submit()  # the rulebook is in memory now
    seen = []
    connection = story.session.connection()
    event.listen(connection, "before_cursor_execute", lambda *args: seen.append(args[2]))

    story.submit()

    assert len(seen) == 2, seen


def test_the_whole_way(story):
    report_id = story.received(photos=("a" * 64,))
    story.move(report_id, "accepted", now=NOW + timedelta(minutes=3))
    story.move(report_id, "on_site", now=NOW + timedelta(minutes=20))
    story.session.execute(
        text("insert into photos values (:id, :sha, 'after', 'received', 'image/jpeg', 5, null, null, now(), now())"),
        {"id": report_id, "sha": "c" * 64},
    )
    story.move(
        report_id, "concluded", now=NOW + timedelta(minutes=45), outcome="recorded", note="Đã lập biên bản",
        photos=["c" * 64],
    )  # fmt: skip

    report = story.report(report_id)
    assert (report.state, report.outcome) == ("concluded", "recorded")
    assert report.first_response_at == NOW + timedelta(minutes=3)
    assert report.on_site_at == NOW + timedelta(minutes=20)
    assert report.concluded_at == NOW + timedelta(minutes=45)
    assert story.steps(report_id) == [
        ("received", "resident"), ("accept", "officer"), ("arrive", "officer"), ("conclude", "officer"),
    ]  # fmt: skip
    assert story.promises("report.moved") == 3


def test_the_same_move_again_gives_the_same_result(story):
    report_id, entry_id = story.received(), new_id()

    for _ in range(3):
        story.move(report_id, "accepted", entry_id=entry_id)

    assert story.steps(report_id) == [("received", "resident"), ("accept", "officer")]
    with pytest.raises(timeline.EntryIdTaken):
        story.move(report_id, "on_site", entry_id=entry_id)
    with pytest.raises(MoveNotAllowed):
        story.move(report_id, "accepted")


def test_whoever_handed_a_case_over_and_lost_the_answer_may_ask_again(story):
    report_id, entry_id = story.received(), new_id()
    given = {"ward": "90002", "reason": "Bên kia đường", "entry_id": entry_id}

    story.move(report_id, "received", **given)
    story.move(report_id, "received", **given, now=NOW + HOUR)

    assert story.report(report_id).unit_id == story.district.units["90002"]
    with pytest.raises(queries.ReportNotFound):  # no window on what the other unit does
        story.move(report_id, "received", **given, now=NOW + 2 * HOUR)
    with pytest.raises(queries.ReportNotFound):
        story.move(report_id, "accepted")


def test_another_unit_does_not_know_of_the_report(story):
    report_id = story.received()
    neighbour = story.district.staff(Role.OFFICER, "90002")

    with pytest.raises(queries.ReportNotFound):
        story.move(report_id, "accepted", by=neighbour)
    with pytest.raises(queries.ReportNotFound):
        story.enter(report_id, "note", by=neighbour, text="Của ai?")


def test_a_stale_copy_moves_nothing(story):
    report_id = story.received()
    story.move(report_id, "accepted", version=1)

    with pytest.raises(Stale):
        story.move(report_id, "on_site", version=1)


def test_residents_do_not_accept_and_officers_do_not_withdraw(story):
    report_id = story.received()

    with pytest.raises(NotPermitted):
        story.move(report_id, "accepted", by=story.resident)
    with pytest.raises(NotPermitted):
        story.move(report_id, "withdrawn", by=story.officer)


def test_who_concluded_does_not_review(story):
    report_id = story.received(kind="EN08")
    dispatcher = story.district.staff(Role.DISPATCHER, "desk")
    story.move(report_id, "accepted", by=story.chair)
    story.move(report_id, "concluded", by=story.chair, outcome="gone", note="Không còn")
    with pytest.raises(queries.ReportNotFound):
        story.move(report_id, "accepted", by=dispatcher, reason="r")
    story.move(report_id, "contested", by=story.resident, reason="Vẫn ồn", now=NOW + HOUR)

    with pytest.raises(NotPermitted):
        story.move(report_id, "accepted", by=story.chair, reason="Xem lại")
    desk_queue = queries.queue(story.session, dispatcher.units(Role.OFFICER), desk=True, limit=10)
    story.move(report_id, "accepted", by=dispatcher, reason="Đúng là vẫn ồn", now=NOW + HOUR)

    assert [row["id"] for row in desk_queue] == [report_id]
    assert story.report(report_id).unit_id == story.district.units["90001"]
    assert story.report(report_id).state == "accepted"


def test_the_chair_reviews_what_an_officer_concluded(story):
    report_id = story.received(kind="EN08")
    story.move(report_id, "accepted")
    story.move(report_id, "concluded", outcome="gone", note="Không còn")
    story.move(report_id, "contested", by=story.resident, reason="Vẫn ồn")

    with pytest.raises(NotPermitted):
        story.move(report_id, "accepted", reason="r")  # an officer
    story.move(report_id, "concluded", by=story.chair, outcome="unfounded", note="Đo không vượt ngưỡng")

    assert story.report(report_id).outcome == "unfounded"


def test_due_never_gets_later_by_a_correction_without_the_chair(story):
    story.session.execute(
        text(
            "insert into target_policies (city_id, field, minutes, valid_from) values (1, 'construction', 600, '2024-01-01')"
        )
    )
    by_officer, by_chair = story.received(), story.received()
    for report_id in (by_officer, by_chair):
        story.move(report_id, "accepted")

    story.enter(by_officer, "correct", kind="CO01", reason="Là xây dựng")
    story.enter(by_chair, "correct", kind="CO01", reason="Là xây dựng", by=story.chair)

    assert story.report(by_officer).due_at == NOW + 2 * HOUR
    assert story.report(by_chair).due_at == NOW + 10 * HOUR
    assert story.report(by_officer).field == "construction"


def test_a_wrong_address_is_taken_away_by_an_empty_one(story):
    report_id = story.received(address="12/5 Bùi Hữu Nghĩa")
    story.move(report_id, "accepted")
    story.enter(report_id, "correct", address=None, reason="Không có số nhà này")

    assert story.report(report_id).address is None
    with pytest.raises(NothingGiven):
        story.enter(report_id, "correct", address=None, reason="Lần nữa")


def test_a_corrected_place_routes_again(story):
    report_id = story.received()
    story.move(report_id, "accepted")

    story.enter(report_id, "correct", location={**IN_BINH, "accuracy_m": 5.0}, reason="Ghim sai chỗ")

    report = story.report(report_id)
    assert (report.unit_id, report.state) == (story.district.units["90002"], "received")
    assert report.first_response_at == NOW
    assert report.due_at == NOW + 2 * HOUR


def test_a_case_is_taken_from_a_colleague_by_the_chair_only(story):
    report_id, colleague = story.received(), story.district.staff(Role.OFFICER, "90001")
    story.move(report_id, "accepted")

    with pytest.raises(NotPermitted):
        story.enter(report_id, "assign", by=colleague, assignee=colleague.person_id)
    story.enter(report_id, "assign", by=story.chair, assignee=colleague.person_id)
    with pytest.raises(AssigneeNotSuitable):
        story.enter(report_id, "assign", by=colleague, assignee=story.resident.person_id)

    assert story.report(report_id).assignee_id == colleague.person_id


def test_notes_stay_in_the_unit_and_messages_reach_the_resident(story):
    report_id, leader = story.received(), story.district.staff(Role.LEADER)
    story.enter(report_id, "note", text="Chủ hàng là người quen")
    story.enter(report_id, "message", text="Chúng tôi đang đến")
    story.enter(report_id, "instruct", by=leader, text="Vì sao chưa nhận?")

    seen = queries.course(story.session, report_id, all_entries=False)
    inside = queries.course(story.session, report_id, all_entries=True)
    assert [row["type"] for row in seen] == ["received", "message"]
    assert [row["type"] for row in inside] == ["received", "note", "message", "instruct"]
    assert inside[1]["texts"] == {"text": "Chủ hàng là người quen"}


def test_a_rating_closes_nothing_and_needs_a_result(story):
    report_id = story.received(kind="EN08")
    with pytest.raises(EntryNotAllowed):
        story.enter(report_id, "rate", by=story.resident, stars=5)
    story.move(report_id, "accepted")
    story.move(report_id, "concluded", outcome="remedied", note="Đã nhắc")

    story.enter(report_id, "rate", by=story.resident, stars=4, text="Nhanh")

    assert story.report(report_id).state == "concluded"


def test_the_system_resumes_after_24_hours_and_closes_after_seven_days(story):
    waiting, done = story.received(), story.received(kind="EN08")
    for report_id in (waiting, done):
        story.move(report_id, "accepted")
    story.move(waiting, "awaiting_resident", question="Số nhà?", now=NOW + HOUR)
    story.move(done, "concluded", outcome="remedied", note="Đã nhắc", now=NOW + HOUR)

    just_before = NOW + 25 * HOUR - timedelta(microseconds=1)
    assert sweep.resume_due(story.session, just_before) == 0
    assert [sweep.resume_due(story.session, NOW + 40 * HOUR) for _ in range(2)] == [1, 0]
    assert sweep.close_due(story.session, NOW + HOUR + timedelta(days=7) - timedelta(microseconds=1)) == 0
    assert [sweep.close_due(story.session, NOW + HOUR + timedelta(days=7)) for _ in range(2)] == [1, 0]

    assert (story.report(waiting).state, story.report(waiting).due_at) == ("accepted", NOW + 26 * HOUR)
    assert story.report(waiting).stopped_s == 86_400
    assert story.report(done).state == "closed"
    assert story.steps(waiting)[-1] == ("resume", "system")
    assert story.steps(done)[-1] == ("close", "system")


def test_a_late_conclusion_says_why(story):
    report_id = story.received(kind="EN08")
    story.move(report_id, "accepted")

    with pytest.raises(handling.LateReasonMissing):
        story.move(report_id, "concluded", outcome="gone", note="n", now=NOW + 3 * HOUR)
    story.move(report_id, "concluded", outcome="gone", note="n", late_reason="Ngập nước", now=NOW + 3 * HOUR)

    assert story.report(report_id).late_reason == "Ngập nước"


def test_the_queue_is_in_the_order_of_due_times_and_a_cursor_is_a_position(story):
    made = [story.received(now=NOW + timedelta(minutes=minute)) for minute in (5, 1, 3)]
    units = story.officer.units(Role.OFFICER)

    whole = queries.queue(story.session, units, limit=10)
    rest = queries.queue(story.session, units, limit=10, after=(whole[0]["due_at"], whole[0]["id"]))

    assert [row["id"] for row in whole] == [made[1], made[2], made[0]]
    assert [row["id"] for row in rest] == [made[2], made[0]]


def test_what_is_reported_already_is_found_within_thirty_metres(story):
    report_id = story.received(**IN_AN)
    asker = story.person(story.district.resident()).asker
    asked = {"kind": "SW01", "asker": asker, "pictures": Pictures(), "now": NOW + HOUR}
    twenty_metres, forty_metres = 20 / 110_610, 40 / 110_610

    near = alike.nearby(story.session, lat=IN_AN["lat"] + twenty_metres, lon=IN_AN["lon"], **asked)
    far = alike.nearby(story.session, lat=IN_AN["lat"] + forty_metres, lon=IN_AN["lon"], **asked)
    other = alike.nearby(
        story.session, "EN01", lat=IN_AN["lat"], lon=IN_AN["lon"], asker=asker, pictures=Pictures(), now=NOW
    )

    assert (near.count, near.follow, near.received_at) == (1, report_id, NOW)
    assert (far.count, other.count) == (0, 0)


def test_a_dispatcher_sees_who_reported_on_record_and_never_an_anonymous_author(story):
    named, anonymous = story.received(), story.received(anonymous=True)
    dispatcher = story.person(story.district.staff(Role.DISPATCHER, "desk"))

    person_id = actions.reveal_author(story.session, named, by=dispatcher, reason="Xác minh chứng cứ", now=NOW)

    assert person_id == story.resident.person_id
    assert story.steps(named)[-1] == ("author_seen", "dispatcher")
    with pytest.raises(NotPermitted):
        actions.reveal_author(story.session, anonymous, by=dispatcher, reason="r", now=NOW)
    with pytest.raises(NotPermitted):
        actions.reveal_author(story.session, named, by=story.person(story.chair), reason="r", now=NOW)


def test_a_reform_gives_open_cases_to_who_acts_at_their_point(story):
    begun, untouched, asked = story.received(), story.received(**IN_BINH), story.received()
    story.move(begun, "accepted")
    story.move(asked, "accepted")
    story.move(asked, "awaiting_resident", question="Số nhà?")
    story.session.execute(text("update ward_versions set valid_to = '2026-11-24' where code = '90001'"))
    story.session.execute(
        text("""
            insert into ward_versions (city_id, code, name, type, valid_from, geom, area_m2, import_id)
            select 1, '90001', 'Phường An Bình', 'Phường', '2026-11-24', geom, area_m2, import_id
            from ward_versions where code = '90001'
        """)
    )
    cover_wards(story.session, 1, NOW)
    before, after = datetime(2026, 11, 23, 16, 59, tzinfo=UTC), datetime(2026, 11, 23, 17, 0, tzinfo=UTC)
    version = story.report(begun).ward_version_id

    assert reform.rehome(story.session, story.cache.current(story.session), before) == 0
    moved = [reform.rehome(story.session, story.cache.current(story.session), after) for _ in range(2)]

    new_unit = story.session.execute(text("select id from units where name = 'Phường An Bình'")).scalar_one()
    assert moved == [2, 0]
    report = story.report(begun)
    assert (report.unit_id, report.state, report.ward_version_id) == (new_unit, "received", version)
    assert report.due_at == NOW + 2 * HOUR
    assert report.overdue_unit_id == story.district.units["90001"]  # it was due hours before midnight
    assert (story.report(asked).unit_id, story.report(asked).state) == (new_unit, "awaiting_resident")
    assert story.report(untouched).unit_id == story.district.units["90002"]
    assert story.steps(begun)[-1] == ("reform", "system")


def after_photo(story, report_id, letter, received_at):
    """An after-photo whose bytes are here."""
    story.session.execute(
        text("""
            insert into photos (report_id, sha256, role, state, added_at, received_at)
            values (:id, :sha, 'after', 'received', :at, :at)
        """),
        {"id": report_id, "sha": letter * 64, "at": received_at},
    )
    return letter * 64


def concluded_as_duplicate(story, report_id, original, now=NOW):
    story.move(report_id, "accepted", now=now)
    story.move(report_id, "concluded", outcome="duplicate", note="Trùng", original=original, now=now)


@pytest.mark.parametrize(
    "original",
    [
        {"kind": "EN01"},  # another field
        {"lat": IN_AN["lat"] + 300 / 110_610},  # 300 m away
        {"now": NOW + HOUR},  # sent later
    ],
)
def test_not_every_report_is_the_original_of_another(story, original):
    other, report_id = story.received(**original), story.received()

    with pytest.raises(joining.OriginalUnknown):
        concluded_as_duplicate(story, report_id, str(other), now=NOW + 2 * HOUR)


def test_what_was_over_the_day_before_is_no_original_but_a_recurrence(story):
    other = story.received(kind="EN08", now=NOW - 30 * HOUR)
    story.move(other, "accepted", now=NOW - 30 * HOUR)
    story.move(other, "concluded", outcome="gone", note="n", now=NOW - 29 * HOUR)
    report_id = story.received(kind="EN08")

    with pytest.raises(joining.OriginalUnknown):
        concluded_as_duplicate(story, report_id, str(other))


def test_a_duplicate_points_at_the_root_also_when_the_root_turns_out_to_be_one(story):
    root, middle, last = (story.received(now=NOW + timedelta(minutes=minute)) for minute in range(3))

    concluded_as_duplicate(story, last, str(middle), now=NOW + HOUR)
    concluded_as_duplicate(story, middle, story.report(root).number, now=NOW + HOUR)

    assert (story.report(last).original_id, story.report(middle).original_id) == (root, root)
    assert story.steps(last)[-1] == ("original_moved", "system")  # no change without its trace
    with pytest.raises(joining.OriginalUnknown):
        concluded_as_duplicate(story, root, str(last), now=NOW + HOUR)


def test_a_correction_to_a_kind_without_photo_does_not_spare_the_photo(story):
    report_id = story.received()
    story.move(report_id, "accepted")
    story.enter(report_id, "correct", kind="EN08", reason="Là tiếng ồn")

    with pytest.raises(handling.PhotoMissing):
        story.move(report_id, "concluded", outcome="gone", note="n")


def test_after_a_contest_was_granted_the_old_photo_proves_nothing(story):
    report_id = story.received()
    story.move(report_id, "accepted")
    old = after_photo(story, report_id, "c", NOW)
    story.move(report_id, "concluded", outcome="gone", note="n", photos=[old])
    story.move(report_id, "contested", by=story.resident, reason="Vẫn còn", now=NOW + HOUR)
    story.move(report_id, "accepted", by=story.chair, reason="Đúng", now=NOW + HOUR)

    with pytest.raises(handling.PhotoMissing):
        story.move(report_id, "concluded", outcome="gone", note="n", photos=[old], now=NOW + HOUR)
    new = after_photo(story, report_id, "d", NOW + HOUR + timedelta(seconds=1))
    story.move(report_id, "concluded", outcome="gone", note="n", photos=[new], now=NOW + HOUR + timedelta(minutes=1))


def test_moving_the_pin_is_a_refusal_and_the_second_goes_to_the_desk(story):
    report_id, there = story.received(), story.district.staff(Role.OFFICER, "90002")
    story.move(report_id, "received", ward="90002", reason="Bên kia đường")
    story.move(report_id, "accepted", by=there)

    story.enter(report_id, "correct", by=there, location={**IN_CHAU, "accuracy_m": 5.0}, reason="Ghim sai")

    assert story.report(report_id).unit_id == story.district.units["desk"]
    assert story.report(report_id).refusals == 2


def test_a_disabled_resident_sends_nothing(story):
    story.session.execute(
        text("update people set disabled_at = now() where id = :id"), {"id": story.resident.person_id}
    )

    with pytest.raises(NotSignedIn):
        story.submit()
