"""Who was told what in the course of a case, and how it goes on from their inbox."""

import hashlib
from datetime import UTC, datetime, time, timedelta

import pytest
from sqlalchemy import select, text, update

from app.core.db import new_id
from app.core.outbox import OutboxMessage
from app.identity.models import Membership, Person, SignIn
from app.identity.permissions import Role
from app.notifications import actions
from app.notifications.models import Notification
from app.photos.models import Photo
from app.reports import actions as reports
from app.reports import sweep, timeline
from app.reports.intake import Author, Submission
from app.reports.models import TimelineEntry
from app.targets.models import DutyShift
from district import IN_AN, IN_BINH
from story import HOUR, NOW


@pytest.fixture
def concluded(session, story):
    """Brings a report to a conclusion; tells its id."""

    def conclude(report_id, *, now=NOW, by=None):
        sha256 = hashlib.sha256(now.isoformat().encode()).hexdigest()
        photo = Photo(report_id=report_id, sha256=sha256, role="after", state="ready", added_at=now, received_at=now)
        session.add(photo)
        session.flush()
        story.move(report_id, "concluded", by=by, now=now, outcome="remedied", note="Đã dọn", photos=[sha256])
        return report_id

    return conclude


def test_a_resident_hears_of_receipt_acceptance_question_message_and_result_and_of_nothing_more(
    session, story, village, concluded
):
    report = story.received()
    story.move(report, "accepted", now=NOW + timedelta(seconds=1))
    story.move(report, "on_site")
    story.enter(report, "note", text="Chưa thấy chủ quán")
    story.enter(report, "message", text="Chúng tôi đang tới")
    story.move(report, "awaiting_resident", question="Quán nào?")
    village.tell_all(report)
    story.move(report, "on_site", by=story.resident, answer="Quán đầu hẻm")
    concluded(report)
    story.enter(report, "rate", by=story.resident, stars=4)
    village.tell_all(report)

    assert {topic for who, topic in village.told() if who == "resident"} == {
        "received",
        "accepted",
        "message",
        "question",
        "concluded",
    }
    kept = session.scalars(select(Notification.data).where(Notification.topic == "concluded")).one()
    assert kept == {"unit_id": story.district.units["90001"], "outcome": "remedied", "photos": 1}
    everything = session.execute(text("select string_agg(data::text, '') from notifications")).scalar_one()
    assert "Quán" not in everything, "what people wrote is read in the report, not in a notice"


def test_whatever_is_told_again_is_told_once(story, village):
    report = story.received()
    village.device(story.resident)
    village.tell_all(report)
    told, promised = village.count(), village.promised("notice.push")
    village.tell_all(report)

    assert village.count() == told
    assert village.promised("notice.push") == promised


def test_a_contest_goes_to_the_chair_and_what_came_of_it_to_the_resident(story, village, concluded):
    second = village.joined("second", Role.CHAIR, "90001")
    report = story.received()
    story.move(report, "accepted")
    concluded(report)
    story.move(report, "contested", by=story.resident, reason="Vẫn còn")
    village.tell_all(report)
    assert village.told("contested") == {("chair", "contested"), ("second", "contested")}

    story.move(report, "accepted", by=second, reason="Xem lại")
    concluded(report, now=NOW + HOUR)
    village.tell_all(report)
    assert ("resident", "reopened") in village.told()


def test_what_a_chair_concluded_is_contested_before_the_desk(story, village, concluded):
    village.joined("dispatcher", Role.DISPATCHER, "desk")
    report = story.received()
    story.move(report, "accepted", by=story.chair)
    concluded(report, by=story.chair)
    story.move(report, "contested", by=story.resident, reason="Vẫn còn")
    village.tell_all(report)

    assert village.told("contested") == {("dispatcher", "contested")}


def test_followers_hear_how_it_ended_and_nothing_before(session, story, village, concluded):
    follower = village.resident("follower")
    report = story.received()
    reports.follow(session, report, story.person(follower), NOW)
    story.move(report, "accepted")
    concluded(report)
    village.tell_all(report)

    assert {topic for who, topic in village.told() if who == "follower"} == {"followed_concluded"}


