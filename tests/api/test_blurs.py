"""What a photo hides from the public: who may read it, who may change it, and what is left of a change."""

import hashlib
import io
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from PIL import Image
from sqlalchemy import select, text

from app.core import clock
from app.core.db import new_id
from app.core.outbox import OutboxMessage
from app.identity.permissions import Role
from app.photos import actions, blurring
from app.photos.models import Photo, PhotoBlur
from app.photos.regions import Region
from app.photos.storage import PhotoStore
from district import IN_AN

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
PLACE = {"left": 0.1, "top": 0.2, "width": 0.25, "height": 0.125}


class Street:
    """A report in Phường An with one photo, in which a detector found a face and a plate."""

    def __init__(self, as_, district, session, store):
        self.as_, self.district, self.session = as_, district, session
        self.resident = district.resident()
        self.officer, self.chair = district.staff(Role.OFFICER, "90001"), district.staff(Role.CHAIR, "90001")
        self.leader, self.stranger = district.staff(Role.LEADER), district.staff(Role.OFFICER, "90002")
        self.report_id = new_id()
        sent = {"id": str(self.report_id), "kind": "SW01", "location": IN_AN, "photos": []}
        assert as_(self.resident).post("/api/v1/reports", json=sent).status_code == 201
        out = io.BytesIO()
        Image.new("RGB", (64, 48), "red").save(out, "JPEG")
        self.sha256 = hashlib.sha256(out.getvalue()).hexdigest()
        kept = actions.keep(store, io.BytesIO(out.getvalue()), sha256=self.sha256)
        actions.receive(session, store, kept, report_id=self.report_id, role="before", now=NOW)
        actions.copies_made(session, self.report_id, self.sha256, width=64, height=48, now=NOW)
        found = [Region("face", 0.5, 0.25, 0.125, 0.125, 0.9), Region("plate", 0.75, 0.75, 0.125, 0.0625, 0.5)]
        blurring.settle_blurs(session, self.report_id, self.sha256, found, NOW)
        blurring.public_copy_made(session, self.report_id, self.sha256, NOW)
        session.commit()
        self.url = f"/api/v1/reports/{self.report_id}/photos/{self.sha256}/blurs"

    def get(self, actor):
        return self.as_(actor).get(self.url)

    def add(self, actor, **said):
        return self.as_(actor).post(self.url, json={**PLACE, **said})

    def release(self, actor, blur_id):
        return self.as_(actor).delete(f"{self.url}/{blur_id}")

    def photo(self) -> Photo:
        return self.session.get_one(Photo, (self.report_id, self.sha256), populate_existing=True)

    def blurs(self) -> list[PhotoBlur]:
        asked = select(PhotoBlur).order_by(PhotoBlur.added_at, PhotoBlur.left)
        return list(self.session.scalars(asked.execution_options(populate_existing=True)))

    def promises(self) -> int:
        return len(self.session.scalars(select(OutboxMessage).where(OutboxMessage.topic == "photo.blur")).all())

    def course(self, actor) -> list[str]:
        answer = self.as_(actor).get(f"/api/v1/reports/{self.report_id}/timeline")
        return [entry["type"] for entry in answer.json["items"]]


@pytest.fixture
def street(as_, district, session, settings, monkeypatch) -> Street:
    monkeypatch.setattr(clock, "now", lambda: NOW + timedelta(minutes=1))
    return Street(as_, district, session, PhotoStore(settings.photos))


def test_the_unit_and_leaders_read_what_is_hidden(street):
    for actor, may_change in ((street.officer, True), (street.chair, True), (street.leader, False)):
        answer = street.get(actor)

        assert answer.status_code == 200
        assert answer.json["may_change"] is may_change
        assert answer.json["public_copy_at"] == NOW.isoformat()
        face, plate = sorted(answer.json["items"], key=lambda one: one["left"])
        assert {name: face[name] for name in ("what", "left", "top", "width", "height")} == {
            "what": "face", "left": 0.5, "top": 0.25, "width": 0.125, "height": 0.125,
        }  # fmt: skip
        assert (plate["what"], face["released_at"]) == ("plate", None)


def test_the_link_of_a_report_leads_there_for_those_who_may(street):
    def link(actor):
        return street.as_(actor).get(f"/api/v1/reports/{street.report_id}").json["links"]["blurs"]

    assert link(street.officer).replace("{sha256}", street.sha256) == street.url
    assert link(street.leader) == link(street.officer)
    assert link(street.resident) is None


