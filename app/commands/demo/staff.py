"""Demo accounts: an officer and a chair for every ward of today, and one of each role for the city."""

import json
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.identity import actions
from app.identity.models import Staff
from app.identity.permissions import Acting, Role
from app.routing.models import Unit, UnitCoverage
from geo.validity import local_day
from geo.wards import versions_on

# Whoever handled the demo's history, which begins later than this, was an officer then.
SINCE = date(2024, 1, 1)

CITY_ROLES = (
    (Role.DISPATCHER, "dieuphoi", "Võ Minh Khoa"),
    (Role.LEADER, "lanhdao", "Trần Thu Hà"),
    (Role.ADMIN, "quantri", "Lê Quốc Bảo"),
    (Role.VOLUNTEER, "tinhnguyen", "Phạm Ngọc Lan"),
)
WARD_ROLES = ((Role.OFFICER, "canbo", "Cán bộ"), (Role.CHAIR, "chutich", "Chủ tịch"))


@dataclass(frozen=True)
class Account:
    """Somebody who should be able to sign in. `ward` is the ward's code, None for the whole city."""

    role: Role
    ward: str | None
    username: str
    name: str
    acting: Acting
    since: date


def ensure(session: Session, city_id: int, file: Path, now: datetime) -> str:
    """Let every account exist and stand in the file with its password; one that is not in the file gets a new one."""
    known = _read(file)
    there = frozenset(session.scalars(select(Staff.username)))
    accounts = list(_accounts(session, city_id, local_day(now)))
    fresh = [account for account in accounts if account.username not in known or account.username not in there]
    for account in fresh:
        known[account.username] = secrets.token_urlsafe(9)
        actions.register_staff(
            session,
            username=account.username,
            name=account.name,
            password=known[account.username],
            memberships=[account.acting],
            now=now,
            since=account.since,
        )
    if fresh:
        _write(file, accounts, known)
    return f"{len(accounts)} accounts, {len(fresh)} with a new password"


def _accounts(session: Session, city_id: int, day: date) -> Iterator[Account]:
    units = dict(session.execute(select(UnitCoverage.ward_version_id, UnitCoverage.unit_id)).all())
    for ward in versions_on(session, day, city_id):
        for role, word, title in WARD_ROLES:
            acting = Acting(role, units[ward.id])
            yield Account(
                role,
                ward.code,
                f"{word}.{ward.code}",
                f"{title} {ward.name}",
                acting,
                max(SINCE, ward.valid_from or SINCE),
            )
    desk = session.scalars(select(Unit.id).where(Unit.city_id == city_id, Unit.kind == "desk")).one()
    for role, username, name in CITY_ROLES:
        acting = Acting(role, desk if role is Role.DISPATCHER else None)
        yield Account(role, None, username, name, acting, SINCE)


def _read(file: Path) -> dict[str, str]:
    try:
        return {account["username"]: account["password"] for account in json.loads(file.read_text())}
    except FileNotFoundError:
        return {}


def _write(file: Path, accounts: list[Account], passwords: dict[str, str]) -> None:
    """The one place where the passwords stand, for its owner alone; the old file stays until the new one is whole."""
    rows = [
        {"role": one.role.value, "ward": one.ward, "username": one.username, "password": passwords[one.username]}
        for one in accounts
    ]
    half = file.with_name(f".{file.name}.half")
    with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as content:
        json.dump(rows, content, ensure_ascii=False, indent=1)
        content.write("\n")
    half.replace(file)
