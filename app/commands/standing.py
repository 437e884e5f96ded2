"""How the service stands, and what of it needs a person: decided from facts alone, whoever gathered them.

The thresholds are those of docs/operations.md.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from app.core.errors import Language
from app.core.outbox import Backlog
from app.http.queues import EXPECTED, QueueStanding, WorkerStanding
from app.photos.queries import LastScrub

# The relay hands over within milliseconds, and looks every two seconds on its own.
UNSENT_TOO_LONG_S: Final = 60

# A job that fails is tried again by the queue for some four minutes, then by the relay; this is past both.
WAITING_TOO_LONG_S: Final = 30 * 60

# A worker that waits for work says so every 20 seconds.
WORKER_IS_GONE: Final = timedelta(seconds=60)

# More than a worker does in a minute: another one would help.
QUEUE_TOO_LONG: Final = 5000


@dataclass(frozen=True, slots=True)
class Stored:
    """What the database knows. Processes are counted by the name that each gives its connection."""

    relays: int
    schedules: int
    leads: bool  # one of the schedules holds the lock
    live: int
    outbox: Backlog
    warnings_late: int  # due rungs that were written down and have not been told for a minute
    rungs_late: int  # cases that reached a rung over a minute ago, which was not written down
    stops_late: int  # cases whose clock should have run again for over a minute
    open_cases: int
    overdue: int
    scrub: LastScrub | None = None  # the last time that the photo store was read
    files_late: int = 0  # photos that were erased over a day ago and still lie in the store


@dataclass(frozen=True, slots=True)
class Queued:
    """What the queues' server knows."""

    queues: Sequence[QueueStanding]
    workers: Sequence[WorkerStanding]


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that could be found out; a store that does not answer is None.

    With a wrong clock nothing can be said of the database, nor how old anything is: its figures are left out.
    """

    now: datetime
    stored: Stored | None
    queued: Queued | None
    calendar_gaps: Sequence[str] = ()  # the calendars and years that are missing, as `calendar check` names them
    clock_wrong: bool = False  # this machine's clock is not the database's


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that a person must see to, in both languages, and the command to begin with."""

    vi: str
    en: str
    command: str

    def sentence(self, language: Language) -> str:
        """What is wrong."""
        return self.vi if language == "vi" else self.en


def findings(facts: Facts) -> Sequence[Finding]:
    """What needs a person, the most urgent first; nothing when all is well."""
    if facts.clock_wrong:  # every other finding goes by the time
        return list(_of_stores(facts))
    return [
        *_of_stores(facts),
        *_of_processes(facts),
        *_of_cases(facts),
        *_of_promises(facts),
        *_of_photos(facts),
        *_of_calendars(facts),
    ]


def alive(worker: WorkerStanding, now: datetime) -> bool:
    """Whether a registered worker gave a sign of life lately."""
    return now - worker.seen_at < WORKER_IS_GONE


def _of_stores(facts: Facts) -> Iterator[Finding]:
    if facts.clock_wrong:
        yield Finding(
            "Đồng hồ của máy này lệch với PostgreSQL quá 5 giây: không tin nào được nhận. Kiểm tra dịch vụ giờ.",
            "The clock of this machine is over 5 s from PostgreSQL's: nothing is taken in. Check the time service.",
            "timedatectl timesync-status",
        )
    elif facts.stored is None:
        yield Finding(
            "PostgreSQL không trả lời: người dân không gửi được tin. Khởi động lại ngay; tin đã nhận không mất.",
            "PostgreSQL does not answer: nobody can report. Start it now; what was received is not lost.",
            "./run",
        )
    if facts.queued is None:
        yield Finding(
            "Valkey không trả lời: tin vẫn được nhận, nhưng thông báo và ảnh phải chờ. Khởi động lại.",
            "Valkey does not answer: reports are taken in, but notices and photos wait. Start it.",
            "./run",
        )


def _of_processes(facts: Facts) -> Iterator[Finding]:
    stored, queued = facts.stored, facts.queued
    if stored is not None and stored.relays == 0:
        yield Finding(
            "Không có relay nào chạy: không việc nào được đưa vào hàng đợi.",
            "No relay runs: nothing is handed to the queues.",
            "python -m workers relay",
        )
    if stored is not None and not stored.leads:
        yield Finding(
            "Không có schedule nào chạy: không ai nhắc hạn, không hồ sơ nào tự kết thúc.",
            "No schedule runs: nobody is warned, and nothing ends by itself.",
            "python -m workers schedule",
        )
    if queued is not None:
        at_work = {queue for worker in queued.workers if alive(worker, facts.now) for queue in worker.queues}
        idle = sorted({*EXPECTED, *(queue.name for queue in queued.queues)} - at_work)
        if idle:
            names = ", ".join(idle)
            yield Finding(
                f"Không có worker nào nhận việc của hàng đợi {names}." if at_work else "Không có worker nào chạy.",
                f"No worker takes the jobs of the queue {names}." if at_work else "No worker runs.",
                "python -m workers work",
            )


