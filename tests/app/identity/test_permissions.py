"""Who may do what, restated by hand from the design and the issue: never read from the table that is tested."""

from dataclasses import dataclass, replace
from uuid import UUID, uuid4

import pytest

from app.core.errors import NotPermitted, NotSignedIn
from app.identity.permissions import SYSTEM, Acting, Actor, Do, Role, UnitAlone, could, may, require, units_for

HERE, THERE, DESK = 1, 2, 9


def somebody(*acting: Acting) -> Actor:
    return Actor(uuid4(), uuid4(), is_staff=bool(acting), memberships=acting)


def as_role(role: Role, unit_id: int | None = None) -> Actor:
    return somebody(Acting(role, unit_id))


AUTHOR = somebody()
STRANGER = somebody()
FILER = as_role(Role.VOLUNTEER)
VOLUNTEER = as_role(Role.VOLUNTEER)
OFFICER = as_role(Role.OFFICER, HERE)
OTHER_OFFICER = as_role(Role.OFFICER, THERE)
CHAIR = as_role(Role.CHAIR, HERE)
OTHER_CHAIR = as_role(Role.CHAIR, THERE)
DISPATCHER = as_role(Role.DISPATCHER, DESK)
LEADER = as_role(Role.LEADER)
ADMIN = as_role(Role.ADMIN)
FORMER = Actor(uuid4(), uuid4(), is_staff=True)

PEOPLE = {
    "author": AUTHOR,
    "stranger": STRANGER,
    "filer": FILER,
    "volunteer": VOLUNTEER,
    "officer": OFFICER,
    "other officer": OTHER_OFFICER,
    "chair": CHAIR,
    "other chair": OTHER_CHAIR,
    "dispatcher": DISPATCHER,
    "leader": LEADER,
    "admin": ADMIN,
    "former": FORMER,
    "nobody": None,
}


@dataclass(frozen=True)
class Case:
    unit_id: int = HERE
    filed_by: UUID | None = FILER.person_id
    author: UUID | None = AUTHOR.person_id
    anonymous: bool = False
    concluded_by: UUID | None = None
    desk_reviews: bool = False
    is_author: bool | None = False

    def seen_by(self, asking: Actor | None) -> "Case":
        return replace(self, is_author=asking is not None and asking.person_id == self.author)


def those_who_may(do: Do, case: Case) -> set[str]:
    return {name for name, actor in PEOPLE.items() if may(actor, do, case.seen_by(actor))}


EVERYBODY = set(PEOPLE)
SIGNED_IN = EVERYBODY - {"nobody"}

# An ordinary report of a resident, filed by a volunteer, held by a ward's unit, concluded by nobody yet.
ORDINARY = {
    Do.SIGN_IN: EVERYBODY,
    Do.READ_PUBLIC: EVERYBODY,
    Do.OPEN_PHOTO_LINK: EVERYBODY,
    Do.WATCH: EVERYBODY,
    Do.READ_ME: SIGNED_IN,
    Do.CHANGE_ME: SIGNED_IN,
    Do.SIGN_OUT: SIGNED_IN,
    Do.READ_INBOX: SIGNED_IN,
    Do.KEEP_DEVICES: SIGNED_IN,
    Do.SUBMIT: SIGNED_IN - {"leader", "admin", "former"},
    Do.LIST_OWN: SIGNED_IN - {"leader", "admin", "former"},
    Do.READ_REPORT: {"author", "filer", "officer", "chair", "leader"},
    Do.READ_UNIT_NOTES: {"officer", "chair", "leader"},
    Do.FIND_NEARBY: SIGNED_IN,
    Do.FOLLOW: {"author", "stranger"},
    Do.ADD_BEFORE_PHOTO: {"author", "filer"},
    Do.ADD_AFTER_PHOTO: {"officer", "chair"},
    Do.SEE_PHOTO: {"author", "filer", "officer", "chair", "leader"},
    Do.LOOK_CLOSELY: {"officer", "chair"},
    Do.READ_LOOKS: {"chair", "leader"},
    Do.READ_BLURS: {"officer", "chair", "leader"},
    Do.BLUR: {"officer", "chair"},
    Do.HANDLE: {"officer", "chair"},
    Do.REVIEW: {"chair"},
    Do.SPEAK: {"author", "filer"},
    Do.INSTRUCT: {"leader"},
    Do.DECIDE: {"chair"},
    Do.MAKE_EVIDENCE: {"chair"},
    Do.READ_QUEUE: {"officer", "chair", "leader"},
    Do.READ_UNITS: {"officer", "other officer", "chair", "other chair", "dispatcher", "leader"},
    Do.READ_MEMBERS: {"officer", "chair"},
    Do.READ_DUTY: {"officer", "chair", "leader", "admin"},
    Do.SET_DUTY: {"chair", "admin"},
    Do.READ_FIGURES: {"officer", "other officer", "chair", "other chair", "dispatcher", "leader", "admin"},
    Do.SEE_AUTHOR: {"dispatcher"},
    Do.ADMINISTER: {"admin"},
}


