"""When a promise may be kept, when it is given up, and what a person then does with it."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import create_engine, select, text
from sqlalchemy.orm import Session

from app.core import dead_letters, outbox
from app.core.audit import AuditEntry
from app.core.dead_letters import DeadLetterNotFound
from app.core.outbox import OutboxMessage
from databases import url_of

NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
MORNING = NOW + timedelta(hours=9)
SOMEBODY = UUID(int=7)


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


@pytest.fixture
def emit(session):
    """Promises something; returns its row."""

    def make(topic="tea.wanted", *, at=NOW, not_before=None) -> OutboxMessage:
        outbox.emit(session, topic, {"pot_id": 1}, at=at, not_before=not_before)
        return session.scalars(select(OutboxMessage).order_by(OutboxMessage.id.desc()).limit(1)).one()

    return make


@pytest.fixture
def given_up(session, emit):
    """A promise that was handed over eight times and then given up, at an instant."""

    def make(at, topic="tea.wanted") -> OutboxMessage:
        message = emit(topic, at=at - minutes(60))
        message.sent_at, message.sends, message.failed, message.given_up_at = at - minutes(5), 8, "send 8: OSError", at
        session.flush()
        return message

    return make


def unsent(session, now, limit=10) -> list[int]:
    return [message.id for message in outbox.unsent(session, ["tea.wanted"], limit, now=now)]


def test_a_promise_for_later_is_left_until_its_time(session, emit):
    later, now = emit(not_before=MORNING), emit()
    assert unsent(session, NOW) == [now.id]
    assert unsent(session, MORNING - minutes(1)) == [now.id]
    assert unsent(session, MORNING) == [now.id, later.id]


def test_what_never_had_to_wait_comes_first_and_what_waited_by_its_time(session, emit):
    third, second, first = emit(not_before=MORNING), emit(not_before=NOW), emit(at=MORNING)
    assert unsent(session, MORNING) == [first.id, second.id, third.id]
    assert unsent(session, MORNING, limit=2) == [first.id, second.id]
    assert unsent(session, MORNING, limit=1) == [first.id]


def test_waiting_for_its_time_is_neither_age_nor_backlog(session, emit):
    emit(not_before=MORNING)
    before, after = outbox.backlog(session, NOW + minutes(30)), outbox.backlog(session, MORNING + minutes(2))
    assert (before.waiting, before.unsent, before.oldest_s, before.oldest_unsent_s, before.later) == (0, 0, 0, 0, 1)
    assert (after.waiting, after.unsent, after.oldest_s, after.oldest_unsent_s, after.later) == (1, 1, 120, 120, 0)


def test_the_backlog_tells_apart_what_was_sent_what_failed_and_what_was_given_up(session, emit, given_up):
    emit(at=NOW - minutes(1))
    sent, again, kept = emit(at=NOW - minutes(10)), emit(at=NOW - minutes(4)), emit(at=NOW - minutes(90))
    outbox.mark_sent(session, [sent.id, again.id, kept.id], at=NOW - minutes(4))
    outbox.mark_sent(session, [again.id], at=NOW - minutes(2))
    session.execute(text("update outbox set failed = 'send 1: OSError' where id = :id"), {"id": again.id})
    outbox.done(session, kept.id, at=NOW)
    given_up(NOW - minutes(200))
    assert outbox.backlog(session, NOW) == outbox.Backlog(
        waiting=3,
        oldest_s=600,
        unsent=1,
        oldest_unsent_s=60,
        again=1,
        failed=1,
        later=0,
        given_up=1,
        by_topic={"tea.wanted": 3},
    )


def test_what_waits_is_told_by_topic(session, emit, given_up):
    emit(), emit("coffee.wanted"), emit("coffee.wanted", not_before=NOW), emit("coffee.wanted", not_before=MORNING)
    given_up(NOW)
    assert outbox.backlog(session, NOW).by_topic == {"tea.wanted": 1, "coffee.wanted": 2}


def test_late_is_what_could_have_been_kept_before_an_instant(session, emit, given_up):
    emit(at=NOW - minutes(2)), emit(at=NOW - minutes(1)), emit("coffee.wanted", at=NOW - minutes(2))
    emit(at=NOW - minutes(5), not_before=NOW - minutes(3)), emit(at=NOW - minutes(5), not_before=NOW)
    given_up(NOW - minutes(3))
    assert outbox.late(session, "tea.wanted", before=NOW - minutes(1)) == 2


def test_a_topic_that_nobody_knows_is_seen_before_its_time(session, emit):
    emit("newer", not_before=MORNING)
    emit("newer")
    emit()
    assert outbox.strangers(session, ["tea.wanted"]) == {"newer": 2}


def test_what_was_given_up_is_not_sent_and_not_looked_after(session, emit):
    message = emit()
    outbox.mark_sent(session, [message.id], at=NOW)
    assert outbox.give_up(session, message.id, "address is no more", at=NOW) is True
    assert outbox.give_up(session, message.id, "another reason", at=NOW + minutes(1)) is False
    session.refresh(message)
    assert (message.given_up_at, message.failed, message.done_at) == (NOW, "address is no more", None)
    start = (datetime.min.replace(tzinfo=UTC), 0)
    assert list(outbox.outstanding(session, before=MORNING, after=start, limit=10)) == []
    assert unsent(session, MORNING) == []


def test_a_promise_that_was_kept_cannot_be_given_up(session, emit):
    message = emit()
    outbox.done(session, message.id, at=NOW)
    assert outbox.give_up(session, message.id, "too late", at=NOW) is False


def test_a_job_that_succeeds_after_all_keeps_what_was_given_up(session, given_up):
    message = given_up(NOW)
    assert outbox.done(session, message.id, at=NOW + minutes(1)) is True
    session.refresh(message)
    assert (message.given_up_at, message.failed) == (None, None)
    assert list(dead_letters.dead_letters(session, 10)) == []


def test_dead_letters_are_read_last_first_page_by_page(session, given_up, emit):
    emit()
    first, second, third = given_up(NOW), given_up(NOW + minutes(1)), given_up(NOW + minutes(1), "coffee.wanted")
    assert [one.id for one in dead_letters.dead_letters(session, 2)] == [third.id, second.id]
    after = dead_letters.dead_letters(session, 2, (NOW + minutes(1), second.id))
    assert [one.id for one in after] == [first.id]
    of_topic = dead_letters.dead_letters(session, 5, topic="coffee.wanted")
    assert [one.id for one in of_topic] == [third.id]


def trace(session) -> AuditEntry:
    return session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1)).one()


def test_tried_again_it_is_as_good_as_new_and_says_who_wanted_it(session, given_up):
    message = given_up(NOW)
    dead_letters.retry(session, message.id, at=MORNING, by=SOMEBODY)
    session.flush()
    assert (message.sent_at, message.sends, message.given_up_at, message.done_at) == (None, 0, None, None)
    assert unsent(session, MORNING) == [message.id]
    left = trace(session)
    assert (left.actor_id, left.action, left.subject) == (SOMEBODY, "dead_letter:retry", f"outbox/{message.id}")
    assert left.data == {"topic": "tea.wanted", "sends": 8, "failed": "send 8: OSError"}


def test_a_promise_given_up_before_its_time_is_tried_again_at_once(session, emit):
    message = emit(not_before=MORNING)
    outbox.give_up(session, message.id, "why wait", at=NOW)
    dead_letters.retry(session, message.id, at=NOW, by=SOMEBODY)
    session.flush()
    assert unsent(session, NOW) == [message.id]


def test_dropped_it_is_done_and_still_says_why_it_failed(session, given_up):
    message = given_up(NOW)
    dead_letters.drop(session, message.id, at=MORNING, by=None, terminal="root")
    session.flush()
    assert (message.done_at, message.failed) == (MORNING, "send 8: OSError")
    assert list(dead_letters.dead_letters(session, 10)) == []
    left = trace(session)
    assert (left.actor_id, left.action, left.data["terminal"]) == (None, "dead_letter:drop", "root")


@pytest.mark.parametrize("act", [dead_letters.retry, dead_letters.drop])
def test_only_what_was_given_up_can_be_tried_again_or_dropped_and_only_once(session, emit, given_up, act):
    with pytest.raises(DeadLetterNotFound):
        act(session, emit().id, at=NOW, by=SOMEBODY)
    message = given_up(NOW)
    act(session, message.id, at=NOW, by=SOMEBODY)
    session.flush()
    with pytest.raises(DeadLetterNotFound):
        act(session, message.id, at=NOW, by=SOMEBODY)


# What the relay asks for over and over, and the index that must answer however many rows are done, to come or given up.
PLANS = {
    "unsent": lambda session: outbox.unsent(session, ["tea.wanted"], 10, now=NOW),
    "outstanding": lambda session: outbox.outstanding(
        session, before=NOW, after=(datetime.min.replace(tzinfo=UTC), 0), limit=10
    ),
    "backlog": lambda session: outbox.backlog(session, NOW),
    "strangers": lambda session: outbox.strangers(session, ["tea.wanted"]),
    "late": lambda session: outbox.late(session, "tea.wanted", before=NOW),
    "dead letters": lambda session: dead_letters.dead_letters(session, 10),
}


@pytest.fixture
def crowd(database_name):
    """A session in which the outbox holds 5,000 promises, and neither other rows nor what other tests left dead.

    As the owner: another role may neither truncate nor analyze, and of the latter PostgreSQL only gives a notice.
    """
    owner = create_engine(url_of("HAIGIO_OWNER_DATABASE_URL", database_name))

    def fill(done: str) -> Session:
        session.execute(text("truncate outbox"))
        session.execute(
            text(
                "insert into outbox (topic, payload, at, sent_at, sends, done_at) "
                f"select 'tea.wanted', '{{}}', :now, :now, 1, {done} from generate_series(1, 5000) as n"
            ),
            {"now": NOW},
        )
        return session

    with Session(owner) as session:
        yield fill
        session.rollback()
    owner.dispose()


@pytest.mark.parametrize("question", PLANS)
def test_no_question_of_the_relay_reads_the_rows_that_are_done(crowd, question):
    session = crowd(done=":now")
    session.execute(text("analyze outbox"))
    before = _rows_read(session)
    PLANS[question](session)
    assert _rows_read(session) - before < 10


def test_forgetting_reads_no_more_than_it_forgets(crowd):
    session = crowd(done="case when n % 2 = 0 then cast(:now as timestamptz) end")
    session.execute(
        text("update outbox set done_at = :old where id in (select id from outbox order by id limit 3)"),
        {"old": NOW - minutes(1)},
    )
    session.execute(text("analyze outbox"))
    before = _rows_read(session)
    assert [outbox.forget_done(session, before=NOW, limit=2) for _ in range(3)] == [2, 1, 0]
    assert _rows_read(session) - before < 20


def _rows_read(session) -> int:
    row = session.execute(
        text("select seq_tup_read + idx_tup_fetch from pg_stat_xact_user_tables where relname = 'outbox'")
    )
    return row.scalar_one()
