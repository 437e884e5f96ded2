"""Notices on their way out: to whom they still matter, once written down, with the database let go meanwhile."""

from contextlib import contextmanager
from datetime import time, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, text, update

from app.core import clock, dead_letters, outbox
from app.core.outbox import OutboxMessage
from app.identity.models import Person, SignIn, Staff
from app.identity.permissions import Role
from app.notifications import actions, texts
from app.notifications.actions import Matter
from app.notifications.channels import Gone, Refused, Unreachable
from app.notifications.channels.configured import Channels
from app.notifications.models import Device, Notification
from app.notifications.news import Notice
from app.reports.rulebook import RulebookCache
from story import NOW, Story
from workers.context import Context
from workers.jobs import notices, webhooks


class Wire:
    """A channel that keeps what it was given, or raises what it is told to."""

    def __init__(self) -> None:
        self.got: list[tuple[str, object, str]] = []
        self.trouble: Exception | None = None
        self.during = lambda: None

    def send(self, to, message, *, key):
        self.during()
        if self.trouble is not None:
            raise self.trouble
        self.got.append((to, message, key))

    def call(self, url, webhook_id, type_, data, *, key, at, now):
        self.send(url, {"type": type_, "at": at, **data}, key=key)
        self.signed = (webhook_id, now)


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
def story(session, district) -> Story:
    return Story(session, district, RulebookCache(1))


@pytest.fixture(autouse=True)
def _here(settings, database, wire, monkeypatch):
    channels = Channels(webpush=wire, fcm=wire, email=wire, gateway=wire, webhook=wire)
    here = Context(settings, database, None, channels)
    monkeypatch.setattr(notices, "context", lambda: here)
    monkeypatch.setattr(webhooks, "context", lambda: here)
    monkeypatch.setattr(clock, "now", lambda: NOW)


@pytest.fixture
def promised(session, story):
    """Tells the resident of a conclusion over what they chose; tells the arguments of the job."""

    def tell(channels=(), *, person=None, notice=Notice.CONCLUDED):
        person = person or story.resident
        session.execute(update(Person).where(Person.id == person.person_id).values(channels=list(channels)))
        data = {"unit_id": story.district.units["90001"], "outcome": "remedied"}
        matter = Matter(notice, "entry:1", story.received(), data=data)
        actions.tell(session, matter, [person.person_id], now=NOW)
        message = session.scalars(select(OutboxMessage).where(OutboxMessage.topic.like("notice.%"))).one()
        return message.id, message.payload

    return tell


@pytest.fixture
def phone(session, story) -> UUID:
    resident = story.resident
    return actions.register_device(
        session, resident.person_id, resident.session_id, platform="fcm", token="t-1", app_version=None, now=NOW
    ).id


def standing(session, message_id):
    """Whether a promise is kept, and why it was given up if it was."""
    session.expire_all()
    message = session.get_one(OutboxMessage, message_id)
    return message.done_at is not None, message.failed if message.given_up_at is not None else None


def test_a_push_goes_to_the_device_in_the_words_of_its_owners_language(session, story, promised, phone, wire):
    session.execute(update(Person).where(Person.id == story.resident.person_id).values(language="en"))
    job = promised()
    notices.push(*job)

    ((to, message, key),) = wire.got
    number, report = session.execute(text("select number, id from reports")).one()
    assert (to, key) == ("t-1", f"{job[1]['notification_id']}-{phone}")
    assert message.title == f"Report {number} has been dealt with"
    assert message.body.startswith("Phường An: Warned, and put right on the spot.")
    assert message.link == f"/#report/{report}"
    assert (message.topic, message.language, message.urgent, message.worth_s) == ("concluded", "en", False, 7 * 86400)
    assert message.params["outcome"] == "Warned, and put right on the spot"
    assert standing(session, job[0]) == (True, None)


def test_what_was_sent_and_written_down_is_not_sent_again(promised, phone, wire):
    job = promised()
    notices.push(*job)
    notices.push(*job)
    assert len(wire.got) == 1


def test_the_database_is_let_go_while_somebody_outside_is_called(database, promised, phone, wire, monkeypatch):
    job, depth = promised(), []
    opened = []
    whole = database.unit_of_work

    @contextmanager
    def counted():
        opened.append(1)
        with whole() as session:
            yield session
        opened.pop()

    monkeypatch.setattr(database, "unit_of_work", counted)
    wire.during = lambda: depth.append(len(opened))
    notices.push(*job)
    assert depth == [0]