@pytest.mark.parametrize("anonymous", [False, True])
def test_ones_own_report_cannot_be_followed_or_the_list_would_tell_who_sent_it(session, story, anonymous):
    report = story.received(anonymous=anonymous)
    with pytest.raises(reports.OwnReport):
        reports.follow(session, report, story.person(story.resident), NOW)
    assert session.execute(text("select count(*) from report_followers")).scalar_one() == 0


def test_an_anonymous_author_is_told_by_their_tag_and_no_device_rings(session, story, village):
    village.device(story.resident)
    session.execute(update(Person).where(Person.id == story.resident.person_id).values(channels=["push", "sms"]))
    report = story.received(anonymous=True)
    story.move(report, "accepted")
    story.move(report, "awaiting_resident", question="Quán nào?")
    village.tell_all(report)

    assert {topic for who, topic in village.told() if who == "tag"} == {"received", "accepted", "question"}
    assert "resident" not in {who for who, _ in village.told()}
    assert village.promised("notice.push") == village.promised("notice.text") == []


def filed(story, filer, *, author_id=None):
    sent = Submission(id=new_id(), kind="SW01", **IN_AN, channel="assisted")
    author = Author(author_id, None, filed_by=filer.person_id)
    reports.submit(
        story.session, sent, author, session_id=None, cache=story.cache, spend=lambda: None, now=NOW
    )  # fmt: skip
    return sent.id


def test_who_filed_for_nobody_hears_what_is_asked_and_how_it_ends(story, village, concluded):
    volunteer = village.joined("volunteer", Role.VOLUNTEER)
    report = filed(story, volunteer)
    story.move(report, "accepted")
    story.enter(report, "message", text="Chúng tôi đang tới")
    story.move(report, "awaiting_resident", question="Quán nào?")
    village.tell_all(report)
    story.move(report, "accepted", by=volunteer, answer="Quán đầu hẻm")
    concluded(report)
    village.tell_all(report)

    assert {topic for who, topic in village.told() if who == "volunteer"} == {"question", "concluded"}


def test_of_a_report_filed_for_somebody_they_hear_themselves(story, village, concluded):
    volunteer, neighbour = village.joined("volunteer", Role.VOLUNTEER), village.resident("neighbour")
    report = filed(story, volunteer, author_id=neighbour.person_id)
    story.move(report, "accepted")
    concluded(report)
    village.tell_all(report)

    assert {topic for who, topic in village.told() if who == "neighbour"} == {"received", "accepted", "concluded"}
    assert "volunteer" not in {who for who, _ in village.told()}


def test_staff_hear_what_they_must_act_on(story, village):
    colleague = village.joined("colleague", Role.OFFICER, "90001")
    village.joined("leader", Role.LEADER)
    report = story.received()
    village.tell_all(report)
    story.move(report, "accepted")
    story.enter(report, "assign", by=story.chair, assignee=colleague.person_id)
    village.tell_all(report)
    story.move(report, "awaiting_resident", by=colleague, question="Quán nào?")
    story.move(report, "accepted", by=story.resident, answer="Quán đầu hẻm")
    village.tell_all(report)

    assert village.told("assigned") == {("colleague", "assigned")}
    assert village.told("answered") == {("colleague", "answered")}
    assert village.told("new_case") == {(who, "new_case") for who in ("officer", "chair", "colleague")}


def test_who_is_told_late_that_a_case_is_theirs_is_told_only_if_it_still_is(story, village):
    colleague, third = (
        village.joined("colleague", Role.OFFICER, "90001"),
        village.joined("third", Role.OFFICER, "90001"),
    )
    report = story.received()
    story.move(report, "accepted")
    for assignee in (colleague, third):
        story.enter(report, "assign", by=story.chair, assignee=assignee.person_id)
    village.tell_all(report)

    assert village.told("assigned") == {("third", "assigned")}
    assert village.told("new_case") == set(), "it was taken before anybody could be rung"