def test_everything_that_is_done_is_restated_here():
    assert set(ORDINARY) == set(Do)


@pytest.mark.parametrize(("do", "allowed"), ORDINARY.items(), ids=list(ORDINARY))
def test_an_ordinary_report(do, allowed):
    assert those_who_may(do, Case()) == allowed


# At the desk: refused twice, in no ward, or about a unit itself. Then the ward's people have nothing to do with it.
@pytest.mark.parametrize(
    ("do", "allowed"),
    [
        (Do.READ_REPORT, {"author", "filer", "dispatcher", "leader"}),
        (Do.READ_UNIT_NOTES, {"dispatcher", "leader"}),
        (Do.SEE_PHOTO, {"author", "filer", "dispatcher", "leader"}),
        (Do.READ_BLURS, {"dispatcher", "leader"}),
        (Do.BLUR, {"dispatcher"}),
        (Do.HANDLE, {"dispatcher"}),
        (Do.ADD_AFTER_PHOTO, {"dispatcher"}),
        (Do.REVIEW, {"dispatcher"}),
        (Do.DECIDE, set()),
        (Do.MAKE_EVIDENCE, set()),
        (Do.SPEAK, {"author", "filer"}),
    ],
)
def test_a_report_at_the_desk(do, allowed):
    assert those_who_may(do, Case(unit_id=DESK)) == allowed


def those_who_may_in(unit_id: int, do: Do) -> set[str]:
    return {name for name, actor in PEOPLE.items() if may(actor, do, UnitAlone(unit_id))}


def test_a_unit_without_a_report_is_its_own_peoples():
    assert those_who_may_in(HERE, Do.READ_MEMBERS) == {"officer", "chair"}
    assert those_who_may_in(DESK, Do.READ_MEMBERS) == {"dispatcher"}
    assert those_who_may_in(HERE, Do.READ_QUEUE) == {"officer", "chair", "leader"}
    assert those_who_may_in(DESK, Do.READ_QUEUE) == {"dispatcher", "leader"}
    assert those_who_may_in(HERE, Do.SET_DUTY) == {"chair", "admin"}
    assert those_who_may_in(DESK, Do.SET_DUTY) == {"dispatcher", "admin"}
    assert those_who_may_in(DESK, Do.READ_DUTY) == {"dispatcher", "leader", "admin"}
    assert those_who_may_in(HERE, Do.SPEAK) == those_who_may_in(HERE, Do.SEE_AUTHOR) == set()


def test_the_units_of_a_role_and_every_unit_for_whoever_watches_the_city():
    assert units_for(CHAIR, Do.READ_QUEUE) == {HERE}
    assert units_for(DISPATCHER, Do.READ_QUEUE) == {DESK}
    assert units_for(somebody(Acting(Role.CHAIR, HERE), Acting(Role.OFFICER, THERE)), Do.READ_QUEUE) == {HERE, THERE}
    assert units_for(somebody(Acting(Role.OFFICER, HERE), Acting(Role.LEADER)), Do.READ_QUEUE) is None
    assert units_for(LEADER, Do.READ_MEMBERS) == units_for(STRANGER, Do.READ_QUEUE) == frozenset()


def test_nobody_reviews_what_they_concluded():
    assert those_who_may(Do.REVIEW, Case(concluded_by=OFFICER.person_id)) == {"chair"}
    assert those_who_may(Do.REVIEW, Case(concluded_by=CHAIR.person_id)) == set()
    assert those_who_may(Do.REVIEW, Case(unit_id=DESK, concluded_by=DISPATCHER.person_id)) == set()


