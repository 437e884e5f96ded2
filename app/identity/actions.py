"""People come in, stay, and leave: the only writer of residents, staff, codes and sessions.

A wrong code or password must be counted although it is refused. So these return the refusal instead of raising it: what
returns is committed (the route then answers with it).
"""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.core import audit, outbox
from app.core.db import new_id
from app.core.errors import DomainError, NotPermitted
from app.identity import otp, passwords
from app.identity.errors import (
    AccountClosed,
    CodeSpent,
    CodeWrong,
    RefreshInvalid,
    RefreshReused,
    SignInFailed,
    TooManySignIns,
    TotpNeeded,
)
from app.identity.models import (
    Consent,
    Membership,
    OtpChallenge,
    Person,
    RefreshToken,
    Resident,
    SignIn,
    SignInFailure,
    Staff,
)
from app.identity.permissions import Role
from app.identity.phones import normalise
from geo.validity import local_day

RESIDENT_STAYS: Final = timedelta(days=30)
STAFF_STAYS: Final = timedelta(hours=12)

# A phone on a bad network may lose the answer that held its new token; for this long the same attempt is answered again.
LOST_ANSWER: Final = timedelta(seconds=60)

# From the fifth wrong password on an account rests, twice as long with each further one, an hour at most.
FAILURES_FREE: Final = 4
LONGEST_REST: Final = timedelta(hours=1)
FAILURES_PER_ADDRESS: Final = 30
WINDOW: Final = timedelta(hours=1)


@dataclass(frozen=True)
class SignedIn:
    """A session that was opened or went on; the refresh token is told here once and stored as its hash."""

    person_id: UUID
    session_id: UUID
    is_staff: bool
    refresh_token: str

    @property
    def stays(self) -> timedelta:
        """How long the refresh token is good for."""
        return _stays(self.is_staff)


def ask_code(session: Session, phone: str, *, address_tag: bytes, now: datetime) -> OtpChallenge:
    """Promise a one-time code to a phone, known or not: whether it is known is not told.

    Raises PhoneInvalid, CodeTooSoon, TooManyCodes.
    """
    number = normalise(phone)
    # Two requests at once must not both find room for the last code: one phone, and one address, at a time.
    for lock in sorted((b"phone" + number.encode(), b"address" + address_tag)):
        session.execute(select(func.pg_advisory_xact_lock(_lock_number(lock))))
    recent = select(OtpChallenge.created_at).where(OtpChallenge.created_at > now - otp.WINDOW)
    of_phone = session.scalars(recent.where(OtpChallenge.phone == number)).all()
    of_address = session.scalars(recent.where(OtpChallenge.address_tag == address_tag)).all()
    refused = otp.refusal_to_send(of_phone, of_address, now=now)
    if refused is not None:
        raise refused
    challenge = OtpChallenge(
        id=new_id(), phone=number, address_tag=address_tag, created_at=now, expires_at=now + otp.LIFE, tries=0
    )
    session.add(challenge)
    session.flush()
    outbox.emit(session, "code.wanted", {"challenge_id": str(challenge.id)}, at=now)
    return challenge


def answer_code(
    session: Session, challenge_id: UUID, said: str, *, key: bytes, now: datetime
) -> SignedIn | DomainError:
    """Sign a resident in by the code of a challenge; a first sign-in makes them a resident. A wrong code counts."""
    challenge = session.get(OtpChallenge, challenge_id, with_for_update=True)
    if challenge is None:
        return CodeSpent(at="code")
    asked = otp.Challenge(challenge.id, challenge.expires_at, challenge.tries, used=challenge.used_at is not None)
    refused = otp.refusal(asked, said, key=key, now=now)
    if refused is not None:
        challenge.tries += isinstance(refused, CodeWrong)
        return refused
    challenge.used_at = now
    person_id = resident_of(session, challenge.phone, now=now)
    if session.get_one(Person, person_id).disabled_at is not None:
        return AccountClosed()
    return _open(session, person_id, is_staff=False, now=now)


