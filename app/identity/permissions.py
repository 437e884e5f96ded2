"""Who may do what. This page is the specification; every route names the line of it that guards it.

Authority hangs on the unit, not on the ward: a clause asks for a role and for how the asker stands to the subject. A
chair is also an officer of the unit, a dispatcher an officer of the desk.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Final, NamedTuple, Protocol
from uuid import UUID

from app.core.errors import NotPermitted, NotSignedIn


class Role(StrEnum):
    """What somebody is, from the narrowest authority to the widest."""

    RESIDENT = "resident"
    VOLUNTEER = "volunteer"
    OFFICER = "officer"
    CHAIR = "chair"
    DISPATCHER = "dispatcher"
    LEADER = "leader"
    ADMIN = "admin"


RANK: Final = tuple(Role)
ALSO_OFFICER: Final = frozenset({Role.CHAIR, Role.DISPATCHER})


class Acting(NamedTuple):
    """A role somebody has today, and the unit that it is for; city-wide roles name none."""

    role: Role
    unit_id: int | None = None


@dataclass(frozen=True)
class Actor:
    """Who is asking, through which sign-in, and as what on this local day."""

    person_id: UUID
    session_id: UUID
    is_staff: bool
    memberships: tuple[Acting, ...] = ()

    @cached_property
    def acting(self) -> frozenset[Acting]:
        """Every role that the asker has, those that a role brings with it included."""
        if not self.is_staff:
            return frozenset({Acting(Role.RESIDENT)})
        brought = {Acting(Role.OFFICER, own.unit_id) for own in self.memberships if own.role in ALSO_OFFICER}
        return frozenset(self.memberships) | brought

    @cached_property
    def roles(self) -> frozenset[Role]:
        """The roles alone."""
        return frozenset(own.role for own in self.acting)

    @property
    def role(self) -> Role | None:
        """The widest role; None for staff without any membership today."""
        return max(self.roles, key=RANK.index, default=None)

    def units(self, *roles: Role) -> frozenset[int]:
        """The units for which the asker has one of these roles; of any role when none is named."""
        return frozenset(
            own.unit_id for own in self.acting if own.unit_id is not None and (not roles or own.role in roles)
        )


# The service itself: sweeps and jobs. No token can name it, and `may` knows it by identity, not by value.
SYSTEM: Final = Actor(UUID(int=0), UUID(int=0), is_staff=False)


class Subject(Protocol):
    """What a permission must know about a report. `desk_reviews`: contested, and no chair of its unit is to review it."""

    @property
    def unit_id(self) -> int: ...  # noqa: D102 -- the members are the columns of the same name
    @property
    def filed_by(self) -> UUID | None: ...  # noqa: D102
    @property
    def is_author(self) -> bool | None: ...  # noqa: D102 -- None: not looked up, which is never a yes
    @property
    def anonymous(self) -> bool: ...  # noqa: D102
    @property
    def concluded_by(self) -> UUID | None: ...  # noqa: D102
    @property
    def desk_reviews(self) -> bool: ...  # noqa: D102


@dataclass(frozen=True)
class UnitAlone:
    """A unit as the subject of a permission, with no report in question."""

    unit_id: int
    filed_by: None = None
    is_author: bool = False
    anonymous: bool = True
    concluded_by: None = None
    desk_reviews: bool = False


class Relation(StrEnum):
    """How the asker must stand to the subject."""

    ANYBODY = "anybody"  # signed in or not
    SIGNED_IN = "signed_in"
    ALWAYS = "always"  # the role is enough
    OF_ITS_UNIT = "of_its_unit"  # the role is for the unit that holds the report
    OF_ITS_UNIT_BUT_NOT_ITS_CONCLUDER = "of_its_unit_but_not_its_concluder"
    AUTHOR = "author"
    FILER = "filer"
    FILER_NOT_HANDLING = "filer_not_handling"  # and no officer of the unit that holds it
    DESK_REVIEWS = "desk_reviews"
    AUTHOR_IS_NAMED = "author_is_named"  # not an anonymous report


class Clause(NamedTuple):
    """One way to be allowed. `role` is None where being there, or signed in, is enough."""

    role: Role | None
    relation: Relation


class Do(StrEnum):
    """Everything that anybody does here."""

    SIGN_IN = "sign_in"
    READ_PUBLIC = "read_public"  # wards, catalogue, docs, and of cases what is public
    WATCH = "watch"  # health, metrics
    READ_ME = "read_me"
    CHANGE_ME = "change_me"
    SIGN_OUT = "sign_out"
    READ_INBOX = "read_inbox"  # and note what was read
    KEEP_DEVICES = "keep_devices"  # on which somebody is told
    SUBMIT = "submit"
    LIST_OWN = "list_own"
    READ_REPORT = "read_report"
    READ_UNIT_NOTES = "read_unit_notes"
    FIND_NEARBY = "find_nearby"
    FOLLOW = "follow"
    ADD_BEFORE_PHOTO = "add_before_photo"
    ADD_AFTER_PHOTO = "add_after_photo"
    SEE_PHOTO = "see_photo"
    LOOK_CLOSELY = "look_closely"  # at a photo in full size, on record
    READ_LOOKS = "read_looks"  # who did
    READ_BLURS = "read_blurs"  # what is hidden from the public in a photo
    BLUR = "blur"  # hide more of it, or less
    OPEN_PHOTO_LINK = "open_photo_link"  # the link itself is the permission: signed, short-lived
    HANDLE = "handle"  # accept, hand over, arrive, ask, conclude, assign, correct, note, message
    REVIEW = "review"  # a contested case
    SPEAK = "speak"  # answer, contest, withdraw, add, rate
    INSTRUCT = "instruct"
    DECIDE = "decide"  # enter a sanction decision
    MAKE_EVIDENCE = "make_evidence"  # let the originals of a recorded case leave, with a reason, on record
    READ_QUEUE = "read_queue"
    READ_UNITS = "read_units"  # to whom a case could be handed
    READ_MEMBERS = "read_members"  # of a unit: to whom a case of it could be assigned
    READ_DUTY = "read_duty"
    SET_DUTY = "set_duty"  # who is on duty in a unit, and when
    READ_FIGURES = "read_figures"
    SEE_AUTHOR = "see_author"  # with a reason, on record
    ADMINISTER = "administer"


R, V, O, C, D, L, A = (  # noqa: E741 -- the letters of the table below
    Role.RESIDENT,
    Role.VOLUNTEER,
    Role.OFFICER,
    Role.CHAIR,
    Role.DISPATCHER,
    Role.LEADER,
    Role.ADMIN,
)
_ANYBODY = (Clause(None, Relation.ANYBODY),)
_SIGNED_IN = (Clause(None, Relation.SIGNED_IN),)
_SENDER = (Clause(R, Relation.AUTHOR), Clause(V, Relation.FILER), Clause(O, Relation.FILER))
_UNIT = (Clause(O, Relation.OF_ITS_UNIT), Clause(D, Relation.DESK_REVIEWS))


def _any(*roles: Role) -> tuple[Clause, ...]:
    return tuple(Clause(role, Relation.ALWAYS) for role in roles)


RULES: Mapping[Do, tuple[Clause, ...]] = {
    Do.SIGN_IN: _ANYBODY,
    Do.READ_PUBLIC: _ANYBODY,
    Do.OPEN_PHOTO_LINK: _ANYBODY,
    Do.WATCH: _ANYBODY,
    Do.READ_ME: _SIGNED_IN,
    Do.CHANGE_ME: _SIGNED_IN,
    Do.SIGN_OUT: _SIGNED_IN,
    Do.READ_INBOX: _SIGNED_IN,
    Do.KEEP_DEVICES: _SIGNED_IN,
    Do.SUBMIT: _any(R, V, O),
    Do.LIST_OWN: _any(R, V, O),
    Do.READ_REPORT: (*_SENDER, *_UNIT, *_any(L)),
    Do.READ_UNIT_NOTES: (*_UNIT, *_any(L)),
    Do.FIND_NEARBY: _SIGNED_IN,
    Do.FOLLOW: _any(R),
    Do.ADD_BEFORE_PHOTO: _SENDER,
    Do.ADD_AFTER_PHOTO: (Clause(O, Relation.OF_ITS_UNIT),),
    Do.SEE_PHOTO: (*_SENDER, *_UNIT, *_any(L)),
    # Whoever works on it. Leaders read cases, and need no faces for it.
    Do.LOOK_CLOSELY: _UNIT,
    # The desk has no chair: its dispatchers answer for each other.
    Do.READ_LOOKS: (Clause(C, Relation.OF_ITS_UNIT), Clause(D, Relation.OF_ITS_UNIT), *_any(L)),
    Do.READ_BLURS: (*_UNIT, *_any(L)),
    Do.BLUR: (Clause(O, Relation.OF_ITS_UNIT),),
    Do.HANDLE: (Clause(O, Relation.OF_ITS_UNIT),),
    # Nobody reviews a case that they concluded themselves: then the desk does.
    Do.REVIEW: (
        Clause(C, Relation.OF_ITS_UNIT_BUT_NOT_ITS_CONCLUDER),
        Clause(D, Relation.OF_ITS_UNIT_BUT_NOT_ITS_CONCLUDER),
        Clause(D, Relation.DESK_REVIEWS),
    ),
    # Nobody answers, withdraws or rates in the resident's name what they deal with themselves.
    Do.SPEAK: (
        Clause(R, Relation.AUTHOR),
        Clause(V, Relation.FILER_NOT_HANDLING),
        Clause(O, Relation.FILER_NOT_HANDLING),
    ),
    Do.INSTRUCT: _any(L),
    Do.DECIDE: (Clause(C, Relation.OF_ITS_UNIT),),
    Do.MAKE_EVIDENCE: (Clause(C, Relation.OF_ITS_UNIT),),
    Do.READ_QUEUE: (Clause(O, Relation.OF_ITS_UNIT), *_any(L)),
    Do.READ_UNITS: _any(O, L),
    Do.READ_MEMBERS: (Clause(O, Relation.OF_ITS_UNIT),),
    Do.READ_DUTY: (Clause(O, Relation.OF_ITS_UNIT), *_any(L, A)),
    # The desk has no chair: each of its dispatchers may.
    Do.SET_DUTY: (Clause(C, Relation.OF_ITS_UNIT), Clause(D, Relation.OF_ITS_UNIT), *_any(A)),
    Do.READ_FIGURES: _any(O, L, A),
    # The unit never sees who reported; of an anonymous report nobody does.
    Do.SEE_AUTHOR: (Clause(D, Relation.AUTHOR_IS_NAMED),),
    Do.ADMINISTER: _any(A),
}


def open_to_all(do: Do) -> bool:
    """Whether this needs no sign-in at all."""
    return any(clause.relation is Relation.ANYBODY for clause in RULES[do])


def could(actor: Actor | None, do: Do) -> bool:
    """Whether some clause fits the asker's roles, the subject not being known yet."""
    return actor is SYSTEM or any(_fits(actor, clause) for clause in RULES[do])


