"""Staff, what they act for, and what becomes of both when asked for again."""

from datetime import UTC, date, datetime, timedelta

from sqlalchemy import select

from app.core.audit import AuditEntry
from app.identity import actions, queries
from app.identity.actions import SignedIn
from app.identity.models import Membership, Staff
from app.identity.permissions import Acting, Role

# 20:00 UTC on the first is already the second in Hồ Chí Minh City.
NOW = datetime(2026, 11, 1, 20, 0, tzinfo=UTC)
TODAY = date(2026, 11, 2)


def register(session, memberships, *, password="mật khẩu một", name="Trần Văn Minh", username="minh", now=NOW):
    return actions.register_staff(
        session, username=username, name=name, password=password, memberships=memberships, now=now
    )


def sign_in(session, password="mật khẩu một") -> SignedIn:
    return actions.sign_in_staff(session, "minh", password, None, address_tag=b"here", now=NOW)


def acting(session, signed_in: SignedIn, on: date = TODAY) -> set[Acting] | None:
    actor = queries.actor_of(session, person_id=signed_in.person_id, session_id=signed_in.session_id, on=on)
    return None if actor is None else set(actor.memberships)


def rows(session):
    return session.execute(
        select(Membership.role, Membership.unit_id, Membership.valid_from, Membership.valid_to)
    ).all()


def traces(session):
    return list(session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)))


def test_memberships_begin_on_the_local_day(session, district):
    unit = district.units["90001"]
    register(session, [(Role.OFFICER, unit)])
    assert rows(session) == [("officer", unit, TODAY, None)]


def test_asked_for_again_nothing_changes_and_nothing_is_written_down(session, district):
    wanted = [(Role.CHAIR, district.units["90001"]), (Role.LEADER, None)]
    person = register(session, wanted)
    signed_in, hashed, noted = sign_in(session), session.scalar(select(Staff.password_hash)), len(traces(session))
    assert register(session, wanted, username=" MINH", now=NOW + timedelta(days=3)) == person
    assert len(rows(session)) == 2
    assert session.scalar(select(Staff.password_hash)) == hashed
    assert len(traces(session)) == noted
    assert acting(session, signed_in) == {Acting(Role.CHAIR, district.units["90001"]), Acting(Role.LEADER)}


def test_another_password_takes_the_place_of_the_old_one_and_ends_its_sessions(session):
    register(session, [(Role.LEADER, None)])
    signed_in = sign_in(session)
    register(session, [(Role.LEADER, None)], password="mật khẩu hai")
    assert acting(session, signed_in) is None
    assert not isinstance(sign_in(session), SignedIn)
    assert isinstance(sign_in(session, "mật khẩu hai"), SignedIn)
    assert traces(session).count("staff:password") == 1


def test_a_role_that_is_no_longer_wanted_ends_today(session, district):
    first, second = district.units["90001"], district.units["90002"]
    register(session, [(Role.OFFICER, first)])
    signed_in = sign_in(session)
    register(session, [(Role.OFFICER, second)], now=NOW + timedelta(days=5))
    assert acting(session, signed_in, TODAY + timedelta(days=4)) == {Acting(Role.OFFICER, first)}
    assert acting(session, signed_in, TODAY + timedelta(days=5)) == {Acting(Role.OFFICER, second)}
    assert traces(session)[-2:] == ["membership:end", "membership:begin"]


def test_staff_who_act_for_nobody_have_no_role(session):
    register(session, [])
    actor_rows = acting(session, sign_in(session))
    assert actor_rows == set()


def test_units_are_named_with_the_role_in_each(session, district):
    desk, ward = district.units["desk"], district.units["90001"]
    person = register(session, [(Role.DISPATCHER, desk), (Role.OFFICER, ward), (Role.LEADER, None)])
    units = {(unit.id, unit.name, unit.role) for unit in queries.units_of(session, person, on=TODAY)}
    assert units == {(desk, "Tổ điều phối thành phố", "dispatcher"), (ward, "Phường An", "officer")}
    assert queries.units_of(session, person, on=TODAY - timedelta(days=1)) == []


def test_a_phone_number_is_known_of_residents_only(session):
    resident = actions.resident_of(session, "0912345678", now=NOW)
    assert queries.phone_of(session, resident) == "+84912345678"
    assert queries.phone_of(session, register(session, [])) is None