def resident_of(session: Session, phone: str, *, now: datetime) -> UUID:
    """The resident with this phone number, made if there is none; the same one from however many threads.

    Raises PhoneInvalid.
    """
    number = normalise(phone)
    known = select(Resident.person_id).where(Resident.phone == number)
    person_id = session.scalar(known)
    if person_id is not None:
        return person_id
    session.execute(select(func.pg_advisory_xact_lock(_lock_number(b"resident" + number.encode()))))
    person_id = session.scalar(known)
    if person_id is None:
        person_id = new_id()
        session.execute(insert(Person).values(id=person_id, is_staff=False, created_at=now))
        session.execute(insert(Resident).values(person_id=person_id, phone=number))
    return person_id


def sign_in_staff(
    session: Session, username: str, password: str, code: str | None, *, address_tag: bytes, now: datetime
) -> SignedIn | DomainError:
    """Sign a member of staff in. What was wrong is never told apart; failures count for the account and the address."""
    failed_here = session.scalars(
        select(SignInFailure.at)
        .where(SignInFailure.address_tag == address_tag, SignInFailure.at > now - WINDOW)
        .order_by(SignInFailure.at.desc())
        .limit(FAILURES_PER_ADDRESS)
    ).all()
    if len(failed_here) >= FAILURES_PER_ADDRESS:
        wait = failed_here[-1] + WINDOW - now
        return TooManySignIns(retry_after_s=max(1, int(wait.total_seconds()) + 1))
    by_name = select(Staff).where(Staff.username == _usable_name(username))
    stored = session.scalar(by_name.with_only_columns(Staff.password_hash))
    # The password is always checked, also of nobody and of an account that rests: time tells nothing either. It is
    # checked before the row is locked, so that nobody's sign-in waits for somebody else's guesses; what it is worth
    # is then decided one after another.
    fits = passwords.fits(stored, password)
    staff = session.scalar(by_name.with_for_update())
    if staff is None or _rests(staff, now):
        # An account that rests is not made to rest longer: else whoever guesses could keep its owner out for ever.
        _count_failure(session, None, address_tag, now)
        return SignInFailed()
    if staff.password_hash != stored:  # given another one in the meantime
        fits = passwords.fits(staff.password_hash, password)
    if fits and staff.totp_secret is not None and code is None:
        return TotpNeeded(at="totp")
    if not fits or not _second_factor_fits(staff, code, now):
        _count_failure(session, staff, address_tag, now)
        return SignInFailed()
    if session.get_one(Person, staff.person_id).disabled_at is not None:
        return AccountClosed()
    staff.failures, staff.locked_until = 0, None
    if passwords.is_dated(staff.password_hash):
        staff.password_hash = passwords.hashed(password)
    return _open(session, staff.person_id, is_staff=True, now=now)


def refresh(session: Session, token: str, *, attempt: UUID | None = None, now: datetime) -> SignedIn | DomainError:
    """Go on with a session by its refresh token, which is then spent; used again, it ends the session.

    Whoever uses it again is somebody else, or the one who used it first was. But a phone on a bad network gives its
    attempt an id: the same attempt again within a minute only lost its answer.
    """
    held = session.get(RefreshToken, _hash(token), with_for_update=True)
    if held is None or now >= held.expires_at:
        return RefreshInvalid()
    sign_in = session.get_one(SignIn, held.session_id, with_for_update=True)
    person = session.get_one(Person, sign_in.person_id)
    if sign_in.ended_at is not None or person.disabled_at is not None:
        return RefreshInvalid()
    if held.used_at is not None and not _lost_its_answer(held, attempt, now):
        sign_in.ended_at = now
        audit.record(session, by=None, action="session:reuse", subject=f"session/{sign_in.id}", at=now)
        return RefreshReused()
    held.used_at, held.attempt = held.used_at or now, attempt
    fresh = _issue(session, sign_in.id, is_staff=person.is_staff, now=now)
    return SignedIn(person.id, sign_in.id, person.is_staff, fresh)


def _lost_its_answer(held: RefreshToken, attempt: UUID | None, now: datetime) -> bool:
    used_at = held.used_at or now
    return attempt is not None and attempt == held.attempt and now <= used_at + LOST_ANSWER


# A sign-in that ran out stands as long as its device may ring: whoever ends it means that as well.
_STANDS = or_(SignIn.ended_at.is_(None), SignIn.lapsed)