def may(actor: Actor | None, do: Do, subject: Subject) -> bool:
    """Whether the asker may do this to this subject."""
    return actor is SYSTEM or any(_fits(actor, clause) and _stands(actor, clause, subject) for clause in RULES[do])


def units_for(actor: Actor, do: Do) -> frozenset[int] | None:
    """The units for which the asker may do this; None when their role is enough for every unit."""
    fitting = [clause for clause in RULES[do] if _fits(actor, clause)]
    if any(clause.relation is Relation.ALWAYS for clause in fitting):
        return None
    roles = [clause.role for clause in fitting if clause.role is not None and clause.relation is Relation.OF_ITS_UNIT]
    return actor.units(*roles) if roles else frozenset()


def require(actor: Actor | None, do: Do, subject: Subject) -> None:
    """Refuse what `may` denies.

    Raises:
        NotSignedIn: nobody is asking.
        NotPermitted: somebody is, and may not.
    """
    if not may(actor, do, subject):
        raise NotSignedIn if actor is None else NotPermitted


def _fits(actor: Actor | None, clause: Clause) -> bool:
    if clause.relation is Relation.ANYBODY:
        return True
    if actor is None:
        return False
    return clause.role is None or clause.role in actor.roles


def _stands(actor: Actor | None, clause: Clause, subject: Subject) -> bool:
    """Whether the relation holds, the role fitting."""
    if actor is None or clause.role is None or clause.relation is Relation.ALWAYS:
        return True
    of_its_unit = subject.unit_id in actor.units(clause.role)
    filed_it = subject.filed_by == actor.person_id
    return {
        Relation.OF_ITS_UNIT: of_its_unit,
        Relation.OF_ITS_UNIT_BUT_NOT_ITS_CONCLUDER: of_its_unit and subject.concluded_by != actor.person_id,
        Relation.AUTHOR: subject.is_author is True,
        Relation.FILER: filed_it,
        Relation.FILER_NOT_HANDLING: filed_it and subject.unit_id not in actor.units(Role.OFFICER),
        Relation.DESK_REVIEWS: subject.desk_reviews and subject.concluded_by != actor.person_id,
        Relation.AUTHOR_IS_NAMED: not subject.anonymous,
    }[clause.relation]
