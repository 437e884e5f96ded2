"""What needs a person, from facts alone; and the screen that says so."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from shell import environment_of, run

from app.commands.standing import Facts, Queued, Stored, findings
from app.commands.status import screen
from app.core.outbox import Backlog
from app.http.queues import QueueStanding, WorkerStanding
from app.photos.queries import LastScrub

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
CALM = Backlog(waiting=0, oldest_s=0, unsent=0, oldest_unsent_s=0, again=0, failed=0, later=0, given_up=0)
STORED = Stored(
    relays=1,
    schedules=1,
    leads=True,
    live=1,
    outbox=CALM,
    warnings_late=0,
    rungs_late=0,
    stops_late=0,
    open_cases=40,
    overdue=3,
)
OTHERS = [
    WorkerStanding(name, queues, NOW - timedelta(seconds=1))
    for name, queues in (
        ("c", ("code", "text")),
        ("d", ("photos",)),
        ("e", ("push",)),
        ("f", ("webhook",)),
        ("g", ("blur",)),
    )
]
QUEUED = Queued(
    [QueueStanding("email", 0, 0, 0, 2), QueueStanding("small", 3, 1, 0, 0)],
    [
        WorkerStanding("a", ("email",), NOW - timedelta(seconds=20)),
        WorkerStanding("b", ("small",), NOW - timedelta(seconds=5)),
        *OTHERS,
    ],
)
WELL = Facts(NOW, STORED, QUEUED)


def stored(**changed) -> Facts:
    return replace(WELL, stored=replace(STORED, **changed))


def waiting(**changed) -> Facts:
    return stored(outbox=replace(CALM, **changed))


def queued(queues=QUEUED.queues, workers=QUEUED.workers) -> Facts:
    return replace(WELL, queued=Queued(queues, workers))


def test_all_is_well_also_with_overdue_cases_and_failures_that_are_being_retried():
    assert findings(WELL) == []
    assert findings(waiting(waiting=30, oldest_s=1800, unsent=10, oldest_unsent_s=60, again=5, failed=5)) == []


@pytest.mark.parametrize(
    ("facts", "said", "command"),
    [
        (replace(WELL, stored=None), "PostgreSQL does not answer", "./run"),
        (replace(WELL, queued=None), "Valkey does not answer", "./run"),
        (stored(relays=0), "No relay runs", "python -m workers relay"),
        (stored(schedules=0, leads=False), "No schedule runs", "python -m workers schedule"),
        (queued(workers=[]), "No worker runs", "python -m workers work"),
        (queued(workers=[QUEUED.workers[0], *OTHERS]), "queue small", "python -m workers work"),
        (queued([], []), "No worker runs", "python -m workers work"),
        (queued([], OTHERS[1:]), "queue code, email, small, text.", "python -m workers work"),
        (
            queued(workers=[*QUEUED.workers, *OTHERS][:3]),
            "queue blur, photos, push, webhook.",
            "python -m workers work",
        ),
        (
            queued(workers=[QUEUED.workers[0], WorkerStanding("b", ("small",), NOW - timedelta(seconds=60)), *OTHERS]),
            "queue small",
            "python -m workers work",
        ),
        (
            queued([QueueStanding("email", 5001, 0, 0, 0), QUEUED.queues[1]]),
            "5001 jobs wait in the queue email",
            "python -m workers work email",
        ),
        (waiting(unsent=7, oldest_unsent_s=61), "7 promises are in no queue yet", "tail -n 50 var/log/relay.log"),
        (waiting(waiting=9, oldest_s=1801, failed=4), "9 promises are not kept", "cd var/log; tail -n 50 work.log"),
        (stored(warnings_late=2), "2 warnings that are due", "cd var/log; tail -n 50 work.log"),
        (stored(rungs_late=4), "4 cases are to be warned about", "tail -n 50 var/log/schedule.log"),
        (stored(stops_late=5), "5 clocks were stopped for over 24 h", "tail -n 50 var/log/schedule.log"),
        (replace(WELL, stored=None, clock_wrong=True), "The clock of this machine", "timedatectl timesync-status"),
        (waiting(given_up=3), "3 dead letters", "./haigio dead-letters list"),
        (stored(scrub=LastScrub(NOW, 900, 2, 0)), "2 originals are damaged, 0 missing", "./haigio photos scrub"),
        (stored(scrub=LastScrub(NOW, 900, 0, 1)), "0 originals are damaged, 1 missing", "./haigio photos scrub"),
        (stored(files_late=3), "3 photos were erased over a day ago", "./haigio photos expire"),
        (replace(WELL, calendar_gaps=["office 2028"]), "Holidays are missing: office 2028", "./haigio calendar check"),
    ],
)
def test_what_needs_a_person_is_said_with_the_command_to_begin_with(facts, said, command):
    (found,) = findings(facts)
    assert said in found.sentence("en")
    assert found.sentence("vi") != found.sentence("en")
    assert found.command == command


def test_the_most_urgent_comes_first():
    everything = replace(waiting(given_up=1), queued=None)
    assert [found.command for found in findings(everything)] == ["./run", "./haigio dead-letters list"]


def test_the_screen_is_read_in_vietnamese_and_ends_with_what_to_do():
    facts = replace(stored(relays=0, outbox=replace(CALM, waiting=12, unsent=2, oldest_unsent_s=45, later=1)))
    lines = list(screen(facts, findings(facts), "vi"))
    assert lines[0] == "Hai Giờ · 23/11/2026 10:00:00"
    assert "PostgreSQL hoạt động · Valkey hoạt động" in lines[2]
    assert "relay 0 · schedule 1 (đang giữ nhịp) · live 1" in lines[3]
    assert "12 chưa xong, 2 chưa vào hàng đợi (lâu nhất 45s), 0 gửi lại, 1 hẹn giờ" in lines[4]
    assert "40 đang mở, 3 quá hạn, 0 cảnh báo chưa báo" in lines[6]
    assert lines[7] == "Kho ảnh           chưa đọc lại lần nào (./haigio photos scrub)"
    assert "email    0 chờ, 2 lỗi trong ngày, 1 worker (thấy 20s trước)" in lines[8]
    assert lines[-2] == "  ! Không có relay nào chạy: không việc nào được đưa vào hàng đợi."
    assert lines[-1] == "      python -m workers relay"
    assert len(lines) <= 24, "one screen"


def test_with_a_wrong_clock_nothing_is_said_that_goes_by_the_time():
    facts = replace(queued(workers=[]), stored=None, clock_wrong=True)
    said = "\n".join(screen(facts, findings(facts), "en"))
    assert "PostgreSQL answers · Valkey answers" in said
    assert "The clock of this machine is over 5 s from PostgreSQL's" in said
    assert "No worker" not in said
    assert [found.command for found in findings(replace(facts, queued=None))] == [
        "timedatectl timesync-status",
        "./run",
    ]


def test_the_last_reading_of_the_photo_store_is_on_it():
    facts = stored(scrub=LastScrub(NOW - timedelta(days=2), 41_200, 0, 0))
    assert findings(facts) == []
    assert "Photo store       last read 21/11/2026 10:00: 41200 originals, 0 damaged, 0 missing" in screen(
        facts, [], "en"
    )


def test_when_all_is_well_it_says_so():
    assert list(screen(WELL, [], "vi"))[-1] == "Mọi thứ hoạt động bình thường, không cần làm gì."
    assert list(screen(WELL, [], "en"))[-1] == "All is well, there is nothing to do."


NOWHERE = "postgresql+psycopg://nobody@/none?host=/nowhere"


@pytest.mark.parametrize("down", ["database", "queue", "both"])
def test_it_says_what_is_down_instead_of_failing(database_name, tmp_path, down):
    changed = {}
    if down != "queue":
        changed["HAIGIO_DATABASE_URL"] = NOWHERE
    if down != "database":
        changed["HAIGIO_QUEUE_URL"] = f"unix://{tmp_path}/none"
    said = run(environment_of(database_name, tmp_path), tmp_path, "status", "--english", **changed)
    assert said.returncode == 1, said.stderr
    assert said.stderr == ""
    assert ("PostgreSQL does not answer" in said.stdout) == (down != "queue")
    assert ("Valkey does not answer" in said.stdout) == (down != "database")
    assert ("No relay runs" in said.stdout) == (down == "queue"), "what cannot be known is not claimed"