def test_what_is_told_late_is_of_when_it_happened_and_does_not_ring_for_what_is_over(session, story, village):
    """The service told nobody for three hours: a receipt is news for a day, a new case for two hours."""
    village.device(story.resident)
    village.device(story.officer)
    report = story.received()
    village.tell_all(report, NOW + 3 * HOUR)

    assert village.told() == {("resident", "received"), ("officer", "new_case"), ("chair", "new_case")}
    assert set(session.scalars(select(Notification.at))) == {NOW}
    assert len(village.promised("notice.push")) == 1


def test_a_question_that_was_answered_is_asked_nobody(story, village):
    report = story.received()
    story.move(report, "accepted")
    story.move(report, "awaiting_resident", question="Quán nào?")
    story.move(report, "accepted", by=story.resident, answer="Quán đầu hẻm")
    village.tell_all(report)

    assert village.told("question") == set()


def test_when_no_answer_came_whoever_works_on_it_is_told_that_it_goes_on(session, story, village):
    report = story.received()
    story.move(report, "accepted")
    story.move(report, "awaiting_resident", question="Quán nào?")
    sweep.resume_due(session, NOW + 24 * HOUR)
    village.tell_all(report, NOW + 24 * HOUR)

    assert village.told("unanswered") == {("officer", "unanswered")}


def test_a_case_that_a_review_opens_again_goes_to_its_assignee_or_to_who_is_on_duty(session, story, village, concluded):
    report = story.received()
    story.move(report, "accepted")
    concluded(report)
    story.move(report, "contested", by=story.resident, reason="Vẫn còn")
    story.move(report, "accepted", by=story.chair, reason="Xem lại")
    village.tell_all(report)
    assert village.told("take_up_again") == {("officer", "take_up_again")}

    village.joined("colleague", Role.OFFICER, "90001")
    other = story.received()
    story.move(other, "accepted")
    concluded(other, now=NOW + HOUR)
    story.move(other, "contested", by=story.resident, now=NOW + HOUR, reason="Vẫn còn")
    session.execute(update(Membership).where(Membership.person_id == story.officer.person_id).values(valid_to=NOW))
    story.move(other, "accepted", by=story.chair, now=NOW + HOUR, reason="Xem lại")
    session.execute(text("delete from notifications"))
    village.tell_all(other, NOW + HOUR)
    assert village.told("take_up_again") == {("colleague", "take_up_again")}, "the chair did it"


def test_when_wards_are_redrawn_the_new_unit_is_told_what_it_has(session, story, village, concluded):
    village.joined("binh", Role.OFFICER, "90002")
    report = story.received()
    an, binh = story.district.units["90001"], story.district.units["90002"]
    session.execute(text("update reports set unit_id = :binh where id = :id"), {"binh": binh, "id": report})
    step = timeline.Step("reform", {"from_unit": an, "to_unit": binh})
    timeline.record(session, story.report(report), step, by=timeline.SYSTEM, now=NOW, unit_id=an)
    village.tell_all(report)

    assert village.told("handed_over") == {("binh", "handed_over")}


def test_a_correction_after_which_the_case_was_handed_over_tells_the_next_unit_once(session, story, village):
    village.joined("binh", Role.OFFICER, "90002")
    report = story.received()
    story.enter(report, "correct", kind="EN08", reason="Là tiếng ồn")
    story.move(report, "received", unit=story.district.units["90002"], reason="Bên kia đường")
    village.tell_all(report)

    assert session.execute(text("select count(*) from notifications where topic = 'handed_over'")).scalar_one() == 1