def test_everybody_else_is_refused_and_another_unit_hears_of_no_such_report(street):
    [blur, _] = street.blurs()
    leader = (street.get(street.leader), street.add(street.leader), street.release(street.leader, blur.id))
    resident = (street.get(street.resident), street.add(street.resident), street.release(street.resident, blur.id))
    stranger = (street.get(street.stranger), street.add(street.stranger), street.release(street.stranger, blur.id))
    nobody = (street.get(None), street.add(None), street.release(None, blur.id))

    assert [answer.status_code for answer in leader] == [200, 403, 403]
    assert [answer.status_code for answer in resident] == [403, 403, 403]
    assert [answer.status_code for answer in stranger] == [404, 404, 404]
    assert {answer.json["code"] for answer in stranger} == {"report_not_found"}
    assert [answer.status_code for answer in nobody] == [401, 401, 401]
    assert len(street.blurs()) == 2
    assert street.promises() == 1


def test_an_officer_hides_a_place_and_until_the_copy_is_made_anew_there_is_none(street):
    answer = street.add(street.officer)

    assert answer.status_code == 201
    assert {name: answer.json[name] for name in PLACE} == PLACE
    assert (answer.json["what"], answer.json["score"]) == ("other", None)
    assert street.photo().blurred_at is None
    assert street.get(street.officer).json["public_copy_at"] is None
    assert street.promises() == 2
    added = next(blur for blur in street.blurs() if blur.id == UUID(answer.json["id"]))
    assert added.added_by == street.officer.person_id


def test_sent_again_with_its_id_it_is_one_place(street):
    blur_id = str(new_id())

    answers = [street.add(street.officer, id=blur_id) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [201, 200, 200]
    assert len(street.blurs()) == 3
    assert street.promises() == 2
    assert street.add(street.officer, id=blur_id, left=0.5).json["code"] == "blur_id_taken"
    assert street.add(street.chair, id=blur_id).json["code"] == "blur_id_taken"


def test_an_officer_releases_a_place_and_who_and_when_is_kept(street):
    [face, plate] = street.blurs()

    first, again = street.release(street.officer, plate.id), street.release(street.chair, plate.id)

    assert (first.status_code, again.status_code) == (204, 204)
    [face, plate] = street.blurs()
    assert (plate.released_by, plate.released_at) == (street.officer.person_id, NOW + timedelta(minutes=1))
    assert face.released_at is None
    assert street.promises() == 2
    assert street.photo().blurred_at == NOW  # the copy that hides more than it must stays until then
    told = {one["id"]: one["released_at"] for one in street.get(street.leader).json["items"]}
    assert told == {str(face.id): None, str(plate.id): (NOW + timedelta(minutes=1)).isoformat()}


def test_each_change_stands_on_the_course_for_the_unit_only(street):
    [face, _] = street.blurs()
    street.add(street.officer)
    street.release(street.chair, face.id)

    assert street.course(street.officer) == ["received", "blur_added", "blur_released"]
    assert street.course(street.leader) == ["received", "blur_added", "blur_released"]
    assert street.course(street.resident) == ["received"]
    row = street.session.execute(text("select by_id, data from timeline where type = 'blur_released'")).one()
    assert row == (street.chair.person_id, {"sha256": street.sha256, "blur": str(face.id)})


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"left": 1.0}, "region_outside"),
        ({"width": 0.0}, "region_outside"),
        ({"height": -0.2}, "region_outside"),
        ({"left": 7}, "input_invalid"),
        ({"left": "NaN"}, "input_invalid"),
        ({"id": "00000000-0000-5000-8000-000000000000"}, "input_invalid"),
        ({"top": None}, "input_invalid"),
        ({"what": "face"}, "input_invalid"),
    ],
)
def test_a_place_that_is_none_is_refused(street, said, code):
    answer = street.add(street.officer, **said)

    assert (answer.status_code, answer.json["code"]) == (422, code)
    assert len(street.blurs()) == 2


def test_a_person_hides_at_most_a_hundred_places(street, monkeypatch):
    monkeypatch.setattr(blurring, "MOST_ADDED_BLURS", 2)

    answers = [street.add(street.officer) for _ in range(3)]
    street.release(street.officer, answers[0].json["id"])
    answers.append(street.add(street.officer))

    assert [answer.status_code for answer in answers] == [201, 201, 422, 201]
    assert answers[2].json["code"] == "too_many_blurs"


def test_what_is_not_there_is_not_found(street, session):
    other = f"/api/v1/reports/{street.report_id}/photos/{'0' * 64}/blurs"
    client = street.as_(street.officer)

    assert client.get(other).json["code"] == "photo_not_found"
    assert client.post(other, json=PLACE).json["code"] == "photo_not_found"
    assert street.release(street.officer, new_id()).json["code"] == "blur_not_found"
    assert client.delete(f"{other}/{street.blurs()[0].id}").json["code"] == "photo_not_found"
    session.execute(text("update photos set state = 'erased'"))
    assert street.add(street.officer).json["code"] == "photo_not_found"