def _of_cases(facts: Facts) -> Iterator[Finding]:
    """What the schedule should have done: also one that runs may do nothing, over a case that it cannot get past."""
    if facts.stored is not None and facts.stored.rungs_late:
        yield Finding(
            f"{facts.stored.rungs_late} hồ sơ đã đến mốc nhắc hạn mà chưa được nhắc: lượt nhắc không chạy hoặc bị lỗi.",
            f"{facts.stored.rungs_late} cases are to be warned about and were not: the sweep does not run, or fails.",
            "tail -n 50 var/log/schedule.log",
        )
    if facts.stored is not None and facts.stored.stops_late:
        yield Finding(
            f"{facts.stored.stops_late} hồ sơ chờ người dân quá 24 giờ mà đồng hồ chưa chạy lại: lượt này không chạy "
            "hoặc bị lỗi.",
            f"{facts.stored.stops_late} clocks were stopped for over 24 h and do not run again: the sweep does not run, "
            "or fails.",
            "tail -n 50 var/log/schedule.log",
        )


def _of_promises(facts: Facts) -> Iterator[Finding]:
    for queue in facts.queued.queues if facts.queued is not None else ():
        if queue.depth > QUEUE_TOO_LONG:
            yield Finding(
                f"Hàng đợi {queue.name} có {queue.depth} việc đang chờ: chạy thêm worker.",
                f"{queue.depth} jobs wait in the queue {queue.name}: another worker helps.",
                f"python -m workers work {queue.name}",
            )
    if facts.stored is None:
        return
    outbox = facts.stored.outbox
    if outbox.oldest_unsent_s > UNSENT_TOO_LONG_S:
        minutes = int(outbox.oldest_unsent_s // 60)
        yield Finding(
            f"{outbox.unsent} việc chưa vào hàng đợi, lâu nhất {minutes} phút: xem nhật ký của relay.",
            f"{outbox.unsent} promises are in no queue yet, the oldest for {minutes} min: read the relay's log.",
            "tail -n 50 var/log/relay.log",
        )
    elif outbox.oldest_s > WAITING_TOO_LONG_S:
        minutes = int(outbox.oldest_s // 60)
        yield Finding(
            f"{outbox.waiting} việc chưa xong, lâu nhất {minutes} phút, {outbox.failed} đã gặp lỗi: xem nhật ký của worker.",
            f"{outbox.waiting} promises are not kept, the oldest for {minutes} min; {outbox.failed} failed: "
            "read the workers' log.",
            "cd var/log; tail -n 50 work.log",
        )
    if facts.stored.warnings_late:
        yield Finding(
            f"{facts.stored.warnings_late} cảnh báo đến hạn chưa báo cho ai: xem nhật ký của worker.",
            f"{facts.stored.warnings_late} warnings that are due have been told to nobody: read the workers' log.",
            "cd var/log; tail -n 50 work.log",
        )
    if outbox.given_up:
        yield Finding(
            f"{outbox.given_up} việc tồn đọng đã ngừng gửi: xem vì sao, rồi gửi lại (retry) hoặc bỏ (drop).",
            f"{outbox.given_up} dead letters: see why, then try them again (retry) or drop them.",
            "./haigio dead-letters list",
        )


def _of_photos(facts: Facts) -> Iterator[Finding]:
    stored = facts.stored
    if stored is None:
        return
    if stored.scrub is not None and (stored.scrub.damaged or stored.scrub.missing):
        damaged, missing = stored.scrub.damaged, stored.scrub.missing
        yield Finding(
            f"Kho ảnh: {damaged} ảnh gốc bị hỏng, {missing} ảnh gốc bị mất. Khôi phục từ bản sao lưu rồi kiểm tra lại.",
            f"Photo store: {damaged} originals are damaged, {missing} missing. Restore them from a backup, then look again.",
            "./haigio photos scrub",
        )
    if stored.files_late:
        yield Finding(
            f"{stored.files_late} ảnh đã xóa hơn một ngày mà tệp vẫn còn trong kho: lượt xóa không chạy hoặc bị lỗi.",
            f"{stored.files_late} photos were erased over a day ago and still lie in the store: the sweep does not run, "
            "or fails.",
            "./haigio photos expire",
        )


def _of_calendars(facts: Facts) -> Iterator[Finding]:
    if facts.calendar_gaps:
        names = ", ".join(facts.calendar_gaps)
        yield Finding(
            f"Thiếu lịch ngày nghỉ: {names}. Hạn xử lý của các năm này không tính được.",
            f"Holidays are missing: {names}. No due time can be told in these years.",
            "./haigio calendar check",
        )
