"""A phone that repeats itself, threads, lost queues, killed workers: no report lost, none doubled."""

import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from app.core.db import new_id
from running_copy import PLACES, count, photo

pytestmark = [pytest.mark.xdist_group("journeys"), pytest.mark.timeout(180)]

COURSE = "select count(*) from timeline where report_id = :id and type = :type"


def test_one_report_sent_twenty_times_by_eight_threads_is_one(copy, database_behind):
    resident, report_id = copy.resident(), new_id()

    with ThreadPoolExecutor(8) as threads:
        answers = list(
            threads.map(lambda _: resident.report(PLACES["26929"], report_id=report_id, note="Rác"), range(20))
        )

    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [200] * 19 + [201]
    assert {answer.json()["number"] for answer in answers} == {answers[0].json()["number"]}
    assert count(database_behind, "select count(*) from reports where id = :id", id=report_id) == 1
    assert count(database_behind, COURSE, id=report_id, type="received") == 1
    sent = "select count(*) from outbox where topic = 'report.received' and payload->>'report_id' = :id"
    assert count(database_behind, sent, id=str(report_id)) == 1


def test_a_move_sent_three_times_at_once_is_one(copy, database_behind):
    officer = copy.staff("officer", "26929")
    report_id = copy.resident().report(PLACES["26929"]).json()["id"]
    move = {"to": "accepted", "id": str(new_id())}

    with ThreadPoolExecutor(3) as threads:
        answers = list(threads.map(lambda _: officer.post(f"/reports/{report_id}/moves", move), range(3)))

    assert [(answer.status_code, answer.json()["state"]) for answer in answers] == [(200, "accepted")] * 3
    assert count(database_behind, COURSE, id=report_id, type="accept") == 1


def test_a_queue_that_is_killed_and_deleted_before_the_relay_loses_nothing(copy, database_behind):
    resident = copy.resident()
    copy.kill("relay")
    reports = [resident.report(PLACES["26929"]).json()["id"] for _ in range(5)]
    shas = [resident.send_photo(report_id, photo(100 + i))[0] for i, report_id in enumerate(reports)]

    copy.forget_queue()
    copy.start("relay")

    def all_ready():
        ready = "select count(*) from photos where sha256 = any(:shas) and state = 'ready'"
        return count(database_behind, ready, shas=shas) == 5

    copy.wait_until(all_ready, seconds=60)
    waiting = "select count(*) from outbox where done_at is null and payload->>'report_id' = any(:ids)"
    copy.wait_until(lambda: count(database_behind, waiting, ids=reports) == 0, seconds=30)


def test_a_queue_that_is_deleted_after_the_relay_loses_nothing_either(copy, database_behind):
    resident = copy.resident()
    copy.kill("worker")
    report_id = resident.report(PLACES["26929"]).json()["id"]
    sha256, _ = resident.send_photo(report_id, photo(200))
    sent = "select count(*) from outbox where sent_at is not null and payload->>'sha256' = :sha"
    copy.wait_until(lambda: count(database_behind, sent, sha=sha256) == 1)

    copy.forget_queue()
    copy.start("worker")

    ready = "select count(*) from photos where sha256 = :sha and state = 'ready'"
    copy.wait_until(lambda: count(database_behind, ready, sha=sha256) == 1, seconds=60)


def test_a_worker_killed_inside_a_photo_job_gives_the_photo_once(copy, database_behind):
    resident = copy.resident()
    report_id = resident.report(PLACES["26929"]).json()["id"]
    large = photo(300, size=(6000, 4500))
    sha256, _ = resident.send_photo(report_id, large)
    started = time.monotonic()
    time.sleep(0.4)  # in the queue, being fetched or being worked on: none of it may matter

    copy.kill("worker")
    copy.start("worker")

    ready = "select count(*) from photos where sha256 = :sha and state = 'ready'"
    copy.wait_until(lambda: count(database_behind, ready, sha=sha256) == 1, seconds=60)
    assert time.monotonic() - started < 45
    done = "select count(*) from outbox where topic = 'photo.received' and payload->>'sha256' = :sha and done_at is not null"
    copy.wait_until(lambda: count(database_behind, done, sha=sha256) == 1)
    shown = resident.get(f"/reports/{report_id}").json()["photos"]
    assert [(one["sha256"], one["state"]) for one in shown] == [(sha256, "ready")]


def test_phones_that_fall_silent_in_the_middle_of_a_photo_keep_nobody_waiting(copy):
    resident = copy.resident()
    report_id = resident.report(PLACES["26929"]).json()["id"]
    head = (
        f"PUT /api/v1/reports/{report_id}/photos/{'a' * 64} HTTP/1.1\r\nHost: here\r\nContent-Length: 3000000\r\n"
        f"Authorization: {resident.http.headers['Authorization']}\r\n\r\n"
    ).encode()

    with ExitStack() as silent:
        for _ in range(24):
            phone = silent.enter_context(socket.create_connection(("127.0.0.1", copy.port), timeout=5))
            phone.sendall(head + photo(1)[:1000])
        time.sleep(0.5)
        assert resident.get("/reports", timeout=15).status_code == 200
