"""Dead letters at a terminal."""

import getpass

import pytest
from shell import environment_of, run
from sqlalchemy import text

from app.core import clock, outbox


@pytest.fixture
def haigio(committed, database_name, tmp_path):
    environment = environment_of(database_name, tmp_path)
    return lambda *arguments: run(environment, tmp_path, "dead-letters", *arguments)


@pytest.fixture
def given_up(committed) -> list[int]:
    """Two texts and a call that were given up, in this order."""
    now = clock.now()
    with committed.unit_of_work() as session:
        for topic, payload in (
            ("notice.text", {"notification_id": "n1"}),
            ("notice.text", {"notification_id": "n2"}),
            ("webhook.call", {"webhook_id": 4, "type": "report.moved"}),
        ):
            outbox.emit(session, topic, payload, at=now)
        ids = session.execute(text("select id from outbox order by id")).scalars().all()
        for id_ in ids:
            outbox.give_up(session, id_, f"Refused by the other side ({id_})", at=now)
    return list(ids)


def state(committed) -> dict[int, str]:
    with committed.unit_of_work() as session:
        rows = session.execute(
            text(
                "select id, case when done_at is not null then 'done' when given_up_at is not null then 'given up' "
                "else 'unsent' end as state from outbox"
            )
        )
        return {row.id: row.state for row in rows}


def test_a_table_says_what_when_how_often_why_and_about_what(haigio, given_up):
    said = haigio("list").stdout.splitlines()
    assert said[0].split() == ["id", "topic", "given", "up", "tries", "why", "about"]
    assert len(said) == 4
    assert said[1].split()[:2] == [str(given_up[2]), "webhook.call"]
    assert said[1].endswith(f"Refused by the other side ({given_up[2]})  type=report.moved webhook_id=4")
    assert "notification_id=n1" in said[3]
    of_topic = haigio("list", "--topic", "notice.text", "--limit", "1").stdout.splitlines()
    assert "notification_id=n2" in of_topic[1]
    assert of_topic[2].startswith("... and more")


def test_nothing_is_said_to_be_nothing(haigio):
    assert haigio("list").stdout == "No dead letters.\n"


def test_one_is_tried_again_one_dropped_and_who_did_it_is_written_down(haigio, given_up, committed):
    first, second, third = given_up
    assert haigio("retry", str(first)).stdout == "1 will be tried again within seconds\n"
    assert haigio("drop", str(third)).stdout == "1 dropped\n"
    assert state(committed) == {first: "unsent", second: "given up", third: "done"}
    with committed.unit_of_work() as session:
        left = session.execute(text("select action, subject, data ->> 'terminal' from audit order by id")).all()
    assert [tuple(row) for row in left] == [
        ("dead_letter:retry", f"outbox/{first}", getpass.getuser()),
        ("dead_letter:drop", f"outbox/{third}", getpass.getuser()),
    ]


def test_all_on_a_topic_are_tried_again_at_once(haigio, given_up, committed):
    assert haigio("retry", "--topic", "notice.text").stdout == "2 will be tried again within seconds\n"
    assert state(committed) == {given_up[0]: "unsent", given_up[1]: "unsent", given_up[2]: "given up"}


def test_of_several_all_or_none_is_done(haigio, given_up, committed):
    refused = haigio("retry", str(given_up[0]), "999999")
    assert refused.returncode == 1
    assert "999999" in refused.stderr
    assert set(state(committed).values()) == {"given up"}


@pytest.mark.parametrize("arguments", [["retry"], ["drop"], ["retry", "1", "--topic", "x"], ["drop", "x"]])
def test_wrong_usage_is_told(haigio, arguments):
    assert haigio(*arguments).returncode == 2