def test_a_device_that_is_gone_is_forgotten(session, promised, phone, wire):
    job = promised()
    wire.trouble = Gone("answered 410")
    notices.push(*job)

    assert standing(session, job[0]) == (True, None)
    assert session.get(Device, phone) is None
    assert session.scalars(select(Notification)).one().topic == "concluded", "the inbox keeps it"


def test_what_is_refused_waits_for_a_person(session, promised, phone, wire):
    job = promised()
    wire.trouble = Refused("answered 400")
    notices.push(*job)
    assert standing(session, job[0]) == (False, "refused: answered 400")
    wire.trouble = None
    notices.push(*job)  # the queue has it once more: it waits for a person all the same
    assert wire.got == []
    assert standing(session, job[0]) == (False, "refused: answered 400")


def test_what_cannot_be_reached_comes_again(session, promised, phone, wire):
    job = promised()
    wire.trouble = Unreachable("answered 503")
    with pytest.raises(Unreachable):
        notices.push(*job)
    assert standing(session, job[0]) == (False, None)
    wire.trouble = None
    notices.push(*job)
    assert standing(session, job[0]) == (True, None)


def test_a_template_that_fails_is_contained_and_others_go_on(session, story, promised, phone, wire, monkeypatch):
    broken = {
        language: {**written, Notice.CONCLUDED: texts.Words("{nothing}", "{nothing}", "{nothing}")}
        for language, written in texts.templates().items()
    }
    monkeypatch.setattr(texts, "templates", lambda: broken)
    job = promised()
    notices.push(*job)
    assert standing(session, job[0]) == (False, "template failed: concluded.vi: KeyError 'nothing'")
    assert wire.got == []
    assert len(session.scalars(select(Notification)).all()) == 1

    session.execute(text("delete from outbox"))
    actions.tell(
        session,
        Matter(Notice.ACCEPTED, "entry:2", story.received(), data={"unit_id": story.district.units["90001"]}),
        [story.resident.person_id],
        now=NOW,
    )
    message = session.scalars(select(OutboxMessage).where(OutboxMessage.topic == "notice.push")).one()
    notices.push(message.id, message.payload)
    assert len(wire.got) == 1


def test_a_browser_whose_push_service_refuses_is_forgotten_and_waits_for_nobody(session, story, promised, wire):
    resident = story.resident
    browser = actions.register_device(
        session, resident.person_id, resident.session_id, platform="web",
        token='{"endpoint": "https://push.example/1"}', app_version=None, now=NOW,
    ).id  # fmt: skip
    job = promised()
    wire.trouble = Refused("answered 403")
    notices.push(*job)

    assert standing(session, job[0]) == (True, None)
    assert session.get(Device, browser) is None


NOT_WORTH_IT = "no longer worth sending"


def why_not(session, message_id):
    session.expire_all()
    return session.get_one(OutboxMessage, message_id).failed


def test_what_is_not_worth_it_any_more_is_not_sent_and_says_so(session, promised, phone, wire, monkeypatch):
    """Also to whoever had an old dead letter tried again."""
    job = promised()
    outbox.give_up(session, job[0], "refused: answered 400", at=NOW)
    dead_letters.retry(session, job[0], at=NOW, by=None)
    session.flush()
    monkeypatch.setattr(clock, "now", lambda: NOW + timedelta(days=7))
    notices.push(*job)
    assert wire.got == []
    assert standing(session, job[0]) == (True, None)
    assert why_not(session, job[0]) == NOT_WORTH_IT


MINUTE = timedelta(minutes=1)


