"""One unit of work, one instant and one permission for each request.

`@needs(Do.X)` stands outermost on a view's method. It opens the unit of work, finds out who is asking, refuses whoever
could not do this whatever the subject, and only then lets the input be read: 401 and 403 come before 422. What returns
is committed, what raises is rolled back. So a refusal that must leave a trace (a wrong code counts) is returned, with
`problems.answer`, and any other is raised.
"""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from typing import Any, cast

from flask import g, request
from sqlalchemy.orm import Session

from app.core import clock
from app.core.errors import NotPermitted, NotSignedIn
from app.http import cookies
from app.http.container import container
from app.identity import queries
from app.identity.errors import SessionEnded, TokenInvalid
from app.identity.permissions import Actor, Do, could, open_to_all
from geo.validity import local_day

View = Callable[..., Any]


@dataclass(frozen=True)
class Scope:
    """What belongs to one request."""

    session: Session
    now: datetime
    actor: Actor | None


def needs(do: Do, *, by_token: bool = False, without_database: bool = False) -> Callable[[View], View]:
    """Let a view be called only by those who could do this.

    With `by_token` a resident is believed by their token alone, without SQL: for the one route that checks the session
    inside its own statement. `without_database` is for what must answer although the database is down, and is open to
    all.
    """
    if without_database and not open_to_all(do):
        raise ValueError(f"who asks for {do} is known from the database")

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            if without_database:
                return view(*args, **kwargs)
            now = clock.now()
            with container().database.unit_of_work() as session:
                actor = _who_asks(session, do, now=now, by_token=by_token)
                if not could(actor, do):
                    raise NotSignedIn if actor is None else NotPermitted
                g.scope = Scope(session, now, actor)
                try:
                    return view(*args, **kwargs)
                finally:
                    g.asked_by = "nobody" if actor is None else (actor.role or "staff")
                    del g.scope

        guarded.needs = do  # type: ignore[attr-defined]
        _describe(guarded, do)
        return guarded

    return decorate


def session() -> Session:
    """The session of this request's unit of work."""
    return _scope().session


def now() -> datetime:
    """The instant of this request, the same wherever it is asked for."""
    return _scope().now


def actor() -> Actor:
    """Who is asking.

    Raises:
        NotSignedIn: nobody known, on a route that is open to all.
    """
    known = _scope().actor
    if known is None:
        raise NotSignedIn
    return known


def actor_or_none() -> Actor | None:
    """Who is asking, if that is known."""
    return _scope().actor


def address() -> str:
    """The network address of the asker, behind as many proxies as the settings trust."""
    return request.remote_addr or "unknown"


def _scope() -> Scope:
    return cast("Scope", g.scope)


def _who_asks(session: Session, do: Do, *, now: datetime, by_token: bool) -> Actor | None:
    """The asker; on a route that is open to all a bad token counts as none, and nobody is looked up by cookie."""
    try:
        return _signed_in(session, _token(by_cookie=not open_to_all(do)), now=now, by_token=by_token)
    except NotSignedIn:
        if open_to_all(do):
            return None
        raise


def _token(*, by_cookie: bool) -> str | None:
    """The access token of the request: a phone's in its header, a page's in its cookie.

    Raises TokenInvalid, FromAnotherSite.
    """
    header = request.headers.get("Authorization")
    if header is None:
        return cookies.access_token() if by_cookie else None
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer":
        raise TokenInvalid
    return token.strip()


def _signed_in(session: Session, token: str | None, *, now: datetime, by_token: bool) -> Actor | None:
    if token is None:
        return None
    claims = container().tokens.read(token, now=now)
    if by_token and not claims.is_staff:
        return Actor(claims.person_id, claims.session_id, is_staff=False)
    actor = queries.actor_of(session, person_id=claims.person_id, session_id=claims.session_id, on=local_day(now))
    if actor is None:
        raise SessionEnded
    return actor


def _describe(view: View, do: Do) -> None:
    """Say in the API description whether a token is asked for (where flask-smorest looks for it)."""
    described = deepcopy(getattr(view, "_apidoc", {}))
    manual = described.setdefault("manual_doc", {})
    manual["security"] = [] if open_to_all(do) else [{"bearer": []}]
    view._apidoc = described  # type: ignore[attr-defined]  # noqa: SLF001
