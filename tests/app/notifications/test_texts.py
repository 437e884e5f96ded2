"""The words: as a person reads them, whole in both languages, and with nothing on a lock screen that is not for others."""

import re
import shutil
from datetime import UTC, datetime
from uuid import UUID

import pytest

from app.notifications import texts
from app.notifications.news import Notice
from app.notifications.texts import TemplateFailed, TemplatesInvalid, Told, Words

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
REPORT = UUID("019ab000-0000-7000-8000-000000000001")
DATA = {
    "outcome": "remedied",
    "minutes": 54,
    "due_at": "2026-11-23T03:54:00+00:00",
    "new": 3,
    "overdue": 7,
}


def told(notice, **known) -> Told:
    usual = {
        "data": DATA,
        "report_id": REPORT,
        "number": "BT-2611-0047",
        "kind_vi": "Lấn chiếm vỉa hè",
        "kind_en": "Sidewalk taken over",
        "unit": "Phường An",
    }
    return Told(id=UUID(int=1), notice=notice, at=NOW, **{**usual, **known})


@pytest.mark.parametrize(
    ("notice", "vi", "en"),
    [
        (
            Notice.RECEIVED,
            ("Đã nhận tin báo BT-2611-0047", "Tin “Lấn chiếm vỉa hè” đã được chuyển đến Phường An. Bạn sẽ được báo khi có kết quả."),
            ("Report BT-2611-0047 has been received", "Your report “Sidewalk taken over” went to Phường An. You will be told how it ends."),
        ),
        (
            Notice.CONCLUDED,
            ("Tin báo BT-2611-0047 đã có kết quả xử lý", "Phường An: Đã nhắc nhở, khắc phục tại chỗ. Mở tin để xem chi tiết cùng ảnh trước và sau khi xử lý."),
            ("Report BT-2611-0047 has been dealt with", "Phường An: Warned, and put right on the spot. Open the report for details and the photos from before and after."),
        ),
        (
            Notice.NEARLY_DUE,
            ("Sắp đến hạn: tin BT-2611-0047", "“Lấn chiếm vỉa hè” tại Phường An còn 54 phút, đến hạn lúc 10:54."),
            ("Nearly due: report BT-2611-0047", "“Sidewalk taken over” at Phường An has 54 min left, until 10:54."),
        ),
        (
            Notice.DIGEST,
            ("3 tin vừa quá hạn", "Toàn thành phố hiện có 7 tin quá hạn chưa xong."),
            ("3 more cases are overdue", "In the whole city 7 cases are overdue and still open."),
        ),
    ],
)  # fmt: skip
def test_the_words(notice, vi, en):
    assert texts.write(told(notice), "vi") == Words(*vi, short=texts.write(told(notice), "vi").short)
    assert texts.write(told(notice), "en") == Words(*en, short=texts.write(told(notice), "en").short)


def test_a_text_fits_into_one_message_without_marks():
    for notice in (Notice.QUESTION, Notice.CONCLUDED):
        for language in ("vi", "en"):
            short = texts.write(told(notice), language, "https://haigio.example").short
            assert short.isascii(), short
            assert len(short.replace(f"https://haigio.example/#report/{REPORT}", "x" * 50)) <= 160, short


@pytest.mark.parametrize("notice", list(Notice))
def test_nothing_that_others_must_not_read_is_on_a_lock_screen(notice):
    for language in ("vi", "en"):
        template = texts.templates()[language][notice]
        names = set(re.findall(r"{(\w+)}", f"{template.title} {template.body}"))
        assert names <= {"number", "kind", "unit", "outcome", "left", "due", "new", "overdue"}


@pytest.mark.parametrize("notice", list(Notice))
def test_words_of_other_things_stand_for_nothing_here(notice):
    template = texts.templates()["vi"][notice]
    for legal in ("khiếu nại", "tố cáo", "tái phạm"):
        assert legal not in f"{template.title} {template.body}".lower()


@pytest.mark.parametrize("notice", list(Notice))
def test_every_notice_can_be_written_in_both_languages(notice):
    for language in ("vi", "en"):
        words = texts.write(told(notice), language)
        assert "{" not in f"{words.title}{words.body}{words.short}"


def test_a_name_that_is_missing_is_told_by_notice_and_language_alone():
    with pytest.raises(TemplateFailed, match=r"concluded\.vi: KeyError 'unit'"):
        texts.write(told(Notice.CONCLUDED, unit=None), "vi")


@pytest.mark.parametrize(
    ("minutes", "vi", "en"),
    [
        (0, "0 phút", "0 min"),
        (-3, "0 phút", "0 min"),
        (119, "119 phút", "119 min"),
        (120, "2 giờ", "2 h"),
        (200, "3 giờ 20 phút", "3 h 20 min"),
        (2879, "47 giờ 59 phút", "47 h 59 min"),
        (2880, "2 ngày", "2 days"),
        (5000, "3 ngày", "3 days"),
    ],
)
def test_how_long_is_left(minutes, vi, en):
    assert (texts.duration(minutes, "vi"), texts.duration(minutes, "en")) == (vi, en)


def test_a_time_of_another_day_is_said_with_its_date():
    assert texts.moment(datetime(2026, 11, 23, 16, 59, tzinfo=UTC), NOW) == "23:59"
    assert texts.moment(datetime(2026, 11, 23, 17, 0, tzinfo=UTC), NOW) == "00:00 24/11"


def test_where_a_notice_leads():
    def link(notice, *, is_staff):
        return texts.link(told(notice, is_staff=is_staff), "https://haigio.example")

    assert link(Notice.CONCLUDED, is_staff=False) == f"https://haigio.example/#report/{REPORT}"
    assert link(Notice.CONTESTED, is_staff=True) == f"https://haigio.example/desk#case/{REPORT}"
    assert link(Notice.DIGEST, is_staff=True) == "https://haigio.example/board"
    assert link(Notice.FOLLOWED_CONCLUDED, is_staff=False) is None, "a follower may not open the case"


@pytest.mark.parametrize(
    ("language", "old", "new", "fault"),
    [
        ("en", "[digest]", "[digets]", "en: unknown notice digets; en: digest needs body, title, and nothing else"),
        ("vi", "{new} tin vừa", "Nhiều tin vừa", "digest.title: other placeholders in vi than in en"),
        ("en", "{new} more", "{new.__class__} more", "en: digest.title is malformed"),
        ("en", "{new} more", "{new more", "en: digest.title is malformed"),
        ("vi", "tin bao {number} can", "tin báo {number} cần", "vi: question.short is not one text message (160 plain letters)"),
        ("vi", 'short = "Hai Gio: tin bao {number} da', 'longer = "', "vi: concluded needs body, short, title, and nothing else"),
    ],
)  # fmt: skip
def test_templates_with_a_fault_are_refused_at_the_start_by_name(tmp_path, language, old, new, fault):
    shutil.copytree(texts.TEMPLATES, tmp_path / "templates")
    file = tmp_path / "templates" / f"{language}.toml"
    words = file.read_text("utf-8")
    assert old in words
    file.write_text(words.replace(old, new, 1), "utf-8")
    with pytest.raises(TemplatesInvalid) as refused:
        texts.read(tmp_path / "templates")
    assert str(refused.value) == fault
