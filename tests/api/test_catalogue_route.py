from datetime import UTC, datetime

import pytest

from app.reports import catalogue

PATH = "/api/v1/catalogue"


@pytest.fixture
def anybody(session, as_):
    catalogue.load(session, 1, catalogue.shipped(), datetime(2026, 4, 1, tzinfo=UTC))
    return as_()


def test_anybody_reads_what_may_be_reported(anybody):
    body = anybody.get(PATH).json
    assert [field["code"] for field in body["fields"]] == ["sidewalk", "environment", "construction"]
    assert len(body["kinds"]) == 31
    first = body["kinds"][0]
    assert (first["code"], first["field"], first["photo_required"]) == ("SW01", "sidewalk", True)
    assert first["name"] == first["name_vi"] != first["name_en"]
    assert [basis["decree"] for basis in first["legal"]] == ["168/2024/NĐ-CP"]
    assert body["targets"] == [
        {
            "minutes": 120,
            "calendar": None,
            "field": None,
            "kind": None,
            "unit": None,
            "urgent": None,
            "valid_from": "2023-12-31T17:00:00+00:00",
        }
    ]
    assert body["faq"][0]["answer"]
    assert body["min_app_version"] == "1.0.0"


def test_the_words_for_states_and_outcomes_are_those_of_the_service(anybody):
    body = anybody.get(PATH).json
    assert {state["code"]: state["name"] for state in body["states"]} == {
        "received": "Mới gửi đến",
        "accepted": "Đã tiếp nhận, đang xử lý",
        "on_site": "Đang kiểm tra tại hiện trường",
        "awaiting_resident": "Chờ người dân bổ sung",
        "concluded": "Đã có kết quả xử lý",
        "contested": "Người dân chưa đồng ý",
        "closed": "Đã kết thúc",
        "withdrawn": "Người dân rút tin",
    }
    assert {outcome["code"]: outcome["name"] for outcome in body["outcomes"]} == {
        "recorded": "Đã lập biên bản vi phạm",
        "remedied": "Đã nhắc nhở, khắc phục tại chỗ",
        "gone": "Đến nơi không còn vi phạm",
        "no_violation": "Không có hành vi vi phạm",
        "unfounded": "Tin không đúng sự thật",
        "duplicate": "Trùng tin đã có",
        "referred": "Chuyển cơ quan có thẩm quyền",
        "out_of_scope": "Không thuộc phạm vi tiếp nhận",
    }


def test_names_come_in_the_language_that_is_asked_for(anybody):
    english = anybody.get(PATH, headers={"Accept-Language": "en"})
    assert english.json["kinds"][0]["name"] == english.json["kinds"][0]["name_en"]
    assert english.headers["Content-Language"] == "en"
    assert "Accept-Language" in english.headers["Vary"]


def test_a_phone_that_has_it_is_spared_it(anybody):
    first = anybody.get(PATH)
    tag = first.headers["ETag"]
    assert first.headers["Cache-Control"] == "public, max-age=300"
    again = anybody.get(PATH, headers={"If-None-Match": tag})
    assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", tag)
    assert anybody.get(PATH, headers={"If-None-Match": tag, "Accept-Language": "en"}).status_code == 200
