"""Words that cannot be made hold up nothing else, are seen by a person, and are sent when they are mended."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from sqlalchemy import text
from town import children_of

from app.core.db import new_id
from databases import ROOT
from running_copy import PLACES

pytestmark = pytest.mark.timeout(240)

QUESTION, RESULT = "vui long bo sung", "da co ket qua"


@contextmanager
def only_broken_workers(town) -> Iterator[None]:
    """The town's own workers are gone, and not started again; those of a broken release work instead."""
    own, script = town.pids("work"), Path(__file__).with_name("broken_template.py")
    for pid in own:
        os.kill(pid, signal.SIGSTOP)
        for child in children_of(pid):  # a worker that only stood still would be given jobs
            os.kill(child, signal.SIGKILL)
    with (town.folder / "log" / "broken.log").open("ab") as log:
        broken = subprocess.Popen(
            [sys.executable, str(script)],
            cwd=ROOT,
            env=town.environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            os.killpg(broken.pid, signal.SIGKILL)
        broken.wait()
        for pid in own:  # what they had taken was given to others meanwhile; the supervisor starts new ones
            os.killpg(pid, signal.SIGKILL)


def haigio(town, *arguments: str) -> str:
    command = [sys.executable, "-m", "app.commands", *arguments]
    return subprocess.run(command, cwd=ROOT, env=town.environment, capture_output=True, text=True, check=True).stdout


def test_words_that_cannot_be_made_are_given_up_seen_and_sent_later(town, street, behind):
    officer, resident = street.officers["26929"], street.shown_code("10.4.0.1", 1)
    assert resident.send("entry", "PATCH", "/me", json={"channels": ["inbox", "sms"]}) is not None

    def texts(words: str) -> list[str]:
        came = [one for key in list(town.gateway.came) for one in town.gateway.texts(key)]
        return [said for to, said, _ in came if to.endswith(resident.number[1:]) and words in said]

    def reported(*moves: dict[str, str]) -> None:
        body = {"id": str(new_id()), "kind": "EN08", "location": PLACES["26929"]}
        assert resident.send("report", "POST", "/reports", json=body) is not None
        for move in moves:
            given = {"id": str(new_id()), **move}
            assert officer.send("move", "POST", f"/reports/{body['id']}/moves", json=given) is not None

    def given_up() -> int:
        with behind.connect() as connection:
            asked = "select count(*) from outbox where given_up_at is not null and done_at is null and topic = 'notice.text'"
            return connection.execute(text(asked)).scalar_one()

    with only_broken_workers(town):
        reported({"to": "accepted"}, {"to": "awaiting_resident", "question": "Nhà số mấy?"})
        reported({"to": "accepted"}, {"to": "concluded", "outcome": "gone", "note": "Đã dọn"})
        town.wait_until(lambda: given_up() == 1, 90, "the words are given up")
        town.wait_until(lambda: texts(RESULT), 60, "another notice goes out all the same")
        assert street.resident("10.4.0.2", 2) is not None  # with a code that came as a text
        assert not texts(QUESTION)

    seen = haigio(town, "dead-letters", "list")
    assert "notice.text" in seen
    assert "template failed" in seen
    haigio(town, "dead-letters", "retry", "--topic", "notice.text")
    town.wait_until(lambda: texts(QUESTION), 60, "sent by workers that know the words")
    assert (len(texts(QUESTION)), len(texts(RESULT)), given_up()) == (1, 1, 0)
