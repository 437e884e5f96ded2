"""The words: as a person reads them, whole in both languages, and with nothing on a lock screen that is not for others."""

import re
import shutil
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

import peers
from app.notifications import texts
from app.notifications.channels import Message
from app.notifications.channels.gateway import Gateway, simple
from app.notifications.channels.outgoing import Outgoing
from app.notifications.news import Notice
from app.notifications.texts import TemplateFailed, TemplatesInvalid, Told
from app.targets.calendar import Calendar, spans
from app.targets.stopwatch import Stopwatch

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
REPORT = UUID("019ab000-0000-7000-8000-000000000001")
DATA = {"outcome": "remedied", "new": 3, "overdue": 7}
# Due at 10:54 local time.
CLOCK = Stopwatch(datetime(2026, 11, 23, 3, 54, tzinfo=UTC))
# The city's own name is as long as any.
CITY = "https://haigio.tphcm.gov.vn"


@pytest.fixture
def peer():
    with peers.http_peer() as peer:
        yield peer


def told(notice, **known) -> Told:
    usual = {
        "at": NOW,
        "data": DATA,
        "report_id": REPORT,
        "number": "BT-2611-0047",
        "kind_vi": "Lấn chiếm vỉa hè",
        "kind_en": "Sidewalk taken over",
        "unit": "Phường An",
        "clock": CLOCK,
    }
    return Told(id=UUID(int=1), notice=notice, **{**usual, **known})