def _ended(now: datetime) -> dict[str, Any]:
    return {"ended_at": func.coalesce(SignIn.ended_at, now), "lapsed": False}


def sign_out(session: Session, session_id: UUID, *, now: datetime) -> None:
    """End a session: its refresh tokens are worth nothing, its access tokens nothing more within the request."""
    session.execute(update(SignIn).where(SignIn.id == session_id, _STANDS).values(_ended(now)))


def change_me(
    session: Session,
    person_id: UUID,
    *,
    language: str | None = None,
    channels: Sequence[str] | None = None,
    quiet_hours: tuple[time, time] | tuple[()] | None = None,
    email: str | None = None,
    consents: Sequence[dict[str, Any]] = (),
    now: datetime,
) -> None:
    """Change how a person is spoken to, and write down what they consent to: given or withdrawn, dated, never assumed.

    What is None stays; quiet hours of nothing, and an empty address, are taken away. Of a resident no e-mail address is
    kept: raises NotPermitted.
    """
    person = session.get_one(Person, person_id, with_for_update=True)  # two changes at once follow each other
    if language is not None:
        person.language = language
    if channels is not None:
        person.channels = list(dict.fromkeys(channels))
    if quiet_hours is not None:
        person.quiet_from, person.quiet_to = quiet_hours or (None, None)
    if email is not None:
        if not person.is_staff:
            raise NotPermitted(at="email")
        session.get_one(Staff, person_id).email = email or None
    for said in consents:
        standing = session.scalar(
            select(Consent)
            .where(Consent.person_id == person_id, Consent.purpose == said["purpose"], Consent.withdrawn_at.is_(None))
            .order_by(Consent.given_at.desc())
            .limit(1)
        )
        same = standing is not None and standing.version == said["version"]
        if standing is not None and not (said["given"] and same):
            standing.withdrawn_at = now
        if said["given"] and not same:
            session.add(Consent(person_id=person_id, purpose=said["purpose"], version=said["version"], given_at=now))


def register_staff(
    session: Session,
    *,
    username: str,
    name: str,
    password: str,
    memberships: Sequence[tuple[Role, int | None]],
    now: datetime,
    since: date | None = None,
) -> UUID:
    """A member of staff with these memberships from `since` (today) on; known by the user name, brought up to date.

    Memberships that are not named end today; a new password ends every session of the old one. Every change leaves a
    trace.
    """
    today, username = local_day(now), _usable_name(username)
    session.execute(select(func.pg_advisory_xact_lock(_lock_number(b"staff" + username.encode()))))
    staff = session.scalar(select(Staff).where(Staff.username == username).with_for_update())
    if staff is None:
        person_id = new_id()
        session.add(Person(id=person_id, is_staff=True, created_at=now))
        session.flush()
        session.add(Staff(person_id=person_id, username=username, name=name, password_hash=passwords.hashed(password)))
        audit.record(session, by=None, action="staff:register", subject=f"person/{person_id}", at=now)
    else:
        person_id = staff.person_id
        staff.name = name
        if not passwords.fits(staff.password_hash, password):
            staff.password_hash, staff.failures, staff.locked_until = passwords.hashed(password), 0, None
            audit.record(session, by=None, action="staff:password", subject=f"person/{person_id}", at=now)
            session.execute(update(SignIn).where(SignIn.person_id == person_id, _STANDS).values(_ended(now)))
    standing = session.scalars(
        select(Membership).where(Membership.person_id == person_id, Membership.valid_to.is_(None))
    ).all()
    wanted = set(memberships)
    for membership in standing:
        known = (Role(membership.role), membership.unit_id)
        if known in wanted:
            wanted.discard(known)
        else:
            end_membership(session, membership, on=today, now=now)
    for role, unit_id in sorted(wanted, key=str):
        added = Membership(person_id=person_id, role=role.value, unit_id=unit_id, valid_from=since or today)
        session.add(added)
        data = {"role": role.value, "unit_id": unit_id}
        audit.record(session, by=None, action="membership:begin", subject=f"person/{person_id}", at=now, data=data)
    session.flush()
    return person_id