@pytest.fixture
def warned(session, story, monkeypatch):
    """The chair is warned at 11:36 of a case that is due at twelve; the phone may ring at 11:40 only."""
    chair = story.chair
    actions.register_device(
        session, chair.person_id, chair.session_id, platform="fcm", token="t-2", app_version=None, now=NOW
    )
    session.execute(
        update(Person).where(Person.id == chair.person_id).values(quiet_from=time(11, 35), quiet_to=time(11, 40))
    )
    report = story.received()
    story.move(report, "accepted", by=chair)
    session.execute(text("update reports set warned = 2 where id = :id"), {"id": report})
    matter = Matter(Notice.NEARLY_DUE, "warned:1", report, data={"unit_id": story.district.units["90001"], "rung": 2})
    actions.tell(session, matter, [chair.person_id], now=NOW + 96 * MINUTE)
    message = session.scalars(select(OutboxMessage).where(OutboxMessage.topic == "notice.push")).one()
    assert message.not_before == NOW + 100 * MINUTE
    monkeypatch.setattr(clock, "now", lambda: NOW + 100 * MINUTE)
    return report, (message.id, message.payload)


def test_a_warning_that_was_held_back_says_what_is_left_when_it_rings(session, warned, wire):
    _, job = warned
    notices.push(*job)
    ((_, message, _),) = wire.got
    assert message.body == "Tin “Lấn chiếm vỉa hè” tại Phường An còn 20 phút, đến hạn lúc 12:00."


@pytest.mark.parametrize(
    "since",
    [
        "state = 'withdrawn', ended_at = received_at",
        "unit_id = unit_id + 1",
        "warned = 3",
        "warned = 1",  # a correction gave it more time
    ],
    ids=["over", "elsewhere", "further_up", "due_later"],
)
def test_a_warning_that_was_held_back_until_it_is_nobodys_worry_does_not_ring(session, warned, wire, since):
    report, job = warned
    session.execute(text(f"update reports set {since} where id = :id"), {"id": report})
    notices.push(*job)
    assert wire.got == []
    assert standing(session, job[0]) == (True, None)
    assert why_not(session, job[0]) == NOT_WORTH_IT


def test_a_warning_of_a_case_that_stands_still_rings_when_its_clock_runs_again(session, warned, wire, story):
    report, job = warned
    session.execute(
        text("update reports set state = 'awaiting_resident', stopped_at = received_at where id = :id"), {"id": report}
    )
    notices.push(*job)
    assert (wire.got, standing(session, job[0])) == ([], (False, None))
    later = session.scalars(select(OutboxMessage.not_before).where(OutboxMessage.id == job[0])).one()
    assert later is not None

    session.execute(text("update reports set state = 'accepted', stopped_at = null where id = :id"), {"id": report})
    notices.push(*job)
    assert len(wire.got) == 1


@pytest.fixture
def asked(session, story, phone):
    """A question of ten o'clock on its way to the resident's phone."""
    report = story.received()
    story.move(report, "accepted")
    story.move(report, "awaiting_resident", question="Quán nào?")
    entry = session.scalars(
        text("select entry_id from timeline where type = 'ask' and report_id = :id").bindparams(id=report)
    ).one()
    actions.tell_news(session, report, entry, NOW)
    message = session.scalars(select(OutboxMessage).where(OutboxMessage.topic == "notice.push")).one()
    return report, (message.id, message.payload)


def test_a_question_is_sent_with_the_end_of_its_time(asked, wire):
    notices.push(*asked[1])
    ((_, message, _),) = wire.got
    assert message.body.endswith("Vui lòng mở tin và trả lời trước 10:00 ngày 24/11.")


def test_a_question_that_was_answered_meanwhile_does_not_ring(session, story, asked, wire):
    report, job = asked
    story.move(report, "accepted", by=story.resident, answer="Quán đầu hẻm")
    notices.push(*job)
    assert wire.got == []
    assert why_not(session, job[0]) == NOT_WORTH_IT


def test_a_phone_does_not_ring_in_quiet_hours_that_were_chosen_since(
    session, story, promised, phone, wire, monkeypatch
):
    job = promised()
    session.execute(
        update(Person).where(Person.id == story.resident.person_id).values(quiet_from=time(9), quiet_to=time(11))
    )
    outbox.mark_sent(session, [job[0]], at=NOW)
    notices.push(*job)
    assert wire.got == []
    session.expire_all()
    message = session.get_one(OutboxMessage, job[0])
    assert (message.done_at, message.sent_at, message.not_before) == (None, None, NOW + timedelta(hours=1))
    assert outbox.unsent(session, ["notice.push"], 10, now=NOW + timedelta(minutes=59)) == []
    assert [one.id for one in outbox.unsent(session, ["notice.push"], 10, now=NOW + timedelta(hours=1))] == [job[0]]

    monkeypatch.setattr(clock, "now", lambda: NOW + timedelta(hours=1))
    notices.push(*job)
    assert len(wire.got) == 1