def test_a_correction_of_the_place_tells_the_unit_to_which_the_case_goes(session, story, village):
    village.joined("binh", Role.OFFICER, "90002")
    report = story.received()
    story.enter(report, "correct", location=IN_BINH, reason="Bên kia đường")
    village.tell_all(report)

    assert village.told("handed_over") == {("binh", "handed_over")}
    entry = session.scalars(select(TimelineEntry.data).where(TimelineEntry.type == "correct")).one()
    assert (entry["from_unit"], entry["to_unit"]) == (story.district.units["90001"], story.district.units["90002"])


def off_duty(story, *, unit="90001"):
    """A plan of the unit by which nobody is on duty on this Monday at ten: its only shift began at six and is over."""
    who = story.officer.person_id
    story.session.add(
        DutyShift(unit_id=story.district.units[unit], person_id=who, weekdays=[1], starts=time(6), ends=time(7), valid_from=NOW)
    )  # fmt: skip
    story.session.flush()


def quiet(story, who):
    """From nine to eleven this person wants to be left in peace."""
    story.session.execute(
        update(Person).where(Person.id == who.person_id).values(quiet_from=time(9), quiet_to=time(11))
    )


def test_while_nobody_is_on_duty_a_new_case_rings_the_chairs_as_if_they_were(session, story, village):
    off_duty(story)
    quiet(story, story.chair)
    phone, _ = village.device(story.chair), village.device(story.officer)
    village.tell_all(story.received())

    assert village.told("new_case") == {("chair", "new_case")}
    assert [promise["device_id"] for promise in village.promised("notice.push")] == [str(phone)]
    assert session.scalars(select(OutboxMessage.not_before).where(OutboxMessage.topic == "notice.push")).all() == [None]


def test_where_there_is_no_chair_either_it_is_everybody_who_works_there_and_else_the_desk(session, story, village):
    village.joined("dispatcher", Role.DISPATCHER, "desk")
    off_duty(story)
    session.execute(update(Membership).where(Membership.person_id == story.chair.person_id).values(valid_to=NOW))
    village.tell_all(story.received())
    assert village.told("new_case") == {("officer", "new_case")}

    session.execute(text("delete from notifications"))
    session.execute(update(Membership).where(Membership.person_id == story.officer.person_id).values(valid_to=NOW))
    village.tell_all(story.received())
    assert village.told("new_case") == {("dispatcher", "new_case")}


def test_the_desk_is_rung_for_a_unit_without_chairs_whatever_its_wishes(session, story, village, concluded):
    dispatcher = village.joined("dispatcher", Role.DISPATCHER, "desk")
    quiet(story, dispatcher)
    village.device(dispatcher)
    report = story.received()
    story.move(report, "accepted")
    concluded(report)
    session.execute(update(Membership).where(Membership.person_id == story.chair.person_id).values(valid_to=NOW))
    story.move(report, "contested", by=story.resident, reason="Vẫn còn")
    village.tell_all(report)

    assert village.told("contested") == {("dispatcher", "contested")}
    assert session.scalars(select(OutboxMessage.not_before).where(OutboxMessage.topic == "notice.push")).all() == [None]


def test_nobody_is_told_what_they_did_themselves(story, village):
    report = story.received()
    story.move(report, "accepted")
    story.enter(report, "assign", assignee=story.officer.person_id)
    village.tell_all(report)

    assert village.told("assigned") == set()


def test_a_leaders_question_goes_to_the_chairs(story, village):
    leader = village.joined("leader", Role.LEADER)
    report = story.received()
    story.enter(report, "instruct", by=leader, text="Vì sao chậm?")
    village.tell_all(report)

    assert village.told("instructed") == {("chair", "instructed")}


def test_a_case_that_is_handed_over_is_told_where_it_goes(story, village):
    binh = village.joined("binh", Role.OFFICER, "90002")
    report = story.received()
    story.move(report, "received", unit=story.district.units["90002"], reason="Bên kia đường")
    village.tell_all(report)

    assert village.told("handed_over") == {("binh", "handed_over")}
    assert binh is not None