def end_membership(session: Session, membership: Membership, *, on: date, now: datetime) -> None:
    """Let a membership end with the day before `on`; one that has not begun is ended on its first day."""
    membership.valid_to = max(on, membership.valid_from + timedelta(days=1))
    data = {"role": membership.role, "unit_id": membership.unit_id}
    subject = f"person/{membership.person_id}"
    audit.record(session, by=None, action="membership:end", subject=subject, at=now, data=data)


# A refresh that is under way holds its token: it is left to the next turn.
_EXPIRED = """
select token_hash from refresh_tokens where expires_at <= :now order by expires_at limit :limit for update skip locked
"""
_END = """
with tokens as (
    delete from refresh_tokens where token_hash = any(:expired) returning session_id
)
update sessions s set ended_at = :now, lapsed = true
where s.ended_at is null and s.id in (select session_id from tokens)
    and not exists (select from refresh_tokens t where t.session_id = s.id and t.expires_at > :now)
"""
_FORGET = """
with codes as (
    delete from otp_challenges
    where ctid = any(array(select ctid from otp_challenges where expires_at < :before limit :limit)) returning 1
), failures as (
    delete from sign_in_failures
    where ctid = any(array(select ctid from sign_in_failures where at < :before limit :limit)) returning 1
)
select (select count(*) from codes) + (select count(*) from failures)
"""


def forget_expired(session: Session, now: datetime, limit: int = 1000) -> int:
    """End the sessions that can go on no more, and delete what was only kept to be counted or refused.

    A session ends with the last of its refresh tokens: then no stream hears through it. Its device rings on for a month
    (`notifications.queries`): a chair whose page was closed for half a day must still be warned at night. Expired tokens go at once, codes and failures a day after they lost their use; of each kind at most `limit`.
    Returns how many rows were deleted.
    """
    expired = session.scalars(text(_EXPIRED), {"now": now, "limit": limit}).all()
    if expired:
        session.execute(text(_END), {"now": now, "expired": expired})
    values = {"before": now - timedelta(days=1), "limit": limit}
    return len(expired) + int(session.execute(text(_FORGET), values).scalar_one())


def _open(session: Session, person_id: UUID, *, is_staff: bool, now: datetime) -> SignedIn:
    sign_in = SignIn(id=new_id(), person_id=person_id, created_at=now)
    session.add(sign_in)
    session.flush()
    token = _issue(session, sign_in.id, is_staff=is_staff, now=now)
    audit.record(session, by=person_id, action="session:open", subject=f"session/{sign_in.id}", at=now)
    return SignedIn(person_id, sign_in.id, is_staff, token)


def _issue(session: Session, session_id: UUID, *, is_staff: bool, now: datetime) -> str:
    token = secrets.token_urlsafe(32)
    until = now + _stays(is_staff)
    session.add(RefreshToken(token_hash=_hash(token), session_id=session_id, issued_at=now, expires_at=until))
    return token


def _stays(is_staff: bool) -> timedelta:
    return STAFF_STAYS if is_staff else RESIDENT_STAYS


def _hash(token: str) -> bytes:
    # 256 random bits need no salt and no slowness: there is nothing to guess.
    return hashlib.sha256(token.encode()).digest()


def _usable_name(username: str) -> str:
    """A user name as it is stored and looked for: small letters."""
    return username.strip().lower()


def _second_factor_fits(staff: Staff, code: str | None, now: datetime) -> bool:
    return staff.totp_secret is None or (code is not None and passwords.totp_fits(staff.totp_secret, code, now=now))


def _rests(staff: Staff, now: datetime) -> bool:
    return staff.locked_until is not None and now < staff.locked_until


def _count_failure(session: Session, staff: Staff | None, address_tag: bytes, now: datetime) -> None:
    session.execute(insert(SignInFailure).values(address_tag=address_tag, at=now))
    if staff is None:
        return
    staff.failures += 1
    over = staff.failures - FAILURES_FREE
    if over > 0:
        staff.locked_until = now + min(timedelta(seconds=30) * 2 ** min(over, 10), LONGEST_REST)
        subject, data = f"person/{staff.person_id}", {"failures": staff.failures}
        audit.record(session, by=None, action="staff:rest", subject=subject, at=now, data=data)


def _lock_number(name: bytes) -> int:
    """A number for an advisory lock, from what it is about."""
    return int.from_bytes(hashlib.sha256(name).digest()[:8], signed=True)
