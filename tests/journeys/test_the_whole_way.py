"""The story of one report, from a street in Bình Thạnh to the leader's figures, over real HTTP."""

import io
from datetime import datetime, timedelta

import httpx
import pytest
from PIL import Image

from running_copy import PLACES, photo

pytestmark = [pytest.mark.xdist_group("journeys"), pytest.mark.timeout(180)]


def test_a_photo_report_reaches_its_ward_and_is_dealt_with(copy):
    resident = copy.resident()
    officer, chair, leader = copy.staff("officer", "26929"), copy.staff("chair", "26929"), copy.staff("leader")
    figures_before = leader.get("/statistics/summary").json()
    before, after = photo(1), photo(2)

    # The phone says what and where, then sends the photo at its own pace.
    sent = resident.report(PLACES["26929"], note="Quán bày bàn ghế kín vỉa hè", address="Đối diện số 12 Lê Quang Định")
    report = sent.json()
    assert sent.status_code == 201
    assert (report["state"], report["ward"]["code"], report["clock"]) == ("received", "26929", "runs")
    assert 7190 <= report["seconds_left"] <= 7200
    _, answer = resident.send_photo(report["id"], before)
    assert answer.status_code == 201

    # The unit sees it within five seconds, with the clock and the moves that are open to them.
    def in_queue():
        page = officer.get("/queue", params={"limit": 200}).json()
        return next((item for item in page["items"] if item["id"] == report["id"]), None)

    item = copy.wait_until(in_queue, seconds=5)
    assert item["number"] == report["number"]
    assert {move["to"] for move in item["moves"]} == {"accepted", "received"}
    assert officer.move(report["id"], "accepted").json()["state"] == "accepted"
    assert officer.move(report["id"], "on_site").json()["state"] == "on_site"

    # The worker has made copies that people can look at; nobody gets the original.
    def copies():
        shown = officer.get(f"/reports/{report['id']}").json()["photos"]
        return shown[0]["urls"] if shown[0]["state"] == "ready" else None

    urls = copy.wait_until(copies, seconds=20)
    picture = httpx.get(f"http://127.0.0.1:{copy.port}{urls['thumb']}")
    assert max(Image.open(io.BytesIO(picture.content)).size) == 320

    # Concluding needs the photo of what is there now.
    given = {"outcome": "recorded", "note": "Đã lập biên bản, yêu cầu dọn bàn ghế"}
    refused = officer.move(report["id"], "concluded", **given)
    assert (refused.status_code, refused.json()["code"]) == (409, "photo_missing")
    sha256, answer = officer.send_photo(report["id"], after, role="after")
    assert answer.status_code == 201
    concluded = officer.move(report["id"], "concluded", **given, photos=[sha256])
    assert (concluded.status_code, concluded.json()["outcome"]) == (200, "recorded")

    # The decision is the chair's, and comes apart from the conclusion.
    decision = {"number": "145/QĐ-XPHC", "decided_on": _local_day(report["received_at"]), "fine_vnd": 2_500_000}
    assert officer.post(f"/reports/{report['id']}/decisions", decision).status_code == 403
    assert chair.post(f"/reports/{report['id']}/decisions", decision).status_code == 201
    assert chair.post(f"/reports/{report['id']}/decisions", decision).status_code == 200

    # The resident sees before and after, and the course of it, without the names of officers.
    def both():
        mine = resident.get(f"/reports/{report['id']}").json()
        return (
            mine
            if {(one["role"], one["state"]) for one in mine["photos"]} == {("before", "ready"), ("after", "ready")}
            else None
        )

    mine = copy.wait_until(both, seconds=20)
    assert (mine["state"], mine["fine_vnd"], mine["decisions"][0]["number"]) == ("concluded", 2_500_000, "145/QĐ-XPHC")
    course = resident.get(f"/reports/{report['id']}/timeline").json()["items"]
    assert [entry["type"] for entry in course] == ["received", "accept", "arrive", "conclude", "decision"]
    assert not any("name" in entry["by"] for entry in course)

    # A leader reads how long it took.
    figures = leader.get("/statistics/summary").json()
    assert figures["reports"] == figures_before["reports"] + 1
    assert figures["sanctioned"] == figures_before["sanctioned"] + 1
    assert figures["fines_vnd"] == figures_before["fines_vnd"] + 2_500_000
    assert figures["conclusion"]["p50_s"] < 7200


def test_another_ward_knows_nothing_of_it(copy):
    report = copy.resident().report(PLACES["26929"]).json()
    neighbour, stranger = copy.staff("officer", "26944"), copy.resident()

    for asker in (neighbour, stranger):
        assert asker.get(f"/reports/{report['id']}").json()["code"] == "report_not_found"
        assert asker.get(f"/reports/{report['id']}/timeline").status_code == 404
        assert asker.move(report["id"], "accepted").status_code == 404
        assert asker.send_photo(report["id"], photo(3), role="after")[1].status_code == 404
    assert report["id"] not in neighbour.get("/queue", params={"limit": 200}).text


def test_a_contested_result_is_reviewed_by_the_chair(copy):
    resident = copy.resident()
    officer, chair = copy.staff("officer", "26944"), copy.staff("chair", "26944")
    report_id = resident.report(PLACES["26944"], kind="EN08").json()["id"]
    officer.move(report_id, "accepted")
    officer.move(report_id, "concluded", outcome="gone", note="Đến nơi đã im")

    contested = resident.move(report_id, "contested", reason="Họ lại mở loa ngay sau đó")
    assert (contested.json()["state"], contested.json()["clock"]) == ("contested", "runs")
    assert officer.move(report_id, "accepted", reason="Xem lại").status_code == 403
    assert chair.move(report_id, "accepted", reason="Đúng, xử lý lại").json()["state"] == "accepted"


def test_the_report_is_read_and_changed_by_its_version(copy):
    resident, officer = copy.resident(), copy.staff("officer", "26929")
    report_id = resident.report(PLACES["26929"]).json()["id"]
    first = resident.get(f"/reports/{report_id}")

    assert resident.get(f"/reports/{report_id}", headers={"If-None-Match": first.headers["ETag"]}).status_code == 304
    accepted = officer.post(
        f"/reports/{report_id}/moves", {"to": "accepted"}, headers={"If-Match": first.headers["ETag"]}
    )
    stale = officer.post(f"/reports/{report_id}/moves", {"to": "on_site"}, headers={"If-Match": first.headers["ETag"]})
    assert (accepted.status_code, stale.status_code, stale.json()["code"]) == (200, 412, "stale")
    assert resident.get(f"/reports/{report_id}", headers={"If-None-Match": first.headers["ETag"]}).status_code == 200


def _local_day(instant: str) -> str:
    return (datetime.fromisoformat(instant) + timedelta(hours=7)).date().isoformat()