def test_a_new_case_rings_only_where_somebody_is_on_duty_and_is_no_news_to_tick_off(session, story, village):
    an = story.district.units["90001"]
    colleague = village.joined("colleague", Role.OFFICER, "90001")
    phone, _ = village.device(colleague), village.device(story.officer)
    # Monday, 10 in the morning: the colleague alone is on duty.
    session.add(
        DutyShift(
            unit_id=an, person_id=colleague.person_id, weekdays=[1], starts=time(8), ends=time(12), valid_from=NOW
        )
    )
    session.flush()
    report = story.received()
    village.tell_all(report)

    assert village.told("new_case") == {("colleague", "new_case")}
    assert [promise["device_id"] for promise in village.promised("notice.push")] == [str(phone)]
    read = session.scalars(select(Notification.read_at).where(Notification.topic == "new_case")).one()
    assert read == NOW


def test_a_device_is_rung_as_its_owner_wishes(session, story, village):
    phone, tablet = village.device(story.resident), village.device(story.resident, "web")
    session.execute(
        update(Person)
        .where(Person.id == story.resident.person_id)
        .values(channels=["push", "zalo"], quiet_from=time(9), quiet_to=time(11))
    )
    report = story.received()
    story.move(report, "accepted")
    story.move(report, "awaiting_resident", question="Quán nào?")
    village.tell_all(report)

    # It is ten in the morning; at eleven the phone may ring. 11:00 is 04:00 UTC.
    assert {promise["device_id"] for promise in village.promised("notice.push")} == {str(phone), str(tablet)}
    assert len(village.promised("notice.push")) == 6  # receipt, acceptance, question: two devices each
    assert len(village.promised("notice.text")) == 1  # the question alone
    waits = session.execute(text("select distinct not_before from outbox where topic like 'notice.%'")).scalars().all()
    assert waits == [NOW + HOUR]


def test_a_device_of_a_sign_in_that_ended_is_not_rung(session, story, village):
    village.device(story.resident)
    report = story.received()
    session.execute(update(SignIn).where(SignIn.id == story.resident.session_id).values(ended_at=NOW))
    village.tell_all(report)

    assert village.promised("notice.push") == []


def test_somebody_who_is_shut_out_is_told_nothing(session, story, village):
    report = story.received()
    session.execute(update(Person).where(Person.id == story.resident.person_id).values(disabled_at=NOW))
    village.tell_all(report)

    assert "resident" not in {who for who, _ in village.told()}


def test_webhooks_are_promised_what_they_asked_for(session, story, village, concluded):
    admin = village.joined("admin", Role.ADMIN)
    units = story.district.units

    def webhook(topics, unit=None):
        url = "https://somebody.example/hook"
        return actions.add_webhook(session, url=url, topics=topics, unit_id=unit, by=admin.person_id, now=NOW)

    everything = webhook(["report.*"])
    ends = webhook(["report.concluded", "report.closed"])
    of_binh = webhook(["report.*"], units["90002"])
    gone = webhook(["report.*"])
    actions.remove_webhook(session, gone.id, by=admin.person_id, now=NOW)
    report = story.received()
    story.move(report, "accepted")
    story.enter(report, "message", text="Chúng tôi đang tới")
    concluded(report)
    village.tell_all(report)

    called = [(promise["webhook_id"], promise["type"]) for promise in village.promised("webhook.call")]
    assert called == [
        (str(everything.id), "report.received"),
        (str(everything.id), "report.accepted"),
        (str(everything.id), "report.concluded"),
        (str(ends.id), "report.concluded"),
    ]
    assert of_binh.id not in {webhook_id for webhook_id, _ in called}


def test_an_inbox_remembers_half_a_year(story, session):
    told = story.received()
    actions.tell_news(session, told, None, NOW)
    entry = session.scalars(select(Notification)).first()
    # Its id was made when this ran, and says when.
    made = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=entry.id.int >> 80)

    assert actions.forget_old(session, made + timedelta(days=180)) == 0
    assert actions.forget_old(session, made + timedelta(days=180, milliseconds=1), limit=1) == 1
