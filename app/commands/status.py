"""`haigio status`: how the service stands, on one screen, with what to do at the end."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from app.commands.place import Place
from app.commands.standing import Facts, Finding, Queued, Stored, alive, findings
from app.core import clock, outbox
from app.core.clock import ClockWrong
from app.core.errors import Language
from app.http import queues
from app.photos import queries as photos
from app.photos.queries import LastScrub
from app.reports import queries
from app.targets import queries as targets
from app.targets.stopwatch import LONGEST_STOP
from geo.validity import LOCAL_ZONE

# A sweep comes every second, or every ten.
IS_LATE = timedelta(seconds=60)

_PROCESSES = """
select count(*) filter (where application_name = 'haigio relay') as relays,
    count(*) filter (where application_name = 'haigio schedule') as schedules,
    count(*) filter (where application_name = 'haigio live') as live,
    coalesce(bool_or(application_name = 'haigio schedule' and exists (
        select from pg_locks l where l.pid = a.pid and l.locktype = 'advisory' and l.granted)), false) as leads
from pg_stat_activity a where datname = current_database()
"""


def gather(place: Place, now: datetime) -> Facts:
    """Ask both stores; one that does not answer is left out."""
    stored, queued, clock_wrong = None, None, False
    gaps: list[str] = []
    try:
        with place.database.unit_of_work() as session:
            session.execute(text("set local statement_timeout = '5s'"))
            stored = _stored(session, now)
            lacking = targets.gaps(session, place.settings.city_id, now)
            gaps = [f"{gap.calendar_code} {', '.join(map(str, gap.years))}" for gap in lacking]
    except SQLAlchemyError:
        pass
    except ClockWrong:
        clock_wrong = True
    try:
        with queues.connect(place.settings.queue_url) as connection:
            queued = Queued(*queues.standing(connection))
    except RedisError:
        pass
    return Facts(now, stored, queued, gaps, clock_wrong=clock_wrong)


def _stored(session: Session, now: datetime) -> Stored:
    processes = session.execute(text(_PROCESSES)).one()
    return Stored(
        relays=processes.relays,
        schedules=processes.schedules,
        leads=processes.leads,
        live=processes.live,
        outbox=outbox.backlog(session, now),
        warnings_late=outbox.late(session, "report.warned", before=now - IS_LATE),
        rungs_late=queries.count_unwarned(session, before=now - IS_LATE),
        stops_late=queries.count_stopped(session, before=now - IS_LATE - LONGEST_STOP),
        open_cases=sum(queries.count_open(session).values()),
        overdue=queries.count_overdue(session, now),
        scrub=photos.last_scrub(session),
        files_late=photos.count_undeleted(session, before=now - timedelta(days=1)),
    )


def status(place: Place, language: Language) -> tuple[str, bool]:
    """The screen, and whether something on it needs a person."""
    facts = gather(place, clock.now())
    found = findings(facts)
    return "\n".join(screen(facts, found, language)), bool(found)


def screen(facts: Facts, found: Sequence[Finding], language: Language) -> Iterator[str]:
    """The lines of the screen."""
    words = _WORDS[language]
    yield f"Hai Giờ · {facts.now.astimezone(LOCAL_ZONE):%d/%m/%Y %H:%M:%S}"
    yield ""
    answers = (facts.stored is not None or facts.clock_wrong, facts.queued is not None)
    up = [words["yes"] if answered else words["no"] for answered in answers]
    yield _line(words["stores"], f"PostgreSQL {up[0]} · Valkey {up[1]}")
    if facts.stored is not None:
        yield from _of_database(facts.stored, words)
    if facts.queued is not None:
        yield from _of_queues(facts.queued, facts.now, words)
    yield ""
    if not found:
        yield words["well"]
        return
    yield words["to do"]
    for finding in found:
        yield f"  ! {finding.sentence(language)}"
        yield f"      {finding.command}"


def _of_database(stored: Stored, words: dict[str, str]) -> Iterator[str]:
    leads = words["leads"] if stored.leads else words["leads not"]
    live = str(stored.live) if stored.live else f"0 ({words['polls']})"
    yield _line(words["processes"], f"relay {stored.relays} · schedule {stored.schedules} ({leads}) · live {live}")
    box = stored.outbox
    yield _line(
        words["outbox"],
        words["outbox line"].format(
            waiting=box.waiting, unsent=box.unsent, oldest=_age(box.oldest_unsent_s), again=box.again, later=box.later
        ),
    )
    yield _line(words["dead"], str(box.given_up))
    yield _line(
        words["cases"],
        words["cases line"].format(
            open=stored.open_cases, overdue=stored.overdue, late=stored.rungs_late + stored.warnings_late
        ),
    )
    yield _line(words["photos"], _of_scrub(stored.scrub, words))


def _of_scrub(scrub: LastScrub | None, words: dict[str, str]) -> str:
    if scrub is None:
        return words["never scrubbed"]
    at = f"{scrub.at.astimezone(LOCAL_ZONE):%d/%m/%Y %H:%M}"
    told = words["scrubbed"]
    return told.format(at=at, originals=scrub.originals, damaged=scrub.damaged, missing=scrub.missing)


def _of_queues(queued: Queued, now: datetime, words: dict[str, str]) -> Iterator[str]:
    living = [worker for worker in queued.workers if alive(worker, now)]
    head = words["queues"]
    for queue in queued.queues:
        of_it = [worker for worker in living if queue.name in worker.queues]
        seen = max((worker.seen_at for worker in of_it), default=None)
        ago = words["seen"].format(ago=_age((now - seen).total_seconds())) if seen else words["nobody"]
        told = words["queue line"].format(
            name=queue.name, depth=queue.depth, failed=queue.failed, workers=len(of_it), seen=ago
        )
        yield _line(head, told)
        head = ""
    if not queued.queues:
        yield _line(head, words["nobody"])


def _line(head: str, told: str) -> str:
    return f"{head:<18}{told}"


def _age(seconds: float) -> str:
    """So many seconds for people: 45s, 12m, 3h05m."""
    whole = max(int(seconds), 0)
    if whole < 60:
        return f"{whole}s"
    return f"{whole // 60}m" if whole < 3600 else f"{whole // 3600}h{whole // 60 % 60:02d}m"


_WORDS: dict[Language, dict[str, str]] = {
    "vi": {
        "stores": "Kho dữ liệu",
        "yes": "hoạt động",
        "no": "KHÔNG TRẢ LỜI",
        "processes": "Tiến trình",
        "leads": "đang giữ nhịp",
        "leads not": "không ai giữ nhịp",
        "polls": "bàn xử lý tự hỏi lại",
        "outbox": "Việc chờ gửi",
        "outbox line": "{waiting} chưa xong, {unsent} chưa vào hàng đợi (lâu nhất {oldest}), {again} gửi lại, {later} hẹn giờ",
        "dead": "Việc tồn đọng",
        "cases": "Hồ sơ",
        "cases line": "{open} đang mở, {overdue} quá hạn, {late} cảnh báo chưa báo",
        "photos": "Kho ảnh",
        "scrubbed": "đọc lại lần cuối {at}: {originals} ảnh gốc, {damaged} hỏng, {missing} mất",
        "never scrubbed": "chưa đọc lại lần nào (./haigio photos scrub)",
        "queues": "Hàng đợi",
        "queue line": "{name:<8} {depth} chờ, {failed} lỗi trong ngày, {workers} worker{seen}",
        "seen": " (thấy {ago} trước)",
        "nobody": "",
        "well": "Mọi thứ hoạt động bình thường, không cần làm gì.",
        "to do": "Cần làm:",
    },
    "en": {
        "stores": "Stores",
        "yes": "answers",
        "no": "DOES NOT ANSWER",
        "processes": "Processes",
        "leads": "holds the lock",
        "leads not": "nobody holds the lock",
        "polls": "desks poll",
        "outbox": "Outbox",
        "outbox line": "{waiting} not kept, {unsent} in no queue yet (oldest {oldest}), {again} sent again, {later} to come",
        "dead": "Dead letters",
        "cases": "Cases",
        "cases line": "{open} open, {overdue} overdue, {late} warnings not told",
        "photos": "Photo store",
        "scrubbed": "last read {at}: {originals} originals, {damaged} damaged, {missing} missing",
        "never scrubbed": "never read again yet (./haigio photos scrub)",
        "queues": "Queues",
        "queue line": "{name:<8} {depth} waiting, {failed} failed within a day, {workers} workers{seen}",
        "seen": " (seen {ago} ago)",
        "nobody": "",
        "well": "All is well, there is nothing to do.",
        "to do": "To do:",
    },
}