@pytest.mark.parametrize(
    ("notice", "vi", "en"),
    [
        (
            Notice.RECEIVED,
            ("Đã nhận tin báo BT-2611-0047", "Tin “Lấn chiếm vỉa hè” đã được chuyển đến Phường An. Bạn sẽ được thông báo khi có kết quả."),
            ("Report BT-2611-0047 has been received", "Your report “Sidewalk taken over” went to Phường An. You will be told how it ends."),
        ),
        (
            Notice.CONCLUDED,
            ("Tin báo BT-2611-0047 đã có kết quả xử lý", "Phường An: Đã nhắc nhở, khắc phục tại chỗ. Vui lòng mở tin để xem chi tiết."),
            ("Report BT-2611-0047 has been dealt with", "Phường An: Warned, and put right on the spot. Please open the report for details."),
        ),
        (
            Notice.NEARLY_DUE,
            ("Sắp đến hạn: tin BT-2611-0047", "Tin “Lấn chiếm vỉa hè” tại Phường An còn 54 phút, đến hạn lúc 10:54."),
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
    for language, wanted in (("vi", vi), ("en", en)):
        words = texts.write(told(notice), language, NOW)
        assert (words.title, words.body) == wanted


def test_photos_are_promised_where_there_are_some():
    def bodies(notice, photos):
        return [texts.write(told(notice, data={**DATA, "photos": photos}), one, NOW).body for one in ("vi", "en")]

    for notice in (Notice.CONCLUDED, Notice.UPHELD):
        without, some = bodies(notice, 0), bodies(notice, 2)
        assert [body.endswith(end) for body, end in zip(without, ("để xem chi tiết.", "for details."), strict=True)]
        assert some[0].endswith("Vui lòng mở tin để xem chi tiết và hình ảnh.")
        assert some[1].endswith("Please open the report for details and photos.")
        assert "ảnh" not in without[0]


def test_a_question_says_until_when_it_can_be_answered_however_late_it_is_read():
    asked = told(Notice.QUESTION)  # at ten; the clock stands still for 24 hours
    late = NOW + timedelta(hours=20)
    assert texts.write(asked, "vi", NOW).body.endswith("Vui lòng mở tin và trả lời trước 10:00 ngày 24/11.")
    assert texts.write(asked, "en", NOW).body.endswith("Please open the report and answer before 10:00 on 24 November.")
    assert texts.write(asked, "vi", late).body.endswith("trả lời trước 10:00.")
    assert (
        texts.write(asked, "vi", NOW).short
        == "Hai Gio: vui long bo sung cho tin bao BT-2611-0047 truoc 10:00 ngay 24/11."
    )


def test_what_is_left_is_what_is_left_when_it_is_read():
    def body(clock, now):
        return texts.write(told(Notice.NEARLY_DUE, clock=clock), "vi", now).body

    assert body(CLOCK, NOW + timedelta(minutes=30, seconds=1)).endswith("còn 23 phút, đến hạn lúc 10:54.")
    assert body(CLOCK, NOW + timedelta(hours=2)).endswith("còn 0 phút, đến hạn lúc 10:54.")
    # Another day than the one on which it was told.
    assert body(CLOCK, NOW + timedelta(days=1)).endswith("đến hạn lúc 10:54 ngày 23/11.")
    # Stopped with 40 minutes left.
    stopped = Stopwatch(CLOCK.due_at, stopped_at=datetime(2026, 11, 23, 3, 14, tzinfo=UTC))
    assert body(stopped, NOW + timedelta(hours=5)).endswith("còn 40 phút, đến hạn lúc 10:54.")


def test_what_is_left_of_a_case_with_office_hours_is_time_of_the_office():
    """Monday 16:00, due on Tuesday at 08:30: from 16 to 17 and from 8 to 8:30, as the desk counts it."""
    hours = {weekday: spans(["08:00-12:00", "13:00-17:00"]) for weekday in range(1, 6)}
    office = Calendar("office", hours, years=frozenset({2026}))
    clock = Stopwatch(datetime(2026, 11, 24, 1, 30, tzinfo=UTC), calendar=office)
    words = texts.write(told(Notice.HALF_GONE, clock=clock), "vi", datetime(2026, 11, 23, 9, 0, tzinfo=UTC))
    assert words.body == "Tin “Lấn chiếm vỉa hè” tại Phường An còn 90 phút, đến hạn lúc 08:30 ngày 24/11."


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("notice", [Notice.QUESTION, Notice.CONCLUDED])
def test_a_text_fits_into_one_message_without_marks_with_its_link_once(peer, notice, language):
    """In the city's own words, to the city's own address, through the form in which gateways get it."""
    asked = told(notice, number="BT-2609-10000", at=datetime(2026, 9, 28, 17, 0, tzinfo=UTC))
    now = datetime(2026, 9, 28, 16, 0, tzinfo=UTC)
    words, link = texts.write(asked, language, now), texts.link(asked, CITY)
    message = Message(words.title, words.short, link, notice.value, language, texts.facts(asked, language, now, CITY))
    Gateway(simple(peer.url + "/send"), Outgoing()).send("+84912345678", message, key="k")
    sent = peer.got[0].json["text"]

    assert sent.isascii(), sent
    assert len(sent) <= 160, sent
    assert sent.count("https://") == sent.count(f"{CITY}/#report/{REPORT}") == 1


def test_an_address_with_which_no_text_fits_is_refused_at_the_start():
    texts.require_one_message(CITY)
    with pytest.raises(
        TemplatesInvalid, match=r"vi: question\.short and a link to https://.* are not one text message"
    ):
        texts.require_one_message("https://phan-anh-hien-truong.haigio.tphcm.gov.vn")


@pytest.mark.parametrize("notice", list(Notice))
def test_nothing_that_others_must_not_read_is_on_a_lock_screen(notice):
    for language in ("vi", "en"):
        template = texts.templates()[language][notice]
        names = set(re.findall(r"{(\w+)}", f"{template.title} {template.body}"))
        assert names <= {"number", "kind", "unit", "outcome", "left", "due", "until", "new", "overdue"}


@pytest.mark.parametrize("notice", list(Notice))
def test_words_of_other_things_stand_for_nothing_here(notice):
    template = texts.templates()["vi"][notice]
    for legal in ("khiếu nại", "tố cáo", "tái phạm"):
        assert legal not in f"{template.title} {template.body}".lower()


@pytest.mark.parametrize("notice", list(Notice))
def test_every_notice_can_be_written_in_both_languages(notice):
    for language in ("vi", "en"):
        words = texts.write(told(notice), language, NOW)
        assert "{" not in f"{words.title}{words.body}{words.short}"


def test_a_name_that_is_missing_is_told_by_notice_and_language_alone():
    with pytest.raises(TemplateFailed, match=r"concluded\.vi: KeyError 'unit'"):
        texts.write(told(Notice.CONCLUDED, unit=None), "vi", NOW)


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
    today, midnight = datetime(2026, 11, 23, 16, 59, tzinfo=UTC), datetime(2026, 11, 23, 17, 0, tzinfo=UTC)
    assert texts.moment(today, NOW, "vi") == texts.moment(today, NOW, "en") == "23:59"
    assert texts.moment(midnight, NOW, "vi") == "00:00 ngày 24/11"
    assert texts.moment(midnight, NOW, "en") == "00:00 on 24 November"


def test_where_a_notice_leads():
    def link(notice):
        return texts.link(told(notice), "https://haigio.example")

    own, case = f"https://haigio.example/#report/{REPORT}", f"https://haigio.example/desk#case/{REPORT}"
    # Also for staff who filed it: a volunteer has no desk.
    for notice in ("received", "accepted", "question", "message", "concluded", "reopened", "upheld"):
        assert link(Notice(notice)) == own, notice
    for notice in (
        "new_case", "handed_over", "assigned", "answered", "unanswered", "take_up_again", "contested", "instructed",
        "half_gone", "nearly_due", "overdue",
    ):  # fmt: skip
        assert link(Notice(notice)) == case, notice
    assert link(Notice.DIGEST) == "https://haigio.example/board"
    assert link(Notice.FOLLOWED_CONCLUDED) is None, "a follower may not open the case"


def test_a_digest_lists_its_cases_and_how_many_more_there_are():
    assert texts.listed(["BT-1", "BT-2"], 2, "vi") == "BT-1\nBT-2"
    assert texts.listed(["BT-1", "BT-2"], 12, "vi") == "BT-1\nBT-2\nvà 10 tin khác"
    assert texts.listed(["BT-1", "BT-2"], 12, "en") == "BT-1\nBT-2\nand 10 more"


@pytest.mark.parametrize(
    ("language", "old", "new", "fault"),
    [
        ("en", "[digest]", "[digets]", "en: unknown notice digets; en: digest needs body, title, and nothing else"),
        ("vi", "{new} tin vừa", "Nhiều tin vừa", "digest.title: other placeholders in vi than in en"),
        ("en", "{new} more", "{new.__class__} more", "en: digest.title is malformed"),
        ("en", "{new} more", "{new more", "en: digest.title is malformed"),
        ("vi", "tin bao {number} truoc", "tin báo {number} trước", "vi: question.short has letters with marks: it would cost two text messages"),
        ("vi", 'short = "Hai Gio: tin bao {number} da', 'longer = "', "vi: concluded needs body, short, title, with_photos, and nothing else"),
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
