"""Who looks at reports in this request, and by which rules: what the routes about reports share."""

from dataclasses import dataclass

from flask import g

from app.api.report_view import Viewer
from app.http import access, problems
from app.http.container import container
from app.identity import permissions
from app.identity.permissions import Do
from app.photos import links
from app.reports import actions
from app.reports.actions import ReportSubject
from app.reports.intake import author_tag
from app.reports.rulebook import Rulebook


@dataclass(frozen=True)
class Person(actions.Person):
    """The actor of this request, as reports know them."""

    def may(self, do: Do, subject: ReportSubject) -> bool:
        """Whether they may do this to a report."""
        return permissions.may(self.actor, do, subject)


def person() -> Person:
    """Who asks."""
    actor = access.actor()
    return Person(actor, author_tag(container().settings.key("author"), actor.person_id))


def book() -> Rulebook:
    """The rules as they are in this request's transaction, looked up once."""
    if "book" not in g:
        g.book = container().rulebook.current(access.session())
    known: Rulebook = g.book
    return known


def viewer() -> Viewer:
    """How this request's asker sees reports."""
    now, key = access.now(), container().settings.key(links.KEY_PURPOSE)
    return Viewer(access.actor(), problems.language(), now, lambda sha256: links.urls(key, sha256, now=now))