@pytest.mark.parametrize("since", [{"disabled_at": NOW}, {"channels": ["inbox"]}], ids=["shut_out", "wants_none"])
def test_who_is_shut_out_or_wants_no_push_any_more_is_not_rung(session, story, promised, phone, wire, since):
    job = promised()
    session.execute(update(Person).where(Person.id == story.resident.person_id).values(since))
    notices.push(*job)
    assert wire.got == []
    assert standing(session, job[0]) == (True, None)


def test_who_was_on_duty_is_rung_whatever_they_wish(session, story, phone, wire):
    """The phone is the resident's in this test; what counts is that the promise says so."""
    who = story.resident.person_id
    session.execute(
        update(Person).where(Person.id == who).values(channels=["inbox"], quiet_from=time(9), quiet_to=time(11))
    )
    report = story.received()
    session.execute(text("update reports set warned = 3 where id = :id"), {"id": report})
    data = {"unit_id": story.district.units["90001"], "rung": 3}
    actions.tell(session, Matter(Notice.OVERDUE, "warned:1", report, data=data), [who], now=NOW, on_duty=[who])
    message = session.scalars(select(OutboxMessage).where(OutboxMessage.topic == "notice.push")).one()
    notices.push(message.id, message.payload)
    assert len(wire.got) == 1


def test_a_digest_by_mail_lists_its_cases_and_says_how_many_more(session, story, wire):
    leader = story.district.staff(Role.LEADER)
    session.execute(update(Staff).where(Staff.person_id == leader.person_id).values(email="truc@thanhpho.example"))
    session.execute(update(Person).where(Person.id == leader.person_id).values(channels=["email"]))
    reports = [story.received(), story.received()]
    data = {"reports": [str(one) for one in reversed(reports)], "new": 12, "overdue": 30}
    actions.tell(session, Matter(Notice.DIGEST, "digest:1", data=data), [leader.person_id], now=NOW)
    message = session.scalars(select(OutboxMessage).where(OutboxMessage.topic == "notice.email")).one()
    notices.email(message.id, message.payload)

    ((_, mail, _),) = wire.got
    first, second = (story.report(one).number for one in reports)
    assert mail.body == f"Toàn thành phố hiện có 30 tin quá hạn chưa xong.\n\n{second}\n{first}\nvà 10 tin khác"


def test_a_device_that_is_somebody_elses_by_now_shows_nothing_of_its_former_owner(
    session, story, promised, phone, wire
):
    job = promised()
    other = story.district.resident()
    again = actions.register_device(
        session, other.person_id, other.session_id, platform="fcm", token="t-1", app_version=None, now=NOW
    )
    assert again == actions.Registered(phone, is_new=False)
    notices.push(*job)
    assert wire.got == []
    assert standing(session, job[0]) == (True, None)


def test_a_device_whose_sign_in_ran_out_a_month_ago_rings_no_more(session, story, promised, phone, wire):
    job = promised()
    run_out = update(SignIn).where(SignIn.id == story.resident.session_id)
    session.execute(run_out.values(ended_at=NOW - timedelta(days=30), lapsed=True))
    notices.push(*job)
    assert wire.got == []


def test_a_device_whose_sign_in_ran_out_in_the_night_rings(session, story, promised, phone, wire):
    job = promised()
    run_out = update(SignIn).where(SignIn.id == story.resident.session_id)
    session.execute(run_out.values(ended_at=NOW - timedelta(days=29), lapsed=True))
    notices.push(*job)
    assert [to for to, _, _ in wire.got] == ["t-1"]


def test_a_device_that_was_signed_out_of_shows_nothing(session, story, promised, phone, wire):
    job = promised()
    session.execute(update(SignIn).where(SignIn.id == story.resident.session_id).values(ended_at=NOW))
    notices.push(*job)
    assert wire.got == []


def test_a_text_goes_to_the_phone_in_few_letters(session, story, promised, wire):
    job = promised(["sms"])
    notices.text(*job)
    ((to, message, key),) = wire.got
    number = session.scalar(text("select number from reports"))
    assert (to, key) == ("+84900000001", job[1]["notification_id"])
    assert message.body.startswith(f"Hai Gio: tin bao {number} da co ket qua xu ly.")
    assert message.body.isascii()