def test_the_desk_reviews_what_the_chair_concluded():
    case = Case(concluded_by=CHAIR.person_id, desk_reviews=True)
    assert those_who_may(Do.REVIEW, case) == {"dispatcher"}
    assert those_who_may(Do.READ_REPORT, case) == {"author", "filer", "officer", "chair", "dispatcher", "leader"}
    assert those_who_may(Do.HANDLE, case) == {"officer", "chair"}


def test_a_deputy_with_a_delegation_reviews_what_the_chair_concluded():
    assert may(as_role(Role.CHAIR, HERE), Do.REVIEW, Case(concluded_by=CHAIR.person_id, desk_reviews=True))


def test_nobody_ever_looks_up_an_anonymous_author():
    assert those_who_may(Do.SEE_AUTHOR, Case(anonymous=True)) == set()


def test_not_having_looked_up_the_author_is_never_a_yes():
    assert not may(AUTHOR, Do.READ_REPORT, Case(is_author=None))


def test_a_report_that_nobody_filed_for_another_is_no_filers():
    assert those_who_may(Do.SPEAK, Case(filed_by=None)) == {"author"}


def test_an_officer_who_filed_it_speaks_for_it_without_handling_it():
    case = Case(filed_by=OTHER_OFFICER.person_id)
    assert may(OTHER_OFFICER, Do.SPEAK, case)
    assert may(OTHER_OFFICER, Do.READ_REPORT, case)
    assert not may(OTHER_OFFICER, Do.HANDLE, case)
    assert not may(OTHER_OFFICER, Do.READ_UNIT_NOTES, case)


def test_whoever_deals_with_a_report_does_not_speak_for_its_resident_although_they_filed_it():
    for who in (OFFICER, CHAIR, somebody(Acting(Role.OFFICER, HERE), Acting(Role.VOLUNTEER))):
        case = Case(filed_by=who.person_id)
        assert may(who, Do.HANDLE, case)
        assert not may(who, Do.SPEAK, case)
    assert may(DISPATCHER, Do.SPEAK, Case(filed_by=DISPATCHER.person_id))
    assert not may(DISPATCHER, Do.SPEAK, Case(filed_by=DISPATCHER.person_id, unit_id=DESK))


def test_one_person_acts_for_each_unit_in_the_role_they_have_there():
    both = somebody(Acting(Role.CHAIR, HERE), Acting(Role.OFFICER, THERE))
    assert may(both, Do.DECIDE, Case(unit_id=HERE))
    assert not may(both, Do.DECIDE, Case(unit_id=THERE))
    assert may(both, Do.HANDLE, Case(unit_id=THERE))
    assert both.units(Role.CHAIR) == {HERE}
    assert both.units(Role.OFFICER) == both.units() == {HERE, THERE}
    assert both.role is Role.CHAIR


@pytest.mark.parametrize(
    ("actor", "roles", "role"),
    [
        (STRANGER, {"resident"}, "resident"),
        (CHAIR, {"chair", "officer"}, "chair"),
        (DISPATCHER, {"dispatcher", "officer"}, "dispatcher"),
        (LEADER, {"leader"}, "leader"),
        (FORMER, set(), None),
    ],
)
def test_what_a_role_brings_with_it(actor, roles, role):
    assert (actor.roles, actor.role) == (roles, role)


def test_what_could_be_done_is_known_before_the_report_is():
    assert could(OTHER_OFFICER, Do.HANDLE)
    assert could(STRANGER, Do.READ_REPORT)
    assert not could(STRANGER, Do.HANDLE)
    assert not could(LEADER, Do.HANDLE)
    assert not could(OFFICER, Do.DECIDE)
    assert not could(None, Do.READ_ME)
    assert could(None, Do.SIGN_IN)


def test_the_system_is_known_by_what_it_is_and_not_by_its_id():
    assert may(SYSTEM, Do.HANDLE, Case())
    pretender = Actor(SYSTEM.person_id, SYSTEM.session_id, is_staff=False)
    assert pretender == SYSTEM
    assert not may(pretender, Do.HANDLE, Case())
    assert not could(pretender, Do.HANDLE)


def test_a_refusal_tells_a_stranger_from_nobody():
    require(CHAIR, Do.DECIDE, Case())
    with pytest.raises(NotPermitted):
        require(OFFICER, Do.DECIDE, Case())
    with pytest.raises(NotSignedIn):
        require(None, Do.DECIDE, Case())