def test_who_changed_their_mind_gets_no_text(session, story, promised, wire):
    job = promised(["sms"])
    session.execute(update(Person).where(Person.id == story.resident.person_id).values(channels=["inbox"]))
    notices.text(*job)
    assert wire.got == []
    assert standing(session, job[0]) == (True, None)


def test_a_mail_goes_to_the_address_that_staff_gave(session, story, promised, wire):
    session.execute(update(Staff).where(Staff.person_id == story.chair.person_id).values(email="chi@phuong.example"))
    job = promised(["email"], person=story.chair, notice=Notice.CONTESTED)
    notices.email(*job)
    ((to, message, _),) = wire.got
    assert to == "chi@phuong.example"
    assert message.link.startswith("/desk#case/")


def test_where_a_channel_is_not_configured_nothing_is_sent_and_nothing_fails(
    session, settings, database, promised, phone, monkeypatch
):
    nothing = Channels(webpush=None, fcm=None, email=None, gateway=None, webhook=None)
    monkeypatch.setattr(notices, "context", lambda: Context(settings, database, None, nothing))
    job = promised()
    notices.push(*job)
    assert standing(session, job[0]) == (True, None)


@pytest.fixture
def called(session, story):
    """Has a webhook be promised the receipt of a report; tells the webhook, and the arguments of the job."""
    admin = story.district.staff(Role.ADMIN)
    webhook = actions.add_webhook(
        session, url="https://somebody.example/hook", topics=["report.*"], unit_id=None, by=admin.person_id, now=NOW
    )
    report = story.received(note="Bàn ghế choán hết lối đi", address="12/3 Phan Đăng Lưu")
    actions.tell_news(session, report, None, NOW)
    message = session.scalars(select(OutboxMessage).where(OutboxMessage.topic == "webhook.call")).one()
    return webhook, (message.id, message.payload)


def test_a_webhook_is_told_numbers_and_states_and_never_a_place_or_a_word(session, story, called, wire):
    webhook, job = called
    webhooks.call(*job)
    ((to, said, key),) = wire.got
    assert wire.signed == (webhook.id, NOW)
    report = session.execute(text("select id, number from reports")).one()
    assert (to, key) == ("https://somebody.example/hook", job[1]["entry_id"])
    assert said == {
        "type": "report.received",
        "at": NOW,
        "id": str(report.id),
        "number": report.number,
        "state": "received",
        "kind": "SW01",
        "field": "sidewalk",
        "ward": "90001",
        "unit": {"id": story.district.units["90001"], "name": "Phường An"},
        "received_at": "2026-11-23T03:00:00+00:00",
        "due_at": "2026-11-23T05:00:00+00:00",
        "concluded_at": None,
        "outcome": None,
    }
    assert standing(session, job[0]) == (True, None)


def test_a_webhook_that_wants_no_more_is_taken_away_on_record(session, called, wire):
    webhook, job = called
    wire.trouble = Gone("answered 410")
    webhooks.call(*job)
    session.refresh(webhook)
    assert webhook.disabled_at == NOW
    assert standing(session, job[0]) == (True, None)
    wanted = text(
        "select count(*) from audit where action = 'webhook:gone' and actor_id is null and subject = :subject"
    )
    assert session.execute(wanted, {"subject": f"webhook/{webhook.id}"}).scalar_one() == 1


def test_a_webhook_that_was_taken_away_is_not_called(session, called, wire):
    webhook, job = called
    actions.webhook_is_gone(session, webhook.id, NOW)
    webhooks.call(*job)
    assert wire.got == []
    assert standing(session, job[0]) == (True, None)
    assert why_not(session, job[0]) == NOT_WORTH_IT


def test_a_webhook_that_refuses_waits_for_a_person_and_one_that_is_down_comes_again(session, called, wire):
    _, job = called
    wire.trouble = Unreachable("answered 503")
    with pytest.raises(Unreachable):
        webhooks.call(*job)
    wire.trouble = Refused("answered 404")
    webhooks.call(*job)
    assert standing(session, job[0]) == (False, "refused: answered 404")
    assert outbox.done(session, job[0], at=NOW)
